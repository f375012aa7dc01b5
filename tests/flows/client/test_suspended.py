"""A client whose card a shop has suspended reads so on their own screens, with what to do."""

import pytest

from lib.loyalty import members, partners
from lib.people import users
from tests.flows.chat import buttons, words


@pytest.fixture
async def boris(comes, cafe):
    chat = await comes(cafe)
    await members.block(cafe.conn, cafe.id, cafe.owner_id, (await cafe.member(chat)).id)
    return chat


async def test_the_card_says_that_it_is_suspended_and_whom_to_ask(boris):
    await boris.says("/menu")
    await boris.sees("Кофейня «Зерно»: 100 баллов · ⏸ карта приостановлена")
    assert "Показать QR-код" not in buttons(await boris.last()), "there is none"
    await boris.presses("Кофейня «Зерно»")
    card = await boris.sees("магазин приостановил вашу карту.*100 баллов: они целы.*напишите отсюда или подойдите")
    assert "photo" not in card
    assert "Действует 5 минут" not in words(card)
    await boris.presses("Баллы и сроки")
    await boris.sees("Магазин приостановил карту: баллы целы")
    await boris.presses("Назад")
    await boris.presses("Написать")
    await boris.sees("Напишите|напишите")


async def test_english_reads_it_in_english(boris):
    await boris.says("/language")
    await boris.says("/menu")
    await boris.sees("100 points · ⏸ card suspended")
    await boris.presses("Кофейня «Зерно»")
    await boris.sees("the shop has suspended your card.*100 points: they are safe.*write from here or ask at the till")


async def test_a_card_that_is_admitted_again_has_its_code_again(boris, cafe):
    member = await cafe.member(boris)
    await members.block(cafe.conn, cafe.id, cafe.owner_id, member.id, blocked=False)
    await boris.says("/menu")
    await boris.presses("Показать QR-код")
    assert "Действует 5 минут" in words(await boris.last())


@pytest.mark.parametrize("gone", [False, True])
async def test_the_menu_offers_no_code_of_a_shop_that_is_closed(comes, opens, cafe, gone):
    boris = await comes(cafe)
    if gone:
        [[tg_id]] = await (
            await cafe.conn.execute("select tg_id from users where id = %s", (cafe.owner_id,))
        ).fetchall()
        await users.erase(cafe.conn, cafe.owner_id, tg_id)
    else:
        await partners.decide(cafe.conn, cafe.id, cafe.owner_id, "blocked", "Жалобы")
    await boris.says("/menu")
    menu = await boris.sees("Кофейня «Зерно»: 100 баллов · ⏸ магазин закрыт")
    assert "QR" not in words(menu)
    assert "Показать QR-код" not in buttons(menu)
    bakery = await opens("Булочная")
    await boris.says(f"/start p_{bakery.code}")
    await boris.sees("Карта готова")
    await boris.says("/menu")
    await boris.sees("Булочная: 0 баллов.*Кофейня «Зерно»: 100 баллов · ⏸ магазин закрыт.*покажу карту с QR-кодом")
    await boris.presses("Кофейня «Зерно»")
    await boris.sees("закрылся насовсем" if gone else "сейчас не работает с баллами")
