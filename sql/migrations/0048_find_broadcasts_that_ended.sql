-- The platform's figures look for the broadcasts that ended within a day.
set local lock_timeout = '5s';

create index broadcasts_finished on broadcasts (finished_at) where finished_at is not null;
