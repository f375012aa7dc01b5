"""Redis stops for good while people talk to the bot: they go on in Neon, and come back with all they have said."""

import asyncio

import pytest

from tests.flows.chat import Chat, until, words
from tests.flows.studio.test_order import to_confirm
from tests.sizes import size


@pytest.fixture
async def redis(shop):
    """Stop Redis for longer than the function waits for it, and start it again."""

    class Redis:
        is_down = False
        chat = None

        async def fails(self, chat):
            self.chat = chat
            await shop.switch("upstash", "stop")
            self.is_down = True
            await chat.says("/help")  # answered 503 until the patience is over
            assert chat.delivery["status"] == 200

        async def comes_back(self):
            await shop.switch("upstash", "start")
            self.is_down = False
            made = (await shop.http.post("/sim/users", json={"first_name": "Ева", "language_code": "ru"})).json()
            eve = Chat(shop.http, "studio", made)
            await until(lambda: self._is_there_for(eve))  # the breaker has its pause
            await shop.rows("delete from conversations where tg_id = %s returning bot", made["id"])

        async def _is_there_for(self, chat):
            await chat.says("/help")
            return not (await shop.record(chat)).get("fallback")

    redis = Redis()
    yield redis
    if redis.is_down:
        await redis.comes_back()
    if redis.chat:
        await shop.forget_outage(redis.chat)


async def left(shop, chat):
    return await shop.rows("select * from conversations where tg_id = %s", chat.user["id"])


async def test_a_card_is_ordered_and_delivered_while_redis_is_down(seller, newcomer, photo, shop, redis):
    await seller.sends_photo(photo)
    await redis.fails(seller)
    bob = await newcomer(consent=True, first_name="Боб")
    await bob.sends_photo(photo)
    await bob.says("Кружка\nДержит тепло")
    await bob.presses("Карточка товара")
    await bob.presses("Ozon")
    await bob.presses("Сделать")
    assert (await shop.record(bob))["fallback"]
    await shop.settle(bob)
    await bob.sees("Карточка готова")
    update_id = bob.update_ids[-1]
    await shop.replay(bob, update_id, times=2)
    await redis.comes_back()
    await bob.says("/menu")
    await bob.sees("Баланс: 1 кредит")
    await shop.replay(bob, update_id, times=2)
    assert [row["kind"] for row in await shop.ledger(bob)] == ["trial", "charge"]
    assert (await shop.state(bob))["data"]["job"] == (await shop.jobs(bob))[0]["id"]
    assert not await left(shop, bob)


@pytest.mark.long
async def test_what_another_instance_did_by_redis_is_charged_once_though_neon_does_it_again(seller, photo, shop, redis):
    await to_confirm(seller, photo)
    await seller.presses("Сделать")
    [press] = seller.update_ids
    await shop.settle(seller)
    await shop.switch("api-telegram", "restart")
    await redis.fails(seller)
    before = [words(one) for one in await seller.messages()]
    await shop.replay(seller, press, times=1)
    seller.update_ids = [press]
    record = await shop.record(seller)
    assert (record["flow"], record["fallback"]) == ("order", True), "it was handled again"
    assert [row["kind"] for row in await shop.ledger(seller)] == ["trial", "charge"]
    assert len(await shop.jobs(seller)) == 1
    assert [words(one) for one in await seller.messages()] == before


@pytest.mark.long
async def test_a_draft_from_before_goes_on_with_the_words_from_during(seller, photo, shop, redis):
    await seller.sends_photo(photo)
    await redis.fails(seller)
    await seller.says("Кружка")
    await seller.sees("Название «Кружка» запомнил")
    await redis.comes_back()
    await seller.says("Кружка\nДержит тепло")
    await seller.presses("Карточка товара")
    await seller.presses("Ozon")
    await seller.presses("Сделать")
    await shop.settle(seller)
    await seller.sees("Карточка готова: Ozon")
    assert [row["kind"] for row in await shop.ledger(seller)] == ["trial", "charge"]


@pytest.mark.long
async def test_after_an_outage_an_update_costs_what_it_did_before(seller, shop, redis):
    await redis.fails(seller)
    await seller.says("/menu")
    await redis.comes_back()
    await shop.rows("delete from conversations where tg_id <> %s returning bot", seller.user["id"])
    await seller.says("/menu")
    assert (await shop.record(seller))["sql"] == 3, "the balance, and a look into Neon and its end"
    await seller.says("/menu")
    record = await shop.record(seller)
    assert (record["redis"], record["redis_commands"], record["sql"]) == (2, 5, 1)


@pytest.mark.long
@pytest.mark.parametrize("is_down", [False, True], ids=["redis up", "redis down"])
async def test_twenty_updates_of_one_person_are_applied_in_order_and_none_twice(seller, photo, shop, redis, is_down):
    if is_down:
        await redis.fails(seller)
    await seller.sends_photo(photo)
    before = len(await seller.messages())
    titles = [f"Кружка номер {number}" for number in range(20)]
    for title in titles:
        await shop.http.post(f"{seller.path}/text", json={"text": title})
    await seller.says("/menu")
    answers = [words(one) for one in (await seller.messages())[before:]]
    assert len(answers) == len(titles) + 1
    await seller.presses("Продолжить")
    await seller.presses("Карточка товара")
    await seller.presses("Ozon")
    await seller.sees(titles[-1])


@pytest.mark.long
async def test_a_crowd_of_people_at_once_do_not_hear_each_other(newcomer):
    people = [await newcomer(first_name=f"Имя{number}") for number in range(size(60, 200))]
    for wave in range(0, len(people), 50):  # as many as Telegram sends at a time, and a few more
        await asyncio.gather(*(one.says("/start") for one in people[wave : wave + 50]))
    for one in people:
        heard = {words(message).partition("!")[0] for message in await one.messages()}
        assert heard == {f"Здравствуйте, {one.user['first_name']}"}


@pytest.mark.long
async def test_delete_while_redis_is_down_begins_anew_in_every_bot_once_it_is_back(seller, photo, shop, redis):
    await to_confirm(seller, photo)
    confirm = await seller.message_with("Сделать")
    elsewhere = Chat(shop.http, "client", seller.user)
    await elsewhere.says("/start")
    [user] = await shop.rows("select id from users where tg_id = %s", seller.user["id"])
    await redis.fails(elsewhere)
    await elsewhere.says("/delete")
    await elsewhere.presses("Удалить навсегда")
    await elsewhere.sees("Ваши данные удалены")
    await redis.comes_back()
    await seller.presses("Сделать", on=confirm)
    await seller.presses("Принимаю")
    await seller.sees("Бесплатные карточки вы уже использовали")
    assert (await shop.state(seller))["who"]["id"] != user["id"]
    assert not await shop.rows("select 1 as one from every_job where user_id = %s and price > 0", user["id"])
    await shop.forget_outage(seller)


@pytest.mark.long
async def test_a_code_that_nobody_can_look_up_is_answered_with_a_sentence(newcomer, shop, redis):
    person = await newcomer(first_name="Борис")
    boris = Chat(shop.http, "client", person.user)
    await boris.says("/start")
    await boris.presses("Принимаю")
    await boris.presses("Получить карту")
    await boris.shares_phone()
    await boris.says("Казань")
    await boris.forges("move:enter")
    await redis.fails(boris)
    await boris.forges("move:enter")
    await boris.says("1234 5678")
    await boris.sees("Коды сейчас недоступны. Попробуйте через минуту")
    await boris.forges("move:show")
    await boris.sees("Коды сейчас недоступны")
