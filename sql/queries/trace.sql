-- name: order
-- One job: the job itself, its credits, the calls of providers, the files, the complaint, what was done by hand, and the
-- jobs that followed from it: what made it once more or changed it, and what told of its failure.
select at, what, subject, facts
from (
    select created_at as at, 'ordered' as what, 'job ' || id as subject,
        jsonb_strip_nulls(jsonb_build_object('task', task, 'price', price, 'user', user_id,
            'mends', nullif(args ->> 'mends', '0')::bigint)) as facts
    from every_job
    where id = %(id)s
    union all
    select finished_at, 'ended', 'job ' || id,
        jsonb_strip_nulls(jsonb_build_object('task', task, 'state', state, 'code', error_code, 'attempts', attempts))
    from every_job
    where id = %(id)s and finished_at is not null
    union all
    select run_at, 'due', 'job ' || id,
        jsonb_strip_nulls(jsonb_build_object('task', task, 'state', state, 'code', error_code, 'attempts', attempts))
    from every_job
    where id = %(id)s and finished_at is null
    union all
    select created_at, 'credits', 'entry ' || id,
        -- what a bad part of a batch cost goes back as a grant: an order has one refund
        jsonb_build_object('kind', replace(kind, 'grant', 'refund'), 'amount', amount, 'balance', balance_after)
    from credit_ledger
    where key in ('charge:' || %(id)s, 'refund:' || %(id)s, 'grant:bad:' || %(id)s)
    union all
    select begun_at, 'asked', 'call ' || id,
        jsonb_strip_nulls(jsonb_build_object('provider', provider, 'model', model, 'step', step, 'item', item,
            'state', state, 'seconds', round(seconds::numeric, 1), 'cost', cost))
    from provider_calls
    where job_id = %(id)s
    union all
    select created_at, 'file', 'file ' || id, jsonb_build_object('kind', kind, 'bytes', bytes)
    from files
    where job_id = %(id)s
    union all
    select created_at, 'complaint', 'job ' || job_id,
        jsonb_build_object('reason', reason, 'refunded', refunded_at is not null)
    from complaints
    where job_id = %(id)s
    union all
    select at, 'deed', subject, jsonb_build_object('actor', actor, 'action', action)
    from audit_log
    where subject = 'job ' || %(id)s
    union all
    select coalesce(finished_at, created_at), 'followed', 'job ' || id,
        jsonb_strip_nulls(jsonb_build_object('task', task, 'state', state, 'code', error_code))
    from every_job
    where key in ('retry:' || %(id)s, 'failed:' || %(id)s)
    union all
    select coalesce(m.finished_at, m.created_at), 'followed', 'job ' || m.id,
        jsonb_strip_nulls(jsonb_build_object('task', m.task, 'state', m.state, 'code', m.error_code))
    from job_history o
    cross join lateral (
        select id, task, state, error_code, created_at, finished_at
        from job_history
        where user_id = o.user_id and id > o.id and args ->> 'mends' = o.id::text
        union all
        select id, task, state, error_code, created_at, finished_at
        from jobs
        where user_id = o.user_id and args ->> 'mends' = o.id::text
    ) m
    where o.id = %(id)s
) story
order by at, what, subject;

-- name: update
-- What the rows still know of an update that was not simply done: Redis has the others' marks, the log their lines.
select at, what, subject, facts
from (
    select created_at as at, 'buried' as what, 'letter ' || id as subject,
        jsonb_build_object('bot', bot, 'reason', reason, 'tries', tries) as facts
    from dead_letters
    where bot = %(bot)s and update_id = %(id)s
    union all
    select coalesce(done_at, seen_at), case when done_at is null then 'seen' else 'handled' end, bot || ' ' || update_id,
        jsonb_build_object('failures', failures)
    from handled_updates
    where bot = %(bot)s and update_id = %(id)s
    union all
    select a.at, 'deed', a.subject, jsonb_build_object('actor', a.actor, 'action', a.action)
    from dead_letters l
    join audit_log a on a.subject = 'letter ' || l.id
    where l.bot = %(bot)s and l.update_id = %(id)s
) story
order by at, what, subject;

-- name: operation
-- One movement of points with what took it back, what came with it, and the reward that it bought. The shop is not
-- known, so each shop's index is asked.
with found as (
    select t.partner_id, t.id, t.reverses_id, t.parent_id
    from partners p
    cross join lateral (
        select partner_id, id, reverses_id, parent_id
        from point_txns
        where partner_id = p.id and id = %(id)s
    ) t
)
select at, what, subject, facts
from (
    select t.created_at as at, case when t.id = f.id then 'moved' else 'moved_with' end as what,
        'operation ' || t.id as subject,
        jsonb_strip_nulls(jsonb_build_object('kind', t.kind, 'points', t.points, 'bill', nullif(t.bill_minor, 0),
            'missing', nullif(t.missing, 0), 'shop', t.partner_id, 'member', t.member_id, 'by', t.actor_id,
            'reverses', t.reverses_id, 'balance', t.available_after)) as facts
    from found f
    join point_txns t on t.partner_id = f.partner_id
    and (t.id in (f.id, f.reverses_id, f.parent_id) or t.reverses_id = f.id or t.parent_id = f.id)
    union all
    select coalesce(v.used_at, v.cancelled_at, v.created_at),
        case when v.used_at is not null then 'voucher_used' when v.cancelled_at is not null then 'voucher_cancelled'
            else 'voucher' end,
        'operation ' || v.txn_id, jsonb_build_object('service', v.service_id)
    from found f
    join vouchers v on v.partner_id = f.partner_id and v.txn_id = f.id
) story
order by at, what, subject;

-- name: person
-- The newest of each kind, so that neither a long history nor a busy shop makes it slow.
select at, what, subject, facts
from (
    select created_at as at, 'came' as what, 'user ' || id as subject,
        jsonb_build_object('consent', consent_at is not null) as facts
    from users
    where id = %(id)s
    union all
    select erased_at, 'erased', 'user ' || id, '{}'::jsonb
    from users
    where id = %(id)s and erased_at is not null
    union all
    (
        select created_at, 'credits', 'entry ' || id,
            jsonb_strip_nulls(jsonb_build_object('kind', kind, 'amount', amount, 'balance', balance_after, 'job', job_id))
        from credit_ledger
        where user_id = %(id)s
        order by id desc
        limit %(most)s
    )
    union all
    (
        select paid_at, 'paid', 'payment ' || id,
            jsonb_build_object('stars', stars, 'credits', credits, 'state', state)
        from payments
        where user_id = %(id)s
        order by id desc
        limit %(most)s
    )
    union all
    (
        select coalesce(finished_at, created_at), 'ended', 'job ' || id,
            jsonb_strip_nulls(jsonb_build_object('task', task, 'state', state, 'code', error_code))
        from job_history
        where user_id = %(id)s
        order by id desc
        limit %(most)s
    )
    union all
    (
        select created_at, 'ordered', 'job ' || id, jsonb_build_object('task', task, 'price', price, 'state', state)
        from jobs
        where user_id = %(id)s
        order by id desc
        limit %(most)s
    )
    union all
    (
        select t.created_at, 'moved', 'operation ' || t.id,
            jsonb_build_object('kind', t.kind, 'points', t.points, 'shop', t.partner_id, 'balance', t.available_after)
        from members m
        cross join lateral (
            select id, created_at, kind, points, partner_id, available_after
            from point_txns
            where partner_id = m.partner_id and member_id = m.id
            order by id desc
            limit %(most)s
        ) t
        where m.user_id = %(id)s
        order by t.id desc
        limit %(most)s
    )
    union all
    (
        select at, 'deed', subject, jsonb_build_object('actor', actor, 'action', action)
        from audit_log
        where subject = 'user ' || %(id)s
        order by id desc
        limit %(most)s
    )
    union all
    select at, 'banned', 'user ' || user_id, '{}'::jsonb
    from bans
    where user_id = %(id)s
) story
order by at, what, subject;
