"""A person's state in Upstash, and the turn that keeps two updates of one person apart, across instances.

    begin   one round trip: take the turn, read whether this update is done, load the state
    end     one round trip: save the state, mark the update done, give the turn back

The turn outlives the longest handler (`HANDLER_LIMIT`), so a live handler never loses it, and giving it back needs no
check of the owner; a handler that finds itself late does not save. A crashed instance keeps its user waiting for
`TURN` at the most, while Telegram holds the update and offers it again.

Out of reach for longer than `PATIENCE`, Redis is replaced by Neon (`fallback`). Whoever gets through again leaves the
mark `outage` in Redis, which every `begin` reads along; while it is there, a person's state is also looked for in
Neon, put together with what Redis still has (`merge`) and carried back (docs/decisions/0006).

Keys: user_state:{bot}:{user} · turn:{bot}:{user} · update:{bot}:{update_id} · failures:{bot}:{update_id} · outage ·
temp_data:{bot}:{user}:{name}
"""

import asyncio
import contextlib
import json
import time
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from lib import cache, errors, limits, log
from lib.telegram import fallback

VERSION = 1
STATE_TTL = timedelta(hours=1)
ASIDE_TTL = timedelta(minutes=5)
DONE_TTL = timedelta(hours=48)  # Telegram drops an update after 24 hours
HANDLER_LIMIT = timedelta(seconds=20)
TURN = timedelta(seconds=25)
WAITS = (0.1, 0.2, 0.4, 0.8)  # for another update's turn to end; then Telegram is the queue
PATIENCE = timedelta(seconds=3)  # a blip is left to Telegram, which offers the update again: Neon has no state yet


@dataclass
class State:
    """Where a person is in a conversation with one bot.

    `step` is "<flow>:<step>", empty outside a conversation. `data` is what the conversation has gathered. `who` is what
    every update needs to know of the person, so that Neon need not be asked: id, language, consent. `blind` says that
    the conversation began while Redis could not be read, so there may be an older part of it. `limits` are the times of
    `limits.take`.
    """

    step: str = ""
    data: dict[str, Any] = field(default_factory=dict)
    who: dict[str, Any] = field(default_factory=dict)
    saved_at: float = 0.0
    blind: bool = False
    limits: dict[str, int] = field(default_factory=dict)

    def dump(self) -> str:
        """Return the stored form."""
        fields = {"v": VERSION, "step": self.step, "data": self.data, "who": self.who, "saved_at": self.saved_at}
        late = limits.ahead(self.limits)
        more = ({"blind": True} if self.blind else {}) | ({"limits": late} if late else {})
        return json.dumps(fields | more, ensure_ascii=False)

    def copy(self) -> "State":
        """Return a state of its own that can be changed."""
        return load(self.dump())


@dataclass
class Held:
    """A turn that was taken: the state as it was, where the turn is held, and when it will be over.

    `found` is what Neon still has of this person after an outage; it goes back to Redis with the end of the turn.
    `paused` is how long Telegram wants nothing sent to this person.
    """

    bot: str
    user_id: int
    update_id: int
    state: State
    began: float
    in_neon: bool = False
    found: fallback.Found | None = None
    paused: timedelta = timedelta(0)

    @property
    def outlived(self) -> bool:
        """Whether the turn may belong to another update by now."""
        return time.time() > self.began + TURN.total_seconds()


@dataclass
class Outage:
    """What this instance knows of Redis: since when it fails, and whether the others must hear that Neon was used."""

    since: float | None = None
    untold: bool = False

    def failed(self, now: float) -> None:
        """Note a failure; the first in a row is when the outage began."""
        self.since = now if self.since is None else self.since

    def over(self, *, told: bool) -> None:
        """Note that Redis has answered, and whether it took the mark."""
        self.since = None
        self.untold = self.untold and not told

    def lasts(self, now: float) -> bool:
        """Tell whether Redis has failed for longer than it pays to wait."""
        return self.since is not None and now - self.since >= PATIENCE.total_seconds()


outage = Outage()


async def begin(bot: str, user_id: int, update_id: int) -> Held | None:
    """Take the user's turn and load the state, or return None when the update is done already.

    Raises Unavailable when another update holds the turn for longer than we wait, or when neither Redis nor Neon can be
    reached.
    """
    for wait in (*WAITS, None):
        held = Held(bot, user_id, update_id, State(), time.time())
        try:
            taken, done = await _begin(held)
        except errors.Unavailable as error:
            if error.code != "redis":
                raise
            outage.failed(time.monotonic())
            if not outage.lasts(time.monotonic()):
                raise
            taken, done = await _begin_in_neon(held)
        if done:
            return None
        if taken:
            return held
        if wait is not None:
            await asyncio.sleep(wait)
    raise errors.Unavailable("turn_taken", retry_after=timedelta(seconds=1))


async def _begin(held: Held) -> tuple[bool, bool]:
    """Try for the turn in Redis; return whether it is ours, and whether the update is done."""
    commands: list[cache.Command] = [
        ["SET", _turn(held), str(held.update_id), "NX", "PX", _ms(TURN)],
        [
            "MGET",
            _update(held.bot, held.update_id),
            _state(held),
            cache.key("outage"),
            *limits.pauses(held.bot, held.user_id),
        ],
    ]
    untold = outage.untold
    if untold:
        commands.append(["SET", cache.key("outage"), "1", "PX", _ms(STATE_TTL)])
    taken, (done, stored, marked, *pauses), *_ = await cache.pipeline(commands)
    outage.over(told=untold)
    held.state = load(stored)
    held.paused = limits.left(held.bot, held.user_id, pauses)
    if taken and not done and (marked or untold):
        taken, done = await _look(held)
    elif taken and done:
        await _let_go(held)
    return bool(taken), bool(done)


async def _look(held: Held) -> tuple[bool, bool]:
    """See what an outage has left in Neon; the turn in Redis is given up when it is no use."""
    try:
        found = await fallback.look(held.bot, held.user_id, held.update_id)
    except errors.Unavailable:
        await _let_go(held)
        raise
    if found.busy or found.done:
        await _let_go(held)
    elif found.saved_at or not found.others:
        held.found = found
        held.state = merge(held.state, load(found.state))
    return not found.busy, found.done


async def _begin_in_neon(held: Held) -> tuple[bool, bool]:
    log.note(fallback=True)
    held.in_neon = outage.untold = True
    held.paused = limits.left(held.bot, held.user_id, [])
    begun = await fallback.begin(held.bot, held.user_id, held.update_id, TURN)
    held.state = load(begun.state) if begun.state else State(blind=True)
    return begun.taken, begun.done


async def end(held: Held, state: State) -> None:
    """Save the state, mark the update done and give the turn back; raise Unavailable when the turn was outlived."""
    if held.outlived:
        raise errors.Unavailable("turn_outlived")
    state.saved_at = time.time()
    if not held.in_neon:
        try:
            await _end(held, state)
        except errors.Unavailable:
            outage.failed(time.monotonic())
            await _end_in_neon(held, state)
    else:
        await _end_in_neon(held, state)


async def _end(held: Held, state: State) -> None:
    """End the turn in Redis; what Neon had goes along, and is then forgotten there."""
    commands: list[cache.Command] = [
        ["SET", _state(held), replace(state, blind=False).dump(), "PX", _ms(STATE_TTL)]
        if _worth(state)
        else ["DEL", _state(held)],
        *(_done(held.bot, update_id) for update_id in (held.update_id, *(held.found.handled if held.found else ()))),
        ["DEL", _turn(held)],
    ]
    if held.found and not held.found.others:
        commands.append(["DEL", cache.key("outage")])
    await cache.pipeline(commands)
    if held.found and held.found.saved_at:
        with contextlib.suppress(errors.Unavailable):  # it is older than what Redis has now, and gone in an hour
            await fallback.drop(held.bot, held.user_id, held.found.saved_at)


async def _end_in_neon(held: Held, state: State) -> None:
    log.note(fallback=True)
    outage.untold = True
    seen_at = held.found.saved_at if held.found and held.found.saved_at else datetime.fromtimestamp(held.began, UTC)
    since = None if held.in_neon else max(seen_at, datetime.fromtimestamp(held.began, UTC))
    ids = (held.bot, held.user_id, held.update_id)
    if not await fallback.end(*ids, state.dump(), taken_in_redis_at=since):
        raise errors.Unavailable("turn_outlived")


async def release(held: Held) -> None:
    """Give the turn back with nothing saved: Telegram will offer the update again."""
    if held.in_neon:
        await fallback.release(held.bot, held.user_id, held.update_id)
    elif not held.outlived:
        await _let_go(held)


async def forget(bot: str, user_id: int) -> None:
    """Drop what is kept of a person's conversation, so that their next update begins anew.

    An update that is being handled would write it again, so its end is waited for, as an update would wait.
    """
    held = Held(bot, user_id, 0, State(), time.time())
    for wait in (*WAITS, None):
        [taken] = await cache.pipeline([["SET", _turn(held), "0", "NX", "PX", _ms(PATIENCE)]])
        if taken or wait is None:
            break
        await asyncio.sleep(wait)
    commands: list[cache.Command] = [["DEL", _state(held)], *([["DEL", _turn(held)]] if taken else [])]
    await cache.pipeline(commands)


async def failed(held: Held) -> int:
    """Count a failure that was ours; return how often this update has failed so far. The turn is still held."""
    if held.in_neon:
        return await fallback.failed(held.bot, held.user_id, held.update_id)
    failures = cache.key(f"failures:{held.bot}:{held.update_id}")
    results = await cache.pipeline([["INCR", failures], ["PEXPIRE", failures, _ms(DONE_TTL)]])
    return int(results[0])


async def put_aside(bot: str, user_id: int, name: str, value: dict[str, Any]) -> None:
    """Keep something for a person's next step, five minutes long; without Redis it is simply not there."""
    try:
        await cache.set(_aside(bot, user_id, name), json.dumps(value, ensure_ascii=False), ASIDE_TTL)
    except errors.Unavailable as error:
        log.event("not_put_aside", bot=bot, error=str(error))


async def put_by(bot: str, user_id: int, name: str) -> dict[str, Any] | None:
    """Return what was put aside, or None when it is gone."""
    try:
        found = await cache.get(_aside(bot, user_id, name))
    except errors.Unavailable as error:
        log.event("aside_not_read", bot=bot, error=str(error))
        return None
    value = json.loads(found) if found else None
    return value if isinstance(value, dict) else None


def load(stored: str | None) -> State:
    """Return the state out of its stored form; a form of another version counts as none."""
    fields = json.loads(stored) if stored else {}
    if fields.get("v") != VERSION:
        return State()
    return State(
        fields["step"],
        fields["data"],
        fields["who"],
        fields.get("saved_at", 0.0),
        blind=fields.get("blind", False),
        limits=fields.get("limits", {}),
    )


def merge(kept: State, carried: State) -> State:
    """Return one state out of what Redis kept and what Neon had: the newer wins.

    A conversation that began blind knows nothing of the older one, so what only the older one holds stays, down to the
    parts of a draft: a photo from before the outage and the words from during it make one order.
    """
    if not carried.saved_at:
        return kept
    older, newer = sorted((kept, carried), key=lambda state: state.saved_at)
    if not carried.blind:
        return newer
    return State(
        newer.step or older.step,
        _joined(older.data, newer.data),
        newer.who or older.who,
        newer.saved_at,
        limits=older.limits | newer.limits,
    )


def _joined(older: dict[str, Any], newer: dict[str, Any]) -> dict[str, Any]:
    """Return both; a filled value of the newer replaces the older's, and two dicts are joined in their turn."""
    joined = dict(older)
    for name, value in newer.items():
        both = isinstance(value, dict) and isinstance(older.get(name), dict)
        if value or name not in older:
            joined[name] = {**older[name], **value} if both else value
    return joined


def _worth(state: State) -> bool:
    return bool(state.step or state.data or state.who)


async def _let_go(held: Held) -> None:
    await cache.pipeline([["DEL", _turn(held)]])


def _done(bot: str, update_id: int) -> cache.Command:
    return ["SET", _update(bot, update_id), "1", "PX", _ms(DONE_TTL)]


def _state(held: Held) -> str:
    return cache.key(f"user_state:{held.bot}:{held.user_id}")


def _turn(held: Held) -> str:
    return cache.key(f"turn:{held.bot}:{held.user_id}")


def _update(bot: str, update_id: int) -> str:
    return cache.key(f"update:{bot}:{update_id}")


def _aside(bot: str, user_id: int, name: str) -> str:
    return f"temp_data:{bot}:{user_id}:{name}"


def _ms(span: timedelta) -> str:
    return str(int(span.total_seconds() * 1000))
