-- name: hear
select hear_of_job(%(job_id)s, %(nonce)s, %(task_id)s);
