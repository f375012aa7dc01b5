-- A broadcast that was paused while its last messages were under way is done once they have landed; one that goes on and has
-- nobody left is done, too. Until now it ran for ever.
set local lock_timeout = '5s';

create or replace function queue_parts(p_partner_id bigint, p_id bigint, p_at timestamptz) returns integer language plpgsql as $$
declare
    b broadcasts;
    rest boolean;
begin
    rest := exists (
        select from broadcast_parts where partner_id = p_partner_id and broadcast_id = p_id and finished_at is null
    );
    update broadcasts
    set state = case when rest then 'running' else 'done' end,
        finished_at = case when not rest then p_at end,
        round = round + 1, reason = ''
    where partner_id = p_partner_id and id = p_id
    returning * into b;
    insert into jobs (user_id, task, key, args, max_attempts, priority, run_at)
    select b.created_by, 'part_' || b.bot, format('part:%s:%s:%s', p_id, t.n, b.round),
        jsonb_build_object('partner', p_partner_id, 'broadcast', p_id, 'n', t.n, 'round', b.round), 50, -1,
        greatest(t.run_at, p_at)
    from broadcast_parts t
    where t.partner_id = p_partner_id
    and t.broadcast_id = p_id
    and t.finished_at is null
    and (b.proven or t.n = (
        select min(f.n) from broadcast_parts f
        where f.partner_id = p_partner_id and f.broadcast_id = p_id and f.finished_at is null
    ))
    order by t.n
    on conflict (key) do nothing;
    return b.round;
end $$;

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
    elsif not b.proven then
        update broadcasts set proven = true where partner_id = p_partner_id and id = p_id;
        perform queue_parts(p_partner_id, p_id, p_rest_at);
        perform queue_progress(p_partner_id, p_id);
    end if;
    return 'running';
end $$;

update broadcasts b
set state = 'done', reason = '', finished_at = clock_timestamp()
where b.state in ('running', 'paused')
and not exists (
    select from broadcast_parts t where t.partner_id = b.partner_id and t.broadcast_id = b.id and t.finished_at is null
);
