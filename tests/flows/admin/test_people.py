"""Looking people up, and what is done to them: credits, blocking."""

import re

import pytest

from tests.flows.chat import Chat, buttons
from tests.flows.studio.test_order import to_confirm


async def audit(shop, subject):
    return await shop.rows("select actor, action, reason, before, after from audit_log where subject = %s", subject)


async def number(shop, chat):
    [row] = await shop.rows("select id from users where tg_id = %s", chat.user["id"])
    return row["id"]


async def test_a_person_is_looked_up_when_the_menu_is_from_yesterday(dina, newcomer, shop):
    seller = await newcomer(consent=True)
    await shop.mend_state(dina)
    await dina.says(str(seller.user["id"]))
    await dina.sees(f"Telegram id {seller.user['id']}")


async def test_a_person_is_found_by_id_by_username_and_by_order(dina, newcomer, photo, shop):
    seller = await newcomer(consent=True, username="Seller_One")
    await to_confirm(seller, photo)
    await seller.presses("Сделать")
    await shop.settle(seller)
    [job] = await shop.jobs(seller)
    for words in (str(seller.user["id"]), "@seller_one", "t.me/Seller_One", f"№ {job['id']}", f"/find {job['id']}"):
        await dina.says(words)
        await dina.sees(f"Telegram id {seller.user['id']}.*Баланс: 1 кредит.*Заказов: 1")
    await dina.presses("Заказы")
    await dina.sees(f"№ {job['id']} · карточка · готово · 1 кредит")
    await dina.presses("1")
    await dina.sees(f"Задача № {job['id']}.*Состояние: готово")
    await dina.presses("Открыть человека")
    await dina.presses("Операции")
    await dina.sees("заказ −1 → 1.*пробные \\+2 → 2")
    await dina.presses("Назад")
    await dina.presses("Платежи")
    await dina.sees("Платежей ещё не было")
    assert {"Назад", "Меню"} <= set(buttons(await dina.last()))


async def test_nobody_fits_is_said_with_what_to_do(dina):
    for words in ("Иван", "999999999999999999999999", "@nobody_at_all", "'; drop table users; --", "%", "<b>"):
        await dina.says(words)
        await dina.sees(f"«{re.escape(words)}» никого нет.*Пришлите Telegram id")


async def test_markup_in_a_name_stays_words(dina, newcomer, found):
    eve = await newcomer(consent=True, first_name="<b>Ева</b> & Co")
    await found(eve)
    await dina.sees("<b>Ева</b> & Co")


async def test_a_mended_number_of_credits_stays_a_number(dina, seller, found):
    await found(seller)
    await dina.presses("Начислить кредиты")
    await dina.says("70")
    await dina.sees("Почему?")
    await dina.mends("70", "7")
    await dina.sees("Почему?")
    await dina.says("За терпение")
    await dina.sees("Баланс: 2 → 9.*Причина: За терпение")


async def test_a_number_of_credits_may_have_its_thousands_apart(dina, seller, found):
    await found(seller)
    await dina.presses("Начислить кредиты")
    await dina.says("«1\u00a0000»")
    await dina.sees("Почему?")


async def test_credits_are_given_once_with_a_reason_and_a_trace(dina, seller, found, shop):
    await found(seller)
    await dina.presses("Начислить кредиты")
    await dina.sees("Сейчас на балансе 2 кредита")
    await dina.says("сто")
    await dina.sees("Нужно целое число")
    await dina.says("7")
    await dina.sees("Почему?.*1. Компенсация за сбой")
    await dina.says("За <i>терпение</i>")
    confirm = await dina.sees("Баланс: 2 → 9.*Причина: За <i>терпение</i>")
    await dina.presses("Начислить", on=confirm)
    await dina.sees("✅ Начислили 7 кредитов.*На балансе 9 кредитов")
    await dina.forges("act:confirm")
    assert "второй раз не повторяю" in dina.toast["text"]
    await shop.replay(dina, dina.update_ids[-1], times=2)
    assert await shop.balance(seller) == 9
    [row] = await audit(shop, f"user {await number(shop, seller)}")
    assert (row["actor"], row["action"], row["reason"]) == (
        f"admin:{dina.user['id']}",
        "credits.grant",
        "За <i>терпение</i>",
    )
    assert (row["before"]["balance"], row["after"]["balance"]) == (2, 9)
    assert row["after"]["key"] == f"act:{await number(shop, dina)}:{confirm['message_id']}", "no Telegram id for ever"


async def test_two_grants_in_a_row_are_two_grants(dina, seller, found, shop):
    for _ in range(2):
        await found(seller)
        await dina.presses("Начислить кредиты")
        await dina.presses("5")
        await dina.presses("1")
        await dina.presses("Начислить")
        await dina.sees("✅ Начислили 5 кредитов")
    assert await shop.balance(seller) == 12


async def test_an_odd_amount_gives_nothing(dina, seller, found, shop):
    await found(seller)
    await dina.presses("Начислить кредиты")
    for words in ("0", "-5", "1e9", "٣", "10001", "5.5", "99999999999999999999"):
        await dina.says(words)
        assert "Нужно целое число от 1 до 10 000" in (await dina.last())["text"], words
    assert await shop.balance(seller) == 2


async def test_a_confirm_that_was_never_shown_does_nothing(dina, seller, found, shop):
    await found(seller)
    await dina.presses("Начислить кредиты")
    await dina.presses("30")
    await dina.forges("act:confirm")
    await dina.sees("Этого здесь уже нет")
    assert await shop.balance(seller) == 2


FORGED = (
    *("act:begin:nothing:1", "act:begin:grant:0", "act:begin:grant:x", "act:begin:ban:-1", "act:why:9", "act:", ":"),
    *("act:sum:1000000", "people:card:999999999", "people:card:", "people:orders:9:9:9", "queue:job:abc", "x"),
    *("letters:one:0", "trail:of:user.x", "shelf:product:nope", "shelf:pack:nope", "shelf:alert:nope"),
)


async def test_forged_buttons_lead_to_a_screen_and_change_nothing(dina):
    for data in FORGED:
        await dina.says("/menu")
        await dina.forges(data)
        assert dina.delivery["status"] == 200, data
        assert {"Меню", "Сводка"} & set(buttons(await dina.last())), data


@pytest.mark.long
async def test_a_blocked_person_is_told_so_until_they_are_let_in(dina, seller, photo, found, shop):
    await found(seller)
    await dina.presses("Заблокировать")
    await dina.sees("Почему?")
    await dina.presses("1")
    await dina.sees("Боты перестанут отвечать этому человеку.*Спам или мошенничество")
    await dina.presses("Заблокировать")
    await dina.sees("⛔️ Этот человек заблокирован")
    await seller.sends_photo(photo)
    await seller.sees("Администратор закрыл вам доступ")
    await seller.forges("card:confirm")
    await seller.says("/start")
    await seller.sees("закрыл вам доступ")
    await seller.says("/export")
    await seller.sees("Всё, что мы о вас храним")
    await seller.forges("wallet:packs")
    await seller.presses("Написать нам")
    await seller.sees("Напишите вопрос одним сообщением")
    await seller.says("За что меня закрыли?")
    await seller.sees("Передали. Администратор напишет вам")
    await dina.sees("За что меня закрыли")
    await seller.says("Кружка")
    await seller.sees("закрыл вам доступ")
    await found(seller)
    await dina.sees("⛔️ Этот человек заблокирован.*Спам или мошенничество")
    await dina.presses("Разблокировать")
    await dina.presses("1")
    await dina.presses("Разблокировать")
    await dina.sees("✅ Этот человек разблокирован")
    await seller.says("/menu")
    await seller.sees("Баланс: 2 кредита")
    rows = await audit(shop, f"user {await number(shop, seller)}")
    assert [row["action"] for row in rows] == ["user.ban", "user.unban"]


@pytest.mark.long
@pytest.mark.parametrize("bot", ["client", "partner"])
async def test_a_blocked_person_writes_to_us_from_whichever_bot_they_are_in(bot, dina, seller, found, shop):
    await found(seller)
    for label in ("Заблокировать", "1", "Заблокировать"):
        await dina.presses(label)
    await dina.sees("⛔️ Этот человек заблокирован")
    chat = Chat(shop.http, bot, seller.user)
    await chat.says("/start")
    await chat.sees("закрыл вам доступ")
    await chat.presses("Написать нам")
    await chat.sees("Напишите вопрос одним сообщением")
    await chat.says(f"Вопрос из бота {bot}")
    await chat.sees("Передали. Администратор напишет вам")
    await dina.sees(f"Пишет Алиса.*Вопрос из бота {bot}")
    await chat.says("И ещё")
    await chat.sees("закрыл вам доступ")
    assert "Написать нам" in buttons(await chat.last())


async def test_erasing_oneself_is_no_way_round_a_block(dina, seller, found):
    await found(seller)
    for label in ("Заблокировать", "1", "Заблокировать"):
        await dina.presses(label)
    await dina.sees("⛔️ Этот человек заблокирован")
    await seller.says("/delete")
    await seller.presses("Удалить навсегда")
    await seller.says("/start")
    await seller.sees("закрыл вам доступ")


async def test_an_administrator_cannot_be_blocked(dina, administrator, found, shop):
    lena = await administrator("Лена")
    await found(lena)
    for label in ("Заблокировать", "1", "Заблокировать"):
        await dina.presses(label)
    await dina.sees("Не сделано: это администратор.*Ничего не изменилось")
    await lena.says("/menu")
    await lena.sees("Лоток · админка")


async def test_what_two_administrators_want_at_once_is_done_once(dina, administrator, seller, found, shop):
    lena = await administrator("Лена")
    await found(seller)
    for label in ("Заблокировать", "1"):
        await dina.presses(label)
    await lena.says(str(seller.user["id"]))
    for label in ("Заблокировать", "2"):
        await lena.presses(label)
    await dina.presses("Заблокировать")
    await dina.sees("⛔️ Этот человек заблокирован")
    await lena.presses("Заблокировать")
    await lena.sees("уже заблокирован.*Ничего не изменилось")
    assert len(await audit(shop, f"user {await number(shop, seller)}")) == 1


async def test_cancel_drops_what_was_begun(dina, seller, found, shop):
    await found(seller)
    await dina.presses("Начислить кредиты")
    await dina.says("/cancel")
    await dina.sees("Ничего не изменилось")
    await dina.says("9999")  # a sum that may be granted, and the number of no order
    await dina.sees("никого нет")
    assert await shop.balance(seller) == 2


async def test_an_administrator_releases_a_number_with_a_reason(dina, seller, found, shop):
    await found(seller)
    await dina.presses("Освободить номер")
    await dina.sees("у этого аккаунта нет номера")
    user_id = await number(shop, seller)
    await shop.rows(
        "insert into clients (user_id, name, city, phone) values (%s, 'Алиса', 'Казань', %s) returning user_id",
        *(user_id, f"+7901{user_id:07}"),
    )
    await found(seller)
    await dina.presses("Освободить номер")
    await dina.sees(r"номер ··\d{4}.*1\. Номер перешёл")
    await dina.presses("2")
    await dina.sees("Через 24 часа номер отвяжется.*Причина: Доступ к аккаунту потерян")
    await dina.presses("Освободить")
    await dina.sees("освободится через 24 часа")
    [row] = await audit(shop, f"user {user_id}")
    assert (row["action"], row["reason"]) == ("phone.release", "Доступ к аккаунту потерян")
    assert await shop.rows("select id from phone_releases where holder_id = %s and partner_id is null", user_id)
