-- Broadcasts: one message to many people, from a shop to its clients or from the platform.
--
-- A broadcast is cut into parts of up to a thousand people. A part is one row and one job: the people, and a byte for
-- each that says what became of it. A statement a block of fifteen notes the outcomes that are known and who comes next.
--
-- draft -> (review) -> scheduled -> cutting -> running <-> paused;  running -> done;  all but done -> cancelled

-- The bots that this person has stopped. `blocked_at` says it of any of them.
alter table users add column stopped text[] not null default '{}';

-- The last advertisements that a client was sent, newest first, and by which shop (0: the platform).
alter table clients add column news_at timestamptz[] not null default '{}';
alter table clients add column news_from bigint[] not null default '{}';

create table broadcasts (
    -- 0: the platform's own
    partner_id bigint not null check (partner_id >= 0),
    id bigint generated always as identity,
    shop_id bigint generated always as (nullif(partner_id, 0)) stored references partners (id),
    created_by bigint not null references users (id),
    bot text not null default 'client' check (bot in ('client', 'partner', 'studio')),
    -- news and away advertise, so each person gets them once at the most; a notice comes at least once
    kind text not null default 'news' check (kind in ('news', 'away', 'notice')),
    state text not null default 'draft'
        check (state in ('draft', 'review', 'scheduled', 'cutting', 'running', 'paused', 'done', 'cancelled')),
    -- why it was refused, or why it paused by itself
    reason text not null default '' check (length(reason) <= 300),
    -- counts up with each change of what would be sent, so that a button confirms what it showed
    version integer not null default 1,
    words text not null default '' check (length(words) <= 3500),
    -- {"kind": "photo", "bot": "partner", "id": "..."}: a file of the bot that it was sent to
    file jsonb check (file ->> 'kind' in ('photo', 'video')),
    -- the same file as the sending bot knows it, once it has sent it
    file_id text not null default '' check (length(file_id) <= 300),
    -- [{"label": "...", "url": "https://..."}, {"label": "...", "promotion": 5}]
    buttons jsonb not null default '[]' check (jsonb_typeof(buttons) = 'array' and jsonb_array_length(buttons) <= 3),
    filter jsonb not null default '{}' check (jsonb_typeof(filter) = 'object'),
    advertiser text not null default '' check (length(advertiser) <= 120),
    erid text not null default '' check (erid ~ '^[A-Za-z0-9_-]{0,60}$'),
    -- when it begins; `by_clock`: at this hour in each person's own zone, which is counted from the shop's
    run_at timestamptz,
    by_clock boolean not null default false,
    -- frozen when it was cut: how many people, in how many parts, up to whom, out of whom there were
    audience integer not null default 0,
    parts integer not null default 0,
    cut_to bigint not null default 0,
    last_id bigint,
    -- counts up each time that the parts get jobs: one of an earlier round does nothing
    round integer not null default 0,
    -- whether the first part has ended well, so that the rest may go out
    proven boolean not null default false,
    -- hundredths of a percent of blocks at which it stops by itself
    most_blocked_bp integer not null default 300 check (most_blocked_bp between 0 and 10000),
    paid boolean not null default false,
    -- the message that shows how far it is, in the chat of who made it
    progress_id bigint,
    -- by outcome, once the parts are forgotten
    sums integer[],
    created_at timestamptz not null default clock_timestamp(),
    started_at timestamptz,
    finished_at timestamptz,
    -- when a draft was worked on last
    changed_at timestamptz,
    -- the first parts, which go out before the others: of the first people those who are awake first
    proof integer not null default 1,
    primary key (partner_id, id),
    check ((state in ('done', 'cancelled')) = (finished_at is not null))
);

create index broadcasts_list on broadcasts (partner_id, id desc);
create index broadcasts_state on broadcasts (state, id) where state in ('review', 'running', 'paused');
create index broadcasts_unsent on broadcasts (id) where started_at is null and state in ('draft', 'cancelled');
create index broadcasts_finished on broadcasts (finished_at) where finished_at is not null;

create table broadcast_parts (
    partner_id bigint not null,
    broadcast_id bigint not null,
    n integer not null,
    user_ids bigint[] not null,
    -- a byte for each: 0 waiting, 1 begun, 2 sent, 3 blocked, 4 refused, 5 skipped, 6 unknown
    states bytea not null,
    -- how many there are of each
    counts integer[] not null,
    -- nobody before this place is waiting
    place integer not null default 0,
    -- the hours in which these people may be written to
    run_at timestamptz not null,
    until timestamptz not null,
    -- the job and its lease that work on it
    job_id bigint,
    holder uuid,
    started_at timestamptz,
    finished_at timestamptz,
    primary key (partner_id, broadcast_id, n),
    foreign key (partner_id, broadcast_id) references broadcasts (partner_id, id) on delete cascade,
    check (length(states) = cardinality(user_ids))
) with (fillfactor = 50);

create table broadcast_clicks (
    partner_id bigint not null,
    broadcast_id bigint not null,
    user_id bigint not null references users (id),
    created_at timestamptz not null default clock_timestamp(),
    primary key (partner_id, broadcast_id, user_id),
    foreign key (partner_id, broadcast_id) references broadcasts (partner_id, id) on delete cascade
);

-- What a person has said to messages of a kind from a shop (0: from the platform): when, where, and to which words.
create table news_choices (
    partner_id bigint not null check (partner_id >= 0),
    user_id bigint not null references users (id),
    kind text not null check (kind in ('news', 'away', 'expiry', 'birthday', 'rating', 'cart')),
    wants boolean not null,
    said_in text not null check (length(said_in) <= 40),
    wording smallint not null default 1,
    said_at timestamptz not null default clock_timestamp(),
    primary key (partner_id, user_id, kind)
);

create index news_choices_user on news_choices (user_id);

-- Which reminders a shop sends, and in which words of its own ('': in ours).
create table reminders (
    partner_id bigint not null references partners (id),
    kind text not null check (kind in ('expiry', 'birthday', 'rating', 'away', 'cart')),
    is_on boolean not null,
    words text not null default '' check (length(words) <= 600),
    primary key (partner_id, kind)
);

alter table broadcasts enable row level security, force row level security;
create policy tenant on broadcasts to lotok_app using (sees(partner_id));
alter table broadcast_parts enable row level security, force row level security;
create policy tenant on broadcast_parts to lotok_app using (sees(partner_id));
alter table broadcast_clicks enable row level security, force row level security;
create policy tenant on broadcast_clicks to lotok_app using (sees(partner_id));
alter table news_choices enable row level security, force row level security;
create policy own on news_choices to lotok_app using (user_id = (select person()));
create policy tenant on news_choices to lotok_app using (sees(partner_id));
alter table reminders enable row level security, force row level security;
create policy tenant on reminders to lotok_app using (sees(partner_id));

create trigger a_living before insert on broadcasts for each row execute function refuse_erased('created_by');
create trigger a_living before insert on broadcast_clicks for each row execute function refuse_erased('user_id');
create trigger a_living before insert or update on news_choices for each row execute function refuse_erased('user_id');

-- What an erased person was sending stops, and all that their shop was; the words of a shop that is closed with its owner
-- go.
create function forget_reach() returns trigger language plpgsql set role to lotok_app as $$
declare
    scope text := coalesce(current_setting('app.platform', true), '');
begin
    perform set_config('app.platform', 'on', true);
    delete from news_choices where user_id = new.id;
    delete from broadcast_clicks where user_id = new.id;
    update broadcasts b
    set state = 'cancelled', finished_at = clock_timestamp()
    where (b.created_by = new.id or b.partner_id in (select id from partners where owner_id = new.id))
    and b.finished_at is null;
    update broadcasts b
    set words = '', file = null, file_id = '', buttons = '[]', advertiser = '', reason = ''
    from partners p
    where p.id = b.partner_id
    and p.owner_id = new.id;
    update reminders r
    set words = ''
    from partners p
    where p.id = r.partner_id
    and p.owner_id = new.id;
    perform set_config('app.platform', scope, true);
    return null;
end $$;

create trigger forget_reach after update of erased_at on users
    for each row when (old.erased_at is null and new.erased_at is not null) execute function forget_reach();

-- One person with two accounts: what either has said no to is a no.
create function merge_choices(p_from bigint, p_into bigint) returns void language sql as $$
    insert into news_choices as n (partner_id, user_id, kind, wants, said_in, wording, said_at)
    select partner_id, p_into, kind, wants, said_in, wording, said_at from news_choices where user_id = p_from
    on conflict (partner_id, user_id, kind) do update set wants = n.wants and excluded.wants;
    delete from news_choices where user_id = p_from;
$$;

-- The groups of a shop's clients: recency by each client's own rhythm, frequency and money by fifths of the shop.
create function client_groups(p_partner_id bigint, p_now timestamptz)
returns table (member_id bigint, spent_minor bigint, name text) language sql stable as $$
    with scored as (
        select m.id, m.visits, m.spent_minor,
            extract(epoch from p_now - m.last_visit_at) / greatest(
                7 * 86400, extract(epoch from m.last_visit_at - m.joined_at) / greatest(m.visits - 1, 1)) as gaps,
            ntile(5) over (order by m.visits, m.id) + ntile(5) over (order by m.spent_minor, m.id) as score
        from members m
        where m.partner_id = p_partner_id
        and m.left_at is null
        and m.visits > 0
        and m.last_visit_at > p_now - interval '180 days'
    )
    select s.id, s.spent_minor, case
        when s.gaps > 4 then 'lost'
        when s.gaps > 2 and s.score >= 8 then 'at_risk'
        when s.gaps > 2 then 'sleeping'
        when s.visits = 1 then 'new'
        when s.score >= 8 then 'champion'
        else 'loyal'
    end
    from scored s;
$$;

-- The days on which somebody's birthday falls within so many days from now, as they are kept.
create function birthdays_within(p_days integer, p_now timestamptz) returns text[] language sql stable as $$
    select array_agg(to_char(p_now + make_interval(days => d.n), 'MM-DD'))
    from generate_series(0, least(p_days, 365)) d (n);
$$;

-- A shop's clients by a filter, in the order of their ids: who could be written to, and why not. `silent`: they have not
-- agreed, or no longer want it.
-- Long: each line is a filter.
create function shop_audience(p_partner_id bigint, p_kind text, p_filter jsonb, p_after bigint, p_last bigint, p_now timestamptz)
returns table (user_id bigint, zone text, standing text) language sql stable as $$
    select m.user_id, u.time_zone, case
        when 'client' = any(u.stopped) then 'blocked'
        when not c.wants_news or not coalesce(n.wants, false) or not coalesce(k.wants, true) then 'silent'
        else 'ready'
    end
    from members m
    join users u on u.id = m.user_id and u.tg_id > 0
    join clients c on c.user_id = m.user_id
    left join news_choices n on n.partner_id = m.partner_id and n.user_id = m.user_id and n.kind = 'news'
    left join news_choices k on k.partner_id = m.partner_id and k.user_id = m.user_id and k.kind = p_kind
    where m.partner_id = p_partner_id
    and m.user_id > p_after
    and m.user_id <= p_last
    and m.left_at is null
    and m.blocked_at is null
    -- who they are
    and (p_filter ->> 'city' is null or lower(c.city) = lower(p_filter ->> 'city'))
    and (p_filter ->> 'away' is null
        or coalesce(m.last_visit_at, m.joined_at) < p_now - make_interval(days => (p_filter ->> 'away')::integer))
    and (p_filter ->> 'since' is null or m.last_visit_at >= (p_filter ->> 'since')::timestamptz)
    and (p_filter ->> 'seen' is null
        or m.last_visit_at >= p_now - make_interval(days => (p_filter ->> 'seen')::integer))
    and (p_filter ->> 'birthday' is null
        or c.birthday = any(birthdays_within((p_filter ->> 'birthday')::integer, p_now)))
    and (p_filter ->> 'tier' is null or (
        select t.id from tiers t
        where t.partner_id = m.partner_id and t.min_spent_minor <= m.spent_minor
        order by t.min_spent_minor desc limit 1
    ) = (p_filter ->> 'tier')::bigint)
    -- what they have done, and not taken back
    and (p_filter ->> 'unused' is null or not exists (
        select from point_txns t
        where t.partner_id = m.partner_id and t.member_id = m.id and t.promotion_id = (p_filter ->> 'unused')::bigint
        and not exists (select from point_txns r where r.partner_id = t.partner_id and r.reverses_id = t.id)
    ))
    and (p_filter ->> 'tag' is null or exists (
        select from member_tags g
        where g.partner_id = m.partner_id and g.member_id = m.id and g.tag = p_filter ->> 'tag'
    ))
    and (p_filter ->> 'group' is null or m.id in (
        select g.member_id from client_groups(p_partner_id, p_now) g where g.name = p_filter ->> 'group'
    ))
    order by m.user_id;
$$;

-- The platform's people by role, city and the category of a shop that they belong to. Their own choice counts for news.
-- Long: each line is a filter.
create function platform_audience(p_bot text, p_kind text, p_filter jsonb, p_after bigint, p_last bigint)
returns table (user_id bigint, zone text, standing text) language sql stable as $$
    select u.id, u.time_zone, case
        when p_bot = any(u.stopped) then 'blocked'
        when p_kind <> 'notice' and not coalesce(c.wants_news and n.wants, n.wants, false) then 'silent'
        else 'ready'
    end
    from users u
    left join clients c on c.user_id = u.id
    left join news_choices n on n.partner_id = 0 and n.user_id = u.id and n.kind = 'news'
    where u.id > p_after
    and u.id <= p_last
    and u.tg_id > 0
    and u.consent_at is not null
    and case p_bot
        when 'client' then c.user_id is not null and (p_filter ->> 'city' is null or lower(c.city) = lower(p_filter ->> 'city'))
            and (p_filter ->> 'category' is null or exists (
                select from members m join partners p on p.id = m.partner_id
                where m.user_id = u.id and m.left_at is null and p.category = p_filter ->> 'category'
            ))
        when 'partner' then exists (
            select from staff s join partners p on p.id = s.partner_id
            where s.user_id = u.id and s.removed_at is null and p.status = 'approved'
            and (p_filter ->> 'role' is null or s.role = p_filter ->> 'role')
            and (p_filter ->> 'city' is null or lower(p.city) = lower(p_filter ->> 'city'))
            and (p_filter ->> 'category' is null or p.category = p_filter ->> 'category')
        )
        else exists (select from credit_ledger l where l.user_id = u.id and l.kind = 'charge')
    end
    order by u.id;
$$;

-- How many people a broadcast would reach as it stands, and how many of the others there are.
create function count_audience(p_partner_id bigint, p_id bigint, p_now timestamptz)
returns table (standing text, people bigint) language plpgsql stable as $$
declare
    b broadcasts;
begin
    select * into b from broadcasts where partner_id = p_partner_id and id = p_id;
    if p_partner_id > 0 then
        return query select a.standing, count(*)
        from shop_audience(p_partner_id, b.kind, b.filter, 0, 9223372036854775807, p_now) a group by 1;
    else
        return query select a.standing, count(*)
        from platform_audience(b.bot, b.kind, b.filter, 0, 9223372036854775807) a group by 1;
    end if;
end $$;

-- The people of the next page: those after the cursor who can be written to, in the order of their ids.
create function next_page(b broadcasts, p_size integer) returns table (user_id bigint, zone text)
language plpgsql stable as $$
begin
    if b.partner_id > 0 then
        return query select a.user_id, a.zone
        from shop_audience(b.partner_id, b.kind, b.filter, b.cut_to, b.last_id, b.started_at) a
        where a.standing = 'ready' limit p_size;
    else
        return query select a.user_id, a.zone
        from platform_audience(b.bot, b.kind, b.filter, b.cut_to, b.last_id) a
        where a.standing = 'ready' limit p_size;
    end if;
end $$;

-- Cuts the next page of a broadcast into parts, one for all people who may be written to in the same hours, and moves
-- its cursor, in one statement: whenever it stops, it goes on from there. Who joins later has a greater id than the last
-- that was there at the start. Returns how many people the page had; fewer than a page: it is the last.
-- Long: the cursor, the parts and the counts move together.
create function cut_page(
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

-- Gives the parts that are not finished their jobs, as a new round: all of them, or the first ones alone until they have
-- shown that the broadcast is welcome. Without any left it is done. Returns the round.
create function queue_parts(p_partner_id bigint, p_id bigint, p_at timestamptz) returns integer language plpgsql as $$
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

-- Has a message of the broadcast show how far it is, from now on.
create function queue_progress(p_partner_id bigint, p_id bigint) returns void language sql as $$
    insert into jobs (user_id, task, key, args, max_attempts)
    select b.created_by, 'progress', format('progress:%s:%s', p_id, b.round),
        jsonb_build_object('partner', p_partner_id, 'broadcast', p_id, 'round', b.round), 20
    from broadcasts b
    where b.partner_id = p_partner_id and b.id = p_id and b.progress_id is not null
    on conflict (key) do nothing;
$$;

-- Takes a part for a job, or says why not: 'over' when it is finished or this round is, 'held' while another job that
-- lives works on it. What a dead worker had begun is unknown, or waits again where a second copy does no harm.
create function take_part(
    p_partner_id bigint, p_id bigint, p_n integer, p_round integer, p_job_id bigint, p_token uuid, p_now timestamptz
) returns text language plpgsql as $$
declare
    b broadcasts;
    p broadcast_parts;
    begun integer;
    again integer;
begin
    select * into b from broadcasts where partner_id = p_partner_id and id = p_id;
    select * into p from broadcast_parts
    where partner_id = p_partner_id and broadcast_id = p_id and n = p_n for update;
    if b.state is distinct from 'running' or b.round <> p_round or p.n is null or p_partner_id > 0 and not exists (
        select from partners s where s.id = p_partner_id and s.status = 'approved'
    ) then
        return 'over';
    elsif p.finished_at is not null then
        return 'done';
    elsif p.holder <> p_token and exists (
        select from jobs j
        where j.id = p.job_id and j.lease_token = p.holder and j.state = 'running' and j.leased_until > p_now
    ) then
        return 'held';
    end if;
    again := case b.kind when 'notice' then 0 else 6 end;
    loop
        begun := position('\x01'::bytea in p.states) - 1;
        exit when begun < 0;
        p.states := set_byte(p.states, begun, again);
        p.counts[2] := p.counts[2] - 1;
        p.counts[again + 1] := p.counts[again + 1] + 1;
        p.place := case again when 0 then least(p.place, begun) else p.place end;
    end loop;
    update broadcast_parts
    set states = p.states, counts = p.counts, place = p.place, job_id = p_job_id, holder = p_token,
        started_at = coalesce(started_at, p_now)
    where partner_id = p_partner_id and broadcast_id = p_id and n = p_n;
    return 'taken';
end $$;

-- Says why somebody is left out now, though they were in the audience when it was cut: 0 they are not, 3 the bot is
-- stopped, 5 they have left, have said no, or have had enough: one a day of a shop, three a week of all.
create function why_not(b broadcasts, p_user_id bigint, p_now timestamptz) returns integer language sql stable as $$
    select coalesce((
        select case
            when u.tg_id <= 0 then 5
            when b.bot = any(u.stopped) then 3
            when b.kind = 'notice' then 0
            when b.partner_id > 0 and not exists (
                select from members m
                where m.partner_id = b.partner_id and m.user_id = u.id and m.left_at is null and m.blocked_at is null
            ) then 5
            when not coalesce(c.wants_news, true) or exists (
                select from news_choices n
                where n.partner_id = b.partner_id and n.user_id = u.id and n.kind in ('news', b.kind) and not n.wants
            ) then 5
            when c.news_at[3] > p_now - interval '7 days' then 5
            when exists (
                select from unnest(c.news_at, c.news_from) l (at, shop)
                where l.shop = b.partner_id and l.at > p_now - interval '20 hours'
            ) then 5
            else 0
        end
        from users u
        left join clients c on c.user_id = u.id
        where u.id = p_user_id
    ), 5);
$$;

-- One turn of a part: notes what became of the last people, and writes down whom the worker is about to write to.
--
-- Only the holder of the part may; somebody else has it by now otherwise. `people` is a list of [place, Telegram id,
-- language]; it is empty when the broadcast does not run, or when nobody is left. A code of 1 says that a person's message
-- is still under way, and then the worker keeps its part, whatever has become of the broadcast.
-- Long: the steps of one round trip.
create function turn_part(
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

-- The sums of a broadcast by outcome: seven numbers, of its parts or, once they are forgotten, as they were.
create function broadcast_sums(p_partner_id bigint, p_id bigint) returns integer[] language sql stable as $$
    select coalesce((select b.sums from broadcasts b where b.partner_id = p_partner_id and b.id = p_id), (
        select array[sum(t.counts[1]), sum(t.counts[2]), sum(t.counts[3]), sum(t.counts[4]), sum(t.counts[5]),
            sum(t.counts[6]), sum(t.counts[7])]::integer[]
        from broadcast_parts t
        where t.partner_id = p_partner_id and t.broadcast_id = p_id
        having count(*) > 0
    ), array[0, 0, 0, 0, 0, 0, 0]);
$$;

-- Forgets the parts of broadcasts that ended 90 days ago and who pressed their buttons; the sums stay. Returns how many.
create function forget_parts(p_now timestamptz, p_limit integer) returns integer language plpgsql
set role to lotok_app as $$
declare
    old record;
    number integer := 0;
begin
    perform set_config('app.platform', 'on', true);
    for old in
        select partner_id, id from broadcasts
        where finished_at < p_now - interval '90 days' and sums is null
        order by partner_id, id limit p_limit
    loop
        update broadcasts set sums = broadcast_sums(partner_id, id) where partner_id = old.partner_id and id = old.id;
        delete from broadcast_parts where partner_id = old.partner_id and broadcast_id = old.id;
        delete from broadcast_clicks where partner_id = old.partner_id and broadcast_id = old.id;
        number := number + 1;
    end loop;
    perform set_config('app.platform', '', true);
    return number;
end $$;
