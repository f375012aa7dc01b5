-- People, the two roles that the product works as, and the updates of the bots in an outage.
--
-- One Telegram account is one row of `users`. A person can be erased: the row stays without a name, and the erased account
-- can write nothing any more, in any table. What must outlive an account (a debt, a block, a welcome, a ban) is kept under
-- keyed hashes, never under a name or a number.
--
-- The table `migrations` is made by the runner (sql/queries/migrations.sql), before the first of them.

-- The role of the product's functions. It owns nothing, so no policy can be bypassed. On Neon an operator gives it a
-- password.
do $$
begin
    if not exists (select from pg_roles where rolname = 'lotok_app') then
        create role lotok_app nologin nobypassrls;
    end if;
exception
    when duplicate_object or unique_violation then null;
end $$;
-- The owner may enter the role. Where an administrator has granted that already, nothing is left to do.
do $$
begin
    if not pg_has_role(current_user, 'lotok_app', case when current_setting('server_version_num') < '160000' then 'member' else 'set' end)
    then
        execute format('grant lotok_app to %I', current_user);
    end if;
end $$;
-- Returns the role's name. It differs where a server has two owners and this one cannot use the other's roles.
create function app_role() returns text language sql immutable parallel safe as $$ select 'lotok_app' $$;
-- The role of the operations at the counter.
do $$
begin
    if not exists (select from pg_roles where rolname = 'lotok_till') then
        create role lotok_till nologin nobypassrls;
    end if;
exception
    when duplicate_object or unique_violation then null;
end $$;
-- The owner may enter it, as with lotok_app. The operations belong to this role, so they run as it.
do $$
begin
    if not (pg_has_role(current_user, 'lotok_till', 'usage') and pg_has_role(current_user, 'lotok_till',
        case when current_setting('server_version_num') < '160000' then 'member' else 'set' end))
    then
        execute format('grant lotok_till to %I', current_user);
    end if;
end $$;
grant usage on schema public to lotok_app, lotok_till;
grant select on migrations to lotok_app;
-- Each table below says what lotok_app may not do with it. lotok_till may do only what is granted there.
alter default privileges in schema public grant select, insert, update, delete on tables to lotok_app;
alter default privileges in schema public grant usage, select on sequences to lotok_app;

create table users (
    id bigint generated always as identity primary key,
    -- below zero once the person was erased
    tg_id bigint not null unique,
    first_name text not null default '',
    last_name text not null default '',
    username text not null default '',
    language text not null default 'ru' check (language in ('ru', 'en')),
    -- false while the language only follows Telegram's own setting
    language_chosen boolean not null default false,
    time_zone text not null default 'Europe/Moscow',
    consent_at timestamptz,
    blocked_at timestamptz,
    created_at timestamptz not null default clock_timestamp(),
    seen_at timestamptz not null default clock_timestamp(),
    erased_at timestamptz,
    -- keyed hashes of the Telegram id and of the phone, by which a person is known beyond their account
    mark bytea,
    phone_mark bytea,
    -- the bots that have introduced themselves
    introduced text[] not null default '{}',
    constraint users_tg_id_check check ((erased_at is null) = (tg_id > 0)),
    constraint users_mark_check check (erased_at is null or num_nonnulls(mark, phone_mark) = 0)
);

-- Administrators look people up by it.
create index users_username on users (lower(username)) where username <> '';

-- Facts that hold for a person with any account, by keyed hashes of the Telegram id and of the phone. A person who was
-- erased may come back, or come with another account and the same number. They still owe what they owed, stay blocked
-- where they were blocked, and get nothing twice that is given once.
create table remembered (
    mark bytea not null,
    what text not null check (what in ('welcome', 'birthday', 'block', 'debt', 'owed', 'card', 'account', 'bad')),
    -- of a debt the payment, of owed points and of a card whose goods may still come back the card, of an account that
    -- was erased today its number, of a bad result that was refunded its order, else the shop
    subject bigint not null,
    -- null: for as long as the shop is there
    until timestamptz,
    primary key (mark, what, subject)
);

create index remembered_until on remembered (until) where until is not null;

-- Only functions that keep its rules write it.
revoke insert, update, delete on remembered from lotok_app;
grant select, delete on remembered to lotok_till;

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

-- Remembers a fact under every mark of the person. A fact that is known already is kept for the longer of the two
-- times.
create function remember(p_user_id bigint, p_what text, p_subject bigint, p_until timestamptz default null)
returns void language sql security definer set search_path = public, pg_temp as $$
    insert into remembered as r (mark, what, subject, until)
    select m.mark, p_what, p_subject, p_until
    from unnest(marks_of(p_user_id)) m (mark)
    order by m.mark
    on conflict (mark, what, subject) do update
    set until = case when num_nulls(r.until, excluded.until) = 0 then greatest(r.until, excluded.until) end;
$$;

-- Remembers facts that an erasure does not remove, under the mark of the Telegram id alone.
create function keep_harm(p_mark bytea, p_what text, p_subject bigint, p_until timestamptz) returns void
language sql security definer set search_path = public, pg_temp as $$
    insert into remembered (mark, what, subject, until)
    values (p_mark, p_what, p_subject, p_until)
    on conflict do nothing;
$$;

-- These accounts belong to one person. If the marks of one have had something that is given once, all of them have had
-- it from now on.
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

-- A person with a new mark, such as another number, keeps what they have had. Cards from a time before marks count as
-- well.
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

-- Forgets facts whose time is over, facts about a shop that has gone with its owner, and what was left of an account for
-- the limits of its last day. Returns how many.
create function forget_remembered(p_now timestamptz) returns integer language plpgsql security definer
set search_path = public, pg_temp as $$
declare
    number integer;
begin
    perform set_config('app.platform', 'on', true);
    delete from talks
    where user_id in (
        select subject from remembered where what = 'account' and until <= least(p_now, clock_timestamp())
    );
    with gone as materialized (
        select p.id
        from partners p
        join users u on u.id = p.owner_id
        where u.erased_at is not null
    )
    delete from remembered r
    where r.until <= least(p_now, clock_timestamp())
    or r.what in ('welcome', 'birthday', 'block') and r.subject in (select id from gone)
    or r.what in ('owed', 'card') and r.subject in (select m.id from members m join gone g on g.id = m.partner_id);
    get diagnostics number = row_count;
    perform set_config('app.platform', '', true);
    return number;
end $$;

-- Lifts a shop's block. No later account of the person is blocked for it.
create function forget_block(p_user_id bigint, p_partner_id bigint) returns void language sql security definer
set search_path to public, pg_temp as $$
    delete from remembered where mark = any (marks_of(p_user_id)) and what = 'block' and subject = p_partner_id;
$$;

-- Returns the account of the person who is remembered to owe what was left with a card, if there is one again.
create function debtors_of(p_member_id bigint) returns setof bigint language sql stable security definer
set search_path = public, pg_temp as $$
    select u.id
    from remembered r
    join users u on u.mark = r.mark
    where r.what = 'owed'
    and r.subject = p_member_id;
$$;

-- Returns a person's account, and those that they erased within a day: whatever is limited for a day is counted over all.
create function accounts_of(p_user_id bigint) returns bigint[] language sql stable security definer
set search_path = public, pg_temp as $$
    select array(
        select r.subject
        from users u
        join remembered r on r.mark = u.mark
        where u.id = p_user_id
        and r.what = 'account'
        and r.until > statement_timestamp()
    ) || p_user_id;
$$;

-- Returns the account of the person whose card this was before an erasure, if there is one again.
create function bearers_of(p_member_id bigint) returns setof bigint language sql stable security definer
set search_path = public, pg_temp as $$
    select u.id
    from remembered r
    join users u on u.mark = r.mark
    where r.what in ('owed', 'card')
    and r.subject = p_member_id;
$$;

-- Keeps people from being erased until the transaction ends. An erasure locks a person before their cards, so an act
-- that writes a card twice, and so looks at its person, has to do the same.
create function hold_people(p_user_ids bigint[]) returns void language plpgsql security definer
set search_path = public, pg_temp as $$
begin
    perform from users where id = any(p_user_ids) order by id for key share;
end $$;

-- Moves a debt between two accounts of one person: the second owes what the first owed before it was erased.
create function pass_owed(p_from bigint, p_into bigint) returns void language sql security definer
set search_path = public, pg_temp as $$
    update remembered r
    set mark = k.mark
    from users g, users k
    where g.id = p_from
    and k.id = p_into
    and k.mark is not null
    and r.mark = g.mark
    and r.what in ('owed', 'card');
$$;

-- Every write in the name of a person asks the person's row first, and an account that was erased is refused, whatever a
-- conversation still believes. The row is locked against an erasure that is under way: it waits for the write, and sees
-- and removes what was written, or the write waits for it, and is refused.
create function must_live(p_user_id bigint) returns void language plpgsql security definer
set search_path = public, pg_temp as $$
begin
    perform from users where id = p_user_id and erased_at is null for key share;
    if not found and exists (select from users where id = p_user_id) then
        raise exception using errcode = 'LK410', message = 'erased', detail = format('user %s', p_user_id);
    end if;
end $$;

create function refuse_erased() returns trigger language plpgsql as $$
begin
    case tg_argv[0]
        when 'user_id' then perform must_live(new.user_id);
        when 'owner_id' then perform must_live(new.owner_id);
        when 'actor_id' then perform must_live(new.actor_id);
        when 'created_by' then perform must_live(new.created_by);
        when 'used_by' then perform must_live(new.used_by);
        when 'staff_id' then perform must_live(new.staff_id);
        when 'member_id' then
            perform must_live(m.user_id) from members m where m.partner_id = new.partner_id and m.id = new.member_id;
    end case;
    return new;
end $$;

create function refuse_erased_user() returns trigger language plpgsql as $$
begin
    raise exception using errcode = 'LK410', message = 'erased', detail = format('user %s', old.id);
end $$;

-- Their names put them first among a table's triggers, so that a person is locked before their account and their cards.
create trigger a_living before update on users
    for each row when (old.erased_at is not null) execute function refuse_erased_user();

create function is_erased(p_user_id bigint) returns boolean language sql stable security definer
set search_path to public, pg_temp as $$
    select exists (select from users where id = p_user_id and erased_at is not null);
$$;

-- People whom an administrator has banned, and why. The key is a hash of the Telegram id, so an erasure lifts no ban.
create table bans (
    mark bytea primary key,
    user_id bigint not null references users (id),
    reason text not null check (reason <> ''),
    actor text not null check (actor <> ''),
    at timestamptz not null default clock_timestamp()
);

create index bans_user on bans (user_id);

-- The alerts that an administrator does not want to hear. The log has them all.
create table muted_alerts (
    tg_id bigint not null,
    kind text not null check (kind ~ '^[a-z][a-z_]*$'),
    primary key (tg_id, kind)
);

-- What is wrong with the platform: pending -> firing -> resolved. One that is no longer seen fires on for a while, against flapping: `good_since` is when
-- it was missed first. A row names no person: what was said to whom is in Redis.
create table alerts (
    name text not null check (name ~ '^[a-z][a-z_]*$'),
    -- which bot or provider, where there are several
    label text not null default '' check (label ~ '^[a-z0-9_]*$'),
    severity text not null check (severity in ('page', 'ticket')),
    state text not null check (state in ('pending', 'firing', 'resolved')),
    since timestamptz not null,
    good_since timestamptz,
    fired_at timestamptz,
    resolved_at timestamptz,
    facts jsonb not null default '{}' check (jsonb_typeof(facts) = 'object'),
    primary key (name, label),
    check ((state = 'pending') = (fired_at is null)),
    check ((state = 'resolved') = (resolved_at is not null)),
    check (good_since is null or state = 'firing')
);

-- Updates that failed every time Telegram brought them; kept so that they can be looked at and replayed.
create table dead_letters (
    id bigint generated always as identity primary key,
    bot text not null check (bot in ('studio', 'client', 'partner', 'admin')),
    update_id bigint not null,
    payload jsonb not null,
    error text not null,
    tries integer not null check (tries > 0),
    created_at timestamptz not null default clock_timestamp(),
    -- the kind of error that the text begins with
    reason text not null generated always as (coalesce(substring(error from '^[A-Za-z_]{1,24}'), 'Error')) stored,
    unique (bot, update_id)
);

create index dead_letters_reason on dead_letters (reason, id desc) include (bot);

-- The state of conversations while Redis is out of reach. It is empty in normal operation.
create table conversations (
    bot text not null check (bot in ('studio', 'client', 'partner', 'admin')),
    tg_id bigint not null,
    -- as lib/telegram/fsm.py writes it; null while the first update is handled
    state text,
    turn_update bigint,
    turn_until timestamptz,
    saved_at timestamptz not null default clock_timestamp(),
    primary key (bot, tg_id),
    check ((turn_update is null) = (turn_until is null))
);

create index conversations_saved on conversations (saved_at);

create table handled_updates (
    bot text not null check (bot in ('studio', 'client', 'partner', 'admin')),
    update_id bigint not null,
    tg_id bigint not null,
    failures integer not null default 0 check (failures >= 0),
    done_at timestamptz,
    seen_at timestamptz not null default clock_timestamp(),
    primary key (bot, update_id)
);

create index handled_updates_person on handled_updates (tg_id);
create index handled_updates_seen on handled_updates (seen_at);

-- Takes the turn first and looks for the mark second, so a caller that waited for the row sees what the other has
-- finished.
create function begin_turn(p_bot text, p_tg_id bigint, p_update_id bigint, p_turn interval)
returns table (done boolean, taken boolean, state text) language plpgsql as $$
begin
    insert into conversations as c (bot, tg_id, turn_update, turn_until)
    values (p_bot, p_tg_id, p_update_id, clock_timestamp() + p_turn)
    on conflict (bot, tg_id) do update
    set turn_update = excluded.turn_update,
        turn_until = excluded.turn_until
    where c.turn_until is null
    or c.turn_until <= clock_timestamp()
    returning case when c.saved_at > clock_timestamp() - interval '1 hour' then c.state end into state;
    taken := found;
    done := exists (
        select
        from handled_updates h
        where h.bot = p_bot
        and h.update_id = p_update_id
        and h.done_at is not null
    );
    if done and taken then
        update conversations c
        set turn_update = null,
            turn_until = null
        where c.bot = p_bot
        and c.tg_id = p_tg_id;
    end if;
    return next;
end $$;

-- Forgets rows that are too old to matter, a few at a time, without waiting for another call that does the same.
create function forget_turns() returns void language sql as $$
    delete from conversations
    where (bot, tg_id) in (
        select c.bot, c.tg_id
        from conversations c
        where c.saved_at < statement_timestamp() - interval '1 hour'
        and (c.turn_until is null or c.turn_until <= clock_timestamp())
        order by c.saved_at
        limit 100
        for update skip locked
    );
    delete from handled_updates
    where (bot, update_id) in (
        select h.bot, h.update_id
        from handled_updates h
        where h.seen_at < statement_timestamp() - interval '48 hours'
        order by h.seen_at
        limit 100
        for update skip locked
    );
$$;

-- Saves the state, sets the mark and releases the turn. Returns false when the turn is no longer the caller's. A turn
-- that was taken in Redis names the time it was taken at: it may save when nobody holds a turn here and nothing was
-- saved here since.
create function end_turn(p_bot text, p_tg_id bigint, p_update_id bigint, p_state text, p_taken_in_redis_at timestamptz)
returns boolean language plpgsql as $$
begin
    if p_taken_in_redis_at is null then
        update conversations c
        set state = p_state,
            turn_update = null,
            turn_until = null,
            saved_at = clock_timestamp()
        where c.bot = p_bot
        and c.tg_id = p_tg_id
        and c.turn_update = p_update_id
        and c.turn_until > clock_timestamp();
    else
        insert into conversations as c (bot, tg_id, state)
        values (p_bot, p_tg_id, p_state)
        on conflict (bot, tg_id) do update
        set state = excluded.state,
            turn_update = null,
            turn_until = null,
            saved_at = excluded.saved_at
        where (c.turn_until is null or c.turn_until <= clock_timestamp())
        and (c.state is null or c.saved_at <= p_taken_in_redis_at);
    end if;
    if not found then
        return false;
    end if;
    insert into handled_updates as h (bot, update_id, tg_id, done_at)
    values (p_bot, p_update_id, p_tg_id, clock_timestamp())
    on conflict (bot, update_id) do update
    set done_at = coalesce(h.done_at, excluded.done_at);
    perform forget_turns();
    return true;
end $$;
