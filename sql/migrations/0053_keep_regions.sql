-- Several regions: where chats and shops are at home, and what regions tell each other. An erasure forgets where a
-- person's chats are, and the night forgets the numbers of what was heard long ago.
set local lock_timeout = '5s';

-- The region in which a person's chat with a bot is worked on. A chat without a row is in the first region.
create table chat_regions (
    bot text not null check (bot in ('studio', 'client', 'partner', 'admin')),
    tg_id bigint not null check (tg_id > 0),
    region text not null check (region ~ '^[a-z]{2,12}$'),
    placed_at timestamptz not null default clock_timestamp(),
    primary key (tg_id, bot)
);

-- The shops that are not where they would be without a word: those of other regions than the first, and those that have
-- moved. The code is in links for ever; the number is in invitations of staff.
create table shop_regions (
    code text primary key check (code ~ '^[a-z0-9]{6,16}$'),
    number bigint not null unique check (number > 0),
    region text not null check (region ~ '^[a-z]{2,12}$'),
    placed_at timestamptz not null default clock_timestamp()
);

-- What another region is to hear, until it has. It is written with what it tells of, in one transaction, so it is told
-- at least once; the other region knows each by its number.
create table region_events (
    id bigint generated always as identity primary key,
    region text not null check (region ~ '^[a-z]{2,12}$'),
    kind text not null check (kind in ('state', 'chat', 'shop', 'job', 'erased', 'day')),
    body jsonb not null check (jsonb_typeof(body) = 'object'),
    -- infinity: a job of a shop that is on its way, until the shop has arrived
    at timestamptz not null default clock_timestamp()
);

create index region_events_line on region_events (region, id);

-- What other regions have told, so that it counts once.
create table heard_events (
    region text not null check (region ~ '^[a-z]{2,12}$'),
    id bigint not null,
    heard_at timestamptz not null default clock_timestamp(),
    primary key (region, id)
);

create index heard_events_old on heard_events (heard_at);

-- The figures of each region's days, its own and those of the others; names nobody.
create table region_days (
    region text not null check (region ~ '^[a-z]{2,12}$'),
    day date not null,
    figures jsonb not null check (jsonb_typeof(figures) = 'object'),
    primary key (region, day)
);

-- Writes down what every other region is to hear.
create function tell_regions(p_regions text[], p_kind text, p_body jsonb) returns void language sql as $$
    insert into region_events (region, kind, body)
    select r.region, p_kind, p_body
    from unnest(p_regions) r (region);
$$;

-- Takes a chat to a region, unless it is there, and has the others know. Returns whether it was elsewhere.
create function place_chat(p_bot text, p_tg_id bigint, p_region text, p_others text[]) returns boolean language plpgsql as $$
declare
    placed timestamptz;
begin
    insert into chat_regions as c (bot, tg_id, region)
    values (p_bot, p_tg_id, p_region)
    on conflict (tg_id, bot) do update
    set region = excluded.region,
        placed_at = greatest(excluded.placed_at, c.placed_at + interval '1 microsecond')
    where c.region <> excluded.region
    returning placed_at into placed;
    if placed is not null then
        perform tell_regions(p_others, 'chat', jsonb_build_object('bot', p_bot, 'tg_id', p_tg_id, 'region', p_region,
            'at', placed));
    end if;
    return placed is not null;
end $$;

-- Hears of a chat. What is older than what is known changes nothing, in whatever order the two come.
create function hear_chat(p_body jsonb) returns void language sql as $$
    insert into chat_regions as c (bot, tg_id, region, placed_at)
    values (p_body ->> 'bot', (p_body ->> 'tg_id')::bigint, p_body ->> 'region', (p_body ->> 'at')::timestamptz)
    on conflict (tg_id, bot) do update
    set region = excluded.region,
        placed_at = excluded.placed_at
    where c.placed_at < excluded.placed_at;
$$;

create function hear_shop(p_body jsonb) returns void language sql as $$
    insert into shop_regions as s (code, number, region, placed_at)
    values (p_body ->> 'code', (p_body ->> 'number')::bigint, p_body ->> 'region', (p_body ->> 'at')::timestamptz)
    on conflict (code) do update
    set region = excluded.region,
        placed_at = excluded.placed_at
    where s.placed_at < excluded.placed_at;
$$;

-- Takes a shop to a region and has the others know; returns true.
create function place_shop(p_code text, p_number bigint, p_region text, p_others text[]) returns boolean language plpgsql as $$
declare
    body jsonb := jsonb_build_object('code', p_code, 'number', p_number, 'region', p_region, 'at', clock_timestamp());
begin
    perform hear_shop(body);
    perform tell_regions(p_others, 'shop', body);
    return true;
end $$;

-- Queues a job of a shop that came with it from another region, once.
create function hear_job(p_body jsonb) returns void language sql as $$
    insert into jobs (user_id, task, key, args, checkpoint, priority, run_at, attempts, max_attempts)
    select u.id, j.task, j.key, j.args, j.checkpoint, j.priority, j.run_at, j.attempts, j.max_attempts
    from jsonb_to_record(p_body) j (tg_id bigint, task text, key text, args jsonb, checkpoint jsonb, priority smallint,
        run_at timestamptz, attempts smallint, max_attempts smallint)
    left join users u on u.tg_id = j.tg_id
    where j.tg_id is null or u.id is not null
    on conflict (key) do nothing;
$$;

create function hear_day(p_body jsonb) returns void language sql as $$
    insert into region_days (region, day, figures)
    values (p_body ->> 'region', (p_body ->> 'day')::date, p_body -> 'figures')
    on conflict (region, day) do update
    set figures = excluded.figures;
$$;

-- Gives no trial any more to somebody who was erased in another region, and may have had it there.
create function refuse_trial(p_mark bytea) returns void language sql security definer
set search_path to public, pg_temp as $$
    insert into spent_trials (mark) values (p_mark) on conflict do nothing;
$$;

-- Does what another region has told, once; returns false for what was heard before. The caller keeps conversations in
-- Redis, and erases who was erased there, as it knows the marks.
create function hear_event(p_region text, p_id bigint, p_kind text, p_body jsonb) returns boolean language plpgsql as $$
begin
    insert into heard_events (region, id) values (p_region, p_id) on conflict do nothing;
    if not found then
        return false;
    end if;
    case p_kind
        when 'chat' then perform hear_chat(p_body);
        when 'shop' then perform hear_shop(p_body);
        when 'job' then perform hear_job(p_body);
        when 'day' then perform hear_day(p_body);
        when 'state' then null;
        when 'erased' then delete from chat_regions where tg_id = (p_body ->> 'tg_id')::bigint;
    end case;
    return true;
end $$;

-- Refuses to write a row of a shop that is on its way to another region. The trigger that calls it exists only as long
-- as the move does (ops/regions/fence.py), so it costs nothing at any other time.
create function refuse_leaving() returns trigger language plpgsql as $$
declare
    written record := coalesce(new, old);
begin
    if to_jsonb(written) ->> tg_argv[0] = tg_argv[1] then
        raise exception using errcode = 'LK503', message = 'moving', detail = tg_argv[1];
    end if;
    return written;
end $$;

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
    delete from chat_regions where tg_id = p_tg_id;
    insert into jobs (user_id, task, key, max_attempts)
    values (p_user_id, 'erase', 'erase:' || p_user_id, 20)
    on conflict (key) do nothing;
end $$;

create or replace function forget_traces(p_now timestamptz) returns integer language plpgsql as $$
declare
    gone integer;
    number integer := 0;
begin
    delete from conversations where saved_at < p_now - interval '1 hour' and coalesce(turn_until <= p_now, true);
    get diagnostics gone = row_count;
    number := number + gone;
    delete from handled_updates where seen_at < p_now - interval '48 hours';
    get diagnostics gone = row_count;
    number := number + gone;
    delete from heard_events where heard_at < p_now - interval '30 days';
    get diagnostics gone = row_count;
    number := number + gone;
    delete from dead_letters where created_at < p_now - interval '90 days';
    get diagnostics gone = row_count;
    return number + gone;
end $$;
