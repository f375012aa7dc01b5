-- Conversations of clients with a shop, and who answers in them: the assistant, or a person of the staff.
--
-- What is said is a row for each line, and a line is written once for each update. The assistant answers until a person
-- of the staff is asked for; then it is silent until they hand back or two hours pass. Lines are kept for 90 days.

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
create index talk_lines_model on talk_lines (partner_id, created_at) where role = 'bot' and model <> '';

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
            array[p_args || jsonb_build_object('partner_id', p_partner_id, 'talk_id', t.id, 'run_no', t.run_no,
                'line_id', line)],
            50::smallint, 3::smallint, null);
    end if;
    return query select t.id, line, t.run_no, t.state, t.taken_by, true;
end $$;

-- Counts of the last answers of a talk those in a row that found nothing or that the client did not like.
create function misses_of(p_partner_id bigint, p_talk_id bigint) returns integer language sql stable as $$
    select count(*)::integer
    from (
        select bool_and(case when l.thumb is null then l.missed else l.thumb = -1 end) over (order by l.id desc)
            as in_a_row
        from talk_lines l
        where l.partner_id = p_partner_id
        and l.talk_id = p_talk_id
        and l.role = 'bot'
        and l.status = 'complete'
        order by l.id desc
        limit 10
    ) last
    where last.in_a_row;
$$;

-- Adds an answer that was ready before the question came, in the run that the question began, and returns how many of
-- the talk's last answers, in a row, were of no use.
create function answer_at_once(
    p_partner_id bigint, p_talk_id bigint, p_run_no integer, p_words text, p_missed boolean, p_at timestamptz
) returns integer language plpgsql as $$
begin
    insert into talk_lines (partner_id, talk_id, role, words, run_no, missed, created_at)
    values (p_partner_id, p_talk_id, 'bot', p_words, p_run_no, p_missed, p_at);
    return misses_of(p_partner_id, p_talk_id);
end $$;

-- Begins the answer of a run, if it is still wanted, and returns its line; a second run of the same job finds the line
-- that the first one began. Where a budget of the last 24 hours is spent, halt names whose, and no model is noted.
create function begin_answer(
    p_partner_id bigint, p_talk_id bigint, p_run_no integer, p_model text, p_cost bigint, p_client_limit integer,
    p_shop_limit integer, p_at timestamptz
) returns table (id bigint, status text, words text, message_id bigint, halt text) language plpgsql as $$
#variable_conflict use_column
declare
    t talks;
    asked record;
    spent text := '';
    own bigint[];
begin
    select * into t
    from talks
    where partner_id = p_partner_id and id = p_talk_id and run_no = p_run_no and state = 'bot' and closed_at is null
    for update;
    if t.id is null then
        return;
    end if;
    if p_model <> '' and not t.is_test then
        own := accounts_of(t.user_id);
        select count(*) filter (where x.user_id = any(own)) as client, count(*) as shop into asked
        from talk_lines l
        join talks x on x.partner_id = l.partner_id and x.id = l.talk_id and not x.is_test
        where l.partner_id = p_partner_id and l.role = 'bot' and l.model <> ''
        and l.created_at > p_at - interval '1 day'
        and l.status in ('begun', 'complete', 'stopped')
        and (l.talk_id, l.run_no) <> (p_talk_id, p_run_no);
        spent := case
            when asked.client >= p_client_limit then 'client'
            when asked.shop >= p_shop_limit then 'shop'
            else ''
        end;
    end if;
    return query
    insert into talk_lines (partner_id, talk_id, role, words, status, run_no, model, cost_micro, created_at)
    values (p_partner_id, t.id, 'bot', '', 'begun', t.run_no, case when spent = '' then p_model else '' end, p_cost, p_at)
    on conflict (partner_id, talk_id, run_no) where role = 'bot' do update set run_no = excluded.run_no
    returning id, status, words, message_id, spent;
end $$;

-- A person's talks go with the person, and a shop's with its owner. What a model has answered today counts in the budgets
-- until they are over: that much of it stays, without a word of what was said (forget_remembered).
create function forget_talks() returns trigger language plpgsql set role to lotok_app as $$
begin
    perform set_config('app.platform', 'on', true);
    delete from talk_lines l
    using talks t
    where t.user_id = new.id
    and l.partner_id = t.partner_id
    and l.talk_id = t.id
    and (l.role <> 'bot' or l.model = '' or t.is_test or l.status not in ('begun', 'complete', 'stopped')
        or l.created_at < clock_timestamp() - interval '1 day');
    update talk_lines l
    set words = '', once = null, message_id = null, thumb = null,
        status = case status when 'begun' then 'stopped' else status end
    from talks t
    where t.user_id = new.id and l.partner_id = t.partner_id and l.talk_id = t.id;
    update talks
    set summary = '', state = 'bot', person_until = null, taken_by = null,
        closed_at = coalesce(closed_at, clock_timestamp())
    where user_id = new.id;
    delete from talks t
    where t.user_id = new.id
    and not exists (select from talk_lines l where l.partner_id = t.partner_id and l.talk_id = t.id);
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
