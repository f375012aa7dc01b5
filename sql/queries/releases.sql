-- name: ask
select id, holder_id, asked_for, partner_id, actor_id, due_at, phone_mark
from ask_release(
    %(holder)s, %(asked_for)s, %(partner_id)s, %(actor_id)s, %(reason)s, %(mark)s,
    coalesce(%(now)s, clock_timestamp())
);

-- name: get
select id, holder_id, asked_for, partner_id, actor_id, due_at, phone_mark
from phone_releases
where id = %(id)s;

-- name: keep
select id, holder_id, asked_for, partner_id, actor_id, due_at, phone_mark
from keep_number(%(holder)s, coalesce(%(now)s, clock_timestamp()));

-- name: release
select id, holder_id, asked_for, partner_id, actor_id, due_at, phone_mark
from release_number(%(id)s, %(phone)s, coalesce(%(now)s, clock_timestamp()));
