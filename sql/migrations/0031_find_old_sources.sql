set local lock_timeout = '5s';

-- The nightly tidying looks for them; results are not in it, and stay.
create index files_sources on files (created_at) where kind in ('source', 'still');
