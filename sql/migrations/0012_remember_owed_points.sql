-- What a person owes a shop outlives their account, and the application writes what is remembered by functions alone.

alter table remembered
    drop constraint remembered_what_check,
    add constraint remembered_what_check check (what in ('welcome', 'birthday', 'block', 'debt', 'owed'));

revoke insert, update, delete on remembered, spent_trials from lotok_app;
grant select, delete on remembered to lotok_till;

-- What an erasure does not wash off, by the mark of the Telegram id alone.
create function keep_harm(p_mark bytea, p_what text, p_subject bigint, p_until timestamptz) returns void
language sql security definer set search_path = public, pg_temp as $$
    insert into remembered (mark, what, subject, until)
    values (p_mark, p_what, p_subject, p_until)
    on conflict do nothing;
$$;

create or replace function forget_remembered(p_now timestamptz) returns integer language plpgsql security definer
set search_path = public, pg_temp as $$
declare
    number integer;
begin
    perform set_config('app.platform', 'on', true);
    with gone as materialized (
        select p.id
        from partners p
        join users u on u.id = p.owner_id
        where u.erased_at is not null
    )
    delete from remembered r
    where r.until <= least(p_now, clock_timestamp())
    or r.what in ('welcome', 'birthday', 'block') and r.subject in (select id from gone)
    or r.what = 'owed' and r.subject in (select m.id from members m join gone g on g.id = m.partner_id);
    get diagnostics number = row_count;
    perform set_config('app.platform', '', true);
    return number;
end $$;

-- Two accounts are one person's: what the one owed before it was erased, the other one owes.
create function pass_owed(p_from bigint, p_into bigint) returns void language sql security definer
set search_path = public, pg_temp as $$
    update remembered r
    set mark = k.mark
    from users g, users k
    where g.id = p_from
    and k.id = p_into
    and k.mark is not null
    and r.mark = g.mark
    and r.what = 'owed';
$$;

create or replace function give_trial(p_user_id bigint, p_amount integer, p_mark bytea) returns integer
language sql security definer set search_path to public, pg_temp as $$
    insert into credit_ledger (user_id, kind, amount, key)
    select p_user_id, 'trial', least(p_amount, 2), 'trial:' || p_user_id
    where not exists (select from spent_trials where mark = p_mark)
    on conflict (key) do nothing
    returning balance_after;
$$;

-- Who is being erased has had a trial, if they have: it does not come again.
create function spend_trial(p_user_id bigint, p_mark bytea) returns void
language sql security definer set search_path to public, pg_temp as $$
    insert into spent_trials (mark)
    select p_mark
    from credit_ledger
    where user_id = p_user_id
    and kind = 'trial'
    on conflict do nothing;
$$;

-- What a person still owed this shop when an account of theirs was erased, their card owes from now on.
create function carry_owed(p_partner_id bigint, p_user_id bigint) returns void
language plpgsql security definer set search_path to public, pg_temp as $$
declare
    scope text := coalesce(current_setting('app.tenant', true), '');
    m members;
    gone members;
    card bigint;
begin
    perform set_config('app.tenant', p_partner_id::text, true);
    select * into m
    from members
    where partner_id = p_partner_id and user_id = p_user_id and left_at is null
    for no key update;
    for card in
        delete from remembered r
        using members x
        where m.id is not null
        and r.mark = any (marks_of(p_user_id))
        and r.what = 'owed'
        and r.until > clock_timestamp()
        and x.partner_id = p_partner_id
        and x.id = r.subject
        returning x.id
    loop
        gone := lock_member(p_partner_id, card);
        update members set owed = 0 where partner_id = p_partner_id and id = gone.id;
        update members set owed = owed + gone.owed where partner_id = p_partner_id and id = m.id;
    end loop;
    perform set_config('app.tenant', scope, true);
end $$;

grant create on schema public to lotok_till;
alter function carry_owed owner to lotok_till;
revoke create on schema public from lotok_till;

create or replace function join_partner(
    p_partner_id bigint, p_user_id bigint, p_referrer_card bigint, p_now timestamptz
) returns table (member_id bigint, card_no bigint, created boolean, welcome bigint, blocked boolean)
language plpgsql security definer
    set enable_seqscan to off set search_path to public, pg_temp as $$
#variable_conflict use_column
declare
    p partners;
    m members;
    tail text;
    at timestamptz := coalesce(p_now, clock_timestamp());
begin
    perform must_live(p_user_id);
    perform set_config('app.tenant', p_partner_id::text, true);
    p := admit_staff(p_partner_id, p_user_id, null);
    select * into m from members where partner_id = p.id and user_id = p_user_id and left_at is null;
    if m.id is not null then
        perform refuse_closed(m);
        return query select m.id, m.card_no, false, 0::bigint, false;
        perform set_config('app.tenant', '', true);
        return;
    end if;
    tail := phone_tail_of(p_user_id);
    loop
        m := issue_card(p.id, p_user_id, tail, referrer_of(p.id, p_referrer_card, p_user_id), at);
        exit when m.id is not null;
        -- the number is somebody's, or another update of the same person was first
        select * into m from members where partner_id = p.id and user_id = p_user_id and left_at is null;
        if m.id is not null then
            return query select m.id, m.card_no, false, 0::bigint, false;
            perform set_config('app.tenant', '', true);
            return;
        end if;
    end loop;
    insert into point_accounts (partner_id, member_id, kind, balance)
    values (p.id, m.id, 'available', 0), (p.id, m.id, 'pending', 0);
    perform carry_owed(p.id, p_user_id);
    return query select m.id, m.card_no, true, welcome_member(p, m, at), m.blocked_at is not null;
    perform set_config('app.tenant', '', true);
end $$;

create or replace function merge_cards(p_from bigint, p_into bigint, p_now timestamptz) returns integer language plpgsql as $$
declare
    old members;
    target bigint;
    number integer := 0;
begin
    for old in select * from members where user_id = p_from and left_at is null order by partner_id loop
        perform refuse_closed(old);
        select id into target
        from members
        where partner_id = old.partner_id and user_id = p_into and left_at is null;
        if target is null then
            update members set user_id = p_into where partner_id = old.partner_id and id = old.id;
        else
            perform merge_members(old.partner_id, old.id, target, p_now);
        end if;
        insert into loyalty_trail (partner_id, actor_id, action, subject, after)
        values (old.partner_id, p_into, 'member.merged', old.id::text,
            jsonb_build_object('into', coalesce(target, old.id)));
        number := number + 1;
    end loop;
    perform pass_owed(p_from, p_into);
    perform carry_owed(partner_id, p_into) from members where user_id = p_into and left_at is null;
    return number;
end $$;

create or replace function remember_harm(p_user_id bigint, p_mark bytea) returns void language plpgsql set role to lotok_app as $$
declare
    term timestamptz := clock_timestamp() + interval '3 years';
begin
    if p_mark is null then
        return;
    end if;
    perform set_config('app.platform', 'on', true);
    -- what is had once is remembered with a mark that is new
    update users set mark = p_mark where id = p_user_id and mark is distinct from p_mark;
    perform set_config('app.platform', 'on', true);
    perform from members where user_id = p_user_id and left_at is null order by partner_id, id for no key update;
    perform keep_harm(p_mark, h.what, h.subject, term)
    from (
        select 'debt' as what, id as subject
        from payments
        where user_id = p_user_id and state = 'debt'
        union all
        select 'block', partner_id
        from members
        where user_id = p_user_id and left_at is null and blocked_at is not null
        union all
        select 'owed', id
        from members
        where user_id = p_user_id and left_at is null and owed > 0
    ) h;
    perform set_config('app.platform', '', true);
end $$;

create or replace function erase_user(p_user_id bigint, p_tg_id bigint, p_mark bytea, p_person_mark bytea) returns void language plpgsql as $$
begin
    perform from jobs where user_id = p_user_id order by id for update;
    perform from users where id = p_user_id and tg_id = p_tg_id for update;
    if not found then
        return;
    end if;
    perform remember_harm(p_user_id, p_person_mark);
    perform forget_letters(p_user_id, p_tg_id);
    perform forget_administrator(p_user_id, p_tg_id);
    update users
    set tg_id = -id,
        first_name = '',
        last_name = '',
        username = '',
        time_zone = default,
        consent_at = null,
        blocked_at = null,
        mark = null,
        phone_mark = null,
        erased_at = clock_timestamp()
    where id = p_user_id;
    perform spend_trial(p_user_id, p_mark);
    perform stop_orders(p_user_id);
    perform forget_orders(p_user_id);
    update conversations
    set state = null
    where tg_id = p_tg_id;
    delete from conversations where tg_id = p_tg_id and turn_update is null;
    delete from handled_updates where tg_id = p_tg_id;
    insert into jobs (user_id, task, key, max_attempts)
    values (p_user_id, 'erase', 'erase:' || p_user_id, 20)
    on conflict (key) do nothing;
end $$;

create or replace function export_client(p_user_id bigint) returns jsonb
language plpgsql set role to lotok_app as $$
declare
    found jsonb;
begin
    perform set_config('app.platform', 'on', true);
    found := jsonb_build_object(
        'client', (
            select to_jsonb(c) from clients c where c.user_id = p_user_id
        ),
        'cards', (
            select coalesce(jsonb_agg(jsonb_build_object('shop', p.title, 'card', m.card_no, 'joined_at', m.joined_at,
                'visits', m.visits, 'spent_minor', m.spent_minor, 'owed', m.owed, 'balances', (
                    select jsonb_object_agg(a.kind, a.balance)
                    from point_accounts a
                    where a.partner_id = m.partner_id and a.member_id = m.id
                ), 'operations', (
                    select coalesce(jsonb_agg(jsonb_build_object('kind', t.kind, 'points', t.points, 'bill_minor',
                        t.bill_minor, 'at', t.created_at) order by t.id), '[]')
                    from point_txns t
                    where t.partner_id = m.partner_id and t.member_id = m.id
                ), 'ratings', (
                    select coalesce(jsonb_agg(jsonb_build_object('score', r.score, 'words', r.words, 'at',
                        r.created_at)), '[]')
                    from ratings r
                    where r.partner_id = m.partner_id and r.member_id = m.id
                ), 'messages', (
                    select coalesce(jsonb_agg(jsonb_build_object('from_shop', g.staff_id is not null, 'words', g.words,
                        'at', g.created_at) order by g.id), '[]')
                    from messages g
                    where g.partner_id = m.partner_id and g.member_id = m.id
                )) order by m.id), '[]')
            from members m
            join partners p on p.id = m.partner_id
            where m.user_id = p_user_id and m.left_at is null
        ),
        'favourites', (
            select coalesce(jsonb_agg(p.title order by p.id), '[]')
            from favourites f
            join partners p on p.id = f.partner_id
            where f.user_id = p_user_id
        ),
        'works_at', (
            select coalesce(jsonb_agg(jsonb_build_object('shop', p.title, 'role', s.role) order by p.id), '[]')
            from staff s
            join partners p on p.id = s.partner_id
            where s.user_id = p_user_id and s.removed_at is null
        ),
        'work', export_work(p_user_id)
    );
    perform set_config('app.platform', '', true);
    return found;
end $$;
