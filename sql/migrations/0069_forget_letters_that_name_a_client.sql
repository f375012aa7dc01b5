-- An update of a cashier that failed names the client whose screen it was pressed on: it stayed after an erasure, as only
-- the Telegram id and the phone were looked for.
set local lock_timeout = '5s';

-- Deletes failed updates that hold a person: the Telegram id anywhere in them, the phone however it was typed, or the name
-- in what staff of their shops have sent or pressed.
create or replace function forget_letters(p_user_id bigint, p_tg_id bigint) returns void
language plpgsql set role to lotok_app as $$
declare
    called text;
begin
    perform set_config('app.platform', 'on', true);
    select '(?<!\w)' || regexp_replace(trim(both '"' from to_jsonb(name)::text), '\W', '\\\&', 'g') || '(?!\w)'
    into called from clients where user_id = p_user_id;
    delete from dead_letters d
    where payload::text ~ ('\m' || p_tg_id || '\M')
    or error ~ ('\m' || p_tg_id || '\M')
    or regexp_replace(payload::text, '[^0-9"]+', '', 'g') like '%' || (
        select right(regexp_replace(phone, '\D', '', 'g'), 10) from clients where user_id = p_user_id
    ) || '%'
    or bot = 'partner' and payload::text || error ~* called and exists (
        select
        from jsonb_each(d.payload) part
        join users u on u.tg_id::text = part.value #>> '{from,id}'
        join staff s on s.user_id = u.id
        join members m on m.partner_id = s.partner_id
        where m.user_id = p_user_id
    );
    perform set_config('app.platform', '', true);
end $$;
