-- Points: an exact ledger.
--
-- Every movement is a transaction whose entries sum to zero, and nothing in it ever changes. A member has two accounts,
-- `available` and `pending`, which never go below zero and always hold what their open lots hold; a shop's own accounts
-- (member 0) have entries, but no balance, because all clients of a shop would queue up for that one row. Points are
-- spent from the lot that expires first. docs/ledger.md shows each act.

create table point_accounts (
    partner_id bigint not null references partners (id),
    member_id bigint not null,
    kind text not null,
    balance bigint check (balance >= 0),
    holder_id bigint generated always as (nullif(member_id, 0)) stored,
    primary key (partner_id, member_id, kind),
    foreign key (partner_id, holder_id) references members (partner_id, id)
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);

create function is_sound(r point_accounts) returns boolean language plpgsql immutable parallel safe as $$
begin
    return case when r.member_id = 0 then r.kind in ('issued', 'redeemed', 'expired') and r.balance is null
        else r.kind in ('available', 'pending') and coalesce(r.balance, -1) >= 0 end;
end $$;

create trigger sound after insert or update of member_id, kind on point_accounts
    for each row when (not is_sound(new)) execute function refuse_unsound();

create table point_txns (
    -- the shop is that of the member: a key of its own would lock its row in every operation
    partner_id bigint not null,
    id bigint generated always as identity,
    member_id bigint not null,
    kind text not null,
    idem_key text not null,
    -- of what was asked for: the same key with another request is refused
    req_hash bytea not null,
    points bigint not null,
    -- a reversed accrual: what had been spent already and could not be taken back
    missing bigint not null default 0,
    bill_minor bigint not null default 0,
    -- what of the bill was paid in money
    paid_minor bigint not null default 0,
    -- not a foreign key: all operations of a cashier would lock their row; the operation checks who it is
    actor_id bigint,
    reverses_id bigint,
    -- of points earned on the rest of a bill: the redemption; of a referral: the receipt; of a recovery: the reversal
    parent_id bigint,
    promotion_id bigint,
    service_id bigint,
    reason text not null default '',
    active_at timestamptz,
    expires_at timestamptz,
    available_after bigint not null,
    pending_after bigint not null,
    created_at timestamptz not null,
    primary key (partner_id, id),
    unique (partner_id, idem_key),
    foreign key (partner_id, member_id) references members (partner_id, id),
    foreign key (partner_id, reverses_id) references point_txns (partner_id, id),
    foreign key (partner_id, parent_id) references point_txns (partner_id, id),
    foreign key (partner_id, promotion_id) references promotions (partner_id, id),
    foreign key (partner_id, service_id) references services (partner_id, id)
) with (autovacuum_vacuum_insert_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.05);

create function is_sound(r point_txns) returns boolean language plpgsql immutable parallel safe as $$
begin
    return r.kind in ('accrue', 'redeem', 'service', 'welcome', 'birthday', 'grant', 'referral', 'activate', 'expire',
            'reverse', 'recover', 'merge')
        and (r.kind = 'reverse') = (r.reverses_id is not null)
        and least(r.points, r.missing, r.paid_minor, r.bill_minor - r.paid_minor, r.available_after, r.pending_after) >= 0
        and length(r.idem_key) between 1 and 200
        and length(r.reason) <= 300;
end $$;

alter table point_txns add constraint point_txns_sound check (is_sound(point_txns));

create unique index point_txns_one_reversal on point_txns (partner_id, reverses_id) where reverses_id is not null;
create index point_txns_parent on point_txns (partner_id, parent_id) where parent_id is not null;
create index point_txns_history on point_txns (partner_id, created_at desc, id desc);
create index point_txns_member on point_txns (partner_id, member_id, id desc);
create index point_txns_promotion on point_txns (partner_id, member_id, promotion_id, created_at)
    where promotion_id is not null;

create table point_entries (
    partner_id bigint not null,
    txn_id bigint not null,
    member_id bigint not null,
    kind text not null,
    delta bigint not null,
    -- of a member; move_points sees to it that it follows on what their account has
    balance_after bigint,
    primary key (partner_id, txn_id, member_id, kind),
    foreign key (partner_id, txn_id) references point_txns (partner_id, id)
);

-- Points that came at one time, and how many of them are left. Pending ones cannot be spent yet.
create table point_lots (
    partner_id bigint not null,
    id bigint generated always as identity,
    member_id bigint not null,
    txn_id bigint not null,
    points bigint not null,
    remaining bigint not null,
    -- for the indexes: what is left may change without touching them
    is_open boolean not null generated always as (remaining > 0) stored,
    pending boolean not null,
    active_at timestamptz not null,
    expires_at timestamptz,
    reminded boolean not null default false,
    primary key (partner_id, id),
    foreign key (partner_id, member_id) references members (partner_id, id),
    foreign key (partner_id, txn_id) references point_txns (partner_id, id)
) with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05);

create function is_sound(r point_lots) returns boolean language plpgsql immutable parallel safe as $$
begin
    return r.points > 0
        and r.remaining between 0 and r.points
        and (r.expires_at is null or r.expires_at > r.active_at);
end $$;

alter table point_lots add constraint point_lots_sound check (is_sound(point_lots));

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

-- A service that a client has paid for in points and can collect at the counter.
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

alter table point_accounts enable row level security, force row level security;
create policy tenant on point_accounts to lotok_app using (sees(partner_id));
create policy till on point_accounts to lotok_till using (serves(partner_id));
alter table point_txns enable row level security, force row level security;
create policy tenant on point_txns to lotok_app using (sees(partner_id));
create policy till on point_txns to lotok_till using (serves(partner_id));
alter table point_entries enable row level security, force row level security;
create policy tenant on point_entries to lotok_app using (sees(partner_id));
create policy till on point_entries to lotok_till using (serves(partner_id));
alter table point_lots enable row level security, force row level security;
create policy tenant on point_lots to lotok_app using (sees(partner_id));
create policy till on point_lots to lotok_till using (serves(partner_id));
alter table point_lot_uses enable row level security, force row level security;
create policy tenant on point_lot_uses to lotok_app using (sees(partner_id));
create policy till on point_lot_uses to lotok_till using (serves(partner_id));
alter table vouchers enable row level security, force row level security;
create policy tenant on vouchers to lotok_app using (sees(partner_id));
create policy till on vouchers to lotok_till using (serves(partner_id));

-- The entries of a transaction sum to zero, and the balance of a member moves by an entry and by nothing else.
create function move_points() returns trigger language plpgsql as $$
declare
    e record;
    txn bigint;
    total bigint := 0;
begin
    for e in select * from added loop
        exit when total <> 0 and e.txn_id <> txn;
        txn := e.txn_id;
        total := total + e.delta;
        if e.member_id = 0 and e.delta <> 0 and e.balance_after is null and e.kind in ('issued', 'redeemed', 'expired') then
            continue;
        end if;
        update point_accounts
        set balance = e.balance_after
        where partner_id = e.partner_id
        and member_id = e.member_id
        and kind = e.kind
        and balance + e.delta = e.balance_after
        and e.delta <> 0;
        if not found then
            raise exception using errcode = 'restrict_violation', message = 'the entry does not follow on the balance';
        end if;
    end loop;
    if total <> 0 then
        raise exception using errcode = 'restrict_violation', message = 'the entries do not sum to zero';
    end if;
    return null;
end $$;

create function keep_points() returns trigger language plpgsql as $$
begin
    raise exception using errcode = 'restrict_violation',
        message = format('%s of %s is not allowed: points move by inserting into point_entries', tg_op, tg_table_name);
end $$;

create trigger move_points after insert on point_entries
    referencing new table as added for each statement execute function move_points();
create trigger append_only before update or delete on point_entries for each row execute function keep_points();
create trigger append_only before delete on point_txns for each row execute function keep_points();
create trigger append_only before update or delete on point_lot_uses for each row execute function keep_points();
create trigger never_truncate before truncate on point_entries for each statement execute function keep_points();
create trigger never_truncate before truncate on point_txns for each statement execute function keep_points();
create trigger never_truncate before truncate on point_lot_uses for each statement execute function keep_points();
create trigger open_empty before insert on point_accounts
    for each row when (new.balance <> 0) execute function keep_points();
create trigger balance_by_entries before update on point_accounts
    for each row when (pg_trigger_depth() = 0) execute function keep_points();
create trigger keep_account before delete on point_accounts for each row execute function keep_points();

-- lotok_app writes only the columns that move no points; operations write the rest.
revoke insert, update, delete on point_txns, point_entries, point_lot_uses, point_lots, vouchers from lotok_app;
revoke update, delete on point_accounts from lotok_app;
grant update (reminded) on point_lots to lotok_app;
grant update (used_by, used_at) on vouchers to lotok_app;
grant select, insert, update on point_accounts, point_lots, vouchers to lotok_till;
grant select, insert on point_txns, point_entries, point_lot_uses to lotok_till;

-- Refuses an actor who may not do it at all: the shop must be open for business, and the actor must work there in one
-- of the roles (null: any role).
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

create function admit_staff(p_partner_id bigint, p_actor_id bigint, p_roles text[]) returns partners
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

-- Returns the cards that an operation of a card may move points on, the newest first: the card, those of its referrers for
-- so many levels, those that had a reward of the receipt, and what all of these have become part of, or are borne by.
create function line_of(p_partner_id bigint, p_member_id bigint, p_receipt_id bigint, p_levels integer) returns bigint[]
language plpgsql stable as $$
begin
    return (with recursive line (id, step) as (
        select p_member_id, 0
        union
        select referrer_id, p_levels from referral_rewards where partner_id = p_partner_id and receipt_id = p_receipt_id
        union
        select n.id, n.step
        from line
        join members g on g.partner_id = p_partner_id and g.id = line.id
        cross join lateral (
            values (g.referrer_id, line.step + 1), (g.merged_into, line.step)
            union all
            select o.id, p_levels
            from bearers_of(g.id) b (id)
            join members o on o.partner_id = p_partner_id and o.user_id = b.id and o.left_at is null
            where g.left_at is not null
        ) n (id, step)
        where n.id is not null and n.step <= p_levels
    )
    select array_agg(distinct id order by id desc) from line);
end $$;

-- Locks these cards, and before them their people. Everybody who locks several cards of a shop begins with the newest, so
-- that two who meet never wait for each other. Where there are others meanwhile, all are let go, and it begins again.
create function lock_line(p_partner_id bigint, p_member_id bigint, p_receipt_id bigint, p_levels integer) returns void
language plpgsql as $$
declare
    line bigint[];
begin
    loop
        line := line_of(p_partner_id, p_member_id, p_receipt_id, p_levels);
        begin
            perform hold_people(array(select user_id from members where partner_id = p_partner_id and id = any(line)));
            perform from members where partner_id = p_partner_id and id = any(line) order by id desc for no key update;
            if line = line_of(p_partner_id, p_member_id, p_receipt_id, p_levels) then
                return;
            end if;
            raise exception using errcode = 'LK000';
        exception
            when sqlstate 'LK000' then null;
        end;
    end loop;
end $$;

-- Does as lock_member for the account that a member has become part of, when two accounts of one person were merged.
create function lock_heir(p_partner_id bigint, p_member_id bigint) returns members language plpgsql as $$
declare
    m members;
begin
    perform lock_line(p_partner_id, p_member_id, null, 0);
    m := lock_member(p_partner_id, p_member_id);
    while m.merged_into is not null loop
        m := lock_member(p_partner_id, m.merged_into);
    end loop;
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

-- Raises the refusal of a known key that comes with another request.
create function refuse_reuse(p_key text, p_hash bytea, p_had bytea) returns void language plpgsql immutable as $$
begin
    if p_hash <> p_had then
        raise exception using errcode = 'LK409', message = 'key_reused', detail = p_key;
    end if;
end $$;

-- Writes a movement: the transaction, its two entries, the lot of new points, and the member's row, in one statement.
-- Long: one statement sets up once what four would each, on the path of every operation.
-- The member's row is locked by the caller. `t` may bring the balances before it; p_spent: money, if it was a visit.
create function post_points(t point_txns, p_from text, p_to text, p_spent bigint default null) returns point_txns
language plpgsql as $$
declare
    from_member bigint := case when p_from in ('available', 'pending') then t.member_id else 0 end;
    to_member bigint := case when p_to in ('available', 'pending') then t.member_id else 0 end;
    due timestamptz := case when p_from = 'issued' and p_to = 'pending' then t.active_at
        when p_from = 'issued' then t.expires_at end;
begin
    -- the balances before it, where the caller does not bring them
    if t.available_after is null then
        select a.balance, w.balance into t.available_after, t.pending_after
        from point_accounts a
        join point_accounts w on w.partner_id = a.partner_id and w.member_id = a.member_id and w.kind = 'pending'
        where a.partner_id = t.partner_id and a.member_id = t.member_id and a.kind = 'available';
    end if;
    -- the row, complete
    t.missing := coalesce(t.missing, 0);
    t.bill_minor := coalesce(t.bill_minor, 0);
    t.paid_minor := coalesce(t.paid_minor, 0);
    t.reason := coalesce(t.reason, '');
    t.available_after := t.available_after
        + case 'available' when p_to then t.points when p_from then -t.points else 0 end;
    t.pending_after := t.pending_after + case 'pending' when p_to then t.points when p_from then -t.points else 0 end;
    -- all that goes with it
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

-- Returns the beginning of a day at the shop, p_days later: local midnight, with or without summer time.
create function shop_midnight(p_tz text, p_moment timestamptz, p_days integer) returns timestamptz
language sql immutable as $$
    select ((p_moment at time zone p_tz)::date + p_days)::timestamp at time zone p_tz;
$$;

-- New points wait p_hold days and live the shop's days.
create function issue_points(t point_txns, p_tz text, p_expire integer, p_hold integer, p_spent bigint)
returns point_txns language plpgsql as $$
begin
    t.active_at := case when p_hold > 0 then shop_midnight(p_tz, t.created_at, p_hold) else t.created_at end;
    t.expires_at := case when p_expire > 0 then shop_midnight(p_tz, t.active_at, p_expire + 1) end;
    return post_points(t, 'issued', case when p_hold > 0 then 'pending' else 'available' end, p_spent);
end $$;

create function next_points_due(p_partner_id bigint, p_member_id bigint) returns timestamptz language sql stable as $$
    select min(case when pending then active_at else expires_at end)
    from point_lots
    where partner_id = p_partner_id and member_id = p_member_id and is_open;
$$;

-- Empties the pending or the spendable lots that have expired (all of them when p_now is null).
create function empty_lots(t point_txns, p_pending boolean, p_now timestamptz) returns void language plpgsql as $$
begin
    insert into point_lot_uses (partner_id, txn_id, lot_id, points)
    select partner_id, t.id, id, remaining
    from point_lots
    where partner_id = t.partner_id and member_id = t.member_id and is_open and pending = p_pending
    and (p_now is null or expires_at <= p_now);
    update point_lots
    set remaining = 0
    where partner_id = t.partner_id and member_id = t.member_id and is_open and pending = p_pending
    and (p_now is null or expires_at <= p_now);
end $$;

-- Makes points spendable that have waited long enough, and takes points that have expired. Every operation on a member
-- begins with it, so a night job that is late makes no difference to anybody.
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
        perform empty_lots(t, false, p_now);
    end if;
    update members
    set due_at = next_points_due(m.partner_id, m.id)
    where partner_id = m.partner_id and id = m.id;
end $$;

-- What is shown of a client is what is so now: a date of theirs that has come is settled before it is read.
create function settle_one(p_partner_id bigint, p_member_id bigint, p_now timestamptz) returns void
language plpgsql security definer
    set plan_cache_mode to force_generic_plan set enable_seqscan to off set search_path to public, pg_temp as $$
declare
    at timestamptz := coalesce(p_now, clock_timestamp());
    m members;
begin
    perform set_config('app.tenant', p_partner_id::text, true);
    select * into m from members
    where partner_id = p_partner_id and id = p_member_id and due_at <= at
    for no key update skip locked;
    if found then
        perform settle_member(m, at);
    end if;
    perform set_config('app.tenant', '', true);
end $$;

-- Takes points out of the lots that expire first, that of p_first before all others.
create function use_lots(p_partner_id bigint, p_member_id bigint, p_txn_id bigint, p_points bigint, p_first bigint)
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

-- Returns the answer of every operation, the first time and at every repetition of its key.
create type point_receipt as (
    txn_id bigint, member_id bigint, user_id bigint, kind text, points bigint, earned bigint, missing bigint,
    bill_minor bigint, paid_minor bigint, available bigint, pending bigint, promotion_id bigint,
    active_at timestamptz, expires_at timestamptz, created_at timestamptz, code text, repeated boolean,
    recovered bigint
);

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

-- Returns the answer to a key that came before.
create function receipt_again(p_partner_id bigint, p_txn_id bigint, p_user_id bigint) returns point_receipt
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
