-- The first part of a broadcast shows that it is welcome before the rest goes. Cut by zones, it was those of the first
-- 500 who were awake in one zone: often a handful, and everybody else waited for them. Now it is all who are awake.
set local lock_timeout = '5s';

alter table broadcasts add column proof integer not null default 1;

create or replace function cut_page(
    p_partner_id bigint, p_id bigint, p_size integer, p_zones text[], p_froms timestamptz[], p_untils timestamptz[],
    p_now timestamptz
) returns integer language plpgsql as $$
declare
    b broadcasts;
    ids bigint[];
    zones text[];
begin
    update broadcasts
    set last_id = coalesce(last_id, (select max(id) from users)),
        started_at = coalesce(started_at, p_now),
        state = 'cutting'
    where partner_id = p_partner_id and id = p_id and state in ('scheduled', 'cutting')
    returning * into b;
    if not found then
        return -1;
    end if;
    select array_agg(a.user_id), array_agg(a.zone) into ids, zones from next_page(b, p_size) a;
    if ids is null then
        return 0;
    end if;
    -- one part for all who sleep at the same hours
    with grouped as (
        select array_agg(a.id order by a.id) as people, coalesce(z.from_at, p_froms[1]) as from_at,
            coalesce(z.until, p_untils[1]) as until
        from unnest(ids, zones) a (id, zone)
        left join unnest(p_zones, p_froms, p_untils) z (zone, from_at, until) on z.zone = a.zone
        group by 2, 3
    ), made as (
        insert into broadcast_parts (partner_id, broadcast_id, n, user_ids, states, counts, run_at, until)
        select p_partner_id, p_id, b.parts + row_number() over (order by g.from_at, g.until), g.people,
            decode(repeat('00', cardinality(g.people)), 'hex'), array[cardinality(g.people), 0, 0, 0, 0, 0, 0],
            g.from_at, g.until
        from grouped g
        returning n, run_at
    )
    -- the cursor
    update broadcasts
    set cut_to = ids[cardinality(ids)],
        audience = audience + cardinality(ids),
        parts = parts + (select count(*) from made),
        proof = case when parts = 0 then (select count(*) from made where run_at = (select min(run_at) from made)) else proof end
    where partner_id = p_partner_id and id = p_id;
    return cardinality(ids);
end $$;

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
    and (b.proven or t.n <= greatest(b.proof, (
        select min(f.n) from broadcast_parts f
        where f.partner_id = p_partner_id and f.broadcast_id = p_id and f.finished_at is null
    )))
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
    elsif not b.proven and not exists (
        select from broadcast_parts
        where partner_id = p_partner_id and broadcast_id = p_id and n <= b.proof and finished_at is null
    ) then
        update broadcasts set proven = true where partner_id = p_partner_id and id = p_id;
        perform queue_parts(p_partner_id, p_id, p_rest_at);
        perform queue_progress(p_partner_id, p_id);
    end if;
    return 'running';
end $$;
