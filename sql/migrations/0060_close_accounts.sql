-- Whom an administrator shut out, and why. By a keyed hash of the Telegram id, so that erasing oneself opens no door.
create table bans (
    mark bytea primary key,
    user_id bigint not null references users (id),
    reason text not null check (reason <> ''),
    actor text not null check (actor <> ''),
    at timestamptz not null default clock_timestamp()
);

create index bans_user on bans (user_id);

-- Which alerts an administrator does not want to hear. The log has them all.
create table muted_alerts (
    tg_id bigint not null,
    kind text not null check (kind ~ '^[a-z][a-z_]*$'),
    primary key (tg_id, kind)
);

-- An administrator looks people up by it.
create index users_username on users (lower(username)) where username <> '';
