-- queued -> running -> (waiting -> running)* -> done | failed | cancelled. A running job holds a lease; whoever fails or
-- cancels a job gives the credits back in the same statement, because the table itself does it.

create table jobs (
    id bigint generated always as identity primary key,
    user_id bigint not null references users (id),
    task text not null check (task ~ '^[a-z][a-z0-9_]*$'),
    key text not null unique check (key <> ''),
    args jsonb not null default '{}' check (jsonb_typeof(args) = 'object'),
    -- what the task has already done, so that a second run does not do it again
    checkpoint jsonb not null default '{}' check (jsonb_typeof(checkpoint) = 'object'),
    price integer not null default 0 check (price >= 0),
    priority smallint not null default 0,
    state text not null default 'queued'
        check (state in ('queued', 'running', 'waiting', 'done', 'failed', 'cancelled')),
    run_at timestamptz not null default clock_timestamp(),
    attempts smallint not null default 0 check (attempts >= 0),
    max_attempts smallint not null default 5 check (max_attempts > 0),
    lease_token uuid,
    leased_until timestamptz,
    error_code text,
    error text,
    created_at timestamptz not null default clock_timestamp(),
    finished_at timestamptz,
    check ((state = 'running') = (lease_token is not null)),
    check ((state = 'running') = (leased_until is not null)),
    check ((state in ('done', 'failed', 'cancelled')) = (finished_at is not null)),
    check (state <> 'failed' or error_code is not null)
);

-- Only unfinished rows: a million finished ones cost a claim nothing.
create index jobs_due on jobs (priority desc, run_at, id) where state in ('queued', 'waiting');
create index jobs_next on jobs (run_at) where state in ('queued', 'waiting');
create index jobs_leased on jobs (leased_until) where state = 'running';
create index jobs_user on jobs (user_id, id desc);

create function charge_job() returns trigger language plpgsql as $$
begin
    insert into credit_ledger (user_id, kind, amount, key, job_id)
    values (new.user_id, 'charge', -new.price, 'charge:' || new.id, new.id);
    return null;
end $$;

-- Gives back what the job was charged, once, and only when the job can no longer run. No row: nothing to give back.
create function refund_credit(p_job_id bigint) returns table (amount integer, balance integer) language sql as $$
    insert into credit_ledger (user_id, kind, amount, key, job_id)
    select c.user_id, 'refund', -c.amount, 'refund:' || c.job_id, c.job_id
    from credit_ledger c
    where c.job_id = p_job_id
    and c.kind = 'charge'
    and not exists (select from jobs j where j.id = p_job_id and j.finished_at is null)
    on conflict do nothing
    returning amount, balance_after;
$$;

-- Telling the user is a job too, so a crash between the failure and the message loses nothing.
create function settle_job() returns trigger language plpgsql as $$
begin
    perform refund_credit(new.id);
    if new.state = 'failed' and new.task <> 'notice' then
        insert into jobs (user_id, task, key, args)
        values (new.user_id, 'notice', 'failed:' || new.id, jsonb_build_object('job_id', new.id))
        on conflict (key) do nothing;
    end if;
    return null;
end $$;

create function refuse_move() returns trigger language plpgsql as $$
begin
    raise exception using errcode = 'LK409', message = 'illegal_move',
        detail = format('job %s: %s -> %s', old.id, old.state, new.state);
end $$;

create trigger charge after insert on jobs
    for each row when (new.price > 0) execute function charge_job();
create trigger legal_moves before update of state on jobs
    for each row when ((old.state, new.state) not in (
        ('queued', 'running'), ('waiting', 'running'), ('running', 'running'),
        ('running', 'queued'), ('running', 'waiting'),
        ('running', 'done'), ('running', 'failed'), ('running', 'cancelled'),
        ('queued', 'failed'), ('queued', 'cancelled')
    )) execute function refuse_move();
create trigger settle after update of state on jobs
    for each row when (new.state in ('failed', 'cancelled')) execute function settle_job();

-- 1 is next. Null when the job is not queued.
create function queue_position(p_job_id bigint) returns integer language sql stable as $$
    select 1 + (
        select count(*)
        from jobs j
        where j.state in ('queued', 'waiting')
        and j.state = 'queued'
        and j.task = mine.task
        and (j.priority > mine.priority
            or j.priority = mine.priority and (j.run_at, j.id) < (mine.run_at, mine.id))
    )::integer
    from jobs mine
    where mine.id = p_job_id
    and mine.state = 'queued';
$$;

-- One key, one job, one charge: all or nothing. The same request again returns the first job; another request under
-- the same key is refused. Short of credits: nothing is written.
create function create_job_and_consume_credit(
    p_user_id bigint, p_task text, p_key text, p_args jsonb, p_price integer,
    p_priority smallint, p_max_attempts smallint, p_run_at timestamptz
) returns table (job jobs, created boolean, balance integer, place integer) language plpgsql as $$
begin
    insert into jobs as j (user_id, task, key, args, price, priority, max_attempts, run_at)
    values (p_user_id, p_task, p_key, p_args, p_price, p_priority, p_max_attempts,
        coalesce(p_run_at, clock_timestamp()))
    on conflict (key) do nothing
    returning j.* into job;
    created := found;
    if not created then
        select j.* into job from jobs j where j.key = p_key;
        if (job.user_id, job.task, job.args, job.price) is distinct from (p_user_id, p_task, p_args, p_price) then
            raise exception using errcode = 'LK409', message = 'key_reused', detail = p_key;
        end if;
    end if;
    select a.balance into balance from credit_accounts a where a.user_id = p_user_id;
    place := queue_position(job.id);
    return next;
end $$;
