"""A minute at the counter: fifty cashiers of one shop serve clients through the webhook, as Telegram would deliver it.

Each service is four updates: the next client, the phone number typed, the bill typed, the points given by a button.
"""

import asyncio
import itertools
import random
import time
from dataclasses import dataclass, field

from bench.till.fill import fill
from bench.updating import letters, region
from bench.updating.wire import Line, line
from lib import db
from lib.office import audit

CASHIERS, CLIENTS = 50, 500
BILLS = itertools.count(350)  # the same bill of a client's again would be asked about first
TOKEN = "987654321:AAbenchbenchbenchbenchbenchbenchben"
HEAD = region.HEAD.replace(b"/api/telegram/studio", b"/api/telegram/partner")
CREW = """
insert into users (id, tg_id, first_name, consent_at)
overriding system value
select 3000000 + n, 5000000000 + n, 'Кассир ' || n, now() from generate_series(0, {cashiers} - 1) n;
insert into credit_accounts (user_id) select id from users where id >= 3000000;
insert into staff (partner_id, user_id, role)
select 1, id, 'cashier' from users where id >= 3000000;
update partners set max_bill_minor = 10000000 where id = 1;
"""


@dataclass
class Minute:
    """The outcome: milliseconds by kind of update, services that were carried out, answers other than 200."""

    times: dict[str, list[float]] = field(default_factory=dict)
    served: int = 0
    refused: int = 0
    operations: int = 0
    findings: int = 0


async def minute(seconds: float, pause: float) -> Minute:
    """Let the cashiers work for so long, each with a pause after every client."""
    found = Minute()
    async with region.region(region.Distance(), webhooks=0) as here:
        async with db.connect(here.url) as conn:
            await fill(conn, partners=1, members=CLIENTS)
            await db.script(conn, CREW.format(cashiers=CASHIERS))
        await here.boot(PARTNER_BOT_TOKEN=TOKEN)
        port = await here.instances[0].port()
        until = time.monotonic() + seconds
        await asyncio.gather(*(_cashier(here, port, n, until, pause, found) for n in range(CASHIERS)))
        async with db.connect(here.url) as conn:
            cursor = await conn.execute("select count(*) from point_txns where kind = 'accrue'")
            [(found.operations,)] = await cursor.fetchall()
            found.findings = len(await audit.check(conn))
    return found


async def _cashier(here: region.Region, port: int, number: int, until: float, pause: float, found: Minute) -> None:
    rng = random.Random(number)
    await asyncio.sleep(rng.random() * pause)
    while time.monotonic() < until:
        one = await line(port)  # a new one for each client: a kept one is closed after five idle seconds
        done = await _serve(here, one, number, f"+7900{rng.randint(1, CLIENTS):07}", found)
        found.served += done
        if one._transport:
            one._transport.close()
        await asyncio.sleep(pause * (0.5 + rng.random()))


async def _serve(here: region.Region, one: Line, number: int, phone: str, found: Minute) -> bool:
    """Serve one client and say whether every update was answered with 200."""

    def screen() -> int:
        return int(here.told()["screens"].get(str(5_000_000_000 + number), 1))

    ok = await _deliver(one, "next", letters.pressed(number, next(here.ids), "till:find", screen()), found)
    ok = ok and await _deliver(one, "the client", letters.said(number, next(here.ids), phone), found)
    ok = ok and await _deliver(one, "the bill", letters.said(number, next(here.ids), str(next(BILLS))), found)
    press = letters.pressed(number, next(here.ids), "till:give", screen())
    return ok and await _deliver(one, "the points", press, found)


async def _deliver(one: Line, kind: str, body: bytes, found: Minute) -> bool:
    began = time.perf_counter()
    status = await one.post(HEAD, body)
    found.times.setdefault(kind, []).append((time.perf_counter() - began) * 1000)
    found.refused += status != 200
    return status == 200
