-- The plainest exact ledger of points: what ours is compared with. Balances, entries, lots by date, one key an operation;
-- no walls between shops, tiers, promotions, referrals, roles, hold days or reversals.
create table members (partner_id bigint, id bigint, primary key (partner_id, id));
create table accounts (
    id bigint generated always as identity primary key,
    partner_id bigint not null,
    member_id bigint,
    kind text not null,
    balance bigint,
    unique nulls not distinct (partner_id, member_id, kind),
    foreign key (partner_id, member_id) references members (partner_id, id),
    check (member_id is null or balance >= 0)
) with (fillfactor = 70);
create table txns (
    id bigint generated always as identity primary key,
    partner_id bigint not null,
    member_id bigint not null,
    kind text not null,
    idem_key text not null,
    req_hash bytea not null,
    amount_minor bigint not null,
    points bigint not null check (points > 0),
    actor_id bigint not null,
    created_at timestamptz not null,
    unique (partner_id, idem_key),
    foreign key (partner_id, member_id) references members (partner_id, id)
);
create index on txns (partner_id, created_at desc, id desc);
create index on txns (partner_id, member_id, id desc);
create table entries (
    txn_id bigint not null references txns,
    account_id bigint not null references accounts,
    delta bigint not null check (delta <> 0),
    balance_after bigint,
    primary key (txn_id, account_id)
);
create table lots (
    id bigint generated always as identity primary key,
    partner_id bigint not null,
    member_id bigint not null,
    txn_id bigint not null references txns,
    points bigint not null,
    remaining bigint not null check (remaining between 0 and points),
    active_at timestamptz not null,
    expires_at timestamptz,
    foreign key (partner_id, member_id) references members (partner_id, id)
) with (fillfactor = 80);
create index on lots (partner_id, member_id, expires_at nulls last, id) where remaining > 0;
create index on lots (expires_at) where remaining > 0;
create table lot_uses (
    txn_id bigint not null references txns,
    lot_id bigint not null references lots,
    points bigint not null check (points > 0),
    primary key (txn_id, lot_id)
);

create function operate(
    p_partner bigint, p_member bigint, p_actor bigint, p_key text, p_kind text, p_amount bigint, p_points bigint,
    out txn_id bigint, out repeated boolean, out short boolean
) language plpgsql as $$
declare
    asked bytea := sha256(convert_to(concat_ws(':', p_kind, p_member, p_amount, p_points), 'UTF8'));
    had accounts;
    lot record;
    part bigint;
    need bigint := p_points;
    change bigint := case p_kind when 'earn' then p_points else -p_points end;
    system bigint;
begin
    select * into had from accounts
    where partner_id = p_partner and member_id = p_member and kind = 'available' for update;
    select id into txn_id from txns where partner_id = p_partner and idem_key = p_key;
    repeated := found;
    short := not repeated and had.balance + change < 0;
    if repeated or short then
        return;
    end if;
    insert into txns (partner_id, member_id, kind, idem_key, req_hash, amount_minor, points, actor_id, created_at)
    values (p_partner, p_member, p_kind, p_key, asked, p_amount, p_points, p_actor, clock_timestamp())
    returning id into txn_id;
    select id into system from accounts
    where partner_id = p_partner and member_id is null
    and kind = case p_kind when 'earn' then 'issued' else 'redeemed' end;
    insert into entries (txn_id, account_id, delta, balance_after)
    values (txn_id, had.id, change, had.balance + change), (txn_id, system, -change, null);
    update accounts set balance = balance + change where id = had.id;
    if p_kind = 'earn' then
        insert into lots (partner_id, member_id, txn_id, points, remaining, active_at, expires_at)
        values (p_partner, p_member, txn_id, p_points, p_points, clock_timestamp(),
            clock_timestamp() + interval '365 days');
        return;
    end if;
    while need > 0 loop
        select id, remaining into lot from lots
        where partner_id = p_partner and member_id = p_member and remaining > 0 and active_at <= clock_timestamp()
        order by expires_at nulls last, id limit 1 for update;
        part := least(need, lot.remaining);
        insert into lot_uses values (txn_id, lot.id, part);
        update lots set remaining = remaining - part where id = lot.id;
        need := need - part;
    end loop;
end $$;
