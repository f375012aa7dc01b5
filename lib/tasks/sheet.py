"""Makes a file of a shop's clients, operations, requests or broadcasts, or of the studio's orders, and sends it.

    count -> pages of one moment -> a file on the disk -> [the next one, when Telegram would not take more] -> sent

A person who was let go meanwhile gets nothing: that is asked again before each file goes. One that takes a while says
how far it is, in a message with a button that stops it. Nothing stays on the disk or in the store.
"""

import asyncio
import contextlib
import tempfile
import time
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock_time
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from lib import config, db, errors, log, retry, text, typed
from lib.assistant import sheets as request_sheets
from lib.jobs import kick
from lib.jobs.run import Run
from lib.loyalty import night, staff
from lib.loyalty import sheets as shop_sheets
from lib.people import users
from lib.people.users import User
from lib.reach import sheets as broadcast_sheets
from lib.studio import sheets as order_sheets
from lib.tables import TableFile
from lib.tables.book import About, Book
from lib.tables.cells import SheetStyle
from lib.tables.lines import Lines
from lib.tables.source import Source
from lib.telegram.client import Button, Chat, Keyboard, Picture

BACKOFF = retry.Backoff(base=timedelta(seconds=5), cap=timedelta(minutes=10))
LEASE = timedelta(minutes=2)
PART = 44_000_000  # bytes; Telegram takes 50 MB, and a page and the end of the file still come
BACK = timedelta(days=366)
EVERY = 3.0  # seconds between two words on how far it is
PACE = 5000  # rows a second, at the least
SINCE_EVER = date(2020, 1, 1)
STOPS = {"orders": "history", "every_order": "orders"}  # the flow of the button that stops it

SOURCES: dict[str, Source] = {
    "clients": shop_sheets.CLIENTS,
    "operations": shop_sheets.OPERATIONS,
    "requests": request_sheets.REQUESTS,
    "broadcasts": broadcast_sheets.BROADCASTS,
    "orders": order_sheets.ORDERS,
    "every_order": order_sheets.EVERY_ORDER,
}


@dataclass(frozen=True)
class SheetOrder:
    """What was asked for: which rows, of which days (the last one included), and the form of the file."""

    what: str
    form: str
    since: date | None
    until: date

    @classmethod
    def read(cls, args: dict[str, Any], now: datetime) -> "SheetOrder":
        """Return what a job's arguments say; one that was ordered before there was a choice has a year as CSV."""
        if "form" not in args:
            since = None if args["what"] == "clients" else (now - BACK).date()
            return cls(args["what"], "csv", since, now.date())
        since = date.fromisoformat(args["since"]) if args["since"] else None
        return cls(args["what"], args["form"], since, date.fromisoformat(args["until"]))

    def period(self, zone: ZoneInfo) -> tuple[datetime, datetime]:
        """Return the first moment and the one behind the last, by the shop's clock."""
        until = datetime.combine(self.until + timedelta(days=1), clock_time(), zone)
        return datetime.combine(self.since or SINCE_EVER, clock_time(), zone), until


@dataclass(frozen=True)
class RowOwner:
    """Whose rows a file has: a `shop`'s, a `person`'s, or all of the `platform`'s (0); the title, and the clock."""

    kind: str
    id: int
    title: str
    tz: str


@dataclass(frozen=True)
class Export:
    """An order while its file is made: whose it is, the reader, how many rows there are, as of when, what to know."""

    order: SheetOrder
    owner: RowOwner
    reader: User
    total: int
    as_of: datetime | None
    notes: tuple[str, ...] = ()

    @property
    def style(self) -> SheetStyle:
        """How the reader reads numbers, and the owner's clock."""
        return SheetStyle(self.reader.language, ZoneInfo(self.owner.tz))

    def say(self, key: str, **fields: Any) -> str:
        """Return a sentence in the reader's language."""
        return text.say(self.reader.language, key, **fields)

    @property
    def days(self) -> str:
        """The period in words."""
        if self.order.since is None:
            return self.say("partner.sheet.ever")
        days = (text.date(self.reader.language, one) for one in (self.order.since, self.order.until))
        return " – ".join(dict.fromkeys(days))

    @property
    def moment(self) -> str:
        """As of when the data is, in words."""
        at = self.as_of or datetime.now(UTC)
        return text.moment(self.reader.language, at.astimezone(self.style.zone))

    def name(self, part: int) -> str:
        """Return the name of a file, without its ending: the shop, what it holds, the period."""
        what = text.plain(self.say(f"partner.sheet.name.{self.order.what}"))
        since = self.order.since.isoformat() if self.order.since else ""
        days = "_".join(dict.fromkeys(filter(None, (since, self.order.until.isoformat()))))
        return typed.file_name(self.owner.title, what, days, f"({part})" if part > 1 else "")

    @property
    def about(self) -> About:
        """The sheet that says what the file is."""
        said = [(self.owner.kind, self.owner.title), ("days", self.days), ("as_of", self.moment)]
        said += [("reversals", note) for note in self.notes]
        lines = [(text.plain(self.say(f"partner.sheet.about.{name}")), text.plain(words)) for name, words in said]
        return About(text.plain(self.say("partner.sheet.about")), lines)

    def file(self, folder: Path, part: int) -> TableFile:
        """Begin a file."""
        source = SOURCES[self.order.what]
        path = folder / f"{self.name(part)}.{self.order.form}"
        if self.order.form == "csv":
            return Lines(path, source.columns, self.style)
        title = text.plain(self.say(f"partner.sheet.name.{self.order.what}"))
        return Book(path, title, source.columns, self.style, expected=self.total, about=self.about)


async def run(run: Run) -> None:
    """Make the file and send it."""
    order = SheetOrder.read(run.job.args, run.now)
    found = await _reader_and_owner(run)
    if found is None:
        return
    reader, owner = found
    since, until = order.period(ZoneInfo(owner.tz))
    if order.what in ("clients", "operations"):
        await night.catch_up(owner.id)
    async with db.snapshot(copy=run.job.attempts <= 1) as (conn, as_of):
        total = await SOURCES[order.what].number(conn, owner.id, since, until)
        if _is_late(run, total):
            await run.wait(run.until, waited=True)
            await kick.drain()
            return
        notes = await _notes(conn, order, owner, reader.language)
        export = Export(order, owner, reader, total, as_of, notes)
        rows = SOURCES[order.what].pages(conn, owner.id, since, until)
        await _make(run, export, rows)


def _is_late(run: Run, total: int) -> bool:
    """Whether the next worker had better begin it: this one's time is not enough, and a file cannot be gone on with."""
    left = (run.until - run.now).total_seconds()
    return left < total / PACE and "waited" not in run.checkpoint


async def _reader_and_owner(run: Run) -> tuple[User, RowOwner] | None:
    """Return who gets the file and whose rows it has; None when they no longer may: a manager, the seller, an
    administrator.
    """
    what, user_id = run.job.args["what"], run.job.user_id
    if what not in ("orders", "every_order"):
        found = await db.run(lambda conn: staff.shop_and_manager(conn, run.job.args["partner_id"], user_id))
        return (found[1], RowOwner("shop", found[0].id, found[0].title, found[0].tz)) if found else None
    user = await db.run(lambda conn: users.get_user(conn, user_id))
    if user is None or user.tg_id < 0 or user.banned:
        return None
    studio = text.say(user.language, "partner.sheet.platform")
    if what == "orders":
        return user, RowOwner("person", user.id, user.first_name or studio, user.time_zone)
    may = user.tg_id in config.get().admin_ids
    return (user, RowOwner("platform", 0, studio, user.time_zone)) if may else None


async def _notes(conn: db.Connection, order: SheetOrder, owner: RowOwner, language: str) -> tuple[str, ...]:
    """Return what a reader of the sums must know: reversals whose other half is in another period."""
    if order.what != "operations":
        return ()
    across = await shop_sheets.reversals_across(conn, owner.id, *order.period(ZoneInfo(owner.tz)))
    counts = {"earlier": across.earlier, "later": across.later}
    return tuple(
        text.say(language, f"partner.sheet.reversals.{name}", number=number)
        for name, number in counts.items()
        if number
    )


async def _make(run: Run, export: Export, rows: AsyncIterator[list[tuple[Any, ...]]]) -> None:
    chat = Chat(run.job.args["bot"], export.reader.tg_id)
    notice = SheetNotice(run, export, chat)
    sent = 0
    try:
        with tempfile.TemporaryDirectory(prefix="lotok-sheet-") as folder:
            async with contextlib.aclosing(_files(export, rows, Path(folder), notice)) as files:
                async for path in files:
                    sent += 1
                    if sent > run.checkpoint.get("sent", 0):
                        if await _reader_and_owner(run) is None:
                            break
                        await chat.send_document(Picture(path.name, path=path), _caption(export))
                        await run.save(sent=sent)
                    path.unlink()
        await notice.remove()
    except errors.Blocked:
        log.note(blocked=True)
    except errors.Conflict as stop:
        if stop.code == "cancelled":
            await notice.stopped()
        raise


async def _files(
    export: Export, rows: AsyncIterator[list[tuple[Any, ...]]], folder: Path, notice: "SheetNotice"
) -> AsyncGenerator[Path]:
    """Yield the files; they are written beside the loop, which has other jobs to see to."""
    part, done = 1, 0
    file = export.file(folder, part)
    try:
        async for page in rows:
            if done and file.size > PART:
                yield await asyncio.to_thread(file.close)
                part += 1
                file = export.file(folder, part)
            await asyncio.to_thread(file.add, page)
            done += len(page)
            await notice.tell(done)
        log.note(rows=done, parts=part)
        yield await asyncio.to_thread(file.close)
    finally:
        with contextlib.suppress(OSError, ValueError):  # of one that nobody wants any more
            file.close()


def _caption(export: Export) -> str:
    key = f"partner.sheet.{export.order.what}"
    words = export.say(key, title=export.owner.title, days=export.days, rows=export.total)
    as_of = [export.say("partner.sheet.as_of", at=export.moment)] if export.as_of else []
    return "\n".join([words, *export.notes, *as_of])


class SheetNotice:
    """The message that says how far it is; there is none for a file that is made before anybody would read it."""

    def __init__(self, run: Run, export: Export, chat: Chat) -> None:
        self._run, self._export, self._chat = run, export, chat
        self._next = time.monotonic() + EVERY

    @property
    def _id(self) -> int:
        return int(self._run.checkpoint.get("message_id", 0))

    async def tell(self, done: int) -> None:
        """Say it every few seconds; raise Conflict("cancelled") when the person wants it no longer."""
        if time.monotonic() < self._next:
            return
        percent = min(done * 100 // max(self._export.total, 1), 99)
        await self._run.save(percent=percent)
        words, stop = self._export.say("partner.sheet.working", percent=percent * 100), self._stop()
        if not self._id:
            message_id = await self._chat.say(words, stop)
            await self._run.save(message_id=message_id)
        else:
            await self._chat.edit(self._id, words, stop)
        self._next = time.monotonic() + EVERY

    def _stop(self) -> Keyboard:
        flow = STOPS.get(self._export.order.what, "exports")
        return [[Button(self._export.say("partner.sheet.stop"), f"{flow}:stop:{self._run.id}")]]

    async def remove(self) -> None:
        """Take the message away: the file says it all."""
        if self._id:
            await self._chat.delete(self._id)

    async def stopped(self) -> None:
        """Say that nothing comes any more."""
        if self._id:
            await self._chat.edit(self._id, self._export.say("partner.sheet.stopped"), None)
