-- Other names of an item, and what clients asked for and the menu did not have.
set local lock_timeout = '5s';

alter table menu_items add column names text[] not null default '{}'
    check (cardinality(names) <= 10 and length(array_to_string(names, '')) <= 400);

-- What clients asked for and the menu did not have: the words without the person, how often, and when last.
create table menu_misses (
    partner_id bigint not null references partners (id),
    id bigint generated always as identity,
    -- the same question in other forms of its words
    key text not null check (length(key) between 1 and 80),
    words text not null check (length(words) between 1 and 80),
    count integer not null check (count > 0),
    last_on date not null,
    primary key (partner_id, id),
    unique (partner_id, key)
);

-- The last line of a talk that was counted; each is counted once.
create table miss_marks (
    partner_id bigint primary key references partners (id),
    line_id bigint not null
);

alter table menu_misses enable row level security, force row level security;
create policy tenant on menu_misses to lotok_app using (sees(partner_id));
alter table miss_marks enable row level security, force row level security;
create policy tenant on miss_marks to lotok_app using (sees(partner_id));

create or replace function forget_assistants() returns trigger language plpgsql set role to lotok_app as $$
begin
    perform set_config('app.platform', 'on', true);
    delete from menu_misses where partner_id in (select id from partners where owner_id = new.id);
    delete from miss_marks where partner_id in (select id from partners where owner_id = new.id);
    delete from assistants where partner_id in (select id from partners where owner_id = new.id);
    perform set_config('app.platform', '', true);
    return null;
end $$;
