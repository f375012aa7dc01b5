-- name: as_of
-- Up to when a copy has what was written; a database that is no copy has everything.
select case when pg_is_in_recovery() then coalesce(pg_last_xact_replay_timestamp(), now()) else now() end;
