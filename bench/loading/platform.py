"""What the crowd writes to: instances of the webhook far from their services, a shop with its till, and Prometheus."""

import asyncio
import contextlib
import json
import shutil
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.updating import letters, region
from dev import functions
from dev.stack import ROOT
from lib import db
from lib.loyalty import members, partners, staff

PARTNER = "987654321:" + "A" * 35
PEOPLE, CASHIERS, CLIENTS = 2000, 60, 100
MET = """
with met as (
    insert into users (tg_id, first_name, last_name, username, language, consent_at)
    select %s + n, 'Алиса' || n, 'Петрова', 'alice_' || n, 'ru', now()
    from generate_series(0, %s - 1) n
    returning id
)
insert into credit_accounts (user_id)
select id from met
"""


@dataclass
class Platform:
    """The running parts; `cashiers` are numbers of people, `phones` those of clients of their shop."""

    here: region.Region
    webhooks: list[functions.Function]
    metrics: functions.Function
    drain: functions.Function
    cashiers: list[int]
    phones: list[str]

    async def facts(self) -> dict[str, Any]:
        """Return what the crowd has to know of it."""
        return {
            "ports": [await one.port() for one in self.webhooks],
            "telegram": self.here.far["telegram"].port,
            "secret": region.GUARDS["WEBHOOK_SECRET"],
            "people": PEOPLE,
            "cast": CASHIERS + CLIENTS + 1,
            "cashiers": self.cashiers,
            "phones": self.phones,
        }


@contextlib.asynccontextmanager
async def platform(distance: region.Distance, webhooks: int) -> AsyncIterator[Platform]:
    """Run it, with people who have consented, and a shop whose cashiers know their clients."""
    async with region.region(distance, webhooks=0) as here, contextlib.AsyncExitStack() as exits:
        async with db.connect(here.url) as conn:
            await conn.execute(MET, (letters.FIRST, PEOPLE + CASHIERS + CLIENTS + 1))
            cashiers, phones = await _shop(conn)
        instances = [await here.boot(PARTNER_BOT_TOKEN=PARTNER) for _ in range(webhooks)]
        others = [_function(here, f"api/{name}/index.py") for name in ("metrics", "drain")]
        for one in others:
            await one.start()
        for one in (*instances, *others):
            exits.push_async_callback(one.stop)
        yield Platform(here, instances, *others, cashiers, phones)


def _function(here: region.Region, entry: str) -> functions.Function:
    settings = here.settings() | {"PARTNER_BOT_TOKEN": PARTNER}
    return functions.Function(entry, functions.environment(settings), root=ROOT)


async def _shop(conn: db.Connection) -> tuple[list[int], list[str]]:
    """Make a shop; return the numbers of its cashiers, and its clients' phones."""
    rows = await (
        await conn.execute("select id from users where tg_id >= %s order by tg_id", (letters.FIRST + PEOPLE,))
    ).fetchall()
    owner, *others = [row[0] for row in rows]
    shop = await partners.apply(conn, owner, title="Зерно", city="Казань", category="cafe")
    await partners.decide(conn, shop, owner, "approved")
    for user in others[:CASHIERS]:
        await staff.accept(conn, user, await staff.invite(conn, shop, owner, "cashier"))
    phones = [f"+7900{n:07}" for n in range(CLIENTS)]
    for user, phone in zip(others[CASHIERS:], phones, strict=True):
        await members.register(conn, user, name="Борис", city="Казань", phone=phone)
        await members.join(conn, shop, user)
    return [PEOPLE + 1 + n for n in range(CASHIERS)], phones


@contextlib.asynccontextmanager
async def prometheus(of: Platform, folder: Path) -> AsyncIterator[str]:
    """Run a Prometheus that reads the figures each three seconds, and yield its address; "" without the program."""
    program = shutil.which("prometheus")
    if not program:
        yield ""
        return
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    job = {
        "job_name": "lotok",
        "metrics_path": "/api/metrics",
        "authorization": {"credentials": region.GUARDS["METRICS_TOKEN"]},
        "static_configs": [{"targets": [f"127.0.0.1:{await of.metrics.port()}"]}],
    }
    (folder / "prometheus.yml").write_text(json.dumps({"global": {"scrape_interval": "3s"}, "scrape_configs": [job]}))
    where = [f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/tsdb"]
    process = await asyncio.create_subprocess_exec(
        *(program, *where, f"--web.listen-address=127.0.0.1:{port}", "--log.level=error"), cwd=folder
    )
    try:
        await asyncio.sleep(2)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        await process.wait()
