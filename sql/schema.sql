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
    constraint users_tg_id_check check ((erased_at is null) = (tg_id > 0))
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
    kind text not null check (kind in ('trial', 'purchase', 'grant', 'charge', 'refund')),
    amount integer not null,
    -- filled by the trigger, whatever the caller says
    balance_after integer not null check (balance_after >= 0),
    -- one operation, one key: repeating it cannot move credits twice
    key text not null unique check (key <> ''),
    -- no foreign key: a finished job may leave the table, its money may not
    job_id bigint,
    created_at timestamptz not null default clock_timestamp(),
    check (case when kind = 'charge' then amount < 0 else amount > 0 end),
    check ((kind in ('charge', 'refund')) = (job_id is not null))
);

create unique index credit_ledger_one_charge on credit_ledger (job_id) where kind = 'charge';
create unique index credit_ledger_one_refund on credit_ledger (job_id) where kind = 'refund';
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

-- A file_id belongs to one bot and to one way of sending.
create table file_telegram_ids (
    file_id bigint not null references files (id) on delete cascade,
    bot text not null check (bot in ('studio', 'client', 'partner', 'admin')),
    kind text not null check (kind in ('photo', 'document')),
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
    unique (bot, update_id)
);

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
        where c.saved_at < clock_timestamp() - interval '1 hour'
        and (c.turn_until is null or c.turn_until <= clock_timestamp())
        order by c.saved_at
        limit 100
        for update skip locked
    );
    delete from handled_updates
    where (bot, update_id) in (
        select h.bot, h.update_id
        from handled_updates h
        where h.seen_at < clock_timestamp() - interval '48 hours'
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
    update jobs
    set args = '{}',
        checkpoint = '{}',
        error = null,
        key = 'erased:' || id
    where user_id = p_user_id
    and task not in ('notice', 'erase')
    and finished_at is not null
    and key not like 'erased:%';
    return (
        select count(*)
        from jobs
        where user_id = p_user_id
        and task not in ('notice', 'erase')
        and finished_at is null
    );
end $$;

-- Once: a second call finds nobody. Orders that nobody has begun are cancelled and given back; the rest is a job's work.
create function erase_user(p_user_id bigint, p_tg_id bigint, p_mark bytea) returns void language plpgsql as $$
begin
    update users
    set tg_id = -id,
        first_name = '',
        last_name = '',
        username = '',
        time_zone = default,
        consent_at = null,
        blocked_at = null,
        erased_at = clock_timestamp()
    where id = p_user_id
    and tg_id = p_tg_id;
    if not found then
        return;
    end if;
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
    perform forget_orders(p_user_id);
    delete from dead_letters
    where p_tg_id::text in (
        payload -> 'message' -> 'from' ->> 'id',
        payload -> 'callback_query' -> 'from' ->> 'id',
        payload -> 'my_chat_member' -> 'from' ->> 'id'
    );
    update conversations
    set state = null
    where tg_id = p_tg_id;
    delete from handled_updates
    where tg_id = p_tg_id;
    insert into jobs (user_id, task, key, max_attempts)
    values (p_user_id, 'erase', 'erase:' || p_user_id, 20)
    on conflict (key) do nothing;
end $$;
