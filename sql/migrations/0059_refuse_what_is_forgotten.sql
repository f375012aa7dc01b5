-- A broadcast whose parts are forgotten cannot be sent again: who its people were is not known any more.
set local lock_timeout = '5s';

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
    elsif p_wish = 'unknown' and b.state = 'done' and b.sums is null then
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
