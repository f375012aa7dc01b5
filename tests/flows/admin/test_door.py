"""Only administrators may use the admin bot; everybody else gets one sentence."""

import json

import pytest

from tests.flows.chat import Chat, buttons

DOOR = "здесь я ничем не могу помочь"


@pytest.fixture
def at_the_door(shop):
    async def come(chat: Chat) -> Chat:
        return Chat(shop.http, "admin", chat.user)

    return come


@pytest.mark.parametrize("words", ["/start", "/menu", "/help", "/find 1005", "/delete", "/language", "привет"])
async def test_a_stranger_gets_one_sentence_whatever_they_say(newcomer, at_the_door, words):
    mallory = await at_the_door(await newcomer())
    await mallory.says(words)
    message = await mallory.sees(DOOR)
    assert len(await mallory.messages()) == 1
    assert buttons(message) == {}, "and no hint"


async def test_a_stranger_in_english_gets_the_sentence_in_english(newcomer, at_the_door):
    mallory = await at_the_door(await newcomer(language_code="en"))
    await mallory.says("/start")
    await mallory.sees("nothing I can help you with")


@pytest.mark.parametrize(
    "data",
    ["people:card:1", "act:begin:grant:1", "act:confirm", "menu:home", "queue:failed", "letters:list", "trail:list",
     "shelf:home", "health:home", "profile:export", "language:other", "papers:home", "closed:x", "door:x"],
)  # fmt: skip
async def test_a_forged_button_of_a_stranger_opens_nothing(newcomer, at_the_door, shop, data):
    mallory = await at_the_door(await newcomer())
    await mallory.says("/start")
    await mallory.forges(data)
    assert DOOR in mallory.toast["text"]
    assert len(await mallory.messages()) == 1
    kept = json.loads(await shop.state_or_none(mallory) or "{}")
    assert [kept[part] for part in ("who", "data", "step") if kept.get(part)] == [], "only their pace is remembered"


async def test_a_stranger_at_the_door_does_not_become_a_user(newcomer, at_the_door, shop):
    mallory = await at_the_door(await newcomer())
    await mallory.says("/start")
    assert await shop.rows("select id from users where tg_id = %s", mallory.user["id"]) == []


async def test_an_administrator_needs_no_consent(dina):
    message = await dina.last()
    assert "Всё в порядке" in message["text"] or "Требует внимания" in message["text"]
    assert {"Сводка", "Очередь", "Найти", "Журнал", "Цены", "Оповещения", "Помощь"} <= set(buttons(message))


async def test_who_is_taken_off_the_list_is_a_stranger_from_the_next_press_on(dina, seller, found, shop):
    await found(seller)
    await dina.presses("Начислить кредиты")
    await dina.presses("10")
    await dina.presses("1")
    await dina.sees("Баланс: 2 → 12")
    others = {one for one in shop.stack.settings["ADMIN_IDS"].split(",") if one != str(dina.user["id"])}
    async with shop.setting("ADMIN_IDS", ",".join(others)):
        await dina.presses("Начислить")
        assert DOOR in dina.toast["text"]
        await dina.says("/menu")
        await dina.sees(DOOR)
        assert await shop.balance(seller) == 2
    await dina.says("/menu")
    await dina.sees("Лоток · админка")


async def test_an_administrator_changes_the_language_without_a_consent(dina):
    await dina.says("/language")
    await dina.sees("I speak English now")
    await dina.says("/language")
    await dina.sees("Теперь говорю по-русски")
