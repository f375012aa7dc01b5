"""The desk of one order while a worker has it: what it is, how far each item has got, and its one status message."""

import contextlib
import time
from datetime import UTC, datetime, timedelta
from typing import Any

from lib import config, errors, jobs, text
from lib.orders import Order
from lib.providers import Report
from lib.telegram.client import Button, Chat, Keyboard

# A status message is edited no more often than this, unless another stage begins.
EDIT_PAUSE = 5.0
PERCENT_STEP = 10

type Item = dict[str, Any]


class Desk:
    """What the steps of an order share. All facts that outlive the run are in the job's checkpoint."""

    def __init__(self, run: jobs.Run) -> None:
        self.run = run
        self.order = Order.read(run.job.args)
        self.chat = Chat(self.order.bot, self.order.chat_id, paced=True)
        self.photo = b""
        self.reports: dict[int, Report] = {}
        self.made: dict[int, dict[str, bytes]] = {}  # what this very run has made, by item and kind
        self._shown: dict[str, Any] | None = None

    @property
    def job_id(self) -> int:
        """The order's number."""
        return self.run.job.id

    @property
    def is_made(self) -> bool:
        """Whether all items are stored."""
        return all("files" in self.item(number) for number in range(self.order.count))

    def item(self, number: int) -> Item:
        """Return what is known of one item; a copy, to be handed to `keep`."""
        return dict(self.run.checkpoint.get(f"item{number}") or {})

    async def keep(self, number: int, item: Item) -> None:
        """Note what an item has reached, for good."""
        await self.save(**{f"item{number}": item})

    async def save(self, **facts: Any) -> None:
        """Note facts of the whole order, and what the status message says."""
        shown, self._shown = self._shown, None
        await self.run.save(**facts, **(shown or {}))

    async def show(self, key: str, percent: int | None = None, **fields: Any) -> None:
        """Let the status message say how far the order is; a failure to say so is none of the order."""
        known = self._shown or self.run.checkpoint
        if not _is_news(known, key, percent):
            return
        words = text.say(self.order.language, key, **fields)
        if percent is not None:
            words += f"\n{text.say(self.order.language, 'making.percent', percent=percent)}"
        with contextlib.suppress(errors.Upstream):
            await self.chat.edit(self.order.message_id, words, self._stop())
        self._shown = {"shown": key, "percent": percent, "shown_at": round(time.time(), 1)}

    def _stop(self) -> Keyboard:
        return [[Button(text.say(self.order.language, "button.cancel"), f"order:cancel:{self.job_id}")]]

    async def rest(self, until: datetime) -> None:
        """Let the worker go until then."""
        if self._shown:
            await self.save()
        await self.run.wait(max(until, datetime.now(UTC)))

    def has_time_for(self, seconds: float) -> bool:
        """Say whether this invocation lasts long enough."""
        return (self.run.until - datetime.now(UTC)).total_seconds() > seconds


def after(seconds: float) -> datetime:
    """Return the time so many seconds from now; tests shorten all of them."""
    return datetime.now(UTC) + timedelta(seconds=seconds * config.get().lease_scale)


def _is_news(known: dict[str, Any], key: str, percent: int | None) -> bool:
    if known.get("shown") != key:
        return True
    if percent is None or time.time() - known.get("shown_at", 0) < EDIT_PAUSE * config.get().lease_scale:
        return False
    return percent - (known.get("percent") or 0) >= PERCENT_STEP
