-- What an erasure does not wash off: what is owed for Stars that went back, and where a shop has blocked the person. Not
-- by the phone, which is somebody else's one day.
create function remember_harm(p_user_id bigint, p_mark bytea) returns void language plpgsql set role to lotok_app as $$
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
    insert into remembered (mark, what, subject, until)
    select p_mark, 'debt', id, term
    from payments
    where user_id = p_user_id and state = 'debt'
    union all
    select p_mark, 'block', partner_id, term
    from members
    where user_id = p_user_id and left_at is null and blocked_at is not null
    on conflict do nothing;
    perform set_config('app.platform', '', true);
end $$;

-- The shop has lifted its block: no later account of the person is blocked for it.
create function forget_block(p_user_id bigint, p_partner_id bigint) returns void language sql security definer
set search_path to public, pg_temp as $$
    delete from remembered where mark = any (marks_of(p_user_id)) and what = 'block' and subject = p_partner_id;
$$;

drop function erase_user(bigint, bigint, bytea);
create function erase_user(p_user_id bigint, p_tg_id bigint, p_mark bytea, p_person_mark bytea) returns void language plpgsql as $$
begin
    perform from jobs where user_id = p_user_id order by id for update;
    perform from users where id = p_user_id and tg_id = p_tg_id for update;
    if not found then
        return;
    end if;
    perform remember_harm(p_user_id, p_person_mark);
    perform forget_letters(p_user_id, p_tg_id);
    perform forget_administrator(p_user_id, p_tg_id);
    update users
    set tg_id = -id,
        first_name = '',
        last_name = '',
        username = '',
        time_zone = default,
        consent_at = null,
        blocked_at = null,
        mark = null,
        phone_mark = null,
        erased_at = clock_timestamp()
    where id = p_user_id;
    insert into spent_trials (mark)
    select p_mark
    from credit_ledger
    where user_id = p_user_id
    and kind = 'trial'
    on conflict do nothing;
    update jobs
    set state = 'cancelled',
        finished_at = clock_timestamp()
    where user_id = p_user_id
    and state = 'queued';
    update jobs
    set cancel_asked_at = coalesce(cancel_asked_at, clock_timestamp()),
        run_at = case when state = 'waiting' then clock_timestamp() else run_at end
    where user_id = p_user_id
    and state in ('running', 'waiting');
    perform forget_orders(p_user_id);
    update conversations
    set state = null
    where tg_id = p_tg_id;
    delete from conversations
    where tg_id = p_tg_id
    and turn_update is null;
    delete from handled_updates
    where tg_id = p_tg_id;
    insert into jobs (user_id, task, key, max_attempts)
    values (p_user_id, 'erase', 'erase:' || p_user_id, 20)
    on conflict (key) do nothing;
end $$;

create or replace function stamp_ledger_entry() returns trigger language plpgsql as $$
declare
    held integer;
begin
    select balance into held
    from credit_accounts
    where user_id = new.user_id
    for no key update;
    if not found then
        raise exception using errcode = 'LK404', message = 'no_account', detail = format('user %s', new.user_id);
    end if;
    if held + new.amount < 0 then
        raise exception using errcode = 'LK402', message = 'short_of_credits',
            detail = jsonb_build_object('balance', held, 'price', -new.amount);
    end if;
    if new.kind = 'charge' and not exists (
        select from jobs where id = new.job_id and user_id = new.user_id and price = -new.amount
    ) then
        raise exception using errcode = 'LK409', message = 'charge_without_job', detail = format('job %s', new.job_id);
    end if;
    if new.kind = 'refund' and not exists (
        select from credit_ledger
        where job_id = new.job_id and kind = 'charge' and user_id = new.user_id and amount = -new.amount
    ) then
        raise exception using errcode = 'LK409', message = 'refund_without_charge', detail = format('job %s', new.job_id);
    end if;
    if new.payment_id is not null and not exists (
        select from payments
        where id = new.payment_id
        and (user_id = new.user_id or new.kind = 'debt' and is_remembered(new.user_id, 'debt', id))
        and case when new.kind in ('purchase', 'restored') then new.amount = credits else -new.amount <= credits end
    ) then
        raise exception using errcode = 'LK409', message = 'entry_without_payment',
            detail = format('payment %s', new.payment_id);
    end if;
    new.balance_after := held + new.amount;
    return new;
end $$;

create or replace function settle_debts(p_user_id bigint, p_by bigint) returns integer language plpgsql as $$
declare
    debt record;
    part integer;
    settled integer := 0;
begin
    for debt in
        select id, owed
        from payments
        where (user_id = p_user_id or is_remembered(p_user_id, 'debt', id))
        and state = 'debt'
        order by id
        for no key update
    loop
        select least(debt.owed, balance) into part
        from credit_accounts
        where user_id = p_user_id;
        exit when part = 0;
        insert into credit_ledger (user_id, kind, amount, key, payment_id)
        values (p_user_id, 'debt', -part, 'debt:' || debt.id || ':' || p_by, debt.id);
        update payments
        set owed = owed - part,
            state = case when owed = part then 'refunded' else 'debt' end
        where id = debt.id;
        delete from remembered where what = 'debt' and subject = debt.id and part = debt.owed;
        settled := settled + part;
    end loop;
    return settled;
end $$;

drop function join_partner(bigint, bigint, bigint, timestamptz);
create function join_partner(
    p_partner_id bigint, p_user_id bigint, p_referrer_card bigint, p_now timestamptz
) returns table (member_id bigint, card_no bigint, created boolean, welcome bigint, blocked boolean)
language plpgsql security definer
    set enable_seqscan to off set search_path to public, pg_temp as $$
#variable_conflict use_column
declare
    p partners;
    m members;
    t point_txns;
    referrer bigint;
    tail text;
    at timestamptz := coalesce(p_now, clock_timestamp());
begin
    perform must_live(p_user_id);
    perform set_config('app.tenant', p_partner_id::text, true);
    p := admit_staff(p_partner_id, p_user_id, null);
    select * into m from members where partner_id = p.id and user_id = p_user_id and left_at is null;
    if m.id is not null then
        perform refuse_closed(m);
        return query select m.id, m.card_no, false, 0::bigint, false;
        perform set_config('app.tenant', '', true);
        return;
    end if;
    perform set_config('app.person', p_user_id::text, true);
    select coalesce(right(c.phone, 4), '') into tail from clients c where c.user_id = p_user_id;
    if not found then
        raise exception using errcode = 'LK404', message = 'no_client', detail = p_user_id::text;
    end if;
    perform set_config('app.person', '', true);
    select r.id into referrer
    from members r
    where r.partner_id = p.id and r.card_no = p_referrer_card and r.user_id <> p_user_id
    and r.left_at is null and r.blocked_at is null;
    loop
        insert into members (partner_id, user_id, card_no, phone_tail, referrer_id, joined_at,
            blocked_at)
        values (p.id, p_user_id, 10000000 + floor(random() * 90000000)::bigint, tail, referrer, at,
            case when is_remembered(p_user_id, 'block', p.id) then at end)
        on conflict do nothing
        returning * into m;
        exit when m.id is not null;
        -- the number is somebody's, or another update of the same person was first
        select * into m from members where partner_id = p.id and user_id = p_user_id and left_at is null;
        if m.id is not null then
            return query select m.id, m.card_no, false, 0::bigint, false;
            perform set_config('app.tenant', '', true);
            return;
        end if;
    end loop;
    insert into point_accounts (partner_id, member_id, kind, balance)
    values (p.id, m.id, 'available', 0), (p.id, m.id, 'pending', 0);
    if p.welcome_points > 0 and m.blocked_at is null and not is_remembered(p_user_id, 'welcome', p.id) then
        perform remember(p_user_id, 'welcome', p.id);
        t.partner_id := p.id;
        t.member_id := m.id;
        t.kind := 'welcome';
        t.idem_key := 'welcome:' || m.id;
        t.req_hash := '';
        t.points := p.welcome_points;
        t.created_at := at;
        perform issue_points(t, p.tz, p.expire_days, 0, null);
    end if;
    return query select m.id, m.card_no, true, coalesce(t.points, 0), m.blocked_at is not null;
    perform set_config('app.tenant', '', true);
end $$;

grant create on schema public to lotok_till;
alter function join_partner owner to lotok_till;
revoke create on schema public from lotok_till;
