"""What a seller may still have of a finished order, free: other words, another cover; and what a bad result brings.

    changes      other words or another cover of a card that we drew: FREE of them an order
    bad result   named by one press; the order is made once more in another way, and if that is bad too, its credits
                 go back: once an order, and REFUNDS times a person in 30 days

A change is an order of its own that costs nothing and names in `mends` the order that was paid: the first of them all.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

from lib import db, text
from lib.jobs.table import Job
from lib.studio import orders, placed
from lib.studio.cuts import KnownCut

SQL = db.load("mends")

FREE = 3
REFUNDS = 3
COMPLAINED_WITHIN = timedelta(days=14)
REASONS = ("cut", "words", "product", "other")
UNKNOWN = KnownCut("sure", ("network", "framed"))  # of whose cut nothing is known
COVERS = ("wb", "ozon", "story")  # the presets with words and designs
ONLY = " only"  # how the note of a result ends that can be shown in this one way alone

# The arguments that are others in a copy that differs in its cut alone: they say where it came from and goes.
_BESIDES = ["bot", "chat_id", "message_id", "language", "file_id", "source", "cut", "way", "promised", "mends"]

type GivenBack = Literal["given", "already", "limit", "early", "late"]


@dataclass(frozen=True)
class Aftercare:
    """How many free changes an order has had, whether its credits went back, and whether its result was called bad.

    `is_late` says that it can no longer be called so.
    """

    changes: int
    is_refunded: bool
    is_bad: bool
    is_late: bool = False

    @property
    def left(self) -> int:
        """How many free changes are left."""
        return 0 if self.is_refunded else max(0, FREE - self.changes)


@dataclass(frozen=True)
class Drawing:
    """How an order or a copy of it showed its product: the seller's choice, and what the picture's note says."""

    way: str
    note: str

    @property
    def seen(self) -> str:
        """The way that is seen in it; "" for a cut that the seller did not choose."""
        return "framed" if self.note.startswith("framed") else self.way.replace("framed", "")


@dataclass(frozen=True)
class ComplaintCount:
    """How often results of one product in one look were called bad for one reason, and how many were refunded."""

    product: str
    look: str
    reason: str
    number: int
    refunded: int


def root(job: Job) -> int:
    """Return the number of the order that was paid: the job's own, or that of the order it mends."""
    return int(job.args.get("mends") or job.id)


def delivered_for(job: Job) -> int:
    """Return how many credits of an order's price were earned by what was delivered before it ended."""
    return int(job.checkpoint.get("earned") or 0)


def is_redo(job: Job) -> bool:
    """Say whether it makes a bad result once more, not a free change that the seller chose."""
    return job.key.startswith("redo:")


def cancelled(language: str, job: Job, balance: int) -> str:
    """Say that an order was cancelled and its credits are back; or that a free change was, and its order stays."""
    if job.args.get("mends"):
        return text.say(language, "cancel.mend", number=root(job))
    if earned := delivered_for(job):
        return text.say(language, "cancel.batch", back=job.price - earned, balance=balance)
    return text.say(language, "cancel.order", balance=balance)


def cancelled_above(language: str, job: Job) -> str:
    """Say the same in the status message, when it is told in full below."""
    return text.say(language, "cancel.mend_closed" if job.args.get("mends") else "cancel.order_closed")


def is_delivered(job: Job) -> bool:
    """Say whether there is a result to look at: all of an order, or a part of a batch."""
    return job.state == "done" or bool(placed.sent_items(job))


def worth(job: Job) -> int:
    """Return how many credits what was delivered has cost: less than the price for a part of a batch."""
    return job.price if job.args.get("product") != "batch" else delivered_for(job)


def is_ours(job: Job) -> bool:
    """Say whether we drew all of it."""
    count = int(job.args.get("count") or 1)
    made = [str((job.checkpoint.get(f"item{number}") or {}).get("by", "")) for number in range(count)]
    return all(by.startswith("local:") for by in made)


def takes_words(job: Job) -> bool:
    """Say whether its words and its cover can be changed: a finished card that we drew, with words on it."""
    return job.state == "done" and bears_words(job)


def bears_words(job: Job) -> bool:
    """Say whether words of the seller stand on it that we drew: those of a model are part of its picture."""
    is_card = (
        job.task == "card"
        and job.args.get("product") != "batch"
        and job.args.get("preset") in COVERS
        and bool(job.args.get("title"))
    )
    return is_card and is_ours(job)


def shows_words(job: Job) -> bool:
    """Say whether the seller's words stand on it, drawn by us or by a model; a clip has them only when it is ours."""
    bears = job.args.get("preset") in COVERS if job.task == "card" else job.task == "video" and is_ours(job)
    return bears and bool(job.args.get("title") or job.args.get("titles"))


def has_cut(job: Job) -> bool:
    """Say whether its product can have been cut out badly: a photo for a classified ad is cleaned as a whole."""
    return job.args.get("preset") != "classified"


def can_vary(job: Job) -> bool:
    """Say whether another variant of an order looks different: not a cut alone, nor a batch without covers."""
    preset = job.args.get("preset")
    if job.args.get("product") == "batch":
        return preset in COVERS
    return job.task != "card" or preset not in orders.ALONE


def in_another_way(job: Job) -> dict[str, Any]:
    """Return the arguments by which an order is made once more: the next look, after all that it has used."""
    one = is_in_one_look(job.args.get("product") or "card", job.args.get("preset") or "")
    used = 1 if one else int(job.args.get("count") or 1)
    return {"variant": int(job.args.get("variant") or 0) + used}


def is_in_one_look(product: str, preset: str) -> bool:
    """Say whether all pictures of an order have one look: those of a batch, and the slides of a set with words."""
    return product == "batch" or (product == "set" and preset in COVERS)


def _note(job: Job) -> str:
    return str((job.checkpoint.get("item0") or {}).get("files", {}).get("note", [""])[0])


def _other_way(job: Job, drawings: Collection[Drawing], known: KnownCut | None) -> str:
    """Return a way in which the product of an order was not drawn yet; "" for none.

    Where it need not stand free, the whole photo comes first: it differs most. Where pieces were put right, the cut
    that they were of has been seen, too.
    """
    alone, by_model = _stands_free(job), _is_by_model(job)
    drawn = [Drawing(str(job.args.get("way") or ""), _note(job)), *drawings]
    used = ["framed" if alone and by_model and not one.note else one.seen for one in drawn]
    used += ["network" for one in drawn if one.way == "touched"]
    if known and not alone:  # a cut that could stand nowhere, and came out framed
        used += [*(one.way for one in drawn), *(known.cropped if job.task == "card" else ())]
    known = known or UNKNOWN
    cut = next((way for way in known.others(used, alone=alone) if way != "framed"), "")
    is_washed = job.args.get("preset") == "white" and len(known.alone) == 1
    whole = "framed" if "framed" not in used and (not alone or by_model or is_washed) else ""
    return cut or whole if alone else whole or cut


def _stands_free(job: Job) -> bool:
    product, preset = job.args.get("product"), job.args.get("preset")
    return product == "background" or (job.task == "card" and preset in ("white", "clear"))


def _is_by_model(job: Job) -> bool:
    by = str((job.checkpoint.get("item0") or {}).get("by", ""))
    return bool(by) and not by.startswith("local:")


def redone(
    job: Job, reason: str, drawings: Collection[Drawing] = (), known: KnownCut | None = None
) -> Mapping[str, Any] | None:
    """Return what changes when an order is made once more for this reason; None where nothing would.

    What the seller has in `drawings` already is not made again, nor is what `known` does not hold of the photo's cut.
    """
    product, preset = job.args.get("product"), job.args.get("preset")
    if product == "batch":
        return in_another_way(job) | _delivered(job) if can_vary(job) else None
    if reason not in ("cut", "product") and can_vary(job):
        return in_another_way(job)
    way = "" if _note(job).endswith(ONLY) else _other_way(job, drawings, known)
    if not way:
        varies = _is_by_model(job) if product == "background" else preset in (*COVERS, "classified")
        return in_another_way(job) if varies else None
    looks = product == "background" or preset in ("white", "classified") or job.task == "video"
    return {"way": way} | (in_another_way(job) if looks else {})


def _delivered(job: Job) -> dict[str, Any]:
    """Return the arguments that leave of a batch what was delivered; a single photo of it is a card like any other."""
    numbers = [item.number for item in placed.sent_items(job)]
    photos, titles = job.args.get("photos") or [], job.args.get("titles") or []
    kept = {
        name: [words[number] for number in numbers] for name, words in (("photos", photos), ("titles", titles)) if words
    }
    if len(numbers) != 1:
        return kept | {"count": len(numbers)}
    alone = {"product": "card", "count": 1, "photos": [], "titles": [], "design": "", "way": "", "cut": ""}
    return alone | {"file_id": kept["photos"][0], "title": kept.get("titles", [job.args.get("title", "")])[0]}


async def look_after(conn: db.Connection, user_id: int, order_id: int) -> Aftercare:
    """Return what a person has had of an order since it was finished."""
    found = await SQL.look_after.one(conn, Aftercare, user_id=user_id, order_id=order_id, within=COMPLAINED_WITHIN)
    return found or Aftercare(FREE, is_refunded=True, is_bad=False)


async def list_drawings(conn: db.Connection, job: Job) -> list[Drawing]:
    """Return how an order was drawn, and each copy of it that differs in its cut alone, the first one first."""
    asked = {"user_id": job.user_id, "order_id": job.id, "root": root(job), "besides": _BESIDES}
    return await SQL.list_drawings.all(conn, Drawing, **asked)


async def complain(conn: db.Connection, user_id: int, order_id: int, reason: str) -> bool:
    """Note that the result of an order is bad; False when that is known, or comes too late."""
    facts = {"user_id": user_id, "order_id": order_id, "reason": reason, "within": COMPLAINED_WITHIN}
    return bool(await SQL.complain.one(conn, bool, **facts))


@dataclass(frozen=True)
class RefundOfBad:
    """The answer to a wish for credits back, and how many went back now."""

    outcome: GivenBack
    amount: int


async def give_back(conn: db.Connection, user_id: int, order_id: int) -> RefundOfBad:
    """Give the credits of a bad result back, once an order and not more often a month than REFUNDS."""
    found = await SQL.give_back.one(conn, RefundOfBad, user_id=user_id, order_id=order_id, most=REFUNDS)
    return found or RefundOfBad("late", 0)


async def count_complaints(conn: db.Connection, span: timedelta = timedelta(days=30)) -> list[ComplaintCount]:
    """Return what was called bad lately, the most frequent first."""
    return await SQL.count_complaints.all(conn, ComplaintCount, span=span)
