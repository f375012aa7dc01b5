-- Points: an exact ledger. Every movement is a transaction whose entries sum to nought; nothing in it is ever changed.
-- A member has two accounts, `available` and `pending`; a partner's own accounts (member 0) have entries, but no
-- balance: all clients of a shop would queue up for that one row.

create table point_accounts (
    partner_id bigint not null references partners (id),
    member_id bigint not null,
    kind text not null check (case when member_id = 0
        then kind in ('issued', 'redeemed', 'expired') else kind in ('available', 'pending') end),
    balance bigint check ((balance is null) = (member_id = 0) and balance >= 0),
    holder_id bigint generated always as (nullif(member_id, 0)) stored,
    primary key (partner_id, member_id, kind),
    foreign key (partner_id, holder_id) references members (partner_id, id)
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);

create table point_txns (
    partner_id bigint not null references partners (id),
    id bigint generated always as identity,
    member_id bigint not null,
    kind text not null check (kind in ('accrue', 'redeem', 'service', 'welcome', 'birthday', 'grant', 'referral',
        'activate', 'expire', 'reverse', 'merge')),
    idem_key text not null check (length(idem_key) between 1 and 200),
    -- of what was asked for: the same key with another request is refused
    req_hash bytea not null,
    points bigint not null check (points >= 0),
    -- a reversed accrual: what had been spent already and could not be taken back
    missing bigint not null default 0 check (missing >= 0),
    bill_minor bigint not null default 0 check (bill_minor >= 0),
    -- what of the bill was paid in money
    paid_minor bigint not null default 0 check (paid_minor between 0 and bill_minor),
    actor_id bigint references users (id),
    reverses_id bigint,
    -- of points earned on the rest of a bill: the redemption; of a referral: the receipt
    parent_id bigint,
    promotion_id bigint,
    service_id bigint,
    reason text not null default '' check (length(reason) <= 300),
    active_at timestamptz,
    expires_at timestamptz,
    available_after bigint not null check (available_after >= 0),
    pending_after bigint not null check (pending_after >= 0),
    created_at timestamptz not null,
    primary key (partner_id, id),
    unique (partner_id, idem_key),
    foreign key (partner_id, member_id) references members (partner_id, id),
    foreign key (partner_id, reverses_id) references point_txns (partner_id, id),
    foreign key (partner_id, parent_id) references point_txns (partner_id, id),
    foreign key (partner_id, promotion_id) references promotions (partner_id, id),
    foreign key (partner_id, service_id) references services (partner_id, id),
    check ((kind = 'reverse') = (reverses_id is not null))
) with (autovacuum_vacuum_insert_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.05);

create unique index point_txns_one_reversal on point_txns (partner_id, reverses_id) where reverses_id is not null;
create index point_txns_parent on point_txns (partner_id, parent_id) where parent_id is not null;
create index point_txns_history on point_txns (partner_id, created_at desc, id desc);
create index point_txns_member on point_txns (partner_id, member_id, id desc);

create table point_entries (
    partner_id bigint not null,
    txn_id bigint not null,
    member_id bigint not null,
    kind text not null,
    delta bigint not null check (delta <> 0),
    balance_after bigint check ((balance_after is null) = (member_id = 0) and balance_after >= 0),
    primary key (partner_id, txn_id, member_id, kind),
    foreign key (partner_id, txn_id) references point_txns (partner_id, id),
    foreign key (partner_id, member_id, kind) references point_accounts (partner_id, member_id, kind)
);

-- Points that came at one time, and what of them is left. Pending ones cannot be spent yet.
create table point_lots (
    partner_id bigint not null,
    id bigint generated always as identity,
    member_id bigint not null,
    txn_id bigint not null,
    points bigint not null check (points > 0),
    remaining bigint not null check (remaining between 0 and points),
    -- for the indexes: what is left may change without touching them
    is_open boolean not null generated always as (remaining > 0) stored,
    pending boolean not null,
    active_at timestamptz not null,
    expires_at timestamptz,
    reminded boolean not null default false,
    primary key (partner_id, id),
    foreign key (partner_id, member_id) references members (partner_id, id),
    foreign key (partner_id, txn_id) references point_txns (partner_id, id),
    check (expires_at > active_at)
) with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05);

create index point_lots_fifo on point_lots (partner_id, member_id, expires_at, id) where is_open;
create index point_lots_expiry on point_lots (partner_id, expires_at) where is_open and expires_at is not null;
create index point_lots_txn on point_lots (partner_id, txn_id);

create table point_lot_uses (
    partner_id bigint not null,
    txn_id bigint not null,
    lot_id bigint not null,
    points bigint not null check (points > 0),
    primary key (partner_id, txn_id, lot_id),
    foreign key (partner_id, txn_id) references point_txns (partner_id, id),
    foreign key (partner_id, lot_id) references point_lots (partner_id, id)
);

create index point_lot_uses_lot on point_lot_uses (partner_id, lot_id);

-- A service that was paid in points and is to be had at the counter.
create table vouchers (
    partner_id bigint not null,
    txn_id bigint not null,
    member_id bigint not null,
    service_id bigint not null,
    code text not null check (code ~ '^[0-9]{8}$'),
    created_at timestamptz not null,
    expires_at timestamptz not null,
    used_by bigint references users (id),
    used_at timestamptz,
    cancelled_at timestamptz,
    primary key (partner_id, txn_id),
    unique (partner_id, code),
    foreign key (partner_id, txn_id) references point_txns (partner_id, id),
    foreign key (partner_id, member_id) references members (partner_id, id),
    foreign key (partner_id, service_id) references services (partner_id, id),
    check (used_at is null or cancelled_at is null)
);

create index vouchers_member on vouchers (partner_id, member_id, txn_id desc);

create table referral_rewards (
    partner_id bigint not null,
    receipt_id bigint not null,
    level integer not null check (level between 1 and 3),
    referrer_id bigint not null,
    points bigint not null check (points >= 0),
    status text not null check (status in ('paid', 'held', 'refused', 'capped', 'reversed')),
    reason text not null default '',
    txn_id bigint,
    decided_by bigint references users (id),
    created_at timestamptz not null,
    primary key (partner_id, receipt_id, level),
    foreign key (partner_id, receipt_id) references point_txns (partner_id, id),
    foreign key (partner_id, referrer_id) references members (partner_id, id),
    foreign key (partner_id, txn_id) references point_txns (partner_id, id),
    check ((status in ('paid', 'reversed')) >= (txn_id is not null))
);

create index referral_rewards_referrer on referral_rewards (partner_id, referrer_id, created_at);
create index referral_rewards_held on referral_rewards (partner_id, receipt_id) where status = 'held';

create table ratings (
    partner_id bigint not null,
    txn_id bigint not null,
    member_id bigint not null,
    score integer not null check (score between 0 and 10),
    words text not null default '' check (length(words) <= 1000),
    created_at timestamptz not null default clock_timestamp(),
    primary key (partner_id, txn_id),
    foreign key (partner_id, txn_id) references point_txns (partner_id, id),
    foreign key (partner_id, member_id) references members (partner_id, id)
);

create index ratings_partner on ratings (partner_id, created_at desc, txn_id desc);

alter table point_accounts enable row level security;
create policy tenant on point_accounts using (partner_id = (select tenant()) or (select platform()));
alter table point_txns enable row level security;
create policy tenant on point_txns using (partner_id = (select tenant()) or (select platform()));
alter table point_entries enable row level security;
create policy tenant on point_entries using (partner_id = (select tenant()) or (select platform()));
alter table point_lots enable row level security;
create policy tenant on point_lots using (partner_id = (select tenant()) or (select platform()));
alter table point_lot_uses enable row level security;
create policy tenant on point_lot_uses using (partner_id = (select tenant()) or (select platform()));
alter table vouchers enable row level security;
create policy tenant on vouchers using (partner_id = (select tenant()) or (select platform()));
alter table referral_rewards enable row level security;
create policy tenant on referral_rewards using (partner_id = (select tenant()) or (select platform()));
alter table ratings enable row level security;
create policy tenant on ratings using (partner_id = (select tenant()) or (select platform()));

-- The entries of a transaction sum to nought, and the balance of a member moves by an entry and by nothing else.
create function refuse_unbalanced() returns trigger language plpgsql as $$
begin
    if exists (select from added group by partner_id, txn_id having sum(delta) <> 0) then
        raise exception using errcode = 'restrict_violation', message = 'the entries do not sum to nought';
    end if;
    return null;
end $$;

create function move_points() returns trigger language plpgsql as $$
begin
    update point_accounts
    set balance = new.balance_after
    where partner_id = new.partner_id
    and member_id = new.member_id
    and kind = new.kind
    and balance + new.delta = new.balance_after;
    if not found then
        raise exception using errcode = 'restrict_violation', message = 'the entry does not follow on the balance';
    end if;
    return null;
end $$;

create function keep_points() returns trigger language plpgsql as $$
begin
    raise exception using errcode = 'restrict_violation',
        message = format('%s of %s is not allowed: points move by inserting into point_entries', tg_op, tg_table_name);
end $$;

create trigger move_points after insert on point_entries
    for each row when (new.member_id > 0) execute function move_points();
create trigger sum_to_nought after insert on point_entries
    referencing new table as added for each statement execute function refuse_unbalanced();
create trigger append_only before update or delete on point_entries for each row execute function keep_points();
create trigger append_only before update or delete on point_txns for each row execute function keep_points();
create trigger append_only before update or delete on point_lot_uses for each row execute function keep_points();
create trigger never_truncate before truncate on point_entries for each statement execute function keep_points();
create trigger never_truncate before truncate on point_txns for each statement execute function keep_points();
create trigger never_truncate before truncate on point_lot_uses for each statement execute function keep_points();
create trigger open_empty before insert on point_accounts
    for each row when (new.balance <> 0) execute function keep_points();
create trigger balance_by_entries before update on point_accounts
    for each row when (pg_trigger_depth() = 0) execute function keep_points();
create trigger keep_account before delete on point_accounts for each row execute function keep_points();

revoke update, delete on point_txns, point_entries, point_lot_uses from lotok_app;
revoke delete on point_accounts, point_lots from lotok_app;

-- What every operation answers with, the first time and at every repetition of its key.
create type point_receipt as (
    txn_id bigint, member_id bigint, user_id bigint, kind text, points bigint, earned bigint, missing bigint,
    bill_minor bigint, paid_minor bigint, available bigint, pending bigint, promotion_id bigint,
    active_at timestamptz, expires_at timestamptz, created_at timestamptz, code text, repeated boolean
);

create function receipt_of(t point_txns, p_repeated boolean) returns point_receipt language sql stable as $$
    select row (
        t.id, t.member_id, (select m.user_id from members m where m.partner_id = t.partner_id and m.id = t.member_id),
        t.kind, t.points, coalesce(c.points, case when t.kind = 'accrue' then t.points else 0 end), t.missing,
        t.bill_minor, t.paid_minor, coalesce(c.available_after, t.available_after),
        coalesce(c.pending_after, t.pending_after), coalesce(c.promotion_id, t.promotion_id),
        coalesce(c.active_at, t.active_at), coalesce(c.expires_at, t.expires_at), t.created_at,
        (select v.code from vouchers v where v.partner_id = t.partner_id and v.txn_id = t.id), p_repeated
    )::point_receipt
    from (select 1) one
    left join point_txns c on t.kind = 'redeem' and c.partner_id = t.partner_id and c.parent_id = t.id
        and c.kind = 'accrue';
$$;

-- The transaction of a key, if there is one already; another request under it is a Conflict.
create function point_txn_of(p_partner_id bigint, p_key text, p_hash bytea) returns point_txns
language plpgsql stable as $$
declare
    t point_txns;
begin
    select * into t from point_txns where partner_id = p_partner_id and idem_key = p_key;
    if t.id is not null and t.req_hash <> p_hash then
        raise exception using errcode = 'LK409', message = 'key_reused', detail = p_key;
    end if;
    return t;
end $$;

-- Who may do it at all: the shop is open for business and the actor works there, in one of the roles.
create function admit_staff(p_partner_id bigint, p_actor_id bigint, p_roles text[]) returns partners
language plpgsql stable as $$
declare
    p partners;
    had text;
begin
    select * into p from partners where id = p_partner_id;
    if p.id is null then
        raise exception using errcode = 'LK404', message = 'no_partner', detail = p_partner_id::text;
    end if;
    if p.status = 'blocked' then
        raise exception using errcode = 'LK403', message = 'partner_blocked', detail = p.reason;
    end if;
    if p.status <> 'approved' then
        raise exception using errcode = 'LK403', message = 'partner_not_approved', detail = p.status;
    end if;
    if p_roles is null then
        return p;
    end if;
    select role into had
    from staff
    where partner_id = p_partner_id and user_id = p_actor_id and removed_at is null;
    if had is null then
        raise exception using errcode = 'LK403', message = 'not_staff', detail = p_actor_id::text;
    end if;
    if had <> all (p_roles) then
        raise exception using errcode = 'LK403', message = 'role_too_low', detail = had;
    end if;
    return p;
end $$;

-- All operations of one member queue up for the member's row. clock_timestamp(), never now(): a transaction that waited
-- here began before what it waited for.
create function lock_member(p_partner_id bigint, p_member_id bigint) returns members language plpgsql as $$
declare
    m members;
begin
    select * into m from members where partner_id = p_partner_id and id = p_member_id for no key update;
    if m.id is null then
        raise exception using errcode = 'LK404', message = 'no_member', detail = p_member_id::text;
    end if;
    return m;
end $$;

create function refuse_closed(m members) returns void language plpgsql immutable as $$
begin
    if m.left_at is not null then
        raise exception using errcode = 'LK404', message = 'no_member', detail = m.id::text;
    end if;
    if m.blocked_at is not null then
        raise exception using errcode = 'LK403', message = 'member_blocked', detail = m.id::text;
    end if;
end $$;

-- Writes the transaction and its two entries. The member's row is locked by the caller.
create function post_points(t point_txns, p_from text, p_to text) returns point_txns language plpgsql as $$
declare
    had_available bigint;
    had_pending bigint;
    own text[] := '{available,pending}';
begin
    t.missing := coalesce(t.missing, 0);
    t.bill_minor := coalesce(t.bill_minor, 0);
    t.paid_minor := coalesce(t.paid_minor, 0);
    t.reason := coalesce(t.reason, '');
    select max(balance) filter (where kind = 'available'), max(balance) filter (where kind = 'pending')
    into had_available, had_pending
    from point_accounts
    where partner_id = t.partner_id and member_id = t.member_id;
    t.available_after := had_available
        + case 'available' when p_to then t.points when p_from then -t.points else 0 end;
    t.pending_after := had_pending + case 'pending' when p_to then t.points when p_from then -t.points else 0 end;
    insert into point_txns (partner_id, member_id, kind, idem_key, req_hash, points, missing, bill_minor, paid_minor,
        actor_id, reverses_id, parent_id, promotion_id, service_id, reason, active_at, expires_at, available_after,
        pending_after, created_at)
    values (t.partner_id, t.member_id, t.kind, t.idem_key, t.req_hash, t.points, t.missing, t.bill_minor,
        t.paid_minor, t.actor_id, t.reverses_id, t.parent_id, t.promotion_id, t.service_id, t.reason, t.active_at,
        t.expires_at, t.available_after, t.pending_after, t.created_at)
    on conflict (partner_id, idem_key) do nothing
    returning id into t.id;
    if not found then
        -- another member's operation took the key while this one waited
        raise exception using errcode = 'LK409', message = 'key_reused', detail = t.idem_key;
    end if;
    if t.points > 0 then
        insert into point_entries (partner_id, txn_id, member_id, kind, delta, balance_after)
        values (t.partner_id, t.id, case when p_from = any (own) then t.member_id else 0 end, p_from, -t.points,
                case p_from when 'available' then t.available_after when 'pending' then t.pending_after end),
            (t.partner_id, t.id, case when p_to = any (own) then t.member_id else 0 end, p_to, t.points,
                case p_to when 'available' then t.available_after when 'pending' then t.pending_after end);
    end if;
    return t;
end $$;

-- The beginning of a day at the shop, so and so many days on: local midnight, whatever summer time does.
create function shop_midnight(p_tz text, p_moment timestamptz, p_days integer) returns timestamptz
language sql immutable as $$
    select ((p_moment at time zone p_tz)::date + p_days)::timestamp at time zone p_tz;
$$;

-- New points: the transaction, its lot and the member's next date. They wait p_hold days and live the shop's days.
create function issue_points(t point_txns, p partners, p_hold integer) returns point_txns language plpgsql as $$
declare
    pending boolean := p_hold > 0;
begin
    t.active_at := case when pending then shop_midnight(p.tz, t.created_at, p_hold) else t.created_at end;
    t.expires_at := case when p.expire_days > 0 then shop_midnight(p.tz, t.active_at, p.expire_days + 1) end;
    t := post_points(t, 'issued', case when pending then 'pending' else 'available' end);
    insert into point_lots (partner_id, member_id, txn_id, points, remaining, pending, active_at, expires_at)
    values (t.partner_id, t.member_id, t.id, t.points, t.points, pending, t.active_at, t.expires_at);
    if pending or t.expires_at is not null then
        update members
        set due_at = case when pending then t.active_at else t.expires_at end
        where partner_id = t.partner_id
        and id = t.member_id
        and (due_at is null or due_at > case when pending then t.active_at else t.expires_at end);
    end if;
    return t;
end $$;

create function next_points_due(p_partner_id bigint, p_member_id bigint) returns timestamptz language sql stable as $$
    select min(case when pending then active_at else expires_at end)
    from point_lots
    where partner_id = p_partner_id and member_id = p_member_id and is_open;
$$;

-- Makes spendable what waited long enough and takes what has expired. Every operation on a member begins with it, so a
-- night job that is late makes no difference to anybody.
create function settle_member(m members, p_now timestamptz) returns void language plpgsql as $$
declare
    t point_txns;
    number bigint;
begin
    if m.due_at is null or m.due_at > p_now then
        return;
    end if;
    t.partner_id := m.partner_id;
    t.member_id := m.id;
    t.req_hash := '';
    t.created_at := p_now;
    with due as (
        update point_lots
        set pending = false
        where partner_id = m.partner_id and member_id = m.id and is_open and pending and active_at <= p_now
        returning remaining
    )
    select sum(remaining) into number from due;
    if number > 0 then
        t.kind := 'activate';
        t.idem_key := 'activate:' || gen_random_uuid();
        t.points := number;
        perform post_points(t, 'pending', 'available');
    end if;
    select sum(remaining) into number
    from point_lots
    where partner_id = m.partner_id and member_id = m.id and is_open and not pending and expires_at <= p_now;
    if number > 0 then
        t.kind := 'expire';
        t.idem_key := 'expire:' || gen_random_uuid();
        t.points := number;
        t := post_points(t, 'available', 'expired');
        insert into point_lot_uses (partner_id, txn_id, lot_id, points)
        select partner_id, t.id, id, remaining
        from point_lots
        where partner_id = m.partner_id and member_id = m.id and is_open and not pending and expires_at <= p_now;
        update point_lots
        set remaining = 0
        where partner_id = m.partner_id and member_id = m.id and is_open and not pending and expires_at <= p_now;
    end if;
    update members
    set due_at = next_points_due(m.partner_id, m.id)
    where partner_id = m.partner_id and id = m.id;
end $$;

-- Takes points out of the lots that expire first, those of p_first before all others.
create function use_lots(p_partner_id bigint, p_member_id bigint, p_txn_id bigint, p_points bigint, p_first bigint)
returns void language plpgsql as $$
declare
    lot record;
    part bigint;
    need bigint := p_points;
begin
    if p_first is not null then
        select id, remaining into lot
        from point_lots
        where partner_id = p_partner_id and txn_id = p_first and member_id = p_member_id and is_open and not pending;
        if found then
            part := least(need, lot.remaining);
            insert into point_lot_uses (partner_id, txn_id, lot_id, points)
            values (p_partner_id, p_txn_id, lot.id, part);
            update point_lots set remaining = remaining - part where partner_id = p_partner_id and id = lot.id;
            need := need - part;
        end if;
    end if;
    while need > 0 loop
        select id, remaining into lot
        from point_lots
        where partner_id = p_partner_id and member_id = p_member_id and is_open and not pending
        order by expires_at, id
        limit 1;
        if not found then
            raise exception using errcode = 'restrict_violation', message = 'the lots hold less than the balance';
        end if;
        part := least(need, lot.remaining);
        insert into point_lot_uses (partner_id, txn_id, lot_id, points) values (p_partner_id, p_txn_id, lot.id, part);
        update point_lots set remaining = remaining - part where partner_id = p_partner_id and id = lot.id;
        need := need - part;
    end loop;
end $$;

-- What a bill earns: rounded down once, for the whole bill. The tier decides the rate; of the promotions the one that
-- gives most counts.
create function points_for(p partners, m members, p_city text, p_paid_minor bigint, p_now timestamptz)
returns table (points bigint, promotion_id bigint) language sql stable as $$
    with rate as (
        select coalesce((
            select t.earn_bp
            from tiers t
            where t.partner_id = p.id and t.min_spent_minor <= m.spent_minor
            order by t.min_spent_minor desc
            limit 1
        ), p.earn_bp)::bigint as bp
    ), offers as (
        select o.id, o.multiplier_bp::bigint, o.extra_points
        from promotions o, (select p_now at time zone p.tz as at) shop
        where o.partner_id = p.id
        and o.status = 'approved'
        and o.shown
        and o.kind <> 'news'
        and shop.at::date between o.starts_on and o.ends_on
        and o.weekdays & (1 << (extract(isodow from shop.at)::integer - 1)) > 0
        and p_paid_minor >= o.min_bill_minor
        and (o.city is null or lower(o.city) = lower(coalesce(p_city, p.city)))
        union all
        select null, 10000, 0
    )
    select p_paid_minor * bp * multiplier_bp / (10000::bigint * 10000 * p.minor_per_point) + extra_points, id
    from rate, offers
    order by 1 desc, id nulls first
    limit 1;
$$;

-- A receipt of somebody who was invited is looked at by a job: rewards need the referrers' rows, which are others'.
create function queue_referrals(p_partner_id bigint, p_receipt_id bigint, p_key text) returns void
language sql as $$
    insert into jobs (task, key, args, turn, max_attempts)
    values ('referrals', 'referrals:' || p_partner_id || ':' || p_key,
        jsonb_build_object('partner_id', p_partner_id, 'receipt_id', p_receipt_id),
        next_turn(null, 'referrals', 0::smallint), 10)
    on conflict (key) do nothing;
$$;

create function earn_points(p partners, m members, t point_txns, p_city text) returns point_txns
language plpgsql as $$
begin
    select e.points, e.promotion_id into t.points, t.promotion_id
    from points_for(p, m, p_city, t.paid_minor, t.created_at) e;
    if t.points > 0 then
        t := issue_points(t, p, p.hold_days);
        if m.referrer_id is not null and p.referral_levels > 0 then
            perform queue_referrals(p.id, t.id, t.id::text);
        end if;
    end if;
    return t;
end $$;

create function refuse_bill(p partners, p_bill_minor bigint) returns void language plpgsql immutable as $$
begin
    if p_bill_minor is null or p_bill_minor <= 0 then
        raise exception using errcode = 'LK400', message = 'amount_zero', detail = coalesce(p_bill_minor::text, '');
    end if;
    if p_bill_minor > p.max_bill_minor then
        raise exception using errcode = 'LK400', message = 'amount_over_limit', detail = p.max_bill_minor::text;
    end if;
end $$;

create function accrue_points(
    p_partner_id bigint, p_member_id bigint, p_actor_id bigint, p_key text, p_bill_minor bigint, p_now timestamptz
) returns point_receipt language plpgsql set role to lotok_app as $$
declare
    asked bytea := sha256(convert_to(concat_ws(':', 'accrue', p_member_id, p_bill_minor), 'UTF8'));
    m members;
    p partners;
    t point_txns;
begin
    perform set_config('app.tenant', p_partner_id::text, true);
    m := lock_member(p_partner_id, p_member_id);
    t := point_txn_of(p_partner_id, p_key, asked);
    if t.id is not null then
        return receipt_of(t, true);
    end if;
    p := admit_staff(p_partner_id, p_actor_id, '{owner,manager,cashier}');
    perform refuse_closed(m);
    perform refuse_bill(p, p_bill_minor);
    t.created_at := coalesce(p_now, clock_timestamp());
    perform settle_member(m, t.created_at);
    t.partner_id := p.id;
    t.member_id := m.id;
    t.kind := 'accrue';
    t.idem_key := p_key;
    t.req_hash := asked;
    t.bill_minor := p_bill_minor;
    t.paid_minor := p_bill_minor;
    t.actor_id := p_actor_id;
    t := earn_points(p, m, t, (select s.city from staff s where s.partner_id = p.id and s.user_id = p_actor_id));
    if t.points = 0 then
        raise exception using errcode = 'LK400', message = 'bill_too_small', detail = p_bill_minor::text;
    end if;
    update members
    set visits = visits + 1,
        spent_minor = spent_minor + p_bill_minor,
        last_visit_at = t.created_at
    where partner_id = p.id and id = m.id;
    return receipt_of(t, false);
end $$;

-- Points a bill may be paid with: the shop's share of it.
create function share_of_bill(p partners, p_bill_minor bigint) returns bigint language sql immutable as $$
    select p_bill_minor * p.max_pay_pct / (100::bigint * p.minor_per_point);
$$;

create function refuse_short(m members, p_points bigint) returns void language plpgsql stable as $$
declare
    has bigint;
begin
    select balance into has
    from point_accounts
    where partner_id = m.partner_id and member_id = m.id and kind = 'available';
    if has < p_points then
        raise exception using errcode = 'LK409', message = 'short_of_points', detail = has::text;
    end if;
end $$;

create function redeem_points(
    p_partner_id bigint, p_member_id bigint, p_actor_id bigint, p_key text, p_bill_minor bigint, p_points bigint,
    p_now timestamptz
) returns point_receipt language plpgsql set role to lotok_app as $$
declare
    asked bytea := sha256(convert_to(concat_ws(':', 'redeem', p_member_id, p_bill_minor, p_points), 'UTF8'));
    m members;
    p partners;
    t point_txns;
    rest point_txns;
begin
    perform set_config('app.tenant', p_partner_id::text, true);
    m := lock_member(p_partner_id, p_member_id);
    t := point_txn_of(p_partner_id, p_key, asked);
    if t.id is not null then
        return receipt_of(t, true);
    end if;
    p := admit_staff(p_partner_id, p_actor_id, '{owner,manager,cashier}');
    perform refuse_closed(m);
    perform refuse_bill(p, p_bill_minor);
    if p_points is null or p_points <= 0 then
        raise exception using errcode = 'LK400', message = 'points_zero', detail = coalesce(p_points::text, '');
    end if;
    if p_points > share_of_bill(p, p_bill_minor) then
        raise exception using errcode = 'LK400', message = 'over_share',
            detail = share_of_bill(p, p_bill_minor)::text;
    end if;
    t.created_at := coalesce(p_now, clock_timestamp());
    perform settle_member(m, t.created_at);
    perform refuse_short(m, p_points);
    t.partner_id := p.id;
    t.member_id := m.id;
    t.kind := 'redeem';
    t.idem_key := p_key;
    t.req_hash := asked;
    t.points := p_points;
    t.bill_minor := p_bill_minor;
    t.paid_minor := p_bill_minor - p_points * p.minor_per_point;
    t.actor_id := p_actor_id;
    t := post_points(t, 'available', 'redeemed');
    perform use_lots(p.id, m.id, t.id, p_points, null);
    if p.earn_on_rest and t.paid_minor > 0 then
        rest := t;
        rest.id := null;
        rest.kind := 'accrue';
        rest.idem_key := p_key || ':rest';
        rest.parent_id := t.id;
        rest.bill_minor := t.paid_minor;
        perform earn_points(p, m, rest, (
            select s.city from staff s where s.partner_id = p.id and s.user_id = p_actor_id
        ));
    end if;
    update members
    set visits = visits + 1,
        spent_minor = spent_minor + t.paid_minor,
        last_visit_at = t.created_at
    where partner_id = p.id and id = m.id;
    return receipt_of(t, false);
end $$;

-- The client's own doing: a service for points, to be had at the counter by the voucher's code.
create function buy_service(
    p_partner_id bigint, p_member_id bigint, p_actor_id bigint, p_key text, p_service_id bigint, p_days integer,
    p_now timestamptz
) returns point_receipt language plpgsql set role to lotok_app as $$
declare
    asked bytea := sha256(convert_to(concat_ws(':', 'service', p_member_id, p_service_id), 'UTF8'));
    m members;
    p partners;
    s services;
    t point_txns;
begin
    perform set_config('app.tenant', p_partner_id::text, true);
    m := lock_member(p_partner_id, p_member_id);
    t := point_txn_of(p_partner_id, p_key, asked);
    if t.id is not null then
        return receipt_of(t, true);
    end if;
    p := admit_staff(p_partner_id, p_actor_id, null);
    perform refuse_closed(m);
    if m.user_id <> p_actor_id then
        raise exception using errcode = 'LK404', message = 'no_member', detail = p_member_id::text;
    end if;
    select * into s
    from services
    where partner_id = p.id and id = p_service_id and status = 'approved' and shown;
    if s.id is null then
        raise exception using errcode = 'LK404', message = 'no_service', detail = p_service_id::text;
    end if;
    t.created_at := coalesce(p_now, clock_timestamp());
    perform settle_member(m, t.created_at);
    perform refuse_short(m, s.price_points);
    t.partner_id := p.id;
    t.member_id := m.id;
    t.kind := 'service';
    t.idem_key := p_key;
    t.req_hash := asked;
    t.points := s.price_points;
    t.actor_id := p_actor_id;
    t.service_id := s.id;
    t := post_points(t, 'available', 'redeemed');
    perform use_lots(p.id, m.id, t.id, t.points, null);
    loop
        insert into vouchers (partner_id, txn_id, member_id, service_id, code, created_at, expires_at)
        values (p.id, t.id, m.id, s.id, lpad(floor(random() * 100000000)::bigint::text, 8, '0'), t.created_at,
            shop_midnight(p.tz, t.created_at, p_days + 1))
        on conflict (partner_id, code) do nothing;
        exit when found;
    end loop;
    return receipt_of(t, false);
end $$;

-- Points without a bill: by hand with a reason, for a birthday, for joining.
create function grant_points(
    p_partner_id bigint, p_member_id bigint, p_actor_id bigint, p_key text, p_kind text, p_points bigint,
    p_reason text, p_now timestamptz
) returns point_receipt language plpgsql set role to lotok_app as $$
declare
    asked bytea := sha256(convert_to(concat_ws(':', p_kind, p_member_id, p_points), 'UTF8'));
    m members;
    p partners;
    t point_txns;
begin
    perform set_config('app.tenant', p_partner_id::text, true);
    m := lock_member(p_partner_id, p_member_id);
    t := point_txn_of(p_partner_id, p_key, asked);
    if t.id is not null then
        return receipt_of(t, true);
    end if;
    p := admit_staff(p_partner_id, p_actor_id, case p_kind when 'grant' then '{owner,manager}'::text[] end);
    perform refuse_closed(m);
    if p_points is null or p_points <= 0 or p_points > 1000000 then
        raise exception using errcode = 'LK400', message = 'points_zero', detail = coalesce(p_points::text, '');
    end if;
    t.created_at := coalesce(p_now, clock_timestamp());
    perform settle_member(m, t.created_at);
    t.partner_id := p.id;
    t.member_id := m.id;
    t.kind := p_kind;
    t.idem_key := p_key;
    t.req_hash := asked;
    t.points := p_points;
    t.actor_id := p_actor_id;
    t.reason := left(coalesce(p_reason, ''), 300);
    return receipt_of(issue_points(t, p, 0), false);
end $$;

-- Takes back new points: out of the lot while it waits, else out of the balance, its own lot first. What has been spent
-- is written down as missing. The member's row is locked by the caller.
create function take_back(t point_txns, r point_txns) returns point_txns language plpgsql as $$
declare
    lot point_lots;
    has bigint;
begin
    select * into lot from point_lots where partner_id = t.partner_id and txn_id = t.id;
    if lot.pending then
        r.points := lot.remaining;
    else
        select balance into has
        from point_accounts
        where partner_id = t.partner_id and member_id = r.member_id and kind = 'available';
        r.points := least(t.points, has);
    end if;
    r.missing := t.points - r.points;
    r := post_points(r, case when lot.pending then 'pending' else 'available' end, 'issued');
    if lot.pending then
        insert into point_lot_uses (partner_id, txn_id, lot_id, points)
        values (r.partner_id, r.id, lot.id, lot.remaining);
        update point_lots set remaining = 0 where partner_id = lot.partner_id and id = lot.id;
    else
        perform use_lots(t.partner_id, r.member_id, r.id, r.points, t.id);
    end if;
    return r;
end $$;

-- Gives spent points back into the very lots they came from.
create function give_back(t point_txns, r point_txns) returns point_txns language plpgsql as $$
begin
    r.points := t.points;
    r := post_points(r, 'redeemed', 'available');
    update point_lots l
    set remaining = l.remaining + u.points
    from point_lot_uses u
    where u.partner_id = t.partner_id
    and u.txn_id = t.id
    and l.partner_id = u.partner_id
    and l.id = u.lot_id;
    update members
    set due_at = next_points_due(t.partner_id, r.member_id)
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
    r.reason := left(coalesce(p_reason, ''), 300);
    r.created_at := p_now;
    if t.kind in ('redeem', 'service') then
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

create function reverse_points(
    p_partner_id bigint, p_txn_id bigint, p_actor_id bigint, p_key text, p_reason text, p_now timestamptz
) returns point_receipt language plpgsql set role to lotok_app as $$
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
    r := point_txn_of(p_partner_id, p_key, asked);
    if r.id is not null then
        return receipt_of(r, true);
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
    return receipt_of(r, false);
end $$;

-- Joining a shop: once for each person; the newcomer's welcome points come with it. A referrer must be a member already.
create function join_partner(
    p_partner_id bigint, p_user_id bigint, p_referrer_card bigint, p_now timestamptz
) returns table (member_id bigint, card_no bigint, created boolean, welcome bigint)
language plpgsql set role to lotok_app as $$
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
        perform issue_points(t, p, 0);
    end if;
    return query select m.id, m.card_no, true, p.welcome_points;
    perform set_config('app.tenant', '', true);
end $$;

-- Whoever asks for a shop becomes its owner. It serves nobody until it is approved.
create function apply_partner(p_owner_id bigint, p_fields jsonb) returns bigint
language plpgsql set role to lotok_app as $$
declare
    new_id bigint;
begin
    perform set_config('app.platform', 'on', true);
    if (select count(*) from partners where owner_id = p_owner_id and status in ('pending', 'approved')) >= 20 then
        raise exception using errcode = 'LK409', message = 'too_many_partners', detail = p_owner_id::text;
    end if;
    insert into partners (code, owner_id, title, about, city, address, category, contact, photo, tz)
    select substr(md5(gen_random_uuid()::text), 1, 10), p_owner_id, f.title, coalesce(f.about, ''), f.city,
        coalesce(f.address, ''), f.category, coalesce(f.contact, ''), coalesce(f.photo, ''),
        coalesce(f.tz, 'Europe/Moscow')
    from jsonb_to_record(p_fields)
        f (title text, about text, city text, address text, category text, contact text, photo text, tz text)
    returning id into new_id;
    insert into staff (partner_id, user_id, role) values (new_id, p_owner_id, 'owner');
    insert into point_accounts (partner_id, member_id, kind)
    values (new_id, 0, 'issued'), (new_id, 0, 'redeemed'), (new_id, 0, 'expired');
    insert into loyalty_trail (partner_id, actor_id, action, subject, after)
    values (new_id, p_owner_id, 'partner.applied', new_id::text, p_fields);
    perform set_config('app.platform', '', true);
    return new_id;
end $$;

-- The cards of one person: every shop with what is there, and what goes first. One tenant after the other.
create function my_cards(p_user_id bigint, p_now timestamptz)
returns table (partner_id bigint, member_id bigint, card_no bigint, title text, city text, category text, status text,
    available bigint, pending bigint, minor_per_point integer, next_points bigint, next_at timestamptz,
    favourite boolean, last_visit_at timestamptz)
language plpgsql set role to lotok_app as $$
#variable_conflict use_column
declare
    m members;
begin
    perform set_config('app.person', p_user_id::text, true);
    for m in
        select * from members where user_id = p_user_id and left_at is null
        order by last_visit_at desc nulls last, id desc limit 100
    loop
        perform set_config('app.tenant', m.partner_id::text, true);
        return query
        select p.id, m.id, m.card_no, p.title, p.city, p.category, p.status,
            a.available, a.pending, p.minor_per_point, e.points, e.at,
            exists (select from favourites f where f.user_id = p_user_id and f.partner_id = p.id), m.last_visit_at
        from partners p
        left join lateral (
            select max(balance) filter (where kind = 'available') as available,
                max(balance) filter (where kind = 'pending') as pending
            from point_accounts x
            where x.partner_id = m.partner_id and x.member_id = m.id
        ) a on true
        left join lateral (
            select sum(l.remaining)::bigint as points, l.expires_at as at
            from point_lots l
            where l.partner_id = m.partner_id and l.member_id = m.id and l.is_open and l.expires_at > p_now
            group by l.expires_at
            order by l.expires_at
            limit 1
        ) e on true
        where p.id = m.partner_id;
    end loop;
    perform set_config('app.tenant', '', true);
    perform set_config('app.person', '', true);
end $$;

-- The number goes to the person who has proven it, and onto every card of theirs.
create function set_phone(p_user_id bigint, p_phone text) returns void
language plpgsql set role to lotok_app as $$
begin
    perform set_config('app.platform', 'on', true);
    update clients
    set phone = p_phone
    where user_id = p_user_id
    and not exists (select from clients c where c.phone = p_phone and c.user_id <> p_user_id);
    if not found then
        if not exists (select from clients where user_id = p_user_id) then
            raise exception using errcode = 'LK404', message = 'no_client', detail = p_user_id::text;
        end if;
        raise exception using errcode = 'LK409', message = 'phone_taken', detail = p_user_id::text;
    end if;
    update members
    set phone_tail = right(p_phone, 4)
    where user_id = p_user_id
    and phone_tail <> right(p_phone, 4);
    perform set_config('app.platform', '', true);
end $$;
