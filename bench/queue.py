"""How fast is the queue beside others, with every guarantee on? QUICK=1 is shorter.

Each queue drains jobs that do nothing, on one Postgres with synchronous_commit on, in a database of its own that is
copied for each run. The runs of the queues alternate, and each has the concurrency that suits it best.
"""

import os
import statistics
import time
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass

import psycopg

from bench import proxy
from bench.peers import catalogue, costs, race
from bench.peers.catalogue import Peer
from bench.results import Failed

QUICK = bool(os.environ.get("QUICK"))
ROUNDS = 2 if QUICK else 5
SLOW_ROUNDS = 1 if QUICK else 2
JOBS, SLOW_JOBS, SLOW_FAR_JOBS, COLD_JOBS = 20_000, 4_000, 400, 50
WAITING = 100_000 if QUICK else 1_000_000
YARDSTICK = "graphile-worker"


@dataclass(frozen=True)
class Course:
    """One column of the table of speeds."""

    title: str
    processes: int
    far: bool


COURSES = (Course("1 process", 1, False), Course("2 processes", 2, False), Course("1 process, 4 ms away", 1, True))


def run() -> str:
    """Run the comparison and return its tables."""
    peers, absent = catalogue.available()
    began = time.monotonic()
    with ExitStack() as exits:
        server = exits.enter_context(race.race())
        near, far, farther = (exits.enter_context(proxy.running(server.socket, ms)) for ms in (0, 2, 10))
        parts = [
            _speeds(server, peers, far),
            _colds(server, peers, {"on the machine": None, "4 ms away": far, "20 ms away": farther}),
            _starts(server, peers),
            _batches(server, peers[0], near),
            _costs(server, peers[0]),
            _position(server, peers[0]),
            _memory(server, peers[0]),
            _distances({4: far, 20: farther}, near, server),
        ]
    parts += [f"Not compared: {name} ({reason})." for name, reason in absent.items()]
    parts.append(f"Took {time.monotonic() - began:.0f} s.")
    return "\n\n".join(parts)


def _speeds(server: race.Race, peers: list[Peer], far: proxy.Proxy) -> str:
    """Return the table of jobs per second."""
    speeds: dict[tuple[str, Course], list[float]] = {}
    turns: dict[str, float] = {}
    for turn in range(ROUNDS):
        for course in COURSES:
            for peer in peers:
                if peer.slow and turn >= SLOW_ROUNDS:
                    continue
                jobs = (SLOW_FAR_JOBS if course.far else SLOW_JOBS) if peer.slow else JOBS
                with server.copy(server.prepare(peer, jobs)) as database:
                    done = server.drain(
                        peer, database, jobs, processes=course.processes, via=far if course.far else None
                    )
                speeds.setdefault((peer.name, course), []).append(done.speed)
                if course.far:
                    turns[peer.name] = done.turns / jobs
                _progress(f"{peer.name}, {course.title}: {done.speed:,.0f} jobs/s")
    rows = [
        [
            peer.name,
            *(_beside(speeds, peer.name, course) for course in COURSES),
            f"{turns[peer.name]:.3g}",
        ]
        for peer in peers
    ]
    head = [f"{JOBS:,} jobs, jobs/s", *(course.title for course in COURSES), "network turns per job"]
    note = (
        f"Medians of {ROUNDS} runs, in brackets the ratio to {YARDSTICK}; from the first job's start until the "
        f"database holds no unfinished job. The naive loop and procrastinate, whose speed does not depend on how many "
        f"wait: {SLOW_ROUNDS} runs of {SLOW_JOBS:,} jobs, {SLOW_FAR_JOBS} from afar."
    )
    return f"{table(head, rows)}\n\n{note}"


def _beside(speeds: Mapping[tuple[str, Course], list[float]], name: str, course: Course) -> str:
    speed = statistics.median(speeds[name, course])
    other = speeds.get((YARDSTICK, course))
    return f"{speed:,.0f}" + (f" ({speed / statistics.median(other):.2f})" if other else "")


def _colds(server: race.Race, peers: list[Peer], distances: Mapping[str, proxy.Proxy | None]) -> str:
    """Return the table of the milliseconds of a short drain."""
    times: dict[tuple[str, str], list[float]] = {}
    turns: dict[str, int] = {}
    for turn in range(ROUNDS):
        for distance, via in distances.items():
            for peer in peers:
                if peer.slow and turn >= SLOW_ROUNDS:
                    continue
                with server.copy(server.prepare(peer, COLD_JOBS)) as database:
                    ms, turns[peer.name] = server.cold(peer, database, COLD_JOBS, via)
                times.setdefault((peer.name, distance), []).append(ms)
                _progress(f"{peer.name}, cold drain {distance}: {ms:,.0f} ms")
    medians = {place: statistics.median(found) for place, found in times.items()}
    rows = []
    for peer in peers:
        cells = []
        for distance in distances:
            other = medians.get((YARDSTICK, distance))
            ms = medians[peer.name, distance]
            cells.append(f"{ms:,.0f}" + (f" ({ms / other:.2f})" if other else ""))
        rows.append([peer.name, *cells, str(turns[peer.name])])
    head = [f"connect, run {COLD_JOBS} jobs, leave; ms", *distances, "network turns"]
    note = "In a fresh process, its modules loaded; without TLS and password, which cost all the same."
    return f"{table(head, rows)}\n\n{note}"


def _starts(server: race.Race, peers: list[Peer]) -> str:
    """Return the table of the time from the enqueue to the start."""
    rows = []
    for peer in peers:
        with server.copy(server.prepare(peer, 0)) as database:
            rows.append([peer.name, f"{server.delay(peer, database, 50 if QUICK else 200):.1f}"])
        _progress(f"{peer.name}, from enqueue to start: {rows[-1][1]} ms")
    text = table(["one job at a time", "before the enqueue to the start, median ms"], rows)
    return f"{text}\n\nOurs is told by a kick over HTTP, graphile-worker, pgqueuer and procrastinate by NOTIFY."


def _batches(server: race.Race, ours: Peer, near: proxy.Proxy) -> str:
    """Return how many network turns a batch of ours takes."""
    with server.copy(server.prepare(ours, JOBS)) as database:
        done = server.drain(ours, database, JOBS, via=near, COUNT="1")
    statements = sorted(done.facts["statements"].items(), key=lambda pair: -pair[1])
    batches = max(1, statements[0][1])
    named = ", ".join(f"`{name}` {count}" for name, count in statements[:6])
    return (
        f"Ours, round trips: {done.turns} turns for {JOBS:,} jobs in about {batches} batches of "
        f"{JOBS / batches:.0f}: {done.turns / batches:.2f} a batch, connecting included ({named})."
    )


def _costs(server: race.Race, ours: Peer) -> str:
    """Return what each guarantee costs."""
    rows = []
    for name, speed, ratio in costs.guarantees(server, ours, JOBS, ROUNDS):
        rows.append([name, f"{speed:,.0f}", f"{ratio:.2f}"])
        _progress(f"{name}: {speed:,.0f} jobs/s")
    return table(["ours, one guarantee taken away, 1 process", "jobs/s", "beside all"], rows)


def _position(server: race.Race, ours: Peer) -> str:
    """Return what the place in the line costs when a million wait."""
    database = server.prepare(ours, WAITING)
    with psycopg.connect(server.url(database), autocommit=True) as conn:
        ids = conn.execute("select id from jobs where id %% %s = 0 order by id", (WAITING // 50,)).fetchall()
        times = []
        for (job_id,) in ids:
            began = time.perf_counter()
            conn.execute("select queue_position(%s), queue_pace(%s)", (job_id, job_id)).fetchone()
            times.append((time.perf_counter() - began) * 1000)
    return f"Ours, place and waiting time with {WAITING:,} jobs waiting: {statistics.median(times):.2f} ms, median."


def _memory(server: race.Race, ours: Peer) -> str:
    """Return what ten times the backlog does to a drainer's memory."""
    peaks = []
    for jobs in (JOBS, 5 * JOBS if QUICK else 10 * JOBS):
        with server.copy(server.prepare(ours, jobs)) as database:
            peaks.append((jobs, server.drain(ours, database, jobs).peak_mb))
    said = ", ".join(f"{peak:.0f} MB with {jobs:,} jobs waiting" for jobs, peak in peaks)
    return f"Ours, a drainer's memory at its highest: {said}."


def _distances(proxies: Mapping[int, proxy.Proxy], near: proxy.Proxy, server: race.Race) -> str:
    """Return how far the proxies really are."""
    base = _round_trip(server.url("postgres", near.port))
    found = {ms: _round_trip(server.url("postgres", via.port)) - base for ms, via in proxies.items()}
    if any(abs(got - ms) > 0.1 * ms + 0.3 for ms, got in found.items()):
        raise Failed(f"the proxies are not as far as they should be: {found}")
    said = ", ".join(f"{ms} ms measured {got:.2f}" for ms, got in found.items())
    return f"The distances, a proxy's delay there and back: {said}."


def _round_trip(url: str) -> float:
    with psycopg.connect(url, autocommit=True) as conn:
        times = []
        for _ in range(50):
            began = time.perf_counter()
            conn.execute("select 1")
            times.append((time.perf_counter() - began) * 1000)
    return statistics.median(times)


def table(head: list[str], rows: Iterable[list[str]]) -> str:
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *rows))


def _progress(line: str) -> None:
    print(f"queue: {line}", flush=True)
