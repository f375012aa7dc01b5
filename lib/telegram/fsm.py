"""A person's state in Upstash, and the turn that keeps two updates of one person apart, across instances.

    begin   one round trip: take the turn, read whether this update is done, load the state
    end     one round trip: save the state, mark the update done, give the turn back

The turn outlives the longest handler (`HANDLER_LIMIT`), so a live handler never loses it, and giving it back needs no
check of the owner; a handler that finds itself late does not save. A crashed instance keeps its user waiting for
`TURN` at the most, while Telegram holds the update and offers it again.

Keys: user_state:{bot}:{user} · turn:{bot}:{user} · update:{bot}:{update_id} · failures:{bot}:{update_id}
"""

import asyncio
import json
import time
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from lib import cache, errors

VERSION = 1
STATE_TTL = timedelta(hours=1)
DONE_TTL = timedelta(hours=48)  # Telegram drops an update after 24 hours
HANDLER_LIMIT = timedelta(seconds=20)
TURN = timedelta(seconds=25)
WAITS = (0.1, 0.2, 0.4, 0.8)  # for another update's turn to end; then Telegram is the queue


@dataclass
class State:
    """Where a person is in a conversation with one bot.

    `step` is "<flow>:<step>", empty outside a conversation. `data` is what the conversation has gathered. `who` is what
    every update needs to know of the person, so that Neon need not be asked: id, language, consent.
    """

    step: str = ""
    data: dict[str, Any] = field(default_factory=dict)
    who: dict[str, Any] = field(default_factory=dict)

    def dump(self) -> str:
        """Return the stored form."""
        return json.dumps({"v": VERSION, "step": self.step, "data": self.data, "who": self.who}, ensure_ascii=False)


@dataclass
class Held:
    """A turn that was taken: the state as it was, and when the turn will be over."""

    bot: str
    user_id: int
    update_id: int
    state: State
    until: float


async def begin(bot: str, user_id: int, update_id: int) -> Held | None:
    """Take the user's turn and load the state, or return None when the update is done already.

    Raises Unavailable when another update holds the turn for longer than we wait, or when Redis is out of reach.
    """
    for wait in (*WAITS, None):
        until = time.time() + TURN.total_seconds()
        taken, (done, state) = await cache.pipeline(
            [
                ["SET", _turn(bot, user_id), str(update_id), "NX", "PX", _ms(TURN)],
                ["MGET", _update(bot, update_id), _state(bot, user_id)],
            ]
        )
        if done:
            if taken:
                await cache.pipeline([["DEL", _turn(bot, user_id)]])
            return None
        if taken:
            return Held(bot, user_id, update_id, load(state), until)
        if wait is not None:
            await asyncio.sleep(wait)
    raise errors.Unavailable("turn_taken", retry_after=timedelta(seconds=1))


async def end(held: Held, state: State) -> None:
    """Save the state, mark the update done and give the turn back; raise Unavailable when the turn was outlived."""
    if time.time() > held.until:
        raise errors.Unavailable("turn_outlived")
    await cache.pipeline(
        [
            ["SET", _state(held.bot, held.user_id), state.dump(), "PX", _ms(STATE_TTL)],
            ["SET", _update(held.bot, held.update_id), "1", "PX", _ms(DONE_TTL)],
            ["DEL", _turn(held.bot, held.user_id)],
        ]
    )


async def release(held: Held) -> None:
    """Give the turn back with nothing saved: Telegram will offer the update again."""
    if time.time() <= held.until:
        await cache.pipeline([["DEL", _turn(held.bot, held.user_id)]])


async def failed(held: Held) -> int:
    """Count a failure that was ours; return how often this update has failed so far. The turn is still held."""
    failures = cache.key(f"failures:{held.bot}:{held.update_id}")
    results = await cache.pipeline([["INCR", failures], ["PEXPIRE", failures, _ms(DONE_TTL)]])
    return int(results[0])


def load(stored: str | None) -> State:
    """Return the state out of its stored form; a form of another version counts as none."""
    fields = json.loads(stored) if stored else {}
    if fields.get("v") != VERSION:
        return State()
    return State(fields["step"], fields["data"], fields["who"])


def _state(bot: str, user_id: int) -> str:
    return cache.key(f"user_state:{bot}:{user_id}")


def _turn(bot: str, user_id: int) -> str:
    return cache.key(f"turn:{bot}:{user_id}")


def _update(bot: str, update_id: int) -> str:
    return cache.key(f"update:{bot}:{update_id}")


def _ms(span: timedelta) -> str:
    return str(int(span.total_seconds() * 1000))
