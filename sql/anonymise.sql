-- Takes the people out of a copy of the database, and nothing else: every row stays, and so does every sum of money and
-- points. For `python -m ops branch create --anonymise`; it runs as the owner, in one transaction, after the migrations.
--
-- A column with text is blanked unless it is named here, so one that is added later is blanked, too. Letters become x
-- and digits 0; what the product reads again (codes, states) is kept; keys and actors lose the numbers that may be
-- Telegram ids, and stay different from one another. Of a key that was hashed with the secret of the product (a mark)
-- the hash stays: without that secret nobody is known by it. Nothing that waits in the queue runs here.

create or replace function pg_temp.blanked(p_text text) returns text language sql immutable as $$
    select regexp_replace(regexp_replace(p_text, '[0-9]', '0', 'g'), '[^0[:space:][:punct:]]', 'x', 'g')
$$;

create or replace function pg_temp.unnumbered(p_key text) returns text language sql immutable as $$
    select regexp_replace(p_key, '[0-9]{5,}', left(translate(md5(p_key), '0123456789', 'ghijklmnop'), 16), 'g')
$$;

-- Blanks the strings in JSON, and the numbers that may be a phone or a Telegram id; the names of its fields stay.
create or replace function pg_temp.blanked(p_json jsonb) returns jsonb language plpgsql immutable as $$
begin
    return case jsonb_typeof(p_json)
        when 'string' then '"x"'::jsonb
        when 'number' then case when abs(p_json::numeric) < 1000000 then p_json else '0'::jsonb end
        when 'array' then (
            select coalesce(jsonb_agg(pg_temp.blanked(e.value) order by e.number), '[]'::jsonb)
            from jsonb_array_elements(p_json) with ordinality e (value, number)
        )
        when 'object' then (
            select coalesce(jsonb_object_agg(f.key, pg_temp.blanked(f.value)), '{}'::jsonb)
            from jsonb_each(p_json) f
        )
        else p_json
    end;
end $$;

-- Long: one pass over the catalogue, and then what a mere x would break.
do $$
declare
    kept constant text[] := array[
        -- what the product reads again
        '*.state', '*.kind', '*.code', '*.status', '*.bot', '*.task', '*.language', '*.time_zone', '*.tz', '*.role',
        '*.step', '*.provider', '*.model', '*.way', '*.unit', '*.tone', '*.category', '*.content_type', '*.error_code',
        '*.action', '*.said_in', '*.city', '*.severity', '*.what', '*.why', '*.pathname', '*.account', '*.product',
        'alerts.*', 'brands.*', 'complaints.reason', 'requests.payment', 'job_limits.*', 'job_schedules.*', 'migrations.*', 'packs.*',
        'products.*', 'promo_codes.*', 'provider_budgets.*', 'region_days.*', 'spent_trials.*', 'star_walks.*',
        -- what a shop shows to everybody
        'menu_items.*', 'menu_variants.*', 'partners.hours', 'promotions.title', 'promotions.photo', 'services.title',
        'services.photo', 'tiers.title', 'broadcasts.file', 'broadcasts.buttons', 'broadcasts.filter', 'broadcasts.erid',
        'request_lines.title', 'request_lines.variant', 'partners.photo'
    ];
    keyed constant text[] := array[
        'credit_ledger.key', 'jobs.key', 'job_history.key', 'spent_keys.key', 'point_txns.idem_key', 'talk_lines.once', 'audit_log.actor', 'audit_log.subject', 'bans.actor',
        'payments.telegram_payment_charge_id', 'early_refunds.telegram_payment_charge_id'
    ];
    one record;
    busy text[] := '{}';
begin
    -- Guards that keep rows as they were, and that write further rows, are off until the end.
    for one in
        select r.relname from pg_class r
        where r.relnamespace = 'public'::regnamespace and r.relkind in ('r', 'p')
        and exists (select from pg_trigger t where t.tgrelid = r.oid and not t.tgisinternal and t.tgenabled = 'O')
    loop
        execute format('alter table %I disable trigger user', one.relname);
        busy := busy || one.relname::text;
    end loop;

    -- These hold people and are of no use in a copy; what Telegram calls a file is known to one bot alone.
    delete from conversations;
    delete from handled_updates;
    delete from dead_letters;
    delete from muted_alerts;
    delete from file_telegram_ids;
    delete from phone_releases;
    delete from chat_regions;
    delete from shop_regions;
    delete from region_events;
    delete from heard_events;
    delete from member_tags;

    for one in
        select r.relname, a.attname, t.typname = 'jsonb' as is_json, r.relname || '.' || a.attname = any(keyed) as is_key
        from pg_class r
        join pg_attribute a on a.attrelid = r.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
        join pg_type t on t.oid = a.atttypid
        where r.relnamespace = 'public'::regnamespace
        and r.relkind in ('r', 'p')
        and t.typname in ('text', 'varchar', 'bpchar', 'citext', 'jsonb')
        and not array['*.' || a.attname, r.relname || '.*', r.relname || '.' || a.attname] && kept
        and (r.relname, a.attname) not in (
            ('users', 'first_name'), ('clients', 'phone'), ('clients', 'name'), ('clients', 'birthday'),
            ('menu_misses', 'key')
        )
    loop
        execute format(
            'update %1$I set %2$I = %3$s(%2$I) where %2$I is distinct from %3$s(%2$I)',
            one.relname, one.attname, case when one.is_key then 'pg_temp.unnumbered' else 'pg_temp.blanked' end
        );
    end loop;

    -- People keep their number and get names by it. A Telegram id below zero is of somebody who was erased.
    update users set tg_id = 9000000000000 + id where tg_id > 0;
    update users set first_name = 'N ' || id where first_name <> '';
    update clients set name = 'N ' || user_id where name <> '';
    update clients set phone = '+1' || lpad(user_id::text, 10, '0') where phone is not null;
    update clients set birthday = null;
    update menu_misses set key = md5(key) where key !~ '^[0-9a-f]{32}$';

    -- The queue waits for ever: its jobs would write to people, and pay providers.
    update jobs set run_at = '2100-01-01', turn = null where state in ('queued', 'waiting');
    update jobs set leased_until = '2100-01-01' where state = 'running';

    foreach one.relname in array busy loop
        execute format('alter table %I enable trigger user', one.relname);
    end loop;
end $$;
