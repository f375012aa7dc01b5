set local lock_timeout = '5s';

-- Failed jobs are counted by task and by reason, and looked for by both, without a look at their rows. The one that it
-- replaces goes last: until then nobody who reads waits.
create index job_history_failures on job_history (id desc) include (task, error_code) where state = 'failed';
drop index job_history_failed;
alter index job_history_failures rename to job_history_failed;
