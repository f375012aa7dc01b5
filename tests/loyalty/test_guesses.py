"""Mallory has a shop of her own and guesses another's numbers at every entry point: nothing is found, nothing moves."""

from datetime import timedelta

import pytest

from lib import errors
from lib.loyalty import members, offers, partners, points, referrals, staff, talk
from tests.factories import refused
from tests.loyalty.test_points import accrue
from tests.loyalty_lab import NOW, make_member, make_shop, new_key


@pytest.fixture
async def prey(conn):
    """A shop that has one of everything."""
    shop = await make_shop(conn)
    anna = await make_member(conn, shop, has=500)
    boris = await make_member(conn, shop, referrer=anna)
    receipt = await accrue(conn, shop, boris, 100_000)
    await referrals.settle(conn, shop.id, receipt.txn_id, now=NOW)
    service = await offers.add_service(conn, shop.id, shop.owner.id, title="Чай", price_points=5, category="cafe")
    await offers.decide_service(conn, shop.id, service, shop.owner.id, "approved")
    bought = await points.buy_service(
        conn, shop.id, anna.id, anna.user_id, service_id=service, price=5, key="v", now=NOW
    )
    dates = {"starts_on": NOW.date(), "ends_on": NOW.date()}
    promotion = await offers.add_promotion(conn, shop.id, shop.owner.id, kind="news", title="Весна", **dates)
    await talk.write(conn, shop.id, anna.user_id, "Привет")
    return {
        "shop": shop,
        "anna": anna,
        "receipt": receipt.txn_id,
        "service": service,
        "promotion": promotion,
        "code": bought.code,
    }


async def shape(conn, shop):
    """Return all that a thief could change at a shop."""
    found = []
    for table in (
        "point_txns",
        "point_accounts",
        "point_lots",
        "members",
        "services",
        "promotions",
        "messages",
        "staff",
    ):
        cursor = await conn.execute(f"select * from {table} where partner_id = %s order by 1, 2, 3", (shop.id,))
        found.append(await cursor.fetchall())
    return found


async def test_another_shops_numbers_find_nothing_in_ones_own(conn, prey):
    own = await make_shop(conn)
    me, shop, anna = own.owner.id, own.id, prey["anna"]
    before = await shape(conn, prey["shop"])
    guesses = [
        points.accrue(conn, shop, anna.id, me, bill_minor=100_000, key=new_key()),
        points.redeem(conn, shop, anna.id, me, bill_minor=100_000, points=1, key=new_key()),
        points.grant(conn, shop, anna.id, me, points=1, reason="", key=new_key()),
        points.reverse(conn, shop, prey["receipt"], me, reason="", key=new_key()),
        points.buy_service(conn, shop, anna.id, anna.user_id, service_id=prey["service"], price=5, key=new_key()),
        points.quote(conn, shop, anna.id, me, 100_000),
        points.get(conn, shop, prey["receipt"]),
        points.balance(conn, shop, anna.id),
        points.voucher(conn, shop, prey["code"]),
        points.use_voucher(conn, shop, prey["code"], me),
        members.get(conn, shop, anna.id),
        members.get_own(conn, shop, anna.user_id),
        members.block(conn, shop, me, anna.id),
        offers.get_promotion(conn, shop, prey["promotion"]),
        offers.get_service(conn, shop, prey["service"]),
        offers.change_service(conn, shop, me, prey["service"], price_points=1),
        offers.show_promotion(conn, shop, me, prey["promotion"], shown=False),
        offers.decide_promotion(conn, shop, prey["promotion"], me, "approved"),
        referrals.review(conn, shop, prey["receipt"], 1, me, pays=True),
        talk.rate(conn, shop, anna.user_id, txn_id=prey["receipt"], score=0),
        talk.write(conn, shop, anna.user_id, "Привет"),
        talk.reply(conn, shop, anna.id, me, "Привет"),
    ]
    for guess in guesses:
        async with refused(conn, errors.Missing):
            await guess
    lists = [
        points.member_history(conn, shop, anna.id),
        points.expiring(conn, shop, anna.id),
        points.vouchers(conn, shop, anna.id),
        points.history(conn, shop),
        members.search(conn, shop, anna.phone_tail),
        members.search(conn, shop, "Анна"),
        members.recent(conn, shop),
        members.list_all(conn, shop),
        talk.messages(conn, shop, member_id=anna.id),
        talk.ratings(conn, shop),
        referrals.held(conn, shop),
        referrals.rewards(conn, shop, anna.id),
    ]
    assert [await found for found in lists] == [[]] * len(lists)
    assert await members.find_by_card(conn, shop, anna.card_no) is None
    assert await shape(conn, prey["shop"]) == before


async def test_who_does_not_work_at_a_shop_does_nothing_in_it(conn, prey):
    mallory, shop, anna = (await make_shop(conn)).owner.id, prey["shop"].id, prey["anna"]
    before = await shape(conn, prey["shop"])
    dates = {"starts_on": NOW.date(), "ends_on": NOW.date() + timedelta(days=1)}
    guesses = [
        points.accrue(conn, shop, anna.id, mallory, bill_minor=100_000, key=new_key()),
        points.redeem(conn, shop, anna.id, mallory, bill_minor=100_000, points=1, key=new_key()),
        points.grant(conn, shop, anna.id, mallory, points=1, reason="", key=new_key()),
        points.reverse(conn, shop, prey["receipt"], mallory, reason="", key=new_key()),
        points.use_voucher(conn, shop, prey["code"], mallory, now=NOW),
        partners.change(conn, shop, mallory, earn_bp=5000),
        members.block(conn, shop, mallory, anna.id),
        staff.get(conn, shop, mallory),
        staff.invite(conn, shop, mallory, "cashier"),
        staff.remove(conn, shop, mallory, prey["shop"].cashier.id),
        staff.move(conn, shop, mallory, prey["shop"].cashier.id, "Омск"),
        offers.add_service(conn, shop, mallory, title="Чай", price_points=1, category="cafe"),
        offers.change_service(conn, shop, mallory, prey["service"], price_points=1),
        offers.add_promotion(conn, shop, mallory, kind="news", title="Весна", **dates),
        offers.show_promotion(conn, shop, mallory, prey["promotion"], shown=False),
        offers.set_tiers(conn, shop, mallory, [offers.Tier("Все", 0, 5000)]),
        referrals.review(conn, shop, prey["receipt"], 1, mallory, pays=True),
    ]
    for guess in guesses:
        async with refused(conn, errors.Denied):
            await guess
    async with refused(conn, errors.Missing):
        await talk.reply(conn, shop, anna.id, mallory, "Привет")
    async with refused(conn, errors.Missing):
        await points.buy_service(
            conn, shop, anna.id, mallory, service_id=prey["service"], price=5, key=new_key(), now=NOW
        )
    assert await shape(conn, prey["shop"]) == before
