-- A card, a balance and a file show what is so now: points whose day is over are gone, and those that waited are there,
-- before the hourly job has come by. A card also says that the shop has suspended it.
set local lock_timeout = '5s';

-- What is shown of a client is what is so now: a date of theirs that has come is settled before it is read.
create function settle_one(p_partner_id bigint, p_member_id bigint, p_now timestamptz) returns void
language plpgsql security definer
    set plan_cache_mode to force_generic_plan set enable_seqscan to off set search_path to public, pg_temp as $$
declare
    at timestamptz := coalesce(p_now, clock_timestamp());
    m members;
begin
    perform set_config('app.tenant', p_partner_id::text, true);
    select * into m from members
    where partner_id = p_partner_id and id = p_member_id and due_at <= at
    for no key update skip locked;
    if found then
        perform settle_member(m, at);
    end if;
    perform set_config('app.tenant', '', true);
end $$;

grant create on schema public to lotok_till;
alter function settle_one owner to lotok_till;
revoke create on schema public from lotok_till;

-- contract: it is made again in this same transaction with one column more, and all who read it name their columns
drop function my_cards(bigint, timestamptz);
create function my_cards(p_user_id bigint, p_now timestamptz)
returns table (partner_id bigint, member_id bigint, card_no bigint, title text, city text, category text, status text,
    available bigint, pending bigint, minor_per_point integer, next_points bigint, next_at timestamptz,
    blocked boolean, favourite boolean, last_visit_at timestamptz)
language plpgsql set role to lotok_app set enable_seqscan to off as $$
#variable_conflict use_column
declare
    m members;
begin
    perform set_config('app.person', p_user_id::text, true);
    for m in
        select * from members where user_id = p_user_id and left_at is null
        order by last_visit_at desc nulls last, id desc limit 100
    loop
        perform settle_one(m.partner_id, m.id, p_now) where m.due_at <= p_now;
        perform set_config('app.tenant', m.partner_id::text, true);
        return query
        select p.id, m.id, m.card_no, p.title, p.city, p.category, p.status,
            a.available, a.pending, p.minor_per_point, e.points, e.at, m.blocked_at is not null,
            exists (select from favourites f where f.user_id = p_user_id and f.partner_id = p.id), m.last_visit_at
        from partners p
        left join lateral (
            select max(balance) filter (where kind = 'available') as available,
                max(balance) filter (where kind = 'pending') as pending
            from point_accounts x
            where x.partner_id = m.partner_id and x.member_id = m.id
        ) a on true
        left join lateral (
            select sum(l.remaining)::bigint as points, l.expires_at as at
            from point_lots l
            where l.partner_id = m.partner_id and l.member_id = m.id and l.is_open and l.expires_at > p_now
            group by l.expires_at
            order by l.expires_at
            limit 1
        ) e on true
        where p.id = m.partner_id;
    end loop;
    perform set_config('app.tenant', '', true);
    perform set_config('app.person', '', true);
end $$;
