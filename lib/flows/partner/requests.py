"""Clients' requests at the counter: the list by state, each with the next steps, and what the shop takes them by.

requests:list:<filter>:<last number of the page before>    requests:one:<shop>:<id>
requests:move:<shop>:<id>:<state>[:<reason or minutes>]
requests:why:<shop>:<id> -> a reason, pressed or typed -> cancelled

The message that told of a request is its card, too: pressing a step turns it into what it is now. Two of the staff who
press at once move it once, and the other reads who did.
"""

from dataclasses import dataclass

from lib import db, errors
from lib.assistant import pushes, requests
from lib.assistant.requests import ShopRequest
from lib.flows import slips
from lib.flows.partner import workplace
from lib.jobs import kick
from lib.loyalty.partners import PAGE
from lib.loyalty.staff import Staff
from lib.telegram import screen
from lib.telegram.client import Button, Keyboard
from lib.telegram.dispatch import Turn
from lib.telegram.drafts import DraftKey

FILTERS = {"new": ("new",), "work": requests.OPEN[1:], "done": ("done",), "cancelled": ("cancelled",)}
LABELS = screen.PageLabels("request.button.newer", "request.button.older")


@dataclass(frozen=True)
class RequestRefusal:
    """The request for whose refusal the words are being typed."""

    shop: int
    request: int


REFUSAL = DraftKey("request_refusal", RequestRefusal)


async def handle(turn: Turn) -> None:
    """Show a list or a card, move a request, or take the reason of a refusal."""
    what, *rest = turn.came.text.split(":")[1:] if turn.came.kind == "press" else [""]
    refusal = REFUSAL.of(turn.state) if turn.state.step == "requests:why" else None
    shop = screen.number(rest[0]) if rest and what in ("one", "move", "why") else refusal.shop if refusal else 0
    if shop:
        turn.state.data["shop"] = shop  # the message may be another shop's than the one chosen last
    place = await workplace.at_work(turn)
    if place is None:
        return
    try:
        if shop and place.partner_id != shop:
            raise errors.Missing("no_request")
        await _act(turn, place, what, [*rest, "", "", ""], refusal)
    except errors.Missing:
        await screen.refuse_old_button(turn)
        await _list(turn, place, "new", 0)


async def _act(turn: Turn, place: Staff, what: str, rest: list[str], refusal: RequestRefusal | None) -> None:
    number = screen.number(rest[1])
    if what == "move" and rest[2] in (*requests.OPEN, *requests.CLOSED):
        known = {"cancelled": requests.REASONS, "accepted": requests.MINUTES}.get(rest[2], ())
        reason = rest[3] if rest[3] in known else ""
        await _move(turn, place, number, rest[2], reason)
    elif what == "why":
        await _why(turn, place, number)
    elif what == "one":
        turn.state.step = ""
        request = await db.run(lambda conn: requests.get(conn, place.partner_id, number))
        await _show(turn, request, in_place=True)
    elif not what and refusal and turn.came.kind == "text":
        await _refuse(turn, place, refusal.request, " ".join(turn.came.text.split()))
    else:
        await _list(turn, place, rest[0], number)


async def _list(turn: Turn, place: Staff, chosen: str, before: int) -> None:
    turn.state.step = ""
    chosen = chosen if chosen in FILTERS else "new"
    states = FILTERS[chosen]
    found = await db.run(
        lambda conn: requests.list_of_shop(conn, place.partner_id, states, before=before or None, limit=PAGE + 1)
    )
    page = found[:PAGE]
    rows: Keyboard = [[slips.entry(turn, one, f"requests:one:{one.partner_id}:{one.id}", shop=False)] for one in page]
    last = page[-1].number if len(found) > PAGE else None
    leaf = screen.pages(turn, f"requests:list:{chosen}", before, last, LABELS)
    tabs = [screen.button(turn, f"request.tab.{one}", f"requests:list:{one}") for one in FILTERS if one != chosen]
    terms = [[screen.button(turn, "request.button.terms", "terms:home")]] if place.manages else []
    words = screen.paragraphs(
        turn.text("request.list", title=place.title, tab=turn.text(f"request.tab.{chosen}")),
        "" if page else turn.text("request.nothing"),
    )
    await turn.show(words, [*rows, *leaf, *screen.in_rows(tabs), *terms, screen.home(turn)])


async def _show(turn: Turn, request: ShopRequest, *, in_place: bool = False) -> None:
    """Show a card, as a screen or in the message that was pressed."""
    words, rows = slips.card(turn, request, staff=True), _rows(turn, request)
    if in_place and turn.came.kind == "press" and await turn.chat.edit(turn.came.message_id, words, rows):
        await turn.answer()
    else:
        await turn.show(words, rows)


def _rows(turn: Turn, request: ShopRequest) -> Keyboard:
    """Return the steps from here, and the ways to the list and the menu."""
    place = f"{request.partner_id}:{request.id}"
    steps = []
    for state in request.next_states:
        style = "danger" if state == "cancelled" else "primary"
        data = f"requests:why:{place}" if state == "cancelled" else f"requests:move:{place}:{state}"
        key = "done_delivery" if state == "done" and request.way == "delivery" else state
        steps.append(screen.button(turn, f"request.button.{key}", data, style=style))
    accept = f"requests:move:{place}:accepted"
    soon = [screen.button(turn, f"request.button.in_{one}", f"{accept}:{one}") for one in requests.MINUTES]
    rows = [steps, soon if request.state == "new" else [], screen.home(turn, "requests:list:work")]
    return [row for row in rows if row]


async def _refuse(turn: Turn, place: Staff, number: int, reason: str) -> None:
    if len(reason) > requests.REASON:
        await _why(turn, place, number, turn.text("partner.error.too_long", detail=requests.REASON))
    else:
        await _move(turn, place, number, "cancelled", reason)


async def _why(turn: Turn, place: Staff, number: int, note: str = "") -> None:
    """Ask for the reason of a refusal, which the client reads."""
    request = await db.run(lambda conn: requests.get(conn, place.partner_id, number))
    if "cancelled" not in request.next_states:
        await _say_moved(turn, request)
        await _show(turn, request, in_place=True)
        return
    turn.state.step = "requests:why"
    REFUSAL.keep(turn.state, RequestRefusal(request.partner_id, request.id))
    data = f"requests:move:{request.partner_id}:{request.id}:cancelled"
    named = [(one, turn.text(f"request.why.{one}")) for one in requests.REASONS]
    reasons = [[Button(said[:1].upper() + said[1:], f"{data}:{one}")] for one, said in named]
    keep = [screen.button(turn, "button.back", f"requests:one:{request.partner_id}:{request.id}")]
    words, rows = screen.paragraphs(note, turn.text("request.why", number=request.number)), [*reasons, keep]
    if await turn.chat.edit(turn.came.message_id, words, rows):
        await turn.answer()
    else:
        await turn.show(words, rows)


async def _move(turn: Turn, place: Staff, number: int, state: str, reason: str) -> None:
    """Move it, or say who has moved it already."""
    actor = turn.state.who["id"]
    request, fresh = await db.run(lambda conn: pushes.move(conn, place.partner_id, number, actor, state, reason))
    turn.state.step = ""
    REFUSAL.drop(turn.state)
    if fresh:
        turn.after.append(kick.drain)
        turn.settled = turn.came.kind == "text"
        await turn.answer(turn.text("request.told_client"))
    else:
        await _say_moved(turn, request)
    await _show(turn, request, in_place=True)


async def _say_moved(turn: Turn, request: ShopRequest) -> None:
    """Say that it stands elsewhere already, and who has moved it, unless that was the program or somebody erased."""
    who, state = request.moves[-1].actor if request.moves else "", slips.state(turn, request)
    said = turn.text("request.moved", state=state, who=who) if who else turn.text("request.moved_alone", state=state)
    await turn.answer(said, alert=True)
