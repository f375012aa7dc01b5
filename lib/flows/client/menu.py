"""The menu: one's cards with what is on them, and the ways to everything else; help and cancel.

Updates that no other flow wants end here, too: unknown words, and buttons that no longer exist.
"""

from collections.abc import Sequence
from datetime import timedelta

from lib import clock, db
from lib.flows import when
from lib.flows.client import face, visitor
from lib.loyalty import members
from lib.loyalty.members import Card
from lib.menu import versions
from lib.telegram import screen
from lib.telegram.client import Button, Keyboard, Keys
from lib.telegram.dispatch import Turn

SHOWN = 5
LONGEST = 300  # of a question that waits for its shop
SOON = timedelta(days=30)


async def handle(turn: Turn) -> None:
    """Answer one of the commands, or one of the menu's buttons, or show the menu."""
    await SCREENS.get(turn.came.command or screen.parts(turn)[0], _unknown)(turn)


async def _home(turn: Turn, note: str = "", *, asked: bool = False) -> None:
    """Show the cards and the ways; below words that were `asked` of nobody, the shops whose menu could answer, too."""
    turn.state.data.pop(visitor.ASKED, None)
    if await visitor.is_client(turn):
        found = face.ordered(await db.run(lambda conn: members.cards(conn, turn.state.who["id"])))
        words, rows = _cards(turn, found)
        if asked and (menus := [card for card in found[:SHOWN] if await _answers(card)]):
            note = turn.text("client.home.asked")
            turn.state.data[visitor.ASKED] = turn.came.text[:LONGEST]
            rows = [*screen.in_rows([_asking(turn, card, alone=len(menus) == 1) for card in menus]), *rows]
    else:
        words = turn.text("client.home.stranger")
        rows = [
            [screen.button(turn, "client.button.join", "join:new", style="primary")],
            [screen.button(turn, "client.button.move", "move:enter")],
        ]
    await turn.show(screen.paragraphs(note, words), [*rows, *_ways(turn)])


async def _answers(card: Card) -> bool:
    return card.status == "approved" and bool((await versions.published(card.partner_id)).items)


def _asking(turn: Turn, card: Card, *, alone: bool) -> Button:
    return Button(
        turn.text("client.button.ask") if alone else screen.short(f"💬 {card.title}"), f"ask:{card.partner_id}"
    )


def _cards(turn: Turn, found: Sequence[Card]) -> tuple[str, Keyboard]:
    """Return the cards in words, and a button for each: the only one is a press away from its QR code."""
    if not found:
        rows = [[screen.button(turn, "client.button.shops", "find:shops", style="primary")]]
        return turn.text("client.home.no_cards"), rows
    lines = [_line(turn, card) for card in found[:SHOWN]]
    if len(found) == 1 and found[0].works:
        show = screen.button(turn, "client.button.show", f"card:{found[0].partner_id}", style="primary")
        return screen.paragraphs(turn.text("client.home.title"), *lines), [[show]]
    buttons = [
        Button(screen.short(card.title), f"card:{card.partner_id}", style="primary" if card.works else "")
        for card in found[:SHOWN]
    ]
    rows = screen.in_rows(buttons)
    if len(found) > SHOWN:
        rows.append([screen.button(turn, "client.button.cards", "card:list:0")])
    choose = turn.text("client.home.choose") if any(card.works for card in found) else ""
    return screen.paragraphs(turn.text("client.home.title"), "\n".join(lines), choose), rows


def _line(turn: Turn, card: Card) -> str:
    line = face.line(turn, card)
    if card.next_at and card.next_points and card.next_at < clock.now() + SOON:
        line += "\n" + turn.text("client.card.expiring", points=card.next_points, day=when.last_day(turn, card.next_at))
    return line


def _ways(turn: Turn) -> Keyboard:
    return [
        [
            screen.button(turn, "client.button.promos", "find:promos"),
            screen.button(turn, "client.button.services", "find:services"),
        ],
        [
            screen.button(turn, "client.button.shops", "find:shops"),
            screen.button(turn, "client.button.settings", "settings:home"),
        ],
        [screen.button(turn, "request.button.own", "requests:list"), screen.button(turn, "button.help", "menu:help")],
    ]


async def _help(turn: Turn) -> None:
    ways = [screen.button(turn, "button.profile", "profile:home"), *screen.home(turn)]
    await turn.show(turn.text("client.home.help"), [ways])


async def _unknown(turn: Turn) -> None:
    if turn.came.kind == "text" and turn.came.text == turn.text("client.join.later"):  # a key outlives its question
        await turn.ask(turn.text("client.join.put_off"), Keys())
        await _home(turn)
        return
    if turn.came.kind == "press":
        await screen.refuse_old_button(turn)
    is_press = turn.came.kind == "press"
    await _home(turn, "" if is_press else turn.text("client.home.unknown"), asked=turn.came.kind == "text")


async def _cancel(turn: Turn) -> None:
    """Leave whatever was begun; nothing is lost, as points move by a confirmation only."""
    busy = bool(turn.state.step)
    turn.state.step = ""
    turn.state.data.pop(visitor.CAME_BY, None)
    await _home(turn, turn.text("client.home.cancelled" if busy else "cancel.nothing"))


SCREENS = {
    **dict.fromkeys(("menu", "home", "balance"), _home),
    "help": _help,
    "cancel": _cancel,
}
