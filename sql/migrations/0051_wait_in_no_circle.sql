-- A merge and an erasure no longer wait in a circle with those who hold a row of a person and then come to the person.
-- Merges two accounts; see merge_people.
create or replace function merge_accounts(p_from bigint, p_into bigint, p_now timestamptz) returns integer
language plpgsql set role to lotok_app set lock_timeout to '200ms' as $$
declare
    number integer;
    number_mark bytea;
    had clients;
begin
    perform set_config('app.platform', 'on', true);
    if p_from = p_into then
        perform set_config('app.platform', '', true);
        return 0;
    end if;
    -- what is written in the name of either waits, or is waited for
    perform from users where id in (p_from, p_into) order by id for update;
    perform must_live(id) from unnest(array[p_from, p_into]) id;
    select * into had from clients where user_id = p_from for update;
    if had.user_id is null or not exists (select from clients where user_id = p_into) then
        raise exception using errcode = 'LK404', message = 'no_client', detail = p_from::text;
    end if;
    perform remember_together(array[p_from, p_into]);
    number := merge_cards(p_from, p_into, coalesce(p_now, clock_timestamp()));
    perform pass_along(p_from, p_into);
    delete from clients where user_id = p_from;
    update clients set phone = coalesce(had.phone, phone), birthday = coalesce(birthday, had.birthday)
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

-- Erases a person; see erase_user. A job is locked before its person, as by every other statement.
create or replace function erase_account(p_user_id bigint, p_tg_id bigint, p_mark bytea, p_person_mark bytea) returns void
language plpgsql set lock_timeout to '200ms' as $$
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

-- An erasure and a merge have their people to themselves. Others hold a row of a person already, a card at the till say,
-- when they come to the person: so as not to wait in a circle, these two wait shorter than it takes Postgres to look for
-- one (deadlock_timeout, a second); then they let go of everything and begin again.

-- Erases once: a second call finds nobody. A job does the work that takes longer.
create or replace function erase_user(p_user_id bigint, p_tg_id bigint, p_mark bytea, p_person_mark bytea) returns void language plpgsql as $$
begin
    for turn in 1 .. 50 loop
        begin
            perform erase_account(p_user_id, p_tg_id, p_mark, p_person_mark);
            return;
        exception when lock_not_available then
            if turn = 50 then
                raise;
            end if;
        end;
    end loop;
end $$;

-- One person with two Telegram accounts: all shops at once, and the number goes along. The caller has made sure that
-- both are theirs. Returns how many cards went over.
create or replace function merge_people(p_from bigint, p_into bigint, p_now timestamptz) returns integer language plpgsql as $$
begin
    for turn in 1 .. 50 loop
        begin
            return merge_accounts(p_from, p_into, p_now);
        exception when lock_not_available then
            if turn = 50 then
                raise;
            end if;
        end;
    end loop;
end $$;
