"""Fills the caches before the first user comes, and empties them, for an operator or a deploy step.

A class has a loader as soon as something reads it: to fill one more, add its line to LOADERS.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

from lib import db, errors, shelves
from lib.menu import versions
from lib.people import profiles

LIMIT = 1000  # entries of a class: each costs a command or two, and most live for minutes

# Each yields, as it goes, how many are stored and how many there are to store.
LOADERS: Mapping[str, Callable[[db.Connection, int], AsyncIterator[tuple[int, int]]]] = {
    "menu": versions.warm,
    "profile": profiles.warm,
}

type Watch = Callable[[str, int, int], None]


async def warm(
    conn: db.Connection, *kinds: str, limit: int = LIMIT, watch: Watch = lambda *_: None
) -> dict[str, dict[str, int]]:
    """Fill the classes and return, for each, how many were stored and found; none of a class without a loader."""
    report = {kind: {"warmed": 0, "found": 0} for kind in kinds}
    for kind in report:
        if kind in LOADERS:
            async for stored, found in LOADERS[kind](conn, limit):
                report[kind] = {"warmed": stored, "found": found}
                watch(kind, stored, found)
    return report


async def act(order: Any) -> dict[str, Any]:
    """Carry out `{"action": ..., "prefix": ...}` and report it; raise Invalid when it cannot be understood."""
    action = order.get("action") if isinstance(order, dict) else None
    if not isinstance(action, str) or action not in _ACTIONS:
        raise errors.Invalid("unknown_action", f"{action!r}; known: {', '.join(_ACTIONS)}")
    return {"action": action, **await _ACTIONS[action](order.get("prefix"))}


async def _warm(*kinds: str) -> dict[str, Any]:
    async with db.connection() as conn:
        return {"classes": await warm(conn, *kinds)}


async def _clear(prefix: object) -> dict[str, Any]:
    if not isinstance(prefix, str) or not prefix:
        raise errors.Invalid("unknown_prefix", "name one, such as 'user:profile:'")
    return {"cleared": await shelves.clear(prefix)}


async def _clear_all(_: object) -> dict[str, Any]:
    return {"cleared": await shelves.clear()}


_ACTIONS: Mapping[str, Callable[[object], Awaitable[dict[str, Any]]]] = {
    "warmup": lambda _: _warm(*LOADERS),
    "warmup-menu": lambda _: _warm("menu"),
    "clear": _clear_all,
    "clear-prefix": _clear,
}
