-- name: summaries
-- One shop, several periods, in one row each, in the order in which they are asked for. Reversed operations do not count.
-- `first` and `last` are the ends of all periods: they tell the planner how few rows these are.
with periods as (
    select place, since, until
    from unnest(%(sinces)s::timestamptz[], %(untils)s::timestamptz[]) with ordinality p (since, until, place)
), receipts as materialized (
    select p.place, t.id, t.member_id, t.bill_minor, t.paid_minor
    from periods p
    join point_txns t on t.partner_id = %(partner_id)s and t.created_at >= %(first)s and t.created_at < %(last)s
        and t.created_at >= p.since and t.created_at < p.until
    left join point_txns r on r.partner_id = t.partner_id and r.reverses_id = t.id
    where (t.kind = 'redeem' or t.kind = 'accrue' and t.parent_id is null)
    and r.id is null
), sold as (
    select place, count(*) as receipts, sum(bill_minor)::bigint as turnover_minor,
        sum(paid_minor)::bigint as money_minor, count(distinct member_id) as active
    from receipts
    group by place
), moved as (
    -- the rest of a bill, paid in money, is reversed along with its operation: that is one reversal, not two
    select p.place,
        sum(t.points) filter (
            where t.kind in ('accrue', 'welcome', 'birthday', 'grant', 'referral') and r.id is null
        )::bigint as issued,
        sum(t.points) filter (where t.kind in ('redeem', 'service') and r.id is null)::bigint as redeemed,
        sum(t.points) filter (where t.kind = 'expire')::bigint as expired,
        sum(t.points) filter (where t.kind = 'referral' and r.id is null)::bigint as referral_points,
        count(*) filter (where t.kind = 'reverse' and o.parent_id is null) as reversals
    from periods p
    join point_txns t on t.partner_id = %(partner_id)s and t.created_at >= %(first)s and t.created_at < %(last)s
        and t.created_at >= p.since and t.created_at < p.until
    left join point_txns r on r.partner_id = t.partner_id and r.reverses_id = t.id
    left join point_txns o on o.partner_id = t.partner_id and o.id = t.reverses_id
    group by p.place
), people as (
    select p.place, count(*) as clients,
        count(*) filter (where m.joined_at >= p.since and m.joined_at < p.until) as new_clients,
        count(*) filter (where m.visits > 0) as buyers,
        count(*) filter (where m.visits > 1) as repeaters,
        count(*) filter (
            where m.visits > 0
            and p.until - m.last_visit_at > greatest(
                interval '30 days', (m.last_visit_at - m.joined_at) * 2 / greatest(m.visits - 1, 1))
        ) as lost
    from periods p
    join members m on m.partner_id = %(partner_id)s and m.left_at is null
    group by p.place
), back as (
    select p.place, count(*) as returning_clients
    from periods p
    join (select distinct place, member_id from receipts) a on a.place = p.place
    join members m on m.partner_id = %(partner_id)s and m.id = a.member_id and m.joined_at < p.since
    group by p.place
), held as (
    select sum(balance) filter (where kind = 'available')::bigint as available,
        sum(balance) filter (where kind = 'pending')::bigint as pending
    from point_accounts
    where partner_id = %(partner_id)s
    and member_id > 0
), soon as (
    select p.place, sum(l.remaining)::bigint as expiring
    from periods p
    join point_lots l on l.partner_id = %(partner_id)s and l.is_open
        and l.expires_at between %(first)s and %(last)s::timestamptz + interval '30 days'
        and l.expires_at between p.until and p.until + interval '30 days'
    group by p.place
), rated as (
    select p.place, count(*) as ratings, count(*) filter (where r.score >= 9) as promoters,
        count(*) filter (where r.score <= 6) as detractors
    from periods p
    join ratings r on r.partner_id = %(partner_id)s and r.created_at >= p.since and r.created_at < p.until
    group by p.place
)
select coalesce(s.receipts, 0) as receipts, coalesce(s.turnover_minor, 0) as turnover_minor,
    coalesce(s.money_minor, 0) as money_minor, coalesce(s.active, 0) as active, coalesce(m.issued, 0) as issued,
    coalesce(m.redeemed, 0) as redeemed, coalesce(m.expired, 0) as expired,
    coalesce(m.referral_points, 0) as referral_points, coalesce(m.reversals, 0) as reversals,
    coalesce(c.clients, 0) as clients, coalesce(c.new_clients, 0) as new_clients, coalesce(c.buyers, 0) as buyers,
    coalesce(c.repeaters, 0) as repeaters, coalesce(c.lost, 0) as lost,
    coalesce(b.returning_clients, 0) as returning_clients, coalesce(h.available, 0) as available,
    coalesce(h.pending, 0) as pending, coalesce(e.expiring, 0) as expiring, coalesce(r.ratings, 0) as ratings,
    coalesce(r.promoters, 0) as promoters, coalesce(r.detractors, 0) as detractors,
    %(minor_per_point)s::bigint as minor_per_point
from periods p
cross join held h
left join sold s on s.place = p.place
left join moved m on m.place = p.place
left join people c on c.place = p.place
left join back b on b.place = p.place
left join soon e on e.place = p.place
left join rated r on r.place = p.place
order by p.place;

-- name: is_long
-- Whether there are more operations than so many since then: looks at no more of them than it must.
select count(*) > %(most)s
from (
    select
    from point_txns t
    where t.partner_id = %(partner_id)s
    and t.created_at >= %(since)s
    limit %(most)s + 1
) few;

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
-- A row a client who has a card, in the order of a file's columns.
select m.card_no, c.name, '··' || nullif(m.phone_tail, ''), c.city, m.joined_at, m.last_visit_at, m.visits, m.spent_minor,
    a.available, a.pending
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
and m.joined_at >= %(since)s
and m.joined_at < %(until)s
order by m.joined_at, m.id;

-- name: client_count
select count(*)
from members m
where m.partner_id = %(partner_id)s
and m.left_at is null
and m.joined_at >= %(since)s
and m.joined_at < %(until)s;

-- name: operation_rows
-- One row a bill: points earned on what was left of a bill stand in the row of its redemption, and what was taken back of
-- them in the row of its reversal. Each column adds up: a reversal bears the sign that undoes what it reverses, and
-- points that only became available, or moved from another card, change no sum.
select t.id, t.created_at, t.kind, m.card_no, c.name, s.sign * t.bill_minor, s.sign * t.paid_minor, n.given, n.spent,
    n.expired, n.given - n.spent - n.expired, case when t.kind in ('activate', 'merge') then t.points else 0 end,
    coalesce(back.available_after, case t.kind when 'redeem' then earned.available_after end, t.available_after),
    t.reverses_id, v.title, t.reason, trim(concat_ws(' ', u.first_name, u.last_name)),
    trim(concat_ws(' ', g.first_name, g.last_name))
from point_txns t
join members m on m.partner_id = t.partner_id and m.id = t.member_id
left join clients c on c.user_id = m.user_id
left join users u on u.id = t.actor_id
left join point_txns o on o.partner_id = t.partner_id and o.id = t.reverses_id
left join point_txns earned on earned.partner_id = t.partner_id and earned.parent_id = coalesce(o.id, t.id)
    and earned.kind = 'accrue' and t.kind in ('redeem', 'reverse')
left join point_txns back on back.partner_id = t.partner_id and back.reverses_id = earned.id and t.kind = 'reverse'
left join services v on v.partner_id = t.partner_id and v.id = coalesce(t.service_id, o.service_id)
left join vouchers h on h.partner_id = t.partner_id and h.txn_id = t.id
left join users g on g.id = h.used_by
cross join lateral (
    select case t.kind when 'reverse' then -1 else 1 end as sign
) s
cross join lateral (
    select case
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
        case t.kind when 'expire' then t.points else 0 end as expired
) n
where t.partner_id = %(partner_id)s
and t.created_at >= %(since)s
and t.created_at < %(until)s
and not (t.kind = 'accrue' and t.parent_id is not null)
and not (t.kind = 'reverse' and o.kind = 'accrue' and o.parent_id is not null)
order by t.created_at, t.id;

-- name: reversals_across
-- Of the reversals of a period, those of an operation before it; of its operations, those taken back after it.
select
    (
        select count(*)
        from point_txns t
        join point_txns o on o.partner_id = t.partner_id and o.id = t.reverses_id
        where t.partner_id = %(partner_id)s
        and t.created_at >= %(since)s
        and t.created_at < %(until)s
        and o.created_at < %(since)s
        and o.parent_id is null
    ) as earlier,
    (
        select count(*)
        from point_txns t
        join point_txns o on o.partner_id = t.partner_id and o.id = t.reverses_id
        where t.partner_id = %(partner_id)s
        and t.created_at >= %(until)s
        and o.created_at >= %(since)s
        and o.created_at < %(until)s
        and o.parent_id is null
    ) as later;

-- name: operation_count
-- How many rows there are: what stands in the row of another is none.
select count(*)
from point_txns t
left join point_txns o on o.partner_id = t.partner_id and o.id = t.reverses_id
where t.partner_id = %(partner_id)s
and t.created_at >= %(since)s
and t.created_at < %(until)s
and not (t.kind = 'accrue' and t.parent_id is not null)
and not (t.kind = 'reverse' and o.kind = 'accrue' and o.parent_id is not null);
