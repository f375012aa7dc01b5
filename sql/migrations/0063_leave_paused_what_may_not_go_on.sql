-- A broadcast that pauses because Telegram wants a rest goes on by itself. It did so too for a shop that was closed meanwhile,
-- and in the name of somebody who had been let go.
set local lock_timeout = '5s';

-- A shop that an administrator blocks writes to nobody: its broadcast that is going out pauses at once, one that is being
-- cut when it is cut, and one that Telegram lets rest does not go on by itself.
create or replace function rest_reach() returns trigger language plpgsql set role to lotok_app as $$
declare
    scope text := coalesce(current_setting('app.platform', true), '');
begin
    perform set_config('app.platform', 'on', true);
    update broadcasts
    set state = case state when 'running' then 'paused' else state end, reason = 'closed'
    where partner_id = new.id and (state in ('cutting', 'running') or state = 'paused' and reason = 'flood');
    perform set_config('app.platform', scope, true);
    return null;
end $$;

-- A broadcast does not outlive the right of its maker: one that waits becomes a draft again, one that goes out pauses, one
-- that is being cut pauses when it is cut, and one that Telegram lets rest does not go on by itself.
create or replace function rest_left() returns trigger language plpgsql set role to lotok_app as $$
declare
    scope text := coalesce(current_setting('app.platform', true), '');
begin
    perform set_config('app.platform', 'on', true);
    update broadcasts
    set state = case state when 'running' then 'paused' when 'cutting' then state when 'paused' then state else 'draft' end,
        reason = case when state in ('cutting', 'running', 'paused') then 'left' else '' end
    where partner_id = new.partner_id and created_by = new.user_id
    and (state in ('review', 'scheduled', 'cutting', 'running') or state = 'paused' and reason = 'flood');
    perform set_config('app.platform', scope, true);
    return null;
end $$;
