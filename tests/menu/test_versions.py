from dataclasses import replace

import pytest
from psycopg.errors import CheckViolation, InsufficientPrivilege

from lib import db, errors
from lib.loyalty import staff
from lib.menu import versions
from lib.menu.goods import MenuItem, Variant
from lib.people import users
from tests.factories import make_user, refused
from tests.loyalty_lab import make_shop

LATTE = MenuItem(
    "1",
    "Кофе",
    "Латте",
    (Variant("300 мл", 25000), Variant("400 мл", 29000)),
    "молоко",
    "кружка",
    "photo-id",
    in_short=False,
)
MOCCA = MenuItem("2", "Кофе", "Мокко", (Variant("", 30000, at_least=True),), available=False)


async def publish(conn, shop, *items, seen=0):
    return await versions.publish(conn, shop.id, shop.owner.id, items, seen=seen)


async def menu(conn, shop):
    return await versions.newest(conn, shop.id)


async def test_a_published_menu_is_read_as_it_was_written(conn):
    shop = await make_shop(conn)
    assert await menu(conn, shop) == versions.MenuVersion()
    assert await publish(conn, shop, LATTE, MOCCA) == 1
    assert await menu(conn, shop) == versions.MenuVersion(1, (LATTE, MOCCA))


async def test_a_menu_that_changed_meanwhile_is_not_written_over(conn):
    shop = await make_shop(conn)
    await publish(conn, shop, LATTE)
    async with refused(conn, errors.Conflict, "menu_changed"):
        await publish(conn, shop, MOCCA)
    assert (await menu(conn, shop)).items == (LATTE,)


async def test_going_back_twice_leads_here_again_and_a_double_press_goes_back_once(conn):
    shop = await make_shop(conn)
    await publish(conn, shop, LATTE)
    await publish(conn, shop, MOCCA, seen=1)
    assert await versions.go_back(conn, shop.id, shop.owner.id, seen=2) == 3
    async with refused(conn, errors.Conflict, "menu_changed"):
        await versions.go_back(conn, shop.id, shop.owner.id, seen=2)
    assert await menu(conn, shop) == versions.MenuVersion(3, (LATTE,))
    await versions.go_back(conn, shop.id, shop.owner.id, seen=3)
    assert await menu(conn, shop) == versions.MenuVersion(4, (MOCCA,))


async def test_a_change_of_one_item_is_a_version_and_no_change_is_none(conn):
    shop = await make_shop(conn)
    await publish(conn, shop, LATTE, MOCCA)
    sold = await versions.amend(
        conn, shop.id, shop.owner.id, lambda items: [replace(items[0], available=False), items[1]]
    )
    assert sold == await menu(conn, shop) == versions.MenuVersion(2, (replace(LATTE, available=False), MOCCA))
    assert (await versions.amend(conn, shop.id, shop.owner.id, list)).version == 2


async def test_a_change_keeps_one_that_came_in_between(conn):
    shop = await make_shop(conn)
    await publish(conn, shop, LATTE)
    other = versions.newest

    async def changed_meanwhile(conn, partner_id):
        menu = await other(conn, partner_id)
        if menu.version == 1:
            await publish(conn, shop, LATTE, MOCCA, seen=1)
        return menu

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(versions, "newest", changed_meanwhile)
        made = await versions.amend(conn, shop.id, shop.owner.id, lambda items: items[1:])
    assert made == await menu(conn, shop) == versions.MenuVersion(3, (MOCCA,))


async def test_there_is_nothing_before_the_first_version(conn):
    shop = await make_shop(conn)
    await publish(conn, shop, LATTE)
    async with refused(conn, errors.Conflict, "menu_changed"):
        await versions.go_back(conn, shop.id, shop.owner.id, seen=1)


async def test_a_cashier_and_somebody_of_another_shop_publish_nothing(conn):
    shop, other = await make_shop(conn), await make_shop(conn)
    for actor in (shop.cashier.id, other.owner.id):
        async with refused(conn, errors.Denied, "role_too_low"):
            await versions.publish(conn, shop.id, actor, [LATTE], seen=0)
        async with refused(conn, errors.Denied, "role_too_low"):
            await versions.go_back(conn, shop.id, actor, seen=0)


async def test_the_last_ten_versions_are_kept(conn):
    shop = await make_shop(conn)
    for seen in range(12):
        await publish(conn, shop, LATTE, seen=seen)
    cursor = await conn.execute("select count(*), min(version) from menus where partner_id = %s", (shop.id,))
    assert await cursor.fetchone() == (10, 3)
    await versions.go_back(conn, shop.id, shop.owner.id, seen=12)
    cursor = await conn.execute("select count(*), max(version) from menus where partner_id = %s", (shop.id,))
    assert await cursor.fetchone() == (10, 13)


@pytest.mark.parametrize(("status", "reason"), [("blocked", "complaints"), ("pending", "")])
async def test_a_shop_answers_with_its_newest_menu_and_not_while_it_is_closed(conn, status, reason):
    shop = await make_shop(conn)
    assert (await versions.open_shop(conn, shop.id)).menu_version == 0
    await publish(conn, shop, LATTE)
    assert (await versions.open_shop(conn, shop.id)).menu_version == 1
    await conn.execute("update partners set status = %s, reason = %s where id = %s", (status, reason, shop.id))
    assert await versions.open_shop(conn, shop.id) is None


async def test_a_published_version_never_changes(conn):
    shop = await make_shop(conn)
    await publish(conn, shop, LATTE)
    async with refused(conn, InsufficientPrivilege, "permission denied"):
        await conn.execute("set local role lotok_app")
        await conn.execute("update menu_variants set kopecks = 1")


async def test_no_price_is_below_nothing(conn):
    shop = await make_shop(conn)
    async with refused(conn, CheckViolation, "kopecks"):
        await publish(conn, shop, replace(LATTE, variants=(Variant("", -1),)))


async def test_a_shop_sees_its_own_menu_alone(conn):
    shop, other = await make_shop(conn), await make_shop(conn)
    await publish(conn, shop, LATTE)
    query = versions.SQL.newest_menu.within(db.Scope(tenant=other.id))
    assert await query.one(conn, dict, partner_id=shop.id) is None


async def test_the_menu_goes_with_its_owner_and_the_export_names_who_published_it(conn):
    shop = await make_shop(conn)
    await publish(conn, shop, LATTE)
    told = await users.export(conn, shop.owner.id)
    assert [one["version"] for one in told["loyalty"]["work"][0]["menus"]] == [1]
    manager = await make_user(conn)
    await staff.accept(conn, manager.id, await staff.invite(conn, shop.id, shop.owner.id, "manager"))
    await users.erase(conn, shop.owner.id, shop.owner.tg_id)
    assert await menu(conn, shop) == versions.MenuVersion()
    async with refused(conn, errors.Denied, "role_too_low"):
        await versions.publish(conn, shop.id, manager.id, [LATTE], seen=0)


def test_a_difference_names_what_is_new_changed_and_gone_and_prices_that_jump():
    dear = replace(LATTE, variants=(Variant("300 мл", 35000), Variant("400 мл", 29500)))
    tea = MenuItem("3", "Чай", "Улун", (Variant("", 20000),))
    change = versions.difference([LATTE, MOCCA], [dear, tea])
    assert (change.added, change.changed, change.gone) == (("Улун",), ("Латте",), ("Мокко",))
    assert change.jumps == (("Латте 300 мл", 25000, 35000),)


@pytest.mark.parametrize("after", [[LATTE, MOCCA], [MOCCA, LATTE]])
def test_an_equal_menu_has_no_difference(after):
    assert versions.difference([LATTE, MOCCA], after) == versions.MenuChange((), (), (), ())
