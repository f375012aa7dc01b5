-- name: look_after
-- A free change that failed does not count; ids grow with time, so only what came after the order is read.
select (
        select count(*)
        from job_history h
        where h.user_id = %(user_id)s
        and h.id > %(order_id)s
        and h.key like 'mend:%%'
        and h.args ->> 'mends' = %(order_id)s::text
        and h.state = 'done'
    ) + (
        select count(*)
        from jobs j
        where j.user_id = %(user_id)s
        and j.key like 'mend:%%'
        and j.args ->> 'mends' = %(order_id)s::text
    ) as changes,
    is_given_back(%(order_id)s) as is_refunded,
    exists (select from complaints c where c.job_id = %(order_id)s and c.user_id = %(user_id)s) as is_bad,
    exists (
        select
        from job_history h
        where h.id = %(order_id)s
        and h.finished_at <= statement_timestamp() - %(within)s
    ) as is_late;

-- name: list_drawings
-- An order and its copies that differ from it in the cut alone; only what came after the paid order is read.
with family as (
    select id
    from jobs
    where user_id = %(user_id)s
    and id >= %(root)s
    union all
    select id
    from job_history
    where user_id = %(user_id)s
    and id >= %(root)s
    and (id = %(root)s or args ->> 'mends' = %(root)s::text)
)
select coalesce(other.args ->> 'way', '') as way,
    coalesce(other.checkpoint -> 'item0' -> 'files' -> 'note' ->> 0, '') as note
from every_job job
join every_job other on other.task = job.task and other.args - %(besides)s::text[] = job.args - %(besides)s::text[]
where job.id = %(order_id)s
and other.id = any(array(select id from family))
and (other.id = %(root)s or other.args ->> 'mends' = %(root)s::text)
and other.state not in ('failed', 'cancelled')
order by other.id;

-- name: complain
-- An order is called bad once, while its result is not old and was not refunded; of a batch, a part is a result.
insert into complaints (job_id, user_id, reason, product, look)
select h.id, h.user_id, %(reason)s, coalesce(h.args ->> 'product', h.task),
    coalesce(h.args ->> (case h.task when 'video' then 'template' when 'background' then 'scene' else 'preset' end), '')
from job_history h
where h.id = %(order_id)s
and h.user_id = %(user_id)s
and (h.state = 'done' or h.checkpoint ? 'earned')
and h.finished_at > statement_timestamp() - %(within)s
and not is_given_back(h.id)
on conflict (job_id) do nothing
returning true;

-- name: give_back
select outcome, amount
from give_back_bad(%(user_id)s, %(order_id)s, %(most)s);

-- name: count_complaints
select c.product, c.look, c.reason, count(*) as number, count(c.refunded_at) as refunded
from complaints c
where c.created_at > statement_timestamp() - %(span)s
group by c.product, c.look, c.reason
order by number desc, c.product, c.look, c.reason
limit 40;
