import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from lib import db
from lib.credits import catalog, ledger
from lib.office import audit
from lib.people import users
from tests import factories

BY = {"actor": "ops:test", "reason": "spring"}


@pytest.fixture
def redeem(conn):
    async def redeem(user, code="spring"):
        found = await ledger.redeem(conn, user.id, user.tg_id, code)
        return found.outcome, found.balance

    return redeem


async def test_a_code_gives_its_credits_once_per_person_in_any_letter_case(conn, make_user, redeem):
    await catalog.add_promo(conn, "Spring", 5, **BY)
    alice, bob = await make_user(), await make_user()
    assert [await redeem(alice, code) for code in ("spring", "SPRING")] == [("taken", 5), ("used", 5)]
    assert await redeem(bob, " sPrInG ") == ("taken", 5)
    assert await audit.check(conn) == []


async def test_a_code_can_be_used_as_often_as_its_limits_say(conn, make_user, redeem):
    await catalog.add_promo(conn, "spring", 5, per_person=2, total=3, **BY)
    alice, bob = await make_user(), await make_user()
    assert [(await redeem(alice))[0] for _ in range(3)] == ["taken", "taken", "used"]
    assert [(await redeem(bob))[0] for _ in range(2)] == ["taken", "used_up"]


async def test_a_code_is_over_after_its_time(conn, make_user, redeem):
    await catalog.add_promo(conn, "spring", 5, until=datetime.now(UTC) - timedelta(seconds=1), **BY)
    assert await redeem(await make_user()) == ("over", 0)


async def test_a_code_can_be_switched_off(conn, make_user, redeem):
    await catalog.add_promo(conn, "spring", 5, **BY)
    await catalog.switch_promo(conn, "Spring", False, **BY)
    assert await redeem(await make_user()) == ("off", 0)


@pytest.mark.parametrize("code", ["winter", "", "'; drop table users; --", "x" * 300])
async def test_an_unknown_code_gives_nothing(make_user, redeem, code):
    assert await redeem(await make_user(), code) == ("unknown", 0)


async def test_who_was_erased_and_comes_back_has_used_the_code(conn, make_user, redeem):
    await catalog.add_promo(conn, "spring", 5, **BY)
    alice = await make_user()
    await redeem(alice)
    await users.erase(conn, alice.id, alice.tg_id)
    again = await make_user(tg_id=alice.tg_id)
    assert again.id != alice.id
    assert await redeem(again) == ("used", 0)


async def test_the_last_use_of_a_code_goes_to_one(database):
    async with database.connect() as conn:
        people = [await factories.make_user(conn) for _ in range(4)]
        await catalog.add_promo(conn, "spring", 5, total=2, **BY)
    found = await asyncio.gather(
        *(db.run(lambda conn, who=who: ledger.redeem(conn, who.id, who.tg_id, "spring")) for who in people)
    )
    assert sorted(one.outcome for one in found) == ["taken", "taken", "used_up", "used_up"]
