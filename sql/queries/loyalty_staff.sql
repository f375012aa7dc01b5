-- name: my_places
-- Where a person works; the shops' names are in the catalogue.
select s.partner_id, s.user_id, s.role, s.city, s.joined_at, p.title, p.status, '' as name
from staff s
join partners p on p.id = s.partner_id
where s.user_id = %(user_id)s
and s.removed_at is null
order by s.joined_at, s.partner_id
limit 50;

-- name: get_staff
select s.partner_id, s.user_id, s.role, s.city, s.joined_at, p.title, p.status,
    trim(u.first_name || ' ' || u.last_name) as name
from staff s
join partners p on p.id = s.partner_id
join users u on u.id = s.user_id
where s.partner_id = %(partner_id)s
and s.user_id = %(user_id)s
and s.removed_at is null;

-- name: list_staff
select s.partner_id, s.user_id, s.role, s.city, s.joined_at, p.title, p.status,
    trim(u.first_name || ' ' || u.last_name) as name
from staff s
join partners p on p.id = s.partner_id
join users u on u.id = s.user_id
where s.partner_id = %(partner_id)s
and s.removed_at is null
and s.user_id > %(after)s
order by s.user_id
limit %(limit)s;

-- name: invite
-- Managers invite cashiers, the owner invites both.
insert into staff_invites (partner_id, token_hash, role, created_by, expires_at)
select s.partner_id, %(token_hash)s, %(role)s, s.user_id, clock_timestamp() + interval '3 days'
from staff s
where s.partner_id = %(partner_id)s
and s.user_id = %(actor_id)s
and s.removed_at is null
and (s.role = 'owner' or s.role = 'manager' and %(role)s = 'cashier');

-- name: accept_invite
-- Once: the row is taken and used in one statement. An owner stays an owner.
with taken as (
    update staff_invites
    set used_by = %(user_id)s,
        used_at = clock_timestamp()
    where partner_id = %(partner_id)s
    and token_hash = %(token_hash)s
    and used_at is null
    and expires_at > clock_timestamp()
    returning partner_id, role, created_by
), joined as (
    insert into staff as s (partner_id, user_id, role, invited_by)
    select partner_id, %(user_id)s, role, created_by
    from taken
    on conflict (partner_id, user_id) do update
    set role = case when s.role = 'owner' and s.removed_at is null then s.role else excluded.role end,
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
select case when used_at is not null then 'used' when expires_at <= clock_timestamp() then 'expired' else 'open' end
from staff_invites
where partner_id = %(partner_id)s
and token_hash = %(token_hash)s;

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
    returning s.partner_id, s.user_id, s.role
), noted as (
    insert into loyalty_trail (partner_id, actor_id, action, subject, before)
    select partner_id, %(actor_id)s, 'staff.removed', user_id::text, jsonb_build_object('role', role)
    from removed
)
select user_id from removed;

-- name: change_staff
with changed as (
    update staff s
    set role = %(role)s,
        city = %(city)s
    from staff actor
    where s.partner_id = %(partner_id)s
    and s.user_id = %(user_id)s
    and s.removed_at is null
    and s.role <> 'owner'
    and actor.partner_id = s.partner_id
    and actor.user_id = %(actor_id)s
    and actor.role = 'owner'
    and actor.removed_at is null
    returning s.partner_id, s.user_id, s.role, s.city
), noted as (
    insert into loyalty_trail (partner_id, actor_id, action, subject, after)
    select partner_id, %(actor_id)s, 'staff.changed', user_id::text, jsonb_build_object('role', role, 'city', city)
    from changed
)
select user_id from changed;
