"""Ours: `jobs.work` as the drain calls it, every guarantee on, the jobs of 200 people."""

import asyncio
import os
import time
from collections import Counter
from datetime import UTC, datetime, timedelta

from bench.peers.driver import Driver
from lib import config, db, fetch, migrations
from lib.jobs import drain, table
from lib.jobs.run import Kind
from lib.jobs.table import NewJob
from lib.people import users

TASKS = {"noop": Kind("bench.peers.noop", lanes=16, batch=1000)}
PEOPLE = 200
PORT = int(os.environ.get("KICK_PORT", "0"))
CHUNK = 1000

statements: Counter[str] = Counter()


async def prepare(number: int) -> None:
    async with db.connect(config.get().database_url) as conn:
        await migrations.apply(conn)
        people = [(await users.get_or_create_user(conn, n, first_name="Алиса")).id for n in range(1, PEOPLE + 1)]
        for start in range(0, number, CHUNK):
            orders = [
                NewJob(people[n % PEOPLE], f"noop:{time.time_ns()}:{n}", {})
                for n in range(start, min(start + CHUNK, number))
            ]
            await table.create_free_jobs(conn, "noop", orders)


async def work() -> None:
    """Drain again and again, or whenever a kick comes, as `POST /api/drain` does."""
    if PORT:
        server = await asyncio.start_server(_kicked, "127.0.0.1", PORT)
        await server.serve_forever()
    while True:
        await drain.work(TASKS, _until())
        await asyncio.sleep(0.05)


async def _kicked(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while await reader.readuntil(b"\r\n\r\n"):
        writer.write(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")
        draining = asyncio.create_task(drain.work(TASKS, _until(), patience=timedelta(0)))
        draining.add_done_callback(lambda done: done.result())


async def once() -> None:
    await drain.work(TASKS, _until(), patience=timedelta(0))
    await db.close()


async def feed():
    async with db.connection() as conn:
        user = await users.get_or_create_user(conn, 1, first_name="Алиса")

    async def enqueue(sent: float) -> None:
        async with db.connection() as conn:
            await table.create_job_and_consume_credit(
                conn, user.id, task="noop", key=f"feed:{sent}", args={"sent": sent}, price=0
            )
        await fetch.nudge(f"http://127.0.0.1:{PORT}/", headers={}, timeout=timedelta(seconds=1))

    return enqueue


def _until() -> datetime:
    return datetime.now(UTC) + timedelta(minutes=5)


def _count_statements() -> None:
    """Count the statements by name, to tell how many make a batch."""
    execute = db.Query._execute

    async def counted(self, *args, **kwargs):
        statements[self.name] += 1
        return await execute(self, *args, **kwargs)

    db.Query._execute = counted


if __name__ == "__main__":
    if os.environ.get("COUNT"):
        _count_statements()
    Driver(prepare, work, once, feed, lambda: {"statements": statements}).main()
