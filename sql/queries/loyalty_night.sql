-- name: shops_due
select * from shops_due(%(after)s, %(now)s);

-- name: settle_due
select settle_due(%(partner_id)s, %(limit)s, %(now)s);

-- name: reminders
-- Points that expire within the shop's days of notice and of which nobody was told yet, by client and moment.
select l.member_id, m.user_id, c.wants_news, sum(l.remaining)::bigint as points, l.expires_at,
    array_agg(l.id) as lots
from point_lots l
join members m on m.partner_id = l.partner_id and m.id = l.member_id
left join clients c on c.user_id = m.user_id
where l.partner_id = %(partner_id)s
and l.is_open
and not l.reminded
and l.expires_at between %(now)s and %(until)s
group by l.member_id, m.user_id, c.wants_news, l.expires_at
order by l.expires_at, l.member_id
limit %(limit)s;

-- name: expiring
select coalesce(sum(remaining), 0)::bigint
from point_lots
where partner_id = %(partner_id)s
and member_id = %(member_id)s
and is_open
and expires_at = %(expires_at)s;

-- name: mark_reminded
update point_lots
set reminded = true
where partner_id = %(partner_id)s
and id = any(%(lots)s);

-- name: birthdays
-- Clients whose birthday it is, and who have had nothing for it this year with any card.
select m.id as member_id, m.user_id
from clients c
join members m on m.partner_id = %(partner_id)s and m.user_id = c.user_id
where c.birthday = any(%(days)s)
and m.left_at is null
and m.blocked_at is null
and not exists (
    select
    from point_txns t
    where t.partner_id = m.partner_id
    and t.idem_key = 'birthday:' || m.id || ':' || %(year)s
)
and not exists (
    select
    from remembered r
    where r.mark = any (marks_of(m.user_id))
    and r.what = 'birthday'
    and r.subject = m.partner_id
    and r.until > %(now)s
)
order by m.id
limit %(limit)s;

-- name: give_birthday
select available
from grant_points(%(partner_id)s, %(member_id)s, null, %(key)s, 'birthday', %(points)s, '', %(now)s);
