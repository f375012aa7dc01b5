-- The table `jobs` holds unfinished jobs only; the statement that finishes a job moves it to `job_history`, and the
-- history settles it: refund and notice. So a claim costs the same with ten million finished jobs as with none.
--
-- A claim changes no indexed column, so Postgres rewrites the row inside its page and touches no index (a HOT update):
-- a running job keeps its place in `jobs_line`, and claims step over it. fillfactor leaves the room in the page.

create table job_history (
    id bigint primary key,
    user_id bigint,
    task text not null,
    key text not null unique,
    args jsonb not null,
    checkpoint jsonb not null,
    price integer not null,
    priority smallint not null,
    state text not null check (state in ('done', 'failed', 'cancelled')),
    run_at timestamptz not null,
    attempts smallint not null,
    max_attempts smallint not null,
    -- whose work ended it; a worker that lost Postgres' answer knows its own by it
    lease_token uuid,
    error_code text,
    error text,
    created_at timestamptz not null,
    finished_at timestamptz not null,
    check (state <> 'done' or lease_token is not null),
    check (state <> 'failed' or error_code is not null)
) with (autovacuum_vacuum_insert_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.05);

-- No foreign keys: they would cost a scan for each row that is removed after its 90 days.
insert into job_history (id, user_id, task, key, args, checkpoint, price, priority, state, run_at, attempts,
    max_attempts, lease_token, error_code, error, created_at, finished_at)
select id, user_id, task, key, args, checkpoint, price, priority, state, run_at, attempts,
    max_attempts, '00000000-0000-0000-0000-000000000000', error_code, error, created_at, finished_at
from jobs
where finished_at is not null;
delete from jobs
where finished_at is not null;

create index job_history_user on job_history (user_id, id desc);
create index job_history_finished on job_history using brin (finished_at);
create index job_history_failed on job_history (id desc) where state = 'failed';
create index job_history_pace on job_history (task, finished_at desc) where price > 0;

-- The keys of paid jobs outlive the history, so that an order can never be charged a second time under its key.
create table spent_keys (
    key text primary key,
    job_id bigint not null
);

alter table jobs
    alter column user_id drop not null,
    -- the place in the line: a person's n-th waiting job has turn n. Null: its time has not come. 0: a poll, goes first
    add column turn bigint check (turn >= 0),
    -- how many workers have died with it
    add column deaths smallint not null default 0 check (deaths >= 0),
    add column deadline timestamptz,
    add column cancel_asked_at timestamptz,
    add check (user_id is not null or price = 0),
    set (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000,
        autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 5000, autovacuum_vacuum_cost_delay = 0);

drop index jobs_due;
drop index jobs_next;
drop index jobs_leased;
drop index jobs_user;
create index jobs_line on jobs (task, priority desc, turn, id) where turn is not null;
create index jobs_polls on jobs (task, run_at) where turn = 0;
create index jobs_later on jobs (task, run_at) where turn is null;
create index jobs_user on jobs (user_id, task, turn);
create index jobs_suspect on jobs (id) where deaths > 0;
create index jobs_deadline on jobs (deadline) where deadline is not null;

create view every_job as
select id, coalesce(user_id, 0) as user_id, task, key, args, checkpoint, price, priority, state, run_at, attempts,
    max_attempts, lease_token, leased_until, error_code, error, created_at, finished_at, deadline, cancel_asked_at
from jobs
union all
select id, coalesce(user_id, 0), task, key, args, checkpoint, price, priority, state, run_at, attempts,
    max_attempts, null, null, error_code, error, created_at, finished_at, null, null
from job_history;

drop trigger settle on jobs;
drop trigger charge on jobs;
drop function charge_job();

-- Telling the user is a job too, so a crash between the failure and the message loses nothing.
create or replace function settle_job() returns trigger language plpgsql as $$
begin
    perform refund_credit(new.id);
    if new.state = 'failed' and new.task <> 'notice' and new.user_id is not null then
        insert into jobs (user_id, task, key, args, turn)
        values (new.user_id, 'notice', 'failed:' || new.id, jsonb_build_object('job_id', new.id),
            next_turn(new.user_id, 'notice', 0::smallint))
        on conflict (key) do nothing;
    end if;
    return null;
end $$;

-- Whoever finishes a job by an update moves it, as the batches of the worker do by themselves.
create function move_finished_job() returns trigger language plpgsql as $$
begin
    insert into job_history (id, user_id, task, key, args, checkpoint, price, priority, state, run_at, attempts,
        max_attempts, lease_token, error_code, error, created_at, finished_at)
    values (new.id, new.user_id, new.task, new.key, new.args, new.checkpoint, new.price, new.priority, new.state,
        new.run_at, new.attempts, new.max_attempts, old.lease_token, new.error_code, new.error, new.created_at,
        new.finished_at);
    delete from jobs
    where id = new.id;
    return null;
end $$;

-- An insert can wait for the statement that is just moving the first job of this key to the history; only a look from
-- here, after the wait, sees it there. Then the insert is taken back before it costs anything.
create function admit_jobs() returns trigger language plpgsql set enable_seqscan = off as $$
declare
    again bigint[];
    job record;
begin
    again := array(
        select a.id
        from added a
        where (select h.id from job_history h where h.key = a.key) is not null
    );
    if cardinality(again) > 0 then
        delete from jobs
        where id = any(again);
    end if;
    for job in
        select a.id, a.user_id, a.price, a.key
        from added a
        where a.price > 0
        and a.id <> all(again)
        order by a.user_id, a.id
    loop
        if exists (select from spent_keys s where s.key = job.key) then
            raise exception using errcode = 'LK409', message = 'key_reused', detail = job.key;
        end if;
        insert into credit_ledger (user_id, kind, amount, key, job_id)
        values (job.user_id, 'charge', -job.price, 'charge:' || job.id, job.id);
    end loop;
    return null;
end $$;

-- A job that was charged leaves this table for the history only.
create function keep_paid_job() returns trigger language plpgsql as $$
begin
    if not exists (select from job_history where id = old.id)
        and exists (select from credit_ledger where job_id = old.id and kind = 'charge')
    then
        raise exception using errcode = 'restrict_violation',
            message = format('job %s was charged: it is moved to job_history, not deleted', old.id);
    end if;
    return null;
end $$;

create function keep_history() returns trigger language plpgsql as $$
begin
    raise exception using errcode = 'restrict_violation', message = format('job %s is kept for 90 days', old.id);
end $$;

create trigger admit after insert on jobs
    referencing new table as added
    for each statement execute function admit_jobs();
create trigger move_finished after update of state on jobs
    for each row when (new.finished_at is not null) execute function move_finished_job();
create trigger keep_paid after delete on jobs
    for each row when (old.price > 0) execute function keep_paid_job();
create trigger settle after insert on job_history
    for each row when (new.state in ('failed', 'cancelled')) execute function settle_job();
create trigger legal_moves before update on job_history
    for each row execute function refuse_move();
create trigger keep_history before delete on job_history
    for each row when (old.finished_at > clock_timestamp() - interval '90 days') execute function keep_history();

-- A person's n-th waiting job of a task has turn n, so a thousand of one delay another's first by one round. The line
-- may have moved on: who comes when turn 40 is served begins at 40 and not before those who waited.
create function next_turn(p_user_id bigint, p_task text, p_priority smallint) returns bigint language sql stable as $$
    select greatest(
        1,
        (
            select turn
            from jobs
            where task = p_task
            and priority = p_priority
            and turn > 0
            order by turn
            limit 1
        ),
        (
            select turn + 1
            from jobs
            where user_id = p_user_id
            and task = p_task
            and turn > 0
            order by turn desc
            limit 1
        )
    );
$$;

-- Counts no further than a thousand: 1,001 means that more come first. Null when the job is not in the line.
create or replace function queue_position(p_job_id bigint) returns integer language sql stable
set enable_seqscan = off set enable_bitmapscan = off as $$
    select 1 + least(1000, (
        select count(*)
        from (
            select
            from jobs j
            where j.task = mine.task
            and j.turn is not null
            and j.lease_token is null
            and j.priority > mine.priority
            limit 1000
        ) before
    ) + (
        select count(*)
        from (
            select
            from jobs j
            where j.task = mine.task
            and j.turn is not null
            and j.lease_token is null
            and j.priority = mine.priority
            and (j.turn, j.id) < (mine.turn, mine.id)
            limit 1000
        ) before
    ))::integer
    from jobs mine
    where mine.id = p_job_id
    and mine.state = 'queued'
    and mine.turn is not null;
$$;

-- One key, one job, one charge: all or nothing. The same request again returns the first job, wherever it is by now;
-- another request under the same key is refused. Short of credits: nothing is written.
drop function create_job_and_consume_credit(bigint, text, text, jsonb, integer, smallint, smallint, timestamptz);
create function create_job_and_consume_credit(
    p_user_id bigint, p_task text, p_key text, p_args jsonb, p_price integer,
    p_priority smallint, p_max_attempts smallint, p_run_at timestamptz, p_time_limit interval default null
) returns table (job every_job, created boolean, balance integer, place integer)
language plpgsql set enable_seqscan = off as $$
declare
    new_id bigint;
begin
    loop
        insert into jobs as j (user_id, task, key, args, price, priority, max_attempts, run_at, deadline, turn)
        values (nullif(p_user_id, 0), p_task, p_key, p_args, p_price, p_priority, p_max_attempts,
            coalesce(p_run_at, clock_timestamp()),
            greatest(p_run_at, clock_timestamp()) + p_time_limit,
            case when p_run_at is null or p_run_at <= clock_timestamp()
                then next_turn(p_user_id, p_task, p_priority) end)
        on conflict (key) do nothing
        returning j.id into new_id;
        select e.* into job from every_job e where e.key = p_key;
        -- neither here nor there: the one in the way was taken back, or its transaction was
        exit when found;
    end loop;
    created := job.id is not distinct from new_id;
    if not created
        and (job.user_id, job.task, job.args, job.price) is distinct from (p_user_id, p_task, p_args, p_price)
    then
        raise exception using errcode = 'LK409', message = 'key_reused', detail = p_key;
    end if;
    select a.balance into balance from credit_accounts a where a.user_id = p_user_id;
    place := queue_position(job.id);
    return next;
end $$;

-- Many free jobs of one kind in one statement, such as the messages of a broadcast; returns how many are new. They are
-- inserted in the order of their keys, so that two calls with the same keys cannot wait for each other.
create function create_free_jobs(
    p_task text, p_user_ids bigint[], p_keys text[], p_args jsonb[],
    p_priority smallint, p_max_attempts smallint, p_run_at timestamptz
) returns integer language plpgsql set enable_seqscan = off as $$
declare
    made bigint[];
    created integer;
    front bigint := next_turn(null, p_task, p_priority);
    due boolean := coalesce(p_run_at <= clock_timestamp(), true);
begin
    with inserted as (
        insert into jobs (user_id, task, key, args, priority, max_attempts, run_at, turn)
        select w.user_id, p_task, w.key, w.args, p_priority, p_max_attempts, coalesce(p_run_at, clock_timestamp()),
            case when due then greatest(front, (
                select j.turn + 1
                from jobs j
                where j.user_id = w.user_id
                and j.task = p_task
                and j.turn > 0
                order by j.turn desc
                limit 1
            )) - 1 + row_number() over (partition by w.user_id order by w.n) end
        from unnest(p_user_ids, p_keys, p_args) with ordinality w (user_id, key, args, n)
        where (select j.id from jobs j where j.key = w.key) is null
        order by w.key
        on conflict (key) do nothing
        returning id
    )
    select array_agg(id) into made from inserted;
    select count(*) into created from jobs where id = any(made);
    if created < cardinality(p_keys) and exists (
        select
        from unnest(p_user_ids, p_keys, p_args) w (user_id, key, args)
        cross join lateral (
            select e.user_id, e.task, e.args, e.price
            from every_job e
            where e.key = w.key
            limit 1
        ) e
        where (e.user_id, e.task, e.args, e.price) is distinct from (w.user_id, p_task, w.args, 0)
    ) then
        raise exception using errcode = 'LK409', message = 'key_reused', detail = p_task;
    end if;
    return created;
end $$;

-- Jobs whose time has come join the line. A poll of work that is under way goes before everybody, a retry is at the
-- front again, a job that was planned for now is its person's next.
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
        case when cancel_asked_at is not null then error_code when deadline <= statement_timestamp() then 'timed_out'
            else 'gave_up' end,
        case when deadline <= statement_timestamp() then concat_ws('; ', 'its time is up', error)
            else coalesce(error, 'the worker was lost at each attempt') end,
        created_at, clock_timestamp()
    from gone
    order by user_id, id;
$$;

-- What the limits of a kind are counted by, shared by all workers through its row: who locks it decides.
create table job_limits (
    name text primary key,
    -- the jobs that are leased, as far as known; one that ended or lapsed is dropped at the next look
    held bigint[] not null default '{}',
    -- when the last ones were begun
    starts timestamptz[] not null default '{}'
);

-- Picks jobs of kinds that have limits: no more than `at_once` are leased at any time, and of those that share the rate
-- `rate` no more than `starts` begin within any `seconds`. A poll of work that is under way begins nothing.
create function pick_limited_jobs(p_tasks text[], p_rooms integer[], p_token uuid, p_limits jsonb)
returns bigint[] language plpgsql as $$
declare
    names text[];
    wanted record;
    rules jsonb;
    still bigint[];
    recent timestamptz[];
    room integer;
    polls bigint[];
    begun bigint[];
    picked bigint[] := '{}';
begin
    names := array(
        select n.name
        from unnest(p_tasks) t (task)
        cross join lateral (values ('task:' || t.task), ('rate:' || (p_limits -> t.task ->> 'rate'))) n (name)
        where p_limits ? t.task
        and n.name is not null
    );
    insert into job_limits (name)
    select distinct name from unnest(names) n (name)
    where not exists (select from job_limits l where l.name = n.name)
    order by name
    on conflict do nothing;
    -- all of them and always in the same order, so that two workers cannot wait for each other
    perform from job_limits where name = any(names) order by name for update;
    for wanted in select t.task, t.room from unnest(p_tasks, p_rooms) t (task, room) where p_limits ? t.task loop
        rules := p_limits -> wanted.task;
        select array(
            select j.id
            from jobs j
            where j.id = any(l.held)
            and j.state = 'running'
            and j.leased_until > statement_timestamp()
        ) into still
        from job_limits l
        where l.name = 'task:' || wanted.task;
        room := least(wanted.room, coalesce((rules ->> 'at_once')::integer, wanted.room + cardinality(still))
            - cardinality(still));
        select array(
            select s.at
            from unnest(l.starts) s (at)
            where s.at > clock_timestamp() - make_interval(secs => (rules ->> 'seconds')::double precision)
            order by s.at
        ) into recent
        from job_limits l
        where l.name = 'rate:' || (rules ->> 'rate');
        polls := array(
            select j.id
            from jobs j
            where j.task = wanted.task
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
            where j.task = wanted.task
            and j.turn > 0
            and (j.lease_token is null or j.leased_until <= statement_timestamp() or j.lease_token = p_token)
            and j.deaths + (j.lease_token is not null)::integer < 2
            order by j.priority desc, j.turn, j.id
            limit greatest(least(room, (rules ->> 'starts')::integer - cardinality(recent)), 0)
            for update skip locked
        );
        update job_limits
        set held = still || polls || begun
        where name = 'task:' || wanted.task;
        update job_limits
        set starts = recent || array_fill(clock_timestamp(), array[cardinality(begun)])
        where name = 'rate:' || (rules ->> 'rate')
        and cardinality(begun) > 0;
        picked := picked || polls || begun;
    end loop;
    return picked;
end $$;

-- Leases up to p_rooms[i] due jobs of p_tasks[i], and p_total in all. Jobs whose lease ran out are taken over; one with
-- which two workers have died is given out alone, so that it cannot use up its neighbours' attempts, and only to a
-- caller that holds nothing else (p_alone).
create function claim_jobs(
    p_tasks text[], p_rooms integer[], p_total integer, p_alone boolean, p_lease interval, p_token uuid, p_limits jsonb
) returns setof jobs language plpgsql
-- the table's size is of no account: always by the index that has the order
set enable_seqscan = off set enable_bitmapscan = off set enable_sort = off as $$
declare
    picked bigint[];
    limited bigint[] := '{}';
    spent bigint[];
    claimed integer;
begin
    perform admit_due_jobs(p_tasks);
    spent := array(
        select j.id
        from jobs j
        where j.deadline <= statement_timestamp()
        and (j.lease_token is null or j.leased_until <= statement_timestamp())
        and j.task = any(p_tasks)
        order by j.deadline
        limit 100
        for update skip locked
    );
    if cardinality(spent) > 0 then
        perform end_spent_jobs(spent);
    end if;
    if p_alone then
        picked := array(
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
        if cardinality(picked) > 0 and p_limits is not null then
            update job_limits l
            set held = case when l.name like 'task:%' then l.held || j.id else l.held end,
                starts = case when l.name like 'rate:%' then l.starts || clock_timestamp() else l.starts end
            from jobs j
            where j.id = picked[1]
            and l.name in ('task:' || j.task, 'rate:' || (p_limits -> j.task ->> 'rate'));
        end if;
    end if;
    if coalesce(cardinality(picked), 0) = 0 then
        if p_limits is not null then
            limited := pick_limited_jobs(p_tasks, p_rooms, p_token, p_limits);
        end if;
        picked := limited || array(
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

-- Until when a kind that has limits may begin nothing more; null when it may.
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
            select l.starts[1 + cardinality(l.starts) - (p_rules ->> 'starts')::integer]
                + make_interval(secs => (p_rules ->> 'seconds')::double precision)
            from job_limits l
            where l.name = 'rate:' || (p_rules ->> 'rate')
            and cardinality(l.starts) >= (p_rules ->> 'starts')::integer
        )
    );
$$;

-- When the next of these jobs falls due or its lease runs out. Now or earlier: a job waits for a worker to take it.
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
create function move_jobs(
    p_ids bigint[], p_tokens uuid[], p_states text[], p_run_ats timestamptz[], p_codes text[], p_errors text[]
) returns setof every_job language sql as $$
    with wanted as materialized (
        select w.id, w.token, w.state, w.run_at, w.code, w.error
        from unnest(p_ids, p_tokens, p_states, p_run_ats, p_codes, p_errors) w (id, token, state, run_at, code, error)
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
    ), moved as (
        -- Waiting for a provider is progress: it gives the attempts back, so that only failures in a row use them up.
        -- A job that was never begun is given back as it was.
        update jobs j
        set state = case w.state when 'released' then 'queued' else w.state end,
            run_at = case w.state when 'released' then j.run_at
                else least(coalesce(w.run_at, clock_timestamp()), j.deadline) end,
            attempts = case w.state when 'waiting' then 0 when 'released' then j.attempts - 1 else j.attempts end,
            deaths = case w.state when 'waiting' then 0 else j.deaths end,
            turn = case when w.run_at > clock_timestamp() then null else j.turn end,
            lease_token = null,
            leased_until = null,
            error_code = case w.state when 'released' then j.error_code else w.code end,
            error = case w.state when 'released' then j.error else w.error end
        from wanted w
        where j.id = w.id
        and j.state = 'running'
        and j.lease_token = w.token
        and w.state in ('queued', 'waiting', 'released')
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

-- A worker's whole turnaround: what it finished moves to the history, what it could not finish moves on, and new jobs
-- are leased. The first row tells which jobs were no longer its own, and when to come again when the line ran out.
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
    ended integer;
    lost bigint[] := '{}';
    leased_until timestamptz;
begin
    if cardinality(p_done) > 0 then
        with gone as (
            delete from jobs
            where id = any(p_done)
            and state = 'running'
            and lease_token = any(p_done_tokens)
            returning id, user_id, task, key, args, checkpoint, price, priority, run_at, attempts, max_attempts,
                lease_token, error_code, error, created_at
        )
        insert into job_history (id, user_id, task, key, args, checkpoint, price, priority, state, run_at, attempts,
            max_attempts, lease_token, error_code, error, created_at, finished_at)
        select id, user_id, task, key, args, checkpoint, price, priority, 'done', run_at, attempts,
            max_attempts, lease_token, null, null, created_at, clock_timestamp()
        from gone;
        get diagnostics ended = row_count;
        if ended < cardinality(p_done) then
            lost := array(
                select d.id
                from unnest(p_done) d (id)
                where not exists (
                    select from job_history h where h.id = d.id and h.lease_token = any(p_done_tokens)
                )
            );
        end if;
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
    get diagnostics ended = row_count;
    return query
    select null::bigint, null::bigint, null, null, null, null, null::integer, null::smallint,
        case when ended = 0 and cardinality(p_tasks) > 0 then next_due(p_tasks, p_limits) end,
        null::smallint, null::smallint, null, null, null::timestamptz, null::timestamptz, null::smallint,
        null::timestamptz, lost;
end $$;

-- How long a queued job will probably wait: its place by the pace of its kind in the last quarter of an hour. Null when
-- too little was done lately to tell.
create function queue_wait(p_job_id bigint) returns interval language sql stable
set enable_seqscan = off set enable_bitmapscan = off as $$
    select case when pace.number >= 3 then queue_position(p_job_id) * (clock_timestamp() - pace.since) / pace.number end
    from jobs mine
    cross join lateral (
        select count(*) as number, min(recent.finished_at) as since
        from (
            select h.finished_at
            from job_history h
            where h.task = mine.task
            and h.price > 0
            and h.finished_at > statement_timestamp() - interval '15 minutes'
            order by h.finished_at desc
            limit 50
        ) recent
    ) pace
    where mine.id = p_job_id;
$$;

-- Forgets what was finished more than 90 days ago, a small batch at a time. Returns how many.
create function forget_history(p_limit integer) returns integer language plpgsql as $$
declare
    old bigint[] := array(
        select id
        from job_history
        where finished_at < clock_timestamp() - interval '90 days'
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
    delete from job_history
    where id = any(old);
    return cardinality(old);
end $$;

-- Up to when each periodic job has been queued.
create table job_schedules (
    task text primary key,
    queued_until timestamptz not null
);

-- One job for each due time, whoever comes first: the key is the time. p_untils[i] belongs to p_schedules[i].
create function queue_periodic_jobs(
    p_schedules text[], p_untils timestamptz[], p_tasks text[], p_keys text[], p_args jsonb[]
) returns integer language plpgsql as $$
declare
    created integer;
begin
    insert into job_schedules (task, queued_until)
    select s.task, s.queued_until
    from unnest(p_schedules, p_untils) s (task, queued_until)
    order by s.task
    on conflict (task) do update
    set queued_until = greatest(job_schedules.queued_until, excluded.queued_until);
    insert into jobs (task, key, args, turn)
    select w.task, w.key, w.args, next_turn(null, w.task, 0::smallint)
    from unnest(p_tasks, p_keys, p_args) w (task, key, args)
    order by w.key
    on conflict (key) do nothing;
    get diagnostics created = row_count;
    return created;
end $$;
