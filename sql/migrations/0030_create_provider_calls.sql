set local lock_timeout = '5s';

-- What was asked of the generation providers, and what it cost in thousandths of a dollar: the list price while it is
-- under way, what was charged afterwards. A row is written before the provider is asked, so nothing spent goes unseen.
create table provider_calls (
    id bigint generated always as identity primary key,
    -- no foreign key: a job leaves its table before its costs are forgotten
    job_id bigint not null,
    item smallint not null check (item >= 0),
    step text not null check (step in ('still', 'main')),
    provider text not null check (provider ~ '^[a-z][a-z0-9_]*$'),
    model text not null check (model <> ''),
    -- lost: begun, and nobody will ever know what became of it
    state text not null default 'begun' check (state in ('begun', 'done', 'failed', 'lost')),
    cost integer not null check (cost >= 0),
    begun_at timestamptz not null default clock_timestamp(),
    ended_at timestamptz,
    seconds real generated always as (extract(epoch from ended_at - begun_at)) stored,
    check ((state = 'begun') = (ended_at is null))
);

create index provider_calls_job on provider_calls (job_id);
create index provider_calls_day on provider_calls (provider, begun_at) include (cost) where cost > 0;
create unique index provider_calls_begun on provider_calls (job_id, item) where state = 'begun';

-- How much a provider may cost within any 24 hours, in thousandths of a dollar. No row: as much as it likes.
create table provider_budgets (
    provider text primary key,
    daily_limit integer not null check (daily_limit >= 0)
);

insert into provider_budgets (provider, daily_limit)
values ('kie', 50000), ('openai', 20000);

-- Notes that a provider is about to be asked, if its budget and its rate allow. One of three is set: the row's id, when
-- to come again because too many were begun lately, or that the day's money is spent. A call of the same item that was
-- left open belongs to a worker that died: it is lost.
create function begin_provider_call(
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
            and c.begun_at > clock_timestamp() - interval '1 day'
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

-- A provider has named a task to us. It is a hint that its job's worker will check, under the number of that very
-- request; what changes is only that the job's next look is due now. False: nobody waits for it.
create function hear_of_job(p_job_id bigint, p_nonce text, p_task_id text) returns boolean language plpgsql as $$
declare
    waits boolean;
begin
    update jobs
    set checkpoint = checkpoint || jsonb_build_object(
            'heard', coalesce(checkpoint -> 'heard', '{}') || jsonb_build_object(p_nonce, p_task_id)),
        run_at = case when state = 'waiting' then least(run_at, clock_timestamp()) else run_at end
    where id = p_job_id
    and task in ('card', 'background', 'video')
    and (checkpoint -> 'heard' ->> p_nonce) is null
    and (select count(*) from jsonb_object_keys(coalesce(checkpoint -> 'heard', '{}'))) < 50
    returning state = 'waiting' into waits;
    return coalesce(waits, false);
end $$;

alter table file_telegram_ids
    drop constraint file_telegram_ids_kind_check,
    add constraint file_telegram_ids_kind_check check (kind in ('photo', 'document', 'video'));
