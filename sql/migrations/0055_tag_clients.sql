-- Short tags on a shop's clients, by which a broadcast may be sent. A promotion that was taken back was not used. Drafts know
-- when they were worked on last, and old ones go.
set local lock_timeout = '5s';

create table member_tags (
    partner_id bigint not null,
    member_id bigint not null,
    tag text not null check (length(tag) between 1 and 20),
    primary key (partner_id, member_id, tag),
    foreign key (partner_id, member_id) references members (partner_id, id)
);

create index member_tags_tag on member_tags (partner_id, tag);

alter table member_tags enable row level security, force row level security;
create policy tenant on member_tags to lotok_app using (sees(partner_id));
create policy till on member_tags to lotok_till using (serves(partner_id));
create trigger a_living before insert on member_tags for each row execute function refuse_erased('member_id');
grant select, insert, delete on member_tags to lotok_till;

-- The tags of a card that became part of another go there, those of somebody who was erased go.
create function pass_tags() returns trigger language plpgsql as $$
begin
    insert into member_tags (partner_id, member_id, tag)
    select partner_id, new.merged_into, tag
    from member_tags
    where partner_id = new.partner_id and member_id = new.id and new.merged_into is not null
    on conflict do nothing;
    delete from member_tags where partner_id = new.partner_id and member_id = new.id;
    return null;
end $$;

create trigger pass_tags after update of left_at on members
    for each row when (old.left_at is null and new.left_at is not null) execute function pass_tags();

alter table broadcasts add column changed_at timestamptz;
create index broadcasts_unsent on broadcasts (id) where started_at is null and state in ('draft', 'cancelled');

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
    from members x
    where x.user_id = new.id and t.partner_id = x.partner_id and t.subject = x.id::text and t.after ? 'reason'
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

-- Returns everything that is kept of a person as a client, for that person to read.
-- Long: one document, in the order in which it is read.
create or replace function export_client(p_user_id bigint) returns jsonb
language plpgsql set role to lotok_app as $$
declare
    found jsonb;
begin
    perform set_config('app.platform', 'on', true);
    found := jsonb_build_object(
        'client', (
            select to_jsonb(c) from clients c where c.user_id = p_user_id
        ),
        'cards', (
            select coalesce(jsonb_agg(jsonb_build_object('shop', p.title, 'card', m.card_no, 'joined_at', m.joined_at,
                'visits', m.visits, 'spent_minor', m.spent_minor, 'owed', m.owed, 'balances', (
                    select jsonb_object_agg(a.kind, a.balance)
                    from point_accounts a
                    where a.partner_id = m.partner_id and a.member_id = m.id
                ), 'operations', (
                    select coalesce(jsonb_agg(jsonb_build_object('kind', t.kind, 'points', t.points, 'bill_minor',
                        t.bill_minor, 'at', t.created_at) order by t.id), '[]')
                    from point_txns t
                    where t.partner_id = m.partner_id and t.member_id = m.id
                ), 'ratings', (
                    select coalesce(jsonb_agg(jsonb_build_object('score', r.score, 'words', r.words, 'at',
                        r.created_at)), '[]')
                    from ratings r
                    where r.partner_id = m.partner_id and r.member_id = m.id
                ), 'tags', (
                    select coalesce(jsonb_agg(g.tag order by g.tag), '[]')
                    from member_tags g
                    where g.partner_id = m.partner_id and g.member_id = m.id
                ), 'messages', (
                    select coalesce(jsonb_agg(jsonb_build_object('from_shop', g.staff_id is not null, 'words', g.words,
                        'at', g.created_at) order by g.id), '[]')
                    from messages g
                    where g.partner_id = m.partner_id and g.member_id = m.id
                )) order by m.id), '[]')
            from members m
            join partners p on p.id = m.partner_id
            where m.user_id = p_user_id and m.left_at is null
        ),
        'talks', (
            select coalesce(jsonb_agg(jsonb_build_object('shop', p.title, 'from', t.started_at, 'summary', t.summary,
                'lines', (
                    select coalesce(jsonb_agg(jsonb_build_object('by', l.role, 'words', l.words, 'at', l.created_at)
                        order by l.id), '[]')
                    from talk_lines l
                    where l.partner_id = t.partner_id and l.talk_id = t.id and l.words <> ''
                )) order by t.id), '[]')
            from talks t
            join partners p on p.id = t.partner_id
            where t.user_id = p_user_id
        ),
        'favourites', (
            select coalesce(jsonb_agg(p.title order by p.id), '[]')
            from favourites f
            join partners p on p.id = f.partner_id
            where f.user_id = p_user_id
        ),
        'requests', (
            select coalesce(jsonb_agg(jsonb_build_object('shop', p.title, 'number', r.number, 'state', r.state,
                'way', r.way, 'address', r.address, 'wanted', r.wanted, 'payment', r.payment, 'name', r.name,
                'phone', r.phone, 'comment', r.comment, 'total_minor', r.total_minor, 'at', r.placed_at, 'lines', (
                    select coalesce(jsonb_agg(jsonb_build_object('title', l.title, 'variant', l.variant, 'kopecks',
                        l.kopecks, 'quantity', l.quantity) order by l.place), '[]')
                    from request_lines l
                    where l.partner_id = r.partner_id and l.request_id = r.id
                ), 'states', (
                    select coalesce(jsonb_agg(jsonb_build_object('state', h.state, 'reason', h.reason, 'at', h.at)
                        order by h.id), '[]')
                    from request_moves h
                    where h.partner_id = r.partner_id and h.request_id = r.id
                )) order by r.id), '[]')
            from requests r
            join partners p on p.id = r.partner_id
            where r.user_id = p_user_id
        ),
        'works_at', (
            select coalesce(jsonb_agg(jsonb_build_object('shop', p.title, 'role', s.role) order by p.id), '[]')
            from staff s
            join partners p on p.id = s.partner_id
            where s.user_id = p_user_id and s.removed_at is null
        ),
        'news', (
            select coalesce(jsonb_agg(jsonb_build_object('shop', p.title, 'kind', n.kind, 'wants', n.wants, 'said_in',
                n.said_in, 'wording', n.wording, 'at', n.said_at) order by n.partner_id, n.kind), '[]')
            from news_choices n
            left join partners p on p.id = n.partner_id
            where n.user_id = p_user_id
        ),
        'pressed', (
            select coalesce(jsonb_agg(jsonb_build_object('shop', p.title, 'at', k.created_at) order by k.created_at), '[]')
            from broadcast_clicks k
            left join partners p on p.id = k.partner_id
            where k.user_id = p_user_id
        ),
        'broadcasts', (
            select coalesce(jsonb_agg(jsonb_build_object('shop', p.title, 'words', b.words, 'state', b.state, 'at',
                b.created_at) order by b.id), '[]')
            from broadcasts b
            left join partners p on p.id = b.partner_id
            where b.created_by = p_user_id
        ),
        'work', export_work(p_user_id)
    );
    perform set_config('app.platform', '', true);
    return found;
end $$;

-- A shop's clients by a filter, in the order of their ids: who could be written to, and why not. `silent`: they have not
-- agreed, or no longer want it.
-- Long: each line is a filter.
create or replace function shop_audience(p_partner_id bigint, p_kind text, p_filter jsonb, p_after bigint, p_last bigint, p_now timestamptz)
returns table (user_id bigint, zone text, standing text) language sql stable as $$
    select m.user_id, u.time_zone, case
        when 'client' = any(u.stopped) then 'blocked'
        when not c.wants_news or not coalesce(n.wants, false) or not coalesce(k.wants, true) then 'silent'
        else 'ready'
    end
    from members m
    join users u on u.id = m.user_id and u.tg_id > 0
    join clients c on c.user_id = m.user_id
    left join news_choices n on n.partner_id = m.partner_id and n.user_id = m.user_id and n.kind = 'news'
    left join news_choices k on k.partner_id = m.partner_id and k.user_id = m.user_id and k.kind = p_kind
    where m.partner_id = p_partner_id
    and m.user_id > p_after
    and m.user_id <= p_last
    and m.left_at is null
    and m.blocked_at is null
    -- who they are
    and (p_filter ->> 'city' is null or lower(c.city) = lower(p_filter ->> 'city'))
    and (p_filter ->> 'away' is null
        or coalesce(m.last_visit_at, m.joined_at) < p_now - make_interval(days => (p_filter ->> 'away')::integer))
    and (p_filter ->> 'since' is null or m.last_visit_at >= (p_filter ->> 'since')::timestamptz)
    and (p_filter ->> 'seen' is null
        or m.last_visit_at >= p_now - make_interval(days => (p_filter ->> 'seen')::integer))
    and (p_filter ->> 'birthday' is null
        or c.birthday = any(birthdays_within((p_filter ->> 'birthday')::integer, p_now)))
    and (p_filter ->> 'tier' is null or (
        select t.id from tiers t
        where t.partner_id = m.partner_id and t.min_spent_minor <= m.spent_minor
        order by t.min_spent_minor desc limit 1
    ) = (p_filter ->> 'tier')::bigint)
    -- what they have done, and not taken back
    and (p_filter ->> 'unused' is null or not exists (
        select from point_txns t
        where t.partner_id = m.partner_id and t.member_id = m.id and t.promotion_id = (p_filter ->> 'unused')::bigint
        and not exists (select from point_txns r where r.partner_id = t.partner_id and r.reverses_id = t.id)
    ))
    and (p_filter ->> 'tag' is null or exists (
        select from member_tags g
        where g.partner_id = m.partner_id and g.member_id = m.id and g.tag = p_filter ->> 'tag'
    ))
    and (p_filter ->> 'group' is null or m.id in (
        select g.member_id from client_groups(p_partner_id, p_now) g where g.name = p_filter ->> 'group'
    ))
    order by m.user_id;
$$;
