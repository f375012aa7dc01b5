import json

import pytest

from lib import db
from lib.people import users
from tests.flows.chat import Chat, until
from tests.flows.studio.test_order import to_confirm


async def ordered(chat, photo, shop):
    await to_confirm(chat, photo)
    await chat.presses("Сделать")
    await shop.settle(chat)
    await chat.sees("Карточка готова")


async def test_export_sends_a_file_with_all_of_ones_own_data(seller, photo, shop):
    await ordered(seller, photo, shop)
    await seller.says("/export")
    message = await seller.sees("Всё, что мы о вас храним")
    raw = await shop.download(message["document"]["file_id"])
    data = json.loads(raw)
    assert message["document"]["file_name"] == "lotok-data.json"
    assert data["profile"]["tg_id"] == seller.user["id"]
    assert [entry["kind"] for entry in data["credits"]] == ["trial", "charge"]
    assert data["orders"][0]["asked"]["title"]
    assert {file["kind"] for file in data["files"]} >= {"card", "card-preview"}
    secrets = [value for name, value in shop.stack.settings.items() if name.endswith(("_TOKEN", "_SECRET"))]
    assert not [secret for secret in secrets if secret.encode() in raw]


async def test_ones_data_is_reached_from_help_and_a_draft_stays(seller, photo):
    await seller.sends_photo(photo)
    await seller.says("/help")
    await seller.presses("Мои данные")
    await seller.sees("файл со всем, что мы о вас храним")
    await seller.presses("Удалить мои данные")
    await seller.sees("На балансе 2 кредита: после удаления баланс не восстановить")
    await seller.presses("Назад")
    await seller.presses("Меню")
    await seller.presses("Продолжить заказ")
    await seller.sees("напишите название")


async def test_delete_erases_the_person_the_files_and_the_conversation(seller, photo, shop):
    await ordered(seller, photo, shop)
    [user] = await shop.rows("select id from users where tg_id = %s", seller.user["id"])
    files = await shop.rows("select pathname from files where user_id = %s", user["id"])
    await seller.says("/delete")
    await seller.presses("Удалить навсегда")
    await seller.sees("Ваши данные удалены")
    assert await shop.state_or_none(seller) is None
    await shop.finish("erase", user["id"])
    assert len(files) >= 2
    assert not await shop.rows("select * from files where user_id = %s", user["id"])
    stored = [path.name for path in (shop.stack.folder / "blob").rglob("*") if path.is_file()]
    assert not [one for one in files if one["pathname"].rpartition("/")[2] in stored]
    assert await shop.rows("select * from credit_ledger where user_id = %s", user["id"])
    await seller.says("/menu")
    await seller.presses("Принимаю")
    await seller.sees("Бесплатные карточки вы уже использовали")
    assert await shop.balance(seller) == 0


async def test_a_forged_erase_asks_first(seller, shop):
    await seller.says("/menu")
    await seller.forges("profile:erase")
    await seller.sees("Удалить ваши данные")
    assert await shop.balance(seller) == 2


async def test_the_time_zone_is_chosen_by_a_button_and_kept(seller, shop):
    await seller.says("/profile")
    await seller.sees(r"Москва UTC\+3")
    await seller.presses("Часовой пояс")
    await seller.presses("Владивосток UTC+10")
    await seller.sees(r"сохранён.*Владивосток UTC\+10")
    assert [
        row["time_zone"] for row in await shop.rows("select time_zone from users where tg_id = %s", seller.user["id"])
    ] == ["Asia/Vladivostok"]


async def test_a_forged_time_zone_changes_nothing(seller):
    await seller.says("/menu")
    await seller.forges("profile:zone:Mars/Olympus")
    await seller.sees(r"Москва UTC\+3")


async def orders_of(shop, chat):
    query = "select j.key from every_job j join users u on u.id = j.user_id where u.tg_id = %s and j.price > 0"
    return await shop.rows(query, chat.user["id"])


async def test_delete_in_one_bot_begins_anew_in_all_the_others(seller, photo, shop):
    await to_confirm(seller, photo)
    confirm = await seller.message_with("Сделать")
    elsewhere = Chat(shop.http, "client", seller.user)
    await elsewhere.says("/start")
    await elsewhere.says("/delete")
    await elsewhere.presses("Удалить навсегда")
    await elsewhere.sees("Ваши данные удалены")
    assert await shop.state_or_none(seller) is None
    await seller.presses("Сделать", on=confirm)
    await seller.presses("Принимаю")
    await seller.sees("Бесплатные карточки вы уже использовали")
    assert await orders_of(shop, seller) == []


@pytest.mark.long
async def test_delete_in_another_bot_takes_the_status_of_an_order_away(seller, photo, shop):
    await to_confirm(seller, photo)
    elsewhere = Chat(shop.http, "client", seller.user)
    async with shop.without_worker():
        await seller.presses("Сделать")
        status = await seller.sees("Заказ №")
        await elsewhere.says("/delete")
        await elsewhere.presses("Удалить навсегда")
        await elsewhere.sees("Ваши данные удалены")

    async def has_gone() -> bool:
        return status["message_id"] not in [one["message_id"] for one in await seller.messages()]

    await until(has_gone)


async def test_a_state_that_outlived_its_account_begins_anew_at_the_first_write(seller, photo, shop):
    await to_confirm(seller, photo)
    [user] = await shop.rows("select id from users where tg_id = %s", seller.user["id"])
    async with db.connect(shop.stack.settings["DATABASE_URL"]) as conn:
        await users.erase(conn, user["id"], seller.user["id"])
    await seller.presses("Сделать")
    await seller.presses("Принимаю")
    assert await orders_of(shop, seller) == []
    late = "select task from jobs where user_id = %s and task <> 'erase' and cancel_asked_at is null"
    assert not await shop.rows(late, user["id"]), "what ran already was told to stop"
    assert (await shop.state(seller))["who"]["id"] != user["id"]


async def test_after_delete_neither_redis_nor_the_files_hold_anything_of_the_person(seller, photo, shop):
    await ordered(seller, photo, shop)
    elsewhere = Chat(shop.http, "client", seller.user)
    await elsewhere.says("/start")
    [user] = await shop.rows("select id from users where tg_id = %s", seller.user["id"])
    files = await shop.rows("select pathname from files where user_id = %s", user["id"])
    await shop.run(f"""import asyncio
from lib.telegram import fsm
asyncio.run(fsm.put_aside("studio", {seller.user["id"]}, "words", {{"title": "Кружка"}}))""")
    assert any(f"{seller.user['id']}:words" in key for key in await shop.redis_keys())
    await seller.says("/delete")
    await seller.presses("Удалить навсегда")
    await seller.sees("Ваши данные удалены")
    await shop.finish("erase", user["id"])
    passing = (":send:", ":pause:", ":sent:")  # a second at the most, for Telegram's own limits
    held = [key for key in await shop.redis_keys() if str(seller.user["id"]) in key]
    assert [key for key in held if not any(part in key for part in passing)] == []
    assert [file for file in files if shop.stored(file["pathname"]).exists()] == []


async def test_delete_does_not_wash_off_the_wrong_promo_codes(seller, shop):
    for number in range(6):
        await seller.says(f"/promo WRONG{number}")
    await seller.sees("Слишком много попыток")
    await seller.says("/delete")
    await seller.presses("Удалить навсегда")
    await seller.sees("Ваши данные удалены")
    await seller.says("/start")
    await seller.presses("Принимаю")
    await seller.says("/promo WRONG7")
    await seller.sees("Слишком много попыток")
