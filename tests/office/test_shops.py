"""Shops as administrators judge them: what waits, who decides first, what the owner is told, the numbers."""

from datetime import date, timedelta

import pytest

from lib import errors
from lib.loyalty import offers, partners, points
from lib.office import pulse, shops
from lib.people import users
from lib.reach import broadcasts
from tests.factories import make_job, make_user, refused
from tests.loyalty_lab import NOW, make_member, make_service, make_shop, new_key

TODAY = date.today()


@pytest.fixture
async def shop(conn):
    return await make_shop(conn)


async def service(conn, shop, title="Кофе"):
    return await offers.add_service(conn, shop.id, shop.owner.id, title=title, price_points=50, category="cafe")


async def promotion(conn, shop):
    days = {"starts_on": TODAY, "ends_on": TODAY + timedelta(days=7)}
    fields = {"title": "Двойные", "kind": "multiplier", "multiplier_bp": 20000}
    return await offers.add_promotion(conn, shop.id, shop.owner.id, **fields, **days)


async def made(conn, shop, kind):
    """Return something of the shop that waits for a decision."""
    if kind == "partner":
        await conn.execute("update partners set status = 'pending' where id = %s", (shop.id,))
        return shop.id
    return await (service if kind == "service" else promotion)(conn, shop)


async def decide(conn, kind, shop, thing_id, status="approved", **more):
    wanted = {"actor_id": shop.cashier.id, "status": status, "was": "pending", "key": new_key()}
    await shops.decide(conn, kind, shop.id, thing_id, **wanted | more)


async def told(conn, shop, person=None):
    cursor = await conn.execute(
        "select args ->> 'key', args -> 'fields' from jobs where task = 'tell' and user_id = %s order by id",
        ((person or shop.owner).id,),
    )
    return await cursor.fetchall()


async def test_what_waits_is_counted_and_listed_oldest_first(conn, shop):
    before = await shops.to_decide(conn)
    assert (before.partners, before.services, before.promotions) == (0, 0, 0)
    names = [await service(conn, shop, title) for title in ("Кофе", "Чай")]
    await promotion(conn, shop)
    applied = await partners.apply(conn, shop.owner.id, title="Лавка", city="Псков", category="cafe")
    news = await broadcasts.draft(conn, shop.id, shop.owner.id, words="Сегодня пироги")
    await broadcasts.send(conn, news, news.version, shop.owner.id, NOW)
    assert await shops.to_decide(conn) == shops.PendingDecisions(1, 2, 1, 1)
    assert [one.id for one in await shops.waiting(conn, "service")] == names
    assert [one.id for one in await shops.waiting(conn, "service", after=names[0])] == names[1:]
    assert [one.title for one in await shops.waiting(conn, "promotion")] == ["Двойные"]
    assert [one.id for one in await shops.waiting(conn, "partner")] == [applied]


async def test_what_a_shop_has_left_behind_waits_for_nobody(conn, shop):
    await service(conn, shop)
    await promotion(conn, shop)
    await users.erase(conn, shop.owner.id, shop.owner.tg_id)
    assert await shops.to_decide(conn) == shops.PendingDecisions(0, 0, 0)
    for kind in shops.KINDS:
        assert await shops.waiting(conn, kind) == []


@pytest.mark.parametrize("kind", shops.KINDS)
async def test_a_decision_is_made_once_and_the_owner_hears_it(conn, shop, kind):
    thing_id = await made(conn, shop, kind)
    thing = await shops.get(conn, kind, shop.id, thing_id)
    await decide(conn, kind, shop, thing_id, mark=shops.seen(thing))
    async with refused(conn, errors.Conflict, "decided_already"):
        await decide(conn, kind, shop, thing_id, "rejected", mark=shops.seen(thing), reason="Нет")
    assert (await shops.get(conn, kind, shop.id, thing_id)).status == "approved"
    assert await told(conn, shop) == [(f"admin.tell.{kind}.approved", {"title": thing.title})]


@pytest.mark.parametrize("kind", shops.KINDS)
async def test_a_refusal_says_why(conn, shop, kind):
    thing_id = await made(conn, shop, kind)
    await decide(conn, kind, shop, thing_id, "rejected", reason="Нет фото")
    [(key, fields)] = await told(conn, shop)
    assert (key, fields["reason"]) == (f"admin.tell.{kind}.rejected", "Нет фото")
    assert (await shops.get(conn, kind, shop.id, thing_id)).reason == "Нет фото"


@pytest.mark.parametrize("kind", shops.KINDS)
async def test_words_that_changed_meanwhile_are_not_decided_on(conn, shop, kind):
    thing_id = await made(conn, shop, kind)
    seen = shops.seen(await shops.get(conn, kind, shop.id, thing_id))
    await conn.execute(f"update {kind}s set about = 'Ставки' where id = %s", (thing_id,))
    async with refused(conn, errors.Conflict, "words_changed"):
        await decide(conn, kind, shop, thing_id, mark=seen)
    assert (await shops.get(conn, kind, shop.id, thing_id)).status == "pending"
    assert await told(conn, shop) == []


async def test_a_shop_that_is_let_in_again_reads_so(conn, shop):
    for status, was in (("blocked", "approved"), ("approved", "blocked")):
        await decide(conn, "partner", shop, shop.id, status, was=was, reason="Жалобы" if status == "blocked" else "")
    assert [key for key, _ in await told(conn, shop)] == [
        "admin.tell.partner.blocked",
        "admin.tell.partner.approved.again",
    ]


async def test_the_team_of_a_shop_hears_once_that_it_is_shut_and_that_it_is_open_again(conn, shop):
    acts = [
        {"status": "blocked", "was": "approved", "reason": "Жалобы", "key": "shut"},
        {"status": "approved", "was": "blocked", "key": "open"},
    ]
    for act in acts:
        await decide(conn, "partner", shop, shop.id, **act)
        async with refused(conn, errors.Conflict, "decided_already"):
            await decide(conn, "partner", shop, shop.id, **act)
    assert await told(conn, shop, shop.cashier) == [
        ("admin.tell.partner.blocked.team", {"title": "Кофейня"}),
        ("admin.tell.partner.approved.again", {"title": "Кофейня"}),
    ]


async def test_a_decision_about_a_reward_concerns_the_owner_alone(conn, shop):
    await decide(conn, "service", shop, await service(conn, shop))
    assert await told(conn, shop, shop.cashier) == []


async def test_a_thing_of_another_shop_is_missing(conn, shop):
    other = await make_shop(conn)
    thing_id = await service(conn, other)
    async with refused(conn, errors.Missing):
        await decide(conn, "service", shop, thing_id)
    async with refused(conn, errors.Missing, "no_partner"):
        await shops.get(conn, "partner", 0, 0)


async def test_a_shop_in_numbers(conn):
    shop = await make_shop(conn, hold_days=3)
    assert await shops.facts(conn, shop.id) == shops.Facts(0, 2, 0, 0, None)
    anna, boris = await make_member(conn, shop, has=70), await make_member(conn, shop)
    done = await points.accrue(
        conn, shop.id, anna.id, shop.cashier.id, bill_minor=100_000, key=new_key(), now=NOW + timedelta(hours=1)
    )
    await users.erase(conn, boris.user_id, boris.tg_id)
    assert await shops.facts(conn, shop.id) == shops.Facts(1, 2, 70, 50, done.created_at)


async def test_all_shops_in_numbers_and_what_their_points_are_worth(conn):
    one, two = await make_shop(conn), await make_shop(conn, minor_per_point=50)
    await make_member(conn, one, has=10)
    spender = await make_member(conn, two, has=100)
    what = {"service_id": await make_service(conn, two, price=60), "price": 60, "key": new_key()}
    await points.buy_service(conn, two.id, spender.id, spender.user_id, **what)
    assert await shops.figures(conn) == shops.ShopsFigures(2, 0, 2, 10 * 100 + 40 * 50)
    await partners.decide(conn, two.id, two.owner.id, "blocked")
    assert await shops.figures(conn) == shops.ShopsFigures(1, 1, 2, 10 * 100 + 40 * 50)


async def test_the_platform_in_numbers(conn):
    before = await pulse.figures(conn)
    alice, bob, old = [await make_user(conn, credits=credits) for credits in (5, 2, 0)]
    await conn.execute("update users set created_at = now() - interval '8 days' where id = %s", (old.id,))
    await conn.execute("update users set seen_at = now() - interval '25 hours' where id = %s", (bob.id,))
    await make_job(conn, alice, price=3)
    await users.erase(conn, bob.id, bob.tg_id)
    now = await pulse.figures(conn)
    grown = {name: value - vars(before)[name] for name, value in vars(now).items() if value != vars(before)[name]}
    assert grown == {"people": 2, "people_week": 1, "seen_day": 2, "unspent": 4}
