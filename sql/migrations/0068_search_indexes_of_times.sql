-- No index can be searched for a clock that goes on meanwhile: what a provider cost within a day was added up from all it
-- ever cost, and each update of an outage walked over all that came before it.
create or replace function end_turn(p_bot text, p_tg_id bigint, p_update_id bigint, p_state text, p_taken_in_redis_at timestamptz)
returns boolean language plpgsql as $$
begin
    if p_taken_in_redis_at is null then
        update conversations c
        set state = p_state,
            turn_update = null,
            turn_until = null,
            saved_at = clock_timestamp()
        where c.bot = p_bot
        and c.tg_id = p_tg_id
        and c.turn_update = p_update_id
        and c.turn_until > clock_timestamp();
    else
        insert into conversations as c (bot, tg_id, state)
        values (p_bot, p_tg_id, p_state)
        on conflict (bot, tg_id) do update
        set state = excluded.state,
            turn_update = null,
            turn_until = null,
            saved_at = excluded.saved_at
        where (c.turn_until is null or c.turn_until <= clock_timestamp())
        and (c.state is null or c.saved_at <= p_taken_in_redis_at);
    end if;
    if not found then
        return false;
    end if;
    insert into handled_updates as h (bot, update_id, tg_id, done_at)
    values (p_bot, p_update_id, p_tg_id, clock_timestamp())
    on conflict (bot, update_id) do update
    set done_at = coalesce(h.done_at, excluded.done_at);
    -- what is too old to matter, a little at a time; who else is at it is not waited for
    delete from conversations
    where (bot, tg_id) in (
        select c.bot, c.tg_id
        from conversations c
        where c.saved_at < statement_timestamp() - interval '1 hour'
        and (c.turn_until is null or c.turn_until <= clock_timestamp())
        order by c.saved_at
        limit 100
        for update skip locked
    );
    delete from handled_updates
    where (bot, update_id) in (
        select h.bot, h.update_id
        from handled_updates h
        where h.seen_at < statement_timestamp() - interval '48 hours'
        order by h.seen_at
        limit 100
        for update skip locked
    );
    return true;
end $$;

create or replace function begin_provider_call(
    p_job_id bigint, p_item smallint, p_step text, p_provider text, p_model text, p_cost integer,
    p_starts integer, p_span interval
) returns table (id bigint, wait_until timestamptz, spent boolean) language plpgsql as $$
#variable_conflict use_column
declare
    recent timestamptz[];
begin
    update provider_calls
    set state = 'lost',
        ended_at = clock_timestamp()
    where job_id = p_job_id
    and item = p_item
    and state = 'begun';
    spent := false;
    if p_cost > 0 then
        -- its lock lets one at a time add up and decide
        perform from provider_budgets where provider = p_provider for update;
        select b.daily_limit < p_cost + coalesce((
            select sum(c.cost)
            from provider_calls c
            where c.provider = p_provider
            and c.cost > 0
            and c.begun_at > statement_timestamp() - interval '1 day'
        ), 0)
        into spent
        from provider_budgets b
        where b.provider = p_provider;
        spent := coalesce(spent, false);
    end if;
    if not spent and p_starts is not null then
        insert into job_limits (name)
        values ('create:' || p_provider)
        on conflict do nothing;
        select array(
            select s.at
            from unnest(l.starts) s (at)
            where s.at > clock_timestamp() - p_span
            order by s.at
        )
        into recent
        from job_limits l
        where l.name = 'create:' || p_provider
        for update;
        if cardinality(recent) >= p_starts then
            wait_until := recent[1 + cardinality(recent) - p_starts] + p_span;
        else
            update job_limits
            set starts = recent || clock_timestamp()
            where name = 'create:' || p_provider;
        end if;
    end if;
    if not spent and wait_until is null then
        insert into provider_calls (job_id, item, step, provider, model, cost)
        values (p_job_id, p_item, p_step, p_provider, p_model, p_cost)
        returning provider_calls.id into id;
    end if;
    return next;
end $$;
