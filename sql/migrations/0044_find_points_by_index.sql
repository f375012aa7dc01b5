-- A connection keeps the plan it made when a table was empty, and then an index looks dearer than reading everything.
alter function accrue_points(bigint, bigint, bigint, text, bigint, timestamptz) set enable_seqscan to off;
alter function redeem_points(bigint, bigint, bigint, text, bigint, bigint, timestamptz) set enable_seqscan to off;
alter function buy_service(bigint, bigint, bigint, text, bigint, integer, timestamptz) set enable_seqscan to off;
alter function grant_points(bigint, bigint, bigint, text, text, bigint, text, timestamptz) set enable_seqscan to off;
alter function reverse_points(bigint, bigint, bigint, text, text, timestamptz) set enable_seqscan to off;
alter function settle_due(bigint, integer, timestamptz) set enable_seqscan to off;
alter function settle_referrals(bigint, bigint, timestamptz) set enable_seqscan to off;
alter function join_partner(bigint, bigint, bigint, timestamptz) set enable_seqscan to off;
alter function my_cards(bigint, timestamptz) set enable_seqscan to off;
