"""One call of Upstash's pipeline: the product's lean client beside httpx, in processor's time."""

import json
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from bench.updating import region

BODY = json.dumps([["MGET", "local:update:studio:1", "local:user_state:studio:1", "local:outage"]]).encode()
CALLS = 600


async def compare(here: region.Region) -> str:
    """Return what a call costs each way."""
    import httpx

    from lib import fetch, wire

    url = f"http://127.0.0.1:{here.far['upstash'].port}/pipeline"
    headers = {"Content-Type": "application/json", "Authorization": "Bearer bench"}
    async with httpx.AsyncClient(verify=fetch.tls(), limits=fetch.LIMITS) as client:

        async def theirs() -> Any:
            return (await client.post(url, content=BODY, headers=headers)).json()

        async def ours() -> Any:
            return json.loads((await wire.post(url, BODY, tuple(headers.items()), timedelta(seconds=5))).body)

        assert await theirs() == await ours()
        slow, quick = await _best(theirs), await _best(ours)
    await wire.close()
    return f"One call over `httpx.AsyncClient`: {slow:.2f} ms of processor, over `lib/wire.py`: {quick:.2f}."


async def _best(call: Callable[[], Awaitable[Any]]) -> float:
    best = 1.0
    for _ in range(3):
        used = time.process_time()
        for _ in range(CALLS // 3):
            await call()
        best = min(best, (time.process_time() - used) / (CALLS // 3))
    return best * 1000
