-- Of the first people of a broadcast some may fall asleep before it is their turn: everybody else waited for them until the
-- next morning.
set local lock_timeout = '5s';

-- After a part: stops a broadcast that many have answered by stopping the bot, or that Telegram takes from nobody; lets
-- the rest follow the first parts after a wait; ends it after the last, also when it was paused with the
-- last messages under way. Returns what has come of it.
create or replace function advance_broadcast(p_partner_id bigint, p_id bigint, p_rest_at timestamptz, p_now timestamptz)
returns text language plpgsql as $$
declare
    b broadcasts;
    s integer[];
    rest integer;
begin
    select * into b from broadcasts where partner_id = p_partner_id and id = p_id for update;
    select count(*) into rest from broadcast_parts
    where partner_id = p_partner_id and broadcast_id = p_id and finished_at is null;
    if b.state is distinct from 'running' and (b.state is distinct from 'paused' or rest > 0) then
        return b.state;
    end if;
    s := broadcast_sums(p_partner_id, p_id);
    if rest > 0 and s[3] + s[4] >= 50 and s[4] * 10000::bigint > (s[3] + s[4]) * b.most_blocked_bp::bigint then
        update broadcasts set state = 'paused', reason = 'blocks' where partner_id = p_partner_id and id = p_id;
        return 'blocks';
    elsif rest > 0 and s[5] > 20 and s[5] > s[3] then
        update broadcasts set state = 'paused', reason = 'refused' where partner_id = p_partner_id and id = p_id;
        return 'refused';
    elsif rest = 0 then
        update broadcasts set state = 'done', reason = '', finished_at = p_now where partner_id = p_partner_id and id = p_id;
        return 'done';
    elsif not b.proven and (
        -- who fell asleep meanwhile keeps nobody waiting until the morning
        select bool_and(finished_at is not null or until <= p_now) and bool_or(finished_at is not null)
        from broadcast_parts
        where partner_id = p_partner_id and broadcast_id = p_id and n <= b.proof
    ) then
        update broadcasts set proven = true where partner_id = p_partner_id and id = p_id;
        perform queue_parts(p_partner_id, p_id, p_rest_at);
        perform queue_progress(p_partner_id, p_id);
    end if;
    return 'running';
end $$;
