-- name: weeks
-- The platform in several periods, a row each in the order in which they are asked for. Reversed operations do not count.
with periods as (
    select place, since, until
    from unnest(%(sinces)s::timestamptz[], %(untils)s::timestamptz[]) with ordinality p (since, until, place)
), shops as (
    select q.place, p.id, p.title, p.created_at, x.receipts, x.turnover_minor, x.clients
    from periods q
    cross join partners p
    cross join lateral (
        select count(*) as receipts, coalesce(sum(t.bill_minor), 0)::bigint as turnover_minor,
            count(distinct t.member_id) as clients
        from point_txns t
        left join point_txns r on r.partner_id = t.partner_id and r.reverses_id = t.id
        where t.partner_id = p.id
        and t.created_at >= q.since
        and t.created_at < q.until
        and (t.kind = 'redeem' or t.kind = 'accrue' and t.parent_id is null)
        and r.id is null
    ) x
    where p.status = 'approved'
    and p.created_at < q.until
)
select
    (select count(*) from shops s where s.place = q.place) as shops,
    (select count(*) from shops s where s.place = q.place and s.created_at >= q.since) as new_shops,
    (select count(*) from shops s where s.place = q.place and s.receipts > 0) as busy_shops,
    (select coalesce(sum(s.clients), 0)::bigint from shops s where s.place = q.place) as clients,
    (select coalesce(sum(s.turnover_minor), 0)::bigint from shops s where s.place = q.place) as turnover_minor,
    (
        select coalesce(jsonb_agg(jsonb_build_object('title', b.title, 'turnover_minor', b.turnover_minor)
            order by b.turnover_minor desc, b.id), '[]')
        from (
            select s.id, s.title, s.turnover_minor
            from shops s
            where s.place = q.place and s.turnover_minor > 0
            order by s.turnover_minor desc, s.id
            limit 5
        ) b
    ) as best,
    c.credits, c.stars,
    (
        select coalesce(jsonb_object_agg(v.provider, v.cost), '{}')
        from (
            select provider, sum(cost) as cost
            from provider_calls
            where begun_at >= q.since and begun_at < q.until and cost > 0
            group by provider
        ) v
    ) as spent,
    j.finished, j.failed,
    (
        select coalesce(jsonb_agg(a.name order by a.fired_at), '[]')
        from alerts a
        where a.fired_at >= q.since and a.fired_at < q.until
    ) as alerts
from periods q
cross join lateral (
    select coalesce(sum(credits), 0)::bigint as credits, coalesce(sum(stars), 0)::bigint as stars
    from payments
    where state = 'paid' and paid_at >= q.since and paid_at < q.until
) c
cross join lateral (
    select count(*) as finished, count(*) filter (where state = 'failed') as failed
    from job_history
    where finished_at >= q.since and finished_at < q.until
) j
order by q.place;
