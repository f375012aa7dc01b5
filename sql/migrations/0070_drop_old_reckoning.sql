set local lock_timeout = '5s';

-- Their last callers went with the release that reads a desk instead.
drop function points_for(partners, members, text, bigint, timestamptz);
drop function share_of_bill(partners, bigint);
