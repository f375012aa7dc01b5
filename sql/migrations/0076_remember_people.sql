-- What holds for a person whichever account they have, by keyed hashes of the Telegram id and of the phone: who was erased
-- and comes back, or comes with another account and the same number, owes what they owed, is blocked where they were
-- blocked, and has had what is had once.
alter table users
    add column mark bytea,
    add column phone_mark bytea,
    add constraint users_mark_check check (erased_at is null or num_nonnulls(mark, phone_mark) = 0);

create table remembered (
    mark bytea not null,
    what text not null check (what in ('welcome', 'block', 'debt')),
    -- of a debt the payment, else the shop
    subject bigint not null,
    -- null: for as long as the shop is there
    until timestamptz,
    primary key (mark, what, subject)
);

create index remembered_until on remembered (until) where until is not null;

create function marks_of(p_user_id bigint) returns bytea[] language sql stable security definer
set search_path = public, pg_temp as $$
    select array_remove(array[mark, phone_mark], null) from users where id = p_user_id;
$$;

create function is_remembered(p_user_id bigint, p_what text, p_subject bigint) returns boolean language sql stable
security definer set search_path = public, pg_temp as $$
    select exists (
        select
        from remembered
        where mark = any (marks_of(p_user_id))
        and what = p_what
        and subject = p_subject
        and coalesce(until > statement_timestamp(), true)
    );
$$;

-- By every mark of the person. What is remembered already is remembered for the longer time.
create function remember(p_user_id bigint, p_what text, p_subject bigint, p_until timestamptz default null) returns void
language sql security definer set search_path = public, pg_temp as $$
    insert into remembered as r (mark, what, subject, until)
    select m.mark, p_what, p_subject, p_until
    from unnest(marks_of(p_user_id)) m (mark)
    order by m.mark
    on conflict (mark, what, subject) do update
    set until = case when excluded.until is not null then greatest(r.until, excluded.until) end;
$$;

-- The number goes to the person who has proven it, and onto every card of theirs.
drop function set_phone(bigint, text);
create function set_phone(p_user_id bigint, p_phone text, p_mark bytea) returns void
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
    update users
    set phone_mark = p_mark
    where id = p_user_id
    and phone_mark is distinct from p_mark;
    update members
    set phone_tail = right(p_phone, 4)
    where user_id = p_user_id
    and phone_tail <> right(p_phone, 4);
    perform set_config('app.platform', '', true);
end $$;

-- What has run out, and what concerned a shop that has gone with its owner. Returns how many.
create function forget_remembered(p_now timestamptz) returns integer language plpgsql as $$
declare
    number integer;
begin
    delete from remembered r
    where r.until <= p_now
    or r.what <> 'debt' and r.subject in (select id from partners where status = 'blocked' and reason = 'owner_erased');
    get diagnostics number = row_count;
    return number;
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
    perform 1 from clients where user_id in (p_from, p_into) order by user_id for update;
    select * into had from clients where user_id = p_from;
    if had.user_id is null or not exists (select from clients where user_id = p_into) then
        raise exception using errcode = 'LK404', message = 'no_client', detail = p_from::text;
    end if;
    for old in select * from members where user_id = p_from and left_at is null order by partner_id loop
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

-- Once: a second call finds nobody. Orders that nobody has begun are cancelled and given back; the rest is a job's work.
create or replace function erase_user(p_user_id bigint, p_tg_id bigint, p_mark bytea) returns void language plpgsql as $$
begin
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
    where id = p_user_id
    and tg_id = p_tg_id;
    if not found then
        return;
    end if;
    insert into spent_trials (mark)
    select p_mark
    from credit_ledger
    where user_id = p_user_id
    and kind = 'trial'
    on conflict do nothing;
    update jobs
    set state = 'cancelled',
        finished_at = clock_timestamp()
    where user_id = p_user_id
    and state = 'queued';
    perform forget_orders(p_user_id);
    delete from dead_letters
    where p_tg_id::text in (
        payload -> 'message' -> 'from' ->> 'id',
        payload -> 'callback_query' -> 'from' ->> 'id',
        payload -> 'my_chat_member' -> 'from' ->> 'id'
    );
    update conversations
    set state = null
    where tg_id = p_tg_id;
    delete from handled_updates
    where tg_id = p_tg_id;
    insert into jobs (user_id, task, key, max_attempts)
    values (p_user_id, 'erase', 'erase:' || p_user_id, 20)
    on conflict (key) do nothing;
end $$;
