-- Limits of a day go on counting for a person who has erased the account and begun again: which account was theirs is kept
-- for that day under the keyed mark, and forgotten with what it is for.
set local lock_timeout = '5s';

alter table remembered drop constraint remembered_what_check;
alter table remembered add constraint remembered_what_check
    check (what in ('welcome', 'birthday', 'block', 'debt', 'owed', 'card', 'account')) not valid;
alter table remembered validate constraint remembered_what_check;

create function accounts_of(p_user_id bigint) returns bigint[] language sql stable security definer
set search_path = public, pg_temp as $$
    select array(
        select r.subject
        from users u
        join remembered r on r.mark = u.mark
        where u.id = p_user_id
        and r.what = 'account'
        and r.until > statement_timestamp()
    ) || p_user_id;
$$;

create or replace function forget_remembered(p_now timestamptz) returns integer language plpgsql security definer
set search_path = public, pg_temp as $$
declare
    number integer;
begin
    perform set_config('app.platform', 'on', true);
    delete from talks
    where user_id in (
        select subject from remembered where what = 'account' and until <= least(p_now, clock_timestamp())
    );
    with gone as materialized (
        select p.id
        from partners p
        join users u on u.id = p.owner_id
        where u.erased_at is not null
    )
    delete from remembered r
    where r.until <= least(p_now, clock_timestamp())
    or r.what in ('welcome', 'birthday', 'block') and r.subject in (select id from gone)
    or r.what in ('owed', 'card') and r.subject in (select m.id from members m join gone g on g.id = m.partner_id);
    get diagnostics number = row_count;
    perform set_config('app.platform', '', true);
    return number;
end $$;

create or replace function provider_halt(p_provider text, p_accounts text[], p_user_id bigint, p_job_id bigint, p_cost integer)
returns text language sql stable as $$
    select coalesce(
        (
            select p.why
            from provider_pauses p
            where p.provider = p_provider
            and p.account = ''
            and p.until > clock_timestamp()
        ),
        case when cardinality(p_accounts) > 0 and cardinality(p_accounts) = (
            select count(*)
            from provider_pauses p
            where p.provider = p_provider
            and p.account = any(p_accounts)
            and p.until > clock_timestamp()
        ) then 'money' end,
        (
            select case
                when b.daily_limit < p_cost + coalesce(sum(c.cost), 0) then 'spent'
                when sum(c.cost) filter (where c.user_id = any(o.own) and c.job_id is distinct from p_job_id) > 0
                    and share_of_budget(b.daily_limit, p_user_id)
                        < p_cost + sum(c.cost) filter (where c.user_id = any(o.own)) then 'share'
            end
            from provider_budgets b
            cross join (select accounts_of(p_user_id) as own offset 0) o
            left join provider_calls c on c.provider = b.provider
                and c.cost > 0
                and c.begun_at > statement_timestamp() - interval '1 day'
            where b.provider = p_provider
            and p_cost > 0
            group by b.provider
        ),
        ''
    );
$$;

create or replace function calls_lost(p_job_id bigint, p_user_id bigint) returns bigint language sql stable as $$
    select case when count(*) filter (where c.job_id = p_job_id) = 0 then 0 else count(*) end
    from provider_calls c
    where c.user_id = any((select accounts_of(p_user_id))::bigint[])
    and c.cost > 0
    and c.begun_at > statement_timestamp() - interval '1 day'
    and (c.job_id = p_job_id
        or exists (select from jobs j where j.id = c.job_id and j.cancel_asked_at is not null)
        or exists (select from job_history h where h.id = c.job_id and h.state = 'cancelled'));
$$;

create or replace function times_given(m members, p_promotion_id bigint, p_since timestamptz) returns bigint
language sql stable as $$
    with recursive own as (
        select m.id
        union
        select e.id
        from unnest(accounts_of(m.user_id)) a (id)
        join members e on e.user_id = a.id
        where a.id <> m.user_id
        and e.partner_id = m.partner_id
        union
        select g.id
        from own
        join members g on g.partner_id = m.partner_id and g.merged_into = own.id
    )
    select count(*)
    from own
    join point_txns t on t.partner_id = m.partner_id and t.member_id = own.id
    where t.promotion_id = p_promotion_id
    and t.created_at >= p_since
    and not exists (select from point_txns r where r.partner_id = t.partner_id and r.reverses_id = t.id);
$$;

create or replace function begin_answer(
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

create or replace function forget_talks() returns trigger language plpgsql set role to lotok_app as $$
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

create or replace function remember_harm(p_user_id bigint, p_mark bytea) returns void language plpgsql set role to lotok_app as $$
declare
    term timestamptz := clock_timestamp() + interval '3 years';
begin
    if p_mark is null then
        return;
    end if;
    perform set_config('app.platform', 'on', true);
    -- what is had once is remembered with a mark that is new
    update users set mark = p_mark where id = p_user_id and mark is distinct from p_mark;
    perform set_config('app.platform', 'on', true);
    perform from members where user_id = p_user_id and left_at is null order by partner_id, id for no key update;
    perform keep_harm(p_mark, h.what, h.subject, h.until)
    from (
        select 'debt' as what, id as subject, term as until
        from payments
        where user_id = p_user_id and state = 'debt'
        union all
        select 'block', partner_id, term
        from members
        where user_id = p_user_id and left_at is null and blocked_at is not null
        union all
        select 'owed', id, term
        from members
        where user_id = p_user_id and left_at is null and owed > 0
        union all
        select 'account', p_user_id, clock_timestamp() + interval '1 day'
        union all
        select 'card', id, last_visit_at + interval '30 days'
        from members
        where user_id = p_user_id and left_at is null and last_visit_at > clock_timestamp() - interval '30 days'
    ) h;
    perform set_config('app.platform', '', true);
end $$;
