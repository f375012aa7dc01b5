-- name: get_or_create_user
-- One round trip on every update, and no write unless something changed or an hour has passed: a commit per message
-- would be the dearest thing the webhook does.
with known as (
    select id
    from users
    where tg_id = %(tg_id)s
    and (first_name, last_name, username) = (%(first_name)s, %(last_name)s, %(username)s)
    and (language_chosen or language = %(language)s)
    and mark is not distinct from %(mark)s::bytea
    and blocked_at is null
    and seen_at > statement_timestamp() - interval '1 hour'
), saved as (
    insert into users (tg_id, first_name, last_name, username, language, mark)
    select %(tg_id)s::bigint, %(first_name)s::text, %(last_name)s::text, %(username)s::text, %(language)s::text,
        %(mark)s::bytea
    where not exists (select from known)
    on conflict (tg_id) do update
    set first_name = excluded.first_name,
        last_name = excluded.last_name,
        username = excluded.username,
        language = case when users.language_chosen then users.language else excluded.language end,
        mark = excluded.mark,
        blocked_at = null,
        seen_at = clock_timestamp()
    returning id, tg_id, first_name, last_name, username, language, language_chosen, time_zone,
        consent_at, blocked_at, created_at, seen_at
), opened as (
    insert into credit_accounts (user_id)
    select id
    from saved
    on conflict (user_id) do nothing
), found as (
    select id, tg_id, first_name, last_name, username, language, language_chosen, time_zone,
        consent_at, blocked_at, created_at, seen_at
    from saved
    union all
    select id, tg_id, first_name, last_name, username, language, language_chosen, time_zone,
        consent_at, blocked_at, created_at, seen_at
    from users
    where id = (select id from known)
)
select f.id, f.tg_id, f.first_name, f.last_name, f.username, f.language, f.language_chosen, f.time_zone,
    f.consent_at, f.blocked_at, f.created_at, f.seen_at, coalesce(a.balance, 0) as balance,
    exists (select from bans b where b.mark = %(ban)s) as banned
from found f
left join credit_accounts a on a.user_id = f.id;

-- name: get_user
select u.id, u.tg_id, u.first_name, u.last_name, u.username, u.language, u.language_chosen, u.time_zone,
    u.consent_at, u.blocked_at, u.created_at, u.seen_at, coalesce(a.balance, 0) as balance,
    exists (select from bans b where b.user_id = u.id) as banned
from users u
left join credit_accounts a on a.user_id = u.id
where u.id = %(user_id)s;

-- name: get_user_by_tg_id
select u.id, u.tg_id, u.first_name, u.last_name, u.username, u.language, u.language_chosen, u.time_zone,
    u.consent_at, u.blocked_at, u.created_at, u.seen_at, coalesce(a.balance, 0) as balance
from users u
left join credit_accounts a on a.user_id = u.id
where u.tg_id = %(tg_id)s;

-- name: accept_consent
-- A trial posted by this very statement is not in its snapshot, so the function brings the balance along.
with consented as (
    update users
    set consent_at = coalesce(consent_at, clock_timestamp())
    where id = %(user_id)s
    and tg_id = %(tg_id)s
    returning id, tg_id, first_name, last_name, username, language, language_chosen, time_zone,
        consent_at, blocked_at, created_at, seen_at
), trial as materialized (
    select id as user_id, give_trial(id, %(trial)s, %(mark)s) as balance_after
    from consented
)
select c.id, c.tg_id, c.first_name, c.last_name, c.username, c.language, c.language_chosen, c.time_zone,
    c.consent_at, c.blocked_at, c.created_at, c.seen_at, coalesce(t.balance_after, a.balance, 0) as balance
from consented c
left join trial t on t.user_id = c.id
left join credit_accounts a on a.user_id = c.id;

-- name: introduce
update users
set introduced = introduced || %(bot)s::text
where id = %(user_id)s
and erased_at is null
and not introduced @> array[%(bot)s::text];

-- name: set_language
update users
set language = %(language)s,
    language_chosen = true
where id = %(user_id)s;

-- name: set_time_zone
update users
set time_zone = %(zone)s
where id = %(user_id)s;

-- name: mark_blocked
update users
set blocked_at = case when %(blocked)s then coalesce(blocked_at, clock_timestamp()) end,
    stopped = array_remove(stopped, %(bot)s) || array_remove(array[case when %(blocked)s then %(bot)s::text end], null)
where tg_id = %(tg_id)s
and ((blocked_at is not null) <> %(blocked)s or (%(bot)s = any(stopped)) <> %(blocked)s);

-- name: hears
select not %(bot)s = any(stopped) as hears
from users
where id = %(user_id)s;

-- name: erase
-- The other regions hear of it in the same transaction; with one region there are none.
select erase_user(%(user_id)s, %(tg_id)s, %(mark)s, %(person_mark)s),
    tell_regions(%(others)s::text[], 'erased', jsonb_build_object('tg_id', %(tg_id)s::bigint));

-- name: list_promised
select distinct args ->> 'bot' as bot, coalesce(args ->> 'chat_id', args ->> 'chat')::bigint as chat_id,
    (args ->> 'message_id')::bigint as message_id
from jobs
where user_id = %(user_id)s
and args ->> 'message_id' > '0'
and coalesce(args ->> 'chat_id', args ->> 'chat') is not null
and args ? 'bot';

-- name: forget_orders
select forget_orders(%(user_id)s);

-- name: list_unmarked
-- Reads the whole table, so only the night's job may use it.
select u.id, u.tg_id, c.phone
from users u
left join clients c on c.user_id = u.id
where u.erased_at is null
and (u.mark is null or c.phone is not null and u.phone_mark is null)
order by u.id
limit %(limit)s;

-- name: mark_people
update users u
set mark = m.mark,
    phone_mark = m.phone_mark
from unnest(%(user_ids)s::bigint[], %(marks)s::bytea[], %(phone_marks)s::bytea[]) m (id, mark, phone_mark)
where u.id = m.id
and u.erased_at is null;

-- name: forget_operations
select forget_operations(%(user_id)s);

-- name: forget_traces
select forget_traces(%(now)s);

-- name: forget_remembered
select forget_remembered(%(now)s);

-- name: export
select jsonb_build_object(
    'profile', to_jsonb(u),
    'balance', (select a.balance from credit_accounts a where a.user_id = u.id),
    'credits', (
        select coalesce(jsonb_agg(jsonb_build_object('id', l.id, 'kind', l.kind, 'amount', l.amount,
            'balance_after', l.balance_after, 'order', l.job_id, 'at', l.created_at) order by l.id), '[]')
        from credit_ledger l
        where l.user_id = u.id
    ),
    'payments', (
        select coalesce(jsonb_agg(jsonb_build_object('id', p.id, 'stars', p.stars, 'credits', p.credits,
            'state', p.state, 'charge', p.telegram_payment_charge_id, 'paid_at', p.paid_at) order by p.id), '[]')
        from payments p
        where p.user_id = u.id
    ),
    'regions', (
        select coalesce(jsonb_agg(jsonb_build_object('bot', c.bot, 'region', c.region, 'at', c.placed_at)
            order by c.bot), '[]')
        from chat_regions c
        where c.tg_id = u.tg_id
    ),
    'promo_codes', (
        select coalesce(jsonb_agg(jsonb_build_object('code', c.code, 'used_at', c.used_at) order by c.used_at), '[]')
        from promo_uses c
        where c.user_id = u.id
    ),
    'orders', (
        select coalesce(jsonb_agg(jsonb_build_object('id', j.id, 'task', j.task, 'state', j.state, 'price', j.price,
            'asked', j.args, 'error', j.error_code, 'created_at', j.created_at, 'finished_at', j.finished_at)
            order by j.price = 0, j.id), '[]')
        from every_job j
        where j.user_id = u.id
    ),
    'files', (
        select coalesce(jsonb_agg(jsonb_build_object('id', f.id, 'order', f.job_id, 'kind', f.kind,
            'pathname', f.pathname, 'content_type', f.content_type, 'bytes', f.bytes, 'width', f.width,
            'height', f.height, 'created_at', f.created_at) order by f.id), '[]')
        from files f
        where f.user_id = u.id
    ),
    'complaints', (
        select coalesce(jsonb_agg(jsonb_build_object('order', c.job_id, 'reason', c.reason, 'at', c.created_at,
            'refunded_at', c.refunded_at) order by c.job_id), '[]')
        from complaints c
        where c.user_id = u.id
    ),
    'brand', (
        select to_jsonb(b) - 'user_id'
        from brands b
        where b.user_id = u.id
    )
) || jsonb_build_object('loyalty', export_client(u.id), 'remembered', (
    select coalesce(jsonb_agg(jsonb_build_object('what', r.what, 'of', r.subject, 'until', r.until)), '[]')
    from remembered r
    where r.mark = any(marks_of(u.id))
)) as data
from (
    select id, tg_id, first_name, last_name, username, language, time_zone, consent_at, created_at, seen_at
    from users
    where id = %(user_id)s
    and erased_at is null
) u;
