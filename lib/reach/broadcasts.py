"""A broadcast from its draft to its end: who may change it, who must see it before it goes, when it begins.

    draft ──send──> review ──approve──> scheduled ──> cutting ──> running <──> paused
      ^   └──────────(trusted)─────────────^                         └──> done
      └──refuse──── review                            everything that has not ended ──> cancelled

A button that confirms names the version that it showed, so what goes out is what was read. A shop's first broadcasts,
and any with a link, wait for an administrator.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lib import db, errors
from lib.loyalty import staff
from lib.loyalty.partners import PLATFORM, of
from lib.reach import hours

SQL = db.load("reach")

TRUSTED_AFTER = 3  # broadcasts that an administrator has let through
A_DAY = 1
PAGE = 10
WORDS = 3500
CAPTION = 700  # below a photo or a video
BUTTONS = 3
ADVERTISES = ("news", "away")
ADVERTISER = 120
_URL = re.compile(r"https://[^\s/?#@:]+\.[^\s/?#@:.]{2,}(?:[:/?#]\S*)?")
_ERID = re.compile(r"[A-Za-z0-9_-]{0,60}")
# What Telegram makes a link of: also a bare domain, of the ends that people know.
_ENDS = (
    "ru|su|рф|рус|москва|com|net|org|info|biz|by|kz|uz|ua|me|io|co|cc|top|xyz|pro|app|club|site|shop|store|online|link"
)
_DOMAIN = rf"[\w-]\.(?:{_ENDS})(?!\w)"
_LINK = re.compile(rf"https?://|tg://|t\.me/|www\.|{_DOMAIN}|@[A-Za-z][A-Za-z0-9_]{{4,}}", re.IGNORECASE)
FIELDS = ("words", "file", "buttons", "filter", "advertiser", "erid", "bot", "kind", "run_at", "by_clock", "paid")


@dataclass(frozen=True)
class Broadcast:
    """A broadcast as it stands. `partner_id` is 0 for the platform's own."""

    partner_id: int
    id: int
    created_by: int
    bot: str
    kind: str
    state: str
    reason: str
    version: int
    words: str
    file: dict[str, str] | None
    file_id: str
    buttons: list[dict[str, Any]]
    filter: dict[str, Any]
    advertiser: str
    erid: str
    run_at: datetime | None
    by_clock: bool
    audience: int
    parts: int
    round: int
    proven: bool
    most_blocked_bp: int
    paid: bool
    progress_id: int | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    shop: str
    zone: str

    @property
    def advertises(self) -> bool:
        """Whether it is advertising: at most once to each, by consent, within the limits of all shops."""
        return self.kind in ADVERTISES

    @property
    def has_links(self) -> bool:
        """Whether it leads anywhere outside the bots."""
        return links_in(self.words) or any("url" in button for button in self.buttons)

    @property
    def over(self) -> bool:
        """Whether it has ended."""
        return self.finished_at is not None


def links_in(words: str) -> bool:
    """Tell whether Telegram would make a link of a part of these words."""
    return bool(_LINK.search(words))


@dataclass(frozen=True)
class AudienceCount:
    """How many people a broadcast would reach, and whom it leaves out."""

    ready: int = 0
    silent: int = 0
    blocked: int = 0


def most_stars(people: int) -> int:
    """Return how many Stars a paid broadcast to so many costs at most: a tenth of one a message."""
    return -(-people // 10)


async def draft(conn: db.Connection, partner_id: int, actor_id: int, **fields: Any) -> Broadcast:
    """Begin a broadcast; a draft of the person's that says nothing yet, or the same, makes room for it."""
    who = {"partner_id": partner_id, "actor_id": actor_id}
    made = await SQL.draft.within(PLATFORM).one(conn, int, **who, words=fields.get("words", ""))
    assert made is not None
    return (
        await change(conn, await get(conn, partner_id, made), **fields) if fields else await get(conn, partner_id, made)
    )


async def get(conn: db.Connection, partner_id: int, number: int) -> Broadcast:
    """Return a broadcast of this shop, or of the platform for 0; raise Missing("no_broadcast")."""
    found = await SQL.get.within(PLATFORM).one(conn, Broadcast, partner_id=partner_id, id=number)
    if found is None:
        raise errors.Missing("no_broadcast", str(number))
    return found


async def listed(
    conn: db.Connection, partner_id: int, *, before: int | None = None, limit: int = PAGE, drafts: bool = False
) -> list[Broadcast]:
    """Return a page of a shop's broadcasts, or of its drafts, newest first."""
    page = {"before": before, "limit": limit, "partner_id": partner_id, "drafts": drafts}
    return await SQL.list_broadcasts.within(PLATFORM).all(conn, Broadcast, **page)


async def waiting(conn: db.Connection, *, limit: int = PAGE) -> list[Broadcast]:
    """Return the broadcasts that wait for an administrator, the oldest first."""
    return await SQL.waiting.within(PLATFORM).all(conn, Broadcast, limit=limit)


async def count_drafts(conn: db.Connection, partner_id: int) -> int:
    """Return how many drafts a shop has."""
    return await SQL.count_drafts.within(PLATFORM).one(conn, int, partner_id=partner_id) or 0


async def drop(conn: db.Connection, one: Broadcast, version: int) -> None:
    """Delete a draft as it was shown; Conflict("broadcast_changed") for one that is another or no draft by now."""
    if not await SQL.drop_draft.within(PLATFORM).run(conn, partner_id=one.partner_id, id=one.id, version=version):
        raise errors.Conflict("broadcast_changed", str(one.id))


async def forget_drafts(conn: db.Connection, now: datetime, limit: int) -> int:
    """Forget what was never sent and has not been touched for 90 days; return how many."""
    return await SQL.forget_drafts.within(PLATFORM).run(conn, now=now, limit=limit)


async def change(conn: db.Connection, one: Broadcast, **fields: Any) -> Broadcast:
    """Change what a draft says, or to whom; return it with its next version. Conflict when it is no draft any more.

    Whatever is changed, a yes to its price is over; a shop's is never paid for. What is marked as advertising is no
    notice, and goes to those who have agreed.
    """
    wanted = {name: fields.get(name, getattr(one, name)) for name in FIELDS} | {"paid": fields.get("paid", False)}
    if wanted["paid"] and one.partner_id:
        raise errors.Denied("not_the_platforms")
    if wanted["advertiser"] and wanted["kind"] == "notice":
        wanted["kind"] = "news"
    _check(wanted)
    ids = {"partner_id": one.partner_id, "id": one.id, "version": one.version}
    if not await SQL.change.within(PLATFORM).run(conn, **ids, **_stored(wanted)):
        raise errors.Conflict("broadcast_changed", str(one.id))
    return await get(conn, one.partner_id, one.id)


def _check(wanted: Mapping[str, Any]) -> None:
    links = sum(_units(button["label"]) + _units(button.get("url", "")) for button in wanted["buttons"])
    room = CAPTION if wanted["file"] else WORDS - links  # its author and an administrator read links in full
    if _units(wanted["words"]) > room:
        raise errors.Invalid("too_long", str(room))
    if len(wanted["buttons"]) > BUTTONS:
        raise errors.Invalid("too_many_buttons", str(BUTTONS))
    for button in wanted["buttons"]:
        if not button.get("promotion") and not _URL.fullmatch(str(button.get("url", ""))):
            raise errors.Invalid("link_unclear")
    if not _ERID.fullmatch(wanted["erid"]) or len(wanted["advertiser"]) > ADVERTISER:
        raise errors.Invalid("mark_unclear")


def _units(words: str) -> int:
    """Return how much of a message words take, as Telegram counts."""
    return len(words.encode("utf-16-le")) // 2


def _stored(wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields as the statement takes them: what is JSON there goes inside one object."""
    return {**wanted, "buttons": {"list": wanted["buttons"]}}


async def cities(conn: db.Connection, partner_id: int) -> list[str]:
    """Return where a shop's clients live, the largest number first; nothing when they all live in one city."""
    found = await SQL.client_cities.within(of(partner_id)).all(conn, str, partner_id=partner_id)
    return found if len(found) > 1 else []


async def count(conn: db.Connection, one: Broadcast, now: datetime) -> AudienceCount:
    """Return how many people it would reach now."""
    found = await SQL.count.within(PLATFORM).all(conn, tuple, partner_id=one.partner_id, id=one.id, now=now)
    return AudienceCount(**dict(found))


async def ready(conn: db.Connection, one: Broadcast, now: datetime) -> AudienceCount:
    """Return how many people it would reach, when it may go out as it is.

    Conflict("said_already") when the shop said the same within a day, Conflict("enough_today") when another goes out on
    that day, Invalid("words_empty"), Invalid("when_past") when the moment that its author chose and read has gone by.
    """
    if one.state == "draft":  # else it is shown as it stands
        await _let_through(conn, one, now)
    return await count(conn, one, now)


async def _let_through(conn: db.Connection, one: Broadcast, now: datetime) -> int:
    """Return how many of the shop's broadcasts an administrator has let through, when this one may go out."""
    if not one.words and not one.file:
        raise errors.Invalid("words_empty")
    if one.run_at and one.run_at < now:
        raise errors.Invalid("when_past")
    asked = {"words": one.words, "now": now, "at": max(one.run_at or now, now)}
    facts = await SQL.before_sending.within(PLATFORM).one(conn, dict, partner_id=one.partner_id, id=one.id, **asked)
    assert facts is not None
    if facts["same"]:
        raise errors.Conflict("said_already")
    if one.partner_id and facts["that_day"] >= A_DAY:
        raise errors.Conflict("enough_today")
    return int(facts["let_through"])


async def send(conn: db.Connection, one: Broadcast, version: int, actor_id: int, now: datetime) -> Broadcast:
    """Send a draft as it was shown, or hand it to an administrator first; return it as it stands then.

    Conflict("broadcast_changed") when another version was shown or it is sent already, Conflict("shop_closed"),
    Denied("role_too_low"), and what `ready` raises.
    """
    if one.partner_id and await staff.manager(conn, one.partner_id, actor_id) is None:
        raise errors.Denied("role_too_low")
    let_through = await _let_through(conn, one, now)
    seen = not one.partner_id or (let_through >= TRUSTED_AFTER and not one.has_links)
    async with conn.transaction():
        await _move(conn, one, version, "draft", "scheduled" if seen else "review", now)
        if seen:
            await _schedule(conn, one, now)
    return await get(conn, one.partner_id, one.id)


async def decide(
    conn: db.Connection, one: Broadcast, version: int, now: datetime, *, approves: bool, reason: str = ""
) -> None:
    """Let a broadcast that waits go out, or give it back to the shop with a reason.

    Conflict("broadcast_changed") when it waits no more, Conflict("shop_closed") for one of a shop that is blocked.
    """
    async with conn.transaction():
        await _move(conn, one, version, "review", "scheduled" if approves else "draft", now, reason)
        if approves:
            await _schedule(conn, one, now)


async def _move(
    conn: db.Connection, one: Broadcast, version: int, was: str, state: str, now: datetime, reason: str = ""
) -> None:
    ids = {"partner_id": one.partner_id, "id": one.id, "version": version}
    moved = await SQL.move.within(PLATFORM).run(conn, **ids, was=was, state=state, reason=reason, now=now)
    if not moved:
        raise errors.Conflict("broadcast_changed", str(one.id))


async def _schedule(conn: db.Connection, one: Broadcast, now: datetime) -> None:
    """Have the audience cut when the first of them may be written to."""
    at = max(one.run_at or now, now)
    first = min(one.from_at for one in hours.everywhere(at, one.zone, by_clock=one.by_clock))
    ids = {"partner_id": one.partner_id, "id": one.id}
    if not await SQL.queue_audience.within(PLATFORM).run(conn, **ids, run_at=max(first, now)):
        raise errors.Conflict("shop_closed", str(one.partner_id))


async def steer(
    conn: db.Connection, partner_id: int, number: int, wish: str, now: datetime, *, reason: str = "by_hand"
) -> None:
    """Pause, resume or cancel a broadcast, or send to those of whom it is `unknown` whether they got it.

    Missing("no_broadcast"), Conflict("broadcast_state").
    """
    ids = {"partner_id": partner_id, "id": number}
    await SQL.steer.within(PLATFORM).run(conn, **ids, wish=wish, reason=reason, now=now)


async def show_progress_in(conn: db.Connection, one: Broadcast, message_id: int) -> None:
    """Have this message of the author's chat show how far the broadcast is."""
    ids = {"partner_id": one.partner_id, "id": one.id}
    await SQL.show_progress_in.within(PLATFORM).run(conn, **ids, message_id=message_id)


async def keep_file(conn: db.Connection, one: Broadcast, file_id: str) -> None:
    """Remember the file as the sending bot knows it."""
    await SQL.keep_file.within(PLATFORM).run(conn, partner_id=one.partner_id, id=one.id, file_id=file_id)


async def press(conn: db.Connection, partner_id: int, number: int, user_id: int) -> bool:
    """Note that a person has pressed a button of a broadcast; False for one that there is not, or a second press."""
    ids = {"partner_id": partner_id, "id": number, "user_id": user_id}
    return bool(await SQL.press.within(of(partner_id) if partner_id else PLATFORM).run(conn, **ids))
