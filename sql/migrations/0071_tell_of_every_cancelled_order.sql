set local lock_timeout = '5s';

-- Telling the user is a job too, so a crash between the failure and the message loses nothing. Who cancels an order that
-- has begun hears of it when it has stopped, however few attempts it has used: waiting for a provider uses up none.
create or replace function settle_job() returns trigger language plpgsql as $$
begin
    perform refund_credit(new.id);
    if (new.state = 'failed' or new.price > 0 and new.error_code = 'cancelled')
        and new.task <> 'notice' and new.user_id is not null
    then
        insert into jobs (user_id, task, key, args, turn)
        values (new.user_id, 'notice', new.state || ':' || new.id, jsonb_build_object('job_id', new.id),
            next_turn(new.user_id, 'notice', 0::smallint))
        on conflict (key) do nothing;
    end if;
    return null;
end $$;

-- Ends jobs that may not run again: no attempts left (a worker died each time), too late, or no longer wanted.
create or replace function end_spent_jobs(p_ids bigint[]) returns void language sql as $$
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
