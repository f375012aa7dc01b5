-- name: register_client
-- The number is one person's; a holder that has it already keeps it.
insert into clients (user_id, name, city, phone)
values (%(user_id)s, %(name)s, %(city)s, %(phone)s)
on conflict (user_id) do update
set name = excluded.name,
    city = excluded.city,
    phone = coalesce(excluded.phone, clients.phone);

-- name: phone_owner
select user_id
from clients
where phone = %(phone)s;

-- name: get_client
select user_id, name, city, phone, birthday, wants_news, consent_at, created_at
from clients
where user_id = %(user_id)s;

-- name: change_client
update clients
set name = coalesce(%(name)s, name),
    city = coalesce(%(city)s, city),
    birthday = coalesce(%(birthday)s, birthday),
    wants_news = coalesce(%(wants_news)s, wants_news)
where user_id = %(user_id)s;

-- name: set_phone
-- Every card of the person shows the new last digits.
select set_phone(%(user_id)s, %(phone)s, %(mark)s);

-- name: join_partner
select member_id, card_no, created, welcome, blocked
from join_partner(%(partner_id)s, %(user_id)s, %(referrer_card)s, %(now)s);

-- name: my_cards
select partner_id, member_id, card_no, title, city, category, status, available, pending, minor_per_point, next_points,
    next_at, favourite, last_visit_at, blocked
from my_cards(%(user_id)s, coalesce(%(now)s, clock_timestamp()));

-- name: settle_one
select settle_one(%(partner_id)s, %(member_id)s, %(now)s);

-- name: get_member
select m.partner_id, m.id, m.user_id, u.tg_id, u.language, coalesce(c.name, '') as name, m.card_no, m.phone_tail,
    m.referrer_id, m.visits, m.spent_minor, m.joined_at, m.last_visit_at, m.blocked_at, m.due_at,
    a.available, a.pending, t.title as tier, c.birthday, c.city, m.owed, array(
        select g.tag
        from member_tags g
        where g.partner_id = m.partner_id and g.member_id = m.id
        order by g.tag
    ) as tags
from members m
join users u on u.id = m.user_id
left join clients c on c.user_id = m.user_id
left join lateral (
    select max(x.balance) filter (where x.kind = 'available') as available,
        max(x.balance) filter (where x.kind = 'pending') as pending
    from point_accounts x
    where x.partner_id = m.partner_id and x.member_id = m.id
) a on true
left join lateral (
    select x.title
    from tiers x
    where x.partner_id = m.partner_id and x.min_spent_minor <= m.spent_minor
    order by x.min_spent_minor desc
    limit 1
) t on true
where m.partner_id = %(partner_id)s
and m.id = %(member_id)s
and m.left_at is null;

-- name: get_own_member
select m.partner_id, m.id, m.user_id, u.tg_id, u.language, coalesce(c.name, '') as name, m.card_no, m.phone_tail,
    m.referrer_id, m.visits, m.spent_minor, m.joined_at, m.last_visit_at, m.blocked_at, m.due_at,
    a.available, a.pending, t.title as tier, c.birthday, c.city, m.owed, array(
        select g.tag
        from member_tags g
        where g.partner_id = m.partner_id and g.member_id = m.id
        order by g.tag
    ) as tags
from members m
join users u on u.id = m.user_id
left join clients c on c.user_id = m.user_id
left join lateral (
    select max(x.balance) filter (where x.kind = 'available') as available,
        max(x.balance) filter (where x.kind = 'pending') as pending
    from point_accounts x
    where x.partner_id = m.partner_id and x.member_id = m.id
) a on true
left join lateral (
    select x.title
    from tiers x
    where x.partner_id = m.partner_id and x.min_spent_minor <= m.spent_minor
    order by x.min_spent_minor desc
    limit 1
) t on true
where m.partner_id = %(partner_id)s
and m.user_id = %(user_id)s
and m.left_at is null;

-- name: find_by_card
select id
from members
where partner_id = %(partner_id)s
and card_no = %(card_no)s
and left_at is null;

-- name: find_by_phone
-- Looks for each reading of the number, the likeliest first.
select m.id, c.name, m.phone_tail, m.card_no, m.last_visit_at, a.balance as available, c.phone
from clients c
join members m on m.partner_id = %(partner_id)s and m.user_id = c.user_id and m.left_at is null
join point_accounts a on a.partner_id = m.partner_id and a.member_id = m.id and a.kind = 'available'
where c.phone = any(%(phones)s::text[])
order by array_position(%(phones)s::text[], c.phone);

-- name: search
-- Finds clients by the last digits, by the beginning of a name, or by both. The digits lead because they have the index.
select m.id, coalesce(c.name, '') as name, m.phone_tail, m.card_no, m.last_visit_at, a.balance as available
from members m
join point_accounts a on a.partner_id = m.partner_id and a.member_id = m.id and a.kind = 'available'
left join clients c on c.user_id = m.user_id
where m.partner_id = %(partner_id)s
and m.phone_tail = %(tail)s
and m.left_at is null
and (%(name)s::text is null or translate(c.name, 'ёЁ-', 'еЕ ') ilike %(name)s || '%%')
and m.id > %(after)s
order by m.id
limit %(limit)s;

-- name: search_names
-- Without digits it reads a shop's members, the newest first, two thousand at most. "offset 0" keeps the
-- planner from reading everybody's names instead.
select m.id, c.name, m.phone_tail, m.card_no, m.last_visit_at, a.balance as available
from (
    select partner_id, id, user_id, phone_tail, card_no, last_visit_at
    from members
    where partner_id = %(partner_id)s
    and left_at is null
    order by id desc
    limit 2000
) m
cross join lateral (
    select name
    from clients
    where user_id = m.user_id
    offset 0
) c
join point_accounts a on a.partner_id = m.partner_id and a.member_id = m.id and a.kind = 'available'
where translate(c.name, 'ёЁ-', 'еЕ ') ilike '%%' || %(name)s || '%%'
order by m.last_visit_at desc nulls last, m.id desc
limit %(limit)s;

-- name: recent
-- Reads the last operations, because an index on the last visit would be written at every visit.
select m.id, coalesce(c.name, '') as name, m.phone_tail, m.card_no, m.last_visit_at, a.balance as available
from (
    select member_id, max(created_at) as at
    from (
        select member_id, created_at
        from point_txns
        where partner_id = %(partner_id)s
        and kind in ('accrue', 'redeem')
        and (%(before_at)s::timestamptz is null or created_at <= %(before_at)s)
        order by created_at desc, id desc
        limit 1000
    ) latest
    group by member_id
) o
join members m on m.partner_id = %(partner_id)s and m.id = o.member_id
join point_accounts a on a.partner_id = m.partner_id and a.member_id = m.id and a.kind = 'available'
left join clients c on c.user_id = m.user_id
where m.left_at is null
and m.last_visit_at <= o.at
and (%(before_at)s::timestamptz is null or (m.last_visit_at, m.id) < (%(before_at)s, %(before_id)s))
order by m.last_visit_at desc, m.id desc
limit %(limit)s;

-- name: list_members
select m.id, coalesce(c.name, '') as name, m.phone_tail, m.card_no, m.last_visit_at, a.balance as available
from members m
join point_accounts a on a.partner_id = m.partner_id and a.member_id = m.id and a.kind = 'available'
left join clients c on c.user_id = m.user_id
where m.partner_id = %(partner_id)s
and m.left_at is null
and (%(before)s::bigint is null or m.id < %(before)s)
order by m.id desc
limit %(limit)s;

-- name: block_member
with changed as (
    update members
    set blocked_at = case when %(blocked)s then coalesce(blocked_at, clock_timestamp()) end
    where partner_id = %(partner_id)s
    and id = %(member_id)s
    and left_at is null
    and exists (
        select
        from staff s
        where s.partner_id = %(partner_id)s
        and s.user_id = %(actor_id)s
        and s.role in ('owner', 'manager')
        and s.removed_at is null
    )
    returning partner_id, id, user_id
), noted as (
    insert into loyalty_trail (partner_id, actor_id, action, subject, after)
    select partner_id, %(actor_id)s, case when %(blocked)s then 'member.blocked' else 'member.unblocked' end, id::text,
        jsonb_build_object('reason', %(reason)s::text)
    from changed
)
select id, case when not %(blocked)s then forget_block(user_id, partner_id) end from changed;

-- name: tag_member
-- A tag is spelt as the shop spelt it first, whatever the case.
insert into member_tags (partner_id, member_id, tag)
select m.partner_id, m.id, coalesce(k.tag, %(tag)s)
from members m
left join lateral (
    select tag
    from member_tags
    where partner_id = m.partner_id
    and lower(tag) = lower(%(tag)s)
    limit 1
) k on true
where m.partner_id = %(partner_id)s
and m.id = %(member_id)s
and m.left_at is null
on conflict do nothing;

-- name: untag_member
delete from member_tags
where partner_id = %(partner_id)s
and member_id = %(member_id)s
and tag = %(tag)s;

-- name: shop_tags
-- The tags of a shop, the most used first.
select tag
from member_tags
where partner_id = %(partner_id)s
group by tag
order by count(*) desc, tag;

-- name: merge_people
select merge_people(%(from_user)s, %(into_user)s, %(now)s);
