create table users (
    id bigint generated always as identity primary key,
    tg_id bigint not null unique check (tg_id > 0),
    first_name text not null default '',
    last_name text not null default '',
    username text not null default '',
    language text not null default 'ru' check (language in ('ru', 'en')),
    -- false while the language only follows Telegram's own setting
    language_chosen boolean not null default false,
    time_zone text not null default 'Europe/Moscow',
    consent_at timestamptz,
    blocked_at timestamptz,
    created_at timestamptz not null default clock_timestamp(),
    seen_at timestamptz not null default clock_timestamp()
);
