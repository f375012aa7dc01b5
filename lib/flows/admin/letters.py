"""Updates that failed for good: the list, and one of them, to be brought once more or dropped (act).

list [-> by bot, by reason] -> one -> bring once more, drop (act)
"""

from collections.abc import Awaitable, Callable, Mapping

from lib import db
from lib.flows import when
from lib.flows.admin import lists
from lib.office import letters
from lib.telegram import screen
from lib.telegram.client import Keyboard
from lib.telegram.dispatch import Turn


async def handle(turn: Turn) -> None:
    """Show the list, or one of them."""
    action, argument = screen.pressed(turn)
    await lists.found(turn, SCREENS.get(action, _list)(turn, argument))


async def _list(turn: Turn, argument: str) -> None:
    bot, reason, place = lists.chosen(argument)
    before = screen.number(place) or None
    page = await db.run(
        lambda conn: letters.list_letters(conn, bot=bot, reason=reason, before=before, limit=lists.PAGE + 1)
    )
    if before and not page:  # its last one has been dealt with
        await _list(turn, f"{bot}:{reason}")
        return
    shown = page[: lists.PAGE]
    lines = [
        turn.text(
            "admin.letter.line",
            place=place,
            bot=letter.bot,
            at=when.short_moment(turn, letter.created_at),
            error=screen.short(letter.error, 60),
        )
        for place, letter in enumerate(shown, 1)
    ]
    turned = screen.pages(
        turn, f"letters:list:{bot}:{reason}", before, shown[-1].id if len(page) > lists.PAGE else None, lists.LABELS
    )
    head, words = turn.text("admin.letters"), "\n".join(lines)
    if bot or reason:
        head = f"{head}\n{turn.text('admin.chosen', words=', '.join(word for word in (bot, reason) if word))}"
    words = words or turn.text("admin.chosen.none" if bot or reason else "admin.letters.none")
    rows = [*_narrow(turn, bot, reason, bool(page)), *screen.picks("letters:one", [one.id for one in shown]), *turned]
    await turn.show(f"{head}\n\n{words}", [*rows, screen.home(turn, "menu:home")])


def _narrow(turn: Turn, bot: str, reason: str, is_any: bool) -> Keyboard:
    if not (is_any or bot or reason):
        return []
    row = [
        screen.button(turn, "admin.button.by_bot", f"letters:by_bot:{bot}:{reason}"),
        screen.button(turn, "admin.button.by_code", f"letters:by_reason:{bot}:{reason}"),
    ]
    return [row, *([[screen.button(turn, "admin.button.show_all", "letters:list")]] if bot or reason else [])]


async def _by_bot(turn: Turn, argument: str) -> None:
    bot, reason, _ = lists.chosen(argument)
    counts = await db.run(lambda conn: letters.by_bot(conn, reason=reason))
    rows = lists.choices(turn, counts, lambda word: f"letters:list:{word}:{reason}", str)
    await turn.show(turn.text("admin.which_bot"), [*rows, screen.home(turn, f"letters:list:{bot}:{reason}")])


async def _by_reason(turn: Turn, argument: str) -> None:
    bot, reason, _ = lists.chosen(argument)
    counts = await db.run(lambda conn: letters.by_reason(conn, bot=bot))
    rows = lists.choices(turn, counts, lambda word: f"letters:list:{bot}:{word}", str)
    await turn.show(turn.text("admin.which_code"), [*rows, screen.home(turn, f"letters:list:{bot}:{reason}")])


async def _one(turn: Turn, argument: str) -> None:
    letter = await db.run(lambda conn: letters.get_letter(conn, screen.number(argument)))
    words = turn.text(
        "admin.letter",
        bot=letter.bot,
        kind=letter.kind,
        update=letter.update_id,
        sender=letter.sender or "—",
        at=when.short_moment(turn, letter.created_at),
        tries=letter.tries,
        error=screen.short(letter.error, 700),
    )
    deeds = [
        screen.button(turn, "admin.button.replay", f"act:begin:replay:{letter.id}"),
        screen.button(turn, "admin.button.drop", f"act:begin:drop:{letter.id}", "danger"),
    ]
    ways = [screen.button(turn, "admin.button.trace", f"trace:of:update.{letter.id}")]
    await turn.show(words, [deeds, ways, screen.home(turn, screen.last_page(turn, "letters:list", "letters:list"))])


SCREENS: Mapping[str, Callable[[Turn, str], Awaitable[None]]] = {
    "list": _list,
    "by_bot": _by_bot,
    "by_reason": _by_reason,
    "one": _one,
}
