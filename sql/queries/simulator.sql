-- name: jobs
select j.id, j.task, j.state, j.price, j.attempts, j.max_attempts, j.run_at, j.leased_until, j.error_code, j.error,
    j.checkpoint, j.created_at, j.finished_at, u.tg_id, u.first_name
from every_job j
join users u on u.id = j.user_id
order by j.id desc
limit 50;

-- name: ledger
select l.id, l.kind, l.amount, l.balance_after, l.key, l.job_id, l.created_at, u.tg_id, u.first_name
from credit_ledger l
join users u on u.id = l.user_id
order by l.id desc
limit 50;

-- name: balances
select u.id, u.tg_id, u.first_name, a.balance
from users u
join credit_accounts a on a.user_id = u.id
order by u.seen_at desc
limit 50;

-- name: counts
select state, count(*) as number
from every_job
group by state;

-- name: jobs_of_update
-- Finds the jobs of one update by the time it was handled: an update knows its user, a job does not know its update.
select j.id, j.task, j.state, j.price, j.attempts, j.max_attempts, j.run_at, j.leased_until, j.error_code, j.error,
    j.checkpoint, j.created_at, j.finished_at, u.tg_id, u.first_name
from every_job j
join users u on u.id = j.user_id
where u.tg_id = %(tg_id)s
and j.created_at between %(since)s and %(until)s
order by j.id;

-- name: ledger_of_update
select l.id, l.kind, l.amount, l.balance_after, l.key, l.job_id, l.created_at, u.tg_id, u.first_name
from credit_ledger l
join users u on u.id = l.user_id
where u.tg_id = %(tg_id)s
and (l.created_at between %(since)s and %(until)s or l.job_id = any(%(job_ids)s))
order by l.id;
