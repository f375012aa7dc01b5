-- name: begin_call
select id, wait, halt
from begin_provider_call(%(job_id)s, %(token)s, %(item)s::smallint, %(step)s, %(provider)s, %(account)s, %(model)s,
    %(cost)s, %(starts)s, %(span)s::interval);

-- name: end_call
-- A call ends once: a lost one stays lost. Without a cost the list price stands.
update provider_calls
set state = %(state)s,
    cost = least(coalesce(%(cost)s, cost), cost::bigint * %(believed)s),
    ended_at = clock_timestamp()
where id = %(call_id)s
and state = 'begun'
returning provider, cost, seconds;

-- name: end_left
-- Its worker was lost before it noted the end, and the next worker of the order had no need to ask again.
update provider_calls
set state = 'lost',
    ended_at = clock_timestamp()
where state = 'begun'
and begun_at < statement_timestamp() - interval '1 hour'
and not exists (select from jobs where id = job_id);

-- name: doors
select provider_halt(d.provider, keys.accounts, %(user_id)s::bigint, %(job_id)s::bigint, d.cost) as halt, array(
        select p.account
        from provider_pauses p
        where p.provider = d.provider
        and p.account = any(keys.accounts)
        and p.until > clock_timestamp()
    ) as resting
from unnest(%(providers)s::text[], %(costs)s::integer[]) with ordinality d (provider, cost, place)
cross join lateral (
    select array(select jsonb_array_elements_text(%(accounts)s::jsonb -> d.provider)) as accounts
) keys
order by d.place;

-- name: pause
-- Of two pauses the longer one holds.
insert into provider_pauses (provider, account, why, until)
values (%(provider)s, %(account)s, %(why)s, clock_timestamp() + %(span)s)
on conflict (provider, account) do update
set why = excluded.why,
    until = excluded.until
where provider_pauses.until < excluded.until;

-- name: stop_order
select stop_order(%(job_id)s, %(user_id)s, %(trial)s, %(others)s);

-- name: costs_of_job
select item, step, provider, model, state, cost, seconds
from provider_calls
where job_id = %(job_id)s
order by id;

-- name: pace_of
-- Ids grow with time: the latest calls are at the end of the primary key.
select percentile_disc(0.9) within group (order by seconds) filter (where number >= 3) as seconds
from (
    select extract(epoch from ended_at - begun_at) as seconds, count(*) over () as number
    from (
        select provider, model, state, begun_at, ended_at
        from provider_calls
        order by id desc
        limit 500
    ) latest
    where provider = %(provider)s
    and model = %(model)s
    and state = 'done'
) paced;

-- name: provider_states
-- Ids grow with time: the calls of a day are those above the newest that is older, and need no index of their own. A
-- success of an earlier day is looked for among what costs money, by the index of the budget.
with recent as (
    select provider, state, cost, ended_at, begun_at > statement_timestamp() - interval '1 hour' as of_hour
    from provider_calls
    where id > coalesce((
        select id
        from provider_calls
        where begun_at <= statement_timestamp() - interval '1 day'
        order by id desc
        limit 1
    ), 0)
    and begun_at > statement_timestamp() - interval '1 day'
), counted as (
    select provider,
        sum(cost) as spent,
        count(*) filter (where of_hour) as hour,
        count(*) filter (where of_hour and state = 'done') as hour_done,
        count(*) filter (where of_hour and state in ('failed', 'lost')) as hour_failed,
        count(*) as day,
        count(*) filter (where state = 'done') as day_done,
        count(*) filter (where state in ('failed', 'lost')) as day_failed,
        max(ended_at) filter (where state = 'done') as last_done_at
    from recent
    group by provider
)
select p.provider, b.daily_limit, coalesce(c.spent, 0) as spent,
    coalesce(c.hour, 0) as hour, coalesce(c.hour_done, 0) as hour_done, coalesce(c.hour_failed, 0) as hour_failed,
    coalesce(c.day, 0) as day, coalesce(c.day_done, 0) as day_done, coalesce(c.day_failed, 0) as day_failed,
    coalesce(c.last_done_at, (
        select d.ended_at
        from provider_calls d
        where d.provider = p.provider
        and d.cost > 0
        and d.state = 'done'
        order by d.begun_at desc
        limit 1
    )) as last_done_at,
    provider_halt(p.provider, array(select jsonb_array_elements_text(%(accounts)s::jsonb -> p.provider)), null, null, 1)
        as halt
from unnest(%(providers)s::text[]) with ordinality p (provider, place)
left join provider_budgets b on b.provider = p.provider
left join counted c on c.provider = p.provider
order by p.place;

-- name: set_daily_limit
with put as (
    insert into provider_budgets (provider, daily_limit)
    values (%(provider)s, %(daily_limit)s)
    on conflict (provider) do update
    set daily_limit = excluded.daily_limit
    returning provider, daily_limit
)
insert into audit_log (actor, action, subject, reason, before, after)
select %(actor)s, 'provider.limit', 'provider ' || put.provider, %(reason)s, to_jsonb(former), to_jsonb(put)
from put
left join provider_budgets former on former.provider = put.provider;
