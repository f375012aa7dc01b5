-- name: bury_update
-- A replay that fails again updates its row.
insert into dead_letters (bot, update_id, payload, error, tries)
values (%(bot)s, %(update_id)s, %(payload)s, %(error)s, %(tries)s)
on conflict (bot, update_id) do update
set error = excluded.error,
    tries = excluded.tries;
