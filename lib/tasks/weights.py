"""Brings the weights that are too large for a worker's bundle: a file of the site, once for each instance.

Without them a cut is drawn by what the small network finds alone, so a site that is out of reach stops nothing.
"""

from datetime import timedelta

from lib import config, errors, fetch, log
from lib.drawing.cut.sam import stored

LARGEST = 12_000_000  # bytes
PATIENCE = timedelta(seconds=8)


async def bring() -> None:
    """Have the weights at hand; the next run tries again where the site does not give them."""
    if stored.at_hand():
        return
    try:
        stored.keep(await fetch.get_bytes(config.get().address(f"/{stored.PLACE}"), limit=LARGEST, timeout=PATIENCE))
    except (errors.AppError, ValueError, OSError) as error:
        log.event("weights_not_brought", error=str(error)[:200])
