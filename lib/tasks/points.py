"""Every hour, at the shops where it has become a new day: activates, expires, reminds, congratulates.

    shop by shop (checkpoint "after"): due members -> reminders -> birthdays

Messages wait for the shop's late morning. Nothing here is needed for the ledger to be right: every operation
settles its own member first.
"""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from lib import db, errors, log, retry, text
from lib.jobs.run import Run
from lib.loyalty import night, partners
from lib.people import notify
from lib.reach import reading, reminders

BACKOFF = retry.Backoff(base=timedelta(minutes=1), cap=timedelta(hours=1))
LEASE = timedelta(seconds=60)
SPARE = timedelta(seconds=20)

# To whom, through which bot, the sentence with its fields, and the buttons below it.
type Told = tuple[int, str, str, dict[str, object], notify.Ways]


async def run(run: Run) -> None:
    """Go through the shops; what time does not allow goes on in another run."""
    now = datetime.now(UTC)
    after = int(run.checkpoint.get("after", 0))
    while page := await db.run(lambda conn, start=after: night.shops(conn, now, after=start)):  # type: ignore[misc]
        for after in page:
            await _shop(after, now, run.until - SPARE)
            if datetime.now(UTC) > run.until - SPARE:
                await run.wait(datetime.now(UTC) + timedelta(seconds=1), after=after - 1)
                return
    await _invite_back(now)
    await _remind_of_baskets(now)


async def _invite_back(now: datetime) -> None:
    """Have the shops that want it write to those who have not been seen for long, once a day."""
    words = text.say(text.LANGUAGES[0], reading.AWAY)
    for partner_id in await db.run(reminders.inviting):
        shop = await db.run(lambda conn, one=partner_id: partners.get(conn, one))  # type: ignore[misc]
        made = await db.run(lambda conn, one=shop: reminders.invite_back(conn, one, now, words))  # type: ignore[misc]
        log.count("invited_back", int(made is not None))


async def _remind_of_baskets(now: datetime) -> None:
    """Remind of orders that were begun and not sent, each once as it stands."""
    for one in await db.run(lambda conn: reminders.baskets(conn, now)):
        await db.run(lambda conn, one=one: _remind_of_basket(conn, one, now))  # type: ignore[misc]


async def _remind_of_basket(conn: db.Connection, one: reminders.StaleBasket, now: datetime) -> None:
    said = await reminders.wanted(conn, one.partner_id, "cart", one.user_id)
    if said:
        shop = await partners.get(conn, one.partner_id)
        fields: dict[str, object] = {"shop": shop.title, "items": one.items}
        to, bot, key, own, below = _told(one.user_id, said, ("news.cart", "news.cart_own"), fields, shop.id)
        ways = [[("request.button.basket", f"basket:show:{shop.id}")], *below]
        once = f"cart:{one.partner_id}:{one.request_id}:{one.edition}"
        reminds = {"shop": shop.id, "kind": "cart", "request": one.request_id, "edition": one.edition}
        await notify.tell(conn, to, bot, key, own, ways, once=once, at=night.by_day(shop.tz, now), reminds=reminds)


async def _shop(partner_id: int, now: datetime, until: datetime) -> None:
    shop = await db.run(lambda conn: partners.get(conn, partner_id))
    while datetime.now(UTC) < until:
        settled = await db.run(lambda conn: night.settle(conn, partner_id, now=now))
        log.count("settled", settled)
        if settled < night.BATCH:
            break
    while datetime.now(UTC) < until and await _remind(shop, now) == night.BATCH:
        pass
    while datetime.now(UTC) < until and await _congratulate(shop, now) == night.BATCH:
        pass


async def _remind(shop: partners.Partner, now: datetime) -> int:
    """Tell a batch of clients what expires soon. Told first and marked then: a repetition tells nobody twice."""
    found = await db.run(lambda conn: night.reminders(conn, shop, now))
    for one in found:
        said = await db.run(lambda conn, one=one: reminders.wanted(conn, shop.id, "expiry", one.user_id))  # type: ignore[misc]
        if one.wants_news and said:
            day = (one.expires_at - timedelta(seconds=1)).astimezone(ZoneInfo(shop.tz))
            fields = {"shop": shop.title, "points": one.points, "day": notify.day(day)}
            once = f"expiry:{shop.id}:{one.member_id}:{one.expires_at:%Y%m%d}"
            told = _told(one.user_id, said, ("loyalty.expires_soon", "loyalty.expires_own"), fields, shop.id)
            what = {"kind": "expiry", "member": one.member_id, "expires_at": one.expires_at.isoformat()}
            await db.run(lambda conn, t=told, o=once, w=what: _tell(conn, shop, t, now, o, w))  # type: ignore[misc]
    await db.run(lambda conn: night.mark_reminded(conn, shop.id, found))
    log.count("reminded", len(found))
    return len(found)


async def _congratulate(shop: partners.Partner, now: datetime) -> int:
    """Give a batch of birthday presents; one that is refused keeps nobody else from theirs."""
    found, given = await db.run(lambda conn: night.birthdays(conn, shop, now)), 0
    for one in found:
        try:
            await db.run(lambda conn, who=one: _give(conn, shop, who, now))  # type: ignore[misc]
            given += 1
        except errors.AppError as refusal:  # blocked or gone a moment ago
            log.note(no_present=str(refusal))
    return len(found) if given else 0


async def _give(conn: db.Connection, shop: partners.Partner, one: night.Birthday, now: datetime) -> None:
    """Give a birthday's points and have it told, both or neither."""
    fields = {"shop": shop.title, "points": shop.birthday_points}
    once = f"birthday:{shop.id}:{one.member_id}:{now.astimezone(ZoneInfo(shop.tz)).year}"
    said = await reminders.wanted(conn, shop.id, "birthday", one.user_id)
    async with conn.transaction():
        await night.give_birthday(conn, shop, one.member_id, now)
        if said:
            told = _told(one.user_id, said, ("loyalty.birthday", "loyalty.birthday_own"), fields, shop.id)
            await _tell(conn, shop, told, now, once, {"kind": "birthday"})


async def _tell(
    conn: db.Connection, shop: partners.Partner, told: Told, now: datetime, once: str, what: dict[str, Any]
) -> None:
    at = night.by_day(shop.tz, now)
    await notify.tell(conn, *told, once=once, at=at, reminds={"shop": shop.id, **what})


def _told(
    user_id: int, said: reminders.ShopReminder, keys: tuple[str, str], fields: dict[str, object], shop: int
) -> Told:
    """Return what `tell` takes: our sentence or the shop's own words, and below them the press that ends these."""
    ways = [[("news.button.off", f"news:off:{shop}:{said.kind}")]]
    own = fields | ({"words": said.words} if said.words else {})
    return user_id, "client", keys[bool(said.words)], own, ways
