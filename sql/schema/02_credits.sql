-- Credits: the price list, what people paid, and the ledger of what they have.
--
-- Credits move by one act only: an insert into credit_ledger. The triggers write the balance from it and refuse every
-- other way, so "balance = sum(ledger)" holds whichever SQL is run. A balance is never below zero. One key moves credits
-- once; one payment credits once, is refunded once, and what was spent by then is owed. docs/ledger.md shows each act.

create table credit_accounts (
    user_id bigint primary key references users (id),
    balance integer not null default 0 check (balance >= 0)
);

create table credit_ledger (
    id bigint generated always as identity primary key,
    user_id bigint not null references credit_accounts (user_id),
    -- purchase: a payment's credits; taken_back: its refund; restored: a refund that Telegram refused; debt: paid off
    kind text not null check (kind in (
        'trial', 'purchase', 'grant', 'promo', 'charge', 'refund', 'taken_back', 'restored', 'debt'
    )),
    amount integer not null,
    -- filled by the trigger, whatever the caller says
    balance_after integer not null check (balance_after >= 0),
    -- one operation, one key: repeating it cannot move credits twice
    key text not null unique check (key <> ''),
    -- no foreign key: a finished job may leave the table, its money may not
    job_id bigint,
    created_at timestamptz not null default clock_timestamp(),
    -- the payment, where there is one
    payment_id bigint,
    constraint credit_ledger_sign_check check (
        case when kind in ('charge', 'taken_back', 'debt') then amount < 0 else amount > 0 end
    ),
    constraint credit_ledger_job_check check ((kind in ('charge', 'refund')) = (job_id is not null)),
    constraint credit_ledger_payment_check check (
        (kind in ('purchase', 'taken_back', 'restored', 'debt')) = (payment_id is not null)
    )
);

create unique index credit_ledger_one_charge on credit_ledger (job_id) where kind = 'charge';
create unique index credit_ledger_one_refund on credit_ledger (job_id) where kind = 'refund';
create unique index credit_ledger_one_purchase on credit_ledger (payment_id) where kind = 'purchase';
create index credit_ledger_payment on credit_ledger (payment_id) where payment_id is not null;
create index credit_ledger_user on credit_ledger (user_id, id desc);

-- Locks the account, so that entries of one person queue up, and stamps the balance. It does not move the balance yet:
-- with "on conflict do nothing" this trigger runs even for a row that is then not inserted.
create function stamp_ledger_entry() returns trigger language plpgsql as $$
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
        select from credit_ledger c left join job_history h on h.id = c.job_id
        where c.job_id = new.job_id and c.kind = 'charge' and c.user_id = new.user_id
        and -c.amount in (new.amount, new.amount + (h.checkpoint ->> 'earned')::integer)
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

create function move_balance() returns trigger language plpgsql as $$
begin
    update credit_accounts
    set balance = new.balance_after
    where user_id = new.user_id
    and balance + new.amount = new.balance_after;
    if not found then
        -- two entries of one person in one statement: both were stamped before either moved the balance
        raise exception using errcode = 'LK409', message = 'entries_must_be_single', detail = format('user %s', new.user_id);
    end if;
    return null;
end $$;

create function refuse_change() returns trigger language plpgsql as $$
begin
    raise exception using errcode = 'restrict_violation',
        message = format('%s of %s is not allowed: credits move by inserting into credit_ledger', tg_op, tg_table_name);
end $$;

create trigger stamp_entry before insert on credit_ledger
    for each row execute function stamp_ledger_entry();
create trigger move_balance after insert on credit_ledger
    for each row execute function move_balance();
create trigger append_only before update or delete on credit_ledger
    for each row execute function refuse_change();
create trigger never_truncate before truncate on credit_ledger
    for each statement execute function refuse_change();
create trigger open_empty before insert on credit_accounts
    for each row when (new.balance <> 0) execute function refuse_change();
create trigger balance_by_ledger before update on credit_accounts
    for each row when (pg_trigger_depth() = 0) execute function refuse_change();
create trigger a_living before insert on credit_ledger
    for each row when (new.kind not in ('refund', 'taken_back', 'restored', 'debt'))
    execute function refuse_erased('user_id');

-- `price` is for one result. `params` may hold {"prices": {"3": 11}}: the price of three, where it is not three times.
create table products (
    code text primary key check (code ~ '^[a-z][a-z0-9]*$'),
    task text not null check (task ~ '^[a-z][a-z0-9_]*$'),
    price integer not null check (price > 0),
    position smallint not null,
    is_on boolean not null default true,
    expected_seconds integer not null check (expected_seconds > 0),
    params jsonb not null default '{}' check (jsonb_typeof(params) = 'object'),
    -- how long one result takes without a model, drawn on our own machines
    own_seconds integer not null default 10 check (own_seconds > 0)
);

insert into products (code, task, price, position, expected_seconds, own_seconds, params)
values
    ('card', 'card', 1, 1, 45, 5, '{}'),
    ('set', 'card', 1, 2, 45, 5, '{}'),
    ('background', 'background', 1, 3, 30, 5, '{}'),
    ('video5', 'video', 4, 4, 180, 15, '{"prices": {"3": 11, "5": 18}, "own_price": 2}'),
    ('video10', 'video', 7, 5, 240, 30, '{"prices": {"3": 20, "5": 32}, "own_price": 3}'),
    ('batch', 'card', 1, 6, 8, 8, '{}');

-- An invoice names a pack by its id and can be paid for years, so what a pack gives for what never changes: a new price
-- is a new row of the same code, and the old one is switched off.
create table packs (
    id integer generated always as identity primary key,
    code text not null check (code ~ '^[a-z0-9]{1,16}$'),
    stars integer not null check (stars between 1 and 10000),
    credits integer not null check (credits > 0),
    is_on boolean not null default true,
    created_at timestamptz not null default clock_timestamp()
);

create unique index packs_on on packs (code) where is_on;

insert into packs (code, stars, credits)
values ('s', 100, 10), ('m', 270, 30), ('l', 800, 100);

create function refuse_edit() returns trigger language plpgsql as $$
begin
    raise exception using errcode = 'restrict_violation',
        message = format('%s of %s is not allowed: what it holds was promised', tg_op, tg_table_name);
end $$;

create trigger keep_promise before update on packs
    for each row when ((old.id, old.code, old.stars, old.credits) is distinct from (new.id, new.code, new.stars, new.credits))
    execute function refuse_edit();
create trigger keep_pack before delete on packs
    for each row execute function refuse_edit();

-- The trail of what operators and Telegram did to credits and prices, and why.
create table audit_log (
    id bigint generated always as identity primary key,
    actor text not null check (actor <> ''),
    action text not null check (action ~ '^[a-z][a-z_.]*$'),
    subject text not null check (subject <> ''),
    reason text not null check (reason <> ''),
    before jsonb,
    after jsonb,
    at timestamptz not null default clock_timestamp()
);

create index audit_log_subject on audit_log (subject, id desc);
create trigger append_only before delete on audit_log
    for each row execute function refuse_edit();
create trigger never_truncate before truncate on audit_log
    for each statement execute function refuse_edit();

-- paid -> refunding -> refunded   by an administrator: the credits go first, then Telegram is asked
--      <- (Telegram refused)
-- paid -> refunded | debt         out of our hands: what was spent by then is owed, and the next purchase pays it
create table payments (
    id bigint generated always as identity primary key,
    telegram_payment_charge_id text not null unique check (telegram_payment_charge_id <> ''),
    bot text not null check (bot in ('studio', 'client', 'partner', 'admin')),
    user_id bigint not null references credit_accounts (user_id),
    -- null: Stars came for something that we never offered
    pack_id integer references packs (id),
    stars integer not null check (stars > 0),
    credits integer not null check (credits >= 0),
    state text not null default 'paid' check (state in ('paid', 'refunding', 'refunded', 'debt')),
    owed integer not null default 0 check (owed >= 0),
    -- as Telegram told them, without what names a person
    facts jsonb not null default '{}' check (jsonb_typeof(facts) = 'object'),
    paid_at timestamptz not null default clock_timestamp(),
    refund_asked_at timestamptz,
    refunded_at timestamptz,
    -- when the payer read that it arrived
    told_at timestamptz,
    constraint payments_debt_check check ((state = 'debt') = (owed > 0)),
    constraint payments_pack_check check ((pack_id is null) = (credits = 0)),
    constraint payments_refund_check check ((state in ('refunded', 'debt')) = (refunded_at is not null))
);

create index payments_user on payments (user_id, id desc);
create index payments_unsettled on payments (id) where state in ('refunding', 'debt');
create trigger keep_payment before delete on payments
    for each row execute function refuse_edit();
create trigger keep_facts before update on payments
    for each row when (
        (old.id, old.telegram_payment_charge_id, old.bot, old.user_id, old.pack_id, old.stars, old.credits)
        is distinct from
        (new.id, new.telegram_payment_charge_id, new.bot, new.user_id, new.pack_id, new.stars, new.credits)
    ) execute function refuse_edit();
create trigger a_living before insert on payments for each row execute function refuse_erased('user_id');

-- The number of a bot's Star transactions that have been compared with our payments.
create table star_walks (
    bot text primary key check (bot in ('studio', 'client', 'partner', 'admin')),
    walked integer not null default 0 check (walked >= 0),
    walked_at timestamptz not null default clock_timestamp()
);

-- Refunds that Telegram told of before their payments.
create table early_refunds (
    telegram_payment_charge_id text primary key,
    told_at timestamptz not null default clock_timestamp()
);

create table promo_codes (
    code text primary key check (code ~ '^[A-Z0-9А-ЯЁ_-]{3,32}$'),
    credits integer not null check (credits > 0),
    total integer check (total > 0),
    used integer not null default 0 check (used >= 0),
    per_person integer not null default 1 check (per_person > 0),
    until timestamptz,
    is_on boolean not null default true,
    created_at timestamptz not null default clock_timestamp(),
    constraint promo_codes_limit_check check (used <= total)
);

-- The mark is a keyed hash of the Telegram id. A code that a person used before their erasure stays used.
create table promo_uses (
    code text not null references promo_codes (code),
    mark bytea not null,
    number integer not null check (number > 0),
    user_id bigint not null references credit_accounts (user_id),
    used_at timestamptz not null default clock_timestamp(),
    primary key (code, mark, number)
);

create index promo_uses_user on promo_uses (user_id);
create trigger keep_use before update or delete on promo_uses
    for each row execute function refuse_edit();
create trigger a_living before insert on promo_uses for each row execute function refuse_erased('user_id');

-- People who were erased after a trial, by a keyed hash of the Telegram id. A person gets one trial in a lifetime.
create table spent_trials (
    mark bytea primary key,
    spent_at timestamptz not null default clock_timestamp()
);

-- Only functions that keep the rules of credits move them.
revoke insert, update, delete on credit_ledger, payments, early_refunds, promo_uses, spent_trials from lotok_app;
revoke update, delete on credit_accounts from lotok_app;
grant update (told_at) on payments to lotok_app;

-- Collects a person's debt for payments that were taken back, as far as the balance goes, and returns how much. The
-- caller has locked the account.
create function settle_debts(p_user_id bigint, p_by bigint) returns integer language plpgsql as $$
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

-- Locks a charge, so that reports about it are recorded one after the other, in any order.
create function lock_charge(p_charge_id text) returns void language sql as $$
    select pg_advisory_xact_lock(hashtextextended('charge:' || p_charge_id, 0));
$$;

-- One charge, one payment, one purchase, however often Telegram or the hourly walk tells of it. The pack is the one that
-- was offered, on sale or not; Stars that fit no pack are kept without credits, for an administrator.
create function record_payment(
    p_charge_id text, p_bot text, p_user_id bigint, p_pack_id integer, p_stars integer, p_facts jsonb, p_paid_at timestamptz
) returns table (payment payments, created boolean, balance integer, settled integer)
language plpgsql security definer set search_path to public, pg_temp as $$
declare
    offered integer;
    new_id bigint;
    early boolean;
begin
    perform lock_charge(p_charge_id);
    early := exists (select from early_refunds e where e.telegram_payment_charge_id = p_charge_id);
    perform must_live(p_user_id);
    perform from credit_accounts a where a.user_id = p_user_id for no key update;
    select p.credits into offered from packs p where p.id = p_pack_id and p.stars = p_stars;
    insert into payments as p (telegram_payment_charge_id, bot, user_id, pack_id, stars, credits, facts, paid_at)
    values (p_charge_id, p_bot, p_user_id, case when offered is not null then p_pack_id end, p_stars,
        coalesce(offered, 0), p_facts, coalesce(p_paid_at, clock_timestamp()))
    on conflict (telegram_payment_charge_id) do nothing
    returning p.id into new_id;
    settled := 0;
    if new_id is not null and offered is not null then
        insert into credit_ledger (user_id, kind, amount, key, payment_id)
        values (p_user_id, 'purchase', offered, 'purchase:' || new_id, new_id);
    end if;
    if new_id is not null and early then
        perform record_payment_refund(p_charge_id);
    elsif new_id is not null and offered is not null then
        settled := settle_debts(p_user_id, new_id);
    end if;
    created := new_id is not null;
    select p.* into payment from payments p where p.telegram_payment_charge_id = p_charge_id;
    select a.balance into balance from credit_accounts a where a.user_id = payment.user_id;
    return next;
end $$;

-- Takes the credits back before Telegram is asked to give the Stars back. All of them or none: what was spent is not
-- refunded. A payment that is on its way back already is returned as it is.
create function begin_payment_refund(p_payment_id bigint, p_actor text, p_reason text)
returns payments
language plpgsql security definer set search_path to public, pg_temp as $$
declare
    payment payments;
    held integer;
begin
    select a.balance into held
    from credit_accounts a
    join payments p on p.user_id = a.user_id
    where p.id = p_payment_id
    for no key update of a;
    select p.* into payment from payments p where p.id = p_payment_id for no key update;
    if not found then
        raise exception using errcode = 'LK404', message = 'no_payment', detail = p_payment_id;
    end if;
    if payment.state = 'refunding' then
        return payment;
    end if;
    if payment.state <> 'paid' then
        raise exception using errcode = 'LK409', message = 'refunded_already', detail = p_payment_id;
    end if;
    if payment.credits > 0 then
        insert into credit_ledger (user_id, kind, amount, key, payment_id)
        select payment.user_id, 'taken_back', -payment.credits, 'taken_back:' || payment.id || ':' || count(*), payment.id
        from credit_ledger
        where payment_id = payment.id;
    end if;
    update payments p
    set state = 'refunding',
        refund_asked_at = clock_timestamp()
    where p.id = p_payment_id
    returning p.* into payment;
    insert into audit_log (actor, action, subject, reason, before, after)
    values (p_actor, 'payment.refund', 'payment ' || payment.id, p_reason,
        jsonb_build_object('state', 'paid', 'balance', held),
        jsonb_build_object('state', 'refunding', 'balance', held - payment.credits));
    return payment;
end $$;

-- Ends a refund: Telegram gave the Stars back, or refused for good and the credits return. False: it is not under way.
create function end_payment_refund(p_payment_id bigint, p_refunded boolean, p_reason text)
returns boolean
language plpgsql security definer set search_path to public, pg_temp as $$
declare
    payment payments;
begin
    perform
    from credit_accounts a
    join payments p on p.user_id = a.user_id
    where p.id = p_payment_id
    for no key update of a;
    update payments p
    set state = case when p_refunded then 'refunded' else 'paid' end,
        refunded_at = case when p_refunded then clock_timestamp() end
    where p.id = p_payment_id
    and p.state = 'refunding'
    returning p.* into payment;
    if not found then
        return false;
    end if;
    if not p_refunded and payment.credits > 0 then
        insert into credit_ledger (user_id, kind, amount, key, payment_id)
        select payment.user_id, 'restored', payment.credits, 'restored:' || payment.id || ':' || count(*), payment.id
        from credit_ledger
        where payment_id = payment.id;
    end if;
    insert into audit_log (actor, action, subject, reason, before, after)
    values ('telegram', 'payment.refund', 'payment ' || payment.id, p_reason,
        jsonb_build_object('state', 'refunding'), jsonb_build_object('state', payment.state));
    return true;
end $$;

-- Takes the credits of a payment as far as the balance goes, and returns how many; the rest is owed. The caller holds the
-- account and the payment.
create function charge_back(payment payments, p_balance integer) returns integer language plpgsql as $$
declare
    taken integer := least(p_balance, payment.credits);
begin
    if taken > 0 then
        insert into credit_ledger (user_id, kind, amount, key, payment_id)
        select payment.user_id, 'taken_back', -taken, 'taken_back:' || payment.id || ':' || count(*), payment.id
        from credit_ledger l
        where l.payment_id = payment.id;
    end if;
    update payments p
    set state = case when taken < p.credits then 'debt' else 'refunded' end,
        owed = p.credits - taken,
        refunded_at = clock_timestamp()
    where p.id = payment.id;
    insert into audit_log (actor, action, subject, reason, before, after)
    values ('telegram', 'payment.chargeback', 'payment ' || payment.id, 'refunded_payment',
        jsonb_build_object('state', 'paid', 'balance', p_balance),
        jsonb_build_object('owed', payment.credits - taken, 'balance', p_balance - taken));
    return taken;
end $$;

-- Records that the Stars went back, as Telegram says. If we did not do that, the credits are taken as far as the
-- balance goes, and the rest is owed. `changed` is false when this was known already. A payer who was erased in between
-- owes it with the next account: `p_mark` is that of the Telegram id which the Stars went back to.
create function record_payment_refund(p_charge_id text, p_mark bytea default null)
returns table (payment payments, changed boolean, taken integer, balance integer)
language plpgsql security definer set search_path to public, pg_temp as $$
begin
    perform lock_charge(p_charge_id);
    perform
    from credit_accounts a
    join payments p on p.user_id = a.user_id
    where p.telegram_payment_charge_id = p_charge_id
    for no key update of a;
    select p.* into payment from payments p where p.telegram_payment_charge_id = p_charge_id for no key update;
    if not found then
        insert into early_refunds (telegram_payment_charge_id)
        values (p_charge_id)
        on conflict do nothing;
        return;
    end if;
    select a.balance into balance from credit_accounts a where a.user_id = payment.user_id;
    taken := 0;
    changed := payment.state in ('paid', 'refunding');
    if payment.state = 'refunding' then
        perform end_payment_refund(payment.id, true, 'refunded_payment');
    elsif payment.state = 'paid' then
        taken := charge_back(payment, balance);
        balance := balance - taken;
    end if;
    select p.* into payment from payments p where p.telegram_payment_charge_id = p_charge_id;
    if payment.state = 'debt' and p_mark is not null and is_erased(payment.user_id) then
        perform keep_harm(p_mark, 'debt', payment.id, clock_timestamp() + interval '3 years');
    end if;
    return next;
end $$;

-- Gives credits on an administrator's order, once under a key, and records who gave them and why.
create function grant_credits(p_user_id bigint, p_amount integer, p_key text, p_actor text, p_reason text)
returns table (created boolean, balance integer)
language plpgsql security definer set search_path to public, pg_temp as $$
begin
    insert into credit_ledger (user_id, kind, amount, key)
    values (p_user_id, 'grant', p_amount, 'grant:' || p_key)
    on conflict (key) do nothing
    returning balance_after into balance;
    created := found;
    if created then
        insert into audit_log (actor, action, subject, reason, before, after)
        values (p_actor, 'credits.grant', 'user ' || p_user_id, p_reason,
            jsonb_build_object('balance', balance - p_amount),
            jsonb_build_object('balance', balance, 'key', p_key));
    else
        select a.balance into balance from credit_accounts a where a.user_id = p_user_id;
    end if;
    return next;
end $$;

-- Redeeming locks the row of the code, so that its limits are counted one by one. The outcome: taken, unknown, off, over
-- (its time is), used_up (by all) or used (by this person, as often as they may).
create function redeem_promo(p_user_id bigint, p_code text, p_mark bytea)
returns table (outcome text, credits integer, balance integer)
language plpgsql security definer set search_path to public, pg_temp as $$
declare
    promo promo_codes;
    own bigint;
begin
    select c.* into promo from promo_codes c where c.code = p_code for no key update;
    if not found then
        outcome := 'unknown';
    else
        select count(*) into own from promo_uses u where u.code = p_code and u.mark = p_mark;
        outcome := case
            when not promo.is_on then 'off'
            when promo.until <= clock_timestamp() then 'over'
            when own >= promo.per_person then 'used'
            when promo.used >= promo.total then 'used_up'
            else 'taken'
        end;
    end if;
    credits := promo.credits;
    if outcome = 'taken' then
        update promo_codes c
        set used = used + 1
        where c.code = p_code;
        insert into promo_uses (code, mark, number, user_id)
        values (p_code, p_mark, own + 1, p_user_id);
        insert into credit_ledger (user_id, kind, amount, key)
        values (p_user_id, 'promo', promo.credits, 'promo:' || p_code || ':' || p_user_id || ':' || (own + 1));
    end if;
    select a.balance into balance from credit_accounts a where a.user_id = p_user_id;
    return next;
end $$;

-- The credits that a person has once in a lifetime: the key sees to it, and the mark does for a person who was erased and
-- comes back as a stranger. Never more than the trial. Null: they have had them.
create function give_trial(p_user_id bigint, p_amount integer, p_mark bytea) returns integer
language sql security definer set search_path to public, pg_temp as $$
    insert into credit_ledger (user_id, kind, amount, key)
    select p_user_id, 'trial', least(p_amount, 2), 'trial:' || p_user_id
    where not exists (select from spent_trials where mark = p_mark)
    on conflict (key) do nothing
    returning balance_after;
$$;

-- Remembers the trial of a person who is being erased, so that they do not get another one.
create function spend_trial(p_user_id bigint, p_mark bytea) returns void
language sql security definer set search_path to public, pg_temp as $$
    insert into spent_trials (mark)
    select p_mark
    from credit_ledger
    where user_id = p_user_id
    and kind = 'trial'
    on conflict do nothing;
$$;
