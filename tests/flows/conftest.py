"""One stack for all conversations, and a new person for each test, so that no test sees another's chat."""

import asyncio
import contextlib
import hashlib
import io
import json
import math
import os
import re
import shutil
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from PIL import Image, ImageDraw

from dev.functions import Function
from dev.stack import ROOT, Stack
from lib import db
from tests import clusters
from tests.flows.chat import Chat, until

FINAL = ("done", "failed", "cancelled")
TICK = 0.3  # seconds
WORKERS = ("api/drain", "api/render")
CYRILLIC = re.compile("[а-яёА-ЯЁ]{3}")
ADMINS = (1005, *range(2001, 2014))  # the local stack's own, and so many that none is too quick


@dataclass
class Shop:
    """What lies behind the chats: the database, the files, and the switches of the simulator."""

    stack: Stack
    http: httpx.AsyncClient
    opened: contextlib.AsyncExitStack
    conn: db.Connection | None = None
    ticks: set[asyncio.Task[Any]] = field(default_factory=set)
    has_own_jobs: bool = False

    async def balance(self, chat: Chat) -> int:
        [account] = await self.rows(
            "select a.balance from credit_accounts a join users u on u.id = a.user_id where u.tg_id = %s",
            chat.user["id"],
        )
        return int(account["balance"])

    async def ledger(self, chat: Chat) -> list[dict[str, Any]]:
        return await self.rows(
            "select l.* from credit_ledger l join users u on u.id = l.user_id where u.tg_id = %s order by l.id",
            chat.user["id"],
        )

    async def jobs(self, chat: Chat) -> list[dict[str, Any]]:
        return await self.rows(
            "select j.* from every_job j join users u on u.id = j.user_id"
            " where u.tg_id = %s and j.task in ('card', 'background', 'video') order by j.id",
            chat.user["id"],
        )

    async def jobs_of(self, chat: Chat, task: str) -> list[dict[str, Any]]:
        return await self.rows(
            "select j.* from every_job j join users u on u.id = j.user_id"
            " where u.tg_id = %s and j.task = %s order by j.id",
            *(chat.user["id"], task),
        )

    async def rows(self, query: str, *params: Any) -> list[dict[str, Any]]:
        cursor = await self._execute(query, params)
        names = [column.name for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in await cursor.fetchall()]

    async def _execute(self, query: str, params: tuple[Any, ...]) -> Any:
        """Ask over the one connection, or over a new one if the server has been away meanwhile."""
        if self.conn:
            with contextlib.suppress(psycopg.OperationalError):
                return await self.conn.execute(query, params)
            self.conn = None
        self.conn = await self.opened.enter_async_context(db.connect(self.stack.owner_url))
        return await self.conn.execute(query, params)

    def stored(self, pathname: str) -> Path:
        """Return where the stand-in of Vercel Blob keeps a file."""
        return self.stack.folder / "blob" / f"{hashlib.sha256(pathname.encode()).hexdigest()}.bin"

    async def download(self, file_id: str) -> bytes:
        return (await self.http.get(f"/sim/files/{file_id}")).raise_for_status().content

    async def replay(self, chat: Chat, update_id: int, *, times: int) -> None:
        path = f"/sim/updates/{chat.bot}/{update_id}/replay"
        (await self.http.post(path, json={"times": times})).raise_for_status()
        await self.stack.idle()

    async def fault(self, chat: Chat, method: str, kind: str, **options: Any) -> None:
        body = {"method": method, "kind": kind, "user_id": chat.user["id"], **options}
        (await self.http.post("/sim/faults", json=body)).raise_for_status()

    async def settle(self, chat: Chat, *, within: float = 90) -> None:
        """Tick as the cron does until every order of this person is final."""

        async def states() -> list[str]:
            return [job["state"] for job in await self.jobs(chat)]

        await self.ticks_until(states, lambda found: all(state in FINAL for state in found), within)

    async def state(self, chat: Chat) -> dict[str, Any]:
        """Return what Redis holds of the conversation."""
        return dict(json.loads(await self._redis("GET", _state_key(chat))))

    async def state_or_none(self, chat: Chat) -> str | None:
        """Return the stored state as it is; None when there is none."""
        stored: str | None = await self._redis("GET", _state_key(chat))
        return stored

    async def finish(self, task: str, user_id: int, *states: str, within: float = 90) -> None:
        """Tick as the cron does until the person's jobs of this task stand so, oldest first: the only one done."""
        query = "select state from every_job where user_id = %s and task = %s order by id"

        async def found() -> list[str]:
            return [row["state"] for row in await self.rows(query, user_id, task)]

        await self.ticks_until(found, lambda found: found == list(states or ("done",)), within)

    async def do_now(self, task: str) -> None:
        """Have a periodic job done, as if its time had come."""
        key = f"test:{task}:{time.time_ns()}"
        await self.rows("insert into jobs (task, key, turn) values (%s, %s, 1) returning id", task, key)
        await self.drain_again()

        async def found() -> list[dict[str, Any]]:
            return await self.rows("select state, error from every_job where key = %s", key)

        await self.ticks_until(found, lambda found: found[0]["state"] == "done")

    async def ticks_until(
        self, look: Callable[[], Awaitable[list[Any]]], is_over: Callable[[list[Any]], bool] = bool, within: float = 90
    ) -> None:
        """Tick, as the cron does, until what is seen is what is waited for.

        Nobody waits for the tick itself: with leases this short it may wait for one to run out, and is left to it.
        """
        until, tick_at, mine = time.monotonic() + within, 0.0, None
        while not is_over(found := await look()):
            now = time.monotonic()
            assert now < until, found
            if now >= tick_at and (mine is None or mine.done()):
                if self.has_own_jobs:
                    await self._redis("UNLINK", "local:drain_rests", "local:render_rests")
                tick_at, mine = now + TICK, asyncio.create_task(self.stack.tick())
                self.ticks.add(mine)
                mine.add_done_callback(self.ticks.discard)
            await asyncio.sleep(0.05)
        self.has_own_jobs = False

    async def tried(self, chat: Chat, text: str) -> int:
        """Let a person write, and return the update as soon as the webhook had it once, however that ended."""
        answer = await self.http.post(f"{chat.path}/text", json={"text": text})
        update_id = int(answer.raise_for_status().json()["update_id"])

        async def attempts() -> list[Any]:
            return self.stack.world.updates[chat.bot, update_id].attempts

        await until(attempts)
        return update_id

    async def break_state(self, chat: Chat) -> None:
        """Leave a state in Redis that makes the next flow fail."""
        state = await self.state(chat)
        nobody = {name: value for name, value in state["who"].items() if name != "id"}
        draft = {"file_id": "f", "product": "card", "preset": "wb"}
        broken = {**state, "step": "order:words", "data": {"draft": draft}, "who": nobody}
        await self._redis("SET", _state_key(chat), json.dumps(broken))

    async def drain_again(self) -> None:
        """Let the next wait look for jobs that a test has made itself.

        Each of its ticks does: a drain that ends just now leaves the time of the next job that it knew of.
        """
        self.has_own_jobs = True

    async def pause(self, provider: str, why: str) -> None:
        """Let nobody ask a provider for a minute."""
        row = "provider, account, why, until"
        pause = f"insert into provider_pauses ({row}) values (%s, '', %s, now() + interval '1 hour')"
        await self.rows(f"{pause} returning provider", provider, why)

    async def mend_state(self, chat: Chat) -> None:
        """Forget a conversation."""
        await self._redis("DEL", _state_key(chat))

    async def forget_outage(self, chat: Chat) -> None:
        """Leave nothing in Neon of an outage of Redis: the next look finds nobody and is the last."""
        await self.rows("delete from conversations returning bot")
        await chat.says("/menu")

    async def forget_turn(self, chat: Chat) -> None:
        """Let a turn be over that a killed instance has taken along."""
        await self._redis("DEL", _state_key(chat).replace("user_state", "turn"))

    async def _redis(self, *command: str) -> Any:
        settings = self.stack.settings
        headers = {"Authorization": f"Bearer {settings['UPSTASH_REDIS_REST_TOKEN']}"}
        answer = await self.http.post(settings["UPSTASH_REDIS_REST_URL"], json=command, headers=headers)
        return answer.raise_for_status().json()["result"]

    async def redis_keys(self) -> list[str]:
        """Return every key in Redis, each with its value if that is a text."""
        keys = list(await self._redis("KEYS", "*"))
        values = await self._pipeline(*(("GET", key) for key in keys))
        return keys + [
            f"{key} = {value['result']}" for key, value in zip(keys, values, strict=True) if "result" in value
        ]

    async def _pipeline(self, *commands: tuple[str, ...]) -> list[dict[str, Any]]:
        settings = self.stack.settings
        headers = {"Authorization": f"Bearer {settings['UPSTASH_REDIS_REST_TOKEN']}"}
        answer = await self.http.post(f"{settings['UPSTASH_REDIS_REST_URL']}/pipeline", json=commands, headers=headers)
        return list(answer.raise_for_status().json())

    async def expire(self, key: str) -> None:
        """Let the time of a key in Redis be over."""
        assert await self._redis("PEXPIRE", f"local:{key}", "0") == 1, key

    async def record(self, chat: Chat) -> dict[str, Any]:
        """Return what the function logged of the person's last update."""
        trace = await self.http.get(f"/sim/updates/{chat.bot}/{chat.update_ids[-1]}")
        return dict(trace.raise_for_status().json()["log"])

    @contextlib.asynccontextmanager
    async def without_worker(self) -> AsyncIterator[None]:
        """Let nothing reach the workers meanwhile, so that what is ordered stays queued.

        One that is still busy is ended, as an instance that Vercel takes away.
        """
        running, away = self.stack.functions, dict[str, Function]()
        try:
            for entry in [name for name in running if name.startswith(WORKERS)]:
                away[entry] = running.pop(entry)
                try:
                    await away[entry].idle(5)
                except TimeoutError:
                    await away[entry].restart()
            yield
        finally:
            running.update(away)
            await self._redis("UNLINK", "local:drain_kick", "local:render_kick")  # of kicks that nobody heard

    @contextlib.asynccontextmanager
    async def setting(self, name: str, value: str) -> AsyncIterator[None]:
        """Give the webhook another setting meanwhile; as on a deployment, it restarts for it."""
        [webhook] = [function for entry, function in self.stack.functions.items() if entry.startswith("api/telegram")]
        try:
            webhook.give(name, value)
            await self.switch("api-telegram", "restart")
            yield
        finally:
            webhook.give(name, self.stack.settings.get(name, ""))
            await self.switch("api-telegram", "restart")

    async def run(self, code: str) -> None:
        """Run Python as a function of the stack, with its settings, and nothing of Redis' short marks in the way."""
        await self._redis("DEL", "local:line_moved")
        settings = {**os.environ, **self.stack.settings}
        running = await asyncio.create_subprocess_exec(sys.executable, "-c", code, cwd=ROOT, env=settings)
        assert await running.wait() == 0, code

    async def switch(self, part: str, verb: str) -> None:
        (await self.http.post(f"/sim/parts/{part}/{verb}", timeout=60)).raise_for_status()


def _state_key(chat: Chat) -> str:
    return f"local:user_state:{chat.bot}:{chat.user['id']}"


@pytest.fixture(scope="session")
async def stack(shared: Path) -> AsyncIterator[Stack]:
    """Run everything once: real Postgres and Valkey, the functions under the real runtime, the stand-ins.

    Not below pytest's own temporary folder: it is closed to the user that Postgres runs as.
    """
    folder = Path(tempfile.mkdtemp(prefix="lotok-stack-"))
    try:
        given = {"LEASE_SCALE": "0.15", "CUT_SIDE": "64", "ADMIN_IDS": ",".join(map(str, ADMINS))}
        given |= {"STRIPS_A_DAY": "0"}  # each confirm screen would draw one; their own tests have them
        clusters.lay(shared, clusters.as_a_stack_has_it, folder / "postgres")
        async with Stack(folder, time_scale=0.1, given=given, dozing=clusters.DOZING) as stack:
            async with db.connect(stack.owner_url) as conn:  # what fires here would come between the tests' messages
                await conn.execute("insert into muted_alerts select unnest(%s::bigint[]), 'alarm'", ([*ADMINS],))
            yield stack
            assert not stack.world.problems, "every call to Telegram obeys the Bot API's definition"
            secrets = [value for name, value in stack.settings.items() if name.endswith(("_TOKEN", "_SECRET"))]
            for log in (folder / "logs").glob("api-*.log"):
                assert not [secret for secret in secrets if secret in log.read_text()], f"a secret in {log.name}"
                assert not [line for line in log.read_text().splitlines() if CYRILLIC.search(line)], (
                    f"what people wrote: {log.name}"
                )
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
async def shop(stack: Stack) -> AsyncIterator[Shop]:
    async with (
        stack.client() as http,
        contextlib.AsyncExitStack() as opened,
    ):
        shop = Shop(stack, http, opened)
        yield shop
        await asyncio.gather(*shop.ticks)


@pytest.fixture
def newcomer(shop: Shop) -> Callable[..., Awaitable[Chat]]:
    """Make people who open the studio's chat; with consent=True they have met the bot already."""

    async def make(consent: bool = False, **person: Any) -> Chat:
        user = {"first_name": "Алиса", "language_code": "ru", **person}
        made = (await shop.http.post("/sim/users", json=user)).raise_for_status().json()
        chat = Chat(shop.http, "studio", made)
        if consent:
            await chat.says("/start")
            await chat.presses("Принимаю")
            await chat.sees("2 кредита")
        return chat

    return make


@pytest.fixture
async def stranger(newcomer: Callable[..., Awaitable[Chat]]) -> Chat:
    return await newcomer()


@pytest.fixture
async def seller(newcomer: Callable[..., Awaitable[Chat]]) -> Chat:
    return await newcomer(consent=True)


@pytest.fixture(scope="session")
def product() -> Callable[..., bytes]:
    """Draw a mug on a light table, as JPEG, PNG or WebP."""

    def draw(form: str = "JPEG", size: tuple[int, int] = (480, 640)) -> bytes:
        width, height = size
        picture = Image.new("RGB", size, (236, 233, 228))
        pen = ImageDraw.Draw(picture)
        middle, radius = width // 2, width // 4
        pen.ellipse(
            (middle + radius // 2, height * 0.42, middle + radius * 1.7, height * 0.66), outline=(176, 48, 40), width=28
        )
        pen.rounded_rectangle((middle - radius, height * 0.33, middle + radius, height * 0.75), 36, fill=(186, 52, 44))
        for line in range(0, radius, 6):
            shade = round(20 * math.sin(line / radius * math.pi))
            pen.line(
                (middle - radius + 12 + line, height * 0.36, middle - radius + 12 + line, height * 0.72),
                fill=(186 + shade, 52, 44),
                width=6,
            )
        target = io.BytesIO()
        picture.save(target, form)
        return target.getvalue()

    return draw


@pytest.fixture(scope="session")
def photo(product: Callable[..., bytes]) -> bytes:
    return product("JPEG")
