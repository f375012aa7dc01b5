"""Runs the heavy work on pictures in threads, one picture at a time, and says what its failures mean."""

import asyncio
from collections.abc import Callable

from lib import errors, log

# One core works on one picture at a time; the others' transfers go on meanwhile.
cpu = asyncio.Semaphore(1)


async def draw[**P, T](make: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Work on a picture in a thread when the core is free; raise Rejected when that cannot be done."""
    async with cpu:
        return await in_thread(make, *args, **kwargs)


async def in_thread[**P, T](make: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run it; raise Rejected("picture_not_drawn") for any failure of our own but a lack of memory.

    The same bytes give the same result or the same error, so no second attempt would help.
    """
    try:
        return await asyncio.to_thread(make, *args, **kwargs)
    except (errors.AppError, MemoryError):
        raise
    except Exception as error:
        log.failure(error)
        raise errors.Rejected("picture_not_drawn", f"{type(error).__name__}: {error}"[:300]) from error
