"""PgQueuer over asyncpg, its fastest driver, with the batch that drains fastest here."""

import json
import os
from datetime import timedelta

import asyncpg
import uvloop
from pgqueuer import AsyncpgDriver, Queries, QueueManager
from pgqueuer.types import QueueExecutionMode

from bench.peers.driver import Driver, seen

BATCH = int(os.environ.get("BATCH", "500"))


def _manager(conn: asyncpg.Connection) -> QueueManager:
    manager = QueueManager(Queries(AsyncpgDriver(conn)))

    @manager.entrypoint("noop")
    async def noop(job) -> None:
        seen.job(json.loads(job.payload) if job.payload else None)

    return manager


async def prepare(number: int) -> None:
    conn = await asyncpg.connect(os.environ["DATABASE_URL"])
    queries = Queries(AsyncpgDriver(conn))
    await queries.install()
    for start in range(0, number, 5000):
        size = min(5000, number - start)
        await queries.enqueue(["noop"] * size, [None] * size, [0] * size)
    await conn.close()


async def work() -> None:
    conn = await asyncpg.connect(os.environ["DATABASE_URL"])
    await _manager(conn).run(batch_size=BATCH, dequeue_timeout=timedelta(seconds=5))


async def once() -> None:
    conn = await asyncpg.connect(os.environ["DATABASE_URL"])
    await _manager(conn).run(batch_size=50, mode=QueueExecutionMode.drain)
    await conn.close()


async def feed():
    queries = Queries(AsyncpgDriver(await asyncpg.connect(os.environ["DATABASE_URL"])))
    return lambda sent: queries.enqueue("noop", json.dumps(sent).encode())


if __name__ == "__main__":
    Driver(prepare, work, once, feed).main(uvloop.run)
