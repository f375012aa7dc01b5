-- Credits move by one act only: an insert into credit_ledger. The triggers below write the balance from it and refuse
-- every other way, so "balance = sum(ledger)" holds whoever writes the SQL.

create table credit_accounts (
    user_id bigint primary key references users (id),
    balance integer not null default 0 check (balance >= 0)
);

create table credit_ledger (
    id bigint generated always as identity primary key,
    user_id bigint not null references credit_accounts (user_id),
    kind text not null check (kind in ('trial', 'purchase', 'grant', 'charge', 'refund')),
    amount integer not null,
    -- filled by the trigger, whatever the caller says
    balance_after integer not null check (balance_after >= 0),
    -- one operation, one key: repeating it cannot move credits twice
    key text not null unique check (key <> ''),
    -- no foreign key: a finished job may leave the table, its money may not
    job_id bigint,
    created_at timestamptz not null default clock_timestamp(),
    check (case when kind = 'charge' then amount < 0 else amount > 0 end),
    check ((kind in ('charge', 'refund')) = (job_id is not null))
);

create unique index credit_ledger_one_charge on credit_ledger (job_id) where kind = 'charge';
create unique index credit_ledger_one_refund on credit_ledger (job_id) where kind = 'refund';
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
        select from credit_ledger
        where job_id = new.job_id and kind = 'charge' and user_id = new.user_id and amount = -new.amount
    ) then
        raise exception using errcode = 'LK409', message = 'refund_without_charge', detail = format('job %s', new.job_id);
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
