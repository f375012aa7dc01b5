"""The desk of one order while a worker has it: what it is, how far each item has got, and its one status message."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime, timedelta
from typing import Any

from lib import clock, config, errors, text
from lib.jobs.run import Run
from lib.providers.contract import OwnStyle, Report
from lib.studio.items import Item
from lib.studio.orders import Order
from lib.telegram.client import Button, Chat, Keyboard

# A status message is edited no more often than this, unless another stage begins.
EDIT_PAUSE = 5.0
PERCENT_STEP = 10
# A status that says the same for so long is edited at the next look. Cron brings the look within a minute, so that no
# status stands still for 90 seconds.
STILL = 25.0
# After so many times what was promised the seller reads that it takes longer than usual.
LATE = 2


@dataclass(frozen=True)
class StatusMessage:
    """The status message: a sentence with its fields, how far the order is, and since when it says so."""

    shown: str = ""
    percent: int | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)
    shown_at: float = 0.0

    @classmethod
    def read(cls, checkpoint: Mapping[str, Any]) -> "StatusMessage":
        """Return what the message said when the checkpoint was written."""
        return cls(**{one.name: checkpoint[one.name] for one in fields(cls) if checkpoint.get(one.name) is not None})

    def dump(self) -> dict[str, Any]:
        """Return what the checkpoint keeps."""
        return asdict(self)

    def is_news(self, key: str, percent: int | None, now: float) -> bool:
        """Say whether the message must be edited to say this."""
        if self.shown != key:
            return True
        stood = (now - self.shown_at) / config.get().lease_scale
        is_further = percent is not None and percent - (self.percent or 0) >= PERCENT_STEP
        return stood >= STILL or (is_further and stood >= EDIT_PAUSE)


class Desk:
    """The things that the steps of an order share. All facts that outlive the run are in the job's checkpoint."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.order = Order.read(run.job.args)
        self.chat = Chat(self.order.bot, self.order.chat_id, paced=True)
        self.photo = b""
        self.others: tuple[bytes, ...] = ()  # further photos of a clip
        self.cut: bytes | None = None  # of the photo, once it was looked for
        self.own: OwnStyle | None = None  # the seller's own style, once it was looked for
        self.reports: dict[int, Report] = {}
        self.made: dict[int, dict[str, bytes]] = {}  # what this very run has made, by item and kind
        self._shown: StatusMessage | None = None  # what it says and the checkpoint does not know yet

    @property
    def job_id(self) -> int:
        """The order's number."""
        return self.run.job.id

    @property
    def now(self) -> float:
        """The time that all workers share, for what the checkpoint keeps."""
        return self.run.now.timestamp()

    @property
    def is_made(self) -> bool:
        """Whether all items are stored."""
        return all(item.state == "made" for item in self.items())

    def item(self, number: int) -> Item:
        """Return what is known of one item."""
        return Item.read(number, self.run.checkpoint.get(f"item{number}"))

    def items(self) -> list[Item]:
        """Return what is known of each."""
        return [self.item(number) for number in range(self.order.count)]

    async def keep(self, item: Item) -> None:
        """Note what an item has reached, for good."""
        await self.save(**{f"item{item.number}": item.dump()})

    async def save(self, **facts: Any) -> None:
        """Note facts of the whole order, and what the status message says."""
        shown, self._shown = self._shown, None
        await self.run.save(**facts, **(shown.dump() if shown else {}))

    async def show(self, key: str, percent: int | None = None, **fields: Any) -> None:
        """Let the status message say how far the order is; a failure to say so does not fail the order."""
        now = self.now
        if not self._status.is_news(key, percent, now):
            return
        lines = [text.say(self.order.language, key, **fields)]
        if percent is not None:
            lines.append(text.say(self.order.language, "making.percent", percent=percent * 100))
        with contextlib.suppress(errors.Upstream):
            await self.chat.edit(self.order.message_id, "\n".join([*lines, *self._elapsed(now)]), self._stop())
        self._shown = StatusMessage(key, percent, fields, round(now, 1))

    async def stir(self, percent: int | None = None) -> None:
        """Say the same again where there is news: it is further, or how long it has taken by now."""
        known = self._status
        if known.shown:
            await self.show(known.shown, known.percent if percent is None else percent, **known.fields)

    @property
    def _status(self) -> StatusMessage:
        return self._shown or StatusMessage.read(self.run.checkpoint)

    @contextlib.asynccontextmanager
    async def moving(self) -> AsyncIterator[None]:
        """Move the status at the beginning of a run, and again and again while something in it takes long."""
        await self.stir()
        mover = asyncio.create_task(self._move())
        try:
            yield
        finally:
            mover.cancel()
            await asyncio.wait({mover})

    async def _move(self) -> None:
        while True:
            await asyncio.sleep(STILL * config.get().lease_scale)
            await self.stir()

    def _elapsed(self, now: float) -> list[str]:
        """Return how long the order has been in work, where that is worth a word, and whether it is late."""
        spent = now - self.run.checkpoint.get("begun_at", now)
        if spent < STILL * config.get().lease_scale:
            return []
        promised = max(self.order.promised, 1) * config.get().lease_scale
        key = "making.late" if self.order.promised and spent > LATE * promised else "making.elapsed"
        return [text.say(self.order.language, key, time=text.span(self.order.language, spent))]

    def button(self, key: str, data: str) -> Button:
        """Return a button in the seller's language."""
        return Button(text.say(self.order.language, key), data)

    def _stop(self) -> Keyboard:
        return [[self.button("button.cancel", f"order:cancel:{self.job_id}")]]

    async def close(self, words: str, keyboard: Keyboard) -> None:
        """Say below the files what they are and what can be done with them; above them the status is out of sight."""
        await self.chat.say(words, keyboard)
        if not await self.chat.delete(self.order.message_id):  # older than Telegram lets a bot delete
            await self.chat.edit(self.order.message_id, words)

    async def rest(self, until: datetime) -> None:
        """Let the worker go until then, or until the status message must move."""
        if self._shown:
            await self.save()
        await self.run.wait(max(min(until, after(STILL)), clock.now()))

    def has_time_for(self, seconds: float) -> bool:
        """Say whether this invocation lasts long enough."""
        return (self.run.until - clock.now()).total_seconds() > seconds


def after(seconds: float) -> datetime:
    """Return the time so many seconds from now; tests shorten all of them."""
    return clock.now() + timedelta(seconds=seconds * config.get().lease_scale)
