-- name: who
-- As whom this connection comes: as the owner, or as a role that row-level security does not hold, it must not.
select
    current_user::text as role,
    r.rolsuper or r.rolbypassrls as is_unwalled,
    coalesce(pg_get_userbyid(c.relowner) = current_user, false) as is_owner
from pg_roles r
left join pg_class c on c.oid = to_regclass('users')
where r.rolname = current_user;
