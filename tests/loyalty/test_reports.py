from datetime import timedelta

import pytest

from lib.loyalty import partners, reports, talk
from tests.loyalty.test_points import accrue, redeem, reverse
from tests.loyalty_lab import NOW, make_member, make_shop

SINCE, UNTIL = NOW - timedelta(days=1), NOW + timedelta(days=40)


@pytest.fixture
async def shop(conn):
    return await make_shop(conn, earn_on_rest=False)


async def test_the_figures_of_a_period(conn, shop):
    anna, boris = await make_member(conn, shop), await make_member(conn, shop)
    visit = await accrue(conn, shop, anna, 100_000)
    await accrue(conn, shop, anna, 60_000, now=NOW + timedelta(days=2))
    await redeem(conn, shop, anna, 20, bill_minor=40_000, now=NOW + timedelta(days=3))
    await reverse(conn, shop, await accrue(conn, shop, boris, 900_000, now=NOW + timedelta(days=1)))
    await talk.rate(conn, shop.id, anna.user_id, txn_id=visit.txn_id, score=10)
    await conn.execute("update ratings set created_at = %s", (NOW,))
    partner = await partners.get(conn, shop.id)
    found = await reports.summary(conn, partner, SINCE, UNTIL)
    assert (found.receipts, found.turnover_minor, found.average_bill_minor) == (3, 200_000, 66_666)
    assert (found.money_minor, found.active, found.clients, found.new_clients) == (198_000, 1, 2, 2)
    assert (found.available, found.liability_minor, found.reversals) == (60, 6_000, 1)
    assert (found.nps, found.ratings) == (100, 1)
    assert (found.buyers, found.lost, found.churn_bp) == (1, 1, 10_000)
    chart = await reports.days(conn, partner, NOW, NOW + timedelta(days=3, hours=1))
    assert [day.turnover_minor for day in chart] == [100_000, 0, 60_000, 40_000]


async def test_what_was_reversed_is_neither_given_nor_spent_nor_a_clients_habit(conn):
    shop = await make_shop(conn)
    anna = await make_member(conn, shop)
    await accrue(conn, shop, anna, 100_000, now=NOW - timedelta(days=2))
    visit = await accrue(conn, shop, anna, 100_000)
    spent = await redeem(conn, shop, anna, 20, bill_minor=100_000)
    await reverse(conn, shop, spent, by=shop.cashier)
    await reverse(conn, shop, visit, by=shop.cashier)
    partner = await partners.get(conn, shop.id)
    found = await reports.summary(conn, partner, SINCE, UNTIL)
    assert (found.issued, found.redeemed, found.reversals) == (0, 0, 2)
    [row] = await reports.staff(conn, shop.id, SINCE, UNTIL)
    assert row.reversals == 2
    boris = await make_member(conn, shop)
    await reverse(conn, shop, await accrue(conn, shop, boris, 100_000))
    assert sum(group.clients for group in await reports.groups(conn, shop.id, NOW)) == 1


async def test_an_empty_shop_has_no_shares(conn, shop):
    found = await reports.summary(conn, await partners.get(conn, shop.id), SINCE, UNTIL)
    assert (found.average_bill_minor, found.redemption_bp, found.churn_bp, found.nps) == (None, None, None, None)


async def test_clients_fall_into_groups_by_their_own_rhythm(conn, shop):
    regular, once, gone = [await make_member(conn, shop) for _ in range(3)]
    for day in range(0, 50, 10):
        await accrue(conn, shop, regular, 500_000, now=NOW + timedelta(days=day))
    await accrue(conn, shop, once, 100_000, now=NOW + timedelta(days=49))
    await accrue(conn, shop, gone, 100_000)
    found = await reports.groups(conn, shop.id, NOW + timedelta(days=50))
    assert {group.name: group.clients for group in found} == {"loyal": 1, "new": 1, "lost": 1}


async def test_who_reverses_much_stands_out(conn, shop):
    anna = await make_member(conn, shop)
    for _ in range(3):
        receipt = await accrue(conn, shop, anna, 100_000)
        await reverse(conn, shop, receipt, by=shop.cashier)
    [row] = await reports.staff(conn, shop.id, SINCE, UNTIL)
    assert (row.user_id, row.operations, row.reversals, row.odd) == (shop.cashier.id, 3, 3, "reversals")


def figures(**numbers):
    """A shop's period in which nothing happened but this."""
    nothing = dict.fromkeys(reports.ShopSummary.__dataclass_fields__, 0)
    return reports.ShopSummary(**nothing | {"minor_per_point": 100} | numbers)


def test_what_cannot_be_told_yet_is_not_nought():
    found = figures()
    assert (found.average_bill_minor, found.redemption_bp, found.churn_bp, found.nps) == (None,) * 4


@pytest.mark.parametrize(
    ("numbers", "name", "value"),
    [
        ({"receipts": 3, "turnover_minor": 200_000}, "average_bill_minor", 66_666),
        ({"available": 40, "pending": 2, "minor_per_point": 50}, "liability_minor", 2_100),
        ({"issued": 300, "redeemed": 100}, "redemption_bp", 3_333),
        ({"issued": 100, "redeemed": 150}, "redemption_bp", 15_000),  # of points given before
        ({"buyers": 8, "lost": 1}, "churn_bp", 1_250),
        ({"ratings": 3, "promoters": 2, "detractors": 1}, "nps", 33),
        ({"ratings": 3, "promoters": 0, "detractors": 2}, "nps", -67),
        ({"ratings": 4, "promoters": 1, "detractors": 1}, "nps", 0),
        ({"ratings": 5}, "nps", 0),
    ],
)
def test_the_shares_of_a_period_are_what_they_are_called(numbers, name, value):
    assert getattr(figures(**numbers), name) == value


@pytest.mark.parametrize(
    ("operations", "reversals", "one_client", "grants", "odd"),
    [
        (100, 10, 0, 0, ""),
        (100, 11, 0, 0, "reversals"),
        (9, 2, 9, 0, ""),  # too few to tell
        (10, 0, 4, 0, ""),
        (10, 0, 5, 0, "one_client"),
        (10, 3, 9, 9, "reversals"),
        (25, 0, 0, 5, ""),
        (24, 0, 0, 5, "grants"),
        (4, 0, 0, 4, ""),
        (0, 0, 0, 0, ""),
    ],
)
def test_somebody_stands_out_by_reversals_by_one_client_or_by_gifts(operations, reversals, one_client, grants, odd):
    numbers = {"operations": operations, "reversals": reversals, "one_client": one_client, "grants": grants}
    assert reports.StaffRow(1, "Вера", turnover_minor=0, given=0, **numbers).odd == odd
