-- name: begin_turn
select done, taken, state
from begin_turn(%(bot)s, %(tg_id)s, %(update_id)s, %(turn)s);

-- name: end_turn
select end_turn(%(bot)s, %(tg_id)s, %(update_id)s, %(state)s, %(taken_in_redis_at)s);

-- name: release_turn
update conversations
set turn_update = null,
    turn_until = null
where bot = %(bot)s
and tg_id = %(tg_id)s
and turn_update = %(update_id)s;

-- name: count_failure
insert into handled_updates as h (bot, update_id, tg_id, failures)
values (%(bot)s, %(update_id)s, %(tg_id)s, 1)
on conflict (bot, update_id) do update
set failures = h.failures + 1
returning failures;

-- name: look
-- Always one row. `handled` are the person's last updates that Redis knows nothing of; `others` tells whether anybody
-- else's conversation is still here.
select case when c.saved_at > clock_timestamp() - interval '1 hour' then c.state end as state, c.saved_at,
    coalesce(c.turn_until > clock_timestamp(), false) as busy,
    exists (
        select
        from handled_updates h
        where h.bot = asked.bot
        and h.update_id = %(update_id)s
        and h.done_at is not null
    ) as done,
    array(
        select h.update_id
        from handled_updates h
        where h.tg_id = asked.tg_id
        and h.bot = asked.bot
        and h.done_at is not null
        and c.bot is not null
        order by h.update_id desc
        limit 50
    ) as handled,
    exists (
        select
        from conversations o
        where o.saved_at > statement_timestamp() - interval '1 hour'
        and (o.bot, o.tg_id) <> (asked.bot, asked.tg_id)
    ) as others
from (select %(bot)s::text as bot, %(tg_id)s::bigint as tg_id) asked
left join conversations c on c.bot = asked.bot and c.tg_id = asked.tg_id;

-- name: drop_conversation
-- Keeps the row when it was saved again since we looked at it, or is in use.
delete from conversations
where bot = %(bot)s
and tg_id = %(tg_id)s
and saved_at = %(saved_at)s
and (turn_until is null or turn_until <= clock_timestamp());

-- name: forget_conversation
insert into conversations (bot, tg_id, state)
values (%(bot)s, %(tg_id)s, %(state)s)
on conflict (bot, tg_id) do update
set state = excluded.state,
    saved_at = excluded.saved_at;
