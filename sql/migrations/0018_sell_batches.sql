-- Orders of many photos: delivered one by one, paid by what was delivered, and in nobody's way.
set local lock_timeout = '5s';

create or replace function stamp_ledger_entry() returns trigger language plpgsql as $$
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
        select from credit_ledger c left join job_history h on h.id = c.job_id
        where c.job_id = new.job_id and c.kind = 'charge' and c.user_id = new.user_id
        and -c.amount in (new.amount, new.amount + (h.checkpoint ->> 'earned')::integer)
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

drop function refund_credit(bigint);

-- Gives back the charge of a job, or the rest of it when a part was earned, once, and only when the job can no longer
-- run. No row means that there is nothing to give back.
create function refund_credit(p_job_id bigint, p_earned integer default 0) returns table (amount integer, balance integer)
language sql security definer set search_path to public, pg_temp as $$
    insert into credit_ledger (user_id, kind, amount, key, job_id)
    select c.user_id, 'refund', -c.amount - p_earned, 'refund:' || c.job_id, c.job_id
    from credit_ledger c
    where c.job_id = p_job_id
    and c.kind = 'charge'
    and -c.amount > p_earned
    and not exists (select from jobs j where j.id = p_job_id and j.finished_at is null)
    on conflict do nothing
    returning amount, balance_after;
$$;

create or replace function settle_job() returns trigger language plpgsql as $$
begin
    perform refund_credit(new.id, coalesce((new.checkpoint ->> 'earned')::integer, 0));
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

drop trigger settle on job_history;
create trigger settle after insert on job_history
    for each row when (new.state in ('failed', 'cancelled') or new.checkpoint ? 'earned') execute function settle_job();

create or replace function move_jobs(
    p_ids bigint[], p_tokens uuid[], p_states text[], p_run_ats timestamptz[], p_codes text[], p_errors text[]
) returns setof every_job language sql as $$
    -- what is asked for
    with wanted as materialized (
        select w.id, w.token, w.state, w.run_at, w.code, w.error
        from unnest(p_ids, p_tokens, p_states, p_run_ats, p_codes, p_errors) w (id, token, state, run_at, code, error)
    -- what ends leaves the table for the history
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
    -- what does not end goes back to the line
    ), moved as (
        -- Waiting for a provider is progress: it gives the attempts back, so that only failures in a row use them up.
        -- A job that was never begun is given back as it was. One that gives way waits behind all whose turn is now.
        update jobs j
        set state = case w.state when 'released' then 'queued' when 'gave_way' then 'waiting' else w.state end,
            run_at = case w.state when 'released' then j.run_at
                else least(coalesce(w.run_at, clock_timestamp()), j.deadline) end,
            attempts = case when w.state in ('waiting', 'gave_way') then 0 when w.state = 'released' then j.attempts - 1
                else j.attempts end,
            deaths = case when w.state in ('waiting', 'gave_way') then 0 else j.deaths end,
            turn = case when w.state = 'gave_way' then next_turn(null, j.task, j.priority) + 1
                when w.run_at > clock_timestamp() then null else j.turn end,
            lease_token = null,
            leased_until = null,
            error_code = case w.state when 'released' then j.error_code else w.code end,
            error = case w.state when 'released' then j.error else w.error end
        from wanted w
        where j.id = w.id
        and j.state = 'running'
        and j.lease_token = w.token
        and w.state in ('queued', 'waiting', 'released', 'gave_way')
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

insert into products (code, task, price, position, expected_seconds, own_seconds, params)
values ('batch', 'card', 1, 6, 8, 8, '{}');
