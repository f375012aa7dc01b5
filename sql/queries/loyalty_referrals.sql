-- name: settle_referrals
select settle_referrals(%(partner_id)s, %(receipt_id)s, %(now)s);

-- name: review
select review_referral(%(partner_id)s, %(receipt_id)s, %(level)s, %(actor_id)s, %(pays)s, %(now)s);

-- name: paid
-- Returns who got the points of a receipt's rewards; after a merge, the account that stayed.
select w.level, w.points, m.user_id, t.active_at
from referral_rewards w
join point_txns t on t.partner_id = w.partner_id and t.id = w.txn_id
join members m on m.partner_id = t.partner_id and m.id = t.member_id
where w.partner_id = %(partner_id)s
and w.receipt_id = %(receipt_id)s
and w.status = 'paid'
order by w.level;

-- name: held
select w.receipt_id, w.level, w.referrer_id, coalesce(c.name, '') as referrer, w.points, w.status, w.reason,
    w.created_at, t.bill_minor, t.member_id, coalesce(i.name, '') as invited
from referral_rewards w
join point_txns t on t.partner_id = w.partner_id and t.id = w.receipt_id
join members r on r.partner_id = w.partner_id and r.id = w.referrer_id
join members m on m.partner_id = t.partner_id and m.id = t.member_id
left join clients c on c.user_id = r.user_id
left join clients i on i.user_id = m.user_id
where w.partner_id = %(partner_id)s
and w.status = 'held'
and (w.receipt_id, w.level) > (%(after_receipt)s, %(after_level)s)
order by w.receipt_id, w.level
limit %(limit)s;

-- name: results
-- Counts, by level, the people whom a member has invited, those of them who have bought, and the points they brought.
with recursive tree as (
    select m.id, 1 as level, m.visits
    from members m
    where m.partner_id = %(partner_id)s
    and m.referrer_id = %(member_id)s
    union all
    select m.id, t.level + 1, m.visits
    from tree t
    join members m on m.partner_id = %(partner_id)s and m.referrer_id = t.id
    where t.level < 3
), people as (
    select level, count(*) as invited, count(*) filter (where visits > 0) as buyers
    from tree
    group by level
), earned as (
    select level, sum(points) filter (where status = 'paid') as points,
        sum(points) filter (where status = 'held') as held
    from referral_rewards
    where partner_id = %(partner_id)s
    and referrer_id = %(member_id)s
    group by level
)
select l.level, coalesce(p.invited, 0) as invited, coalesce(p.buyers, 0) as buyers,
    coalesce(e.points, 0)::bigint as points, coalesce(e.held, 0)::bigint as held
from generate_series(1, 3) l (level)
left join people p on p.level = l.level
left join earned e on e.level = l.level
order by l.level;

-- name: rewards
select w.receipt_id, w.level, w.referrer_id, '' as referrer, w.points, w.status, w.reason, w.created_at,
    t.bill_minor, t.member_id, coalesce(c.name, '') as invited
from referral_rewards w
join point_txns t on t.partner_id = w.partner_id and t.id = w.receipt_id
join members m on m.partner_id = t.partner_id and m.id = t.member_id
left join clients c on c.user_id = m.user_id
where w.partner_id = %(partner_id)s
and w.referrer_id = %(member_id)s
and (%(before_at)s::timestamptz is null or w.created_at < %(before_at)s)
order by w.created_at desc
limit %(limit)s;
