"""Each kind of reminder is whole: it has its names, its switch can be kept, and a client can refuse it."""

from datetime import timedelta

import pytest

from lib import errors, text
from lib.flows.partner import auto
from lib.loyalty import members
from lib.reach import choices, reminders
from tests.factories import make_user
from tests.loyalty_lab import make_member, make_shop
from tests.reach_lab import NOON


@pytest.mark.parametrize("language", text.LANGUAGES)
@pytest.mark.parametrize("kind", reminders.KINDS)
def test_a_kind_has_its_names(kind, language):
    for key in ("news.auto", "news.kind"):  # in the shop's list, and in the client's
        assert text.say(language, f"{key}.{kind}") not in ("", f"{key}.{kind}")


def test_a_shop_can_read_what_its_clients_will():
    assert {*auto.SAMPLES, "away", "rating"} == {*reminders.KINDS}, "these two are said in one way"


@pytest.mark.parametrize("kind", choices.KINDS)
async def test_a_client_can_refuse_each_kind_and_want_it_again(conn, kind):
    shop, person = await make_shop(conn), (await make_user(conn)).id
    for wants in (False, True):
        await choices.choose(conn, person, shop.id, kind, wants=wants, said_in="test")
        assert [(one.kind, one.wants) for one in await choices.of_person(conn, person)] == [(kind, wants)]


async def test_a_person_sees_who_writes_to_them_and_about_what(conn):
    shop, other = await make_shop(conn), await make_shop(conn)
    anna = await make_member(conn, shop)
    assert [one.partner_id for one in await choices.senders(conn, anna.user_id)] == [0, shop.id]
    await choices.choose(conn, anna.user_id, other.id, "news", wants=False, said_in="test")
    assert {one.partner_id for one in await choices.senders(conn, anna.user_id)} == {0, shop.id, other.id}
    before = {"news": False, "expiry": True, "birthday": True, "rating": True}
    assert await choices.of_sender(conn, anna.user_id, shop.id) == before, "nobody invites back who wants no news"
    assert await choices.of_sender(conn, anna.user_id, 0) == {"news": False}
    await reminders.change(conn, shop.id, "away", is_on=True)
    await reminders.change(conn, shop.id, "rating", is_on=False)
    await choices.choose(conn, anna.user_id, shop.id, "news", wants=True, said_in="test")
    await choices.choose(conn, anna.user_id, shop.id, "birthday", wants=False, said_in="test")
    after = {"news": True, "away": True, "expiry": True, "birthday": False}
    assert await choices.of_sender(conn, anna.user_id, shop.id) == after
    await members.change_client(conn, anna.user_id, wants_news=False)
    deaf = {"news": False, "expiry": False, "birthday": False}
    assert await choices.of_sender(conn, anna.user_id, shop.id) == deaf, "the switch for all shops is above"


@pytest.mark.parametrize("kind", reminders.KINDS)
async def test_a_shop_can_switch_each_kind_and_give_it_words(conn, kind):
    shop, other = await make_shop(conn), await make_shop(conn)
    before = (await reminders.of_shop(conn, shop.id))[kind]
    assert (before.is_on, before.words) == (kind not in reminders.NEW, "")
    after = await reminders.change(conn, shop.id, kind, is_on=not before.is_on)
    assert (after.is_on, after.words) == (not before.is_on, "")
    after = await reminders.change(conn, shop.id, kind, words="Ждём")
    assert (after.is_on, after.words) == (not before.is_on, "Ждём"), "the switch stays"
    assert (await reminders.of_shop(conn, shop.id))[kind] == after
    assert (await reminders.of_shop(conn, other.id))[kind] == before, "another shop has its own"
    assert [*await reminders.of_shop(conn, shop.id)] == [*reminders.KINDS]


async def test_words_have_a_measure_and_a_kind_must_be_known(conn):
    shop = await make_shop(conn)
    assert (await reminders.change(conn, shop.id, "away", words="ж" * reminders.WORDS)).words == "ж" * reminders.WORDS
    with pytest.raises(errors.Invalid, match="too_long"):
        await reminders.change(conn, shop.id, "away", words="ж" * (reminders.WORDS + 1))
    for words in ("Скидки: zerno.ru", "https://example.com", "Пишите @zerno_cafe"):
        with pytest.raises(errors.Invalid, match="auto_link"):
            await reminders.change(conn, shop.id, "away", words=words)
    assert (await reminders.change(conn, shop.id, "away", words="С 10.00 до 21.00, кофе.")).words
    for kind in ("news", "frog", ""):
        with pytest.raises(errors.Missing, match="no_reminder"):
            await reminders.change(conn, shop.id, kind, is_on=True)


async def test_a_client_gets_what_both_sides_want(conn):
    shop, person = await make_shop(conn), (await make_user(conn)).id
    assert await reminders.wanted(conn, shop.id, "cart", person) is None, "the shop has not switched it on"
    await reminders.change(conn, shop.id, "cart", is_on=True)
    assert (await reminders.wanted(conn, shop.id, "cart", person)).kind == "cart"
    await choices.choose(conn, person, shop.id, "cart", wants=False, said_in="test")
    assert await reminders.wanted(conn, shop.id, "cart", person) is None
    assert await reminders.wanted(conn, shop.id, "expiry", person), "another kind goes on"


async def test_only_shops_that_want_it_invite_people_back(conn):
    shop, other = await make_shop(conn), await make_shop(conn)
    await reminders.change(conn, shop.id, "away", is_on=True)
    await reminders.change(conn, other.id, "cart", is_on=True)
    found = await reminders.inviting(conn)
    assert shop.id in found
    assert other.id not in found


async def test_nobody_is_reminded_of_a_basket_that_is_not_there(conn):
    shop = await make_shop(conn)
    await reminders.change(conn, shop.id, "cart", is_on=True)
    for at in (NOON, NOON + timedelta(days=2)):
        assert [one for one in await reminders.baskets(conn, at) if one.partner_id == shop.id] == []
