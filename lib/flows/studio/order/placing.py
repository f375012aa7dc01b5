"""Places an order once, and takes it back as long as that is possible."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

from lib import db, errors, limits
from lib.credits import ledger
from lib.flows.studio.order import cutting, screens
from lib.flows.studio.order import draft as drafts
from lib.flows.studio.ordering import DRAFT, OrderDraft
from lib.jobs import kick, table
from lib.jobs.table import Job, QueuedJob
from lib.studio import mends, placed, spending
from lib.telegram import screen
from lib.telegram.client import Keyboard
from lib.telegram.dispatch import Turn

ORDERS = limits.Limit("order", 30, timedelta(minutes=10))
UNFINISHED = ("queued", "running", "waiting")


async def confirm(turn: Turn) -> None:
    """Place the order of the confirm screen, at the price that it showed."""
    draft = DRAFT.of(turn.state)
    on_confirm = turn.on_screen and turn.state.step.partition(":")[2] == "confirm"
    if not on_confirm or not draft or drafts.missing(draft) != "confirm":
        await _already(turn)
        return
    user_id = turn.state.who["id"]
    offer = await screens.offer_of(user_id, draft)
    terms = drafts.terms(draft, offer) if offer and offer.product.is_on else None
    if offer is None or terms is None or (terms.price, terms.maker) != (draft.price, draft.maker):
        same_price = terms is not None and terms.price == draft.price
        await screens.show_next(turn, turn.text("studio.terms_changed" if same_price else "studio.price_changed"))
        return
    if not await _can_be_cut(turn, draft):
        return
    wait = await limits.wait(turn.chat.id, ORDERS)
    if wait:
        await turn.answer(turn.text("studio.too_fast", n=-(-wait // 60)), alert=True)
        return
    try:
        order = await _enqueue(turn, draft)
    except errors.ShortOfCredits:
        await screens.show_next(turn)
        return
    except errors.Conflict:
        await _already(turn)
        return
    turn.state.step = "order:photo"
    turn.state.data = {"job": order.job.id}
    turn.after.append(kick.render)
    await _say_queued(turn, order, screens.waits(draft, offer, terms))


async def _can_be_cut(turn: Turn, draft: OrderDraft) -> bool:
    """Say whether the order can be filled as far as its cut decides it; if not, the seller has been told why."""
    try:
        if await cutting.is_sure(turn, draft):
            return True
        if not turn.answered:
            await screens.show_next(turn)
    except errors.Rejected as error:  # the photo is no good for anything: another one is asked for
        drafts.keep(turn, replace(draft, ask="photo"))
        await screens.show_next(turn, turn.text(f"error.{error.code}"), turn.text("studio.nothing_charged"))
    return False


async def _enqueue(turn: Turn, draft: OrderDraft) -> QueuedJob:
    order = drafts.order(draft, turn)
    facts: dict[str, Any] = {"task": order.task, "key": _key(turn), "args": order.args(), "price": draft.price}
    user_id = turn.state.who["id"]
    work = db.run(lambda conn: table.create_job_and_consume_credit(conn, user_id, **facts))
    _, enqueued = await asyncio.gather(turn.answer(), work)
    return enqueued


async def _say_queued(turn: Turn, order: QueuedJob, wait: timedelta) -> None:
    """Turn the confirm screen into the order's status message, which its worker goes on with."""
    job = order.job
    if job.state != "queued":
        return
    time = screens.about(turn.language, wait)
    words = turn.text("studio.queued", number=job.id, position=order.position or 1, time=time, balance=order.balance)
    await turn.chat.edit(turn.came.message_id, words, cancel_row(turn, job.id))


def cancel_row(turn: Turn, job_id: int) -> Keyboard:
    """Return the button of an order that is under way."""
    return [[screen.button(turn, "button.cancel", f"order:cancel:{job_id}")]]


def _key(turn: Turn) -> str:
    return f"order:{turn.chat.bot}:{turn.chat.id}:{turn.came.message_id}"


async def _already(turn: Turn) -> None:
    """Answer a confirm that is not the current one: it is ordered already, or its draft is gone."""
    job = await db.run(lambda conn: table.get_job_by_idempotency_key(conn, _key(turn)))
    await turn.answer(turn.text("card.ordered_already" if job else "error.old_button"), alert=not job)
    if not job:
        await screens.show_next(turn)


async def cancel(turn: Turn, job_id: str) -> None:
    """Take back the order of the pressed button."""
    user_id = turn.state.who["id"]
    job = await db.run(lambda conn: placed.find_order(conn, user_id, job_id))
    outcome = await _take_back(turn, job) if job else "late"
    if job is None or outcome != "cancelled":
        await turn.answer(turn.text(f"studio.cancel.{outcome}"), alert=True)
        return
    await turn.answer()
    balance = await db.run(lambda conn: ledger.safe_get_balance(conn, user_id))
    words = mends.cancelled(turn.language, job, balance)
    await turn.chat.edit(turn.came.message_id, words, _after_cancel(turn, int(job_id)))


async def cancel_last(turn: Turn) -> None:
    """Drop the draft if there is one; else take back the newest order that is under way."""
    if DRAFT.drop(turn.state):
        turn.state.step = "order:photo"
        await turn.show(turn.text("cancel.draft"), _ways(turn))
        return
    user_id = turn.state.who["id"]
    found = await db.run(lambda conn: placed.list_orders(conn, user_id, limit=5))
    job = next((one for one in found if one.state in UNFINISHED), None)
    outcome = await _take_back(turn, job) if job else "nothing"
    if job and outcome == "cancelled":
        balance = await db.run(lambda conn: ledger.safe_get_balance(conn, user_id))
        closed = mends.cancelled_above(turn.language, job)
        await turn.chat.edit(job.args["message_id"], closed, _after_cancel(turn, job.id))
        await turn.show(mends.cancelled(turn.language, job, balance), _ways(turn))
    else:
        await turn.show(turn.text(f"studio.cancel.{outcome}"), _ways(turn))


async def _take_back(turn: Turn, job: Job) -> str:
    """Cancel a queued order; ask the worker of one that is under way to stop it. Return what became of the wish."""
    outcome = await db.run(lambda conn: spending.stop_order(conn, job.id, turn.state.who["id"]))
    if outcome == "asked":
        turn.after.append(kick.render)
    elif outcome == "cancelled":
        turn.state.data.pop("job", None)
    return outcome


def _after_cancel(turn: Turn, job_id: int) -> Keyboard:
    return [
        [screen.button(turn, "making.again", f"order:again:{job_id}")],
        [screen.button(turn, "button.new", "order:new"), *screen.home(turn)],
    ]


def _ways(turn: Turn) -> Keyboard:
    return [[screen.button(turn, "button.new", "order:new"), *screen.home(turn)]]
