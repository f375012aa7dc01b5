"""Measures what the guarantees cost, and what the hot statements read, on the same Postgres as the comparison."""

import json
import re
import statistics
from collections.abc import Iterator

import psycopg

from bench.peers.catalogue import Peer
from bench.peers.race import Race

# Each takes one guarantee away from a copy of the database, without touching the code that drains it.
WITHOUT = {
    "everything as it is": "",
    "no key that stays unique in the history": "alter table job_history drop constraint job_history_key_key",
    "no index of the history but its id": """
        alter table job_history drop constraint job_history_key_key;
        drop index job_history_user, job_history_finished, job_history_failed, job_history_pace""",
    "no turns (first come, first served) and no index of a person's jobs": """
        drop index jobs_line, jobs_user;
        create index jobs_line on jobs (task, priority desc, turn, id) where turn is not null;
        update jobs set turn = 1;
        vacuum (full, analyze) jobs""",
    "no triggers (charge, refund, notice, legal moves)": """
        alter table jobs disable trigger user;
        alter table job_history disable trigger user""",
    "no check constraints": "{checks}",
    "no durable commit": "alter database {name} set synchronous_commit = off",
}

HOT = {
    "claim 100": """
        select j.id from jobs j
        where j.task = 'noop' and j.turn is not null
        and (j.lease_token is null or j.leased_until <= now())
        and j.deaths + (j.lease_token is not null)::integer < 2
        order by j.priority desc, j.turn, j.id limit 100 for update skip locked""",
    "finish 100": """
        delete from jobs where id = any(array(select id from jobs where task = 'noop' order by id limit 100))
        and state = 'queued'""",
    "the key of a finished job": "select id from job_history where key = 'old:7'",
    "somebody's turn": """
        select turn from jobs where user_id = 1 and task = 'noop' and turn > 0 order by turn desc limit 1""",
    "the front of the line": """
        select turn from jobs where task = 'noop' and priority = 0 and turn > 0 order by turn limit 1""",
    "somebody's last orders": "select id from job_history where user_id = 7 order by id desc limit 10",
    "the pace of a kind": """
        select finished_at from job_history where task = 'noop' and price > 0
        and finished_at > now() - interval '15 minutes' order by finished_at desc limit 50""",
    "what falls due later": """
        select run_at from jobs where task = 'noop' and turn is null order by run_at limit 1""",
}

_CHECKS = """
    select string_agg(format('alter table %I drop constraint %I', conrelid::regclass, conname), '; ')
    from pg_constraint where contype = 'c' and conrelid in ('jobs'::regclass, 'job_history'::regclass)"""


def guarantees(server: Race, ours: Peer, jobs: int, rounds: int) -> Iterator[tuple[str, float, float]]:
    """Yield, for each guarantee taken away, the median speed and its ratio to everything as it is."""
    full = server.prepare(ours, jobs)
    speeds: dict[str, list[float]] = {name: [] for name in WITHOUT}
    for _ in range(rounds):
        for name, change in WITHOUT.items():
            with server.copy(full) as database:
                with psycopg.connect(server.url(database), autocommit=True) as conn:
                    _take_away(conn, change, database)
                speeds[name].append(server.drain(ours, database, jobs).speed)
    whole = statistics.median(speeds["everything as it is"])
    for name, found in speeds.items():
        yield name, statistics.median(found), statistics.median(found) / whole


def _take_away(conn: psycopg.Connection, change: str, database: str) -> None:
    checks = conn.execute(_CHECKS).fetchone() or ("",)
    for statement in change.format(checks=checks[0], name=database).split(";"):
        if statement.strip():
            conn.execute(statement.encode())


def plans(conn: psycopg.Connection) -> Iterator[tuple[str, str, int, float]]:
    """Yield each hot statement with the indexes it reads, the pages it touches, and its milliseconds; undo its work."""
    for name, statement in HOT.items():
        with conn.transaction(force_rollback=True):
            conn.execute("set local enable_seqscan = off")
            conn.execute("set local enable_bitmapscan = off")
            rows = [_explain(conn, statement) for _ in range(3)]
        plan, pages, ms = min(rows, key=lambda row: row[2])
        yield name, ", ".join(dict.fromkeys(re.findall(r'"Index Name": "(\w+)"', plan))), pages, ms


def _explain(conn: psycopg.Connection, statement: str) -> tuple[str, int, float]:
    with conn.transaction(force_rollback=True):
        row = conn.execute(f"explain (analyze, buffers, format json) {statement}".encode()).fetchone() or ([],)
    found = row[0][0]
    pages = found["Plan"]["Shared Hit Blocks"] + found["Plan"]["Shared Read Blocks"]
    return json.dumps(found), pages, found["Execution Time"]
