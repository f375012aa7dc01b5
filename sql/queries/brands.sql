-- name: get_brand
select b.logo_id, coalesce(f.pathname, '') as logo, coalesce(b.accent, '') as accent, coalesce(b.ground, '') as ground,
    coalesce(b.pair, '') as pair
from brands b
left join files f on f.id = b.logo_id
where b.user_id = %(user_id)s;

-- name: keep_brand
-- What is null stays as it is; an empty text is the design's own again, and 0 no logo.
insert into brands as b (user_id, logo_id, accent, ground, pair)
values (%(user_id)s, nullif(%(logo_id)s::bigint, 0), nullif(%(accent)s::text, ''), nullif(%(ground)s::text, ''), nullif(%(pair)s::text, ''))
on conflict (user_id) do update
set logo_id = case when %(logo_id)s::bigint is null then b.logo_id else excluded.logo_id end,
    accent = case when %(accent)s::text is null then b.accent else excluded.accent end,
    ground = case when %(ground)s::text is null then b.ground else excluded.ground end,
    pair = case when %(pair)s::text is null then b.pair else excluded.pair end,
    updated_at = clock_timestamp();

-- name: drop_brand
delete from brands
where user_id = %(user_id)s;

-- name: last_product
select f.pathname, coalesce(e.args ->> 'title', '') as title, coalesce(e.args -> 'benefits', '[]') as benefits
from files f
join every_job e on e.id = f.job_id
where f.user_id = %(user_id)s
and f.kind = 'source'
order by f.id desc
limit 1;
