-- Erasing a person, showing a person what is kept of them, and forgetting what nobody needs.
--
-- After an erasure no name, number, Telegram id, message or reason of the person is left in any table; both ledgers stay
-- exact without them. It happens once; a job does what is left to do afterwards.

-- A message to one person is mostly about another. Nobody needs its words, or its photo, once they are said, or can no
-- longer be said.
create function forget_words() returns trigger language plpgsql as $$
begin
    new.args := new.args - '{fields,ways,more,file_id}'::text[];
    return new;
end $$;

create trigger forget_words before insert on job_history
    for each row when (new.task in ('tell', 'relay')) execute function forget_words();

-- Rows that never change may lose one thing: who was erased, with what was written about them.
create function keep_but_names() returns trigger language plpgsql as $$
begin
    if tg_table_name = 'point_txns' then
        if new.idem_key in (old.idem_key, 'erased:' || old.id) and new.reason in (old.reason, '')
            and to_jsonb(new) - '{idem_key,reason}'::text[] = to_jsonb(old) - '{idem_key,reason}'::text[]
        then
            return new;
        end if;
    elsif (new.actor = old.actor or new.actor ~ '^admin:erased-[0-9]+$') and new.reason in (old.reason, '—')
        and (new.before is not distinct from old.before or new.before = old.before - '{error,reason}'::text[])
        and to_jsonb(new) - '{actor,reason,before}'::text[] = to_jsonb(old) - '{actor,reason,before}'::text[]
    then
        return new;
    end if;
    raise exception using errcode = 'restrict_violation',
        message = format('%s of %s is not allowed: what it holds is kept', tg_op, tg_table_name);
end $$;

create trigger keep_operation before update on point_txns for each row execute function keep_but_names();
create trigger keep_deed before update on audit_log
    for each row execute function keep_but_names();

grant update (idem_key, reason) on point_txns to lotok_till;
grant update (before, after) on loyalty_trail to lotok_app;

-- Returns a person's cards at a shop, with those that have become part of one of them.
create function cards_of(p_partner_id bigint, p_user_id bigint) returns setof bigint language sql stable as $$
    with recursive own as (
        select id
        from members
        where partner_id = p_partner_id and user_id = p_user_id
        union
        select m.id
        from own
        join members m on m.partner_id = p_partner_id and m.merged_into = own.id
    )
    select id from own;
$$;

-- Cleans the words out of the ledger of points: keys that hold a Telegram id, and reasons that staff typed about a
-- client.
create function forget_operations(p_partner_id bigint, p_user_id bigint) returns void
language plpgsql security definer set search_path to public, pg_temp as $$
declare
    cards bigint[];
begin
    perform set_config('app.tenant', p_partner_id::text, true);
    cards := array(select cards_of(p_partner_id, p_user_id));
    update point_txns t
    set idem_key = case when t.actor_id = p_user_id then 'erased:' || t.id else t.idem_key end,
        reason = case when t.member_id = any(cards) then '' else t.reason end
    where t.partner_id = p_partner_id
    and (t.actor_id = p_user_id and t.idem_key <> 'erased:' || t.id or t.member_id = any(cards) and t.reason <> '')
    and is_erased(p_user_id);
    perform set_config('app.tenant', '', true);
end $$;

create function forget_operations(p_user_id bigint) returns void language plpgsql set role to lotok_app as $$
declare
    shop bigint;
begin
    perform set_config('app.platform', 'on', true);
    for shop in
        select partner_id from staff where user_id = p_user_id
        union
        select partner_id from members where user_id = p_user_id
    loop
        perform forget_operations(shop, p_user_id);
    end loop;
    perform set_config('app.platform', '', true);
end $$;

grant create on schema public to lotok_till;
alter function forget_operations(bigint, bigint) owner to lotok_till;
revoke create on schema public from lotok_till;

-- Deletes failed updates that hold a person: the Telegram id anywhere in them, the phone however it was typed, or the name
-- in what staff of their shops have sent or pressed.
create function forget_letters(p_user_id bigint, p_tg_id bigint) returns void
language plpgsql set role to lotok_app as $$
declare
    called text;
begin
    perform set_config('app.platform', 'on', true);
    select '(?<!\w)' || regexp_replace(trim(both '"' from to_jsonb(name)::text), '\W', '\\\&', 'g') || '(?!\w)'
    into called from clients where user_id = p_user_id;
    delete from dead_letters d
    where payload::text ~ ('\m' || p_tg_id || '\M')
    or error ~ ('\m' || p_tg_id || '\M')
    or regexp_replace(payload::text, '[^0-9"]+', '', 'g') like '%' || (
        select right(regexp_replace(phone, '\D', '', 'g'), 10) from clients where user_id = p_user_id
    ) || '%'
    or bot = 'partner' and payload::text || error ~* called and exists (
        select
        from jsonb_each(d.payload) part
        join users u on u.tg_id::text = part.value #>> '{from,id}'
        join staff s on s.user_id = u.id
        join members m on m.partner_id = s.partner_id
        where m.user_id = p_user_id
    );
    perform set_config('app.platform', '', true);
end $$;

-- Keeps what an administrator did and why, and removes who it was about.
create function forget_administrator(p_user_id bigint, p_tg_id bigint) returns void language sql as $$
    update audit_log set actor = 'admin:erased-' || p_user_id where actor = 'admin:' || p_tg_id;
    update bans set actor = 'admin:erased-' || p_user_id where actor = 'admin:' || p_tg_id;
    delete from muted_alerts where tg_id = p_tg_id;
$$;

-- Keeps what administrators did to a person, and removes what they wrote about them: why, and the id in the error of an
-- update that failed.
create function forget_reasons(p_user_id bigint, p_tg_id bigint) returns void language sql as $$
    update audit_log
    set reason = '—',
        before = before - '{reason}'::text[]
    where subject in (
        select 'user ' || p_user_id
        union
        select 'job ' || id from every_job where user_id = p_user_id
        union
        select 'job ' || job_id from credit_ledger where user_id = p_user_id and job_id is not null
        union
        select 'payment ' || id from payments where user_id = p_user_id
    )
    and actor <> 'telegram'
    and (reason <> '—' or before ? 'reason');
    update audit_log
    set before = before - '{error}'::text[]
    where subject like 'letter %'
    and before ->> 'error' ~ ('\m' || p_tg_id || '\M');
$$;

-- An erasure does not remove debts for Stars that went back, debts to shops, and blocks by shops. They are kept under the
-- Telegram id and not under the phone, which is somebody else's one day. Whose a card was is kept for 30 days after a
-- purchase: goods may still come back, and what cannot be taken back then is owed by the person's next account. Whose an
-- account was is kept for a day: limits of a day go on counting. So does the limit of refunds for bad results, of 30 days.
create function remember_harm(p_user_id bigint, p_mark bytea) returns void language plpgsql set role to lotok_app as $$
declare
    term timestamptz := clock_timestamp() + interval '3 years';
begin
    if p_mark is null then
        return;
    end if;
    perform set_config('app.platform', 'on', true);
    -- what is had once is remembered with a mark that is new
    update users set mark = p_mark where id = p_user_id and mark is distinct from p_mark;
    perform set_config('app.platform', 'on', true);
    perform from members where user_id = p_user_id and left_at is null order by partner_id, id for no key update;
    perform keep_harm(p_mark, h.what, h.subject, h.until)
    from (
        select 'debt' as what, id as subject, term as until
        from payments
        where user_id = p_user_id and state = 'debt'
        union all
        select 'block', partner_id, term
        from members
        where user_id = p_user_id and left_at is null and blocked_at is not null
        union all
        select 'owed', id, term
        from members
        where user_id = p_user_id and left_at is null and owed > 0
        union all
        select 'account', p_user_id, clock_timestamp() + interval '1 day'
        union all
        select 'bad', job_id, refunded_at + interval '30 days'
        from complaints
        where user_id = p_user_id and refunded_at > clock_timestamp() - interval '30 days'
        union all
        select 'card', id, last_visit_at + interval '30 days'
        from members
        where user_id = p_user_id and left_at is null and last_visit_at > clock_timestamp() - interval '30 days'
    ) h;
    perform set_config('app.platform', '', true);
end $$;

-- Empties a person's finished orders; a key may hold the Telegram id. What a batch had earned stays: its refund is less
-- than its charge, and the audit knows why. Returns how many orders are still under way.
create function forget_orders(p_user_id bigint) returns bigint language plpgsql as $$
begin
    update job_history
    set args = '{}',
        checkpoint = jsonb_strip_nulls(jsonb_build_object('earned', checkpoint -> 'earned')),
        error = null,
        key = 'erased:' || id
    where user_id = p_user_id
    and task not in ('notice', 'erase')
    and key not like 'erased:%';
    update spent_keys
    set key = 'erased:' || job_id
    where job_id in (
        select l.job_id
        from credit_ledger l
        where l.user_id = p_user_id
    )
    and key not like 'erased:%';
    return (
        select count(*)
        from jobs
        where user_id = p_user_id
        and task not in ('notice', 'erase')
    );
end $$;

-- Orders that nobody has begun are cancelled and given back, those under way are told to stop.
create function stop_orders(p_user_id bigint) returns void language sql as $$
    update jobs
    set state = 'cancelled',
        finished_at = clock_timestamp()
    where user_id = p_user_id
    and state = 'queued';
    update jobs
    set cancel_asked_at = coalesce(cancel_asked_at, clock_timestamp()),
        run_at = case when state = 'waiting' then clock_timestamp() else run_at end
    where user_id = p_user_id
    and state in ('running', 'waiting');
$$;

-- Erases a person; see erase_user. A job is locked before its person, as by every other statement.
create function erase_account(p_user_id bigint, p_tg_id bigint, p_mark bytea, p_person_mark bytea) returns void
language plpgsql set lock_timeout to '200ms' as $$
begin
    perform from jobs where user_id = p_user_id order by id for update;
    perform from users where id = p_user_id and tg_id = p_tg_id for update;
    if not found then
        return;
    end if;
    perform remember_harm(p_user_id, p_person_mark);
    perform forget_letters(p_user_id, p_tg_id);
    perform forget_administrator(p_user_id, p_tg_id);
    perform forget_reasons(p_user_id, p_tg_id);
    update users
    set tg_id = -id,
        first_name = '',
        last_name = '',
        username = '',
        time_zone = default,
        consent_at = null,
        blocked_at = null,
        mark = null,
        phone_mark = null,
        erased_at = clock_timestamp()
    where id = p_user_id;
    perform spend_trial(p_user_id, p_mark);
    perform stop_orders(p_user_id);
    perform forget_orders(p_user_id);
    update conversations
    set state = null
    where tg_id = p_tg_id;
    delete from conversations where tg_id = p_tg_id and turn_update is null;
    delete from handled_updates where tg_id = p_tg_id;
    delete from chat_regions where tg_id = p_tg_id;
    insert into jobs (user_id, task, key, max_attempts)
    values (p_user_id, 'erase', 'erase:' || p_user_id, 20)
    on conflict (key) do nothing;
end $$;

-- An erasure and a merge have their people to themselves. Others hold a row of a person already, a card at the till say,
-- when they come to the person: so as not to wait in a circle, these two wait shorter than it takes Postgres to look for
-- one (deadlock_timeout, a second); then they let go of everything and begin again.

-- Erases once: a second call finds nobody. A job does the work that takes longer.
create function erase_user(p_user_id bigint, p_tg_id bigint, p_mark bytea, p_person_mark bytea) returns void language plpgsql as $$
begin
    for turn in 1 .. 50 loop
        begin
            perform erase_account(p_user_id, p_tg_id, p_mark, p_person_mark);
            return;
        exception when lock_not_available then
            if turn = 50 then
                raise;
            end if;
        end;
    end loop;
end $$;

-- One person with two Telegram accounts: all shops at once, and the number goes along. The caller has made sure that
-- both are theirs. Returns how many cards went over.
create function merge_people(p_from bigint, p_into bigint, p_now timestamptz) returns integer language plpgsql as $$
begin
    for turn in 1 .. 50 loop
        begin
            return merge_accounts(p_from, p_into, p_now);
        exception when lock_not_available then
            if turn = 50 then
                raise;
            end if;
        end;
    end loop;
end $$;

create function forget_client() returns trigger language plpgsql set role to lotok_app as $$
declare
    m members;
    at timestamptz := clock_timestamp();
begin
    perform set_config('app.platform', 'on', true);
    for m in select * from members where user_id = new.id and left_at is null order by partner_id, id loop
        perform leave_shop(m, at);
    end loop;
    delete from clients where user_id = new.id;
    delete from favourites where user_id = new.id;
    update loyalty_trail t
    set before = null, after = null
    from partners p
    where p.owner_id = new.id and t.partner_id = p.id;
    update loyalty_trail t
    set after = after - 'reason'
    from members x, cards_of(x.partner_id, x.user_id) card
    where x.user_id = new.id and t.partner_id = x.partner_id and t.subject = card::text and t.after ? 'reason'
    and t.action like 'member.%';
    update loyalty_trail
    set after = after - 'reason'
    where subject = 'user ' || new.id and action like 'phone.%' and after ? 'reason';
    delete from member_tags where partner_id in (select id from partners where owner_id = new.id);
    update services set about = '', photo = '' where partner_id in (select id from partners where owner_id = new.id);
    update promotions set about = '', photo = '' where partner_id in (select id from partners where owner_id = new.id);
    update partners
    set status = 'blocked', reason = 'owner_erased', contact = '', about = '', address = '', photo = ''
    where owner_id = new.id;
    update staff set removed_at = at where user_id = new.id and removed_at is null;
    perform set_config('app.platform', '', true);
    return null;
end $$;

create trigger forget_client after update of erased_at on users
    for each row when (old.erased_at is null and new.erased_at is not null) execute function forget_client();

-- Returns what a person did for shops, within the scope of the caller.
-- Long: one document, in the order in which it is read.
create function export_work(p_user_id bigint) returns jsonb language sql stable as $$
    select coalesce(jsonb_agg(jsonb_build_object(
        'shop', p.title, 'role', s.role, 'city', s.city, 'since', s.joined_at, 'until', s.removed_at,
        'digests', s.digests,
        'operations', (
            select coalesce(jsonb_agg(jsonb_build_object('kind', t.kind, 'points', t.points, 'bill_minor', t.bill_minor,
                'reason', t.reason, 'at', t.created_at) order by t.id), '[]')
            from point_txns t
            where t.partner_id = s.partner_id and t.actor_id = p_user_id
        ), 'vouchers', (
            select coalesce(jsonb_agg(jsonb_build_object('handed_out_at', v.used_at) order by v.used_at), '[]')
            from vouchers v
            where v.partner_id = s.partner_id and v.used_by = p_user_id
        ), 'messages', (
            select coalesce(jsonb_agg(jsonb_build_object('words', g.words, 'at', g.created_at) order by g.id), '[]')
            from messages g
            where g.partner_id = s.partner_id and g.staff_id = p_user_id
        ), 'answers', (
            select coalesce(jsonb_agg(jsonb_build_object('words', l.words, 'at', l.created_at) order by l.id), '[]')
            from talk_lines l
            where l.partner_id = s.partner_id and l.staff_id = p_user_id
        ), 'invitations', (
            select coalesce(jsonb_agg(jsonb_build_object('role', i.role, 'at', i.created_at, 'used_at', i.used_at)
                order by i.created_at), '[]')
            from staff_invites i
            where i.partner_id = s.partner_id and i.created_by = p_user_id
        ), 'offers', (
            select coalesce(jsonb_agg(jsonb_build_object('title', o.title, 'about', o.about, 'at', o.created_at)
                order by o.created_at), '[]')
            from (
                select title, about, created_at from services
                where partner_id = s.partner_id and created_by = p_user_id
                union all
                select title, about, created_at from promotions
                where partner_id = s.partner_id and created_by = p_user_id
            ) o
        ), 'menus', (
            select coalesce(jsonb_agg(jsonb_build_object('version', n.version, 'at', n.created_at) order by n.version),
                '[]')
            from menus n
            where n.partner_id = s.partner_id and n.created_by = p_user_id
        ), 'requests', (
            select coalesce(jsonb_agg(jsonb_build_object('number', r.number, 'state', h.state, 'reason', h.reason, 'at',
                h.at) order by h.id), '[]')
            from request_moves h
            join requests r on r.partner_id = h.partner_id and r.id = h.request_id
            where h.partner_id = s.partner_id and h.actor_id = p_user_id and r.user_id <> p_user_id
        ), 'decisions', (
            select coalesce(jsonb_agg(jsonb_build_object('action', a.action, 'before', a.before, 'after', a.after, 'at',
                a.created_at) order by a.id), '[]')
            from loyalty_trail a
            where a.partner_id = s.partner_id and a.actor_id = p_user_id
        )) order by s.joined_at), '[]')
    from staff s
    join partners p on p.id = s.partner_id
    where s.user_id = p_user_id;
$$;

-- Returns everything that is kept of a person as a client, for that person to read.
-- Long: one document, in the order in which it is read.
create function export_client(p_user_id bigint) returns jsonb
language plpgsql set role to lotok_app as $$
declare
    found jsonb;
begin
    perform set_config('app.platform', 'on', true);
    found := jsonb_build_object(
        'client', (
            select to_jsonb(c) from clients c where c.user_id = p_user_id
        ),
        'cards', (
            select coalesce(jsonb_agg(jsonb_build_object('shop', p.title, 'card', m.card_no, 'joined_at', m.joined_at,
                'visits', m.visits, 'spent_minor', m.spent_minor, 'owed', m.owed, 'balances', (
                    select jsonb_object_agg(a.kind, a.balance)
                    from point_accounts a
                    where a.partner_id = m.partner_id and a.member_id = m.id
                ), 'operations', (
                    select coalesce(jsonb_agg(jsonb_build_object('kind', t.kind, 'points', t.points, 'bill_minor',
                        t.bill_minor, 'at', t.created_at) order by t.id), '[]')
                    from point_txns t
                    where t.partner_id = m.partner_id and t.member_id = m.id
                ), 'ratings', (
                    select coalesce(jsonb_agg(jsonb_build_object('score', r.score, 'words', r.words, 'at',
                        r.created_at)), '[]')
                    from ratings r
                    where r.partner_id = m.partner_id and r.member_id = m.id
                ), 'tags', (
                    select coalesce(jsonb_agg(g.tag order by g.tag), '[]')
                    from member_tags g
                    where g.partner_id = m.partner_id and g.member_id = m.id
                ), 'messages', (
                    select coalesce(jsonb_agg(jsonb_build_object('from_shop', g.staff_id is not null, 'words', g.words,
                        'at', g.created_at) order by g.id), '[]')
                    from messages g
                    where g.partner_id = m.partner_id and g.member_id = m.id
                )) order by m.id), '[]')
            from members m
            join partners p on p.id = m.partner_id
            where m.user_id = p_user_id and m.left_at is null
        ),
        'talks', (
            select coalesce(jsonb_agg(jsonb_build_object('shop', p.title, 'from', t.started_at, 'summary', t.summary,
                'lines', (
                    select coalesce(jsonb_agg(jsonb_build_object('by', l.role, 'words', l.words, 'at', l.created_at)
                        order by l.id), '[]')
                    from talk_lines l
                    where l.partner_id = t.partner_id and l.talk_id = t.id and l.words <> ''
                )) order by t.id), '[]')
            from talks t
            join partners p on p.id = t.partner_id
            where t.user_id = p_user_id
        ),
        'favourites', (
            select coalesce(jsonb_agg(p.title order by p.id), '[]')
            from favourites f
            join partners p on p.id = f.partner_id
            where f.user_id = p_user_id
        ),
        'requests', (
            select coalesce(jsonb_agg(jsonb_build_object('shop', p.title, 'number', r.number, 'state', r.state,
                'way', r.way, 'address', r.address, 'wanted', r.wanted, 'payment', r.payment, 'name', r.name,
                'phone', r.phone, 'comment', r.comment, 'total_minor', r.total_minor, 'at', r.placed_at, 'lines', (
                    select coalesce(jsonb_agg(jsonb_build_object('title', l.title, 'variant', l.variant, 'kopecks',
                        l.kopecks, 'quantity', l.quantity) order by l.place), '[]')
                    from request_lines l
                    where l.partner_id = r.partner_id and l.request_id = r.id
                ), 'states', (
                    select coalesce(jsonb_agg(jsonb_build_object('state', h.state, 'reason', h.reason, 'at', h.at)
                        order by h.id), '[]')
                    from request_moves h
                    where h.partner_id = r.partner_id and h.request_id = r.id
                )) order by r.id), '[]')
            from requests r
            join partners p on p.id = r.partner_id
            where r.user_id = p_user_id
        ),
        'works_at', (
            select coalesce(jsonb_agg(jsonb_build_object('shop', p.title, 'role', s.role) order by p.id), '[]')
            from staff s
            join partners p on p.id = s.partner_id
            where s.user_id = p_user_id and s.removed_at is null
        ),
        'news', (
            select coalesce(jsonb_agg(jsonb_build_object('shop', p.title, 'kind', n.kind, 'wants', n.wants, 'said_in',
                n.said_in, 'wording', n.wording, 'at', n.said_at) order by n.partner_id, n.kind), '[]')
            from news_choices n
            left join partners p on p.id = n.partner_id
            where n.user_id = p_user_id
        ),
        'pressed', (
            select coalesce(jsonb_agg(jsonb_build_object('shop', p.title, 'at', k.created_at) order by k.created_at), '[]')
            from broadcast_clicks k
            left join partners p on p.id = k.partner_id
            where k.user_id = p_user_id
        ),
        'broadcasts', (
            select coalesce(jsonb_agg(jsonb_build_object('shop', p.title, 'words', b.words, 'state', b.state, 'at',
                b.created_at) order by b.id), '[]')
            from broadcasts b
            left join partners p on p.id = b.partner_id
            where b.created_by = p_user_id
        ),
        'work', export_work(p_user_id)
    );
    perform set_config('app.platform', '', true);
    return found;
end $$;

-- Forgets old rows of conversations in an outage of Redis and of updates that failed. Returns how many.
create function forget_traces(p_now timestamptz) returns integer language plpgsql as $$
declare
    gone integer;
    number integer := 0;
begin
    delete from conversations where saved_at < p_now - interval '1 hour' and coalesce(turn_until <= p_now, true);
    get diagnostics gone = row_count;
    number := number + gone;
    delete from handled_updates where seen_at < p_now - interval '48 hours';
    get diagnostics gone = row_count;
    number := number + gone;
    delete from heard_events where heard_at < p_now - interval '30 days';
    get diagnostics gone = row_count;
    number := number + gone;
    delete from dead_letters where created_at < p_now - interval '90 days';
    get diagnostics gone = row_count;
    return number + gone;
end $$;
