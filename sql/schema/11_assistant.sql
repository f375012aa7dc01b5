-- The assistant that answers a shop's clients.
--
-- A shop that never changed a setting has no row: the defaults of the columns count (lib/assistant/settings.py).
create table assistants (
    partner_id bigint primary key references partners (id),
    is_on boolean not null default true,
    tone text not null default 'warm' check (tone in ('warm', 'brief', 'formal')),
    -- the tone in the shop's own words
    manner text not null default '' check (length(manner) <= 200),
    -- what the shop wants said and kept: data for the model, never rules of ours
    instructions text not null default '' check (length(instructions) <= 1500),
    refused text[] not null default '{}' check (cardinality(refused) <= 20 and length(array_to_string(refused, '')) <= 1200),
    client_answers integer not null default 30 check (client_answers between 1 and 500),
    shop_answers integer not null default 1000 check (shop_answers between 1 and 100000),
    actor_id bigint not null references users (id),
    updated_at timestamptz not null default clock_timestamp()
);

alter table assistants enable row level security, force row level security;
create policy tenant on assistants to lotok_app using (sees(partner_id));

create trigger a_living before insert or update on assistants
    for each row execute function refuse_erased('actor_id');

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

-- A shop that is closed for good, as its owner was erased, has no assistant.
create function forget_assistants() returns trigger language plpgsql set role to lotok_app as $$
begin
    perform set_config('app.platform', 'on', true);
    delete from menu_misses where partner_id in (select id from partners where owner_id = new.id);
    delete from miss_marks where partner_id in (select id from partners where owner_id = new.id);
    delete from assistants where partner_id in (select id from partners where owner_id = new.id);
    perform set_config('app.platform', '', true);
    return null;
end $$;

create trigger forget_assistants after update of erased_at on users
    for each row when (old.erased_at is null and new.erased_at is not null) execute function forget_assistants();
