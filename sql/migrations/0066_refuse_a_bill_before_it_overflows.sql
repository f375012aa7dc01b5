-- A bill over the shop's limit earns nothing to be computed: the product of a huge one is no bigint, and the operation
-- would end with Postgres' error instead of its own.
create or replace function read_desk(
    m members, p_actor_id bigint, p_key text, p_bill_minor bigint, p_points bigint, p_at timestamptz
) returns point_desk language plpgsql stable as $$
declare
    d point_desk;
    town text;
    bp bigint;
    here timestamp;
    offer record;
    more bigint;
begin
    d.member_id := m.id;
    d.user_id := m.user_id;
    d.referrer_id := m.referrer_id;
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
    select coalesce((
        select earn_bp
        from tiers
        where partner_id = m.partner_id and min_spent_minor <= m.spent_minor
        order by min_spent_minor desc
        limit 1
    ), bp) into bp;
    here := p_at at time zone d.tz;
    d.most := p_bill_minor * d.max_pay_pct / (100::bigint * d.minor_per_point);
    d.paid_minor := p_bill_minor - p_points * d.minor_per_point;
    d.earned := d.paid_minor * bp / (10000::bigint * d.minor_per_point);
    for offer in
        select id, starts_on, kind, weekdays, min_bill_minor, city, multiplier_bp::bigint, extra_points
        from promotions
        where partner_id = m.partner_id and status = 'approved' and shown and ends_on >= here::date
        order by id
    loop
        continue when offer.starts_on > here::date
            or offer.kind = 'news'
            or offer.weekdays & (1 << (extract(isodow from here)::integer - 1)) = 0
            or d.paid_minor < offer.min_bill_minor
            or lower(offer.city) <> lower(town);
        more := d.paid_minor * bp * offer.multiplier_bp / (10000::bigint * 10000 * d.minor_per_point)
            + offer.extra_points;
        if more > d.earned then
            d.earned := more;
            d.promotion_id := offer.id;
        end if;
    end loop;
    return d;
end $$;
