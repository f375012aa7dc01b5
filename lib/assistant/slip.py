"""A request in words, for its client, for the staff and in messages: sentences as keys with their fields.

They are said in the reader's language where they are shown (`text.say`, `notify.spoken`).
"""

from typing import Any

from lib.assistant.requests import RequestLine, RequestMove, ShopRequest

type Said = tuple[str, dict[str, Any]]


def goods(request: ShopRequest) -> list[Said]:
    """Return the lines and the total."""
    lines = [said for one in request.lines for said in _line(one)]
    total = "request.total_from" if request.at_least else "request.total"
    return [*lines, (total, {"sum": request.total})]


def facts(request: ShopRequest) -> list[Said]:
    """Return how it reaches the client, when, whom to call, how it is paid; only what has been said."""
    found: list[Said] = []
    if request.way == "delivery":
        found.append(("request.delivery", {"address": request.address or "…"}))
    elif request.way:
        found.append(("request.pickup", {"place": request.place}))
    if request.wanted is not None:
        found.append(("request.wanted", {"words": request.wanted}) if request.wanted else ("request.soon", {}))
    if request.phone:
        found.append(("request.contact", {"name": request.name or "…", "phone": request.phone}))
    if request.payment:
        found.append((f"request.payment.{request.payment}", {}))
    if request.comment:
        found.append(("request.comment", {"words": request.comment}))
    return found


def state(request: ShopRequest) -> Said:
    """Return the state as its client reads it; what is ready differs by the way it goes."""
    return state_of(request.state, request.way or "")


def state_of(name: str, way: str) -> Said:
    """Return a state in words."""
    return (f"request.state.{name}_{way}" if name == "ready" and way else f"request.state.{name}"), {}


def reason(move: RequestMove) -> Said | None:
    """Return why it was cancelled: a reason of ours, or the words of the staff; None when nothing was said."""
    if move.state != "cancelled":
        return None
    if move.by_client:
        return "request.why.client", {}
    known = ("sold_out", "busy", "closed", "no_answer", "erased", "shop_gone", "forgotten")
    if move.reason in known:
        return f"request.why.{move.reason}", {}
    return ("request.why.words", {"words": move.reason}) if move.reason else None


def promised(move: RequestMove) -> int:
    """Return the minutes that the staff promised when they accepted it, 0 for none."""
    return int(move.reason) if move.state == "accepted" and move.reason.isdigit() else 0


def _line(one: RequestLine) -> list[Said]:
    title = f"{one.title}, {one.variant}" if one.variant else one.title
    if one.gone:
        return [("request.gone", {"title": title})]
    kind = "line_free" if not one.kopecks else "line_from" if one.at_least else "line"
    said: list[Said] = [
        (f"request.{kind}", {"quantity": one.quantity, "title": title, "sum": one.kopecks * one.quantity})
    ]
    if one.was_kopecks is not None:
        said.append(("request.was", {"was": one.was_kopecks, "now": one.kopecks}))
    return said
