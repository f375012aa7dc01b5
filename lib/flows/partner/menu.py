"""The partner bot's menu: what a person may do at the shop where they work, by role and by the shop's status.

Updates that no other flow wants end here, too: unknown words, and buttons that no longer exist.
"""

from collections.abc import Awaitable, Callable, Mapping

from lib import db
from lib.flows.partner import workplace
from lib.loyalty import partners
from lib.loyalty.staff import Staff
from lib.telegram import screen
from lib.telegram.client import Keyboard
from lib.telegram.dispatch import Turn

# The menu of the owner and the managers beside the till: a label and where it leads.
MANAGERS = (
    ("partner.button.clients", "clients:list"),
    ("partner.button.figures", "figures:home"),
    ("partner.button.inbox", "inbox:list"),
    ("partner.button.promos", "promos:list"),
    ("news.button.menu", "cast:list"),
    ("partner.button.goods", "goods:list"),
    ("partner.button.prices", "prices:home"),
    ("partner.button.assistant", "assistant:home"),
    ("partner.button.rules", "rules:home"),
    ("partner.button.team", "team:list"),
)


async def handle(turn: Turn) -> None:
    """Answer one of the commands, or one of the menu's buttons, or show the menu."""
    said = screen.asked(turn)
    wanted, _, argument = said.partition(":")
    if wanted == "shop":
        await _choose(turn, screen.number(argument))
    else:
        await SCREENS.get(wanted, _unknown)(turn)


async def _home(turn: Turn, note: str = "") -> None:
    turn.state.step = ""
    where = await workplace.places(turn)
    if turn.state.data.get("shop") not in [place.partner_id for place in where]:
        turn.state.data.pop("shop", None)
    place = workplace.chosen(turn, where)
    if place is None:
        words = turn.text("partner.home.choose" if where else "partner.home.nowhere")
        rows = workplace.shops(where) or [workplace.apply(turn)]
    else:
        words, rows = await _shop(turn, place)
        if len(where) > 1:
            rows.append([screen.button(turn, "partner.button.shops", "menu:shops")])
    rows.append(
        [screen.button(turn, "button.help", "menu:help"), screen.button(turn, "button.language", "language:other")]
    )
    await turn.show(screen.paragraphs(note, words), rows)


async def _shop(turn: Turn, place: Staff) -> tuple[str, Keyboard]:
    shop = await db.run(lambda conn: partners.get(conn, place.partner_id))
    role = turn.text(f"partner.role.{place.role}")
    key = "gone" if shop.gone else shop.status
    words = turn.text(f"partner.home.{key}", title=shop.title, role=role, reason=shop.reason or "—")
    manager = [screen.button(turn, key, data) for key, data in MANAGERS] if place.manages else []
    if shop.status == "approved":
        turn.state.step = "till:find"  # the menu says that a card's digits, a phone or a name may be typed here
        serve = [screen.button(turn, "partner.button.serve", "till:find", style="primary")]
        undo = screen.button(turn, "partner.button.operations", "undo:list")
        orders = screen.button(turn, "request.button.all", "requests:list:new")
        waiting = screen.button(turn, "talk.button.list", "talks:list")
        return words, [serve, *screen.in_rows([orders, waiting, undo, *manager])]
    rows = screen.in_rows(manager) if shop.status == "pending" else []
    if shop.gone:
        return words, [workplace.apply(turn)]
    refresh = [screen.button(turn, "partner.button.refresh", "menu:home")]
    if shop.status == "rejected" and place.role == "owner":
        mend = [screen.button(turn, "partner.button.mend", f"apply:mend:{shop.id}", style="primary")]
        return words, [mend, [screen.button(turn, "partner.button.rules", "rules:home")]]
    return words, [*rows, refresh]


async def _list(turn: Turn) -> None:
    rows = workplace.shops(await workplace.places(turn))
    await turn.show(turn.text("partner.home.choose"), [*rows, workplace.apply(turn), screen.home(turn)])


async def _choose(turn: Turn, partner_id: int) -> None:
    turn.state.data["shop"] = partner_id  # _home drops it again when they do not work there
    await _home(turn)


async def _help(turn: Turn) -> None:
    ways = [screen.button(turn, "button.profile", "profile:home"), *screen.home(turn)]
    await turn.show(turn.text("partner.home.help"), [ways])


async def _unknown(turn: Turn) -> None:
    if turn.came.kind == "press":
        await screen.refuse_old_button(turn)
    await _home(turn, turn.text("partner.home.unknown") if turn.came.kind != "press" else "")


async def _cancel(turn: Turn) -> None:
    """Drop what was begun; nothing happens before a confirmation, so nothing has to be taken back."""
    workplace.leave(turn)
    await _home(turn, turn.text("partner.home.cancelled"))


SCREENS: Mapping[str, Callable[[Turn], Awaitable[None]]] = {
    **dict.fromkeys(("menu", "home", "balance"), _home),
    "shops": _list,
    "help": _help,
    "cancel": _cancel,
}
