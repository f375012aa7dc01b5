set local lock_timeout = '5s';

-- A clip that we draw ourselves because no model can be asked is a simpler thing, and costs less.
update products
set params = params || '{"own_price": 2}'
where code = 'video5';

update products
set params = params || '{"own_price": 3}'
where code = 'video10';
