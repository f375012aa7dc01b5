set local lock_timeout = '5s';

-- The kind of error that the text begins with, by which the administrator narrows the list down.
alter table dead_letters
    add column reason text not null generated always as (coalesce(substring(error from '^[A-Za-z_]{1,24}'), 'Error')) stored;

create index dead_letters_reason on dead_letters (reason, id desc) include (bot);
