-- name: prepare
create table if not exists migrations (
    name text primary key,
    sha256 text not null,
    ms integer not null,
    applied_at timestamptz not null default clock_timestamp()
);

-- name: exists
select to_regclass('migrations') is not null;

-- name: turn
-- 'lotok' on a phone's keys: any number will do, so long as every runner takes the same one.
select pg_advisory_xact_lock(56865);

-- name: limit_locks
-- A migration that waits for a busy table holds up everybody who comes after it; better to give up and try again.
select set_config('lock_timeout', '5s', true);

-- name: roles_end
-- Roles are the server's, not the database's. Where another owner has made lotok_app and lotok_till and this one may not
-- take them, this database has two of its own, which end in its number. Once made, they stay.
select coalesce(
    (select substring(prosrc from 'lotok_app([0-9_]*)') from pg_proc where oid = to_regproc('app_role')),
    (
        select '_' || d.oid
        from pg_database d
        join pg_roles me on me.rolname = current_user
        where d.datname = current_database()
        and exists (
            select from pg_roles r
            where r.rolname in ('lotok_app', 'lotok_till')
            and not pg_has_role(me.oid, r.oid, 'member')
            -- up to 15 a role that may make roles may grant every one
            and (current_setting('server_version_num')::integer >= 160000 or not me.rolcreaterole)
        )
    ),
    ''
);

-- name: applied
select name, sha256, applied_at
from migrations
order by name;

-- name: record
insert into migrations (name, sha256, ms)
values (%(name)s, %(sha256)s, %(ms)s);
