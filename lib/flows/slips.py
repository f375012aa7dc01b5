"""A request as a screen shows it, to its client and to the staff."""

from collections.abc import Iterable

from lib.assistant import slip
from lib.assistant.requests import RequestEntry, ShopRequest
from lib.assistant.slip import Said
from lib.flows import when
from lib.telegram import screen
from lib.telegram.client import Button
from lib.telegram.dispatch import Turn
from lib.text import HtmlSentence


def words(turn: Turn, sentences: Iterable[Said]) -> str:
    """Return sentences, each in a line of its own."""
    return HtmlSentence("\n".join(turn.text(key, **fields) for key, fields in sentences))


def state(turn: Turn, request: ShopRequest) -> str:
    """Return the state that a request is in."""
    return words(turn, [slip.state(request)])


def card(turn: Turn, request: ShopRequest, *, staff: bool) -> str:
    """Return a request that was sent: its number and state, what is in it, and who did what when."""
    head = turn.text("request.head", number=request.number, shop=request.shop, state=state(turn, request))
    return screen.paragraphs(
        head, words(turn, slip.goods(request)), words(turn, slip.facts(request)), _history(turn, request, staff=staff)
    )


def _history(turn: Turn, request: ShopRequest, *, staff: bool) -> str:
    """Return the steps; a client reads when, the staff also who."""
    lines = []
    for one in request.moves:
        name = "sent" if one.state == "new" else one.state
        said = words(turn, [slip.state_of(name, request.way or "")])
        actor = one.actor if staff and not one.by_client else ""
        key = "request.step_by" if actor else "request.step"
        lines.append(turn.text(key, at=when.clock_or_day(turn, one.at), state=said, actor=actor))
        lines += [turn.text("request.promised", minutes=minutes)] if (minutes := slip.promised(one)) else []
        why = slip.reason(one)
        lines += [turn.text("request.step_why", why=words(turn, [why]))] if why else []
    return "\n".join(lines)


def entry(turn: Turn, one: RequestEntry, data: str, *, shop: bool) -> Button:
    """Return the button of a request in a list: its state, number and sum, and whose or where it is."""
    label = turn.text(
        "request.entry",
        mark=turn.text(f"request.mark.{one.state}"),
        number=one.number,
        who=screen.short(one.shop if shop else one.name or "…", 14),
        sum=one.total_minor,
    )
    return Button(label, data)
