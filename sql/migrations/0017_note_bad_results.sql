-- Results that were called bad: once an order, counted by what was made and why, refunded at most once.
set local lock_timeout = '5s';

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

-- Gives the credits of a bad result back. Returns given; already; limit (p_most within 30 days are used up); early (it is
-- being made once more); or late (nobody has called it bad).
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
        when exists (select from credit_ledger l where l.job_id = p_order_id and l.kind = 'refund') then 'already'
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
        update complaints set refunded_at = clock_timestamp() where job_id = p_order_id;
    end if;
    return next;
end $$;
