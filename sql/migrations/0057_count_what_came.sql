-- Sent again on demand, a message of which nobody knew whether it came was kept back by itself: it counted as that day's.
set local lock_timeout = '5s';

-- What it is unknown of does not count as had by those people, or it would keep itself back.
create function uncount_unknown(b broadcasts) returns void language sql as $$
    with lost as (
        select c.user_id
        from broadcast_parts t
        cross join generate_series(0, cardinality(t.user_ids) - 1) i
        join clients c on c.user_id = t.user_ids[i + 1]
        where t.partner_id = b.partner_id and t.broadcast_id = b.id and t.counts[7] > 0 and get_byte(t.states, i) = 6
        order by c.user_id
        for no key update of c
    )
    update clients c
    set (news_at, news_from) = (
        select coalesce(array_agg(l.at order by l.n), '{}'), coalesce(array_agg(l.shop order by l.n), '{}')
        from unnest(c.news_at, c.news_from) with ordinality l (at, shop, n)
        where l.shop <> b.partner_id or l.at not between b.started_at and b.finished_at
    )
    from lost
    where c.user_id = lost.user_id;
$$;

create or replace function steer_broadcast(p_partner_id bigint, p_id bigint, p_wish text, p_reason text, p_now timestamptz)
returns void language plpgsql as $$
declare
    b broadcasts;
begin
    select * into b from broadcasts where partner_id = p_partner_id and id = p_id for update;
    if b.id is null then
        raise exception using errcode = 'LK404', message = 'no_broadcast', detail = p_id::text;
    elsif p_wish = 'pause' and b.state = 'running' then
        update broadcasts set state = 'paused', reason = p_reason where partner_id = p_partner_id and id = p_id;
    elsif p_wish = 'cancel' and b.finished_at is null then
        update broadcasts set state = 'cancelled', finished_at = p_now where partner_id = p_partner_id and id = p_id;
    elsif p_wish = 'resume' and b.state = 'paused' then
        update broadcasts
        set most_blocked_bp = case b.reason when 'blocks' then 10000 else most_blocked_bp end
        where partner_id = p_partner_id and id = p_id;
        perform queue_parts(p_partner_id, p_id, p_now);
        perform queue_progress(p_partner_id, p_id);
    elsif p_wish = 'unknown' and b.state = 'done' then
        perform uncount_unknown(b);
        update broadcast_parts t
        set states = decode(replace(regexp_replace(encode(t.states, 'hex'), '(..)', '\1 ', 'g'), '06 ', '00 '), 'hex'),
            counts = array[t.counts[7], 0, t.counts[3], t.counts[4], t.counts[5], t.counts[6], 0],
            place = 0, finished_at = null
        where t.partner_id = p_partner_id and t.broadcast_id = p_id and t.counts[7] > 0;
        update broadcasts set finished_at = null, state = 'running' where partner_id = p_partner_id and id = p_id;
        perform queue_parts(p_partner_id, p_id, p_now);
        perform queue_progress(p_partner_id, p_id);
    else
        raise exception using errcode = 'LK409', message = 'broadcast_state', detail = b.state;
    end if;
end $$;
