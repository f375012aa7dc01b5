set local lock_timeout = '5s';

-- Numbers that are to be taken off an account because somebody else has them now: each waits a day, in which the holder
-- may say that it is still theirs. What has ended is in the trail; nothing of it stays here.
create table phone_releases (
    id bigint generated always as identity primary key,
    holder_id bigint not null unique references users (id),
    -- who has proven the number; null when an administrator has found out
    asked_for bigint references users (id),
    -- whose owner asks; null: an administrator
    partner_id bigint references partners (id),
    actor_id bigint not null references users (id),
    reason text not null check (length(reason) between 2 and 300),
    -- which number: a keyed hash
    phone_mark bytea not null,
    due_at timestamptz not null
);

alter table phone_releases enable row level security, force row level security;
create policy platform on phone_releases to lotok_app using (current_setting('app.platform', true) = 'on');

-- An erased holder has no number to release, and an erased newcomer no use for it.
create function forget_releases() returns trigger language plpgsql set role to lotok_app as $$
declare
    was text := coalesce(current_setting('app.platform', true), '');
begin
    perform set_config('app.platform', 'on', true);
    delete from phone_releases
    where new.id in (holder_id, asked_for);
    perform set_config('app.platform', was, true);
    return null;
end $$;

create trigger forget_releases after update of erased_at on users
    for each row when (new.erased_at is not null) execute function forget_releases();

-- The owner of a shop asks once in 30 days against a holder who has said no; an administrator may decide otherwise.
create function ask_release(
    p_holder bigint, p_for bigint, p_partner bigint, p_actor bigint, p_reason text, p_mark bytea, p_at timestamptz
) returns phone_releases language plpgsql set role to lotok_app as $$
declare
    asked phone_releases;
begin
    perform must_live(id) from unnest(array[p_holder, p_actor, p_for]) id where id is not null order by id;
    perform set_config('app.platform', 'on', true);
    if p_partner is not null and not exists (
        select
        from staff
        where partner_id = p_partner and user_id = p_actor and role = 'owner' and removed_at is null
    ) then
        raise exception using errcode = 'LK403', message = 'role_too_low', detail = p_actor::text;
    end if;
    if p_partner is not null and exists (
        select
        from loyalty_trail
        where actor_id = p_holder and action = 'phone.kept' and created_at > p_at - interval '30 days'
    ) then
        raise exception using errcode = 'LK409', message = 'number_kept', detail = p_holder::text;
    end if;
    insert into phone_releases (holder_id, asked_for, partner_id, actor_id, reason, phone_mark, due_at)
    values (p_holder, p_for, p_partner, p_actor, p_reason, p_mark, p_at + interval '24 hours')
    on conflict (holder_id) do nothing
    returning * into asked;
    if not found then
        raise exception using errcode = 'LK409', message = 'release_waits', detail = p_holder::text;
    end if;
    insert into loyalty_trail (partner_id, actor_id, action, subject, after, created_at)
    values (p_partner, p_actor, 'phone.release_asked', 'user ' || p_holder,
        jsonb_build_object('reason', p_reason, 'due_at', asked.due_at), p_at);
    perform set_config('app.platform', '', true);
    return asked;
end $$;

create function keep_number(p_holder bigint, p_at timestamptz) returns setof phone_releases
language plpgsql set role to lotok_app as $$
declare
    asked phone_releases;
begin
    perform set_config('app.platform', 'on', true);
    delete from phone_releases where holder_id = p_holder returning * into asked;
    if found then
        insert into loyalty_trail (partner_id, actor_id, action, subject, created_at)
        values (asked.partner_id, p_holder, 'phone.kept', 'user ' || p_holder, p_at);
        return next asked;
    end if;
    perform set_config('app.platform', '', true);
end $$;

-- The number goes, the cards and their points stay; nothing when the holder has another number by now.
create function release_number(p_id bigint, p_phone text, p_at timestamptz) returns setof phone_releases
language plpgsql set role to lotok_app as $$
declare
    asked phone_releases;
begin
    perform set_config('app.platform', 'on', true);
    delete from phone_releases where id = p_id and due_at <= p_at returning * into asked;
    if found then
        update clients set phone = null where user_id = asked.holder_id and phone = p_phone;
    end if;
    if found then
        update users set phone_mark = null where id = asked.holder_id;
        update members set phone_tail = '' where user_id = asked.holder_id and phone_tail <> '';
        insert into loyalty_trail (partner_id, actor_id, action, subject, after, created_at)
        values (asked.partner_id, asked.actor_id, 'phone.released', 'user ' || asked.holder_id,
            jsonb_build_object('reason', asked.reason), p_at);
        return next asked;
    end if;
    perform set_config('app.platform', '', true);
end $$;
