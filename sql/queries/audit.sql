-- name: balance_is_not_the_sum
select 'user ' || a.user_id as subject, count(*) over () as number
from credit_accounts a
where a.balance <> coalesce((select sum(l.amount) from credit_ledger l where l.user_id = a.user_id), 0)
limit 5;

-- name: entry_is_wrong
-- Each entry begins at the balance that another one left, the first at zero, and the account stands where the last one
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
where h.price > coalesce((h.checkpoint ->> 'earned')::integer, 0)
and (h.state in ('failed', 'cancelled') or h.checkpoint ? 'earned')
and not exists (
    select from credit_ledger l
    where l.job_id = h.id
    and l.kind = 'refund'
    and l.amount = h.price - coalesce((h.checkpoint ->> 'earned')::integer, 0)
)
limit 5;

-- name: refund_without_reason
select 'job ' || r.job_id as subject, count(*) over () as number
from credit_ledger r
where r.kind = 'refund'
and (exists (select from jobs j where j.id = r.job_id)
    or not exists (
        select from credit_ledger c
        left join job_history h on h.id = c.job_id
        where c.job_id = r.job_id and c.kind = 'charge' and c.user_id = r.user_id
        and -c.amount in (r.amount, r.amount + (h.checkpoint ->> 'earned')::integer)
    ))
limit 5;

-- name: payment_without_purchase
select 'payment ' || p.id as subject, count(*) over () as number
from payments p
left join credit_ledger l on l.payment_id = p.id and l.kind = 'purchase'
where (l.user_id, l.amount) is distinct from (case when p.credits > 0 then p.user_id end, nullif(p.credits, 0))
limit 5;

-- name: payment_refunded_wrong
-- The credits that a refund took back for a payment: none while it is paid, later all of them but the owed ones.
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
-- The job's time came, or its lease ran out, and no worker has taken it since.
select 'job ' || id as subject, count(*) over () as number
from jobs
where greatest(run_at, leased_until) < statement_timestamp() - interval '1 hour'
and state in ('queued', 'waiting', 'running')
limit 5;

-- name: call_left_open
-- No call takes that long, and each night ends those whose worker was lost.
select 'call ' || id as subject, count(*) over () as number
from provider_calls
where state = 'begun'
and begun_at < statement_timestamp() - interval '26 hours'
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
    ('promo_uses', 'keep_use'), ('audit_log', 'append_only'), ('audit_log', 'keep_deed'), ('audit_log', 'never_truncate')
) g (relation, name)
left join pg_trigger t on t.tgrelid = to_regclass(g.relation) and t.tgname = g.name and t.tgenabled <> 'D'
where t.oid is null
limit 5;

-- name: points_not_nought
select 'partner ' || partner_id || ' operation ' || txn_id as subject, count(*) over () as number
from point_entries
group by partner_id, txn_id
having sum(delta) <> 0
limit 5;

-- name: points_without_entries
-- An operation moved what it says, and nothing else.
select 'partner ' || t.partner_id || ' operation ' || t.id as subject, count(*) over () as number
from point_txns t
left join (
    select partner_id, txn_id, sum(delta) filter (where delta > 0) as moved
    from point_entries
    group by partner_id, txn_id
) e on e.partner_id = t.partner_id and e.txn_id = t.id
where t.points <> coalesce(e.moved, 0)
limit 5;

-- name: points_balance_wrong
select 'partner ' || a.partner_id || ' member ' || a.member_id || ' ' || a.kind as subject, count(*) over () as number
from point_accounts a
left join (
    select partner_id, member_id, kind, sum(delta) as moved
    from point_entries
    where member_id > 0
    group by partner_id, member_id, kind
) e on e.partner_id = a.partner_id and e.member_id = a.member_id and e.kind = a.kind
where a.member_id > 0
and a.balance <> coalesce(e.moved, 0)
limit 5;

-- name: points_lots_wrong
select 'partner ' || a.partner_id || ' member ' || a.member_id || ' ' || a.kind as subject, count(*) over () as number
from point_accounts a
left join (
    select partner_id, member_id, case when pending then 'pending' else 'available' end as kind, sum(remaining) as held
    from point_lots
    where is_open
    group by 1, 2, 3
) l on l.partner_id = a.partner_id and l.member_id = a.member_id and l.kind = a.kind
where a.member_id > 0
and a.balance <> coalesce(l.held, 0)
limit 5;

-- name: points_uses_wrong
-- The points taken out of lots are those that were spent, expired or taken back.
select 'partner ' || t.partner_id || ' operation ' || t.id as subject, count(*) over () as number
from point_txns t
left join point_txns r on r.partner_id = t.partner_id and r.id = t.reverses_id
left join (
    select partner_id, txn_id, sum(points) as points
    from point_lot_uses
    group by partner_id, txn_id
) u on u.partner_id = t.partner_id and u.txn_id = t.id
where coalesce(u.points, 0) <> case
    when t.kind in ('redeem', 'service', 'expire', 'recover') then t.points
    when t.kind = 'reverse' and r.kind not in ('redeem', 'service') then t.points
    else 0
end
limit 5;

-- name: points_lot_history_wrong
-- A lot holds the points that came, less those taken out, plus those that a reversal put back.
select 'partner ' || l.partner_id || ' lot ' || l.id as subject, count(*) over () as number
from point_lots l
left join (
    select u.partner_id, u.lot_id, sum(u.points) filter (where r.id is null) as used
    from point_lot_uses u
    join point_txns t on t.partner_id = u.partner_id and t.id = u.txn_id
    left join point_txns r on r.partner_id = t.partner_id and r.reverses_id = t.id
    group by u.partner_id, u.lot_id
) u on u.partner_id = l.partner_id and u.lot_id = l.id
where l.points - l.remaining <> coalesce(u.used, 0)
limit 5;

-- name: points_books_wrong
-- Every point that a shop has issued is with a member, spent or expired.
select 'partner ' || partner_id as subject, count(*) over () as number
from (
    select partner_id, sum(delta) as rest
    from point_entries
    group by partner_id
    union all
    select e.partner_id, sum(e.delta) filter (where e.kind in ('available', 'pending')) - a.balances
    from point_entries e
    join (
        select partner_id, sum(balance) as balances
        from point_accounts
        where member_id > 0
        group by partner_id
    ) a on a.partner_id = e.partner_id
    group by e.partner_id, a.balances
) books
where rest <> 0
limit 5;

-- name: points_owed_wrong
-- Points that reversals could not take are owed until they are recovered.
select 'partner ' || m.partner_id as subject, count(*) over () as number
from (
    select partner_id, sum(owed) as owed
    from members
    group by partner_id
) m
left join (
    select partner_id, sum(missing) - coalesce(sum(points) filter (where kind = 'recover'), 0) as owed
    from point_txns
    group by partner_id
) t on t.partner_id = m.partner_id
where m.owed <> coalesce(t.owed, 0)
limit 5;

-- name: points_repaid_wrong
-- A debt is recovered from a purchase's own points, or from points that a reversal gave back, and from nothing else.
select 'partner ' || t.partner_id || ' operation ' || t.id as subject, count(*) over () as number
from point_txns t
left join point_txns x on x.partner_id = t.partner_id and x.id = t.parent_id and x.member_id = t.member_id
    and x.kind in ('accrue', 'reverse')
left join point_lots l on l.partner_id = x.partner_id and l.txn_id = x.id
left join point_lot_uses u on u.partner_id = t.partner_id and u.txn_id = t.id and u.lot_id = l.id
where t.kind = 'recover'
and (coalesce(x.points, 0) < t.points or x.kind = 'accrue' and u.points is distinct from t.points)
limit 5;

-- name: welcome_not_remembered
-- A person who has had welcome points is remembered, so that they do not get them twice.
select 'partner ' || m.partner_id || ' member ' || m.id as subject, count(*) over () as number
from members m
join users u on u.id = m.user_id and u.mark is not null
join point_txns t on t.partner_id = m.partner_id and t.idem_key = 'welcome:' || m.id
where m.left_at is null
and not exists (
    select from remembered r where r.mark = u.mark and r.what = 'welcome' and r.subject = m.partner_id
)
limit 5;

-- name: points_reward_kept
-- The receipt was reversed more than a day ago, and its reward is still with the referrer.
select 'partner ' || w.partner_id || ' receipt ' || w.receipt_id as subject, count(*) over () as number
from referral_rewards w
join point_txns r on r.partner_id = w.partner_id and r.reverses_id = w.receipt_id
where w.status = 'paid'
and r.created_at < statement_timestamp() - interval '1 day'
limit 5;

-- name: points_left_lying
-- Their date came two days ago, and the night's job has not settled them.
select 'partner ' || partner_id || ' member ' || id as subject, count(*) over () as number
from members
where due_at < statement_timestamp() - interval '2 days'
limit 5;

-- name: points_guard_is_off
select g.relation || '.' || g.name as subject, count(*) over () as number
from (values
    ('point_entries', 'move_points'), ('point_entries', 'append_only'),
    ('point_txns', 'append_only'), ('point_txns', 'keep_operation'), ('point_lot_uses', 'append_only'), ('point_entries', 'never_truncate'),
    ('point_txns', 'never_truncate'), ('point_accounts', 'open_empty'), ('point_accounts', 'balance_by_entries'),
    ('point_accounts', 'keep_account'), ('point_accounts', 'sound'), ('members', 'sound'),
    ('members', 'referrer_is_for_ever'), ('users', 'forget_client'), ('users', 'a_living'), ('jobs', 'a_living'),
    ('payments', 'a_living'), ('clients', 'a_living'), ('members', 'a_living'), ('messages', 'a_living')
) g (relation, name)
left join pg_trigger t on t.tgrelid = to_regclass(g.relation) and t.tgname = g.name and t.tgenabled <> 'D'
where t.oid is null
union all
select c.relname || ' has no row-level security that owners keep to', count(*) over ()
from pg_class c
where c.relnamespace = 'public'::regnamespace
and c.relkind = 'r'
and not (c.relrowsecurity and c.relforcerowsecurity)
and (c.relname = 'clients' or exists (
    select from pg_attribute a where a.attrelid = c.oid and a.attname = 'partner_id' and not a.attisdropped
))
union all
select 'operation ' || g.name || ' runs with the rights of who asks for it, or with too many', count(*) over ()
from (values
    ('accrue_points'), ('redeem_points'), ('buy_service'), ('grant_points'), ('reverse_points'), ('join_partner'),
    ('settle_referrals'), ('review_referral'), ('settle_due'), ('merge_members'), ('leave_shop'), ('carry_owed')
) g (name)
where not exists (
    select from pg_proc p
    join pg_roles r on r.oid = p.proowner and not r.rolsuper and not r.rolbypassrls and not r.rolcanlogin
    where p.oid = to_regproc(g.name) and p.prosecdef and 'search_path=public, pg_temp' = any (p.proconfig)
)
union all
select app_role() || ' may write into ' || g.name, count(*) over ()
from (values ('point_txns'), ('point_entries'), ('point_lot_uses'), ('point_lots'), ('remembered'), ('spent_trials')) g (name)
where has_table_privilege(app_role(), g.name, 'insert, update, delete, truncate')
union all
select 'role ' || rolname || ' goes round row-level security', 1
from pg_roles
where rolname = app_role()
and (rolsuper or rolbypassrls)
limit 5;
