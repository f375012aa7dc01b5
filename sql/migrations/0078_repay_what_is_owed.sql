-- What a reversal could not take back was owed for ever, unless the spending was reversed as well: buy, spend the points,
-- return the goods, keep what the points have paid. The next purchase's points repay it now.
alter type point_receipt add attribute recovered bigint;
alter type point_desk add attribute owed bigint;

drop function receipt_of(point_txns, point_txns, bigint, text, boolean);

-- `t` has the balances after all that went with it.
create function receipt_of(
    t point_txns, rest point_txns, p_user_id bigint, p_code text, p_repeated boolean, p_recovered bigint default 0
) returns point_receipt language plpgsql as $$
declare
    -- an operation ends here, and so does its scope, also inside a longer transaction
    scope text := set_config('app.tenant', '', true);
begin
    return (t.id, t.member_id, p_user_id, t.kind, t.points,
        coalesce(rest.points, case when t.kind = 'accrue' then t.points else 0 end), t.missing, t.bill_minor,
        t.paid_minor, t.available_after, t.pending_after, coalesce(rest.promotion_id, t.promotion_id),
        coalesce(rest.active_at, t.active_at), coalesce(rest.expires_at, t.expires_at), t.created_at, p_code,
        p_repeated, p_recovered)::point_receipt;
end $$;

-- The answer to a key that came before.
create or replace function receipt_again(p_partner_id bigint, p_txn_id bigint, p_user_id bigint) returns point_receipt
language plpgsql as $$
declare
    t point_txns;
    rest point_txns;
    recovered bigint;
begin
    select * into t from point_txns where partner_id = p_partner_id and id = p_txn_id;
    select * into rest
    from point_txns
    where partner_id = p_partner_id and parent_id = p_txn_id and kind = 'accrue' and t.kind = 'redeem';
    -- as it was after the last that went with it
    select (array_agg(available_after order by id desc))[1], (array_agg(pending_after order by id desc))[1],
        sum(missing), coalesce(sum(points) filter (where kind = 'recover'), 0)
    into t.available_after, t.pending_after, t.missing, recovered
    from point_txns
    where partner_id = p_partner_id
    and idem_key in (t.idem_key, t.idem_key || ':owed', t.idem_key || ':rest', t.idem_key || ':rest:owed');
    return receipt_of(t, rest, p_user_id, (
        select code from vouchers where partner_id = p_partner_id and txn_id = p_txn_id
    ), true, recovered);
end $$;

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
    from promotions
    where partner_id = m.partner_id
    and status = 'approved'
    and shown
    and ends_on >= here::date
    and kind <> 'news'
    and starts_on <= here::date
    and min_bill_minor <= d.paid_minor
    and weekdays & (1 << (extract(isodow from here)::integer - 1)) <> 0
    and (city is null or lower(city) = lower(town))
    order by 2 desc, id
    limit 1;
    if more > d.earned then
        d.earned := more;
        d.promotion_id := offer_id;
    end if;
    return d;
end $$;

-- New points of a purchase first repay what earlier reversals could not take back, out of their own lot.
create function repay_owed(t point_txns, p_owed bigint, p_from text) returns point_txns language plpgsql as $$
declare
    back point_txns;
begin
    back.partner_id := t.partner_id;
    back.member_id := t.member_id;
    back.kind := 'recover';
    back.idem_key := t.idem_key || ':owed';
    back.req_hash := t.req_hash;
    back.actor_id := t.actor_id;
    back.parent_id := t.id;
    back.points := least(p_owed, t.points);
    back.available_after := t.available_after;
    back.pending_after := t.pending_after;
    back.created_at := t.created_at;
    back := post_points(back, p_from, 'issued');
    with lot as (
        update point_lots
        set remaining = remaining - back.points
        where partner_id = t.partner_id and txn_id = t.id
        returning id
    )
    insert into point_lot_uses (partner_id, txn_id, lot_id, points)
    select t.partner_id, back.id, lot.id, back.points from lot;
    update members set owed = owed - back.points where partner_id = t.partner_id and id = t.member_id;
    return back;
end $$;

-- What the bill has earned, which may be nothing; p_spent as in post_points. The balances are those after all of it.
create or replace function earn_points(d point_desk, t point_txns, p_spent bigint) returns point_txns language plpgsql as $$
declare
    back point_txns;
begin
    t.points := d.earned;
    t.promotion_id := d.promotion_id;
    t := issue_points(t, d.tz, d.expire_days, d.hold_days, p_spent);
    if d.referrer_id is not null and d.referral_levels > 0 then
        perform queue_referrals(d.partner_id, t.id, t.id::text);
    end if;
    if d.owed > 0 then
        back := repay_owed(t, d.owed, case when d.hold_days > 0 then 'pending' else 'available' end);
        t.available_after := back.available_after;
        t.pending_after := back.pending_after;
    end if;
    return t;
end $$;

create or replace function accrue_points(
    p_partner_id bigint, p_member_id bigint, p_actor_id bigint, p_key text, p_bill_minor bigint, p_now timestamptz
) returns point_receipt language plpgsql set role to lotok_till
    set plan_cache_mode to force_generic_plan set enable_seqscan to off as $$
declare
    asked bytea := sha256(convert_to(concat_ws(':', 'accrue', p_member_id, p_bill_minor), 'UTF8'));
    d point_desk;
    t point_txns;
begin
    d := open_desk(p_partner_id, p_member_id, p_actor_id, '{owner,manager,cashier}', p_key, asked, p_bill_minor, 0, p_now);
    if d.done_id is not null then
        return receipt_again(p_partner_id, d.done_id, d.user_id);
    end if;
    if (p_bill_minor between 1 and d.max_bill_minor) is not true then
        perform refuse_bill(d, p_bill_minor);
    end if;
    if d.earned = 0 then
        raise exception using errcode = 'LK400', message = 'bill_too_small', detail = p_bill_minor::text;
    end if;
    t := new_points(d, 'accrue', p_key, asked, p_actor_id);
    t.bill_minor := p_bill_minor;
    t.paid_minor := p_bill_minor;
    t := earn_points(d, t, p_bill_minor);
    return receipt_of(t, null, d.user_id, null, false, least(d.owed, t.points));
end $$;

create or replace function redeem_points(
    p_partner_id bigint, p_member_id bigint, p_actor_id bigint, p_key text, p_bill_minor bigint, p_points bigint,
    p_now timestamptz
) returns point_receipt language plpgsql set role to lotok_till
    set plan_cache_mode to force_generic_plan set enable_seqscan to off as $$
declare
    asked bytea := sha256(convert_to(concat_ws(':', 'redeem', p_member_id, p_bill_minor, p_points), 'UTF8'));
    d point_desk;
    t point_txns;
    rest point_txns;
begin
    d := open_desk(p_partner_id, p_member_id, p_actor_id, '{owner,manager,cashier}', p_key, asked, p_bill_minor,
        p_points, p_now);
    if d.done_id is not null then
        return receipt_again(p_partner_id, d.done_id, d.user_id);
    end if;
    if (p_bill_minor between 1 and d.max_bill_minor) is not true then
        perform refuse_bill(d, p_bill_minor);
    end if;
    if p_points is null or p_points <= 0 then
        raise exception using errcode = 'LK400', message = 'points_zero', detail = coalesce(p_points::text, '');
    end if;
    if p_points > d.most then
        raise exception using errcode = 'LK400', message = 'over_share', detail = d.most::text;
    end if;
    if d.available < p_points then
        perform refuse_short(d);
    end if;
    t := new_points(d, 'redeem', p_key, asked, p_actor_id);
    t.points := p_points;
    t.bill_minor := p_bill_minor;
    t.paid_minor := d.paid_minor;
    t := post_points(t, 'available', 'redeemed', t.paid_minor);
    perform use_lots(p_partner_id, p_member_id, t.id, p_points, null);
    if d.earn_on_rest and d.earned > 0 then
        rest := t;
        rest.kind := 'accrue';
        rest.idem_key := p_key || ':rest';
        rest.parent_id := t.id;
        rest.bill_minor := t.paid_minor;
        rest := earn_points(d, rest, null);
        t.available_after := rest.available_after;
        t.pending_after := rest.pending_after;
    end if;
    return receipt_of(t, rest, d.user_id, null, false, least(d.owed, coalesce(rest.points, 0)));
end $$;

-- Takes back new points: out of the lot while it waits, else out of the balance, its own lot first. What has been spent,
-- or has repaid what was owed, is written down as missing. The member's row is locked by the caller.
create or replace function take_back(t point_txns, r point_txns) returns point_txns language plpgsql as $$
declare
    lot point_lots;
    has bigint;
    expired bigint := 0;
begin
    select * into lot from point_lots where partner_id = t.partner_id and txn_id = t.id;
    if lot.pending then
        r.points := lot.remaining;
    else
        select balance into has
        from point_accounts
        where partner_id = t.partner_id and member_id = r.member_id and kind = 'available';
        select coalesce(sum(u.points), 0) into expired
        from point_lot_uses u
        join point_txns x on x.partner_id = u.partner_id and x.id = u.txn_id and x.kind = 'expire'
        where u.partner_id = lot.partner_id and u.lot_id = lot.id;
        r.points := least(t.points - expired, has);
    end if;
    r.missing := t.points - expired - r.points;
    r := post_points(r, case when lot.pending then 'pending' else 'available' end, 'issued');
    if lot.pending and lot.remaining > 0 then
        insert into point_lot_uses (partner_id, txn_id, lot_id, points)
        values (r.partner_id, r.id, lot.id, lot.remaining);
        update point_lots set remaining = 0 where partner_id = lot.partner_id and id = lot.id;
    elsif not lot.pending then
        perform use_lots(t.partner_id, r.member_id, r.id, r.points, t.id);
    end if;
    if r.missing > 0 then
        update members set owed = owed + r.missing where partner_id = r.partner_id and id = r.member_id;
    end if;
    return r;
end $$;

create or replace function reverse_points(
    p_partner_id bigint, p_txn_id bigint, p_actor_id bigint, p_key text, p_reason text, p_now timestamptz
) returns point_receipt language plpgsql set role to lotok_till
    set plan_cache_mode to force_generic_plan set enable_seqscan to off as $$
declare
    asked bytea := sha256(convert_to(concat_ws(':', 'reverse', p_txn_id), 'UTF8'));
    m members;
    p partners;
    had text;
    t point_txns;
    r point_txns;
    rest point_txns;
    at timestamptz;
begin
    perform set_config('app.tenant', p_partner_id::text, true);
    select * into t from point_txns where partner_id = p_partner_id and id = p_txn_id;
    if t.id is null then
        raise exception using errcode = 'LK404', message = 'no_operation', detail = p_txn_id::text;
    end if;
    m := lock_member(p_partner_id, t.member_id);
    while m.merged_into is not null loop
        m := lock_member(p_partner_id, m.merged_into);
    end loop;
    select * into r from point_txns where partner_id = p_partner_id and idem_key = p_key;
    if r.id is not null then
        perform refuse_reuse(p_key, asked, r.req_hash);
        return receipt_again(p_partner_id, r.id, m.user_id);
    end if;
    p := admit_staff(p_partner_id, p_actor_id, '{owner,manager,cashier}');
    at := coalesce(p_now, clock_timestamp());
    select role into had from staff where partner_id = p.id and user_id = p_actor_id;
    if had = 'cashier' and (t.actor_id is distinct from p_actor_id or t.created_at < at - interval '1 hour') then
        raise exception using errcode = 'LK403', message = 'role_too_low', detail = had;
    end if;
    if t.kind not in ('accrue', 'redeem', 'service', 'grant', 'welcome', 'birthday') or t.parent_id is not null then
        raise exception using errcode = 'LK409', message = 'not_reversible', detail = t.kind;
    end if;
    if exists (select from point_txns where partner_id = p.id and reverses_id = t.id) then
        raise exception using errcode = 'LK409', message = 'already_reversed', detail = t.id::text;
    end if;
    if t.kind = 'service' then
        update vouchers
        set cancelled_at = at
        where partner_id = p.id and txn_id = t.id and used_at is null;
    end if;
    perform settle_member(m, at);
    select * into rest from point_txns where partner_id = p.id and parent_id = t.id and kind = 'accrue';
    r := reverse_txn(t, m, p_actor_id, p_key, asked, p_reason, at);
    if rest.id is not null then
        rest := reverse_txn(rest, m, p_actor_id, p_key || ':rest', asked, p_reason, at);
        r.available_after := rest.available_after;
        r.pending_after := rest.pending_after;
        r.missing := rest.missing;
    end if;
    if t.kind in ('accrue', 'redeem') then
        update members
        set visits = greatest(visits - 1, 0),
            spent_minor = greatest(spent_minor - t.paid_minor, 0)
        where partner_id = p.id and id = m.id;
    end if;
    return receipt_of(r, null, m.user_id, null, false, (
        select coalesce(sum(points), 0)::bigint
        from point_txns
        where partner_id = p.id and parent_id = r.id and kind = 'recover'
    ));
end $$;
