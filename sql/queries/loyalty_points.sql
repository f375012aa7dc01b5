-- name: accrue
select to_json(
    accrue_points(%(partner_id)s, %(member_id)s, %(actor_id)s, %(key)s, %(bill_minor)s, %(now)s, %(again)s)
) as receipt;

-- name: redeem
select to_json(
    redeem_points(%(partner_id)s, %(member_id)s, %(actor_id)s, %(key)s, %(bill_minor)s, %(points)s, %(now)s, %(shown)s,
        %(again)s)
) as receipt;

-- name: buy_service
select to_json(
    buy_service(%(partner_id)s, %(member_id)s, %(user_id)s, %(key)s, %(service_id)s, %(days)s, %(now)s, %(price)s)
) as receipt;

-- name: grant
select to_json(
    grant_points(%(partner_id)s, %(member_id)s, %(actor_id)s, %(key)s, 'grant', %(points)s, %(reason)s, %(now)s)
) as receipt;

-- name: reverse
select to_json(reverse_points(%(partner_id)s, %(txn_id)s, %(actor_id)s, %(key)s, %(reason)s, %(now)s)) as receipt;

-- name: quote
-- Returns what a bill would earn, and how much of it points may pay. The confirm screen shows it; the operation decides.
select coalesce(d.earned, 0) as points, least(d.owed, coalesce(d.earned, 0)) as owed, d.promotion_id, coalesce(d.most, 0) as most,
    least(coalesce(d.most, 0), d.available) as payable, d.available,
    (select o.title from promotions o where o.partner_id = d.partner_id and o.id = d.promotion_id) as promotion
from members m
cross join lateral read_desk(m, %(actor_id)s, null, %(bill_minor)s, 0, coalesce(%(now)s, clock_timestamp())) d
where m.partner_id = %(partner_id)s and m.id = %(member_id)s and m.left_at is null;

-- name: history
-- One shop's operations, newest first. A reversed one names its reversal.
select t.id, t.member_id, coalesce(c.name, '') as name, t.kind, t.points, t.missing, t.bill_minor, t.paid_minor,
    t.reason, t.actor_id, t.created_at, t.active_at, t.expires_at, t.available_after, t.pending_after, t.reverses_id,
    t.parent_id, r.id as reversed_by, s.title as service, o.title as promotion
from point_txns t
join members m on m.partner_id = t.partner_id and m.id = t.member_id
left join clients c on c.user_id = m.user_id
left join point_txns r on r.partner_id = t.partner_id and r.reverses_id = t.id
left join services s on s.partner_id = t.partner_id and s.id = t.service_id
left join promotions o on o.partner_id = t.partner_id and o.id = t.promotion_id
where t.partner_id = %(partner_id)s
and (%(before_at)s::timestamptz is null or (t.created_at, t.id) < (%(before_at)s, %(before_id)s))
order by t.created_at desc, t.id desc
limit %(limit)s;

-- name: recent_of
-- The operations of one person at the counter since a moment, which is never far back.
select t.id, t.member_id, coalesce(c.name, '') as name, t.kind, t.points, t.missing, t.bill_minor, t.paid_minor,
    t.reason, t.actor_id, t.created_at, t.active_at, t.expires_at, t.available_after, t.pending_after, t.reverses_id,
    t.parent_id, r.id as reversed_by, s.title as service, o.title as promotion
from point_txns t
join members m on m.partner_id = t.partner_id and m.id = t.member_id
left join clients c on c.user_id = m.user_id
left join point_txns r on r.partner_id = t.partner_id and r.reverses_id = t.id
left join services s on s.partner_id = t.partner_id and s.id = t.service_id
left join promotions o on o.partner_id = t.partner_id and o.id = t.promotion_id
where t.partner_id = %(partner_id)s
and t.created_at >= %(since)s
and t.actor_id = %(actor_id)s
and t.kind in ('accrue', 'redeem')
and t.parent_id is null
order by t.created_at desc, t.id desc
limit %(limit)s;

-- name: member_history
select t.id, t.member_id, '' as name, t.kind, t.points, t.missing, t.bill_minor, t.paid_minor,
    t.reason, t.actor_id, t.created_at, t.active_at, t.expires_at, t.available_after, t.pending_after, t.reverses_id,
    t.parent_id, r.id as reversed_by, s.title as service, o.title as promotion
from point_txns t
left join point_txns r on r.partner_id = t.partner_id and r.reverses_id = t.id
left join services s on s.partner_id = t.partner_id and s.id = t.service_id
left join promotions o on o.partner_id = t.partner_id and o.id = t.promotion_id
where t.partner_id = %(partner_id)s
and t.member_id = %(member_id)s
and (%(before)s::bigint is null or t.id < %(before)s)
order by t.id desc
limit %(limit)s;

-- name: get_operation
select t.id, t.member_id, coalesce(c.name, '') as name, t.kind, t.points, t.missing, t.bill_minor, t.paid_minor,
    t.reason, t.actor_id, t.created_at, t.active_at, t.expires_at, t.available_after, t.pending_after, t.reverses_id,
    t.parent_id, r.id as reversed_by, s.title as service, o.title as promotion
from point_txns t
join members m on m.partner_id = t.partner_id and m.id = t.member_id
left join clients c on c.user_id = m.user_id
left join point_txns r on r.partner_id = t.partner_id and r.reverses_id = t.id
left join services s on s.partner_id = t.partner_id and s.id = t.service_id
left join promotions o on o.partner_id = t.partner_id and o.id = t.promotion_id
where t.partner_id = %(partner_id)s
and t.id = %(txn_id)s;

-- name: taken_with_rest
-- The points that were taken back of what the part paid in money had earned, of a bill whose other part was paid with
-- points: what was spent or has expired meanwhile is not among them.
select coalesce(sum(r.points), 0)::bigint as points
from point_txns t
join point_txns r on r.partner_id = t.partner_id and r.reverses_id = t.id
where t.partner_id = %(partner_id)s
and t.parent_id = %(txn_id)s
and t.kind = 'accrue';

-- name: balance
select max(balance) filter (where kind = 'available') as available,
    max(balance) filter (where kind = 'pending') as pending
from point_accounts
where partner_id = %(partner_id)s
and member_id = %(member_id)s
having count(*) = 2;

-- name: expiring
-- The lots by the time they expire, soonest first; a pending lot says when it becomes spendable.
select sum(remaining)::bigint as points, pending, case when pending then active_at end as active_at, expires_at
from point_lots
where partner_id = %(partner_id)s
and member_id = %(member_id)s
and is_open
group by pending, 3, expires_at
order by pending, expires_at, 3
limit %(limit)s;

-- name: voucher
select v.partner_id, v.txn_id, v.member_id, v.service_id, v.code, s.title, t.points, coalesce(c.name, '') as name,
    v.created_at, v.expires_at, v.used_at, v.cancelled_at, m.blocked_at is not null as blocked, m.user_id
from vouchers v
join services s on s.partner_id = v.partner_id and s.id = v.service_id
join point_txns t on t.partner_id = v.partner_id and t.id = v.txn_id
join members m on m.partner_id = v.partner_id and m.id = v.member_id
left join clients c on c.user_id = m.user_id
where v.partner_id = %(partner_id)s
and v.code = %(code)s;

-- name: member_vouchers
select v.partner_id, v.txn_id, v.member_id, v.service_id, v.code, s.title, t.points, '' as name,
    v.created_at, v.expires_at, v.used_at, v.cancelled_at
from vouchers v
join services s on s.partner_id = v.partner_id and s.id = v.service_id
join point_txns t on t.partner_id = v.partner_id and t.id = v.txn_id
where v.partner_id = %(partner_id)s
and v.member_id = %(member_id)s
and (%(before)s::bigint is null or v.txn_id < %(before)s)
order by v.txn_id desc
limit %(limit)s;

-- name: use_voucher
update vouchers v
set used_at = coalesce(%(now)s, clock_timestamp()),
    used_by = s.user_id
from staff s
join members m on m.partner_id = s.partner_id and m.blocked_at is null
where v.partner_id = %(partner_id)s
and v.code = %(code)s
and v.used_at is null
and v.cancelled_at is null
and v.expires_at > coalesce(%(now)s, clock_timestamp())
and s.partner_id = v.partner_id
and s.user_id = %(actor_id)s
and s.removed_at is null
and m.id = v.member_id
returning v.txn_id;
