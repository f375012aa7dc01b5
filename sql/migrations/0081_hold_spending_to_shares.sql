set local lock_timeout = '5s';

-- Ordering and cancelling again and again spent our money and nobody's credits: a person has a share of each day's budget,
-- and an order that has begun to cost is cancelled only so often.
alter table provider_calls add column user_id bigint;

update provider_calls c
set user_id = e.user_id
from every_job e
where e.id = c.job_id
and c.begun_at > statement_timestamp() - interval '1 day'
and e.user_id > 0;

create index provider_calls_person on provider_calls (user_id, begun_at) where cost > 0;

-- The calls of orders that were cancelled or broke stayed open for ever.
update provider_calls c
set state = 'lost',
    ended_at = clock_timestamp()
where c.state = 'begun'
and not exists (select from jobs j where j.id = c.job_id);

-- What was still asked of a provider has cost its list price, as nobody will ask what became of it.
-- Telling the user is a job too, so a crash between the failure and the message loses nothing. Who cancels an order that
-- has begun hears of it when it has stopped, however few attempts it has used: waiting for a provider uses up none.
create or replace function settle_job() returns trigger language plpgsql as $$
begin
    perform refund_credit(new.id);
    update provider_calls
    set state = 'lost',
        ended_at = clock_timestamp()
    where job_id = new.id
    and state = 'begun';
    if (new.state = 'failed' or new.price > 0 and new.error_code = 'cancelled')
        and new.task <> 'notice' and exists (select from users where id = new.user_id and erased_at is null)
    then
        insert into jobs (user_id, task, key, args, turn)
        values (new.user_id, 'notice', new.state || ':' || new.id, jsonb_build_object('job_id', new.id),
            next_turn(new.user_id, 'notice', 0::smallint))
        on conflict (key) do nothing;
    end if;
    return null;
end $$;

-- Whom nobody asks for a while, and why: a provider that is away (its account is ''), or one of its keys that needs an
-- administrator first. Each time is written and compared by this clock.
create table provider_pauses (
    provider text not null check (provider ~ '^[a-z][a-z0-9_]*$'),
    account text not null check (account ~ '^[0-9a-f]{0,64}$'),
    why text not null check (why in ('money', 'down')),
    until timestamptz not null,
    primary key (provider, account)
);

-- Whether all credits that a person ever had came with the account.
create function lives_on_trial(p_user_id bigint) returns boolean language sql stable as $$
    select not exists (
        select from credit_ledger
        where user_id = p_user_id
        and kind in ('purchase', 'grant', 'promo')
    );
$$;

-- The part of a provider's day that one person may use up: a fifth, and a fiftieth for trial credits.
create function share_of_budget(p_daily_limit integer, p_user_id bigint) returns integer language sql stable as $$
    select p_daily_limit / case when lives_on_trial(p_user_id) then 50 else 5 end;
$$;

-- Why a provider cannot be asked for so much now, '' when it can: 'money' (none of its keys works), 'down', 'spent' (the
-- budget of the day) or 'share' (this person's part of it). The first order of a person's day has its share by itself.
create function provider_halt(p_provider text, p_accounts text[], p_user_id bigint, p_job_id bigint, p_cost integer)
returns text language sql stable as $$
    select coalesce(
        (
            select p.why
            from provider_pauses p
            where p.provider = p_provider
            and p.account = ''
            and p.until > clock_timestamp()
        ),
        case when cardinality(p_accounts) > 0 and cardinality(p_accounts) = (
            select count(*)
            from provider_pauses p
            where p.provider = p_provider
            and p.account = any(p_accounts)
            and p.until > clock_timestamp()
        ) then 'money' end,
        (
            select case
                when b.daily_limit < p_cost + coalesce(sum(c.cost), 0) then 'spent'
                when sum(c.cost) filter (where c.user_id = p_user_id and c.job_id is distinct from p_job_id) > 0
                    and share_of_budget(b.daily_limit, p_user_id)
                        < p_cost + sum(c.cost) filter (where c.user_id = p_user_id) then 'share'
            end
            from provider_budgets b
            left join provider_calls c on c.provider = b.provider
                and c.cost > 0
                and c.begun_at > statement_timestamp() - interval '1 day'
            where b.provider = p_provider
            and p_cost > 0
            group by b.provider
        ),
        ''
    );
$$;

-- Notes that a provider is about to be asked for an order that is in work, by the worker that has it, and that nobody
-- wants stopped. Set is one of three: the row's id, how long to wait because too many were begun lately, or why the
-- provider cannot be asked. A call of the same item that was left open belongs to a worker that died: it is lost.
create function begin_provider_call(
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
            select s.at
            from unnest(l.starts) s (at)
            where s.at between clock_timestamp() - p_span and clock_timestamp()
            order by s.at
        )
        into recent
        from job_limits l
        where l.name = 'create:' || p_provider
        for update;
        if cardinality(recent) >= p_starts then
            wait := recent[1 + cardinality(recent) - p_starts] + p_span - clock_timestamp();
        else
            update job_limits
            set starts = recent || clock_timestamp()
            where name = 'create:' || p_provider;
        end if;
    end if;
    if halt = '' and wait is null then
        insert into provider_calls (job_id, user_id, item, step, provider, model, cost)
        values (p_job_id, job.user_id, p_item, p_step, p_provider, p_model, p_cost)
        returning provider_calls.id into id;
    end if;
    return next;
end $$;

-- What workers of the release before call; it goes with the next one.
create or replace function begin_provider_call(
    p_job_id bigint, p_item smallint, p_step text, p_provider text, p_model text, p_cost integer,
    p_starts integer, p_span interval
) returns table (id bigint, wait_until timestamptz, spent boolean) language plpgsql as $$
begin
    return query
    select b.id, clock_timestamp() + b.wait, b.halt <> ''
    from begin_provider_call(p_job_id, (select j.lease_token from jobs j where j.id = p_job_id), p_item, p_step,
        p_provider, '', p_model, p_cost, p_starts, p_span) b;
end $$;

-- A person stops an order of theirs. What paid calls have begun for it is lost to us, so they may add up to no more than
-- p_trial or p_others calls of such orders within a day, by what the credits are; nothing counts before the first call.
-- Returns cancelled, asked (its worker stops it), paid (the day's calls are used up) or late.
create function stop_order(p_job_id bigint, p_user_id bigint, p_trial integer, p_others integer)
returns text language plpgsql as $$
declare
    job jobs;
    begun integer;
    stopped integer;
begin
    -- one at a time: two orders are not stopped by the same allowance
    perform pg_advisory_xact_lock(hashtextextended('stop_order', p_user_id));
    select * into job
    from jobs
    where id = p_job_id
    and user_id = p_user_id
    and state in ('queued', 'running', 'waiting')
    for update;
    if not found then
        return 'late';
    end if;
    select count(*) filter (where c.job_id = p_job_id),
        count(*) filter (where c.job_id <> p_job_id and (
            exists (select from jobs j where j.id = c.job_id and j.cancel_asked_at is not null)
            or exists (select from job_history h where h.id = c.job_id and h.state = 'cancelled')))
    into begun, stopped
    from provider_calls c
    where c.user_id = p_user_id
    and c.cost > 0
    and c.begun_at > statement_timestamp() - interval '1 day';
    if job.cancel_asked_at is null and begun > 0
        and begun + stopped > (case when lives_on_trial(p_user_id) then p_trial else p_others end)
    then
        return 'paid';
    end if;
    if job.state = 'queued' then
        update jobs set state = 'cancelled', finished_at = clock_timestamp() where id = p_job_id;
        return 'cancelled';
    end if;
    update jobs
    set cancel_asked_at = coalesce(cancel_asked_at, clock_timestamp()),
        run_at = case when state = 'waiting' then clock_timestamp() else run_at end
    where id = p_job_id;
    return 'asked';
end $$;
