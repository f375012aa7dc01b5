-- name: ask
-- An operation has one request at a time; a request that nobody answered in time is made again. Old requests are deleted,
-- because each is good for minutes.
with old as (
    delete from spend_requests
    where partner_id = %(partner_id)s
    and asked_at < clock_timestamp() - interval '1 day'
), live as (
    select id, confirmed_at, refused_at
    from spend_requests
    where partner_id = %(partner_id)s
    and key_hash = sha256(convert_to(%(key)s, 'UTF8'))
    and (member_id, actor_id, bill_minor, points) =
        (%(member_id)s, %(actor_id)s, %(bill_minor)s::bigint, %(points)s::bigint)
    and expires_at > clock_timestamp()
    order by id desc
    limit 1
), made as (
    insert into spend_requests (partner_id, key_hash, member_id, actor_id, bill_minor, points, expires_at)
    select m.partner_id, sha256(convert_to(%(key)s, 'UTF8')), m.id, s.user_id, %(bill_minor)s, %(points)s,
        clock_timestamp() + %(life)s::interval
    from members m
    join staff s on s.partner_id = m.partner_id and s.user_id = %(actor_id)s and s.removed_at is null
    where m.partner_id = %(partner_id)s
    and m.id = %(member_id)s
    and m.left_at is null
    and m.blocked_at is null
    and not exists (select from live)
    returning id
)
select id, false as made, confirmed_at is not null as confirmed, refused_at is not null as refused from live
union all
select id, true, false, false from made;

-- name: answer
-- Keeps the client's answer, once, while the question is open. A yes is to somebody who may still take the points: a
-- cashier at work, in a shop that is open, of a card that nobody has suspended. A no is heard all the same.
update spend_requests r
set confirmed_at = case when %(agrees)s then clock_timestamp() end,
    refused_at = case when not %(agrees)s then clock_timestamp() end
from members m
where r.partner_id = %(partner_id)s
and r.id = %(request_id)s
and r.confirmed_at is null
and r.refused_at is null
and r.expires_at > clock_timestamp()
and m.partner_id = r.partner_id
and m.id = r.member_id
and m.user_id = %(user_id)s
and m.left_at is null
and (
    not %(agrees)s
    or m.blocked_at is null
    and exists (
        select
        from staff s
        join partners p on p.id = s.partner_id
        where s.partner_id = r.partner_id
        and s.user_id = r.actor_id
        and s.removed_at is null
        and p.status = 'approved'
    )
)
returning r.points, r.bill_minor, r.actor_id;
