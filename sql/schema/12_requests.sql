-- Requests: what clients order of a shop by its menu, from a draft to the counter.
--
-- A request begins as a draft, one for each client and shop, and `place_request` alone makes an order of it: once, at the
-- prices of the newest menu, if the client has seen them. Then its lines never change, and its state only goes forward.

-- What a shop takes requests by, and the last number that it gave out. A shop without a row goes by the defaults.
create table request_terms (
    partner_id bigint primary key references partners (id),
    is_on boolean not null default true,
    delivers boolean not null default false,
    -- kopecks; a request for less is not taken
    least_minor bigint not null default 0 check (least_minor between 0 and 100000000),
    -- what a client reads before they send one: where the shop delivers to, and when
    note text not null default '' check (length(note) <= 300),
    last_number integer not null default 0 check (last_number >= 0)
);

-- Answers: null while the question is open, '' when the client left it empty.
create table requests (
    partner_id bigint not null references partners (id),
    id bigint generated always as identity,
    user_id bigint not null references users (id),
    state text not null default 'draft'
        check (state in ('draft', 'new', 'accepted', 'ready', 'on_the_way', 'done', 'cancelled')),
    -- counts up with each change of a draft, so that only what was shown is sent
    edition integer not null default 1,
    way text check (way in ('pickup', 'delivery')),
    address text check (length(address) <= 160),
    wanted text check (length(wanted) <= 60),
    payment text check (payment in ('cash', 'card', 'transfer')),
    name text check (length(name) <= 80),
    phone text check (length(phone) <= 20),
    comment text check (length(comment) <= 300),
    -- the rest is known once it is placed; the number counts within the shop
    number integer,
    total_minor bigint check (total_minor >= 0),
    changed_at timestamptz not null default clock_timestamp(),
    placed_at timestamptz,
    primary key (partner_id, id),
    check ((state = 'draft') = (number is null)),
    check ((state = 'draft') = (placed_at is null)),
    check ((state = 'draft') = (total_minor is null))
);

create unique index requests_draft on requests (partner_id, user_id) where state = 'draft';
create unique index requests_number on requests (partner_id, number) where number is not null;
create index requests_state on requests (partner_id, state, number);
create index requests_user on requests (user_id, id);
create index requests_drafts on requests (changed_at) where state = 'draft';
create index requests_words on requests (placed_at) where phone <> '';

create table request_lines (
    partner_id bigint not null,
    request_id bigint not null,
    place integer not null check (place between 1 and 1000),
    code text not null,
    title text not null,
    variant text not null,
    kopecks bigint not null check (kopecks between 0 and 1000000000),
    -- the price begins there
    at_least boolean not null,
    quantity integer not null check (quantity between 1 and 99),
    -- what a draft's line cost before the menu changed, and that it can no longer be had
    was_kopecks bigint,
    gone boolean not null default false,
    primary key (partner_id, request_id, place),
    unique (partner_id, request_id, code, variant),
    foreign key (partner_id, request_id) references requests (partner_id, id) on delete cascade
);

-- Who brought a request into which state; nobody when the program did.
create table request_moves (
    partner_id bigint not null,
    request_id bigint not null,
    id bigint generated always as identity,
    state text not null,
    actor_id bigint references users (id),
    reason text not null default '' check (length(reason) <= 200),
    at timestamptz not null default clock_timestamp(),
    primary key (partner_id, id),
    foreign key (partner_id, request_id) references requests (partner_id, id)
);

create index request_moves_request on request_moves (partner_id, request_id, id);
create index request_moves_actor on request_moves (actor_id, id) where actor_id is not null;

alter table request_terms enable row level security, force row level security;
create policy tenant on request_terms to lotok_app using (sees(partner_id));
alter table requests enable row level security, force row level security;
create policy own on requests for select to lotok_app using (user_id = (select person()));
create policy tenant on requests to lotok_app using (sees(partner_id));
alter table request_lines enable row level security, force row level security;
create policy tenant on request_lines to lotok_app using (sees(partner_id));
alter table request_moves enable row level security, force row level security;
create policy tenant on request_moves to lotok_app using (sees(partner_id));
revoke delete on request_terms, request_moves from lotok_app;

create trigger a_living before insert on requests for each row execute function refuse_erased('user_id');
create trigger a_living before insert on request_moves
    for each row when (new.actor_id is not null) execute function refuse_erased('actor_id');

-- new -> accepted -> ready -> done, by way of on_the_way when it is delivered; cancelled from wherever it is not over.
create function may_follow(p_from text, p_to text, p_way text) returns boolean
language sql immutable parallel safe as $$
    select case p_to
        when 'new' then p_from = 'draft'
        when 'accepted' then p_from = 'new'
        when 'ready' then p_from = 'accepted'
        when 'on_the_way' then p_from = 'ready' and p_way = 'delivery'
        when 'done' then p_from = 'ready' and p_way = 'pickup' or p_from = 'on_the_way'
        when 'cancelled' then p_from in ('new', 'accepted', 'ready', 'on_the_way')
        else false
    end;
$$;

create function keep_request() returns trigger language plpgsql as $$
begin
    if old.state <> 'draft' and (new.number, new.total_minor, new.placed_at, new.way)
            is distinct from (old.number, old.total_minor, old.placed_at, old.way)
        or new.state <> old.state and not may_follow(old.state, new.state, new.way)
    then
        raise exception using errcode = 'restrict_violation',
            message = format('a request does not go from %s to %s, and keeps what was sent', old.state, new.state);
    end if;
    return new;
end $$;

create trigger keep_request before update on requests for each row execute function keep_request();

create function keep_lines() returns trigger language plpgsql as $$
begin
    if exists (
        select from requests r
        where r.partner_id = coalesce(new.partner_id, old.partner_id)
        and r.id = coalesce(new.request_id, old.request_id)
        and r.state <> 'draft'
    ) then
        raise exception using errcode = 'restrict_violation', message = 'the lines of a request that was sent are kept';
    end if;
    return coalesce(new, old);
end $$;

create trigger keep_lines before insert or update or delete on request_lines
    for each row execute function keep_lines();

-- Refuses a client whose request the shop cannot take now: it is closed, takes none, or has blocked them.
create function admit_request(p_partner_id bigint, p_user_id bigint) returns void language plpgsql stable as $$
begin
    if not exists (select from partners where id = p_partner_id and status = 'approved') then
        raise exception using errcode = 'LK403', message = 'partner_not_approved';
    elsif exists (select from request_terms where partner_id = p_partner_id and not is_on) then
        raise exception using errcode = 'LK403', message = 'requests_off';
    elsif exists (
        select from members
        where partner_id = p_partner_id and user_id = p_user_id and left_at is null and blocked_at is not null
    ) then
        raise exception using errcode = 'LK403', message = 'member_blocked';
    end if;
end $$;

-- Returns the client's draft at a shop, a new one if need be. It begins with what is known of the client, and with the
-- only way that there is at a shop which does not deliver.
create function open_draft(p_partner_id bigint, p_user_id bigint) returns bigint language plpgsql as $$
declare
    found_id bigint;
begin
    perform admit_request(p_partner_id, p_user_id);
    insert into requests (partner_id, user_id, way, name, phone)
    select p_partner_id, p_user_id, case when coalesce(t.delivers, false) then null else 'pickup' end,
        coalesce(c.name, left(trim(u.first_name || ' ' || u.last_name), 80)), c.phone
    from users u
    left join clients c on c.user_id = u.id
    left join request_terms t on t.partner_id = p_partner_id
    where u.id = p_user_id
    on conflict (partner_id, user_id) where state = 'draft'
    do update set edition = requests.edition + 1, changed_at = clock_timestamp()
    returning id into found_id;
    return found_id;
end $$;

-- Brings the lines of a draft up to the newest menu: a price that changed keeps the one before it beside it, what can no
-- longer be had is marked. What the client was shown is then another edition.
create function freshen_draft(p_partner_id bigint, p_id bigint) returns void language plpgsql as $$
begin
    update request_lines l
    set kopecks = coalesce(n.kopecks, l.kopecks),
        at_least = coalesce(n.at_least, l.at_least),
        was_kopecks = case when n.kopecks <> l.kopecks then l.kopecks else l.was_kopecks end,
        gone = n.kopecks is null
    from request_lines o
    left join lateral (
        select v.kopecks, v.at_least
        from menu_items i
        join menu_variants v using (partner_id, version, code)
        where i.partner_id = o.partner_id
        and i.version = (select max(m.version) from menus m where m.partner_id = p_partner_id)
        and i.available
        and v.code = o.code
        and v.name = o.variant
    ) n on true
    where o.partner_id = p_partner_id
    and o.request_id = p_id
    and (l.partner_id, l.request_id, l.place) = (o.partner_id, o.request_id, o.place)
    and (l.kopecks, l.at_least, l.gone) is distinct from
        (coalesce(n.kopecks, l.kopecks), coalesce(n.at_least, l.at_least), n.kopecks is null);
    if found then
        update requests set edition = edition + 1 where partner_id = p_partner_id and id = p_id;
    end if;
end $$;

-- Puts so many of a variant into the client's draft, at the price of the newest menu: 0 takes the line out, null adds one
-- unless the draft has it already. Returns the draft.
create function put_line(p_partner_id bigint, p_user_id bigint, p_code text, p_variant text, p_quantity integer)
returns bigint language plpgsql as $$
declare
    draft bigint := open_draft(p_partner_id, p_user_id);
    next_place integer;
begin
    update request_lines set was_kopecks = null
    where partner_id = p_partner_id and request_id = draft and was_kopecks is not null;
    delete from request_lines
    where partner_id = p_partner_id and request_id = draft and code = p_code and variant = p_variant and p_quantity = 0;
    perform freshen_draft(p_partner_id, draft);
    if p_quantity = 0 then
        return draft;
    end if;
    select coalesce(max(place), 0) + 1 into next_place
    from request_lines
    where partner_id = p_partner_id and request_id = draft;
    insert into request_lines (partner_id, request_id, place, code, title, variant, kopecks, at_least, quantity)
    select i.partner_id, draft, next_place, i.code, i.title, v.name, v.kopecks, v.at_least, coalesce(p_quantity, 1)
    from menu_items i
    join menu_variants v using (partner_id, version, code)
    where i.partner_id = p_partner_id
    and i.version = (select max(m.version) from menus m where m.partner_id = p_partner_id)
    and i.code = p_code
    and v.name = p_variant
    and i.available
    on conflict (partner_id, request_id, code, variant) 
    do update set quantity = coalesce(p_quantity, request_lines.quantity);
    if not found then
        raise exception using errcode = 'LK409', message = 'sold_out', detail = p_code;
    elsif (select count(*) > 20 from request_lines where partner_id = p_partner_id and request_id = draft) then
        raise exception using errcode = 'LK409', message = 'too_many_lines', detail = '20';
    end if;
    return draft;
end $$;

-- Returns a request as a document: for its client, for the staff, and for the assistant. No row is null.
create function show_request(p_partner_id bigint, p_id bigint) returns jsonb language sql volatile as $$
    select to_jsonb(r) || jsonb_build_object(
        'shop', p.title, 'place', concat_ws(', ', nullif(p.city, ''), nullif(p.address, '')),
        'delivers', coalesce(t.delivers, false), 'least_minor', coalesce(t.least_minor, 0),
        'note', coalesce(t.note, ''),
        'lines', (
            select coalesce(jsonb_agg(to_jsonb(l) - '{partner_id,request_id}'::text[] order by l.place), '[]')
            from request_lines l
            where l.partner_id = r.partner_id and l.request_id = r.id
        ), 'moves', (
            select coalesce(jsonb_agg(jsonb_build_object('state', h.state, 'reason', h.reason, 'at', h.at,
                'by_client', coalesce(h.actor_id = r.user_id, false), 'actor', coalesce(u.first_name, ''))
                order by h.id), '[]')
            from request_moves h
            left join users u on u.id = h.actor_id
            where h.partner_id = r.partner_id and h.request_id = r.id
        ))
    from requests r
    join partners p on p.id = r.partner_id
    left join request_terms t on t.partner_id = r.partner_id
    where r.partner_id = p_partner_id
    and r.id = p_id;
$$;

-- Makes an order of a draft and returns it, with whether it was this call that did: a repetition finds it placed. A draft
-- that is not the one that was seen, or whose prices have changed since, stays a draft to be shown again.
-- Long: everything that an order has to pass stands in one place, in the order in which a client hears of it.
create function place_request(p_partner_id bigint, p_user_id bigint, p_id bigint, p_edition integer)
returns jsonb language plpgsql as $$
declare
    r requests;
    total bigint;
begin
    select * into r from requests where partner_id = p_partner_id and id = p_id and user_id = p_user_id for update;
    if not found then
        raise exception using errcode = 'LK404', message = 'no_request', detail = p_id::text;
    elsif r.state <> 'draft' then
        return show_request(p_partner_id, p_id) || '{"fresh": false}';
    end if;
    perform admit_request(p_partner_id, p_user_id);
    -- what is sent is what was seen
    perform freshen_draft(p_partner_id, p_id);
    select * into r from requests where partner_id = p_partner_id and id = p_id;
    if r.edition <> p_edition then
        return show_request(p_partner_id, p_id) || '{"fresh": false}';
    elsif r.way is null or r.way = 'delivery' and coalesce(r.address, '') = '' or coalesce(r.phone, '') = '' then
        raise exception using errcode = 'LK409', message = 'request_unfinished';
    elsif r.way = 'delivery' and not exists (select from request_terms where partner_id = p_partner_id and delivers) then
        raise exception using errcode = 'LK409', message = 'no_delivery';
    end if;
    -- what it costs
    delete from request_lines where partner_id = p_partner_id and request_id = p_id and gone;
    select sum(kopecks * quantity) into total from request_lines where partner_id = p_partner_id and request_id = p_id;
    if total is null then
        raise exception using errcode = 'LK409', message = 'request_empty';
    elsif total < (select least_minor from request_terms where partner_id = p_partner_id) then
        raise exception using errcode = 'LK409', message = 'below_least',
            detail = (select least_minor from request_terms where partner_id = p_partner_id)::text;
    elsif 3 <= (
        select count(*) from requests where partner_id = p_partner_id and user_id = p_user_id and state = 'new'
    ) then
        raise exception using errcode = 'LK409', message = 'too_many_requests';
    end if;
    -- the number; the shop's row also keeps two from having the same one
    insert into request_terms (partner_id, last_number) values (p_partner_id, 1)
    on conflict (partner_id) do update set last_number = request_terms.last_number + 1
    returning last_number into r.number;
    update requests
    set state = 'new', number = r.number, total_minor = total, wanted = coalesce(wanted, ''),
        address = case when way = 'delivery' then address else '' end,
        comment = coalesce(comment, ''), placed_at = clock_timestamp(), changed_at = clock_timestamp()
    where partner_id = p_partner_id and id = p_id;
    insert into request_moves (partner_id, request_id, state, actor_id) values (p_partner_id, p_id, 'new', p_user_id);
    return show_request(p_partner_id, p_id) || '{"fresh": true}';
end $$;

-- Brings a request into its next state, and returns it with whether it was this call that did. The staff move it; its
-- client may take it back until the shop has accepted it.
create function move_request(p_partner_id bigint, p_id bigint, p_actor_id bigint, p_to text, p_reason text)
returns jsonb language plpgsql as $$
declare
    r requests;
    works boolean := exists (
        select from staff where partner_id = p_partner_id and user_id = p_actor_id and removed_at is null
    );
begin
    select * into r from requests where partner_id = p_partner_id and id = p_id and state <> 'draft' for update;
    if not found or not works and r.user_id <> p_actor_id then
        raise exception using errcode = 'LK404', message = 'no_request', detail = p_id::text;
    elsif not may_follow(r.state, p_to, r.way) or not works and (r.state, p_to) <> ('new', 'cancelled') then
        return show_request(p_partner_id, p_id) || '{"fresh": false}';
    end if;
    update requests set state = p_to, changed_at = clock_timestamp() where partner_id = p_partner_id and id = p_id;
    insert into request_moves (partner_id, request_id, state, actor_id, reason)
    values (p_partner_id, p_id, p_to, p_actor_id, p_reason);
    return show_request(p_partner_id, p_id) || '{"fresh": true}';
end $$;

-- Cancels what is under way of a client, or at a shop that is closed for good; nobody did it.
create function cancel_requests(p_user_id bigint, p_owner_id bigint, p_reason text) returns void
language plpgsql as $$
begin
    with gone as (
        update requests r
        set state = 'cancelled', changed_at = clock_timestamp()
        where r.state in ('new', 'accepted', 'ready', 'on_the_way')
        and (r.user_id = p_user_id or r.partner_id in (select id from partners where owner_id = p_owner_id))
        returning r.partner_id, r.id
    )
    insert into request_moves (partner_id, request_id, state, reason)
    select partner_id, id, 'cancelled', p_reason from gone;
end $$;

-- After an erasure no request names the client, and nobody waits for one: theirs, or those at the shop that they owned.
create function forget_requests() returns trigger language plpgsql set role to lotok_app as $$
begin
    perform set_config('app.platform', 'on', true);
    delete from requests
    where state = 'draft'
    and (user_id = new.id or partner_id in (select id from partners where owner_id = new.id));
    perform cancel_requests(new.id, null, 'erased');
    perform cancel_requests(null, new.id, 'shop_gone');
    update requests set address = '', wanted = '', name = '', phone = '', comment = '' where user_id = new.id;
    update request_moves h
    set reason = ''
    from requests r
    where r.user_id = new.id
    and (h.partner_id, h.request_id) = (r.partner_id, r.id)
    and h.reason <> 'erased';
    perform set_config('app.platform', '', true);
    return null;
end $$;

create trigger forget_requests after update of erased_at on users
    for each row when (old.erased_at is null and new.erased_at is not null) execute function forget_requests();

-- Forgets drafts of last week, and after 90 days who a request was for and where it went. Returns how many.
create function forget_old_requests(p_now timestamptz) returns integer language plpgsql set role to lotok_app as $$
declare
    drafts integer;
    number integer;
begin
    perform set_config('app.platform', 'on', true);
    delete from requests where state = 'draft' and changed_at < p_now - interval '7 days';
    get diagnostics drafts = row_count;
    with late as (
        update requests
        set state = 'cancelled'
        where state in ('new', 'accepted', 'ready', 'on_the_way')
        and placed_at < p_now - interval '90 days'
        returning partner_id, id
    )
    insert into request_moves (partner_id, request_id, state, reason)
    select partner_id, id, 'cancelled', 'forgotten' from late;
    update requests
    set address = '', wanted = '', name = '', phone = '', comment = ''
    where phone <> ''
    and placed_at < p_now - interval '90 days';
    get diagnostics number = row_count;
    perform set_config('app.platform', '', true);
    return drafts + number;
end $$;

-- What a client has beside cards goes along when they move to another account: the shops they like and what they have
-- ordered, and what they have said to news. A draft stays behind.
create function pass_along(p_from bigint, p_into bigint) returns void language plpgsql as $$
begin
    insert into favourites (user_id, partner_id)
    select p_into, partner_id from favourites where user_id = p_from on conflict do nothing;
    delete from favourites where user_id = p_from;
    delete from requests where user_id = p_from and state = 'draft';
    update requests set user_id = p_into where user_id = p_from;
    perform merge_choices(p_from, p_into);
end $$;
