-- What `python -m ops assess` asks any Postgres from 12 on, ours or not: catalogues and statistics only, no row of a
-- table is ever read or counted. Each statement runs in a read-only transaction behind a savepoint of its own.
-- Those that name what may not move give `name` and, over all, `total`; 20 names are enough for a report.

-- name: ping
select 1;

-- name: transaction_guard
select
  set_config('statement_timeout', %(statement)s, true),
  set_config('lock_timeout', %(lock)s, true),
  set_config('search_path', 'pg_catalog', true);

-- name: backend
select pg_backend_pid();

-- name: keep_setting
select set_config('lotok.assess', %(value)s, false);

-- name: kept_setting
select coalesce(current_setting('lotok.assess', true), '');

-- name: keep_lock
select pg_try_advisory_lock(%(key)s::bigint);

-- name: give_lock_back
select pg_advisory_unlock(%(key)s::bigint);

-- name: call_out
select pg_notify(%(channel)s, '')::text;

-- name: server
select
  current_setting('server_version_num')::int as number,
  current_setting('server_version') as version,
  pg_encoding_to_char(d.encoding)::text as encoding,
  d.datcollate::text as locale,
  -- a column of 15 and later, which 'c' (libc) was before
  coalesce(to_jsonb(d) ->> 'datlocprovider', 'c') as provider,
  pg_database_size(d.oid)::bigint as bytes,
  pg_is_in_recovery() as is_standby,
  extract(epoch from now() - pg_postmaster_start_time())::float8 as up_seconds
from pg_database d
where d.datname = current_database();

-- name: settings
select name::text as name, setting::text as setting
from pg_settings
where name in (
  'max_connections', 'superuser_reserved_connections', 'reserved_connections', 'wal_level', 'shared_preload_libraries',
  'shared_buffers', 'max_replication_slots', 'max_wal_senders'
);

-- name: role
select
  r.rolsuper as is_superuser, r.rolreplication as may_replicate, r.rolbypassrls as bypasses_rls, r.rolcreaterole as may_create_roles,
  r.rolconnlimit as connections_limit, d.datconnlimit as database_limit
from pg_roles r
join pg_database d on d.datname = current_database()
where r.rolname = current_user;

-- name: guests
-- What kind of process it is, is hidden from a role without rights; that it has a user and a database is not.
select
  count(*)::int as used,
  count(*) filter (where datname = current_database())::int as here
from pg_stat_activity
where
  pid <> pg_backend_pid() and datid is not null and usesysid is not null
  and coalesce(backend_type, 'client backend') = 'client backend';

-- name: activity
select
  xact_commit + xact_rollback as transactions,
  tup_inserted + tup_updated + tup_deleted as writes,
  tup_returned as rows_read,
  blks_hit as blocks_hit, blks_read as blocks_read, temp_bytes, deadlocks,
  -- never reset: older than the server's start, so the rates from it are upper bounds
  coalesce(extract(epoch from now() - stats_reset), extract(epoch from now() - pg_postmaster_start_time()))::float8 as seconds,
  stats_reset is not null as age_known
from pg_stat_database
where datname = current_database();

-- name: written
select pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::float8;

-- name: wal
-- A view of 14 and later.
select wal_bytes::float8 as bytes, extract(epoch from now() - stats_reset)::float8 as seconds from pg_stat_wal;

-- name: tables
select
  n.nspname::text as schema, c.relname::text as name, c.relkind::text as kind,
  c.reltuples::float8 as rows,
  -- null for a table that was dropped a moment ago
  coalesce(pg_table_size(c.oid), 0)::bigint as bytes,
  coalesce(pg_indexes_size(c.oid), 0)::bigint as index_bytes,
  coalesce(s.n_tup_ins, 0)::bigint as inserted, coalesce(s.n_tup_upd, 0)::bigint as updated, coalesce(s.n_tup_del, 0)::bigint as deleted,
  coalesce(s.n_dead_tup, 0)::bigint as dead
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
left join pg_stat_all_tables s on s.relid = c.oid
where c.relkind in ('r', 'm') and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
order by bytes desc
limit 2000;

-- name: extensions
select e.extname::text as name, e.extversion::text as version, n.nspname::text as schema
from pg_extension e
join pg_namespace n on n.oid = e.extnamespace
order by name;

-- name: offered
select a.name::text as name, a.default_version::text as version from pg_available_extensions a order by 1;

-- name: allowed
-- Where a provider names what may be created: RDS, and Aiven.
select coalesce(nullif(current_setting('rds.extensions', true), ''), nullif(current_setting('extwlist.extensions', true), ''), '');

-- name: databases
select datname::text as name, count(*) over () as total
from pg_database
where not datistemplate and datname <> current_database()
order by name
limit 20;

-- name: login_roles
select rolname::text as name, count(*) over () as total
from pg_roles
where rolcanlogin and rolname <> current_user and rolname !~ '^pg_'
order by name
limit 20;

-- name: role_settings
select
  coalesce(r.rolname, 'all roles') || coalesce(' in ' || d.datname, '') || ': ' || array_to_string(s.setconfig, ', ') as name,
  count(*) over () as total
from pg_db_role_setting s
left join pg_roles r on r.oid = s.setrole
left join pg_database d on d.oid = s.setdatabase
where s.setdatabase in (0, (select oid from pg_database where datname = current_database()))
order by name
limit 20;

-- name: definer_functions
-- security definer functions of a superuser lose their powers under an owner who is none
select p.oid::regprocedure::text as name, count(*) over () as total
from pg_proc p
join pg_roles r on r.oid = p.proowner and r.rolsuper
join pg_namespace n on n.oid = p.pronamespace and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
where p.prosecdef and not exists (select from pg_depend d where d.objid = p.oid and d.deptype = 'e')
order by name
limit 20;

-- name: untrusted_functions
select p.oid::regprocedure::text || ' in ' || l.lanname as name, count(*) over () as total
from pg_proc p
join pg_language l on l.oid = p.prolang
join pg_namespace n on n.oid = p.pronamespace and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
where not l.lanpltrusted and l.lanname <> 'internal' and not exists (select from pg_depend d where d.objid = p.oid and d.deptype = 'e')
order by name
limit 20;

-- name: event_triggers
select t.evtname::text as name, count(*) over () as total
from pg_event_trigger t
where not exists (select from pg_depend d where d.classid = 'pg_event_trigger'::regclass and d.objid = t.oid and d.deptype = 'e')
order by name
limit 20;

-- name: foreign_servers
select s.srvname || ' by ' || w.fdwname as name, count(*) over () as total
from pg_foreign_server s
join pg_foreign_data_wrapper w on w.oid = s.srvfdw
order by name
limit 20;

-- name: large_objects
select 'owned by ' || pg_get_userbyid(lomowner) || ': ' || count(*) as name, (sum(count(*)) over ())::bigint as total
from pg_largeobject_metadata
group by lomowner
order by name
limit 20;

-- name: unlogged
select n.nspname || '.' || c.relname as name, count(*) over () as total
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
where c.relpersistence = 'u' and c.relkind in ('r', 'p', 'S')
order by name
limit 20;

-- name: keyless
-- Logical replication refuses updates and deletes of these.
select n.nspname || '.' || c.relname as name, count(*) over () as total
from pg_class c
join pg_namespace n on n.oid = c.relnamespace and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
where
  c.relkind in ('r', 'p') and c.relpersistence = 'p' and c.relreplident <> 'f'
  and not exists (
    select from pg_index i
    where i.indrelid = c.oid and i.indisvalid and (i.indisreplident or (c.relreplident = 'd' and i.indisprimary))
  )
  and not exists (select from pg_depend d where d.objid = c.oid and d.deptype = 'e')
order by name
limit 20;

-- name: prepared_transactions
select gid::text as name, count(*) over () as total
from pg_prepared_xacts
where database = current_database()
order by name
limit 20;

-- name: slots
select slot_name || case when active then '' else ' (nobody reads it)' end as name, count(*) over () as total
from pg_replication_slots
order by name
limit 20;

-- name: publications
select pubname::text as name, count(*) over () as total from pg_publication order by name limit 20;

-- name: subscriptions
-- Only the columns that everybody may read.
select s.subname::text as name, count(*) over () as total
from pg_subscription s
join pg_database d on d.oid = s.subdbid and d.datname = current_database()
order by name
limit 20;

-- name: forced_policies
select n.nspname || '.' || c.relname as name, count(*) over () as total
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
where c.relrowsecurity and c.relforcerowsecurity
order by name
limit 20;

-- name: views_over_policies
-- A refresh fills them with what the role that refreshes may see: all tenants, or none. A view between them hides it.
with recursive reads as (
  select v.oid as top, v.oid as seen
  from pg_class v
  where v.relkind = 'm'
  union
  select r.top, d.refobjid
  from reads r
  join pg_rewrite w on w.ev_class = r.seen
  join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = w.oid and d.refclassid = 'pg_class'::regclass
  where d.refobjid <> w.ev_class
)
select n.nspname || '.' || v.relname || ' over ' || t.relname as name, count(*) over () as total
from reads r
join pg_class v on v.oid = r.top
join pg_namespace n on n.oid = v.relnamespace
join pg_class t on t.oid = r.seen and t.relrowsecurity
order by name
limit 20;

-- name: reg_columns
-- They hold numbers of the catalogue, which are others in the copy.
select n.nspname || '.' || c.relname || '.' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod) as name, count(*) over () as total
from pg_attribute a
join pg_class c on c.oid = a.attrelid and c.relkind in ('r', 'p', 'm')
join pg_namespace n on n.oid = c.relnamespace and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
where
  a.attnum > 0 and not a.attisdropped
  and format_type(a.atttypid, null) in (
    'regclass', 'regcollation', 'regconfig', 'regdictionary', 'regnamespace', 'regoper', 'regoperator', 'regproc',
    'regprocedure', 'regrole', 'regtype', 'oid', 'xid', 'xid8', 'cid', 'tid'
  )
  and not exists (select from pg_depend d where d.objid = c.oid and d.deptype = 'e')
order by name
limit 20;

-- name: tablespaces
select t.spcname || ': ' || n.nspname || '.' || c.relname as name, count(*) over () as total
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
join pg_tablespace t on t.oid = c.reltablespace and t.spcname not in ('pg_default', 'pg_global')
order by name
limit 20;

-- name: always_triggers
select t.tgname || ' on ' || t.tgrelid::regclass as name, count(*) over () as total
from pg_trigger t
where not t.tgisinternal and t.tgenabled in ('A', 'R')
order by name
limit 20;

-- name: not_validated
select t.conname || ' on ' || t.conrelid::regclass as name, count(*) over () as total
from pg_constraint t
where not t.convalidated and t.conrelid <> 0
order by name
limit 20;

-- name: invalid_indexes
select i.indexrelid::regclass::text as name, count(*) over () as total
from pg_index i
where not i.indisvalid
order by name
limit 20;

-- name: cron_jobs
-- Its own table is for its owner; that the extension is there is for all to see.
select 'schedules of ' || e.extname as name, count(*) over () as total
from pg_extension e
where e.extname in ('pg_cron', 'pgagent', 'pg_timetable')
order by name
limit 20;

-- name: session_state
-- What lives in a session and not in a transaction, seen at this moment: a pooler in transaction mode loses it.
select held.name, count(*) over () as total
from (
  select 'advisory lock of ' || count(*) || ' session(s)' as name
  from (select distinct pid from pg_locks where locktype = 'advisory' and pid <> pg_backend_pid()) locks
  having count(*) > 0
  union all
  select 'LISTEN in ' || count(*) || ' session(s)'
  from pg_stat_activity
  where datname = current_database() and query ~* '^\s*listen\s' and pid <> pg_backend_pid()
  having count(*) > 0
) held
order by held.name;

-- name: old_transactions
-- They keep a dump's snapshot and a slot's creation waiting.
select 'process ' || pid || ', open for ' || date_trunc('second', now() - xact_start) as name, count(*) over () as total
from pg_stat_activity
where xact_start < now() - interval '5 minutes' and pid <> pg_backend_pid() and coalesce(backend_type, '') = 'client backend'
order by xact_start
limit 20;

-- name: other_collations
-- Columns and a database whose order the operating system decides; functions of 15 and later are not needed for it.
select n.nspname || '.' || c.relname || '.' || a.attname || ' collate ' || o.collname as name, count(*) over () as total
from pg_attribute a
join pg_class c on c.oid = a.attrelid and c.relkind in ('r', 'p', 'm')
join pg_namespace n on n.oid = c.relnamespace and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
join pg_collation o on o.oid = a.attcollation and o.collname not in ('default', 'C', 'POSIX', 'ucs_basic')
where a.attnum > 0 and not a.attisdropped
order by name
limit 20;
