-- Every write in the name of a person asks the person's row first, and an account that was erased is refused, whatever a
-- conversation still believes. The row is locked against an erasure that is under way: it waits for the write, and sees
-- and removes what was written, or the write waits for it, and is refused.
create function must_live(p_user_id bigint) returns void language plpgsql security definer
set search_path = public, pg_temp as $$
begin
    perform from users where id = p_user_id and erased_at is null for key share;
    if not found and exists (select from users where id = p_user_id) then
        raise exception using errcode = 'LK410', message = 'erased', detail = format('user %s', p_user_id);
    end if;
end $$;

create function refuse_erased() returns trigger language plpgsql as $$
begin
    case tg_argv[0]
        when 'user_id' then perform must_live(new.user_id);
        when 'owner_id' then perform must_live(new.owner_id);
        when 'actor_id' then perform must_live(new.actor_id);
        when 'created_by' then perform must_live(new.created_by);
        when 'used_by' then perform must_live(new.used_by);
        when 'staff_id' then perform must_live(new.staff_id);
        when 'member_id' then
            perform must_live(m.user_id) from members m where m.partner_id = new.partner_id and m.id = new.member_id;
    end case;
    return new;
end $$;

create function refuse_erased_user() returns trigger language plpgsql as $$
begin
    raise exception using errcode = 'LK410', message = 'erased', detail = format('user %s', old.id);
end $$;

-- Named so that they come first of a table's triggers: a person is locked before their account and their cards.
create trigger a_living before update on users
    for each row when (old.erased_at is not null) execute function refuse_erased_user();
create trigger a_living before insert on jobs
    for each row when (new.user_id is not null and new.task <> 'erase') execute function refuse_erased('user_id');
create trigger a_living before insert on credit_ledger
    for each row when (new.kind not in ('refund', 'taken_back', 'restored', 'debt'))
    execute function refuse_erased('user_id');
create trigger a_living before insert on payments for each row execute function refuse_erased('user_id');
create trigger a_living before insert on promo_uses for each row execute function refuse_erased('user_id');
create trigger a_living before insert on files for each row execute function refuse_erased('user_id');
create trigger a_living before insert or update on clients for each row execute function refuse_erased('user_id');
create trigger a_living before insert on partners for each row execute function refuse_erased('owner_id');
create trigger a_living before insert or update on staff
    for each row when (new.removed_at is null) execute function refuse_erased('user_id');
create trigger a_living before insert on staff_invites for each row execute function refuse_erased('created_by');
create trigger a_living_user before update of used_by on staff_invites
    for each row execute function refuse_erased('used_by');
create trigger a_living before insert on services for each row execute function refuse_erased('created_by');
create trigger a_living before insert on promotions for each row execute function refuse_erased('created_by');
create trigger a_living before insert or update of user_id on members
    for each row execute function refuse_erased('user_id');
create trigger a_living before insert on favourites for each row execute function refuse_erased('user_id');
create trigger a_living before insert on loyalty_trail for each row execute function refuse_erased('actor_id');
create trigger a_living before insert on messages for each row execute function refuse_erased('member_id');
create trigger a_living_staff before insert on messages for each row execute function refuse_erased('staff_id');
create trigger a_living before insert on ratings for each row execute function refuse_erased('member_id');
create trigger a_living_words before update of words on ratings
    for each row when (new.words <> '') execute function refuse_erased('member_id');

create or replace function settle_job() returns trigger language plpgsql as $$
begin
    perform refund_credit(new.id);
    if (new.state = 'failed' or new.price > 0 and new.error_code = 'cancelled')
        and new.task <> 'notice' and exists (select from users where id = new.user_id and erased_at is null)
    then
        insert into jobs (user_id, task, key, args, turn)
        values (new.user_id, 'notice', new.state || ':' || new.id, jsonb_build_object('job_id', new.id),
            next_turn(new.user_id, 'notice', 0::smallint))
        on conflict (key) do nothing;
    end if;
    return null;
end $$;

create or replace function create_free_jobs(
    p_task text, p_user_ids bigint[], p_keys text[], p_args jsonb[],
    p_priority smallint, p_max_attempts smallint, p_run_at timestamptz
) returns integer language plpgsql set enable_seqscan = off as $$
declare
    made bigint[];
    created integer;
    front bigint := next_turn(null, p_task, p_priority);
    due boolean := coalesce(p_run_at <= clock_timestamp(), true);
begin
    with living as (
        select id
        from users
        where id = any(p_user_ids)
        and erased_at is null
        for key share
    ), inserted as (
        insert into jobs (user_id, task, key, args, priority, max_attempts, run_at, turn)
        select w.user_id, p_task, w.key, w.args, p_priority, p_max_attempts, coalesce(p_run_at, clock_timestamp()),
            case when due then greatest(front, (
                select j.turn + 1
                from jobs j
                where j.user_id = w.user_id
                and j.task = p_task
                and j.turn > 0
                order by j.turn desc
                limit 1
            )) - 1 + row_number() over (partition by w.user_id order by w.n) end
        from unnest(p_user_ids, p_keys, p_args) with ordinality w (user_id, key, args, n)
        where (select j.id from jobs j where j.key = w.key) is null
        and (w.user_id is null or w.user_id in (select id from living))
        order by w.key
        on conflict (key) do nothing
        returning id
    )
    select array_agg(id) into made from inserted;
    select count(*) into created from jobs where id = any(made);
    if created < cardinality(p_keys) and exists (
        select
        from unnest(p_user_ids, p_keys, p_args) w (user_id, key, args)
        cross join lateral (
            select e.user_id, e.task, e.args, e.price
            from every_job e
            where e.key = w.key
            limit 1
        ) e
        where (e.user_id, e.task, e.args, e.price) is distinct from (w.user_id, p_task, w.args, 0)
    ) then
        raise exception using errcode = 'LK409', message = 'key_reused', detail = p_task;
    end if;
    return created;
end $$;

create or replace function record_payment(
    p_charge_id text, p_bot text, p_user_id bigint, p_pack_id integer, p_stars integer, p_facts jsonb, p_paid_at timestamptz
) returns table (payment payments, created boolean, balance integer, settled integer) language plpgsql as $$
declare
    offered integer;
    new_id bigint;
begin
    perform must_live(p_user_id);
    perform from credit_accounts a where a.user_id = p_user_id for no key update;
    select p.credits into offered from packs p where p.id = p_pack_id and p.stars = p_stars;
    insert into payments as p (telegram_payment_charge_id, bot, user_id, pack_id, stars, credits, facts, paid_at)
    values (p_charge_id, p_bot, p_user_id, case when offered is not null then p_pack_id end, p_stars,
        coalesce(offered, 0), p_facts, coalesce(p_paid_at, clock_timestamp()))
    on conflict (telegram_payment_charge_id) do nothing
    returning p.id into new_id;
    settled := 0;
    if new_id is not null and offered is not null then
        insert into credit_ledger (user_id, kind, amount, key, payment_id)
        values (p_user_id, 'purchase', offered, 'purchase:' || new_id, new_id);
        settled := settle_debts(p_user_id, new_id);
    end if;
    created := new_id is not null;
    select p.* into payment from payments p where p.telegram_payment_charge_id = p_charge_id;
    select a.balance into balance from credit_accounts a where a.user_id = payment.user_id;
    return next;
end $$;

create or replace function set_phone(p_user_id bigint, p_phone text, p_mark bytea) returns void
language plpgsql set role to lotok_app as $$
begin
    perform must_live(p_user_id);
    perform set_config('app.platform', 'on', true);
    update clients
    set phone = p_phone
    where user_id = p_user_id
    and not exists (select from clients c where c.phone = p_phone and c.user_id <> p_user_id);
    if not found then
        if not exists (select from clients where user_id = p_user_id) then
            raise exception using errcode = 'LK404', message = 'no_client', detail = p_user_id::text;
        end if;
        raise exception using errcode = 'LK409', message = 'phone_taken', detail = p_user_id::text;
    end if;
    update users
    set phone_mark = p_mark
    where id = p_user_id
    and phone_mark is distinct from p_mark;
    update members
    set phone_tail = right(p_phone, 4)
    where user_id = p_user_id
    and phone_tail <> right(p_phone, 4);
    perform set_config('app.platform', '', true);
end $$;

create or replace function merge_people(p_from bigint, p_into bigint, p_now timestamptz) returns integer
language plpgsql set role to lotok_app as $$
declare
    at timestamptz := coalesce(p_now, clock_timestamp());
    old members;
    target bigint;
    number integer := 0;
    number_mark bytea;
    had clients;
begin
    perform set_config('app.platform', 'on', true);
    if p_from = p_into then
        perform set_config('app.platform', '', true);
        return 0;
    end if;
    perform must_live(id) from unnest(array[least(p_from, p_into), greatest(p_from, p_into)]) id;
    perform 1 from clients where user_id in (p_from, p_into) order by user_id for update;
    select * into had from clients where user_id = p_from;
    if had.user_id is null or not exists (select from clients where user_id = p_into) then
        raise exception using errcode = 'LK404', message = 'no_client', detail = p_from::text;
    end if;
    for old in select * from members where user_id = p_from and left_at is null order by partner_id loop
        select id into target
        from members
        where partner_id = old.partner_id and user_id = p_into and left_at is null;
        if target is null then
            update members set user_id = p_into where partner_id = old.partner_id and id = old.id;
        else
            perform merge_members(old.partner_id, old.id, target, at);
        end if;
        insert into loyalty_trail (partner_id, actor_id, action, subject, after)
        values (old.partner_id, p_into, 'member.merged', old.id::text,
            jsonb_build_object('into', coalesce(target, old.id)));
        number := number + 1;
    end loop;
    insert into favourites (user_id, partner_id)
    select p_into, partner_id from favourites where user_id = p_from
    on conflict do nothing;
    delete from favourites where user_id = p_from;
    delete from clients where user_id = p_from;
    update clients
    set phone = coalesce(had.phone, phone),
        birthday = coalesce(birthday, had.birthday)
    where user_id = p_into;
    select phone_mark into number_mark from users where id = p_from;
    if number_mark is not null then
        update users set phone_mark = null where id = p_from;
        update users set phone_mark = number_mark where id = p_into;
    end if;
    update members m
    set phone_tail = right(c.phone, 4)
    from clients c
    where m.user_id = p_into and m.left_at is null and c.user_id = p_into and c.phone is not null;
    perform set_config('app.platform', '', true);
    return number;
end $$;

-- Once: a second call finds nobody. Orders that nobody has begun are cancelled and given back, those under way are told
-- to stop; the rest is a job's work. A job is locked before its person, as by every other statement.
create or replace function erase_user(p_user_id bigint, p_tg_id bigint, p_mark bytea) returns void language plpgsql as $$
begin
    perform from jobs where user_id = p_user_id order by id for update;
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
    where id = p_user_id
    and tg_id = p_tg_id;
    if not found then
        return;
    end if;
    insert into spent_trials (mark)
    select p_mark
    from credit_ledger
    where user_id = p_user_id
    and kind = 'trial'
    on conflict do nothing;
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
    perform forget_orders(p_user_id);
    delete from dead_letters
    where p_tg_id::text in (
        payload -> 'message' -> 'from' ->> 'id',
        payload -> 'callback_query' -> 'from' ->> 'id',
        payload -> 'my_chat_member' -> 'from' ->> 'id'
    );
    update conversations
    set state = null
    where tg_id = p_tg_id;
    delete from handled_updates
    where tg_id = p_tg_id;
    insert into jobs (user_id, task, key, max_attempts)
    values (p_user_id, 'erase', 'erase:' || p_user_id, 20)
    on conflict (key) do nothing;
end $$;

-- What conversations that had outlived their account have written.
delete from favourites where user_id in (select id from users where erased_at is not null);
delete from clients where user_id in (select id from users where erased_at is not null);
do $$
declare
    m members;
begin
    for m in
        select x.* from members x join users u on u.id = x.user_id
        where u.erased_at is not null and x.left_at is null
        order by x.partner_id, x.id
    loop
        perform leave_shop(m, clock_timestamp());
    end loop;
end $$;
insert into jobs (user_id, task, key, max_attempts)
select distinct f.user_id, 'erase', 'erase:' || f.user_id || ':again', 20
from files f
join users u on u.id = f.user_id
where u.erased_at is not null
on conflict (key) do nothing;
