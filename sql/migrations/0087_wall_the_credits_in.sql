-- The product's role could write credits with SQL of its own. Now only the functions that keep the rules move them: they run
-- with the owner's rights and a fixed search path.

revoke insert, update, delete on credit_ledger, payments, promo_uses from lotok_app;
revoke update, delete on credit_accounts from lotok_app;
grant update (told_at) on payments to lotok_app;

alter function refund_credit security definer set search_path to public, pg_temp;
alter function admit_jobs security definer set search_path to public, pg_temp;
alter function record_payment security definer set search_path to public, pg_temp;
alter function begin_payment_refund security definer set search_path to public, pg_temp;
alter function end_payment_refund security definer set search_path to public, pg_temp;
alter function record_payment_refund security definer set search_path to public, pg_temp;
alter function grant_credits security definer set search_path to public, pg_temp;
alter function redeem_promo security definer set search_path to public, pg_temp;

-- The credits that a person has once in a lifetime: the key sees to it, and the mark does for a person who was erased and
-- comes back as a stranger. Null: they have had them.
create function give_trial(p_user_id bigint, p_amount integer, p_mark bytea) returns integer
language sql security definer set search_path to public, pg_temp as $$
    insert into credit_ledger (user_id, kind, amount, key)
    select p_user_id, 'trial', p_amount, 'trial:' || p_user_id
    where not exists (select from spent_trials where mark = p_mark)
    on conflict (key) do nothing
    returning balance_after;
$$;
