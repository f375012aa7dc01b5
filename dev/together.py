"""Several parts at once, and work in a thread that is always brought to its end."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any


async def all_of(*work: Coroutine[Any, Any, None]) -> None:
    """Run all of them at once; the first failure ends the others."""
    try:
        async with asyncio.TaskGroup() as group:
            for one in work:
                group.create_task(one)
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from None


async def whole[T](work: Callable[[], T]) -> T:
    """Run it in a thread, to its end even when cancelled: a server half started could not be stopped."""
    done = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        return await asyncio.shield(done)
    except asyncio.CancelledError:
        await asyncio.wait([done])
        raise
