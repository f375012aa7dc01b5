-- Points that a reversal gave back into a lot whose time was over were on the balance that everybody read, and gone at the
-- next operation.
set local lock_timeout = '5s';

create or replace function give_back(t point_txns, r point_txns) returns point_txns language plpgsql as $$
declare
    late point_txns := r;
    zone text;
begin
    r.points := t.points;
    r := post_points(r, 'redeemed', 'available');
    select tz into zone from partners where id = t.partner_id;
    update point_lots l
    set remaining = l.remaining + u.points,
        expires_at = case when l.expires_at <= r.created_at then shop_midnight(zone, r.created_at, 8) else l.expires_at end,
        reminded = l.reminded and coalesce(l.expires_at > r.created_at, true)
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
