-- A batch of which a part was left out can be called bad, too: what its delivered photos have cost goes back.
set local lock_timeout = '5s';

-- Tells whether all that an order has cost went back; of a batch, what its left out photos have cost is but a part.
create function is_given_back(p_job_id bigint) returns boolean language sql stable as $$
    select exists (select from complaints c where c.job_id = p_job_id and c.refunded_at is not null)
    or exists (
        select from credit_ledger r
        join credit_ledger c on c.job_id = r.job_id and c.kind = 'charge' and c.amount = -r.amount
        where r.job_id = p_job_id and r.kind = 'refund'
    );
$$;

-- Gives the credits of a bad result back; of a batch, those of what was delivered. Returns given; already; limit (p_most
-- within 30 days are used up); early (it is being made once more); or late (nobody has called it bad).
create or replace function give_back_bad(p_user_id bigint, p_order_id bigint, p_most integer)
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
        when p_most <= (
            select count(*)
            from complaints c
            where c.user_id = p_user_id
            and c.refunded_at > clock_timestamp() - interval '30 days'
        ) then 'limit'
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
