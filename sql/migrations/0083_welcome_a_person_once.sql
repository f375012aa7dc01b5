-- Welcome points came once for each card, so cards moved to and fro between two accounts, or an account deleted and opened
-- again, brought them each time. They come once for a person: by every mark they have, and those of accounts that were
-- merged. The same for the birthday's. A card that the shop has blocked does not change hands.
alter table remembered
    drop constraint remembered_what_check,
    add constraint remembered_what_check check (what in ('welcome', 'birthday', 'block', 'debt'));

-- By every mark of the person. What is remembered already is remembered for the longer time.
create or replace function remember(p_user_id bigint, p_what text, p_subject bigint, p_until timestamptz default null)
returns void language sql security definer set search_path = public, pg_temp as $$
    insert into remembered as r (mark, what, subject, until)
    select m.mark, p_what, p_subject, p_until
    from unnest(marks_of(p_user_id)) m (mark)
    order by m.mark
    on conflict (mark, what, subject) do update
    set until = case when num_nulls(r.until, excluded.until) = 0 then greatest(r.until, excluded.until) end;
$$;

-- What is given once, and any of these accounts' marks has had, they all have had from now on: they are one person's.
create function remember_together(p_user_ids bigint[]) returns void language sql security definer
set search_path = public, pg_temp as $$
    with marks as (
        select distinct m.mark
        from unnest(p_user_ids) u (id)
        cross join unnest(marks_of(u.id)) m (mark)
    ), known as (
        select what, subject, case when bool_and(until is not null) then max(until) end as until
        from remembered
        where mark in (select mark from marks)
        and what in ('welcome', 'birthday')
        group by what, subject
    )
    insert into remembered as r (mark, what, subject, until)
    select m.mark, k.what, k.subject, k.until
    from marks m
    cross join known k
    order by 1, 2, 3
    on conflict (mark, what, subject) do update
    set until = excluded.until
    where r.until is distinct from excluded.until;
$$;

-- With a new mark, such as another number, a person has had what they had; also the cards of a time before marks count.
create function share_marks() returns trigger language plpgsql set role to lotok_app as $$
declare
    scope text := coalesce(current_setting('app.platform', true), '');
begin
    perform set_config('app.platform', 'on', true);
    perform remember(new.id, 'welcome', m.partner_id)
    from members m
    join point_txns t on t.partner_id = m.partner_id and t.idem_key = 'welcome:' || m.id
    where m.user_id = new.id;
    perform remember_together(array[new.id]);
    perform set_config('app.platform', scope, true);
    return null;
end $$;

create trigger share_marks after update of mark, phone_mark on users
    for each row when (new.erased_at is null and (old.mark, old.phone_mark) is distinct from (new.mark, new.phone_mark))
    execute function share_marks();

-- Points without a bill: by hand with a reason, for a birthday, for joining.
create or replace function grant_points(
    p_partner_id bigint, p_member_id bigint, p_actor_id bigint, p_key text, p_kind text, p_points bigint,
    p_reason text, p_now timestamptz
) returns point_receipt language plpgsql set role to lotok_till
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
    if p_kind = 'birthday' then
        perform remember(d.user_id, 'birthday', p_partner_id, d.at + interval '330 days');
    end if;
    return receipt_of(issue_points(t, d.tz, d.expire_days, 0, null), null, d.user_id, null, false);
end $$;

-- Joining a shop: once for each person; the newcomer's welcome points come with it, once whatever account and number they
-- come with. A referrer must be a member already.
create or replace function join_partner(
    p_partner_id bigint, p_user_id bigint, p_referrer_card bigint, p_now timestamptz
) returns table (member_id bigint, card_no bigint, created boolean, welcome bigint)
language plpgsql set role to lotok_till
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

-- Two accounts of one person at one shop: the points go over in one transaction, lots and all.
create or replace function merge_members(p_partner_id bigint, p_from bigint, p_into bigint, p_now timestamptz) returns bigint
language plpgsql as $$
declare
    a members;
    b members;
    t point_txns;
    had record;
    has record;
begin
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
    return t.points;
end $$;

-- One person with two Telegram accounts: all shops at once, and the number goes along. The caller has made sure that
-- both are theirs. Returns how many cards went over.
create or replace function merge_people(p_from bigint, p_into bigint, p_now timestamptz) returns integer
language plpgsql set role to lotok_app as $$
declare
    at timestamptz := coalesce(p_now, clock_timestamp());
    old members;
    target bigint;
    number integer := 0;
    number_mark bytea;
    had clients;
begin
    perform set_config('app.platform', 'on', true);
    if p_from = p_into then
        perform set_config('app.platform', '', true);
        return 0;
    end if;
    perform must_live(id) from unnest(array[least(p_from, p_into), greatest(p_from, p_into)]) id;
    perform 1 from clients where user_id in (p_from, p_into) order by user_id for update;
    select * into had from clients where user_id = p_from;
    if had.user_id is null or not exists (select from clients where user_id = p_into) then
        raise exception using errcode = 'LK404', message = 'no_client', detail = p_from::text;
    end if;
    perform remember_together(array[p_from, p_into]);
    for old in select * from members where user_id = p_from and left_at is null order by partner_id loop
        perform refuse_closed(old);
        select id into target
        from members
        where partner_id = old.partner_id and user_id = p_into and left_at is null;
        if target is null then
            update members set user_id = p_into where partner_id = old.partner_id and id = old.id;
        else
            perform merge_members(old.partner_id, old.id, target, at);
        end if;
        insert into loyalty_trail (partner_id, actor_id, action, subject, after)
        values (old.partner_id, p_into, 'member.merged', old.id::text,
            jsonb_build_object('into', coalesce(target, old.id)));
        number := number + 1;
    end loop;
    insert into favourites (user_id, partner_id)
    select p_into, partner_id from favourites where user_id = p_from
    on conflict do nothing;
    delete from favourites where user_id = p_from;
    delete from clients where user_id = p_from;
    update clients
    set phone = coalesce(had.phone, phone),
        birthday = coalesce(birthday, had.birthday)
    where user_id = p_into;
    select phone_mark into number_mark from users where id = p_from;
    if number_mark is not null then
        update users set phone_mark = null where id = p_from;
        update users set phone_mark = number_mark where id = p_into;
    end if;
    update members m
    set phone_tail = right(c.phone, 4)
    from clients c
    where m.user_id = p_into and m.left_at is null and c.user_id = p_into and c.phone is not null;
    perform set_config('app.platform', '', true);
    return number;
end $$;

-- Who is marked already.
select remember(m.user_id, 'welcome', m.partner_id)
from members m
join point_txns t on t.partner_id = m.partner_id and t.idem_key = 'welcome:' || m.id
where m.left_at is null;
