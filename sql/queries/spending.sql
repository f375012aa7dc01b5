-- name: begin_call
select id, wait_until, spent
from begin_provider_call(%(job_id)s, %(item)s::smallint, %(step)s, %(provider)s, %(model)s, %(cost)s,
    %(starts)s, %(span)s::interval);

-- name: end_call
-- Once: what is lost stays lost. Without a cost the list price stands.
update provider_calls
set state = %(state)s,
    cost = coalesce(%(cost)s, cost),
    ended_at = clock_timestamp()
where id = %(call_id)s
and state = 'begun';

-- name: costs_of_job
select item, step, provider, model, state, cost, seconds
from provider_calls
where job_id = %(job_id)s
order by id;

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
    )) as last_done_at
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
