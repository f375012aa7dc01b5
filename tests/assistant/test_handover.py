"""A person is called into a talk when one is wanted, is told what was said, and gives the talk back."""

from dataclasses import replace
from datetime import timedelta

import pytest

from lib import errors, text
from lib.assistant import handover, talks
from lib.loyalty import members, staff
from lib.menu.versions import OpenShop
from lib.office import people
from tests.assistant.request_lab import told
from tests.factories import make_user, refused
from tests.loyalty_lab import NOW, make_member, make_shop

SHOP = OpenShop(1, "Кофейня", "Казань", "", "", 0, "Europe/Moscow", {})


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ("позовите человека", "asked"),
        ("Хочу поговорить с живым человеком!", "asked"),
        ("можно оператора?", "asked"),
        ("Оператор", "asked"),
        ("I want to talk to a real person", "asked"),
        ("human please", "asked"),
        ("есть живой человек?", "asked"),
        ("оператора!", "asked"),
        ("мне нужен живой оператор", "asked"),
        ("менеджера позовите", "asked"),
        ("пусть ответит человек", "asked"),
        ("не хочу говорить с ботом", "asked"),
        ("позовите кого-нибудь", "asked"),
        ("get me a manager", "asked"),
        ("can a human help me?", "asked"),
        ("верните деньги, это безобразие", "angry"),
        ("верните мои деньги", "angry"),
        ("какой же ты тупой", "angry"),
        ("жду уже час!", "angry"),
        ("в супе был волос", "angry"),
        ("worst service ever", "angry"),
        ("your bot is useless", "angry"),
        ("хочу торт на 10 человек", ""),
        ("сколько стоит набор на 2 человека", ""),
        ("есть менеджерский ланч?", ""),
        ("нужен букет для менеджера", ""),
        ("приглашение на юбилей сотрудника", ""),
        ("можно сотруднику открытку?", ""),
        ("I want a cake for a person who hates sugar", ""),
        ("есть хамон и мухоморы?", ""),
        ("шоколад без волоса и стекла", ""),
        ("ужасно вкусно, дайте ещё", ""),
        ("what do you have for a person with allergies", ""),
    ],
)
def test_a_person_is_wanted_by_words_that_ask_for_one_or_are_angry(words, why):
    assert handover.wanted(words) == why


async def hear(conn, shop, user, words="Где мой заказ?", at=NOW):
    return await talks.hear(conn, shop.id, user.id, words, once=f"{user.id}:{words}", at=at)


async def called(conn, shop, user):
    heard = await hear(conn, shop, user)
    assert await handover.call(conn, shop.id, heard.talk_id, "asked", at=NOW)
    return await talks.get(conn, shop.id, heard.talk_id)


async def keys(conn, user):
    return [key for key, *_ in await told(conn, user)]


async def test_everybody_at_work_is_told_with_the_last_lines_and_the_first_has_the_talk(conn):
    shop, anna = await make_shop(conn), await make_user(conn, first_name="Анна")
    talk = await called(conn, shop, anna)
    assert not await handover.call(conn, shop.id, talk.id, "asked", at=NOW)
    for one in (shop.owner, shop.cashier):
        [(key, fields, ways)] = await told(conn, one)
        assert (key, fields["name"]) == ("talk.told.call", "Анна")
        assert fields["lines"]["listed"] == [{"spoken": "talk.line.client", "fields": {"words": "Где мой заказ?"}}]
        assert ways[0][0][1] == f"talks:take:{shop.id}:{talk.id}"
    assert await talks.take(conn, shop.id, talk.id, shop.cashier.id, at=NOW)
    assert await talks.taker(conn, shop.id, talk.id) == shop.cashier.first_name
    more = await hear(conn, shop, anna, "Ау!")
    await handover.pass_on(conn, shop.id, talk.id, more.line_id, "Ау!")
    assert (await keys(conn, shop.owner), (await keys(conn, shop.cashier))[1:]) == (
        ["talk.told.call"],
        ["talk.told.words"],
    )


async def test_long_words_of_a_client_reach_the_staff_whole(conn):
    shop, anna = await make_shop(conn), await make_user(conn)
    long, longer = "Где заказ? " * 50, "Жду! " * 800
    heard = await talks.hear(conn, shop.id, anna.id, long, once="1", at=NOW)
    assert await handover.call(conn, shop.id, heard.talk_id, "asked", at=NOW)
    more = await talks.hear(conn, shop.id, anna.id, longer, once="2", at=NOW)
    await handover.pass_on(conn, shop.id, heard.talk_id, more.line_id, longer)
    args = "select args from jobs where user_id = %s and task = 'tell' order by id"
    called, passed = [row for (row,) in await (await conn.execute(args, (shop.owner.id,))).fetchall()]
    assert called["more"]["talk.told.words"]["words"] == long.strip()
    assert passed["fields"]["words"] == longer


@pytest.mark.parametrize(("end", "said"), [("let go", ["partner.push.let_go"]), ("shut out", [])])
async def test_a_talk_of_somebody_who_is_at_work_no_longer_is_everybodys_again(conn, end, said):
    shop, anna = await make_shop(conn), await make_user(conn)
    talk = await called(conn, shop, anna)
    assert await talks.take(conn, shop.id, talk.id, shop.cashier.id, at=NOW)
    assert not await talks.take(conn, shop.id, talk.id, shop.owner.id, at=NOW)
    if end == "let go":
        await staff.remove(conn, shop.id, shop.owner.id, shop.cashier.id)
    else:
        await people.ban(conn, shop.cashier.id, actor="admin:1", reason="Обман")
    more = await hear(conn, shop, anna, "Ау!")
    await handover.pass_on(conn, shop.id, talk.id, more.line_id, "Ау!")
    assert await keys(conn, shop.owner) == ["talk.told.call", "talk.told.words"]
    assert await keys(conn, shop.cashier) == ["talk.told.call", *said]
    assert await talks.take(conn, shop.id, talk.id, shop.owner.id, at=NOW)


async def test_a_call_is_told_though_a_line_that_was_passed_on_had_the_number_of_its_talk(conn):
    shop, anna, boris = await make_shop(conn), await make_user(conn), await make_user(conn)
    talk, asked = await called(conn, shop, anna), await hear(conn, shop, boris)
    await handover.pass_on(conn, shop.id, talk.id, asked.talk_id, "вы здесь?")
    assert await handover.call(conn, shop.id, asked.talk_id, "asked", at=NOW)
    assert await keys(conn, shop.owner) == ["talk.told.call", "talk.told.words", "talk.told.call"]


async def test_words_and_photos_reach_the_client_in_the_shops_name_once(conn):
    shop, anna = await make_shop(conn), await make_user(conn)
    talk = await called(conn, shop, anna)
    say = {"once": "update:1", "at": NOW}
    assert not await handover.reply(conn, talk, shop.cashier.id, "Едет", **say), "it was not taken"
    await talks.take(conn, shop.id, talk.id, shop.cashier.id, at=NOW)
    assert await handover.reply(conn, talk, shop.cashier.id, "Едет <уже>", **say)
    assert not await handover.reply(conn, talk, shop.cashier.id, "Едет <уже>", **say)
    assert not await handover.reply(conn, talk, shop.owner.id, "И я", once="update:2", at=NOW)
    [(key, fields, _)] = await told(conn, anna)
    assert (key, fields) == ("talk.told.answer", {"shop": "Кофейня", "words": "Едет <уже>"})
    assert await handover.reply(conn, talk, shop.cashier.id, "", once="update:3", at=NOW, photo="file")
    found = await conn.execute("select args ->> 'file_id' from jobs where task = 'relay' and user_id = %s", (anna.id,))
    assert await found.fetchall() == [("file",)]


async def test_a_talk_that_was_given_back_begins_anew_with_the_assistant_and_calls_nobody(conn):
    shop, anna = await make_shop(conn), await make_user(conn)
    talk = await called(conn, shop, anna)
    assert await handover.give_back(conn, talk, at=NOW)
    assert not await handover.give_back(conn, talk, at=NOW)
    assert await keys(conn, anna) == ["talk.told.back"]
    heard = await hear(conn, shop, anna, "капучино")
    assert (heard.state, heard.talk_id != talk.id) == ("bot", True)
    assert not await handover.call_if_lost(conn, shop.id, heard.talk_id, at=NOW)


async def test_three_answers_of_no_use_in_a_row_call_a_person(conn):
    shop, anna = await make_shop(conn), await make_user(conn)
    for number in range(3):
        heard = await hear(conn, shop, anna, f"суши {number}")
        assert not await handover.call_if_lost(conn, shop.id, heard.talk_id, at=NOW)
        ids = (shop.id, heard.talk_id, heard.run_no)
        await talks.answer(conn, *ids, "Не нашёл", at=NOW, missed=number < 2)
    await talks.rate(conn, shop.id, anna.id, heard.talk_id, heard.run_no, -1)
    assert await handover.call_if_lost(conn, shop.id, heard.talk_id, at=NOW)
    [(_, fields, _)] = await told(conn, shop.owner)
    assert fields["why"] == {"spoken": "talk.why.missed"}


async def test_a_blocked_client_and_a_talk_for_a_try_call_nobody(conn):
    shop = await make_shop(conn)
    member = await make_member(conn, shop)
    await members.block(conn, shop.id, shop.owner.id, member.id)
    heard = await talks.hear(conn, shop.id, member.user_id, "человека!", once="a", at=NOW)
    assert not await handover.call(conn, shop.id, heard.talk_id, "asked", at=NOW)
    tried = await talks.hear(conn, shop.id, shop.owner.id, "человека!", once="a", at=NOW, is_test=True)
    assert not await handover.call(conn, shop.id, tried.talk_id, "asked", at=NOW)
    assert await keys(conn, shop.owner) == []


async def test_who_has_a_talk_hears_that_its_client_has_ended_it(conn):
    shop, anna, boris = await make_shop(conn), await make_user(conn, first_name="Анна"), await make_user(conn)
    for client, taken in ((anna, True), (boris, False)):
        talk = await called(conn, shop, client)
        if taken:
            await talks.take(conn, shop.id, talk.id, shop.cashier.id, at=NOW)
        assert await handover.leave(conn, shop.id, client.id, at=NOW)
        assert not await handover.leave(conn, shop.id, client.id, at=NOW)
        assert (await talks.get(conn, shop.id, talk.id)).closed_at is not None
    [(key, fields, _)] = [one for one in await told(conn, shop.cashier) if one[0] == "talk.told.left"]
    assert (key, fields) == ("talk.told.left", {"shop": "Кофейня", "name": "Анна"})
    assert "talk.told.left" not in await keys(conn, shop.owner)


async def test_the_staff_of_another_shop_take_no_talk(conn):
    shop, other, anna = await make_shop(conn), await make_shop(conn), await make_user(conn)
    talk = await called(conn, shop, anna)
    assert not await talks.take(conn, shop.id, talk.id, other.cashier.id, at=NOW)
    async with refused(conn, errors.Missing, "no_talk"):
        await talks.get(conn, other.id, talk.id)


def test_the_client_reads_when_the_shop_opens():
    hours = {"week": [[[540, 1200]]] * 7, "days": {}}  # 9 to 20
    shop = replace(SHOP, hours=hours)
    noon, night = NOW.replace(hour=9), NOW.replace(hour=20)  # Moscow is three hours ahead
    assert "закрыто" not in text.plain(handover.sentence("ru", shop, noon))
    assert "закрыто" not in text.plain(handover.sentence("ru", SHOP, night))
    assert "Сейчас там закрыто" in text.plain(handover.sentence("ru", shop, night))
    assert "They are closed now" in text.plain(handover.sentence("en", shop, night + timedelta(hours=1)))
