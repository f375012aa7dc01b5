import re

import pytest

from lib.loyalty import partners
from lib.people import users
from tests.flows.chat import buttons, words


def digits(message):
    return re.search(r"цифры: (\d{3} \d{3})", words(message))[1].replace(" ", "")


async def test_the_card_shows_code_balance_next_reward_and_next_expiry(comes, cafe):
    boris = await comes(cafe)
    await cafe.offers("Капучино", 150)
    await boris.says("/menu")
    await boris.sees("Кофейня «Зерно»: 100 баллов")
    await boris.presses("Показать QR-код")
    card = await boris.sees("100 баллов = 100 ₽")
    assert card["photo"]
    assert "Капучино: осталось накопить 50 баллов" in words(card)
    assert re.search(r"100 баллов сгорят после \d+ [а-я]+( \d{4})?", words(card))
    assert re.search(r"Действует 5 минут, до \d\d:\d\d", words(card))


async def test_a_refreshed_card_is_the_same_message_with_another_code(comes, cafe):
    boris = await comes(cafe)
    first = await boris.last()
    await boris.presses("Обновить код")
    second = await boris.last()
    assert second["message_id"] == first["message_id"]
    assert digits(second) != digits(first)


async def test_leaving_the_card_takes_the_code_out_of_the_chat(comes, cafe):
    boris = await comes(cafe)
    card = await boris.last()
    await boris.presses("Меню")
    await boris.sees("Лоток · Клуб")
    assert card["message_id"] not in [one["message_id"] for one in await boris.messages()]


async def test_the_points_arrive_on_the_card_and_in_the_history(comes, cafe):
    boris = await comes(cafe)
    receipt = await cafe.sells(boris, 700)
    await boris.presses("Обновить код")
    await boris.sees("135 баллов = 135 ₽")
    await boris.presses("История")
    await boris.sees(r"сейчас 135 баллов.*\+35 · .*Покупка на 700 ₽.*\+100 · .*Подарок за знакомство")
    await cafe.undoes(receipt)
    await boris.presses("Назад")
    await boris.sees("Доступно: 100 баллов")
    await boris.presses("История")
    await boris.sees(r"−35 · .*Отмена операции: Ошибка в сумме.*\+35 · .*Отменено")


async def test_the_history_is_leafed_through_there_and_back(comes, cafe):
    boris = await comes(cafe)
    for number in range(1, 12):
        await cafe.gives(boris, number, f"Подарок {number}.")
    await boris.presses("История")
    newest = await boris.sees(r"\+11.*Подарок 11")
    assert "Подарок 2." in words(newest)
    assert "Подарок 1." not in words(newest)
    assert "← Новее" not in buttons(newest)
    await boris.presses("Раньше")
    oldest = await boris.sees(r"\+1 · .*Подарок 1\..*\+100 · .*за знакомство")
    assert "Раньше →" not in buttons(oldest)
    await boris.presses("Новее")
    await boris.sees("Подарок 11")


async def test_what_expires_when_is_told_and_what_waits(comes, opens):
    shop = await opens("Пекарня", hold_days=3, expire_days=30)
    boris = await comes(shop)
    await boris.presses("Баллы и сроки")
    await boris.sees("Баллов пока нет. С каждой покупки возвращается 5 %")
    await shop.sells(boris, 1000)
    await shop.gives(boris, 7)
    await boris.presses("История")
    await boris.presses("Назад")
    await boris.sees(r"Доступно: 7 баллов = 7 ₽.*⏳ 7 баллов — до \d+ [а-я]+.*🕓 50 баллов — можно тратить с")


async def test_several_cards_are_a_list_with_the_favourites_first(comes, cafe, opens):
    boris = await comes(cafe)
    bakery = await opens("Булочная")
    await boris.says(f"/start p_{bakery.code}")
    await boris.sees("Булочная")
    await boris.presses("О магазине")
    await boris.presses("В избранное")
    assert boris.toast["text"] == "Теперь в избранном"
    await boris.says("/menu")
    await boris.sees(r"★ Булочная: 0 баллов.*Кофейня «Зерно»: 100 баллов")


async def test_a_closed_shop_invites_nobody(comes, cafe):
    boris = await comes(cafe)
    await cafe.conn.execute("update partners set status = 'blocked' where id = %s", (cafe.id,))
    await boris.forges(f"invite:{cafe.id}")
    assert "t.me" not in words(await boris.sees("сейчас не работает с баллами"))


async def test_a_blocked_shop_says_that_the_points_are_safe(comes, cafe):
    boris = await comes(cafe)
    await cafe.conn.execute("update partners set status = 'blocked' where id = %s", (cafe.id,))
    await boris.presses("Обновить код")
    await boris.sees("не работает с баллами. Ваши баллы целы")
    await boris.presses("Баллы и сроки")
    await boris.sees("Доступно: 100 баллов")


async def test_another_shops_ids_and_forged_buttons_show_nothing(comes, cafe, opens):
    other = await opens("Чужая")
    alice = await comes(other, first_name="Алиса")
    await other.gives(alice, 500)
    boris = await comes(cafe)
    for data in (
        f"card:{other.id}",
        f"points:{other.id}",
        f"history:{other.id}:99",
        f"gift:mine:{other.id}",
        f"invite:{other.id}",
        f"letter:{other.id}",
        "card:999999999999999999999",
        "card:-1",
        "card:list:-5",
        "history::",
        "gift:buy:1",
        "find:in:shops:99",
        "find:city:nonsense",
        "settings:in:0",
        "join:city:0",
        "nps:1:1:11",
        "nps:1",
        "card",
        "shop:like:77777:1",
    ):
        await boris.says("/menu")
        await boris.forges(data)
        assert boris.delivery["status"] == 200, data
        assert boris.delivery["attempts"] == 1, data
        assert "500" not in words(await boris.last()), data


async def test_what_is_meant_for_the_till_does_nothing_in_the_clients_bot(comes, cafe, photo):
    """What a QR code holds, its digits and a picture: each is answered with what to do, and no point moves."""
    boris = await comes(cafe)
    shown = digits(await boris.last())
    for payload in ("c_" + "A" * 48, "c_forged", "c_"):
        await boris.says(f"/start {payload}")
        await boris.sees("С возвращением, Борис")
        assert (boris.delivery["status"], boris.delivery["attempts"]) == (200, 1)
    for typed in ("c_" + "A" * 48, shown, f"{shown[:3]} {shown[3:]}"):
        await boris.says(typed)
        await boris.sees("не понимаю. Код или QR-код покажите на кассе")
    await boris.sends_photo(photo)
    await boris.sees("не понимаю. Код или QR-код покажите на кассе")
    assert (await cafe.member(boris)).available == 100


@pytest.mark.long
async def test_times_are_the_persons_own(comes, cafe):
    boris = await comes(cafe)
    await boris.says("/profile")
    await boris.presses("Часовой пояс")
    await boris.presses("Владивосток")
    await boris.says("/menu")
    await boris.presses("Показать QR-код")
    there = re.search(r"до (\d\d):\d\d", words(await boris.last()))[1]
    await boris.says("/profile")
    await boris.presses("Часовой пояс")
    await boris.presses("Москва")
    await boris.says("/menu")
    await boris.presses("Показать QR-код")
    here = re.search(r"до (\d\d):\d\d", words(await boris.last()))[1]
    assert (int(there) - int(here)) % 24 == 7


async def test_ones_data_holds_the_cards_and_deleting_empties_them(comes, cafe, shop):
    boris = await comes(cafe)
    await boris.says("/export")
    message = await boris.sees("Всё, что мы о вас храним")
    assert "Борис" in (await shop.download(message["document"]["file_id"])).decode()
    await boris.says("/delete")
    await boris.sees("На картах магазинов 100 баллов: всё это сгорит")
    await boris.presses("Удалить навсегда")
    await boris.sees("Ваши данные удалены")
    assert not await shop.rows(
        "select * from clients join users u on u.id = user_id where tg_id = %s", boris.user["id"]
    )
    await boris.says("/start")
    await boris.sees("согласие")


async def test_a_debt_stands_on_the_page_of_ones_points_and_in_the_history(comes, cafe):
    boris = await comes(cafe)
    receipt = await cafe.sells(boris, 700)
    await cafe.spends(boris, 130, bill=260)
    await cafe.undoes(receipt)
    await boris.forges(f"points:{cafe.id}")
    debt = words(await boris.sees("Долг: .*Столько удержим из баллов за следующую покупку"))
    owed = int(re.search(r"Долг: (\d+)", debt)[1])
    await cafe.sells(boris, 2000)
    await boris.forges(f"points:{cafe.id}")
    assert "Долг" not in words(await boris.sees("Доступно"))
    await boris.presses("История")
    await boris.sees(f"−{owed} · .*Удержано в счёт долга")


@pytest.mark.parametrize("blocked", [False, True])
async def test_a_card_of_a_shop_that_went_with_its_owner_says_so(comes, cafe, shop, blocked):
    boris = await comes(cafe)
    if blocked:
        await partners.decide(cafe.conn, cafe.id, cafe.owner_id, "blocked", "жалобы")
        await boris.forges(f"card:{cafe.id}")
        await boris.sees("когда он откроется снова")
    [owner] = await shop.rows("select tg_id from users where id = %s", cafe.owner_id)
    await users.erase(cafe.conn, cafe.owner_id, owner["tg_id"])
    for screen in (f"card:{cafe.id}", f"invite:{cafe.id}"):
        await boris.forges(screen)
        await boris.sees("закрылся насовсем: потратить баллы в нём уже нельзя")
    assert not await partners.decide(cafe.conn, cafe.id, cafe.owner_id, "approved")
