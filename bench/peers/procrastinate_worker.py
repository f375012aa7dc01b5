"""Procrastinate, with the concurrency that drains fastest here."""

import os

import procrastinate
import uvloop

from bench.peers.driver import Driver, seen

app = procrastinate.App(
    connector=procrastinate.PsycopgConnector(conninfo=os.environ["DATABASE_URL"], min_size=1, max_size=4)
)


@app.task(name="noop")
async def noop(sent: float | None = None) -> None:
    seen.job(sent)


async def prepare(number: int) -> None:
    async with app.open_async():
        await app.schema_manager.apply_schema_async()
        for start in range(0, number, 1000):
            await noop.batch_defer_async(*[{} for _ in range(min(1000, number - start))])


async def work() -> None:
    async with app.open_async():
        await app.run_worker_async(concurrency=4, install_signal_handlers=False)


async def once() -> None:
    async with app.open_async():
        await app.run_worker_async(concurrency=4, wait=False, listen_notify=False, install_signal_handlers=False)


async def feed():
    await app.open_async()
    return lambda sent: noop.defer_async(sent=sent)


if __name__ == "__main__":
    Driver(prepare, work, once, feed).main(uvloop.run)
