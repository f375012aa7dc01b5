-- A refund may be told of before its payment: the messages come by different ways, and Telegram repeats the one that was
-- not answered. It is remembered, and the payment gives nothing that could be spent meanwhile.
set local lock_timeout = '5s';

create table early_refunds (
    telegram_payment_charge_id text primary key,
    told_at timestamptz not null default clock_timestamp()
);
revoke insert, update, delete on early_refunds from lotok_app;

-- What is told of one charge is recorded one after the other, in whatever order it comes.
create function lock_charge(p_charge_id text) returns void language sql as $$
    select pg_advisory_xact_lock(hashtextextended('charge:' || p_charge_id, 0));
$$;

create or replace function record_payment(
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

create or replace function record_payment_refund(p_charge_id text)
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
        taken := least(balance, payment.credits);
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
            jsonb_build_object('state', 'paid', 'balance', balance),
            jsonb_build_object('owed', payment.credits - taken, 'balance', balance - taken));
        balance := balance - taken;
    end if;
    select p.* into payment from payments p where p.telegram_payment_charge_id = p_charge_id;
    return next;
end $$;
