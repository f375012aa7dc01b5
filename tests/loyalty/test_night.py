from datetime import UTC, datetime, timedelta

import pytest

from lib import errors
from lib.loyalty import members, night, partners, points, reports
from lib.people import users
from tests.factories import refused
from tests.loyalty.test_points import accrue, redeem, reverse
from tests.loyalty_lab import NOW, make_client, make_member, make_shop


@pytest.fixture
async def shop(conn):
    return await make_shop(conn, earn_on_rest=False)


async def test_due_points_are_settled_in_batches(conn, shop):
    await partners.change(conn, shop.id, shop.owner.id, hold_days=1, expire_days=10)
    clients = [await make_member(conn, shop) for _ in range(3)]
    for client in clients:
        await accrue(conn, shop, client, 100_000)
    morning = NOW + timedelta(days=1)
    assert shop.id in await night.shops(conn, morning, after=shop.id - 1)
    assert await night.settle(conn, shop.id, limit=2, now=NOW) == 0
    assert [await night.settle(conn, shop.id, limit=2, now=morning) for _ in range(3)] == [2, 1, 0]
    assert (await points.balance(conn, shop.id, clients[0].id)) == points.Balance(50, 0)
    assert await night.settle(conn, shop.id, now=NOW + timedelta(days=13)) == 3
    assert (await points.balance(conn, shop.id, clients[0].id)) == points.Balance(0, 0)
    assert await night.shops(conn, NOW + timedelta(days=13), after=shop.id - 1) == []


async def test_summer_time_moves_no_midnight(conn):
    berlin = await make_shop(conn, tz="Europe/Berlin", hold_days=1, expire_days=1)
    client = await make_member(conn, berlin)
    receipt = await accrue(conn, berlin, client, 100_000, now=datetime(2026, 3, 28, 12, 0, tzinfo=UTC))
    assert receipt.active_at == datetime(2026, 3, 28, 23, 0, tzinfo=UTC)
    assert receipt.expires_at == datetime(2026, 3, 30, 22, 0, tzinfo=UTC)


async def test_a_client_is_reminded_once_of_what_expires_soon(conn, shop):
    await partners.change(conn, shop.id, shop.owner.id, expire_days=10)
    client = await make_member(conn, shop)
    await accrue(conn, shop, client, 100_000)
    await accrue(conn, shop, client, 60_000)
    partner = await partners.get(conn, shop.id)
    assert await night.reminders(conn, partner, NOW) == []
    soon = NOW + timedelta(days=5)
    [reminder] = await night.reminders(conn, partner, soon)
    assert (reminder.user_id, reminder.points) == (client.user_id, 80)
    await night.mark_reminded(conn, shop.id, [reminder])
    assert await night.reminders(conn, partner, soon) == []


async def test_a_birthday_brings_points_once_a_year(conn, shop):
    await partners.change(conn, shop.id, shop.owner.id, birthday_points=200)
    client = await make_member(conn, shop)
    await members.change_client(conn, client.user_id, birthday="29.02")
    partner = await partners.get(conn, shop.id)
    day = datetime(2026, 2, 28, 9, 0, tzinfo=UTC)
    assert await night.birthdays(conn, partner, day - timedelta(days=1)) == []
    [found] = await night.birthdays(conn, partner, day)
    await night.give_birthday(conn, partner, found.member_id, day)
    assert await night.birthdays(conn, partner, day) == []
    assert (await points.balance(conn, shop.id, client.id)).available == 200
    [leap] = await night.birthdays(conn, partner, datetime(2028, 2, 29, 9, 0, tzinfo=UTC))
    assert leap.member_id == client.id
    assert await night.birthdays(conn, partner, datetime(2028, 2, 28, 9, 0, tzinfo=UTC)) == []


async def test_two_accounts_of_one_person_become_one(conn, shop):
    other = await make_shop(conn)
    old = await make_member(conn, shop, phone="+79001112233")
    await members.join(conn, other.id, old.user_id, now=NOW)
    new = await make_member(conn, shop)
    early = await accrue(conn, shop, old, 100_000)
    await accrue(conn, shop, new, 60_000, now=NOW + timedelta(days=1))
    assert await members.merge(conn, old.user_id, new.user_id, now=NOW + timedelta(days=2)) == 2
    assert (await points.balance(conn, shop.id, new.id)).available == 80
    assert [batch.points for batch in await points.expiring(conn, shop.id, new.id)] == [50, 30]
    assert {card.partner_id for card in await members.cards(conn, new.user_id)} == {shop.id, other.id}
    client = await members.get_client(conn, new.user_id)
    assert client is not None
    assert client.phone == "+79001112233"
    assert [one.id for one in await members.find_by_phone(conn, shop.id, ["+79001112233"])] == [new.id]
    async with refused(conn, errors.Missing, "no_member"):
        await members.get(conn, shop.id, old.id)
    async with refused(conn, errors.Missing, "no_member"):
        await accrue(conn, shop, old, 100_000)
    back = await reverse(conn, shop, early, now=NOW + timedelta(days=3))
    assert (back.member_id, back.points, back.available) == (new.id, 50, 30)


async def test_what_one_account_owes_the_other_owes_when_they_are_one(conn, shop):
    old, new = await make_member(conn, shop), await make_member(conn, shop)
    accrual = await accrue(conn, shop, old, 100_000)
    redemption = await redeem(conn, shop, old, 50)
    assert (await reverse(conn, shop, accrual)).missing == 50
    await members.merge(conn, old.user_id, new.user_id, now=NOW + timedelta(days=1))
    back = await reverse(conn, shop, redemption, now=NOW + timedelta(days=1))
    assert (back.member_id, back.available) == (new.id, 0)


async def test_an_erased_person_leaves_the_ledger_without_a_person(conn, shop):
    client = await make_member(conn, shop)
    await accrue(conn, shop, client, 100_000)
    await redeem(conn, shop, client, 10)
    user = await users.get_user(conn, client.user_id)
    assert user is not None
    exported = await users.export(conn, user.id)
    [card] = exported["loyalty"]["cards"]
    assert card["balances"] == {"available": 40, "pending": 0}
    await users.erase(conn, user.id, user.tg_id)
    assert await members.get_client(conn, user.id) is None
    assert (await points.balance(conn, shop.id, client.id)) == points.Balance(0, 0)
    assert [one.kind for one in await points.member_history(conn, shop.id, client.id)] == [
        "expire", "redeem", "accrue",
    ]  # fmt: skip
    async with refused(conn, errors.Missing, "no_member"):
        await accrue(conn, shop, client, 100_000)
    again = await make_client(conn)
    assert (await members.join(conn, shop.id, again.id)).created


async def test_a_shop_whose_owner_was_erased_serves_nobody(conn, shop):
    await users.erase(conn, shop.owner.id, shop.owner.tg_id)
    partner = await partners.get(conn, shop.id)
    assert (partner.status, partner.reason) == ("blocked", "owner_erased")


async def test_what_is_shown_of_a_client_is_so_now_before_the_job_has_come(conn, shop):
    await partners.change(conn, shop.id, shop.owner.id, hold_days=1, expire_days=10)
    client = await make_member(conn, shop)
    await accrue(conn, shop, client, 100_000)

    async def shown(now):
        [card] = await members.cards(conn, client.user_id, now=now)
        return card.available, card.pending

    assert [await shown(NOW + timedelta(days=days)) for days in (0, 1, 13)] == [(0, 50), (50, 0), (0, 0)]
    assert await night.settle(conn, shop.id, now=NOW + timedelta(days=13)) == 0, "nothing is left to do"


async def test_one_client_is_settled_where_somebody_looks_at_them(conn, shop):
    await partners.change(conn, shop.id, shop.owner.id, expire_days=10)
    looked_at, other = await make_member(conn, shop), await make_member(conn, shop)
    for client in (looked_at, other):
        await accrue(conn, shop, client, 100_000)
    late = NOW + timedelta(days=13)
    found = await members.as_of_now(conn, await members.get(conn, shop.id, looked_at.id), now=NOW)
    assert (found.available, await points.balance(conn, shop.id, looked_at.id)) == (50, points.Balance(50, 0))
    assert (await members.as_of_now(conn, found, now=late)).available == 0
    assert (await points.expiring(conn, shop.id, looked_at.id)) == []
    assert (await points.balance(conn, shop.id, other.id)).available == 50


async def test_a_shop_is_caught_up_with_before_its_figures_are_read(conn, shop, monkeypatch):
    monkeypatch.setattr("lib.db.run", lambda work: work(conn))
    await partners.change(conn, shop.id, shop.owner.id, expire_days=10)
    for _ in range(3):
        await accrue(conn, shop, await make_member(conn, shop), 100_000)
    await night.catch_up(shop.id)  # by the real clock those days are over
    figures = await reports.summary(conn, await partners.get(conn, shop.id), NOW, NOW + timedelta(days=30))
    assert (figures.available, figures.pending) == (0, 0)
