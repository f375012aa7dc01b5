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

-- name: spent_today
select coalesce(sum(cost), 0)
from provider_calls
where provider = %(provider)s
and cost > 0
and begun_at > clock_timestamp() - interval '1 day';

-- name: set_daily_limit
insert into provider_budgets (provider, daily_limit)
values (%(provider)s, %(daily_limit)s)
on conflict (provider) do update
set daily_limit = excluded.daily_limit;
