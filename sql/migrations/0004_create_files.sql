create table files (
    id bigint generated always as identity primary key,
    user_id bigint not null references users (id),
    -- no foreign key: a source photo comes before its job, and a job may leave its table before its files
    job_id bigint,
    kind text not null check (kind ~ '^[a-z][a-z0-9-]*$'),
    -- never a URL: the host may change, the path does not
    pathname text not null unique check (pathname <> '' and pathname not like '%://%'),
    content_type text not null,
    bytes integer not null check (bytes > 0),
    width integer check (width > 0),
    height integer check (height > 0),
    created_at timestamptz not null default clock_timestamp()
);

create index files_job on files (job_id) where job_id is not null;
create index files_user on files (user_id, id desc);

-- A file_id belongs to one bot and to one way of sending.
create table file_telegram_ids (
    file_id bigint not null references files (id) on delete cascade,
    bot text not null check (bot in ('studio', 'client', 'partner', 'admin')),
    kind text not null check (kind in ('photo', 'document')),
    telegram_file_id text not null check (telegram_file_id <> ''),
    primary key (file_id, bot, kind)
);
