"""A person's state in Upstash, and the turn that keeps two updates of one person apart, across instances.

    begin   one round trip: take the turn, read whether this update is done, load the state
    end     one round trip: save the state, mark the update done, give the turn back

The turn outlives the longest handler (`HANDLER_LIMIT`), so a live handler never loses it, and giving it back needs no
check of the owner; a handler that finds itself late does not save. Where an answer got lost it is not known whose the
turn is: then it is given back by its `token`, along with the next request. A crashed instance keeps its user waiting
for `TURN` at the most, while Telegram holds the update and offers it again.

Out of reach for longer than `instance.PATIENCE`, Redis is replaced by Neon (`fallback`). An instance that gets through
again leaves the mark `outage` in Redis, which every `begin` reads along; while it is there, a person's state is also
looked for in Neon, put together with what Redis still has (`conversation.merge`) and carried back (decision 0006).

Keys: user_state:{bot}:{user} · turn:{bot}:{user} · update:{bot}:{update_id} · failures:{bot}:{update_id} · outage ·
temp_data:{bot}:{user}:{name}
"""

import asyncio
import contextlib
import json
import secrets
import time
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from lib import cache, config, errors, limits, log
from lib.telegram import conversation, fallback, instance
from lib.telegram.conversation import State

STATE_TTL = timedelta(hours=1)
ASIDE_TTL = timedelta(minutes=5)
ASIDES = ("words",)  # what may be put aside
DONE_TTL = timedelta(hours=48)  # Telegram drops an update after 24 hours
HANDLER_LIMIT = timedelta(seconds=20)
TURN = timedelta(seconds=25)
WAITS = (0.1, 0.2, 0.4, 0.8)  # for another update's turn to end; then Telegram is the queue

# Where it is not known what became of a command: a plain DEL might take another's turn, or the mark of a newer outage.
_DELETE_OWN = """#!lua flags=allow-key-locking
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
"""

# KEYS: turn, update, state. Returns whether the update is done, by this or by the end that nobody heard of.
_END_OWN = """#!lua flags=allow-key-locking
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return redis.call('EXISTS', KEYS[2]) end
redis.call('SET', KEYS[2], '1', 'PX', ARGV[2])
redis.call('SET', KEYS[3], ARGV[3], 'PX', ARGV[4])
redis.call('DEL', KEYS[1])
return 1
"""


@dataclass
class HeldTurn:
    """A turn that was taken: the state as it was, where the turn is held, and when it will be over.

    `found` is what Neon still has of this person after an outage; it goes back to Redis with the end of the turn.
    `paused` is how long Telegram wants nothing sent to this person. `token` is what the turn holds in Redis, and `mark`
    what the outage's mark held. `in_doubt`: the answer to its end was lost, so the turn may be another's by now.
    `crowded`: somebody books the bot's time, a broadcast say, so the messages that the turn `wrote` are debited there.
    """

    bot: str
    user_id: int
    update_id: int
    state: State
    began: float
    in_neon: bool = False
    found: fallback.Leftovers | None = None
    paused: timedelta = timedelta(0)
    token: str = field(default_factory=lambda: secrets.token_hex(8))
    mark: str = ""
    in_doubt: bool = False
    crowded: bool = False
    wrote: int = 0

    @property
    def outlived(self) -> bool:
        """Whether the turn may belong to another update by the time that Redis could hear of its end."""
        return time.time() + cache.DEADLINE.total_seconds() > self.began + TURN.total_seconds()


outage = instance.Outage()
own = instance.OwnTurns()


async def begin(bot: str, user_id: int, update_id: int) -> HeldTurn | None:
    """Take the user's turn and load the state, or return None when the update is done already.

    Raises Unavailable when another update holds the turn for longer than we wait, or when neither Redis nor Neon can be
    reached.
    """
    for wait in (*WAITS, None):
        held = HeldTurn(bot, user_id, update_id, State(), time.time())
        if own.takes(bot, user_id, held.began, held.began + TURN.total_seconds()):
            taken = done = False
            try:
                taken, done = await _begin_anywhere(held)
            finally:
                if done or not taken:
                    own.ended(bot, user_id)
            if done:
                return None
            if taken:
                return held
        if wait is not None:
            await asyncio.sleep(wait)
    raise errors.Unavailable("turn_taken", retry_after=timedelta(seconds=1))


async def _begin_anywhere(held: HeldTurn) -> tuple[bool, bool]:
    """Try for the turn in Redis, or in Neon when Redis is out of reach for long."""
    try:
        return await _begin(held)
    except errors.Unavailable as error:
        if error.code != "redis":
            raise
        if error.__cause__:  # it was sent: the breaker's own refusal has no cause
            _let_go_later(held)
        outage.failed(time.monotonic())
        if not outage.lasts(time.monotonic()):
            raise
    if (held.bot, held.update_id) in own.done:
        return False, True
    return await _begin_in_neon(held)


async def _begin(held: HeldTurn) -> tuple[bool, bool]:
    """Try for the turn in Redis; return whether it is ours, and whether the update is done."""
    commands: list[cache.Command] = [
        ["SET", _turn(held), held.token, "NX", "PX", _ms(TURN)],
        [
            "MGET",
            _update(held.bot, held.update_id),
            _state(held),
            cache.key("outage"),
            limits.booked(held.bot),
            *limits.pauses(held.bot, held.user_id),
        ],
    ]
    untold, used = outage.untold, outage.used
    if untold:
        commands.append(_mark(held))
    taken, (done, stored, marked, booked, *pauses), *_ = await cache.pipeline(commands)
    outage.over(told=used)
    held.state = conversation.load(stored)
    held.mark = held.token if untold else marked or ""
    held.paused = limits.left(held.bot, held.user_id, pauses)
    held.crowded = bool(booked)
    if taken and not done and held.mark:
        taken, done = await _look(held)
    elif taken and done:
        await _let_go(held)
    return bool(taken), bool(done)


async def _look(held: HeldTurn) -> tuple[bool, bool]:
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
        held.state = conversation.merge(held.state, conversation.load(found.state))
    return not found.busy, found.done


async def _begin_in_neon(held: HeldTurn) -> tuple[bool, bool]:
    log.note(fallback=True)
    held.in_neon = True
    outage.used += 1
    held.paused = limits.left(held.bot, held.user_id, [])
    begun = await fallback.begin(held.bot, held.user_id, held.update_id, TURN)
    held.state = conversation.load(begun.state) if begun.state else State(blind=True)
    return begun.taken, begun.done


async def end(held: HeldTurn, state: State) -> None:
    """Save the state, mark the update done and give the turn back; raise Unavailable when the turn was outlived."""
    if held.outlived:
        raise errors.Unavailable("turn_outlived")
    state.saved_at = time.time()
    if held.in_neon:
        await _end_in_neon(held, state)
    else:
        await _end_anywhere(held, state)
    own.ended(held.bot, held.user_id, held.update_id)


async def _end_anywhere(held: HeldTurn, state: State) -> None:
    """End a turn that was taken in Redis: there, once more there when the answer was lost, else in Neon."""
    try:
        await _end(held, state)
    except errors.Unavailable:
        held.in_doubt = True
        try:
            await _end_again(held, state)
        except errors.Unavailable:
            outage.failed(time.monotonic())
            await _end_in_neon(held, state)
            _let_go_later(held)


async def _end(held: HeldTurn, state: State) -> None:
    """End the turn in Redis; what Neon had goes along, and is then forgotten there."""
    commands: list[cache.Command] = [
        ["SET", _state(held), replace(state, blind=False).dump(), "PX", _ms(STATE_TTL)]
        if _worth(state)
        else ["DEL", _state(held)],
        *(_done(held.bot, update_id) for update_id in (held.update_id, *(held.found.handled if held.found else ()))),
        ["DEL", _turn(held)],
    ]
    if held.found and not held.found.others:
        commands.append(_delete_own(cache.key("outage"), held.mark))
    if held.crowded and held.wrote:
        commands.append(limits.debit(held.bot, held.wrote))
    await cache.pipeline(commands)
    if held.found and held.found.saved_at:
        with contextlib.suppress(errors.Unavailable):  # it is older than what Redis has now, and gone in an hour
            await fallback.drop(held.bot, held.user_id, held.found.saved_at)


async def _end_again(held: HeldTurn, state: State) -> None:
    """End the turn in Redis unless that is done; raise Unavailable when it is not and the turn is another's."""
    if held.found:
        raise errors.Unavailable("redis")
    keys = [_turn(held), _update(held.bot, held.update_id), _state(held)]
    args = [held.token, _ms(DONE_TTL), replace(state, blind=False).dump(), _ms(STATE_TTL)]
    [done] = await cache.pipeline([["EVAL", _END_OWN, len(keys), *keys, *args]])
    if not done:
        raise errors.Unavailable("turn_outlived")


async def _end_in_neon(held: HeldTurn, state: State) -> None:
    log.note(fallback=True)
    outage.used += 1
    seen_at = held.found.saved_at if held.found and held.found.saved_at else datetime.fromtimestamp(held.began, UTC)
    since = None if held.in_neon else max(seen_at, datetime.fromtimestamp(held.began, UTC))
    ids = (held.bot, held.user_id, held.update_id)
    if not await fallback.end(*ids, state.dump(), taken_in_redis_at=since):
        raise errors.Unavailable("turn_outlived")


async def release(held: HeldTurn) -> None:
    """Give the turn back with nothing saved: Telegram will offer the update again."""
    own.ended(held.bot, held.user_id)
    if held.in_neon:
        await fallback.release(held.bot, held.user_id, held.update_id)
    elif held.in_doubt or held.outlived:
        _let_go_later(held)
    else:
        await _let_go(held)


async def forget(bot: str, user_id: int) -> None:
    """Drop what is kept of a person's conversation, so that their next update begins from nothing.

    An update that is being handled would write it again, so its end is waited for, as an update would wait. Without
    Redis, Neon keeps that it was dropped, and the older state that Redis comes back with does not count.
    """
    try:
        await _forget(HeldTurn(bot, user_id, 0, State(), time.time()))
    except errors.Unavailable:
        outage.failed(time.monotonic())
        outage.used += 1
        await fallback.forget(bot, user_id, State(saved_at=time.time()).dump())


async def _forget(held: HeldTurn) -> None:
    for wait in (*WAITS, None):
        [taken] = await cache.pipeline([["SET", _turn(held), "0", "NX", "PX", _ms(instance.PATIENCE)]])
        if taken or wait is None:
            break
        await asyncio.sleep(wait)
    aside = map(cache.key, _asides(held.bot, held.user_id))
    commands: list[cache.Command] = [["DEL", _state(held), *aside], *([["DEL", _turn(held)]] if taken else [])]
    await cache.pipeline(commands)


async def forget_everywhere(user_id: int, *, but: str = "") -> None:
    """Drop a person's conversations with all bots; of the one whose turn the caller holds, what was put aside.

    A state that can be dropped nowhere is left: the rows refuse what it would do, and it is dropped then.
    """
    drops = [forget(bot, user_id) for bot in config.BOTS if bot != but]
    drops += [cache.delete(*_asides(but, user_id))] if but else []
    for dropped in await asyncio.gather(*drops, return_exceptions=True):
        if isinstance(dropped, errors.Unavailable):
            log.event("not_forgotten", error=str(dropped))
        elif dropped:
            raise dropped


async def failed(held: HeldTurn) -> int:
    """Count a failure that was ours; return how often this update has failed so far. The turn is still held."""
    if held.in_neon:
        return await fallback.failed(held.bot, held.user_id, held.update_id)
    failures = cache.key(f"failures:{held.bot}:{held.update_id}")
    results = await cache.pipeline([["INCR", failures], ["PEXPIRE", failures, _ms(DONE_TTL)]])
    return int(results[0])


async def read(bot: str, user_id: int) -> State:
    """Return a person's state as it was last saved, to look at from outside; an empty one when Redis has none."""
    try:
        found = await cache.get(f"user_state:{bot}:{user_id}")
    except errors.Unavailable as error:
        log.event("state_not_read", bot=bot, error=str(error))
        return State()
    return conversation.load(found)


async def put_aside(bot: str, user_id: int, name: str, value: dict[str, Any]) -> None:
    """Keep something for a person's next step, five minutes long; without Redis it is simply not there."""
    if name not in ASIDES:
        raise ValueError(name)
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


def _asides(bot: str, user_id: int) -> list[str]:
    return [_aside(bot, user_id, name) for name in ASIDES]


def _worth(state: State) -> bool:
    return bool(state.step or state.data or state.who)


async def _let_go(held: HeldTurn) -> None:
    try:
        await cache.pipeline([["DEL", _turn(held)]])
    except errors.Unavailable:
        _let_go_later(held)
        raise


def _let_go_later(held: HeldTurn) -> None:
    """Give the turn back along with the next request, if it is still this one's: who comes next need not wait for it.

    The others learn first that Neon has what this turn has saved.
    """
    cache.ride([*([_mark(held)] if outage.untold else []), _delete_own(_turn(held), held.token)])


def _mark(held: HeldTurn) -> cache.Command:
    return ["SET", cache.key("outage"), held.token, "PX", _ms(STATE_TTL)]


def _delete_own(key: str, value: str) -> cache.Command:
    return ["EVAL", _DELETE_OWN, 1, key, value]


def _done(bot: str, update_id: int) -> cache.Command:
    return ["SET", _update(bot, update_id), "1", "PX", _ms(DONE_TTL)]


def _state(held: HeldTurn) -> str:
    return cache.key(f"user_state:{held.bot}:{held.user_id}")


def _turn(held: HeldTurn) -> str:
    return cache.key(f"turn:{held.bot}:{held.user_id}")


def _update(bot: str, update_id: int) -> str:
    return cache.key(f"update:{bot}:{update_id}")


def _aside(bot: str, user_id: int, name: str) -> str:
    return f"temp_data:{bot}:{user_id}:{name}"


def _ms(span: timedelta) -> str:
    return str(int(span.total_seconds() * 1000))
