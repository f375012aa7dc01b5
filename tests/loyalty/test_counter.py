"""The counter without a chat: what an operation does, and what the client is told of it, once."""

from datetime import UTC, datetime, timedelta

import pytest

from lib import db
from lib.loyalty import counter, members, staff
from tests import loyalty_lab as lab


@pytest.fixture
async def conn(database):
    async with database.connect() as conn:  # as the product has it: each statement for itself
        yield conn


@pytest.fixture
async def shop(conn):
    return await lab.make_shop(conn)


@pytest.fixture
def statements(monkeypatch):
    """Note the name of every statement."""
    names = []
    execute = db.Query._execute

    async def noted(self, *args):
        names.append(self.name)
        return await execute(self, *args)

    monkeypatch.setattr(db.Query, "_execute", noted)
    return names


async def told(conn, user_id):
    cursor = await conn.execute(
        "select args ->> 'key' from jobs where task = 'tell' and user_id = %s order by id", (user_id,)
    )
    return [key for (key,) in await cursor.fetchall()]


async def test_a_bill_tells_the_client_and_asks_once_how_it_was(conn, shop):
    member = await lab.make_member(conn, shop)
    at = await staff.get(conn, shop.id, shop.cashier.id)
    for key, bill_minor in (("a", 100_000), ("a", 100_000), ("b", 110_000)):
        await counter.accrue(conn, at, member.id, bill_minor=bill_minor, nonce="", key=key)
    assert await told(conn, member.user_id) == ["partner.push.accrued", "partner.push.rate", "partner.push.accrued"]


async def test_points_on_hold_are_told_with_their_day(conn):
    shop = await lab.make_shop(conn, hold_days=7)
    member = await lab.make_member(conn, shop)
    at = await staff.get(conn, shop.id, shop.cashier.id)
    await counter.accrue(conn, at, member.id, bill_minor=100_000, nonce="", key="a")
    assert (await told(conn, member.user_id))[0] == "partner.push.accrued_later"


async def test_a_part_paid_in_points_and_its_reversal_are_told(conn):
    shop = await lab.make_shop(conn, confirm_spending=False)
    member = await lab.make_member(conn, shop, has=100)
    at = await staff.get(conn, shop.id, shop.cashier.id)
    done = await counter.redeem(conn, at, member.id, bill_minor=100_000, spend=100, nonce="", key="a")
    await counter.reverse(conn, await shop_owner(conn, shop), done.txn_id, reason="возврат", key="b")
    assert await told(conn, member.user_id) == ["partner.push.redeemed", "partner.push.reversed"]
    await counter.accrue(conn, at, member.id, bill_minor=100_000, nonce="", key="c")
    assert (await told(conn, member.user_id))[-1] == "partner.push.rate", "the next visit is asked about"


async def test_an_operation_reads_neither_the_shop_nor_the_client_before_the_ledger_does(conn, statements):
    shop = await lab.make_shop(conn, confirm_spending=False)
    member = await lab.make_member(conn, shop, has=100)
    at = await staff.get(conn, shop.id, shop.cashier.id)
    await counter.accrue(conn, at, member.id, bill_minor=100_000, nonce="", key="a")
    statements.clear()
    await counter.accrue(conn, at, member.id, bill_minor=110_000, nonce="", key="b")
    assert statements == ["accrue", "create_free_jobs", "ask"]
    statements.clear()
    await counter.redeem(conn, at, member.id, bill_minor=120_000, spend=100, nonce="", key="c")
    assert statements == ["redeem", "create_free_jobs", "ask"]


async def shop_owner(conn, shop):
    return await staff.get(conn, shop.id, shop.owner.id)


async def questions(conn, user_id):
    cursor = await conn.execute(
        "select key from jobs where args ->> 'key' = 'partner.push.rate' and user_id = %s order by id", (user_id,)
    )
    return [int(key.rpartition(":")[2]) for (key,) in await cursor.fetchall()]


async def bill(conn, shop, member, key, now):
    at = await staff.get(conn, shop.id, shop.cashier.id)
    return await counter.accrue(conn, at, member.id, bill_minor=100_000, nonce="", key=key, now=now)


async def test_a_client_is_asked_once_in_two_weeks_counted_from_the_last_question(conn, shop):
    member = await lab.make_member(conn, shop)
    begin = datetime(2026, 3, 11, 23, 59, tzinfo=UTC)  # a minute before the epoch's fortnights change
    days = {0: True, 1: False, 13: False, 14: True, 27: False, 28: True}
    visits = [await bill(conn, shop, member, f"k{day}", begin + timedelta(days=day)) for day in days]
    asked = [visit.txn_id for visit, due in zip(visits, days.values(), strict=True) if due]
    assert await questions(conn, member.user_id) == asked


async def test_taking_a_visit_back_takes_its_own_question_only(conn, shop):
    member = await lab.make_member(conn, shop)
    first = await bill(conn, shop, member, "k1", lab.NOW)
    second = await bill(conn, shop, member, "k2", lab.NOW + timedelta(days=1))
    await counter.reverse(conn, await shop_owner(conn, shop), second.txn_id, reason="-", key="r2")
    assert await questions(conn, member.user_id) == [first.txn_id]
    await counter.reverse(conn, await shop_owner(conn, shop), first.txn_id, reason="-", key="r1")
    assert await questions(conn, member.user_id) == []
    third = await bill(conn, shop, member, "k3", lab.NOW + timedelta(days=2))
    assert await questions(conn, member.user_id) == [third.txn_id], "who was not asked may be asked"


async def test_a_question_that_was_sent_counts_though_its_visit_is_taken_back(conn, shop):
    member = await lab.make_member(conn, shop)
    first = await bill(conn, shop, member, "k1", lab.NOW)
    await conn.execute(
        "update jobs set state = 'cancelled', finished_at = now() where key = %s",
        (f"tell:rate:{shop.id}:{first.txn_id}",),
    )  # it is no longer in the line
    await counter.reverse(conn, await shop_owner(conn, shop), first.txn_id, reason="-", key="r1")
    await bill(conn, shop, member, "k2", lab.NOW + timedelta(days=1))
    assert await questions(conn, member.user_id) == []


async def test_two_cards_of_one_person_become_one_with_the_later_question(conn, shop):
    anna, other = await lab.make_member(conn, shop), await lab.make_member(conn, shop)
    await bill(conn, shop, anna, "k1", lab.NOW)
    await bill(conn, shop, other, "k2", lab.NOW + timedelta(days=10))
    await members.merge(conn, other.user_id, anna.user_id)
    await bill(conn, shop, anna, "k3", lab.NOW + timedelta(days=15))
    assert len(await questions(conn, anna.user_id)) == 1
