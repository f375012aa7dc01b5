-- name: bury_update
-- A replay that fails again updates its row.
insert into dead_letters (bot, update_id, payload, error, tries)
values (%(bot)s, %(update_id)s, %(payload)s, %(error)s, %(tries)s)
on conflict (bot, update_id) do update
set error = excluded.error,
    tries = excluded.tries;

-- name: list_letters
select id, bot, update_id, payload, error, tries, created_at
from dead_letters
where (%(bot)s::text is null or bot = %(bot)s)
and (%(reason)s::text is null or reason = %(reason)s)
and (%(before)s::bigint is null or id < %(before)s)
order by id desc
limit %(limit)s;

-- name: letters_by_bot
select bot as word, count(*) as number
from dead_letters
where %(reason)s::text is null or reason = %(reason)s
group by bot
order by number desc, bot
limit %(limit)s;

-- name: letters_by_reason
select reason as word, count(*) as number
from dead_letters
where %(bot)s::text is null or bot = %(bot)s
group by reason
order by number desc, word
limit %(limit)s;

-- name: get_letter
select id, bot, update_id, payload, error, tries, created_at
from dead_letters
where id = %(letter_id)s;

-- name: drop_letter
-- Nothing is dropped when the update has failed once more since somebody looked at it.
with gone as (
    delete from dead_letters
    where id = %(letter_id)s
    and tries = %(tries)s
    returning id, bot, update_id, error
), logged as (
    insert into audit_log (actor, action, subject, reason, before)
    select %(actor)s, %(action)s, 'letter ' || id, %(reason)s, to_jsonb(gone)
    from gone
)
select id
from gone;

-- name: note
insert into audit_log (actor, action, subject, reason, before, after)
values (%(actor)s, %(action)s, %(subject)s, %(reason)s, %(before)s, %(after)s);

-- name: trail
select id, actor, action, subject, reason, before, after, at
from audit_log
where (%(areas)s::text[] is null or split_part(action, '.', 1) = any(%(areas)s))
and (%(subject)s::text is null or subject = %(subject)s)
and (%(actor)s::text is null or actor = %(actor)s)
and (%(before)s::bigint is null or id < %(before)s)
order by id desc
limit %(limit)s;

-- name: names
select tg_id, coalesce(nullif(first_name, ''), nullif(username, ''), tg_id::text) as name
from users
where tg_id = any(%(tg_ids)s);

-- name: find_people
-- A number may be several things at once; each is looked up by its index.
select u.id, u.tg_id, u.first_name, u.last_name, u.username, min(h.found_by) as found_by
from (
    select id, 'tg_id' as found_by
    from users
    where tg_id = %(number)s
    union all
    select id, 'username'
    from users
    where username <> ''
    and lower(username) = %(username)s
    union all
    select user_id, 'order'
    from every_job
    where id = %(number)s
    union all
    select user_id, 'phone'
    from clients
    where phone = any(%(phones)s::text[])
) h
join users u on u.id = h.id
group by u.id
order by u.id
limit %(limit)s;

-- name: person
select u.id, u.tg_id, u.first_name, u.last_name, u.username, u.language, u.time_zone, u.consent_at, u.blocked_at,
    u.created_at, u.seen_at, u.erased_at, coalesce(a.balance, 0) as balance, b.reason as ban_reason, b.at as banned_at,
    (select count(*) from job_history j where j.user_id = u.id and j.price > 0)
    + (select count(*) from jobs j where j.user_id = u.id and j.price > 0) as orders,
    (select count(*) from payments p where p.user_id = u.id) as payments,
    (select coalesce(sum(p.owed), 0) from payments p
        where p.state = 'debt' and (p.user_id = u.id or is_remembered(u.id, 'debt', p.id))) as owed
from users u
left join credit_accounts a on a.user_id = u.id
left join bans b on b.mark = %(mark)s
where u.id = %(user_id)s;

-- name: ban
with added as (
    insert into bans (mark, user_id, reason, actor)
    values (%(mark)s, %(user_id)s, %(reason)s, %(actor)s)
    on conflict (mark) do nothing
    returning user_id
), logged as (
    insert into audit_log (actor, action, subject, reason)
    select %(actor)s, 'user.ban', 'user ' || user_id, %(reason)s
    from added
)
select user_id
from added;

-- name: unban
with gone as (
    delete from bans
    where mark = %(mark)s
    returning reason
), logged as (
    insert into audit_log (actor, action, subject, reason, before)
    select %(actor)s, 'user.unban', 'user ' || %(user_id)s::bigint, %(reason)s,
        jsonb_build_object('reason', gone.reason)
    from gone
)
select reason
from gone;

-- name: person_orders
-- Each half has its own limit, so neither is read to its end.
with unfinished as (
    select id
    from jobs
    where user_id = %(user_id)s
    and price > 0
    and (%(before)s::bigint is null or id < %(before)s)
    order by id desc
    limit %(limit)s
), finished as (
    select id
    from job_history
    where user_id = %(user_id)s
    and price > 0
    and (%(before)s::bigint is null or id < %(before)s)
    order by id desc
    limit %(limit)s
)
select id, user_id, task, price, state, attempts, error_code, error, created_at, finished_at
from every_job
where id = any(array(select id from unfinished union all select id from finished))
order by id desc
limit %(limit)s;

-- name: person_payments
select id, pack_id, stars, credits, state, owed, paid_at
from payments
where user_id = %(user_id)s
and (%(before)s::bigint is null or id < %(before)s)
order by id desc
limit %(limit)s;

-- name: unsettled_payments
-- Stars that fit no pack, refunds that Telegram has not answered, and debts after refunds.
select id, user_id, stars, credits, state, owed, paid_at
from payments
where (state in ('refunding', 'debt') or credits = 0 and state = 'paid')
and (%(before)s::bigint is null or id < %(before)s)
order by id desc
limit %(limit)s;

-- name: failed_jobs
-- The index holds every column of the filter, so only the rows of the page are read.
select id, coalesce(user_id, 0) as user_id, task, price, state, attempts, error_code, error, created_at, finished_at
from job_history
where id = any(array(
    select id
    from job_history
    where state = 'failed'
    and (%(task)s::text is null or task = %(task)s)
    and (%(code)s::text is null or error_code = %(code)s)
    and (%(before)s::bigint is null or id < %(before)s)
    order by id desc
    limit %(limit)s
))
order by id desc;

-- name: failed_by_task
select task as word, count(*) as number
from job_history
where state = 'failed'
and (%(code)s::text is null or error_code = %(code)s)
group by task
order by number desc, task
limit %(limit)s;

-- name: failed_by_code
select error_code as word, count(*) as number
from job_history
where state = 'failed'
and (%(task)s::text is null or task = %(task)s)
group by error_code
order by number desc, error_code
limit %(limit)s;

-- name: open_jobs
-- The oldest first: an administrator looks for the job that has waited longest.
select id, coalesce(user_id, 0) as user_id, task, price, state, attempts, error_code, error, created_at,
    null::timestamptz as finished_at
from jobs
where id > %(after)s
order by id
limit %(limit)s;

-- name: pulse
-- Answers "is anything wrong?" by indexes, or from the unfinished jobs and those of the last hour.
with recent as (
    select task, state, finished_at
    from job_history
    where finished_at > statement_timestamp() - interval '1 hour'
), failing as (
    select task
    from recent
    where state = 'failed'
    group by task
    order by count(*) desc, task
    limit 1
)
select
    (select run_at from jobs where state = 'queued' and turn is not null order by id limit 1) as waiting_since,
    (select count(*) from jobs where state = 'queued') as queued,
    (select count(*) from jobs where state in ('running', 'waiting')) as running,
    (select coalesce(sum(price), 0) from jobs where price > 0) as held,
    (select count(*) from recent) as finished,
    (select count(*) from recent where state = 'failed') as failed,
    (select task from failing) as failing_task,
    (select max(finished_at) from recent) as last_finished_at,
    (select count(*) from dead_letters) as letters,
    (select count(*) from payments where state = 'refunding') as refunding,
    (select count(*) from payments where state = 'debt') as debts,
    (select count(*) from payments where credits = 0 and state = 'paid') as unmatched;

-- name: figures
select
    (select count(*) from users where erased_at is null) as people,
    (select count(*) from users where erased_at is null
        and created_at > statement_timestamp() - interval '7 days') as people_week,
    (select count(*) from users where erased_at is null
        and seen_at > statement_timestamp() - interval '1 day') as seen_day,
    (select count(*) from bans) as banned,
    o.orders_day, o.orders_week, o.failed_week,
    (select count(*) from payments where state = 'paid' and paid_at > statement_timestamp() - interval '30 days')
        as payments_month,
    (select coalesce(sum(stars), 0) from payments where state = 'paid'
        and paid_at > statement_timestamp() - interval '30 days') as stars_month,
    (select coalesce(sum(credits), 0) from payments where state = 'paid'
        and paid_at > statement_timestamp() - interval '30 days') as sold_month,
    (select coalesce(sum(balance), 0) from credit_accounts) as unspent
from (
    select
        count(*) filter (where finished_at > statement_timestamp() - interval '1 day') as orders_day,
        count(*) as orders_week,
        count(*) filter (where state = 'failed') as failed_week
    from job_history
    where finished_at > statement_timestamp() - interval '7 days'
    and price > 0
) o;

-- name: muted
select kind
from muted_alerts
where tg_id = %(tg_id)s
order by kind;

-- name: withdraw
-- The key is free afterwards, so the same sentence can be said on another occasion.
delete from jobs
where key = %(key)s
and task = 'tell'
and state = 'queued';

-- name: who_hears
-- The administrators who have not muted this kind of alert, each with their language as far as it is known.
select a.tg_id as id, coalesce(u.language, %(language)s) as language
from unnest(%(admins)s::bigint[]) as a (tg_id)
left join users u on u.tg_id = a.tg_id
where not exists (
    select
    from muted_alerts m
    where m.tg_id = a.tg_id
    and m.kind = %(kind)s
)
order by a.tg_id;

-- name: mute
insert into muted_alerts (tg_id, kind)
values (%(tg_id)s, %(kind)s)
on conflict do nothing;

-- name: unmute
delete from muted_alerts
where tg_id = %(tg_id)s
and kind = %(kind)s;

-- name: to_decide
-- Counts the shops, offers and broadcasts that wait for an administrator. A shop that is closed for good has none.
select
    (select count(*) from partners where status = 'pending') as partners,
    (select count(*) from services s join partners p on p.id = s.partner_id
        where s.status = 'pending' and p.reason <> 'owner_erased') as services,
    (select count(*) from promotions o join partners p on p.id = o.partner_id
        where o.status = 'pending' and p.reason <> 'owner_erased') as promotions,
    (select count(*) from broadcasts where state = 'review') as broadcasts;

-- name: shop_facts
select
    (select count(*) from members where partner_id = %(partner_id)s and left_at is null) as members,
    (select count(*) from staff where partner_id = %(partner_id)s and removed_at is null) as staff,
    (select coalesce(sum(balance), 0) from point_accounts where partner_id = %(partner_id)s and kind = 'available')
        as available,
    (select coalesce(sum(balance), 0) from point_accounts where partner_id = %(partner_id)s and kind = 'pending')
        as pending,
    (select created_at from point_txns where partner_id = %(partner_id)s order by created_at desc, id desc limit 1)
        as last_at;

-- name: loyalty_figures
-- The liability is the cost to the shops, in kopecks, if all points were spent today.
select
    (select count(*) from partners where status = 'approved') as shops,
    (select count(*) from partners where status = 'blocked') as blocked,
    (select count(*) from members where left_at is null) as members,
    (select coalesce(sum(a.balance * p.minor_per_point), 0) from point_accounts a
        join partners p on p.id = a.partner_id where a.member_id <> 0) as liability_minor;
