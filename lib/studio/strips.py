"""A strip: one picture of a few covers, drawn small on a seller's own product with their own words, to choose from.

It is free and shows nothing that could be used in place of a card. The flow orders it, the job `strip` draws it.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import timedelta
from typing import Any

from lib import clock, db, errors
from lib.jobs import table
from lib.jobs.table import Job
from lib.studio import cuts, orders
from lib.studio.orders import Order

TASK = "strip"
PAGES = 9  # more than all designs need
FRESH = timedelta(minutes=2)  # who waits for longer has gone on
LATE = "late"  # in the checkpoint of one that was dropped
_LOOKED_AT = 5  # of a person's newest strips
_SAME = ("file_id", "source", "preset", "title", "benefits", "page", "message_id", "of_order")


@dataclass(frozen=True)
class StripOrder:
    """The arguments of a job `strip`.

    `message_id` is an earlier strip, which becomes this one; 0 sends a new message. `of_order` is the finished order
    that is to be drawn in another design than it has, by `design` and `variant`; without it the strip belongs to a
    draft. `cut` is the key of the photo's kept cut, `way` the one in which the product is shown, `design` an earlier
    choice, which leads, `picked` the number that was pressed on this very strip. The person's chat is not called
    chat_id, so that nobody is told when a strip fails: it is a courtesy.
    """

    bot: str
    chat: int
    language: str
    preset: str
    title: str
    benefits: tuple[str, ...] = ()
    file_id: str = ""
    source: int | None = None
    page: int = 0
    message_id: int = 0
    of_order: int = 0
    cut: str = ""
    way: str = ""
    design: str = ""
    variant: int = 0
    picked: int = 0

    @property
    def stamp(self) -> str:
        """A mark of the photo, the words and the preset: a number of the strip means nothing for any other."""
        seen = cuts.seen(self.cut, self.way)
        return stamp(self.file_id, self.source, self.preset, self.title, self.benefits, seen)

    @classmethod
    def read(cls, args: Mapping[str, Any]) -> "StripOrder":
        """Return the strip that a job's args hold; raise Invalid for one that cannot be drawn."""
        known = {field.name for field in fields(cls)}
        found = {name: value for name, value in args.items() if name in known}
        strip = cls(**found | {"benefits": tuple(found.get("benefits") or ())})
        if strip.preset not in orders.PRESETS or not 0 <= strip.page < PAGES:
            raise errors.Invalid("odd_strip", f"{strip.preset}, page {strip.page}")
        return strip

    def args(self) -> dict[str, Any]:
        """Return what a job is given."""
        return asdict(self) | {"benefits": list(self.benefits)}


def stamp(file_id: str, source: int | None, preset: str, title: str, benefits: tuple[str, ...], seen: str) -> str:
    """Return a mark of what a strip is drawn of; `seen` is how the product is shown (cuts.seen)."""
    facts = json.dumps([file_id, source, preset, title, *benefits, seen], ensure_ascii=False)
    return hashlib.sha256(facts.encode()).hexdigest()[:10]


def page(words: str) -> int:
    """Return the page that a button asks for; the first for anything odd."""
    return int(words) if len(words) == 1 and words.isdecimal() and words.isascii() and int(words) < PAGES else 0


async def is_under_way(conn: db.Connection, user_id: int, strip: StripOrder) -> bool:
    """Tell whether the same strip is asked for already and can still come."""
    job = await _newest(conn, user_id, strip)
    return job is not None and job.state in cuts.OPEN and not _is_old(job)


async def is_lost(conn: db.Connection, user_id: int, strip: StripOrder) -> bool:
    """Tell whether the same strip was asked for and came too late to be shown, or will."""
    job = await _newest(conn, user_id, strip)
    return job is not None and (bool(job.checkpoint.get(LATE)) or (job.state in cuts.OPEN and _is_old(job)))


async def first_shown(conn: db.Connection, user_id: int, order: Order) -> str:
    """Return the design under number 1 of the strip of an order, which gets it without a choice; "" for no strip."""
    jobs = await table.get_user_jobs(conn, user_id, tasks=[TASK], limit=_LOOKED_AT)
    mark = stamp(
        *(order.file_id, order.source, order.preset, order.title, order.benefits),
        cuts.seen(order.cut, order.way),
    )
    return next((job.checkpoint["designs"][0] for job in jobs if _proposes(job, mark)), "")


def _proposes(job: Job, mark: str) -> bool:
    """Say whether it is the first page of what we proposed for these words and this photo, and was seen."""
    if not job.checkpoint.get("designs") or job.checkpoint.get(LATE):
        return False
    strip = StripOrder.read(job.args)
    return strip.stamp == mark and not (strip.page or strip.of_order or strip.design)


def _is_old(job: Job) -> bool:
    return clock.now() - job.created_at > FRESH


async def _newest(conn: db.Connection, user_id: int, strip: StripOrder) -> Job | None:
    jobs = await table.get_user_jobs(conn, user_id, tasks=[TASK], limit=_LOOKED_AT)
    args = strip.args()
    return next((job for job in jobs if _is_same(job.args, args)), None)


def _is_same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    seen = [cuts.seen(args.get("cut", ""), args.get("way", "")) for args in (one, other)]
    return seen[0] == seen[1] and all(one.get(name) == other.get(name) for name in _SAME)
