-- name: add_files
-- Records several files in one round trip.
insert into files (user_id, job_id, kind, pathname, content_type, bytes, width, height)
select %(user_id)s, %(job_id)s, f.kind, f.pathname, f.content_type, f.bytes, f.width, f.height
from jsonb_to_recordset(%(listed)s::jsonb -> 'files')
    as f (kind text, pathname text, content_type text, bytes integer, width integer, height integer)
returning id, user_id, job_id, kind, pathname, content_type, bytes, width, height, created_at;

-- name: remember_telegram_ids
insert into file_telegram_ids (file_id, bot, kind, telegram_file_id)
select f.id, %(bot)s, %(kind)s, f.telegram_file_id
from unnest(%(file_ids)s::bigint[], %(telegram_file_ids)s::text[]) f (id, telegram_file_id)
order by f.id
on conflict (file_id, bot, kind) do update
set telegram_file_id = excluded.telegram_file_id;

-- name: telegram_ids
select t.file_id, t.kind, t.telegram_file_id
from file_telegram_ids t
where t.file_id = any(%(file_ids)s)
and t.bot = %(bot)s;

-- name: find_files
select id, user_id, job_id, kind, pathname, content_type, bytes, width, height, created_at
from files
where user_id = %(user_id)s
and id = any(%(file_ids)s)
order by id;

-- name: list_files
select id, user_id, job_id, kind, pathname, content_type, bytes, width, height, created_at
from files
where user_id = %(user_id)s
order by id;

-- name: list_old_sources
select id, user_id, job_id, kind, pathname, content_type, bytes, width, height, created_at
from files
where kind in ('source', 'still')
and created_at < statement_timestamp() - %(age)s
and starts_with(pathname, %(prefix)s)
order by created_at
limit %(limit)s;

-- name: list_old_results
select id, user_id, job_id, kind, pathname, content_type, bytes, width, height, created_at
from files
where kind not in ('source', 'still')
and kind not in ('cut', 'logo')
and created_at < statement_timestamp() - %(age)s
and starts_with(pathname, %(prefix)s)
order by created_at
limit %(limit)s;

-- name: bytes_kept
-- Reads the whole table: a few times a day at most.
select coalesce(sum(bytes), 0)::bigint
from files
where starts_with(pathname, %(prefix)s);

-- name: find_cut
select f.pathname
from every_job j
join files f on f.job_id = j.id and f.user_id = j.user_id
where j.key = %(key)s
and j.user_id = %(user_id)s
and j.task = 'cut'
and f.kind = 'cut'
order by f.id desc
limit 1;

-- name: list_old_cuts
-- One that was made of another, for a finished order or by a person who put pieces right, goes with its photo.
select f.id, f.user_id, f.job_id, f.kind, f.pathname, f.content_type, f.bytes, f.width, f.height, f.created_at
from files f
left join every_job j on j.id = f.job_id
where f.kind = 'cut'
and f.created_at < statement_timestamp() - case when j.args ? 'like' then %(derived)s else %(age)s end
and starts_with(f.pathname, %(prefix)s)
order by f.created_at
limit %(limit)s;

-- name: list_old_logos
-- Those that no brand has any longer: replaced, or removed.
select f.id, f.user_id, f.job_id, f.kind, f.pathname, f.content_type, f.bytes, f.width, f.height, f.created_at
from files f
where f.kind = 'logo'
and f.created_at < statement_timestamp() - %(age)s
and starts_with(f.pathname, %(prefix)s)
and not exists (select from brands b where b.logo_id = f.id)
order by f.created_at
limit %(limit)s;

-- name: forget_files
delete from files
where id = any(%(file_ids)s);
