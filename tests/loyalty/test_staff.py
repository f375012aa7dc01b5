"""An invitation ends with the right of the person who made it."""

import pytest

from lib import errors
from lib.loyalty import staff
from lib.office import people
from lib.people import users
from tests.factories import make_user, refused
from tests.loyalty_lab import make_shop


@pytest.fixture
async def shop(conn):
    return await make_shop(conn)


async def hire(conn, shop, role, by=None):
    person = await make_user(conn)
    await staff.accept(conn, person.id, await staff.invite(conn, shop.id, (by or shop.owner).id, role))
    return person


async def test_who_was_let_go_does_not_come_back_by_an_invitation_made_before(conn, shop):
    manager = await hire(conn, shop, "manager")
    links = [await staff.invite(conn, shop.id, manager.id, "cashier") for _ in range(2)]
    await staff.remove(conn, shop.id, shop.owner.id, manager.id)
    for person, link in zip((manager, await make_user(conn)), links, strict=True):
        async with refused(conn, errors.Conflict, "invite_void"):
            await staff.accept(conn, person.id, link)
    assert [one.user_id for one in await staff.list_all(conn, shop.id)] == [shop.owner.id, shop.cashier.id]


async def test_an_invitation_stays_void_when_its_maker_is_hired_again(conn, shop):
    manager = await hire(conn, shop, "manager")
    link = await staff.invite(conn, shop.id, manager.id, "cashier")
    await staff.remove(conn, shop.id, shop.owner.id, manager.id)
    await staff.accept(conn, manager.id, await staff.invite(conn, shop.id, shop.owner.id, "manager"))
    async with refused(conn, errors.Conflict, "invite_void"):
        await staff.accept(conn, (await make_user(conn)).id, link)
    fresh = await staff.invite(conn, shop.id, manager.id, "cashier")
    assert await staff.accept(conn, (await make_user(conn)).id, fresh) == (shop.id, "cashier")


async def test_a_manager_who_became_a_cashier_has_invited_nobody(conn, shop):
    manager = await hire(conn, shop, "manager")
    link = await staff.invite(conn, shop.id, manager.id, "cashier")
    await staff.remove(conn, shop.id, shop.owner.id, manager.id)
    await staff.accept(conn, manager.id, await staff.invite(conn, shop.id, shop.owner.id, "cashier"))
    async with refused(conn, errors.Conflict, "invite_void"):
        await staff.accept(conn, (await make_user(conn)).id, link)


@pytest.mark.parametrize("end", ["erased", "banned"])
async def test_who_was_erased_or_shut_out_has_invited_nobody(conn, shop, end):
    manager = await hire(conn, shop, "manager")
    link = await staff.invite(conn, shop.id, manager.id, "cashier")
    if end == "erased":
        await users.erase(conn, manager.id, manager.tg_id)
    else:
        await people.ban(conn, manager.id, reason="-", actor="admin:1")
    async with refused(conn, errors.Conflict, "invite_void"):
        await staff.accept(conn, (await make_user(conn)).id, link)


async def test_an_invitation_outlives_the_letting_go_of_others(conn, shop):
    manager = await hire(conn, shop, "manager")
    link = await staff.invite(conn, shop.id, shop.owner.id, "cashier")
    await staff.remove(conn, shop.id, shop.owner.id, manager.id)
    assert await staff.accept(conn, (await make_user(conn)).id, link) == (shop.id, "cashier")


async def test_a_link_takes_no_role_away_and_is_not_spent_on_who_has_as_much(conn, shop):
    manager, newcomer = await make_user(conn), await make_user(conn)
    await staff.accept(conn, manager.id, await staff.invite(conn, shop.id, shop.owner.id, "manager"))
    for maker in (shop.owner, manager):
        link = await staff.invite(conn, shop.id, maker.id, "cashier")
        for person in (shop.owner, manager, shop.cashier):
            async with refused(conn, errors.Conflict, "invite_needless"):
                await staff.accept(conn, person.id, link)
        assert (await staff.get(conn, shop.id, manager.id)).role == "manager"
    assert await staff.accept(conn, newcomer.id, link) == (shop.id, "cashier")
    rise = await staff.invite(conn, shop.id, shop.owner.id, "manager")
    assert await staff.accept(conn, newcomer.id, rise) == (shop.id, "manager")


async def test_nobody_joins_or_invites_into_a_shop_that_is_closed_for_good(conn, shop):
    manager, guest = await hire(conn, shop, "manager"), await make_user(conn)
    link = await staff.invite(conn, shop.id, manager.id, "cashier")
    await users.erase(conn, shop.owner.id, shop.owner.tg_id)
    async with refused(conn, errors.Conflict, "invite_void"):
        await staff.join(conn, guest.id, link)
    async with refused(conn, errors.Denied, "role_too_low"):
        await staff.invite(conn, shop.id, manager.id, "cashier")
    assert await staff.places(conn, guest.id) == []
