-- A broadcast that a manager had begun stops, too, when its shop closes with its owner.
set local lock_timeout = '5s';

-- What an erased person was sending stops, and all that their shop was; the words of a shop that is closed with its owner
-- go.
create or replace function forget_reach() returns trigger language plpgsql set role to lotok_app as $$
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

-- those of shops that are closed already
do $$
begin
    perform set_config('app.platform', 'on', true);
    update broadcasts b
    set state = 'cancelled', finished_at = clock_timestamp()
    from partners p
    where p.id = b.partner_id
    and p.reason = 'owner_erased'
    and b.finished_at is null;
    perform set_config('app.platform', '', true);
end $$;
