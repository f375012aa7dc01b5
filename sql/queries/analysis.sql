-- name: cohorts
-- Clients by the month of their first purchase, and how many of them came in each of the six months after it, by the
-- shop's own months. Reversed operations do not count.
with visits as materialized (
    select distinct t.member_id, date_trunc('month', t.created_at at time zone %(tz)s)::date as month
    from point_txns t
    left join point_txns r on r.partner_id = t.partner_id and r.reverses_id = t.id
    where t.partner_id = %(partner_id)s
    and (t.kind = 'redeem' or t.kind = 'accrue' and t.parent_id is null)
    and r.id is null
), firsts as (
    select member_id, min(month) as month
    from visits
    group by member_id
), gone as (
    select f.month, (extract(year from v.month) - extract(year from f.month))::integer * 12
        + (extract(month from v.month) - extract(month from f.month))::integer as months
    from firsts f
    join visits v on v.member_id = f.member_id
    where f.month >= %(since)s::date
)
select month, count(*) filter (where months = 0) as clients, array[
    count(*) filter (where months = 1), count(*) filter (where months = 2), count(*) filter (where months = 3),
    count(*) filter (where months = 4), count(*) filter (where months = 5), count(*) filter (where months = 6)
] as back
from gone
group by month
order by month;

-- name: hours
-- Receipts by weekday (0 is Monday) and hour at the shop.
select extract(isodow from t.at)::integer - 1 as weekday, extract(hour from t.at)::integer as hour,
    count(*) as receipts, sum(t.bill_minor)::bigint as turnover_minor
from (
    select t.created_at at time zone %(tz)s as at, t.bill_minor
    from point_txns t
    left join point_txns r on r.partner_id = t.partner_id and r.reverses_id = t.id
    where t.partner_id = %(partner_id)s
    and t.created_at >= %(since)s
    and t.created_at < %(until)s
    and (t.kind = 'redeem' or t.kind = 'accrue' and t.parent_id is null)
    and r.id is null
) t
group by 1, 2
order by 1, 2;

-- name: owed
-- The points that clients hold, by the month in which they expire at the shop; those that never do come last.
select date_trunc('month', (expires_at - interval '1 second') at time zone %(tz)s)::date as month,
    sum(remaining)::bigint as points
from point_lots
where partner_id = %(partner_id)s
and is_open
and (expires_at is null or expires_at > %(now)s)
group by 1
order by 1 nulls last;
