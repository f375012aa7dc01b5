-- An item put into a draft twice is there once, and nothing is delivered by a shop that no longer delivers.
set local lock_timeout = '5s';

-- Puts so many of a variant into the client's draft, at the price of the newest menu: 0 takes the line out, null adds one
-- unless the draft has it already. Returns the draft.
create or replace function put_line(p_partner_id bigint, p_user_id bigint, p_code text, p_variant text, p_quantity integer)
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

-- Makes an order of a draft and returns it, with whether it was this call that did: a repetition finds it placed. A draft
-- that is not the one that was seen, or whose prices have changed since, stays a draft to be shown again.
-- Long: everything that an order has to pass stands in one place, in the order in which a client hears of it.
create or replace function place_request(p_partner_id bigint, p_user_id bigint, p_id bigint, p_edition integer)
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
