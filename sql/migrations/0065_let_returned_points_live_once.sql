-- Points that came back after their day got a week more each time: spent and returned again and again, they lived for ever.
-- They get it once; what comes back after it is gone at once, and on nobody's balance.
set local lock_timeout = '5s';

-- Takes at once what came back into lots whose time is over for good, so that nobody reads it on the balance.
create function without_expired(r point_txns, p_at timestamptz) returns point_txns language plpgsql as $$
declare
    m members;
begin
    select * into m from members where partner_id = r.partner_id and id = r.member_id;
    perform settle_member(m, p_at);
    select max(balance) filter (where kind = 'available'), max(balance) filter (where kind = 'pending')
    into r.available_after, r.pending_after
    from point_accounts
    where partner_id = r.partner_id and member_id = r.member_id;
    return r;
end $$;

-- Gives spent points back into the very lots they came from; points whose time was over meanwhile can be spent for a week
-- more, once: who spends and returns them again and again does not keep them alive. What an earlier reversal could not
-- take, as it had been spent here, goes now: whatever is reversed first, the client ends with the same.
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
        expires_at = case when l.expires_at <= r.created_at and l.expires_at = made.expires_at
            then shop_midnight(zone, r.created_at, 8) else l.expires_at end,
        reminded = l.reminded and coalesce(l.expires_at > r.created_at, true)
    from point_lot_uses u, point_txns made
    where u.partner_id = t.partner_id
    and u.txn_id = t.id
    and made.partner_id = l.partner_id
    and made.id = l.txn_id
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

create or replace function reverse_points(
    p_partner_id bigint, p_txn_id bigint, p_actor_id bigint, p_key text, p_reason text, p_now timestamptz
) returns point_receipt language plpgsql security definer
    set plan_cache_mode to force_generic_plan set enable_seqscan to off set search_path to public, pg_temp as $$
declare
    asked bytea := sha256(convert_to(concat_ws(':', 'reverse', p_txn_id), 'UTF8'));
    m members;
    p partners;
    t point_txns;
    r point_txns;
    rest point_txns;
    at timestamptz;
begin
    perform set_config('app.tenant', p_partner_id::text, true);
    select * into t from point_txns where partner_id = p_partner_id and id = p_txn_id;
    if t.id is null then
        raise exception using errcode = 'LK404', message = 'no_operation', detail = p_txn_id::text;
    end if;
    m := lock_heir(p_partner_id, t.member_id);
    select * into r from point_txns where partner_id = p_partner_id and idem_key = p_key;
    if r.id is not null then
        perform refuse_reuse(p_key, asked, r.req_hash);
        return receipt_again(p_partner_id, r.id, m.user_id);
    end if;
    p := admit_staff(p_partner_id, p_actor_id, '{owner,manager,cashier}');
    at := coalesce(p_now, clock_timestamp());
    perform refuse_reversal(t, p_actor_id, at);
    perform settle_member(m, at);
    select * into rest from point_txns where partner_id = p.id and parent_id = t.id and kind = 'accrue';
    r := reverse_txn(t, m, p_actor_id, p_key, asked, p_reason, at);
    if rest.id is not null then
        rest := reverse_txn(rest, m, p_actor_id, p_key || ':rest', asked, p_reason, at);
        r.available_after := rest.available_after;
        r.pending_after := rest.pending_after;
        r.missing := rest.missing;
    end if;
    perform take_back_visit(t, m);
    perform owe_after_erasure(m, r.missing);
    return receipt_of(without_expired(r, at), null, m.user_id, null, false, recovered_by(r));
end $$;
