"""One stack whose pictures are made by the stand-ins of KIE and OpenAI; orders are put into its queue directly."""

import asyncio
import itertools
import shutil
import tempfile
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from dev.stack import ROOT, Stack
from lib import db
from lib.jobs import table
from lib.studio import orders
from tests import clusters
from tests.flows.chat import Chat

FINAL = ("done", "failed", "cancelled")
PHOTO = (ROOT / "dev" / "samples" / "coffee.jpg").read_bytes()


@dataclass
class Studio:
    """The stack, and what a test does with it: orders, faults, rows."""

    stack: Stack
    http: httpx.AsyncClient
    conn: db.Connection
    numbers: Any = field(default_factory=lambda: iter(range(1, 10**6)))

    async def seller(self, credits: int = 100) -> Chat:
        """Return a new person with credits, who has sent a photo."""
        made = (await self.http.post("/sim/users", json={"first_name": "Алиса", "language_code": "ru"})).json()
        chat = Chat(self.http, "studio", made)
        await chat.says("/start")
        await chat.presses("Принимаю")
        await chat.sends_photo(PHOTO)
        query = "select grant_credits(id, %s, %s, 'ops:test', 'test') from users"
        await self.run(f"{query} where tg_id = %s", credits, f"grant:test:{made['id']}", made["id"])
        return chat

    async def order(self, chat: Chat, *, kick: bool = True, price: int = 3, **wanted: Any) -> int:
        """Put an order into the queue as the flow does; return the job's id."""
        shown = (await self.http.get(f"/sim/chats/studio/{chat.user['id']}")).json()["messages"]
        photo = next(one for one in reversed(shown) if one.get("photo"))
        sent = await chat.last()
        wanted.setdefault("file_id", photo["photo"][-1]["file_id"])
        asked = orders.Order(
            bot="studio", chat_id=chat.user["id"], message_id=sent["message_id"], language="ru", **wanted
        )
        [user] = await self.rows("select id from users where tg_id = %s", chat.user["id"])
        made = await table.create_job_and_consume_credit(
            self.conn,
            user["id"],
            task=asked.task,
            key=f"test:{next(self.numbers)}:{time.time()}",
            args=asked.args(),
            price=price,
        )
        if kick:
            await self.kick()
        return made.job.id

    async def end_of(self, job_id: int, *, within: float = 180) -> dict[str, Any]:
        """Kick the workers each second until the job is final; return it."""
        until = time.monotonic() + within
        for turn in itertools.count(1):
            [job] = await self.rows("select * from every_job where id = %s", job_id)
            if job["state"] in FINAL:
                await self.kick()  # the notice of a failure
                return job
            assert time.monotonic() < until, job
            await asyncio.sleep(0.1)
            if turn % 10 == 0:
                await self.kick()
        raise AssertionError

    async def kick(self) -> None:
        headers = {"Authorization": f"Bearer {self.stack.settings['CRON_SECRET']}"}
        for worker in ("render", "drain"):
            await self.http.post(f"{self.stack.deployment}/api/{worker}", headers=headers)

    async def costs(self, job_id: int) -> list[tuple[str, str, str, int]]:
        """Return (provider, model, state, cost) of each call of a job for what it sells."""
        return [one[1:] for one in await self.asked(job_id) if one[0] in ("still", "main")]

    async def asked(self, job_id: int) -> list[tuple[str, str, str, str, int]]:
        """Return (step, provider, model, state, cost) of each call of a job."""
        query = "select step, provider, model, state, cost from provider_calls where job_id = %s order by id"
        return [tuple(row.values()) for row in await self.rows(query, job_id)]

    async def balance(self, chat: Chat) -> int:
        query = "select a.balance from credit_accounts a join users u on u.id = a.user_id where u.tg_id = %s"
        [row] = await self.rows(query, chat.user["id"])
        return int(row["balance"])

    async def fault(self, part: str, kind: str, **options: Any) -> None:
        answer = await self.http.post("/sim/faults", json={"part": part, "kind": kind, **options})
        assert answer.status_code == 200, answer.text

    async def fault_of(self, chat: Chat, method: str, kind: str) -> None:
        """Let the next call of a method fail in this chat."""
        wish = {"method": method, "kind": kind, "bot": "studio", "user_id": chat.user["id"]}
        (await self.http.post("/sim/faults", json=wish)).raise_for_status()

    async def has_cut(self, chat: Chat) -> bool:
        """Say whether the photo of a new person is cut, and shown so."""
        query = "select 1 from every_job j join users u on u.id = j.user_id where u.tg_id = %s"
        return bool(await self.rows(f"{query} and (j.task, j.state) = ('cut', 'done')", chat.user["id"]))

    async def calls(self, chat: Chat) -> list[dict[str, Any]]:
        """Return the Bot API calls about this chat, the oldest first."""
        known = self.stack.world.calls.values()
        return [call.doc() for call in known if (call.bot, call.user_id) == ("studio", chat.user["id"])]

    async def rows(self, query: str, *params: Any) -> list[dict[str, Any]]:
        cursor = await self.conn.execute(query, params)
        names = [column.name for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in await cursor.fetchall()]

    async def run(self, query: str, *params: Any) -> None:
        await self.conn.execute(query, params)

    async def redis(self, *command: str) -> Any:
        settings = self.stack.settings
        headers = {"Authorization": f"Bearer {settings['UPSTASH_REDIS_REST_TOKEN']}"}
        answer = await self.http.post(settings["UPSTASH_REDIS_REST_URL"], json=command, headers=headers)
        return answer.raise_for_status().json()["result"]


@pytest.fixture(scope="session")
async def ai_stack(shared: Path) -> AsyncIterator[Stack]:
    folder = Path(tempfile.mkdtemp(prefix="lotok-ai-"))
    try:
        given = {"LEASE_SCALE": "0.1", "CUT_SIDE": "64", "DRAIN_SECONDS": "60", "STRIPS_A_DAY": "0"}
        given["OPENAI_TRANSCRIBE_MODEL"] = "stand-in"
        kind = {"ai": True, "generation_seconds": 0.8, "light": True, "dozing": clusters.DOZING}
        clusters.lay(shared, clusters.as_a_stack_has_it, folder / "postgres")
        async with Stack(folder, time_scale=0.1, given=given, **kind) as stack:
            yield stack
            assert not stack.world.problems, stack.world.problems
            keys = [value for name, value in stack.settings.items() if name.endswith(("_KEY", "_TOKEN", "_SECRET"))]
            secrets = [part for value in keys for part in value.split(",")]
            logged = "".join(log.read_text() for log in (folder / "logs").glob("api-*.log"))
            assert not [secret for secret in secrets if secret in logged], "a secret in a log"
            async with db.connect(stack.owner_url) as conn:
                found = await (await conn.execute("select args::text || checkpoint::text from every_job")).fetchall()
            assert not [secret for secret in secrets for (row,) in found if secret in row], "a secret in a row"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
async def studio(ai_stack: Stack) -> AsyncIterator[Studio]:
    async with (
        ai_stack.client() as http,
        db.connect(ai_stack.owner_url) as conn,
    ):
        studio = Studio(ai_stack, http, conn)
        yield studio
        await http.delete("/sim/faults")
        await studio.run("delete from provider_pauses")
