"""A person's orders: pages of ten, each order with its result and all that can be made of it. Leaves a draft as it is.

pages -> [a number] -> the order -> [send again] -> its files
pages -> [as a file] -> the form -> a job, whose file comes as a message of its own
"""

from datetime import timedelta

from lib import db, errors, limits
from lib import text as sentences
from lib.flows import sheets, when
from lib.flows.periods import ChosenPeriod
from lib.flows.studio import ordering
from lib.jobs import kick, table
from lib.jobs.table import Job
from lib.studio import after, mends, placed
from lib.telegram import screen
from lib.telegram.client import Button, Keyboard
from lib.telegram.dispatch import Turn

PAGE = 10
ROW = 5
TITLE = 24
SENDING = limits.Limit("resend", 10, timedelta(minutes=10))
UNDER_WAY = ("queued", "running", "waiting")
ENDED_EARLY = ("failed", "cancelled")


async def handle(turn: Turn) -> None:
    """Answer /history and the buttons of its screens."""
    ordering.listen(turn)
    wanted, argument = screen.pressed(turn)
    if wanted == "page" and argument.isdecimal() and argument.isascii() and len(argument) < 19:
        await _page(turn, int(argument))
    elif wanted in ("file", "stop"):
        await (_file if wanted == "file" else sheets.stop)(turn, argument)
    elif wanted in ("open", "send"):
        user_id = turn.state.who["id"]
        job = await db.run(lambda conn: placed.find_order(conn, user_id, argument))
        if job is None:
            await screen.refuse_old_button(turn)
            await _page(turn, None)
        else:
            await (_open if wanted == "open" else _send)(turn, job)
    else:
        await _page(turn, None)


async def _page(turn: Turn, before: int | None) -> None:
    user_id = turn.state.who["id"]
    found = await db.run(lambda conn: placed.list_orders(conn, user_id, before=before, limit=PAGE + 1))
    page, more = found[:PAGE], len(found) > PAGE
    if not page and not before:
        new = screen.button(turn, "button.new", "order:new", style="primary")
        rows = [*_resume(turn), [new], screen.home(turn)]
        await turn.show(turn.text("studio.history.none"), rows)
        return
    words = "\n".join([turn.text("studio.history"), "", *(_line(turn, job) for job in page)])
    numbers = [Button(turn.text("studio.number", number=job.id), f"history:open:{job.id}") for job in page]
    way = [screen.button(turn, "studio.newest", "history:home")] if before else []
    way += [screen.button(turn, "studio.older", f"history:page:{page[-1].id}")] if more else []
    rows = [numbers[start : start + ROW] for start in range(0, len(numbers), ROW)]
    file = [screen.button(turn, "studio.button.file", "history:file")]
    menu = [screen.button(turn, "button.new", "order:new"), *screen.home(turn)]
    await turn.show(words, [*_resume(turn), *rows, *([way] if way else []), file, menu])


async def _file(turn: Turn, form: str) -> None:
    """Ask for the form of a file with all orders that are kept, or order it."""
    if form in sheets.FORMS:
        period = ChosenPeriod(None, when.today(turn))
        await turn.answer(await sheets.order(turn, "orders", form, period))
        return
    ways = [screen.button(turn, f"partner.exports.{one}", f"history:file:{one}") for one in sheets.FORMS]
    back = [screen.button(turn, "studio.to_history", "history:home"), *screen.home(turn)]
    await turn.show(turn.text("studio.file"), [ways, back])


def _resume(turn: Turn) -> Keyboard:
    if not ordering.DRAFT.of(turn.state):
        return []
    return [[screen.button(turn, "menu.resume", "order:resume", style="success")]]


def _line(turn: Turn, job: Job) -> str:
    title = job.args.get("title") or ""
    short = title if len(title) <= TITLE else f"{title[: TITLE - 1].rstrip()}…"
    facts = {"number": job.id, "at": _at(turn, job), "product": _product(turn, job)}
    state = turn.text(f"studio.mark.{'under_way' if job.state in UNDER_WAY else job.state}")
    key = "mend" if job.args.get("mends") else "titled" if short else "line"
    return turn.text(f"studio.history.{key}", title=short, state=state, order=mends.root(job), **facts)


async def _open(turn: Turn, job: Job) -> None:
    facts = {"number": job.id, "product": _what(turn, job), "at": _at(turn, job), "price": job.price}
    kind = "mend" if job.args.get("mends") else "order"
    lines = [turn.text(f"studio.{kind}", order=mends.root(job), **facts)]
    if job.args.get("title"):
        lines.append(turn.text("card.title", title=job.args["title"]))
        lines += [turn.text("card.benefit", benefit=benefit) for benefit in job.args.get("benefits", [])]
    if job.args.get("wishes"):
        lines.append(turn.text("studio.wishes.said", wishes=job.args["wishes"]))
    lines += ["", _state(turn, job, kind)]
    if mends.is_delivered(job) and await _is_refunded(turn, job):
        lines.append(turn.text("studio.order.refunded"))
    await turn.show("\n".join(lines), _order_keyboard(turn, job))


async def _is_refunded(turn: Turn, job: Job) -> bool:
    user_id, root = turn.state.who["id"], mends.root(job)
    after = await db.run(lambda conn: mends.look_after(conn, user_id, root))
    return after.is_refunded


def _state(turn: Turn, job: Job, kind: str) -> str:
    """Say how an order stands; of a batch that ended early, how much of it is there and paid."""
    made, count = len(placed.sent_items(job)), int(job.args.get("count") or 1)
    if job.state in ENDED_EARLY and made:
        return turn.text(f"studio.{kind}.part", made=made, count=count)
    state = f"studio.{kind}.{job.state}"
    return turn.text(state if sentences.knows(state) else f"studio.state.{job.state}")


def _order_keyboard(turn: Turn, job: Job) -> Keyboard:
    rows: Keyboard = [[screen.button(turn, "making.again", f"order:again:{job.id}")]]
    if job.state in UNDER_WAY:
        rows = [[screen.button(turn, "button.cancel", f"order:cancel:{job.id}")]]
    elif mends.is_delivered(job):
        send = screen.button(turn, "studio.send", f"history:send:{job.id}", style="primary")
        rows = [[send], *after.rows(turn.language, job), [after.bad(turn.language, job)]]
    back = [screen.button(turn, "studio.to_history", "history:home"), *screen.home(turn)]
    return [*rows, back]


async def _send(turn: Turn, job: Job) -> None:
    """Send the result at once where Telegram knows it; else a worker brings it."""
    if await limits.wait(turn.chat.id, SENDING):
        await turn.answer(turn.text("studio.send.too_fast"), alert=True)
        return
    pieces = await db.run(lambda conn: placed.list_pieces(conn, job, turn.chat.bot))
    if not pieces:
        await turn.answer(turn.text("studio.result_gone"), alert=True)
        return
    await turn.answer(turn.text("studio.sending"))
    if all(piece.telegram_id for piece in pieces):
        try:
            await placed.send(turn.chat, job, pieces, turn.text("studio.sent_again", number=job.id))
        except errors.Blocked:
            raise
        except errors.Rejected:
            await _enqueue(turn, job)
    else:
        await _enqueue(turn, job)


async def _enqueue(turn: Turn, job: Job) -> None:
    args = {"bot": turn.chat.bot, "chat_id": turn.chat.id, "language": turn.language, "order": job.id}
    user_id, key = turn.state.who["id"], f"resend:{turn.chat.bot}:{turn.came.update_id}"
    await db.run(
        lambda conn: table.create_job_and_consume_credit(conn, user_id, task="resend", key=key, args=args, price=0)
    )
    turn.after.append(kick.drain)


def _product(turn: Turn, job: Job) -> str:
    return turn.text(f"studio.product.{job.args.get('product', 'card')}")


def _what(turn: Turn, job: Job) -> str:
    """Return all that was ordered: the product, its look, and how many of it when that is more than one."""
    look, count = after.look(job), int(job.args.get("count") or 1)
    is_ours = look == "template" and str((job.checkpoint.get("item0") or {}).get("by", "")).startswith("local:")
    group = "preset" if look == "preset" else "studio.template.own" if is_ours else f"studio.{look}"
    key = f"{group}.{job.args.get(look)}"
    parts = [_product(turn, job), *([turn.text(key)] if sentences.knows(key) else [])]
    return " · ".join([*parts, *([ordering.counted(turn, str(job.args.get("product")), count)] if count > 1 else [])])


def _at(turn: Turn, job: Job) -> str:
    return when.short_moment(turn, job.created_at)
