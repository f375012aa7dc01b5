-- What Redis holds of a conversation, for as long as Redis is out of reach. Empty in normal operation.
create table conversations (
    bot text not null check (bot in ('studio', 'client', 'partner', 'admin')),
    tg_id bigint not null,
    -- as lib/telegram/fsm.py writes it; null while the first update is handled
    state text,
    turn_update bigint,
    turn_until timestamptz,
    saved_at timestamptz not null default clock_timestamp(),
    primary key (bot, tg_id),
    check ((turn_update is null) = (turn_until is null))
);

create index conversations_saved on conversations (saved_at);

create table handled_updates (
    bot text not null check (bot in ('studio', 'client', 'partner', 'admin')),
    update_id bigint not null,
    tg_id bigint not null,
    failures integer not null default 0 check (failures >= 0),
    done_at timestamptz,
    seen_at timestamptz not null default clock_timestamp(),
    primary key (bot, update_id)
);

create index handled_updates_person on handled_updates (tg_id);
create index handled_updates_seen on handled_updates (seen_at);

-- Takes the turn first and looks for the mark second: who waited for the row sees what the other has finished.
create function begin_turn(p_bot text, p_tg_id bigint, p_update_id bigint, p_turn interval)
returns table (done boolean, taken boolean, state text) language plpgsql as $$
begin
    insert into conversations as c (bot, tg_id, turn_update, turn_until)
    values (p_bot, p_tg_id, p_update_id, clock_timestamp() + p_turn)
    on conflict (bot, tg_id) do update
    set turn_update = excluded.turn_update,
        turn_until = excluded.turn_until
    where c.turn_until is null
    or c.turn_until <= clock_timestamp()
    returning case when c.saved_at > clock_timestamp() - interval '1 hour' then c.state end into state;
    taken := found;
    done := exists (
        select
        from handled_updates h
        where h.bot = p_bot
        and h.update_id = p_update_id
        and h.done_at is not null
    );
    if done and taken then
        update conversations c
        set turn_update = null,
            turn_until = null
        where c.bot = p_bot
        and c.tg_id = p_tg_id;
    end if;
    return next;
end $$;

-- Saves, marks and lets go; false when the turn is no longer the caller's. A turn that was taken in Redis names the
-- time it was taken at: it may save when nobody holds a turn here and nothing was saved here since.
create function end_turn(p_bot text, p_tg_id bigint, p_update_id bigint, p_state text, p_taken_in_redis_at timestamptz)
returns boolean language plpgsql as $$
begin
    if p_taken_in_redis_at is null then
        update conversations c
        set state = p_state,
            turn_update = null,
            turn_until = null,
            saved_at = clock_timestamp()
        where c.bot = p_bot
        and c.tg_id = p_tg_id
        and c.turn_update = p_update_id
        and c.turn_until > clock_timestamp();
    else
        insert into conversations as c (bot, tg_id, state)
        values (p_bot, p_tg_id, p_state)
        on conflict (bot, tg_id) do update
        set state = excluded.state,
            turn_update = null,
            turn_until = null,
            saved_at = excluded.saved_at
        where (c.turn_until is null or c.turn_until <= clock_timestamp())
        and (c.state is null or c.saved_at <= p_taken_in_redis_at);
    end if;
    if not found then
        return false;
    end if;
    insert into handled_updates as h (bot, update_id, tg_id, done_at)
    values (p_bot, p_update_id, p_tg_id, clock_timestamp())
    on conflict (bot, update_id) do update
    set done_at = coalesce(h.done_at, excluded.done_at);
    -- what is too old to matter, a little at a time; who else is at it is not waited for
    delete from conversations
    where (bot, tg_id) in (
        select c.bot, c.tg_id
        from conversations c
        where c.saved_at < clock_timestamp() - interval '1 hour'
        and (c.turn_until is null or c.turn_until <= clock_timestamp())
        order by c.saved_at
        limit 100
        for update skip locked
    );
    delete from handled_updates
    where (bot, update_id) in (
        select h.bot, h.update_id
        from handled_updates h
        where h.seen_at < clock_timestamp() - interval '48 hours'
        order by h.seen_at
        limit 100
        for update skip locked
    );
    return true;
end $$;
