-- The cut of a photo is kept a day, and found among the other files by its age.
create index files_cuts on files (created_at) where kind = 'cut';
