-- name: hear
-- One statement for an update: whether the shop answers now, with which menu, the line itself, and an answer that was
-- ready before, where the shop is still what it was made from.
select p.id, p.title, p.city, p.address, p.contact, p.tz, p.hours, f.menu_version, f.facts,
    h.talk_id, h.line_id, h.run_no, h.state, h.taken_by, h.is_new, %(task)s::text is not null and s.is_on as asked,
    case when h.is_new and h.state = 'bot' and f.facts = %(expects)s then
        answer_at_once(p.id, h.talk_id, h.run_no, %(reply)s, %(missed)s, %(at)s)
    end as misses
from partners p
cross join lateral (
    select coalesce((select a.is_on from assistants a where a.partner_id = p.id), true) as is_on
) s
cross join lateral (
    select m.version as menu_version,
        md5(row(m.version, p.title, p.city, p.address, p.contact, p.tz, p.hours)::text) as facts
    from (select coalesce(max(n.version), 0) as version from menus n where n.partner_id = p.id) m
) f
cross join lateral hear_client(p.id, %(user_id)s, %(words)s, %(once)s, %(is_test)s, %(at)s,
    case when s.is_on then %(task)s::text end, %(args)s) h
where p.id = %(partner_id)s
and p.status = 'approved';

-- name: begin_answer
select b.id, b.status, b.words, b.message_id, b.halt
from begin_answer(%(partner_id)s, %(talk_id)s, %(run_no)s, %(model)s, %(cost_micro)s, %(client)s, %(shop)s, %(at)s) b;

-- name: end_answer
-- What is stopped, broken or dropped ends in any case; a whole answer only as long as it is still wanted.
update talk_lines l
set status = %(status)s,
    words = %(words)s,
    missed = %(missed)s,
    model = %(model)s,
    tokens_in = %(tokens_in)s,
    tokens_out = %(tokens_out)s,
    cached = %(cached)s,
    cost_micro = %(cost_micro)s
from talks t
where l.partner_id = %(partner_id)s
and l.id = %(line_id)s
and l.status = 'begun'
and t.partner_id = l.partner_id
and t.id = l.talk_id
and (%(status)s <> 'complete' or t.run_no = l.run_no and t.state = 'bot' and t.closed_at is null)
returning l.id;

-- name: note_message
update talk_lines
set message_id = %(message_id)s
where partner_id = %(partner_id)s
and id = %(line_id)s;

-- name: add_answer
-- An answer that needed no model, in the run that the question asked for.
insert into talk_lines (partner_id, talk_id, role, words, run_no, missed, created_at)
select t.partner_id, t.id, 'bot', %(words)s, t.run_no, %(missed)s, %(at)s
from talks t
where t.partner_id = %(partner_id)s
and t.id = %(talk_id)s
and t.run_no = %(run_no)s
and t.state = 'bot'
and t.closed_at is null
on conflict (partner_id, talk_id, run_no) where role = 'bot' do nothing
returning id;

-- name: add_note
insert into talk_lines (partner_id, talk_id, role, words, once, created_at)
values (%(partner_id)s, %(talk_id)s, 'note', %(words)s, %(once)s, %(at)s)
on conflict (partner_id, talk_id, once) where once is not null do nothing
returning id;

-- name: get_talk
select t.id, t.partner_id, t.user_id, t.is_test, t.run_no, t.state, t.person_until, t.taken_by, t.summary,
    t.summary_upto, t.started_at, t.last_at, t.closed_at
from talks t
where t.partner_id = %(partner_id)s
and t.id = %(talk_id)s;

-- name: get_open_talk
select t.id, t.partner_id, t.user_id, t.is_test, t.run_no, t.state, t.person_until, t.taken_by, t.summary,
    t.summary_upto, t.started_at, t.last_at, t.closed_at
from talks t
where t.partner_id = %(partner_id)s
and t.user_id = %(user_id)s
and t.is_test = %(is_test)s
and t.closed_at is null;

-- name: list_lines
select l.id, l.role, l.words, l.status, l.run_no, l.staff_id, l.missed, l.thumb, l.created_at
from talk_lines l
where l.partner_id = %(partner_id)s
and l.talk_id = %(talk_id)s
and l.status not in ('begun', 'dropped')
and l.words <> ''
and (%(before)s::bigint is null or l.id < %(before)s)
and (%(after)s::bigint is null or l.id > %(after)s)
order by l.id desc
limit %(limit)s;

-- name: close_talk
update talks
set closed_at = %(at)s
where partner_id = %(partner_id)s
and user_id = %(user_id)s
and is_test = %(is_test)s
and closed_at is null
returning id;

-- name: hand_over_talk
-- Whatever the assistant is writing is no longer wanted.
update talks
set state = 'person',
    person_until = %(until)s,
    run_no = run_no + 1
where partner_id = %(partner_id)s
and id = %(talk_id)s
and state = 'bot'
and closed_at is null
returning id;

-- name: take_talk
-- The first of the staff to answer has it, for as long as they are at work; the others see whose it is.
update talks t
set taken_by = s.user_id,
    person_until = %(until)s
from staff s
where t.partner_id = %(partner_id)s
and t.id = %(talk_id)s
and t.state = 'person'
and t.closed_at is null
and (t.taken_by is null or t.taken_by = %(actor_id)s or not exists (
    select
    from staff h
    where h.partner_id = t.partner_id
    and h.user_id = t.taken_by
    and h.removed_at is null
    and not exists (select from bans b where b.user_id = h.user_id)
))
and s.partner_id = t.partner_id
and s.user_id = %(actor_id)s
and s.removed_at is null
returning t.id;

-- name: add_staff_line
-- Words of the person who has taken the talk. They have two more hours from here.
with held as (
    update talks t
    set person_until = %(until)s,
        last_at = %(at)s
    from staff s
    where t.partner_id = %(partner_id)s
    and t.id = %(talk_id)s
    and t.state = 'person'
    and t.taken_by = %(actor_id)s
    and t.closed_at is null
    and s.partner_id = t.partner_id
    and s.user_id = t.taken_by
    and s.removed_at is null
    returning t.partner_id, t.id, t.taken_by
)
insert into talk_lines (partner_id, talk_id, role, staff_id, words, once, created_at)
select h.partner_id, h.id, 'staff', h.taken_by, %(words)s, %(once)s, %(at)s
from held h
on conflict (partner_id, talk_id, once) where once is not null do nothing
returning id;

-- name: hand_back_talk
-- The talk ends here: the next words begin another, which nobody is asked into by what was said before.
update talks
set closed_at = %(at)s
where partner_id = %(partner_id)s
and id = %(talk_id)s
and state = 'person'
and closed_at is null
returning id;

-- name: list_person_talks
select t.id, t.partner_id, t.user_id, t.person_until, t.last_at, trim(u.first_name || ' ' || u.last_name) as name,
    coalesce(s.first_name, '') as taker
from talks t
join users u on u.id = t.user_id
left join users s on s.id = t.taken_by
where t.partner_id = %(partner_id)s
and t.state = 'person'
and t.closed_at is null
and t.person_until > %(at)s
and (%(after_at)s::timestamptz is null or (t.person_until, t.id) > (%(after_at)s, %(after_id)s))
order by t.person_until, t.id
limit %(limit)s;

-- name: taker_of_talk
select coalesce(u.first_name, '')
from talks t
left join users u on u.id = t.taken_by
where t.partner_id = %(partner_id)s
and t.id = %(talk_id)s;

-- name: rate_line
update talk_lines l
set thumb = %(thumb)s
from talks t
where l.partner_id = %(partner_id)s
and l.talk_id = %(talk_id)s
and l.run_no = %(run_no)s
and l.role = 'bot'
and l.status = 'complete'
and t.partner_id = l.partner_id
and t.id = l.talk_id
and t.user_id = %(user_id)s
returning l.id;

-- name: count_misses
select misses_of(%(partner_id)s, %(talk_id)s);

-- name: summarise_talk
update talks
set summary = %(summary)s,
    summary_upto = %(upto)s
where partner_id = %(partner_id)s
and id = %(talk_id)s
and summary_upto < %(upto)s
and closed_at is null
returning id;

-- name: forget_old_talks
select forget_old_talks(%(before)s, %(limit)s);
