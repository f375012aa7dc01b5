set local lock_timeout = '5s';

-- The bots that have said what they are: one consent is for all of them, and each introduces itself once.
alter table users add column introduced text[] not null default '{}';
