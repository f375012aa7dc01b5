"""Jobs: what to do later, for whom, at what price, and how far it has got.

    queued ──claim──> running ──> done
      │  ^               │──────> failed      refunded, and a notice job tells the user
      │  └──retry────────│──────> cancelled   refunded: somebody asked for it while it ran
      │                  └─> waiting ──claim at run_at──> running
      └──cancel──> cancelled      refunded

A running job holds a lease: a token and a time. Only the holder of the token can move it on (anybody else gets a
Conflict); a lease that ran out is taken over by the next claim and counts as an attempt. So a task runs at least once
and must be safe to run twice. Charge, refund and notice are the table's own doing (sql/), whoever moves the job.
"""

from lib.jobs.drain import work
from lib.jobs.periodic import Schedule, next_due, tick
from lib.jobs.run import Kind, Rate, Run, Summary, Task, Verdict, judge
from lib.jobs.table import (
    SQL,
    Enqueued,
    Job,
    Order,
    Place,
    Retried,
    ask_to_cancel,
    cancel_job,
    create_free_jobs,
    create_job_and_consume_credit,
    due_at,
    fetch_next_queued_job,
    forget_history,
    get_job_by_id,
    get_job_by_idempotency_key,
    get_place,
    get_queue_position,
    get_user_jobs,
    list_last_jobs,
    queue_stats,
    retry_job,
    save_checkpoint,
    update_job_status,
)

__all__ = [
    "SQL",
    "Enqueued",
    "Job",
    "Kind",
    "Order",
    "Place",
    "Rate",
    "Retried",
    "Run",
    "Schedule",
    "Summary",
    "Task",
    "Verdict",
    "ask_to_cancel",
    "cancel_job",
    "create_free_jobs",
    "create_job_and_consume_credit",
    "due_at",
    "fetch_next_queued_job",
    "forget_history",
    "get_job_by_id",
    "get_job_by_idempotency_key",
    "get_place",
    "get_queue_position",
    "get_user_jobs",
    "judge",
    "list_last_jobs",
    "next_due",
    "queue_stats",
    "retry_job",
    "save_checkpoint",
    "tick",
    "update_job_status",
    "work",
]
