-- What is stopped while it is being cut stays stopped, and a merge waits for a join of the same person.
set local lock_timeout = '5s';

-- Gives a number to the person who has proven it, and to each of their cards.
create or replace function set_phone(p_user_id bigint, p_phone text, p_mark bytea) returns void
language plpgsql set role to lotok_app as $$
begin
    perform must_live(p_user_id);
    perform set_config('app.platform', 'on', true);
    begin
        update clients set phone = p_phone where user_id = p_user_id;
        if not found then
            raise exception using errcode = 'LK404', message = 'no_client', detail = p_user_id::text;
        end if;
    exception when unique_violation then
        raise exception using errcode = 'LK409', message = 'phone_taken', detail = p_user_id::text;
    end;
    update users
    set phone_mark = p_mark
    where id = p_user_id
    and phone_mark is distinct from p_mark;
    update members
    set phone_tail = right(p_phone, 4)
    where user_id = p_user_id
    and left_at is null
    and phone_tail <> right(p_phone, 4);
    perform set_config('app.platform', '', true);
end $$;

-- One person with two Telegram accounts: all shops at once, and the number goes along. The caller has made sure that
-- both are theirs. Returns how many cards went over.
create or replace function merge_people(p_from bigint, p_into bigint, p_now timestamptz) returns integer
language plpgsql set role to lotok_app as $$
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

-- A shop that an administrator blocks writes to nobody: its broadcast that is going out pauses at once, one that is being
-- cut when it is cut.
create or replace function rest_reach() returns trigger language plpgsql set role to lotok_app as $$
declare
    scope text := coalesce(current_setting('app.platform', true), '');
begin
    perform set_config('app.platform', 'on', true);
    update broadcasts
    set state = case state when 'running' then 'paused' else state end, reason = 'closed'
    where partner_id = new.id and state in ('cutting', 'running');
    perform set_config('app.platform', scope, true);
    return null;
end $$;

-- A broadcast does not outlive the right of its maker: one that waits becomes a draft again, one that goes out pauses, one
-- that is being cut pauses when it is cut.
create or replace function rest_left() returns trigger language plpgsql set role to lotok_app as $$
declare
    scope text := coalesce(current_setting('app.platform', true), '');
begin
    perform set_config('app.platform', 'on', true);
    update broadcasts
    set state = case state when 'running' then 'paused' when 'cutting' then state else 'draft' end,
        reason = case when state in ('cutting', 'running') then 'left' else '' end
    where partner_id = new.partner_id and created_by = new.user_id
    and state in ('review', 'scheduled', 'cutting', 'running');
    perform set_config('app.platform', scope, true);
    return null;
end $$;

-- Has the parts of a broadcast sent when all are cut, once: one without any is done, one that was stopped meanwhile pauses.
create function begin_parts(p_partner_id bigint, p_id bigint, p_now timestamptz) returns void language plpgsql as $$
declare
    b broadcasts;
begin
    select * into b from broadcasts where partner_id = p_partner_id and id = p_id and state = 'cutting' for update;
    if b.id is null then
        return;
    elsif b.parts = 0 then
        update broadcasts set state = 'done', finished_at = p_now where partner_id = p_partner_id and id = p_id;
    elsif b.reason <> '' then
        update broadcasts set state = 'paused' where partner_id = p_partner_id and id = p_id;
    else
        perform queue_parts(p_partner_id, p_id, p_now);
        perform queue_progress(p_partner_id, p_id);
    end if;
end $$;
