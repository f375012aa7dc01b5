-- Accrue, redeem, reverse the accrual, reverse the redemption: the client kept what the first reversal had not been able to
-- take. It is noted now and taken by the second. And what has expired is not taken once more by a reversal.
alter table members add column owed bigint not null default 0;

create or replace function is_sound(r members) returns boolean language plpgsql immutable parallel safe as $$
begin
    -- a referrer must exist by then, so a ring is impossible
    return r.id > 0
        and r.card_no between 10000000 and 99999999
        and (r.phone_tail = '' or r.phone_tail ~ '^[0-9]{4}$')
        and (r.referrer_id is null or r.referrer_id < r.id)
        and (r.merged_into is null or r.left_at is not null)
        and r.owed >= 0;
end $$;

drop trigger sound on members;
create trigger sound before insert or update of id, card_no, phone_tail, referrer_id, left_at, merged_into, owed on members
    for each row when (not is_sound(new)) execute function refuse_unsound();

create or replace function is_sound(r point_txns) returns boolean language plpgsql immutable parallel safe as $$
begin
    return r.kind in ('accrue', 'redeem', 'service', 'welcome', 'birthday', 'grant', 'referral', 'activate', 'expire',
            'reverse', 'recover', 'merge')
        and (r.kind = 'reverse') = (r.reverses_id is not null)
        and least(r.points, r.missing, r.paid_minor, r.bill_minor - r.paid_minor, r.available_after, r.pending_after) >= 0
        and length(r.idem_key) between 1 and 200
        and length(r.reason) <= 300;
end $$;

update members m
set owed = t.missing
from (
    select partner_id, member_id, sum(missing) as missing
    from point_txns
    where missing > 0
    group by partner_id, member_id
) t
where m.partner_id = t.partner_id
and m.id = t.member_id;

create or replace function receipt_again(p_partner_id bigint, p_txn_id bigint, p_user_id bigint) returns point_receipt
language plpgsql as $$
declare
    t point_txns;
    rest point_txns;
begin
    select * into t from point_txns where partner_id = p_partner_id and id = p_txn_id;
    select * into rest
    from point_txns
    where partner_id = p_partner_id and parent_id = p_txn_id and kind = 'accrue' and t.kind = 'redeem';
    if t.kind = 'reverse' then
        -- as it was after the last that went with it
        select available_after, pending_after, case kind when 'reverse' then missing else t.missing end
        into t.available_after, t.pending_after, t.missing
        from point_txns
        where partner_id = p_partner_id and idem_key in (t.idem_key, t.idem_key || ':owed', t.idem_key || ':rest')
        order by id desc
        limit 1;
    end if;
    return receipt_of(t, rest, p_user_id, (
        select code from vouchers where partner_id = p_partner_id and txn_id = p_txn_id
    ), true);
end $$;

create or replace function take_back(t point_txns, r point_txns) returns point_txns language plpgsql as $$
declare
    lot point_lots;
    has bigint;
    expired bigint := 0;
begin
    select * into lot from point_lots where partner_id = t.partner_id and txn_id = t.id;
    if lot.pending then
        r.points := lot.remaining;
    else
        select balance into has
        from point_accounts
        where partner_id = t.partner_id and member_id = r.member_id and kind = 'available';
        select coalesce(sum(u.points), 0) into expired
        from point_lot_uses u
        join point_txns x on x.partner_id = u.partner_id and x.id = u.txn_id and x.kind = 'expire'
        where u.partner_id = lot.partner_id and u.lot_id = lot.id;
        r.points := least(t.points - expired, has);
    end if;
    r.missing := t.points - expired - r.points;
    r := post_points(r, case when lot.pending then 'pending' else 'available' end, 'issued');
    if lot.pending then
        insert into point_lot_uses (partner_id, txn_id, lot_id, points)
        values (r.partner_id, r.id, lot.id, lot.remaining);
        update point_lots set remaining = 0 where partner_id = lot.partner_id and id = lot.id;
    else
        perform use_lots(t.partner_id, r.member_id, r.id, r.points, t.id);
    end if;
    if r.missing > 0 then
        update members set owed = owed + r.missing where partner_id = r.partner_id and id = r.member_id;
    end if;
    return r;
end $$;

create or replace function give_back(t point_txns, r point_txns) returns point_txns language plpgsql as $$
declare
    late point_txns := r;
begin
    r.points := t.points;
    r := post_points(r, 'redeemed', 'available');
    update point_lots l
    set remaining = l.remaining + u.points
    from point_lot_uses u
    where u.partner_id = t.partner_id
    and u.txn_id = t.id
    and l.partner_id = u.partner_id
    and l.id = u.lot_id;
    select least(owed, r.points) into late.points from members where partner_id = r.partner_id and id = r.member_id;
    if late.points > 0 then
        late.kind := 'recover';
        late.idem_key := r.idem_key || ':owed';
        late.parent_id := r.id;
        late.reverses_id := null;
        late.bill_minor := 0;
        late.paid_minor := 0;
        late := post_points(late, 'available', 'issued');
        perform use_lots(late.partner_id, late.member_id, late.id, late.points, null);
        r.available_after := late.available_after;
    end if;
    update members
    set due_at = next_points_due(t.partner_id, r.member_id),
        owed = owed - late.points
    where partner_id = t.partner_id and id = r.member_id;
    return r;
end $$;

create or replace function merge_members(p_partner_id bigint, p_from bigint, p_into bigint, p_now timestamptz) returns bigint
language plpgsql as $$
declare
    a members;
    b members;
    t point_txns;
    had record;
    has record;
begin
    a := lock_member(p_partner_id, greatest(p_from, p_into));
    b := lock_member(p_partner_id, least(p_from, p_into));
    perform settle_member(a, p_now);
    perform settle_member(b, p_now);
    select max(balance) filter (where kind = 'available') as available,
        max(balance) filter (where kind = 'pending') as pending
    into had from point_accounts where partner_id = p_partner_id and member_id = p_from;
    select max(balance) filter (where kind = 'available') as available,
        max(balance) filter (where kind = 'pending') as pending
    into has from point_accounts where partner_id = p_partner_id and member_id = p_into;
    insert into point_txns (partner_id, member_id, kind, idem_key, req_hash, points, available_after, pending_after,
        created_at)
    values (p_partner_id, p_into, 'merge', 'merge:' || p_from, '', had.available + had.pending,
        has.available + had.available, has.pending + had.pending, p_now)
    returning * into t;
    insert into point_entries (partner_id, txn_id, member_id, kind, delta, balance_after)
    select p_partner_id, t.id, e.member_id, e.kind, e.delta, e.after
    from (values
        (p_from, 'available', -had.available, 0::bigint), (p_into, 'available', had.available, t.available_after),
        (p_from, 'pending', -had.pending, 0), (p_into, 'pending', had.pending, t.pending_after)
    ) e (member_id, kind, delta, after)
    where e.delta <> 0;
    update point_lots set member_id = p_into where partner_id = p_partner_id and member_id = p_from;
    update vouchers set member_id = p_into where partner_id = p_partner_id and member_id = p_from;
    update messages set member_id = p_into where partner_id = p_partner_id and member_id = p_from;
    update ratings set member_id = p_into where partner_id = p_partner_id and member_id = p_from;
    update members k
    set visits = k.visits + g.visits,
        spent_minor = k.spent_minor + g.spent_minor,
        last_visit_at = greatest(k.last_visit_at, g.last_visit_at),
        owed = k.owed + g.owed,
        due_at = next_points_due(p_partner_id, p_into)
    from members g
    where k.partner_id = p_partner_id and k.id = p_into
    and g.partner_id = p_partner_id and g.id = p_from;
    update members
    set left_at = p_now, merged_into = p_into, phone_tail = '', due_at = null, owed = 0
    where partner_id = p_partner_id and id = p_from;
    return t.points;
end $$;
