"""Free changes of a finished order and what follows a bad result; its buttons work for as long as its message is there.

[words] -> a form -> the new words, checked as before paying ──┐
[cover] -> strip -> a number ──────────────────────────────────┤-> the same order once more, free (lib/studio/mends)
[bad result] -> why ───────────────────────────────────────────┘
[bad result] again -> the credits back
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from lib import db, errors
from lib.credits import ledger
from lib.flows.studio import ordering
from lib.flows.studio.order import covers, screens, taking, telling
from lib.flows.studio.order import draft as drafts
from lib.flows.studio.ordering import OrderDraft
from lib.jobs import kick, table
from lib.jobs.table import Job
from lib.studio import cuts, files, mends, orders, placed, strips
from lib.studio import words as card_words
from lib.studio.cuts import KnownCut
from lib.telegram import screen
from lib.telegram.client import Button
from lib.telegram.dispatch import Turn
from lib.telegram.drafts import DraftKey


@dataclass(frozen=True)
class Rewording:
    """The finished order whose new words are waited for."""

    order: int = 0


REWORDING = DraftKey("rewording", Rewording)
STEP = ordering.REWORDS


async def pressed(turn: Turn, action: str, argument: str) -> None:
    """Answer a button below a result; one of somebody else's order, or of one that is gone, is an old button."""
    number, _, rest = argument.partition(":")
    user_id = turn.state.who["id"]
    job = await db.run(lambda conn: placed.find_order(conn, user_id, number))
    if job and job.state in cuts.OPEN:  # its files are still on their way
        await turn.answer(turn.text("studio.recut.early"), alert=True)
        return
    if job is None or not mends.is_delivered(job):
        await turn.answer(turn.text("error.old_button"), alert=True)
        return
    await ACTIONS[action](turn, job, rest)


async def _ask_words(turn: Turn, job: Job, _: str) -> None:
    left = await _changes_left(turn, job)
    if not left:
        return
    REWORDING.keep(turn.state, Rewording(job.id))
    turn.state.step = STEP
    words = "\n".join([job.args["title"], *job.args.get("benefits", [])])
    said = screen.paragraphs(turn.text("studio.words.edit", words=words), turn.text("mend.left", n=left))
    await turn.show(said, [_back(turn, job)])


def _back(turn: Turn, job: Job) -> list[Button]:
    """Return the row that leads back to the result, and to the menu."""
    return screen.home(turn, f"history:open:{job.id}")


async def reword(turn: Turn) -> None:
    """Take the new words of a finished card and draw it once more; words that may not stand on it are said."""
    wanted = REWORDING.of(turn.state)
    user_id = turn.state.who["id"]
    job = await db.run(lambda conn: placed.find_order(conn, user_id, str(wanted.order))) if wanted else None
    if job is None or not await _changes_left(turn, job):
        return
    try:
        words = card_words.read_words(turn.came.text)
    except errors.Invalid as error:
        await turn.show(taking.refusal(turn, error), [_back(turn, job)])
        return
    new = replace(drafts.from_job(job, "again", has_photo=True), title=words.title, benefits=words.benefits)
    if refused := screens.refused_words(turn, new) or _too_few(turn, job, new):
        await turn.show(refused, [_back(turn, job)])
        return
    REWORDING.drop(turn.state)
    await _make(turn, job, f"mend:{turn.chat.bot}:{turn.came.update_id}", title=new.title, benefits=list(new.benefits))


def _too_few(turn: Turn, job: Job, new: OrderDraft) -> str:
    """Say that new words cannot fill all slides of a set; "" when they can, or as many as the old ones."""
    count = int(job.args.get("count") or 1)
    wanted = min(count, orders.slides(job.args.get("benefits") or []))
    if job.args.get("product") != "set" or orders.slides(new.benefits) >= wanted:
        return ""
    return turn.text("mend.few_words", count=count, n=wanted - orders.SAID)


async def _ask_cover(turn: Turn, job: Job, page: str) -> None:
    """Show the covers that the finished card could have; `page` is "" for the first look."""
    if not await _changes_left(turn, job):
        return
    card = drafts.from_job(job, "again", has_photo=True)
    at, made = turn.came.message_id if page else 0, str(job.args.get("design") or "")
    other = replace(covers.strip_of(turn, card), of_order=job.id, design=made, variant=card.variant)
    await covers.ask(turn, replace(other, page=strips.page(page), message_id=at))


async def _take_cover(turn: Turn, job: Job, name: str) -> None:
    if not name or not orders.is_design(name) or not await _changes_left(turn, job):
        await turn.answer(turn.text("error.old_button"), alert=True)
        return
    if name == job.args.get("design") and not job.args.get("variant"):  # another variant of it has another cover
        await _refuse(turn, "mend.same_cover")
        return
    await _make(turn, job, f"mend:{turn.chat.bot}:{turn.came.update_id}", design=name, variant=0)


async def _changes_left(turn: Turn, job: Job) -> int:
    """Return how many free changes are left; when there is none, say why, and return 0."""
    user_id, root = turn.state.who["id"], mends.root(job)
    after = await db.run(lambda conn: mends.look_after(conn, user_id, root))
    if after.is_refunded:
        await _refuse(turn, "mend.refunded")
    elif not mends.takes_words(job) or not await _has_source(turn, job):
        await _refuse(turn, "mend.source_gone" if mends.takes_words(job) else "error.old_button")
    elif not after.left:
        await _refuse(turn, "mend.used_up", n=mends.FREE)
    else:
        return after.left
    return 0


async def _has_source(turn: Turn, job: Job) -> bool:
    user_id, source = turn.state.who["id"], drafts.source_of(job)
    if job.args.get("photos"):
        return True
    return source is not None and bool(await db.run(lambda conn: files.find_files(conn, user_id, [source])))


async def _refuse(turn: Turn, key: str, **fields: Any) -> None:
    if turn.came.kind == "press":
        await turn.answer(turn.text(key, **fields), alert=True)
    else:
        await turn.show(turn.text(key, **fields), [screen.home(turn)])


async def _make(turn: Turn, job: Job, key: str, **changes: Any) -> None:
    """Make an order once more, free; the same press or message makes it once."""
    status = await turn.chat.say(turn.text("mend.drawing"))
    place = {"bot": turn.chat.bot, "chat_id": turn.chat.id, "message_id": status, "language": turn.language}
    known = {"mends": mends.root(job), "source": drafts.source_of(job), "promised": 0}
    args = orders.Order.read({**job.args, **known, **changes, **place}).args()
    user_id, work = turn.state.who["id"], table.create_job_and_consume_credit
    try:
        await db.run(lambda conn: work(conn, user_id, task=job.task, key=key, args=args, price=0))
    except errors.Conflict:  # it is being made for the same press, which was delivered twice
        await turn.chat.delete(status)
        return
    turn.settled = True
    turn.state.step = ""
    turn.state.data["screen"] = 0
    turn.after.append(kick.render)


async def _ask_reason(turn: Turn, job: Job, _: str) -> None:
    """Ask what is bad; offer the credits to a person who has said so and got the result once more."""
    root = await _root(turn, job)
    if root is None:
        return
    after = await db.run(lambda conn: mends.look_after(conn, root.user_id, root.id))
    if after.is_refunded:
        await turn.answer(turn.text("mend.given_already"), alert=True)
    elif after.is_bad:
        await _offer_credits(turn, root)
    elif after.is_late:
        await turn.answer(turn.text("mend.late"), alert=True)
    else:
        data = f"order:wrong:{job.id}"
        rows = [[screen.button(turn, f"mend.bad.{reason}", f"{data}:{reason}")] for reason in _reasons(job)]
        await turn.show(turn.text("mend.bad.ask", price=mends.worth(root)), [*rows, _back(turn, job)])


def _reasons(job: Job) -> tuple[str, ...]:
    """Return what can be wrong: a result without words has no bad ones, and one without a cut no bad cut."""
    holds = {"words": mends.shows_words, "cut": mends.has_cut}
    return tuple(reason for reason in mends.REASONS if reason not in holds or holds[reason](job))


async def _root(turn: Turn, job: Job) -> Job | None:
    """Return the order that was paid for; None, which is said, when it is too old."""
    root = await db.run(lambda conn: table.get_job_by_id(conn, mends.root(job)))
    if root is not None and root.user_id == turn.state.who["id"]:
        return root
    await turn.answer(turn.text("mend.late"), alert=True)
    return None


async def _redo(turn: Turn, job: Job, reason: str) -> None:
    """Note what is bad and make the order once more in another way, with the words of the result that was looked at.

    It happens once an order; then only the credits are left.
    """
    root = await _root(turn, job) if reason in mends.REASONS else None
    if root is None:
        await turn.answer(turn.text("error.old_button"), alert=True)
        return
    new = await db.run(lambda conn: mends.complain(conn, root.user_id, root.id, reason))
    after = await db.run(lambda conn: mends.look_after(conn, root.user_id, root.id))
    begun = await db.run(lambda conn: table.get_job_by_idempotency_key(conn, f"redo:{root.id}"))
    if after.is_refunded or not after.is_bad:
        await turn.answer(turn.text("mend.given_already" if after.is_refunded else "mend.late"), alert=True)
    elif (new or begun is None) and (changes := await _redone(job, reason)) and await _has_source(turn, job):
        await turn.show(turn.text("mend.bad.thanks"), [screen.home(turn)])
        await _make(turn, job, f"redo:{root.id}", **changes)
    else:
        await _offer_credits(turn, root)


async def _redone(job: Job, reason: str) -> Mapping[str, Any] | None:
    """Return what changes in an order that is made once more; None where the seller has it like that already."""
    drawings = await db.run(lambda conn: mends.list_drawings(conn, job))
    cut = await db.run(lambda conn: cuts.find(conn, job.user_id, str(job.args.get("cut") or "")))
    return mends.redone(job, reason, drawings, KnownCut.read(cut.checkpoint) if cut else None)


async def _offer_credits(turn: Turn, root: Job) -> None:
    """Offer what the result has cost: it was made once more, or would come out the same."""
    redo = await db.run(lambda conn: table.get_job_by_idempotency_key(conn, f"redo:{root.id}"))
    if redo and redo.state in cuts.OPEN:
        await turn.answer(turn.text("mend.early"), alert=True)
        return
    same = "same_all" if len(root.args.get("photos") or []) > 1 else "same"
    why, price = turn.text("mend.bad.again" if redo else f"mend.bad.{same}"), mends.worth(root)
    if not price:
        await turn.show(screen.paragraphs(why, turn.text("mend.bad.free")), [_back(turn, root)])
        return
    back = screen.button(turn, "mend.bad.back", f"order:back:{root.id}", price=price)
    offer = turn.text("mend.bad.offer", price=price, most=mends.REFUNDS)
    await turn.show(screen.paragraphs(why, offer), [[back], _back(turn, root)])


async def _give_back(turn: Turn, job: Job, _: str) -> None:
    given = await db.run(lambda conn: mends.give_back(conn, job.user_id, job.id))
    if given.outcome != "given":
        await turn.answer(turn.text(f"mend.{GIVEN[given.outcome]}", most=mends.REFUNDS), alert=True)
        return
    balance = await db.run(lambda conn: ledger.safe_get_balance(conn, job.user_id))
    new = screen.button(turn, "button.new", "order:new", style="primary")
    await turn.show(turn.text("mend.given", price=given.amount, balance=balance), [[new], screen.home(turn)])


GIVEN = {"already": "given_already", "limit": "limit", "early": "early", "late": "late"}
ACTIONS = {
    "reword": _ask_words,
    "redesign": _ask_cover,
    "redesigned": _take_cover,
    "listing": telling.show,
    "bad": _ask_reason,
    "wrong": _redo,
    "back": _give_back,
}
