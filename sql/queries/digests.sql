-- name: due
-- The shops where it is this hour of the day, and which digests somebody at each of them wants.
select p.id as partner_id, p.owner_id, p.tz, array(
    select distinct k.kind
    from staff s
    cross join unnest(s.digests) k (kind)
    where s.partner_id = p.id
    and s.removed_at is null
    and s.role in ('owner', 'manager')
    order by k.kind
) as kinds
from partners p
where p.id > %(after)s
and p.status = 'approved'
and extract(hour from %(now)s::timestamptz at time zone p.tz) = %(hour)s
order by p.id
limit %(limit)s;

-- name: readers
-- The owner and the managers who want a digest of this kind, and can read it.
select s.user_id, u.tg_id, u.language
from staff s
join users u on u.id = s.user_id and u.tg_id > 0
where s.partner_id = %(partner_id)s
and s.removed_at is null
and s.role in ('owner', 'manager')
and %(kind)s = any(s.digests)
and not exists (select from bans b where b.user_id = s.user_id)
order by s.user_id;

-- name: wanted
select digests
from staff
where partner_id = %(partner_id)s
and user_id = %(user_id)s
and removed_at is null;

-- name: choose
update staff
set digests = array(
    select k.kind
    from unnest(array['day', 'week', 'month']) k (kind)
    where case when k.kind = %(kind)s then %(wants)s else k.kind = any(digests) end
)
where partner_id = %(partner_id)s
and user_id = %(user_id)s
and removed_at is null
and role in ('owner', 'manager')
returning digests;

-- name: highlights
-- What a period is told by beside its sums: the best day and hour, who bought most, the last bad review, and how many
-- clients have not been seen for long and can be written to. Reversed operations do not count.
with receipts as materialized (
    select t.member_id, t.bill_minor, t.created_at at time zone %(tz)s as at
    from point_txns t
    left join point_txns r on r.partner_id = t.partner_id and r.reverses_id = t.id
    where t.partner_id = %(partner_id)s
    and t.created_at >= %(since)s
    and t.created_at < %(until)s
    and (t.kind = 'redeem' or t.kind = 'accrue' and t.parent_id is null)
    and r.id is null
), best as (
    select x.member_id, sum(x.bill_minor)::bigint as spent_minor, count(*) as receipts
    from receipts x
    group by x.member_id
    order by 2 desc, 1
    limit 3
), bad as (
    select score, words
    from ratings
    where partner_id = %(partner_id)s
    and created_at >= %(since)s
    and created_at < %(until)s
    and score <= 6
    and words <> ''
    order by created_at desc
    limit 1
)
select d.day as best_day, d.spent as best_day_minor, h.hour as best_hour, h.spent as best_hour_minor,
    bad.score as bad_score, bad.words as bad_words,
    coalesce((
        select jsonb_agg(jsonb_build_object('name', coalesce(c.name, ''), 'spent_minor', b.spent_minor, 'receipts',
            b.receipts) order by b.spent_minor desc, b.member_id)
        from best b
        join members m on m.partner_id = %(partner_id)s and m.id = b.member_id
        left join clients c on c.user_id = m.user_id and m.left_at is null
    ), '[]') as best_clients,
    (
        select count(*)
        from shop_audience(%(partner_id)s, 'news', jsonb_build_object('away', %(away)s::integer), 0,
            9223372036854775807, %(now)s) a
        where a.standing = 'ready'
    ) as away,
    exists (
        select from reminders where partner_id = %(partner_id)s and kind = 'away' and is_on
    ) as invites_back
from (values (1)) one
left join (
    select at::date as day, sum(bill_minor)::bigint as spent from receipts group by 1 order by 2 desc, 1 limit 1
) d on true
left join (
    select extract(hour from at)::integer as hour, sum(bill_minor)::bigint as spent
    from receipts
    group by 1
    order by 2 desc, 1
    limit 1
) h on true
left join bad on true;
