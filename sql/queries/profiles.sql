-- name: by_id
select id, tg_id, first_name, last_name, username, language, language_chosen, time_zone, consent_at, blocked_at, created_at
from users
where id = %(user_id)s;

-- name: by_tg_id
select id, tg_id, first_name, last_name, username, language, language_chosen, time_zone, consent_at, blocked_at, created_at
from users
where tg_id = %(tg_id)s;

-- name: recent
-- Returns the people who are likely to write again soon. It reads the whole table, so only a warm-up may use it.
select id, tg_id, first_name, last_name, username, language, language_chosen, time_zone, consent_at, blocked_at, created_at
from users
where seen_at > statement_timestamp() - interval '1 day'
and blocked_at is null
order by seen_at desc
limit %(limit)s;
