-- After an erasure an administrator's words about the person stayed in the trail, and an administrator's own Telegram id
-- in the keys of the credits that they had given.
set local lock_timeout = '5s';

create or replace function keep_but_names() returns trigger language plpgsql as $$
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

create or replace function erase_account(p_user_id bigint, p_tg_id bigint, p_mark bytea, p_person_mark bytea) returns void
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

-- The keys of before name the account from now on, as the new ones do; that of an administrator who is gone names nobody.
alter table credit_ledger disable trigger append_only;
alter table audit_log disable trigger keep_deed;
update credit_ledger l
set key = coalesce('grant:act:' || u.id || ':' || split_part(l.key, ':', 4), 'grant:erased:' || l.id)
from credit_ledger o
left join users u on u.tg_id = split_part(o.key, ':', 3)::bigint
where l.kind = 'grant'
and l.key ~ '^grant:admin:[0-9]{1,18}:'
and o.id = l.id
and o.key ~ '^grant:admin:[0-9]{1,18}:';
update audit_log
set after = after - 'key'
where action = 'credits.grant'
and after ->> 'key' like 'admin:%';
alter table credit_ledger enable trigger append_only;
alter table audit_log enable trigger keep_deed;

-- contract: the functions only read which migration is the last; the owner applies them
revoke insert, update, delete on migrations from lotok_app;
