-- name: add_file
-- Adding the same path again returns the first row, if it is the same person's.
insert into files (user_id, job_id, kind, pathname, content_type, bytes, width, height)
values (%(user_id)s, %(job_id)s, %(kind)s, %(pathname)s, %(content_type)s, %(bytes)s, %(width)s, %(height)s)
on conflict (pathname) do update
set pathname = excluded.pathname
where files.user_id = excluded.user_id
returning id, user_id, job_id, kind, pathname, content_type, bytes, width, height, created_at;

-- name: get_file
select id, user_id, job_id, kind, pathname, content_type, bytes, width, height, created_at
from files
where id = %(file_id)s;

-- name: remember_telegram_id
insert into file_telegram_ids (file_id, bot, kind, telegram_file_id)
values (%(file_id)s, %(bot)s, %(kind)s, %(telegram_file_id)s)
on conflict (file_id, bot, kind) do update
set telegram_file_id = excluded.telegram_file_id;

-- name: telegram_id
select telegram_file_id
from file_telegram_ids
where file_id = %(file_id)s
and bot = %(bot)s
and kind = %(kind)s;
