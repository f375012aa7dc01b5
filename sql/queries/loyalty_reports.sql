-- name: summary
-- One shop, one period. Reversed operations do not count.
with receipts as materialized (
    select t.id, t.member_id, t.bill_minor, t.paid_minor, t.created_at
    from point_txns t
    left join point_txns r on r.partner_id = t.partner_id and r.reverses_id = t.id
    where t.partner_id = %(partner_id)s
    and t.created_at >= %(since)s
    and t.created_at < %(until)s
    and (t.kind = 'redeem' or t.kind = 'accrue' and t.parent_id is null)
    and r.id is null
), sold as (
    select count(*) as receipts, coalesce(sum(bill_minor), 0)::bigint as turnover_minor,
        coalesce(sum(paid_minor), 0)::bigint as money_minor, count(distinct member_id) as active
    from receipts
), moved as (
    -- the rest of a bill, paid in money, is reversed along with its operation: that is one reversal, not two
    select coalesce(sum(t.points) filter (
            where t.kind in ('accrue', 'welcome', 'birthday', 'grant', 'referral') and r.id is null
        ), 0)::bigint as issued,
        coalesce(sum(t.points) filter (where t.kind in ('redeem', 'service') and r.id is null), 0)::bigint as redeemed,
        coalesce(sum(t.points) filter (where t.kind = 'expire'), 0)::bigint as expired,
        coalesce(sum(t.points) filter (where t.kind = 'referral' and r.id is null), 0)::bigint as referral_points,
        count(*) filter (where t.kind = 'reverse' and o.parent_id is null) as reversals
    from point_txns t
    left join point_txns r on r.partner_id = t.partner_id and r.reverses_id = t.id
    left join point_txns o on o.partner_id = t.partner_id and o.id = t.reverses_id
    where t.partner_id = %(partner_id)s
    and t.created_at >= %(since)s
    and t.created_at < %(until)s
), people as (
    select count(*) as clients,
        count(*) filter (where joined_at >= %(since)s and joined_at < %(until)s) as new_clients,
        count(*) filter (where visits > 0) as buyers,
        count(*) filter (where visits > 1) as repeaters,
        count(*) filter (
            where visits > 0
            and %(until)s - last_visit_at > greatest(
                interval '30 days', (last_visit_at - joined_at) * 2 / greatest(visits - 1, 1))
        ) as lost
    from members
    where partner_id = %(partner_id)s
    and left_at is null
), back as (
    select count(*) as returning_clients
    from (select distinct member_id from receipts) a
    join members m on m.partner_id = %(partner_id)s and m.id = a.member_id
    where m.joined_at < %(since)s
), held as (
    select coalesce(sum(balance) filter (where kind = 'available'), 0)::bigint as available,
        coalesce(sum(balance) filter (where kind = 'pending'), 0)::bigint as pending
    from point_accounts
    where partner_id = %(partner_id)s
    and member_id > 0
), soon as (
    select coalesce(sum(remaining), 0)::bigint as expiring
    from point_lots
    where partner_id = %(partner_id)s
    and is_open
    and expires_at between %(until)s and %(until)s::timestamptz + interval '30 days'
), rated as (
    select count(*) as ratings, count(*) filter (where score >= 9) as promoters,
        count(*) filter (where score <= 6) as detractors
    from ratings
    where partner_id = %(partner_id)s
    and created_at >= %(since)s
    and created_at < %(until)s
)
select s.receipts, s.turnover_minor, s.money_minor, s.active, m.issued, m.redeemed, m.expired, m.referral_points,
    m.reversals, p.clients, p.new_clients, p.buyers, p.repeaters, p.lost, b.returning_clients, h.available, h.pending,
    e.expiring, r.ratings, r.promoters, r.detractors, %(minor_per_point)s::bigint as minor_per_point
from sold s, moved m, people p, back b, held h, soon e, rated r;

-- name: days
-- Counts by the shop's own days, without gaps, for a chart.
select d.day::date as day, coalesce(x.receipts, 0) as receipts, coalesce(x.turnover_minor, 0)::bigint as turnover_minor,
    coalesce(x.clients, 0) as clients
from generate_series(
    (%(since)s::timestamptz at time zone %(tz)s)::date,
    ((%(until)s::timestamptz - interval '1 microsecond') at time zone %(tz)s)::date, interval '1 day'
) d (day)
left join (
    select (t.created_at at time zone %(tz)s)::date as day, count(*) as receipts, sum(t.bill_minor) as turnover_minor,
        count(distinct t.member_id) as clients
    from point_txns t
    left join point_txns r on r.partner_id = t.partner_id and r.reverses_id = t.id
    where t.partner_id = %(partner_id)s
    and t.created_at >= %(since)s
    and t.created_at < %(until)s
    and (t.kind = 'redeem' or t.kind = 'accrue' and t.parent_id is null)
    and r.id is null
    group by 1
) x on x.day = d.day::date
order by 1;

-- name: groups
select name, count(*) as clients, sum(spent_minor)::bigint as spent_minor
from client_groups(%(partner_id)s, %(now)s)
group by name
order by name;

-- name: staff
select t.actor_id as user_id, trim(u.first_name || ' ' || u.last_name) as name,
    count(*) filter (where t.kind in ('accrue', 'redeem') and t.parent_id is null) as operations,
    coalesce(sum(t.bill_minor) filter (
        where t.kind in ('accrue', 'redeem') and t.parent_id is null), 0)::bigint as turnover_minor,
    coalesce(sum(t.points) filter (where t.kind in ('accrue', 'grant')), 0)::bigint as given,
    count(*) filter (where t.kind = 'reverse' and o.parent_id is null) as reversals,
    count(*) filter (where t.kind = 'grant') as grants,
    coalesce((
        select max(n)
        from (
            select count(*) as n
            from point_txns x
            where x.partner_id = %(partner_id)s
            and x.created_at >= %(since)s
            and x.created_at < %(until)s
            and x.actor_id = t.actor_id
            and x.kind in ('accrue', 'redeem')
            and x.parent_id is null
            group by x.member_id
        ) most
    ), 0) as one_client
from point_txns t
join users u on u.id = t.actor_id
left join point_txns o on o.partner_id = t.partner_id and o.id = t.reverses_id
where t.partner_id = %(partner_id)s
and t.created_at >= %(since)s
and t.created_at < %(until)s
and t.kind <> 'service'
group by t.actor_id, u.first_name, u.last_name
order by operations desc, t.actor_id
limit 100;

-- name: client_rows
select m.id, m.card_no, coalesce(c.name, '') as name, m.phone_tail, coalesce(c.city, '') as city, m.joined_at,
    m.last_visit_at, m.visits, m.spent_minor, a.available, a.pending
from members m
left join clients c on c.user_id = m.user_id
left join lateral (
    select max(x.balance) filter (where x.kind = 'available') as available,
        max(x.balance) filter (where x.kind = 'pending') as pending
    from point_accounts x
    where x.partner_id = m.partner_id and x.member_id = m.id
) a on true
where m.partner_id = %(partner_id)s
and m.left_at is null
and m.id > %(after)s
order by m.id
limit %(limit)s;

-- name: operation_rows
-- One row a bill: points earned on what was left of a bill stand in the row of its redemption, and what was taken back of
-- them in the row of its reversal. Each column adds up: a reversal bears the sign that undoes what it reverses, and
-- points that only became available, or moved from another card, change no sum.
select t.id, t.created_at, t.kind, m.card_no, coalesce(c.name, '') as name,
    case t.kind when 'reverse' then -1 else 1 end * t.bill_minor as bill_minor,
    case t.kind when 'reverse' then -1 else 1 end * t.paid_minor as paid_minor,
    case
        when t.kind in ('accrue', 'welcome', 'birthday', 'grant', 'referral') then t.points
        when t.kind = 'redeem' then coalesce(earned.points, 0)
        when t.kind = 'recover' then -t.points
        when t.kind = 'reverse' and o.kind in ('redeem', 'service') then -coalesce(back.points, 0)
        when t.kind = 'reverse' then -t.points
        else 0
    end as given,
    case
        when t.kind in ('redeem', 'service') then t.points
        when t.kind = 'reverse' and o.kind in ('redeem', 'service') then -t.points
        else 0
    end as spent,
    case t.kind when 'expire' then t.points else 0 end as expired,
    case when t.kind in ('activate', 'merge') then t.points else 0 end as moved,
    coalesce(back.available_after, case t.kind when 'redeem' then earned.available_after end, t.available_after) as available_after, t.reverses_id,
    coalesce(s.title, '') as reward, t.reason, trim(concat_ws(' ', u.first_name, u.last_name)) as actor,
    trim(concat_ws(' ', g.first_name, g.last_name)) as giver
from point_txns t
join members m on m.partner_id = t.partner_id and m.id = t.member_id
left join clients c on c.user_id = m.user_id
left join users u on u.id = t.actor_id
left join point_txns o on o.partner_id = t.partner_id and o.id = t.reverses_id
left join point_txns earned on earned.partner_id = t.partner_id and earned.parent_id = coalesce(o.id, t.id)
    and earned.kind = 'accrue' and t.kind in ('redeem', 'reverse')
left join point_txns back on back.partner_id = t.partner_id and back.reverses_id = earned.id and t.kind = 'reverse'
left join services s on s.partner_id = t.partner_id and s.id = coalesce(t.service_id, o.service_id)
left join vouchers v on v.partner_id = t.partner_id and v.txn_id = t.id
left join users g on g.id = v.used_by
where t.partner_id = %(partner_id)s
and t.created_at >= %(since)s
and t.created_at < %(until)s
and (t.created_at, t.id) > (%(after_at)s, %(after_id)s)
and not (t.kind = 'accrue' and t.parent_id is not null)
and not (t.kind = 'reverse' and o.kind = 'accrue' and o.parent_id is not null)
order by t.created_at, t.id
limit %(limit)s;
