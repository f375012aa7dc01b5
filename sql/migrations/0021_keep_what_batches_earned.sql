-- An erased person's batch keeps the number that explains why its refund is less than its charge.
set local lock_timeout = '5s';

create or replace function forget_orders(p_user_id bigint) returns bigint language plpgsql as $$
begin
    update job_history
    set args = '{}',
        checkpoint = jsonb_strip_nulls(jsonb_build_object('earned', checkpoint -> 'earned')),
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
