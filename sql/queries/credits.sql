-- name: refund_credit
select amount
from refund_credit(%(job_id)s);

-- name: safe_get_balance
select balance
from credit_accounts
where user_id = %(user_id)s;
