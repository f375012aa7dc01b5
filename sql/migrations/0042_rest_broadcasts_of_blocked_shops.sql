-- A shop that an administrator blocks writes to nobody: its broadcast that is going out pauses at once.
set local lock_timeout = '5s';

create function rest_reach() returns trigger language plpgsql set role to lotok_app as $$
declare
    scope text := coalesce(current_setting('app.platform', true), '');
begin
    perform set_config('app.platform', 'on', true);
    update broadcasts set state = 'paused', reason = 'closed' where partner_id = new.id and state = 'running';
    perform set_config('app.platform', scope, true);
    return null;
end $$;

create trigger rest_reach after update of status on partners
    for each row when (old.status = 'approved' and new.status <> 'approved') execute function rest_reach();
