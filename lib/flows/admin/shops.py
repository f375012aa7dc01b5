"""Looks a shop up by its title, code or number, and shows on one screen all that an administrator may see.

typed words -> the shop, or a list of which fit -> card -> operations, trail, owner; what changes it is `act`
"""

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta

from lib import db
from lib.flows import when
from lib.flows.admin import lists
from lib.loyalty import partners, points
from lib.loyalty.partners import Partner
from lib.office import shops
from lib.telegram import screen
from lib.telegram.client import Keyboard
from lib.telegram.dispatch import Turn

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


async def handle(turn: Turn) -> None:
    """Look up what was typed, or show what a button asks for."""
    turn.state.step = "shops:find"
    if turn.came.kind == "press":
        action, argument = screen.pressed(turn)
        await lists.found(turn, SCREENS.get(action, _home)(turn, argument))
    elif turn.came.kind == "text":
        turn.state.data["shop_words"] = turn.came.text[:80]
        await _find(turn, "")
    else:
        await _home(turn, "")


async def _home(turn: Turn, _: str) -> None:
    figures = await db.run(shops.figures)
    liability = figures.liability_minor
    facts = {"shops": figures.shops, "blocked": figures.blocked, "members": figures.members, "liability": liability}
    rows = [[screen.button(turn, "admin.button.all_shops", "shops:status:approved")]]
    rows.append([screen.button(turn, "admin.button.closed_shops", "shops:status:blocked")])
    await turn.show(turn.text("admin.shops", **facts), [*rows, screen.home(turn, "menu:home")])


async def _find(turn: Turn, argument: str) -> None:
    words = str(turn.state.data.get("shop_words", ""))
    after = screen.number(argument)
    page = await db.run(lambda conn: partners.find(conn, words, after=after, limit=lists.PAGE + 1))
    if len(page) == 1 and not after:
        await _card(turn, str(page[0].id))
    elif page:
        await _list(turn, turn.text("admin.shops.found", words=screen.short(words, 60)), "shops:find", page, after)
    else:
        await turn.show(turn.text("admin.shops.none", words=screen.short(words, 60)), [screen.home(turn, "shops:home")])


async def _status(turn: Turn, argument: str) -> None:
    status, _, after = argument.partition(":")
    status = status if status in ("approved", "blocked", "rejected") else "approved"
    place = screen.number(after)
    page = await db.run(lambda conn: partners.list_by_status(conn, status, after=place, limit=lists.PAGE + 1))
    await _list(turn, turn.text(f"admin.shops.{status}"), f"shops:status:{status}", page, place)


async def _list(turn: Turn, head: str, place: str, page: list[Partner], after: int) -> None:
    shown = page[: lists.PAGE]
    lines = [
        turn.text(
            "admin.shop.line",
            place=line,
            title=screen.short(shop.title, 60),
            city=shop.city,
            status=lists.named(turn, "status", shop.status),
        )
        for line, shop in enumerate(shown, 1)
    ]
    turned = screen.pages(turn, place, after, shown[-1].id if len(page) > lists.PAGE else None, lists.LABELS)
    words = "\n".join(lines) or turn.text("admin.shops.empty")
    rows = [*screen.picks("shops:card", [shop.id for shop in shown]), *turned, screen.home(turn, "shops:home")]
    await turn.show(f"{head}\n\n{words}", rows)


async def _card(turn: Turn, argument: str) -> None:
    shop = await db.run(lambda conn: partners.get(conn, screen.number(argument)))
    facts = await db.run(lambda conn: shops.facts(conn, shop.id))
    words = turn.text(
        "admin.shop",
        title=shop.title,
        id=shop.id,
        city=shop.city,
        category=lists.named(turn, "category", shop.category),
        status=lists.named(turn, "status", shop.status),
        earn=shop.earn_bp,
        share=shop.max_pay_pct * 100,
        members=facts.members,
        staff=facts.staff,
        available=facts.available,
        pending=facts.pending,
        liability=(facts.available + facts.pending) * shop.minor_per_point,
        last=when.short_moment(turn, facts.last_at),
        since=when.short_moment(turn, shop.created_at),
    )
    why = turn.text("admin.shop.gone") if shop.gone else turn.text("admin.sure.reason", reason=shop.reason)
    reason = f"\n{why}" if shop.reason else ""
    await turn.show(words + reason, _keyboard(turn, shop))


def _keyboard(turn: Turn, shop: Partner) -> Keyboard:
    ways = [
        screen.button(turn, "admin.button.entries", f"shops:points:{shop.id}"),
        screen.button(turn, "admin.button.trail", f"trail:shop:{shop.id}"),
    ]
    deeds = [screen.button(turn, "admin.button.owner", f"people:card:{shop.owner_id}")]
    if shop.status == "approved":
        deeds.append(screen.button(turn, "admin.button.ban", f"act:begin:close:{shop.id}", "danger"))
    elif shop.status != "blocked":
        deeds.append(screen.button(turn, "admin.button.decide", f"moderate:one:partner:{shop.id}"))
    elif not shop.gone:
        deeds.append(screen.button(turn, "admin.button.unban", f"act:begin:reopen:{shop.id}"))
    return [ways, deeds, screen.home(turn, "shops:home")]


async def _points(turn: Turn, argument: str) -> None:
    """Show a page of a shop's operations; where it begins is a moment in microseconds and a number."""
    whose, _, rest = argument.partition(":")
    at, _, last = rest.partition(":")
    partner_id = screen.number(whose)
    moment = screen.number(at) if screen.number(at) < 1 << 52 else 0
    before = (EPOCH + timedelta(microseconds=moment), screen.number(last)) if moment and screen.number(last) else None
    await db.run(lambda conn: partners.get(conn, partner_id))
    page = await db.run(lambda conn: points.history(conn, partner_id, before=before, limit=lists.PAGE + 1))
    lines = [_operation(turn, one) for one in page[: lists.PAGE]]
    onward = ""
    if len(page) > lists.PAGE:
        end = page[lists.PAGE - 1]
        onward = f"{(end.created_at - EPOCH) // timedelta(microseconds=1)}:{end.id}"
    turned = screen.pages(turn, f"shops:points:{partner_id}", rest if before else "", onward, lists.LABELS)
    words = "\n".join(lines) or turn.text("admin.points.none")
    await turn.show(f"{turn.text('admin.points')}\n\n{words}", [*turned, screen.home(turn, f"shops:card:{partner_id}")])


def _operation(turn: Turn, one: points.Operation) -> str:
    return turn.text(
        "admin.points.line",
        at=when.short_moment(turn, one.created_at),
        kind=lists.named(turn, "points", one.kind),
        points=one.points,
        name=screen.short(one.name, 30),
        bill=turn.text("admin.points.bill", amount=one.bill_minor) if one.bill_minor else "",
    )


SCREENS: Mapping[str, Callable[[Turn, str], Awaitable[None]]] = {
    "home": _home,
    "find": _find,
    "status": _status,
    "card": _card,
    "points": _points,
}
