-- name: snapshot
-- What the figures of the platform need of Postgres, as one row. `since` is when the oldest job of the group fell due;
-- of an order that waits for somebody else's work, when it was placed. A job whose time has not come is not late.
select
    (
        select coalesce(jsonb_agg(to_jsonb(g)), '[]')
        from (
            select task, state, count(*) as number, extract(epoch from min(
                case when state = 'waiting' then case when price > 0 then created_at end
                    when run_at <= statement_timestamp() then run_at end
            )) as since
            from jobs
            group by task, state
            order by task, state
        ) g
    ) as jobs,
    (
        select jsonb_build_object(
            'finished_hour', count(*),
            'failed_hour', count(*) filter (where state = 'failed')
        )
        from job_history
        where finished_at > statement_timestamp() - interval '1 hour'
    ) || jsonb_build_object(
        'letters', (select count(*) from dead_letters),
        'stopped', (select count(*) from broadcasts where state = 'paused' and reason <> ''),
        -- those of a day of which more than three percent have stopped the bot for it
        'disliked', (
            select count(*)
            from broadcasts b
            cross join lateral broadcast_sums(b.partner_id, b.id) s
            where (b.state in ('running', 'paused') or b.finished_at > statement_timestamp() - interval '1 day')
            and s[3] + s[4] >= 50
            and s[4] * 100 > (s[3] + s[4]) * 3
        ),
        'refunding', (select count(*) from payments where state = 'refunding'),
        'debt', (select count(*) from payments where state = 'debt'),
        'unmatched', (select count(*) from payments where credits = 0 and state = 'paid')
    ) as counts,
    -- ids grow with time: the entries of a day are those above the newest that is older
    (
        select coalesce(jsonb_object_agg(kind, number), '{}')
        from (
            select kind, sum(abs(amount)) as number
            from credit_ledger
            where id > coalesce((
                select id
                from credit_ledger
                where created_at <= statement_timestamp() - interval '1 day'
                order by id desc
                limit 1
            ), 0)
            group by kind
        ) l
    ) as credits,
    (
        select coalesce(jsonb_object_agg(kind, number), '{}')
        from (
            select t.kind, sum(t.points) as number
            from partners p
            cross join lateral (
                select kind, points
                from point_txns
                where partner_id = p.id
                and created_at > statement_timestamp() - interval '1 day'
            ) t
            group by t.kind
        ) d
    ) as points,
    (
        select coalesce(jsonb_object_agg(state, number), '{}')
        from (
            select state, count(*) as number
            from broadcasts
            where state in ('review', 'running', 'paused')
            group by state
        ) b
    ) as casts,
    (select name from migrations order by name desc limit 1) as migration,
    pg_database_size(current_database()) as size;
