-- The place in the line is counted once for what a person reads: its wait is the place by this pace.
set local lock_timeout = '5s';

create function queue_pace(p_job_id bigint) returns interval language sql stable
set enable_seqscan = off set enable_bitmapscan = off as $$
    select case when pace.number >= 3 then (clock_timestamp() - pace.since) / pace.number end
    from jobs mine
    cross join lateral (
        select count(*) as number, min(recent.finished_at) as since
        from (
            select h.finished_at
            from job_history h
            where h.task = mine.task
            and h.price > 0
            and h.finished_at > statement_timestamp() - interval '15 minutes'
            order by h.finished_at desc
            limit 50
        ) recent
    ) pace
    where mine.id = p_job_id;
$$;

create or replace function queue_wait(p_job_id bigint) returns interval language sql stable as $$
    select queue_position(p_job_id) * queue_pace(p_job_id);
$$;
