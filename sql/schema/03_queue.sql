-- The queue: how a job comes in, waits, and ends.
--
-- queued -> running -> (waiting -> running)* -> done | failed | cancelled. One key is one job and one charge. A job that
-- fails or is cancelled gives its credits back in the same statement, because the history itself does it, and its person
-- is told by another job. What has ended never changes.

-- The table `jobs` holds unfinished jobs only; the statement that finishes a job moves it to `job_history`, and the
-- history settles it: refund and notice. So a claim costs the same with ten million finished jobs as with none.
--
-- A claim changes no indexed column, so Postgres rewrites the row inside its page and touches no index (a HOT update):
-- a running job keeps its place in `jobs_line`, and claims step over it. fillfactor leaves the room in the page.
create table jobs (
    id bigint generated always as identity primary key,
    user_id bigint references users (id),
    task text not null check (task ~ '^[a-z][a-z0-9_]*$'),
    key text not null unique check (key <> ''),
    args jsonb not null default '{}' check (jsonb_typeof(args) = 'object'),
    -- what the task has already done, so that a second run does not do it again
    checkpoint jsonb not null default '{}' check (jsonb_typeof(checkpoint) = 'object'),
    price integer not null default 0 check (price >= 0),
    priority smallint not null default 0,
    state text not null default 'queued'
        check (state in ('queued', 'running', 'waiting', 'done', 'failed', 'cancelled')),
    run_at timestamptz not null default clock_timestamp(),
    attempts smallint not null default 0 check (attempts >= 0),
    max_attempts smallint not null default 5 check (max_attempts > 0),
    lease_token uuid,
    leased_until timestamptz,
    error_code text,
    error text,
    created_at timestamptz not null default clock_timestamp(),
    finished_at timestamptz,
    -- the place in the line: a person's n-th waiting job has turn n. Null: its time has not come. 0: a poll, goes first
    turn bigint check (turn >= 0),
    -- how many workers have died with it
    deaths smallint not null default 0 check (deaths >= 0),
    deadline timestamptz,
    cancel_asked_at timestamptz,
    check ((state = 'running') = (lease_token is not null)),
    check ((state = 'running') = (leased_until is not null)),
    check ((state in ('done', 'failed', 'cancelled')) = (finished_at is not null)),
    check (state <> 'failed' or error_code is not null),
    check (user_id is not null or price = 0)
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000,
    autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 5000, autovacuum_vacuum_cost_delay = 0);

create index jobs_line on jobs (task, priority desc, turn, id) where turn is not null;
create index jobs_polls on jobs (task, run_at) where turn = 0;
create index jobs_later on jobs (task, run_at) where turn is null;
create index jobs_user on jobs (user_id, task, turn);
create index jobs_suspect on jobs (id) where deaths > 0;
create index jobs_deadline on jobs (deadline) where deadline is not null;

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
    -- the lease under which it ended, by which a worker that lost Postgres' answer knows its own
    lease_token uuid,
    error_code text,
    error text,
    created_at timestamptz not null,
    finished_at timestamptz not null,
    check (state <> 'done' or lease_token is not null),
    check (state <> 'failed' or error_code is not null)
) with (autovacuum_vacuum_insert_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.05);

create index job_history_user on job_history (user_id, id desc);
create index job_history_finished on job_history using brin (finished_at);
create index job_history_failed on job_history (id desc) include (task, error_code) where state = 'failed';
create index job_history_pace on job_history (task, finished_at desc) where price > 0;

-- The keys of paid jobs outlive the history, so that an order can never be charged a second time under its key.
create table spent_keys (
    key text primary key,
    job_id bigint not null
);

create view every_job as
select id, coalesce(user_id, 0) as user_id, task, key, args, checkpoint, price, priority, state, run_at, attempts,
    max_attempts, lease_token, leased_until, error_code, error, created_at, finished_at, deadline, cancel_asked_at
from jobs
union all
select id, coalesce(user_id, 0), task, key, args, checkpoint, price, priority, state, run_at, attempts,
    max_attempts, null, null, error_code, error, created_at, finished_at, null, null
from job_history;

-- Gives back the charge of a job, or the rest of it when a part was earned, once, and only when the job can no longer
-- run. No row means that there is nothing to give back.
create function refund_credit(p_job_id bigint, p_earned integer default 0) returns table (amount integer, balance integer)
language sql security definer set search_path to public, pg_temp as $$
    insert into credit_ledger (user_id, kind, amount, key, job_id)
    select c.user_id, 'refund', -c.amount - p_earned, 'refund:' || c.job_id, c.job_id
    from credit_ledger c
    where c.job_id = p_job_id
    and c.kind = 'charge'
    and -c.amount > p_earned
    and not exists (select from jobs j where j.id = p_job_id and j.finished_at is null)
    on conflict do nothing
    returning amount, balance_after;
$$;

create function refuse_move() returns trigger language plpgsql as $$
begin
    raise exception using errcode = 'LK409', message = 'illegal_move',
        detail = format('job %s: %s -> %s', old.id, old.state, new.state);
end $$;

create trigger legal_moves before update of state on jobs
    for each row when ((old.state, new.state) not in (
        ('queued', 'running'), ('waiting', 'running'), ('running', 'running'),
        ('running', 'queued'), ('running', 'waiting'),
        ('running', 'done'), ('running', 'failed'), ('running', 'cancelled'),
        ('queued', 'failed'), ('queued', 'cancelled')
    )) execute function refuse_move();

-- Counts open calls of a provider at their list price, because nobody will ask what became of them.
-- Of an order whose results are delivered one by one the checkpoint notes what was `earned` by then; the rest goes back.
-- Telling the user is a job too, so a crash between the failure and the message loses nothing. Who cancels an order that
-- has begun hears of it when it has stopped, however few attempts it has used: waiting for a provider uses up none.
create function settle_job() returns trigger language plpgsql as $$
begin
    perform refund_credit(new.id, coalesce((new.checkpoint ->> 'earned')::integer, 0));
    update provider_calls
    set state = 'lost',
        ended_at = clock_timestamp()
    where job_id = new.id
    and state = 'begun';
    if (new.state = 'failed' or new.price > 0 and new.error_code = 'cancelled')
        and new.task <> 'notice' and exists (select from users where id = new.user_id and erased_at is null)
    then
        insert into jobs (user_id, task, key, args, turn)
        values (new.user_id, 'notice', new.state || ':' || new.id, jsonb_build_object('job_id', new.id),
            next_turn(new.user_id, 'notice', 0::smallint))
        on conflict (key) do nothing;
    end if;
    return null;
end $$;

-- An update that finishes a job also moves it, as the batches of the worker do by themselves.
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
create function admit_jobs() returns trigger language plpgsql
    security definer set enable_seqscan = off set search_path to public, pg_temp as $$
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
    for each row when (new.state in ('failed', 'cancelled') or new.checkpoint ? 'earned') execute function settle_job();
create trigger legal_moves before update on job_history
    for each row when (
        (old.id, old.user_id, old.task, old.price, old.state, old.attempts, old.created_at, old.finished_at)
        is distinct from
        (new.id, new.user_id, new.task, new.price, new.state, new.attempts, new.created_at, new.finished_at)
    ) execute function refuse_move();
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
create function queue_position(p_job_id bigint) returns integer language sql stable
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

-- Says whether a key belongs to another request: another person, kind or arguments, or one that costs something.
create function refuse_other_jobs(p_task text, p_user_ids bigint[], p_keys text[], p_args jsonb[]) returns void
language plpgsql as $$
begin
    if exists (
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
    with living as (
        select id from users where id = any(p_user_ids) and erased_at is null for key share
    ), inserted as (
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
        and (w.user_id is null or w.user_id in (select id from living))
        order by w.key
        on conflict (key) do nothing
        returning id
    )
    select array_agg(id) into made from inserted;
    select count(*) into created from jobs where id = any(made);
    if created < cardinality(p_keys) then
        perform refuse_other_jobs(p_task, p_user_ids, p_keys, p_args);
    end if;
    return created;
end $$;
create trigger a_living before insert on jobs
    for each row when (new.user_id is not null and new.task <> 'erase') execute function refuse_erased('user_id');

grant select, insert, delete on jobs to lotok_till;
grant select on job_history, spent_keys to lotok_till;

-- How long a job of this kind takes its place, by the pace of the last quarter of an hour. Null when too little was done
-- lately to tell.
create function queue_pace(p_job_id bigint) returns interval language sql stable
set enable_seqscan = off set enable_bitmapscan = off as $$
    select case when pace.number >= 3 then (clock_timestamp() - pace.since) / pace.number end
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

-- The time up to which each periodic job has been queued.
create table job_schedules (
    task text primary key,
    queued_until timestamptz not null
);

-- One job for each due time, no matter how many ask for it: the key is the time. p_untils[i] belongs to p_schedules[i].
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
    set queued_until = case
        when job_schedules.queued_until > excluded.queued_until + interval '1 minute' then excluded.queued_until
        else greatest(job_schedules.queued_until, excluded.queued_until)
    end;
    insert into jobs (task, key, args, turn)
    select w.task, w.key, w.args, next_turn(null, w.task, 0::smallint)
    from unnest(p_tasks, p_keys, p_args) w (task, key, args)
    order by w.key
    on conflict (key) do nothing;
    get diagnostics created = row_count;
    return created;
end $$;
