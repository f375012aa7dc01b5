"""What the simulator shows of the stack around it. The stack fills these in; alone, the simulator does without."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

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


async def _no_fault(wish: Facts) -> Facts:
    raise LookupError("There is no such part here.")


@dataclass
class Hooks:
    """Async callables: the queue as rows, one cron run, the parts and their switches, a user's state, jobs and ledger.

    `part(name, verb)` raises LookupError for a name or verb it does not know. `story` gets the time the update was
    made and the function's log line of it, when there is one. `fault` orders a failure of another stand-in.
    """

    queue: Callable[[], Awaitable[Facts]] = _no_queue
    tick: Callable[[], Awaitable[Facts]] = _no_tick
    part: Callable[[str, str], Awaitable[Facts]] = _no_part
    parts: Callable[[], Awaitable[list[Facts]]] = _no_parts
    user_state: Callable[[str, int], Awaitable[Any]] = _no_state
    story: Callable[[str, int, float, Facts | None], Awaitable[Facts]] = _no_story
    fault: Callable[[Facts], Awaitable[Facts]] = _no_fault
