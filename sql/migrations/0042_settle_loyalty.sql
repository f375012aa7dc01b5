-- Loyalty: what happens without anybody at the counter. Rewards, due dates, two accounts of one person, erased people.

-- Rewards for a receipt, level by level, out of the shop's pocket and within its caps; all taken back once the receipt
-- is reversed. Referrers are locked upwards: a referrer's id is lower than the invited one's, so nobody waits in a ring.
create function referral_doubt(r members, t point_txns) returns text language sql stable as $$
    select case
        when (
            select count(*)
            from members i
            where i.partner_id = r.partner_id and i.referrer_id = r.id
            and i.joined_at between t.created_at - interval '1 day' and t.created_at
        ) > 10 then 'velocity'
        when (
            select count(*)
            from point_txns x
            join members i on i.partner_id = x.partner_id and i.id = x.member_id and i.referrer_id = r.id
            where x.partner_id = t.partner_id
            and x.created_at between t.created_at - interval '1 hour' and t.created_at
            and x.kind = 'accrue'
            and x.actor_id = t.actor_id
            and x.bill_minor = t.bill_minor
        ) >= 3 then 'same_amounts'
        when (
            select count(*) >= 5 and max(i.visits) <= 1
            from members i
            where i.partner_id = r.partner_id and i.referrer_id = r.id
            and i.joined_at between t.created_at - interval '7 days' and t.created_at
        ) then 'single_receipts'
        else ''
    end;
$$;

create function is_staff(p_partner_id bigint, p_user_id bigint) returns boolean language sql stable as $$
    select exists (
        select from staff where partner_id = p_partner_id and user_id = p_user_id and removed_at is null
    );
$$;

create function pay_referral(p partners, r members, t point_txns, p_level integer, p_points bigint, p_now timestamptz)
returns bigint language plpgsql as $$
declare
    reward point_txns;
begin
    reward.partner_id := p.id;
    reward.member_id := r.id;
    reward.kind := 'referral';
    reward.idem_key := 'referral:' || t.id || ':' || p_level;
    reward.req_hash := '';
    reward.points := p_points;
    reward.parent_id := t.id;
    reward.created_at := p_now;
    reward := issue_points(reward, p, greatest(p.hold_days, p.referral_hold_days));
    return reward.id;
end $$;

create function take_back_referrals(t point_txns, p_now timestamptz) returns integer language plpgsql as $$
declare
    reward record;
    r members;
    paid point_txns;
    number integer := 0;
begin
    for reward in
        select * from referral_rewards
        where partner_id = t.partner_id and receipt_id = t.id and status <> 'reversed'
        order by level
    loop
        if reward.status = 'paid' then
            r := lock_member(t.partner_id, reward.referrer_id);
            while r.merged_into is not null loop
                r := lock_member(t.partner_id, r.merged_into);
            end loop;
            perform settle_member(r, p_now);
            select * into paid from point_txns where partner_id = t.partner_id and id = reward.txn_id;
            perform reverse_txn(paid, r, null, 'reverse:' || paid.idem_key, '', 'receipt reversed', p_now);
            number := number + 1;
        end if;
        update referral_rewards
        set status = 'reversed'
        where partner_id = t.partner_id and receipt_id = t.id and level = reward.level;
    end loop;
    return number;
end $$;

create function settle_referrals(p_partner_id bigint, p_receipt_id bigint, p_now timestamptz) returns integer
language plpgsql set role to lotok_app as $$
declare
    at timestamptz := coalesce(p_now, clock_timestamp());
    p partners;
    t point_txns;
    m members;
    r members;
    step integer := 0;
    left_of_receipt bigint;
    month_begin timestamptz;
    amount bigint;
    verdict text;
    why text;
    number integer := 0;
begin
    perform set_config('app.tenant', p_partner_id::text, true);
    select * into p from partners where id = p_partner_id;
    select * into t from point_txns where partner_id = p_partner_id and id = p_receipt_id and kind = 'accrue';
    if t.id is null then
        perform set_config('app.tenant', '', true);
        return 0;
    end if;
    -- the reversal of the receipt waits for this row, so it is either seen here or sees what is paid here
    m := lock_member(p.id, t.member_id);
    if exists (select from point_txns where partner_id = p.id and reverses_id = t.id) then
        number := take_back_referrals(t, at);
        perform set_config('app.tenant', '', true);
        return number;
    end if;
    left_of_receipt := p.referral_cap_receipt;
    month_begin := date_trunc('month', t.created_at at time zone p.tz) at time zone p.tz;
    r := m;
    while step < p.referral_levels and r.referrer_id is not null loop
        step := step + 1;
        r := lock_member(p.id, r.referrer_id);
        while r.merged_into is not null loop
            r := lock_member(p.id, r.merged_into);
        end loop;
        amount := t.paid_minor * p.referral_bp[step] / (10000::bigint * p.minor_per_point);
        continue when amount = 0 or r.id = m.id or exists (
            select from referral_rewards x
            where x.partner_id = p.id and x.receipt_id = t.id and x.level = step
        );
        why := case
            when r.left_at is not null or r.blocked_at is not null then 'gone'
            when is_staff(p.id, r.user_id) or is_staff(p.id, m.user_id) then 'staff'
            else referral_doubt(r, t)
        end;
        amount := least(amount, left_of_receipt, p.referral_cap_month - (
            select coalesce(sum(x.points), 0)
            from referral_rewards x
            where x.partner_id = p.id and x.referrer_id = r.id and x.status in ('paid', 'held')
            and x.created_at >= month_begin
        ));
        verdict := case
            when why in ('gone', 'staff') then 'refused'
            when amount <= 0 then 'capped'
            when why <> '' then 'held'
            else 'paid'
        end;
        amount := case when verdict in ('paid', 'held') then amount else 0 end;
        left_of_receipt := left_of_receipt - amount;
        if verdict = 'paid' then
            perform settle_member(r, at);
            number := number + 1;
        end if;
        insert into referral_rewards (partner_id, receipt_id, level, referrer_id, points, status, reason, txn_id,
            created_at)
        values (p.id, t.id, step, r.id, amount, verdict, case when verdict = 'capped' then 'cap' else why end,
            case when verdict = 'paid' then pay_referral(p, r, t, step, amount, at) end, at);
    end loop;
    perform set_config('app.tenant', '', true);
    return number;
end $$;

-- A held reward is the shop's to decide: it pays for it.
create function review_referral(
    p_partner_id bigint, p_receipt_id bigint, p_level integer, p_actor_id bigint, p_pays boolean, p_now timestamptz
) returns text language plpgsql set role to lotok_app as $$
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
    m := lock_member(p.id, t.member_id);
    select * into reward
    from referral_rewards
    where partner_id = p.id and receipt_id = p_receipt_id and level = p_level
    for no key update;
    if reward.level is null then
        raise exception using errcode = 'LK404', message = 'no_reward', detail = p_receipt_id::text;
    end if;
    if reward.status <> 'held' then
        raise exception using errcode = 'LK409', message = 'already_decided', detail = reward.status;
    end if;
    r := lock_member(p.id, reward.referrer_id);
    while r.merged_into is not null loop
        r := lock_member(p.id, r.merged_into);
    end loop;
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

-- A batch of members whose date has come. Who is being served is stepped over: that operation settles them itself.
create function settle_due(p_partner_id bigint, p_limit integer, p_now timestamptz) returns integer
language plpgsql set role to lotok_app as $$
declare
    at timestamptz := coalesce(p_now, clock_timestamp());
    m members;
    number integer := 0;
begin
    perform set_config('app.tenant', p_partner_id::text, true);
    for m in
        select * from members
        where partner_id = p_partner_id and due_at <= at
        order by due_at
        limit p_limit
        for no key update skip locked
    loop
        perform settle_member(m, at);
        number := number + 1;
    end loop;
    perform set_config('app.tenant', '', true);
    return number;
end $$;

-- Which shops have something to do: a date that has come, points that expire soon, a birthday.
create function shops_due(p_after bigint, p_now timestamptz) returns setof bigint
language plpgsql set role to lotok_app as $$
begin
    perform set_config('app.platform', 'on', true);
    return query
    select p.id
    from partners p
    where p.id > p_after
    and (
        exists (select from members m where m.partner_id = p.id and m.due_at <= p_now)
        or p.remind_days > 0 and exists (
            select from point_lots l
            where l.partner_id = p.id and l.is_open and not l.reminded
            and l.expires_at between p_now and p_now + make_interval(days => p.remind_days)
        )
        or p.birthday_points > 0 and p.status = 'approved'
    )
    order by p.id
    limit 500;
    perform set_config('app.platform', '', true);
end $$;

-- Two accounts of one person at one shop: the points go over in one transaction, lots and all.
create function merge_members(p_partner_id bigint, p_from bigint, p_into bigint, p_now timestamptz) returns bigint
language plpgsql as $$
declare
    a members;
    b members;
    t point_txns;
    had record;
    has record;
begin
    a := lock_member(p_partner_id, greatest(p_from, p_into));
    b := lock_member(p_partner_id, least(p_from, p_into));
    perform settle_member(a, p_now);
    perform settle_member(b, p_now);
    select max(balance) filter (where kind = 'available') as available,
        max(balance) filter (where kind = 'pending') as pending
    into had from point_accounts where partner_id = p_partner_id and member_id = p_from;
    select max(balance) filter (where kind = 'available') as available,
        max(balance) filter (where kind = 'pending') as pending
    into has from point_accounts where partner_id = p_partner_id and member_id = p_into;
    insert into point_txns (partner_id, member_id, kind, idem_key, req_hash, points, available_after, pending_after,
        created_at)
    values (p_partner_id, p_into, 'merge', 'merge:' || p_from, '', had.available + had.pending,
        has.available + had.available, has.pending + had.pending, p_now)
    returning * into t;
    insert into point_entries (partner_id, txn_id, member_id, kind, delta, balance_after)
    select p_partner_id, t.id, e.member_id, e.kind, e.delta, e.after
    from (values
        (p_from, 'available', -had.available, 0::bigint), (p_into, 'available', had.available, t.available_after),
        (p_from, 'pending', -had.pending, 0), (p_into, 'pending', had.pending, t.pending_after)
    ) e (member_id, kind, delta, after)
    where e.delta <> 0;
    update point_lots set member_id = p_into where partner_id = p_partner_id and member_id = p_from;
    update vouchers set member_id = p_into where partner_id = p_partner_id and member_id = p_from;
    update messages set member_id = p_into where partner_id = p_partner_id and member_id = p_from;
    update ratings set member_id = p_into where partner_id = p_partner_id and member_id = p_from;
    update members k
    set visits = k.visits + g.visits,
        spent_minor = k.spent_minor + g.spent_minor,
        last_visit_at = greatest(k.last_visit_at, g.last_visit_at),
        due_at = next_points_due(p_partner_id, p_into)
    from members g
    where k.partner_id = p_partner_id and k.id = p_into
    and g.partner_id = p_partner_id and g.id = p_from;
    update members
    set left_at = p_now, merged_into = p_into, phone_tail = '', due_at = null
    where partner_id = p_partner_id and id = p_from;
    return t.points;
end $$;

-- One person with two Telegram accounts: all shops at once, and the number goes along. The caller has made sure that
-- both are theirs. Returns how many cards went over.
create function merge_people(p_from bigint, p_into bigint, p_now timestamptz) returns integer
language plpgsql set role to lotok_app as $$
declare
    at timestamptz := coalesce(p_now, clock_timestamp());
    old members;
    target bigint;
    number integer := 0;
    had clients;
begin
    perform set_config('app.platform', 'on', true);
    if p_from = p_into then
        perform set_config('app.platform', '', true);
        return 0;
    end if;
    perform 1 from clients where user_id in (p_from, p_into) order by user_id for update;
    select * into had from clients where user_id = p_from;
    if had.user_id is null or not exists (select from clients where user_id = p_into) then
        raise exception using errcode = 'LK404', message = 'no_client', detail = p_from::text;
    end if;
    for old in select * from members where user_id = p_from and left_at is null order by partner_id loop
        select id into target
        from members
        where partner_id = old.partner_id and user_id = p_into and left_at is null;
        if target is null then
            update members set user_id = p_into where partner_id = old.partner_id and id = old.id;
        else
            perform merge_members(old.partner_id, old.id, target, at);
        end if;
        insert into loyalty_trail (partner_id, actor_id, action, subject, after)
        values (old.partner_id, p_into, 'member.merged', old.id::text,
            jsonb_build_object('into', coalesce(target, old.id)));
        number := number + 1;
    end loop;
    insert into favourites (user_id, partner_id)
    select p_into, partner_id from favourites where user_id = p_from
    on conflict do nothing;
    delete from favourites where user_id = p_from;
    delete from clients where user_id = p_from;
    update clients
    set phone = coalesce(had.phone, phone),
        birthday = coalesce(birthday, had.birthday)
    where user_id = p_into;
    update members m
    set phone_tail = right(c.phone, 4)
    from clients c
    where m.user_id = p_into and m.left_at is null and c.user_id = p_into and c.phone is not null;
    perform set_config('app.platform', '', true);
    return number;
end $$;

-- A person who was erased leaves the ledger as it is, without anybody in it. Their points end, as nobody can spend them.
create function leave_shop(m members, p_now timestamptz) returns void language plpgsql as $$
declare
    t point_txns;
    rest record;
begin
    m := lock_member(m.partner_id, m.id);
    perform settle_member(m, p_now);
    for rest in
        select pending, sum(remaining)::bigint as points
        from point_lots
        where partner_id = m.partner_id and member_id = m.id and is_open
        group by pending
        order by pending
    loop
        t := null;
        t.partner_id := m.partner_id;
        t.member_id := m.id;
        t.kind := 'expire';
        t.idem_key := 'left:' || m.id || ':' || rest.pending;
        t.req_hash := '';
        t.points := rest.points;
        t.created_at := p_now;
        t := post_points(t, case when rest.pending then 'pending' else 'available' end, 'expired');
        insert into point_lot_uses (partner_id, txn_id, lot_id, points)
        select partner_id, t.id, id, remaining
        from point_lots
        where partner_id = m.partner_id and member_id = m.id and is_open and pending = rest.pending;
        update point_lots
        set remaining = 0
        where partner_id = m.partner_id and member_id = m.id and is_open and pending = rest.pending;
    end loop;
    update members
    set left_at = p_now, phone_tail = '', due_at = null
    where partner_id = m.partner_id and id = m.id;
    delete from messages where partner_id = m.partner_id and member_id = m.id;
    update ratings set words = '' where partner_id = m.partner_id and member_id = m.id and words <> '';
    update vouchers
    set cancelled_at = p_now
    where partner_id = m.partner_id and member_id = m.id and used_at is null and cancelled_at is null;
end $$;

create function forget_client() returns trigger language plpgsql set role to lotok_app as $$
declare
    m members;
    at timestamptz := clock_timestamp();
begin
    perform set_config('app.platform', 'on', true);
    for m in select * from members where user_id = new.id and left_at is null order by partner_id, id loop
        perform leave_shop(m, at);
    end loop;
    delete from clients where user_id = new.id;
    delete from favourites where user_id = new.id;
    update partners
    set status = 'blocked', reason = 'owner_erased', contact = ''
    where owner_id = new.id and status <> 'blocked';
    update staff set removed_at = at where user_id = new.id and removed_at is null;
    perform set_config('app.platform', '', true);
    return null;
end $$;

create trigger forget_client after update of erased_at on users
    for each row when (old.erased_at is null and new.erased_at is not null) execute function forget_client();

-- All that is kept of a person as a client, for their own eyes.
create function export_client(p_user_id bigint) returns jsonb
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
                'visits', m.visits, 'spent_minor', m.spent_minor, 'balances', (
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
        )
    );
    perform set_config('app.platform', '', true);
    return found;
end $$;

create index ratings_member on ratings (partner_id, member_id);

-- What an owner wrote to be reached by is theirs, and does not go into the trail, which nobody can change.
create or replace function apply_partner(p_owner_id bigint, p_fields jsonb) returns bigint
language plpgsql set role to lotok_app as $$
declare
    new_id bigint;
begin
    perform set_config('app.platform', 'on', true);
    if (select count(*) from partners where owner_id = p_owner_id and status in ('pending', 'approved')) >= 20 then
        raise exception using errcode = 'LK409', message = 'too_many_partners', detail = p_owner_id::text;
    end if;
    insert into partners (code, owner_id, title, about, city, address, category, contact, photo, tz)
    select substr(md5(gen_random_uuid()::text), 1, 10), p_owner_id, f.title, coalesce(f.about, ''), f.city,
        coalesce(f.address, ''), f.category, coalesce(f.contact, ''), coalesce(f.photo, ''),
        coalesce(f.tz, 'Europe/Moscow')
    from jsonb_to_record(p_fields)
        f (title text, about text, city text, address text, category text, contact text, photo text, tz text)
    returning id into new_id;
    insert into staff (partner_id, user_id, role) values (new_id, p_owner_id, 'owner');
    insert into point_accounts (partner_id, member_id, kind)
    values (new_id, 0, 'issued'), (new_id, 0, 'redeemed'), (new_id, 0, 'expired');
    insert into loyalty_trail (partner_id, actor_id, action, subject, after)
    values (new_id, p_owner_id, 'partner.applied', new_id::text, p_fields - 'contact');
    perform set_config('app.platform', '', true);
    return new_id;
end $$;
