"""Broadcasts as administrators see them: those of shops that wait for a look, and the platform's own."""

import json

from lib.reach import broadcasts
from tests.flows.chat import buttons, words


async def waiting(shop, said):
    """Return a broadcast of a new shop that waits for an administrator; its clients have not agreed to anything."""
    [owner] = await shop.rows("insert into users (tg_id) select max(tg_id) + 900000 from users returning id")
    [place] = await shop.rows(
        "insert into partners (code, owner_id, title, city, category, status)"
        " values (%s, %s, 'Пекарня', 'Казань', 'cafe', 'approved') returning id",
        f"bakery{owner['id']}",
        owner["id"],
    )
    [one] = await shop.rows(
        "insert into broadcasts (partner_id, created_by, state, words, buttons)"
        """ values (%s, %s, 'review', %s, '[{"label": "Меню", "url": "https://example.com/menu"}]') returning id""",
        place["id"],
        owner["id"],
        said,
    )
    return place["id"], one["id"]


async def state(shop, one):
    [row] = await shop.rows("select state, reason from broadcasts where id = %s", one)
    return row["state"], row["reason"]


async def test_an_administrator_reads_it_whole_and_lets_it_go(shop, dina):
    _, one = await waiting(shop, "Скидка на <хлеб>")
    await dina.says("/menu")
    await dina.presses("Рассылки")
    await dina.presses("На проверке")
    await dina.presses("Пекарня: Скидка на <хлеб>")
    shown = words(await dina.sees("Пекарня · рассылка"))
    assert "Скидка на <хлеб>" in shown
    assert "https://example.com/menu" in shown
    await dina.presses("Одобрить")
    await dina.sees("одобрена")
    assert (await state(shop, one))[0] in ("scheduled", "cutting", "done")


async def test_an_administrator_sees_the_picture_before_they_let_it_pass(shop, dina, product):
    _, one = await waiting(shop, "Хлеб на фото")
    await dina.sends_file(product("PNG"), "bread.png", "image/png")
    shown = (await shop.http.get(f"/sim/chats/admin/{dina.user['id']}")).json()["messages"]
    [sent, *_] = [message["document"]["file_id"] for message in reversed(shown) if message.get("document")]
    file = json.dumps({"kind": "photo", "bot": "admin", "id": sent})
    await shop.rows("update broadcasts set file = %s where id = %s returning id", file, one)
    await dina.forges("casts:review")
    await dina.presses("Пекарня: Хлеб на фото")
    assert (await dina.sees("^Пекарня\n\nХлеб на фото"))["photo"]
    await dina.presses("Одобрить")
    await dina.sees("одобрена")


async def test_an_administrator_gives_it_back_with_a_reason(shop, dina):
    _, one = await waiting(shop, "Лучший хлеб")
    await dina.forges("casts:review")
    await dina.presses("Пекарня: Лучший хлеб")
    await dina.presses("Вернуть…")
    await dina.says("я" * 301)
    await dina.sees("300")
    assert (await state(shop, one))[0] == "review"
    await dina.says("Слова «лучший» быть не может")
    await dina.sees("вернули: Слова «лучший» быть не может")
    assert await state(shop, one) == ("draft", "Слова «лучший» быть не может")


async def test_a_version_that_was_not_shown_is_not_approved(shop, dina):
    _, one = await waiting(shop, "Старый текст")
    await dina.forges("casts:review")
    await dina.presses("Пекарня: Старый текст")
    approve = buttons(await dina.message_with("Одобрить"))["Одобрить"]
    await shop.rows("update broadcasts set version = version + 1 where id = %s returning id", one)
    await dina.forges(approve)
    await dina.sees("На проверке|на проверке")
    assert await state(shop, one) == ("review", "")


async def test_a_broadcast_of_a_blocked_shop_is_not_approved(shop, dina):
    place, one = await waiting(shop, "Хлеб от закрытой пекарни")
    await dina.forges("casts:review")
    await dina.presses("Пекарня: Хлеб от закрытой пекарни")
    await shop.rows("update partners set status = 'blocked' where id = %s returning id", place)
    await dina.presses("Одобрить")
    await dina.sees("Магазин закрыт: рассылку нельзя отправить")
    assert await state(shop, one) == ("review", "")


async def test_the_platform_writes_by_role_and_category(shop, dina):
    await dina.forges("casts:new")
    await dina.says("Завтра с двух до трёх бот обновится")
    await dina.presses("Кому")
    await dina.presses("сотрудники магазинов")
    await dina.presses("Категория")
    shown = await dina.sees("сотрудники магазинов")
    assert any("Кафе" in label or "кафе" in label for label in buttons(shown))
    [row] = await shop.rows("select bot, kind from broadcasts where partner_id = 0 order by id desc limit 1")
    assert (row["bot"], row["kind"]) == ("partner", "notice")
    assert broadcasts.ADVERTISES == ("news", "away")


async def test_paying_is_offered_with_its_price_and_not_without_the_stars(shop, dina):
    await dina.forges("casts:new")
    assert "магазин" not in words(await dina.sees("Напишите текст сообщения")), "the platform's has no shop's name"
    await dina.says("Ночью боты обновятся")
    await dina.presses("Быстрее за звёзды")
    shown = await dina.sees("Платная отправка.*выйдет не больше.*На балансе бота.*Этого мало")
    assert not any("Согласен" in label for label in buttons(shown))
    await dina.presses("Назад")
    await dina.sees("Ночью боты обновятся")
    [row] = await shop.rows("select id, version, paid from broadcasts where partner_id = 0 order by id desc limit 1")
    await dina.forges(f"casts:paid:{row['id']}:yes:{row['version']}:999999")
    await dina.sees("Этого мало")
    [row] = await shop.rows("select id, paid from broadcasts where id = %s", row["id"])
    assert row["paid"] is False
    nowhere = """update broadcasts set bot = 'client', filter = '{"city": "Нигде"}' where id = %s returning id"""
    await shop.rows(nowhere, row["id"])
    await dina.forges(f"casts:confirm:{row['id']}")
    assert "картой" not in words(await dina.sees("Пока отправлять некому")), "a shop's clients agree there, no others"


async def test_the_bot_that_will_send_it_is_the_one_that_is_named(shop, dina):
    await dina.forges("casts:new")
    await dina.says("Кассы обновятся ночью")
    await dina.presses("Кому")
    await dina.presses("сотрудники магазинов")
    await dina.presses("Назад")
    await dina.presses("Отправить себе")
    assert "бот для сотрудников" in dina.toast["text"]


async def test_the_platform_is_not_offered_promotions_that_it_does_not_have(shop, dina):
    await dina.forges("casts:new")
    await dina.says("Ночью боты обновятся")
    await dina.presses("Кнопка")
    assert "акци" not in words(await dina.sees("Напишите подпись кнопки"))


async def test_what_the_platform_praises_goes_to_those_who_agreed(shop, dina):
    await dina.forges("casts:new")
    await dina.says("Новые сцены в студии")
    await dina.presses("Кому")
    await dina.presses("важное: всем")
    await dina.presses("новости: кто согласился")
    await dina.sees("Сейчас: .*кто согласился на новости")
    kept = "select kind from broadcasts where partner_id = 0 order by id desc limit 1"
    assert (await shop.rows(kept))[0]["kind"] == "news"
    await dina.presses("важное: всем")
    await dina.presses("Назад")
    await dina.presses("Маркировка")
    await dina.says("ООО «Мука» 2VtzqxABC")
    await dina.sees("Реклама: ООО «Мука».*кто согласился на новости")
    assert (await shop.rows(kept))[0]["kind"] == "news", "advertising is no notice"
