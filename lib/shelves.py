"""Keeps values in Redis for a while so that Neon need not be asked: which classes, how long each lives, what never.

    key      {prefix}{owner}[:{variant}]            user:profile:42 · menu:7:full · conversation:9:messages
    value    {"v": the value, "until": its end, "g": a stamp}     a null value says: there is none, do not ask again
    stamp    the generations of the prefix and of the owner, read in the same MGET as the value

A value counts while its stamp is the current one, so forgetting an owner with all variants, or a whole prefix, is one
new generation and no scan. A loader that began before a write and ends after it stores under the old stamp: nobody
reads that, and no lock is needed. After its end a value may only stand in for a loader that fails (`grace`).

Without Redis every read goes to its loader, and what should have been forgotten is forgotten once Redis is back.
"""

import asyncio
import functools
import hashlib
import hmac
import json
import random
import re
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast
from weakref import WeakKeyDictionary

from lib import cache, config, counters, errors, log, tally

NEGATIVE = timedelta(seconds=30)
JITTER = 0.1
REST = 5.0  # seconds for which a loader that failed is not asked again while a stale value stands in

# Passwords, payment data and orders in progress: no prefix may be made for them, no value with such a field is stored.
NEVER = re.compile(
    r"(^|[_:])(passwords?|payments?|card_number|cvv|cvc|invoices?|charge_id|order_in_progress)([_:]|$)"
    r"|(^|:)(orders?|cart)([_:]|$)"
)

type Owner = int | str
type Load[T] = Callable[[], Awaitable[T | None]]


@dataclass(frozen=True)
class Shelf:
    """One class of cached things below one prefix. `kind` is the class that the statistics show.

    `secret`: the owner is a token, so the key holds a keyed hash of the whole of it. `ends`: the field of a value that
    says in Unix seconds when it stops being true.
    """

    kind: str
    prefix: str
    ttl: timedelta
    grace: timedelta = timedelta(0)
    secret: bool = False
    ends: str = ""

    def __post_init__(self) -> None:
        refuse(self.prefix)

    async def read[T](self, owner: Owner, load: Load[T], *, variant: str = "") -> T | None:
        """Return the value, from Redis or else from `load`, which runs once however many ask this instance at a time.

        The callers share the value, so they must not change it. `load` may outlive the caller that brought it: it takes
        its own connection.
        """
        name = self._name(owner, variant)
        flights = _flights.setdefault(asyncio.get_running_loop(), {})
        flight = flights.get(self.prefix + name)
        if flight is None:
            flight = flights[self.prefix + name] = asyncio.create_task(self._fill(name, load))
            flight.add_done_callback(functools.partial(_land, flights, self.prefix + name))
        return cast("T | None", await asyncio.shield(flight))

    async def put(self, owner: Owner, value: Any, *, variant: str = "") -> None:
        """Store a value that was just made. After a write `forget` is safer: it cannot lose a race."""
        await self.put_many({owner: value}, variant=variant)

    async def put_many(self, values: Mapping[Any, Any], *, variant: str = "") -> int:
        """Store the values in two round trips; return how many were, 0 without Redis.

        A value that may never be stored raises ValueError, whether Redis answers or not.
        """
        for value in values.values():
            _refuse_fields(value)
        names = [self._name(owner, variant) for owner in values]
        found = await self._look(names)
        commands = [
            command
            for name, entry, value in zip(names, found, values.values(), strict=True)
            if entry.stamp is not None and (command := self._store(name, entry.stamp, value))
        ]
        try:
            await cache.pipeline(commands)
        except errors.Unavailable as error:
            log.event("cache_not_filled", prefix=self.prefix, error=str(error))
            return 0
        return len(commands)

    async def forget(self, *owners: Owner) -> bool:
        """Let nobody read what is stored of these owners, in any variant. Call it after the write is committed.

        False without Redis, when this instance will do it later.
        """
        names = [self._name(owner, "") for owner in owners]
        for name in names:
            self._ground(name)
        erase: cache.Command = ["UNLINK", *(cache.key(self.prefix + name) for name in names)]
        return not names or await self._renew(names, erase)

    async def clear(self) -> bool:
        """Let nobody read what is stored below the prefix; False without Redis, when this instance will do it later."""
        self._ground("")
        return await self._renew([""])

    async def _fill(self, name: str, load: Load[Any]) -> Any:
        [found] = await self._look([name])
        if found.fresh:
            tally.add(f"cache|{self.kind}|hits")
            return found.value
        stands_in = found.stands_in(self.grace)
        if stands_in and _resting.get(self.prefix + name, 0) > time.monotonic():
            tally.add(f"cache|{self.kind}|stale")
            return found.value
        try:
            value = await load()
        except errors.Upstream as error:
            if not stands_in:
                raise
            log.note(stale=self.prefix + name, stale_because=str(error))
            _rest(self.prefix + name)
            tally.add(f"cache|{self.kind}|stale")
            return found.value
        _refuse_fields(value)
        if found.stamp is not None:
            tally.add(f"cache|{self.kind}|misses")
            self._ride(name, found.stamp, value)
        return value

    async def _look(self, names: Sequence[str]) -> list["_HeldValue"]:
        """Read the entries and their stamps in one command; without Redis, nothing is found."""
        owners = {name: self._generation(name.partition(":")[0]) for name in names}
        generations = list(dict.fromkeys([self._generation(""), *owners.values()]))
        wanted = [cache.key(key) for key in (*generations, *(self.prefix + name for name in names))]
        owed = list(_owed.items())
        try:
            *_, values = await cache.pipeline([*(command for _, command in owed), ["MGET", *wanted]]) if names else [[]]
        except errors.Unavailable:
            return [_HeldValue(None, None, 0.0, now=0.0) for _ in names]
        for key, command in owed:
            if _owed.get(key) is command:
                del _owed[key]
        current = dict(zip(generations, values, strict=False))
        stored = values[len(generations) :]
        whole = current.get(self._generation("")) or ""
        stamps = [f"{whole}.{current[owners[name]] or ''}" for name in names]
        return [_open(text, stamp, time.time()) for text, stamp in zip(stored, stamps, strict=True)]

    def _ride(self, name: str, stamp: str, value: Any) -> None:
        """Store a loaded value along with this instance's next request, such as the one that ends the update."""
        command = self._store(name, stamp, value)
        if command:
            cache.ride([command])

    def _store(self, name: str, stamp: str, value: Any) -> cache.Command | None:
        """Return the command that stores the value, or None when it is over already."""
        ttl = (self.ttl if value is not None else NEGATIVE).total_seconds() * random.uniform(1 - JITTER, 1)
        if self.ends and isinstance(value, dict) and self.ends in value:
            ttl = min(ttl, float(value[self.ends]) - time.time())
        if ttl <= 0:
            return None
        kept = ttl + (self.grace.total_seconds() if value is not None else 0)
        entry = {"v": value, "until": round(time.time() + ttl, 3), "g": stamp}
        text = json.dumps(entry, ensure_ascii=False, separators=(",", ":"))
        return ["SET", cache.key(self.prefix + name), text, "PX", int(kept * 1000) or 1]

    async def _renew(self, owners: Sequence[str], *also: cache.Command) -> bool:
        """Give each owner a new generation, now or, without Redis, ahead of this instance's next read."""
        life = int(self._kept.total_seconds() * 1000)
        commands: dict[str, cache.Command] = {
            name: ["SET", cache.key(name), secrets.token_hex(6), "PX", life] for name in map(self._generation, owners)
        }
        try:
            await cache.pipeline([*commands.values(), *also])
        except errors.Unavailable as error:
            log.event("cache_forgets_later", generations=list(commands), error=str(error))
            _owed.update(commands)
            return False
        return True

    def _ground(self, owner: str) -> None:
        """Let nobody join a load that began before this moment."""
        flights = _flights.get(asyncio.get_running_loop(), {})
        for name in [name for name in flights if f"{name}:".startswith(self.prefix + (f"{owner}:" if owner else ""))]:
            del flights[name]

    @property
    def _kept(self) -> timedelta:
        """How long a generation is kept: for longer than any entry that was stored under the one before."""
        return self.ttl + self.grace + timedelta(minutes=10)

    def _generation(self, owner: str) -> str:
        return f"generation:{self.prefix}{owner}"

    def _name(self, owner: Owner, variant: str) -> str:
        text = _keyed_hash(str(owner)) if self.secret else str(owner)
        if not text or ":" in text:
            raise ValueError(f"an owner may not be empty or hold a colon: {text!r}")
        return f"{text}:{variant}" if variant else text


@dataclass(frozen=True)
class _HeldValue:
    """A name's value in Redis; no stamp: Redis did not answer. `until` 0: nothing, or of an older generation."""

    value: Any
    stamp: str | None
    until: float
    now: float

    @property
    def fresh(self) -> bool:
        return self.until > self.now

    def stands_in(self, grace: timedelta) -> bool:
        return self.value is not None and self.now < self.until + grace.total_seconds()


def _open(text: str | None, stamp: str, now: float) -> _HeldValue:
    try:
        entry = json.loads(text) if text else {}
        if entry.get("g") == stamp:
            return _HeldValue(entry["v"], stamp, float(entry["until"]), now)
    except (ValueError, KeyError, TypeError, AttributeError):
        pass  # not ours: it will be written over
    return _HeldValue(None, stamp, 0.0, now)


def refuse(name: str) -> None:
    """Raise ValueError when this names something that is never cached."""
    if NEVER.search(name.lower()):
        raise ValueError(f"{name!r} is never cached")


def _refuse_fields(value: Any) -> None:
    if isinstance(value, dict):
        for name, inner in value.items():
            refuse(str(name))
            _refuse_fields(inner)
    elif isinstance(value, list):
        for inner in value:
            _refuse_fields(inner)


def _keyed_hash(token: str) -> str:
    """Return what stands for a token: all of it counts, and without APP_SECRET nobody can tell which it was."""
    secret = config.get().app_secret
    if not secret:
        raise errors.Misconfigured(detail="APP_SECRET is not set; what belongs to a token cannot be cached")
    return hmac.new(secret.encode(), token.encode(), hashlib.sha256).hexdigest()


PROFILE = Shelf("profile", "user:profile:", timedelta(minutes=5), grace=timedelta(hours=1))
PROFILE_BY_TG = Shelf("profile", "user:profile:tg:", timedelta(minutes=5), grace=timedelta(hours=1), secret=True)
CONVERSATION = Shelf("conversation", "conversation:", timedelta(minutes=10), grace=timedelta(minutes=10))
AUTH = Shelf("auth", "auth:token:", timedelta(hours=1), secret=True, ends="exp")
MENU = Shelf("menu", "menu:", timedelta(minutes=30), grace=timedelta(hours=2))
SESSION = Shelf("session", "session:", timedelta(hours=1), secret=True, ends="exp")
SHELVES = (PROFILE, PROFILE_BY_TG, CONVERSATION, AUTH, MENU, SESSION)


async def clear(prefix: str = "") -> list[str]:
    """Clear all that begins with `prefix`; return the prefixes it was.

    Raise Invalid when there is no such prefix, and Unavailable without Redis.
    """
    shelves = [shelf for shelf in SHELVES if shelf.prefix.startswith(prefix)]
    if not shelves or (prefix and not prefix.endswith(":")):
        raise errors.Invalid("unknown_prefix", f"{prefix!r}; known: {', '.join(shelf.prefix for shelf in SHELVES)}")
    if not all(await asyncio.gather(*(shelf.clear() for shelf in shelves))):
        raise errors.Unavailable("redis", "not cleared")
    return [shelf.prefix for shelf in shelves]


async def statistics() -> dict[str, Any]:
    """Return how often each class was hit and missed, by all instances, and how many keys the database holds."""
    try:
        (counted, _), [keys] = await asyncio.gather(counters.totals(), cache.pipeline([["DBSIZE"]]))
    except errors.Unavailable:
        return {"available": False, "stats": {"totalKeys": 0, "available": False, **_figures({}), "classes": {}}}
    classes = {shelf.kind: _figures(counted, shelf) for shelf in SHELVES}
    return {"available": True, "stats": {"totalKeys": keys, "available": True, **_figures(counted), "classes": classes}}


def _figures(counted: Mapping[str, int], shelf: Shelf | None = None) -> dict[str, Any]:
    kinds = [shelf.kind] if shelf else {one.kind for one in SHELVES}
    hits, misses, stale = (sum(counted.get(f"cache|{kind}|{what}", 0) for kind in kinds) for what in _OUTCOMES)
    reads = hits + misses + stale
    figures = {"hits": hits, "misses": misses, "stale": stale, "hitRate": round(hits / reads, 4) if reads else 0.0}
    return figures | ({"ttlSeconds": int(shelf.ttl.total_seconds())} if shelf else {})


_OUTCOMES = ("hits", "misses", "stale")
_flights: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, asyncio.Task[Any]]] = WeakKeyDictionary()
_resting: dict[str, float] = {}
_owed: dict[str, cache.Command] = {}


def _land(flights: dict[str, asyncio.Task[Any]], name: str, flight: asyncio.Task[Any]) -> None:
    if flights.get(name) is flight:
        del flights[name]
    if not flight.cancelled():
        flight.exception()  # marks it as seen: every caller may have stopped waiting


def _rest(name: str) -> None:
    if len(_resting) > 1000:
        _resting.clear()
    _resting[name] = time.monotonic() + REST
