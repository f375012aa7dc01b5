-- name: as_of
-- Up to when a copy has what was written; a database that is no copy has everything. So has a copy that follows and has
-- replayed all it was sent: the last transaction of a quiet night is old, not late.
select case
    when not pg_is_in_recovery() then now()
    when pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() and exists (select from pg_stat_wal_receiver) then now()
    else coalesce(pg_last_xact_replay_timestamp(), now())
end;
