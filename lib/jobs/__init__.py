"""Jobs: what to do later, for whom, at what price, and how far it has got.

    queued ──claim──> running ──> done
      │  ^               │──────> failed      refunded, and a notice job tells the user
      │  └──retry────────│──────> cancelled   refunded: somebody asked for it while it ran
      │                  └─> waiting ──claim at run_at──> running
      └──cancel──> cancelled      refunded

A running job holds a lease: a token and a time. Only the holder of the token can move it on (anybody else gets a
Conflict); a lease that ran out is taken over by the next claim and counts as an attempt. So a task runs at least once
and must be safe to run twice. Charge, refund and notice are the table's own doing (sql/), no matter who moves the job.
"""
