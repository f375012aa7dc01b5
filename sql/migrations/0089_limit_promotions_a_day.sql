-- Extra points for a bill multiplied when the bill was split: a thousand in ten parts brought them ten times. A promotion
-- says for how many bills of one client a day it counts, and extra points always do.
alter table promotions add column daily_limit integer check (daily_limit between 1 and 100);

select set_config('app.platform', 'on', true);
update promotions set daily_limit = 1 where kind = 'extra';

alter table promotions add constraint promotions_extra_limited check (kind <> 'extra' or daily_limit is not null);

create index point_txns_promotion on point_txns (partner_id, member_id, promotion_id, created_at)
    where promotion_id is not null;

-- A bill earns at the tier's rate, rounded down once, for the whole of it; of the promotions the one that gives most
-- counts. Many small reads, as a join of them all costs Postgres more to set up than to run.
create or replace function read_desk(
    m members, p_actor_id bigint, p_key text, p_bill_minor bigint, p_points bigint, p_at timestamptz
) returns point_desk language plpgsql stable as $$
declare
    d point_desk;
    town text;
    bp bigint;
    tier_bp bigint;
    here timestamp;
    more bigint;
    offer_id bigint;
begin
    d.member_id := m.id;
    d.user_id := m.user_id;
    d.referrer_id := m.referrer_id;
    d.owed := m.owed;
    d.at := p_at;
    select id, req_hash into d.done_id, d.done_hash
    from point_txns
    where partner_id = m.partner_id and idem_key = p_key;
    if d.done_id is not null then
        return d;
    end if;
    select id, status, reason, tz, minor_per_point, max_pay_pct, earn_on_rest, max_bill_minor, hold_days, expire_days,
        referral_levels, city, earn_bp
    into d.partner_id, d.status, d.reason, d.tz, d.minor_per_point, d.max_pay_pct, d.earn_on_rest, d.max_bill_minor,
        d.hold_days, d.expire_days, d.referral_levels, town, bp
    from partners
    where id = m.partner_id;
    select role, coalesce(city, town) into d.role, town
    from staff
    where partner_id = m.partner_id and user_id = p_actor_id and removed_at is null;
    select max(balance) filter (where kind = 'available'), max(balance) filter (where kind = 'pending')
    into d.available, d.pending
    from point_accounts
    where partner_id = m.partner_id and member_id = m.id;
    if p_bill_minor is null or p_bill_minor > d.max_bill_minor then
        return d;
    end if;
    select earn_bp into tier_bp
    from tiers
    where partner_id = m.partner_id and min_spent_minor <= m.spent_minor
    order by min_spent_minor desc
    limit 1;
    bp := coalesce(tier_bp, bp);
    here := p_at at time zone d.tz;
    d.most := p_bill_minor * d.max_pay_pct / (100::bigint * d.minor_per_point);
    if p_points not between 0 and d.most then
        return d;
    end if;
    d.paid_minor := p_bill_minor - p_points * d.minor_per_point;
    d.earned := d.paid_minor * bp / (10000::bigint * d.minor_per_point);
    select id, d.paid_minor * bp * multiplier_bp / (10000::bigint * 10000 * d.minor_per_point) + extra_points
    into offer_id, more
    from promotions o
    where partner_id = m.partner_id
    and status = 'approved'
    and shown
    and ends_on >= here::date
    and kind <> 'news'
    and starts_on <= here::date
    and min_bill_minor <= d.paid_minor
    and weekdays & (1 << (extract(isodow from here)::integer - 1)) <> 0
    and (city is null or lower(city) = lower(town))
    and (daily_limit is null or daily_limit > (
        select count(*)
        from point_txns t
        where t.partner_id = m.partner_id
        and t.member_id = m.id
        and t.promotion_id = o.id
        and t.created_at >= shop_midnight(d.tz, p_at, 0)
        and not exists (select from point_txns r where r.partner_id = t.partner_id and r.reverses_id = t.id)
    ))
    order by 2 desc, id
    limit 1;
    if more > d.earned then
        d.earned := more;
        d.promotion_id := offer_id;
    end if;
    return d;
end $$;
