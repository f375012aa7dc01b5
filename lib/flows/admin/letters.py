"""Updates that failed for good: the list, and one of them, to be brought once more or dropped (act)."""

from lib import db
from lib.admin import letters
from lib.flows.admin import PAGE, back, button, found, listed, number, pages, picks, short, when
from lib.telegram.dispatch import Turn


async def handle(turn: Turn) -> None:
    """Show the list, or one of them."""
    action, _, argument = turn.came.text.partition(":")[2].partition(":")
    await found(turn, (_one if action == "one" else _list)(turn, argument))


async def _list(turn: Turn, argument: str) -> None:
    before = number(argument) or None
    page = await db.run(lambda conn: letters.list_letters(conn, before=before, limit=PAGE + 1))
    if before and not page:  # its last one has been dealt with
        await _list(turn, "")
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
    turned = pages(turn, "letters:list", before, shown[-1].id if len(page) > PAGE else None)
    words = "\n".join(lines) or turn.text("admin.letters.none")
    rows = [*picks("letters:one", [letter.id for letter in shown]), *turned, back(turn, "menu:home")]
    await turn.show(f"{turn.text('admin.letters')}\n\n{words}", rows)


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
