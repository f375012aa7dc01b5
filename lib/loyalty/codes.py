"""Digits that one person shows and another types, kept in Redis alone for minutes or hours."""

from lib import cache, errors


async def read(name: str) -> str | None:
    """Return what is kept for a code; Conflict("codes_away") while Redis cannot tell, for a sentence that says so."""
    try:
        return await cache.get(name)
    except errors.Unavailable as error:
        raise errors.Conflict("codes_away") from error
