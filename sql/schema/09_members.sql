-- A member's way through a shop: joining, rewards for those who invited them, dates that come due, merging, leaving.
--
-- A person joins a shop once and is welcomed once, with whichever account they come. A reward comes out of the shop's
-- pocket, within its caps, and goes back when its receipt is reversed. No point is lost or made when two accounts of one
-- person become one.

create table referral_rewards (
    partner_id bigint not null,
    receipt_id bigint not null,
    level integer not null check (level between 1 and 3),
    referrer_id bigint not null,
    points bigint not null check (points >= 0),
    status text not null check (status in ('paid', 'held', 'refused', 'capped', 'reversed')),
    reason text not null default '',
    txn_id bigint,
    decided_by bigint references users (id),
    created_at timestamptz not null,
    primary key (partner_id, receipt_id, level),
    foreign key (partner_id, receipt_id) references point_txns (partner_id, id),
    foreign key (partner_id, referrer_id) references members (partner_id, id),
    foreign key (partner_id, txn_id) references point_txns (partner_id, id),
    check ((status in ('paid', 'reversed')) >= (txn_id is not null))
);

create index referral_rewards_referrer on referral_rewards (partner_id, referrer_id, created_at);
create index referral_rewards_held on referral_rewards (partner_id, receipt_id) where status = 'held';
alter table referral_rewards enable row level security, force row level security;
create policy tenant on referral_rewards to lotok_app using (sees(partner_id));
create policy till on referral_rewards to lotok_till using (serves(partner_id));
revoke insert, update, delete on referral_rewards from lotok_app;
grant select, insert, update on referral_rewards to lotok_till;

-- The rating that a member gave a visit.
create table ratings (
    partner_id bigint not null,
    txn_id bigint not null,
    member_id bigint not null,
    score integer not null check (score between 0 and 10),
    words text not null default '' check (length(words) <= 1000),
    created_at timestamptz not null default clock_timestamp(),
    primary key (partner_id, txn_id),
    foreign key (partner_id, txn_id) references point_txns (partner_id, id),
    foreign key (partner_id, member_id) references members (partner_id, id)
);

create index ratings_partner on ratings (partner_id, created_at desc, txn_id desc);
create index ratings_member on ratings (partner_id, member_id);

alter table ratings enable row level security, force row level security;
create policy tenant on ratings to lotok_app using (sees(partner_id));
create policy till on ratings to lotok_till using (serves(partner_id));
create trigger a_living before insert on ratings for each row execute function refuse_erased('member_id');
create trigger a_living_words before update of words on ratings
    for each row when (new.words <> '') execute function refuse_erased('member_id');
grant select (partner_id, member_id, words), update (member_id, words) on ratings to lotok_till;

-- Returns the last four digits of a client's number; '' without a number.
create function phone_tail_of(p_user_id bigint) returns text language plpgsql as $$
declare
    tail text;
begin
    perform set_config('app.person', p_user_id::text, true);
    select coalesce(right(phone, 4), '') into tail from clients where user_id = p_user_id;
    if not found then
        raise exception using errcode = 'LK404', message = 'no_client', detail = p_user_id::text;
    end if;
    perform set_config('app.person', '', true);
    return tail;
end $$;

create function referrer_of(p_partner_id bigint, p_card bigint, p_user_id bigint) returns bigint
language sql stable as $$
    select id
    from members
    where partner_id = p_partner_id and card_no = p_card and user_id <> p_user_id
    and left_at is null and blocked_at is null;
$$;

-- A card with a number by chance. Null: the number is somebody's, or the person has a card by now.
create function issue_card(
    p_partner_id bigint, p_user_id bigint, p_tail text, p_referrer bigint, p_at timestamptz
) returns members language plpgsql as $$
declare
    m members;
begin
    insert into members (partner_id, user_id, card_no, phone_tail, referrer_id, joined_at, blocked_at)
    values (p_partner_id, p_user_id, 10000000 + floor(random() * 90000000)::bigint, p_tail, p_referrer, p_at,
        case when is_remembered(p_user_id, 'block', p_partner_id) then p_at end)
    on conflict do nothing
    returning * into m;
    return m;
end $$;

-- Gives welcome points, once for each person, and returns how many.
create function welcome_member(p partners, m members, p_at timestamptz) returns bigint language plpgsql as $$
declare
    t point_txns;
begin
    if p.welcome_points = 0 or m.blocked_at is not null or is_remembered(m.user_id, 'welcome', p.id) then
        return 0;
    end if;
    perform remember(m.user_id, 'welcome', p.id);
    t.partner_id := p.id;
    t.member_id := m.id;
    t.kind := 'welcome';
    t.idem_key := 'welcome:' || m.id;
    t.req_hash := '';
    t.points := p.welcome_points;
    t.created_at := p_at;
    perform issue_points(t, p.tz, p.expire_days, 0, null);
    return t.points;
end $$;

-- Moves a debt onto a person's new card: it owes what the person still owed this shop when an earlier account was
-- erased. The earlier cards are locked before it looks: a return that is under way has noted by then what it leaves.
create function carry_owed(p_partner_id bigint, p_user_id bigint) returns void
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

-- Has points that could not be taken back off the card of an erased person owed by their next account, which may be there
-- already.
create function owe_after_erasure(m members, p_missing bigint) returns void language plpgsql as $$
begin
    if m.left_at is null or (p_missing > 0) is not true then
        return;
    end if;
    perform keep_harm(mark, 'owed', subject, clock_timestamp() + interval '3 years')
    from remembered
    where what = 'card' and subject = m.id and until > clock_timestamp();
    perform carry_owed(m.partner_id, debtor_id) from debtors_of(m.id) debtor_id;
end $$;

-- Joining a shop: once for each person; the newcomer's welcome points come with it, once whatever account and number they
-- come with. A referrer must be a member already.
create function join_partner(
    p_partner_id bigint, p_user_id bigint, p_referrer_card bigint, p_now timestamptz
) returns table (member_id bigint, card_no bigint, created boolean, welcome bigint, blocked boolean)
language plpgsql security definer
    set enable_seqscan to off set search_path to public, pg_temp as $$
#variable_conflict use_column
declare
    p partners;
    m members;
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
    tail := phone_tail_of(p_user_id);
    loop
        m := issue_card(p.id, p_user_id, tail, referrer_of(p.id, p_referrer_card, p_user_id), at);
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
    perform carry_owed(p.id, p_user_id);
    return query select m.id, m.card_no, true, welcome_member(p, m, at), m.blocked_at is not null;
    perform set_config('app.tenant', '', true);
end $$;

-- The cards of one person: every shop with what is there, and what goes first. One tenant after the other.
create function my_cards(p_user_id bigint, p_now timestamptz)
returns table (partner_id bigint, member_id bigint, card_no bigint, title text, city text, category text, status text,
    available bigint, pending bigint, minor_per_point integer, next_points bigint, next_at timestamptz,
    blocked boolean, favourite boolean, last_visit_at timestamptz)
language plpgsql set role to lotok_app set enable_seqscan to off as $$
#variable_conflict use_column
declare
    m members;
begin
    perform set_config('app.person', p_user_id::text, true);
    for m in
        select * from members where user_id = p_user_id and left_at is null
        order by last_visit_at desc nulls last, id desc limit 100
    loop
        perform settle_one(m.partner_id, m.id, p_now) where m.due_at <= p_now;
        perform set_config('app.tenant', m.partner_id::text, true);
        return query
        select p.id, m.id, m.card_no, p.title, p.city, p.category, p.status,
            a.available, a.pending, p.minor_per_point, e.points, e.at, m.blocked_at is not null,
            exists (select from favourites f where f.user_id = p_user_id and f.partner_id = p.id), m.last_visit_at
        from partners p
        left join lateral (
            select max(balance) filter (where kind = 'available') as available,
                max(balance) filter (where kind = 'pending') as pending
            from point_accounts x
            where x.partner_id = m.partner_id and x.member_id = m.id
        ) a on true
        left join lateral (
            select sum(l.remaining)::bigint as points, l.expires_at as at
            from point_lots l
            where l.partner_id = m.partner_id and l.member_id = m.id and l.is_open and l.expires_at > p_now
            group by l.expires_at
            order by l.expires_at
            limit 1
        ) e on true
        where p.id = m.partner_id;
    end loop;
    perform set_config('app.tenant', '', true);
    perform set_config('app.person', '', true);
end $$;

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
    reward := issue_points(reward, p.tz, p.expire_days, greatest(p.hold_days, p.referral_hold_days), null);
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
            r := lock_heir(t.partner_id, reward.referrer_id);
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

-- Decides one level's reward: its points, status and reason, by the rest of the receipt's cap. The status is null when
-- the level has no reward.
create function judge_referral(p partners, m members, r members, t point_txns, p_level integer, p_left bigint)
returns referral_rewards language plpgsql as $$
declare
    reward referral_rewards;
    amount bigint := t.paid_minor * p.referral_bp[p_level] / (10000::bigint * p.minor_per_point);
begin
    if amount = 0 then
        return null;
    end if;
    reward.reason := case
        when r.left_at is not null or r.blocked_at is not null then 'gone'
        when is_staff(p.id, r.user_id) or is_staff(p.id, m.user_id) then 'staff'
        else referral_doubt(r, t)
    end;
    amount := least(amount, p_left, p.referral_cap_month - (
        select coalesce(sum(x.points), 0)
        from referral_rewards x
        where x.partner_id = p.id and x.referrer_id = r.id and x.status in ('paid', 'held')
        and x.created_at >= date_trunc('month', t.created_at at time zone p.tz) at time zone p.tz
    ));
    reward.status := case
        when reward.reason in ('gone', 'staff') then 'refused'
        when amount <= 0 then 'capped'
        when reward.reason <> '' then 'held'
        else 'paid'
    end;
    reward.reason := case when reward.status = 'capped' then 'cap' else reward.reason end;
    reward.points := case when reward.status in ('paid', 'held') then amount else 0 end;
    return reward;
end $$;

-- Pays those who brought the member, level by level; returns how many rewards were paid.
create function reward_referrers(p partners, m members, t point_txns, p_now timestamptz) returns integer
language plpgsql as $$
declare
    r members := m;
    step integer := 0;
    reward referral_rewards;
    left_of_receipt bigint := p.referral_cap_receipt;
    number integer := 0;
begin
    while step < p.referral_levels and r.referrer_id is not null loop
        step := step + 1;
        r := lock_heir(p.id, r.referrer_id);
        continue when r.id = m.id or exists (
            select from referral_rewards x
            where x.partner_id = p.id and x.receipt_id = t.id and x.level = step
        );
        reward := judge_referral(p, m, r, t, step, left_of_receipt);
        continue when reward.status is null;
        left_of_receipt := left_of_receipt - reward.points;
        if reward.status = 'paid' then
            perform settle_member(r, p_now);
            reward.txn_id := pay_referral(p, r, t, step, reward.points, p_now);
            number := number + 1;
        end if;
        insert into referral_rewards (partner_id, receipt_id, level, referrer_id, points, status, reason, txn_id,
            created_at)
        values (p.id, t.id, step, r.id, reward.points, reward.status, reward.reason, reward.txn_id, p_now);
    end loop;
    return number;
end $$;

create function settle_referrals(p_partner_id bigint, p_receipt_id bigint, p_now timestamptz) returns integer
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

create function lock_held_reward(p_partner_id bigint, p_receipt_id bigint, p_level integer) returns referral_rewards
language plpgsql as $$
declare
    reward referral_rewards;
begin
    select * into reward
    from referral_rewards
    where partner_id = p_partner_id and receipt_id = p_receipt_id and level = p_level
    for no key update;
    if reward.level is null then
        raise exception using errcode = 'LK404', message = 'no_reward', detail = p_receipt_id::text;
    end if;
    if reward.status <> 'held' then
        raise exception using errcode = 'LK409', message = 'already_decided', detail = reward.status;
    end if;
    return reward;
end $$;

-- A held reward is the shop's to decide: it pays for it.
create function review_referral(
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

-- A batch of members whose date has come. Who is being served is stepped over: that operation settles them itself.
create function settle_due(p_partner_id bigint, p_limit integer, p_now timestamptz) returns integer
language plpgsql security definer
    set plan_cache_mode to force_generic_plan set enable_seqscan to off set search_path to public, pg_temp as $$
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

-- Returns the shops that have something to do: a date that has come, points that expire soon, a birthday.
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

-- Moves everything beside the balances from one account to the other, and ends the first.
create function carry_over(p_partner_id bigint, p_from bigint, p_into bigint, p_now timestamptz) returns void
language plpgsql as $$
begin
    update point_lots set member_id = p_into where partner_id = p_partner_id and member_id = p_from;
    update vouchers set member_id = p_into where partner_id = p_partner_id and member_id = p_from;
    update messages set member_id = p_into where partner_id = p_partner_id and member_id = p_from;
    update ratings set member_id = p_into where partner_id = p_partner_id and member_id = p_from;
    update members k
    set visits = k.visits + g.visits,
        spent_minor = k.spent_minor + g.spent_minor,
        last_visit_at = greatest(k.last_visit_at, g.last_visit_at),
        owed = k.owed + g.owed,
        asked_at = greatest(k.asked_at, g.asked_at),
        asked_txn = case when g.asked_at > coalesce(k.asked_at, '-infinity') then g.asked_txn else k.asked_txn end,
        due_at = next_points_due(p_partner_id, p_into)
    from members g
    where k.partner_id = p_partner_id and k.id = p_into
    and g.partner_id = p_partner_id and g.id = p_from;
    update members
    set left_at = p_now, merged_into = p_into, phone_tail = '', due_at = null, owed = 0
    where partner_id = p_partner_id and id = p_from;
end $$;

-- Two accounts of one person at one shop: the points go over in one transaction, lots and all.
create function merge_members(p_partner_id bigint, p_from bigint, p_into bigint, p_now timestamptz) returns bigint
language plpgsql security definer set search_path to public, pg_temp as $$
declare
    a members;
    b members;
    t point_txns;
    had record;
    has record;
begin
    perform set_config('app.tenant', p_partner_id::text, true);
    a := lock_member(p_partner_id, greatest(p_from, p_into));
    b := lock_member(p_partner_id, least(p_from, p_into));
    perform refuse_closed(a);
    perform refuse_closed(b);
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
    perform carry_over(p_partner_id, p_from, p_into, p_now);
    perform set_config('app.tenant', '', true);
    return t.points;
end $$;

-- A card goes over as it is to a shop where the other account has none, else into the other's; and so does what is owed.
-- Returns how many.
create function merge_cards(p_from bigint, p_into bigint, p_now timestamptz) returns integer language plpgsql as $$
declare
    old members;
    target bigint;
    number integer := 0;
begin
    for old in select * from members where user_id = p_from and left_at is null order by partner_id loop
        perform refuse_closed(old);
        select id into target
        from members
        where partner_id = old.partner_id and user_id = p_into and left_at is null;
        if target is null then
            update members set user_id = p_into where partner_id = old.partner_id and id = old.id;
        else
            perform merge_members(old.partner_id, old.id, target, p_now);
        end if;
        insert into loyalty_trail (partner_id, actor_id, action, subject, after)
        values (old.partner_id, p_into, 'member.merged', old.id::text,
            jsonb_build_object('into', coalesce(target, old.id)));
        number := number + 1;
    end loop;
    perform pass_owed(p_from, p_into);
    perform carry_owed(partner_id, p_into) from members where user_id = p_into and left_at is null;
    return number;
end $$;

-- Merges two accounts; see merge_people (13_erasure.sql).
create function merge_accounts(p_from bigint, p_into bigint, p_now timestamptz) returns integer
language plpgsql set role to lotok_app set lock_timeout to '200ms' as $$
declare
    number integer;
    number_mark bytea;
    had clients;
begin
    perform set_config('app.platform', 'on', true);
    if p_from = p_into then
        perform set_config('app.platform', '', true);
        return 0;
    end if;
    -- what is written in the name of either waits, or is waited for
    perform from users where id in (p_from, p_into) order by id for update;
    perform must_live(id) from unnest(array[p_from, p_into]) id;
    select * into had from clients where user_id = p_from for update;
    if had.user_id is null or not exists (select from clients where user_id = p_into) then
        raise exception using errcode = 'LK404', message = 'no_client', detail = p_from::text;
    end if;
    perform remember_together(array[p_from, p_into]);
    number := merge_cards(p_from, p_into, coalesce(p_now, clock_timestamp()));
    perform pass_along(p_from, p_into);
    delete from clients where user_id = p_from;
    update clients set phone = coalesce(had.phone, phone), birthday = coalesce(birthday, had.birthday)
    where user_id = p_into;
    select phone_mark into number_mark from users where id = p_from;
    if number_mark is not null then
        update users set phone_mark = null where id = p_from;
        update users set phone_mark = number_mark where id = p_into;
    end if;
    update members m
    set phone_tail = right(c.phone, 4)
    from clients c
    where m.user_id = p_into and m.left_at is null and c.user_id = p_into and c.phone is not null;
    perform set_config('app.platform', '', true);
    return number;
end $$;

-- A person who was erased leaves the ledger as it is, without anybody in it. Their points end, as nobody can spend them.
create function leave_shop(m members, p_now timestamptz) returns void
language plpgsql security definer set search_path to public, pg_temp as $$
declare
    t point_txns;
    rest record;
begin
    perform set_config('app.tenant', m.partner_id::text, true);
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
        perform empty_lots(t, rest.pending, null);
    end loop;
    update members
    set left_at = p_now, phone_tail = '', due_at = null
    where partner_id = m.partner_id and id = m.id;
    delete from messages where partner_id = m.partner_id and member_id = m.id;
    update ratings set words = '' where partner_id = m.partner_id and member_id = m.id and words <> '';
    update vouchers
    set cancelled_at = p_now
    where partner_id = m.partner_id and member_id = m.id and used_at is null and cancelled_at is null;
    perform set_config('app.tenant', '', true);
end $$;

-- As with the operations at the counter.
grant create on schema public to lotok_till;
alter function carry_owed owner to lotok_till;
alter function join_partner owner to lotok_till;
alter function settle_referrals owner to lotok_till;
alter function review_referral owner to lotok_till;
alter function settle_due owner to lotok_till;
alter function settle_one owner to lotok_till;
alter function merge_members owner to lotok_till;
alter function leave_shop owner to lotok_till;
revoke create on schema public from lotok_till;
