-- Conversations of clients with a shop's assistant and its staff, and their place in the export.
set local lock_timeout = '5s';

-- A conversation of one person with one shop. At most one is open; another begins after /new and after a person of the
-- staff has answered in it, so that nothing is handed over twice.
create table talks (
    partner_id bigint not null references partners (id),
    id bigint generated always as identity,
    user_id bigint not null references users (id),
    -- the owner or a manager tries the assistant out
    is_test boolean not null default false,
    -- the last answer that was asked for: a run with another number comes too late
    run_no integer not null default 0 check (run_no >= 0),
    -- person: the staff answer, and the assistant is silent until person_until
    state text not null default 'bot' check (state in ('bot', 'person')),
    person_until timestamptz,
    taken_by bigint references users (id),
    -- what was said up to the line summary_upto, without prices
    summary text not null default '' check (length(summary) <= 4000),
    summary_upto bigint not null default 0,
    started_at timestamptz not null,
    last_at timestamptz not null,
    closed_at timestamptz,
    primary key (partner_id, id),
    check ((state = 'person') = (person_until is not null)),
    check (taken_by is null or state = 'person')
);

create unique index talks_open on talks (partner_id, user_id, is_test) where closed_at is null;
create index talks_person on talks (partner_id, person_until) where state = 'person' and closed_at is null;
create index talks_user on talks (user_id);
create index talks_taken on talks (taken_by) where taken_by is not null;
create index talks_age on talks (last_at);

-- What was said. An answer of the assistant is a row before the model is asked, with what it may cost at most.
create table talk_lines (
    partner_id bigint not null,
    id bigint generated always as identity,
    talk_id bigint not null,
    -- note: what happened, such as that a person was asked for
    role text not null check (role in ('client', 'bot', 'staff', 'note')),
    words text not null check (length(words) <= 4096),
    -- begun: being written; stopped: by the client; broken: it ended by itself too early; dropped: nobody saw it
    status text not null default 'complete' check (status in ('begun', 'complete', 'stopped', 'broken', 'dropped')),
    run_no integer not null default 0,
    staff_id bigint references users (id),
    -- the update or the press that brought it; it is written once
    once text check (length(once) between 1 and 80),
    -- the message in the client's chat
    message_id bigint,
    -- the answer found nothing
    missed boolean not null default false,
    thumb smallint check (thumb in (-1, 1)),
    model text not null default '' check (length(model) <= 100),
    tokens_in integer not null default 0 check (tokens_in >= 0),
    tokens_out integer not null default 0 check (tokens_out >= 0),
    -- of tokens_in, those that the vendor had in its cache
    cached integer not null default 0 check (cached between 0 and tokens_in),
    -- millionths of a dollar
    cost_micro bigint not null default 0 check (cost_micro >= 0),
    created_at timestamptz not null,
    primary key (partner_id, id),
    foreign key (partner_id, talk_id) references talks (partner_id, id) on delete cascade,
    check ((role = 'staff') = (staff_id is not null)),
    check (status = 'complete' or role = 'bot'),
    check (words <> '' or role = 'bot'),
    check (thumb is null or role = 'bot')
);

create index talk_lines_talk on talk_lines (partner_id, talk_id, id desc);
create unique index talk_lines_run on talk_lines (partner_id, talk_id, run_no) where role = 'bot';
create unique index talk_lines_once on talk_lines (partner_id, talk_id, once) where once is not null;
create index talk_lines_staff on talk_lines (staff_id) where staff_id is not null;
create index talk_lines_age on talk_lines (created_at);

alter table talks enable row level security, force row level security;
create policy tenant on talks to lotok_app using (sees(partner_id));
alter table talk_lines enable row level security, force row level security;
create policy tenant on talk_lines to lotok_app using (sees(partner_id));

create trigger a_living before insert on talks for each row execute function refuse_erased('user_id');
create trigger a_living before insert on talk_lines for each row execute function refuse_erased('staff_id');

-- Returns a person's open talk with a shop, locked, or begins one. One in which the staff's time is over is closed.
create function open_talk(p_partner_id bigint, p_user_id bigint, p_is_test boolean, p_at timestamptz) returns talks
language plpgsql as $$
declare
    t talks;
begin
    update talks
    set closed_at = p_at
    where partner_id = p_partner_id and user_id = p_user_id and is_test = p_is_test and closed_at is null
    and person_until <= p_at;
    insert into talks (partner_id, user_id, is_test, started_at, last_at)
    values (p_partner_id, p_user_id, p_is_test, p_at, p_at)
    on conflict (partner_id, user_id, is_test) where closed_at is null do update set last_at = p_at
    returning * into t;
    return t;
end $$;

-- Adds what a client says to their talk with a shop, once for each key, and asks for a new answer of the assistant: with
-- p_task a job is queued, unless a person answers or the words are none to be answered now.
create function hear_client(
    p_partner_id bigint, p_user_id bigint, p_words text, p_key text, p_is_test boolean, p_at timestamptz, p_task text,
    p_args jsonb
) returns table (talk_id bigint, line_id bigint, run_no integer, state text, taken_by bigint, is_new boolean)
language plpgsql as $$
#variable_conflict use_column
declare
    t talks := open_talk(p_partner_id, p_user_id, p_is_test, p_at);
    line bigint;
begin
    insert into talk_lines (partner_id, talk_id, role, words, once, run_no, created_at)
    values (p_partner_id, t.id, 'client', p_words, p_key, t.run_no + 1, p_at)
    on conflict (partner_id, talk_id, once) where once is not null do nothing
    returning id into line;
    if line is null then
        return query
        select t.id, l.id, t.run_no, t.state, t.taken_by, false
        from talk_lines l
        where l.partner_id = p_partner_id and l.talk_id = t.id and l.once = p_key;
        return;
    end if;
    update talks set run_no = run_no + 1 where partner_id = p_partner_id and id = t.id returning * into t;
    if p_task is not null and t.state = 'bot' then
        perform create_free_jobs(p_task, array[p_user_id], array[format('%s:%s:%s', p_task, t.id, t.run_no)],
            array[p_args || jsonb_build_object('partner_id', p_partner_id, 'talk_id', t.id, 'run_no', t.run_no)],
            50::smallint, 3::smallint, null);
    end if;
    return query select t.id, line, t.run_no, t.state, t.taken_by, true;
end $$;

-- A person's talks go with the person, and a shop's with its owner.
create function forget_talks() returns trigger language plpgsql set role to lotok_app as $$
begin
    perform set_config('app.platform', 'on', true);
    delete from talks where user_id = new.id;
    delete from talks where partner_id in (select id from partners where owner_id = new.id);
    perform set_config('app.platform', '', true);
    return null;
end $$;

create trigger forget_talks after update of erased_at on users
    for each row when (old.erased_at is null and new.erased_at is not null) execute function forget_talks();

-- Forgets what was said long ago. A talk that goes on for so long loses its summary, which may hold more than its lines
-- do. Returns how many rows.
create function forget_old_talks(p_before timestamptz, p_limit integer) returns integer
language plpgsql set role to lotok_app as $$
declare
    gone integer;
    number integer;
begin
    perform set_config('app.platform', 'on', true);
    delete from talk_lines l
    using (select partner_id, id from talk_lines where created_at < p_before order by created_at limit p_limit) old
    where l.partner_id = old.partner_id and l.id = old.id;
    get diagnostics number = row_count;
    delete from talks t
    using (select partner_id, id from talks where last_at < p_before order by last_at limit p_limit) old
    where t.partner_id = old.partner_id and t.id = old.id;
    get diagnostics gone = row_count;
    update talks set summary = '' where started_at < p_before and summary <> '';
    perform set_config('app.platform', '', true);
    return number + gone;
end $$;

-- Returns what a person did for shops, within the scope of the caller.
-- Long: one document, in the order in which it is read.
create or replace function export_work(p_user_id bigint) returns jsonb language sql stable as $$
    select coalesce(jsonb_agg(jsonb_build_object(
        'shop', p.title, 'role', s.role, 'city', s.city, 'since', s.joined_at, 'until', s.removed_at,
        'operations', (
            select coalesce(jsonb_agg(jsonb_build_object('kind', t.kind, 'points', t.points, 'bill_minor', t.bill_minor,
                'reason', t.reason, 'at', t.created_at) order by t.id), '[]')
            from point_txns t
            where t.partner_id = s.partner_id and t.actor_id = p_user_id
        ), 'vouchers', (
            select coalesce(jsonb_agg(jsonb_build_object('handed_out_at', v.used_at) order by v.used_at), '[]')
            from vouchers v
            where v.partner_id = s.partner_id and v.used_by = p_user_id
        ), 'messages', (
            select coalesce(jsonb_agg(jsonb_build_object('words', g.words, 'at', g.created_at) order by g.id), '[]')
            from messages g
            where g.partner_id = s.partner_id and g.staff_id = p_user_id
        ), 'answers', (
            select coalesce(jsonb_agg(jsonb_build_object('words', l.words, 'at', l.created_at) order by l.id), '[]')
            from talk_lines l
            where l.partner_id = s.partner_id and l.staff_id = p_user_id
        ), 'invitations', (
            select coalesce(jsonb_agg(jsonb_build_object('role', i.role, 'at', i.created_at, 'used_at', i.used_at)
                order by i.created_at), '[]')
            from staff_invites i
            where i.partner_id = s.partner_id and i.created_by = p_user_id
        ), 'offers', (
            select coalesce(jsonb_agg(jsonb_build_object('title', o.title, 'about', o.about, 'at', o.created_at)
                order by o.created_at), '[]')
            from (
                select title, about, created_at from services
                where partner_id = s.partner_id and created_by = p_user_id
                union all
                select title, about, created_at from promotions
                where partner_id = s.partner_id and created_by = p_user_id
            ) o
        ), 'menus', (
            select coalesce(jsonb_agg(jsonb_build_object('version', n.version, 'at', n.created_at) order by n.version),
                '[]')
            from menus n
            where n.partner_id = s.partner_id and n.created_by = p_user_id
        ), 'decisions', (
            select coalesce(jsonb_agg(jsonb_build_object('action', a.action, 'before', a.before, 'after', a.after, 'at',
                a.created_at) order by a.id), '[]')
            from loyalty_trail a
            where a.partner_id = s.partner_id and a.actor_id = p_user_id
        )) order by s.joined_at), '[]')
    from staff s
    join partners p on p.id = s.partner_id
    where s.user_id = p_user_id;
$$;

-- Returns everything that is kept of a person as a client, for that person to read.
-- Long: one document, in the order in which it is read.
create or replace function export_client(p_user_id bigint) returns jsonb
language plpgsql set role to lotok_app as $$
declare
    found jsonb;
begin
    perform set_config('app.platform', 'on', true);
    found := jsonb_build_object(
        'client', (
            select to_jsonb(c) from clients c where c.user_id = p_user_id
        ),
        'cards', (
            select coalesce(jsonb_agg(jsonb_build_object('shop', p.title, 'card', m.card_no, 'joined_at', m.joined_at,
                'visits', m.visits, 'spent_minor', m.spent_minor, 'owed', m.owed, 'balances', (
                    select jsonb_object_agg(a.kind, a.balance)
                    from point_accounts a
                    where a.partner_id = m.partner_id and a.member_id = m.id
                ), 'operations', (
                    select coalesce(jsonb_agg(jsonb_build_object('kind', t.kind, 'points', t.points, 'bill_minor',
                        t.bill_minor, 'at', t.created_at) order by t.id), '[]')
                    from point_txns t
                    where t.partner_id = m.partner_id and t.member_id = m.id
                ), 'ratings', (
                    select coalesce(jsonb_agg(jsonb_build_object('score', r.score, 'words', r.words, 'at',
                        r.created_at)), '[]')
                    from ratings r
                    where r.partner_id = m.partner_id and r.member_id = m.id
                ), 'messages', (
                    select coalesce(jsonb_agg(jsonb_build_object('from_shop', g.staff_id is not null, 'words', g.words,
                        'at', g.created_at) order by g.id), '[]')
                    from messages g
                    where g.partner_id = m.partner_id and g.member_id = m.id
                )) order by m.id), '[]')
            from members m
            join partners p on p.id = m.partner_id
            where m.user_id = p_user_id and m.left_at is null
        ),
        'talks', (
            select coalesce(jsonb_agg(jsonb_build_object('shop', p.title, 'from', t.started_at, 'summary', t.summary,
                'lines', (
                    select coalesce(jsonb_agg(jsonb_build_object('by', l.role, 'words', l.words, 'at', l.created_at)
                        order by l.id), '[]')
                    from talk_lines l
                    where l.partner_id = t.partner_id and l.talk_id = t.id and l.words <> ''
                )) order by t.id), '[]')
            from talks t
            join partners p on p.id = t.partner_id
            where t.user_id = p_user_id
        ),
        'favourites', (
            select coalesce(jsonb_agg(p.title order by p.id), '[]')
            from favourites f
            join partners p on p.id = f.partner_id
            where f.user_id = p_user_id
        ),
        'works_at', (
            select coalesce(jsonb_agg(jsonb_build_object('shop', p.title, 'role', s.role) order by p.id), '[]')
            from staff s
            join partners p on p.id = s.partner_id
            where s.user_id = p_user_id and s.removed_at is null
        ),
        'work', export_work(p_user_id)
    );
    perform set_config('app.platform', '', true);
    return found;
end $$;
