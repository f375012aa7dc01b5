"""Ours: `jobs.work` as the drain calls it, every guarantee on, the jobs of 200 people."""

import os
import time
from collections import Counter
from datetime import UTC, datetime, timedelta

from bench.peers.driver import Driver
from lib import config, db, jobs, migrations, users

TASKS = {"noop": jobs.Kind("bench.peers.noop", lanes=16, batch=1000)}
PEOPLE = 200

statements: Counter[str] = Counter()


async def prepare(number: int) -> None:
    async with db.connect(config.get().database_url) as conn:
        await migrations.apply(conn)
        people = [(await users.get_or_create_user(conn, n, first_name="Алиса")).id for n in range(1, PEOPLE + 1)]
        for n in range(number):
            await jobs.create_job_and_consume_credit(
                conn, people[n % PEOPLE], task="noop", key=f"noop:{time.time_ns()}:{n}", args={}, price=0
            )


async def work() -> None:
    while True:
        await jobs.work(TASKS, _until())


async def once() -> None:
    await jobs.work(TASKS, _until(), patience=timedelta(0))
    await db.close()


async def feed():
    async with db.connection() as conn:
        user = await users.get_or_create_user(conn, 1, first_name="Алиса")

    async def enqueue(sent: float) -> None:
        async with db.connection() as conn:
            await jobs.create_job_and_consume_credit(
                conn, user.id, task="noop", key=f"feed:{sent}", args={"sent": sent}, price=0
            )

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
