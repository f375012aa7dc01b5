-- A photo that one bot carried to another leaves no words either, once it is there.
set local lock_timeout = '5s';

-- A message to one person is mostly about another. Nobody needs its words, or its photo, once they are said, or can no
-- longer be said.
create or replace function forget_words() returns trigger language plpgsql as $$
begin
    new.args := new.args - '{fields,ways,more,file_id}'::text[];
    return new;
end $$;

create or replace trigger forget_words before insert on job_history
    for each row when (new.task in ('tell', 'relay')) execute function forget_words();
