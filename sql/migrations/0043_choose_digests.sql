-- What a manager is sent of a shop's figures is theirs to choose, and theirs to have handed out.
set local lock_timeout = '5s';

alter table staff add column digests text[] not null default '{week,month}' check (digests <@ '{day,week,month}');

-- Returns what a person did for shops, within the scope of the caller.
-- Long: one document, in the order in which it is read.
create or replace function export_work(p_user_id bigint) returns jsonb language sql stable as $$
    select coalesce(jsonb_agg(jsonb_build_object(
        'shop', p.title, 'role', s.role, 'city', s.city, 'since', s.joined_at, 'until', s.removed_at,
        'digests', s.digests,
        'operations', (
            select coalesce(jsonb_agg(jsonb_build_object('kind', t.kind, 'points', t.points, 'bill_minor', t.bill_minor,
                'reason', t.reason, 'at', t.created_at) order by t.id), '[]')
            from point_txns t
            where t.partner_id = s.partner_id and t.actor_id = p_user_id
        ), 'vouchers', (
            select coalesce(jsonb_agg(jsonb_build_object('handed_out_at', v.used_at) order by v.used_at), '[]')
            from vouchers v
            where v.partner_id = s.partner_id and v.used_by = p_user_id
        ), 'messages', (
            select coalesce(jsonb_agg(jsonb_build_object('words', g.words, 'at', g.created_at) order by g.id), '[]')
            from messages g
            where g.partner_id = s.partner_id and g.staff_id = p_user_id
        ), 'answers', (
            select coalesce(jsonb_agg(jsonb_build_object('words', l.words, 'at', l.created_at) order by l.id), '[]')
            from talk_lines l
            where l.partner_id = s.partner_id and l.staff_id = p_user_id
        ), 'invitations', (
            select coalesce(jsonb_agg(jsonb_build_object('role', i.role, 'at', i.created_at, 'used_at', i.used_at)
                order by i.created_at), '[]')
            from staff_invites i
            where i.partner_id = s.partner_id and i.created_by = p_user_id
        ), 'offers', (
            select coalesce(jsonb_agg(jsonb_build_object('title', o.title, 'about', o.about, 'at', o.created_at)
                order by o.created_at), '[]')
            from (
                select title, about, created_at from services
                where partner_id = s.partner_id and created_by = p_user_id
                union all
                select title, about, created_at from promotions
                where partner_id = s.partner_id and created_by = p_user_id
            ) o
        ), 'menus', (
            select coalesce(jsonb_agg(jsonb_build_object('version', n.version, 'at', n.created_at) order by n.version),
                '[]')
            from menus n
            where n.partner_id = s.partner_id and n.created_by = p_user_id
        ), 'requests', (
            select coalesce(jsonb_agg(jsonb_build_object('number', r.number, 'state', h.state, 'reason', h.reason, 'at',
                h.at) order by h.id), '[]')
            from request_moves h
            join requests r on r.partner_id = h.partner_id and r.id = h.request_id
            where h.partner_id = s.partner_id and h.actor_id = p_user_id and r.user_id <> p_user_id
        ), 'decisions', (
            select coalesce(jsonb_agg(jsonb_build_object('action', a.action, 'before', a.before, 'after', a.after, 'at',
                a.created_at) order by a.id), '[]')
            from loyalty_trail a
            where a.partner_id = s.partner_id and a.actor_id = p_user_id
        )) order by s.joined_at), '[]')
    from staff s
    join partners p on p.id = s.partner_id
    where s.user_id = p_user_id;
$$;
