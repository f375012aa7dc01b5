-- The next people of a part are begun while the last answers of those before are still awaited: a turn told of them leaves
-- them begun. An outcome noted twice, as the answer of the statement got lost, took somebody's other message off the count.
set local lock_timeout = '5s';

-- One turn of a part: notes what became of the last people, and writes down whom the worker is about to write to.
--
-- Only the holder of the part may; somebody else has it by now otherwise. `people` is a list of [place, Telegram id,
-- language]; it is empty when the broadcast does not run, or when nobody is left. A code of 1 says that a person's message
-- is still under way, and then the worker keeps its part, whatever has become of the broadcast.
-- Long: the steps of one round trip.
create or replace function turn_part(
    p_partner_id bigint, p_id bigint, p_n integer, p_token uuid, p_places integer[], p_codes integer[], p_take integer,
    p_now timestamptz, out state text, out left_over integer, out people jsonb
) language plpgsql as $$
declare
    b broadcasts;
    p broadcast_parts;
    code integer;
    ids bigint[] := '{}';
    places integer[] := '{}';
    back bigint[] := '{}';
    lost bytea;
    was integer;
begin
    select * into p from broadcast_parts
    where partner_id = p_partner_id and broadcast_id = p_id and n = p_n and holder = p_token for update;
    if not found then
        raise exception using errcode = 'LK409', message = 'lease_lost', detail = format('part %s of %s', p_n, p_id);
    end if;
    select * into b from broadcasts where partner_id = p_partner_id and id = p_id;
    people := '[]';
    lost := p.states;
    -- note what became of the last ones
    for i in 1 .. cardinality(p_places) loop
        was := get_byte(p.states, p_places[i]);
        lost := set_byte(lost, p_places[i], 0);
        p.states := set_byte(p.states, p_places[i], p_codes[i]);
        p.counts[was + 1] := p.counts[was + 1] - 1;
        p.counts[p_codes[i] + 1] := p.counts[p_codes[i] + 1] + 1;
        if p_codes[i] = 0 and was = 1 then
            p.place := least(p.place, p_places[i]);
            back := back || p.user_ids[p_places[i] + 1];
        elsif p_codes[i] = 3 then
            ids := ids || p.user_ids[p_places[i] + 1];
        end if;
    end loop;
    -- whom a turn began whose answer this worker never got, nobody has written to
    loop
        was := position('\x01'::bytea in lost) - 1;
        exit when was < 0;
        lost := set_byte(lost, was, 0);
        p.states := set_byte(p.states, was, 0);
        p.counts[2] := p.counts[2] - 1;
        p.counts[1] := p.counts[1] + 1;
        p.place := least(p.place, was);
        back := back || p.user_ids[was + 1];
    end loop;
    update users set stopped = stopped || b.bot where id = any(ids) and erased_at is null and not b.bot = any(stopped);
    if b.kind <> 'notice' and cardinality(back) > 0 then
        -- what was not sent does not count as had
        update clients set news_at = news_at[2:], news_from = news_from[2:] where user_id = any(back);
    end if;
    -- choose the next ones
    ids := '{}';
    while b.state = 'running' and cardinality(places) < p_take and p.place < cardinality(p.user_ids) loop
        if get_byte(p.states, p.place) = 0 then
            places := places || p.place;
            ids := ids || p.user_ids[p.place + 1];
        end if;
        p.place := p.place + 1;
    end loop;
    if b.kind <> 'notice' and cardinality(ids) > 0 then
        -- two broadcasts that reach the same people count them one after the other
        perform from clients where user_id = any(ids) order by user_id for no key update;
    end if;
    for i in 1 .. cardinality(places) loop
        code := why_not(b, ids[i], p_now);
        p.states := set_byte(p.states, places[i], case code when 0 then 1 else code end);
        p.counts[1] := p.counts[1] - 1;
        p.counts[case code when 0 then 2 else code + 1 end] := p.counts[case code when 0 then 2 else code + 1 end] + 1;
        if code = 0 then
            people := people || (
                select jsonb_build_array(jsonb_build_array(places[i], u.tg_id, u.language)) from users u where u.id = ids[i]
            );
        else
            ids[i] := null;
        end if;
    end loop;
    if b.kind <> 'notice' then
        update clients c
        set news_at = (p_now || c.news_at)[1:3], news_from = (b.partner_id || c.news_from)[1:3]
        where c.user_id = any(ids);
    end if;
    left_over := p.counts[1] + p.counts[2];
    state := b.state;
    update broadcast_parts t
    set states = p.states, counts = p.counts, place = p.place,
        finished_at = case when left_over = 0 then p_now end,
        holder = case when left_over > 0 and b.state = 'running' or p.counts[2] > 0 then t.holder end
    where t.partner_id = p_partner_id and t.broadcast_id = p_id and t.n = p_n;
end $$;
