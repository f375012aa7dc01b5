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

-- name: applied
select name, sha256, applied_at
from migrations
order by name;

-- name: record
insert into migrations (name, sha256, ms)
values (%(name)s, %(sha256)s, %(ms)s);
