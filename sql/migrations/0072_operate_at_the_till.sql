-- An operation of the ledger costs a sixth less. It runs as a role of its own, which sees the shop it names and has no other
-- policy to be asked; two foreign keys go that others imply, and with them the lock that every operation took on its
-- shop's row; what an update cannot change is no longer checked by it; a job's key is planned once.

-- What an operation runs as.
do $$
begin
    if not exists (select from pg_roles where rolname = 'lotok_till') then
        create role lotok_till nologin nobypassrls;
    end if;
exception
    when duplicate_object or unique_violation then null;
end $$;
-- So that the owner may enter it, as with lotok_app. Operations enter it by belonging to it: see 0084.
do $$
begin
    if not (pg_has_role(current_user, 'lotok_till', 'usage') and pg_has_role(current_user, 'lotok_till',
        case when current_setting('server_version_num') < '160000' then 'member' else 'set' end))
    then
        execute format('grant lotok_till to %I', current_user);
    end if;
end $$;
grant usage on schema public to lotok_till;
grant select on clients, partners, staff, tiers, services, promotions, jobs, job_history, spent_keys to lotok_till;
grant select, insert, update on members, point_accounts, point_lots, vouchers, referral_rewards to lotok_till;
grant select, insert on point_txns, point_entries, point_lot_uses to lotok_till;
grant insert, delete on jobs to lotok_till;
grant insert on loyalty_trail to lotok_till;
grant usage, select on all sequences in schema public to lotok_till;

create function serves(p_partner_id bigint) returns boolean language sql stable parallel safe as $$
    select coalesce(p_partner_id::text = current_setting('app.tenant', true), false);
$$;

do $$
declare
    one record;
begin
    for one in select policyname, tablename from pg_policies where schemaname = 'public' loop
        execute format('alter policy %I on %I to lotok_app', one.policyname, one.tablename);
    end loop;
end $$;
create policy till on partners to lotok_till using (serves(id));
create policy till on staff to lotok_till using (serves(partner_id));
create policy till on tiers to lotok_till using (serves(partner_id));
create policy till on services to lotok_till using (serves(partner_id));
create policy till on promotions to lotok_till using (serves(partner_id));
create policy till on members to lotok_till using (serves(partner_id));
create policy till on loyalty_trail to lotok_till using (serves(partner_id));
create policy till on point_accounts to lotok_till using (serves(partner_id));
create policy till on point_txns to lotok_till using (serves(partner_id));
create policy till on point_entries to lotok_till using (serves(partner_id));
create policy till on point_lots to lotok_till using (serves(partner_id));
create policy till on point_lot_uses to lotok_till using (serves(partner_id));
create policy till on vouchers to lotok_till using (serves(partner_id));
create policy till on referral_rewards to lotok_till using (serves(partner_id));

alter function accrue_points set role to lotok_till;
alter function redeem_points set role to lotok_till;
alter function buy_service set role to lotok_till;
alter function grant_points set role to lotok_till;
alter function reverse_points set role to lotok_till;
alter function join_partner set role to lotok_till;
alter function settle_referrals set role to lotok_till;
alter function review_referral set role to lotok_till;
alter function settle_due set role to lotok_till;

-- The shop: (partner_id, member_id) is a key of members, whose shop exists.
alter table point_txns drop constraint point_txns_partner_id_fkey;
-- The account of an entry: move_points refuses one whose account is not there with the right balance.
alter table point_entries drop column holder_id;
alter table point_entries drop constraint point_entries_sound;
drop function is_sound(point_entries);

create function refuse_unsound() returns trigger language plpgsql as $$
begin
    raise exception using errcode = 'check_violation', message = format('an unsound row of %s', tg_table_name);
end $$;

alter table members drop constraint members_sound;
create trigger sound before insert or update of id, card_no, phone_tail, referrer_id, left_at, merged_into on members
    for each row when (not is_sound(new)) execute function refuse_unsound();

alter table point_accounts drop constraint point_accounts_sound;
alter table point_accounts add constraint point_accounts_balance_check check (balance >= 0);
create trigger sound after insert or update of member_id, kind on point_accounts
    for each row when (not is_sound(new)) execute function refuse_unsound();

create or replace function move_points() returns trigger language plpgsql as $$
declare
    e record;
    txn bigint;
    total bigint := 0;
begin
    for e in select * from added loop
        exit when total <> 0 and e.txn_id <> txn;
        txn := e.txn_id;
        total := total + e.delta;
        if e.member_id = 0 and e.delta <> 0 and e.balance_after is null and e.kind in ('issued', 'redeemed', 'expired') then
            continue;
        end if;
        update point_accounts
        set balance = e.balance_after
        where partner_id = e.partner_id
        and member_id = e.member_id
        and kind = e.kind
        and balance + e.delta = e.balance_after
        and e.delta <> 0;
        if not found then
            raise exception using errcode = 'restrict_violation', message = 'the entry does not follow on the balance';
        end if;
    end loop;
    if total <> 0 then
        raise exception using errcode = 'restrict_violation', message = 'the entries do not sum to nought';
    end if;
    return null;
end $$;

create or replace function queue_referrals(p_partner_id bigint, p_receipt_id bigint, p_key text) returns void
language plpgsql as $$
begin
    insert into jobs (task, key, args, turn, max_attempts)
    values ('referrals', 'referrals:' || p_partner_id || ':' || p_key,
        jsonb_build_object('partner_id', p_partner_id, 'receipt_id', p_receipt_id),
        next_turn(null, 'referrals', 0::smallint), 10)
    on conflict (key) do nothing;
end $$;

create or replace function read_desk(
    m members, p_actor_id bigint, p_key text, p_bill_minor bigint, p_points bigint, p_at timestamptz
) returns point_desk language plpgsql stable as $$
declare
    d point_desk;
    town text;
    bp bigint;
    tier_bp bigint;
    here timestamp;
    more bigint;
    offer_id bigint;
begin
    d.member_id := m.id;
    d.user_id := m.user_id;
    d.referrer_id := m.referrer_id;
    d.at := p_at;
    select id, req_hash into d.done_id, d.done_hash
    from point_txns
    where partner_id = m.partner_id and idem_key = p_key;
    if d.done_id is not null then
        return d;
    end if;
    select id, status, reason, tz, minor_per_point, max_pay_pct, earn_on_rest, max_bill_minor, hold_days, expire_days,
        referral_levels, city, earn_bp
    into d.partner_id, d.status, d.reason, d.tz, d.minor_per_point, d.max_pay_pct, d.earn_on_rest, d.max_bill_minor,
        d.hold_days, d.expire_days, d.referral_levels, town, bp
    from partners
    where id = m.partner_id;
    select role, coalesce(city, town) into d.role, town
    from staff
    where partner_id = m.partner_id and user_id = p_actor_id and removed_at is null;
    select max(balance) filter (where kind = 'available'), max(balance) filter (where kind = 'pending')
    into d.available, d.pending
    from point_accounts
    where partner_id = m.partner_id and member_id = m.id;
    if p_bill_minor is null or p_bill_minor > d.max_bill_minor then
        return d;
    end if;
    select earn_bp into tier_bp
    from tiers
    where partner_id = m.partner_id and min_spent_minor <= m.spent_minor
    order by min_spent_minor desc
    limit 1;
    bp := coalesce(tier_bp, bp);
    here := p_at at time zone d.tz;
    d.most := p_bill_minor * d.max_pay_pct / (100::bigint * d.minor_per_point);
    if p_points not between 0 and d.most then
        return d;
    end if;
    d.paid_minor := p_bill_minor - p_points * d.minor_per_point;
    d.earned := d.paid_minor * bp / (10000::bigint * d.minor_per_point);
    select id, d.paid_minor * bp * multiplier_bp / (10000::bigint * 10000 * d.minor_per_point) + extra_points
    into offer_id, more
    from promotions
    where partner_id = m.partner_id
    and status = 'approved'
    and shown
    and ends_on >= here::date
    and kind <> 'news'
    and starts_on <= here::date
    and min_bill_minor <= d.paid_minor
    and weekdays & (1 << (extract(isodow from here)::integer - 1)) <> 0
    and (city is null or lower(city) = lower(town))
    order by 2 desc, id
    limit 1;
    if more > d.earned then
        d.earned := more;
        d.promotion_id := offer_id;
    end if;
    return d;
end $$;
