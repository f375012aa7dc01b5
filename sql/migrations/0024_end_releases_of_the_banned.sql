-- A request to release a number ends with a ban of who made it, as with the loss of the role.
set local lock_timeout = '5s';

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
        and not exists (select from bans where user_id = asked.actor_id)
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
