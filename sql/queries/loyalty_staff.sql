-- name: my_places
-- Returns the shops where a person works, with the names that the catalogue shows.
select s.partner_id, s.user_id, s.role, coalesce(s.city, p.city) as city, s.joined_at, p.title, p.status, '' as name
from staff s
join partners p on p.id = s.partner_id
where s.user_id = %(user_id)s
and s.removed_at is null
order by s.joined_at, s.partner_id
limit 50;

-- name: get_staff
select s.partner_id, s.user_id, s.role, coalesce(s.city, p.city) as city, s.joined_at, p.title, p.status,
    trim(u.first_name || ' ' || u.last_name) as name
from staff s
join partners p on p.id = s.partner_id
join users u on u.id = s.user_id
where s.partner_id = %(partner_id)s
and s.user_id = %(user_id)s
and s.removed_at is null;

-- name: list_staff
select s.partner_id, s.user_id, s.role, coalesce(s.city, p.city) as city, s.joined_at, p.title, p.status,
    trim(u.first_name || ' ' || u.last_name) as name
from staff s
join partners p on p.id = s.partner_id
join users u on u.id = s.user_id
where s.partner_id = %(partner_id)s
and s.removed_at is null
and s.user_id > %(after)s
order by s.user_id
limit %(limit)s;

-- name: list_readers
-- A person who was shut out of the bots keeps the place, and reads nothing there.
select s.partner_id, s.user_id, s.role, coalesce(s.city, p.city) as city, s.joined_at, p.title, p.status, '' as name
from staff s
join partners p on p.id = s.partner_id
where s.partner_id = %(partner_id)s
and s.removed_at is null
and not exists (select from bans b where b.user_id = s.user_id)
order by s.user_id;

-- name: invite
-- Managers invite cashiers, the owner invites both; nobody invites into a shop that is suspended, or closed for good.
insert into staff_invites (partner_id, token_hash, role, created_by, expires_at)
select s.partner_id, %(token_hash)s, %(role)s, s.user_id, clock_timestamp() + interval '3 days'
from staff s
join partners p on p.id = s.partner_id and p.status <> 'blocked'
where s.partner_id = %(partner_id)s
and s.user_id = %(actor_id)s
and s.removed_at is null
and (s.role = 'owner' or s.role = 'manager' and %(role)s = 'cashier');

-- name: accept_invite
-- Uses an invitation once, in one statement, while its maker still may invite for this role. A person who was let go and
-- came back has to invite again; nobody joins a shop that is suspended, or closed for good. The invitation is not spent
-- then, nor on somebody who has this role or a greater one already: nobody loses a role by a link.
with maker as (
    select s.role, s.joined_at
    from staff_invites i
    join staff s on s.partner_id = i.partner_id and s.user_id = i.created_by
    join partners p on p.id = i.partner_id and p.status <> 'blocked'
    where i.partner_id = %(partner_id)s
    and i.token_hash = %(token_hash)s
    and s.removed_at is null
    and not exists (select from bans b where b.user_id = s.user_id)
    for share of s
), taken as (
    update staff_invites i
    set used_by = %(user_id)s,
        used_at = clock_timestamp()
    from maker
    where i.partner_id = %(partner_id)s
    and i.token_hash = %(token_hash)s
    and i.used_at is null
    and i.expires_at > clock_timestamp()
    and i.created_at >= maker.joined_at
    and (maker.role = 'owner' or maker.role = 'manager' and i.role = 'cashier')
    and not exists (
        select
        from staff s
        where s.partner_id = i.partner_id
        and s.user_id = %(user_id)s
        and s.removed_at is null
        and (s.role in ('owner', i.role) or s.role = 'manager' and i.role = 'cashier')
    )
    returning i.partner_id, i.role, i.created_by
), joined as (
    insert into staff as s (partner_id, user_id, role, invited_by)
    select partner_id, %(user_id)s, role, created_by
    from taken
    on conflict (partner_id, user_id) do update
    set role = excluded.role,
        invited_by = excluded.invited_by,
        joined_at = clock_timestamp(),
        removed_at = null
    returning partner_id, user_id, role
), noted as (
    insert into loyalty_trail (partner_id, actor_id, action, subject, after)
    select partner_id, user_id, 'staff.joined', user_id::text, jsonb_build_object('role', role)
    from joined
)
select role from joined;

-- name: invite_state
-- Says why an invitation was refused; void means that its maker has lost the right to invite, or the shop is gone.
select case
    when i.used_at is not null then 'used'
    when i.expires_at <= clock_timestamp() then 'expired'
    when s.role in ('owner', i.role) or s.role = 'manager' then 'needless'
    when p.status = 'blocked' and p.reason <> 'owner_erased' then 'suspended'
    else 'void' end
from staff_invites i
join partners p on p.id = i.partner_id
left join staff s on s.partner_id = i.partner_id and s.user_id = %(user_id)s and s.removed_at is null
where i.partner_id = %(partner_id)s
and i.token_hash = %(token_hash)s;

-- name: remove_staff
-- The owner removes anybody else, a manager removes cashiers, anybody but the owner may leave.
with removed as (
    update staff s
    set removed_at = clock_timestamp()
    from staff actor
    where s.partner_id = %(partner_id)s
    and s.user_id = %(user_id)s
    and s.removed_at is null
    and s.role <> 'owner'
    and actor.partner_id = s.partner_id
    and actor.user_id = %(actor_id)s
    and actor.removed_at is null
    and (actor.role = 'owner' or actor.role = 'manager' and s.role = 'cashier' or actor.user_id = s.user_id)
    returning s.partner_id, s.user_id, s.role, s.removed_at
), noted as (
    insert into loyalty_trail (partner_id, actor_id, action, subject, before)
    select partner_id, %(actor_id)s, 'staff.removed', user_id::text, jsonb_build_object('role', role)
    from removed
)
select p.title, r.role, r.removed_at
from removed r
join partners p on p.id = r.partner_id;

-- name: move_staff
-- A person who may let somebody go may also move them.
with asked as (
    select s.partner_id, s.user_id, s.city
    from staff s
    join staff actor on actor.partner_id = s.partner_id
    where s.partner_id = %(partner_id)s
    and s.user_id = %(user_id)s
    and s.removed_at is null
    and s.role <> 'owner'
    and actor.user_id = %(actor_id)s
    and actor.removed_at is null
    and (actor.role = 'owner' or actor.role = 'manager' and s.role = 'cashier')
), moved as (
    update staff s
    set city = %(city)s
    from asked
    where s.partner_id = asked.partner_id
    and s.user_id = asked.user_id
    returning s.partner_id, s.user_id, asked.city as before, s.city as after
), noted as (
    insert into loyalty_trail (partner_id, actor_id, action, subject, before, after)
    select partner_id, %(actor_id)s, 'staff.moved', user_id::text, jsonb_build_object('city', before),
        jsonb_build_object('city', after)
    from moved
    where before is distinct from after
)
select user_id from moved;

-- name: cities_of_shop
with named as (
    select city, 0 as place from partners where id = %(partner_id)s
    union all
    select city, 1 from staff where partner_id = %(partner_id)s and removed_at is null and city is not null
    union all
    select city, 2 from promotions where partner_id = %(partner_id)s and ends_on >= current_date and city is not null
), once as (
    select distinct on (lower(city)) city, place
    from named
    order by lower(city), place
)
select city from once order by place, lower(city) limit 8;
