import asyncio
from contextlib import AsyncExitStack

import pytest

from lib import errors
from lib.loyalty import members, points
from lib.office import audit
from tests.loyalty_lab import make_client, make_member, make_shop


@pytest.fixture
async def crowd(database):
    """Eight connections at once, a shop that gives nothing for the rest of a bill, and a member with 1,000 points."""
    async with AsyncExitStack() as stack:
        conns = [await stack.enter_async_context(database.connect()) for _ in range(8)]
        shop = await make_shop(conns[0], earn_on_rest=False)
        yield conns, shop, await make_member(conns[0], shop, has=1000)
        assert [found for found in await audit.check(conns[0]) if "two days ago" not in found.check] == []


async def all_at_once(conns, work, number):
    """Do work(conn, n) for each n, as many at a time as there are connections; return results and refusals."""
    numbers = iter(range(number))

    async def lane(conn):
        done = []
        for n in numbers:
            try:
                done.append(await work(conn, n))
            except errors.AppError as error:
                done.append(error.code)
        return done

    return [one for lane_done in await asyncio.gather(*map(lane, conns)) for one in lane_done]


async def test_two_hundred_redeems_at_once_spend_what_is_there_and_no_more(crowd):
    conns, shop, member = crowd

    def redeem(conn, n):
        return points.redeem(
            conn, shop.id, member.id, shop.cashier.id, bill_minor=100_000, points=30, shown=True, key=f"redeem:{n}"
        )

    done = await all_at_once(conns, redeem, 200)
    refused = [one for one in done if isinstance(one, str)]
    assert len(done) - len(refused) == 1000 // 30
    assert set(refused) == {"short_of_points"}
    assert (await points.balance(conns[0], shop.id, member.id)).available == 1000 % 30


async def test_two_cashiers_cannot_both_spend_the_last_points(crowd):
    conns, shop, member = crowd
    done = await all_at_once(
        conns[:2],
        lambda conn, n: points.redeem(
            conn, shop.id, member.id, shop.cashier.id, bill_minor=1_000_000, points=1000, shown=True, key=f"last:{n}"
        ),
        2,
    )
    assert sorted(isinstance(one, str) for one in done) == [False, True]


async def test_a_repeated_key_acts_once_however_many_send_it(crowd):
    conns, shop, member = crowd
    done = await all_at_once(
        conns,
        lambda conn, _: points.accrue(conn, shop.id, member.id, shop.cashier.id, bill_minor=100_000, key="the same"),
        40,
    )
    assert len({receipt.txn_id for receipt in done}) == 1
    assert sum(not receipt.repeated for receipt in done) == 1
    assert (await points.balance(conns[0], shop.id, member.id)).available == 1050


async def test_one_key_for_two_members_acts_for_one(crowd):
    conns, shop, member = crowd
    other = await make_member(conns[0], shop)
    done = await all_at_once(
        conns[:2],
        lambda conn, n: points.accrue(
            conn, shop.id, (member, other)[n].id, shop.cashier.id, bill_minor=100_000, key="shared"
        ),
        2,
    )
    assert [one for one in done if isinstance(one, str)] == ["key_reused"]


async def test_a_reversal_at_many_hands_happens_once(crowd):
    conns, shop, member = crowd
    receipt = await points.accrue(conns[0], shop.id, member.id, shop.cashier.id, bill_minor=100_000, key="a")
    done = await all_at_once(
        conns,
        lambda conn, n: points.reverse(conn, shop.id, receipt.txn_id, shop.owner.id, reason="", key=f"r:{n}"),
        8,
    )
    assert sorted(one for one in done if isinstance(one, str)) == ["already_reversed"] * 7


async def test_joining_at_many_taps_makes_one_card(crowd):
    conns, shop, _ = crowd
    user = await make_client(conns[0])
    done = await all_at_once(conns, lambda conn, _: members.join(conn, shop.id, user.id), 16)
    assert len({joined.card_no for joined in done}) == 1
    assert sum(joined.created for joined in done) == 1
