-- name: get_assistant
select is_on, tone, manner, instructions, refused, client_answers, shop_answers
from assistants
where partner_id = %(partner_id)s;

-- name: change_assistant
-- Only the named fields change; their values before the change go into the trail.
with before as (
    select s.partner_id, coalesce(to_jsonb(a), %(defaults)s) as row
    from staff s
    join partners p on p.id = s.partner_id and p.reason <> 'owner_erased'
    left join assistants a on a.partner_id = s.partner_id
    where s.partner_id = %(partner_id)s
    and s.user_id = %(actor_id)s
    and s.role in ('owner', 'manager')
    and s.removed_at is null
), changed as (
    insert into assistants (partner_id, is_on, tone, manner, instructions, refused, client_answers, shop_answers,
        actor_id)
    select b.partner_id, f.is_on, f.tone, f.manner, f.instructions, f.refused, f.client_answers, f.shop_answers,
        %(actor_id)s
    from before b, jsonb_populate_record(null::assistants, b.row || %(fields)s) f
    on conflict (partner_id) do update
    set is_on = excluded.is_on,
        tone = excluded.tone,
        manner = excluded.manner,
        instructions = excluded.instructions,
        refused = excluded.refused,
        client_answers = excluded.client_answers,
        shop_answers = excluded.shop_answers,
        actor_id = excluded.actor_id,
        updated_at = clock_timestamp()
    returning partner_id
), noted as (
    insert into loyalty_trail (partner_id, actor_id, action, subject, before, after)
    select c.partner_id, %(actor_id)s, 'assistant.changed', c.partner_id::text,
        (select jsonb_object_agg(k, b.row -> k) from before b, jsonb_object_keys(%(fields)s) k), %(fields)s
    from changed c
)
select partner_id from changed;

-- name: missed_lines
-- What clients asked, of the answers that found nothing and are not counted yet; tests of the staff do not count.
select l.id, q.words, l.created_at as at
from talk_lines l
join talks t on t.partner_id = l.partner_id and t.id = l.talk_id and not t.is_test
join talk_lines q on q.partner_id = l.partner_id and q.talk_id = l.talk_id and q.run_no = l.run_no and q.role = 'client'
where l.partner_id = %(partner_id)s
and l.missed
and l.id > (select coalesce(max(m.line_id), 0) from miss_marks m where m.partner_id = %(partner_id)s)
order by l.id
limit %(limit)s;

-- name: keep_misses
-- Counts lines once: the second of two that read the same lines finds the mark moved on.
with marked as (
    insert into miss_marks (partner_id, line_id)
    values (%(partner_id)s, %(line_id)s)
    on conflict (partner_id) do update
    set line_id = excluded.line_id
    where miss_marks.line_id < excluded.line_id
    returning partner_id
), old as (
    delete from menu_misses o
    using marked m
    where o.partner_id = m.partner_id
    and o.last_on < %(since)s
    and o.key <> all (%(keys)s::text[])
)
insert into menu_misses (partner_id, key, words, count, last_on)
select m.partner_id, n.key, n.words, n.count, n.last_on
from marked m, unnest(%(keys)s::text[], %(words)s::text[], %(counts)s::integer[], %(days)s::date[]) n (key, words, count,
    last_on)
on conflict (partner_id, key) do update
set count = menu_misses.count + excluded.count,
    last_on = greatest(menu_misses.last_on, excluded.last_on);

-- name: list_misses
select id, words, count, last_on
from menu_misses
where partner_id = %(partner_id)s
order by count desc, last_on desc, id
limit %(limit)s;

-- name: get_miss
select id, words, count, last_on
from menu_misses
where partner_id = %(partner_id)s
and id = %(miss_id)s;

-- name: drop_misses
delete from menu_misses
where partner_id = %(partner_id)s
and id = any (%(ids)s::bigint[]);

-- name: assistant_days
-- A trial of the staff is no answer to a client; what it cost is among the costs.
select (l.created_at at time zone p.tz)::date as day,
    count(*) filter (where l.status = 'complete' and not t.is_test) as answers,
    count(*) filter (where l.missed and not t.is_test) as missed,
    count(*) filter (where l.thumb = 1) as liked,
    count(*) filter (where l.thumb = -1) as disliked,
    coalesce(sum(l.tokens_in + l.tokens_out), 0)::bigint as tokens,
    coalesce(sum(l.cost_micro), 0)::bigint as cost_micro
from talk_lines l
join partners p on p.id = l.partner_id
join talks t on t.partner_id = l.partner_id and t.id = l.talk_id
where l.partner_id = %(partner_id)s
and l.role = 'bot'
and l.created_at >= %(since)s
group by 1
order by 1 desc;

-- name: disliked_answers
select q.words as question, l.words as answer, (l.created_at at time zone p.tz)::date as day
from talk_lines l
join partners p on p.id = l.partner_id
join talks t on t.partner_id = l.partner_id and t.id = l.talk_id and not t.is_test
join talk_lines q on q.partner_id = l.partner_id and q.talk_id = l.talk_id and q.run_no = l.run_no and q.role = 'client'
where l.partner_id = %(partner_id)s
and l.thumb = -1
order by l.id desc
limit %(limit)s;

-- name: shops_that_missed
-- The shops where it is this hour of a Monday and clients asked in vain since a moment, page by page.
select p.id
from partners p
where p.id > %(after)s
and p.status = 'approved'
and extract(isodow from %(now)s::timestamptz at time zone p.tz) = 1
and extract(hour from %(now)s::timestamptz at time zone p.tz) = %(hour)s
and exists (
    select from talk_lines l
    join talks t on t.partner_id = l.partner_id and t.id = l.talk_id and not t.is_test
    where l.partner_id = p.id
    and l.missed
    and l.created_at >= %(since)s
)
order by p.id
limit %(limit)s;
