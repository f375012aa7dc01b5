"""A shop's whole history as a file: ordered as the partner bot orders it, made by a worker in a process of its own.

It is sent to a stand-in for Telegram, which holds every call to the Bot API's definition.
"""

import asyncio
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.routing import Mount

from bench.results import Failed
from dev import serving
from dev.telegram import World, bot_api
from lib import db
from lib.jobs import table
from lib.jobs.table import NewJob

ROOT = Path(__file__).parents[2]
OWNER, OWNER_TG = 2_000_001, 2_000_000_001  # of shop 1, as fill.sql makes them


@dataclass(frozen=True)
class Export:
    """Seconds of the clock and of the processor, bytes of each file, and the most memory that the process has had: all

    of it, and before the work. `late` is by how much its loop was late at the 99th percentile.
    """

    seconds: float
    cpu: float
    files: list[int]
    peak: int
    before: int
    late: float


async def export(url: str, form: str) -> Export:
    """Export the operations of shop 1 of a database that `fill` has filled; raise Failed when no file came."""
    asked = {"bot": "partner", "partner_id": 1, "what": "operations", "form": form, "since": "", "until": "2100-01-01"}
    order = NewJob(OWNER, f"export:{form}", asked)
    async with db.connect(url) as conn:
        await table.create_free_jobs(conn, "sheet", [order])
    world = World()
    world.users[OWNER_TG] = {"id": OWNER_TG, "first_name": "Глеб"}
    chat = world.chat("partner", OWNER_TG)
    chat.started = True
    async with serving.serve(Starlette(routes=[Mount("/telegram", bot_api(world))])) as address:
        worker = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bench.till.sheets",
            cwd=ROOT, env=_settings(url, world, address), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        told = json.loads((await worker.communicate())[0].splitlines()[-1])
    if not told.pop("done") or world.problems:
        raise Failed(f"the export was not done; Telegram's stand-in says {world.problems or 'nothing'}")
    return Export(files=[one["file_size"] for one in _files(chat)], **told)


def _files(chat: Any) -> list[dict[str, Any]]:
    """Return the files of a chat; what says how far one is stands there, too."""
    return [one.message["document"] for one in chat.messages.values() if "document" in one.message]


def _settings(url: str, world: World, address: str) -> dict[str, str]:
    nowhere = "http://127.0.0.1:1"
    given = {"DATABASE_URL": url, "TELEGRAM_API_URL": f"{address}/telegram", "PUBLIC_URL": nowhere}
    given |= {"UPSTASH_REDIS_REST_URL": nowhere, "UPSTASH_REDIS_REST_TOKEN": "none", "STORAGE_TYPE": "local"}
    return {**os.environ, "LOTOK_ENV": "local", **given, "PARTNER_BOT_TOKEN": world.bots["partner"].account.token}
