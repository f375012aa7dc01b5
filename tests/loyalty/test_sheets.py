"""A shop's clients and operations as files: what stands in which column, and that columns add up."""

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from lib.loyalty import partners, points, reports, sheets
from lib.reach import digests, periods
from lib.tables import source
from lib.tasks import sheet
from tests.loyalty.test_points import accrue, buy, offer, redeem, reverse
from tests.loyalty_lab import NOW, make_member, make_shop
from tests.sheets_lab import table

SINCE, UNTIL = NOW - timedelta(days=1), NOW + timedelta(days=40)


@pytest.fixture
async def shop(conn):
    return await make_shop(conn, earn_on_rest=False)


async def operations(conn, shop, language="ru"):
    return await table(conn, sheets.OPERATIONS, await partners.get(conn, shop.id), SINCE, UNTIL, language)


async def clients(conn, shop, since=SINCE, until=UNTIL):
    return await table(conn, sheets.CLIENTS, await partners.get(conn, shop.id), since, until)


async def test_what_was_reversed_stands_with_the_sign_that_undoes_it(conn):
    shop = await make_shop(conn)
    anna, boris = await make_member(conn, shop), await make_member(conn, shop)
    await accrue(conn, shop, anna, 100_000, now=NOW - timedelta(days=2))
    visit = await accrue(conn, shop, anna, 100_000)
    spent = await redeem(conn, shop, anna, 20, bill_minor=100_000)
    await reverse(conn, shop, spent, by=shop.cashier)
    await reverse(conn, shop, visit, by=shop.cashier)
    await reverse(conn, shop, await accrue(conn, shop, boris, 100_000))
    _, *rows = await operations(conn, shop)
    assert [(row[2], *map(int, row[7:11])) for row in rows] == [
        *(("Начисление", 50, 0, 0, 50), ("Списание", 49, 20, 0, 29)),
        *(("Отмена", -49, -20, 0, -29), ("Отмена", -50, 0, 0, -50)),
        *(("Начисление", 50, 0, 0, 50), ("Отмена", -50, 0, 0, -50)),
    ]


async def test_the_columns_of_operations_add_up_to_the_shops_figures(conn):
    """Once a bill paid in points stood in two rows, and a bill taken back was added instead of subtracted."""
    shop = await make_shop(conn)
    anna = await make_member(conn, shop)
    await accrue(conn, shop, anna, 100_000)
    await redeem(conn, shop, anna, 20, bill_minor=100_000)
    await reverse(conn, shop, await accrue(conn, shop, anna, 70_050), by=shop.cashier)
    head, *rows = await operations(conn, shop)
    assert len(rows) == 4, "one row a bill"
    assert await sheets.OPERATIONS.number(conn, shop.id, SINCE, UNTIL) == 4, "the caption says how many there are"

    def total(column):
        return sum(float(row[head.index(column)].replace(",", ".")) for row in rows)

    found = await reports.summary(conn, await partners.get(conn, shop.id), SINCE, UNTIL)
    assert total("Чек, ₽") == 2000 == found.turnover_minor / 100
    assert total("Деньгами, ₽") == 1980 == found.money_minor / 100
    assert (total("Начислено"), total("Списано")) == (99, 20)
    balance = await points.balance(conn, shop.id, anna.id)
    assert total("Изменение баллов") == 79 == balance.available + balance.pending


async def test_the_file_says_who_handed_a_reward_out_and_an_english_owner_reads_english(conn):
    shop = await make_shop(conn)
    anna = await make_member(conn, shop, name="1-2")
    await accrue(conn, shop, anna, 1_000_000)
    bought = await buy(conn, shop, anna, await offer(conn, shop, 100), 100)
    await points.use_voucher(conn, shop.id, bought.code, shop.cashier.id, now=NOW)
    head, first, second = await operations(conn, shop, "en")
    assert head[:6] == ["Number", "When", "What", "Card", "Name", "Bill, ₽"]
    assert second[head.index("Reward handed over by")] == shop.cashier.first_name
    assert second[head.index("Points spent")] == "100"
    assert first[head.index("Bill, ₽")] == "10000.00"
    assert first[head.index("Name")] == "'1-2", "Excel must not make a date of a name"


async def test_a_file_of_many_pages_has_each_row_once_and_in_order(conn, shop, monkeypatch):
    monkeypatch.setattr(source, "PAGE", 2)
    anna = await make_member(conn, shop, name="@SUM(A1)")
    for day in range(5):
        await accrue(conn, shop, anna, 123_456, now=NOW + timedelta(days=day))
    _, *rows = await operations(conn, shop)
    assert [row[1] for row in rows] == [f"{10 + day}.03.2026 15:00" for day in range(5)]
    assert {row[4] for row in rows} == {"'@SUM(A1)"}
    assert {row[5] for row in rows} == {"1234,56"}


async def test_a_period_has_its_first_moment_and_not_its_last(conn, shop):
    anna = await make_member(conn, shop)
    for at in (SINCE - timedelta(seconds=1), SINCE, UNTIL - timedelta(seconds=1), UNTIL):
        await accrue(conn, shop, anna, 100_000, now=at)
    partner = await partners.get(conn, shop.id)
    _, *rows = await operations(conn, shop)
    assert len(rows) == 2
    assert await sheets.OPERATIONS.number(conn, partner.id, SINCE, UNTIL) == 2


async def test_clients_are_those_who_have_a_card_of_these_days(conn, shop):
    anna = await make_member(conn, shop, name="Анна", phone="+79051112233", has=7)
    left = await make_member(conn, shop, name="Ушёл")
    await conn.execute("update members set left_at = now() where id = %s", (left.id,))
    early = await make_member(conn, shop, name="Рано")
    await conn.execute("update members set joined_at = %s where id = %s", (SINCE - timedelta(days=9), early.id))
    await accrue(conn, shop, anna, 123_400)
    head, row = await clients(conn, shop)
    assert head[:4] == ["Карта", "Имя", "Телефон (последние цифры)", "Город"]
    assert row[:4] == [str(anna.card_no), "Анна", "··2233", "Казань"], "a shop sees the end of a number"
    assert row[6:] == ["1", "1234,00", "68", "0"]
    assert len(await clients(conn, shop, SINCE - timedelta(days=30))) == 3
    assert await sheets.CLIENTS.number(conn, shop.id, SINCE, UNTIL) == 1


async def test_a_shop_reads_its_own_rows_alone(conn, shop):
    other = await make_shop(conn)
    await accrue(conn, other, await make_member(conn, other), 100_000)
    assert len(await operations(conn, shop)) == 1
    assert len(await clients(conn, shop)) == 1
    assert len(await operations(conn, other)) == 2


async def test_points_that_were_spent_before_their_bill_was_taken_back_add_up_too(conn, shop):
    anna = await make_member(conn, shop)
    visit = await accrue(conn, shop, anna, 100_000)
    await redeem(conn, shop, anna, 50, bill_minor=100_000)
    await reverse(conn, shop, visit)
    await accrue(conn, shop, anna, 200_000)
    head, *rows = await operations(conn, shop)
    given, spent, change = (head.index(name) for name in ("Начислено", "Списано", "Изменение баллов"))
    assert [row[given] for row in rows] == ["50", "0", "0", "100", "-50"], "what was missing came off the next bill"
    found = await reports.summary(conn, await partners.get(conn, shop.id), SINCE, UNTIL)
    assert sum(int(row[given]) for row in rows) == 100 == found.issued
    assert sum(int(row[spent]) for row in rows) == 50 == found.redeemed
    assert sum(int(row[change]) for row in rows) == (await points.balance(conn, shop.id, anna.id)).available


@pytest.mark.parametrize("zone", ["Asia/Vladivostok", "Europe/Kaliningrad"])
async def test_a_day_ends_at_midnight_of_the_shop_in_a_digest_and_a_file_alike(conn, shop, zone):
    await conn.execute("update partners set tz = %s where id = %s", (zone, shop.id))
    anna, partner = await make_member(conn, shop), await partners.get(conn, shop.id)
    day = periods.read("d20260310", UNTIL, zone)
    for at, bill in ((day.until - timedelta(minutes=1), 10_000), (day.until, 20_000), (day.since, 40_000)):
        await accrue(conn, shop, anna, bill, now=at)
    found = await digests.read(conn, partner, day, UNTIL)
    order = sheet.SheetOrder("operations", "csv", day.first, day.last)
    _, *rows = await table(conn, sheets.OPERATIONS, partner, *order.period(ZoneInfo(zone)), "ru")
    assert [(row[1], row[5]) for row in rows] == [("10.03.2026 00:00", "400,00"), ("10.03.2026 23:59", "100,00")]
    assert found.now.turnover_minor == 50_000
    [bars] = await reports.days(conn, partner, day.since, day.until)
    assert (f"{bars.day}", bars.turnover_minor) == ("2026-03-10", 50_000)
