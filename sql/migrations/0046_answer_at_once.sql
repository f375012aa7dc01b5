-- A question answered from the menu alone costs one trip to the database: the answer comes with the question.
set local lock_timeout = '5s';

-- Counts of the last answers of a talk those in a row that found nothing or that the client did not like.
create function misses_of(p_partner_id bigint, p_talk_id bigint) returns integer language sql stable as $$
    select count(*)::integer
    from (
        select bool_and(case when l.thumb is null then l.missed else l.thumb = -1 end) over (order by l.id desc)
            as in_a_row
        from talk_lines l
        where l.partner_id = p_partner_id
        and l.talk_id = p_talk_id
        and l.role = 'bot'
        and l.status = 'complete'
        order by l.id desc
        limit 10
    ) last
    where last.in_a_row;
$$;

-- Adds an answer that was ready before the question came, in the run that the question began, and returns how many of
-- the talk's last answers, in a row, were of no use.
create function answer_at_once(
    p_partner_id bigint, p_talk_id bigint, p_run_no integer, p_words text, p_missed boolean, p_at timestamptz
) returns integer language plpgsql as $$
begin
    insert into talk_lines (partner_id, talk_id, role, words, run_no, missed, created_at)
    values (p_partner_id, p_talk_id, 'bot', p_words, p_run_no, p_missed, p_at);
    return misses_of(p_partner_id, p_talk_id);
end $$;
