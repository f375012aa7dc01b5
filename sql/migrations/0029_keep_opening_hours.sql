-- When a shop is open: a week and the days that differ.
set local lock_timeout = '5s';

alter table partners add column hours jsonb not null default '{}'
    check (jsonb_typeof(hours) = 'object' and length(hours::text) <= 8000);
