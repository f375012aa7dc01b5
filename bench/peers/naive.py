"""The loop that everybody writes first: select for update skip locked limit 1, work, update, commit."""

import asyncio
import os

import psycopg

from bench.peers.driver import Driver, seen

URL = os.environ["DATABASE_URL"]


async def prepare(number: int) -> None:
    async with await psycopg.AsyncConnection.connect(URL) as conn:
        await conn.execute("create table naive (id bigserial primary key, state text not null, sent float8)")
        await conn.execute("create index on naive (id) where state = 'queued'")
        await conn.execute("insert into naive (state) select 'queued' from generate_series(1, %s)", (number,))


async def loop(*, once: bool) -> None:
    async with await psycopg.AsyncConnection.connect(URL) as conn:
        while True:
            cursor = await conn.execute(
                "select id, sent from naive where state = 'queued' order by id limit 1 for update skip locked"
            )
            job = await cursor.fetchone()
            if job:
                seen.job(job[1])
                await conn.execute("update naive set state = 'done' where id = %s", (job[0],))
            await conn.commit()
            if not job:
                if once:
                    return
                await asyncio.sleep(0.1)


async def feed():
    conn = await psycopg.AsyncConnection.connect(URL, autocommit=True)
    return lambda sent: conn.execute("insert into naive (state, sent) values ('queued', %s)", (sent,))


if __name__ == "__main__":
    Driver(prepare, lambda: loop(once=False), lambda: loop(once=True), feed).main()
