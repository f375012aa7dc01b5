set local lock_timeout = '5s';

-- A clock that stepped back left starts, and times up to which jobs are queued, in the future: they held everything up until
-- the time had come again. They are cut to now, once and for good.

create or replace function pick_limited_jobs(p_tasks text[], p_rooms integer[], p_token uuid, p_limits jsonb)
returns bigint[] language plpgsql as $$
declare
    names text[];
    wanted record;
    rules jsonb;
    still bigint[];
    recent timestamptz[];
    room integer;
    polls bigint[];
    begun bigint[];
    picked bigint[] := '{}';
begin
    names := array(
        select n.name
        from unnest(p_tasks) t (task)
        cross join lateral (values ('task:' || t.task), ('rate:' || (p_limits -> t.task ->> 'rate'))) n (name)
        where p_limits ? t.task
        and n.name is not null
    );
    insert into job_limits (name)
    select distinct name from unnest(names) n (name)
    where not exists (select from job_limits l where l.name = n.name)
    order by name
    on conflict do nothing;
    -- all of them and always in the same order, so that two workers cannot wait for each other
    perform from job_limits where name = any(names) order by name for update;
    for wanted in select t.task, t.room from unnest(p_tasks, p_rooms) t (task, room) where p_limits ? t.task loop
        rules := p_limits -> wanted.task;
        select array(
            select j.id
            from jobs j
            where j.id = any(l.held)
            and j.state = 'running'
            and j.leased_until > statement_timestamp()
        ) into still
        from job_limits l
        where l.name = 'task:' || wanted.task;
        room := least(wanted.room, coalesce((rules ->> 'at_once')::integer, wanted.room + cardinality(still))
            - cardinality(still));
        select array(
            select least(s.at, clock_timestamp())
            from unnest(l.starts) s (at)
            where s.at > clock_timestamp() - make_interval(secs => (rules ->> 'seconds')::double precision)
            order by s.at
        ) into recent
        from job_limits l
        where l.name = 'rate:' || (rules ->> 'rate');
        polls := array(
            select j.id
            from jobs j
            where j.task = wanted.task
            and j.turn = 0
            and (j.lease_token is null or j.leased_until <= statement_timestamp() or j.lease_token = p_token)
            and j.deaths + (j.lease_token is not null)::integer < 2
            order by j.run_at
            limit greatest(room, 0)
            for update skip locked
        );
        room := room - cardinality(polls);
        begun := array(
            select j.id
            from jobs j
            where j.task = wanted.task
            and j.turn > 0
            and (j.lease_token is null or j.leased_until <= statement_timestamp() or j.lease_token = p_token)
            and j.deaths + (j.lease_token is not null)::integer < 2
            order by j.priority desc, j.turn, j.id
            limit greatest(least(room, (rules ->> 'starts')::integer - cardinality(recent)), 0)
            for update skip locked
        );
        update job_limits
        set held = still || polls || begun
        where name = 'task:' || wanted.task;
        update job_limits
        set starts = recent || array_fill(clock_timestamp(), array[cardinality(begun)])
        where name = 'rate:' || (rules ->> 'rate')
        and (cardinality(begun) > 0 or starts[cardinality(starts)] > clock_timestamp());
        picked := picked || polls || begun;
    end loop;
    return picked;
end $$;

create or replace function limited_until(p_task text, p_rules jsonb) returns timestamptz language sql stable as $$
    select greatest(
        (
            select case when count(j.id) >= (p_rules ->> 'at_once')::integer then min(j.leased_until) end
            from job_limits l
            join jobs j on j.id = any(l.held)
            where l.name = 'task:' || p_task
            and j.state = 'running'
            and j.leased_until > statement_timestamp()
        ),
        (
            select least(l.starts[1 + cardinality(l.starts) - (p_rules ->> 'starts')::integer], clock_timestamp())
                + make_interval(secs => (p_rules ->> 'seconds')::double precision)
            from job_limits l
            where l.name = 'rate:' || (p_rules ->> 'rate')
            and cardinality(l.starts) >= (p_rules ->> 'starts')::integer
        )
    );
$$;

create or replace function begin_provider_call(
    p_job_id bigint, p_token uuid, p_item smallint, p_step text, p_provider text, p_account text, p_model text,
    p_cost integer, p_starts integer, p_span interval
) returns table (id bigint, wait interval, halt text) language plpgsql as $$
#variable_conflict use_column
declare
    job jobs;
    recent timestamptz[];
begin
    -- its lock orders this call and a wish to stop the order: one of them sees the other
    select * into job from jobs j where j.id = p_job_id and j.lease_token = p_token for update;
    if not found or job.cancel_asked_at is not null then
        raise exception using errcode = 'LK409', detail = format('job %s', p_job_id),
            message = case when job.cancel_asked_at is null then 'lease_lost' else 'cancelled' end;
    end if;
    update provider_calls
    set state = 'lost',
        ended_at = clock_timestamp()
    where job_id = p_job_id
    and item = p_item
    and state = 'begun';
    -- its lock lets one at a time add up and decide
    perform from provider_budgets where provider = p_provider and p_cost > 0 for update;
    halt := provider_halt(p_provider, array_remove(array[p_account], ''), job.user_id, p_job_id, p_cost);
    if halt = '' and p_starts is not null then
        insert into job_limits (name)
        values ('create:' || p_provider)
        on conflict do nothing;
        select array(
            select least(s.at, clock_timestamp())
            from unnest(l.starts) s (at)
            where s.at > clock_timestamp() - p_span
            order by s.at
        )
        into recent
        from job_limits l
        where l.name = 'create:' || p_provider
        for update;
        if cardinality(recent) >= p_starts then
            wait := recent[1 + cardinality(recent) - p_starts] + p_span - clock_timestamp();
        else
            recent := recent || clock_timestamp();
        end if;
        update job_limits
        set starts = recent
        where name = 'create:' || p_provider;
    end if;
    if halt = '' and wait is null then
        insert into provider_calls (job_id, user_id, item, step, provider, model, cost)
        values (p_job_id, job.user_id, p_item, p_step, p_provider, p_model, p_cost)
        returning provider_calls.id into id;
    end if;
    return next;
end $$;

create or replace function queue_periodic_jobs(
    p_schedules text[], p_untils timestamptz[], p_tasks text[], p_keys text[], p_args jsonb[]
) returns integer language plpgsql as $$
declare
    created integer;
begin
    insert into job_schedules (task, queued_until)
    select s.task, s.queued_until
    from unnest(p_schedules, p_untils) s (task, queued_until)
    order by s.task
    on conflict (task) do update
    set queued_until = case
        when job_schedules.queued_until > excluded.queued_until + interval '1 minute' then excluded.queued_until
        else greatest(job_schedules.queued_until, excluded.queued_until)
    end;
    insert into jobs (task, key, args, turn)
    select w.task, w.key, w.args, next_turn(null, w.task, 0::smallint)
    from unnest(p_tasks, p_keys, p_args) w (task, key, args)
    order by w.key
    on conflict (key) do nothing;
    get diagnostics created = row_count;
    return created;
end $$;
