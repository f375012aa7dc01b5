-- name: create_job_and_consume_credit
select (e.job).id, (e.job).user_id, (e.job).task, (e.job).key, (e.job).args, (e.job).checkpoint, (e.job).price,
    (e.job).priority, (e.job).state, (e.job).run_at, (e.job).attempts, (e.job).max_attempts, (e.job).lease_token,
    (e.job).leased_until, (e.job).error_code, (e.job).error, (e.job).created_at, (e.job).finished_at,
    (e.job).deadline, (e.job).cancel_asked_at, e.created, e.balance, e.place
from create_job_and_consume_credit(
    %(user_id)s, %(task)s, %(key)s, %(args)s, %(price)s, %(priority)s::smallint, %(max_attempts)s::smallint,
    %(run_at)s, %(time_limit)s
) e;

-- name: get_job_by_id
select id, user_id, task, key, args, checkpoint, price, priority, state, run_at, attempts, max_attempts,
    lease_token, leased_until, error_code, error, created_at, finished_at, deadline, cancel_asked_at
from every_job
where id = %(job_id)s;

-- name: get_job_by_idempotency_key
select id, user_id, task, key, args, checkpoint, price, priority, state, run_at, attempts, max_attempts,
    lease_token, leased_until, error_code, error, created_at, finished_at, deadline, cancel_asked_at
from every_job
where key = %(key)s;

-- name: get_user_jobs
-- Each half has its own limit, so neither is read to its end.
with unfinished as (
    select id
    from jobs
    where user_id = %(user_id)s
    and (%(tasks)s::text[] is null or task = any(%(tasks)s))
    and (%(before)s::bigint is null or id < %(before)s)
    order by id desc
    limit %(limit)s
), finished as (
    select id
    from job_history
    where user_id = %(user_id)s
    and (%(tasks)s::text[] is null or task = any(%(tasks)s))
    and (%(before)s::bigint is null or id < %(before)s)
    order by id desc
    limit %(limit)s
)
select id, user_id, task, key, args, checkpoint, price, priority, state, run_at, attempts, max_attempts,
    lease_token, leased_until, error_code, error, created_at, finished_at, deadline, cancel_asked_at
from every_job
where id = any(array(select id from unfinished union all select id from finished))
order by id desc
limit %(limit)s;

-- name: list_last_jobs
-- The history is not searched for a state that it cannot hold.
with unfinished as (
    select id
    from jobs
    where (%(state)s::text is null or state = %(state)s)
    and (%(task)s::text is null or task = %(task)s)
    order by id desc
    limit %(limit)s
), finished as (
    select id
    from job_history
    where (%(state)s::text is null
        or state = %(state)s and %(state)s::text in ('done', 'failed', 'cancelled'))
    and (%(task)s::text is null or task = %(task)s)
    order by id desc
    limit %(limit)s
)
select id, user_id, task, key, args, checkpoint, price, priority, state, run_at, attempts, max_attempts,
    lease_token, leased_until, error_code, error, created_at, finished_at, deadline, cancel_asked_at
from every_job
where id = any(array(select id from unfinished union all select id from finished))
order by id desc
limit %(limit)s;

-- name: get_queue_position
select queue_position(%(job_id)s);

-- name: fetch_next_queued_job
select id, coalesce(user_id, 0) as user_id, task, key, args, checkpoint, price, priority, state, run_at, attempts,
    max_attempts, lease_token, leased_until, error_code, error, created_at, null::timestamptz as finished_at,
    deadline, cancel_asked_at
from claim_jobs(
    %(tasks)s::text[], array_fill(%(limit)s::integer, array[cardinality(%(tasks)s::text[])]), %(limit)s::integer, true,
    %(lease)s, gen_random_uuid(), null
)
order by priority desc, turn, id;

-- name: drain_jobs
-- The last row holds the time by this clock where the others hold their lease.
select id, user_id, task, key, args, checkpoint, price, priority, run_at, attempts, max_attempts, error_code, error,
    created_at, deadline, deaths, coalesce(leased_until, clock_timestamp()) as leased_until, lost
from drain_jobs(
    %(done)s::bigint[], %(done_tokens)s::uuid[],
    %(ids)s::bigint[], %(tokens)s::uuid[], %(states)s::text[], array(
        select clock_timestamp() + d.delay
        from unnest(%(delays)s::interval[]) with ordinality d (delay, place)
        order by d.place
    ), %(codes)s::text[], %(errors)s::text[],
    %(tasks)s::text[], %(rooms)s::integer[], %(alone)s, %(lease)s, %(token)s, %(limits)s
);

-- name: update_job_status
select id, user_id, task, key, args, checkpoint, price, priority, state, run_at, attempts, max_attempts,
    lease_token, leased_until, error_code, error, created_at, finished_at, deadline, cancel_asked_at
from move_jobs(
    array[%(job_id)s::bigint], array[%(lease_token)s::uuid], array[%(state)s], array[%(run_at)s::timestamptz],
    array[%(error_code)s::text], array[%(error)s::text]
);

-- name: save_checkpoint
update jobs
set checkpoint = checkpoint || %(facts)s
where id = %(job_id)s
and state = 'running'
and lease_token = %(lease_token)s
returning id, coalesce(user_id, 0) as user_id, task, key, args, checkpoint, price, priority, state, run_at, attempts,
    max_attempts, lease_token, leased_until, error_code, error, created_at, finished_at, deadline, cancel_asked_at;

-- name: extend_leases
-- Returns the jobs that are still held, and whether somebody wants one of them stopped.
update jobs
set leased_until = clock_timestamp() + %(lease)s
where id = any(%(ids)s::bigint[])
and state = 'running'
and lease_token = any(%(tokens)s::uuid[])
returning id, cancel_asked_at is not null as unwanted;

-- name: cancel_job
-- A person who cancels their own order sees at once that it is gone; the code 'cancelled' has it told to somebody else.
with gone as (
    delete from jobs
    where id = %(job_id)s
    and coalesce(user_id, 0) = %(user_id)s
    and state = 'queued'
    returning id, user_id, task, key, args, checkpoint, price, priority, run_at, attempts, max_attempts,
        error_code, error, created_at
)
insert into job_history (id, user_id, task, key, args, checkpoint, price, priority, state, run_at, attempts,
    max_attempts, error_code, error, created_at, finished_at)
select id, user_id, task, key, args, checkpoint, price, priority, 'cancelled', run_at, attempts,
    max_attempts, coalesce(%(code)s::text, error_code), error, created_at, clock_timestamp()
from gone
returning id, coalesce(user_id, 0) as user_id, task, key, args, checkpoint, price, priority, state, run_at, attempts,
    max_attempts, null::uuid as lease_token, null::timestamptz as leased_until, error_code, error, created_at, finished_at,
    null::timestamptz as deadline, null::timestamptz as cancel_asked_at;

-- name: ask_to_cancel
-- The worker that holds the job stops it when it sees this; a job that waits for a provider is woken for it.
update jobs
set cancel_asked_at = coalesce(cancel_asked_at, clock_timestamp()),
    run_at = case when state = 'waiting' then clock_timestamp() else run_at end
where id = %(job_id)s
and state in ('running', 'waiting')
returning id, coalesce(user_id, 0) as user_id, task, key, args, checkpoint, price, priority, state, run_at, attempts,
    max_attempts, lease_token, leased_until, error_code, error, created_at, finished_at, deadline, cancel_asked_at;

-- name: due_at
select next_due(coalesce(%(tasks)s::text[], array(select distinct task from jobs)), null);

-- name: create_free_jobs
select create_free_jobs(
    %(task)s, %(user_ids)s::bigint[], %(keys)s::text[], %(args)s::jsonb[], %(priority)s::smallint,
    %(max_attempts)s::smallint, %(run_at)s
);

-- name: get_place
-- The place is counted once; `materialized` keeps Postgres from counting it again for the wait.
with place as materialized (select queue_position(%(job_id)s) as position)
select position, position * queue_pace(%(job_id)s) as wait
from place;

-- name: forget_history
select forget_history(%(limit)s);

-- name: schedules
select task, queued_until
from job_schedules
where task = any(%(tasks)s);

-- name: queue_periodic_jobs
select queue_periodic_jobs(
    %(schedules)s::text[], %(untils)s::timestamptz[], %(tasks)s::text[], %(keys)s::text[], %(args)s::jsonb[]
);

-- name: was_refunded
select exists (select from credit_ledger where job_id = %(job_id)s and kind = 'refund');

-- name: queue_stats
-- Reads the unfinished jobs and, by the index on the time, what was finished lately.
select task, state, count(*) as number, min(run_at) as oldest_at, max(attempts) as most_attempts
from jobs
group by task, state
union all
select task, state, count(*), min(finished_at), max(attempts)
from job_history
where finished_at > statement_timestamp() - %(span)s
group by task, state
order by task, state;
