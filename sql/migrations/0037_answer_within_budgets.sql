-- Answers of a model within the budgets of a client and a shop, counted among the calls of its provider.
set local lock_timeout = '5s';

create index talk_lines_model on talk_lines (partner_id, created_at) where role = 'bot' and model <> '';

alter table provider_calls drop constraint provider_calls_step_check;
alter table provider_calls add constraint provider_calls_step_check
    check (step in ('still', 'main', 'words', 'moderation', 'answer'));

-- Adds what a client says to their talk with a shop, once for each key, and asks for a new answer of the assistant: with
-- p_task a job is queued, unless a person answers or the words are none to be answered now.
create or replace function hear_client(
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
begin
    select * into t
    from talks
    where partner_id = p_partner_id and id = p_talk_id and run_no = p_run_no and state = 'bot' and closed_at is null
    for update;
    if t.id is null then
        return;
    end if;
    if p_model <> '' and not t.is_test then
        select count(*) filter (where x.user_id = t.user_id) as client, count(*) as shop into asked
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
