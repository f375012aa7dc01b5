"""When a shop is open: what is told now, and the hours as they are typed, for the week or for days that differ.

hours:home -> typed -> kept · plain: without the days that differ · zone -> the rules' own question
"""

from dataclasses import replace
from zoneinfo import ZoneInfo

from lib import clock, db, errors
from lib.assistant import about
from lib.flows.partner import workplace
from lib.loyalty import hours, partners
from lib.loyalty.hours import OpeningHours
from lib.loyalty.partners import Partner
from lib.loyalty.staff import Staff
from lib.telegram import screen
from lib.telegram.dispatch import Turn


async def handle(turn: Turn) -> None:
    """Show the hours, or keep those that were typed."""
    place = await workplace.at_work(turn, manages=True)
    if place is None:
        return
    action, _ = screen.pressed(turn)
    if turn.came.kind == "text" and turn.state.step == "hours:typed":
        await _typed(turn, place)
    elif action == "plain":
        await _plain(turn, place)
    else:
        await _home(turn, place)


async def _now(place: Staff) -> tuple[Partner, OpeningHours]:
    shop = await db.run(lambda conn: partners.get(conn, place.partner_id))
    return shop, await db.run(lambda conn: partners.opening_hours(conn, place.partner_id))


async def _home(turn: Turn, place: Staff, note: str = "") -> None:
    turn.state.step = "hours:typed"
    shop, told = await _now(place)
    local = clock.now().astimezone(ZoneInfo(shop.tz)).replace(tzinfo=None)
    zone = turn.text(f"zone.{shop.tz.partition('/')[2].lower()}") if shop.tz in partners.ZONES else shop.tz
    head = turn.text("partner.hours.home", title=shop.title)
    now = (
        [about.week(turn.language, told, local.date()), about.now_line(turn.language, told, local)] if told.week else []
    )
    how = turn.text("partner.hours.how", zone=zone)
    rows = [
        [
            screen.button(turn, "partner.button.tz", "rules:edit:tz"),
            screen.button(turn, "partner.button.address", "rules:edit:address"),
        ]
    ]
    if told.days:
        rows.append([screen.button(turn, "partner.button.hours_plain", "hours:plain")])
    await turn.show(screen.paragraphs(note, head, *now, how), [*rows, screen.home(turn, "rules:home")])


async def _typed(turn: Turn, place: Staff) -> None:
    shop, told = await _now(place)
    today = clock.now().astimezone(ZoneInfo(shop.tz)).date()
    try:
        await _save(turn, place, hours.parse(turn.came.text, told, today))
    except errors.AppError as error:
        await _home(turn, place, workplace.refusal(turn, error))
        return
    await _home(turn, place, turn.text("partner.hours.saved"))


async def _plain(turn: Turn, place: Staff) -> None:
    _, told = await _now(place)
    await _save(turn, place, replace(told, days={}))
    await _home(turn, place, turn.text("partner.hours.saved"))


async def _save(turn: Turn, place: Staff, told: OpeningHours) -> None:
    actor, stored = turn.state.who["id"], hours.dump(told)
    await db.run(lambda conn: partners.change(conn, place.partner_id, actor, hours=stored))
