"""Tags on a shop's clients: who sets them, how many there are, and where they go with their client."""

import pytest

from lib import errors
from lib.loyalty import members, tags
from lib.people import users
from tests.factories import refused
from tests.loyalty_lab import make_member, make_shop


async def of(conn, shop, member):
    return (await members.get(conn, shop.id, member.id)).tags


async def tagged(conn, shop, member, *words):
    for word in words:
        await tags.switch(conn, shop.id, shop.owner.id, member.id, word)


async def test_a_tag_is_given_by_one_press_and_taken_off_by_another(conn):
    shop = await make_shop(conn)
    anna = await make_member(conn, shop)
    await tagged(conn, shop, anna, " #VIP ", "любит латте")
    assert await of(conn, shop, anna) == ["VIP", "любит латте"]
    await tagged(conn, shop, anna, "vip")
    assert await of(conn, shop, anna) == ["любит латте"]


async def test_a_tag_is_spelt_as_the_shop_spelt_it_first_and_the_most_used_is_first(conn):
    shop, other = await make_shop(conn), await make_shop(conn)
    anna, boris, foreign = [await make_member(conn, place) for place in (shop, shop, other)]
    await tagged(conn, shop, anna, "Аллергия", "VIP")
    await tagged(conn, shop, boris, "vip")
    await tagged(conn, other, foreign, "чужая")
    assert await of(conn, shop, boris) == ["VIP"]
    assert await tags.of_shop(conn, shop.id) == ["VIP", "Аллергия"]


@pytest.mark.parametrize("word", ["", "#", "я" * 21, "два, три", "a:b"])
async def test_what_is_no_tag_is_refused(conn, word):
    with pytest.raises(errors.Invalid, match="tag_unclear"):
        tags.clean(word)


async def test_a_client_and_a_shop_have_so_many_tags_and_no_more(conn, monkeypatch):
    shop = await make_shop(conn)
    anna, boris = await make_member(conn, shop), await make_member(conn, shop)
    await tagged(conn, shop, anna, *map(str, range(tags.A_MEMBER)))
    async with refused(conn, errors.Conflict, match="too_many_tags"):
        await tagged(conn, shop, anna, "ещё одна")
    monkeypatch.setattr(tags, "A_SHOP", tags.A_MEMBER)
    async with refused(conn, errors.Conflict, match="too_many_tags"):
        await tagged(conn, shop, boris, "ещё одна")
    await tagged(conn, shop, boris, "0")
    assert await of(conn, shop, boris) == ["0"]


async def test_only_a_manager_of_the_shop_tags_its_clients(conn):
    shop, other = await make_shop(conn), await make_shop(conn)
    anna = await make_member(conn, shop)
    for actor in (shop.cashier, other.owner):
        async with refused(conn, errors.Denied, match="role_too_low"):
            await tags.switch(conn, shop.id, actor.id, anna.id, "VIP")
    async with refused(conn, errors.Missing, match="no_member"):
        await tags.switch(conn, other.id, other.owner.id, anna.id, "VIP")


async def test_tags_go_with_a_client_who_has_two_accounts_and_end_with_one_who_is_erased(conn):
    shop = await make_shop(conn)
    old, new = await make_member(conn, shop), await make_member(conn, shop)
    await tagged(conn, shop, old, "VIP", "утро")
    await tagged(conn, shop, new, "VIP")
    await members.merge(conn, old.user_id, new.user_id)
    assert await of(conn, shop, new) == ["VIP", "утро"]
    [card] = (await users.export(conn, new.user_id))["loyalty"]["cards"]
    assert card["tags"] == ["VIP", "утро"]
    await users.erase(conn, new.user_id, new.tg_id)
    assert await tags.of_shop(conn, shop.id) == []


async def test_tags_of_a_shop_end_with_its_owner(conn):
    shop = await make_shop(conn)
    anna = await make_member(conn, shop)
    await tagged(conn, shop, anna, "VIP")
    await users.erase(conn, shop.owner.id, shop.owner.tg_id)
    assert await of(conn, shop, anna) == []
