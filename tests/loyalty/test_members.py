"""Clients of shops: found as a cashier remembers them, registered once, blocked and let in again."""

import pytest

from lib import errors
from lib.loyalty import members, partners
from lib.people import users
from tests.factories import make_user, refused
from tests.loyalty.test_points import accrue
from tests.loyalty_lab import NOW, make_client, make_member, make_shop


@pytest.fixture
async def shop(conn):
    return await make_shop(conn)


async def names(conn, shop, words, **page):
    return [one.name for one in await members.search(conn, shop.id, words, **page)]


async def test_a_name_is_found_however_its_hyphen_and_its_yo_are_typed(conn, shop):
    await make_member(conn, shop, name="Анна-Мария Петрова", phone="+79161234567")
    await make_member(conn, shop, name="Алёна", phone="+79161234568")
    for words in ("анна-мария", "Анна — Мария", "анна мария", "мария", "4567 Анна-Мария", "Петрова", "МАРИЯ  ПЕТРОВА"):
        assert await names(conn, shop, words) == ["Анна-Мария Петрова"], words
    for words in ("алена", "Алёна", "АЛЁН", "ален 4568", "4568 алё"):
        assert await names(conn, shop, words) == ["Алёна"], words
    assert await names(conn, shop, "4567 алена") == [], "both must fit"


@pytest.mark.parametrize("words", ["", " ", "а", "%", "__", "12", "123", "a%", "+()", "\\"])
async def test_too_little_to_search_for_is_refused(conn, shop, words):
    async with refused(conn, errors.Invalid, "search_unclear"):
        await members.search(conn, shop.id, words)


async def test_a_wildcard_finds_nobody_by_itself(conn, shop):
    await make_member(conn, shop, name="Анна")
    assert await names(conn, shop, "А%а") == []
    assert await names(conn, shop, "Ан_а") == []


async def test_those_with_the_same_last_digits_come_in_pages(conn, shop):
    made = [await make_member(conn, shop, phone=f"+7916000{number}777") for number in range(3)]
    first = await members.search(conn, shop.id, "0777", limit=2)
    second = await members.search(conn, shop.id, "1777", limit=2)
    assert ([one.id for one in first], [one.id for one in second]) == ([made[0].id], [made[1].id])
    same = [await make_member(conn, shop, phone=f"+791{number}6003333") for number in range(3)]
    first = await members.search(conn, shop.id, "3333", limit=2)
    rest = await members.search(conn, shop.id, "3333", after=first[-1].id, limit=2)
    assert [one.id for one in (*first, *rest)] == [one.id for one in same]


async def test_who_was_served_last_comes_first_and_the_newest_where_all_are_listed(conn, shop):
    made = [await make_member(conn, shop) for _ in range(3)]
    for number, member in enumerate((made[2], made[0])):
        await accrue(conn, shop, member, 10_000, now=NOW.replace(minute=number))
    recent = await members.recent(conn, shop.id)
    assert [one.id for one in recent] == [made[0].id, made[2].id]
    [last] = await members.recent(conn, shop.id, before=(recent[0].last_visit_at, recent[0].id))
    assert last.id == made[2].id
    first = await members.list_all(conn, shop.id, limit=2)
    assert [one.id for one in first] == [made[2].id, made[1].id]
    assert [one.id for one in await members.list_all(conn, shop.id, before=first[-1].id)] == [made[0].id]


async def test_a_client_is_registered_once_and_refreshed_after(conn):
    user = await make_user(conn)
    first = await members.register(conn, user.id, name="  Анна\n Петрова ", city=" Псков ")
    assert (first.name, first.city, first.phone) == ("Анна Петрова", "Псков", None)
    again = await members.register(conn, user.id, name="Анна", city="Омск", phone="79161234567")
    assert (again.name, again.city, again.phone) == ("Анна", "Омск", "+79161234567")
    assert await members.phone_owner(conn, "79161234567") == user.id
    assert await members.phone_owner(conn, "79160000000") is None
    async with refused(conn, errors.Invalid, "name_empty"):
        await members.register(conn, user.id, name=" \n", city="")


async def test_only_what_is_named_changes(conn):
    user = await make_client(conn, name="Анна")
    await members.change_client(conn, user.id, city="Омск", wants_news=False)
    client = await members.get_client(conn, user.id)
    assert (client.name, client.city, client.wants_news) == ("Анна", "Омск", False)
    async with refused(conn, errors.Missing, "no_client"):
        await members.change_client(conn, (await make_user(conn)).id, name="Ева")
    async with refused(conn, errors.Missing, "no_client"):
        await members.set_phone(conn, (await make_user(conn)).id, "+79161230000")


async def test_nobody_joins_without_registering_or_a_shop_that_is_not_open(conn, shop):
    user = await make_user(conn)
    async with refused(conn, errors.Missing, "no_client"):
        await members.join(conn, shop.id, user.id)
    client = await make_client(conn)
    async with refused(conn, errors.Missing, "no_partner"):
        await members.join(conn, 0, client.id)
    for status, code in (("blocked", "partner_blocked"), ("pending", "partner_not_approved")):
        await partners.decide(conn, shop.id, shop.owner.id, status)
        async with refused(conn, errors.Denied, code):
            await members.join(conn, shop.id, client.id)
    assert await members.cards(conn, client.id) == []


async def test_a_manager_blocks_and_lets_in_again_and_no_cashier_does(conn, shop):
    anna = await make_member(conn, shop)
    other = await make_shop(conn)
    async with refused(conn, errors.Denied, "role_too_low"):
        await members.block(conn, shop.id, shop.cashier.id, anna.id, reason="-")
    async with refused(conn, errors.Missing, "no_member"):
        await members.block(conn, other.id, other.owner.id, anna.id, reason="-")
    await members.block(conn, shop.id, shop.owner.id, anna.id, reason="Обман")
    async with refused(conn, errors.Denied, "member_blocked"):
        await accrue(conn, shop, anna, 10_000)
    await members.block(conn, shop.id, shop.owner.id, anna.id, blocked=False)
    assert (await accrue(conn, shop, anna, 10_000)).points == 5
    deeds = [one.action for one in await partners.trail(conn, partner_id=shop.id)]
    assert deeds[:2] == ["member.unblocked", "member.blocked"]


async def test_the_cards_of_a_person_begin_with_the_shop_that_was_visited_last(conn, shop):
    anna, other = await make_member(conn, shop, has=30), await make_shop(conn)
    card = await members.join(conn, other.id, anna.user_id, now=NOW)
    theirs = await members.get(conn, other.id, card.member_id)
    await accrue(conn, other, theirs, 10_000, now=NOW)
    await accrue(conn, shop, anna, 10_000, now=NOW.replace(hour=13))
    found = await members.cards(conn, anna.user_id)
    assert [(one.partner_id, one.available) for one in found] == [(shop.id, 35), (other.id, 5)]
    assert (await members.get_own(conn, other.id, anna.user_id)).id == card.member_id
    async with refused(conn, errors.Missing, "no_member"):
        await members.get_own(conn, other.id, shop.owner.id)


async def test_a_card_that_has_gone_into_another_or_with_its_person_is_not_blocked_in_vain(conn, shop):
    old, new, gone = [await make_member(conn, shop) for _ in range(3)]
    await members.merge(conn, old.user_id, new.user_id)
    await users.erase(conn, gone.user_id, gone.tg_id)
    for member in (old, gone):
        for blocked in (True, False):
            async with refused(conn, errors.Missing, "no_member"):
                await members.block(conn, shop.id, shop.owner.id, member.id, blocked=blocked)
    assert not [one for one in await partners.trail(conn, partner_id=shop.id) if one.action.startswith("member.bl")]
