-- The limit of refunds for bad results holds over an erasure, as other limits do.
set local lock_timeout = '5s';

alter table remembered drop constraint remembered_what_check;
alter table remembered add constraint remembered_what_check
    check (what in ('welcome', 'birthday', 'block', 'debt', 'owed', 'card', 'account', 'bad')) not valid;
alter table remembered validate constraint remembered_what_check;

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

-- An erasure does not remove debts for Stars that went back, debts to shops, blocks by shops, and limits that are not over.
create or replace function remember_harm(p_user_id bigint, p_mark bytea) returns void language plpgsql set role to lotok_app as $$
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
    perform from members where user_id = p_user_id and left_at is null order by partner_id, id for no key update;
    perform keep_harm(p_mark, h.what, h.subject, h.until)
    from (
        select 'debt' as what, id as subject, term as until
        from payments
        where user_id = p_user_id and state = 'debt'
        union all
        select 'block', partner_id, term
        from members
        where user_id = p_user_id and left_at is null and blocked_at is not null
        union all
        select 'owed', id, term
        from members
        where user_id = p_user_id and left_at is null and owed > 0
        union all
        select 'account', p_user_id, clock_timestamp() + interval '1 day'
        union all
        select 'bad', job_id, refunded_at + interval '30 days'
        from complaints
        where user_id = p_user_id and refunded_at > clock_timestamp() - interval '30 days'
        union all
        select 'card', id, last_visit_at + interval '30 days'
        from members
        where user_id = p_user_id and left_at is null and last_visit_at > clock_timestamp() - interval '30 days'
    ) h;
    perform set_config('app.platform', '', true);
end $$;
