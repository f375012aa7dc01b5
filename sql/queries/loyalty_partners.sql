-- name: apply_partner
select apply_partner(%(owner_id)s, %(fields)s);

-- name: get_partner
select id, code, owner_id, title, about, city, address, category, contact, photo, status, reason, tz, minor_per_point,
    earn_bp, max_pay_pct, earn_on_rest, max_bill_minor, hold_days, expire_days, remind_days, welcome_points,
    birthday_points, referral_levels, referral_bp, referral_hold_days, referral_cap_receipt, referral_cap_month,
    quick_amounts, confirm_spending, created_at, decided_at
from partners
where id = %(partner_id)s;

-- name: opening_hours
select hours
from partners
where id = %(partner_id)s;

-- name: get_partner_by_code
select id, code, owner_id, title, about, city, address, category, contact, photo, status, reason, tz, minor_per_point,
    earn_bp, max_pay_pct, earn_on_rest, max_bill_minor, hold_days, expire_days, remind_days, welcome_points,
    birthday_points, referral_levels, referral_bp, referral_hold_days, referral_cap_receipt, referral_cap_month,
    quick_amounts, confirm_spending, created_at, decided_at
from partners
where code = %(code)s;

-- name: list_partners
-- The catalogue of a city, oldest shop first; its index is partners_city.
select id, code, owner_id, title, about, city, address, category, contact, photo, status, reason, tz, minor_per_point,
    earn_bp, max_pay_pct, earn_on_rest, max_bill_minor, hold_days, expire_days, remind_days, welcome_points,
    birthday_points, referral_levels, referral_bp, referral_hold_days, referral_cap_receipt, referral_cap_month,
    quick_amounts, confirm_spending, created_at, decided_at
from partners
where status = 'approved'
and (%(city)s::text is null or city = %(city)s)
and (%(category)s::text is null or category = %(category)s)
and id > %(after)s
order by id
limit %(limit)s;

-- name: list_partners_by_status
select id, code, owner_id, title, about, city, address, category, contact, photo, status, reason, tz, minor_per_point,
    earn_bp, max_pay_pct, earn_on_rest, max_bill_minor, hold_days, expire_days, remind_days, welcome_points,
    birthday_points, referral_levels, referral_bp, referral_hold_days, referral_cap_receipt, referral_cap_month,
    quick_amounts, confirm_spending, created_at, decided_at
from partners
where status = %(status)s
and id > %(after)s
order by id
limit %(limit)s;

-- name: find_partners
select id, code, owner_id, title, about, city, address, category, contact, photo, status, reason, tz, minor_per_point,
    earn_bp, max_pay_pct, earn_on_rest, max_bill_minor, hold_days, expire_days, remind_days, welcome_points,
    birthday_points, referral_levels, referral_bp, referral_hold_days, referral_cap_receipt, referral_cap_month,
    quick_amounts, confirm_spending, created_at, decided_at
from partners
where id > %(after)s
and (title ilike '%%' || %(words)s || '%%' or code = %(words)s or id::text = %(words)s)
order by id
limit %(limit)s;

-- name: cities
select city as name, count(*) as number
from partners
where status = 'approved'
group by city
order by number desc, city
limit %(limit)s;

-- name: categories
select category as name, count(*) as number
from partners
where status = 'approved'
and (%(city)s::text is null or city = %(city)s)
group by category
order by number desc, category
limit %(limit)s;

-- name: change_partner
-- Only the named fields change; their values before the change go into the trail.
with before as (
    select id, to_jsonb(p) as row
    from partners p
    where id = %(partner_id)s
), changed as (
    update partners p
    set title = f.title,
        about = f.about,
        city = f.city,
        address = f.address,
        category = f.category,
        contact = f.contact,
        photo = f.photo,
        tz = f.tz,
        minor_per_point = f.minor_per_point,
        earn_bp = f.earn_bp,
        max_pay_pct = f.max_pay_pct,
        earn_on_rest = f.earn_on_rest,
        max_bill_minor = f.max_bill_minor,
        hold_days = f.hold_days,
        expire_days = f.expire_days,
        remind_days = f.remind_days,
        welcome_points = f.welcome_points,
        birthday_points = f.birthday_points,
        referral_levels = f.referral_levels,
        referral_bp = f.referral_bp,
        referral_hold_days = f.referral_hold_days,
        referral_cap_receipt = f.referral_cap_receipt,
        referral_cap_month = f.referral_cap_month,
        quick_amounts = f.quick_amounts,
        confirm_spending = f.confirm_spending,
        hours = f.hours
    from before b, jsonb_populate_record(null::partners, b.row || %(fields)s) f
    where p.id = b.id
    and exists (
        select
        from staff s
        where s.partner_id = b.id
        and s.user_id = %(actor_id)s
        and s.role in ('owner', 'manager')
        and s.removed_at is null
    )
    returning p.id
), noted as (
    insert into loyalty_trail (partner_id, actor_id, action, subject, before, after)
    select c.id, %(actor_id)s, 'partner.changed', c.id::text,
        (select jsonb_object_agg(k, b.row -> k) from before b, jsonb_object_keys(%(fields)s) k) - 'contact',
        %(fields)s - 'contact'
    from changed c
)
select id from changed;

-- name: decide_partner
with before as (
    select id, status, reason
    from partners
    where id = %(partner_id)s
    for no key update
), changed as (
    update partners p
    set status = %(status)s,
        reason = %(reason)s,
        decided_at = clock_timestamp()
    from before b
    where p.id = b.id
    and b.status <> %(status)s
    and not is_erased(p.owner_id)
    and (%(was)s::text is null or b.status = %(was)s)
    and (%(seen)s::text is null or md5(concat_ws(chr(31), p.title, p.about, p.photo)) = %(seen)s)
    returning p.id
), noted as (
    insert into loyalty_trail (partner_id, actor_id, action, subject, before, after)
    select c.id, %(actor_id)s, 'partner.' || %(status)s, c.id::text,
        jsonb_build_object('status', b.status, 'reason', b.reason),
        jsonb_build_object('status', %(status)s::text, 'reason', %(reason)s::text)
    from changed c
    join before b on b.id = c.id
)
select id from changed;

-- name: trail
select t.id, t.partner_id, coalesce(p.title, '') as title, t.actor_id,
    coalesce(nullif(u.first_name, ''), u.username, '') as actor, t.action, t.subject, t.before, t.after, t.created_at
from loyalty_trail t
left join partners p on p.id = t.partner_id
left join users u on u.id = t.actor_id
where (%(partner_id)s::bigint is null or t.partner_id = %(partner_id)s)
and (%(before)s::bigint is null or t.id < %(before)s)
order by t.id desc
limit %(limit)s;
