-- The traces of orders: files, and the calls of providers with their costs.
--
-- A call is written down before the provider is asked, so no money is spent unseen. Within 24 hours a provider costs no
-- more than its budget, and one person no more than a share of it.

create table files (
    id bigint generated always as identity primary key,
    user_id bigint not null references users (id),
    -- no foreign key: a source photo comes before its job, and a job may leave its table before its files
    job_id bigint,
    kind text not null check (kind ~ '^[a-z][a-z0-9-]*$'),
    -- never a URL: the host may change, the path does not
    pathname text not null unique check (pathname <> '' and pathname not like '%://%'),
    content_type text not null,
    bytes integer not null check (bytes > 0),
    width integer check (width > 0),
    height integer check (height > 0),
    created_at timestamptz not null default clock_timestamp()
);

create index files_job on files (job_id) where job_id is not null;
create index files_user on files (user_id, id desc);
create index files_sources on files (created_at) where kind in ('source', 'still');
create index files_results on files (created_at) where kind not in ('source', 'still');
create index files_cuts on files (created_at) where kind = 'cut';

-- A file_id belongs to one bot and to one way of sending.
create table file_telegram_ids (
    file_id bigint not null references files (id) on delete cascade,
    bot text not null check (bot in ('studio', 'client', 'partner', 'admin')),
    kind text not null check (kind in ('photo', 'document', 'video')),
    telegram_file_id text not null check (telegram_file_id <> ''),
    primary key (file_id, bot, kind)
);
create trigger a_living before insert on files for each row execute function refuse_erased('user_id');

-- The calls of the generation providers and their costs in thousandths of a dollar: the list price while a call is
-- under way, the real charge afterwards. A row is written before the provider is asked, so no spending goes unseen.
create table provider_calls (
    id bigint generated always as identity primary key,
    -- no foreign key: a job leaves its table before its costs are forgotten
    job_id bigint not null,
    item smallint not null check (item >= 0),
    step text not null check (step in ('still', 'main', 'words', 'moderation', 'answer')),
    provider text not null check (provider ~ '^[a-z][a-z0-9_]*$'),
    model text not null check (model <> ''),
    -- lost: nobody will ever know how it ended; refused: the photo or the words cannot be used
    state text not null default 'begun' check (state in ('begun', 'done', 'failed', 'lost', 'refused')),
    cost integer not null check (cost >= 0),
    begun_at timestamptz not null default clock_timestamp(),
    ended_at timestamptz,
    seconds real generated always as (extract(epoch from ended_at - begun_at)) stored,
    -- who ordered it
    user_id bigint,
    check ((state = 'begun') = (ended_at is null))
);

create index provider_calls_job on provider_calls (job_id);
create index provider_calls_day on provider_calls (provider, begun_at) include (cost) where cost > 0;
create unique index provider_calls_begun on provider_calls (job_id, item) where state = 'begun';
create index provider_calls_person on provider_calls (user_id, begun_at) where cost > 0;

-- The limit of a provider's costs within any 24 hours, in thousandths of a dollar. No row means no limit.
create table provider_budgets (
    provider text primary key,
    daily_limit integer not null check (daily_limit >= 0)
);

insert into provider_budgets (provider, daily_limit)
values ('kie', 50000), ('openai', 20000);

-- The providers and keys that nobody asks for a while, and why: a provider is away (its account is ''), or one of its
-- keys needs an administrator. Each time is written and compared by the clock of Postgres.
create table provider_pauses (
    provider text not null check (provider ~ '^[a-z][a-z0-9_]*$'),
    account text not null check (account ~ '^[0-9a-f]{0,64}$'),
    why text not null check (why in ('money', 'down')),
    until timestamptz not null,
    primary key (provider, account)
);

-- Says whether a person has never had other credits than those that came with the account.
create function lives_on_trial(p_user_id bigint) returns boolean language sql stable as $$
    select not exists (
        select from credit_ledger
        where user_id = p_user_id
        and kind in ('purchase', 'grant', 'promo')
    );
$$;

-- Returns the part of a provider's daily budget that one person may use up: a fifth, or a fiftieth with trial credits.
create function share_of_budget(p_daily_limit integer, p_user_id bigint) returns integer language sql stable as $$
    select p_daily_limit / case when lives_on_trial(p_user_id) then 50 else 5 end;
$$;

-- Returns why a provider cannot be asked for so much now, '' when it can: 'money' (none of its keys works), 'down',
-- 'spent' (the budget of the day) or 'share' (this person's part of it). The first order of a person's day has its
-- share by itself.
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
                when sum(c.cost) filter (where c.user_id = any(o.own) and c.job_id is distinct from p_job_id) > 0
                    and share_of_budget(b.daily_limit, p_user_id)
                        < p_cost + sum(c.cost) filter (where c.user_id = any(o.own)) then 'share'
            end
            from provider_budgets b
            cross join (select accounts_of(p_user_id) as own offset 0) o
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

-- Counts one more start of a rate, or returns how long to wait because there were p_starts within the span.
create function begin_start(p_name text, p_starts integer, p_span interval) returns interval language plpgsql as $$
declare
    recent timestamptz[];
    wait interval;
begin
    insert into job_limits (name)
    values (p_name)
    on conflict do nothing;
    perform from job_limits where name = p_name for update;
    recent := recent_starts(p_name, p_span);
    if cardinality(recent) >= p_starts then
        wait := recent[1 + cardinality(recent) - p_starts] + p_span - clock_timestamp();
    else
        recent := recent || clock_timestamp();
    end if;
    update job_limits
    set starts = recent
    where name = p_name;
    return wait;
end $$;

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
        wait := begin_start('create:' || p_provider, p_starts, p_span);
    end if;
    if halt = '' and wait is null then
        insert into provider_calls (job_id, user_id, item, step, provider, model, cost)
        values (p_job_id, job.user_id, p_item, p_step, p_provider, p_model, p_cost)
        returning provider_calls.id into id;
    end if;
    return next;
end $$;

-- Returns how many paid calls of a person's day are lost once this order stops, with those of orders that were stopped
-- before. Zero means that none has begun for this order.
create function calls_lost(p_job_id bigint, p_user_id bigint) returns bigint language sql stable as $$
    select case when count(*) filter (where c.job_id = p_job_id) = 0 then 0 else count(*) end
    from provider_calls c
    where c.user_id = any((select accounts_of(p_user_id))::bigint[])
    and c.cost > 0
    and c.begun_at > statement_timestamp() - interval '1 day'
    and (c.job_id = p_job_id
        or exists (select from jobs j where j.id = c.job_id and j.cancel_asked_at is not null)
        or exists (select from job_history h where h.id = c.job_id and h.state = 'cancelled'));
$$;

-- Stops an order on its person's wish. We lose the paid calls that have begun for it, so within a day these may add up
-- to p_trial or p_others calls at most, depending on the person's credits. Nothing counts before the first call.
-- Returns cancelled, asked (its worker stops it), paid (the day's calls are used up) or late.
create function stop_order(p_job_id bigint, p_user_id bigint, p_trial integer, p_others integer)
returns text language plpgsql as $$
declare
    job jobs;
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
    if job.cancel_asked_at is null
        and calls_lost(p_job_id, p_user_id) > (case when lives_on_trial(p_user_id) then p_trial else p_others end)
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

-- Complaints about results: at most one for each order, counted by product and reason, refunded at most once.
create table complaints (
    -- no foreign key: a finished job leaves its table, and its complaint still counts
    job_id bigint primary key,
    user_id bigint not null references users (id),
    reason text not null check (reason in ('cut', 'words', 'product', 'other')),
    product text not null,
    look text not null,
    created_at timestamptz not null default clock_timestamp(),
    refunded_at timestamptz
);

create index complaints_person on complaints (user_id, refunded_at) where refunded_at is not null;
create index complaints_lately on complaints (created_at);
create trigger a_living before insert on complaints for each row execute function refuse_erased('user_id');

-- Tells whether all that an order has cost went back; of a batch, what its left out photos have cost is but a part.
create function is_given_back(p_job_id bigint) returns boolean language sql stable as $$
    select exists (select from complaints c where c.job_id = p_job_id and c.refunded_at is not null)
    or exists (
        select from credit_ledger r
        join credit_ledger c on c.job_id = r.job_id and c.kind = 'charge' and c.amount = -r.amount
        where r.job_id = p_job_id and r.kind = 'refund'
    );
$$;

-- Returns how many bad results of a person were refunded within 30 days, those before an erasure with them.
create function bad_lately(p_user_id bigint) returns bigint language sql stable as $$
    select (
        select count(*)
        from complaints c
        where c.user_id = p_user_id
        and c.refunded_at > clock_timestamp() - interval '30 days'
    ) + (
        select count(*)
        from remembered r
        where r.mark = any (marks_of(p_user_id))
        and r.what = 'bad'
        and r.until > clock_timestamp()
    );
$$;

-- Gives the credits of a bad result back; of a batch, those of what was delivered. Returns given; already; limit (p_most
-- within 30 days are used up); early (it is being made once more); or late (nobody has called it bad).
create function give_back_bad(p_user_id bigint, p_order_id bigint, p_most integer)
returns table (outcome text, amount integer) language plpgsql as $$
#variable_conflict use_column
declare
    bad complaints;
begin
    amount := 0;
    -- one at a time: two orders are not refunded by the same allowance
    perform pg_advisory_xact_lock(hashtextextended('give_back_bad', p_user_id));
    select * into bad from complaints c where c.job_id = p_order_id and c.user_id = p_user_id for update;
    outcome := case
        when not found then 'late'
        when is_given_back(p_order_id) then 'already'
        when exists (select from jobs j where j.key = 'redo:' || p_order_id) then 'early'
        when p_most <= bad_lately(p_user_id) then 'limit'
        else 'given'
    end;
    if outcome = 'given' then
        select coalesce(max(r.amount), 0) into amount from refund_credit(p_order_id) r;
        if amount = 0 then  -- a part went back when the order ended, and one order is refunded once
            select coalesce(max((h.checkpoint ->> 'earned')::integer), 0) into amount
            from job_history h
            where h.id = p_order_id;
            perform grant_credits(p_user_id, amount, 'bad:' || p_order_id, 'system', 'bad result of order ' || p_order_id)
            where amount > 0;
        end if;
        update complaints set refunded_at = clock_timestamp() where job_id = p_order_id;
    end if;
    return next;
end $$;

-- A seller's own style: a logo, two colours and a pair of faces, for all orders until it is removed.
create table brands (
    user_id bigint primary key references users (id),
    logo_id bigint references files (id) on delete set null,
    -- null: the design's own
    accent text check (accent ~ '^#[0-9a-f]{6}$'),
    ground text check (ground ~ '^#[0-9a-f]{6}$'),
    pair text check (pair ~ '^[a-z]{1,20}$'),
    updated_at timestamptz not null default clock_timestamp()
);

create index brands_logo on brands (logo_id) where logo_id is not null;
create index files_logos on files (created_at) where kind = 'logo';
create trigger a_living before insert on brands for each row execute function refuse_erased('user_id');

create function forget_brand() returns trigger language plpgsql as $$
begin
    delete from brands where user_id = new.id;
    return null;
end $$;

create trigger forget_brand after update of erased_at on users
    for each row when (old.erased_at is null and new.erased_at is not null) execute function forget_brand();
