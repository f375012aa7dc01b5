"""Brings the weights that are too large for a worker's bundle: a file of the site, once for each instance.

Without them a cut is drawn by what the small network finds alone, so a site that is out of reach stops nothing.
"""

import time
from datetime import timedelta

from lib import cache, config, errors, fetch, log
from lib.drawing.cut.sam import stored

LARGEST = 12_000_000  # bytes
PATIENCE = timedelta(seconds=8)

# Runs may follow each other by the second: a site that does not give them holds up, and is told of, once in a while.
_breaker = cache.Breaker(limit=1, pause=300.0)


async def bring() -> None:
    """Have the weights at hand; where the site does not give them a run some minutes later tries again."""
    if stored.at_hand() or not _breaker.admits(time.monotonic()):
        return
    settings = config.get()
    try:
        # The pass is no part of the address here: what is refused names its address in the log.
        found = fetch.get_bytes(
            f"{settings.public_url}/{stored.PLACE}", limit=LARGEST, timeout=PATIENCE, headers=settings.pass_headers
        )
        stored.keep(await found)
        _breaker.succeeded()
    except (errors.AppError, ValueError, OSError) as error:
        _breaker.failed(time.monotonic())
        log.event("weights_not_brought", error=str(error)[:200])
