import re

import pytest

from lib.loyalty import members
from tests.flows.chat import words
from tests.flows.client.test_join import say_raw


async def code_of(chat):
    await chat.says("/menu")
    await chat.presses("Настройки")
    await chat.presses("Перенести карты")
    return re.search(r"\d{4} \d{4}", words(await chat.sees("Код для переноса"))).group()


async def test_the_cards_move_to_the_account_that_the_number_has_now(comes, cafe, visitor, shop):
    old = await comes(cafe, first_name="Борис")
    [row] = await shop.rows("select phone from clients join users u on u.id = user_id where tg_id = %s", old.user["id"])
    new = await visitor(first_name="Боря")
    await new.says("/start")
    await new.presses("Принимаю")
    await new.presses("Получить карту")
    contact = {"phone_number": row["phone"][1:], "first_name": "Боря", "user_id": new.user["id"]}
    await say_raw(shop, new, contact=contact)
    await new.sees("привязан к карте другого аккаунта")
    await new.presses("Перенести карты")
    code = await code_of(old)
    await new.says("0000 0000")
    await new.sees("Такого кода нет")
    await new.says(code)
    await new.sees("Перенести в этот аккаунт.*Кофейня «Зерно»: 100 баллов")
    await new.presses("Перенести карты")
    await new.sees("карты и баллы теперь в этом аккаунте")
    assert (await cafe.member(new)).available == 100
    told = words(await old.sees("перенесены в другой аккаунт"))
    number = str((await cafe.member(new)).card_no)
    assert f"Кофейня «Зерно»: {number[:4]} {number[4:]}" in told, (
        "the old account has no card to write to the shop with"
    )
    await old.says("/menu")
    await old.sees("Карт пока нет|Заведите карту")
    await old.forges("join:new")
    await old.sees("Нажмите «Отправить номер»")
    rows = await shop.rows("select phone from clients join users u on u.id = user_id where tg_id = %s", new.user["id"])
    assert rows == [row]


@pytest.mark.long
async def test_a_new_number_that_was_proven_stays(comes, cafe, opens, shop):
    old, new = await comes(cafe), await comes(await opens("Булочная"))
    query = "select phone from clients join users u on u.id = user_id where tg_id = %s"
    before = await shop.rows(query, new.user["id"])
    code = await code_of(old)
    await new.forges("move:enter")
    await new.says(code)
    await new.presses("Перенести карты")
    await new.sees("теперь в этом аккаунте")
    assert await shop.rows(query, new.user["id"]) == before
    await new.says("/menu")
    await new.sees("Кофейня «Зерно».*100 баллов")
    await old.says(f"/start p_{cafe.code}")
    await old.sees("Нажмите «Отправить номер»")


@pytest.mark.long
async def test_a_code_is_for_another_account_and_for_once_and_cannot_be_guessed(comes, cafe):
    old, new = await comes(cafe), await comes(cafe)
    code = await code_of(old)
    await old.forges("move:enter")
    await old.says(code)
    await old.sees("Такого кода нет")
    await new.forges("move:go")
    await new.sees("Введите код")
    await new.says(code)
    confirm = await new.sees("Перенести в этот аккаунт")
    await new.presses("Перенести карты")
    await new.sees("теперь в этом аккаунте")
    assert (await cafe.member(new)).available == 200
    await new.presses("Перенести", on=confirm)
    assert "Уже сделано" in new.toast["text"]
    await new.sees("теперь в этом аккаунте")
    for number in range(8):
        await new.forges("move:enter")
        await new.says(f"1234567{number}")
    await new.sees("Слишком много попыток")
    assert (await cafe.member(new)).available == 200


@pytest.mark.long
async def test_an_account_with_a_new_number_finds_the_way_to_enter_the_code(comes, cafe, opens, visitor):
    old, new = await comes(cafe), await comes(await opens("Булочная"))
    code = await code_of(old)
    await code_of(new)
    await new.presses("У меня есть код")
    await new.says(code)
    await new.sees("Перенести в этот аккаунт")
    stranger = await visitor()
    await stranger.says("/start")
    await stranger.presses("Принимаю")
    await stranger.says("/menu")
    await stranger.presses("Перенести карты")
    await stranger.says(code)
    await stranger.presses("Перенести карты")
    await stranger.sees("теперь в этом аккаунте")
    assert (await cafe.member(stranger)).available == 100


@pytest.mark.long
async def test_a_blocked_card_is_not_moved_and_its_owner_reads_why(comes, cafe, conn):
    old, new = await comes(cafe), await comes(cafe)
    card = (await cafe.member(old)).id
    await members.block(conn, cafe.id, cafe.owner_id, card, reason="-")
    code = await code_of(old)
    await new.forges("move:enter")
    await new.says(code)
    await new.presses("Перенести карты")
    await new.sees("Одну из карт приостановил магазин, поэтому перенести их нельзя")
    assert (await cafe.member(new)).available == 100
    assert (await cafe.member(old)).id == card


@pytest.mark.parametrize("remembered", [False, True])
async def test_an_open_question_of_the_old_account_changes_nothing_and_says_what_it_is_now(
    comes, cafe, shop, conn, remembered
):
    """Its birthday was typed into an account that is no client any more: a failure three times over."""
    old, new = await comes(cafe), await comes(cafe)
    await old.says("/menu")
    await old.presses("Настройки")
    await old.presses("День рождения")
    if remembered:  # as after a move whose word did not reach Redis
        await members.merge(conn, *[(await cafe.member(one)).user_id for one in (old, new)])
    else:
        code = await code_of(old)
        await old.presses("Назад")
        await old.presses("День рождения")
        await new.forges("move:enter")
        await new.says(code)
        await new.presses("Перенести карты")
    await old.says("7 марта")
    assert old.delivery["attempts"] == 1
    await old.sees("Сначала заведите карту" if remembered else "Заведите карту — и баллы")
    query = "select from clients c join users u on u.id = c.user_id where tg_id = %s"
    assert await shop.rows(query, old.user["id"]) == []
