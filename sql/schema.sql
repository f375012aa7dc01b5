-- What the database is today. The migrations are what builds it; a test proves that they lead exactly here.

create table migrations (
    name text primary key,
    sha256 text not null,
    ms integer not null,
    applied_at timestamptz not null default clock_timestamp()
);

create table users (
    id bigint generated always as identity primary key,
    -- below zero once the person was erased
    tg_id bigint not null unique,
    first_name text not null default '',
    last_name text not null default '',
    username text not null default '',
    language text not null default 'ru' check (language in ('ru', 'en')),
    -- false while the language only follows Telegram's own setting
    language_chosen boolean not null default false,
    time_zone text not null default 'Europe/Moscow',
    consent_at timestamptz,
    blocked_at timestamptz,
    created_at timestamptz not null default clock_timestamp(),
    seen_at timestamptz not null default clock_timestamp(),
    erased_at timestamptz,
    -- by what a person is known beyond their account: keyed hashes of the Telegram id and of the phone
    mark bytea,
    phone_mark bytea,
    -- the bots that have said what they are
    introduced text[] not null default '{}',
    constraint users_tg_id_check check ((erased_at is null) = (tg_id > 0)),
    constraint users_mark_check check (erased_at is null or num_nonnulls(mark, phone_mark) = 0)
);

-- Credits move by one act only: an insert into credit_ledger. The triggers below write the balance from it and refuse
-- every other way, so "balance = sum(ledger)" holds whoever writes the SQL.

create table credit_accounts (
    user_id bigint primary key references users (id),
    balance integer not null default 0 check (balance >= 0)
);

create table credit_ledger (
    id bigint generated always as identity primary key,
    user_id bigint not null references credit_accounts (user_id),
    -- purchase: a payment's credits; taken_back and restored: its refund, and the refund that fell through; debt: paid off
    kind text not null check (kind in (
        'trial', 'purchase', 'grant', 'promo', 'charge', 'refund', 'taken_back', 'restored', 'debt'
    )),
    amount integer not null,
    -- filled by the trigger, whatever the caller says
    balance_after integer not null check (balance_after >= 0),
    -- one operation, one key: repeating it cannot move credits twice
    key text not null unique check (key <> ''),
    -- no foreign key: a finished job may leave the table, its money may not
    job_id bigint,
    created_at timestamptz not null default clock_timestamp(),
    -- the payment, where there is one
    payment_id bigint,
    constraint credit_ledger_sign_check check (
        case when kind in ('charge', 'taken_back', 'debt') then amount < 0 else amount > 0 end
    ),
    constraint credit_ledger_job_check check ((kind in ('charge', 'refund')) = (job_id is not null)),
    constraint credit_ledger_payment_check check (
        (kind in ('purchase', 'taken_back', 'restored', 'debt')) = (payment_id is not null)
    )
);

create unique index credit_ledger_one_charge on credit_ledger (job_id) where kind = 'charge';
create unique index credit_ledger_one_refund on credit_ledger (job_id) where kind = 'refund';
create unique index credit_ledger_one_purchase on credit_ledger (payment_id) where kind = 'purchase';
create index credit_ledger_payment on credit_ledger (payment_id) where payment_id is not null;
create index credit_ledger_user on credit_ledger (user_id, id desc);

-- Locks the account, so that entries of one person queue up, and stamps the balance. It does not move the balance yet:
-- with "on conflict do nothing" this trigger runs even for a row that is then not inserted.
create function stamp_ledger_entry() returns trigger language plpgsql as $$
declare
    held integer;
begin
    select balance into held
    from credit_accounts
    where user_id = new.user_id
    for no key update;
    if not found then
        raise exception using errcode = 'LK404', message = 'no_account', detail = format('user %s', new.user_id);
    end if;
    if held + new.amount < 0 then
        raise exception using errcode = 'LK402', message = 'short_of_credits',
            detail = jsonb_build_object('balance', held, 'price', -new.amount);
    end if;
    if new.kind = 'charge' and not exists (
        select from jobs where id = new.job_id and user_id = new.user_id and price = -new.amount
    ) then
        raise exception using errcode = 'LK409', message = 'charge_without_job', detail = format('job %s', new.job_id);
    end if;
    if new.kind = 'refund' and not exists (
        select from credit_ledger
        where job_id = new.job_id and kind = 'charge' and user_id = new.user_id and amount = -new.amount
    ) then
        raise exception using errcode = 'LK409', message = 'refund_without_charge', detail = format('job %s', new.job_id);
    end if;
    if new.payment_id is not null and not exists (
        select from payments
        where id = new.payment_id
        and (user_id = new.user_id or new.kind = 'debt' and is_remembered(new.user_id, 'debt', id))
        and case when new.kind in ('purchase', 'restored') then new.amount = credits else -new.amount <= credits end
    ) then
        raise exception using errcode = 'LK409', message = 'entry_without_payment',
            detail = format('payment %s', new.payment_id);
    end if;
    new.balance_after := held + new.amount;
    return new;
end $$;

create function move_balance() returns trigger language plpgsql as $$
begin
    update credit_accounts
    set balance = new.balance_after
    where user_id = new.user_id
    and balance + new.amount = new.balance_after;
    if not found then
        -- two entries of one person in one statement: both were stamped before either moved the balance
        raise exception using errcode = 'LK409', message = 'entries_must_be_single', detail = format('user %s', new.user_id);
    end if;
    return null;
end $$;

create function refuse_change() returns trigger language plpgsql as $$
begin
    raise exception using errcode = 'restrict_violation',
        message = format('%s of %s is not allowed: credits move by inserting into credit_ledger', tg_op, tg_table_name);
end $$;

create trigger stamp_entry before insert on credit_ledger
    for each row execute function stamp_ledger_entry();
create trigger move_balance after insert on credit_ledger
    for each row execute function move_balance();
create trigger append_only before update or delete on credit_ledger
    for each row execute function refuse_change();
create trigger never_truncate before truncate on credit_ledger
    for each statement execute function refuse_change();
create trigger open_empty before insert on credit_accounts
    for each row when (new.balance <> 0) execute function refuse_change();
create trigger balance_by_ledger before update on credit_accounts
    for each row when (pg_trigger_depth() = 0) execute function refuse_change();

-- queued -> running -> (waiting -> running)* -> done | failed | cancelled. A running job holds a lease; whoever fails or
-- cancels a job gives the credits back in the same statement, because the table itself does it.

-- The table `jobs` holds unfinished jobs only; the statement that finishes a job moves it to `job_history`, and the
-- history settles it: refund and notice. So a claim costs the same with ten million finished jobs as with none.
--
-- A claim changes no indexed column, so Postgres rewrites the row inside its page and touches no index (a HOT update):
-- a running job keeps its place in `jobs_line`, and claims step over it. fillfactor leaves the room in the page.

create table jobs (
    id bigint generated always as identity primary key,
    user_id bigint references users (id),
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
    -- the place in the line: a person's n-th waiting job has turn n. Null: its time has not come. 0: a poll, goes first
    turn bigint check (turn >= 0),
    -- how many workers have died with it
    deaths smallint not null default 0 check (deaths >= 0),
    deadline timestamptz,
    cancel_asked_at timestamptz,
    check ((state = 'running') = (lease_token is not null)),
    check ((state = 'running') = (leased_until is not null)),
    check ((state in ('done', 'failed', 'cancelled')) = (finished_at is not null)),
    check (state <> 'failed' or error_code is not null),
    check (user_id is not null or price = 0)
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000,
    autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 5000, autovacuum_vacuum_cost_delay = 0);

create index jobs_line on jobs (task, priority desc, turn, id) where turn is not null;
create index jobs_polls on jobs (task, run_at) where turn = 0;
create index jobs_later on jobs (task, run_at) where turn is null;
create index jobs_user on jobs (user_id, task, turn);
create index jobs_suspect on jobs (id) where deaths > 0;
create index jobs_deadline on jobs (deadline) where deadline is not null;

create table job_history (
    id bigint primary key,
    user_id bigint,
    task text not null,
    key text not null unique,
    args jsonb not null,
    checkpoint jsonb not null,
    price integer not null,
    priority smallint not null,
    state text not null check (state in ('done', 'failed', 'cancelled')),
    run_at timestamptz not null,
    attempts smallint not null,
    max_attempts smallint not null,
    -- whose work ended it; a worker that lost Postgres' answer knows its own by it
    lease_token uuid,
    error_code text,
    error text,
    created_at timestamptz not null,
    finished_at timestamptz not null,
    check (state <> 'done' or lease_token is not null),
    check (state <> 'failed' or error_code is not null)
) with (autovacuum_vacuum_insert_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.05);


create index job_history_user on job_history (user_id, id desc);
create index job_history_finished on job_history using brin (finished_at);
create index job_history_failed on job_history (id desc) include (task, error_code) where state = 'failed';
create index job_history_pace on job_history (task, finished_at desc) where price > 0;

-- The keys of paid jobs outlive the history, so that an order can never be charged a second time under its key.
create table spent_keys (
    key text primary key,
    job_id bigint not null
);

create view every_job as
select id, coalesce(user_id, 0) as user_id, task, key, args, checkpoint, price, priority, state, run_at, attempts,
    max_attempts, lease_token, leased_until, error_code, error, created_at, finished_at, deadline, cancel_asked_at
from jobs
union all
select id, coalesce(user_id, 0), task, key, args, checkpoint, price, priority, state, run_at, attempts,
    max_attempts, null, null, error_code, error, created_at, finished_at, null, null
from job_history;

-- Gives back what the job was charged, once, and only when the job can no longer run. No row: nothing to give back.
create function refund_credit(p_job_id bigint) returns table (amount integer, balance integer)
language sql security definer set search_path to public, pg_temp as $$
    insert into credit_ledger (user_id, kind, amount, key, job_id)
    select c.user_id, 'refund', -c.amount, 'refund:' || c.job_id, c.job_id
    from credit_ledger c
    where c.job_id = p_job_id
    and c.kind = 'charge'
    and not exists (select from jobs j where j.id = p_job_id and j.finished_at is null)
    on conflict do nothing
    returning amount, balance_after;
$$;

create function refuse_move() returns trigger language plpgsql as $$
begin
    raise exception using errcode = 'LK409', message = 'illegal_move',
        detail = format('job %s: %s -> %s', old.id, old.state, new.state);
end $$;

create trigger legal_moves before update of state on jobs
    for each row when ((old.state, new.state) not in (
        ('queued', 'running'), ('waiting', 'running'), ('running', 'running'),
        ('running', 'queued'), ('running', 'waiting'),
        ('running', 'done'), ('running', 'failed'), ('running', 'cancelled'),
        ('queued', 'failed'), ('queued', 'cancelled')
    )) execute function refuse_move();

-- What was still asked of a provider has cost its list price, as nobody will ask what became of it.
-- Telling the user is a job too, so a crash between the failure and the message loses nothing. Who cancels an order that
-- has begun hears of it when it has stopped, however few attempts it has used: waiting for a provider uses up none.
create function settle_job() returns trigger language plpgsql as $$
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

-- Whoever finishes a job by an update moves it, as the batches of the worker do by themselves.
create function move_finished_job() returns trigger language plpgsql as $$
begin
    insert into job_history (id, user_id, task, key, args, checkpoint, price, priority, state, run_at, attempts,
        max_attempts, lease_token, error_code, error, created_at, finished_at)
    values (new.id, new.user_id, new.task, new.key, new.args, new.checkpoint, new.price, new.priority, new.state,
        new.run_at, new.attempts, new.max_attempts, old.lease_token, new.error_code, new.error, new.created_at,
        new.finished_at);
    delete from jobs
    where id = new.id;
    return null;
end $$;

-- An insert can wait for the statement that is just moving the first job of this key to the history; only a look from
-- here, after the wait, sees it there. Then the insert is taken back before it costs anything.
create function admit_jobs() returns trigger language plpgsql
    security definer set enable_seqscan = off set search_path to public, pg_temp as $$
declare
    again bigint[];
    job record;
begin
    again := array(
        select a.id
        from added a
        where (select h.id from job_history h where h.key = a.key) is not null
    );
    if cardinality(again) > 0 then
        delete from jobs
        where id = any(again);
    end if;
    for job in
        select a.id, a.user_id, a.price, a.key
        from added a
        where a.price > 0
        and a.id <> all(again)
        order by a.user_id, a.id
    loop
        if exists (select from spent_keys s where s.key = job.key) then
            raise exception using errcode = 'LK409', message = 'key_reused', detail = job.key;
        end if;
        insert into credit_ledger (user_id, kind, amount, key, job_id)
        values (job.user_id, 'charge', -job.price, 'charge:' || job.id, job.id);
    end loop;
    return null;
end $$;

-- A job that was charged leaves this table for the history only.
create function keep_paid_job() returns trigger language plpgsql as $$
begin
    if not exists (select from job_history where id = old.id)
        and exists (select from credit_ledger where job_id = old.id and kind = 'charge')
    then
        raise exception using errcode = 'restrict_violation',
            message = format('job %s was charged: it is moved to job_history, not deleted', old.id);
    end if;
    return null;
end $$;

create function keep_history() returns trigger language plpgsql as $$
begin
    raise exception using errcode = 'restrict_violation', message = format('job %s is kept for 90 days', old.id);
end $$;

create trigger admit after insert on jobs
    referencing new table as added
    for each statement execute function admit_jobs();
create trigger move_finished after update of state on jobs
    for each row when (new.finished_at is not null) execute function move_finished_job();
create trigger keep_paid after delete on jobs
    for each row when (old.price > 0) execute function keep_paid_job();
create trigger settle after insert on job_history
    for each row when (new.state in ('failed', 'cancelled')) execute function settle_job();
create trigger legal_moves before update on job_history
    for each row when (
        (old.id, old.user_id, old.task, old.price, old.state, old.attempts, old.created_at, old.finished_at)
        is distinct from
        (new.id, new.user_id, new.task, new.price, new.state, new.attempts, new.created_at, new.finished_at)
    ) execute function refuse_move();
create trigger keep_history before delete on job_history
    for each row when (old.finished_at > clock_timestamp() - interval '90 days') execute function keep_history();

-- A person's n-th waiting job of a task has turn n, so a thousand of one delay another's first by one round. The line
-- may have moved on: who comes when turn 40 is served begins at 40 and not before those who waited.
create function next_turn(p_user_id bigint, p_task text, p_priority smallint) returns bigint language sql stable as $$
    select greatest(
        1,
        (
            select turn
            from jobs
            where task = p_task
            and priority = p_priority
            and turn > 0
            order by turn
            limit 1
        ),
        (
            select turn + 1
            from jobs
            where user_id = p_user_id
            and task = p_task
            and turn > 0
            order by turn desc
            limit 1
        )
    );
$$;

-- Counts no further than a thousand: 1,001 means that more come first. Null when the job is not in the line.
create function queue_position(p_job_id bigint) returns integer language sql stable
set enable_seqscan = off set enable_bitmapscan = off as $$
    select 1 + least(1000, (
        select count(*)
        from (
            select
            from jobs j
            where j.task = mine.task
            and j.turn is not null
            and j.lease_token is null
            and j.priority > mine.priority
            limit 1000
        ) before
    ) + (
        select count(*)
        from (
            select
            from jobs j
            where j.task = mine.task
            and j.turn is not null
            and j.lease_token is null
            and j.priority = mine.priority
            and (j.turn, j.id) < (mine.turn, mine.id)
            limit 1000
        ) before
    ))::integer
    from jobs mine
    where mine.id = p_job_id
    and mine.state = 'queued'
    and mine.turn is not null;
$$;

-- One key, one job, one charge: all or nothing. The same request again returns the first job, wherever it is by now;
-- another request under the same key is refused. Short of credits: nothing is written.
create function create_job_and_consume_credit(
    p_user_id bigint, p_task text, p_key text, p_args jsonb, p_price integer,
    p_priority smallint, p_max_attempts smallint, p_run_at timestamptz, p_time_limit interval default null
) returns table (job every_job, created boolean, balance integer, place integer)
language plpgsql set enable_seqscan = off as $$
declare
    new_id bigint;
begin
    loop
        insert into jobs as j (user_id, task, key, args, price, priority, max_attempts, run_at, deadline, turn)
        values (nullif(p_user_id, 0), p_task, p_key, p_args, p_price, p_priority, p_max_attempts,
            coalesce(p_run_at, clock_timestamp()),
            greatest(p_run_at, clock_timestamp()) + p_time_limit,
            case when p_run_at is null or p_run_at <= clock_timestamp()
                then next_turn(p_user_id, p_task, p_priority) end)
        on conflict (key) do nothing
        returning j.id into new_id;
        select e.* into job from every_job e where e.key = p_key;
        -- neither here nor there: the one in the way was taken back, or its transaction was
        exit when found;
    end loop;
    created := job.id is not distinct from new_id;
    if not created
        and (job.user_id, job.task, job.args, job.price) is distinct from (p_user_id, p_task, p_args, p_price)
    then
        raise exception using errcode = 'LK409', message = 'key_reused', detail = p_key;
    end if;
    select a.balance into balance from credit_accounts a where a.user_id = p_user_id;
    place := queue_position(job.id);
    return next;
end $$;

-- Many free jobs of one kind in one statement, such as the messages of a broadcast; returns how many are new. They are
-- inserted in the order of their keys, so that two calls with the same keys cannot wait for each other.
create function create_free_jobs(
    p_task text, p_user_ids bigint[], p_keys text[], p_args jsonb[],
    p_priority smallint, p_max_attempts smallint, p_run_at timestamptz
) returns integer language plpgsql set enable_seqscan = off as $$
declare
    made bigint[];
    created integer;
    front bigint := next_turn(null, p_task, p_priority);
    due boolean := coalesce(p_run_at <= clock_timestamp(), true);
begin
    with living as (
        select id
        from users
        where id = any(p_user_ids)
        and erased_at is null
        for key share
    ), inserted as (
        insert into jobs (user_id, task, key, args, priority, max_attempts, run_at, turn)
        select w.user_id, p_task, w.key, w.args, p_priority, p_max_attempts, coalesce(p_run_at, clock_timestamp()),
            case when due then greatest(front, (
                select j.turn + 1
                from jobs j
                where j.user_id = w.user_id
                and j.task = p_task
                and j.turn > 0
                order by j.turn desc
                limit 1
            )) - 1 + row_number() over (partition by w.user_id order by w.n) end
        from unnest(p_user_ids, p_keys, p_args) with ordinality w (user_id, key, args, n)
        where (select j.id from jobs j where j.key = w.key) is null
        and (w.user_id is null or w.user_id in (select id from living))
        order by w.key
        on conflict (key) do nothing
        returning id
    )
    select array_agg(id) into made from inserted;
    select count(*) into created from jobs where id = any(made);
    if created < cardinality(p_keys) and exists (
        select
        from unnest(p_user_ids, p_keys, p_args) w (user_id, key, args)
        cross join lateral (
            select e.user_id, e.task, e.args, e.price
            from every_job e
            where e.key = w.key
            limit 1
        ) e
        where (e.user_id, e.task, e.args, e.price) is distinct from (w.user_id, p_task, w.args, 0)
    ) then
        raise exception using errcode = 'LK409', message = 'key_reused', detail = p_task;
    end if;
    return created;
end $$;

-- Jobs whose time has come join the line. A poll of work that is under way goes before everybody, a retry is at the
-- front again, a job that was planned for now is its person's next.
create function admit_due_jobs(p_tasks text[]) returns void language plpgsql as $$
begin
    if not exists (
        select
        from unnest(p_tasks) t (task)
        cross join lateral (
            select
            from jobs j
            where j.task = t.task
            and j.turn is null
            and j.run_at <= statement_timestamp()
            limit 1
        ) due
    ) then
        return;
    end if;
    with due as materialized (
        select d.id, d.user_id, d.task, d.priority, d.state, d.attempts, d.run_at
        from unnest(p_tasks) t (task)
        cross join lateral (
            select j.id, j.user_id, j.task, j.priority, j.state, j.attempts, j.run_at
            from jobs j
            where j.task = t.task
            and j.turn is null
            and j.run_at <= statement_timestamp()
            order by j.run_at
            limit 1000
            for update skip locked
        ) d
    ), placed as materialized (
        select d.id, case when d.state = 'waiting' then 0 else
            next_turn(case when d.attempts = 0 then d.user_id end, d.task, d.priority) - 1
            + row_number() over (partition by d.user_id, d.task, d.state order by d.run_at, d.id) end as turn
        from due d
    )
    update jobs j
    set turn = p.turn
    from placed p
    where j.id = p.id;
end $$;

-- Ends jobs that may not run again: no attempts left (a worker died each time), too late, or no longer wanted.
create function end_spent_jobs(p_ids bigint[]) returns void language sql as $$
    with gone as (
        delete from jobs
        where id = any(p_ids)
        returning id, user_id, task, key, args, checkpoint, price, priority, run_at, attempts, max_attempts,
            lease_token, deadline, cancel_asked_at, error_code, error, created_at
    )
    insert into job_history (id, user_id, task, key, args, checkpoint, price, priority, state, run_at, attempts,
        max_attempts, lease_token, error_code, error, created_at, finished_at)
    select id, user_id, task, key, args, checkpoint, price, priority,
        case when cancel_asked_at is null then 'failed' else 'cancelled' end,
        run_at, attempts, max_attempts, lease_token,
        case when cancel_asked_at is not null then 'cancelled' when deadline <= statement_timestamp() then 'timed_out'
            else 'gave_up' end,
        case when cancel_asked_at is not null then concat_ws('; ', 'no longer wanted', error)
            when deadline <= statement_timestamp() then concat_ws('; ', 'its time is up', error)
            else coalesce(error, 'the worker was lost at each attempt') end,
        created_at, clock_timestamp()
    from gone
    order by user_id, id;
$$;

-- What the limits of a kind are counted by, shared by all workers through its row: who locks it decides.
create table job_limits (
    name text primary key,
    -- the jobs that are leased, as far as known; one that ended or lapsed is dropped at the next look
    held bigint[] not null default '{}',
    -- when the last ones were begun
    starts timestamptz[] not null default '{}'
);

-- Picks jobs of kinds that have limits: no more than `at_once` are leased at any time, and of those that share the rate
-- `rate` no more than `starts` begin within any `seconds`. A poll of work that is under way begins nothing.
create function pick_limited_jobs(p_tasks text[], p_rooms integer[], p_token uuid, p_limits jsonb)
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

-- Leases up to p_rooms[i] due jobs of p_tasks[i], and p_total in all. Jobs whose lease ran out are taken over; one with
-- which two workers have died is given out alone, so that it cannot use up its neighbours' attempts, and only to a
-- caller that holds nothing else (p_alone).
create function claim_jobs(
    p_tasks text[], p_rooms integer[], p_total integer, p_alone boolean, p_lease interval, p_token uuid, p_limits jsonb
) returns setof jobs language plpgsql
-- the table's size is of no account: always by the index that has the order
set enable_seqscan = off set enable_bitmapscan = off set enable_sort = off as $$
declare
    picked bigint[];
    limited bigint[] := '{}';
    spent bigint[];
    claimed integer;
begin
    perform admit_due_jobs(p_tasks);
    spent := array(
        select j.id
        from jobs j
        where j.deadline <= statement_timestamp()
        and (j.lease_token is null or j.leased_until <= statement_timestamp())
        and j.task = any(p_tasks)
        order by j.deadline
        limit 100
        for update skip locked
    );
    if cardinality(spent) > 0 then
        perform end_spent_jobs(spent);
    end if;
    if p_alone then
        picked := array(
            select j.id
            from jobs j
            where j.deaths > 0
            and j.turn is not null
            and j.deaths + (j.lease_token is not null)::integer > 1
            and (j.lease_token is null or j.leased_until <= statement_timestamp())
            and j.task = any(p_tasks)
            and coalesce(limited_until(j.task, p_limits -> j.task) <= statement_timestamp(), true)
            order by j.id
            limit 1
            for update skip locked
        );
        if cardinality(picked) > 0 and p_limits is not null then
            update job_limits l
            set held = case when l.name like 'task:%' then l.held || j.id else l.held end,
                starts = case when l.name like 'rate:%' then l.starts || clock_timestamp() else l.starts end
            from jobs j
            where j.id = picked[1]
            and l.name in ('task:' || j.task, 'rate:' || (p_limits -> j.task ->> 'rate'));
        end if;
    end if;
    if coalesce(cardinality(picked), 0) = 0 then
        if p_limits is not null then
            limited := pick_limited_jobs(p_tasks, p_rooms, p_token, p_limits);
        end if;
        picked := limited || array(
            select c.id
            from unnest(p_tasks, p_rooms) t (task, room)
            cross join lateral (
                select j.id, j.priority, j.turn
                from jobs j
                where j.task = t.task
                and j.turn is not null
                and (j.lease_token is null or j.leased_until <= statement_timestamp() or j.lease_token = p_token)
                and j.deaths + (j.lease_token is not null)::integer < 2
                order by j.priority desc, j.turn, j.id
                limit case when p_limits ? t.task then 0 else t.room end
                for update skip locked
            ) c
            order by c.priority desc, c.turn, c.id
            limit p_total
        );
    end if;
    -- A repeat of this very call, whose answer was lost on the way, gets the same jobs and counts no attempt twice.
    return query
    update jobs
    set state = 'running',
        attempts = attempts + (lease_token is distinct from p_token)::integer,
        deaths = deaths + coalesce(lease_token <> p_token, false)::integer,
        lease_token = p_token,
        leased_until = clock_timestamp() + p_lease
    where id = any(picked)
    and (attempts < max_attempts or lease_token = p_token)
    and cancel_asked_at is null
    and state in ('queued', 'waiting', 'running')
    returning *;
    get diagnostics claimed = row_count;
    if claimed < cardinality(picked) then
        perform end_spent_jobs(array(
            select j.id
            from jobs j
            where j.id = any(picked)
            and j.lease_token is distinct from p_token
        ));
    end if;
end $$;

-- Until when a kind that has limits may begin nothing more; null when it may.
create function limited_until(p_task text, p_rules jsonb) returns timestamptz language sql stable as $$
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

-- When the next of these jobs falls due or its lease runs out. Now or earlier: a job waits for a worker to take it.
create function next_due(p_tasks text[], p_limits jsonb) returns timestamptz language sql stable as $$
    select min(least(later.run_at, case when p_limits ? t.task
        then greatest(line.run_at, limited_until(t.task, p_limits -> t.task)) else line.run_at end))
    from unnest(p_tasks) t (task)
    left join lateral (
        select j.run_at
        from jobs j
        where j.task = t.task
        and j.turn is null
        order by j.run_at
        limit 1
    ) later on true
    left join lateral (
        -- running jobs stand at the front, and a thousand of them are more than any worker has
        select min(coalesce(front.leased_until, front.run_at)) as run_at
        from (
            select j.leased_until, j.run_at
            from jobs j
            where j.task = t.task
            and j.turn is not null
            order by j.priority desc, j.turn, j.id
            limit 1000
        ) front
    ) line on true;
$$;

-- Moves running jobs on, each by the token of its lease, and returns those that were still held by it.
create function move_jobs(
    p_ids bigint[], p_tokens uuid[], p_states text[], p_run_ats timestamptz[], p_codes text[], p_errors text[]
) returns setof every_job language sql as $$
    with wanted as materialized (
        select w.id, w.token, w.state, w.run_at, w.code, w.error
        from unnest(p_ids, p_tokens, p_states, p_run_ats, p_codes, p_errors) w (id, token, state, run_at, code, error)
    ), gone as (
        delete from jobs j
        using wanted w
        where j.id = w.id
        and j.state = 'running'
        and j.lease_token = w.token
        and w.state in ('done', 'failed', 'cancelled')
        returning j.id, j.user_id, j.task, j.key, j.args, j.checkpoint, j.price, j.priority, w.state, j.run_at,
            j.attempts, j.max_attempts, j.lease_token, w.code, w.error, j.created_at
    ), kept as (
        insert into job_history (id, user_id, task, key, args, checkpoint, price, priority, state, run_at, attempts,
            max_attempts, lease_token, error_code, error, created_at, finished_at)
        select id, user_id, task, key, args, checkpoint, price, priority, state, run_at, attempts,
            max_attempts, lease_token, code, error, created_at, clock_timestamp()
        from gone
        -- in the order in which every other statement locks accounts
        order by user_id, id
        returning id, user_id, task, key, args, checkpoint, price, priority, state, run_at, attempts, max_attempts,
            error_code, error, created_at, finished_at
    ), moved as (
        -- Waiting for a provider is progress: it gives the attempts back, so that only failures in a row use them up.
        -- A job that was never begun is given back as it was.
        update jobs j
        set state = case w.state when 'released' then 'queued' else w.state end,
            run_at = case w.state when 'released' then j.run_at
                else least(coalesce(w.run_at, clock_timestamp()), j.deadline) end,
            attempts = case w.state when 'waiting' then 0 when 'released' then j.attempts - 1 else j.attempts end,
            deaths = case w.state when 'waiting' then 0 else j.deaths end,
            turn = case when w.run_at > clock_timestamp() then null else j.turn end,
            lease_token = null,
            leased_until = null,
            error_code = case w.state when 'released' then j.error_code else w.code end,
            error = case w.state when 'released' then j.error else w.error end
        from wanted w
        where j.id = w.id
        and j.state = 'running'
        and j.lease_token = w.token
        and w.state in ('queued', 'waiting', 'released')
        returning j.id, j.user_id, j.task, j.key, j.args, j.checkpoint, j.price, j.priority, j.state, j.run_at,
            j.attempts, j.max_attempts, j.error_code, j.error, j.created_at, j.deadline, j.cancel_asked_at
    )
    select id, coalesce(user_id, 0), task, key, args, checkpoint, price, priority, state, run_at, attempts,
        max_attempts, null::uuid, null::timestamptz, error_code, error, created_at, finished_at, null::timestamptz,
        null::timestamptz
    from kept
    union all
    select id, coalesce(user_id, 0), task, key, args, checkpoint, price, priority, state, run_at, attempts,
        max_attempts, null, null, error_code, error, created_at, null, deadline, cancel_asked_at
    from moved;
$$;

-- A worker's whole turnaround: what it finished moves to the history, what it could not finish moves on, and new jobs
-- are leased. The first row tells which jobs were no longer its own, and when to come again when the line ran out.
create function drain_jobs(
    p_done bigint[], p_done_tokens uuid[],
    p_ids bigint[], p_tokens uuid[], p_states text[], p_run_ats timestamptz[], p_codes text[], p_errors text[],
    p_tasks text[], p_rooms integer[], p_alone boolean, p_lease interval, p_token uuid, p_limits jsonb
) returns table (
    id bigint, user_id bigint, task text, key text, args text, checkpoint text, price integer, priority smallint,
    run_at timestamptz, attempts smallint, max_attempts smallint, error_code text, error text,
    created_at timestamptz, deadline timestamptz, deaths smallint, leased_until timestamptz, lost bigint[]
) language plpgsql set enable_seqscan = off as $$
#variable_conflict use_column
declare
    ended integer;
    lost bigint[] := '{}';
    leased_until timestamptz;
begin
    if cardinality(p_done) > 0 then
        with gone as (
            delete from jobs
            where id = any(p_done)
            and state = 'running'
            and lease_token = any(p_done_tokens)
            returning id, user_id, task, key, args, checkpoint, price, priority, run_at, attempts, max_attempts,
                lease_token, error_code, error, created_at
        )
        insert into job_history (id, user_id, task, key, args, checkpoint, price, priority, state, run_at, attempts,
            max_attempts, lease_token, error_code, error, created_at, finished_at)
        select id, user_id, task, key, args, checkpoint, price, priority, 'done', run_at, attempts,
            max_attempts, lease_token, null, null, created_at, clock_timestamp()
        from gone;
        get diagnostics ended = row_count;
        if ended < cardinality(p_done) then
            lost := array(
                select d.id
                from unnest(p_done) d (id)
                where not exists (
                    select from job_history h where h.id = d.id and h.lease_token = any(p_done_tokens)
                )
            );
        end if;
    end if;
    if cardinality(p_ids) > 0 then
        lost := lost || array(
            select w.id
            from unnest(p_ids) w (id)
            left join move_jobs(p_ids, p_tokens, p_states, p_run_ats, p_codes, p_errors) m on m.id = w.id
            where m.id is null
            and not exists (select from job_history h where h.id = w.id and h.lease_token = any(p_tokens))
        );
    end if;
    return query
    select j.id, coalesce(j.user_id, 0), j.task, j.key, nullif(j.args, '{}')::text, nullif(j.checkpoint, '{}')::text,
        j.price, j.priority, j.run_at, j.attempts, j.max_attempts, j.error_code, j.error, j.created_at, j.deadline,
        j.deaths, j.leased_until, null::bigint[]
    from claim_jobs(p_tasks, p_rooms, 100000, p_alone, p_lease, p_token, p_limits) j;
    get diagnostics ended = row_count;
    return query
    select null::bigint, null::bigint, null, null, null, null, null::integer, null::smallint,
        case when ended = 0 and cardinality(p_tasks) > 0 then next_due(p_tasks, p_limits) end,
        null::smallint, null::smallint, null, null, null::timestamptz, null::timestamptz, null::smallint,
        null::timestamptz, lost;
end $$;

-- How long a queued job will probably wait: its place by the pace of its kind in the last quarter of an hour. Null when
-- too little was done lately to tell.
create function queue_wait(p_job_id bigint) returns interval language sql stable
set enable_seqscan = off set enable_bitmapscan = off as $$
    select case when pace.number >= 3 then queue_position(p_job_id) * (clock_timestamp() - pace.since) / pace.number end
    from jobs mine
    cross join lateral (
        select count(*) as number, min(recent.finished_at) as since
        from (
            select h.finished_at
            from job_history h
            where h.task = mine.task
            and h.price > 0
            and h.finished_at > statement_timestamp() - interval '15 minutes'
            order by h.finished_at desc
            limit 50
        ) recent
    ) pace
    where mine.id = p_job_id;
$$;

-- Forgets what was finished more than 90 days ago, a small batch at a time, and what its providers were asked. Returns
-- how many jobs.
create function forget_history(p_limit integer) returns integer language plpgsql set enable_seqscan = off as $$
declare
    old bigint[] := array(
        select id
        from job_history
        where finished_at < statement_timestamp() - interval '90 days'
        limit p_limit
        for update skip locked
    );
begin
    insert into spent_keys (key, job_id)
    select key, id
    from job_history
    where id = any(old)
    and price > 0
    on conflict do nothing;
    delete from provider_calls
    where job_id = any(old);
    delete from job_history
    where id = any(old);
    return cardinality(old);
end $$;

-- Up to when each periodic job has been queued.
create table job_schedules (
    task text primary key,
    queued_until timestamptz not null
);

-- One job for each due time, whoever comes first: the key is the time. p_untils[i] belongs to p_schedules[i].
create function queue_periodic_jobs(
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

-- A file_id belongs to one bot and to one way of sending.
create table file_telegram_ids (
    file_id bigint not null references files (id) on delete cascade,
    bot text not null check (bot in ('studio', 'client', 'partner', 'admin')),
    kind text not null check (kind in ('photo', 'document', 'video')),
    telegram_file_id text not null check (telegram_file_id <> ''),
    primary key (file_id, bot, kind)
);

-- Updates that failed every time Telegram brought them; kept so that they can be looked at and replayed.
create table dead_letters (
    id bigint generated always as identity primary key,
    bot text not null check (bot in ('studio', 'client', 'partner', 'admin')),
    update_id bigint not null,
    payload jsonb not null,
    error text not null,
    tries integer not null check (tries > 0),
    created_at timestamptz not null default clock_timestamp(),
    -- the kind of error that the text begins with
    reason text not null generated always as (coalesce(substring(error from '^[A-Za-z_]{1,24}'), 'Error')) stored,
    unique (bot, update_id)
);

create index dead_letters_reason on dead_letters (reason, id desc) include (bot);

-- What Redis holds of a conversation, for as long as Redis is out of reach. Empty in normal operation.
create table conversations (
    bot text not null check (bot in ('studio', 'client', 'partner', 'admin')),
    tg_id bigint not null,
    -- as lib/telegram/fsm.py writes it; null while the first update is handled
    state text,
    turn_update bigint,
    turn_until timestamptz,
    saved_at timestamptz not null default clock_timestamp(),
    primary key (bot, tg_id),
    check ((turn_update is null) = (turn_until is null))
);

create index conversations_saved on conversations (saved_at);

create table handled_updates (
    bot text not null check (bot in ('studio', 'client', 'partner', 'admin')),
    update_id bigint not null,
    tg_id bigint not null,
    failures integer not null default 0 check (failures >= 0),
    done_at timestamptz,
    seen_at timestamptz not null default clock_timestamp(),
    primary key (bot, update_id)
);

create index handled_updates_person on handled_updates (tg_id);
create index handled_updates_seen on handled_updates (seen_at);

-- Takes the turn first and looks for the mark second: who waited for the row sees what the other has finished.
create function begin_turn(p_bot text, p_tg_id bigint, p_update_id bigint, p_turn interval)
returns table (done boolean, taken boolean, state text) language plpgsql as $$
begin
    insert into conversations as c (bot, tg_id, turn_update, turn_until)
    values (p_bot, p_tg_id, p_update_id, clock_timestamp() + p_turn)
    on conflict (bot, tg_id) do update
    set turn_update = excluded.turn_update,
        turn_until = excluded.turn_until
    where c.turn_until is null
    or c.turn_until <= clock_timestamp()
    returning case when c.saved_at > clock_timestamp() - interval '1 hour' then c.state end into state;
    taken := found;
    done := exists (
        select
        from handled_updates h
        where h.bot = p_bot
        and h.update_id = p_update_id
        and h.done_at is not null
    );
    if done and taken then
        update conversations c
        set turn_update = null,
            turn_until = null
        where c.bot = p_bot
        and c.tg_id = p_tg_id;
    end if;
    return next;
end $$;

-- Saves, marks and lets go; false when the turn is no longer the caller's. A turn that was taken in Redis names the
-- time it was taken at: it may save when nobody holds a turn here and nothing was saved here since.
create function end_turn(p_bot text, p_tg_id bigint, p_update_id bigint, p_state text, p_taken_in_redis_at timestamptz)
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

-- Who was erased after a trial, by a keyed hash of the Telegram id: a trial is for once in a lifetime.
create table spent_trials (
    mark bytea primary key,
    spent_at timestamptz not null default clock_timestamp()
);

-- Empties a person's finished orders; a key may hold the Telegram id. Returns how many orders are still under way.
create function forget_orders(p_user_id bigint) returns bigint language plpgsql as $$
begin
    update job_history
    set args = '{}',
        checkpoint = '{}',
        error = null,
        key = 'erased:' || id
    where user_id = p_user_id
    and task not in ('notice', 'erase')
    and key not like 'erased:%';
    update spent_keys
    set key = 'erased:' || job_id
    where job_id in (
        select l.job_id
        from credit_ledger l
        where l.user_id = p_user_id
    )
    and key not like 'erased:%';
    return (
        select count(*)
        from jobs
        where user_id = p_user_id
        and task not in ('notice', 'erase')
    );
end $$;

-- Once: a second call finds nobody. Orders that nobody has begun are cancelled and given back, those under way are told
-- to stop; the rest is a job's work. A job is locked before its person, as by every other statement.
create function erase_user(p_user_id bigint, p_tg_id bigint, p_mark bytea, p_person_mark bytea) returns void language plpgsql as $$
begin
    perform from jobs where user_id = p_user_id order by id for update;
    perform from users where id = p_user_id and tg_id = p_tg_id for update;
    if not found then
        return;
    end if;
    perform remember_harm(p_user_id, p_person_mark);
    perform forget_letters(p_user_id, p_tg_id);
    perform forget_administrator(p_user_id, p_tg_id);
    update users
    set tg_id = -id,
        first_name = '',
        last_name = '',
        username = '',
        time_zone = default,
        consent_at = null,
        blocked_at = null,
        mark = null,
        phone_mark = null,
        erased_at = clock_timestamp()
    where id = p_user_id;
    insert into spent_trials (mark)
    select p_mark
    from credit_ledger
    where user_id = p_user_id
    and kind = 'trial'
    on conflict do nothing;
    update jobs
    set state = 'cancelled',
        finished_at = clock_timestamp()
    where user_id = p_user_id
    and state = 'queued';
    update jobs
    set cancel_asked_at = coalesce(cancel_asked_at, clock_timestamp()),
        run_at = case when state = 'waiting' then clock_timestamp() else run_at end
    where user_id = p_user_id
    and state in ('running', 'waiting');
    perform forget_orders(p_user_id);
    update conversations
    set state = null
    where tg_id = p_tg_id;
    delete from conversations
    where tg_id = p_tg_id
    and turn_update is null;
    delete from handled_updates
    where tg_id = p_tg_id;
    insert into jobs (user_id, task, key, max_attempts)
    values (p_user_id, 'erase', 'erase:' || p_user_id, 20)
    on conflict (key) do nothing;
end $$;

-- The shop: what can be ordered, at which price; what credits are sold for; who paid, with what.

-- `price` is for one result. `params` may hold {"prices": {"3": 11}}: the price of three, where it is not three times.
create table products (
    code text primary key check (code ~ '^[a-z][a-z0-9]*$'),
    task text not null check (task ~ '^[a-z][a-z0-9_]*$'),
    price integer not null check (price > 0),
    position smallint not null,
    is_on boolean not null default true,
    expected_seconds integer not null check (expected_seconds > 0),
    params jsonb not null default '{}' check (jsonb_typeof(params) = 'object'),
    -- how long one result takes without a model, drawn on our own machines
    own_seconds integer not null default 10 check (own_seconds > 0)
);

-- An invoice names a pack by its id and can be paid for years, so what a pack gives for what never changes: a new price
-- is a new row of the same code, and the old one is switched off.
create table packs (
    id integer generated always as identity primary key,
    code text not null check (code ~ '^[a-z0-9]{1,16}$'),
    stars integer not null check (stars between 1 and 10000),
    credits integer not null check (credits > 0),
    is_on boolean not null default true,
    created_at timestamptz not null default clock_timestamp()
);

create unique index packs_on on packs (code) where is_on;

create function refuse_edit() returns trigger language plpgsql as $$
begin
    raise exception using errcode = 'restrict_violation',
        message = format('%s of %s is not allowed: what it holds was promised', tg_op, tg_table_name);
end $$;

create trigger keep_promise before update on packs
    for each row when ((old.id, old.code, old.stars, old.credits) is distinct from (new.id, new.code, new.stars, new.credits))
    execute function refuse_edit();
create trigger keep_pack before delete on packs
    for each row execute function refuse_edit();

-- What an operator or Telegram did to somebody's credits, or to the prices, and why.
create table audit_log (
    id bigint generated always as identity primary key,
    actor text not null check (actor <> ''),
    action text not null check (action ~ '^[a-z][a-z_.]*$'),
    subject text not null check (subject <> ''),
    reason text not null check (reason <> ''),
    before jsonb,
    after jsonb,
    at timestamptz not null default clock_timestamp()
);

create index audit_log_subject on audit_log (subject, id desc);
create trigger append_only before delete on audit_log
    for each row execute function refuse_edit();
create trigger never_truncate before truncate on audit_log
    for each statement execute function refuse_edit();

-- paid -> refunding -> refunded   by an administrator: the credits go first, then Telegram is asked
--      <- (Telegram refused)
-- paid -> refunded | debt         out of our hands: what was spent by then is owed, and the next purchase pays it
create table payments (
    id bigint generated always as identity primary key,
    telegram_payment_charge_id text not null unique check (telegram_payment_charge_id <> ''),
    bot text not null check (bot in ('studio', 'client', 'partner', 'admin')),
    user_id bigint not null references credit_accounts (user_id),
    -- null: Stars came for something that we never offered
    pack_id integer references packs (id),
    stars integer not null check (stars > 0),
    credits integer not null check (credits >= 0),
    state text not null default 'paid' check (state in ('paid', 'refunding', 'refunded', 'debt')),
    owed integer not null default 0 check (owed >= 0),
    -- as Telegram told them, without what names a person
    facts jsonb not null default '{}' check (jsonb_typeof(facts) = 'object'),
    paid_at timestamptz not null default clock_timestamp(),
    refund_asked_at timestamptz,
    refunded_at timestamptz,
    -- when the payer read that it arrived
    told_at timestamptz,
    constraint payments_debt_check check ((state = 'debt') = (owed > 0)),
    constraint payments_pack_check check ((pack_id is null) = (credits = 0)),
    constraint payments_refund_check check ((state in ('refunded', 'debt')) = (refunded_at is not null))
);

create index payments_user on payments (user_id, id desc);
create index payments_unsettled on payments (id) where state in ('refunding', 'debt');
create trigger keep_payment before delete on payments
    for each row execute function refuse_edit();
create trigger keep_facts before update on payments
    for each row when (
        (old.id, old.telegram_payment_charge_id, old.bot, old.user_id, old.pack_id, old.stars, old.credits)
        is distinct from
        (new.id, new.telegram_payment_charge_id, new.bot, new.user_id, new.pack_id, new.stars, new.credits)
    ) execute function refuse_edit();

-- How many of a bot's Star transactions have been compared with our payments.
create table star_walks (
    bot text primary key check (bot in ('studio', 'client', 'partner', 'admin')),
    walked integer not null default 0 check (walked >= 0),
    walked_at timestamptz not null default clock_timestamp()
);

-- Refunds that Telegram told of before their payments.
create table early_refunds (
    telegram_payment_charge_id text primary key,
    told_at timestamptz not null default clock_timestamp()
);

create table promo_codes (
    code text primary key check (code ~ '^[A-Z0-9А-ЯЁ_-]{3,32}$'),
    credits integer not null check (credits > 0),
    total integer check (total > 0),
    used integer not null default 0 check (used >= 0),
    per_person integer not null default 1 check (per_person > 0),
    until timestamptz,
    is_on boolean not null default true,
    created_at timestamptz not null default clock_timestamp(),
    constraint promo_codes_limit_check check (used <= total)
);

-- The mark is a keyed hash of the Telegram id: who was erased and comes back has used what they have used.
create table promo_uses (
    code text not null references promo_codes (code),
    mark bytea not null,
    number integer not null check (number > 0),
    user_id bigint not null references credit_accounts (user_id),
    used_at timestamptz not null default clock_timestamp(),
    primary key (code, mark, number)
);

create index promo_uses_user on promo_uses (user_id);
create trigger keep_use before update or delete on promo_uses
    for each row execute function refuse_edit();

-- Takes what a person owes for payments that were taken back, as far as the balance goes; returns how much. The caller
-- holds the account.
create function settle_debts(p_user_id bigint, p_by bigint) returns integer language plpgsql as $$
declare
    debt record;
    part integer;
    settled integer := 0;
begin
    for debt in
        select id, owed
        from payments
        where (user_id = p_user_id or is_remembered(p_user_id, 'debt', id))
        and state = 'debt'
        order by id
        for no key update
    loop
        select least(debt.owed, balance) into part
        from credit_accounts
        where user_id = p_user_id;
        exit when part = 0;
        insert into credit_ledger (user_id, kind, amount, key, payment_id)
        values (p_user_id, 'debt', -part, 'debt:' || debt.id || ':' || p_by, debt.id);
        update payments
        set owed = owed - part,
            state = case when owed = part then 'refunded' else 'debt' end
        where id = debt.id;
        delete from remembered where what = 'debt' and subject = debt.id and part = debt.owed;
        settled := settled + part;
    end loop;
    return settled;
end $$;

-- What is told of one charge is recorded one after the other, in whatever order it comes.
create function lock_charge(p_charge_id text) returns void language sql as $$
    select pg_advisory_xact_lock(hashtextextended('charge:' || p_charge_id, 0));
$$;

-- One charge, one payment, one purchase, however often Telegram or the hourly walk tells of it. The pack is the one that
-- was offered, on sale or not; Stars that fit no pack are kept without credits, for an administrator.
create function record_payment(
    p_charge_id text, p_bot text, p_user_id bigint, p_pack_id integer, p_stars integer, p_facts jsonb, p_paid_at timestamptz
) returns table (payment payments, created boolean, balance integer, settled integer)
language plpgsql security definer set search_path to public, pg_temp as $$
declare
    offered integer;
    new_id bigint;
    early boolean;
begin
    perform lock_charge(p_charge_id);
    early := exists (select from early_refunds e where e.telegram_payment_charge_id = p_charge_id);
    perform must_live(p_user_id);
    perform from credit_accounts a where a.user_id = p_user_id for no key update;
    select p.credits into offered from packs p where p.id = p_pack_id and p.stars = p_stars;
    insert into payments as p (telegram_payment_charge_id, bot, user_id, pack_id, stars, credits, facts, paid_at)
    values (p_charge_id, p_bot, p_user_id, case when offered is not null then p_pack_id end, p_stars,
        coalesce(offered, 0), p_facts, coalesce(p_paid_at, clock_timestamp()))
    on conflict (telegram_payment_charge_id) do nothing
    returning p.id into new_id;
    settled := 0;
    if new_id is not null and offered is not null then
        insert into credit_ledger (user_id, kind, amount, key, payment_id)
        values (p_user_id, 'purchase', offered, 'purchase:' || new_id, new_id);
    end if;
    if new_id is not null and early then
        perform record_payment_refund(p_charge_id);
    elsif new_id is not null and offered is not null then
        settled := settle_debts(p_user_id, new_id);
    end if;
    created := new_id is not null;
    select p.* into payment from payments p where p.telegram_payment_charge_id = p_charge_id;
    select a.balance into balance from credit_accounts a where a.user_id = payment.user_id;
    return next;
end $$;

-- Takes the credits back before Telegram is asked to give the Stars back. All of them or none: what was spent is not
-- refunded. A payment that is on its way back already is returned as it is.
create function begin_payment_refund(p_payment_id bigint, p_actor text, p_reason text)
returns payments
language plpgsql security definer set search_path to public, pg_temp as $$
declare
    payment payments;
    held integer;
begin
    select a.balance into held
    from credit_accounts a
    join payments p on p.user_id = a.user_id
    where p.id = p_payment_id
    for no key update of a;
    select p.* into payment from payments p where p.id = p_payment_id for no key update;
    if not found then
        raise exception using errcode = 'LK404', message = 'no_payment', detail = p_payment_id;
    end if;
    if payment.state = 'refunding' then
        return payment;
    end if;
    if payment.state <> 'paid' then
        raise exception using errcode = 'LK409', message = 'refunded_already', detail = p_payment_id;
    end if;
    if payment.credits > 0 then
        insert into credit_ledger (user_id, kind, amount, key, payment_id)
        select payment.user_id, 'taken_back', -payment.credits, 'taken_back:' || payment.id || ':' || count(*), payment.id
        from credit_ledger
        where payment_id = payment.id;
    end if;
    update payments p
    set state = 'refunding',
        refund_asked_at = clock_timestamp()
    where p.id = p_payment_id
    returning p.* into payment;
    insert into audit_log (actor, action, subject, reason, before, after)
    values (p_actor, 'payment.refund', 'payment ' || payment.id, p_reason,
        jsonb_build_object('state', 'paid', 'balance', held),
        jsonb_build_object('state', 'refunding', 'balance', held - payment.credits));
    return payment;
end $$;

-- Ends a refund: Telegram gave the Stars back, or refused for good and the credits return. False: it is not under way.
create function end_payment_refund(p_payment_id bigint, p_refunded boolean, p_reason text)
returns boolean
language plpgsql security definer set search_path to public, pg_temp as $$
declare
    payment payments;
begin
    perform
    from credit_accounts a
    join payments p on p.user_id = a.user_id
    where p.id = p_payment_id
    for no key update of a;
    update payments p
    set state = case when p_refunded then 'refunded' else 'paid' end,
        refunded_at = case when p_refunded then clock_timestamp() end
    where p.id = p_payment_id
    and p.state = 'refunding'
    returning p.* into payment;
    if not found then
        return false;
    end if;
    if not p_refunded and payment.credits > 0 then
        insert into credit_ledger (user_id, kind, amount, key, payment_id)
        select payment.user_id, 'restored', payment.credits, 'restored:' || payment.id || ':' || count(*), payment.id
        from credit_ledger
        where payment_id = payment.id;
    end if;
    insert into audit_log (actor, action, subject, reason, before, after)
    values ('telegram', 'payment.refund', 'payment ' || payment.id, p_reason,
        jsonb_build_object('state', 'refunding'), jsonb_build_object('state', payment.state));
    return true;
end $$;

-- Telegram says that the Stars went back. If that was not our doing, the credits are taken as far as they are there, and
-- the rest is owed. `changed` is false for what was known.
create function record_payment_refund(p_charge_id text)
returns table (payment payments, changed boolean, taken integer, balance integer)
language plpgsql security definer set search_path to public, pg_temp as $$
begin
    perform lock_charge(p_charge_id);
    perform
    from credit_accounts a
    join payments p on p.user_id = a.user_id
    where p.telegram_payment_charge_id = p_charge_id
    for no key update of a;
    select p.* into payment from payments p where p.telegram_payment_charge_id = p_charge_id for no key update;
    if not found then
        insert into early_refunds (telegram_payment_charge_id)
        values (p_charge_id)
        on conflict do nothing;
        return;
    end if;
    select a.balance into balance from credit_accounts a where a.user_id = payment.user_id;
    taken := 0;
    changed := payment.state in ('paid', 'refunding');
    if payment.state = 'refunding' then
        perform end_payment_refund(payment.id, true, 'refunded_payment');
    elsif payment.state = 'paid' then
        taken := least(balance, payment.credits);
        if taken > 0 then
            insert into credit_ledger (user_id, kind, amount, key, payment_id)
            select payment.user_id, 'taken_back', -taken, 'taken_back:' || payment.id || ':' || count(*), payment.id
            from credit_ledger l
            where l.payment_id = payment.id;
        end if;
        update payments p
        set state = case when taken < p.credits then 'debt' else 'refunded' end,
            owed = p.credits - taken,
            refunded_at = clock_timestamp()
        where p.id = payment.id;
        insert into audit_log (actor, action, subject, reason, before, after)
        values ('telegram', 'payment.chargeback', 'payment ' || payment.id, 'refunded_payment',
            jsonb_build_object('state', 'paid', 'balance', balance),
            jsonb_build_object('owed', payment.credits - taken, 'balance', balance - taken));
        balance := balance - taken;
    end if;
    select p.* into payment from payments p where p.telegram_payment_charge_id = p_charge_id;
    return next;
end $$;

-- Gives credits by an administrator's word, once under a key, and keeps who and why.
create function grant_credits(p_user_id bigint, p_amount integer, p_key text, p_actor text, p_reason text)
returns table (created boolean, balance integer)
language plpgsql security definer set search_path to public, pg_temp as $$
begin
    insert into credit_ledger (user_id, kind, amount, key)
    values (p_user_id, 'grant', p_amount, 'grant:' || p_key)
    on conflict (key) do nothing
    returning balance_after into balance;
    created := found;
    if created then
        insert into audit_log (actor, action, subject, reason, before, after)
        values (p_actor, 'credits.grant', 'user ' || p_user_id, p_reason,
            jsonb_build_object('balance', balance - p_amount),
            jsonb_build_object('balance', balance, 'key', p_key));
    else
        select a.balance into balance from credit_accounts a where a.user_id = p_user_id;
    end if;
    return next;
end $$;

-- Whoever redeems a code holds its row, so that its limits are counted one by one. The outcome: taken, unknown, off, over
-- (its time is), used_up (by all) or used (by this person, as often as they may).
create function redeem_promo(p_user_id bigint, p_code text, p_mark bytea)
returns table (outcome text, credits integer, balance integer)
language plpgsql security definer set search_path to public, pg_temp as $$
declare
    promo promo_codes;
    own bigint;
begin
    select c.* into promo from promo_codes c where c.code = p_code for no key update;
    if not found then
        outcome := 'unknown';
    else
        select count(*) into own from promo_uses u where u.code = p_code and u.mark = p_mark;
        outcome := case
            when not promo.is_on then 'off'
            when promo.until <= clock_timestamp() then 'over'
            when own >= promo.per_person then 'used'
            when promo.used >= promo.total then 'used_up'
            else 'taken'
        end;
    end if;
    credits := promo.credits;
    if outcome = 'taken' then
        update promo_codes c
        set used = used + 1
        where c.code = p_code;
        insert into promo_uses (code, mark, number, user_id)
        values (p_code, p_mark, own + 1, p_user_id);
        insert into credit_ledger (user_id, kind, amount, key)
        values (p_user_id, 'promo', promo.credits, 'promo:' || p_code || ':' || p_user_id || ':' || (own + 1));
    end if;
    select a.balance into balance from credit_accounts a where a.user_id = p_user_id;
    return next;
end $$;

-- The credits that a person has once in a lifetime: the key sees to it, and the mark does for a person who was erased and
-- comes back as a stranger. Null: they have had them.
create function give_trial(p_user_id bigint, p_amount integer, p_mark bytea) returns integer
language sql security definer set search_path to public, pg_temp as $$
    insert into credit_ledger (user_id, kind, amount, key)
    select p_user_id, 'trial', p_amount, 'trial:' || p_user_id
    where not exists (select from spent_trials where mark = p_mark)
    on conflict (key) do nothing
    returning balance_after;
$$;

-- Loyalty: who takes part. Every table with a partner's data has row-level security; see docs/decisions.

-- What the product runs as: it owns nothing, so it cannot go round a policy. On Neon it is given a password by hand.
do $$
begin
    if not exists (select from pg_roles where rolname = 'lotok_app') then
        create role lotok_app nologin nobypassrls;
    end if;
exception
    when duplicate_object or unique_violation then null;
end $$;
-- So that the owner may enter it: not where an administrator has seen to that, who alone may.
do $$
begin
    if not pg_has_role(current_user, 'lotok_app', case when current_setting('server_version_num') < '160000' then 'member' else 'set' end)
    then
        execute format('grant lotok_app to %I', current_user);
    end if;
end $$;
-- Its name, which differs where an owner on a server with two could not use the roles of the other.
create function app_role() returns text language sql immutable parallel safe as $$ select 'lotok_app' $$;
-- What an operation runs as.
do $$
begin
    if not exists (select from pg_roles where rolname = 'lotok_till') then
        create role lotok_till nologin nobypassrls;
    end if;
exception
    when duplicate_object or unique_violation then null;
end $$;
-- So that the owner may enter it, as with lotok_app. An operation runs as it because it belongs to it.
do $$
begin
    if not (pg_has_role(current_user, 'lotok_till', 'usage') and pg_has_role(current_user, 'lotok_till',
        case when current_setting('server_version_num') < '160000' then 'member' else 'set' end))
    then
        execute format('grant lotok_till to %I', current_user);
    end if;
end $$;
grant usage on schema public to lotok_app;
grant select, insert, update, delete on all tables in schema public to lotok_app;
grant usage, select on all sequences in schema public to lotok_app;
alter default privileges in schema public grant select, insert, update, delete on tables to lotok_app;
alter default privileges in schema public grant usage, select on sequences to lotok_app;

-- Credits are moved by functions that keep their own rules, and by nothing else.
revoke insert, update, delete on credit_ledger, payments, early_refunds, promo_uses from lotok_app;
revoke update, delete on credit_accounts from lotok_app;
grant update (told_at) on payments to lotok_app;

-- Whose rows a statement may see; set for one statement or one transaction only. Nothing set: nothing seen.
create function person() returns bigint language sql stable parallel safe as $$
    select nullif(current_setting('app.person', true), '')::bigint;
$$;
-- `platform`: for moderation, statistics of the whole platform, and the audit. A case, as the planner takes a comparison
-- for one that few rows pass, and then joins as if a shop had hardly any.
create function sees(p_partner_id bigint) returns boolean language sql stable parallel safe as $$
    select case when current_setting('app.platform', true) = 'on' then true
        else p_partner_id::text = current_setting('app.tenant', true) end;
$$;

-- For operations, which serve one shop and nothing else. Coalesced for the same reason as the case above.
create function serves(p_partner_id bigint) returns boolean language sql stable parallel safe as $$
    select coalesce(p_partner_id::text = current_setting('app.tenant', true), false);
$$;

-- A person as a client of shops. The number is proven by Telegram's contact button, so it is one person's.
create table clients (
    user_id bigint primary key references users (id),
    name text not null check (length(name) between 1 and 80),
    city text not null default '' check (length(city) <= 60),
    phone text unique check (phone ~ '^\+[1-9][0-9]{6,14}$'),
    birthday text check (birthday ~ '^(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$'),
    wants_news boolean not null default true,
    consent_at timestamptz not null default clock_timestamp(),
    created_at timestamptz not null default clock_timestamp()
);

create index clients_birthday on clients (birthday) where birthday is not null;

create table partners (
    id bigint generated always as identity primary key,
    -- in links, for ever: t.me/bot?start=p_<code>
    code text not null unique check (code ~ '^[a-z0-9]{6,16}$'),
    owner_id bigint not null references users (id),
    title text not null check (length(title) between 2 and 80),
    about text not null default '' check (length(about) <= 600),
    city text not null check (length(city) between 2 and 60),
    address text not null default '' check (length(address) <= 160),
    category text not null check (category ~ '^[a-z][a-z_]{1,30}$'),
    contact text not null default '' check (length(contact) <= 80),
    photo text not null default '' check (length(photo) <= 300),
    status text not null default 'pending' check (status in ('pending', 'approved', 'rejected', 'blocked')),
    reason text not null default '' check (length(reason) <= 300),
    tz text not null default 'Europe/Moscow',
    -- what a point is worth, in kopecks
    minor_per_point integer not null default 100 check (minor_per_point between 1 and 100000),
    earn_bp integer not null default 500 check (earn_bp between 0 and 5000),
    max_pay_pct integer not null default 50 check (max_pay_pct between 0 and 100),
    -- points for the part of a bill that was paid in money when the rest was paid in points
    earn_on_rest boolean not null default true,
    max_bill_minor bigint not null default 100000000 check (max_bill_minor between 100 and 1000000000),
    hold_days integer not null default 0 check (hold_days between 0 and 90),
    -- 0: points never expire
    expire_days integer not null default 365 check (expire_days between 0 and 3650),
    remind_days integer not null default 7 check (remind_days between 0 and 60),
    welcome_points bigint not null default 0 check (welcome_points between 0 and 100000),
    birthday_points bigint not null default 0 check (birthday_points between 0 and 100000),
    referral_levels integer not null default 1 check (referral_levels between 0 and 3),
    -- of the money paid, by level
    referral_bp integer[] not null default '{100,50,25}'
        check (cardinality(referral_bp) = 3 and 0 <= all (referral_bp) and 1000 >= all (referral_bp)),
    referral_hold_days integer not null default 14 check (referral_hold_days between 0 and 90),
    referral_cap_receipt bigint not null default 500 check (referral_cap_receipt between 0 and 100000),
    referral_cap_month bigint not null default 5000 check (referral_cap_month between 0 and 1000000),
    quick_amounts bigint[] not null default '{}' check (cardinality(quick_amounts) <= 6),
    created_at timestamptz not null default clock_timestamp(),
    decided_at timestamptz,
    -- whether a client who did not show their card has to agree before their points are spent
    confirm_spending boolean not null default true
);

create index partners_city on partners (city, category, id) where status = 'approved';
create index partners_status on partners (status, id);
create index partners_owner on partners (owner_id);

create table staff (
    partner_id bigint not null references partners (id),
    user_id bigint not null references users (id),
    role text not null check (role in ('owner', 'manager', 'cashier')),
    -- of the branch where they work; a promotion may be for one city
    city text,
    invited_by bigint references users (id),
    joined_at timestamptz not null default clock_timestamp(),
    removed_at timestamptz,
    primary key (partner_id, user_id)
);

create unique index staff_one_owner on staff (partner_id) where role = 'owner' and removed_at is null;
create index staff_user on staff (user_id) where removed_at is null;

create table staff_invites (
    partner_id bigint not null references partners (id),
    -- the link itself is nowhere to be read
    token_hash bytea not null,
    role text not null check (role in ('manager', 'cashier')),
    created_by bigint not null references users (id),
    created_at timestamptz not null default clock_timestamp(),
    expires_at timestamptz not null,
    used_by bigint references users (id),
    used_at timestamptz,
    primary key (partner_id, token_hash)
);

create table tiers (
    partner_id bigint not null references partners (id),
    id bigint generated always as identity,
    title text not null check (length(title) between 1 and 40),
    min_spent_minor bigint not null check (min_spent_minor >= 0),
    earn_bp integer not null check (earn_bp between 0 and 5000),
    primary key (partner_id, id),
    unique (partner_id, min_spent_minor)
);

create table services (
    partner_id bigint not null references partners (id),
    id bigint generated always as identity,
    category text not null check (category ~ '^[a-z][a-z_]{1,30}$'),
    title text not null check (length(title) between 2 and 80),
    about text not null default '' check (length(about) <= 600),
    photo text not null default '' check (length(photo) <= 300),
    price_points bigint not null check (price_points between 1 and 10000000),
    status text not null default 'pending' check (status in ('pending', 'approved', 'rejected')),
    reason text not null default '' check (length(reason) <= 300),
    shown boolean not null default true,
    created_by bigint references users (id),
    created_at timestamptz not null default clock_timestamp(),
    decided_at timestamptz,
    primary key (partner_id, id)
);

create index services_shown on services (category, id) where status = 'approved' and shown;
create index services_status on services (status, id);

create table promotions (
    partner_id bigint not null references partners (id),
    id bigint generated always as identity,
    kind text not null check (kind in ('multiplier', 'extra', 'news')),
    title text not null check (length(title) between 2 and 80),
    about text not null default '' check (length(about) <= 600),
    photo text not null default '' check (length(photo) <= 300),
    -- 20000: twice the points
    multiplier_bp integer not null default 10000 check (multiplier_bp between 10000 and 100000),
    extra_points bigint not null default 0 check (extra_points between 0 and 100000),
    starts_on date not null,
    ends_on date not null,
    -- bit 0 is Monday
    weekdays integer not null default 127 check (weekdays between 1 and 127),
    min_bill_minor bigint not null default 0 check (min_bill_minor >= 0),
    city text check (length(city) between 2 and 60),
    status text not null default 'pending' check (status in ('pending', 'approved', 'rejected')),
    reason text not null default '' check (length(reason) <= 300),
    shown boolean not null default true,
    created_by bigint references users (id),
    created_at timestamptz not null default clock_timestamp(),
    decided_at timestamptz,
    -- for how many bills of one client a day it counts; without a limit a bill in ten parts brings extra points ten times
    daily_limit integer check (daily_limit between 1 and 100),
    primary key (partner_id, id),
    check (ends_on >= starts_on),
    check ((kind = 'multiplier') = (multiplier_bp > 10000)),
    check ((kind = 'extra') = (extra_points > 0)),
    constraint promotions_extra_limited check (kind <> 'extra' or daily_limit is not null)
);

create index promotions_live on promotions (partner_id, ends_on) where status = 'approved' and shown;
create index promotions_shown on promotions (id) where status = 'approved' and shown;
create index promotions_status on promotions (status, id);

-- The checks of the tables that an operation writes stand together in one function of the row: Postgres reads the text of
-- every CHECK anew in every statement, which was a fifth of what an operation cost. Where an operation only updates a
-- row, a trigger asks that function when what it looks at changes.
create table members (
    partner_id bigint not null references partners (id),
    id bigint generated always as identity,
    user_id bigint not null references users (id),
    card_no bigint not null,
    -- the last four digits of the phone, for the search at the counter
    phone_tail text not null default '',
    -- set when the row is made and never again; it must exist by then, so a ring is impossible
    referrer_id bigint,
    visits integer not null default 0,
    spent_minor bigint not null default 0,
    joined_at timestamptz not null default clock_timestamp(),
    last_visit_at timestamptz,
    -- when the next of this member's points become spendable or expire
    due_at timestamptz,
    blocked_at timestamptz,
    -- the person was erased, or this account went into another one
    left_at timestamptz,
    merged_into bigint,
    -- what reversals could not take back, as it was spent: the next purchase's points repay it, or the spent ones when
    -- they come back
    owed bigint not null default 0,
    -- when they were last asked how a visit was, and which
    asked_at timestamptz,
    asked_txn bigint,
    primary key (partner_id, id),
    unique (partner_id, card_no),
    foreign key (partner_id, referrer_id) references members (partner_id, id),
    foreign key (partner_id, merged_into) references members (partner_id, id)
) with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05);

create function is_sound(r members) returns boolean language plpgsql immutable parallel safe as $$
begin
    -- a referrer must exist by then, so a ring is impossible
    return r.id > 0
        and r.card_no between 10000000 and 99999999
        and (r.phone_tail = '' or r.phone_tail ~ '^[0-9]{4}$')
        and (r.referrer_id is null or r.referrer_id < r.id)
        and (r.merged_into is null or r.left_at is not null)
        and r.owed >= 0;
end $$;

create function refuse_unsound() returns trigger language plpgsql as $$
begin
    raise exception using errcode = 'check_violation', message = format('an unsound row of %s', tg_table_name);
end $$;

create trigger sound before insert or update of id, card_no, phone_tail, referrer_id, left_at, merged_into, owed on members
    for each row when (not is_sound(new)) execute function refuse_unsound();

create unique index members_once on members (partner_id, user_id) where left_at is null;
create index members_user on members (user_id);
create index members_tail on members (partner_id, phone_tail) where phone_tail <> '';
create index members_due on members (partner_id, due_at) where due_at is not null;
create index members_referrer on members (partner_id, referrer_id, joined_at) where referrer_id is not null;

create function keep_referrer() returns trigger language plpgsql as $$
begin
    raise exception using errcode = 'restrict_violation', message = 'a referrer is for ever';
end $$;

create trigger referrer_is_for_ever before update of referrer_id on members
    for each row when (old.referrer_id is distinct from new.referrer_id) execute function keep_referrer();

create table favourites (
    user_id bigint not null references users (id),
    partner_id bigint not null references partners (id),
    created_at timestamptz not null default clock_timestamp(),
    primary key (user_id, partner_id)
);

-- Who did what; ledger operations carry their actor themselves.
create table loyalty_trail (
    id bigint generated always as identity primary key,
    partner_id bigint references partners (id),
    actor_id bigint references users (id),
    action text not null check (action ~ '^[a-z][a-z_.]{1,40}$'),
    subject text not null default '',
    before jsonb,
    after jsonb,
    created_at timestamptz not null default clock_timestamp()
);

create index loyalty_trail_partner on loyalty_trail (partner_id, id desc);
create index loyalty_trail_actor on loyalty_trail (actor_id, id desc);

create table messages (
    partner_id bigint not null references partners (id),
    id bigint generated always as identity,
    member_id bigint not null,
    -- null: the client wrote it
    staff_id bigint references users (id),
    words text not null check (length(words) between 1 and 1000),
    created_at timestamptz not null default clock_timestamp(),
    read_at timestamptz,
    primary key (partner_id, id),
    foreign key (partner_id, member_id) references members (partner_id, id)
);

create index messages_member on messages (partner_id, member_id, id desc);

alter table clients enable row level security, force row level security;
create policy own on clients to lotok_app using (
    case when current_setting('app.platform', true) = 'on' then true else user_id = (select person()) end
);
create policy tenant on clients for select to lotok_app using (
    exists (
        select from members m
        where m.partner_id = (select nullif(current_setting('app.tenant', true), '')::bigint)
        and m.user_id = clients.user_id
        and m.left_at is null
    )
);
create policy till on clients for select to lotok_till using (user_id = (select person()));
alter table partners enable row level security, force row level security;
create policy catalogue on partners for select to lotok_app using (true);
create policy tenant on partners to lotok_app using (sees(id));
create policy till on partners to lotok_till using (serves(id));
alter table staff enable row level security, force row level security;
create policy own on staff for select to lotok_app using (user_id = (select person()));
create policy tenant on staff to lotok_app using (sees(partner_id));
create policy till on staff to lotok_till using (serves(partner_id));
alter table staff_invites enable row level security, force row level security;
create policy tenant on staff_invites to lotok_app using (sees(partner_id));
alter table tiers enable row level security, force row level security;
create policy tenant on tiers to lotok_app using (sees(partner_id));
create policy till on tiers to lotok_till using (serves(partner_id));
alter table services enable row level security, force row level security;
create policy catalogue on services for select to lotok_app using (status = 'approved' and shown);
create policy tenant on services to lotok_app using (sees(partner_id));
create policy till on services to lotok_till using (serves(partner_id));
alter table promotions enable row level security, force row level security;
create policy catalogue on promotions for select to lotok_app using (status = 'approved' and shown);
create policy tenant on promotions to lotok_app using (sees(partner_id));
create policy till on promotions to lotok_till using (serves(partner_id));
alter table members enable row level security, force row level security;
create policy own on members for select to lotok_app using (user_id = (select person()));
create policy tenant on members to lotok_app using (sees(partner_id));
create policy till on members to lotok_till using (serves(partner_id));
alter table favourites enable row level security, force row level security;
create policy own on favourites to lotok_app using (user_id = (select person()));
create policy tenant on favourites for select to lotok_app using (sees(partner_id));
alter table loyalty_trail enable row level security, force row level security;
create policy tenant on loyalty_trail to lotok_app using (sees(partner_id));
create policy till on loyalty_trail to lotok_till using (serves(partner_id));
alter table messages enable row level security, force row level security;
create policy tenant on messages to lotok_app using (sees(partner_id));
create policy till on messages to lotok_till using (serves(partner_id));

revoke update, delete on loyalty_trail from lotok_app;

-- Points: an exact ledger. Every movement is a transaction whose entries sum to nought; nothing in it is ever changed.
-- A member has two accounts, `available` and `pending`; a partner's own accounts (member 0) have entries, but no
-- balance: all clients of a shop would queue up for that one row.

create table point_accounts (
    partner_id bigint not null references partners (id),
    member_id bigint not null,
    kind text not null,
    balance bigint check (balance >= 0),
    holder_id bigint generated always as (nullif(member_id, 0)) stored,
    primary key (partner_id, member_id, kind),
    foreign key (partner_id, holder_id) references members (partner_id, id)
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);

create function is_sound(r point_accounts) returns boolean language plpgsql immutable parallel safe as $$
begin
    return case when r.member_id = 0 then r.kind in ('issued', 'redeemed', 'expired') and r.balance is null
        else r.kind in ('available', 'pending') and coalesce(r.balance, -1) >= 0 end;
end $$;

create trigger sound after insert or update of member_id, kind on point_accounts
    for each row when (not is_sound(new)) execute function refuse_unsound();

create table point_txns (
    -- the shop is that of the member: a key of its own would lock its row in every operation
    partner_id bigint not null,
    id bigint generated always as identity,
    member_id bigint not null,
    kind text not null,
    idem_key text not null,
    -- of what was asked for: the same key with another request is refused
    req_hash bytea not null,
    points bigint not null,
    -- a reversed accrual: what had been spent already and could not be taken back
    missing bigint not null default 0,
    bill_minor bigint not null default 0,
    -- what of the bill was paid in money
    paid_minor bigint not null default 0,
    -- not a foreign key: all operations of a cashier would lock their row; the operation checks who it is
    actor_id bigint,
    reverses_id bigint,
    -- of points earned on the rest of a bill: the redemption; of a referral: the receipt; of a recovery: the reversal
    parent_id bigint,
    promotion_id bigint,
    service_id bigint,
    reason text not null default '',
    active_at timestamptz,
    expires_at timestamptz,
    available_after bigint not null,
    pending_after bigint not null,
    created_at timestamptz not null,
    primary key (partner_id, id),
    unique (partner_id, idem_key),
    foreign key (partner_id, member_id) references members (partner_id, id),
    foreign key (partner_id, reverses_id) references point_txns (partner_id, id),
    foreign key (partner_id, parent_id) references point_txns (partner_id, id),
    foreign key (partner_id, promotion_id) references promotions (partner_id, id),
    foreign key (partner_id, service_id) references services (partner_id, id)
) with (autovacuum_vacuum_insert_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.05);

create function is_sound(r point_txns) returns boolean language plpgsql immutable parallel safe as $$
begin
    return r.kind in ('accrue', 'redeem', 'service', 'welcome', 'birthday', 'grant', 'referral', 'activate', 'expire',
            'reverse', 'recover', 'merge')
        and (r.kind = 'reverse') = (r.reverses_id is not null)
        and least(r.points, r.missing, r.paid_minor, r.bill_minor - r.paid_minor, r.available_after, r.pending_after) >= 0
        and length(r.idem_key) between 1 and 200
        and length(r.reason) <= 300;
end $$;

alter table point_txns add constraint point_txns_sound check (is_sound(point_txns));

create unique index point_txns_one_reversal on point_txns (partner_id, reverses_id) where reverses_id is not null;
create index point_txns_parent on point_txns (partner_id, parent_id) where parent_id is not null;
create index point_txns_history on point_txns (partner_id, created_at desc, id desc);
create index point_txns_member on point_txns (partner_id, member_id, id desc);
create index point_txns_promotion on point_txns (partner_id, member_id, promotion_id, created_at)
    where promotion_id is not null;

create table point_entries (
    partner_id bigint not null,
    txn_id bigint not null,
    member_id bigint not null,
    kind text not null,
    delta bigint not null,
    -- of a member; move_points sees to it that it follows on what their account has
    balance_after bigint,
    primary key (partner_id, txn_id, member_id, kind),
    foreign key (partner_id, txn_id) references point_txns (partner_id, id)
);

-- Points that came at one time, and what of them is left. Pending ones cannot be spent yet.
create table point_lots (
    partner_id bigint not null,
    id bigint generated always as identity,
    member_id bigint not null,
    txn_id bigint not null,
    points bigint not null,
    remaining bigint not null,
    -- for the indexes: what is left may change without touching them
    is_open boolean not null generated always as (remaining > 0) stored,
    pending boolean not null,
    active_at timestamptz not null,
    expires_at timestamptz,
    reminded boolean not null default false,
    primary key (partner_id, id),
    foreign key (partner_id, member_id) references members (partner_id, id),
    foreign key (partner_id, txn_id) references point_txns (partner_id, id)
) with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05);

create function is_sound(r point_lots) returns boolean language plpgsql immutable parallel safe as $$
begin
    return r.points > 0
        and r.remaining between 0 and r.points
        and (r.expires_at is null or r.expires_at > r.active_at);
end $$;

alter table point_lots add constraint point_lots_sound check (is_sound(point_lots));

create index point_lots_fifo on point_lots (partner_id, member_id, expires_at, id) where is_open;
create index point_lots_expiry on point_lots (partner_id, expires_at) where is_open and expires_at is not null;
create index point_lots_txn on point_lots (partner_id, txn_id);

create table point_lot_uses (
    partner_id bigint not null,
    txn_id bigint not null,
    lot_id bigint not null,
    points bigint not null check (points > 0),
    primary key (partner_id, txn_id, lot_id),
    foreign key (partner_id, txn_id) references point_txns (partner_id, id),
    foreign key (partner_id, lot_id) references point_lots (partner_id, id)
);

create index point_lot_uses_lot on point_lot_uses (partner_id, lot_id);

-- A service that was paid in points and is to be had at the counter.
create table vouchers (
    partner_id bigint not null,
    txn_id bigint not null,
    member_id bigint not null,
    service_id bigint not null,
    code text not null check (code ~ '^[0-9]{8}$'),
    created_at timestamptz not null,
    expires_at timestamptz not null,
    used_by bigint references users (id),
    used_at timestamptz,
    cancelled_at timestamptz,
    primary key (partner_id, txn_id),
    unique (partner_id, code),
    foreign key (partner_id, txn_id) references point_txns (partner_id, id),
    foreign key (partner_id, member_id) references members (partner_id, id),
    foreign key (partner_id, service_id) references services (partner_id, id),
    check (used_at is null or cancelled_at is null)
);

create index vouchers_member on vouchers (partner_id, member_id, txn_id desc);

-- What a cashier wants to take from a client who did not show their card, for the client to confirm. `key_hash`: of the
-- operation's key; who made it and whose it is stand in its rows.
create table spend_requests (
    partner_id bigint not null,
    id bigint generated always as identity,
    key_hash bytea not null,
    member_id bigint not null,
    actor_id bigint not null,
    bill_minor bigint not null,
    points bigint not null check (points > 0),
    asked_at timestamptz not null default clock_timestamp(),
    expires_at timestamptz not null,
    confirmed_at timestamptz,
    refused_at timestamptz,
    primary key (partner_id, id),
    foreign key (partner_id, member_id) references members (partner_id, id),
    check (num_nonnulls(confirmed_at, refused_at) < 2)
);

create index spend_requests_key on spend_requests (partner_id, key_hash);

create table referral_rewards (
    partner_id bigint not null,
    receipt_id bigint not null,
    level integer not null check (level between 1 and 3),
    referrer_id bigint not null,
    points bigint not null check (points >= 0),
    status text not null check (status in ('paid', 'held', 'refused', 'capped', 'reversed')),
    reason text not null default '',
    txn_id bigint,
    decided_by bigint references users (id),
    created_at timestamptz not null,
    primary key (partner_id, receipt_id, level),
    foreign key (partner_id, receipt_id) references point_txns (partner_id, id),
    foreign key (partner_id, referrer_id) references members (partner_id, id),
    foreign key (partner_id, txn_id) references point_txns (partner_id, id),
    check ((status in ('paid', 'reversed')) >= (txn_id is not null))
);

create index referral_rewards_referrer on referral_rewards (partner_id, referrer_id, created_at);
create index referral_rewards_held on referral_rewards (partner_id, receipt_id) where status = 'held';

create table ratings (
    partner_id bigint not null,
    txn_id bigint not null,
    member_id bigint not null,
    score integer not null check (score between 0 and 10),
    words text not null default '' check (length(words) <= 1000),
    created_at timestamptz not null default clock_timestamp(),
    primary key (partner_id, txn_id),
    foreign key (partner_id, txn_id) references point_txns (partner_id, id),
    foreign key (partner_id, member_id) references members (partner_id, id)
);

create index ratings_partner on ratings (partner_id, created_at desc, txn_id desc);

alter table point_accounts enable row level security, force row level security;
create policy tenant on point_accounts to lotok_app using (sees(partner_id));
create policy till on point_accounts to lotok_till using (serves(partner_id));
alter table point_txns enable row level security, force row level security;
create policy tenant on point_txns to lotok_app using (sees(partner_id));
create policy till on point_txns to lotok_till using (serves(partner_id));
alter table point_entries enable row level security, force row level security;
create policy tenant on point_entries to lotok_app using (sees(partner_id));
create policy till on point_entries to lotok_till using (serves(partner_id));
alter table point_lots enable row level security, force row level security;
create policy tenant on point_lots to lotok_app using (sees(partner_id));
create policy till on point_lots to lotok_till using (serves(partner_id));
alter table point_lot_uses enable row level security, force row level security;
create policy tenant on point_lot_uses to lotok_app using (sees(partner_id));
create policy till on point_lot_uses to lotok_till using (serves(partner_id));
alter table vouchers enable row level security, force row level security;
create policy tenant on vouchers to lotok_app using (sees(partner_id));
create policy till on vouchers to lotok_till using (serves(partner_id));
alter table spend_requests enable row level security, force row level security;
create policy tenant on spend_requests to lotok_app using (sees(partner_id));
create policy till on spend_requests for select to lotok_till using (serves(partner_id));
alter table referral_rewards enable row level security, force row level security;
create policy tenant on referral_rewards to lotok_app using (sees(partner_id));
create policy till on referral_rewards to lotok_till using (serves(partner_id));
alter table ratings enable row level security, force row level security;
create policy tenant on ratings to lotok_app using (sees(partner_id));
create policy till on ratings to lotok_till using (serves(partner_id));

-- The entries of a transaction sum to nought, and the balance of a member moves by an entry and by nothing else.
create function move_points() returns trigger language plpgsql as $$
declare
    e record;
    txn bigint;
    total bigint := 0;
begin
    for e in select * from added loop
        exit when total <> 0 and e.txn_id <> txn;
        txn := e.txn_id;
        total := total + e.delta;
        if e.member_id = 0 and e.delta <> 0 and e.balance_after is null and e.kind in ('issued', 'redeemed', 'expired') then
            continue;
        end if;
        update point_accounts
        set balance = e.balance_after
        where partner_id = e.partner_id
        and member_id = e.member_id
        and kind = e.kind
        and balance + e.delta = e.balance_after
        and e.delta <> 0;
        if not found then
            raise exception using errcode = 'restrict_violation', message = 'the entry does not follow on the balance';
        end if;
    end loop;
    if total <> 0 then
        raise exception using errcode = 'restrict_violation', message = 'the entries do not sum to nought';
    end if;
    return null;
end $$;

create function keep_points() returns trigger language plpgsql as $$
begin
    raise exception using errcode = 'restrict_violation',
        message = format('%s of %s is not allowed: points move by inserting into point_entries', tg_op, tg_table_name);
end $$;

create trigger move_points after insert on point_entries
    referencing new table as added for each statement execute function move_points();
create trigger append_only before update or delete on point_entries for each row execute function keep_points();
create trigger append_only before delete on point_txns for each row execute function keep_points();
create trigger append_only before update or delete on point_lot_uses for each row execute function keep_points();
create trigger never_truncate before truncate on point_entries for each statement execute function keep_points();
create trigger never_truncate before truncate on point_txns for each statement execute function keep_points();
create trigger never_truncate before truncate on point_lot_uses for each statement execute function keep_points();
create trigger open_empty before insert on point_accounts
    for each row when (new.balance <> 0) execute function keep_points();
create trigger balance_by_entries before update on point_accounts
    for each row when (pg_trigger_depth() = 0) execute function keep_points();
create trigger keep_account before delete on point_accounts for each row execute function keep_points();

-- lotok_app writes of it only what moves no point; the rest is written by operations.
revoke insert, update, delete on point_txns, point_entries, point_lot_uses, point_lots, vouchers, referral_rewards, members
    from lotok_app;
revoke update, delete on point_accounts from lotok_app;
grant update (reminded) on point_lots to lotok_app;
grant update (used_by, used_at) on vouchers to lotok_app;
grant update (user_id, phone_tail, blocked_at, asked_at, asked_txn) on members to lotok_app;

grant usage on schema public to lotok_till;
grant select on partners, staff, tiers, services, promotions, jobs, job_history, spent_keys to lotok_till;
grant select, insert, update on members, point_accounts, point_lots, vouchers, referral_rewards to lotok_till;
grant select, insert on point_txns, point_entries, point_lot_uses to lotok_till;
grant select on spend_requests to lotok_till;
grant insert, delete on jobs to lotok_till;
grant insert on loyalty_trail to lotok_till;
grant select (user_id, phone) on clients to lotok_till;
grant select (partner_id, member_id), update (member_id), delete on messages to lotok_till;
grant select (partner_id, member_id, words), update (member_id, words) on ratings to lotok_till;
grant usage, select on all sequences in schema public to lotok_till;


-- What every operation answers with, the first time and at every repetition of its key.
create type point_receipt as (
    txn_id bigint, member_id bigint, user_id bigint, kind text, points bigint, earned bigint, missing bigint,
    bill_minor bigint, paid_minor bigint, available bigint, pending bigint, promotion_id bigint,
    active_at timestamptz, expires_at timestamptz, created_at timestamptz, code text, repeated boolean,
    recovered bigint
);

-- `t` has the balances after all that went with it.
create function receipt_of(
    t point_txns, rest point_txns, p_user_id bigint, p_code text, p_repeated boolean, p_recovered bigint default 0
) returns point_receipt language plpgsql as $$
declare
    -- an operation ends here, and so does its scope, also inside a longer transaction
    scope text := set_config('app.tenant', '', true);
begin
    return (t.id, t.member_id, p_user_id, t.kind, t.points,
        coalesce(rest.points, case when t.kind = 'accrue' then t.points else 0 end), t.missing, t.bill_minor,
        t.paid_minor, t.available_after, t.pending_after, coalesce(rest.promotion_id, t.promotion_id),
        coalesce(rest.active_at, t.active_at), coalesce(rest.expires_at, t.expires_at), t.created_at, p_code,
        p_repeated, p_recovered)::point_receipt;
end $$;

-- The answer to a key that came before.
create function receipt_again(p_partner_id bigint, p_txn_id bigint, p_user_id bigint) returns point_receipt
language plpgsql as $$
declare
    t point_txns;
    rest point_txns;
    recovered bigint;
begin
    select * into t from point_txns where partner_id = p_partner_id and id = p_txn_id;
    select * into rest
    from point_txns
    where partner_id = p_partner_id and parent_id = p_txn_id and kind = 'accrue' and t.kind = 'redeem';
    -- as it was after the last that went with it
    select (array_agg(available_after order by id desc))[1], (array_agg(pending_after order by id desc))[1],
        sum(missing), coalesce(sum(points) filter (where kind = 'recover'), 0)
    into t.available_after, t.pending_after, t.missing, recovered
    from point_txns
    where partner_id = p_partner_id
    and idem_key in (t.idem_key, t.idem_key || ':owed', t.idem_key || ':rest', t.idem_key || ':rest:owed');
    return receipt_of(t, rest, p_user_id, (
        select code from vouchers where partner_id = p_partner_id and txn_id = p_txn_id
    ), true, recovered);
end $$;

-- Who may do it at all: the shop is open for business and the actor works there, in one of the roles (null: anybody).
create function refuse_actor(
    p_partner_id bigint, p_status text, p_reason text, p_actor_id bigint, p_role text, p_roles text[]
) returns void language plpgsql immutable as $$
begin
    if p_status is null then
        raise exception using errcode = 'LK404', message = 'no_partner', detail = p_partner_id::text;
    end if;
    if p_status = 'blocked' then
        raise exception using errcode = 'LK403', message = 'partner_blocked', detail = p_reason;
    end if;
    if p_status <> 'approved' then
        raise exception using errcode = 'LK403', message = 'partner_not_approved', detail = p_status;
    end if;
    if p_roles is null then
        return;
    end if;
    if p_role is null then
        raise exception using errcode = 'LK403', message = 'not_staff', detail = p_actor_id::text;
    end if;
    if p_role <> all (p_roles) then
        raise exception using errcode = 'LK403', message = 'role_too_low', detail = p_role;
    end if;
end $$;

create function admit_staff(p_partner_id bigint, p_actor_id bigint, p_roles text[]) returns partners
language plpgsql stable as $$
declare
    p partners;
begin
    select * into p from partners where id = p_partner_id;
    perform refuse_actor(p_partner_id, p.status, p.reason, p_actor_id, (
        select role from staff where partner_id = p_partner_id and user_id = p_actor_id and removed_at is null
    ), p_roles);
    return p;
end $$;

-- All operations of one member queue up for the member's row. clock_timestamp(), never now(): a transaction that waited
-- here began before what it waited for.
create function lock_member(p_partner_id bigint, p_member_id bigint) returns members language plpgsql as $$
declare
    m members;
begin
    select * into m from members where partner_id = p_partner_id and id = p_member_id for no key update;
    if m.id is null then
        raise exception using errcode = 'LK404', message = 'no_member', detail = p_member_id::text;
    end if;
    return m;
end $$;

create function refuse_closed(m members) returns void language plpgsql immutable as $$
begin
    if m.left_at is not null then
        raise exception using errcode = 'LK404', message = 'no_member', detail = m.id::text;
    end if;
    if m.blocked_at is not null then
        raise exception using errcode = 'LK403', message = 'member_blocked', detail = m.id::text;
    end if;
end $$;

-- The same key with another request.
create function refuse_reuse(p_key text, p_hash bytea, p_had bytea) returns void language plpgsql immutable as $$
begin
    if p_hash <> p_had then
        raise exception using errcode = 'LK409', message = 'key_reused', detail = p_key;
    end if;
end $$;

-- What an operation stands on: the shop's rules, the actor, the member, and what the key did before, in one read.
create type point_desk as (
    partner_id bigint, status text, reason text, tz text, minor_per_point integer, max_pay_pct integer,
    earn_on_rest boolean, max_bill_minor bigint, hold_days integer, expire_days integer, referral_levels integer,
    role text, member_id bigint, user_id bigint, referrer_id bigint, available bigint, pending bigint, most bigint,
    paid_minor bigint, earned bigint, promotion_id bigint, done_id bigint, done_hash bytea, at timestamptz, owed bigint
);

-- A bill earns at the tier's rate, rounded down once, for the whole of it; of the promotions the one that gives most
-- counts. Many small reads, as a join of them all costs Postgres more to set up than to run.
create function read_desk(
    m members, p_actor_id bigint, p_key text, p_bill_minor bigint, p_points bigint, p_at timestamptz
) returns point_desk language plpgsql stable as $$
declare
    d point_desk;
    town text;
    bp bigint;
    tier_bp bigint;
    here timestamp;
    more bigint;
    offer_id bigint;
begin
    d.member_id := m.id;
    d.user_id := m.user_id;
    d.referrer_id := m.referrer_id;
    d.owed := m.owed;
    d.at := p_at;
    select id, req_hash into d.done_id, d.done_hash
    from point_txns
    where partner_id = m.partner_id and idem_key = p_key;
    if d.done_id is not null then
        return d;
    end if;
    select id, status, reason, tz, minor_per_point, max_pay_pct, earn_on_rest, max_bill_minor, hold_days, expire_days,
        referral_levels, city, earn_bp
    into d.partner_id, d.status, d.reason, d.tz, d.minor_per_point, d.max_pay_pct, d.earn_on_rest, d.max_bill_minor,
        d.hold_days, d.expire_days, d.referral_levels, town, bp
    from partners
    where id = m.partner_id;
    select role, coalesce(city, town) into d.role, town
    from staff
    where partner_id = m.partner_id and user_id = p_actor_id and removed_at is null;
    select max(balance) filter (where kind = 'available'), max(balance) filter (where kind = 'pending')
    into d.available, d.pending
    from point_accounts
    where partner_id = m.partner_id and member_id = m.id;
    if p_bill_minor is null or p_bill_minor > d.max_bill_minor then
        return d;
    end if;
    select earn_bp into tier_bp
    from tiers
    where partner_id = m.partner_id and min_spent_minor <= m.spent_minor
    order by min_spent_minor desc
    limit 1;
    bp := coalesce(tier_bp, bp);
    here := p_at at time zone d.tz;
    d.most := p_bill_minor * d.max_pay_pct / (100::bigint * d.minor_per_point);
    if p_points not between 0 and d.most then
        return d;
    end if;
    d.paid_minor := p_bill_minor - p_points * d.minor_per_point;
    d.earned := d.paid_minor * bp / (10000::bigint * d.minor_per_point);
    select id, d.paid_minor * bp * multiplier_bp / (10000::bigint * 10000 * d.minor_per_point) + extra_points
    into offer_id, more
    from promotions o
    where partner_id = m.partner_id
    and status = 'approved'
    and shown
    and ends_on >= here::date
    and kind <> 'news'
    and starts_on <= here::date
    and min_bill_minor <= d.paid_minor
    and weekdays & (1 << (extract(isodow from here)::integer - 1)) <> 0
    and (city is null or lower(city) = lower(town))
    and (daily_limit is null or daily_limit > (
        select count(*)
        from point_txns t
        where t.partner_id = m.partner_id
        and t.member_id = m.id
        and t.promotion_id = o.id
        and t.created_at >= shop_midnight(d.tz, p_at, 0)
        and not exists (select from point_txns r where r.partner_id = t.partner_id and r.reverses_id = t.id)
    ))
    order by 2 desc, id
    limit 1;
    if more > d.earned then
        d.earned := more;
        d.promotion_id := offer_id;
    end if;
    return d;
end $$;

-- The beginning of every operation: waits for the member, reads, refuses, and settles what has come due.
create function open_desk(
    p_partner_id bigint, p_member_id bigint, p_actor_id bigint, p_roles text[], p_key text, p_hash bytea,
    p_bill_minor bigint, p_points bigint, p_now timestamptz
) returns point_desk language plpgsql as $$
declare
    scope text := set_config('app.tenant', p_partner_id::text, true);
    m members := lock_member(p_partner_id, p_member_id);
    at timestamptz := coalesce(p_now, clock_timestamp());
    d point_desk := read_desk(m, p_actor_id, p_key, p_bill_minor, p_points, at);
begin
    if d.done_id is not null then
        perform refuse_reuse(p_key, p_hash, d.done_hash);
        return d;
    end if;
    if (d.status = 'approved' and (p_roles is null or d.role = any (p_roles))) is not true then
        perform refuse_actor(p_partner_id, d.status, d.reason, p_actor_id, d.role, p_roles);
    end if;
    if m.left_at is not null or m.blocked_at is not null then
        perform refuse_closed(m);
    end if;
    if m.due_at <= at then
        perform settle_member(m, at);
        d := read_desk(m, p_actor_id, p_key, p_bill_minor, p_points, at);
    end if;
    return d;
end $$;

-- Writes a movement: the transaction, its two entries, the lot of new points, and the member's row, in one statement.
-- The member's row is locked by the caller. `t` may bring the balances before it; p_spent: money, if it was a visit.
create function post_points(t point_txns, p_from text, p_to text, p_spent bigint default null) returns point_txns
language plpgsql as $$
declare
    from_member bigint := case when p_from in ('available', 'pending') then t.member_id else 0 end;
    to_member bigint := case when p_to in ('available', 'pending') then t.member_id else 0 end;
    due timestamptz := case when p_from = 'issued' and p_to = 'pending' then t.active_at
        when p_from = 'issued' then t.expires_at end;
begin
    if t.available_after is null then
        select a.balance, w.balance into t.available_after, t.pending_after
        from point_accounts a
        join point_accounts w on w.partner_id = a.partner_id and w.member_id = a.member_id and w.kind = 'pending'
        where a.partner_id = t.partner_id and a.member_id = t.member_id and a.kind = 'available';
    end if;
    t.missing := coalesce(t.missing, 0);
    t.bill_minor := coalesce(t.bill_minor, 0);
    t.paid_minor := coalesce(t.paid_minor, 0);
    t.reason := coalesce(t.reason, '');
    t.available_after := t.available_after
        + case 'available' when p_to then t.points when p_from then -t.points else 0 end;
    t.pending_after := t.pending_after + case 'pending' when p_to then t.points when p_from then -t.points else 0 end;
    with txn as (
        insert into point_txns (partner_id, member_id, kind, idem_key, req_hash, points, missing, bill_minor,
            paid_minor, actor_id, reverses_id, parent_id, promotion_id, service_id, reason, active_at, expires_at,
            available_after, pending_after, created_at)
        values (t.partner_id, t.member_id, t.kind, t.idem_key, t.req_hash, t.points, t.missing, t.bill_minor,
            t.paid_minor, t.actor_id, t.reverses_id, t.parent_id, t.promotion_id, t.service_id, t.reason, t.active_at,
            t.expires_at, t.available_after, t.pending_after, t.created_at)
        on conflict (partner_id, idem_key) do nothing
        returning id
    ), entries as (
        insert into point_entries (partner_id, txn_id, member_id, kind, delta, balance_after)
        select t.partner_id, txn.id, e.member_id, e.kind, e.delta,
            case when e.member_id > 0 then
                case e.kind when 'available' then t.available_after else t.pending_after end
            end
        from txn, (values (from_member, p_from, -t.points), (to_member, p_to, t.points)) e (member_id, kind, delta)
        where t.points > 0
    ), lot as (
        insert into point_lots (partner_id, member_id, txn_id, points, remaining, pending, active_at, expires_at)
        select t.partner_id, t.member_id, txn.id, t.points, t.points, p_to = 'pending', t.active_at, t.expires_at
        from txn
        where p_from = 'issued'
    ), member as (
        update members
        set visits = visits + case when p_spent is null then 0 else 1 end,
            spent_minor = spent_minor + coalesce(p_spent, 0),
            last_visit_at = case when p_spent is null then last_visit_at else t.created_at end,
            due_at = least(due_at, due)
        where partner_id = t.partner_id
        and id = t.member_id
        and (p_spent is not null or due < coalesce(due_at, 'infinity'))
    )
    select id into t.id from txn;
    if not found then
        -- another member's operation took the key while this one waited
        raise exception using errcode = 'LK409', message = 'key_reused', detail = t.idem_key;
    end if;
    return t;
end $$;

-- The beginning of a day at the shop, so and so many days on: local midnight, whatever summer time does.
create function shop_midnight(p_tz text, p_moment timestamptz, p_days integer) returns timestamptz
language sql immutable as $$
    select ((p_moment at time zone p_tz)::date + p_days)::timestamp at time zone p_tz;
$$;

-- New points wait p_hold days and live the shop's days.
create function issue_points(t point_txns, p_tz text, p_expire integer, p_hold integer, p_spent bigint)
returns point_txns language plpgsql as $$
begin
    t.active_at := case when p_hold > 0 then shop_midnight(p_tz, t.created_at, p_hold) else t.created_at end;
    t.expires_at := case when p_expire > 0 then shop_midnight(p_tz, t.active_at, p_expire + 1) end;
    return post_points(t, 'issued', case when p_hold > 0 then 'pending' else 'available' end, p_spent);
end $$;

create function next_points_due(p_partner_id bigint, p_member_id bigint) returns timestamptz language sql stable as $$
    select min(case when pending then active_at else expires_at end)
    from point_lots
    where partner_id = p_partner_id and member_id = p_member_id and is_open;
$$;

-- Makes spendable what waited long enough and takes what has expired. Every operation on a member begins with it, so a
-- night job that is late makes no difference to anybody.
create function settle_member(m members, p_now timestamptz) returns void language plpgsql as $$
declare
    t point_txns;
    number bigint;
begin
    if m.due_at is null or m.due_at > p_now then
        return;
    end if;
    t.partner_id := m.partner_id;
    t.member_id := m.id;
    t.req_hash := '';
    t.created_at := p_now;
    with due as (
        update point_lots
        set pending = false
        where partner_id = m.partner_id and member_id = m.id and is_open and pending and active_at <= p_now
        returning remaining
    )
    select sum(remaining) into number from due;
    if number > 0 then
        t.kind := 'activate';
        t.idem_key := 'activate:' || gen_random_uuid();
        t.points := number;
        perform post_points(t, 'pending', 'available');
    end if;
    select sum(remaining) into number
    from point_lots
    where partner_id = m.partner_id and member_id = m.id and is_open and not pending and expires_at <= p_now;
    if number > 0 then
        t.kind := 'expire';
        t.idem_key := 'expire:' || gen_random_uuid();
        t.points := number;
        t := post_points(t, 'available', 'expired');
        insert into point_lot_uses (partner_id, txn_id, lot_id, points)
        select partner_id, t.id, id, remaining
        from point_lots
        where partner_id = m.partner_id and member_id = m.id and is_open and not pending and expires_at <= p_now;
        update point_lots
        set remaining = 0
        where partner_id = m.partner_id and member_id = m.id and is_open and not pending and expires_at <= p_now;
    end if;
    update members
    set due_at = next_points_due(m.partner_id, m.id)
    where partner_id = m.partner_id and id = m.id;
end $$;

-- Takes points out of the lots that expire first, that of p_first before all others.
create function use_lots(p_partner_id bigint, p_member_id bigint, p_txn_id bigint, p_points bigint, p_first bigint)
returns void language plpgsql as $$
declare
    part bigint;
    need bigint := p_points;
begin
    while need > 0 loop
        with lot as (
            select id, least(need, remaining) as points
            from point_lots
            where partner_id = p_partner_id and member_id = p_member_id and is_open and not pending
            and (p_first is null or txn_id = p_first)
            order by expires_at, id
            limit 1
        ), used as (
            insert into point_lot_uses (partner_id, txn_id, lot_id, points)
            select p_partner_id, p_txn_id, id, points from lot
        )
        update point_lots l
        set remaining = l.remaining - lot.points
        from lot
        where l.partner_id = p_partner_id and l.id = lot.id
        returning lot.points into part;
        if part is null and p_first is null then
            raise exception using errcode = 'restrict_violation', message = 'the lots hold less than the balance';
        end if;
        need := need - coalesce(part, 0);
        p_first := null;
    end loop;
end $$;

-- A receipt of somebody who was invited is looked at by a job: rewards need the referrers' rows, which are others'.
create function queue_referrals(p_partner_id bigint, p_receipt_id bigint, p_key text) returns void
language plpgsql as $$
begin
    insert into jobs (task, key, args, turn, max_attempts)
    values ('referrals', 'referrals:' || p_partner_id || ':' || p_key,
        jsonb_build_object('partner_id', p_partner_id, 'receipt_id', p_receipt_id),
        next_turn(null, 'referrals', 0::smallint), 10)
    on conflict (key) do nothing;
end $$;

-- New points of a purchase first repay what earlier reversals could not take back, out of their own lot.
create function repay_owed(t point_txns, p_owed bigint, p_from text) returns point_txns language plpgsql as $$
declare
    back point_txns;
begin
    back.partner_id := t.partner_id;
    back.member_id := t.member_id;
    back.kind := 'recover';
    back.idem_key := t.idem_key || ':owed';
    back.req_hash := t.req_hash;
    back.actor_id := t.actor_id;
    back.parent_id := t.id;
    back.points := least(p_owed, t.points);
    back.available_after := t.available_after;
    back.pending_after := t.pending_after;
    back.created_at := t.created_at;
    back := post_points(back, p_from, 'issued');
    with lot as (
        update point_lots
        set remaining = remaining - back.points
        where partner_id = t.partner_id and txn_id = t.id
        returning id
    )
    insert into point_lot_uses (partner_id, txn_id, lot_id, points)
    select t.partner_id, back.id, lot.id, back.points from lot;
    update members set owed = owed - back.points where partner_id = t.partner_id and id = t.member_id;
    return back;
end $$;

-- What the bill has earned, which may be nothing; p_spent as in post_points. The balances are those after all of it.
create function earn_points(d point_desk, t point_txns, p_spent bigint) returns point_txns language plpgsql as $$
declare
    back point_txns;
begin
    t.points := d.earned;
    t.promotion_id := d.promotion_id;
    t := issue_points(t, d.tz, d.expire_days, d.hold_days, p_spent);
    if d.referrer_id is not null and d.referral_levels > 0 then
        perform queue_referrals(d.partner_id, t.id, t.id::text);
    end if;
    if d.owed > 0 then
        back := repay_owed(t, d.owed, case when d.hold_days > 0 then 'pending' else 'available' end);
        t.available_after := back.available_after;
        t.pending_after := back.pending_after;
    end if;
    return t;
end $$;

create function refuse_bill(d point_desk, p_bill_minor bigint) returns void language plpgsql immutable as $$
begin
    if p_bill_minor is null or p_bill_minor <= 0 then
        raise exception using errcode = 'LK400', message = 'amount_zero', detail = coalesce(p_bill_minor::text, '');
    end if;
    if p_bill_minor > d.max_bill_minor then
        raise exception using errcode = 'LK400', message = 'amount_over_limit', detail = d.max_bill_minor::text;
    end if;
end $$;

-- A transaction of this member, not yet written; the balances are those before it.
create function new_points(d point_desk, p_kind text, p_key text, p_hash bytea, p_actor_id bigint) returns point_txns
language plpgsql immutable as $$
declare
    t point_txns;
begin
    t.partner_id := d.partner_id;
    t.member_id := d.member_id;
    t.kind := p_kind;
    t.idem_key := p_key;
    t.req_hash := p_hash;
    t.actor_id := p_actor_id;
    t.available_after := d.available;
    t.pending_after := d.pending;
    t.created_at := d.at;
    return t;
end $$;

-- The same bill of the same client a moment ago is as likely the same purchase: the cashier says that it is another one.
create function refuse_again(d point_desk, p_bill_minor bigint) returns void language plpgsql stable as $$
begin
    if exists (
        select
        from point_txns t
        where t.partner_id = d.partner_id
        and t.member_id = d.member_id
        and t.created_at > d.at - interval '2 minutes'
        and t.created_at <= d.at
        and t.kind in ('accrue', 'redeem')
        and t.parent_id is null
        and t.bill_minor = p_bill_minor
        and not exists (select from point_txns r where r.partner_id = t.partner_id and r.reverses_id = t.id)
    ) then
        raise exception using errcode = 'LK409', message = 'bill_again', detail = p_bill_minor::text;
    end if;
end $$;

-- Points of a client who did not show their card are spent only when they have agreed, to this very operation; a shop may
-- do without.
create function refuse_unconfirmed(d point_desk, p_actor_id bigint, p_key text, p_bill_minor bigint, p_points bigint)
returns void language plpgsql stable as $$
begin
    if (select confirm_spending from partners where id = d.partner_id) and not exists (
        select
        from spend_requests
        where partner_id = d.partner_id
        and key_hash = sha256(convert_to(p_key, 'UTF8'))
        and (member_id, actor_id, bill_minor, points) = (d.member_id, p_actor_id, p_bill_minor, p_points)
        and confirmed_at > d.at - interval '10 minutes'
    ) then
        raise exception using errcode = 'LK403', message = 'not_confirmed', detail = d.member_id::text;
    end if;
end $$;

-- p_again: also if the same bill was here a moment ago.
create function accrue_points(
    p_partner_id bigint, p_member_id bigint, p_actor_id bigint, p_key text, p_bill_minor bigint, p_now timestamptz,
    p_again boolean default true
) returns point_receipt language plpgsql security definer
    set plan_cache_mode to force_generic_plan set enable_seqscan to off set search_path to public, pg_temp as $$
declare
    asked bytea := sha256(convert_to(concat_ws(':', 'accrue', p_member_id, p_bill_minor), 'UTF8'));
    d point_desk;
    t point_txns;
begin
    d := open_desk(p_partner_id, p_member_id, p_actor_id, '{owner,manager,cashier}', p_key, asked, p_bill_minor, 0, p_now);
    if d.done_id is not null then
        return receipt_again(p_partner_id, d.done_id, d.user_id);
    end if;
    if (p_bill_minor between 1 and d.max_bill_minor) is not true then
        perform refuse_bill(d, p_bill_minor);
    end if;
    if d.earned = 0 then
        raise exception using errcode = 'LK400', message = 'bill_too_small', detail = p_bill_minor::text;
    end if;
    if not p_again then
        perform refuse_again(d, p_bill_minor);
    end if;
    t := new_points(d, 'accrue', p_key, asked, p_actor_id);
    t.bill_minor := p_bill_minor;
    t.paid_minor := p_bill_minor;
    t := earn_points(d, t, p_bill_minor);
    return receipt_of(t, null, d.user_id, null, false, least(d.owed, t.points));
end $$;

create function refuse_short(d point_desk) returns void language plpgsql immutable as $$
begin
    raise exception using errcode = 'LK409', message = 'short_of_points', detail = d.available::text;
end $$;

-- p_shown: the client has shown their card for it; p_again as above.
create function redeem_points(
    p_partner_id bigint, p_member_id bigint, p_actor_id bigint, p_key text, p_bill_minor bigint, p_points bigint,
    p_now timestamptz, p_shown boolean default true, p_again boolean default true
) returns point_receipt language plpgsql security definer
    set plan_cache_mode to force_generic_plan set enable_seqscan to off set search_path to public, pg_temp as $$
declare
    asked bytea := sha256(convert_to(concat_ws(':', 'redeem', p_member_id, p_bill_minor, p_points), 'UTF8'));
    d point_desk;
    t point_txns;
    rest point_txns;
begin
    d := open_desk(p_partner_id, p_member_id, p_actor_id, '{owner,manager,cashier}', p_key, asked, p_bill_minor,
        p_points, p_now);
    if d.done_id is not null then
        return receipt_again(p_partner_id, d.done_id, d.user_id);
    end if;
    if (p_bill_minor between 1 and d.max_bill_minor) is not true then
        perform refuse_bill(d, p_bill_minor);
    end if;
    if p_points is null or p_points <= 0 then
        raise exception using errcode = 'LK400', message = 'points_zero', detail = coalesce(p_points::text, '');
    end if;
    if p_points > d.most then
        raise exception using errcode = 'LK400', message = 'over_share', detail = d.most::text;
    end if;
    if d.available < p_points then
        perform refuse_short(d);
    end if;
    if not p_again then
        perform refuse_again(d, p_bill_minor);
    end if;
    if not p_shown then
        perform refuse_unconfirmed(d, p_actor_id, p_key, p_bill_minor, p_points);
    end if;
    t := new_points(d, 'redeem', p_key, asked, p_actor_id);
    t.points := p_points;
    t.bill_minor := p_bill_minor;
    t.paid_minor := d.paid_minor;
    t := post_points(t, 'available', 'redeemed', t.paid_minor);
    perform use_lots(p_partner_id, p_member_id, t.id, p_points, null);
    if d.earn_on_rest and d.earned > 0 then
        rest := t;
        rest.kind := 'accrue';
        rest.idem_key := p_key || ':rest';
        rest.parent_id := t.id;
        rest.bill_minor := t.paid_minor;
        rest := earn_points(d, rest, null);
        t.available_after := rest.available_after;
        t.pending_after := rest.pending_after;
    end if;
    return receipt_of(t, rest, d.user_id, null, false, least(d.owed, coalesce(rest.points, 0)));
end $$;

-- The client's own doing: a service for points, to be had at the counter by the voucher's code.
create function buy_service(
    p_partner_id bigint, p_member_id bigint, p_actor_id bigint, p_key text, p_service_id bigint, p_days integer,
    p_now timestamptz, p_price bigint default null
) returns point_receipt language plpgsql security definer
    set plan_cache_mode to force_generic_plan set enable_seqscan to off set search_path to public, pg_temp as $$
declare
    asked bytea := sha256(convert_to(concat_ws(':', 'service', p_member_id, p_service_id), 'UTF8'));
    d point_desk;
    s services;
    t point_txns;
    voucher text;
begin
    d := open_desk(p_partner_id, p_member_id, p_actor_id, null, p_key, asked, null, null, p_now);
    if d.done_id is not null then
        return receipt_again(p_partner_id, d.done_id, d.user_id);
    end if;
    if d.user_id <> p_actor_id then
        raise exception using errcode = 'LK404', message = 'no_member', detail = p_member_id::text;
    end if;
    select * into s
    from services
    where partner_id = p_partner_id and id = p_service_id and status = 'approved' and shown;
    if s.id is null then
        raise exception using errcode = 'LK404', message = 'no_service', detail = p_service_id::text;
    end if;
    if s.price_points <> p_price then
        raise exception using errcode = 'LK409', message = 'price_changed', detail = s.price_points::text;
    end if;
    if d.available < s.price_points then
        perform refuse_short(d);
    end if;
    t := new_points(d, 'service', p_key, asked, p_actor_id);
    t.points := s.price_points;
    t.service_id := s.id;
    t := post_points(t, 'available', 'redeemed', null);
    perform use_lots(p_partner_id, p_member_id, t.id, t.points, null);
    loop
        insert into vouchers (partner_id, txn_id, member_id, service_id, code, created_at, expires_at)
        values (p_partner_id, t.id, p_member_id, s.id, lpad(floor(random() * 100000000)::bigint::text, 8, '0'),
            t.created_at, shop_midnight(d.tz, t.created_at, p_days + 1))
        on conflict (partner_id, code) do nothing
        returning code into voucher;
        exit when found;
    end loop;
    return receipt_of(t, null, d.user_id, voucher, false);
end $$;

-- Points without a bill: by hand with a reason, for a birthday, for joining.
create function grant_points(
    p_partner_id bigint, p_member_id bigint, p_actor_id bigint, p_key text, p_kind text, p_points bigint,
    p_reason text, p_now timestamptz
) returns point_receipt language plpgsql security definer
    set plan_cache_mode to force_generic_plan set enable_seqscan to off set search_path to public, pg_temp as $$
declare
    asked bytea := sha256(convert_to(concat_ws(':', p_kind, p_member_id, p_points), 'UTF8'));
    d point_desk;
    t point_txns;
begin
    d := open_desk(p_partner_id, p_member_id, p_actor_id, case p_kind when 'grant' then '{owner,manager}'::text[] end,
        p_key, asked, null, null, p_now);
    if d.done_id is not null then
        return receipt_again(p_partner_id, d.done_id, d.user_id);
    end if;
    if p_points is null or p_points <= 0 or p_points > 1000000 then
        raise exception using errcode = 'LK400', message = 'points_zero', detail = coalesce(p_points::text, '');
    end if;
    t := new_points(d, p_kind, p_key, asked, p_actor_id);
    t.points := p_points;
    t.reason := left(coalesce(p_reason, ''), 300);
    if p_kind = 'birthday' then
        perform remember(d.user_id, 'birthday', p_partner_id, d.at + interval '330 days');
    end if;
    return receipt_of(issue_points(t, d.tz, d.expire_days, 0, null), null, d.user_id, null, false);
end $$;

-- Takes back new points: out of the lot while it waits, else out of the balance, its own lot first. What has been spent,
-- or has repaid what was owed, is written down as missing. The member's row is locked by the caller.
create function take_back(t point_txns, r point_txns) returns point_txns language plpgsql as $$
declare
    lot point_lots;
    has bigint;
    expired bigint := 0;
begin
    select * into lot from point_lots where partner_id = t.partner_id and txn_id = t.id;
    if lot.pending then
        r.points := lot.remaining;
    else
        select balance into has
        from point_accounts
        where partner_id = t.partner_id and member_id = r.member_id and kind = 'available';
        select coalesce(sum(u.points), 0) into expired
        from point_lot_uses u
        join point_txns x on x.partner_id = u.partner_id and x.id = u.txn_id and x.kind = 'expire'
        where u.partner_id = lot.partner_id and u.lot_id = lot.id;
        r.points := least(t.points - expired, has);
    end if;
    r.missing := t.points - expired - r.points;
    r := post_points(r, case when lot.pending then 'pending' else 'available' end, 'issued');
    if lot.pending and lot.remaining > 0 then
        insert into point_lot_uses (partner_id, txn_id, lot_id, points)
        values (r.partner_id, r.id, lot.id, lot.remaining);
        update point_lots set remaining = 0 where partner_id = lot.partner_id and id = lot.id;
    elsif not lot.pending then
        perform use_lots(t.partner_id, r.member_id, r.id, r.points, t.id);
    end if;
    if r.missing > 0 then
        update members set owed = owed + r.missing where partner_id = r.partner_id and id = r.member_id;
    end if;
    return r;
end $$;

-- Gives spent points back into the very lots they came from. What an earlier reversal could not take, as it had been spent
-- here, goes now: whatever is reversed first, the client ends with the same.
create function give_back(t point_txns, r point_txns) returns point_txns language plpgsql as $$
declare
    late point_txns := r;
begin
    r.points := t.points;
    r := post_points(r, 'redeemed', 'available');
    update point_lots l
    set remaining = l.remaining + u.points
    from point_lot_uses u
    where u.partner_id = t.partner_id
    and u.txn_id = t.id
    and l.partner_id = u.partner_id
    and l.id = u.lot_id;
    select least(owed, r.points) into late.points from members where partner_id = r.partner_id and id = r.member_id;
    if late.points > 0 then
        late.kind := 'recover';
        late.idem_key := r.idem_key || ':owed';
        late.parent_id := r.id;
        late.reverses_id := null;
        late.bill_minor := 0;
        late.paid_minor := 0;
        late := post_points(late, 'available', 'issued');
        perform use_lots(late.partner_id, late.member_id, late.id, late.points, null);
        r.available_after := late.available_after;
    end if;
    update members
    set due_at = next_points_due(t.partner_id, r.member_id),
        owed = owed - late.points
    where partner_id = t.partner_id and id = r.member_id;
    return r;
end $$;

create function reverse_txn(t point_txns, m members, p_actor_id bigint, p_key text, p_hash bytea, p_reason text, p_now timestamptz)
returns point_txns language plpgsql as $$
declare
    r point_txns;
begin
    r.partner_id := t.partner_id;
    r.member_id := m.id;
    r.kind := 'reverse';
    r.idem_key := p_key;
    r.req_hash := p_hash;
    r.bill_minor := t.bill_minor;
    r.paid_minor := t.paid_minor;
    r.actor_id := p_actor_id;
    r.reverses_id := t.id;
    r.reason := left(coalesce(p_reason, ''), 300);
    r.created_at := p_now;
    if t.kind in ('redeem', 'service') then
        r := give_back(t, r);
    else
        r := take_back(t, r);
        if exists (select from referral_rewards where partner_id = t.partner_id and receipt_id = t.id)
            or t.kind = 'accrue' and exists (
                select from jobs where key = 'referrals:' || t.partner_id || ':' || t.id
            )
        then
            perform queue_referrals(t.partner_id, t.id, t.id || ':reversed');
        end if;
    end if;
    return r;
end $$;

create function reverse_points(
    p_partner_id bigint, p_txn_id bigint, p_actor_id bigint, p_key text, p_reason text, p_now timestamptz
) returns point_receipt language plpgsql security definer
    set plan_cache_mode to force_generic_plan set enable_seqscan to off set search_path to public, pg_temp as $$
declare
    asked bytea := sha256(convert_to(concat_ws(':', 'reverse', p_txn_id), 'UTF8'));
    m members;
    p partners;
    had text;
    t point_txns;
    r point_txns;
    rest point_txns;
    at timestamptz;
begin
    perform set_config('app.tenant', p_partner_id::text, true);
    select * into t from point_txns where partner_id = p_partner_id and id = p_txn_id;
    if t.id is null then
        raise exception using errcode = 'LK404', message = 'no_operation', detail = p_txn_id::text;
    end if;
    m := lock_member(p_partner_id, t.member_id);
    while m.merged_into is not null loop
        m := lock_member(p_partner_id, m.merged_into);
    end loop;
    select * into r from point_txns where partner_id = p_partner_id and idem_key = p_key;
    if r.id is not null then
        perform refuse_reuse(p_key, asked, r.req_hash);
        return receipt_again(p_partner_id, r.id, m.user_id);
    end if;
    p := admit_staff(p_partner_id, p_actor_id, '{owner,manager,cashier}');
    at := coalesce(p_now, clock_timestamp());
    select role into had from staff where partner_id = p.id and user_id = p_actor_id;
    if had = 'cashier' and (t.actor_id is distinct from p_actor_id or t.created_at < at - interval '1 hour') then
        raise exception using errcode = 'LK403', message = 'role_too_low', detail = had;
    end if;
    if t.kind not in ('accrue', 'redeem', 'service', 'grant', 'welcome', 'birthday') or t.parent_id is not null then
        raise exception using errcode = 'LK409', message = 'not_reversible', detail = t.kind;
    end if;
    if exists (select from point_txns where partner_id = p.id and reverses_id = t.id) then
        raise exception using errcode = 'LK409', message = 'already_reversed', detail = t.id::text;
    end if;
    if t.kind = 'service' then
        update vouchers
        set cancelled_at = at
        where partner_id = p.id and txn_id = t.id and used_at is null;
    end if;
    perform settle_member(m, at);
    select * into rest from point_txns where partner_id = p.id and parent_id = t.id and kind = 'accrue';
    r := reverse_txn(t, m, p_actor_id, p_key, asked, p_reason, at);
    if rest.id is not null then
        rest := reverse_txn(rest, m, p_actor_id, p_key || ':rest', asked, p_reason, at);
        r.available_after := rest.available_after;
        r.pending_after := rest.pending_after;
        r.missing := rest.missing;
    end if;
    if t.kind in ('accrue', 'redeem') then
        update members
        set visits = greatest(visits - 1, 0),
            spent_minor = greatest(spent_minor - t.paid_minor, 0)
        where partner_id = p.id and id = m.id;
    end if;
    return receipt_of(r, null, m.user_id, null, false, (
        select coalesce(sum(points), 0)::bigint
        from point_txns
        where partner_id = p.id and parent_id = r.id and kind = 'recover'
    ));
end $$;

-- Joining a shop: once for each person; the newcomer's welcome points come with it, once whatever account and number they
-- come with. A referrer must be a member already.
create function join_partner(
    p_partner_id bigint, p_user_id bigint, p_referrer_card bigint, p_now timestamptz
) returns table (member_id bigint, card_no bigint, created boolean, welcome bigint, blocked boolean)
language plpgsql security definer
    set enable_seqscan to off set search_path to public, pg_temp as $$
#variable_conflict use_column
declare
    p partners;
    m members;
    t point_txns;
    referrer bigint;
    tail text;
    at timestamptz := coalesce(p_now, clock_timestamp());
begin
    perform must_live(p_user_id);
    perform set_config('app.tenant', p_partner_id::text, true);
    p := admit_staff(p_partner_id, p_user_id, null);
    select * into m from members where partner_id = p.id and user_id = p_user_id and left_at is null;
    if m.id is not null then
        perform refuse_closed(m);
        return query select m.id, m.card_no, false, 0::bigint, false;
        perform set_config('app.tenant', '', true);
        return;
    end if;
    perform set_config('app.person', p_user_id::text, true);
    select coalesce(right(c.phone, 4), '') into tail from clients c where c.user_id = p_user_id;
    if not found then
        raise exception using errcode = 'LK404', message = 'no_client', detail = p_user_id::text;
    end if;
    perform set_config('app.person', '', true);
    select r.id into referrer
    from members r
    where r.partner_id = p.id and r.card_no = p_referrer_card and r.user_id <> p_user_id
    and r.left_at is null and r.blocked_at is null;
    loop
        insert into members (partner_id, user_id, card_no, phone_tail, referrer_id, joined_at,
            blocked_at)
        values (p.id, p_user_id, 10000000 + floor(random() * 90000000)::bigint, tail, referrer, at,
            case when is_remembered(p_user_id, 'block', p.id) then at end)
        on conflict do nothing
        returning * into m;
        exit when m.id is not null;
        -- the number is somebody's, or another update of the same person was first
        select * into m from members where partner_id = p.id and user_id = p_user_id and left_at is null;
        if m.id is not null then
            return query select m.id, m.card_no, false, 0::bigint, false;
            perform set_config('app.tenant', '', true);
            return;
        end if;
    end loop;
    insert into point_accounts (partner_id, member_id, kind, balance)
    values (p.id, m.id, 'available', 0), (p.id, m.id, 'pending', 0);
    if p.welcome_points > 0 and m.blocked_at is null and not is_remembered(p_user_id, 'welcome', p.id) then
        perform remember(p_user_id, 'welcome', p.id);
        t.partner_id := p.id;
        t.member_id := m.id;
        t.kind := 'welcome';
        t.idem_key := 'welcome:' || m.id;
        t.req_hash := '';
        t.points := p.welcome_points;
        t.created_at := at;
        perform issue_points(t, p.tz, p.expire_days, 0, null);
    end if;
    return query select m.id, m.card_no, true, coalesce(t.points, 0), m.blocked_at is not null;
    perform set_config('app.tenant', '', true);
end $$;

-- Whoever asks for a shop becomes its owner. It serves nobody until it is approved.
create function apply_partner(p_owner_id bigint, p_fields jsonb) returns bigint
language plpgsql set role to lotok_app as $$
declare
    new_id bigint;
begin
    perform set_config('app.platform', 'on', true);
    if (select count(*) from partners where owner_id = p_owner_id and status in ('pending', 'approved')) >= 20 then
        raise exception using errcode = 'LK409', message = 'too_many_partners', detail = p_owner_id::text;
    end if;
    insert into partners (code, owner_id, title, about, city, address, category, contact, photo, tz)
    select substr(md5(gen_random_uuid()::text), 1, 10), p_owner_id, f.title, coalesce(f.about, ''), f.city,
        coalesce(f.address, ''), f.category, coalesce(f.contact, ''), coalesce(f.photo, ''),
        coalesce(f.tz, 'Europe/Moscow')
    from jsonb_to_record(p_fields)
        f (title text, about text, city text, address text, category text, contact text, photo text, tz text)
    returning id into new_id;
    insert into staff (partner_id, user_id, role) values (new_id, p_owner_id, 'owner');
    insert into point_accounts (partner_id, member_id, kind)
    values (new_id, 0, 'issued'), (new_id, 0, 'redeemed'), (new_id, 0, 'expired');
    insert into loyalty_trail (partner_id, actor_id, action, subject, after)
    values (new_id, p_owner_id, 'partner.applied', new_id::text, p_fields - 'contact');
    perform set_config('app.platform', '', true);
    return new_id;
end $$;

-- The cards of one person: every shop with what is there, and what goes first. One tenant after the other.
create function my_cards(p_user_id bigint, p_now timestamptz)
returns table (partner_id bigint, member_id bigint, card_no bigint, title text, city text, category text, status text,
    available bigint, pending bigint, minor_per_point integer, next_points bigint, next_at timestamptz,
    favourite boolean, last_visit_at timestamptz)
language plpgsql set role to lotok_app
    set enable_seqscan to off as $$
#variable_conflict use_column
declare
    m members;
begin
    perform set_config('app.person', p_user_id::text, true);
    for m in
        select * from members where user_id = p_user_id and left_at is null
        order by last_visit_at desc nulls last, id desc limit 100
    loop
        perform set_config('app.tenant', m.partner_id::text, true);
        return query
        select p.id, m.id, m.card_no, p.title, p.city, p.category, p.status,
            a.available, a.pending, p.minor_per_point, e.points, e.at,
            exists (select from favourites f where f.user_id = p_user_id and f.partner_id = p.id), m.last_visit_at
        from partners p
        left join lateral (
            select max(balance) filter (where kind = 'available') as available,
                max(balance) filter (where kind = 'pending') as pending
            from point_accounts x
            where x.partner_id = m.partner_id and x.member_id = m.id
        ) a on true
        left join lateral (
            select sum(l.remaining)::bigint as points, l.expires_at as at
            from point_lots l
            where l.partner_id = m.partner_id and l.member_id = m.id and l.is_open and l.expires_at > p_now
            group by l.expires_at
            order by l.expires_at
            limit 1
        ) e on true
        where p.id = m.partner_id;
    end loop;
    perform set_config('app.tenant', '', true);
    perform set_config('app.person', '', true);
end $$;

-- The number goes to the person who has proven it, and onto every card of theirs.
create function set_phone(p_user_id bigint, p_phone text, p_mark bytea) returns void
language plpgsql set role to lotok_app as $$
begin
    perform must_live(p_user_id);
    perform set_config('app.platform', 'on', true);
    update clients
    set phone = p_phone
    where user_id = p_user_id
    and not exists (select from clients c where c.phone = p_phone and c.user_id <> p_user_id);
    if not found then
        if not exists (select from clients where user_id = p_user_id) then
            raise exception using errcode = 'LK404', message = 'no_client', detail = p_user_id::text;
        end if;
        raise exception using errcode = 'LK409', message = 'phone_taken', detail = p_user_id::text;
    end if;
    update users
    set phone_mark = p_mark
    where id = p_user_id
    and phone_mark is distinct from p_mark;
    update members
    set phone_tail = right(p_phone, 4)
    where user_id = p_user_id
    and phone_tail <> right(p_phone, 4);
    perform set_config('app.platform', '', true);
end $$;

-- Numbers that are to be taken off an account because somebody else has them now: each waits a day, in which the holder
-- may say that it is still theirs. What has ended is in the trail; nothing of it stays here.
create table phone_releases (
    id bigint generated always as identity primary key,
    holder_id bigint not null unique references users (id),
    -- who has proven the number; null when an administrator has found out
    asked_for bigint references users (id),
    -- whose owner asks; null: an administrator
    partner_id bigint references partners (id),
    actor_id bigint not null references users (id),
    reason text not null check (length(reason) between 2 and 300),
    -- which number: a keyed hash
    phone_mark bytea not null,
    due_at timestamptz not null
);

alter table phone_releases enable row level security, force row level security;
create policy platform on phone_releases to lotok_app using (current_setting('app.platform', true) = 'on');

-- An erased holder has no number to release, and an erased newcomer no use for it.
create function forget_releases() returns trigger language plpgsql set role to lotok_app as $$
declare
    was text := coalesce(current_setting('app.platform', true), '');
begin
    perform set_config('app.platform', 'on', true);
    delete from phone_releases
    where new.id in (holder_id, asked_for);
    perform set_config('app.platform', was, true);
    return null;
end $$;

create trigger forget_releases after update of erased_at on users
    for each row when (new.erased_at is not null) execute function forget_releases();

-- The owner of a shop asks once in 30 days against a holder who has said no; an administrator may decide otherwise.
create function ask_release(
    p_holder bigint, p_for bigint, p_partner bigint, p_actor bigint, p_reason text, p_mark bytea, p_at timestamptz
) returns phone_releases language plpgsql set role to lotok_app as $$
declare
    asked phone_releases;
begin
    perform must_live(id) from unnest(array[p_holder, p_actor, p_for]) id where id is not null order by id;
    perform set_config('app.platform', 'on', true);
    if p_partner is not null and not exists (
        select
        from staff
        where partner_id = p_partner and user_id = p_actor and role = 'owner' and removed_at is null
    ) then
        raise exception using errcode = 'LK403', message = 'role_too_low', detail = p_actor::text;
    end if;
    if p_partner is not null and exists (
        select
        from loyalty_trail
        where actor_id = p_holder and action = 'phone.kept' and created_at > p_at - interval '30 days'
    ) then
        raise exception using errcode = 'LK409', message = 'number_kept', detail = p_holder::text;
    end if;
    insert into phone_releases (holder_id, asked_for, partner_id, actor_id, reason, phone_mark, due_at)
    values (p_holder, p_for, p_partner, p_actor, p_reason, p_mark, p_at + interval '24 hours')
    on conflict (holder_id) do nothing
    returning * into asked;
    if not found then
        raise exception using errcode = 'LK409', message = 'release_waits', detail = p_holder::text;
    end if;
    insert into loyalty_trail (partner_id, actor_id, action, subject, after, created_at)
    values (p_partner, p_actor, 'phone.release_asked', 'user ' || p_holder,
        jsonb_build_object('reason', p_reason, 'due_at', asked.due_at), p_at);
    perform set_config('app.platform', '', true);
    return asked;
end $$;

create function keep_number(p_holder bigint, p_at timestamptz) returns setof phone_releases
language plpgsql set role to lotok_app as $$
declare
    asked phone_releases;
begin
    perform set_config('app.platform', 'on', true);
    delete from phone_releases where holder_id = p_holder returning * into asked;
    if found then
        insert into loyalty_trail (partner_id, actor_id, action, subject, created_at)
        values (asked.partner_id, p_holder, 'phone.kept', 'user ' || p_holder, p_at);
        return next asked;
    end if;
    perform set_config('app.platform', '', true);
end $$;

-- The number goes, the cards and their points stay; nothing when the holder has another number by now, or when the right
-- of who asked has gone.
create function release_number(p_id bigint, p_phone text, p_at timestamptz) returns setof phone_releases
language plpgsql set role to lotok_app as $$
declare
    asked phone_releases;
begin
    perform set_config('app.platform', 'on', true);
    delete from phone_releases where id = p_id and due_at <= p_at returning * into asked;
    if found then
        update clients
        set phone = null
        where user_id = asked.holder_id
        and phone = p_phone
        and not is_erased(asked.actor_id)
        and (asked.partner_id is null or exists (
            select
            from staff s
            join partners p on p.id = s.partner_id
            where s.partner_id = asked.partner_id and s.user_id = asked.actor_id and s.role = 'owner'
            and s.removed_at is null and p.status = 'approved'
        ));
    end if;
    if found then
        update users set phone_mark = null where id = asked.holder_id;
        update members set phone_tail = '' where user_id = asked.holder_id and phone_tail <> '';
        insert into loyalty_trail (partner_id, actor_id, action, subject, after, created_at)
        values (asked.partner_id, asked.actor_id, 'phone.released', 'user ' || asked.holder_id,
            jsonb_build_object('reason', asked.reason), p_at);
        return next asked;
    end if;
    perform set_config('app.platform', '', true);
end $$;

-- Loyalty: what happens without anybody at the counter. Rewards, due dates, two accounts of one person, erased people.

-- Rewards for a receipt, level by level, out of the shop's pocket and within its caps; all taken back once the receipt
-- is reversed. Referrers are locked upwards: a referrer's id is lower than the invited one's, so nobody waits in a ring.
create function referral_doubt(r members, t point_txns) returns text language sql stable as $$
    select case
        when (
            select count(*)
            from members i
            where i.partner_id = r.partner_id and i.referrer_id = r.id
            and i.joined_at between t.created_at - interval '1 day' and t.created_at
        ) > 10 then 'velocity'
        when (
            select count(*)
            from point_txns x
            join members i on i.partner_id = x.partner_id and i.id = x.member_id and i.referrer_id = r.id
            where x.partner_id = t.partner_id
            and x.created_at between t.created_at - interval '1 hour' and t.created_at
            and x.kind = 'accrue'
            and x.actor_id = t.actor_id
            and x.bill_minor = t.bill_minor
        ) >= 3 then 'same_amounts'
        when (
            select count(*) >= 5 and max(i.visits) <= 1
            from members i
            where i.partner_id = r.partner_id and i.referrer_id = r.id
            and i.joined_at between t.created_at - interval '7 days' and t.created_at
        ) then 'single_receipts'
        else ''
    end;
$$;

create function is_staff(p_partner_id bigint, p_user_id bigint) returns boolean language sql stable as $$
    select exists (
        select from staff where partner_id = p_partner_id and user_id = p_user_id and removed_at is null
    );
$$;

create function pay_referral(p partners, r members, t point_txns, p_level integer, p_points bigint, p_now timestamptz)
returns bigint language plpgsql as $$
declare
    reward point_txns;
begin
    reward.partner_id := p.id;
    reward.member_id := r.id;
    reward.kind := 'referral';
    reward.idem_key := 'referral:' || t.id || ':' || p_level;
    reward.req_hash := '';
    reward.points := p_points;
    reward.parent_id := t.id;
    reward.created_at := p_now;
    reward := issue_points(reward, p.tz, p.expire_days, greatest(p.hold_days, p.referral_hold_days), null);
    return reward.id;
end $$;

create function take_back_referrals(t point_txns, p_now timestamptz) returns integer language plpgsql as $$
declare
    reward record;
    r members;
    paid point_txns;
    number integer := 0;
begin
    for reward in
        select * from referral_rewards
        where partner_id = t.partner_id and receipt_id = t.id and status <> 'reversed'
        order by level
    loop
        if reward.status = 'paid' then
            r := lock_member(t.partner_id, reward.referrer_id);
            while r.merged_into is not null loop
                r := lock_member(t.partner_id, r.merged_into);
            end loop;
            perform settle_member(r, p_now);
            select * into paid from point_txns where partner_id = t.partner_id and id = reward.txn_id;
            perform reverse_txn(paid, r, null, 'reverse:' || paid.idem_key, '', 'receipt reversed', p_now);
            number := number + 1;
        end if;
        update referral_rewards
        set status = 'reversed'
        where partner_id = t.partner_id and receipt_id = t.id and level = reward.level;
    end loop;
    return number;
end $$;

create function settle_referrals(p_partner_id bigint, p_receipt_id bigint, p_now timestamptz) returns integer
language plpgsql security definer
    set enable_seqscan to off set search_path to public, pg_temp as $$
declare
    at timestamptz := coalesce(p_now, clock_timestamp());
    p partners;
    t point_txns;
    m members;
    r members;
    step integer := 0;
    left_of_receipt bigint;
    month_begin timestamptz;
    amount bigint;
    verdict text;
    why text;
    number integer := 0;
begin
    perform set_config('app.tenant', p_partner_id::text, true);
    select * into p from partners where id = p_partner_id;
    select * into t from point_txns where partner_id = p_partner_id and id = p_receipt_id and kind = 'accrue';
    if t.id is null then
        perform set_config('app.tenant', '', true);
        return 0;
    end if;
    -- the reversal of the receipt waits for this row, so it is either seen here or sees what is paid here
    m := lock_member(p.id, t.member_id);
    if exists (select from point_txns where partner_id = p.id and reverses_id = t.id) then
        number := take_back_referrals(t, at);
        perform set_config('app.tenant', '', true);
        return number;
    end if;
    left_of_receipt := p.referral_cap_receipt;
    month_begin := date_trunc('month', t.created_at at time zone p.tz) at time zone p.tz;
    r := m;
    while step < p.referral_levels and r.referrer_id is not null loop
        step := step + 1;
        r := lock_member(p.id, r.referrer_id);
        while r.merged_into is not null loop
            r := lock_member(p.id, r.merged_into);
        end loop;
        amount := t.paid_minor * p.referral_bp[step] / (10000::bigint * p.minor_per_point);
        continue when amount = 0 or r.id = m.id or exists (
            select from referral_rewards x
            where x.partner_id = p.id and x.receipt_id = t.id and x.level = step
        );
        why := case
            when r.left_at is not null or r.blocked_at is not null then 'gone'
            when is_staff(p.id, r.user_id) or is_staff(p.id, m.user_id) then 'staff'
            else referral_doubt(r, t)
        end;
        amount := least(amount, left_of_receipt, p.referral_cap_month - (
            select coalesce(sum(x.points), 0)
            from referral_rewards x
            where x.partner_id = p.id and x.referrer_id = r.id and x.status in ('paid', 'held')
            and x.created_at >= month_begin
        ));
        verdict := case
            when why in ('gone', 'staff') then 'refused'
            when amount <= 0 then 'capped'
            when why <> '' then 'held'
            else 'paid'
        end;
        amount := case when verdict in ('paid', 'held') then amount else 0 end;
        left_of_receipt := left_of_receipt - amount;
        if verdict = 'paid' then
            perform settle_member(r, at);
            number := number + 1;
        end if;
        insert into referral_rewards (partner_id, receipt_id, level, referrer_id, points, status, reason, txn_id,
            created_at)
        values (p.id, t.id, step, r.id, amount, verdict, case when verdict = 'capped' then 'cap' else why end,
            case when verdict = 'paid' then pay_referral(p, r, t, step, amount, at) end, at);
    end loop;
    perform set_config('app.tenant', '', true);
    return number;
end $$;

-- A held reward is the shop's to decide: it pays for it.
create function review_referral(
    p_partner_id bigint, p_receipt_id bigint, p_level integer, p_actor_id bigint, p_pays boolean, p_now timestamptz
) returns text language plpgsql security definer set search_path to public, pg_temp as $$
declare
    at timestamptz := coalesce(p_now, clock_timestamp());
    p partners;
    t point_txns;
    m members;
    r members;
    reward referral_rewards;
begin
    perform set_config('app.tenant', p_partner_id::text, true);
    p := admit_staff(p_partner_id, p_actor_id, '{owner,manager}');
    select * into t from point_txns where partner_id = p.id and id = p_receipt_id;
    if t.id is null then
        raise exception using errcode = 'LK404', message = 'no_reward', detail = p_receipt_id::text;
    end if;
    m := lock_member(p.id, t.member_id);
    select * into reward
    from referral_rewards
    where partner_id = p.id and receipt_id = p_receipt_id and level = p_level
    for no key update;
    if reward.level is null then
        raise exception using errcode = 'LK404', message = 'no_reward', detail = p_receipt_id::text;
    end if;
    if reward.status <> 'held' then
        raise exception using errcode = 'LK409', message = 'already_decided', detail = reward.status;
    end if;
    r := lock_member(p.id, reward.referrer_id);
    while r.merged_into is not null loop
        r := lock_member(p.id, r.merged_into);
    end loop;
    if p_pays and r.left_at is null then
        perform settle_member(r, at);
        reward.txn_id := pay_referral(p, r, t, p_level, reward.points, at);
    end if;
    update referral_rewards
    set status = case when reward.txn_id is null then 'refused' else 'paid' end,
        txn_id = reward.txn_id,
        decided_by = p_actor_id
    where partner_id = p.id and receipt_id = p_receipt_id and level = p_level;
    insert into loyalty_trail (partner_id, actor_id, action, subject, after)
    values (p.id, p_actor_id, 'referral.reviewed', p_receipt_id || ':' || p_level,
        jsonb_build_object('paid', reward.txn_id is not null, 'points', reward.points));
    perform set_config('app.tenant', '', true);
    return case when reward.txn_id is null then 'refused' else 'paid' end;
end $$;

-- A batch of members whose date has come. Who is being served is stepped over: that operation settles them itself.
create function settle_due(p_partner_id bigint, p_limit integer, p_now timestamptz) returns integer
language plpgsql security definer
    set plan_cache_mode to force_generic_plan set enable_seqscan to off set search_path to public, pg_temp as $$
declare
    at timestamptz := coalesce(p_now, clock_timestamp());
    m members;
    number integer := 0;
begin
    perform set_config('app.tenant', p_partner_id::text, true);
    for m in
        select * from members
        where partner_id = p_partner_id and due_at <= at
        order by due_at
        limit p_limit
        for no key update skip locked
    loop
        perform settle_member(m, at);
        number := number + 1;
    end loop;
    perform set_config('app.tenant', '', true);
    return number;
end $$;

-- Which shops have something to do: a date that has come, points that expire soon, a birthday.
create function shops_due(p_after bigint, p_now timestamptz) returns setof bigint
language plpgsql set role to lotok_app as $$
begin
    perform set_config('app.platform', 'on', true);
    return query
    select p.id
    from partners p
    where p.id > p_after
    and (
        exists (select from members m where m.partner_id = p.id and m.due_at <= p_now)
        or p.remind_days > 0 and exists (
            select from point_lots l
            where l.partner_id = p.id and l.is_open and not l.reminded
            and l.expires_at between p_now and p_now + make_interval(days => p.remind_days)
        )
        or p.birthday_points > 0 and p.status = 'approved'
    )
    order by p.id
    limit 500;
    perform set_config('app.platform', '', true);
end $$;

-- Two accounts of one person at one shop: the points go over in one transaction, lots and all.
create function merge_members(p_partner_id bigint, p_from bigint, p_into bigint, p_now timestamptz) returns bigint
language plpgsql security definer set search_path to public, pg_temp as $$
declare
    a members;
    b members;
    t point_txns;
    had record;
    has record;
begin
    perform set_config('app.tenant', p_partner_id::text, true);
    a := lock_member(p_partner_id, greatest(p_from, p_into));
    b := lock_member(p_partner_id, least(p_from, p_into));
    perform refuse_closed(a);
    perform refuse_closed(b);
    perform settle_member(a, p_now);
    perform settle_member(b, p_now);
    select max(balance) filter (where kind = 'available') as available,
        max(balance) filter (where kind = 'pending') as pending
    into had from point_accounts where partner_id = p_partner_id and member_id = p_from;
    select max(balance) filter (where kind = 'available') as available,
        max(balance) filter (where kind = 'pending') as pending
    into has from point_accounts where partner_id = p_partner_id and member_id = p_into;
    insert into point_txns (partner_id, member_id, kind, idem_key, req_hash, points, available_after, pending_after,
        created_at)
    values (p_partner_id, p_into, 'merge', 'merge:' || p_from, '', had.available + had.pending,
        has.available + had.available, has.pending + had.pending, p_now)
    returning * into t;
    insert into point_entries (partner_id, txn_id, member_id, kind, delta, balance_after)
    select p_partner_id, t.id, e.member_id, e.kind, e.delta, e.after
    from (values
        (p_from, 'available', -had.available, 0::bigint), (p_into, 'available', had.available, t.available_after),
        (p_from, 'pending', -had.pending, 0), (p_into, 'pending', had.pending, t.pending_after)
    ) e (member_id, kind, delta, after)
    where e.delta <> 0;
    update point_lots set member_id = p_into where partner_id = p_partner_id and member_id = p_from;
    update vouchers set member_id = p_into where partner_id = p_partner_id and member_id = p_from;
    update messages set member_id = p_into where partner_id = p_partner_id and member_id = p_from;
    update ratings set member_id = p_into where partner_id = p_partner_id and member_id = p_from;
    update members k
    set visits = k.visits + g.visits,
        spent_minor = k.spent_minor + g.spent_minor,
        last_visit_at = greatest(k.last_visit_at, g.last_visit_at),
        owed = k.owed + g.owed,
        asked_at = greatest(k.asked_at, g.asked_at),
        asked_txn = case when g.asked_at > coalesce(k.asked_at, '-infinity') then g.asked_txn else k.asked_txn end,
        due_at = next_points_due(p_partner_id, p_into)
    from members g
    where k.partner_id = p_partner_id and k.id = p_into
    and g.partner_id = p_partner_id and g.id = p_from;
    update members
    set left_at = p_now, merged_into = p_into, phone_tail = '', due_at = null, owed = 0
    where partner_id = p_partner_id and id = p_from;
    perform set_config('app.tenant', '', true);
    return t.points;
end $$;

-- One person with two Telegram accounts: all shops at once, and the number goes along. The caller has made sure that
-- both are theirs. Returns how many cards went over.
create function merge_people(p_from bigint, p_into bigint, p_now timestamptz) returns integer
language plpgsql set role to lotok_app as $$
declare
    at timestamptz := coalesce(p_now, clock_timestamp());
    old members;
    target bigint;
    number integer := 0;
    number_mark bytea;
    had clients;
begin
    perform set_config('app.platform', 'on', true);
    if p_from = p_into then
        perform set_config('app.platform', '', true);
        return 0;
    end if;
    perform must_live(id) from unnest(array[least(p_from, p_into), greatest(p_from, p_into)]) id;
    perform 1 from clients where user_id in (p_from, p_into) order by user_id for update;
    select * into had from clients where user_id = p_from;
    if had.user_id is null or not exists (select from clients where user_id = p_into) then
        raise exception using errcode = 'LK404', message = 'no_client', detail = p_from::text;
    end if;
    perform remember_together(array[p_from, p_into]);
    for old in select * from members where user_id = p_from and left_at is null order by partner_id loop
        perform refuse_closed(old);
        select id into target
        from members
        where partner_id = old.partner_id and user_id = p_into and left_at is null;
        if target is null then
            update members set user_id = p_into where partner_id = old.partner_id and id = old.id;
        else
            perform merge_members(old.partner_id, old.id, target, at);
        end if;
        insert into loyalty_trail (partner_id, actor_id, action, subject, after)
        values (old.partner_id, p_into, 'member.merged', old.id::text,
            jsonb_build_object('into', coalesce(target, old.id)));
        number := number + 1;
    end loop;
    insert into favourites (user_id, partner_id)
    select p_into, partner_id from favourites where user_id = p_from
    on conflict do nothing;
    delete from favourites where user_id = p_from;
    delete from clients where user_id = p_from;
    update clients
    set phone = coalesce(had.phone, phone),
        birthday = coalesce(birthday, had.birthday)
    where user_id = p_into;
    select phone_mark into number_mark from users where id = p_from;
    if number_mark is not null then
        update users set phone_mark = null where id = p_from;
        update users set phone_mark = number_mark where id = p_into;
    end if;
    update members m
    set phone_tail = right(c.phone, 4)
    from clients c
    where m.user_id = p_into and m.left_at is null and c.user_id = p_into and c.phone is not null;
    perform set_config('app.platform', '', true);
    return number;
end $$;

-- A person who was erased leaves the ledger as it is, without anybody in it. Their points end, as nobody can spend them.
create function leave_shop(m members, p_now timestamptz) returns void
language plpgsql security definer set search_path to public, pg_temp as $$
declare
    t point_txns;
    rest record;
begin
    perform set_config('app.tenant', m.partner_id::text, true);
    m := lock_member(m.partner_id, m.id);
    perform settle_member(m, p_now);
    for rest in
        select pending, sum(remaining)::bigint as points
        from point_lots
        where partner_id = m.partner_id and member_id = m.id and is_open
        group by pending
        order by pending
    loop
        t := null;
        t.partner_id := m.partner_id;
        t.member_id := m.id;
        t.kind := 'expire';
        t.idem_key := 'left:' || m.id || ':' || rest.pending;
        t.req_hash := '';
        t.points := rest.points;
        t.created_at := p_now;
        t := post_points(t, case when rest.pending then 'pending' else 'available' end, 'expired');
        insert into point_lot_uses (partner_id, txn_id, lot_id, points)
        select partner_id, t.id, id, remaining
        from point_lots
        where partner_id = m.partner_id and member_id = m.id and is_open and pending = rest.pending;
        update point_lots
        set remaining = 0
        where partner_id = m.partner_id and member_id = m.id and is_open and pending = rest.pending;
    end loop;
    update members
    set left_at = p_now, phone_tail = '', due_at = null
    where partner_id = m.partner_id and id = m.id;
    delete from messages where partner_id = m.partner_id and member_id = m.id;
    update ratings set words = '' where partner_id = m.partner_id and member_id = m.id and words <> '';
    update vouchers
    set cancelled_at = p_now
    where partner_id = m.partner_id and member_id = m.id and used_at is null and cancelled_at is null;
    perform set_config('app.tenant', '', true);
end $$;

create function forget_client() returns trigger language plpgsql set role to lotok_app as $$
declare
    m members;
    at timestamptz := clock_timestamp();
begin
    perform set_config('app.platform', 'on', true);
    for m in select * from members where user_id = new.id and left_at is null order by partner_id, id loop
        perform leave_shop(m, at);
    end loop;
    delete from clients where user_id = new.id;
    delete from favourites where user_id = new.id;
    update loyalty_trail t
    set before = null, after = null
    from partners p
    where p.owner_id = new.id and t.partner_id = p.id;
    update loyalty_trail t
    set after = after - 'reason'
    from members x
    where x.user_id = new.id and t.partner_id = x.partner_id and t.subject = x.id::text and t.after ? 'reason'
    and t.action like 'member.%';
    update loyalty_trail
    set after = after - 'reason'
    where subject = 'user ' || new.id and action like 'phone.%' and after ? 'reason';
    update services set about = '', photo = '' where partner_id in (select id from partners where owner_id = new.id);
    update promotions set about = '', photo = '' where partner_id in (select id from partners where owner_id = new.id);
    update partners
    set status = 'blocked', reason = case status when 'blocked' then reason else 'owner_erased' end,
        contact = '', about = '', address = '', photo = ''
    where owner_id = new.id;
    update staff set removed_at = at where user_id = new.id and removed_at is null;
    perform set_config('app.platform', '', true);
    return null;
end $$;

create trigger forget_client after update of erased_at on users
    for each row when (old.erased_at is null and new.erased_at is not null) execute function forget_client();

-- All that is kept of a person as a client, for their own eyes.
create function export_client(p_user_id bigint) returns jsonb
language plpgsql set role to lotok_app as $$
declare
    found jsonb;
begin
    perform set_config('app.platform', 'on', true);
    found := jsonb_build_object(
        'client', (
            select to_jsonb(c) from clients c where c.user_id = p_user_id
        ),
        'cards', (
            select coalesce(jsonb_agg(jsonb_build_object('shop', p.title, 'card', m.card_no, 'joined_at', m.joined_at,
                'visits', m.visits, 'spent_minor', m.spent_minor, 'balances', (
                    select jsonb_object_agg(a.kind, a.balance)
                    from point_accounts a
                    where a.partner_id = m.partner_id and a.member_id = m.id
                ), 'operations', (
                    select coalesce(jsonb_agg(jsonb_build_object('kind', t.kind, 'points', t.points, 'bill_minor',
                        t.bill_minor, 'at', t.created_at) order by t.id), '[]')
                    from point_txns t
                    where t.partner_id = m.partner_id and t.member_id = m.id
                ), 'ratings', (
                    select coalesce(jsonb_agg(jsonb_build_object('score', r.score, 'words', r.words, 'at',
                        r.created_at)), '[]')
                    from ratings r
                    where r.partner_id = m.partner_id and r.member_id = m.id
                ), 'messages', (
                    select coalesce(jsonb_agg(jsonb_build_object('from_shop', g.staff_id is not null, 'words', g.words,
                        'at', g.created_at) order by g.id), '[]')
                    from messages g
                    where g.partner_id = m.partner_id and g.member_id = m.id
                )) order by m.id), '[]')
            from members m
            join partners p on p.id = m.partner_id
            where m.user_id = p_user_id and m.left_at is null
        ),
        'favourites', (
            select coalesce(jsonb_agg(p.title order by p.id), '[]')
            from favourites f
            join partners p on p.id = f.partner_id
            where f.user_id = p_user_id
        ),
        'works_at', (
            select coalesce(jsonb_agg(jsonb_build_object('shop', p.title, 'role', s.role) order by p.id), '[]')
            from staff s
            join partners p on p.id = s.partner_id
            where s.user_id = p_user_id and s.removed_at is null
        ),
        'work', export_work(p_user_id)
    );
    perform set_config('app.platform', '', true);
    return found;
end $$;

-- An operation belongs to lotok_till and runs with its rights. Whoever is to own a function must be allowed to make one, at
-- that moment.
grant create on schema public to lotok_till;
alter function accrue_points owner to lotok_till;
alter function redeem_points owner to lotok_till;
alter function buy_service owner to lotok_till;
alter function grant_points owner to lotok_till;
alter function reverse_points owner to lotok_till;
alter function join_partner owner to lotok_till;
alter function settle_referrals owner to lotok_till;
alter function review_referral owner to lotok_till;
alter function settle_due owner to lotok_till;
alter function merge_members owner to lotok_till;
alter function leave_shop owner to lotok_till;
revoke create on schema public from lotok_till;

create index ratings_member on ratings (partner_id, member_id);

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
    -- who ordered it
    user_id bigint,
    check ((state = 'begun') = (ended_at is null))
);

create index provider_calls_job on provider_calls (job_id);
create index provider_calls_day on provider_calls (provider, begun_at) include (cost) where cost > 0;
create unique index provider_calls_begun on provider_calls (job_id, item) where state = 'begun';
create index provider_calls_person on provider_calls (user_id, begun_at) where cost > 0;

-- How much a provider may cost within any 24 hours, in thousandths of a dollar. No row: as much as it likes.
create table provider_budgets (
    provider text primary key,
    daily_limit integer not null check (daily_limit >= 0)
);

insert into provider_budgets (provider, daily_limit)
values ('kie', 50000), ('openai', 20000);

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

-- What workers of the release before call; it goes with the next one.
create function begin_provider_call(
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

-- Administrators.

-- Whom an administrator shut out, and why. By a keyed hash of the Telegram id, so that erasing oneself opens no door.
create table bans (
    mark bytea primary key,
    user_id bigint not null references users (id),
    reason text not null check (reason <> ''),
    actor text not null check (actor <> ''),
    at timestamptz not null default clock_timestamp()
);

create index bans_user on bans (user_id);

-- Which alerts an administrator does not want to hear. The log has them all.
create table muted_alerts (
    tg_id bigint not null,
    kind text not null check (kind ~ '^[a-z][a-z_]*$'),
    primary key (tg_id, kind)
);

-- An administrator looks people up by it.
create index users_username on users (lower(username)) where username <> '';

-- What holds for a person whichever account they have, by keyed hashes of the Telegram id and of the phone: who was erased
-- and comes back, or comes with another account and the same number, owes what they owed, is blocked where they were
-- blocked, and has had what is had once.
create table remembered (
    mark bytea not null,
    what text not null check (what in ('welcome', 'birthday', 'block', 'debt')),
    -- of a debt the payment, else the shop
    subject bigint not null,
    -- null: for as long as the shop is there
    until timestamptz,
    primary key (mark, what, subject)
);

create index remembered_until on remembered (until) where until is not null;

create function marks_of(p_user_id bigint) returns bytea[] language sql stable security definer
set search_path = public, pg_temp as $$
    select array_remove(array[mark, phone_mark], null) from users where id = p_user_id;
$$;

create function is_remembered(p_user_id bigint, p_what text, p_subject bigint) returns boolean language sql stable
security definer set search_path = public, pg_temp as $$
    select exists (
        select
        from remembered
        where mark = any (marks_of(p_user_id))
        and what = p_what
        and subject = p_subject
        and coalesce(until > statement_timestamp(), true)
    );
$$;

-- By every mark of the person. What is remembered already is remembered for the longer time.
create function remember(p_user_id bigint, p_what text, p_subject bigint, p_until timestamptz default null)
returns void language sql security definer set search_path = public, pg_temp as $$
    insert into remembered as r (mark, what, subject, until)
    select m.mark, p_what, p_subject, p_until
    from unnest(marks_of(p_user_id)) m (mark)
    order by m.mark
    on conflict (mark, what, subject) do update
    set until = case when num_nulls(r.until, excluded.until) = 0 then greatest(r.until, excluded.until) end;
$$;

-- What is given once, and any of these accounts' marks has had, they all have had from now on: they are one person's.
create function remember_together(p_user_ids bigint[]) returns void language sql security definer
set search_path = public, pg_temp as $$
    with marks as (
        select distinct m.mark
        from unnest(p_user_ids) u (id)
        cross join unnest(marks_of(u.id)) m (mark)
    ), known as (
        select what, subject, case when bool_and(until is not null) then max(until) end as until
        from remembered
        where mark in (select mark from marks)
        and what in ('welcome', 'birthday')
        group by what, subject
    )
    insert into remembered as r (mark, what, subject, until)
    select m.mark, k.what, k.subject, k.until
    from marks m
    cross join known k
    order by 1, 2, 3
    on conflict (mark, what, subject) do update
    set until = excluded.until
    where r.until is distinct from excluded.until;
$$;

-- With a new mark, such as another number, a person has had what they had; also the cards of a time before marks count.
create function share_marks() returns trigger language plpgsql set role to lotok_app as $$
declare
    scope text := coalesce(current_setting('app.platform', true), '');
begin
    perform set_config('app.platform', 'on', true);
    perform remember(new.id, 'welcome', m.partner_id)
    from members m
    join point_txns t on t.partner_id = m.partner_id and t.idem_key = 'welcome:' || m.id
    where m.user_id = new.id;
    perform remember_together(array[new.id]);
    perform set_config('app.platform', scope, true);
    return null;
end $$;

create trigger share_marks after update of mark, phone_mark on users
    for each row when (new.erased_at is null and (old.mark, old.phone_mark) is distinct from (new.mark, new.phone_mark))
    execute function share_marks();

-- What has run out, and what concerned a shop that has gone with its owner. Returns how many.
create function forget_remembered(p_now timestamptz) returns integer language plpgsql as $$
declare
    number integer;
begin
    delete from remembered r
    where r.until <= p_now
    or r.what <> 'debt' and r.subject in (select id from partners where status = 'blocked' and reason = 'owner_erased');
    get diagnostics number = row_count;
    return number;
end $$;

-- Every write in the name of a person asks the person's row first, and an account that was erased is refused, whatever a
-- conversation still believes. The row is locked against an erasure that is under way: it waits for the write, and sees
-- and removes what was written, or the write waits for it, and is refused.
create function must_live(p_user_id bigint) returns void language plpgsql security definer
set search_path = public, pg_temp as $$
begin
    perform from users where id = p_user_id and erased_at is null for key share;
    if not found and exists (select from users where id = p_user_id) then
        raise exception using errcode = 'LK410', message = 'erased', detail = format('user %s', p_user_id);
    end if;
end $$;

create function refuse_erased() returns trigger language plpgsql as $$
begin
    case tg_argv[0]
        when 'user_id' then perform must_live(new.user_id);
        when 'owner_id' then perform must_live(new.owner_id);
        when 'actor_id' then perform must_live(new.actor_id);
        when 'created_by' then perform must_live(new.created_by);
        when 'used_by' then perform must_live(new.used_by);
        when 'staff_id' then perform must_live(new.staff_id);
        when 'member_id' then
            perform must_live(m.user_id) from members m where m.partner_id = new.partner_id and m.id = new.member_id;
    end case;
    return new;
end $$;

create function refuse_erased_user() returns trigger language plpgsql as $$
begin
    raise exception using errcode = 'LK410', message = 'erased', detail = format('user %s', old.id);
end $$;

-- Named so that they come first of a table's triggers: a person is locked before their account and their cards.
create trigger a_living before update on users
    for each row when (old.erased_at is not null) execute function refuse_erased_user();
create trigger a_living before insert on jobs
    for each row when (new.user_id is not null and new.task <> 'erase') execute function refuse_erased('user_id');
create trigger a_living before insert on credit_ledger
    for each row when (new.kind not in ('refund', 'taken_back', 'restored', 'debt'))
    execute function refuse_erased('user_id');
create trigger a_living before insert on payments for each row execute function refuse_erased('user_id');
create trigger a_living before insert on promo_uses for each row execute function refuse_erased('user_id');
create trigger a_living before insert on files for each row execute function refuse_erased('user_id');
create trigger a_living before insert or update on clients for each row execute function refuse_erased('user_id');
create trigger a_living before insert on partners for each row execute function refuse_erased('owner_id');
create trigger a_living before insert or update on staff
    for each row when (new.removed_at is null) execute function refuse_erased('user_id');
create trigger a_living before insert on staff_invites for each row execute function refuse_erased('created_by');
create trigger a_living_user before update of used_by on staff_invites
    for each row execute function refuse_erased('used_by');
create trigger a_living before insert on services for each row execute function refuse_erased('created_by');
create trigger a_living before insert on promotions for each row execute function refuse_erased('created_by');
create trigger a_living before insert or update of user_id on members
    for each row execute function refuse_erased('user_id');
create trigger a_living before insert on favourites for each row execute function refuse_erased('user_id');
create trigger a_living before insert on loyalty_trail for each row execute function refuse_erased('actor_id');
create trigger a_living before insert on messages for each row execute function refuse_erased('member_id');
create trigger a_living_staff before insert on messages for each row execute function refuse_erased('staff_id');
create trigger a_living before insert on ratings for each row execute function refuse_erased('member_id');
create trigger a_living_words before update of words on ratings
    for each row when (new.words <> '') execute function refuse_erased('member_id');

-- What was told to one person is mostly about another. Nobody needs the words once they are said, or cannot be.
create function forget_words() returns trigger language plpgsql as $$
begin
    new.args := new.args - 'fields' - 'ways';
    return new;
end $$;

create trigger forget_words before insert on job_history
    for each row when (new.task = 'tell') execute function forget_words();

-- Of what is never changed one thing may go: who was erased.
create function keep_but_names() returns trigger language plpgsql as $$
begin
    if tg_table_name = 'point_txns' then
        if new.idem_key in (old.idem_key, 'erased:' || old.id) and new.reason in (old.reason, '')
            and to_jsonb(new) - '{idem_key,reason}'::text[] = to_jsonb(old) - '{idem_key,reason}'::text[]
        then
            return new;
        end if;
    elsif new.actor ~ '^admin:erased-[0-9]+$' and to_jsonb(new) - 'actor' = to_jsonb(old) - 'actor' then
        return new;
    end if;
    raise exception using errcode = 'restrict_violation',
        message = format('%s of %s is not allowed: what it holds is kept', tg_op, tg_table_name);
end $$;

create trigger keep_operation before update on point_txns for each row execute function keep_but_names();
create trigger keep_deed before update on audit_log
    for each row execute function keep_but_names();

grant update (idem_key, reason) on point_txns to lotok_till;
grant update (before, after) on loyalty_trail to lotok_app;

create function is_erased(p_user_id bigint) returns boolean language sql stable security definer
set search_path to public, pg_temp as $$
    select exists (select from users where id = p_user_id and erased_at is not null);
$$;

-- What the ledger of points knows of a person beside numbers: keys that hold a Telegram id, and reasons that staff typed
-- about a client.
create function forget_operations(p_partner_id bigint, p_user_id bigint) returns void
language plpgsql security definer set search_path to public, pg_temp as $$
begin
    perform set_config('app.tenant', p_partner_id::text, true);
    update point_txns t
    set idem_key = case when t.actor_id = p_user_id then 'erased:' || t.id else t.idem_key end,
        reason = case when m.user_id = p_user_id then '' else t.reason end
    from members m
    where t.partner_id = p_partner_id
    and m.partner_id = p_partner_id
    and m.id = t.member_id
    and (t.actor_id = p_user_id and t.idem_key <> 'erased:' || t.id or m.user_id = p_user_id and t.reason <> '')
    and is_erased(p_user_id);
    perform set_config('app.tenant', '', true);
end $$;

create function forget_operations(p_user_id bigint) returns void language plpgsql set role to lotok_app as $$
declare
    shop bigint;
begin
    perform set_config('app.platform', 'on', true);
    for shop in
        select partner_id from staff where user_id = p_user_id
        union
        select partner_id from members where user_id = p_user_id
    loop
        perform forget_operations(shop, p_user_id);
    end loop;
    perform set_config('app.platform', '', true);
end $$;

grant create on schema public to lotok_till;
alter function forget_operations(bigint, bigint) owner to lotok_till;
revoke create on schema public from lotok_till;

-- Updates that failed and hold a person: by the Telegram id anywhere in them, or by the phone however it was typed.
create function forget_letters(p_user_id bigint, p_tg_id bigint) returns void
language plpgsql set role to lotok_app as $$
begin
    perform set_config('app.person', p_user_id::text, true);
    delete from dead_letters
    where payload::text ~ ('\m' || p_tg_id || '\M')
    or error ~ ('\m' || p_tg_id || '\M')
    or regexp_replace(payload::text, '[^0-9"]+', '', 'g') like '%' || (
        select right(regexp_replace(phone, '\D', '', 'g'), 10) from clients where user_id = p_user_id
    ) || '%';
    perform set_config('app.person', '', true);
end $$;

-- What an administrator did stays, and so does the reason; who it was does not.
create function forget_administrator(p_user_id bigint, p_tg_id bigint) returns void language sql as $$
    update audit_log set actor = 'admin:erased-' || p_user_id where actor = 'admin:' || p_tg_id;
    update bans set actor = 'admin:erased-' || p_user_id where actor = 'admin:' || p_tg_id;
    delete from muted_alerts where tg_id = p_tg_id;
$$;

-- What a person did for shops: within the scope of the caller.
create function export_work(p_user_id bigint) returns jsonb language sql stable as $$
    select coalesce(jsonb_agg(jsonb_build_object(
        'shop', p.title, 'role', s.role, 'city', s.city, 'since', s.joined_at, 'until', s.removed_at,
        'operations', (
            select coalesce(jsonb_agg(jsonb_build_object('kind', t.kind, 'points', t.points, 'bill_minor', t.bill_minor,
                'reason', t.reason, 'at', t.created_at) order by t.id), '[]')
            from point_txns t
            where t.partner_id = s.partner_id and t.actor_id = p_user_id
        ), 'vouchers', (
            select coalesce(jsonb_agg(jsonb_build_object('handed_out_at', v.used_at) order by v.used_at), '[]')
            from vouchers v
            where v.partner_id = s.partner_id and v.used_by = p_user_id
        ), 'messages', (
            select coalesce(jsonb_agg(jsonb_build_object('words', g.words, 'at', g.created_at) order by g.id), '[]')
            from messages g
            where g.partner_id = s.partner_id and g.staff_id = p_user_id
        ), 'invitations', (
            select coalesce(jsonb_agg(jsonb_build_object('role', i.role, 'at', i.created_at, 'used_at', i.used_at)
                order by i.created_at), '[]')
            from staff_invites i
            where i.partner_id = s.partner_id and i.created_by = p_user_id
        ), 'offers', (
            select coalesce(jsonb_agg(jsonb_build_object('title', o.title, 'about', o.about, 'at', o.created_at)
                order by o.created_at), '[]')
            from (
                select title, about, created_at from services
                where partner_id = s.partner_id and created_by = p_user_id
                union all
                select title, about, created_at from promotions
                where partner_id = s.partner_id and created_by = p_user_id
            ) o
        ), 'decisions', (
            select coalesce(jsonb_agg(jsonb_build_object('action', a.action, 'before', a.before, 'after', a.after, 'at',
                a.created_at) order by a.id), '[]')
            from loyalty_trail a
            where a.partner_id = s.partner_id and a.actor_id = p_user_id
        )) order by s.joined_at), '[]')
    from staff s
    join partners p on p.id = s.partner_id
    where s.user_id = p_user_id;
$$;

-- What nobody needs any more of conversations in an outage of Redis and of updates that failed; returns how many rows.
create function forget_traces(p_now timestamptz) returns integer language plpgsql as $$
declare
    gone integer;
    number integer := 0;
begin
    delete from conversations where saved_at < p_now - interval '1 hour' and coalesce(turn_until <= p_now, true);
    get diagnostics gone = row_count;
    number := number + gone;
    delete from handled_updates where seen_at < p_now - interval '48 hours';
    get diagnostics gone = row_count;
    number := number + gone;
    delete from dead_letters where created_at < p_now - interval '90 days';
    get diagnostics gone = row_count;
    return number + gone;
end $$;

-- What an erasure does not wash off: what is owed for Stars that went back, and where a shop has blocked the person. Not
-- by the phone, which is somebody else's one day.
create function remember_harm(p_user_id bigint, p_mark bytea) returns void language plpgsql set role to lotok_app as $$
declare
    term timestamptz := clock_timestamp() + interval '3 years';
begin
    if p_mark is null then
        return;
    end if;
    perform set_config('app.platform', 'on', true);
    -- what is had once is remembered with a mark that is new
    update users set mark = p_mark where id = p_user_id and mark is distinct from p_mark;
    perform set_config('app.platform', 'on', true);
    insert into remembered (mark, what, subject, until)
    select p_mark, 'debt', id, term
    from payments
    where user_id = p_user_id and state = 'debt'
    union all
    select p_mark, 'block', partner_id, term
    from members
    where user_id = p_user_id and left_at is null and blocked_at is not null
    on conflict do nothing;
    perform set_config('app.platform', '', true);
end $$;

-- The shop has lifted its block: no later account of the person is blocked for it.
create function forget_block(p_user_id bigint, p_partner_id bigint) returns void language sql security definer
set search_path to public, pg_temp as $$
    delete from remembered where mark = any (marks_of(p_user_id)) and what = 'block' and subject = p_partner_id;
$$;
