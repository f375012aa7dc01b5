"""A client's message to the shop, and the answer."""

from lib.loyalty import talk
from tests.flows.chat import buttons, words
from tests.flows.partner.conftest import make_cafe


async def test_a_clients_message_is_read_and_answered(cafe):
    boris = await cafe.client()
    await cafe.run(lambda conn: talk.write(conn, cafe.id, boris.user_id, "Вы открыты <завтра>?"))
    await cafe.owner.presses("Сообщения")
    message = await cafe.owner.sees("Сообщения · Кофейня")
    assert any(label.startswith("● ") for label in buttons(message))
    await cafe.owner.presses("Борис")
    await cafe.owner.sees("Борис.*Вы открыты <завтра>\\?.*Напишите ответ")
    await cafe.owner.says("Да, с девяти & до шести")
    await cafe.owner.sees("Ответ принят.*Вы, .*Да, с девяти & до шести")
    assert [one["key"] for one in await cafe.told(boris)] == ["partner.push.answer"]
    await cafe.owner.presses("Назад")
    message = await cafe.owner.last()
    assert not any(label.startswith("● ") for label in buttons(message))


async def test_an_empty_inbox_explains_itself(cafe):
    await cafe.owner.presses("Сообщения")
    await cafe.owner.sees("Пока никто не писал")


async def test_a_talk_of_another_shop_is_not_found(cafe, staffer, newcomer, shop):
    other = await make_cafe(shop, await staffer("Зоя"), await staffer("Яна"), newcomer, title="Цветы")
    stranger = await other.client("Чужой")
    await other.run(lambda conn: talk.write(conn, other.id, stranger.user_id, "секрет"))
    await cafe.owner.forges(f"inbox:talk:{stranger.id}")
    message = await cafe.owner.sees("Такого клиента в этом магазине нет")
    assert "секрет" not in words(message)


async def test_too_long_an_answer_is_refused(cafe):
    boris = await cafe.client()
    await cafe.run(lambda conn: talk.write(conn, cafe.id, boris.user_id, "Привет"))
    await cafe.owner.presses("Сообщения")
    await cafe.owner.presses("Борис")
    await cafe.owner.says("а" * 1001)
    await cafe.owner.sees("Слишком длинно")


async def test_an_edited_answer_is_not_sent_a_second_time(cafe):
    boris = await cafe.client()
    await cafe.run(lambda conn: talk.write(conn, cafe.id, boris.user_id, "Вы открыты?"))
    await cafe.owner.presses("Сообщения")
    await cafe.owner.presses("Борис")
    await cafe.owner.says("Да, с девити")
    await cafe.owner.sees("Ответ принят")
    await cafe.owner.mends("Да, с девити", "Да, с девяти")
    await cafe.owner.sees("Прежний текст уже принят")
    assert [one["key"] for one in await cafe.told(boris)] == ["partner.push.answer"]
