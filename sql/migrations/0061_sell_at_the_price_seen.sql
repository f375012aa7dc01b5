-- A service is sold at the price that the client has seen, or not at all. The code that runs while this is applied names
-- no price yet, and buys as before.
drop function buy_service(bigint, bigint, bigint, text, bigint, integer, timestamptz);

create function buy_service(
    p_partner_id bigint, p_member_id bigint, p_actor_id bigint, p_key text, p_service_id bigint, p_days integer,
    p_now timestamptz, p_price bigint default null
) returns point_receipt language plpgsql set role to lotok_app
    set plan_cache_mode to force_generic_plan set enable_seqscan to off as $$
declare
    asked bytea := sha256(convert_to(concat_ws(':', 'service', p_member_id, p_service_id), 'UTF8'));
    m members;
    p partners;
    s services;
    t point_txns;
begin
    perform set_config('app.tenant', p_partner_id::text, true);
    m := lock_member(p_partner_id, p_member_id);
    t := point_txn_of(p_partner_id, p_key, asked);
    if t.id is not null then
        return receipt_of(t, true);
    end if;
    p := admit_staff(p_partner_id, p_actor_id, null);
    perform refuse_closed(m);
    if m.user_id <> p_actor_id then
        raise exception using errcode = 'LK404', message = 'no_member', detail = p_member_id::text;
    end if;
    select * into s
    from services
    where partner_id = p.id and id = p_service_id and status = 'approved' and shown;
    if s.id is null then
        raise exception using errcode = 'LK404', message = 'no_service', detail = p_service_id::text;
    end if;
    if s.price_points <> p_price then
        raise exception using errcode = 'LK409', message = 'price_changed', detail = s.price_points::text;
    end if;
    t.created_at := coalesce(p_now, clock_timestamp());
    perform settle_member(m, t.created_at);
    perform refuse_short(m, s.price_points);
    t.partner_id := p.id;
    t.member_id := m.id;
    t.kind := 'service';
    t.idem_key := p_key;
    t.req_hash := asked;
    t.points := s.price_points;
    t.actor_id := p_actor_id;
    t.service_id := s.id;
    t := post_points(t, 'available', 'redeemed');
    perform use_lots(p.id, m.id, t.id, t.points, null);
    loop
        insert into vouchers (partner_id, txn_id, member_id, service_id, code, created_at, expires_at)
        values (p.id, t.id, m.id, s.id, lpad(floor(random() * 100000000)::bigint::text, 8, '0'), t.created_at,
            shop_midnight(p.tz, t.created_at, p_days + 1))
        on conflict (partner_id, code) do nothing;
        exit when found;
    end loop;
    return receipt_of(t, false);
end $$;
