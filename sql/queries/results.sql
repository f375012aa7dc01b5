-- name: list_pieces
select id as file_id, kind, pathname, coalesce(width, 0) as width, coalesce(height, 0) as height
from files
where user_id = %(user_id)s
and job_id = %(job_id)s
and kind in ('card-preview', 'card', 'background-preview', 'background', 'video', 'zip')
order by id;

-- name: order_rows
-- A row an order, in the order of a file's columns, and whose it is. The two tables are joined here, as the view of both
-- hides whose they are from the index.
select j.id, j.created_at, case when (j.args ->> 'mends')::bigint > 0 then 'mend' else coalesce(j.args ->> 'product', j.task) end,
    j.args ->> 'title', coalesce((j.args ->> 'count')::integer, 1), j.state, coalesce(-c.amount, 0),
    coalesce(r.amount, 0), j.finished_at, trim(concat_ws(' ', u.first_name, u.last_name)),
    case when u.tg_id > 0 then u.tg_id::text end
from (
    select id, user_id, task, args, state, created_at, null::timestamptz as finished_at
    from jobs
    union all
    select id, user_id, task, args, state, created_at, finished_at
    from job_history
) j
join users u on u.id = j.user_id
left join credit_ledger c on c.job_id = j.id and c.kind = 'charge'
left join credit_ledger r on r.job_id = j.id and r.kind = 'refund'
where (%(user_id)s::bigint = 0 or j.user_id = %(user_id)s::bigint)
and j.task in ('card', 'background', 'video')
and j.created_at >= %(since)s
and j.created_at < %(until)s
order by j.created_at, j.id;

-- name: order_count
select count(*)
from (
    select user_id, task, created_at
    from jobs
    union all
    select user_id, task, created_at
    from job_history
) j
where (%(user_id)s::bigint = 0 or j.user_id = %(user_id)s::bigint)
and j.task in ('card', 'background', 'video')
and j.created_at >= %(since)s
and j.created_at < %(until)s;
