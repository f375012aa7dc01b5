-- name: place_now
-- Where an item of an older version of a menu stands in the newest one.
select n.place
from menu_items o
join menu_items n on n.partner_id = o.partner_id and n.code = o.code
where o.partner_id = %(partner_id)s
and o.version = %(version)s
and o.place = %(place)s
and n.version = (select max(m.version) from menus m where m.partner_id = %(partner_id)s);

-- name: newest_menu
select m.version, (
    select coalesce(jsonb_agg(jsonb_build_object(
        'code', i.code,
        'category', i.category,
        'title', i.title,
        'description', i.description,
        'unit', i.unit,
        'photo', i.photo,
        'names', i.names,
        'in_short', i.in_short,
        'available', i.available,
        'variants', (
            select jsonb_agg(jsonb_build_object('name', v.name, 'kopecks', v.kopecks, 'at_least', v.at_least)
                order by v.place)
            from menu_variants v
            where v.partner_id = i.partner_id
            and v.version = i.version
            and v.code = i.code
        )) order by i.place), '[]')
    from menu_items i
    where i.partner_id = m.partner_id
    and i.version = m.version
) as items
from menus m
where m.partner_id = %(partner_id)s
order by m.version desc
limit 1;

-- name: open_shop
select p.id, p.title, p.city, p.address, p.contact, p.tz, p.hours,
    coalesce((select max(m.version) from menus m where m.partner_id = p.id), 0) as menu_version
from partners p
where p.id = %(partner_id)s
and p.status = 'approved';

-- name: tried_shop
select p.id, p.title, p.city, p.address, p.contact, p.tz, p.hours,
    coalesce((select max(m.version) from menus m where m.partner_id = p.id), 0) as menu_version
from partners p
where p.id = %(partner_id)s;

-- name: shops_with_menu
select m.partner_id
from menus m
join partners p on p.id = m.partner_id and p.status = 'approved'
group by m.partner_id
order by max(m.created_at) desc
limit %(limit)s;

-- name: may_change_menu
select exists (
    select from staff s
    join partners p on p.id = s.partner_id and p.reason <> 'owner_erased'
    where s.partner_id = %(partner_id)s
    and s.user_id = %(actor_id)s
    and s.role in ('owner', 'manager')
    and s.removed_at is null
);

-- name: publish_menu
-- The next version, if the newest is still the one that was seen. The second of two finds its number taken.
with made as (
    insert into menus (partner_id, version, created_by)
    select s.partner_id, %(seen)s::integer + 1, s.user_id
    from staff s
    join partners p on p.id = s.partner_id and p.reason <> 'owner_erased'
    where s.partner_id = %(partner_id)s
    and s.user_id = %(actor_id)s
    and s.role in ('owner', 'manager')
    and s.removed_at is null
    and %(seen)s = (select coalesce(max(m.version), 0) from menus m where m.partner_id = %(partner_id)s)
    on conflict do nothing
    returning partner_id, version, created_by
), items as (
    select m.partner_id, m.version, i.place, i.item
    from made m, jsonb_array_elements(%(menu)s::jsonb -> 'items') with ordinality i (item, place)
), placed as (
    insert into menu_items (partner_id, version, place, code, category, title, description, unit, photo, names,
        in_short, available)
    select i.partner_id, i.version, i.place, r.code, r.category, r.title, r.description, r.unit, r.photo, r.names,
        r.in_short, r.available
    from items i, jsonb_to_record(i.item) r (code text, category text, title text, description text, unit text,
        photo text, names text[], in_short boolean, available boolean)
), priced as (
    insert into menu_variants (partner_id, version, code, place, name, kopecks, at_least)
    select i.partner_id, i.version, i.item ->> 'code', v.place, v.variant ->> 'name',
        (v.variant ->> 'kopecks')::bigint, (v.variant ->> 'at_least')::boolean
    from items i, jsonb_array_elements(i.item -> 'variants') with ordinality v (variant, place)
), dropped as (
    delete from menus d
    using made m
    where d.partner_id = m.partner_id
    and d.version <= m.version - 10
), noted as (
    insert into loyalty_trail (partner_id, actor_id, action, subject)
    select partner_id, created_by, 'menu.published', version::text
    from made
)
select version from made;

-- name: go_back_to_menu
-- A copy of the version before the one that was seen becomes the next one, so going back twice leads here again.
with made as (
    insert into menus (partner_id, version, created_by)
    select s.partner_id, %(seen)s::integer + 1, s.user_id
    from staff s
    join partners p on p.id = s.partner_id and p.reason <> 'owner_erased'
    join menus b on b.partner_id = s.partner_id and b.version = %(seen)s - 1
    where s.partner_id = %(partner_id)s
    and s.user_id = %(actor_id)s
    and s.role in ('owner', 'manager')
    and s.removed_at is null
    and %(seen)s = (select max(m.version) from menus m where m.partner_id = %(partner_id)s)
    on conflict do nothing
    returning partner_id, version, created_by
), placed as (
    insert into menu_items (partner_id, version, place, code, category, title, description, unit, photo, names,
        in_short, available)
    select m.partner_id, m.version, i.place, i.code, i.category, i.title, i.description, i.unit, i.photo, i.names,
        i.in_short, i.available
    from made m
    join menu_items i on i.partner_id = m.partner_id and i.version = m.version - 2
), priced as (
    insert into menu_variants (partner_id, version, code, place, name, kopecks, at_least)
    select m.partner_id, m.version, v.code, v.place, v.name, v.kopecks, v.at_least
    from made m
    join menu_variants v on v.partner_id = m.partner_id and v.version = m.version - 2
), dropped as (
    delete from menus d
    using made m
    where d.partner_id = m.partner_id
    and d.version <= m.version - 10
), noted as (
    insert into loyalty_trail (partner_id, actor_id, action, subject)
    select partner_id, created_by, 'menu.went_back', version::text
    from made
)
select version from made;
