-- name: balance_is_not_the_sum
select 'user ' || a.user_id as subject, count(*) over () as number
from credit_accounts a
where a.balance <> coalesce((select sum(l.amount) from credit_ledger l where l.user_id = a.user_id), 0)
limit 5;

-- name: entry_is_wrong
-- Each entry begins at the balance that another one left, the first at nought, and the account stands where the last one
-- ended. Not by the order of ids: of two that come at the same time, the later id can be the first to get the lock.
select 'user ' || user_id || ' at balance ' || balance as subject, count(*) over () as number
from (
    select user_id, balance_after as balance, 1 as times from credit_ledger
    union all
    select user_id, balance_after - amount, -1 from credit_ledger
    union all
    select user_id, 0, 1 from credit_accounts
    union all
    select user_id, balance, -1 from credit_accounts
) steps
group by user_id, balance
having sum(times) <> 0
limit 5;

-- name: order_without_charge
select 'job ' || e.id as subject, count(*) over () as number
from every_job e
left join credit_ledger l on l.job_id = e.id and l.kind = 'charge'
where e.price > 0
and l.amount is distinct from -e.price
limit 5;

-- name: charge_without_order
-- The order of an old charge has left the history; its key is kept.
select 'job ' || l.job_id as subject, count(*) over () as number
from credit_ledger l
where l.kind = 'charge'
and not exists (select from jobs j where j.id = l.job_id)
and not exists (select from job_history h where h.id = l.job_id)
and not exists (select from spent_keys s where s.job_id = l.job_id)
limit 5;

-- name: moved_twice
select 'job ' || job_id as subject, count(*) over () as number
from credit_ledger
where job_id is not null
group by job_id, kind
having count(*) > 1
limit 5;

-- name: order_without_refund
select 'job ' || h.id as subject, count(*) over () as number
from job_history h
where h.price > 0
and h.state in ('failed', 'cancelled')
and not exists (
    select from credit_ledger l where l.job_id = h.id and l.kind = 'refund' and l.amount = h.price
)
limit 5;

-- name: refund_without_reason
select 'job ' || r.job_id as subject, count(*) over () as number
from credit_ledger r
where r.kind = 'refund'
and (exists (select from jobs j where j.id = r.job_id)
    or not exists (
        select from credit_ledger c
        where c.job_id = r.job_id and c.kind = 'charge' and c.user_id = r.user_id and c.amount = -r.amount
    ))
limit 5;

-- name: payment_without_purchase
select 'payment ' || p.id as subject, count(*) over () as number
from payments p
left join credit_ledger l on l.payment_id = p.id and l.kind = 'purchase'
where (l.user_id, l.amount) is distinct from (case when p.credits > 0 then p.user_id end, nullif(p.credits, 0))
limit 5;

-- name: payment_refunded_wrong
-- What went for a payment beside its purchase: nothing while it is paid, all its credits but the owed ones later.
select 'payment ' || p.id as subject, count(*) over () as number
from payments p
left join credit_ledger l on l.payment_id = p.id and l.kind <> 'purchase'
group by p.id
having coalesce(sum(l.amount), 0) <> case when p.state = 'paid' then 0 else p.owed - p.credits end
limit 5;

-- name: promo_uses_wrong
select 'promo ' || c.code as subject, count(*) over () as number
from promo_codes c
left join promo_uses u on u.code = c.code
left join credit_ledger l on l.key = 'promo:' || u.code || ':' || u.user_id || ':' || u.number
    and l.kind = 'promo' and l.user_id = u.user_id and l.amount = c.credits
group by c.code
having count(u.code) <> c.used
or count(l.id) <> c.used
limit 5;

-- name: refund_hangs
select 'payment ' || id as subject, count(*) over () as number
from payments
where state = 'refunding'
and refund_asked_at < statement_timestamp() - interval '1 day'
limit 5;

-- name: failure_without_notice
-- A notice ends after its failure, so it is there as long as the failure is, but for the last day of the 90.
select 'job ' || h.id as subject, count(*) over () as number
from job_history h
where h.state = 'failed'
and h.task <> 'notice'
and h.user_id is not null
and not exists (select from jobs j where j.key = 'failed:' || h.id)
and not exists (select from job_history n where n.key = 'failed:' || h.id)
limit 5;

-- name: finished_in_the_line
select 'job ' || id as subject, count(*) over () as number
from jobs
where finished_at is not null
limit 5;

-- name: key_twice
select 'key ' || j.key as subject, count(*) over () as number
from jobs j
join job_history h on h.key = j.key
limit 5;

-- name: too_many_attempts
select 'job ' || id as subject, count(*) over () as number
from every_job
where attempts > max_attempts
limit 5;

-- name: job_left_lying
-- Its time came, or its lease ran out, and no worker has had it since.
select 'job ' || id as subject, count(*) over () as number
from jobs
where greatest(run_at, leased_until) < statement_timestamp() - interval '1 hour'
and state in ('queued', 'waiting', 'running')
limit 5;

-- name: history_too_old
select 'job ' || id as subject, count(*) over () as number
from job_history
where finished_at < statement_timestamp() - interval '95 days'
limit 5;

-- name: guard_is_off
select g.relation || '.' || g.name as subject, count(*) over () as number
from (values
    ('credit_ledger', 'stamp_entry'), ('credit_ledger', 'move_balance'), ('credit_ledger', 'append_only'),
    ('credit_ledger', 'never_truncate'), ('credit_accounts', 'open_empty'), ('credit_accounts', 'balance_by_ledger'),
    ('jobs', 'admit'), ('jobs', 'move_finished'), ('jobs', 'keep_paid'), ('jobs', 'legal_moves'),
    ('job_history', 'settle'), ('job_history', 'legal_moves'), ('job_history', 'keep_history'),
    ('payments', 'keep_payment'), ('payments', 'keep_facts'), ('packs', 'keep_promise'), ('packs', 'keep_pack'),
    ('promo_uses', 'keep_use'), ('audit_log', 'append_only'), ('audit_log', 'never_truncate')
) g (relation, name)
left join pg_trigger t on t.tgrelid = to_regclass(g.relation) and t.tgname = g.name and t.tgenabled <> 'D'
where t.oid is null
limit 5;
