-- Updates that failed every time Telegram brought them; kept so that they can be looked at and replayed.
create table dead_letters (
    id bigint generated always as identity primary key,
    bot text not null check (bot in ('studio', 'client', 'partner', 'admin')),
    update_id bigint not null,
    payload jsonb not null,
    error text not null,
    tries integer not null check (tries > 0),
    created_at timestamptz not null default clock_timestamp(),
    unique (bot, update_id)
);
