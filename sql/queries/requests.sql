-- name: put_line
-- A button names an item by its place in the version of the menu that was shown: the newest one is asked for its price.
select show_request(%(partner_id)s, put_line(%(partner_id)s, %(user_id)s, v.code, v.name,
    %(quantity)s::integer)) as request
from menu_items i
join menu_variants v using (partner_id, version, code)
where i.partner_id = %(partner_id)s
and i.version = %(version)s
and i.place = %(place)s
and v.place = %(variant)s;

-- name: set_quantity
select show_request(%(partner_id)s, put_line(%(partner_id)s, %(user_id)s, l.code, l.variant, %(quantity)s)) as request
from requests r
join request_lines l on l.partner_id = r.partner_id and l.request_id = r.id
where r.partner_id = %(partner_id)s
and r.user_id = %(user_id)s
and r.state = 'draft'
and l.place = %(line)s;

-- name: add_line
select show_request(%(partner_id)s, put_line(%(partner_id)s, %(user_id)s, %(code)s, %(variant)s, %(quantity)s))
    as request;

-- name: get_draft
with fresh as materialized (
    select r.partner_id, r.id, freshen_draft(r.partner_id, r.id)
    from requests r
    where r.partner_id = %(partner_id)s
    and r.user_id = %(user_id)s
    and r.state = 'draft'
)
select show_request(partner_id, id) as request
from fresh;

-- name: drop_draft
delete from requests
where partner_id = %(partner_id)s
and user_id = %(user_id)s
and state = 'draft';

-- name: clear_lines
delete from request_lines l
using requests r
where r.partner_id = %(partner_id)s
and r.user_id = %(user_id)s
and r.state = 'draft'
and (l.partner_id, l.request_id) = (r.partner_id, r.id);

-- name: answer
-- Answers to some of the questions; the others stay as they are.
with answered as (
    update requests r
    set (way, address, wanted, payment, name, phone, comment) = (
            select f.way, f.address, f.wanted, f.payment, f.name, f.phone, f.comment
            from jsonb_populate_record(r, %(fields)s) f
        ),
        edition = edition + 1,
        changed_at = clock_timestamp()
    where partner_id = %(partner_id)s
    and user_id = %(user_id)s
    and state = 'draft'
    returning r.partner_id, r.id
)
select show_request(partner_id, id) as request
from answered;

-- name: place
-- A forged button may name an edition greater than any.
select place_request(%(partner_id)s, %(user_id)s, %(id)s, least(%(edition)s, 2147483647)::integer) as request;

-- name: move
select move_request(%(partner_id)s, %(id)s, %(actor_id)s, %(state)s, %(reason)s) as request;

-- name: get_request
select show_request(partner_id, id) as request
from requests
where partner_id = %(partner_id)s
and id = %(id)s
and state <> 'draft'
and (%(user_id)s::bigint is null or user_id = %(user_id)s);

-- name: list_of_shop
select r.id, r.partner_id, p.title as shop, r.number, r.state, r.way, coalesce(r.name, '') as name, r.total_minor,
    r.placed_at
from requests r
join partners p on p.id = r.partner_id
where r.partner_id = %(partner_id)s
and r.state = any(%(states)s)
and (%(before)s::bigint is null or r.number < %(before)s)
order by r.number desc
limit %(limit)s;

-- name: list_of_client
select r.id, r.partner_id, p.title as shop, r.number, r.state, r.way, coalesce(r.name, '') as name, r.total_minor,
    r.placed_at
from requests r
join partners p on p.id = r.partner_id
where r.user_id = %(user_id)s
and r.state <> 'draft'
and (%(before)s::bigint is null or r.id < %(before)s)
order by r.id desc
limit %(limit)s;

-- name: get_terms
select coalesce(t.is_on, true) as is_on, coalesce(t.delivers, false) as delivers,
    coalesce(t.least_minor, 0) as least_minor, coalesce(t.note, '') as note
from partners p
left join request_terms t on t.partner_id = p.id
where p.id = %(partner_id)s;

-- name: set_terms
-- By the owner or a manager, with a line in the trail.
with allowed as (
    select s.partner_id, s.user_id
    from staff s
    join partners p on p.id = s.partner_id and p.reason <> 'owner_erased'
    where s.partner_id = %(partner_id)s
    and s.user_id = %(actor_id)s
    and s.role in ('owner', 'manager')
    and s.removed_at is null
), made as (
    insert into request_terms (partner_id, is_on, delivers, least_minor, note)
    select partner_id, %(is_on)s, %(delivers)s, %(least_minor)s, %(note)s
    from allowed
    on conflict (partner_id) do update
    set is_on = excluded.is_on,
        delivers = excluded.delivers,
        least_minor = excluded.least_minor,
        note = excluded.note
    returning partner_id
)
insert into loyalty_trail (partner_id, actor_id, action, after)
select a.partner_id, a.user_id, 'requests.terms',
    jsonb_build_object('is_on', %(is_on)s::boolean, 'delivers', %(delivers)s::boolean, 'least_minor',
        %(least_minor)s::bigint, 'note', %(note)s::text)
from allowed a
join made m using (partner_id)
returning partner_id;

-- name: shops_of_yesterday
-- The shops that had requests in a span, page by page.
select distinct r.partner_id
from requests r
where r.partner_id > %(after)s
and r.placed_at >= %(since)s
and r.phone <> ''
order by r.partner_id
limit 100;

-- name: sum_up
select count(*) as placed,
    count(*) filter (where state = 'done') as done,
    count(*) filter (where state = 'cancelled') as cancelled,
    count(*) filter (where state not in ('done', 'cancelled')) as open,
    coalesce(sum(total_minor) filter (where state = 'done'), 0)::bigint as total_minor
from requests
where partner_id = %(partner_id)s
and placed_at >= %(since)s
and placed_at < %(until)s;

-- name: stopped_by_erasure
-- What was under way of a client, or at the shop of an owner, when the person was erased.
select h.partner_id, h.request_id
from requests r
join request_moves h on h.partner_id = r.partner_id and h.request_id = r.id
where r.user_id = %(user_id)s
and h.actor_id is null
and h.reason = 'erased'
union all
select h.partner_id, h.request_id
from partners p
join requests r on r.partner_id = p.id and r.state = 'cancelled'
join request_moves h on h.partner_id = r.partner_id and h.request_id = r.id
where p.owner_id = %(user_id)s
and h.actor_id is null
and h.reason = 'shop_gone';

-- name: forget_old
select forget_old_requests(%(now)s);

-- name: request_rows
-- A row a request, in the order of a file's columns. What was cancelled stands in a column of its own, so both add up.
select r.number, r.placed_at, r.state, r.name, r.phone, r.way, r.address, r.wanted, r.payment, l.goods, l.items,
    case when r.state <> 'cancelled' then r.total_minor else 0 end,
    case when r.state = 'cancelled' then r.total_minor else 0 end,
    h.at, case when h.actor_id = r.user_id then 'client' else h.reason end, r.comment
from requests r
left join lateral (
    select string_agg(concat(x.title, ' ' || nullif(x.variant, ''), ' × ', x.quantity), ', ' order by x.place) as goods,
        sum(x.quantity) as items
    from request_lines x
    where x.partner_id = r.partner_id and x.request_id = r.id
) l on true
left join lateral (
    select x.at, x.actor_id, x.reason
    from request_moves x
    where x.partner_id = r.partner_id and x.request_id = r.id and x.state in ('done', 'cancelled')
    order by x.id desc
    limit 1
) h on true
where r.partner_id = %(partner_id)s
and r.state <> 'draft'
and r.placed_at >= %(since)s
and r.placed_at < %(until)s
order by r.number;

-- name: request_count
select count(*)
from requests r
where r.partner_id = %(partner_id)s
and r.state <> 'draft'
and r.placed_at >= %(since)s
and r.placed_at < %(until)s;
