"""The queue: what failed and of what, what is under way; one job with all that an administrator needs to judge it.

home -> failed [-> by task, by code], under way -> job -> do over, cancel (act)
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence

from lib import db
from lib.flows import when
from lib.flows.admin import lists
from lib.jobs import table
from lib.jobs.table import Job
from lib.office import acts, people, pulse, queue
from lib.people import users
from lib.telegram import screen
from lib.telegram.client import Button, Keyboard
from lib.telegram.dispatch import Turn


async def handle(turn: Turn) -> None:
    """Show what a button asks for."""
    action, argument = screen.pressed(turn)
    await lists.found(turn, SCREENS.get(action, _home)(turn, argument))


async def _home(turn: Turn, _: str) -> None:
    now = await db.run(pulse.look)
    lines = [turn.text("admin.queue"), "", turn.text("admin.queue.now", queued=now.queued, running=now.running)]
    if now.waiting_since:
        lines.append(turn.text("admin.queue.oldest", since=lists.span(turn, now.waiting_since)))
    lines.append(turn.text("admin.queue.held", held=now.held))
    lines.append(turn.text("admin.queue.hour", finished=now.finished, failed=now.failed))
    if now.last_finished_at:
        lines.append(turn.text("admin.queue.last", since=lists.span(turn, now.last_finished_at)))
    if now.stuck():
        lines += ["", turn.text("admin.queue.stuck")]
    ways = [
        screen.button(turn, "admin.button.failed", "queue:failed"),
        screen.button(turn, "admin.button.open", "queue:open"),
    ]
    file = [screen.button(turn, "admin.button.order_file", "orders:home")]
    await turn.show("\n".join(lines), [ways, file, screen.home(turn, "menu:home")])


async def _failed(turn: Turn, argument: str) -> None:
    task, code, place = lists.chosen(argument)
    before = screen.number(place) or None
    page = await db.run(lambda conn: queue.failed(conn, task=task, code=code, before=before, limit=lists.PAGE + 1))
    ways = [
        screen.button(turn, "admin.button.by_task", f"queue:by_task:{task}:{code}"),
        screen.button(turn, "admin.button.by_code", f"queue:by_code:{task}:{code}"),
    ]
    narrow = [ways] if page or task or code else []
    head = turn.text("admin.failed")
    if task or code:
        words = [lists.named(turn, group, word) for group, word in (("task", task), ("code", code)) if word]
        head = f"{head}\n{turn.text('admin.chosen', words=', '.join(words))}"
        narrow.append([screen.button(turn, "admin.button.show_all", "queue:failed")])
    none = "admin.chosen.none" if task or code else "admin.failed.none"
    rows = _page(turn, f"queue:failed:{task}:{code}", page, before)
    await _list(turn, head, none, page, [*narrow, *rows])


async def _by_task(turn: Turn, argument: str) -> None:
    task, code, _ = lists.chosen(argument)
    counts = await db.run(lambda conn: queue.failed_by_task(conn, code=code))
    rows = lists.choices(
        turn, counts, lambda word: f"queue:failed:{word}:{code}", lambda word: lists.named(turn, "task", word)
    )
    await turn.show(turn.text("admin.which_task"), [*rows, screen.home(turn, f"queue:failed:{task}:{code}")])


async def _by_code(turn: Turn, argument: str) -> None:
    task, code, _ = lists.chosen(argument)
    counts = await db.run(lambda conn: queue.failed_by_code(conn, task=task))
    rows = lists.choices(
        turn, counts, lambda word: f"queue:failed:{task}:{word}", lambda word: lists.named(turn, "code", word)
    )
    await turn.show(turn.text("admin.which_code"), [*rows, screen.home(turn, f"queue:failed:{task}:{code}")])


async def _open(turn: Turn, argument: str) -> None:
    after = screen.number(argument)
    page = await db.run(lambda conn: queue.under_way(conn, after=after, limit=lists.PAGE + 1))
    await _list(turn, turn.text("admin.open"), "admin.open.none", page, _page(turn, "queue:open", page, after))


def _page(turn: Turn, place: str, page: Sequence[people.JobLine], at: int | None) -> Keyboard:
    """Return the buttons that open the jobs of a page, and those that turn it."""
    turned = screen.pages(turn, place, at, page[lists.PAGE - 1].id if len(page) > lists.PAGE else None, lists.LABELS)
    return [*screen.picks("queue:job", [job.id for job in page[: lists.PAGE]]), *turned]


async def _list(turn: Turn, head: str, none: str, page: Sequence[people.JobLine], rows: Keyboard) -> None:
    lines = [
        turn.text(
            "admin.job.line",
            place=place,
            id=job.id,
            task=lists.named(turn, "task", job.task),
            state=lists.named(turn, "state", job.state),
            at=when.short_moment(turn, job.finished_at or job.created_at),
            why=f" — {screen.short(lists.named(turn, 'code', job.error_code), 40)}" if job.error_code else "",
        )
        for place, job in enumerate(page[: lists.PAGE], 1)
    ]
    words = "\n".join(lines) or turn.text(none)
    await turn.show(f"{head}\n\n{words}", [*rows, screen.home(turn, "queue:home")])


async def _job(turn: Turn, argument: str) -> None:
    job = await db.run(lambda conn: queue.get(conn, screen.number(argument)))
    user = await db.run(lambda conn: users.get_user(conn, job.user_id)) if job.user_id else None
    again = await db.run(lambda conn: queue.retried_as(conn, job.id))
    refunded = bool(job.price) and await db.run(lambda conn: queue.refunded(conn, job.id))
    lines = [
        turn.text(
            "admin.job",
            id=job.id,
            task=lists.named(turn, "task", job.task),
            state=lists.named(turn, "state", job.state),
        ),
        turn.text("admin.job.whose", name=acts.full_name(user)) if user else turn.text("admin.job.nobody"),
        turn.text("admin.job.money.back" if refunded else "admin.job.money", price=job.price),
        turn.text(
            "admin.job.times",
            made=when.short_moment(turn, job.created_at),
            ended=when.short_moment(turn, job.finished_at),
        ),
        turn.text("admin.job.attempts", attempts=job.attempts, most=job.max_attempts),
    ]
    if job.state == "queued":
        lines.append(await _wait(turn, job))
    if job.error_code:
        code = lists.named(turn, "code", job.error_code)
        lines += ["", turn.text("admin.job.why", code=code, error=screen.short(job.error or "", 500))]
    if again:
        lines += ["", turn.text("admin.job.again", id=again)]
    rows = [row for row in (_deeds(turn, job, again), _ways(turn, job, again)) if row]
    home = "queue:failed" if job.state == "failed" else "queue:home"
    way = screen.last_page(turn, home, "queue:failed", "queue:open", "people:orders")
    await turn.show("\n".join(lines), [*rows, screen.home(turn, way)])


async def _wait(turn: Turn, job: Job) -> str:
    place = await db.run(lambda conn: table.get_place(conn, job.id))
    if place.position is None:
        return turn.text("admin.job.later", at=when.short_moment(turn, job.run_at))
    return turn.text("admin.job.place", place=place.position)


def _deeds(turn: Turn, job: Job, again: int | None) -> list[Button]:
    if job.state in ("failed", "cancelled") and not again:
        return [screen.button(turn, "admin.button.retry", f"act:begin:retry:{job.id}")]
    if job.state in ("queued", "running", "waiting"):
        return [screen.button(turn, "admin.button.cancel", f"act:begin:cancel:{job.id}", "danger")]
    return []


def _ways(turn: Turn, job: Job, again: int | None) -> list[Button]:
    ways = [screen.button(turn, "admin.button.person", f"people:card:{job.user_id}")] if job.user_id else []
    if again:
        ways.append(screen.button(turn, "admin.button.again", f"queue:job:{again}"))
    return [*ways, screen.button(turn, "admin.button.trace", f"trace:of:order.{job.id}")]


SCREENS: Mapping[str, Callable[[Turn, str], Awaitable[None]]] = {
    "home": _home,
    "failed": _failed,
    "by_task": _by_task,
    "by_code": _by_code,
    "open": _open,
    "job": _job,
}
