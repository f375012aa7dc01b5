-- A cashier could spend anybody's points by the last four digits of a phone or by a name. Now the client agrees, unless
-- their card was shown or the shop does without. And the same bill of the same client within two minutes is asked about.
alter table partners add column confirm_spending boolean not null default true;

-- What a cashier wants to take from a client who did not show their card, for the client to confirm. `key_hash`: of the
-- operation's key; who made it and whose it is stand in its rows.
create table spend_requests (
    partner_id bigint not null,
    id bigint generated always as identity,
    key_hash bytea not null,
    member_id bigint not null,
    actor_id bigint not null,
    bill_minor bigint not null,
    points bigint not null check (points > 0),
    asked_at timestamptz not null default clock_timestamp(),
    expires_at timestamptz not null,
    confirmed_at timestamptz,
    refused_at timestamptz,
    primary key (partner_id, id),
    foreign key (partner_id, member_id) references members (partner_id, id),
    check (num_nonnulls(confirmed_at, refused_at) < 2)
);

create index spend_requests_key on spend_requests (partner_id, key_hash);

alter table spend_requests enable row level security, force row level security;
create policy tenant on spend_requests to lotok_app using (sees(partner_id));
create policy till on spend_requests for select to lotok_till using (serves(partner_id));
grant select on spend_requests to lotok_till;

drop function accrue_points(bigint, bigint, bigint, text, bigint, timestamptz);
drop function redeem_points(bigint, bigint, bigint, text, bigint, bigint, timestamptz);

-- The same bill of the same client a moment ago is as likely the same purchase: the cashier says that it is another one.
create function refuse_again(d point_desk, p_bill_minor bigint) returns void language plpgsql stable as $$
begin
    if exists (
        select
        from point_txns t
        where t.partner_id = d.partner_id
        and t.member_id = d.member_id
        and t.created_at > d.at - interval '2 minutes'
        and t.created_at <= d.at
        and t.kind in ('accrue', 'redeem')
        and t.parent_id is null
        and t.bill_minor = p_bill_minor
        and not exists (select from point_txns r where r.partner_id = t.partner_id and r.reverses_id = t.id)
    ) then
        raise exception using errcode = 'LK409', message = 'bill_again', detail = p_bill_minor::text;
    end if;
end $$;

-- Points of a client who did not show their card are spent only when they have agreed, to this very operation; a shop may
-- do without.
create function refuse_unconfirmed(d point_desk, p_actor_id bigint, p_key text, p_bill_minor bigint, p_points bigint)
returns void language plpgsql stable as $$
begin
    if (select confirm_spending from partners where id = d.partner_id) and not exists (
        select
        from spend_requests
        where partner_id = d.partner_id
        and key_hash = sha256(convert_to(p_key, 'UTF8'))
        and (member_id, actor_id, bill_minor, points) = (d.member_id, p_actor_id, p_bill_minor, p_points)
        and confirmed_at > d.at - interval '10 minutes'
    ) then
        raise exception using errcode = 'LK403', message = 'not_confirmed', detail = d.member_id::text;
    end if;
end $$;

-- p_again: also if the same bill was here a moment ago.
create function accrue_points(
    p_partner_id bigint, p_member_id bigint, p_actor_id bigint, p_key text, p_bill_minor bigint, p_now timestamptz,
    p_again boolean default true
) returns point_receipt language plpgsql security definer
    set plan_cache_mode to force_generic_plan set enable_seqscan to off set search_path to public, pg_temp as $$
declare
    asked bytea := sha256(convert_to(concat_ws(':', 'accrue', p_member_id, p_bill_minor), 'UTF8'));
    d point_desk;
    t point_txns;
begin
    d := open_desk(p_partner_id, p_member_id, p_actor_id, '{owner,manager,cashier}', p_key, asked, p_bill_minor, 0, p_now);
    if d.done_id is not null then
        return receipt_again(p_partner_id, d.done_id, d.user_id);
    end if;
    if (p_bill_minor between 1 and d.max_bill_minor) is not true then
        perform refuse_bill(d, p_bill_minor);
    end if;
    if d.earned = 0 then
        raise exception using errcode = 'LK400', message = 'bill_too_small', detail = p_bill_minor::text;
    end if;
    if not p_again then
        perform refuse_again(d, p_bill_minor);
    end if;
    t := new_points(d, 'accrue', p_key, asked, p_actor_id);
    t.bill_minor := p_bill_minor;
    t.paid_minor := p_bill_minor;
    t := earn_points(d, t, p_bill_minor);
    return receipt_of(t, null, d.user_id, null, false, least(d.owed, t.points));
end $$;

-- p_shown: the client has shown their card for it; p_again as above.
create function redeem_points(
    p_partner_id bigint, p_member_id bigint, p_actor_id bigint, p_key text, p_bill_minor bigint, p_points bigint,
    p_now timestamptz, p_shown boolean default true, p_again boolean default true
) returns point_receipt language plpgsql security definer
    set plan_cache_mode to force_generic_plan set enable_seqscan to off set search_path to public, pg_temp as $$
declare
    asked bytea := sha256(convert_to(concat_ws(':', 'redeem', p_member_id, p_bill_minor, p_points), 'UTF8'));
    d point_desk;
    t point_txns;
    rest point_txns;
begin
    d := open_desk(p_partner_id, p_member_id, p_actor_id, '{owner,manager,cashier}', p_key, asked, p_bill_minor,
        p_points, p_now);
    if d.done_id is not null then
        return receipt_again(p_partner_id, d.done_id, d.user_id);
    end if;
    if (p_bill_minor between 1 and d.max_bill_minor) is not true then
        perform refuse_bill(d, p_bill_minor);
    end if;
    if p_points is null or p_points <= 0 then
        raise exception using errcode = 'LK400', message = 'points_zero', detail = coalesce(p_points::text, '');
    end if;
    if p_points > d.most then
        raise exception using errcode = 'LK400', message = 'over_share', detail = d.most::text;
    end if;
    if d.available < p_points then
        perform refuse_short(d);
    end if;
    if not p_again then
        perform refuse_again(d, p_bill_minor);
    end if;
    if not p_shown then
        perform refuse_unconfirmed(d, p_actor_id, p_key, p_bill_minor, p_points);
    end if;
    t := new_points(d, 'redeem', p_key, asked, p_actor_id);
    t.points := p_points;
    t.bill_minor := p_bill_minor;
    t.paid_minor := d.paid_minor;
    t := post_points(t, 'available', 'redeemed', t.paid_minor);
    perform use_lots(p_partner_id, p_member_id, t.id, p_points, null);
    if d.earn_on_rest and d.earned > 0 then
        rest := t;
        rest.kind := 'accrue';
        rest.idem_key := p_key || ':rest';
        rest.parent_id := t.id;
        rest.bill_minor := t.paid_minor;
        rest := earn_points(d, rest, null);
        t.available_after := rest.available_after;
        t.pending_after := rest.pending_after;
    end if;
    return receipt_of(t, rest, d.user_id, null, false, least(d.owed, coalesce(rest.points, 0)));
end $$;

grant create on schema public to lotok_till;
alter function accrue_points owner to lotok_till;
alter function redeem_points owner to lotok_till;
revoke create on schema public from lotok_till;
