import asyncio
import functools
from contextlib import AsyncExitStack
from datetime import timedelta

import pytest

from lib import errors
from lib.loyalty import members, points, referrals
from lib.office import audit
from lib.people import notify, users
from tests.factories import make_user
from tests.loyalty_lab import NOW, make_client, make_member, make_shop


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


async def waits(conn, other):
    """Wait until a connection waits for a lock."""
    asked = "select wait_event_type = 'Lock' from pg_stat_activity where pid = %s"
    async with asyncio.timeout(60):
        while not (await (await conn.execute(asked, (other.info.backend_pid,))).fetchone())[0]:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def circle(conn):
    """Return a shop, and the cards of two people who have invited each other, as one came back with a second account.

    Anna invited Boris, Boris the other Anna, and her accounts became one: each buys, and is paid for by the other.
    """
    shop = await make_shop(conn, referral_levels=2, referral_bp=[1000, 500, 0])
    anna = await make_member(conn, shop)
    boris = await make_member(conn, shop, referrer=anna)
    again = await make_member(conn, shop, referrer=boris)
    bought = [
        await points.accrue(conn, shop.id, one.id, shop.cashier.id, bill_minor=100_000, key=f"bought:{one.id}")
        for one in (anna, boris, again)
    ]
    await members.merge(conn, anna.user_id, again.user_id)
    return shop, anna, bought


@pytest.mark.parametrize("returned", [False, True])
async def test_two_returns_of_people_who_invited_each_other_wait_in_one_order(crowd, returned):
    conns, _, _ = crowd
    shop, anna, (_, by_boris, by_anna) = await circle(conns[0])
    if returned:
        for one in (by_boris, by_anna):
            await referrals.settle(conns[0], shop.id, one.txn_id)
            await points.reverse(conns[0], shop.id, one.txn_id, shop.owner.id, reason="", key=f"back:{one.txn_id}")
    async with conns[0].transaction():  # an act that comes to the card in the middle stops there
        await conns[0].execute("select set_config('app.tenant', %s, true)", (str(shop.id),))
        await conns[0].execute("select lock_member(%s, %s)", (shop.id, anna.id))
        first = asyncio.create_task(referrals.settle(conns[1], shop.id, by_boris.txn_id))
        await waits(conns[7], conns[1])
        second = asyncio.create_task(referrals.settle(conns[2], shop.id, by_anna.txn_id))
        await waits(conns[7], conns[2])
    assert await asyncio.gather(first, second) == [1, 1]


async def test_a_return_with_a_merged_card_meets_a_reward_and_neither_waits_in_a_circle(crowd):
    conns, _, _ = crowd
    shop, anna, (early, by_boris, by_anna) = await circle(conns[0])
    async with conns[0].transaction():
        await conns[0].execute("select lock_member(%s, %s)", (shop.id, anna.id))
        reward = asyncio.create_task(referrals.settle(conns[1], shop.id, by_boris.txn_id))
        await waits(conns[7], conns[1])
        back = asyncio.create_task(
            points.reverse(conns[2], shop.id, early.txn_id, shop.owner.id, reason="", key="back")
        )
        await waits(conns[7], conns[2])
        other = asyncio.create_task(referrals.settle(conns[3], shop.id, by_anna.txn_id))
        await waits(conns[7], conns[3])
    rewards, receipt, others = await asyncio.gather(reward, back, other)
    assert (rewards, receipt.points, others) == (1, 50, 1)


@pytest.mark.parametrize("joins_first", [True, False])
async def test_a_return_that_meets_the_next_account_leaves_it_the_debt(crowd, joins_first):
    conns, shop, _ = crowd
    anna = await make_member(conns[0], shop)
    ids = (shop.id, anna.id, shop.cashier.id)
    bought = await points.accrue(conns[0], *ids, bill_minor=100_000, key="bought")
    await points.redeem(conns[0], *ids, bill_minor=100_000, points=50, shown=True, key="spent")
    person = await users.get_user(conns[0], anna.user_id)
    await users.erase(conns[0], person.id, person.tg_id)
    again = await make_user(conns[0], tg_id=person.tg_id)
    await members.register(conns[0], again.id, name="Анна", city="Казань", phone="+79017600001")

    def join():
        return members.join(conns[1], shop.id, again.id)

    def back():
        return points.reverse(conns[2], shop.id, bought.txn_id, shop.owner.id, reason="", key="back")

    async with conns[0].transaction():
        await conns[0].execute("select lock_member(%s, %s)", (shop.id, anna.id))
        begun = []
        for work, conn in sorted([(join, conns[1]), (back, conns[2])], key=lambda one: (one[0] is join) != joins_first):
            begun.append(asyncio.create_task(work()))
            await waits(conns[7], conn)
    joined, receipt = sorted(await asyncio.gather(*begun), key=lambda done: hasattr(done, "missing"))
    assert receipt.missing == 50
    assert (await members.get(conns[0], shop.id, joined.member_id)).owed == 50


@pytest.mark.parametrize("joins_first", [True, False])
@pytest.mark.parametrize("who", ["old", "new"])
async def test_a_merge_that_meets_a_join_of_the_same_person_leaves_one_card_with_everything(crowd, who, joins_first):
    conns, shop, _ = crowd
    old, new = await make_client(conns[0]), await make_client(conns[0])
    joins, other = (old, new) if who == "old" else (new, old)
    await members.join(conns[0], shop.id, other.id)
    join = functools.partial(members.join, conns[1], shop.id, joins.id)
    merge = functools.partial(members.merge, conns[2], old.id, new.id)
    first, second = (join, merge) if joins_first else (merge, join)
    async with first.args[0].transaction():
        await first()
        later = asyncio.create_task(second())
        await waits(conns[7], second.args[0])
    if who == "old" and not joins_first:
        with pytest.raises(errors.Missing, match="no_client"):  # that account is nobody's by then
            await later
    else:
        await later
    [card] = await members.cards(conns[0], new.id)
    assert (card.partner_id, await members.cards(conns[0], old.id)) == (shop.id, [])


async def test_of_two_who_give_the_same_number_at_once_the_second_is_told_that_it_is_taken(crowd):
    conns, _, _ = crowd
    one, two = await make_client(conns[0]), await make_client(conns[0])
    async with conns[1].transaction():
        await members.set_phone(conns[1], one.id, "+79017600777")
        later = asyncio.create_task(members.set_phone(conns[2], two.id, "+79017600777"))
        await waits(conns[7], conns[2])
    with pytest.raises(errors.Conflict, match="phone_taken"):
        await later
    assert await members.phone_owner(conns[0], "+79017600777") == one.id


def erasing(conn, person):
    return users.erase(conn, person.id, person.tg_id)


async def merging(conn, person):
    return await members.merge(conn, person.id, (await make_client(conn)).id)


@pytest.mark.parametrize("takes", [erasing, merging])
async def test_a_spend_and_an_act_that_has_the_person_to_itself_wait_in_no_circle(crowd, takes):
    """A spend writes the card twice when what it earns is due first, and comes to its person with the card in hand."""
    conns, _, _ = crowd
    shop = await make_shop(conns[0])
    member, other = await make_member(conns[0], shop, has=100), await make_member(conns[0], shop)
    person = await users.get_user(conns[0], member.user_id)
    ids = (shop.id, member.id, shop.cashier.id)
    async with conns[0].transaction(force_rollback=True):  # the points of the rest wait for this key
        await points.accrue(conns[0], shop.id, other.id, shop.cashier.id, bill_minor=100_000, key="spent:rest")
        bill = {"bill_minor": 100_000, "points": 50, "shown": True, "now": NOW - timedelta(days=1)}
        spend = asyncio.create_task(points.redeem(conns[1], *ids, **bill, key="spent"))
        await waits(conns[7], conns[1])
        taken = asyncio.create_task(takes(conns[2], person))
        await waits(conns[7], conns[2])
    assert (await spend).earned == 47
    await taken


@pytest.mark.parametrize("takes", [erasing, merging])
async def test_who_is_told_of_their_points_and_taken_meanwhile_waits_in_no_circle(crowd, takes):
    conns, shop, member = crowd
    person = await users.get_user(conns[0], member.user_id)
    async with conns[1].transaction():
        await points.grant(conns[1], shop.id, member.id, shop.owner.id, points=5, reason="-", key="gift")
        taken = asyncio.create_task(takes(conns[2], person))
        await waits(conns[7], conns[2])
        assert await notify.tell(conns[1], person.id, "client", "client.move.told", {}, once=f"gift:{person.id}")
    await taken
