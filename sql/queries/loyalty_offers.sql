-- name: add_service
with added as (
    insert into services (partner_id, category, title, about, photo, price_points, created_by)
    select s.partner_id, %(category)s, %(title)s, %(about)s, %(photo)s, %(price_points)s, s.user_id
    from staff s
    where s.partner_id = %(partner_id)s
    and s.user_id = %(actor_id)s
    and s.role in ('owner', 'manager')
    and s.removed_at is null
    returning partner_id, id, created_by
), noted as (
    insert into loyalty_trail (partner_id, actor_id, action, subject)
    select partner_id, created_by, 'service.added', id::text
    from added
)
select id from added;

-- name: get_service
select s.partner_id, s.id, s.category, s.title, s.about, s.photo, s.price_points, s.status, s.reason, s.shown,
    s.created_at, p.title as partner, p.city
from services s
join partners p on p.id = s.partner_id
where s.partner_id = %(partner_id)s
and s.id = %(service_id)s;

-- name: list_services
-- A shop sees all of its own services, in every status.
select s.partner_id, s.id, s.category, s.title, s.about, s.photo, s.price_points, s.status, s.reason, s.shown,
    s.created_at, p.title as partner, p.city
from services s
join partners p on p.id = s.partner_id
where s.partner_id = %(partner_id)s
and s.id > %(after)s
order by s.id
limit %(limit)s;

-- name: browse_services
-- Clients see the approved services of approved shops.
select s.partner_id, s.id, s.category, s.title, s.about, s.photo, s.price_points, s.status, s.reason, s.shown,
    s.created_at, p.title as partner, p.city
from services s
join partners p on p.id = s.partner_id
where s.status = 'approved'
and s.shown
and p.status = 'approved'
and (%(city)s::text is null or p.city = %(city)s)
and (%(category)s::text is null or s.category = %(category)s)
and (%(partner_id)s::bigint is null or s.partner_id = %(partner_id)s)
and s.id > %(after)s
order by s.id
limit %(limit)s;

-- name: services_by_status
select s.partner_id, s.id, s.category, s.title, s.about, s.photo, s.price_points, s.status, s.reason, s.shown,
    s.created_at, p.title as partner, p.city
from services s
join partners p on p.id = s.partner_id
where s.status = %(status)s
and p.reason <> 'owner_erased'
and s.id > %(after)s
order by s.id
limit %(limit)s;

-- name: change_service
-- New words or a new picture are looked at again; price and visibility are the shop's own business.
update services s
set title = coalesce(%(title)s, s.title),
    about = coalesce(%(about)s, s.about),
    photo = coalesce(%(photo)s, s.photo),
    category = coalesce(%(category)s, s.category),
    price_points = coalesce(%(price_points)s, s.price_points),
    shown = coalesce(%(shown)s, s.shown),
    status = case when coalesce(%(title)s::text, %(about)s::text, %(photo)s::text) is null then s.status
        else 'pending' end
from staff a
where s.partner_id = %(partner_id)s
and s.id = %(service_id)s
and a.partner_id = s.partner_id
and a.user_id = %(actor_id)s
and a.role in ('owner', 'manager')
and a.removed_at is null
returning s.id;

-- name: decide_service
with changed as (
    update services
    set status = %(status)s,
        reason = %(reason)s,
        decided_at = clock_timestamp()
    where partner_id = %(partner_id)s
    and id = %(service_id)s
    and status <> %(status)s
    and (%(was)s::text is null or status = %(was)s)
    and (%(seen)s::text is null or md5(concat_ws(chr(31), title, about, photo)) = %(seen)s)
    returning partner_id, id
), noted as (
    insert into loyalty_trail (partner_id, actor_id, action, subject, after)
    select partner_id, %(actor_id)s, 'service.' || %(status)s, id::text, jsonb_build_object('reason', %(reason)s::text)
    from changed
)
select id from changed;

-- name: add_promotion
with added as (
    insert into promotions (partner_id, kind, title, about, photo, multiplier_bp, extra_points, starts_on, ends_on,
        weekdays, min_bill_minor, daily_limit, city, created_by)
    select s.partner_id, %(kind)s, %(title)s, %(about)s, %(photo)s, %(multiplier_bp)s, %(extra_points)s,
        %(starts_on)s, %(ends_on)s, %(weekdays)s, %(min_bill_minor)s, %(daily_limit)s, %(city)s, s.user_id
    from staff s
    where s.partner_id = %(partner_id)s
    and s.user_id = %(actor_id)s
    and s.role in ('owner', 'manager')
    and s.removed_at is null
    returning partner_id, id, created_by
), noted as (
    insert into loyalty_trail (partner_id, actor_id, action, subject)
    select partner_id, created_by, 'promotion.added', id::text
    from added
)
select id from added;

-- name: get_promotion
select o.partner_id, o.id, o.kind, o.title, o.about, o.photo, o.multiplier_bp, o.extra_points, o.starts_on, o.ends_on,
    o.weekdays, o.min_bill_minor, o.daily_limit, o.city, o.status, o.reason, o.shown, o.created_at, p.title as partner,
    p.city as partner_city
from promotions o
join partners p on p.id = o.partner_id
where o.partner_id = %(partner_id)s
and o.id = %(promotion_id)s;

-- name: list_promotions
select o.partner_id, o.id, o.kind, o.title, o.about, o.photo, o.multiplier_bp, o.extra_points, o.starts_on, o.ends_on,
    o.weekdays, o.min_bill_minor, o.daily_limit, o.city, o.status, o.reason, o.shown, o.created_at, p.title as partner,
    p.city as partner_city
from promotions o
join partners p on p.id = o.partner_id
where o.partner_id = %(partner_id)s
and (%(before)s::bigint is null or o.id < %(before)s)
order by o.id desc
limit %(limit)s;

-- name: browse_promotions
select o.partner_id, o.id, o.kind, o.title, o.about, o.photo, o.multiplier_bp, o.extra_points, o.starts_on, o.ends_on,
    o.weekdays, o.min_bill_minor, o.daily_limit, o.city, o.status, o.reason, o.shown, o.created_at, p.title as partner,
    p.city as partner_city
from promotions o
join partners p on p.id = o.partner_id
where o.status = 'approved'
and o.shown
and p.status = 'approved'
and o.ends_on >= %(today)s
and (%(city)s::text is null or coalesce(o.city, p.city) = %(city)s)
and (%(category)s::text is null or p.category = %(category)s)
and (%(partner_id)s::bigint is null or o.partner_id = %(partner_id)s)
and (%(before)s::bigint is null or o.id < %(before)s)
order by o.id desc
limit %(limit)s;

-- name: promotions_by_status
select o.partner_id, o.id, o.kind, o.title, o.about, o.photo, o.multiplier_bp, o.extra_points, o.starts_on, o.ends_on,
    o.weekdays, o.min_bill_minor, o.daily_limit, o.city, o.status, o.reason, o.shown, o.created_at, p.title as partner,
    p.city as partner_city
from promotions o
join partners p on p.id = o.partner_id
where o.status = %(status)s
and p.reason <> 'owner_erased'
and o.id > %(after)s
order by o.id
limit %(limit)s;

-- name: show_promotion
update promotions o
set shown = %(shown)s
from staff a
where o.partner_id = %(partner_id)s
and o.id = %(promotion_id)s
and a.partner_id = o.partner_id
and a.user_id = %(actor_id)s
and a.role in ('owner', 'manager')
and a.removed_at is null
returning o.id;

-- name: decide_promotion
with changed as (
    update promotions
    set status = %(status)s,
        reason = %(reason)s,
        decided_at = clock_timestamp()
    where partner_id = %(partner_id)s
    and id = %(promotion_id)s
    and status <> %(status)s
    and (%(was)s::text is null or status = %(was)s)
    and (%(seen)s::text is null or md5(concat_ws(chr(31), title, about, photo)) = %(seen)s)
    returning partner_id, id
), noted as (
    insert into loyalty_trail (partner_id, actor_id, action, subject, after)
    select partner_id, %(actor_id)s, 'promotion.' || %(status)s, id::text,
        jsonb_build_object('reason', %(reason)s::text)
    from changed
)
select id from changed;

-- name: list_tiers
select id, title, min_spent_minor, earn_bp
from tiers
where partner_id = %(partner_id)s
order by min_spent_minor
limit 10;

-- name: set_tiers
-- Replaces all tiers in one statement, so that no client falls between two of them.
with actor as (
    select s.partner_id
    from staff s
    where s.partner_id = %(partner_id)s
    and s.user_id = %(actor_id)s
    and s.role in ('owner', 'manager')
    and s.removed_at is null
), wanted as (
    select w.title, w.min_spent_minor, w.earn_bp
    from unnest(%(titles)s::text[], %(spents)s::bigint[], %(rates)s::integer[]) w (title, min_spent_minor, earn_bp)
), gone as (
    delete from tiers t
    using actor a
    where t.partner_id = a.partner_id
    and t.min_spent_minor not in (select min_spent_minor from wanted)
), saved as (
    insert into tiers as t (partner_id, title, min_spent_minor, earn_bp)
    select a.partner_id, w.title, w.min_spent_minor, w.earn_bp
    from actor a, wanted w
    on conflict (partner_id, min_spent_minor) do update
    set title = excluded.title,
        earn_bp = excluded.earn_bp
), noted as (
    insert into loyalty_trail (partner_id, actor_id, action, after)
    select a.partner_id, %(actor_id)s, 'tiers.changed', jsonb_build_object('titles', to_jsonb(%(titles)s::text[]))
    from actor a
)
select partner_id from actor;
