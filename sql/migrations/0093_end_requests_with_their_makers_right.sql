-- A request to release a number ends with the right of who made it: an owner who has the shop no more, or is no more,
-- releases nothing. It failed at every try and kept the number from everybody, as the trail takes nothing of an erased
-- account.
create or replace function release_number(p_id bigint, p_phone text, p_at timestamptz) returns setof phone_releases
language plpgsql set role to lotok_app as $$
declare
    asked phone_releases;
begin
    perform set_config('app.platform', 'on', true);
    delete from phone_releases where id = p_id and due_at <= p_at returning * into asked;
    if found then
        update clients
        set phone = null
        where user_id = asked.holder_id
        and phone = p_phone
        and not is_erased(asked.actor_id)
        and (asked.partner_id is null or exists (
            select
            from staff s
            join partners p on p.id = s.partner_id
            where s.partner_id = asked.partner_id and s.user_id = asked.actor_id and s.role = 'owner'
            and s.removed_at is null and p.status = 'approved'
        ));
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

-- Why a number was released is about its holder, too.
create or replace function forget_client() returns trigger language plpgsql set role to lotok_app as $$
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
    from members x
    where x.user_id = new.id and t.partner_id = x.partner_id and t.subject = x.id::text and t.after ? 'reason'
    and t.action like 'member.%';
    update loyalty_trail
    set after = after - 'reason'
    where subject = 'user ' || new.id and action like 'phone.%' and after ? 'reason';
    update services set about = '', photo = '' where partner_id in (select id from partners where owner_id = new.id);
    update promotions set about = '', photo = '' where partner_id in (select id from partners where owner_id = new.id);
    update partners
    set status = 'blocked', reason = case status when 'blocked' then reason else 'owner_erased' end,
        contact = '', about = '', address = '', photo = ''
    where owner_id = new.id;
    update staff set removed_at = at where user_id = new.id and removed_at is null;
    perform set_config('app.platform', '', true);
    return null;
end $$;
