-- A seller's own style: a logo, two colours and a pair of faces, for all orders until it is removed.
set local lock_timeout = '5s';

create table brands (
    user_id bigint primary key references users (id),
    logo_id bigint references files (id) on delete set null,
    -- null: the design's own
    accent text check (accent ~ '^#[0-9a-f]{6}$'),
    ground text check (ground ~ '^#[0-9a-f]{6}$'),
    pair text check (pair ~ '^[a-z]{1,20}$'),
    updated_at timestamptz not null default clock_timestamp()
);

create index brands_logo on brands (logo_id) where logo_id is not null;
create index files_logos on files (created_at) where kind = 'logo';
create trigger a_living before insert on brands for each row execute function refuse_erased('user_id');

create function forget_brand() returns trigger language plpgsql as $$
begin
    delete from brands where user_id = new.id;
    return null;
end $$;

create trigger forget_brand after update of erased_at on users
    for each row when (old.erased_at is null and new.erased_at is not null) execute function forget_brand();
