"""Do two regions work as one, and does a shop move between them under load without a loss? PEOPLE=n for another size.

Two installations, each with its Postgres, Valkey and processes; Telegram calls the first. A thousand people in each
come by a shop's link. Cashiers of three shops give points while one shop moves to the other region by the operator's
own command. Then the other region is killed and started again. Every receipt that a cashier has seen must be one
operation in the right database, every update must arrive, and people of a region that runs must not wait.
"""

import asyncio
import contextlib
import itertools
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from bench.results import Failed
from bench.several import fleet
from bench.several.fleet import Server, Site
from dev.stack import ROOT
from lib import config, db
from lib.loyalty import cards, members, partners, staff
from lib.office import audit
from lib.people import users
from ops.regions import numbers

GIVEN = "select count(*) from point_txns where kind = 'accrue' and parent_id is null and partner_id = %s"
PATIENCE, LATE = 20.0, 60.0  # seconds for an event to be heard, and for the last updates to arrive


@dataclass(frozen=True)
class Size:
    """How many people there are in each region, and for how long each part lasts."""

    people: int = 1000
    cashiers: int = 3
    seconds: float = 15
    pause: float = 0.5


@dataclass
class Region:
    """One region: its parts, and the process that serves it."""

    name: str
    site: Site
    server: Server

    @property
    def owner(self) -> str:
        """The owner's address of its database."""
        return self.site.owner_url


class Home(Site):
    """The parts of one region; those of another one than the first have no Telegram of their own."""

    async def _start_telegram(self, is_real: bool) -> None:
        if "TELEGRAM_API_URL" not in self.given:
            await super()._start_telegram(is_real)


@contextlib.asynccontextmanager
async def both(folder: Path) -> AsyncIterator[list[Region]]:
    """Run both regions; the second has the secrets and the bots of the first."""
    ports = {name: fleet.free_port() for name in ("ru", "eu")}
    regions = ",".join(f"{name}=http://127.0.0.1:{port}" for name, port in ports.items())
    async with contextlib.AsyncExitStack() as stack:
        made = list[Region]()
        for name, port in ports.items():
            own = folder / name
            own.mkdir()
            given = {"HOME_REGION": name, "REGIONS": regions, "PUBLIC_URL": f"http://127.0.0.1:{port}"}
            if made:
                shutil.copy(folder / "ru" / "secrets.json", own / "secrets.json")
                given["TELEGRAM_API_URL"] = made[0].site.settings["TELEGRAM_API_URL"]
            site = await stack.enter_async_context(Home(own, given))
            args = ["serve", "--only", "telegram,drain", "--clock"]
            made.append(Region(name, site, Server(name, port, args, fleet.environment(site.settings), own / "log")))
        use(made[0])
        async with db.connect(made[1].owner) as conn:
            await numbers.begin(conn, "eu")
        for region in made:
            region.server.start()
            stack.callback(region.server.stop)
        for region in made:
            await region.server.is_up()
        yield made


def use(region: Region) -> None:
    """Have this process be in a region: what is written straight into its database goes by its settings."""
    os.environ.update(region.site.settings)
    config.get.cache_clear()


@dataclass
class Town:
    """A shop, its cashiers, and the people who come by its link; `seen` are the receipts that cashiers have seen."""

    home: Region
    http: httpx.AsyncClient
    dice: random.Random
    title: str
    shop: int = 0
    code: str = ""
    cashiers: list[int] = field(default_factory=list)
    clients: list[int] = field(default_factory=list)
    cards: list[int] = field(default_factory=list)
    seen: int = 0
    again: int = 0
    waits: list[float] = field(default_factory=list)

    async def settle(self, cashiers: int, clients: int) -> None:
        """Make the shop with everybody in its region's database, as months before would have."""
        use(self.home)
        self.cashiers = [await self._person(f"Кассир {n}") for n in range(cashiers)]
        self.clients = [await self._person(f"Клиент {n}") for n in range(clients)]
        async with db.connect(self.home.owner) as conn:
            owner = await _known(conn, await self._person("Хозяйка"))
            self.shop = await partners.apply(conn, owner, title=self.title, city="Казань", category="cafe")
            await partners.decide(conn, self.shop, owner, "approved")
            self.code = (await partners.get(conn, self.shop)).code
            for cashier in self.cashiers:
                await staff.accept(
                    conn, await _known(conn, cashier), await staff.invite(conn, self.shop, owner, "cashier")
                )
            for n, tg_id in enumerate(self.clients):
                client = await _known(conn, tg_id)
                phone = f"+79{tg_id % 10**5:05}{n:04}"
                await members.register(conn, client, name="Борис", city="Казань", phone=phone)
                self.cards.append((await members.join(conn, self.shop, client)).member_id)

    async def arrive(self) -> None:
        """Have everybody come by the link: each chat finds its region, and the bot there answers."""
        for page in itertools.batched(self.clients, 8):
            await asyncio.gather(*(self._says("client", one, f"/start p_{self.code}") for one in page))
        for one in self.cashiers:
            await self._says("partner", one, f"/start at_{self.home.name}")

    async def give(self, until: float, pause: float) -> None:
        """Have the cashiers give points until the time is over."""
        await asyncio.gather(*(self._serve(one, until, pause) for one in self.cashiers))

    async def _serve(self, cashier: int, until: float, pause: float) -> None:
        bills = itertools.count(self.dice.randrange(400, 10**5), 7)
        while time.monotonic() < until:
            began = time.monotonic()
            if await self._receipt(cashier, next(bills)):
                self.seen += 1
            else:
                self.again += 1
            self.waits.append(time.monotonic() - began)
            await asyncio.sleep(self.dice.uniform(0.5, 1.5) * pause)

    async def _receipt(self, cashier: int, bill: int) -> bool:
        """Scan a client's card and give them points; return whether the cashier has seen the receipt."""
        await self._says("partner", cashier, f"/start {cards.issue(self.shop, self.dice.choice(self.cards))}")
        await self._says("partner", cashier, str(bill))
        if not (message := await self._button(cashier, "till:give")):
            return False
        await self._act(f"/sim/chats/partner/{cashier}/press", {"message_id": message, "data": "till:give"})
        return await self._has_receipt(cashier, message)

    async def _button(self, cashier: int, data: str) -> int:
        """Return the message with this button below what was written last, 0 when none comes."""
        for _ in range(20):
            for message in reversed(await self._messages(cashier)):
                rows = (message.get("reply_markup") or {}).get("inline_keyboard", [])
                if any(button.get("callback_data") == data for row in rows for button in row):
                    return int(message["message_id"])
                if message["sim"]["outgoing"]:
                    break
            await asyncio.sleep(0.1)
        return 0

    async def _has_receipt(self, cashier: int, screen: int) -> bool:
        """Tell whether the screen becomes a receipt, which can be undone; after a crash it does so late."""
        until = time.monotonic() + LATE
        while time.monotonic() < until:
            [message] = [one for one in await self._messages(cashier) if one["message_id"] == screen]
            if "undo:" in json.dumps(message.get("reply_markup")):
                return True
            await asyncio.sleep(0.2)
        return False

    async def _messages(self, cashier: int) -> list[dict[str, Any]]:
        found = (await self.http.get(f"/sim/chats/partner/{cashier}")).raise_for_status().json()
        return list(found["messages"])

    async def _says(self, bot: str, person: int, text: str) -> None:
        await self._act(f"/sim/chats/{bot}/{person}/text", {"text": text})

    async def _act(self, path: str, body: Mapping[str, object]) -> None:
        (await self.http.post(path, params={"wait": "1"}, json=body)).raise_for_status()

    async def _person(self, name: str) -> int:
        made = await self.http.post("/sim/users", json={"first_name": name, "language_code": "ru"})
        return int(made.raise_for_status().json()["id"])


async def _known(conn: db.Connection, tg_id: int) -> int:
    user = await users.get_or_create_user(conn, tg_id, first_name="Алиса")
    return (await users.accept_consent(conn, user.id, tg_id)).id


@dataclass
class Outcome:
    """The figures of a course."""

    people: int
    moved: float = 0
    moving_wait: float = 0
    usual_wait: float = 0
    down_wait: float = 0
    receipts: int = 0
    again: int = 0
    rows: int = 0
    wrong: list[str] = field(default_factory=list)


def run() -> str:
    """Play the course and return the table; Failed when anything was lost or done twice."""
    size, busy = Size(people=int(os.environ.get("PEOPLE", Size.people))), os.getloadavg()[0]
    outcome = asyncio.run(play(size))
    table = "\n".join([*HEAD, _row(outcome), "", NOTE.format(size=size, cores=os.cpu_count(), busy=busy)])
    if outcome.wrong:
        raise Failed("; ".join(outcome.wrong) + "\n" + table)
    return table


HEAD = (
    "| people in each region | cards of the shop that moved | the move, s | a receipt, median ms "
    "| longest while the shop moved, s | longest while the other region was down, ms | receipts seen, each once "
    "| begun again |",
    "|---|---|---|---|---|---|---|---|",
)
NOTE = (
    "Three shops with {size.cashiers} cashiers each; {size.seconds:.0f} s before and during a move, and with a region "
    "down. A receipt is a scanned card, a bill and a press. The move takes in the seconds in which a handler may still "
    "run (3 here, 25 by itself). Both audits (lib/office/audit.py) found nothing. Everything shares {cores} cores, of "
    "which {busy:.0f} were wanted by others when it began: the times say that nothing stood still, not how fast it is."
)


async def play(size: Size, seed: int = 7) -> Outcome:
    """Play the course in a folder of its own."""
    folder = Path(tempfile.mkdtemp(prefix="lotok-regions-"))
    try:
        async with both(folder) as (ru, eu), ru.site.client() as http:
            dice = random.Random(seed)
            goes, stays, there = (Town(home, http, dice, f"Зерно {n}") for n, home in enumerate((ru, ru, eu)))
            half = size.people // 2
            for town, clients in ((goes, size.people - half), (stays, half), (there, size.people)):
                await town.settle(size.cashiers, clients)
            await _sweep(eu)
            for town in (goes, stays, there):
                await town.arrive()
            outcome = Outcome(size.people)
            await _move(outcome, size, [goes, stays, there], ru, eu)
            await _down(outcome, size, [stays], [goes, there], eu)
            await _judge(outcome, [goes, stays, there], ru, eu)
            return outcome
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def _sweep(region: Region) -> None:
    """Let a region's worker tell the others what it has, as the minute's clock does."""
    headers = {"Authorization": f"Bearer {region.site.settings['CRON_SECRET']}"}
    async with httpx.AsyncClient(trust_env=False, timeout=60) as http:
        (await http.post(f"http://127.0.0.1:{region.server.port}/api/drain", headers=headers)).raise_for_status()
    until = time.monotonic() + PATIENCE
    while await _number(region, "select count(*) from region_events") or not await _number(
        region, "select count(*) from shop_regions"
    ):
        if time.monotonic() > until:
            raise Failed(f"{region.name} was not heard: {region.server.log.read_text(errors='replace')[-800:]}")
        await asyncio.sleep(0.2)


async def _move(outcome: Outcome, size: Size, towns: list[Town], ru: Region, eu: Region) -> None:
    """Have the first town's shop move while everybody works."""
    goes = towns[0]
    until = time.monotonic() + size.seconds
    working = [asyncio.create_task(town.give(until + size.seconds, size.pause)) for town in towns]
    await asyncio.sleep(size.seconds / 2)
    outcome.usual_wait = statistics.median(wait for town in towns for wait in town.waits)
    before = len(goes.waits)
    began = time.monotonic()
    args = ["regions", "move", goes.code, "eu", "$EU_URL", "--settle", "3"]
    env = {**fleet.environment(ru.site.settings), "EU_URL": eu.owner}
    moving = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "ops", *args),
        cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    said = (await moving.communicate())[0].decode()
    outcome.moved = time.monotonic() - began
    if moving.returncode:
        outcome.wrong.append(f"the move failed: {said[-1500:]}")
    await asyncio.gather(*working)
    outcome.moving_wait = max(goes.waits[before:], default=0)
    goes.home = eu


async def _down(outcome: Outcome, size: Size, up: list[Town], down: list[Town], region: Region) -> None:
    """Kill a region while everybody works; those of the other one go on, and its own get their answers later."""
    waited = {town.title: len(town.waits) for town in up}
    until = time.monotonic() + size.seconds
    working = [asyncio.create_task(town.give(until, size.pause)) for town in (*up, *down)]
    await asyncio.sleep(size.seconds / 4)
    region.server.kill()
    await asyncio.sleep(size.seconds / 2)
    region.server.start()
    await region.server.is_up()
    await asyncio.gather(*working)
    outcome.down_wait = max(wait for town in up for wait in town.waits[waited[town.title] :])


async def _judge(outcome: Outcome, towns: list[Town], ru: Region, eu: Region) -> None:
    """Count what is wrong."""
    for town in towns:
        outcome.receipts += town.seen
        outcome.again += town.again
        for region in (ru, eu):
            wanted = town.seen if region is town.home else 0
            if (found := await _number(region, GIVEN, town.shop)) != wanted:
                outcome.wrong.append(f"{town.title}: {found} operations in {region.name}, {wanted} receipts seen")
    for region in (ru, eu):
        async with db.connect(region.owner) as conn:
            outcome.wrong += [f"{region.name}: {one.check}: {one.number}" for one in await audit.check(conn)]
    outcome.wrong += await _late(ru)
    outcome.rows = await _number(eu, "select count(*) from members where partner_id = %s", towns[0].shop)
    placed = await _number(ru, "select count(*) from chat_regions where region = 'eu'")
    wanted = len(towns[0].clients) + len(towns[2].clients)
    if placed < wanted:
        outcome.wrong.append(f"{placed} chats are in eu, which are at least {wanted}")


async def _late(region: Region) -> list[str]:
    """Give Telegram time to bring what it still has, and tell what it could not deliver."""
    until = time.monotonic() + LATE
    while True:
        late = [one for one in region.site.world.updates.values() if one.state != "delivered"]
        if not late or time.monotonic() > until:
            return [f"{len(late)} updates were not delivered: {late[0]}"[:600]] if late else []
        await asyncio.sleep(0.5)


async def _number(region: Region, query: str, *params: object) -> int:
    async with db.connect(region.owner) as conn:
        row = await (await conn.execute(query.encode(), params or None)).fetchone()
    return int(row[0]) if row else 0


def _row(one: Outcome) -> str:
    return (
        f"| {one.people:,} | {one.rows} | {one.moved:.1f} | {one.usual_wait * 1000:.0f} | {one.moving_wait:.1f} "
        f"| {one.down_wait * 1000:.0f} | {one.receipts} | {one.again} |"
    )
