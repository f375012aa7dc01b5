-- Stars that go back after their payer was erased leave a debt to the next account, as those before it do.
set local lock_timeout = '5s';

drop function record_payment_refund(text);

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
