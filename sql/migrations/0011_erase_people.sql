-- A person who was erased keeps a row, for the ledger's sake, and has nobody's Telegram id.
alter table users
    drop constraint users_tg_id_check,
    add column erased_at timestamptz,
    add constraint users_tg_id_check check ((erased_at is null) = (tg_id > 0));

-- Who was erased after a trial, by a keyed hash of the Telegram id: a trial is for once in a lifetime.
create table spent_trials (
    mark bytea primary key,
    spent_at timestamptz not null default clock_timestamp()
);

-- The history may forget whose words an order held; what was done, for whom and at what price stays as it was.
drop trigger legal_moves on job_history;
create trigger legal_moves before update on job_history
    for each row when (
        (old.id, old.user_id, old.task, old.price, old.state, old.attempts, old.created_at, old.finished_at)
        is distinct from
        (new.id, new.user_id, new.task, new.price, new.state, new.attempts, new.created_at, new.finished_at)
    ) execute function refuse_move();

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
