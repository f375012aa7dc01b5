-- name: ask
-- The shop's time zone when a client may be asked how a visit was: the shop asks at all, and the client does not mind.
-- The same visit passes again, because its message has a key.
update members
set asked_at = %(at)s,
    asked_txn = %(txn_id)s
where partner_id = %(partner_id)s
and id = %(member_id)s
and (asked_at is null or asked_at <= %(at)s - %(every)s::interval or asked_txn = %(txn_id)s)
and not exists (
    select
    from reminders r
    where r.partner_id = members.partner_id
    and r.kind = 'rating'
    and not r.is_on
)
and not exists (
    select
    from news_choices n
    where n.partner_id = members.partner_id
    and n.user_id = members.user_id
    and n.kind = 'rating'
    and not n.wants
)
returning (select p.tz from partners p where p.id = members.partner_id);

-- name: unask
-- A question that was never sent does not keep the next visit from being asked about.
update members
set asked_at = null,
    asked_txn = null
where partner_id = %(partner_id)s
and id = (select t.member_id from point_txns t where t.partner_id = %(partner_id)s and t.id = %(txn_id)s)
and asked_txn = %(txn_id)s;

-- name: rate
-- One rating a visit, by the client themselves; a second one replaces the words and the score. Returns whether these are
-- the first words about the visit.
with said as (
    select words
    from ratings
    where partner_id = %(partner_id)s
    and txn_id = %(txn_id)s
)
insert into ratings (partner_id, txn_id, member_id, score, words)
select t.partner_id, t.id, t.member_id, %(score)s, %(words)s
from point_txns t
join members m on m.partner_id = t.partner_id and m.id = t.member_id and m.user_id = %(user_id)s and m.left_at is null
where t.partner_id = %(partner_id)s
and t.id = %(txn_id)s
and t.kind in ('accrue', 'redeem', 'service')
on conflict (partner_id, txn_id) do update
set score = excluded.score,
    words = case when excluded.words = '' then ratings.words else excluded.words end
returning %(words)s::text <> '' and coalesce((select words from said), '') = '';

-- name: list_ratings
select r.txn_id, r.member_id, coalesce(c.name, '') as name, r.score, r.words, r.created_at
from ratings r
join members m on m.partner_id = r.partner_id and m.id = r.member_id
left join clients c on c.user_id = m.user_id
where r.partner_id = %(partner_id)s
and (%(before_at)s::timestamptz is null or (r.created_at, r.txn_id) < (%(before_at)s, %(before_id)s))
order by r.created_at desc, r.txn_id desc
limit %(limit)s;

-- name: write
insert into messages (partner_id, member_id, words)
select m.partner_id, m.id, %(words)s
from members m
where m.partner_id = %(partner_id)s
and m.user_id = %(user_id)s
and m.left_at is null
and m.blocked_at is null
returning id;

-- name: reply
insert into messages (partner_id, member_id, staff_id, words)
select m.partner_id, m.id, s.user_id, %(words)s
from members m
join staff s on s.partner_id = m.partner_id and s.user_id = %(actor_id)s and s.removed_at is null
where m.partner_id = %(partner_id)s
and m.id = %(member_id)s
and m.left_at is null
returning id;

-- name: list_messages
select g.id, g.member_id, coalesce(c.name, '') as name, g.staff_id, g.words, g.created_at, g.read_at
from messages g
join members m on m.partner_id = g.partner_id and m.id = g.member_id
left join clients c on c.user_id = m.user_id
where g.partner_id = %(partner_id)s
and (%(member_id)s::bigint is null or g.member_id = %(member_id)s)
and (%(before)s::bigint is null or g.id < %(before)s)
order by g.id desc
limit %(limit)s;

-- name: mark_read
update messages
set read_at = clock_timestamp()
where partner_id = %(partner_id)s
and member_id = %(member_id)s
and staff_id is null
and read_at is null;

-- name: add_favourite
insert into favourites (user_id, partner_id)
values (%(user_id)s, %(partner_id)s)
on conflict do nothing;

-- name: remove_favourite
delete from favourites
where user_id = %(user_id)s
and partner_id = %(partner_id)s;

-- name: list_favourites
select partner_id
from favourites
where user_id = %(user_id)s
order by partner_id
limit 200;
