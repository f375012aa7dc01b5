"""What a digest says of a period, when it is due, and who gets it."""

from datetime import timedelta

import pytest

from lib import errors
from lib.jobs import table
from lib.loyalty import partners, staff
from lib.reach import choices, digests, periods, reminders
from tests import factories
from tests.loyalty.test_points import accrue, reverse
from tests.loyalty_lab import make_member
from tests.report_lab import MONDAY, ZONE, ago, at, busy_week, joined_in, old_shop, partner, week


async def read(conn, shop, period=None, now=MONDAY):
    return await digests.read(conn, await partner(conn, shop), period or week(), now)


async def test_a_week_beside_the_week_before(conn):
    found = await read(conn, await busy_week(conn))
    assert (found.now.turnover_minor, found.now.receipts, found.now.average_bill_minor) == (300_000, 4, 75_000)
    assert (found.before.turnover_minor, found.before.receipts) == (100_000, 2)
    assert (found.now.new_clients, found.now.returning_clients, found.now.active) == (1, 2, 3)
    assert (found.now.redeemed, found.now.turnover_minor - found.now.money_minor) == (50, 5_000)
    assert (found.now.ratings, found.now.nps, found.before.nps) == (1, -100, None)


async def test_its_best_day_and_hour_and_clients_are_those_of_bills_that_stand(conn):
    best = (await read(conn, await busy_week(conn))).best
    assert (f"{best.best_day}", best.best_day_minor) == ("2026-03-14", 150_000)
    assert (best.best_hour, best.best_hour_minor) == (9, 180_000)
    assert best.best_clients == [
        {"name": "Анна", "spent_minor": 220_000, "receipts": 2},
        {"name": "Вера", "spent_minor": 50_000, "receipts": 1},
        {"name": "Борис", "spent_minor": 30_000, "receipts": 1},
    ]
    assert (best.bad_score, best.bad_words) == (3, "Долго ждал\nи остыло")


async def test_a_week_of_nothing_but_reversals_is_empty(conn):
    shop = await old_shop(conn)
    anna = await joined_in(conn, shop, at(1, month=2))
    await reverse(conn, shop, await accrue(conn, shop, anna, 100_000, now=at(10)), now=at(11))
    found = await read(conn, shop)
    assert digests.is_empty(found.now)
    assert (found.best.best_day, found.best.best_hour, found.best.best_clients) == (None, None, [])


async def test_one_client_with_one_bill_is_enough(conn):
    shop = await old_shop(conn)
    await accrue(conn, shop, await make_member(conn, shop, name="Анна"), 100_000, now=at(12, 23))
    found = await read(conn, shop)
    assert (found.now.receipts, found.now.new_clients, found.now.returning_clients) == (1, 1, 0)
    assert (found.best.best_hour, f"{found.best.best_day}") == (23, "2026-03-12")


async def test_the_last_minute_of_sunday_counts_and_the_first_of_monday_does_not(conn):
    shop = await old_shop(conn)
    anna = await make_member(conn, shop)
    await accrue(conn, shop, anna, 10_000, now=at(15, 23) + timedelta(minutes=59))
    await accrue(conn, shop, anna, 20_000, now=at(16, 0))
    assert (await read(conn, shop)).now.turnover_minor == 10_000


async def test_a_client_who_was_erased_has_no_name_in_a_digest(conn):
    shop = await old_shop(conn)
    anna = await make_member(conn, shop, name="Анна")
    await accrue(conn, shop, anna, 10_000, now=at(12))
    await conn.execute("update members set left_at = now(), phone_tail = '' where id = %s", (anna.id,))
    assert (await read(conn, shop)).best.best_clients == [{"name": "", "spent_minor": 10_000, "receipts": 1}]


async def test_another_shops_figures_are_not_in_it(conn):
    await busy_week(conn)
    assert digests.is_empty((await read(conn, await old_shop(conn))).now)


async def away(conn, shop, *, agrees=True, days=61):
    one = await joined_in(conn, shop, ago(days))
    if agrees:
        await choices.choose(conn, one.user_id, shop.id, "news", wants=True, said_in="test")
    return one


async def test_it_suggests_to_write_to_those_who_stay_away_and_can_be_written_to(conn):
    shop = await old_shop(conn)
    await away(conn, shop)
    await away(conn, shop, agrees=False)
    await away(conn, shop, days=59)
    found = await read(conn, shop)
    assert (found.best.away, found.suggests) == (1, "away")


async def test_a_shop_that_invites_people_back_by_itself_is_not_told_to(conn):
    shop = await old_shop(conn)
    await away(conn, shop)
    await reminders.change(conn, shop.id, "away", is_on=True)
    assert (await read(conn, shop)).suggests == "poster"


async def test_without_new_clients_it_suggests_the_poster_and_then_a_birthday_gift(conn):
    shop = await old_shop(conn)
    assert (await read(conn, shop)).suggests == "poster"
    await make_member(conn, shop)
    assert (await read(conn, shop)).suggests == "birthday"
    await partners.change(conn, shop.id, shop.owner.id, birthday_points=100)
    assert (await read(conn, shop)).suggests == ""


async def test_an_empty_day_is_said_three_times_and_then_no_more(conn):
    shop = await old_shop(conn)
    anna = await joined_in(conn, shop, at(1, month=2))
    await accrue(conn, shop, anna, 10_000, now=at(10))
    quiet = []
    for day in range(11, 16):
        period = periods.closed("day", at(day + 1, 10), ZONE)
        quiet.append(await digests.is_quiet(conn, await read(conn, shop, period)))
    assert quiet == [False, False, False, True, True]


async def test_an_empty_week_is_always_said(conn):
    assert not await digests.is_quiet(conn, await read(conn, await old_shop(conn)))


async def test_a_new_shop_hears_of_its_first_empty_days(conn):
    shop = await old_shop(conn)
    await conn.execute("update partners set decided_at = %s where id = %s", (at(14, 9), shop.id))
    period = periods.closed("day", at(16, 10), ZONE)
    assert not await digests.is_quiet(conn, await read(conn, shop, period))


@pytest.mark.parametrize(
    ("day", "month", "kinds"),
    [
        (16, 3, {"day", "week"}),  # Monday
        (17, 3, {"day"}),
        (1, 4, {"day", "month"}),  # Wednesday
        (1, 6, {"day", "week", "month"}),  # Monday
    ],
)
def test_a_week_is_due_on_monday_and_a_month_on_the_first(day, month, kinds):
    assert digests.kinds_at(at(day, 10, month)) == kinds


async def queued(conn, shop):
    rows = await (
        await conn.execute("select key from jobs where task = 'digest' and user_id = %s order by id", (shop.owner.id,))
    ).fetchall()
    return [key.partition(f"{shop.id}:")[2] for (key,) in rows]


async def test_digests_are_queued_at_ten_where_the_shop_is_once(conn):
    moscow, vladivostok = await old_shop(conn), await old_shop(conn, tz="Asia/Vladivostok")
    await digests.choose(conn, moscow.id, moscow.owner.id, "day", wants=True)
    for hours in range(-1, 3):
        await digests.queue(conn, MONDAY + timedelta(hours=hours))
    await digests.queue(conn, MONDAY)
    assert await queued(conn, moscow) == ["d20260315", "w20260309"]
    assert await queued(conn, vladivostok) == []
    await digests.queue(conn, MONDAY - timedelta(hours=7))
    assert await queued(conn, vladivostok) == ["w20260309"]


async def test_a_blocked_shop_and_one_that_nobody_reads_of_queue_nothing(conn):
    blocked, silent = await old_shop(conn), await old_shop(conn)
    await partners.decide(conn, blocked.id, blocked.owner.id, "blocked", "жалобы")
    for kind in digests.KINDS:
        await digests.choose(conn, silent.id, silent.owner.id, kind, wants=False)
    await digests.queue(conn, MONDAY)
    assert (await queued(conn, blocked), await queued(conn, silent)) == ([], [])


async def test_shops_are_gone_through_in_pages(conn, monkeypatch):
    monkeypatch.setattr(digests, "PAGE", 1)
    first, second = await old_shop(conn), await old_shop(conn)
    after, _ = await digests.queue(conn, MONDAY, after=first.id - 1)
    assert after == first.id
    assert await queued(conn, second) == []
    await digests.queue(conn, MONDAY, after=after)
    assert await queued(conn, second) == ["w20260309"]


async def make_manager(conn, shop):
    user = await factories.make_user(conn)
    await staff.accept(conn, user.id, await staff.invite(conn, shop.id, shop.owner.id, "manager"))
    return user


async def ids(conn, shop, kind="week"):
    return [one.user_id for one in await digests.readers(conn, shop.id, kind)]


async def test_the_owner_and_the_managers_get_the_week_and_a_cashier_never(conn):
    shop = await old_shop(conn)
    olga = await make_manager(conn, shop)
    assert await ids(conn, shop) == sorted([shop.owner.id, olga.id])
    assert await ids(conn, shop, "day") == []
    with pytest.raises(errors.Denied):
        await digests.choose(conn, shop.id, shop.cashier.id, "day", wants=True)
    await staff.remove(conn, shop.id, shop.owner.id, olga.id)
    assert await ids(conn, shop) == [shop.owner.id]


async def test_a_person_shut_out_of_the_bots_gets_none(conn):
    shop = await old_shop(conn)
    await conn.execute(
        "insert into bans (mark, user_id, actor, reason) values (%s, %s, 'ops:test', 'test')",
        (b"m" * 32, shop.owner.id),
    )
    assert await ids(conn, shop) == []


async def test_a_switch_is_ones_own_and_turns_one_kind(conn):
    shop = await old_shop(conn)
    olga = await make_manager(conn, shop)
    assert await digests.choose(conn, shop.id, olga.id, "day", wants=True) == ["day", "week", "month"]
    assert await digests.choose(conn, shop.id, olga.id, "week", wants=False) == ["day", "month"]
    assert await digests.choose(conn, shop.id, olga.id, "week", wants=False) == ["day", "month"]
    assert await digests.wanted(conn, shop.id, olga.id) == ["day", "month"]
    assert await digests.wanted(conn, shop.id, shop.owner.id) == ["week", "month"]
    assert (await ids(conn, shop), await ids(conn, shop, "day")) == ([shop.owner.id], [olga.id])
    with pytest.raises(errors.Missing):
        await digests.choose(conn, shop.id, olga.id, "year", wants=True)


async def test_the_same_digest_twice_is_one_job(conn):
    shop = await old_shop(conn)
    order = digests.order(shop.id, shop.owner.id, week())
    assert [await table.create_free_jobs(conn, "digest", [order]) for _ in range(2)] == [1, 0]


async def test_hours_that_an_outage_swallowed_are_made_up_for_with_the_digests_of_then(conn):
    shop = await old_shop(conn)
    await digests.choose(conn, shop.id, shop.owner.id, "day", wants=True)
    for hours in range(0, 49):  # queued later, each for its own time
        await digests.queue(conn, MONDAY + timedelta(hours=hours))
    assert await queued(conn, shop) == ["d20260315", "w20260309", "d20260316", "d20260317"]


async def test_a_month_of_a_busy_shop_is_read_by_its_own_days(conn):
    shop = await busy_week(conn)
    march = periods.closed("month", at(1, 10, month=4), ZONE)
    found = await read(conn, shop, march, at(1, 10, month=4))
    assert (found.now.receipts, found.now.turnover_minor) == (7, 1_100_000)
    assert (found.before.receipts, digests.kind_of(march)) == (0, "month")


async def test_an_export_names_the_digests_that_one_gets(conn):
    shop = await old_shop(conn)
    await digests.choose(conn, shop.id, shop.owner.id, "day", wants=True)
    await conn.execute("select set_config('app.platform', 'on', true)")
    [(work,)] = await (await conn.execute("select export_work(%s)", (shop.owner.id,))).fetchall()
    assert [one["digests"] for one in work] == [["day", "week", "month"]]
