"""The trail of what was done by hand, newest first: of all, of one area, or about one person, job or letter.

trail:list[:<area or all>[:<before>]] · trail:of:<kind>.<id>[:<before>] · trail:shop:<id, 0 for all>[:<before>]
"""

from lib import db
from lib.flows import when
from lib.flows.admin import lists
from lib.loyalty import partners
from lib.office import trail
from lib.telegram import screen
from lib.telegram.client import Button, Keyboard
from lib.telegram.dispatch import Turn

SUBJECTS = {"user": "people:card:{}", "job": "queue:job:{}", "letter": "letters:one:{}"}


async def handle(turn: Turn) -> None:
    """Show a page."""
    action, argument = screen.pressed(turn)
    what, _, before = argument.partition(":")
    kind, _, one = what.partition(".")
    if action == "of" and kind in SUBJECTS and screen.number(one):
        words, rows = await _page(
            turn, f"trail:of:{what}", screen.number(before) or None, subject=f"{kind} {screen.number(one)}"
        )
        home = SUBJECTS[kind].format(screen.number(one))
    elif action == "shop" and screen.number(what):
        words, rows = await _shop_page(turn, screen.number(what), screen.number(before) or None)
        home = f"shops:card:{screen.number(what)}"
    elif action == "shop":
        words, rows = await _shop_page(turn, 0, screen.number(before) or None)
        rows, home = [*_areas(turn, "shops"), *rows], "menu:home"
    else:
        area = what if what in trail.AREAS else "all"
        words, rows = await _page(turn, f"trail:list:{area}", screen.number(before) or None, area=area)
        rows, home = [*_areas(turn, area), *rows], "menu:home"
    await turn.show(words, [*rows, screen.home(turn, home)])


async def _page(turn: Turn, place: str, before: int | None, **narrow: str) -> tuple[str, Keyboard]:
    found = await db.run(lambda conn: trail.read(conn, before=before, limit=lists.PAGE + 1, **narrow))
    names = await db.run(lambda conn: trail.names(conn, [deed.actor for deed in found]))
    lines = [_line(turn, deed, names.get(deed.actor, deed.actor)) for deed in found[: lists.PAGE]]
    rows = screen.pages(
        turn, place, before, found[lists.PAGE - 1].id if len(found) > lists.PAGE else None, lists.LABELS
    )
    words = screen.paragraphs(*lines) or turn.text(
        "admin.trail.none" if "subject" in narrow else "admin.trail.none.list"
    )
    return f"{turn.text('admin.trail')}\n\n{words}", rows


def _line(turn: Turn, deed: trail.Deed, actor: str) -> str:
    kind, _, one = deed.subject.partition(" ")
    return turn.text(
        "admin.trail.line",
        at=when.short_moment(turn, deed.at),
        actor=actor,
        action=lists.named(turn, "deed", deed.action),
        subject=f"{lists.named(turn, 'subject', kind)} {one}",
        reason=screen.short(deed.reason, 120),
    )


async def _shop_page(turn: Turn, partner_id: int, before: int | None) -> tuple[str, Keyboard]:
    """Return a page of what was done about one shop, or about all of them."""
    one = partner_id or None
    deeds = await db.run(lambda conn: partners.trail(conn, partner_id=one, before=before, limit=lists.PAGE + 1))
    lines = [
        turn.text(
            "admin.trail.line",
            at=when.short_moment(turn, deed.created_at),
            actor=deed.actor or "—",
            action=lists.named(turn, "deed", deed.action),
            subject=(deed.subject if one else screen.short(deed.title, 60)) or "—",
            reason=screen.short(str((deed.after or {}).get("reason", "")), 120),
        ).rstrip()
        for deed in deeds[: lists.PAGE]
    ]
    onward = deeds[lists.PAGE - 1].id if len(deeds) > lists.PAGE else None
    rows = screen.pages(turn, f"trail:shop:{partner_id}", before, onward, lists.LABELS)
    words = screen.paragraphs(*lines) or turn.text("admin.trail.none.shop")
    return f"{turn.text('admin.trail.shop' if one else 'admin.trail')}\n\n{words}", rows


def _areas(turn: Turn, chosen: str) -> Keyboard:
    buttons = [
        Button(("• " if area == chosen else "") + turn.text(f"admin.area.{area}"), f"trail:list:{area}")
        for area in ("all", *trail.AREAS)
    ]
    shops = ("• " if chosen == "shops" else "") + turn.text("admin.area.shops")
    buttons.append(Button(shops, "trail:shop:0"))
    return screen.in_rows(buttons)
