-- Loyalty: who takes part. Every table with a partner's data has row-level security; see docs/decisions.

-- What the product runs as: it owns nothing, so it cannot go round a policy. On Neon it is given a password by hand.
do $$
begin
    if not exists (select from pg_roles where rolname = 'lotok_app') then
        create role lotok_app nologin nobypassrls;
    end if;
exception
    when duplicate_object or unique_violation then null;
end $$;
-- So that the owner may enter it: not where an administrator has seen to that, who alone may.
do $$
begin
    if not pg_has_role(current_user, 'lotok_app', case when current_setting('server_version_num') < '160000' then 'member' else 'set' end)
    then
        execute format('grant lotok_app to %I', current_user);
    end if;
end $$;
-- Its name, which differs where an owner on a server with two could not use the roles of the other.
create function app_role() returns text language sql immutable parallel safe as $$ select 'lotok_app' $$;
grant usage on schema public to lotok_app;
grant select, insert, update, delete on all tables in schema public to lotok_app;
grant usage, select on all sequences in schema public to lotok_app;
alter default privileges in schema public grant select, insert, update, delete on tables to lotok_app;
alter default privileges in schema public grant usage, select on sequences to lotok_app;

-- Whose rows a statement may see; set for one statement or one transaction only. Nothing set: nothing seen.
create function tenant() returns bigint language sql stable parallel safe as $$
    select nullif(current_setting('app.tenant', true), '')::bigint;
$$;
create function person() returns bigint language sql stable parallel safe as $$
    select nullif(current_setting('app.person', true), '')::bigint;
$$;
-- For moderation, statistics of the whole platform, and the audit.
create function platform() returns boolean language sql stable parallel safe as $$
    select coalesce(current_setting('app.platform', true), '') = 'on';
$$;

-- A person as a client of shops. The number is proven by Telegram's contact button, so it is one person's.
create table clients (
    user_id bigint primary key references users (id),
    name text not null check (length(name) between 1 and 80),
    city text not null default '' check (length(city) <= 60),
    phone text unique check (phone ~ '^\+[1-9][0-9]{7,14}$'),
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
    decided_at timestamptz
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
    primary key (partner_id, user_id)
);

create unique index staff_one_owner on staff (partner_id) where role = 'owner' and removed_at is null;
create index staff_user on staff (user_id) where removed_at is null;

create table staff_invites (
    partner_id bigint not null references partners (id),
    -- the link itself is nowhere to be read
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
    primary key (partner_id, id),
    check (ends_on >= starts_on),
    check ((kind = 'multiplier') = (multiplier_bp > 10000)),
    check ((kind = 'extra') = (extra_points > 0))
);

create index promotions_live on promotions (partner_id, ends_on) where status = 'approved' and shown;
create index promotions_shown on promotions (id) where status = 'approved' and shown;
create index promotions_status on promotions (status, id);

create table members (
    partner_id bigint not null references partners (id),
    id bigint generated always as identity check (id > 0),
    user_id bigint not null references users (id),
    card_no bigint not null check (card_no between 10000000 and 99999999),
    -- the last four digits of the phone, for the search at the counter
    phone_tail text not null default '' check (phone_tail ~ '^([0-9]{4})?$'),
    -- set when the row is made and never again; it must exist by then, so a ring is impossible
    referrer_id bigint check (referrer_id < id),
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
    primary key (partner_id, id),
    unique (partner_id, card_no),
    foreign key (partner_id, referrer_id) references members (partner_id, id),
    foreign key (partner_id, merged_into) references members (partner_id, id),
    check (merged_into is null or left_at is not null)
) with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05);

create unique index members_once on members (partner_id, user_id) where left_at is null;
create index members_user on members (user_id);
create index members_tail on members (partner_id, phone_tail) where phone_tail <> '';
create index members_visit on members (partner_id, last_visit_at desc, id desc);
create index members_due on members (partner_id, due_at) where due_at is not null;
create index members_referrer on members (partner_id, referrer_id, joined_at) where referrer_id is not null;

create function keep_referrer() returns trigger language plpgsql as $$
begin
    raise exception using errcode = 'restrict_violation', message = 'a referrer is for ever';
end $$;

create trigger referrer_is_for_ever before update of referrer_id on members
    for each row when (old.referrer_id is distinct from new.referrer_id) execute function keep_referrer();

create table favourites (
    user_id bigint not null references users (id),
    partner_id bigint not null references partners (id),
    created_at timestamptz not null default clock_timestamp(),
    primary key (user_id, partner_id)
);

-- Who did what; ledger operations carry their actor themselves.
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

alter table partners enable row level security;
create policy catalogue on partners for select using (true);
create policy tenant on partners using (id = (select tenant()) or (select platform()));
alter table staff enable row level security;
create policy own on staff for select using (user_id = (select person()));
create policy tenant on staff using (partner_id = (select tenant()) or (select platform()));
alter table staff_invites enable row level security;
create policy tenant on staff_invites using (partner_id = (select tenant()) or (select platform()));
alter table tiers enable row level security;
create policy tenant on tiers using (partner_id = (select tenant()) or (select platform()));
alter table services enable row level security;
create policy catalogue on services for select using (status = 'approved' and shown);
create policy tenant on services using (partner_id = (select tenant()) or (select platform()));
alter table promotions enable row level security;
create policy catalogue on promotions for select using (status = 'approved' and shown);
create policy tenant on promotions using (partner_id = (select tenant()) or (select platform()));
alter table members enable row level security;
create policy own on members for select using (user_id = (select person()));
create policy tenant on members using (partner_id = (select tenant()) or (select platform()));
alter table favourites enable row level security;
create policy own on favourites using (user_id = (select person()));
create policy tenant on favourites for select using (partner_id = (select tenant()) or (select platform()));
alter table loyalty_trail enable row level security;
create policy tenant on loyalty_trail using (partner_id = (select tenant()) or (select platform()));
alter table messages enable row level security;
create policy tenant on messages using (partner_id = (select tenant()) or (select platform()));

revoke update, delete on loyalty_trail from lotok_app;
