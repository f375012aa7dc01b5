-- An operation of the ledger costs a third less: its checks stand in one function of the row (Postgres reads the text of
-- every CHECK anew in every statement), whose rows are seen is one short expression, one trigger keeps the entries, and
-- the member's row is written once. What all operations begin with, and what writes them, each stand in one place.
do $$
declare
    one record;
begin
    for one in
        select conrelid::regclass as owner, conname
        from pg_constraint
        where contype = 'c'
        and conrelid in ('members'::regclass, 'point_accounts'::regclass, 'point_txns'::regclass,
            'point_entries'::regclass, 'point_lots'::regclass)
    loop
        execute format('alter table %s drop constraint %I', one.owner, one.conname);
    end loop;
end $$;

create function is_sound(r members) returns boolean language plpgsql immutable parallel safe as $$
begin
    -- a referrer must exist by then, so a ring is impossible
    return r.id > 0
        and r.card_no between 10000000 and 99999999
        and (r.phone_tail = '' or r.phone_tail ~ '^[0-9]{4}$')
        and (r.referrer_id is null or r.referrer_id < r.id)
        and (r.merged_into is null or r.left_at is not null);
end $$;

alter table members add constraint members_sound check (is_sound(members));

create function is_sound(r point_accounts) returns boolean language plpgsql immutable parallel safe as $$
begin
    return case when r.member_id = 0 then r.kind in ('issued', 'redeemed', 'expired') and r.balance is null
        else r.kind in ('available', 'pending') and coalesce(r.balance, -1) >= 0 end;
end $$;

alter table point_accounts add constraint point_accounts_sound check (is_sound(point_accounts));

create function is_sound(r point_txns) returns boolean language plpgsql immutable parallel safe as $$
begin
    return r.kind in ('accrue', 'redeem', 'service', 'welcome', 'birthday', 'grant', 'referral', 'activate', 'expire',
            'reverse', 'merge')
        and (r.kind = 'reverse') = (r.reverses_id is not null)
        and least(r.points, r.missing, r.paid_minor, r.bill_minor - r.paid_minor, r.available_after, r.pending_after) >= 0
        and length(r.idem_key) between 1 and 200
        and length(r.reason) <= 300;
end $$;

alter table point_txns add constraint point_txns_sound check (is_sound(point_txns));

create function is_sound(r point_entries) returns boolean language plpgsql immutable parallel safe as $$
begin
    return r.delta <> 0 and case when r.member_id = 0 then r.kind in ('issued', 'redeemed', 'expired')
            and r.balance_after is null
        else r.kind in ('available', 'pending') and coalesce(r.balance_after, -1) >= 0 end;
end $$;

alter table point_entries add constraint point_entries_sound check (is_sound(point_entries));

create function is_sound(r point_lots) returns boolean language plpgsql immutable parallel safe as $$
begin
    return r.points > 0
        and r.remaining between 0 and r.points
        and (r.expires_at is null or r.expires_at > r.active_at);
end $$;

alter table point_lots add constraint point_lots_sound check (is_sound(point_lots));

-- `platform`: for moderation, statistics of the whole platform, and the audit.
create function sees(p_partner_id bigint) returns boolean language sql stable parallel safe as $$
    select p_partner_id::text = current_setting('app.tenant', true) or current_setting('app.platform', true) = 'on';
$$;

drop policy tenant on partners;
create policy tenant on partners using (sees(id));
drop policy tenant on staff;
create policy tenant on staff using (sees(partner_id));
drop policy tenant on staff_invites;
create policy tenant on staff_invites using (sees(partner_id));
drop policy tenant on tiers;
create policy tenant on tiers using (sees(partner_id));
drop policy tenant on services;
create policy tenant on services using (sees(partner_id));
drop policy tenant on promotions;
create policy tenant on promotions using (sees(partner_id));
drop policy tenant on members;
create policy tenant on members using (sees(partner_id));
drop policy tenant on favourites;
create policy tenant on favourites for select using (sees(partner_id));
drop policy tenant on loyalty_trail;
create policy tenant on loyalty_trail using (sees(partner_id));
drop policy tenant on messages;
create policy tenant on messages using (sees(partner_id));
drop policy tenant on point_accounts;
create policy tenant on point_accounts using (sees(partner_id));
drop policy tenant on point_txns;
create policy tenant on point_txns using (sees(partner_id));
drop policy tenant on point_entries;
create policy tenant on point_entries using (sees(partner_id));
drop policy tenant on point_lots;
create policy tenant on point_lots using (sees(partner_id));
drop policy tenant on point_lot_uses;
create policy tenant on point_lot_uses using (sees(partner_id));
drop policy tenant on vouchers;
create policy tenant on vouchers using (sees(partner_id));
drop policy tenant on referral_rewards;
create policy tenant on referral_rewards using (sees(partner_id));
drop policy tenant on ratings;
create policy tenant on ratings using (sees(partner_id));

drop function tenant();
drop function platform();

drop trigger move_points on point_entries;
drop trigger sum_to_nought on point_entries;
drop function refuse_unbalanced();
drop function receipt_of(point_txns, boolean);
drop function point_txn_of(bigint, text, bytea);
drop function post_points(point_txns, text, text);
drop function issue_points(point_txns, partners, integer);
drop function earn_points(partners, members, point_txns, text);
drop function refuse_bill(partners, bigint);
drop function refuse_short(members, bigint);

-- The entries of a transaction sum to nought, and the balance of a member moves by an entry and by nothing else.
create or replace function move_points() returns trigger language plpgsql as $$
declare
    e record;
    txn bigint;
    total bigint := 0;
begin
    for e in select * from added loop
        exit when total <> 0 and e.txn_id <> txn;
        txn := e.txn_id;
        total := total + e.delta;
        continue when e.member_id = 0;
        update point_accounts
        set balance = e.balance_after
        where partner_id = e.partner_id
        and member_id = e.member_id
        and kind = e.kind
        and balance + e.delta = e.balance_after;
        if not found then
            raise exception using errcode = 'restrict_violation', message = 'the entry does not follow on the balance';
        end if;
    end loop;
    if total <> 0 then
        raise exception using errcode = 'restrict_violation', message = 'the entries do not sum to nought';
    end if;
    return null;
end $$;

create function receipt_of(t point_txns, rest point_txns, p_user_id bigint, p_code text, p_repeated boolean)
returns point_receipt language plpgsql as $$
declare
    -- an operation ends here, and so does its scope, also inside a longer transaction
    scope text := set_config('app.tenant', '', true);
begin
    return (t.id, t.member_id, p_user_id, t.kind, t.points,
        coalesce(rest.points, case when t.kind = 'accrue' then t.points else 0 end), t.missing, t.bill_minor,
        t.paid_minor, coalesce(rest.available_after, t.available_after), coalesce(rest.pending_after, t.pending_after),
        coalesce(rest.promotion_id, t.promotion_id), coalesce(rest.active_at, t.active_at),
        coalesce(rest.expires_at, t.expires_at), t.created_at, p_code, p_repeated)::point_receipt;
end $$;

-- The answer to a key that came before.
create function receipt_again(p_partner_id bigint, p_txn_id bigint, p_user_id bigint) returns point_receipt
language plpgsql as $$
declare
    t point_txns;
    rest point_txns;
begin
    select * into t from point_txns where partner_id = p_partner_id and id = p_txn_id;
    select * into rest
    from point_txns
    where partner_id = p_partner_id and parent_id = p_txn_id and kind = 'accrue' and t.kind = 'redeem';
    return receipt_of(t, rest, p_user_id, (
        select code from vouchers where partner_id = p_partner_id and txn_id = p_txn_id
    ), true);
end $$;

-- Who may do it at all: the shop is open for business and the actor works there, in one of the roles (null: anybody).
create function refuse_actor(
    p_partner_id bigint, p_status text, p_reason text, p_actor_id bigint, p_role text, p_roles text[]
) returns void language plpgsql immutable as $$
begin
    if p_status is null then
        raise exception using errcode = 'LK404', message = 'no_partner', detail = p_partner_id::text;
    end if;
    if p_status = 'blocked' then
        raise exception using errcode = 'LK403', message = 'partner_blocked', detail = p_reason;
    end if;
    if p_status <> 'approved' then
        raise exception using errcode = 'LK403', message = 'partner_not_approved', detail = p_status;
    end if;
    if p_roles is null then
        return;
    end if;
    if p_role is null then
        raise exception using errcode = 'LK403', message = 'not_staff', detail = p_actor_id::text;
    end if;
    if p_role <> all (p_roles) then
        raise exception using errcode = 'LK403', message = 'role_too_low', detail = p_role;
    end if;
end $$;

create or replace function admit_staff(p_partner_id bigint, p_actor_id bigint, p_roles text[]) returns partners
language plpgsql stable as $$
declare
    p partners;
begin
    select * into p from partners where id = p_partner_id;
    perform refuse_actor(p_partner_id, p.status, p.reason, p_actor_id, (
        select role from staff where partner_id = p_partner_id and user_id = p_actor_id and removed_at is null
    ), p_roles);
    return p;
end $$;

-- The same key with another request.
create function refuse_reuse(p_key text, p_hash bytea, p_had bytea) returns void language plpgsql immutable as $$
begin
    if p_hash <> p_had then
        raise exception using errcode = 'LK409', message = 'key_reused', detail = p_key;
    end if;
end $$;

-- What an operation stands on: the shop's rules, the actor, the member, and what the key did before, in one read.
create type point_desk as (
    partner_id bigint, status text, reason text, tz text, minor_per_point integer, max_pay_pct integer,
    earn_on_rest boolean, max_bill_minor bigint, hold_days integer, expire_days integer, referral_levels integer,
    role text, member_id bigint, user_id bigint, referrer_id bigint, available bigint, pending bigint, most bigint,
    paid_minor bigint, earned bigint, promotion_id bigint, done_id bigint, done_hash bytea, at timestamptz
);

-- A bill earns at the tier's rate, rounded down once, for the whole of it; of the promotions the one that gives most
-- counts. Many small reads, as a join of them all costs Postgres more to set up than to run.
create function read_desk(
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
    if p_bill_minor is null then
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

-- The beginning of every operation: waits for the member, reads, refuses, and settles what has come due.
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

-- Writes a movement: the transaction, its two entries, the lot of new points, and the member's row, in one statement.
-- The member's row is locked by the caller. `t` may bring the balances before it; p_spent: money, if it was a visit.
create function post_points(t point_txns, p_from text, p_to text, p_spent bigint default null) returns point_txns
language plpgsql as $$
declare
    from_member bigint := case when p_from in ('available', 'pending') then t.member_id else 0 end;
    to_member bigint := case when p_to in ('available', 'pending') then t.member_id else 0 end;
    due timestamptz := case when p_from = 'issued' and p_to = 'pending' then t.active_at
        when p_from = 'issued' then t.expires_at end;
begin
    if t.available_after is null then
        select a.balance, w.balance into t.available_after, t.pending_after
        from point_accounts a
        join point_accounts w on w.partner_id = a.partner_id and w.member_id = a.member_id and w.kind = 'pending'
        where a.partner_id = t.partner_id and a.member_id = t.member_id and a.kind = 'available';
    end if;
    t.missing := coalesce(t.missing, 0);
    t.bill_minor := coalesce(t.bill_minor, 0);
    t.paid_minor := coalesce(t.paid_minor, 0);
    t.reason := coalesce(t.reason, '');
    t.available_after := t.available_after
        + case 'available' when p_to then t.points when p_from then -t.points else 0 end;
    t.pending_after := t.pending_after + case 'pending' when p_to then t.points when p_from then -t.points else 0 end;
    with txn as (
        insert into point_txns (partner_id, member_id, kind, idem_key, req_hash, points, missing, bill_minor,
            paid_minor, actor_id, reverses_id, parent_id, promotion_id, service_id, reason, active_at, expires_at,
            available_after, pending_after, created_at)
        values (t.partner_id, t.member_id, t.kind, t.idem_key, t.req_hash, t.points, t.missing, t.bill_minor,
            t.paid_minor, t.actor_id, t.reverses_id, t.parent_id, t.promotion_id, t.service_id, t.reason, t.active_at,
            t.expires_at, t.available_after, t.pending_after, t.created_at)
        on conflict (partner_id, idem_key) do nothing
        returning id
    ), entries as (
        insert into point_entries (partner_id, txn_id, member_id, kind, delta, balance_after)
        select t.partner_id, txn.id, e.member_id, e.kind, e.delta,
            case when e.member_id > 0 then
                case e.kind when 'available' then t.available_after else t.pending_after end
            end
        from txn, (values (from_member, p_from, -t.points), (to_member, p_to, t.points)) e (member_id, kind, delta)
        where t.points > 0
    ), lot as (
        insert into point_lots (partner_id, member_id, txn_id, points, remaining, pending, active_at, expires_at)
        select t.partner_id, t.member_id, txn.id, t.points, t.points, p_to = 'pending', t.active_at, t.expires_at
        from txn
        where p_from = 'issued'
    ), member as (
        update members
        set visits = visits + case when p_spent is null then 0 else 1 end,
            spent_minor = spent_minor + coalesce(p_spent, 0),
            last_visit_at = case when p_spent is null then last_visit_at else t.created_at end,
            due_at = least(due_at, due)
        where partner_id = t.partner_id
        and id = t.member_id
        and (p_spent is not null or due < coalesce(due_at, 'infinity'))
    )
    select id into t.id from txn;
    if not found then
        -- another member's operation took the key while this one waited
        raise exception using errcode = 'LK409', message = 'key_reused', detail = t.idem_key;
    end if;
    return t;
end $$;

-- New points wait p_hold days and live the shop's days.
create function issue_points(t point_txns, p_tz text, p_expire integer, p_hold integer, p_spent bigint)
returns point_txns language plpgsql as $$
begin
    t.active_at := case when p_hold > 0 then shop_midnight(p_tz, t.created_at, p_hold) else t.created_at end;
    t.expires_at := case when p_expire > 0 then shop_midnight(p_tz, t.active_at, p_expire + 1) end;
    return post_points(t, 'issued', case when p_hold > 0 then 'pending' else 'available' end, p_spent);
end $$;

-- Takes points out of the lots that expire first, that of p_first before all others.
create or replace function use_lots(p_partner_id bigint, p_member_id bigint, p_txn_id bigint, p_points bigint, p_first bigint)
returns void language plpgsql as $$
declare
    part bigint;
    need bigint := p_points;
begin
    while need > 0 loop
        with lot as (
            select id, least(need, remaining) as points
            from point_lots
            where partner_id = p_partner_id and member_id = p_member_id and is_open and not pending
            and (p_first is null or txn_id = p_first)
            order by expires_at, id
            limit 1
        ), used as (
            insert into point_lot_uses (partner_id, txn_id, lot_id, points)
            select p_partner_id, p_txn_id, id, points from lot
        )
        update point_lots l
        set remaining = l.remaining - lot.points
        from lot
        where l.partner_id = p_partner_id and l.id = lot.id
        returning lot.points into part;
        if part is null and p_first is null then
            raise exception using errcode = 'restrict_violation', message = 'the lots hold less than the balance';
        end if;
        need := need - coalesce(part, 0);
        p_first := null;
    end loop;
end $$;

-- What the bill has earned, which may be nothing; p_spent as in post_points.
create function earn_points(d point_desk, t point_txns, p_spent bigint) returns point_txns language plpgsql as $$
begin
    t.points := d.earned;
    t.promotion_id := d.promotion_id;
    t := issue_points(t, d.tz, d.expire_days, d.hold_days, p_spent);
    if d.referrer_id is not null and d.referral_levels > 0 then
        perform queue_referrals(d.partner_id, t.id, t.id::text);
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

create or replace function accrue_points(
    p_partner_id bigint, p_member_id bigint, p_actor_id bigint, p_key text, p_bill_minor bigint, p_now timestamptz
) returns point_receipt language plpgsql set role to lotok_app
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
    return receipt_of(t, null, d.user_id, null, false);
end $$;

create function refuse_short(d point_desk) returns void language plpgsql immutable as $$
begin
    raise exception using errcode = 'LK409', message = 'short_of_points', detail = d.available::text;
end $$;

create or replace function redeem_points(
    p_partner_id bigint, p_member_id bigint, p_actor_id bigint, p_key text, p_bill_minor bigint, p_points bigint,
    p_now timestamptz
) returns point_receipt language plpgsql set role to lotok_app
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
    end if;
    return receipt_of(t, rest, d.user_id, null, false);
end $$;

-- The client's own doing: a service for points, to be had at the counter by the voucher's code.
create or replace function buy_service(
    p_partner_id bigint, p_member_id bigint, p_actor_id bigint, p_key text, p_service_id bigint, p_days integer,
    p_now timestamptz, p_price bigint default null
) returns point_receipt language plpgsql set role to lotok_app
    set plan_cache_mode to force_generic_plan set enable_seqscan to off as $$
declare
    asked bytea := sha256(convert_to(concat_ws(':', 'service', p_member_id, p_service_id), 'UTF8'));
    d point_desk;
    s services;
    t point_txns;
    voucher text;
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
    loop
        insert into vouchers (partner_id, txn_id, member_id, service_id, code, created_at, expires_at)
        values (p_partner_id, t.id, p_member_id, s.id, lpad(floor(random() * 100000000)::bigint::text, 8, '0'),
            t.created_at, shop_midnight(d.tz, t.created_at, p_days + 1))
        on conflict (partner_id, code) do nothing
        returning code into voucher;
        exit when found;
    end loop;
    return receipt_of(t, null, d.user_id, voucher, false);
end $$;

-- Points without a bill: by hand with a reason, for a birthday, for joining.
create or replace function grant_points(
    p_partner_id bigint, p_member_id bigint, p_actor_id bigint, p_key text, p_kind text, p_points bigint,
    p_reason text, p_now timestamptz
) returns point_receipt language plpgsql set role to lotok_app
    set plan_cache_mode to force_generic_plan set enable_seqscan to off as $$
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
    return receipt_of(issue_points(t, d.tz, d.expire_days, 0, null), null, d.user_id, null, false);
end $$;

create or replace function reverse_points(
    p_partner_id bigint, p_txn_id bigint, p_actor_id bigint, p_key text, p_reason text, p_now timestamptz
) returns point_receipt language plpgsql set role to lotok_app
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
    return receipt_of(r, null, m.user_id, null, false);
end $$;

-- Joining a shop: once for each person; the newcomer's welcome points come with it. A referrer must be a member already.
create or replace function join_partner(
    p_partner_id bigint, p_user_id bigint, p_referrer_card bigint, p_now timestamptz
) returns table (member_id bigint, card_no bigint, created boolean, welcome bigint)
language plpgsql set role to lotok_app
    set enable_seqscan to off as $$
#variable_conflict use_column
declare
    p partners;
    m members;
    t point_txns;
    referrer bigint;
    tail text;
    at timestamptz := coalesce(p_now, clock_timestamp());
begin
    perform set_config('app.tenant', p_partner_id::text, true);
    p := admit_staff(p_partner_id, p_user_id, null);
    select * into m from members where partner_id = p.id and user_id = p_user_id and left_at is null;
    if m.id is not null then
        perform refuse_closed(m);
        return query select m.id, m.card_no, false, 0::bigint;
        perform set_config('app.tenant', '', true);
        return;
    end if;
    select coalesce(right(c.phone, 4), '') into tail from clients c where c.user_id = p_user_id;
    if not found then
        raise exception using errcode = 'LK404', message = 'no_client', detail = p_user_id::text;
    end if;
    select r.id into referrer
    from members r
    where r.partner_id = p.id and r.card_no = p_referrer_card and r.user_id <> p_user_id
    and r.left_at is null and r.blocked_at is null;
    loop
        insert into members (partner_id, user_id, card_no, phone_tail, referrer_id, joined_at)
        values (p.id, p_user_id, 10000000 + floor(random() * 90000000)::bigint, tail, referrer, at)
        on conflict do nothing
        returning * into m;
        exit when m.id is not null;
        -- the number is somebody's, or another update of the same person was first
        select * into m from members where partner_id = p.id and user_id = p_user_id and left_at is null;
        if m.id is not null then
            return query select m.id, m.card_no, false, 0::bigint;
            perform set_config('app.tenant', '', true);
            return;
        end if;
    end loop;
    insert into point_accounts (partner_id, member_id, kind, balance)
    values (p.id, m.id, 'available', 0), (p.id, m.id, 'pending', 0);
    if p.welcome_points > 0 then
        t.partner_id := p.id;
        t.member_id := m.id;
        t.kind := 'welcome';
        t.idem_key := 'welcome:' || m.id;
        t.req_hash := '';
        t.points := p.welcome_points;
        t.created_at := at;
        perform issue_points(t, p.tz, p.expire_days, 0, null);
    end if;
    return query select m.id, m.card_no, true, p.welcome_points;
    perform set_config('app.tenant', '', true);
end $$;

create or replace function pay_referral(p partners, r members, t point_txns, p_level integer, p_points bigint, p_now timestamptz)
returns bigint language plpgsql as $$
declare
    reward point_txns;
begin
    reward.partner_id := p.id;
    reward.member_id := r.id;
    reward.kind := 'referral';
    reward.idem_key := 'referral:' || t.id || ':' || p_level;
    reward.req_hash := '';
    reward.points := p_points;
    reward.parent_id := t.id;
    reward.created_at := p_now;
    reward := issue_points(reward, p.tz, p.expire_days, greatest(p.hold_days, p.referral_hold_days), null);
    return reward.id;
end $$;

create trigger move_points after insert on point_entries
    referencing new table as added for each statement execute function move_points();
