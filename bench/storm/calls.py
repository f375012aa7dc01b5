"""How the tasks of the storm speak to the services: the product's own `fetch`."""

import json
import os
from datetime import timedelta
from typing import Any

from bench.storm.services import PATIENCE
from lib import config, errors, fetch
from lib.jobs.run import Run


async def call(path: str, **body: Any) -> dict[str, Any]:
    """Ask a service."""
    url = f"{config.get().public_url}/services/{path}"
    headers = {"X-Worker": str(os.getpid())}
    answer = await fetch.post(url, json=body, headers=headers, timeout=timedelta(seconds=PATIENCE))
    found: dict[str, Any] = json.loads(answer.body)
    return found


async def deliver(run: Run, key: str, chat: int) -> None:
    """Send the result, once as far as anybody can know, and note it; somebody who blocked the bot gets none."""
    if "sent" in run.checkpoint:
        return
    try:
        await call("send", key=key, chat=chat, why=run.job.error or "")
    except errors.Rejected as refusal:
        if not str(refusal.detail).startswith("403"):
            raise
    await run.save(sent=True)
