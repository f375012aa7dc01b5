"""Updates that failed for good: the list, and one of them, to be brought once more or dropped (act).

list [-> by bot, by reason] -> one -> bring once more, drop (act)
"""

from collections.abc import Awaitable, Callable, Mapping

from lib import db
from lib.flows.admin import PAGE, back, button, choices, chosen, found, listed, number, pages, picks, short, when
from lib.office import letters
from lib.telegram.client import Keyboard
from lib.telegram.dispatch import Turn


async def handle(turn: Turn) -> None:
    """Show the list, or one of them."""
    action, _, argument = turn.came.text.partition(":")[2].partition(":")
    await found(turn, SCREENS.get(action, _list)(turn, argument))


async def _list(turn: Turn, argument: str) -> None:
    bot, reason, place = chosen(argument)
    before = number(place) or None
    page = await db.run(lambda conn: letters.list_letters(conn, bot=bot, reason=reason, before=before, limit=PAGE + 1))
    if before and not page:  # its last one has been dealt with
        await _list(turn, f"{bot}:{reason}")
        return
    shown = page[:PAGE]
    lines = [
        turn.text(
            "admin.letter.line",
            place=place,
            bot=letter.bot,
            at=when(turn, letter.created_at),
            error=short(letter.error, 60),
        )
        for place, letter in enumerate(shown, 1)
    ]
    turned = pages(turn, f"letters:list:{bot}:{reason}", before, shown[-1].id if len(page) > PAGE else None)
    head, words = turn.text("admin.letters"), "\n".join(lines)
    if bot or reason:
        head = f"{head}\n{turn.text('admin.chosen', words=', '.join(word for word in (bot, reason) if word))}"
    words = words or turn.text("admin.chosen.none" if bot or reason else "admin.letters.none")
    rows = [*_narrow(turn, bot, reason, bool(page)), *picks("letters:one", [one.id for one in shown]), *turned]
    await turn.show(f"{head}\n\n{words}", [*rows, back(turn, "menu:home")])


def _narrow(turn: Turn, bot: str, reason: str, is_any: bool) -> Keyboard:
    if not (is_any or bot or reason):
        return []
    row = [
        button(turn, "admin.button.by_bot", f"letters:by_bot:{bot}:{reason}"),
        button(turn, "admin.button.by_code", f"letters:by_reason:{bot}:{reason}"),
    ]
    return [row, *([[button(turn, "admin.button.show_all", "letters:list")]] if bot or reason else [])]


async def _by_bot(turn: Turn, argument: str) -> None:
    bot, reason, _ = chosen(argument)
    counts = await db.run(lambda conn: letters.by_bot(conn, reason=reason))
    rows = choices(turn, counts, lambda word: f"letters:list:{word}:{reason}", str)
    await turn.show(turn.text("admin.which_bot"), [*rows, back(turn, f"letters:list:{bot}:{reason}")])


async def _by_reason(turn: Turn, argument: str) -> None:
    bot, reason, _ = chosen(argument)
    counts = await db.run(lambda conn: letters.by_reason(conn, bot=bot))
    rows = choices(turn, counts, lambda word: f"letters:list:{bot}:{word}", str)
    await turn.show(turn.text("admin.which_code"), [*rows, back(turn, f"letters:list:{bot}:{reason}")])


async def _one(turn: Turn, argument: str) -> None:
    letter = await db.run(lambda conn: letters.get_letter(conn, number(argument)))
    words = turn.text(
        "admin.letter",
        bot=letter.bot,
        kind=letter.kind,
        update=letter.update_id,
        sender=letter.sender or "—",
        at=when(turn, letter.created_at),
        tries=letter.tries,
        error=short(letter.error, 700),
    )
    deeds = [
        button(turn, "admin.button.replay", f"act:begin:replay:{letter.id}"),
        button(turn, "admin.button.drop", f"act:begin:drop:{letter.id}", "danger"),
    ]
    await turn.show(words, [deeds, back(turn, listed(turn, "letters:list", "letters:list"))])


SCREENS: Mapping[str, Callable[[Turn, str], Awaitable[None]]] = {
    "list": _list,
    "by_bot": _by_bot,
    "by_reason": _by_reason,
    "one": _one,
}
