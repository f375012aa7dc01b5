-- What 0067 keeps from staying goes where it has stayed.
set local lock_timeout = '5s';

set local role lotok_app;
select set_config('app.platform', 'on', true);
select forget_operations(partner_id, user_id)
from (
    select distinct m.partner_id, m.user_id
    from members m, cards_of(m.partner_id, m.user_id) card
    join point_txns t on t.member_id = card
    where m.left_at is not null
    and m.merged_into is null
    and t.partner_id = m.partner_id
    and t.reason <> ''
) kept;
update loyalty_trail t
set after = after - 'reason'
from members m, cards_of(m.partner_id, m.user_id) card
where m.left_at is not null
and m.merged_into is null
and t.partner_id = m.partner_id
and t.subject = card::text
and t.action like 'member.%'
and t.after ? 'reason';
select set_config('app.platform', '', true);
reset role;
