-- The refusal of entries that do not balance says it in a plain word, and nothing reads queue_wait any more.
set local lock_timeout = '5s';

drop function queue_wait(bigint);

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
        raise exception using errcode = 'restrict_violation', message = 'the entries do not sum to zero';
    end if;
    return null;
end $$;
