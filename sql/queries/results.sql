-- name: list_pieces
select id as file_id, kind, pathname, coalesce(width, 0) as width, coalesce(height, 0) as height
from files
where user_id = %(user_id)s
and job_id = %(job_id)s
and kind in ('card-preview', 'card', 'background-preview', 'background', 'video', 'zip')
order by id;
