-- A small base with one of each thing that may stand in the way of a move; a superuser runs it.
create schema app;
create collation app.plain (provider = libc, locale = 'POSIX');
create table app.tenants (
  id bigint generated always as identity primary key,
  name text not null
);
alter table app.tenants enable row level security;
alter table app.tenants force row level security;
create policy own on app.tenants using (name = current_setting('app.tenant', true));
insert into app.tenants (name) select 'tenant ' || n from generate_series(1, 500) n;
create materialized view app.tenant_names as select name from app.tenants;
create unlogged table app.cache (
  key text primary key,
  value text
);
create table app."<script>alert('table')</script>" (line text);
insert into app."<script>alert('table')</script>" select repeat('x', 200) from generate_series(1, 500);
create table app.watched (
  id int primary key,
  what regclass,
  kept_by oid,
  sorted text collate app.plain
);
create index broken on app.watched (sorted);
update pg_index set indisvalid = false where indexrelid = 'app.broken'::regclass;
alter table app.watched add constraint positive check (id > 0) not valid;
create function app.noted() returns trigger language plpgsql as $$ begin return new; end $$;
create trigger noted_always before insert on app.watched for each row execute function app.noted();
alter table app.watched enable always trigger noted_always;
create function app.powerful() returns int language sql security definer as 'select 1';
create function app.at_drop() returns event_trigger language plpgsql as $$ begin end $$;
create event trigger noted_drops on sql_drop execute function app.at_drop();
create function app.in_c(internal) returns internal language c as '$libdir/dict_snowball', 'dsnowball_init';
create foreign data wrapper nowhere;
create server elsewhere foreign data wrapper nowhere;
create publication everything for table app.watched;
create subscription somebody connection 'host=/nowhere dbname=x' publication everything with (connect = false);
select lo_from_bytea(0, 'a picture');
alter database obstacles set work_mem = '8MB';
analyze;
