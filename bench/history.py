"""Does a long history slow the queue? BENCH_HISTORY=n sets how many finished jobs there are, QUICK=1 is shorter.

Two databases on one Postgres with synchronous_commit on, one of them with the history; their drains alternate.
"""

import os
import statistics

import psycopg

from bench.peers import catalogue, costs, race
from bench.peers.catalogue import Peer
from bench.queue import JOBS, QUICK, ROUNDS, table

HISTORY = int(os.environ.get("BENCH_HISTORY", "100000" if QUICK else "10000000"))


def run() -> str:
    """Run the drains and return their table and the plans."""
    [ours] = [peer for peer in catalogue.PEERS if peer.name == "ours"]
    with race.race() as server:
        return _history(server, ours)


def _history(server: race.Race, ours: Peer) -> str:
    """Return what a long history does to the drain."""
    full = server.prepare(ours, JOBS)
    speeds: dict[str, list[float]] = {"without": [], "with": []}
    with server.copy(full) as young, server.copy(full) as aged:
        with psycopg.connect(server.url(young), autocommit=True) as conn:
            before = {name: (pages, ms) for name, _, pages, ms in costs.plans(conn)}
        with psycopg.connect(server.url(aged), autocommit=True) as conn:
            _age(conn, HISTORY)
            after = list(costs.plans(conn))
        print(f"history: {HISTORY:,} finished jobs written", flush=True)
        for turn in range(1 + ROUNDS):
            for name, database in (("without", young), ("with", aged)):
                speed = server.drain(ours, database, JOBS).speed
                server.refill(ours, database, JOBS)
                if turn:  # not the first one: it writes whole pages to the log, as after any checkpoint
                    speeds[name].append(speed)
    medians = {name: statistics.median(found) for name, found in speeds.items()}
    rows = [
        [name, indexes, f"{before[name][0]} → {pages}", f"{before[name][1]:.2f} → {ms:.2f}"]
        for name, indexes, pages, ms in after
    ]
    head = [f"hot statements, without → with {HISTORY:,} finished jobs", "index", "pages", "ms"]
    return (
        f"Ours, with {HISTORY:,} finished jobs in the history: {medians['with']:,.0f} jobs/s, without: "
        f"{medians['without']:,.0f} ({medians['with'] / medians['without']:.2f}).\n\n{table(head, rows)}\n\n"
        "By `explain (analyze, buffers)`: no statement reads a table from end to end."
    )


def _age(conn: psycopg.Connection, number: int) -> None:
    """Write jobs that finished in the last 90 days."""
    for start in range(0, number, 500_000):
        conn.execute(
            """
            insert into job_history (id, user_id, task, key, args, checkpoint, price, priority, state, run_at, attempts,
                max_attempts, lease_token, created_at, finished_at)
            select -n, 1 + n %% 200, 'noop', 'old:' || n, '{}', '{}', 0, 0, 'done', t, 1, 5, gen_random_uuid(), t, t
            from (
                select n, now() - interval '89 days' * (1 - n::float8 / %(number)s) as t
                from generate_series(%(first)s::bigint, %(last)s) n
            ) jobs
            """,
            {"number": number, "first": start + 1, "last": min(start + 500_000, number)},
        )
    conn.execute("vacuum (analyze) job_history")
    conn.execute("checkpoint")
