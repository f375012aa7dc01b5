-- What 0056 meant to end: an owner who does not go round row-level security saw no broadcast there. It works as the product.
set local lock_timeout = '5s';

set local role lotok_app;
select set_config('app.platform', 'on', true);
update broadcasts b
set state = 'done', reason = '', finished_at = clock_timestamp()
where b.state in ('running', 'paused')
and not exists (
    select from broadcast_parts t where t.partner_id = b.partner_id and t.broadcast_id = b.id and t.finished_at is null
);
select set_config('app.platform', '', true);
reset role;
