-- name: may_call
-- A client whom the shop has blocked calls nobody.
select not exists (
    select from members m
    where m.partner_id = %(partner_id)s
    and m.user_id = %(user_id)s
    and m.left_at is null
    and m.blocked_at is not null
);

-- name: was_answered
select exists (
    select from talk_lines l
    where l.partner_id = %(partner_id)s
    and l.talk_id = %(talk_id)s
    and l.role = 'staff'
);

-- name: title_of
select title from partners where id = %(partner_id)s;
