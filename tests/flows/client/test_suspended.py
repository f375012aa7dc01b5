"""A client whose card a shop has suspended reads so on their own screens, with what to do."""

import pytest

from lib.loyalty import members
from tests.flows.chat import words


@pytest.fixture
async def boris(comes, cafe):
    chat = await comes(cafe)
    await members.block(cafe.conn, cafe.id, cafe.owner_id, (await cafe.member(chat)).id)
    return chat


async def test_the_card_says_that_it_is_suspended_and_whom_to_ask(boris):
    await boris.says("/menu")
    await boris.sees("Кофейня «Зерно»: 100 баллов · ⏸ карта приостановлена")
    await boris.presses("Показать QR-код")
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
    await boris.presses("Show my QR code")
    await boris.sees("the shop has suspended your card.*100 points: they are safe.*write from here or ask at the till")


async def test_a_card_that_is_admitted_again_has_its_code_again(boris, cafe):
    member = await cafe.member(boris)
    await members.block(cafe.conn, cafe.id, cafe.owner_id, member.id, blocked=False)
    await boris.says("/menu")
    await boris.presses("Показать QR-код")
    assert "Действует 5 минут" in words(await boris.last())
