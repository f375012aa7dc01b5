-- name: get_assistant
select is_on, tone, manner, instructions, refused, client_answers, shop_answers
from assistants
where partner_id = %(partner_id)s;

-- name: change_assistant
-- Only the named fields change; their values before the change go into the trail.
with before as (
    select s.partner_id, coalesce(to_jsonb(a), %(defaults)s) as row
    from staff s
    join partners p on p.id = s.partner_id and p.reason <> 'owner_erased'
    left join assistants a on a.partner_id = s.partner_id
    where s.partner_id = %(partner_id)s
    and s.user_id = %(actor_id)s
    and s.role in ('owner', 'manager')
    and s.removed_at is null
), changed as (
    insert into assistants (partner_id, is_on, tone, manner, instructions, refused, client_answers, shop_answers,
        actor_id)
    select b.partner_id, f.is_on, f.tone, f.manner, f.instructions, f.refused, f.client_answers, f.shop_answers,
        %(actor_id)s
    from before b, jsonb_populate_record(null::assistants, b.row || %(fields)s) f
    on conflict (partner_id) do update
    set is_on = excluded.is_on,
        tone = excluded.tone,
        manner = excluded.manner,
        instructions = excluded.instructions,
        refused = excluded.refused,
        client_answers = excluded.client_answers,
        shop_answers = excluded.shop_answers,
        actor_id = excluded.actor_id,
        updated_at = clock_timestamp()
    returning partner_id
), noted as (
    insert into loyalty_trail (partner_id, actor_id, action, subject, before, after)
    select c.partner_id, %(actor_id)s, 'assistant.changed', c.partner_id::text,
        (select jsonb_object_agg(k, b.row -> k) from before b, jsonb_object_keys(%(fields)s) k), %(fields)s
    from changed c
)
select partner_id from changed;
