"""A taken number is no dead end: a code, the shop's owner, a reason, a day in which the holder may object."""

import re

import pytest

from dev.telegram import cast
from tests.flows.chat import Chat, buttons, words


async def newcomer_with_taken_number(cafe, newcomer):
    """Return somebody whose own number is another account's, and that account's member."""
    person = await newcomer(first_name="Борис")
    boris = Chat(cafe.shop.http, "client", person.user)
    holder = await cafe.client("Анна", f"+{cast.phone(person.user)}", has=70)
    await boris.says("/start")
    await boris.presses("Принимаю")
    await boris.presses("Получить карту")
    await boris.shares_phone()
    await boris.sees("уже привязан к карте другого аккаунта")
    return boris, holder


async def code_of(boris):
    await boris.presses("Старого аккаунта нет")
    shown = await boris.sees("Назовите его владельцу магазина")
    return re.search(r"\d{4} \d{4}", words(shown))[0]


async def asks(owner, code):
    await owner.says("/menu")
    await owner.presses("Клиенты")
    await owner.presses("Освободить номер")
    await owner.says(f"«{code}»")


async def test_the_owner_releases_a_number_and_the_newcomer_uses_it(cafe, newcomer, shop):
    boris, holder = await newcomer_with_taken_number(cafe, newcomer)
    code = await code_of(boris)
    await asks(cafe.owner, code)
    await cafe.owner.sees(rf"Номер ··{holder.phone_tail} \(Анна\) сейчас у другого аккаунта.*Почему")
    await cafe.owner.says("Сим-карта теперь у другого клиента")
    await cafe.owner.sees("Причина: Сим-карта теперь у другого.*через 24 часа")
    sure = await cafe.owner.message_with("Освободить номер")
    await cafe.owner.presses("Освободить номер", on=sure)
    await cafe.owner.presses("Освободить номер", on=sure)
    await cafe.owner.sees("Принял. Номер")
    told = [one["key"] for one in await cafe.told(holder)]
    assert "client.release.asked" in told
    await cafe.run(
        lambda conn: conn.execute(
            "update phone_releases set due_at = clock_timestamp() where holder_id = %s", [holder.user_id]
        )
    )
    await cafe.run(
        lambda conn: conn.execute(
            "update jobs set run_at = clock_timestamp(), turn = 1 where task = 'release' and user_id = %s",
            [holder.user_id],
        )
    )
    await shop.drain_again()
    await shop.finish("release", holder.user_id)
    await boris.sees("Номер свободен")
    await boris.presses("Получить карту", on=await boris.message_with("Получить карту"))
    await boris.shares_phone()
    await boris.sees("Номер подтверждён|В каком вы городе")
    assert (await cafe.balance(holder)).available == 70


@pytest.mark.long
async def test_the_holder_says_that_the_number_is_theirs(cafe, newcomer, shop):
    boris, holder = await newcomer_with_taken_number(cafe, newcomer)
    [row] = await shop.rows("select tg_id from users where id = %s", holder.user_id)
    anna = Chat(shop.http, "client", {"id": row["tg_id"], "first_name": "Анна"})
    await anna.says("/start")
    await anna.presses("Принимаю")
    await asks(cafe.owner, await code_of(boris))
    await cafe.owner.says("Старый аккаунт потерян")
    await cafe.owner.presses("Освободить номер")
    await shop.finish("tell", holder.user_id)
    await anna.sees(r"Кофейня «Зерно»: магазин просит освободить номер ··\d{4}.*Карты и баллы останутся")
    await anna.presses("Номер мой")
    await anna.sees("Номер остаётся за вами")
    await boris.sees("Прежний аккаунт ответил")
    await boris.forges("release:code")
    again = re.search(r"\d{4} \d{4}", words(await boris.last()))[0]
    await asks(cafe.owner, again)
    await cafe.owner.says("Ещё раз прошу")
    await cafe.owner.presses("Освободить номер")
    await cafe.owner.sees("недавно ответил, что номер его")


@pytest.mark.long
async def test_only_the_owner_sees_the_way_and_a_code_cannot_be_guessed(cafe, shop):
    assert "Освободить номер" not in buttons(await cafe.cashier.last())
    await cafe.cashier.forges("release:ask")
    await cafe.cashier.sees("только управляющий или владелец")
    await asks(cafe.owner, "1234 5678")
    await cafe.owner.sees("Такого кода нет")
    for _ in range(6):
        await cafe.owner.says("1234 5678")
    await cafe.owner.sees("Слишком много попыток")
    await cafe.owner.forges("release:go")
    await cafe.owner.sees("Освободить номер")
    assert not await shop.rows("select id from phone_releases where partner_id = %s", cafe.id)


async def test_a_code_is_given_to_who_has_proven_a_number_only(cafe, newcomer):
    person = await newcomer(first_name="Мэллори")
    mallory = Chat(cafe.shop.http, "client", person.user)
    await mallory.says("/start")
    await mallory.presses("Принимаю")
    await mallory.forges("release:code")
    await mallory.sees("Сначала отправьте номер ещё раз")
    await mallory.forges("release:keep")
    await mallory.sees("запрос уже закрыт")
