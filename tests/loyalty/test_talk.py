"""What clients and shops say to each other: the question after a visit, marks, messages, favourite shops."""

from datetime import timedelta

import pytest

from lib import errors
from lib.loyalty import members, staff, talk
from lib.people import users
from tests.factories import make_user, refused
from tests.loyalty.test_points import accrue, reverse
from tests.loyalty_lab import NOW, make_client, make_member, make_shop

EVERY = timedelta(days=14)


@pytest.fixture
async def shop(conn):
    return await make_shop(conn)


@pytest.fixture
async def anna(conn, shop):
    return await make_member(conn, shop)


async def visits(conn, shop, member, number):
    return [(await accrue(conn, shop, member, 10_000 * (one + 1))).txn_id for one in range(number)]


async def test_a_question_that_was_never_sent_frees_the_next_visit(conn, shop, anna):
    first, second = await visits(conn, shop, anna, 2)
    assert await talk.ask(conn, shop.id, anna.id, first, at=NOW, every=EVERY)
    assert not await talk.ask(conn, shop.id, anna.id, second, at=NOW + timedelta(days=1), every=EVERY)
    await talk.unask(conn, shop.id, second)
    assert not await talk.ask(conn, shop.id, anna.id, second, at=NOW + timedelta(days=1), every=EVERY)
    await talk.unask(conn, shop.id, first)
    assert await talk.ask(conn, shop.id, anna.id, second, at=NOW + timedelta(days=1), every=EVERY)


async def test_the_same_visit_may_be_asked_about_again_and_another_shop_asks_for_itself(conn, shop, anna):
    [visit] = await visits(conn, shop, anna, 1)
    for _ in range(2):
        assert await talk.ask(conn, shop.id, anna.id, visit, at=NOW, every=EVERY)
    other = await make_shop(conn)
    card = await members.join(conn, other.id, anna.user_id, now=NOW)
    theirs = await members.get(conn, other.id, card.member_id)
    [visit] = await visits(conn, other, theirs, 1)
    assert await talk.ask(conn, other.id, theirs.id, visit, at=NOW, every=EVERY)


async def test_a_mark_is_corrected_and_its_words_stay_until_there_are_others(conn, shop, anna):
    [visit] = await visits(conn, shop, anna, 1)
    ids = (conn, shop.id, anna.user_id)
    assert not await talk.rate(*ids, txn_id=visit, score=3)
    assert await talk.rate(*ids, txn_id=visit, score=3, words="Долго")
    assert not await talk.rate(*ids, txn_id=visit, score=9), "no words"
    assert not await talk.rate(*ids, txn_id=visit, score=9, words="Быстро"), "not the first"
    assert [(one.score, one.words) for one in await talk.ratings(conn, shop.id)] == [(9, "Быстро")]


async def test_a_mark_out_of_bounds_or_of_no_visit_is_refused(conn, shop, anna):
    [visit] = await visits(conn, shop, anna, 1)
    for score in (-1, 11):
        async with refused(conn, errors.Invalid, "bad_score"):
            await talk.rate(conn, shop.id, anna.user_id, txn_id=visit, score=score)
    back = await reverse(conn, shop, await accrue(conn, shop, anna, 70_000))
    for txn_id in (0, back.txn_id):
        async with refused(conn, errors.Missing, "no_operation"):
            await talk.rate(conn, shop.id, anna.user_id, txn_id=txn_id, score=5)
    other = await make_shop(conn)
    async with refused(conn, errors.Missing, "no_operation"):
        await talk.rate(conn, other.id, anna.user_id, txn_id=visit, score=5)


async def test_words_are_kept_up_to_their_limit(conn, shop, anna):
    [visit] = await visits(conn, shop, anna, 1)
    await talk.rate(conn, shop.id, anna.user_id, txn_id=visit, score=5, words="я" * (talk.WORDS + 1))
    assert [len(one.words) for one in await talk.ratings(conn, shop.id)] == [talk.WORDS]
    await talk.write(conn, shop.id, anna.user_id, f" {'я' * (talk.WORDS + 1)}")
    assert [len(one.words) for one in await talk.messages(conn, shop.id)] == [talk.WORDS]


async def test_marks_come_in_pages_newest_first(conn, shop, anna):
    made = await visits(conn, shop, anna, 3)
    for score, visit in enumerate(made):
        await talk.rate(conn, shop.id, anna.user_id, txn_id=visit, score=score)
    first = await talk.ratings(conn, shop.id, limit=2)
    assert [one.txn_id for one in first] == made[:0:-1]
    rest = await talk.ratings(conn, shop.id, before=(first[-1].created_at, first[-1].txn_id))
    assert [one.txn_id for one in rest] == made[:1]


async def test_messages_come_in_pages_of_all_or_of_one_client(conn, shop, anna):
    boris = await make_member(conn, shop, name="Борис")
    await talk.write(conn, shop.id, anna.user_id, "Раз")
    await talk.write(conn, shop.id, boris.user_id, "Два")
    await talk.reply(conn, shop.id, anna.id, shop.owner.id, "Три")
    everything = await talk.messages(conn, shop.id, limit=2)
    assert [(one.words, one.name, one.staff_id) for one in everything] == [
        ("Три", "Анна", shop.owner.id),
        ("Два", "Борис", None),
    ]
    assert [one.words for one in await talk.messages(conn, shop.id, before=everything[-1].id)] == ["Раз"]
    assert [one.words for one in await talk.messages(conn, shop.id, member_id=anna.id)] == ["Три", "Раз"]


async def test_reading_marks_what_the_client_wrote_and_nothing_of_others(conn, shop, anna):
    boris = await make_member(conn, shop)
    for member in (anna, boris):
        await talk.write(conn, shop.id, member.user_id, "Вы открыты?")
    await talk.reply(conn, shop.id, anna.id, shop.owner.id, "Да")
    assert await talk.mark_read(conn, shop.id, anna.id) == 1
    read = {(one.member_id, one.staff_id): bool(one.read_at) for one in await talk.messages(conn, shop.id)}
    assert read == {(anna.id, None): True, (anna.id, shop.owner.id): False, (boris.id, None): False}


async def test_a_suspended_client_does_not_write_and_a_former_cashier_does_not_answer(conn, shop, anna):
    await staff.remove(conn, shop.id, shop.owner.id, shop.cashier.id)
    for actor in (shop.cashier, await make_user(conn)):
        async with refused(conn, errors.Missing, "no_member"):
            await talk.reply(conn, shop.id, anna.id, actor.id, "Да")
    await members.block(conn, shop.id, shop.owner.id, anna.id, reason="-")
    async with refused(conn, errors.Missing, "no_member"):
        await talk.write(conn, shop.id, anna.user_id, "Почему?")
    async with refused(conn, errors.Invalid, "words_empty"):
        await talk.reply(conn, shop.id, anna.id, shop.owner.id, " \n")
    assert await talk.messages(conn, shop.id) == []


async def test_favourites_go_along_with_their_person_and_go_with_them(conn, shop):
    anna, again, other = await make_client(conn), await make_client(conn), await make_shop(conn)
    for person, liked in ((anna, shop), (anna, other), (again, other)):
        await talk.set_favourite(conn, person.id, liked.id, liked=True)
    await members.merge(conn, anna.id, again.id)
    assert await talk.favourites(conn, again.id) == [shop.id, other.id]
    assert await talk.favourites(conn, anna.id) == []
    await users.erase(conn, again.id, again.tg_id)
    assert await (await conn.execute("select 1 from favourites where partner_id = %s", (shop.id,))).fetchall() == []


async def test_a_favourite_is_liked_once_and_unliked_for_good(conn, shop):
    anna, other = await make_client(conn), await make_shop(conn)
    for liked in (True, True):
        for one in (shop, other):
            await talk.set_favourite(conn, anna.id, one.id, liked=liked)
    assert await talk.favourites(conn, anna.id) == [shop.id, other.id]
    for _ in range(2):
        await talk.set_favourite(conn, anna.id, shop.id, liked=False)
    assert await talk.favourites(conn, anna.id) == [other.id]
