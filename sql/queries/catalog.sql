-- name: list_products
select code, task, price, position, is_on, expected_seconds, params, own_seconds
from products
where is_on or %(hidden)s
order by position, code;

-- name: get_product
select code, task, price, position, is_on, expected_seconds, params, own_seconds
from products
where code = %(code)s;

-- name: change_product
-- A null leaves its column unchanged.
with old as (
    select code, price, is_on, expected_seconds, params, own_seconds
    from products
    where code = %(code)s
    for no key update
), changed as (
    update products p
    set price = coalesce(%(price)s, old.price),
        is_on = coalesce(%(is_on)s, old.is_on),
        expected_seconds = coalesce(%(expected_seconds)s, old.expected_seconds),
        params = case
            when %(several)s::jsonb is null then old.params
            else old.params || jsonb_build_object('prices', %(several)s::jsonb)
        end
    from old
    where p.code = old.code
    returning p.code, p.task, p.price, p.position, p.is_on, p.expected_seconds, p.params, p.own_seconds
), logged as (
    insert into audit_log (actor, action, subject, reason, before, after)
    select %(actor)s, 'product.change', 'product ' || old.code, %(reason)s, to_jsonb(old),
        jsonb_build_object('code', changed.code, 'price', changed.price, 'is_on', changed.is_on,
            'expected_seconds', changed.expected_seconds, 'params', changed.params)
    from old
    join changed on changed.code = old.code
)
select code, task, price, position, is_on, expected_seconds, params, own_seconds
from changed;

-- name: list_packs
select id, code, stars, credits, is_on
from packs
where is_on or %(hidden)s
order by stars, id;

-- name: get_pack
select id, code, stars, credits, is_on
from packs
where id = %(pack_id)s;

-- name: switch_pack_off
with off as (
    update packs
    set is_on = false
    where code = %(code)s
    and is_on
    returning id, code, stars, credits, is_on
), logged as (
    insert into audit_log (actor, action, subject, reason, before)
    select %(actor)s, 'pack.off', 'pack ' || code, %(reason)s, to_jsonb(off)
    from off
)
select id, code, stars, credits, is_on
from off;

-- name: add_pack
with added as (
    insert into packs (code, stars, credits)
    values (%(code)s, %(stars)s, %(credits)s)
    returning id, code, stars, credits, is_on
), logged as (
    insert into audit_log (actor, action, subject, reason, after)
    select %(actor)s, 'pack.add', 'pack ' || code, %(reason)s, to_jsonb(added)
    from added
)
select id, code, stars, credits, is_on
from added;

-- name: list_promos
select code, credits, total, used, per_person, until, is_on
from promo_codes
order by created_at desc, code
limit %(limit)s;

-- name: add_promo
with added as (
    insert into promo_codes (code, credits, total, per_person, until)
    values (%(code)s, %(credits)s, %(total)s, %(per_person)s, %(until)s)
    on conflict (code) do nothing
    returning code, credits, total, used, per_person, until, is_on
), logged as (
    insert into audit_log (actor, action, subject, reason, after)
    select %(actor)s, 'promo.add', 'promo ' || code, %(reason)s, to_jsonb(added)
    from added
)
select code, credits, total, used, per_person, until, is_on
from added;

-- name: switch_promo
with switched as (
    update promo_codes
    set is_on = %(is_on)s
    where code = %(code)s
    returning code, credits, total, used, per_person, until, is_on
), logged as (
    insert into audit_log (actor, action, subject, reason, after)
    select %(actor)s, 'promo.switch', 'promo ' || code, %(reason)s, to_jsonb(switched)
    from switched
)
select code, credits, total, used, per_person, until, is_on
from switched;
