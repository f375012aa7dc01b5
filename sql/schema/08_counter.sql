-- The operations at the counter: accrue, redeem, buy a service, grant, reverse.
--
-- Each is one call and one transaction of the ledger, done once under its key: a repetition gets the first answer, another
-- request under the same key is refused. It refuses before it writes, by the shop's rules as they are under the lock of
-- the member's row.

-- Requests of cashiers to spend points of clients who did not show their card; the client confirms each. `key_hash`: of
-- the operation's key; who made it and whose it is stand in its rows.
create table spend_requests (
    partner_id bigint not null,
    id bigint generated always as identity,
    key_hash bytea not null,
    member_id bigint not null,
    actor_id bigint not null,
    bill_minor bigint not null,
    points bigint not null check (points > 0),
    asked_at timestamptz not null default clock_timestamp(),
    expires_at timestamptz not null,
    confirmed_at timestamptz,
    refused_at timestamptz,
    primary key (partner_id, id),
    foreign key (partner_id, member_id) references members (partner_id, id),
    check (num_nonnulls(confirmed_at, refused_at) < 2)
);

create index spend_requests_key on spend_requests (partner_id, key_hash);

alter table spend_requests enable row level security, force row level security;
create policy tenant on spend_requests to lotok_app using (sees(partner_id));
create policy till on spend_requests for select to lotok_till using (serves(partner_id));

grant select on spend_requests to lotok_till;

-- Counts the bills of a day to which a promotion was applied, whichever card of the person they went to: two accounts may
-- have become one since, or an account was erased and begun again. Purchases that were taken back do not count.
create function times_given(m members, p_promotion_id bigint, p_since timestamptz) returns bigint
language sql stable as $$
    with recursive own as (
        select m.id
        union
        select e.id
        from unnest(accounts_of(m.user_id)) a (id)
        join members e on e.user_id = a.id
        where a.id <> m.user_id
        and e.partner_id = m.partner_id
        union
        select g.id
        from own
        join members g on g.partner_id = m.partner_id and g.merged_into = own.id
    )
    select count(*)
    from own
    join point_txns t on t.partner_id = m.partner_id and t.member_id = own.id
    where t.promotion_id = p_promotion_id
    and t.created_at >= p_since
    and not exists (select from point_txns r where r.partner_id = t.partner_id and r.reverses_id = t.id);
$$;

-- The facts that an operation needs, in one read: the shop's rules, the actor, the member, and what the key did before.
create type point_desk as (
    partner_id bigint, status text, reason text, tz text, minor_per_point integer, max_pay_pct integer,
    earn_on_rest boolean, max_bill_minor bigint, hold_days integer, expire_days integer, referral_levels integer,
    role text, member_id bigint, user_id bigint, referrer_id bigint, available bigint, pending bigint, most bigint,
    paid_minor bigint, earned bigint, promotion_id bigint, done_id bigint, done_hash bytea, at timestamptz, owed bigint
);

-- A bill earns at the tier's rate, rounded down once, for the whole of it; of the promotions the one that gives most
-- counts. Many small reads, as a join of them all costs Postgres more to set up than to run.
-- Long: it is on the path of every operation, and each function that it were split into would cost a call.
create function read_desk(
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
    -- the member, and what the key did before
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
    -- the shop, the actor, the balances
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
    -- the member's rate, and what of the bill is paid in money
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
    -- the promotion that gives most
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
    and (daily_limit is null or daily_limit > times_given(m, o.id, shop_midnight(d.tz, p_at, 0)))
    order by 2 desc, id
    limit 1;
    if more > d.earned then
        d.earned := more;
        d.promotion_id := offer_id;
    end if;
    return d;
end $$;

-- Begins every operation: waits for the member, reads, refuses, and settles what has come due.
create function open_desk(
    p_partner_id bigint, p_member_id bigint, p_actor_id bigint, p_roles text[], p_key text, p_hash bytea,
    p_bill_minor bigint, p_points bigint, p_now timestamptz
) returns point_desk language plpgsql as $$
declare
    scope text := set_config('app.tenant', p_partner_id::text, true);
    m members := lock_member(p_partner_id, p_member_id);
    at timestamptz := coalesce(p_now, clock_timestamp());
    d point_desk := read_desk(m, p_actor_id, p_key, p_bill_minor, p_points, at);
begin
    if d.done_id is not null then
        perform refuse_reuse(p_key, p_hash, d.done_hash);
        return d;
    end if;
    if (d.status = 'approved' and (p_roles is null or d.role = any (p_roles))) is not true then
        perform refuse_actor(p_partner_id, d.status, d.reason, p_actor_id, d.role, p_roles);
    end if;
    if m.left_at is not null or m.blocked_at is not null then
        perform refuse_closed(m);
    end if;
    if m.due_at <= at then
        perform settle_member(m, at);
        d := read_desk(m, p_actor_id, p_key, p_bill_minor, p_points, at);
    end if;
    return d;
end $$;

-- A receipt of somebody who was invited is looked at by a job: rewards need the referrers' rows, which are others'.
create function queue_referrals(p_partner_id bigint, p_receipt_id bigint, p_key text) returns void
language plpgsql as $$
begin
    insert into jobs (task, key, args, turn, max_attempts)
    values ('referrals', 'referrals:' || p_partner_id || ':' || p_key,
        jsonb_build_object('partner_id', p_partner_id, 'receipt_id', p_receipt_id),
        next_turn(null, 'referrals', 0::smallint), 10)
    on conflict (key) do nothing;
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
create function earn_points(d point_desk, t point_txns, p_spent bigint) returns point_txns language plpgsql as $$
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

create function refuse_bill(d point_desk, p_bill_minor bigint) returns void language plpgsql immutable as $$
begin
    if p_bill_minor is null or p_bill_minor <= 0 then
        raise exception using errcode = 'LK400', message = 'amount_zero', detail = coalesce(p_bill_minor::text, '');
    end if;
    if p_bill_minor > d.max_bill_minor then
        raise exception using errcode = 'LK400', message = 'amount_over_limit', detail = d.max_bill_minor::text;
    end if;
end $$;

-- A transaction of this member, not yet written; the balances are those before it.
create function new_points(d point_desk, p_kind text, p_key text, p_hash bytea, p_actor_id bigint) returns point_txns
language plpgsql immutable as $$
declare
    t point_txns;
begin
    t.partner_id := d.partner_id;
    t.member_id := d.member_id;
    t.kind := p_kind;
    t.idem_key := p_key;
    t.req_hash := p_hash;
    t.actor_id := p_actor_id;
    t.available_after := d.available;
    t.pending_after := d.pending;
    t.created_at := d.at;
    return t;
end $$;

-- The same bill of the same client a moment ago is as likely the same purchase: the cashier says that it is another one.
create function refuse_again(d point_desk, p_bill_minor bigint) returns void language plpgsql stable as $$
begin
    if exists (
        select
        from point_txns t
        where t.partner_id = d.partner_id
        and t.member_id = d.member_id
        and t.created_at > d.at - interval '2 minutes'
        and t.created_at <= d.at
        and t.kind in ('accrue', 'redeem')
        and t.parent_id is null
        and t.bill_minor = p_bill_minor
        and not exists (select from point_txns r where r.partner_id = t.partner_id and r.reverses_id = t.id)
    ) then
        raise exception using errcode = 'LK409', message = 'bill_again', detail = p_bill_minor::text;
    end if;
end $$;

-- Points of a client who did not show their card are spent only when they have agreed, to this very operation; a shop may
-- do without.
create function refuse_unconfirmed(d point_desk, p_actor_id bigint, p_key text, p_bill_minor bigint, p_points bigint)
returns void language plpgsql stable as $$
begin
    if (select confirm_spending from partners where id = d.partner_id) and not exists (
        select
        from spend_requests
        where partner_id = d.partner_id
        and key_hash = sha256(convert_to(p_key, 'UTF8'))
        and (member_id, actor_id, bill_minor, points) = (d.member_id, p_actor_id, p_bill_minor, p_points)
        and confirmed_at > d.at - interval '10 minutes'
    ) then
        raise exception using errcode = 'LK403', message = 'not_confirmed', detail = d.member_id::text;
    end if;
end $$;

-- p_again: also if the same bill was here a moment ago.
create function accrue_points(
    p_partner_id bigint, p_member_id bigint, p_actor_id bigint, p_key text, p_bill_minor bigint, p_now timestamptz,
    p_again boolean default true
) returns point_receipt language plpgsql security definer
    set plan_cache_mode to force_generic_plan set enable_seqscan to off set search_path to public, pg_temp as $$
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
    if not p_again then
        perform refuse_again(d, p_bill_minor);
    end if;
    t := new_points(d, 'accrue', p_key, asked, p_actor_id);
    t.bill_minor := p_bill_minor;
    t.paid_minor := p_bill_minor;
    t := earn_points(d, t, p_bill_minor);
    return receipt_of(t, null, d.user_id, null, false, least(d.owed, t.points));
end $$;

create function refuse_short(d point_desk) returns void language plpgsql immutable as $$
begin
    raise exception using errcode = 'LK409', message = 'short_of_points', detail = d.available::text;
end $$;

-- p_shown: the client has shown their card for it; p_again as above.
-- Long: the refusals stand in the order in which they are made, and a call for each would cost every operation.
create function redeem_points(
    p_partner_id bigint, p_member_id bigint, p_actor_id bigint, p_key text, p_bill_minor bigint, p_points bigint,
    p_now timestamptz, p_shown boolean default true, p_again boolean default true
) returns point_receipt language plpgsql security definer
    set plan_cache_mode to force_generic_plan set enable_seqscan to off set search_path to public, pg_temp as $$
declare
    asked bytea := sha256(convert_to(concat_ws(':', 'redeem', p_member_id, p_bill_minor, p_points), 'UTF8'));
    d point_desk;
    t point_txns;
    rest point_txns;
begin
    -- under the member's lock
    d := open_desk(p_partner_id, p_member_id, p_actor_id, '{owner,manager,cashier}', p_key, asked, p_bill_minor,
        p_points, p_now);
    if d.done_id is not null then
        return receipt_again(p_partner_id, d.done_id, d.user_id);
    end if;
    -- what is refused
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
    if not p_again then
        perform refuse_again(d, p_bill_minor);
    end if;
    if not p_shown then
        perform refuse_unconfirmed(d, p_actor_id, p_key, p_bill_minor, p_points);
    end if;
    -- the points that are spent
    t := new_points(d, 'redeem', p_key, asked, p_actor_id);
    t.points := p_points;
    t.bill_minor := p_bill_minor;
    t.paid_minor := d.paid_minor;
    t := post_points(t, 'available', 'redeemed', t.paid_minor);
    perform use_lots(p_partner_id, p_member_id, t.id, p_points, null);
    -- what the rest of the bill earns
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

-- Returns a code that no other voucher of the shop has.
create function issue_voucher(t point_txns, p_expires_at timestamptz) returns text language plpgsql as $$
declare
    voucher text;
begin
    loop
        insert into vouchers (partner_id, txn_id, member_id, service_id, code, created_at, expires_at)
        values (t.partner_id, t.id, t.member_id, t.service_id, lpad(floor(random() * 100000000)::bigint::text, 8, '0'),
            t.created_at, p_expires_at)
        on conflict (partner_id, code) do nothing
        returning code into voucher;
        exit when found;
    end loop;
    return voucher;
end $$;

-- Lets a client buy a service for points; the voucher's code gets it at the counter.
create function buy_service(
    p_partner_id bigint, p_member_id bigint, p_actor_id bigint, p_key text, p_service_id bigint, p_days integer,
    p_now timestamptz, p_price bigint default null
) returns point_receipt language plpgsql security definer
    set plan_cache_mode to force_generic_plan set enable_seqscan to off set search_path to public, pg_temp as $$
declare
    asked bytea := sha256(convert_to(concat_ws(':', 'service', p_member_id, p_service_id), 'UTF8'));
    d point_desk;
    s services;
    t point_txns;
begin
    d := open_desk(p_partner_id, p_member_id, p_actor_id, null, p_key, asked, null, null, p_now);
    if d.done_id is not null then
        return receipt_again(p_partner_id, d.done_id, d.user_id);
    end if;
    if d.user_id <> p_actor_id then
        raise exception using errcode = 'LK404', message = 'no_member', detail = p_member_id::text;
    end if;
    select * into s
    from services
    where partner_id = p_partner_id and id = p_service_id and status = 'approved' and shown;
    if s.id is null then
        raise exception using errcode = 'LK404', message = 'no_service', detail = p_service_id::text;
    end if;
    if s.price_points <> p_price then
        raise exception using errcode = 'LK409', message = 'price_changed', detail = s.price_points::text;
    end if;
    if d.available < s.price_points then
        perform refuse_short(d);
    end if;
    t := new_points(d, 'service', p_key, asked, p_actor_id);
    t.points := s.price_points;
    t.service_id := s.id;
    t := post_points(t, 'available', 'redeemed', null);
    perform use_lots(p_partner_id, p_member_id, t.id, t.points, null);
    return receipt_of(t, null, d.user_id, issue_voucher(t, shop_midnight(d.tz, t.created_at, p_days + 1)), false);
end $$;

-- Points without a bill: by hand with a reason, for a birthday, for joining.
create function grant_points(
    p_partner_id bigint, p_member_id bigint, p_actor_id bigint, p_key text, p_kind text, p_points bigint,
    p_reason text, p_now timestamptz
) returns point_receipt language plpgsql security definer
    set plan_cache_mode to force_generic_plan set enable_seqscan to off set search_path to public, pg_temp as $$
declare
    asked bytea := sha256(convert_to(concat_ws(':', p_kind, p_member_id, p_points), 'UTF8'));
    d point_desk;
    t point_txns;
begin
    d := open_desk(p_partner_id, p_member_id, p_actor_id, case p_kind when 'grant' then '{owner,manager}'::text[] end,
        p_key, asked, null, null, p_now);
    if d.done_id is not null then
        return receipt_again(p_partner_id, d.done_id, d.user_id);
    end if;
    if p_points is null or p_points <= 0 or p_points > 1000000 then
        raise exception using errcode = 'LK400', message = 'points_zero', detail = coalesce(p_points::text, '');
    end if;
    t := new_points(d, p_kind, p_key, asked, p_actor_id);
    t.points := p_points;
    t.reason := left(coalesce(p_reason, ''), 300);
    if p_kind = 'birthday' then
        perform remember(d.user_id, 'birthday', p_partner_id, d.at + interval '330 days');
    end if;
    return receipt_of(issue_points(t, d.tz, d.expire_days, 0, null), null, d.user_id, null, false);
end $$;

-- Takes back new points: out of the lot while it waits, else out of the balance, its own lot first. What has been spent,
-- or has repaid what was owed, is written down as missing. The member's row is locked by the caller.
create function take_back(t point_txns, r point_txns) returns point_txns language plpgsql as $$
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

-- Gives spent points back into the very lots they came from; points whose time was over meanwhile can be spent for a week
-- more, once: who spends and returns them again and again does not keep them alive. What an earlier reversal could not
-- take, as it had been spent here, goes now: whatever is reversed first, the client ends with the same.
create function give_back(t point_txns, r point_txns) returns point_txns language plpgsql as $$
declare
    late point_txns := r;
    zone text;
begin
    r.points := t.points;
    r := post_points(r, 'redeemed', 'available');
    select tz into zone from partners where id = t.partner_id;
    update point_lots l
    set remaining = l.remaining + u.points,
        expires_at = case when l.expires_at <= r.created_at and l.expires_at = made.expires_at
            then shop_midnight(zone, r.created_at, 8) else l.expires_at end,
        reminded = l.reminded and coalesce(l.expires_at > r.created_at, true)
    from point_lot_uses u, point_txns made
    where u.partner_id = t.partner_id
    and u.txn_id = t.id
    and made.partner_id = l.partner_id
    and made.id = l.txn_id
    and l.partner_id = u.partner_id
    and l.id = u.lot_id;
    select least(owed, r.points) into late.points from members where partner_id = r.partner_id and id = r.member_id;
    if late.points > 0 then
        late.kind := 'recover';
        late.idem_key := r.idem_key || ':owed';
        late.parent_id := r.id;
        late.reverses_id := null;
        late.bill_minor := 0;
        late.paid_minor := 0;
        late := post_points(late, 'available', 'issued');
        perform use_lots(late.partner_id, late.member_id, late.id, late.points, null);
        r.available_after := late.available_after;
    end if;
    update members
    set due_at = next_points_due(t.partner_id, r.member_id),
        owed = owed - late.points
    where partner_id = t.partner_id and id = r.member_id;
    return r;
end $$;

create function reverse_txn(t point_txns, m members, p_actor_id bigint, p_key text, p_hash bytea, p_reason text, p_now timestamptz)
returns point_txns language plpgsql as $$
declare
    r point_txns;
begin
    r.partner_id := t.partner_id;
    r.member_id := m.id;
    r.kind := 'reverse';
    r.idem_key := p_key;
    r.req_hash := p_hash;
    r.bill_minor := t.bill_minor;
    r.paid_minor := t.paid_minor;
    r.actor_id := p_actor_id;
    r.reverses_id := t.id;
    -- nothing is written any more about who was erased
    r.reason := case when m.left_at is null then left(coalesce(p_reason, ''), 300) else '' end;
    r.created_at := p_now;
    if t.kind in ('redeem', 'service') then
        update vouchers
        set cancelled_at = p_now
        where partner_id = t.partner_id and txn_id = t.id and used_at is null;
        r := give_back(t, r);
    else
        r := take_back(t, r);
        if exists (select from referral_rewards where partner_id = t.partner_id and receipt_id = t.id)
            or t.kind = 'accrue' and exists (
                select from jobs where key = 'referrals:' || t.partner_id || ':' || t.id
            )
        then
            perform queue_referrals(t.partner_id, t.id, t.id || ':reversed');
        end if;
    end if;
    return r;
end $$;

-- Takes a visit off a member whose purchase was reversed.
create function take_back_visit(t point_txns, m members) returns void language sql as $$
    update members
    set visits = greatest(visits - 1, 0),
        spent_minor = greatest(spent_minor - t.paid_minor, 0)
    where partner_id = m.partner_id and id = m.id and t.kind in ('accrue', 'redeem');
$$;

-- What of an earlier debt went with the points that a reversal gave back.
create function recovered_by(r point_txns) returns bigint language sql stable as $$
    select coalesce(sum(points), 0)::bigint
    from point_txns
    where partner_id = r.partner_id and parent_id = r.id and kind = 'recover';
$$;

-- A cashier takes back what they did at the counter within the last hour, and not what they bought as a client, which they
-- may have handed to themselves; and each operation is taken back once, if at all.
create function refuse_reversal(t point_txns, p_actor_id bigint, p_at timestamptz) returns void
language plpgsql stable as $$
declare
    had text;
begin
    select role into had from staff where partner_id = t.partner_id and user_id = p_actor_id;
    if had = 'cashier' and (
        t.actor_id is distinct from p_actor_id or t.created_at < p_at - interval '1 hour' or t.kind = 'service'
    ) then
        raise exception using errcode = 'LK403', message = 'role_too_low', detail = had;
    end if;
    if t.kind not in ('accrue', 'redeem', 'service', 'grant', 'welcome', 'birthday') or t.parent_id is not null then
        raise exception using errcode = 'LK409', message = 'not_reversible', detail = t.kind;
    end if;
    if exists (select from point_txns where partner_id = t.partner_id and reverses_id = t.id) then
        raise exception using errcode = 'LK409', message = 'already_reversed', detail = t.id::text;
    end if;
end $$;

-- Takes at once what came back into lots whose time is over for good, so that nobody reads it on the balance.
create function without_expired(r point_txns, p_at timestamptz) returns point_txns language plpgsql as $$
declare
    m members;
begin
    select * into m from members where partner_id = r.partner_id and id = r.member_id;
    perform settle_member(m, p_at);
    select max(balance) filter (where kind = 'available'), max(balance) filter (where kind = 'pending')
    into r.available_after, r.pending_after
    from point_accounts
    where partner_id = r.partner_id and member_id = r.member_id;
    return r;
end $$;

create function reverse_points(
    p_partner_id bigint, p_txn_id bigint, p_actor_id bigint, p_key text, p_reason text, p_now timestamptz
) returns point_receipt language plpgsql security definer
    set plan_cache_mode to force_generic_plan set enable_seqscan to off set search_path to public, pg_temp as $$
declare
    asked bytea := sha256(convert_to(concat_ws(':', 'reverse', p_txn_id), 'UTF8'));
    m members;
    p partners;
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
    m := lock_heir(p_partner_id, t.member_id);
    select * into r from point_txns where partner_id = p_partner_id and idem_key = p_key;
    if r.id is not null then
        perform refuse_reuse(p_key, asked, r.req_hash);
        return receipt_again(p_partner_id, r.id, m.user_id);
    end if;
    p := admit_staff(p_partner_id, p_actor_id, '{owner,manager,cashier}');
    at := coalesce(p_now, clock_timestamp());
    perform refuse_reversal(t, p_actor_id, at);
    perform settle_member(m, at);
    select * into rest from point_txns where partner_id = p.id and parent_id = t.id and kind = 'accrue';
    r := reverse_txn(t, m, p_actor_id, p_key, asked, p_reason, at);
    if rest.id is not null then
        rest := reverse_txn(rest, m, p_actor_id, p_key || ':rest', asked, p_reason, at);
        r.available_after := rest.available_after;
        r.pending_after := rest.pending_after;
        r.missing := rest.missing;
    end if;
    perform take_back_visit(t, m);
    perform owe_after_erasure(m, r.missing);
    return receipt_of(without_expired(r, at), null, m.user_id, null, false, recovered_by(r));
end $$;

-- The operations belong to lotok_till and run with its rights. The owner of a function must be allowed to make one, at
-- that moment.

grant create on schema public to lotok_till;
alter function accrue_points owner to lotok_till;
alter function redeem_points owner to lotok_till;
alter function buy_service owner to lotok_till;
alter function grant_points owner to lotok_till;
alter function reverse_points owner to lotok_till;
revoke create on schema public from lotok_till;
