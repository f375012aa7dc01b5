-- The menu of a shop, by version, and what its people published in the export.
set local lock_timeout = '5s';

create table menus (
    partner_id bigint not null references partners (id),
    version integer not null check (version >= 1),
    created_by bigint not null references users (id),
    created_at timestamptz not null default clock_timestamp(),
    primary key (partner_id, version)
);

create table menu_items (
    partner_id bigint not null,
    version integer not null,
    place integer not null check (place between 1 and 1000),
    code text not null check (length(code) between 1 and 20),
    category text not null check (length(category) <= 40),
    title text not null check (length(title) between 1 and 64),
    description text not null check (length(description) <= 300),
    -- part of the short form of the menu
    in_short boolean not null,
    available boolean not null,
    primary key (partner_id, version, code),
    unique (partner_id, version, place),
    foreign key (partner_id, version) references menus (partner_id, version) on delete cascade
);

create table menu_variants (
    partner_id bigint not null,
    version integer not null,
    code text not null,
    place integer not null check (place between 1 and 20),
    name text not null check (length(name) <= 40),
    kopecks bigint not null check (kopecks between 0 and 1000000000),
    -- the price begins there
    at_least boolean not null,
    primary key (partner_id, version, code, place),
    unique (partner_id, version, code, name),
    foreign key (partner_id, version, code) references menu_items (partner_id, version, code) on delete cascade
);

alter table menus enable row level security, force row level security;
create policy tenant on menus to lotok_app using (sees(partner_id));
alter table menu_items enable row level security, force row level security;
create policy tenant on menu_items to lotok_app using (sees(partner_id));
alter table menu_variants enable row level security, force row level security;
create policy tenant on menu_variants to lotok_app using (sees(partner_id));
revoke update on menus, menu_items, menu_variants from lotok_app;

create trigger a_living before insert on menus for each row execute function refuse_erased('created_by');

-- A shop that is closed for good, as its owner was erased, has no menu.
create function forget_menus() returns trigger language plpgsql set role to lotok_app as $$
begin
    perform set_config('app.platform', 'on', true);
    delete from menus where partner_id in (select id from partners where owner_id = new.id);
    perform set_config('app.platform', '', true);
    return null;
end $$;

create trigger forget_menus after update of erased_at on users
    for each row when (old.erased_at is null and new.erased_at is not null) execute function forget_menus();

-- Returns what a person did for shops, within the scope of the caller.
-- Long: one document, in the order in which it is read.
create or replace function export_work(p_user_id bigint) returns jsonb language sql stable as $$
    select coalesce(jsonb_agg(jsonb_build_object(
        'shop', p.title, 'role', s.role, 'city', s.city, 'since', s.joined_at, 'until', s.removed_at,
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
