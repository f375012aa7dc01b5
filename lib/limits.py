"""How often a person may do something, and how often a bot may write: one count for all instances, one round trip.

Asking is refused with the seconds to wait. Sending is never refused for being early: a slot is booked and the sender
waits for it, so that no call is wasted on being told "not yet". Only a slot too far away is not booked.

    rate_limit:{who}:{action}    when the next turn falls due, by the generic cell rate algorithm; `who` is a keyed hash
                                 of the Telegram id, so that a new account does not begin with a clean count. In an
                                 update, this time may be part of the state instead, and costs no command (`take`)
    send:{bot}                   the bot's booked time; 30 messages a second
    send:{bot}:{chat}            the chat's next free slot; one message a second
    sent:{bot}:{chat}            a group's last 20 slots; no more in a minute
    pause:{bot}[:{chat}]         until when Telegram wants nothing, after a 429
    debit:{bot}                  answers that went out at once while others were booked; the next booking makes room for
                                 them, so that the bot as a whole keeps its pace

Without Redis each instance counts for itself. Times come from the caller's clock: the service asks for that, and two
clocks that differ shift slots by that much. A turn that lies further ahead than any can is cut to now.
"""

import asyncio
import contextlib
import hashlib
import hmac
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from lib import cache, config, errors, log

PATIENCE = timedelta(seconds=10)
PER_BOT = 34  # milliseconds: 30 messages a second and none on top, as a burst would show in somebody's second
PER_CHAT = 1000
PER_GROUP = (20, 60_000)
LOCAL_SHARE = 3  # without Redis an instance takes it that there are so many of them
REMEMBERED = 10_000

_ASK = """#!lua flags=allow-key-locking
local now, interval, tolerance = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local due = math.max(tonumber(redis.call('GET', KEYS[1]) or 0), now)
if due > now + interval + tolerance then
  due = now
end
if due - tolerance > now then
  return due - tolerance - now
end
due = due + interval
redis.call('SET', KEYS[1], string.format('%.0f', due), 'PX', string.format('%.0f', due - now))
return 0
"""

# KEYS: the bot's booked time, its debit, the pauses; for a chat also its next slot, for a group its last slots. Booked
# time is kept as stretches of time, "from-to,from-to", so that a chat that must wait leaves the time until then to the
# others. A debit of a time when nothing was booked is void.
_BOOK = """#!lua flags=allow-key-locking
local now, patience, slots, interval = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local per_chat, length, span = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
local known = redis.call('MGET', unpack(KEYS, 1, math.min(#KEYS, 5)))
local slot = now
for i = 3, #known do
  slot = math.max(slot, tonumber(known[i] or 0))
end
if length > 0 then
  slot = math.max(slot, tonumber(redis.call('LINDEX', KEYS[6], length - 1) or -span) + span)
end
local held, booked, placed = {}, {}, false
for from, to in string.gmatch(known[1] or '', '(%d+)-(%d+)') do
  if tonumber(to) > now then held[#held + 1] = {tonumber(from), tonumber(to)} end
end
if known[2] and #held > 0 then
  held[#held][2] = held[#held][2] + math.min(tonumber(known[2]), 60) * interval
end
local function add(from, to)
  local last = booked[#booked]
  if last and from - last[2] < interval then last[2] = to else booked[#booked + 1] = {from, to} end
end
for _, stretch in ipairs(held) do
  if not placed and slot + slots * interval <= stretch[1] then
    add(slot, slot + slots * interval)
    placed = true
  elseif not placed then
    slot = math.max(slot, stretch[2])
  end
  add(stretch[1], stretch[2])
end
if not placed then add(slot, slot + slots * interval) end
if slot - now > patience then return {0, slot - now} end
for i, stretch in ipairs(booked) do booked[i] = string.format('%.0f-%.0f', stretch[1], stretch[2]) end
local text = table.concat(booked, ',')
local last = tonumber(string.match(text, '(%d+)$'))
redis.call('SET', KEYS[1], text, 'PX', string.format('%.0f', last - now))
if known[2] then redis.call('DEL', KEYS[2]) end
if per_chat > 0 then
  redis.call('SET', KEYS[5], string.format('%.0f', slot + per_chat), 'PX', string.format('%.0f', slot + per_chat - now))
end
if length > 0 then
  redis.call('LPUSH', KEYS[6], string.format('%.0f', slot))
  redis.call('LTRIM', KEYS[6], 0, length - 1)
  redis.call('PEXPIRE', KEYS[6], string.format('%.0f', slot - now + span))
end
return {1, slot - now}
"""


@dataclass(frozen=True)
class Limit:
    """So many times an action in a span: all at once after a rest, and evenly from then on."""

    action: str
    times: int
    per: timedelta

    @property
    def interval(self) -> int:
        """Milliseconds after which one more turn falls due."""
        return max(1, _ms(self.per) // self.times)

    @property
    def tolerance(self) -> int:
        """Milliseconds by which somebody who has rested may be early."""
        return self.interval * (self.times - 1)


@dataclass(frozen=True)
class Slot:
    """When a message may go out, as Unix time; the next of a block follow after `interval` seconds each."""

    at: float
    interval: float = 0.0

    async def wait(self, number: int = 0) -> None:
        """Sleep until it is time for the message with this number, counted from 0."""
        await asyncio.sleep(max(0.0, self.at + number * self.interval - time.time()))


async def wait(tg_id: int, limit: Limit) -> int:
    """Take a turn at the action and return 0, or take none and return after how many seconds there is one."""
    try:
        [answer] = await cache.pipeline([asked(tg_id, limit)])
    except errors.Unavailable as error:
        log.note(limited_locally=str(error))
        return seconds(_local.ask(_action(tg_id, limit), limit, _now()))
    return seconds(answer)


def take(due: dict[str, int], limit: Limit) -> int:
    """Take a turn and return 0, or take none and return the seconds to wait, by what `due` holds of each action.

    For a caller that holds the person's turn already: what it keeps in State.limits is read and saved with the state,
    so that all instances share the count and it costs no command.
    """
    now = _now()
    next_due = _sane(due.get(limit.action, 0), limit, now)
    if next_due - limit.tolerance > now:
        return seconds(next_due - limit.tolerance - now)
    due[limit.action] = next_due + limit.interval
    return 0


def ahead(due: dict[str, int]) -> dict[str, int]:
    """Return what still matters of the actions' times."""
    now = _now()
    return {action: at for action, at in due.items() if at > now}


def pauses(bot: str, chat_id: int) -> list[str]:
    """Return the keys that hold Telegram's pauses for a chat, for an MGET that goes out anyway; `left` reads them."""
    return [cache.key(f"pause:{bot}"), cache.key(f"pause:{bot}:{chat_id}")]


def booked(bot: str) -> str:
    """Return the key that is there while somebody books this bot's time, for an MGET that goes out anyway."""
    return cache.key(f"send:{bot}")


def debit(bot: str, messages: int) -> cache.Command:
    """Return the command that makes the next booking leave room for messages that went out without one."""
    return ["INCRBY", cache.key(f"debit:{bot}"), messages]


def left(bot: str, chat_id: int, stored: Sequence[str | None]) -> timedelta:
    """Return how long Telegram still wants nothing for this chat; nothing is stored when Redis did not answer."""
    known = [_local.free.get(name, 0) for name in (f"pause:{bot}", f"pause:{bot}:{chat_id}")]
    until = max(*known, *(int(value) for value in stored if value), 0)
    return timedelta(milliseconds=max(0, until - _now()))


def asked(tg_id: int, limit: Limit) -> cache.Command:
    """Return the command that takes a turn, for a pipeline that goes out anyway; `seconds` reads its result."""
    return ["EVAL", _ASK, 1, cache.key(_action(tg_id, limit)), _now(), limit.interval, limit.tolerance]


def seconds(answer: int) -> int:
    """Return whole seconds to wait, 0 for none, out of what a turn was answered."""
    return -(-int(answer) // 1000)


async def reserve(bot: str, chat_id: int, *, patience: timedelta = PATIENCE) -> Slot:
    """Book the next slot in which this bot may write to this chat; a group's id is negative.

    Raises Unavailable with `retry_after`, and books nothing, when the slot is further away than `patience`.
    """
    keys = [f"send:{bot}", f"debit:{bot}", f"pause:{bot}", f"pause:{bot}:{chat_id}", f"send:{bot}:{chat_id}"]
    if chat_id < 0:
        return await _book([*keys, f"sent:{bot}:{chat_id}"], 1, patience, PER_CHAT, *PER_GROUP)
    return await _book(keys, 1, patience, PER_CHAT)


async def reserve_block(bot: str, slots: int, *, patience: timedelta = PATIENCE) -> Slot:
    """Book slots in a row for as many different people: one call for a part of a broadcast.

    A message to one person waits behind the block: 15 are half a second.
    """
    found = await _book([f"send:{bot}", f"debit:{bot}", f"pause:{bot}"], slots, patience)
    return Slot(found.at, PER_BOT / 1000)


async def look(bot: str) -> None:
    """Learn of a pause that another instance was asked for; `resting` then knows it. One command."""
    with contextlib.suppress(errors.Unavailable):
        _local.free[f"pause:{bot}"] = max(int(await cache.get(f"pause:{bot}") or 0), _local.free.get(f"pause:{bot}", 0))


def resting(bot: str) -> timedelta:
    """Return how long Telegram wants nothing of this bot, as far as this instance knows."""
    return timedelta(milliseconds=max(0, _local.free.get(f"pause:{bot}", 0) - _now()))


async def pause(bot: str, retry_after: timedelta, chat_id: int | None = None) -> None:
    """Let no instance write to this chat, or to anybody when it is None, for as long as Telegram has asked for."""
    name = f"pause:{bot}" if chat_id is None else f"pause:{bot}:{chat_id}"
    until = _now() + _ms(retry_after)
    _local.free[name] = until
    try:
        await cache.set(name, str(until), retry_after)
    except errors.Unavailable as error:
        log.event("pause_not_shared", bot=bot, error=str(error))


async def _book(
    keys: Sequence[str], slots: int, patience: timedelta, per_chat: int = 0, length: int = 0, span: int = 0
) -> Slot:
    now = _now()
    try:
        args = [now, _ms(patience), slots, PER_BOT, per_chat, length, span]
        got, delay = await cache.eval(_BOOK, keys, args)
    except errors.Unavailable as error:
        log.note(limited_locally=str(error))
        got, delay = _local.book(keys, slots, now, _ms(patience), per_chat, length, span)
    if not got:
        raise errors.Unavailable("too_many_messages", retry_after=timedelta(milliseconds=delay))
    return Slot((now + delay) / 1000)


class _LocalCounts:
    """The same counts for this instance alone, in milliseconds."""

    def __init__(self) -> None:
        self.free: dict[str, int] = {}
        self.booked: dict[str, list[tuple[int, int]]] = {}

    def ask(self, name: str, limit: Limit, now: int) -> int:
        due = _sane(self.free.get(name, 0), limit, now)
        if due - limit.tolerance > now:
            return due - limit.tolerance - now
        self._keep(now)
        self.free[name] = due + limit.interval
        return 0

    def book(
        self, keys: Sequence[str], slots: int, now: int, patience: int, per_chat: int, length: int, span: int
    ) -> tuple[int, int]:
        bot, _, *others = keys
        slot = max(now, *(self.free.get(name, 0) for name in others))
        stretch = slots * PER_BOT * LOCAL_SHARE
        booked = [(start, end) for start, end in self.booked.get(bot, []) if end > now]
        for start, end in booked:
            if slot + stretch <= start:
                break
            slot = max(slot, end)
        if slot - now > patience:
            return 0, slot - now
        self._keep(now)
        self.booked[bot] = sorted([*booked, (slot, slot + stretch)])
        if per_chat:
            self.free[keys[4]] = slot + max(per_chat, span // length * LOCAL_SHARE if length else 0)
        return 1, slot - now

    def _keep(self, now: int) -> None:
        if len(self.free) >= REMEMBERED:
            self.free = {name: due for name, due in self.free.items() if due > now}


_local = _LocalCounts()


def _sane(due: int, limit: Limit, now: int) -> int:
    """Return when the next turn falls due; now when no turn sets it so far ahead, as a clock has stepped back."""
    return now if due > now + limit.interval + limit.tolerance else max(due, now)


def _action(tg_id: int, limit: Limit) -> str:
    who = hmac.digest(config.get().app_secret.encode(), f"limit:{tg_id}".encode(), hashlib.sha256).hex()[:16]
    return f"rate_limit:{who}:{limit.action}"


def _now() -> int:
    return int(time.time() * 1000)


def _ms(span: timedelta) -> int:
    return max(1, int(span.total_seconds() * 1000))
