-- A function in SQL is planned anew at every call, one in PL/pgSQL once for a connection; and what is always the same
-- statement with other numbers needs no plan of its own for each of them.
create or replace function receipt_of(t point_txns, p_repeated boolean) returns point_receipt
language plpgsql as $$
declare
    c point_txns;
    r point_receipt;
begin
    if t.kind = 'redeem' then
        select * into c from point_txns where partner_id = t.partner_id and parent_id = t.id and kind = 'accrue';
    elsif t.kind = 'service' then
        select code into r.code from vouchers where partner_id = t.partner_id and txn_id = t.id;
    end if;
    select user_id into r.user_id from members where partner_id = t.partner_id and id = t.member_id;
    r.txn_id := t.id;
    r.member_id := t.member_id;
    r.kind := t.kind;
    r.points := t.points;
    r.earned := coalesce(c.points, case when t.kind = 'accrue' then t.points else 0 end);
    r.missing := t.missing;
    r.bill_minor := t.bill_minor;
    r.paid_minor := t.paid_minor;
    r.available := coalesce(c.available_after, t.available_after);
    r.pending := coalesce(c.pending_after, t.pending_after);
    r.promotion_id := coalesce(c.promotion_id, t.promotion_id);
    r.active_at := coalesce(c.active_at, t.active_at);
    r.expires_at := coalesce(c.expires_at, t.expires_at);
    r.created_at := t.created_at;
    r.repeated := p_repeated;
    -- an operation ends here, and so does its scope, also inside a longer transaction
    perform set_config('app.tenant', '', true);
    return r;
end $$;

create or replace function points_for(p partners, m members, p_city text, p_paid_minor bigint, p_now timestamptz)
returns table (points bigint, promotion_id bigint) language plpgsql stable as $$
#variable_conflict use_column
declare
    bp bigint;
    here timestamp := p_now at time zone p.tz;
    offer record;
    more bigint;
begin
    select t.earn_bp into bp
    from tiers t
    where t.partner_id = p.id and t.min_spent_minor <= m.spent_minor
    order by t.min_spent_minor desc
    limit 1;
    bp := coalesce(bp, p.earn_bp);
    points := p_paid_minor * bp / (10000::bigint * p.minor_per_point);
    for offer in
        select o.id, o.multiplier_bp::bigint as multiplier_bp, o.extra_points
        from promotions o
        where o.partner_id = p.id
        and o.status = 'approved'
        and o.shown
        and o.ends_on >= here::date
        and o.starts_on <= here::date
        and o.kind <> 'news'
        and o.weekdays & (1 << (extract(isodow from here)::integer - 1)) > 0
        and p_paid_minor >= o.min_bill_minor
        and (o.city is null or lower(o.city) = lower(coalesce(p_city, p.city)))
        order by o.id
    loop
        more := p_paid_minor * bp * offer.multiplier_bp / (10000::bigint * 10000 * p.minor_per_point)
            + offer.extra_points;
        if more > points then
            points := more;
            promotion_id := offer.id;
        end if;
    end loop;
    return next;
end $$;

alter function accrue_points(bigint, bigint, bigint, text, bigint, timestamptz)
    set plan_cache_mode to force_generic_plan;
alter function redeem_points(bigint, bigint, bigint, text, bigint, bigint, timestamptz)
    set plan_cache_mode to force_generic_plan;
alter function buy_service(bigint, bigint, bigint, text, bigint, integer, timestamptz)
    set plan_cache_mode to force_generic_plan;
alter function grant_points(bigint, bigint, bigint, text, text, bigint, text, timestamptz)
    set plan_cache_mode to force_generic_plan;
alter function reverse_points(bigint, bigint, bigint, text, text, timestamptz)
    set plan_cache_mode to force_generic_plan;
alter function settle_due(bigint, integer, timestamptz) set plan_cache_mode to force_generic_plan;

-- What all operations of a shop would share, they need not lock: neither the shop's own accounts nor the cashier's row.
-- The cashier is checked by the operation itself, a shop's account by its name.
alter table point_txns drop constraint point_txns_actor_id_fkey;
alter table point_entries
    drop constraint point_entries_partner_id_member_id_kind_fkey,
    add column holder_id bigint generated always as (nullif(member_id, 0)) stored,
    add constraint point_entries_holder_fkey
        foreign key (partner_id, holder_id, kind) references point_accounts (partner_id, member_id, kind),
    add constraint point_entries_kind_check check (
        case when member_id = 0 then kind in ('issued', 'redeemed', 'expired') else kind in ('available', 'pending') end
    );

-- A visit changes no indexed column then, so Postgres rewrites the row inside its page and touches no index.
drop index members_visit;
