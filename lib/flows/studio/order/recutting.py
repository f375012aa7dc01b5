"""Another cut for a finished order, free and once for each way: its pictures first, then the order drawn once more.

    [cut differently] below a result -> job `cut` -> pictures with a button each -> a copy of the order, for nothing

The copy's key names the order and the way, so that a button that is pressed twice draws once. A card that was changed
is an order like the first one, and is cut again with its own words. A copy leads back to the order that it was made of:
there are never more copies of one than ways, and a few with pieces put right (touching.py).
"""

import functools
from dataclasses import replace
from datetime import timedelta

from lib import db, errors, limits
from lib.flows.studio.order import cutting
from lib.jobs import kick, table
from lib.jobs.table import Job
from lib.studio import cuts, files, mends, orders, placed
from lib.studio.orders import Order
from lib.telegram.dispatch import Turn

RECUTS = limits.Limit("recut", 12, timedelta(hours=1))
TOUCHED = 3  # copies of an order with pieces put right, each with others


async def pressed(turn: Turn, argument: str) -> None:
    """Show the other cuts of an order, or draw it with the one that was pressed."""
    number, _, rest = argument.partition(":")
    way, _, cut = rest.partition(":")
    user_id = turn.state.who["id"]
    job = await db.run(lambda conn: placed.find_order(conn, user_id, number))
    source = await _source(job) if job else None
    if job and job.state in cuts.OPEN:  # its files are still on their way
        await turn.answer(turn.text("studio.recut.early"), alert=True)
    elif job is None or source is None:
        await turn.answer(turn.text("studio.recut.gone"), alert=True)
    elif not await turn.limited(RECUTS):
        order = replace(Order.read(job.args), source=source, bot=turn.chat.bot, language=turn.language)
        await (_redraw(turn, job, order, way, cut) if way else _show(turn, job, order))


async def _source(job: Job) -> int | None:
    """Return the kept photo of an order that was made and paid for; None for any other order."""
    source = job.checkpoint.get("source") or job.args.get("source")
    if job.state != "done" or not source or not Order.read(job.args).can_recut:
        return None
    if await db.run(lambda conn: table.SQL.was_refunded.one(conn, bool, job_id=mends.root(job))):
        return None
    found = await db.run(lambda conn: files.find_files(conn, job.user_id, [int(source)]))
    return found[0].id if found else None


async def _show(turn: Turn, job: Job, order: Order) -> None:
    await turn.answer()
    drawings = await db.run(lambda conn: mends.list_drawings(conn, job))
    message_id = await turn.chat.say(turn.text("studio.recut.begun"))
    used = {"order": job.id, "used": [one.seen for one in drawings], "alone": order.needs_cut, "like": order.cut}
    args = {"source": order.source, "message_id": message_id, "language": turn.language} | used
    turn.after.append(functools.partial(cutting.queue, turn, cutting.key_of(turn, message_id), args))


async def _redraw(turn: Turn, job: Job, order: Order, way: str, number: str) -> None:
    found = await cuts.find_number(job.user_id, number)
    if way not in orders.WAYS or (order.needs_cut and way == "framed") or (way == "touched" and found is None):
        await turn.answer(turn.text("studio.recut.gone"), alert=True)
        return
    if way == "touched" and await _has_enough(job):
        await turn.answer(turn.text("studio.recut.enough"), alert=True)
        return
    first = mends.root(job)
    status = await turn.chat.say(turn.text("studio.recut.queued", number=first))
    cut = found.key if found else cutting.key_of(turn, turn.came.message_id)  # older buttons do not name it
    args = replace(order, way=way, mends=first, cut=cut, message_id=status, promised=0).args()
    work = table.create_job_and_consume_credit
    key = f"recut:{_copied(job)}:{way}" + (f":{found.id}" if found and way == "touched" else "")
    try:
        await db.run(lambda conn: work(conn, job.user_id, task=order.task, key=key, args=args, price=0))
    except errors.Conflict:  # it was drawn in this way before, or could not be
        before = await db.run(lambda conn: table.get_job_by_idempotency_key(conn, key))
        was = "failed" if before and before.state == "failed" else "already"
        await turn.chat.delete(status)
        await turn.answer(turn.text(f"studio.recut.{was}"), alert=True)
        return
    turn.after.append(kick.render)


async def _has_enough(job: Job) -> bool:
    """Say whether an order was drawn often enough with pieces put right, since it was made."""
    drawings = await db.run(lambda conn: mends.list_drawings(conn, job))
    return sum(one.way == "touched" for one in drawings[1:]) >= TOUCHED


def _copied(job: Job) -> int:
    """Return the number of the order that a copy was made of, as its key names it; any other order's own."""
    kind, _, rest = job.key.partition(":")
    return int(rest.partition(":")[0]) if kind == "recut" else job.id
