"""How the tasks of the storm speak to the services: the product's own `fetch`."""

import json
import os
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from bench.storm.services import PATIENCE
from lib import config, errors, fetch
from lib.jobs.pool import FIRST_LEASE
from lib.jobs.run import Run


async def call(path: str, **body: Any) -> dict[str, Any]:
    """Ask a service."""
    url = f"{config.get().public_url}/services/{path}"
    headers = {"X-Worker": str(os.getpid())}
    answer = await fetch.post(url, json=body, headers=headers, timeout=timedelta(seconds=PATIENCE))
    found: dict[str, Any] = json.loads(answer.body)
    return found


# Tells the storm what a worker could not hear or note of a delivery: what it was, when it began, and the key.
tellers: list[Callable[[str], None]] = []


def tell(line: str) -> None:
    """Tell the storm a line."""
    for one in tellers:
        one(line)


def is_long(seconds: float) -> bool:
    """Say whether a lease may have run out within these seconds: it is extended each third of its time."""
    return seconds > (FIRST_LEASE * config.get().lease_scale / 3).total_seconds()


async def deliver(run: Run, key: str, chat: int) -> None:
    """Send the result, once as far as anybody can know, and note it; somebody who blocked the bot gets none."""
    if "sent" in run.checkpoint:
        return
    began, doing = time.time(), "unheard"
    try:
        await _send(run, key, chat)
        doing = "unnoted"
        await run.save(sent=True)
    except BaseException as error:
        if isinstance(error, errors.Unavailable):
            tell(f"{doing} {began} {key}")
        elif is_long(time.time() - began):
            tell(f"late {began} {key}")
        raise


async def _send(run: Run, key: str, chat: int) -> None:
    try:
        await call("send", key=key, chat=chat, why=run.job.error or "")
    except errors.Rejected as refusal:
        if not str(refusal.detail).startswith("403"):
            raise
