-- What is wrong with the platform just now, and since when.
set local lock_timeout = '5s';

-- pending -> firing -> resolved. One that is no longer seen fires on for a while, against flapping: `good_since` is when
-- it was missed first. A row names no person: what was said to whom is in Redis.
create table alerts (
    name text not null check (name ~ '^[a-z][a-z_]*$'),
    -- which bot or provider, where there are several
    label text not null default '' check (label ~ '^[a-z0-9_]*$'),
    severity text not null check (severity in ('page', 'ticket')),
    state text not null check (state in ('pending', 'firing', 'resolved')),
    since timestamptz not null,
    good_since timestamptz,
    fired_at timestamptz,
    resolved_at timestamptz,
    facts jsonb not null default '{}' check (jsonb_typeof(facts) = 'object'),
    primary key (name, label),
    check ((state = 'pending') = (fired_at is null)),
    check ((state = 'resolved') = (resolved_at is not null)),
    check (good_since is null or state = 'firing')
);
