-- Two returns, or a return and a reward, that concern the same people wait for each other in one order, and never in a
-- circle: people whose accounts were merged can have invited each other.
set local lock_timeout = '5s';

create function bearers_of(p_member_id bigint) returns setof bigint language sql stable security definer
set search_path = public, pg_temp as $$
    select u.id
    from remembered r
    join users u on u.mark = r.mark
    where r.what in ('owed', 'card')
    and r.subject = p_member_id;
$$;

create function hold_people(p_user_ids bigint[]) returns void language plpgsql security definer
set search_path = public, pg_temp as $$
begin
    perform from users where id = any(p_user_ids) order by id for key share;
end $$;

create function line_of(p_partner_id bigint, p_member_id bigint, p_receipt_id bigint, p_levels integer) returns bigint[]
language plpgsql stable as $$
begin
    return (with recursive line (id, step) as (
        select p_member_id, 0
        union
        select referrer_id, p_levels from referral_rewards where partner_id = p_partner_id and receipt_id = p_receipt_id
        union
        select n.id, n.step
        from line
        join members g on g.partner_id = p_partner_id and g.id = line.id
        cross join lateral (
            values (g.referrer_id, line.step + 1), (g.merged_into, line.step)
            union all
            select o.id, p_levels
            from bearers_of(g.id) b (id)
            join members o on o.partner_id = p_partner_id and o.user_id = b.id and o.left_at is null
            where g.left_at is not null
        ) n (id, step)
        where n.id is not null and n.step <= p_levels
    )
    select array_agg(distinct id order by id desc) from line);
end $$;

create function lock_line(p_partner_id bigint, p_member_id bigint, p_receipt_id bigint, p_levels integer) returns void
language plpgsql as $$
declare
    line bigint[];
begin
    loop
        line := line_of(p_partner_id, p_member_id, p_receipt_id, p_levels);
        begin
            perform hold_people(array(select user_id from members where partner_id = p_partner_id and id = any(line)));
            perform from members where partner_id = p_partner_id and id = any(line) order by id desc for no key update;
            if line = line_of(p_partner_id, p_member_id, p_receipt_id, p_levels) then
                return;
            end if;
            raise exception using errcode = 'LK000';
        exception
            when sqlstate 'LK000' then null;
        end;
    end loop;
end $$;

create or replace function lock_heir(p_partner_id bigint, p_member_id bigint) returns members language plpgsql as $$
declare
    m members;
begin
    perform lock_line(p_partner_id, p_member_id, null, 0);
    m := lock_member(p_partner_id, p_member_id);
    while m.merged_into is not null loop
        m := lock_member(p_partner_id, m.merged_into);
    end loop;
    return m;
end $$;

create or replace function set_phone(p_user_id bigint, p_phone text, p_mark bytea) returns void
language plpgsql set role to lotok_app as $$
begin
    perform must_live(p_user_id);
    perform set_config('app.platform', 'on', true);
    update clients
    set phone = p_phone
    where user_id = p_user_id
    and not exists (select from clients c where c.phone = p_phone and c.user_id <> p_user_id);
    if not found then
        if not exists (select from clients where user_id = p_user_id) then
            raise exception using errcode = 'LK404', message = 'no_client', detail = p_user_id::text;
        end if;
        raise exception using errcode = 'LK409', message = 'phone_taken', detail = p_user_id::text;
    end if;
    update users
    set phone_mark = p_mark
    where id = p_user_id
    and phone_mark is distinct from p_mark;
    update members
    set phone_tail = right(p_phone, 4)
    where user_id = p_user_id
    and left_at is null
    and phone_tail <> right(p_phone, 4);
    perform set_config('app.platform', '', true);
end $$;

create or replace function carry_owed(p_partner_id bigint, p_user_id bigint) returns void
language plpgsql security definer set search_path to public, pg_temp as $$
declare
    scope text := coalesce(current_setting('app.tenant', true), '');
    m members;
    gone members;
begin
    perform set_config('app.tenant', p_partner_id::text, true);
    select * into m
    from members
    where partner_id = p_partner_id and user_id = p_user_id and left_at is null
    for no key update;
    for gone in
        select * from members
        where m.id is not null and partner_id = p_partner_id
        and id in (select subject from remembered where mark = any (marks_of(p_user_id)) and what in ('owed', 'card'))
        order by id desc
        for no key update
    loop
        delete from remembered
        where mark = any (marks_of(p_user_id)) and what = 'owed' and subject = gone.id and until > clock_timestamp();
        if found then
            update members set owed = 0 where partner_id = p_partner_id and id = gone.id;
            update members set owed = owed + gone.owed where partner_id = p_partner_id and id = m.id;
        end if;
    end loop;
    perform set_config('app.tenant', scope, true);
end $$;

create or replace function settle_referrals(p_partner_id bigint, p_receipt_id bigint, p_now timestamptz) returns integer
language plpgsql security definer
    set enable_seqscan to off set search_path to public, pg_temp as $$
declare
    at timestamptz := coalesce(p_now, clock_timestamp());
    p partners;
    t point_txns;
    m members;
    number integer;
begin
    perform set_config('app.tenant', p_partner_id::text, true);
    select * into p from partners where id = p_partner_id;
    select * into t from point_txns where partner_id = p_partner_id and id = p_receipt_id and kind = 'accrue';
    if t.id is null then
        perform set_config('app.tenant', '', true);
        return 0;
    end if;
    -- the reversal of the receipt waits for these rows, so it is either seen here or sees what is paid here
    perform lock_line(p.id, t.member_id, t.id, p.referral_levels);
    m := lock_member(p.id, t.member_id);
    if exists (select from point_txns where partner_id = p.id and reverses_id = t.id) then
        number := take_back_referrals(t, at);
    else
        number := reward_referrers(p, m, t, at);
    end if;
    perform set_config('app.tenant', '', true);
    return number;
end $$;

create or replace function review_referral(
    p_partner_id bigint, p_receipt_id bigint, p_level integer, p_actor_id bigint, p_pays boolean, p_now timestamptz
) returns text language plpgsql security definer set search_path to public, pg_temp as $$
declare
    at timestamptz := coalesce(p_now, clock_timestamp());
    p partners;
    t point_txns;
    m members;
    r members;
    reward referral_rewards;
begin
    perform set_config('app.tenant', p_partner_id::text, true);
    p := admit_staff(p_partner_id, p_actor_id, '{owner,manager}');
    select * into t from point_txns where partner_id = p.id and id = p_receipt_id;
    if t.id is null then
        raise exception using errcode = 'LK404', message = 'no_reward', detail = p_receipt_id::text;
    end if;
    perform lock_line(p.id, t.member_id, t.id, p.referral_levels);
    m := lock_member(p.id, t.member_id);
    reward := lock_held_reward(p.id, p_receipt_id, p_level);
    r := lock_heir(p.id, reward.referrer_id);
    if p_pays and r.left_at is null then
        perform settle_member(r, at);
        reward.txn_id := pay_referral(p, r, t, p_level, reward.points, at);
    end if;
    update referral_rewards
    set status = case when reward.txn_id is null then 'refused' else 'paid' end,
        txn_id = reward.txn_id,
        decided_by = p_actor_id
    where partner_id = p.id and receipt_id = p_receipt_id and level = p_level;
    insert into loyalty_trail (partner_id, actor_id, action, subject, after)
    values (p.id, p_actor_id, 'referral.reviewed', p_receipt_id || ':' || p_level,
        jsonb_build_object('paid', reward.txn_id is not null, 'points', reward.points));
    perform set_config('app.tenant', '', true);
    return case when reward.txn_id is null then 'refused' else 'paid' end;
end $$;
