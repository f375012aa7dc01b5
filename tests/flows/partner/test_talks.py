"""A client calls a person: the staff read what was said, one of them answers in the shop's name, and gives it back."""

from datetime import timedelta

import pytest

from lib import clock
from lib.assistant import talks
from lib.menu import versions
from lib.people import users
from tests.assistant.request_lab import BUN
from tests.factories import make_user
from tests.flows.chat import buttons
from tests.flows.partner.conftest import user_id


async def arrives(cafe, key):
    """Tick until nobody waits for a message of this kind."""
    await cafe.shop.drain_again()
    waiting = "select id from jobs where task in ('tell', 'relay') and args ->> 'key' = %s"

    async def told():
        return [not await cafe.shop.rows(waiting, key)]

    await cafe.shop.ticks_until(told, all)


async def test_a_person_answers_in_the_shops_name_and_gives_the_talk_back(cafe, photo):
    owner = await user_id(cafe.shop, cafe.owner)
    await cafe.run(lambda conn: versions.publish(conn, cafe.id, owner, (BUN,), seen=0))
    boris = await cafe.client_chat(await cafe.client())
    await boris.presses("Принимаю")
    await boris.forges(f"ask:{cafe.id}")
    await boris.says("булочка <с маком>")
    await boris.presses("Позвать человека")
    await boris.sees("Кофейня «Зерно»\n🙋 Позвал сотрудника.*ответят.*помолчу")
    await arrives(cafe, "talk.told.call")
    call = await cafe.owner.sees("Борис.*Просит человека.*Клиент: булочка <с маком>.*Помощник:.*Булочка")
    others = await cafe.cashier.sees("Просит человека")
    await cafe.owner.presses("Ответить", on=call)
    await cafe.owner.sees("Напишите ответ или пришлите фото")
    await cafe.cashier.presses("Ответить", on=others)
    assert cafe.cashier.toast["text"] == "Уже отвечает Глеб"
    await boris.says("есть без мака?")
    await arrives(cafe, "talk.told.words")
    await cafe.owner.sees("Борис.*есть без мака")
    await boris.sends_photo(photo, caption="как <тут>")
    await arrives(cafe, "talk.told.words")
    await cafe.owner.sees("Борис · Кофейня «Зерно»\n\nкак <тут>")
    await cafe.owner.says("Есть & свежие")
    await cafe.owner.sees("Отправил клиенту")
    await cafe.owner.sends_photo(photo, caption="Вот <такие>")
    await arrives(cafe, "talk.told.answer")
    await boris.sees("Кофейня «Зерно»:\nЕсть & свежие")
    await arrives(cafe, "talk.told.photo")
    await boris.sees("Кофейня «Зерно»:\nВот <такие>")
    await cafe.owner.presses("Вернуть помощнику")
    await cafe.owner.sees("Сейчас никто не ждёт")
    await arrives(cafe, "talk.told.back")
    await boris.sees("сотрудник закончил разговор")
    await boris.says("булочка")
    await boris.sees(r"Булочка — 90\s₽")
    await cafe.owner.presses("Ответить", on=call)
    assert cafe.owner.toast["text"] == "Разговор уже закончен"
    await boris.presses("Позвать человека")
    await cafe.owner.forges("talks:list")
    await cafe.owner.presses("● Борис")
    gone = await user_id(cafe.shop, boris)
    await cafe.run(lambda conn: users.erase(conn, gone, boris.user["id"]))
    await cafe.owner.says("Чем помочь?")
    await cafe.owner.sees("Разговор уже закончен.*Сейчас никто не ждёт")


@pytest.mark.long
async def test_three_misses_call_a_person_and_the_client_sends_them_back(cafe):
    owner = await user_id(cafe.shop, cafe.owner)
    await cafe.run(lambda conn: versions.publish(conn, cafe.id, owner, (BUN,), seen=0))
    boris = await cafe.client_chat(await cafe.client())
    await boris.presses("Принимаю")
    await boris.forges(f"ask:{cafe.id}")
    await boris.says("роллы")
    await boris.says("булочка")
    await boris.presses("👎")
    assert "передам" in boris.toast["text"]
    for question in ("гвозди", "велосипед"):
        await boris.says(question)
    await boris.sees("Позвал сотрудника")
    await boris.says("эй")
    await boris.sees("Передал. Сотрудник ответит здесь")
    await boris.forges(f"ask:{cafe.id}")
    await boris.sees("вам отвечает сотрудник")
    await boris.presses("Вернуть помощника")
    await boris.sees("Снова отвечаю я")
    await boris.presses("Спросить меню")
    await boris.says("позовите человека")
    await boris.sees("Позвал сотрудника")
    for data in (f"thumb:{cafe.id}:1", "thumb:1:2:3:1", "person:call:999999999", f"person:x:{cafe.id}"):
        await boris.forges(data)
        assert boris.delivery.get("status", 200) == 200, data


async def test_those_who_wait_come_in_pages_the_longest_first(cafe):
    async def wait(conn):
        for number in range(11):
            person = await make_user(conn, first_name=f"Гость{number:02}")
            heard = await talks.hear(conn, cafe.id, person.id, "Привет", once="1", at=clock.now())
            await talks.hand_over(conn, cafe.id, heard.talk_id, at=clock.now() - timedelta(minutes=11 - number))

    await cafe.run(wait)
    await cafe.owner.forges("talks:list")
    shown = [one for one in buttons(await cafe.owner.last()) if "Гость" in one]
    assert [one[2:9] for one in shown] == [f"Гость{number:02}" for number in range(10)]
    await cafe.owner.presses("Показать ещё")
    assert [one[2:9] for one in buttons(await cafe.owner.last()) if "Гость" in one] == ["Гость10"]
