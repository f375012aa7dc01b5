"""A screen that a job reads into the message that promised it: whether its reader still waits for it there."""

from collections.abc import Mapping
from typing import Any

from lib.telegram import fsm


def of_broadcast(number: int) -> str:
    """Return what State.data["awaits"] is while a message shows how far a broadcast is."""
    return f"broadcast:{number}"


async def has_gone_on(asked: Mapping[str, Any], tg_id: int) -> bool:
    """Whether the message shows something else by now: a state saved after the promise that does not wait for it."""
    if "awaits" not in asked:
        return False
    state = await fsm.read(asked["bot"], tg_id)
    same = state.data.get("screen") == asked["message_id"]
    return bool(same and state.saved_at > asked["at"] and state.data.get("awaits") != asked["awaits"])
