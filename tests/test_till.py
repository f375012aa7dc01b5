"""The counter without a chat: what an operation does, and what the client is told of it, once."""

import pytest

from lib import till
from lib.loyalty import partners
from tests import loyalty_lab as lab


@pytest.fixture
async def conn(database):
    async with database.connect() as conn:  # as the product has it: each statement for itself
        yield conn


@pytest.fixture
async def shop(conn):
    return await lab.make_shop(conn)


async def told(conn, user_id):
    cursor = await conn.execute(
        "select args ->> 'key' from jobs where task = 'tell' and user_id = %s order by id", (user_id,)
    )
    return [key for (key,) in await cursor.fetchall()]


async def test_a_bill_tells_the_client_and_asks_once_how_it_was(conn, shop):
    member = await lab.make_member(conn, shop)
    row = await partners.get(conn, shop.id)
    for key in ("a", "a", "b"):
        await till.accrue(conn, row, member.id, shop.cashier.id, bill_minor=100_000, nonce="", key=key)
    assert await told(conn, member.user_id) == ["partner.push.accrued", "partner.push.rate", "partner.push.accrued"]


async def test_points_on_hold_are_told_with_their_day(conn):
    shop = await lab.make_shop(conn, hold_days=7)
    member = await lab.make_member(conn, shop)
    row = await partners.get(conn, shop.id)
    await till.accrue(conn, row, member.id, shop.cashier.id, bill_minor=100_000, nonce="", key="a")
    assert (await told(conn, member.user_id))[0] == "partner.push.accrued_later"


async def test_a_part_paid_in_points_and_its_reversal_are_told(conn, shop):
    member = await lab.make_member(conn, shop, has=100)
    row = await partners.get(conn, shop.id)
    done = await till.redeem(conn, row, member.id, shop.cashier.id, bill_minor=100_000, spend=100, nonce="", key="a")
    await till.reverse(conn, row, done.txn_id, shop.owner.id, reason="возврат", key="b")
    assert await told(conn, member.user_id) == ["partner.push.redeemed", "partner.push.reversed"]
    await till.accrue(conn, row, member.id, shop.cashier.id, bill_minor=100_000, nonce="", key="c")
    assert (await told(conn, member.user_id))[-1] == "partner.push.rate", "the next visit is asked about"
