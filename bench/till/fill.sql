-- Shops, members and a year of operations, written in bulk: {partners}, {members}, {operations} are put in beforehand.
-- Triggers and foreign keys are off meanwhile; the audit is to find nothing afterwards.
set session_replication_role = replica;
insert into users (id, tg_id, first_name)
overriding system value
select 1000000 + n, 1000000000 + n, 'Клиент ' || n from generate_series(1, {members}) n
union all
select 2000000 + n, 2000000000 + n, 'Кассир ' || n from generate_series(1, {partners}) n;
insert into partners (id, code, owner_id, title, city, category, status, earn_on_rest)
overriding system value
select n, 'shop' || lpad(n::text, 6, '0'), 2000000 + n, 'Кофейня ' || n, (array['Казань', 'Москва', 'Омск'])[1 + n % 3],
    'cafe', 'approved', false
from generate_series(1, {partners}) n;
insert into staff (partner_id, user_id, role)
select n, 2000000 + n, 'owner' from generate_series(1, {partners}) n;
insert into clients (user_id, name, city, phone)
select 1000000 + n, 'Клиент ' || n, 'Казань', '+7900' || lpad(n::text, 7, '0') from generate_series(1, {members}) n;
insert into services (partner_id, id, category, title, price_points, status)
overriding system value
select 1 + n % {partners}, n, 'cafe', 'Услуга ' || n, 10, 'approved' from generate_series(1, {partners} * 3) n;
insert into promotions (partner_id, id, kind, title, starts_on, ends_on, status)
overriding system value
select 1 + n % {partners}, n, 'news', 'Новость ' || n, '2026-01-01', '2027-01-01', 'approved'
from generate_series(1, {partners} * 3) n;
insert into members (partner_id, id, user_id, card_no, phone_tail, referrer_id, visits, spent_minor, joined_at,
    last_visit_at, due_at)
overriding system value
select 1 + n % {partners}, n, 1000000 + n, 10000000 + n, lpad((n % 10000)::text, 4, '0'),
    case when n % 10 = 0 and n > {partners} then n - {partners} end, {operations} / {members},
    20000::bigint * ({operations} / {members}), now() - interval '400 days',
    case when {operations} > 0 then now() - interval '1 day' * (n % 300) end,
    case when {operations} > 0 then now() + interval '1 day' end
from generate_series(1, {members}) n;
insert into point_accounts (partner_id, member_id, kind, balance)
select n, 0, k, null from generate_series(1, {partners}) n, unnest('{{issued,redeemed,expired}}'::text[]) k
union all
select 1 + n % {partners}, n, k, case k when 'available' then 10 * ({operations} / {members}) else 0 end
from generate_series(1, {members}) n, unnest('{{available,pending}}'::text[]) k;
insert into point_txns (partner_id, id, member_id, kind, idem_key, req_hash, points, bill_minor, paid_minor, actor_id,
    available_after, pending_after, active_at, expires_at, created_at)
overriding system value
select 1 + m % {partners}, n, m, 'accrue', 'fill:' || n, '\x00', 10, 20000, 20000, 2000001 + m % {partners},
    10 * (1 + (n - 1) / {members}), 0, at, at + interval '400 days', at
from (
    select n, 1 + (n - 1) % {members} as m, now() - interval '365 days' + interval '364 days' * n / {operations} as at
    from generate_series(1, {operations} / {members} * {members}) n
) made;
insert into point_entries (partner_id, txn_id, member_id, kind, delta, balance_after)
select partner_id, id, member_id, 'available', 10, available_after from point_txns
union all
select partner_id, id, 0, 'issued', -10, null from point_txns;
insert into point_lots (partner_id, id, member_id, txn_id, points, remaining, pending, active_at, expires_at)
overriding system value
select partner_id, id, member_id, id, 10, 10, false, active_at, expires_at from point_txns;
select setval(pg_get_serial_sequence('members', 'id'), {members} + 1),
    setval(pg_get_serial_sequence('point_txns', 'id'), {operations} + 1),
    setval(pg_get_serial_sequence('point_lots', 'id'), {operations} + 1),
    setval(pg_get_serial_sequence('partners', 'id'), {partners} + 1);
set session_replication_role = origin;
