-- name: chat_region
select region
from chat_regions
where tg_id = %(tg_id)s
and bot = %(bot)s;

-- name: shop_region
-- Of a shop by the code of its links, or by its number.
select region
from shop_regions
where code = %(code)s or number = %(number)s;

-- name: place_chat
select place_chat(%(bot)s, %(tg_id)s, %(region)s, %(others)s::text[]);

-- name: knows
-- Whether this region has an account of the person, erased ones not counted.
select exists (select from users where tg_id = %(tg_id)s);

-- name: tell
select tell_regions(%(others)s::text[], %(kind)s, %(body)s);

-- name: tell_shops
-- Notes the shops that were opened here and are not where they would be without a word, and has the others know.
select count(place_shop(p.code, p.id, %(region)s, %(others)s::text[]))
from partners p
where not exists (select from shop_regions s where s.code = p.code);

-- name: untold
-- A page of what a region is to hear, the oldest first; what belongs to a move is put by until its end.
select id, kind, body
from region_events
where region = %(region)s
and at < 'infinity'
order by id
limit %(limit)s;

-- name: told
delete from region_events
where region = %(region)s
and id = any(%(ids)s::bigint[]);

-- name: lag
-- What each region has not heard yet, and since when.
select region, count(*) as number, min(at) as since
from region_events
where at < 'infinity'
group by region
order by region;

-- name: hear
select hear_event(%(region)s, %(id)s, %(kind)s, %(body)s);

-- name: is_heard
select exists (select from heard_events where region = %(region)s and id = %(id)s);

-- name: erasable
-- The account of a person who was erased elsewhere. One that has a shop here stays: it was not said that the shop ends.
select u.id
from users u
where u.tg_id = %(tg_id)s
and not exists (select from partners p where p.owner_id = u.id and p.status in ('pending', 'approved'));

-- name: refuse_trial
select refuse_trial(%(mark)s);

-- name: day
-- What a day had, of the whole region, and how much there is altogether.
select jsonb_build_object(
    'people', (select count(*) from users where erased_at is null),
    'shops', (select count(*) from partners where status = 'approved'),
    'cards', (select count(*) from members where left_at is null),
    'points', (
        select coalesce(sum(balance), 0) from point_accounts where kind in ('available', 'pending') and member_id > 0
    ),
    'turnover_minor', (
        select coalesce(sum(t.bill_minor), 0)
        from point_txns t
        left join point_txns r on r.partner_id = t.partner_id and r.reverses_id = t.id
        where t.created_at >= %(since)s
        and t.created_at < %(until)s
        and (t.kind = 'redeem' or t.kind = 'accrue' and t.parent_id is null)
        and r.id is null
    ),
    'stars', (
        select coalesce(sum(stars), 0)
        from payments
        where state = 'paid' and paid_at >= %(since)s and paid_at < %(until)s
    ),
    'orders', (
        select count(*)
        from job_history
        where price > 0 and state = 'done' and finished_at >= %(since)s and finished_at < %(until)s
    )
) as figures;

-- name: keep_day
select hear_day(%(body)s);

-- name: days
select region, day, figures
from region_days
where day = %(day)s
order by region;
