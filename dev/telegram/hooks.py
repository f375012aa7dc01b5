"""The hooks by which the simulator shows the stack around it. The stack fills them in; without it they are empty."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from dev.generation.faults import Faults

type Facts = dict[str, Any]


async def _no_queue() -> Facts:
    return {"jobs": [], "ledger": [], "users": [], "counts": {}}


async def _no_tick() -> Facts:
    return {"status": 503, "ms": 0, "body": "No cron here."}


async def _no_part(name: str, verb: str) -> Facts:
    raise LookupError(f"No part called {name} can be told to {verb} here.")


async def _no_parts() -> list[Facts]:
    return []


async def _no_state(bot: str, user_id: int) -> Any:
    return None


async def _no_story(bot: str, user_id: int, since: float, log: Facts | None) -> Facts:
    return {"jobs": [], "ledger": []}


@dataclass
class Hooks:
    """Async callables: the queue as rows, one cron run, the parts and their switches, a user's state, jobs and ledger.

    `part(name, verb)` raises LookupError for a name or verb it does not know. `story` gets the time the update was
    made and the function's log line of it, when there is one. `faults` are those of other stand-ins, by part.
    """

    queue: Callable[[], Awaitable[Facts]] = _no_queue
    tick: Callable[[], Awaitable[Facts]] = _no_tick
    part: Callable[[str, str], Awaitable[Facts]] = _no_part
    parts: Callable[[], Awaitable[list[Facts]]] = _no_parts
    user_state: Callable[[str, int], Awaitable[Any]] = _no_state
    story: Callable[[str, int, float, Facts | None], Awaitable[Facts]] = _no_story
    faults: Mapping[str, Faults] = field(default_factory=dict)
