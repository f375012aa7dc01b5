-- How long one result takes without a model, drawn on our own machines.
alter table products
    add column own_seconds integer not null default 10 check (own_seconds > 0);

update products
set own_seconds = case code when 'video5' then 15 when 'video10' then 30 else 5 end;
