-- name: refund_credit
select amount
from refund_credit(%(job_id)s);

-- name: safe_get_balance
select balance
from credit_accounts
where user_id = %(user_id)s;

-- name: debt
-- What the next purchase repays first, also of an account that the same person has erased.
select coalesce(sum(owed), 0)::integer as owed
from payments
where state = 'debt'
and (user_id = %(user_id)s or is_remembered(%(user_id)s::bigint, 'debt', id));

-- name: offer
-- Returns how long the last orders of this size took from their beginning, made by models and by ourselves: four out of
-- five were faster. Also the cover of the last card that has one, the music of the last clip, and the line now: how many orders stand in it, and how
-- long we would draw them one after the other.
select p.code, p.task, p.price, p.position, p.is_on, p.expected_seconds, p.params, p.own_seconds,
    coalesce(a.balance, 0) as balance, pace.models, pace.own, line.number as line, line.seconds as line_seconds, array(
        select provider_halt(d.provider, array(select jsonb_array_elements_text(%(accounts)s::jsonb -> d.provider)),
            %(user_id)s::bigint, null, d.cost)
        from unnest(%(providers)s::text[], %(costs)s::integer[]) with ordinality d (provider, cost, place)
        order by d.place
    ) as halts, coalesce((
        select c.args ->> 'design'
        from (
            select id, task, state, args
            from job_history
            where user_id = %(user_id)s
            and p.task = 'card'
            order by id desc
            limit 100
        ) c
        where (c.task, c.state) = ('card', 'done')
        and c.args ->> 'preset' in ('wb', 'ozon', 'story')
        order by c.id desc
        limit 1
    ), '') as design, coalesce((
        select c.args ->> 'music'
        from (
            select id, task, state, args
            from job_history
            where user_id = %(user_id)s
            and p.task = 'video'
            order by id desc
            limit 100
        ) c
        where (c.task, c.state) = ('video', 'done')
        order by c.id desc
        limit 1
    ), '') as music
from products p
left join credit_accounts a on a.user_id = %(user_id)s
cross join lateral (
    select case when count(*) filter (where not is_own) >= 3
            then percentile_disc(0.8) within group (order by took) filter (where not is_own) end as models,
        case when count(*) filter (where is_own) >= 3
            then percentile_disc(0.8) within group (order by took) filter (where is_own) end as own
    from (
        select coalesce(l.checkpoint #>> '{item0,by}', 'local:') like 'local:%%' as is_own,
            ceil(extract(epoch from l.finished_at
                - coalesce(to_timestamp((l.checkpoint ->> 'begun_at')::double precision), l.created_at)))::integer as took
        from (
            select h.state, h.args, h.checkpoint, h.created_at, h.finished_at
            from job_history h
            where h.task = p.task
            and h.price > 0
            and h.finished_at > statement_timestamp() - interval '1 hour'
            order by h.finished_at desc
            limit 100
        ) l
        where l.state = 'done'
        and l.args ->> 'product' = p.code
        and coalesce((l.args ->> 'count')::integer, 1) = %(count)s
    ) recent
) pace
cross join lateral (
    select count(*)::integer as number,
        coalesce(sum(q.own_seconds * coalesce((j.args ->> 'count')::integer, 1)), 0)::integer as seconds
    from (
        select args
        from jobs
        where task = any('{card,background,video}')
        and turn is not null
        and state in ('queued', 'running')
        limit 200
    ) j
    join products q on q.code = coalesce(j.args ->> 'product', 'card')
) line
where p.code = %(product)s;

-- name: grant
select created, balance
from grant_credits(%(user_id)s, %(amount)s, %(key)s, %(actor)s, %(reason)s);

-- name: redeem
select outcome, credits, balance
from redeem_promo(%(user_id)s, %(code)s, %(mark)s);

-- name: list_entries
-- The order of an entry tells what it was for.
select l.id, l.kind, l.amount, l.balance_after, l.created_at, coalesce(e.args ->> 'product', e.task, '') as product
from credit_ledger l
left join every_job e on e.id = l.job_id
where l.user_id = %(user_id)s
and (%(before)s::bigint is null or l.id < %(before)s)
order by l.id desc
limit %(limit)s;

-- name: invoice
-- An invoice must agree with the pack as it is sold, and its person must be one who may buy.
select p.stars, p.is_on, u.consent_at is not null and u.erased_at is null as may_buy
from packs p
join users u on u.id = %(user_id)s
where p.id = %(pack_id)s;

-- name: record_payment
select (r.payment).id, (r.payment).telegram_payment_charge_id as charge_id, (r.payment).bot, (r.payment).user_id,
    (r.payment).pack_id, (r.payment).stars, (r.payment).credits, (r.payment).state, (r.payment).owed,
    (r.payment).paid_at, (r.payment).told_at, r.created, r.balance, r.settled
from record_payment(%(charge_id)s, %(bot)s, %(user_id)s, %(pack_id)s, %(stars)s, %(facts)s, %(paid_at)s) r;

-- name: mark_told
update payments
set told_at = clock_timestamp()
where id = %(payment_id)s
and told_at is null;

-- name: get_payment
select id, telegram_payment_charge_id as charge_id, bot, user_id, pack_id, stars, credits, state, owed, paid_at, told_at
from payments
where id = %(payment_id)s;

-- name: list_payments
select id, telegram_payment_charge_id as charge_id, bot, user_id, pack_id, stars, credits, state, owed, paid_at, told_at
from payments
where user_id = %(user_id)s
order by id desc
limit %(limit)s;

-- name: list_refunding
select id, telegram_payment_charge_id as charge_id, bot, user_id, pack_id, stars, credits, state, owed, paid_at, told_at
from payments
where state = 'refunding'
order by id
limit %(limit)s;

-- name: begin_payment_refund
select r.id, r.telegram_payment_charge_id as charge_id, r.bot, r.user_id, r.pack_id, r.stars, r.credits, r.state,
    r.owed, r.paid_at, r.told_at
from begin_payment_refund(%(payment_id)s, %(actor)s, %(reason)s) r;

-- name: end_payment_refund
select end_payment_refund(%(payment_id)s, %(refunded)s, %(reason)s);

-- name: record_payment_refund
select (r.payment).id, (r.payment).telegram_payment_charge_id as charge_id, (r.payment).bot, (r.payment).user_id,
    (r.payment).pack_id, (r.payment).stars, (r.payment).credits, (r.payment).state, (r.payment).owed,
    (r.payment).paid_at, (r.payment).told_at, r.changed, r.taken, r.balance
from record_payment_refund(%(charge_id)s, %(mark)s) r;

-- name: walked
select walked
from star_walks
where bot = %(bot)s;

-- name: walk_on
-- Two walks at once compare the same transactions twice, which changes nothing. The greater number stays.
insert into star_walks (bot, walked)
values (%(bot)s, %(walked)s)
on conflict (bot) do update
set walked = greatest(star_walks.walked, excluded.walked),
    walked_at = clock_timestamp();

-- name: list_audit
select id, actor, action, subject, reason, before, after, at
from audit_log
where %(subject)s::text is null or subject = %(subject)s
order by id desc
limit %(limit)s;
