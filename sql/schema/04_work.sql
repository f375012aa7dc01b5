-- The worker's side of the queue: jobs are leased, moved on and forgotten.
--
-- Two workers never hold the same job: its row is locked and its lease is written in one statement. A lease that ran out
-- is taken over, so a job may run twice, but not end twice: a worker moves only jobs that its token still holds. A kind
-- with limits never has more jobs at once, or more starts in a span, than its limits say, with however many workers.

-- The counts behind the limits of a kind. All workers share its row, and the one that has locked it decides.
create table job_limits (
    name text primary key,
    -- the jobs that are leased, as far as known; one that ended or lapsed is dropped at the next look
    held bigint[] not null default '{}',
    -- when the last ones were begun
    starts timestamptz[] not null default '{}'
);

-- Returns the time until which a kind with limits may begin nothing more; null when it may.
create function limited_until(p_task text, p_rules jsonb) returns timestamptz language sql stable as $$
    select greatest(
        (
            select case when count(j.id) >= (p_rules ->> 'at_once')::integer then min(j.leased_until) end
            from job_limits l
            join jobs j on j.id = any(l.held)
            where l.name = 'task:' || p_task
            and j.state = 'running'
            and j.leased_until > statement_timestamp()
        ),
        (
            select least(l.starts[1 + cardinality(l.starts) - (p_rules ->> 'starts')::integer], clock_timestamp())
                + make_interval(secs => (p_rules ->> 'seconds')::double precision)
            from job_limits l
            where l.name = 'rate:' || (p_rules ->> 'rate')
            and cardinality(l.starts) >= (p_rules ->> 'starts')::integer
        )
    );
$$;

-- Makes and locks the rows that the limits of these kinds are counted by.
create function lock_limits(p_tasks text[], p_limits jsonb) returns void language plpgsql as $$
declare
    names text[] := array(
        select n.name
        from unnest(p_tasks) t (task)
        cross join lateral (values ('task:' || t.task), ('rate:' || (p_limits -> t.task ->> 'rate'))) n (name)
        where p_limits ? t.task
        and n.name is not null
    );
begin
    insert into job_limits (name)
    select distinct name from unnest(names) n (name)
    where not exists (select from job_limits l where l.name = n.name)
    order by name
    on conflict do nothing;
    -- all of them and always in the same order, so that two workers cannot wait for each other
    perform from job_limits where name = any(names) order by name for update;
end $$;

-- The jobs of a kind that are leased now.
create function held_jobs(p_task text) returns bigint[] language sql as $$
    select array(
        select j.id
        from jobs j
        where j.id = any(l.held)
        and j.state = 'running'
        and j.leased_until > statement_timestamp()
    )
    from job_limits l
    where l.name = 'task:' || p_task;
$$;

-- Returns the starts of a rate within the span, oldest first; null when there is no such rate.
create function recent_starts(p_name text, p_span interval) returns timestamptz[] language sql as $$
    select array(
        select least(s.at, clock_timestamp())
        from unnest(l.starts) s (at)
        where s.at > clock_timestamp() - p_span
        order by s.at
    )
    from job_limits l
    where l.name = p_name;
$$;

-- Picks jobs of one kind that has limits; the caller holds their rows. A poll of work that is under way begins nothing.
create function pick_limited(p_task text, p_room integer, p_token uuid, p_rules jsonb) returns bigint[]
language plpgsql as $$
declare
    still bigint[] := held_jobs(p_task);
    recent timestamptz[] := recent_starts('rate:' || (p_rules ->> 'rate'),
        make_interval(secs => (p_rules ->> 'seconds')::double precision));
    room integer := least(p_room, coalesce((p_rules ->> 'at_once')::integer, p_room + cardinality(still))
        - cardinality(still));
    polls bigint[];
    begun bigint[];
begin
    polls := array(
        select j.id
        from jobs j
        where j.task = p_task
        and j.turn = 0
        and (j.lease_token is null or j.leased_until <= statement_timestamp() or j.lease_token = p_token)
        and j.deaths + (j.lease_token is not null)::integer < 2
        order by j.run_at
        limit greatest(room, 0)
        for update skip locked
    );
    room := room - cardinality(polls);
    begun := array(
        select j.id
        from jobs j
        where j.task = p_task
        and j.turn > 0
        and (j.lease_token is null or j.leased_until <= statement_timestamp() or j.lease_token = p_token)
        and j.deaths + (j.lease_token is not null)::integer < 2
        order by j.priority desc, j.turn, j.id
        limit greatest(least(room, (p_rules ->> 'starts')::integer - cardinality(recent)), 0)
        for update skip locked
    );
    update job_limits set held = still || polls || begun where name = 'task:' || p_task;
    update job_limits set starts = recent || array_fill(clock_timestamp(), array[cardinality(begun)])
    where name = 'rate:' || (p_rules ->> 'rate')
    and (cardinality(begun) > 0 or starts[cardinality(starts)] > clock_timestamp());
    return polls || begun;
end $$;

-- Picks jobs of kinds that have limits: no more than `at_once` are leased at any time, and of those that share the rate
-- `rate` no more than `starts` begin within any `seconds`.
create function pick_limited_jobs(p_tasks text[], p_rooms integer[], p_token uuid, p_limits jsonb)
returns bigint[] language plpgsql as $$
declare
    wanted record;
    picked bigint[] := '{}';
begin
    perform lock_limits(p_tasks, p_limits);
    for wanted in select t.task, t.room from unnest(p_tasks, p_rooms) t (task, room) where p_limits ? t.task loop
        picked := picked || pick_limited(wanted.task, wanted.room, p_token, p_limits -> wanted.task);
    end loop;
    return picked;
end $$;

-- Lets jobs whose time has come join the line. A poll of work that is under way goes before everybody, a retry is at
-- the front again, a job that was planned for now is its person's next.
create function admit_due_jobs(p_tasks text[]) returns void language plpgsql as $$
begin
    if not exists (
        select
        from unnest(p_tasks) t (task)
        cross join lateral (
            select
            from jobs j
            where j.task = t.task
            and j.turn is null
            and j.run_at <= statement_timestamp()
            limit 1
        ) due
    ) then
        return;
    end if;
    with due as materialized (
        select d.id, d.user_id, d.task, d.priority, d.state, d.attempts, d.run_at
        from unnest(p_tasks) t (task)
        cross join lateral (
            select j.id, j.user_id, j.task, j.priority, j.state, j.attempts, j.run_at
            from jobs j
            where j.task = t.task
            and j.turn is null
            and j.run_at <= statement_timestamp()
            order by j.run_at
            limit 1000
            for update skip locked
        ) d
    ), placed as materialized (
        select d.id, case when d.state = 'waiting' then 0 else
            next_turn(case when d.attempts = 0 then d.user_id end, d.task, d.priority) - 1
            + row_number() over (partition by d.user_id, d.task, d.state order by d.run_at, d.id) end as turn
        from due d
    )
    update jobs j
    set turn = p.turn
    from placed p
    where j.id = p.id;
end $$;

-- Ends jobs that may not run again: no attempts left (a worker died each time), too late, or no longer wanted.
create function end_spent_jobs(p_ids bigint[]) returns void language sql as $$
    with gone as (
        delete from jobs
        where id = any(p_ids)
        returning id, user_id, task, key, args, checkpoint, price, priority, run_at, attempts, max_attempts,
            lease_token, deadline, cancel_asked_at, error_code, error, created_at
    )
    insert into job_history (id, user_id, task, key, args, checkpoint, price, priority, state, run_at, attempts,
        max_attempts, lease_token, error_code, error, created_at, finished_at)
    select id, user_id, task, key, args, checkpoint, price, priority,
        case when cancel_asked_at is null then 'failed' else 'cancelled' end,
        run_at, attempts, max_attempts, lease_token,
        case when cancel_asked_at is not null then 'cancelled' when deadline <= statement_timestamp() then 'timed_out'
            else 'gave_up' end,
        case when cancel_asked_at is not null then concat_ws('; ', 'no longer wanted', error)
            when deadline <= statement_timestamp() then concat_ws('; ', 'its time is up', error)
            else coalesce(error, 'the worker was lost at each attempt') end,
        created_at, clock_timestamp()
    from gone
    order by user_id, id;
$$;

-- Ends jobs that nobody has begun, or no longer works on, by their deadline.
create function end_late_jobs(p_tasks text[]) returns void language plpgsql as $$
declare
    late bigint[] := array(
        select j.id
        from jobs j
        where j.deadline <= statement_timestamp()
        and (j.lease_token is null or j.leased_until <= statement_timestamp())
        and j.task = any(p_tasks)
        order by j.deadline
        limit 100
        for update skip locked
    );
begin
    if cardinality(late) > 0 then
        perform end_spent_jobs(late);
    end if;
end $$;

-- Picks one job with which two workers have died, within the limits of its kind.
create function pick_suspect(p_tasks text[], p_limits jsonb) returns bigint[] language plpgsql as $$
declare
    picked bigint[] := array(
        select j.id
        from jobs j
        where j.deaths > 0
        and j.turn is not null
        and j.deaths + (j.lease_token is not null)::integer > 1
        and (j.lease_token is null or j.leased_until <= statement_timestamp())
        and j.task = any(p_tasks)
        and coalesce(limited_until(j.task, p_limits -> j.task) <= statement_timestamp(), true)
        order by j.id
        limit 1
        for update skip locked
    );
begin
    if cardinality(picked) > 0 and p_limits is not null then
        update job_limits l
        set held = case when l.name like 'task:%' then l.held || j.id else l.held end,
            starts = case when l.name like 'rate:%' then l.starts || clock_timestamp() else l.starts end
        from jobs j
        where j.id = picked[1]
        and l.name in ('task:' || j.task, 'rate:' || (p_limits -> j.task ->> 'rate'));
    end if;
    return picked;
end $$;

-- Picks up to p_rooms[i] due jobs of p_tasks[i], and p_total in all of the kinds that have no limits.
create function pick_jobs(p_tasks text[], p_rooms integer[], p_total integer, p_token uuid, p_limits jsonb)
returns bigint[] language plpgsql as $$
declare
    limited bigint[] := case when p_limits is null then '{}'
        else pick_limited_jobs(p_tasks, p_rooms, p_token, p_limits) end;
begin
    return limited || array(
        select c.id
        from unnest(p_tasks, p_rooms) t (task, room)
        cross join lateral (
            select j.id, j.priority, j.turn
            from jobs j
            where j.task = t.task
            and j.turn is not null
            and (j.lease_token is null or j.leased_until <= statement_timestamp() or j.lease_token = p_token)
            and j.deaths + (j.lease_token is not null)::integer < 2
            order by j.priority desc, j.turn, j.id
            limit case when p_limits ? t.task then 0 else t.room end
            for update skip locked
        ) c
        order by c.priority desc, c.turn, c.id
        limit p_total
    );
end $$;

-- Leases up to p_rooms[i] due jobs of p_tasks[i], and p_total in all. Jobs whose lease ran out are taken over; one with
-- which two workers have died is given out alone, so that it cannot use up its neighbours' attempts, and only to a
-- caller that holds nothing else (p_alone).
create function claim_jobs(
    p_tasks text[], p_rooms integer[], p_total integer, p_alone boolean, p_lease interval, p_token uuid, p_limits jsonb
) returns setof jobs language plpgsql
-- Plan for the index that has the order, here and in the functions called from here, whatever the size of the table is.
set enable_seqscan = off set enable_bitmapscan = off set enable_sort = off as $$
declare
    picked bigint[];
    claimed integer;
begin
    perform admit_due_jobs(p_tasks);
    perform end_late_jobs(p_tasks);
    if p_alone then
        picked := pick_suspect(p_tasks, p_limits);
    end if;
    if coalesce(cardinality(picked), 0) = 0 then
        picked := pick_jobs(p_tasks, p_rooms, p_total, p_token, p_limits);
    end if;
    -- A repeat of this very call, whose answer was lost on the way, gets the same jobs and counts no attempt twice.
    return query
    update jobs
    set state = 'running',
        attempts = attempts + (lease_token is distinct from p_token)::integer,
        deaths = deaths + coalesce(lease_token <> p_token, false)::integer,
        lease_token = p_token,
        leased_until = clock_timestamp() + p_lease
    where id = any(picked)
    and (attempts < max_attempts or lease_token = p_token)
    and cancel_asked_at is null
    and state in ('queued', 'waiting', 'running')
    returning *;
    get diagnostics claimed = row_count;
    if claimed < cardinality(picked) then
        perform end_spent_jobs(array(
            select j.id
            from jobs j
            where j.id = any(picked)
            and j.lease_token is distinct from p_token
        ));
    end if;
end $$;

-- Returns the time when the next of these jobs falls due or its lease runs out. A time that has passed means that a job
-- waits for a worker.
create function next_due(p_tasks text[], p_limits jsonb) returns timestamptz language sql stable as $$
    select min(least(later.run_at, case when p_limits ? t.task
        then greatest(line.run_at, limited_until(t.task, p_limits -> t.task)) else line.run_at end))
    from unnest(p_tasks) t (task)
    left join lateral (
        select j.run_at
        from jobs j
        where j.task = t.task
        and j.turn is null
        order by j.run_at
        limit 1
    ) later on true
    left join lateral (
        -- running jobs stand at the front, and a thousand of them are more than any worker has
        select min(coalesce(front.leased_until, front.run_at)) as run_at
        from (
            select j.leased_until, j.run_at
            from jobs j
            where j.task = t.task
            and j.turn is not null
            order by j.priority desc, j.turn, j.id
            limit 1000
        ) front
    ) line on true;
$$;

-- Moves running jobs on, each by the token of its lease, and returns those that were still held by it.
-- Long: one statement, so that everybody sees at the same moment which jobs ended and which go on.
create function move_jobs(
    p_ids bigint[], p_tokens uuid[], p_states text[], p_run_ats timestamptz[], p_codes text[], p_errors text[]
) returns setof every_job language sql as $$
    -- what is asked for
    with wanted as materialized (
        select w.id, w.token, w.state, w.run_at, w.code, w.error
        from unnest(p_ids, p_tokens, p_states, p_run_ats, p_codes, p_errors) w (id, token, state, run_at, code, error)
    -- what ends leaves the table for the history
    ), gone as (
        delete from jobs j
        using wanted w
        where j.id = w.id
        and j.state = 'running'
        and j.lease_token = w.token
        and w.state in ('done', 'failed', 'cancelled')
        returning j.id, j.user_id, j.task, j.key, j.args, j.checkpoint, j.price, j.priority, w.state, j.run_at,
            j.attempts, j.max_attempts, j.lease_token, w.code, w.error, j.created_at
    ), kept as (
        insert into job_history (id, user_id, task, key, args, checkpoint, price, priority, state, run_at, attempts,
            max_attempts, lease_token, error_code, error, created_at, finished_at)
        select id, user_id, task, key, args, checkpoint, price, priority, state, run_at, attempts,
            max_attempts, lease_token, code, error, created_at, clock_timestamp()
        from gone
        -- in the order in which every other statement locks accounts
        order by user_id, id
        returning id, user_id, task, key, args, checkpoint, price, priority, state, run_at, attempts, max_attempts,
            error_code, error, created_at, finished_at
    -- what does not end goes back to the line
    ), moved as (
        -- Waiting for a provider is progress: it gives the attempts back, so that only failures in a row use them up.
        -- A job that was never begun is given back as it was. One that gives way waits behind all whose turn is now.
        update jobs j
        set state = case w.state when 'released' then 'queued' when 'gave_way' then 'waiting' else w.state end,
            run_at = case w.state when 'released' then j.run_at
                else least(coalesce(w.run_at, clock_timestamp()), j.deadline) end,
            attempts = case when w.state in ('waiting', 'gave_way') then 0 when w.state = 'released' then j.attempts - 1
                else j.attempts end,
            deaths = case when w.state in ('waiting', 'gave_way') then 0 else j.deaths end,
            turn = case when w.state = 'gave_way' then next_turn(null, j.task, j.priority) + 1
                when w.run_at > clock_timestamp() then null else j.turn end,
            lease_token = null,
            leased_until = null,
            error_code = case w.state when 'released' then j.error_code else w.code end,
            error = case w.state when 'released' then j.error else w.error end
        from wanted w
        where j.id = w.id
        and j.state = 'running'
        and j.lease_token = w.token
        and w.state in ('queued', 'waiting', 'released', 'gave_way')
        returning j.id, j.user_id, j.task, j.key, j.args, j.checkpoint, j.price, j.priority, j.state, j.run_at,
            j.attempts, j.max_attempts, j.error_code, j.error, j.created_at, j.deadline, j.cancel_asked_at
    )
    select id, coalesce(user_id, 0), task, key, args, checkpoint, price, priority, state, run_at, attempts,
        max_attempts, null::uuid, null::timestamptz, error_code, error, created_at, finished_at, null::timestamptz,
        null::timestamptz
    from kept
    union all
    select id, coalesce(user_id, 0), task, key, args, checkpoint, price, priority, state, run_at, attempts,
        max_attempts, null, null, error_code, error, created_at, null, deadline, cancel_asked_at
    from moved;
$$;

-- Ends jobs that are done, in one statement with their history, and returns those that were no longer the worker's.
create function end_done_jobs(p_ids bigint[], p_tokens uuid[]) returns bigint[] language plpgsql as $$
declare
    ended integer;
begin
    with gone as (
        delete from jobs
        where id = any(p_ids)
        and state = 'running'
        and lease_token = any(p_tokens)
        returning id, user_id, task, key, args, checkpoint, price, priority, run_at, attempts, max_attempts,
            lease_token, error_code, error, created_at
    )
    insert into job_history (id, user_id, task, key, args, checkpoint, price, priority, state, run_at, attempts,
        max_attempts, lease_token, error_code, error, created_at, finished_at)
    select id, user_id, task, key, args, checkpoint, price, priority, 'done', run_at, attempts,
        max_attempts, lease_token, null, null, created_at, clock_timestamp()
    from gone;
    get diagnostics ended = row_count;
    if ended = cardinality(p_ids) then
        return '{}';
    end if;
    return array(
        select d.id
        from unnest(p_ids) d (id)
        where not exists (select from job_history h where h.id = d.id and h.lease_token = any(p_tokens))
    );
end $$;

-- Does a worker's whole turnaround: finished jobs move to the history, unfinished ones move on, and new jobs are
-- leased. The first row tells which jobs were no longer its own, and when to come again if the line ran out.
create function drain_jobs(
    p_done bigint[], p_done_tokens uuid[],
    p_ids bigint[], p_tokens uuid[], p_states text[], p_run_ats timestamptz[], p_codes text[], p_errors text[],
    p_tasks text[], p_rooms integer[], p_alone boolean, p_lease interval, p_token uuid, p_limits jsonb
) returns table (
    id bigint, user_id bigint, task text, key text, args text, checkpoint text, price integer, priority smallint,
    run_at timestamptz, attempts smallint, max_attempts smallint, error_code text, error text,
    created_at timestamptz, deadline timestamptz, deaths smallint, leased_until timestamptz, lost bigint[]
) language plpgsql set enable_seqscan = off as $$
#variable_conflict use_column
declare
    leased integer;
    lost bigint[] := '{}';
    leased_until timestamptz;
begin
    if cardinality(p_done) > 0 then
        lost := end_done_jobs(p_done, p_done_tokens);
    end if;
    if cardinality(p_ids) > 0 then
        lost := lost || array(
            select w.id
            from unnest(p_ids) w (id)
            left join move_jobs(p_ids, p_tokens, p_states, p_run_ats, p_codes, p_errors) m on m.id = w.id
            where m.id is null
            and not exists (select from job_history h where h.id = w.id and h.lease_token = any(p_tokens))
        );
    end if;
    return query
    select j.id, coalesce(j.user_id, 0), j.task, j.key, nullif(j.args, '{}')::text, nullif(j.checkpoint, '{}')::text,
        j.price, j.priority, j.run_at, j.attempts, j.max_attempts, j.error_code, j.error, j.created_at, j.deadline,
        j.deaths, j.leased_until, null::bigint[]
    from claim_jobs(p_tasks, p_rooms, 100000, p_alone, p_lease, p_token, p_limits) j;
    get diagnostics leased = row_count;
    return query
    select null::bigint, null::bigint, null, null, null, null, null::integer, null::smallint,
        case when leased = 0 and cardinality(p_tasks) > 0 then next_due(p_tasks, p_limits) end,
        null::smallint, null::smallint, null, null, null::timestamptz, null::timestamptz, null::smallint,
        null::timestamptz, lost;
end $$;

-- Forgets jobs that ended more than 90 days ago, with their calls of providers, a small batch at a time. Returns how
-- many.
create function forget_history(p_limit integer) returns integer language plpgsql set enable_seqscan = off as $$
declare
    old bigint[] := array(
        select id
        from job_history
        where finished_at < statement_timestamp() - interval '90 days'
        limit p_limit
        for update skip locked
    );
begin
    insert into spent_keys (key, job_id)
    select key, id
    from job_history
    where id = any(old)
    and price > 0
    on conflict do nothing;
    delete from provider_calls
    where job_id = any(old);
    delete from job_history
    where id = any(old);
    return cardinality(old);
end $$;
