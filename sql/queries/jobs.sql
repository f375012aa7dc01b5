-- name: create_job_and_consume_credit
select (e.job).id, (e.job).user_id, (e.job).task, (e.job).key, (e.job).args, (e.job).checkpoint, (e.job).price,
    (e.job).priority, (e.job).state, (e.job).run_at, (e.job).attempts, (e.job).max_attempts, (e.job).lease_token,
    (e.job).leased_until, (e.job).error_code, (e.job).error, (e.job).created_at, (e.job).finished_at,
    e.created, e.balance, e.place
from create_job_and_consume_credit(
    %(user_id)s, %(task)s, %(key)s, %(args)s, %(price)s, %(priority)s::smallint, %(max_attempts)s::smallint, %(run_at)s
) e;

-- name: get_job_by_id
select id, user_id, task, key, args, checkpoint, price, priority, state, run_at, attempts, max_attempts,
    lease_token, leased_until, error_code, error, created_at, finished_at
from jobs
where id = %(job_id)s;

-- name: get_job_by_idempotency_key
select id, user_id, task, key, args, checkpoint, price, priority, state, run_at, attempts, max_attempts,
    lease_token, leased_until, error_code, error, created_at, finished_at
from jobs
where key = %(key)s;

-- name: get_user_jobs
select id, user_id, task, key, args, checkpoint, price, priority, state, run_at, attempts, max_attempts,
    lease_token, leased_until, error_code, error, created_at, finished_at
from jobs
where user_id = %(user_id)s
and (%(task)s::text is null or task = %(task)s)
order by id desc
limit %(limit)s;

-- name: list_last_jobs
select id, user_id, task, key, args, checkpoint, price, priority, state, run_at, attempts, max_attempts,
    lease_token, leased_until, error_code, error, created_at, finished_at
from jobs
where %(state)s::text is null or state = %(state)s
order by id desc
limit %(limit)s;

-- name: get_queue_position
select queue_position(%(job_id)s);

-- name: fetch_next_queued_job
-- Leases that ran out come first: their users have waited longest. A job that has used up its attempts (its worker died
-- each time) is failed here, and the table refunds it. statement_timestamp(), unlike clock_timestamp(), may be used by
-- an index, and unlike now() it moves on inside a transaction.
with lapsed as materialized (
    select id, attempts >= max_attempts as spent
    from jobs
    where state = 'running'
    and leased_until <= statement_timestamp()
    and task = any(%(tasks)s)
    order by leased_until
    limit %(limit)s
    for update skip locked
), due as materialized (
    select id, attempts >= max_attempts as spent
    from jobs
    where state in ('queued', 'waiting')
    and run_at <= statement_timestamp()
    and task = any(%(tasks)s)
    order by priority desc, run_at, id
    limit %(limit)s
    for update skip locked
), ready as materialized (
    select id, spent
    from lapsed
    union all
    select id, spent
    from due
    limit %(limit)s
), failed as (
    update jobs
    set state = 'failed',
        lease_token = null,
        leased_until = null,
        finished_at = clock_timestamp(),
        error_code = 'gave_up',
        error = coalesce(error, 'the worker was lost at each attempt')
    where id = any(array(select id from ready where spent))
    and state in ('queued', 'waiting', 'running')
), claimed as (
    update jobs
    set state = 'running',
        attempts = attempts + 1,
        lease_token = gen_random_uuid(),
        leased_until = clock_timestamp() + %(lease)s
    where id = any(array(select id from ready where not spent))
    and state in ('queued', 'waiting', 'running')
    returning id, user_id, task, key, args, checkpoint, price, priority, state, run_at, attempts, max_attempts,
        lease_token, leased_until, error_code, error, created_at, finished_at
)
select id, user_id, task, key, args, checkpoint, price, priority, state, run_at, attempts, max_attempts,
    lease_token, leased_until, error_code, error, created_at, finished_at
from claimed
order by priority desc, run_at, id;

-- name: update_job_status
-- Waiting for a provider is progress: it gives the attempts back, so that only failures in a row use them up.
update jobs
set state = %(state)s,
    run_at = coalesce(%(run_at)s, case when %(state)s in ('queued', 'waiting') then clock_timestamp() else run_at end),
    attempts = case when %(state)s = 'waiting' then 0 else attempts end,
    lease_token = null,
    leased_until = null,
    finished_at = case when %(state)s in ('done', 'failed', 'cancelled') then clock_timestamp() end,
    error_code = %(error_code)s,
    error = %(error)s
where id = %(job_id)s
and state = 'running'
and lease_token = %(lease_token)s
returning id, user_id, task, key, args, checkpoint, price, priority, state, run_at, attempts, max_attempts,
    lease_token, leased_until, error_code, error, created_at, finished_at;

-- name: save_checkpoint
update jobs
set checkpoint = checkpoint || %(facts)s
where id = %(job_id)s
and state = 'running'
and lease_token = %(lease_token)s
returning id, user_id, task, key, args, checkpoint, price, priority, state, run_at, attempts, max_attempts,
    lease_token, leased_until, error_code, error, created_at, finished_at;

-- name: extend_lease
update jobs
set leased_until = clock_timestamp() + %(lease)s
where id = %(job_id)s
and state = 'running'
and lease_token = %(lease_token)s;

-- name: cancel_job
update jobs
set state = 'cancelled',
    finished_at = clock_timestamp()
where id = %(job_id)s
and user_id = %(user_id)s
and state = 'queued'
returning id, user_id, task, key, args, checkpoint, price, priority, state, run_at, attempts, max_attempts,
    lease_token, leased_until, error_code, error, created_at, finished_at;

-- name: due_at
-- The earlier of the next due job and the next lease to run out; least() skips nulls.
select least(
    (
        select min(run_at)
        from jobs
        where state in ('queued', 'waiting')
        and (%(tasks)s::text[] is null or task = any(%(tasks)s::text[]))
    ),
    (
        select min(leased_until)
        from jobs
        where state = 'running'
        and (%(tasks)s::text[] is null or task = any(%(tasks)s::text[]))
    )
);
