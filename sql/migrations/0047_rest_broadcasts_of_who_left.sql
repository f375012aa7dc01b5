-- A broadcast does not outlive the right of who made it.
set local lock_timeout = '5s';

create function rest_left() returns trigger language plpgsql set role to lotok_app as $$
declare
    scope text := coalesce(current_setting('app.platform', true), '');
begin
    perform set_config('app.platform', 'on', true);
    update broadcasts
    set state = case state when 'running' then 'paused' else 'draft' end,
        reason = case state when 'running' then 'left' else '' end
    where partner_id = new.partner_id and created_by = new.user_id and state in ('review', 'scheduled', 'running');
    perform set_config('app.platform', scope, true);
    return null;
end $$;

create trigger rest_left after update of removed_at, role on staff
    for each row when (old.removed_at is null and (new.removed_at is not null or new.role = 'cashier' and old.role <> 'cashier'))
    execute function rest_left();
