-- What staff typed about a card stayed when the card had become part of another one before its person was erased; and so
-- did why goods came back after the erasure.
set local lock_timeout = '5s';

-- Returns a person's cards at a shop, with those that have become part of one of them.
create function cards_of(p_partner_id bigint, p_user_id bigint) returns setof bigint language sql stable as $$
    with recursive own as (
        select id
        from members
        where partner_id = p_partner_id and user_id = p_user_id
        union
        select m.id
        from own
        join members m on m.partner_id = p_partner_id and m.merged_into = own.id
    )
    select id from own;
$$;

-- Cleans the words out of the ledger of points: keys that hold a Telegram id, and reasons that staff typed about a
-- client.
create or replace function forget_operations(p_partner_id bigint, p_user_id bigint) returns void
language plpgsql security definer set search_path to public, pg_temp as $$
declare
    cards bigint[];
begin
    perform set_config('app.tenant', p_partner_id::text, true);
    cards := array(select cards_of(p_partner_id, p_user_id));
    update point_txns t
    set idem_key = case when t.actor_id = p_user_id then 'erased:' || t.id else t.idem_key end,
        reason = case when t.member_id = any(cards) then '' else t.reason end
    where t.partner_id = p_partner_id
    and (t.actor_id = p_user_id and t.idem_key <> 'erased:' || t.id or t.member_id = any(cards) and t.reason <> '')
    and is_erased(p_user_id);
    perform set_config('app.tenant', '', true);
end $$;

create or replace function forget_client() returns trigger language plpgsql set role to lotok_app as $$
declare
    m members;
    at timestamptz := clock_timestamp();
begin
    perform set_config('app.platform', 'on', true);
    for m in select * from members where user_id = new.id and left_at is null order by partner_id, id loop
        perform leave_shop(m, at);
    end loop;
    delete from clients where user_id = new.id;
    delete from favourites where user_id = new.id;
    update loyalty_trail t
    set before = null, after = null
    from partners p
    where p.owner_id = new.id and t.partner_id = p.id;
    update loyalty_trail t
    set after = after - 'reason'
    from members x, cards_of(x.partner_id, x.user_id) card
    where x.user_id = new.id and t.partner_id = x.partner_id and t.subject = card::text and t.after ? 'reason'
    and t.action like 'member.%';
    update loyalty_trail
    set after = after - 'reason'
    where subject = 'user ' || new.id and action like 'phone.%' and after ? 'reason';
    delete from member_tags where partner_id in (select id from partners where owner_id = new.id);
    update services set about = '', photo = '' where partner_id in (select id from partners where owner_id = new.id);
    update promotions set about = '', photo = '' where partner_id in (select id from partners where owner_id = new.id);
    update partners
    set status = 'blocked', reason = 'owner_erased', contact = '', about = '', address = '', photo = ''
    where owner_id = new.id;
    update staff set removed_at = at where user_id = new.id and removed_at is null;
    perform set_config('app.platform', '', true);
    return null;
end $$;

create or replace function reverse_txn(t point_txns, m members, p_actor_id bigint, p_key text, p_hash bytea, p_reason text, p_now timestamptz)
returns point_txns language plpgsql as $$
declare
    r point_txns;
begin
    r.partner_id := t.partner_id;
    r.member_id := m.id;
    r.kind := 'reverse';
    r.idem_key := p_key;
    r.req_hash := p_hash;
    r.bill_minor := t.bill_minor;
    r.paid_minor := t.paid_minor;
    r.actor_id := p_actor_id;
    r.reverses_id := t.id;
    -- nothing is written any more about who was erased
    r.reason := case when m.left_at is null then left(coalesce(p_reason, ''), 300) else '' end;
    r.created_at := p_now;
    if t.kind in ('redeem', 'service') then
        update vouchers
        set cancelled_at = p_now
        where partner_id = t.partner_id and txn_id = t.id and used_at is null;
        r := give_back(t, r);
    else
        r := take_back(t, r);
        if exists (select from referral_rewards where partner_id = t.partner_id and receipt_id = t.id)
            or t.kind = 'accrue' and exists (
                select from jobs where key = 'referrals:' || t.partner_id || ':' || t.id
            )
        then
            perform queue_referrals(t.partner_id, t.id, t.id || ':reversed');
        end if;
    end if;
    return r;
end $$;
