-- A cashier who is a client of the shop, too, does not take back what they bought for points.
set local lock_timeout = '5s';

create or replace function refuse_reversal(t point_txns, p_actor_id bigint, p_at timestamptz) returns void
language plpgsql stable as $$
declare
    had text;
begin
    select role into had from staff where partner_id = t.partner_id and user_id = p_actor_id;
    if had = 'cashier' and (
        t.actor_id is distinct from p_actor_id or t.created_at < p_at - interval '1 hour' or t.kind = 'service'
    ) then
        raise exception using errcode = 'LK403', message = 'role_too_low', detail = had;
    end if;
    if t.kind not in ('accrue', 'redeem', 'service', 'grant', 'welcome', 'birthday') or t.parent_id is not null then
        raise exception using errcode = 'LK409', message = 'not_reversible', detail = t.kind;
    end if;
    if exists (select from point_txns where partner_id = t.partner_id and reverses_id = t.id) then
        raise exception using errcode = 'LK409', message = 'already_reversed', detail = t.id::text;
    end if;
end $$;
