-- name: enter
select set_config('role', app_role(), true), set_config('app.tenant', %(tenant)s::text, true),
    set_config('app.person', %(person)s::text, true), set_config('app.platform', %(platform)s::text, true);

-- name: leave
select set_config('role', 'none', true), set_config('app.tenant', '', true), set_config('app.person', '', true),
    set_config('app.platform', '', true);
