-- What was asked of the generation providers goes with the job it was asked for, instead of never. Neither table is read
-- from end to end: no index can be searched for a clock that goes on meanwhile.
create or replace function forget_history(p_limit integer) returns integer language plpgsql set enable_seqscan = off as $$
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
