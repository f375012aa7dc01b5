-- The ledger is written by operations and by nothing else. An operation belongs to lotok_till and runs with its rights;
-- nobody enters that role any more, so lotok_app cannot write a point with SQL of its own. The walls hold for owners, too.

revoke insert, update, delete on point_txns, point_entries, point_lot_uses, point_lots, vouchers, referral_rewards, members
    from lotok_app;
revoke update on point_accounts from lotok_app;
grant update (reminded) on point_lots to lotok_app;
grant update (used_by, used_at) on vouchers to lotok_app;
grant update (user_id, phone_tail, blocked_at, asked_at, asked_txn) on members to lotok_app;

-- Two accounts that become one, and a person who goes, are operations, too.
grant select (partner_id, member_id), update (member_id), delete on messages to lotok_till;
grant select (partner_id, member_id, words), update (member_id, words) on ratings to lotok_till;
create policy till on messages to lotok_till using (serves(partner_id));
create policy till on ratings to lotok_till using (serves(partner_id));

create or replace function join_partner(
    p_partner_id bigint, p_user_id bigint, p_referrer_card bigint, p_now timestamptz
) returns table (member_id bigint, card_no bigint, created boolean, welcome bigint)
language plpgsql security definer
    set enable_seqscan to off set search_path to public, pg_temp as $$
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
    perform set_config('app.person', p_user_id::text, true);
    select coalesce(right(c.phone, 4), '') into tail from clients c where c.user_id = p_user_id;
    if not found then
        raise exception using errcode = 'LK404', message = 'no_client', detail = p_user_id::text;
    end if;
    perform set_config('app.person', '', true);
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
    if p.welcome_points > 0 and not is_remembered(p_user_id, 'welcome', p.id) then
        perform remember(p_user_id, 'welcome', p.id);
        t.partner_id := p.id;
        t.member_id := m.id;
        t.kind := 'welcome';
        t.idem_key := 'welcome:' || m.id;
        t.req_hash := '';
        t.points := p.welcome_points;
        t.created_at := at;
        perform issue_points(t, p.tz, p.expire_days, 0, null);
    end if;
    return query select m.id, m.card_no, true, coalesce(t.points, 0);
    perform set_config('app.tenant', '', true);
end $$;

create or replace function merge_members(p_partner_id bigint, p_from bigint, p_into bigint, p_now timestamptz) returns bigint
language plpgsql security definer set search_path to public, pg_temp as $$
declare
    a members;
    b members;
    t point_txns;
    had record;
    has record;
begin
    perform set_config('app.tenant', p_partner_id::text, true);
    a := lock_member(p_partner_id, greatest(p_from, p_into));
    b := lock_member(p_partner_id, least(p_from, p_into));
    perform refuse_closed(a);
    perform refuse_closed(b);
    perform settle_member(a, p_now);
    perform settle_member(b, p_now);
    select max(balance) filter (where kind = 'available') as available,
        max(balance) filter (where kind = 'pending') as pending
    into had from point_accounts where partner_id = p_partner_id and member_id = p_from;
    select max(balance) filter (where kind = 'available') as available,
        max(balance) filter (where kind = 'pending') as pending
    into has from point_accounts where partner_id = p_partner_id and member_id = p_into;
    insert into point_txns (partner_id, member_id, kind, idem_key, req_hash, points, available_after, pending_after,
        created_at)
    values (p_partner_id, p_into, 'merge', 'merge:' || p_from, '', had.available + had.pending,
        has.available + had.available, has.pending + had.pending, p_now)
    returning * into t;
    insert into point_entries (partner_id, txn_id, member_id, kind, delta, balance_after)
    select p_partner_id, t.id, e.member_id, e.kind, e.delta, e.after
    from (values
        (p_from, 'available', -had.available, 0::bigint), (p_into, 'available', had.available, t.available_after),
        (p_from, 'pending', -had.pending, 0), (p_into, 'pending', had.pending, t.pending_after)
    ) e (member_id, kind, delta, after)
    where e.delta <> 0;
    update point_lots set member_id = p_into where partner_id = p_partner_id and member_id = p_from;
    update vouchers set member_id = p_into where partner_id = p_partner_id and member_id = p_from;
    update messages set member_id = p_into where partner_id = p_partner_id and member_id = p_from;
    update ratings set member_id = p_into where partner_id = p_partner_id and member_id = p_from;
    update members k
    set visits = k.visits + g.visits,
        spent_minor = k.spent_minor + g.spent_minor,
        last_visit_at = greatest(k.last_visit_at, g.last_visit_at),
        owed = k.owed + g.owed,
        asked_at = greatest(k.asked_at, g.asked_at),
        asked_txn = case when g.asked_at > coalesce(k.asked_at, '-infinity') then g.asked_txn else k.asked_txn end,
        due_at = next_points_due(p_partner_id, p_into)
    from members g
    where k.partner_id = p_partner_id and k.id = p_into
    and g.partner_id = p_partner_id and g.id = p_from;
    update members
    set left_at = p_now, merged_into = p_into, phone_tail = '', due_at = null, owed = 0
    where partner_id = p_partner_id and id = p_from;
    perform set_config('app.tenant', '', true);
    return t.points;
end $$;

create or replace function leave_shop(m members, p_now timestamptz) returns void
language plpgsql security definer set search_path to public, pg_temp as $$
declare
    t point_txns;
    rest record;
begin
    perform set_config('app.tenant', m.partner_id::text, true);
    m := lock_member(m.partner_id, m.id);
    perform settle_member(m, p_now);
    for rest in
        select pending, sum(remaining)::bigint as points
        from point_lots
        where partner_id = m.partner_id and member_id = m.id and is_open
        group by pending
        order by pending
    loop
        t := null;
        t.partner_id := m.partner_id;
        t.member_id := m.id;
        t.kind := 'expire';
        t.idem_key := 'left:' || m.id || ':' || rest.pending;
        t.req_hash := '';
        t.points := rest.points;
        t.created_at := p_now;
        t := post_points(t, case when rest.pending then 'pending' else 'available' end, 'expired');
        insert into point_lot_uses (partner_id, txn_id, lot_id, points)
        select partner_id, t.id, id, remaining
        from point_lots
        where partner_id = m.partner_id and member_id = m.id and is_open and pending = rest.pending;
        update point_lots
        set remaining = 0
        where partner_id = m.partner_id and member_id = m.id and is_open and pending = rest.pending;
    end loop;
    update members
    set left_at = p_now, phone_tail = '', due_at = null
    where partner_id = m.partner_id and id = m.id;
    delete from messages where partner_id = m.partner_id and member_id = m.id;
    update ratings set words = '' where partner_id = m.partner_id and member_id = m.id and words <> '';
    update vouchers
    set cancelled_at = p_now
    where partner_id = m.partner_id and member_id = m.id and used_at is null and cancelled_at is null;
    perform set_config('app.tenant', '', true);
end $$;

-- Whoever is to own a function must be allowed to make one, at that moment.
grant create on schema public to lotok_till;
alter function accrue_points reset role;
alter function accrue_points security definer set search_path to public, pg_temp;
alter function redeem_points reset role;
alter function redeem_points security definer set search_path to public, pg_temp;
alter function buy_service reset role;
alter function buy_service security definer set search_path to public, pg_temp;
alter function grant_points reset role;
alter function grant_points security definer set search_path to public, pg_temp;
alter function reverse_points reset role;
alter function reverse_points security definer set search_path to public, pg_temp;
alter function settle_referrals reset role;
alter function settle_referrals security definer set search_path to public, pg_temp;
alter function review_referral reset role;
alter function review_referral security definer set search_path to public, pg_temp;
alter function settle_due reset role;
alter function settle_due security definer set search_path to public, pg_temp;
alter function accrue_points owner to lotok_till;
alter function redeem_points owner to lotok_till;
alter function buy_service owner to lotok_till;
alter function grant_points owner to lotok_till;
alter function reverse_points owner to lotok_till;
alter function join_partner owner to lotok_till;
alter function settle_referrals owner to lotok_till;
alter function review_referral owner to lotok_till;
alter function settle_due owner to lotok_till;
alter function merge_members owner to lotok_till;
alter function leave_shop owner to lotok_till;
revoke create on schema public from lotok_till;

-- People's names and numbers: their own, and of a shop those who have its card.
alter table clients enable row level security;
create policy own on clients to lotok_app using (
    case when current_setting('app.platform', true) = 'on' then true else user_id = (select person()) end
);
create policy tenant on clients for select to lotok_app using (
    exists (
        select from members m
        where m.partner_id = (select nullif(current_setting('app.tenant', true), '')::bigint)
        and m.user_id = clients.user_id
        and m.left_at is null
    )
);
create policy till on clients for select to lotok_till using (user_id = (select person()));
revoke select on clients from lotok_till;
grant select (user_id, phone) on clients to lotok_till;

do $$
declare
    one regclass;
begin
    for one in
        select oid from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r' and relrowsecurity
    loop
        execute format('alter table %s force row level security', one);
    end loop;
end $$;
