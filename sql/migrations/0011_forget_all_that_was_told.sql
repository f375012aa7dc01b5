-- What was told to one person goes whole once it is said: the sentences that follow the first, too.
create or replace function forget_words() returns trigger language plpgsql as $$
begin
    new.args := new.args - 'fields' - 'ways' - 'more';
    return new;
end $$;

update job_history set args = args - 'more' where task = 'tell' and args ? 'more';
