-- A shop whose owner was erased is closed for good, also one that an administrator had closed before.

select set_config('app.platform', 'on', true);
update partners p
set reason = 'owner_erased'
from users u
where u.id = p.owner_id
and u.erased_at is not null;
select set_config('app.platform', '', true);

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
    set status = 'blocked', reason = 'owner_erased', contact = '', about = '', address = '', photo = ''
    where owner_id = new.id;
    update staff set removed_at = at where user_id = new.id and removed_at is null;
    perform set_config('app.platform', '', true);
    return null;
end $$;
