"""A gift that is given once is given once for a person, whatever accounts, numbers and cards they come with."""

from datetime import UTC, datetime, timedelta

import pytest

from lib import errors
from lib.loyalty import members, night, partners, points
from lib.office import audit
from lib.people import users
from tests.factories import make_user, refused
from tests.loyalty_lab import NOW, make_client, make_shop

GIFT = 500


@pytest.fixture
async def shop(conn):
    return await make_shop(conn, welcome_points=GIFT, birthday_points=70)


async def joins(conn, shop, user):
    return (await members.join(conn, shop.id, user.id)).welcome


async def registers(conn, user, phone):
    await members.register(conn, user.id, name="Анна", city="Казань", phone=phone)


async def test_cards_moved_to_and_fro_bring_each_account_its_gift_once(conn, shop):
    one, two = await make_client(conn, phone="+79017000001"), await make_client(conn, phone="+79017000002")
    phones = {one.id: "+79017000001", two.id: "+79017000002"}
    given = [await joins(conn, shop, one), await joins(conn, shop, two)]
    for number in range(6):
        old, new = (one, two) if number % 2 == 0 else (two, one)
        await members.merge(conn, old.id, new.id)
        await members.set_phone(conn, new.id, phones[new.id])  # as the bot does: a number that one has proven stays
        await registers(conn, old, phones[old.id])
        given.append(await joins(conn, shop, old))
    assert given == [GIFT, GIFT, 0, 0, 0, 0, 0, 0]
    assert (await members.cards(conn, one.id))[0].available + (await members.cards(conn, two.id))[
        0
    ].available == 2 * GIFT
    assert await audit.check(conn) == []


async def test_who_deletes_the_account_and_joins_again_has_had_the_gift(conn, shop):
    tg_id = 7_700_001
    for number, gift in enumerate((GIFT, 0, 0)):
        person = await make_user(conn, tg_id=tg_id)
        await registers(conn, person, f"+7901700001{number}")  # with another number each time
        assert await joins(conn, shop, person) == gift
        await users.erase(conn, person.id, tg_id)


async def test_another_account_with_the_same_number_has_had_the_gift(conn, shop):
    first = await make_client(conn, phone="+79017000020")
    assert await joins(conn, shop, first) == GIFT
    await users.erase(conn, first.id, first.tg_id)
    second = await make_client(conn, phone="+79017000020")
    assert await joins(conn, shop, second) == 0
    await members.set_phone(conn, second.id, "+79017000021")
    await users.erase(conn, second.id, second.tg_id)
    assert await joins(conn, shop, await make_client(conn, phone="+79017000021")) == 0


async def test_accounts_that_became_one_share_what_they_have_had(conn, shop):
    one, two = await make_client(conn, phone="+79017000030"), await make_client(conn, phone="+79017000031")
    other = await make_shop(conn, welcome_points=GIFT)
    assert await joins(conn, shop, one) == GIFT
    assert await joins(conn, other, two) == GIFT
    await members.merge(conn, one.id, two.id)
    await registers(conn, one, "+79017000032")
    assert await joins(conn, other, one) == 0
    assert await joins(conn, shop, one) == 0


async def test_a_shop_that_gave_nothing_then_may_give_now(conn):
    shop = await make_shop(conn)
    person = await make_client(conn, phone="+79017000040")
    assert await joins(conn, shop, person) == 0
    await partners.change(conn, shop.id, shop.owner.id, welcome_points=GIFT)
    await users.erase(conn, person.id, person.tg_id)
    again = await make_client(conn, phone="+79017000040")
    assert await joins(conn, shop, again) == GIFT


async def test_who_was_welcomed_before_there_were_marks_is_known_once_marked(conn, shop):
    person = await make_client(conn, phone="+79017000050")
    await joins(conn, shop, person)
    await conn.execute("delete from remembered")
    await conn.execute("update users set mark = null, phone_mark = null where id = %s", (person.id,))
    await users.mark_people(conn, 10_000)
    await users.erase(conn, person.id, person.tg_id)
    assert await joins(conn, shop, await make_client(conn, phone="+79017000050")) == 0


async def test_a_birthday_comes_once_a_year_whatever_card(conn, shop):
    now = NOW
    row = await partners.get(conn, shop.id)
    for number, presents in enumerate((1, 0)):
        person = await make_user(conn, tg_id=7_700_002)
        await registers(conn, person, f"+7901700006{number}")
        await members.change_client(conn, person.id, birthday=f"{now:%d.%m}")
        await joins(conn, shop, person)
        due = await night.birthdays(conn, row, now)
        assert len(due) == presents
        for one in due:
            await night.give_birthday(conn, row, one.member_id, now)
        await users.erase(conn, person.id, person.tg_id)


@pytest.mark.parametrize("has_one", [True, False])
async def test_a_blocked_card_does_not_change_hands(conn, shop, has_one):
    old, new = await make_client(conn), await make_client(conn)
    card = await members.join(conn, shop.id, old.id)
    if has_one:
        await members.join(conn, shop.id, new.id)
    await members.block(conn, shop.id, shop.owner.id, card.member_id, reason="-")
    async with refused(conn, errors.Denied, "member_blocked"):
        await members.merge(conn, old.id, new.id)
    assert (await points.balance(conn, shop.id, card.member_id)).available == GIFT
    assert (await members.get(conn, shop.id, card.member_id)).user_id == old.id


async def test_points_do_not_move_onto_a_blocked_card(conn, shop):
    old, new = await make_client(conn), await make_client(conn)
    await members.join(conn, shop.id, old.id)
    card = await members.join(conn, shop.id, new.id)
    await members.block(conn, shop.id, shop.owner.id, card.member_id, reason="-")
    async with refused(conn, errors.Denied, "member_blocked"):
        await members.merge(conn, old.id, new.id)


async def test_what_is_remembered_for_ever_stays_so(conn, shop):
    person = await make_client(conn)
    await joins(conn, shop, person)
    until = datetime.now(UTC) + timedelta(days=1)
    await conn.execute("select remember(%s, 'welcome', %s, %s)", (person.id, shop.id, until))
    cursor = await conn.execute("select distinct until from remembered where subject = %s", (shop.id,))
    assert await cursor.fetchall() == [(None,)]
