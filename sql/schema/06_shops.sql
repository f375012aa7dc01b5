-- Shops and the people who take part: clients, staff, offers, members, messages, and the numbers that prove a person.
--
-- Every table with a shop's data has row-level security: a statement sees the shop or the person that it was set for, and
-- nothing when nothing was set (docs/decisions/0013-points-are-walled-by-the-database.md). A member has one card in a
-- shop, and the referrer they came with for ever.

-- Return whose rows a statement may see. It is set for one statement or one transaction only; with nothing set, no row
-- is seen.
create function person() returns bigint language sql stable parallel safe as $$
    select nullif(current_setting('app.person', true), '')::bigint;
$$;
-- `platform`: for moderation, statistics of the whole platform, and the audit. A case, as the planner takes a comparison
-- for one that few rows pass, and then joins as if a shop had hardly any.
create function sees(p_partner_id bigint) returns boolean language sql stable parallel safe as $$
    select case when current_setting('app.platform', true) = 'on' then true
        else p_partner_id::text = current_setting('app.tenant', true) end;
$$;

-- For operations, which serve one shop and nothing else. Coalesced for the same reason as the case above.
create function serves(p_partner_id bigint) returns boolean language sql stable parallel safe as $$
    select coalesce(p_partner_id::text = current_setting('app.tenant', true), false);
$$;

-- A person as a client of shops. The number is proven by Telegram's contact button, so it is one person's.
create table clients (
    user_id bigint primary key references users (id),
    name text not null check (length(name) between 1 and 80),
    city text not null default '' check (length(city) <= 60),
    phone text unique check (phone ~ '^\+[1-9][0-9]{6,14}$'),
    birthday text check (birthday ~ '^(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$'),
    wants_news boolean not null default true,
    consent_at timestamptz not null default clock_timestamp(),
    created_at timestamptz not null default clock_timestamp()
);

create index clients_birthday on clients (birthday) where birthday is not null;

create table partners (
    id bigint generated always as identity primary key,
    -- in links, for ever: t.me/bot?start=p_<code>
    code text not null unique check (code ~ '^[a-z0-9]{6,16}$'),
    owner_id bigint not null references users (id),
    title text not null check (length(title) between 2 and 80),
    about text not null default '' check (length(about) <= 600),
    city text not null check (length(city) between 2 and 60),
    address text not null default '' check (length(address) <= 160),
    category text not null check (category ~ '^[a-z][a-z_]{1,30}$'),
    contact text not null default '' check (length(contact) <= 80),
    photo text not null default '' check (length(photo) <= 300),
    status text not null default 'pending' check (status in ('pending', 'approved', 'rejected', 'blocked')),
    reason text not null default '' check (length(reason) <= 300),
    tz text not null default 'Europe/Moscow',
    -- what a point is worth, in kopecks
    minor_per_point integer not null default 100 check (minor_per_point between 1 and 100000),
    earn_bp integer not null default 500 check (earn_bp between 0 and 5000),
    max_pay_pct integer not null default 50 check (max_pay_pct between 0 and 100),
    -- points for the part of a bill that was paid in money when the rest was paid in points
    earn_on_rest boolean not null default true,
    max_bill_minor bigint not null default 100000000 check (max_bill_minor between 100 and 1000000000),
    hold_days integer not null default 0 check (hold_days between 0 and 90),
    -- 0: points never expire
    expire_days integer not null default 365 check (expire_days between 0 and 3650),
    remind_days integer not null default 7 check (remind_days between 0 and 60),
    welcome_points bigint not null default 0 check (welcome_points between 0 and 100000),
    birthday_points bigint not null default 0 check (birthday_points between 0 and 100000),
    referral_levels integer not null default 1 check (referral_levels between 0 and 3),
    -- of the money paid, by level
    referral_bp integer[] not null default '{100,50,25}'
        check (cardinality(referral_bp) = 3 and 0 <= all (referral_bp) and 1000 >= all (referral_bp)),
    referral_hold_days integer not null default 14 check (referral_hold_days between 0 and 90),
    referral_cap_receipt bigint not null default 500 check (referral_cap_receipt between 0 and 100000),
    referral_cap_month bigint not null default 5000 check (referral_cap_month between 0 and 1000000),
    quick_amounts bigint[] not null default '{}' check (cardinality(quick_amounts) <= 6),
    created_at timestamptz not null default clock_timestamp(),
    decided_at timestamptz,
    -- whether a client who did not show their card has to agree before their points are spent
    confirm_spending boolean not null default true,
    -- a week and the days that differ, in minutes from midnight (lib/loyalty/hours.py)
    hours jsonb not null default '{}' check (jsonb_typeof(hours) = 'object' and length(hours::text) <= 8000)
);

create index partners_city on partners (city, category, id) where status = 'approved';
create index partners_status on partners (status, id);
create index partners_owner on partners (owner_id);

create table staff (
    partner_id bigint not null references partners (id),
    user_id bigint not null references users (id),
    role text not null check (role in ('owner', 'manager', 'cashier')),
    -- of the branch where they work; a promotion may be for one city
    city text,
    invited_by bigint references users (id),
    joined_at timestamptz not null default clock_timestamp(),
    removed_at timestamptz,
    -- what a manager is sent of the figures; nobody else is sent any
    digests text[] not null default '{week,month}' check (digests <@ '{day,week,month}'),
    primary key (partner_id, user_id)
);

create unique index staff_one_owner on staff (partner_id) where role = 'owner' and removed_at is null;
create index staff_user on staff (user_id) where removed_at is null;

create table staff_invites (
    partner_id bigint not null references partners (id),
    -- the link itself is not stored
    token_hash bytea not null,
    role text not null check (role in ('manager', 'cashier')),
    created_by bigint not null references users (id),
    created_at timestamptz not null default clock_timestamp(),
    expires_at timestamptz not null,
    used_by bigint references users (id),
    used_at timestamptz,
    primary key (partner_id, token_hash)
);

create table tiers (
    partner_id bigint not null references partners (id),
    id bigint generated always as identity,
    title text not null check (length(title) between 1 and 40),
    min_spent_minor bigint not null check (min_spent_minor >= 0),
    earn_bp integer not null check (earn_bp between 0 and 5000),
    primary key (partner_id, id),
    unique (partner_id, min_spent_minor)
);

create table services (
    partner_id bigint not null references partners (id),
    id bigint generated always as identity,
    category text not null check (category ~ '^[a-z][a-z_]{1,30}$'),
    title text not null check (length(title) between 2 and 80),
    about text not null default '' check (length(about) <= 600),
    photo text not null default '' check (length(photo) <= 300),
    price_points bigint not null check (price_points between 1 and 10000000),
    status text not null default 'pending' check (status in ('pending', 'approved', 'rejected')),
    reason text not null default '' check (length(reason) <= 300),
    shown boolean not null default true,
    created_by bigint references users (id),
    created_at timestamptz not null default clock_timestamp(),
    decided_at timestamptz,
    primary key (partner_id, id)
);

create index services_shown on services (category, id) where status = 'approved' and shown;
create index services_status on services (status, id);

create table promotions (
    partner_id bigint not null references partners (id),
    id bigint generated always as identity,
    kind text not null check (kind in ('multiplier', 'extra', 'news')),
    title text not null check (length(title) between 2 and 80),
    about text not null default '' check (length(about) <= 600),
    photo text not null default '' check (length(photo) <= 300),
    -- 20000: twice the points
    multiplier_bp integer not null default 10000 check (multiplier_bp between 10000 and 100000),
    extra_points bigint not null default 0 check (extra_points between 0 and 100000),
    starts_on date not null,
    ends_on date not null,
    -- bit 0 is Monday
    weekdays integer not null default 127 check (weekdays between 1 and 127),
    min_bill_minor bigint not null default 0 check (min_bill_minor >= 0),
    city text check (length(city) between 2 and 60),
    status text not null default 'pending' check (status in ('pending', 'approved', 'rejected')),
    reason text not null default '' check (length(reason) <= 300),
    shown boolean not null default true,
    created_by bigint references users (id),
    created_at timestamptz not null default clock_timestamp(),
    decided_at timestamptz,
    -- the bills of one client a day for which it counts; without a limit a bill in ten parts would count ten times
    daily_limit integer check (daily_limit between 1 and 100),
    primary key (partner_id, id),
    check (ends_on >= starts_on),
    check ((kind = 'multiplier') = (multiplier_bp > 10000)),
    check ((kind = 'extra') = (extra_points > 0)),
    constraint promotions_extra_limited check (kind <> 'extra' or daily_limit is not null)
);

create index promotions_live on promotions (partner_id, ends_on) where status = 'approved' and shown;
create index promotions_shown on promotions (id) where status = 'approved' and shown;
create index promotions_status on promotions (status, id);

-- The checks of the tables that an operation writes stand together in one function of the row: Postgres reads the text of
-- every CHECK again in every statement, which was a fifth of what an operation cost. Where an operation only updates a
-- row, a trigger asks that function when what it looks at changes.
create table members (
    partner_id bigint not null references partners (id),
    id bigint generated always as identity,
    user_id bigint not null references users (id),
    card_no bigint not null,
    -- the last four digits of the phone, for the search at the counter
    phone_tail text not null default '',
    -- set when the row is made and never again; it must exist by then, so a ring is impossible
    referrer_id bigint,
    visits integer not null default 0,
    spent_minor bigint not null default 0,
    joined_at timestamptz not null default clock_timestamp(),
    last_visit_at timestamptz,
    -- when the next of this member's points become spendable or expire
    due_at timestamptz,
    blocked_at timestamptz,
    -- the person was erased, or this account went into another one
    left_at timestamptz,
    merged_into bigint,
    -- points that reversals could not take back, because they were spent: the next purchase repays them, or the spent
    -- ones do when they come back
    owed bigint not null default 0,
    -- when they were last asked how a visit was, and which
    asked_at timestamptz,
    asked_txn bigint,
    primary key (partner_id, id),
    unique (partner_id, card_no),
    foreign key (partner_id, referrer_id) references members (partner_id, id),
    foreign key (partner_id, merged_into) references members (partner_id, id)
) with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05);

create function is_sound(r members) returns boolean language plpgsql immutable parallel safe as $$
begin
    -- a referrer must exist by then, so a ring is impossible
    return r.id > 0
        and r.card_no between 10000000 and 99999999
        and (r.phone_tail = '' or r.phone_tail ~ '^[0-9]{4}$')
        and (r.referrer_id is null or r.referrer_id < r.id)
        and (r.merged_into is null or r.left_at is not null)
        and r.owed >= 0;
end $$;

create function refuse_unsound() returns trigger language plpgsql as $$
begin
    raise exception using errcode = 'check_violation', message = format('an unsound row of %s', tg_table_name);
end $$;

create trigger sound before insert or update of id, card_no, phone_tail, referrer_id, left_at, merged_into, owed on members
    for each row when (not is_sound(new)) execute function refuse_unsound();

create unique index members_once on members (partner_id, user_id) where left_at is null;
create index members_user on members (user_id);
create index members_merged on members (partner_id, merged_into) where merged_into is not null;
create index members_tail on members (partner_id, phone_tail) where phone_tail <> '';
create index members_due on members (partner_id, due_at) where due_at is not null;
create index members_referrer on members (partner_id, referrer_id, joined_at) where referrer_id is not null;

create function keep_referrer() returns trigger language plpgsql as $$
begin
    raise exception using errcode = 'restrict_violation', message = 'a referrer is for ever';
end $$;

create trigger referrer_is_for_ever before update of referrer_id on members
    for each row when (old.referrer_id is distinct from new.referrer_id) execute function keep_referrer();

-- Short words by which a shop's managers tell its clients apart; a broadcast may go to those who have one.
create table member_tags (
    partner_id bigint not null,
    member_id bigint not null,
    tag text not null check (length(tag) between 1 and 20),
    primary key (partner_id, member_id, tag),
    foreign key (partner_id, member_id) references members (partner_id, id)
);

create index member_tags_tag on member_tags (partner_id, tag);

-- The tags of a card that became part of another go there, those of somebody who was erased go.
create function pass_tags() returns trigger language plpgsql as $$
begin
    insert into member_tags (partner_id, member_id, tag)
    select partner_id, new.merged_into, tag
    from member_tags
    where partner_id = new.partner_id and member_id = new.id and new.merged_into is not null
    on conflict do nothing;
    delete from member_tags where partner_id = new.partner_id and member_id = new.id;
    return null;
end $$;

create trigger pass_tags after update of left_at on members
    for each row when (old.left_at is null and new.left_at is not null) execute function pass_tags();

create table favourites (
    user_id bigint not null references users (id),
    partner_id bigint not null references partners (id),
    created_at timestamptz not null default clock_timestamp(),
    primary key (user_id, partner_id)
);

-- The trail of a shop: each act with its actor. Operations of the ledger carry their actor themselves.
create table loyalty_trail (
    id bigint generated always as identity primary key,
    partner_id bigint references partners (id),
    actor_id bigint references users (id),
    action text not null check (action ~ '^[a-z][a-z_.]{1,40}$'),
    subject text not null default '',
    before jsonb,
    after jsonb,
    created_at timestamptz not null default clock_timestamp()
);

create index loyalty_trail_partner on loyalty_trail (partner_id, id desc);
create index loyalty_trail_actor on loyalty_trail (actor_id, id desc);

create table messages (
    partner_id bigint not null references partners (id),
    id bigint generated always as identity,
    member_id bigint not null,
    -- null: the client wrote it
    staff_id bigint references users (id),
    words text not null check (length(words) between 1 and 1000),
    created_at timestamptz not null default clock_timestamp(),
    read_at timestamptz,
    primary key (partner_id, id),
    foreign key (partner_id, member_id) references members (partner_id, id)
);

create index messages_member on messages (partner_id, member_id, id desc);

alter table clients enable row level security, force row level security;
create policy own on clients to lotok_app using (
    case when current_setting('app.platform', true) = 'on' then true else user_id = (select person()) end
);
create policy tenant on clients for select to lotok_app using (
    exists (
        select from members m
        where m.partner_id = (select nullif(current_setting('app.tenant', true), '')::bigint)
        and m.user_id = clients.user_id
        and m.left_at is null
    )
);
create policy till on clients for select to lotok_till using (user_id = (select person()));
alter table partners enable row level security, force row level security;
create policy catalogue on partners for select to lotok_app using (true);
create policy tenant on partners to lotok_app using (sees(id));
create policy till on partners to lotok_till using (serves(id));
alter table staff enable row level security, force row level security;
create policy own on staff for select to lotok_app using (user_id = (select person()));
create policy tenant on staff to lotok_app using (sees(partner_id));
create policy till on staff to lotok_till using (serves(partner_id));
alter table staff_invites enable row level security, force row level security;
create policy tenant on staff_invites to lotok_app using (sees(partner_id));
alter table tiers enable row level security, force row level security;
create policy tenant on tiers to lotok_app using (sees(partner_id));
create policy till on tiers to lotok_till using (serves(partner_id));
alter table services enable row level security, force row level security;
create policy catalogue on services for select to lotok_app using (status = 'approved' and shown);
create policy tenant on services to lotok_app using (sees(partner_id));
create policy till on services to lotok_till using (serves(partner_id));
alter table promotions enable row level security, force row level security;
create policy catalogue on promotions for select to lotok_app using (status = 'approved' and shown);
create policy tenant on promotions to lotok_app using (sees(partner_id));
create policy till on promotions to lotok_till using (serves(partner_id));
alter table members enable row level security, force row level security;
create policy own on members for select to lotok_app using (user_id = (select person()));
create policy tenant on members to lotok_app using (sees(partner_id));
create policy till on members to lotok_till using (serves(partner_id));
alter table member_tags enable row level security, force row level security;
create policy tenant on member_tags to lotok_app using (sees(partner_id));
create policy till on member_tags to lotok_till using (serves(partner_id));
alter table favourites enable row level security, force row level security;
create policy own on favourites to lotok_app using (
    case when current_setting('app.platform', true) = 'on' then true else user_id = (select person()) end
);
create policy tenant on favourites for select to lotok_app using (sees(partner_id));
alter table loyalty_trail enable row level security, force row level security;
create policy tenant on loyalty_trail to lotok_app using (sees(partner_id));
create policy till on loyalty_trail to lotok_till using (serves(partner_id));
alter table messages enable row level security, force row level security;
create policy tenant on messages to lotok_app using (sees(partner_id));
create policy till on messages to lotok_till using (serves(partner_id));

revoke update, delete on loyalty_trail from lotok_app;

create trigger a_living before insert or update on clients for each row execute function refuse_erased('user_id');
create trigger a_living before insert on partners for each row execute function refuse_erased('owner_id');
create trigger a_living before insert or update on staff
    for each row when (new.removed_at is null) execute function refuse_erased('user_id');
create trigger a_living before insert on staff_invites for each row execute function refuse_erased('created_by');
create trigger a_living_user before update of used_by on staff_invites
    for each row execute function refuse_erased('used_by');
create trigger a_living before insert on services for each row execute function refuse_erased('created_by');
create trigger a_living before insert on promotions for each row execute function refuse_erased('created_by');
create trigger a_living before insert or update of user_id on members
    for each row execute function refuse_erased('user_id');
create trigger a_living before insert on member_tags for each row execute function refuse_erased('member_id');
create trigger a_living before insert on favourites for each row execute function refuse_erased('user_id');
create trigger a_living before insert on loyalty_trail for each row execute function refuse_erased('actor_id');
create trigger a_living before insert on messages for each row execute function refuse_erased('member_id');
create trigger a_living_staff before insert on messages for each row execute function refuse_erased('staff_id');

-- lotok_app writes only those columns of a member that move no points; operations write the rest.
revoke insert, update, delete on members from lotok_app;
grant update (user_id, phone_tail, blocked_at, asked_at, asked_txn) on members to lotok_app;
grant select on partners, staff, tiers, services, promotions to lotok_till;
grant select, insert, update on members to lotok_till;
grant insert on loyalty_trail to lotok_till;
grant select (user_id, phone) on clients to lotok_till;
grant select (partner_id, member_id), update (member_id), delete on messages to lotok_till;
grant select, insert, delete on member_tags to lotok_till;

-- The person who applies for a shop becomes its owner. It serves nobody until it is approved.
create function apply_partner(p_owner_id bigint, p_fields jsonb) returns bigint
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

-- Gives a number to the person who has proven it, and to each of their cards.
create function set_phone(p_user_id bigint, p_phone text, p_mark bytea) returns void
language plpgsql set role to lotok_app as $$
begin
    perform must_live(p_user_id);
    perform set_config('app.platform', 'on', true);
    begin
        update clients set phone = p_phone where user_id = p_user_id;
        if not found then
            raise exception using errcode = 'LK404', message = 'no_client', detail = p_user_id::text;
        end if;
    exception when unique_violation then
        raise exception using errcode = 'LK409', message = 'phone_taken', detail = p_user_id::text;
    end;
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

-- Numbers that will be taken off an account because somebody else has them now. Each waits a day, in which the holder
-- may say that it is still theirs. Requests that have ended are in the trail and leave this table.
create table phone_releases (
    id bigint generated always as identity primary key,
    holder_id bigint not null unique references users (id),
    -- who has proven the number; null when an administrator has found out
    asked_for bigint references users (id),
    -- whose owner asks; null: an administrator
    partner_id bigint references partners (id),
    actor_id bigint not null references users (id),
    reason text not null check (length(reason) between 2 and 300),
    -- which number: a keyed hash
    phone_mark bytea not null,
    due_at timestamptz not null
);

alter table phone_releases enable row level security, force row level security;
create policy platform on phone_releases to lotok_app using (current_setting('app.platform', true) = 'on');

-- An erased holder has no number to release, and an erased newcomer no use for it.
create function forget_releases() returns trigger language plpgsql set role to lotok_app as $$
declare
    was text := coalesce(current_setting('app.platform', true), '');
begin
    perform set_config('app.platform', 'on', true);
    delete from phone_releases
    where new.id in (holder_id, asked_for);
    perform set_config('app.platform', was, true);
    return null;
end $$;

create trigger forget_releases after update of erased_at on users
    for each row when (new.erased_at is not null) execute function forget_releases();

-- The owner of a shop asks once in 30 days against a holder who has said no; an administrator may decide otherwise.
create function ask_release(
    p_holder bigint, p_for bigint, p_partner bigint, p_actor bigint, p_reason text, p_mark bytea, p_at timestamptz
) returns phone_releases language plpgsql set role to lotok_app as $$
declare
    asked phone_releases;
begin
    perform must_live(id) from unnest(array[p_holder, p_actor, p_for]) id where id is not null order by id;
    perform set_config('app.platform', 'on', true);
    if p_partner is not null and not exists (
        select
        from staff
        where partner_id = p_partner and user_id = p_actor and role = 'owner' and removed_at is null
    ) then
        raise exception using errcode = 'LK403', message = 'role_too_low', detail = p_actor::text;
    end if;
    if p_partner is not null and exists (
        select
        from loyalty_trail
        where actor_id = p_holder and action = 'phone.kept' and created_at > p_at - interval '30 days'
    ) then
        raise exception using errcode = 'LK409', message = 'number_kept', detail = p_holder::text;
    end if;
    insert into phone_releases (holder_id, asked_for, partner_id, actor_id, reason, phone_mark, due_at)
    values (p_holder, p_for, p_partner, p_actor, p_reason, p_mark, p_at + interval '24 hours')
    on conflict (holder_id) do nothing
    returning * into asked;
    if not found then
        raise exception using errcode = 'LK409', message = 'release_waits', detail = p_holder::text;
    end if;
    insert into loyalty_trail (partner_id, actor_id, action, subject, after, created_at)
    values (p_partner, p_actor, 'phone.release_asked', 'user ' || p_holder,
        jsonb_build_object('reason', p_reason, 'due_at', asked.due_at), p_at);
    perform set_config('app.platform', '', true);
    return asked;
end $$;

create function keep_number(p_holder bigint, p_at timestamptz) returns setof phone_releases
language plpgsql set role to lotok_app as $$
declare
    asked phone_releases;
begin
    perform set_config('app.platform', 'on', true);
    delete from phone_releases where holder_id = p_holder returning * into asked;
    if found then
        insert into loyalty_trail (partner_id, actor_id, action, subject, created_at)
        values (asked.partner_id, p_holder, 'phone.kept', 'user ' || p_holder, p_at);
        return next asked;
    end if;
    perform set_config('app.platform', '', true);
end $$;

-- Takes the number off the account; the cards and their points stay. It does nothing when the holder has another number
-- by now, or when the person who asked has lost the right to.
create function release_number(p_id bigint, p_phone text, p_at timestamptz) returns setof phone_releases
language plpgsql set role to lotok_app as $$
declare
    asked phone_releases;
begin
    perform set_config('app.platform', 'on', true);
    delete from phone_releases where id = p_id and due_at <= p_at returning * into asked;
    if found then
        update clients
        set phone = null
        where user_id = asked.holder_id
        and phone = p_phone
        and not is_erased(asked.actor_id)
        and not exists (select from bans where user_id = asked.actor_id)
        and (asked.partner_id is null or exists (
            select
            from staff s
            join partners p on p.id = s.partner_id
            where s.partner_id = asked.partner_id and s.user_id = asked.actor_id and s.role = 'owner'
            and s.removed_at is null and p.status = 'approved'
        ));
    end if;
    if found then
        update users set phone_mark = null where id = asked.holder_id;
        update members set phone_tail = '' where user_id = asked.holder_id and phone_tail <> '';
        insert into loyalty_trail (partner_id, actor_id, action, subject, after, created_at)
        values (asked.partner_id, asked.actor_id, 'phone.released', 'user ' || asked.holder_id,
            jsonb_build_object('reason', asked.reason), p_at);
        return next asked;
    end if;
    perform set_config('app.platform', '', true);
end $$;

-- The menu of a shop. A version never changes: publishing and going back both make the next one.
create table menus (
    partner_id bigint not null references partners (id),
    version integer not null check (version >= 1),
    created_by bigint not null references users (id),
    created_at timestamptz not null default clock_timestamp(),
    primary key (partner_id, version)
);

create table menu_items (
    partner_id bigint not null,
    version integer not null,
    place integer not null check (place between 1 and 1000),
    code text not null check (length(code) between 1 and 20),
    category text not null check (length(category) <= 40),
    title text not null check (length(title) between 1 and 64),
    description text not null check (length(description) <= 300),
    -- part of the short form of the menu
    in_short boolean not null,
    available boolean not null,
    -- what a price is for, where it is no portion
    unit text not null default '' check (length(unit) <= 20),
    -- Telegram's id of the photo in the partner bot
    photo text not null default '' check (length(photo) <= 300),
    -- what clients call it besides
    names text[] not null default '{}' check (cardinality(names) <= 10 and length(array_to_string(names, '')) <= 400),
    primary key (partner_id, version, code),
    unique (partner_id, version, place),
    foreign key (partner_id, version) references menus (partner_id, version) on delete cascade
);

create table menu_variants (
    partner_id bigint not null,
    version integer not null,
    code text not null,
    place integer not null check (place between 1 and 20),
    name text not null check (length(name) <= 40),
    kopecks bigint not null check (kopecks between 0 and 1000000000),
    -- the price begins there
    at_least boolean not null,
    primary key (partner_id, version, code, place),
    unique (partner_id, version, code, name),
    foreign key (partner_id, version, code) references menu_items (partner_id, version, code) on delete cascade
);

alter table menus enable row level security, force row level security;
create policy tenant on menus to lotok_app using (sees(partner_id));
alter table menu_items enable row level security, force row level security;
create policy tenant on menu_items to lotok_app using (sees(partner_id));
alter table menu_variants enable row level security, force row level security;
create policy tenant on menu_variants to lotok_app using (sees(partner_id));
revoke update on menus, menu_items, menu_variants from lotok_app;

create trigger a_living before insert on menus for each row execute function refuse_erased('created_by');

-- A shop that is closed for good, as its owner was erased, has no menu.
create function forget_menus() returns trigger language plpgsql set role to lotok_app as $$
begin
    perform set_config('app.platform', 'on', true);
    delete from menus where partner_id in (select id from partners where owner_id = new.id);
    perform set_config('app.platform', '', true);
    return null;
end $$;

create trigger forget_menus after update of erased_at on users
    for each row when (old.erased_at is null and new.erased_at is not null) execute function forget_menus();
