-- A day's limit of a promotion holds for a person whose cards were merged, and goods that come back after an erasure leave
-- what was spent of their points to the person's next account.
set local lock_timeout = '5s';

create index members_merged on members (partner_id, merged_into) where merged_into is not null;

alter table remembered drop constraint remembered_what_check;
alter table remembered add constraint remembered_what_check
    check (what in ('welcome', 'birthday', 'block', 'debt', 'owed', 'card')) not valid;
alter table remembered validate constraint remembered_what_check;

create or replace function forget_remembered(p_now timestamptz) returns integer language plpgsql security definer
set search_path = public, pg_temp as $$
declare
    number integer;
begin
    perform set_config('app.platform', 'on', true);
    with gone as materialized (
        select p.id
        from partners p
        join users u on u.id = p.owner_id
        where u.erased_at is not null
    )
    delete from remembered r
    where r.until <= least(p_now, clock_timestamp())
    or r.what in ('welcome', 'birthday', 'block') and r.subject in (select id from gone)
    or r.what in ('owed', 'card') and r.subject in (select m.id from members m join gone g on g.id = m.partner_id);
    get diagnostics number = row_count;
    perform set_config('app.platform', '', true);
    return number;
end $$;

create or replace function pass_owed(p_from bigint, p_into bigint) returns void language sql security definer
set search_path = public, pg_temp as $$
    update remembered r
    set mark = k.mark
    from users g, users k
    where g.id = p_from
    and k.id = p_into
    and k.mark is not null
    and r.mark = g.mark
    and r.what in ('owed', 'card');
$$;

create function debtors_of(p_member_id bigint) returns setof bigint language sql stable security definer
set search_path = public, pg_temp as $$
    select u.id
    from remembered r
    join users u on u.mark = r.mark
    where r.what = 'owed'
    and r.subject = p_member_id;
$$;

create or replace function remember_harm(p_user_id bigint, p_mark bytea) returns void language plpgsql set role to lotok_app as $$
declare
    term timestamptz := clock_timestamp() + interval '3 years';
begin
    if p_mark is null then
        return;
    end if;
    perform set_config('app.platform', 'on', true);
    -- what is had once is remembered with a mark that is new
    update users set mark = p_mark where id = p_user_id and mark is distinct from p_mark;
    perform set_config('app.platform', 'on', true);
    perform from members where user_id = p_user_id and left_at is null order by partner_id, id for no key update;
    perform keep_harm(p_mark, h.what, h.subject, h.until)
    from (
        select 'debt' as what, id as subject, term as until
        from payments
        where user_id = p_user_id and state = 'debt'
        union all
        select 'block', partner_id, term
        from members
        where user_id = p_user_id and left_at is null and blocked_at is not null
        union all
        select 'owed', id, term
        from members
        where user_id = p_user_id and left_at is null and owed > 0
        union all
        select 'card', id, last_visit_at + interval '30 days'
        from members
        where user_id = p_user_id and left_at is null and last_visit_at > clock_timestamp() - interval '30 days'
    ) h;
    perform set_config('app.platform', '', true);
end $$;

create function owe_after_erasure(m members, p_missing bigint) returns void language plpgsql as $$
begin
    if m.left_at is null or (p_missing > 0) is not true then
        return;
    end if;
    perform keep_harm(mark, 'owed', subject, clock_timestamp() + interval '3 years')
    from remembered
    where what = 'card' and subject = m.id and until > clock_timestamp();
    perform carry_owed(m.partner_id, debtor_id) from debtors_of(m.id) debtor_id;
end $$;

create function times_given(m members, p_promotion_id bigint, p_since timestamptz) returns bigint
language sql stable as $$
    with recursive own as (
        select m.id
        union all
        select g.id
        from own
        join members g on g.partner_id = m.partner_id and g.merged_into = own.id
    )
    select count(*)
    from own
    join point_txns t on t.partner_id = m.partner_id and t.member_id = own.id
    where t.promotion_id = p_promotion_id
    and t.created_at >= p_since
    and not exists (select from point_txns r where r.partner_id = t.partner_id and r.reverses_id = t.id);
$$;

create or replace function read_desk(
    m members, p_actor_id bigint, p_key text, p_bill_minor bigint, p_points bigint, p_at timestamptz
) returns point_desk language plpgsql stable as $$
declare
    d point_desk;
    town text;
    bp bigint;
    tier_bp bigint;
    here timestamp;
    more bigint;
    offer_id bigint;
begin
    -- the member, and what the key did before
    d.member_id := m.id;
    d.user_id := m.user_id;
    d.referrer_id := m.referrer_id;
    d.owed := m.owed;
    d.at := p_at;
    select id, req_hash into d.done_id, d.done_hash
    from point_txns
    where partner_id = m.partner_id and idem_key = p_key;
    if d.done_id is not null then
        return d;
    end if;
    -- the shop, the actor, the balances
    select id, status, reason, tz, minor_per_point, max_pay_pct, earn_on_rest, max_bill_minor, hold_days, expire_days,
        referral_levels, city, earn_bp
    into d.partner_id, d.status, d.reason, d.tz, d.minor_per_point, d.max_pay_pct, d.earn_on_rest, d.max_bill_minor,
        d.hold_days, d.expire_days, d.referral_levels, town, bp
    from partners
    where id = m.partner_id;
    select role, coalesce(city, town) into d.role, town
    from staff
    where partner_id = m.partner_id and user_id = p_actor_id and removed_at is null;
    select max(balance) filter (where kind = 'available'), max(balance) filter (where kind = 'pending')
    into d.available, d.pending
    from point_accounts
    where partner_id = m.partner_id and member_id = m.id;
    if p_bill_minor is null or p_bill_minor > d.max_bill_minor then
        return d;
    end if;
    -- the member's rate, and what of the bill is paid in money
    select earn_bp into tier_bp
    from tiers
    where partner_id = m.partner_id and min_spent_minor <= m.spent_minor
    order by min_spent_minor desc
    limit 1;
    bp := coalesce(tier_bp, bp);
    here := p_at at time zone d.tz;
    d.most := p_bill_minor * d.max_pay_pct / (100::bigint * d.minor_per_point);
    if p_points not between 0 and d.most then
        return d;
    end if;
    d.paid_minor := p_bill_minor - p_points * d.minor_per_point;
    d.earned := d.paid_minor * bp / (10000::bigint * d.minor_per_point);
    -- the promotion that gives most
    select id, d.paid_minor * bp * multiplier_bp / (10000::bigint * 10000 * d.minor_per_point) + extra_points
    into offer_id, more
    from promotions o
    where partner_id = m.partner_id
    and status = 'approved'
    and shown
    and ends_on >= here::date
    and kind <> 'news'
    and starts_on <= here::date
    and min_bill_minor <= d.paid_minor
    and weekdays & (1 << (extract(isodow from here)::integer - 1)) <> 0
    and (city is null or lower(city) = lower(town))
    and (daily_limit is null or daily_limit > times_given(m, o.id, shop_midnight(d.tz, p_at, 0)))
    order by 2 desc, id
    limit 1;
    if more > d.earned then
        d.earned := more;
        d.promotion_id := offer_id;
    end if;
    return d;
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
    return receipt_of(r, null, m.user_id, null, false, recovered_by(r));
end $$;
