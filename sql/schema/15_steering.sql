-- Steering: when a broadcast begins, pauses, goes on and ends.
--
-- One that was stopped stays stopped, whatever was under way meanwhile: each step locks the broadcast's row and asks its
-- state. What stops it: its author or an administrator, too many blocks, the end of its author's right, the shop's end.

-- Has the parts of a broadcast sent when all are cut, once: one without any is done, one that was stopped meanwhile pauses.
create function begin_parts(p_partner_id bigint, p_id bigint, p_now timestamptz) returns void language plpgsql as $$
declare
    b broadcasts;
begin
    select * into b from broadcasts where partner_id = p_partner_id and id = p_id and state = 'cutting' for update;
    if b.id is null then
        return;
    elsif b.parts = 0 then
        update broadcasts set state = 'done', finished_at = p_now where partner_id = p_partner_id and id = p_id;
    elsif b.reason <> '' then
        update broadcasts set state = 'paused' where partner_id = p_partner_id and id = p_id;
    else
        perform queue_parts(p_partner_id, p_id, p_now);
        perform queue_progress(p_partner_id, p_id);
    end if;
end $$;

-- After a part: stops a broadcast that many have answered by stopping the bot, or that Telegram takes from nobody; lets
-- the rest follow the first parts after a wait; ends it after the last, also when it was paused with the
-- last messages under way. Returns what has come of it.
create function advance_broadcast(p_partner_id bigint, p_id bigint, p_rest_at timestamptz, p_now timestamptz)
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

-- Pauses a broadcast, cancels it, or has it go on; a state that does not allow it is refused. A worker sees it at its
-- next turn, half a second later at the most. Who resumes one that had stopped for its blocks means it. Once its parts are
-- forgotten, nobody is left to send it to again.
create function steer_broadcast(p_partner_id bigint, p_id bigint, p_wish text, p_reason text, p_now timestamptz)
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

-- A shop that an administrator blocks writes to nobody: its broadcast that is going out pauses at once, one that is being
-- cut when it is cut, and one that Telegram lets rest does not go on by itself.
create function rest_reach() returns trigger language plpgsql set role to lotok_app as $$
declare
    scope text := coalesce(current_setting('app.platform', true), '');
begin
    perform set_config('app.platform', 'on', true);
    update broadcasts
    set state = case state when 'running' then 'paused' else state end, reason = 'closed'
    where partner_id = new.id and (state in ('cutting', 'running') or state = 'paused' and reason = 'flood');
    perform set_config('app.platform', scope, true);
    return null;
end $$;

create trigger rest_reach after update of status on partners
    for each row when (old.status = 'approved' and new.status <> 'approved') execute function rest_reach();

-- A broadcast does not outlive the right of its maker: one that waits becomes a draft again, one that goes out pauses, one
-- that is being cut pauses when it is cut, and one that Telegram lets rest does not go on by itself.
create function rest_left() returns trigger language plpgsql set role to lotok_app as $$
declare
    scope text := coalesce(current_setting('app.platform', true), '');
begin
    perform set_config('app.platform', 'on', true);
    update broadcasts
    set state = case state when 'running' then 'paused' when 'cutting' then state when 'paused' then state else 'draft' end,
        reason = case when state in ('cutting', 'running', 'paused') then 'left' else '' end
    where partner_id = new.partner_id and created_by = new.user_id
    and (state in ('review', 'scheduled', 'cutting', 'running') or state = 'paused' and reason = 'flood');
    perform set_config('app.platform', scope, true);
    return null;
end $$;

create trigger rest_left after update of removed_at, role on staff
    for each row when (old.removed_at is null and (new.removed_at is not null or new.role = 'cashier' and old.role <> 'cashier'))
    execute function rest_left();
