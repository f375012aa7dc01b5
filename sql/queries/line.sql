-- name: list_waiting
select j.id, j.args, queue_position(j.id) as position,
    extract(epoch from statement_timestamp() - j.created_at)::double precision as waited
from jobs j
where j.task = any('{card,background,video}')
and j.turn is not null
and j.state = 'queued'
and j.created_at < statement_timestamp() - interval '30 seconds'
order by j.created_at, j.id
limit %(limit)s;
