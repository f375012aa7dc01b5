-- name: draft
-- A draft in which nothing is written yet, or the same as is to be written now, makes room for it.
with old as (
    delete from broadcasts
    where partner_id = %(partner_id)s
    and created_by = %(actor_id)s
    and state = 'draft'
    and reason = ''
    and words in ('', %(words)s)
    and file is null
)
insert into broadcasts (partner_id, created_by)
values (%(partner_id)s, %(actor_id)s)
returning id;

-- name: get
select b.partner_id, b.id, b.created_by, b.bot, b.kind, b.state, b.reason, b.version, b.words, b.file, b.file_id,
    b.buttons, b.filter, b.advertiser, b.erid, b.run_at, b.by_clock, b.audience, b.parts, b.round, b.proven,
    b.most_blocked_bp, b.paid, b.progress_id, b.created_at, b.started_at, b.finished_at,
    coalesce(p.title, '') as shop, coalesce(p.tz, 'Europe/Moscow') as zone
from broadcasts b
left join partners p on p.id = b.partner_id
where b.partner_id = %(partner_id)s
and b.id = %(id)s;

-- name: list_broadcasts
select b.partner_id, b.id, b.created_by, b.bot, b.kind, b.state, b.reason, b.version, b.words, b.file, b.file_id,
    b.buttons, b.filter, b.advertiser, b.erid, b.run_at, b.by_clock, b.audience, b.parts, b.round, b.proven,
    b.most_blocked_bp, b.paid, b.progress_id, b.created_at, b.started_at, b.finished_at,
    coalesce(p.title, '') as shop, coalesce(p.tz, 'Europe/Moscow') as zone
from broadcasts b
left join partners p on p.id = b.partner_id
where b.partner_id = %(partner_id)s
and (b.state = 'draft') = %(drafts)s
and (%(before)s::bigint is null or b.id < %(before)s)
order by b.id desc
limit %(limit)s;

-- name: count_drafts
select count(*)
from broadcasts
where partner_id = %(partner_id)s
and state = 'draft';

-- name: drop_draft
delete from broadcasts
where partner_id = %(partner_id)s
and id = %(id)s
and version = %(version)s
and state = 'draft';

-- name: waiting
select b.partner_id, b.id, b.created_by, b.bot, b.kind, b.state, b.reason, b.version, b.words, b.file, b.file_id,
    b.buttons, b.filter, b.advertiser, b.erid, b.run_at, b.by_clock, b.audience, b.parts, b.round, b.proven,
    b.most_blocked_bp, b.paid, b.progress_id, b.created_at, b.started_at, b.finished_at,
    coalesce(p.title, '') as shop, coalesce(p.tz, 'Europe/Moscow') as zone
from broadcasts b
left join partners p on p.id = b.partner_id
where b.state = 'review'
order by b.id
limit %(limit)s;

-- name: change
-- A file that was changed is one that the sending bot has not sent yet.
update broadcasts
set words = %(words)s,
    file = %(file)s,
    file_id = case when file is not distinct from %(file)s then file_id else '' end,
    buttons = %(buttons)s::jsonb -> 'list',
    filter = %(filter)s,
    advertiser = %(advertiser)s,
    erid = %(erid)s,
    bot = %(bot)s,
    kind = %(kind)s,
    run_at = %(run_at)s,
    by_clock = %(by_clock)s,
    paid = %(paid)s,
    version = version + 1,
    changed_at = clock_timestamp()
where partner_id = %(partner_id)s
and id = %(id)s
and state = 'draft'
and version = %(version)s;

-- name: client_cities
select max(c.city)
from members m
join clients c on c.user_id = m.user_id
where m.partner_id = %(partner_id)s
and m.left_at is null
and c.city <> ''
group by lower(c.city)
order by count(*) desc, 1
limit 8;

-- name: count
select standing, people
from count_audience(%(partner_id)s, %(id)s, %(now)s);

-- name: before_sending
-- Whether the same was said within a day, how many go out on the day of `at`, and how many an administrator let through.
select
    exists (
        select
        from broadcasts b
        where b.partner_id = %(partner_id)s
        and b.id <> %(id)s
        and b.words = %(words)s
        and b.started_at > %(now)s::timestamptz - interval '1 day'
    ) as same,
    (
        select count(*)
        from broadcasts b
        where b.partner_id = %(partner_id)s
        and b.id <> %(id)s
        and b.kind = 'news'
        and case when b.state in ('review', 'scheduled') then greatest(b.run_at, %(now)s::timestamptz) else b.started_at end
            between %(at)s::timestamptz - interval '20 hours' and %(at)s::timestamptz + interval '20 hours'
    ) as that_day,
    (
        select count(*)
        from broadcasts b
        where b.partner_id = %(partner_id)s
        and b.kind = 'news'
        and b.state = 'done'
    ) as let_through;

-- name: move
update broadcasts
set state = %(state)s,
    reason = %(reason)s,
    changed_at = clock_timestamp()
where partner_id = %(partner_id)s
and id = %(id)s
and version = %(version)s
and state = %(was)s;

-- name: queue_audience
-- A shop that an administrator has blocked writes to nobody.
insert into jobs (user_id, task, key, args, max_attempts, run_at)
select b.created_by, 'audience', format('audience:%%s:%%s', b.id, b.version),
    jsonb_build_object('partner', b.partner_id, 'broadcast', b.id), 50, %(run_at)s
from broadcasts b
where b.partner_id = %(partner_id)s
and b.id = %(id)s
and (b.partner_id = 0 or exists (select from partners p where p.id = b.partner_id and p.status = 'approved'))
on conflict (key) do nothing;

-- name: steer
select steer_broadcast(%(partner_id)s, %(id)s, %(wish)s, %(reason)s, %(now)s);

-- name: show_progress_in
update broadcasts
set progress_id = %(message_id)s
where partner_id = %(partner_id)s
and id = %(id)s;

-- name: keep_file
update broadcasts
set file_id = %(file_id)s
where partner_id = %(partner_id)s
and id = %(id)s;

-- name: press
insert into broadcast_clicks (partner_id, broadcast_id, user_id)
select b.partner_id, b.id, %(user_id)s
from broadcasts b
where b.partner_id = %(partner_id)s
and b.id = %(id)s
and b.started_at is not null
on conflict do nothing;

-- name: cut_page
select cut_page(
    %(partner_id)s, %(id)s, %(size)s, %(zones)s::text[], %(froms)s::timestamptz[], %(untils)s::timestamptz[], %(now)s
);

-- name: begin_parts
select begin_parts(%(partner_id)s, %(id)s, %(now)s);

-- name: take_part
select take_part(
    %(partner_id)s, %(id)s, %(n)s, %(round)s, %(job_id)s, %(token)s, %(now)s
);

-- name: part_until
select until
from broadcast_parts
where partner_id = %(partner_id)s
and broadcast_id = %(id)s
and n = %(n)s;

-- name: hours_left
-- The hours in which the people who still wait may be written to, a row a zone and day.
select distinct run_at, until
from broadcast_parts
where partner_id = %(partner_id)s
and broadcast_id = %(id)s
and finished_at is null;

-- name: turn_part
select state, left_over, people
from turn_part(
    %(partner_id)s, %(id)s, %(n)s, %(token)s, %(places)s::integer[], %(codes)s::integer[], %(take)s, %(now)s
);

-- name: advance
select advance_broadcast(%(partner_id)s, %(id)s, %(rest_at)s, %(now)s);

-- name: sums
-- By outcome; `forgotten`: who the people were is not kept any more.
select broadcast_sums(partner_id, id) as sums, sums is not null as forgotten
from broadcasts
where partner_id = %(partner_id)s
and id = %(id)s;

-- name: clicks
select count(*)
from broadcast_clicks
where partner_id = %(partner_id)s
and broadcast_id = %(id)s;

-- name: came_back
-- Who got it and bought within a week of its part, and what they spent; what was taken back does not count.
select count(distinct t.member_id) as people, coalesce(sum(t.bill_minor), 0)::bigint as turnover_minor
from broadcast_parts p
cross join lateral unnest(p.user_ids) with ordinality w (user_id, place)
join members m on m.partner_id = p.partner_id and m.user_id = w.user_id and m.left_at is null
join point_txns t on t.partner_id = m.partner_id and t.member_id = m.id
where p.partner_id = %(partner_id)s
and p.broadcast_id = %(id)s
and get_byte(p.states, w.place::integer - 1) = 2
and t.kind in ('accrue', 'redeem', 'service')
and t.parent_id is null
and t.created_at between p.started_at and p.started_at + interval '7 days'
and not exists (select from point_txns r where r.partner_id = t.partner_id and r.reverses_id = t.id);

-- name: forget_parts
select forget_parts(%(now)s, %(limit)s);

-- name: forget_drafts
-- What was never sent, and nobody has touched for 90 days.
delete from broadcasts
where (partner_id, id) in (
    select partner_id, id
    from broadcasts
    where started_at is null
    and state in ('draft', 'cancelled')
    and coalesce(changed_at, created_at) < %(now)s::timestamptz - interval '90 days'
    limit %(limit)s
);

-- name: choose
-- A yes is also one to news as such, which a client may have switched off.
with known as (
    select %(partner_id)s::bigint as id
    where %(partner_id)s = 0
    or exists (select from partners where id = %(partner_id)s)
), opened as (
    update clients
    set wants_news = true
    where user_id = %(user_id)s
    and %(wants)s
    and not wants_news
)
insert into news_choices (partner_id, user_id, kind, wants, said_in, wording)
select k.id, %(user_id)s, %(kind)s, %(wants)s, %(said_in)s, %(wording)s
from known k
on conflict (partner_id, user_id, kind) do update
set wants = excluded.wants,
    said_in = excluded.said_in,
    wording = excluded.wording,
    said_at = clock_timestamp();

-- name: choices
select n.partner_id, coalesce(p.title, '') as shop, n.kind, n.wants
from news_choices n
left join partners p on p.id = n.partner_id
where n.user_id = %(user_id)s
order by n.partner_id, n.kind;

-- name: senders
select 0::bigint as partner_id, '' as shop
union all
(
    select p.id, p.title
    from partners p
    where p.id in (
        select partner_id from members where user_id = %(user_id)s and left_at is null
        union
        select partner_id from news_choices where user_id = %(user_id)s
    )
    order by p.title, p.id
    limit 30
);

-- name: has_agreed
select wants
from news_choices
where user_id = %(user_id)s
and partner_id = %(partner_id)s
and kind = 'news';

-- name: reminders
select kind, is_on, words
from reminders
where partner_id = %(partner_id)s;

-- name: set_reminder
insert into reminders (partner_id, kind, is_on, words)
values (%(partner_id)s, %(kind)s, %(is_on)s, %(words)s)
on conflict (partner_id, kind) do update
set is_on = excluded.is_on,
    words = excluded.words;

-- name: has_refused
select exists (
    select
    from news_choices
    where partner_id = %(partner_id)s
    and user_id = %(user_id)s
    and kind = %(kind)s
    and not wants
);

-- name: invite_back
-- A broadcast to those who have crossed the 60 days since the last one, a week back at the most, and its job.
with last as (
    select max(started_at) as at
    from broadcasts
    where partner_id = %(partner_id)s
    and kind = 'away'
), made as (
    insert into broadcasts (partner_id, created_by, kind, state, words, filter)
    select %(partner_id)s, %(owner_id)s, 'away', 'scheduled', %(words)s, jsonb_build_object(
        'away', %(days)s::integer,
        'since', greatest(l.at, %(now)s::timestamptz - interval '7 days') - make_interval(days => %(days)s))
    from last l
    where coalesce(l.at < %(now)s::timestamptz - interval '20 hours', true)
    and not exists (
        select
        from broadcasts b
        where b.partner_id = %(partner_id)s
        and b.kind = 'away'
        and b.state in ('scheduled', 'cutting', 'running')
    )
    and exists (
        select
        from members m
        where m.partner_id = %(partner_id)s
        and m.left_at is null
        and m.last_visit_at < %(now)s::timestamptz - make_interval(days => %(days)s)
        and m.last_visit_at >= coalesce(greatest(l.at, %(now)s::timestamptz - interval '7 days'),
            %(now)s::timestamptz - interval '7 days') - make_interval(days => %(days)s)
    )
    returning partner_id, id, created_by
), queued as (
    insert into jobs (user_id, task, key, args, max_attempts)
    select created_by, 'audience', format('audience:%%s:1', id), jsonb_build_object('partner', partner_id, 'broadcast', id), 50
    from made
)
select id
from made;

-- name: inviting
select r.partner_id
from reminders r
join partners p on p.id = r.partner_id and p.status = 'approved'
where r.kind = 'away'
and r.is_on
order by r.partner_id;

-- name: baskets
select r.partner_id, r.id as request_id, r.edition, r.user_id, sum(l.quantity)::integer as items
from reminders m
join partners p on p.id = m.partner_id and p.status = 'approved'
join requests r on r.partner_id = m.partner_id and r.state = 'draft'
join request_lines l on l.partner_id = r.partner_id and l.request_id = r.id and not l.gone
where m.kind = 'cart'
and m.is_on
and r.changed_at between %(since)s and %(until)s
-- who could not send it now is not asked to
and not exists (select from request_terms t where t.partner_id = r.partner_id and not t.is_on)
and not exists (
    select
    from members c
    where c.partner_id = r.partner_id
    and c.user_id = r.user_id
    and c.left_at is null
    and c.blocked_at is not null
)
group by r.partner_id, r.id
order by r.partner_id, r.id;

-- name: basket_stands
select exists (
    select
    from requests r
    join request_lines l on l.partner_id = r.partner_id and l.request_id = r.id and not l.gone
    where r.partner_id = %(partner_id)s
    and r.id = %(id)s
    and r.edition = %(edition)s
    and r.state = 'draft'
);

-- name: broadcast_rows
-- A row a broadcast, in the order of a file's columns. Who came back is known while its parts are kept.
select b.id, b.started_at, b.finished_at, b.state, b.words, b.audience, s.sums[3], s.sums[4], s.sums[5], s.sums[6],
    s.sums[7], case when b.sums is null then k.pressed end, w.people, w.turnover
from broadcasts b
cross join lateral (
    select broadcast_sums(b.partner_id, b.id) as sums
) s
cross join lateral (
    select count(*) as pressed
    from broadcast_clicks x
    where x.partner_id = b.partner_id and x.broadcast_id = b.id
) k
left join lateral (
    select count(distinct t.member_id) as people, coalesce(sum(t.bill_minor), 0)::bigint as turnover
    from broadcast_parts p
    cross join lateral unnest(p.user_ids) with ordinality r (user_id, place)
    join members m on m.partner_id = p.partner_id and m.user_id = r.user_id and m.left_at is null
    join point_txns t on t.partner_id = m.partner_id and t.member_id = m.id
    where p.partner_id = b.partner_id
    and p.broadcast_id = b.id
    and get_byte(p.states, r.place::integer - 1) = 2
    and t.kind in ('accrue', 'redeem', 'service')
    and t.parent_id is null
    and t.created_at between p.started_at and p.started_at + interval '7 days'
    and not exists (select from point_txns x where x.partner_id = t.partner_id and x.reverses_id = t.id)
) w on b.sums is null
where b.partner_id = %(partner_id)s
and b.started_at >= %(since)s
and b.started_at < %(until)s
order by b.id;

-- name: broadcast_count
select count(*)
from broadcasts b
where b.partner_id = %(partner_id)s
and b.started_at >= %(since)s
and b.started_at < %(until)s;
