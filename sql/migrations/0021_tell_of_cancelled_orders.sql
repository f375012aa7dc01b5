-- Telling the user is a job too, so a crash between the failure and the message loses nothing. Who cancels an order that
-- has begun hears of it when it has stopped.
create or replace function settle_job() returns trigger language plpgsql as $$
begin
    perform refund_credit(new.id);
    if (new.state = 'failed' or new.price > 0 and new.attempts > 0)
        and new.task <> 'notice' and new.user_id is not null
    then
        insert into jobs (user_id, task, key, args, turn)
        values (new.user_id, 'notice', new.state || ':' || new.id, jsonb_build_object('job_id', new.id),
            next_turn(new.user_id, 'notice', 0::smallint))
        on conflict (key) do nothing;
    end if;
    return null;
end $$;
