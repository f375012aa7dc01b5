"""The shop's clients, its figures, and the files that come by job."""

import io

import pytest
from PIL import Image

from lib.flows.partner import clients
from lib.loyalty import members, points, staff
from tests.flows.chat import buttons, words
from tests.flows.partner.conftest import make_cafe, qr, user_id
from tests.sizes import few


async def served(cafe, member, bill="1000"):
    await cafe.cashier.says(qr(member))
    await cafe.cashier.says(bill)
    await cafe.cashier.presses("Начислить")
    await cafe.cashier.sees("✅")


async def arrives(cafe, task, pattern):
    """Tick until the file has come."""
    await cafe.shop.finish(task, await user_id(cafe.shop, cafe.owner))
    return await cafe.owner.sees(pattern)


async def test_clients_are_listed_ten_a_page_newest_first(cafe):
    made = [await cafe.client(f"Клиент{number}") for number in range(12)]
    await cafe.owner.presses("Клиенты")
    message = await cafe.owner.sees("Новые сверху")
    names = [label for label in buttons(message) if label.startswith("Клиент")]
    assert [name.split(" ")[0] for name in names] == [f"Клиент{number}" for number in range(11, 1, -1)]
    await cafe.owner.presses("Показать ещё")
    message = await cafe.owner.last()
    assert [label.split(" ")[0] for label in buttons(message) if label.startswith("Клиент")] == ["Клиент1", "Клиент0"]
    assert made


async def test_an_empty_list_offers_the_poster(cafe):
    await cafe.owner.presses("Клиенты")
    message = await cafe.owner.sees("Пока никого")
    assert "Плакат с QR" in buttons(message)


async def test_the_poster_is_where_the_first_letter_says_also_with_clients(cafe):
    await cafe.client("Анна", "+79057778811")
    await cafe.owner.presses("Клиенты")
    assert "Плакат с QR" in buttons(await cafe.owner.sees("Новые сверху"))


async def test_a_client_is_found_and_shown_with_history(cafe):
    anna = await cafe.client("Анна <b>", "+79057778899", has=30)
    await served(cafe, anna)
    await cafe.owner.presses("Клиенты")
    await cafe.owner.says("8899")
    await cafe.owner.presses("Анна")
    await cafe.owner.sees("Анна <b> ··8899.*80 баллов.*Визитов: 1, потрачено 1\u00a0000 ₽")
    await cafe.owner.presses("История")
    await cafe.owner.sees(r"Начисление.*\+50, чек 1 000 ₽, на балансе 80 баллов.*Баллы вручную.*\+30")
    await cafe.owner.presses("Назад")
    await cafe.owner.presses("Назад")
    await cafe.owner.says("никтонезнаетменя")
    await cafe.owner.sees("никого не нашёл")


async def test_points_by_hand_need_a_reason_and_come_once(cafe):
    boris = await cafe.client()
    await cafe.owner.presses("Клиенты")
    await cafe.owner.presses("Борис")
    await cafe.owner.presses("Подарить баллы")
    await cafe.owner.says("100")
    await cafe.owner.sees("Добавьте причину")
    await cafe.owner.says("-5 зачем")
    await cafe.owner.sees("не может быть отрицательной")
    await cafe.owner.says("100 за долгое ожидание")
    await cafe.owner.sees("Начислить 100 баллов?.*Клиент: Борис.*за долгое ожидание")
    give = await cafe.owner.message_with("Начислить 100")
    await cafe.owner.presses("Начислить 100")
    await cafe.owner.sees("Начислили 100 баллов")
    await cafe.owner.presses("Начислить 100", on=give)
    await cafe.owner.sees("Начислили 100 баллов")
    assert "Уже сделано" in cafe.owner.toast["text"]
    await cafe.owner.presses("Назад")
    await cafe.owner.sees("Борис.*100 баллов")
    assert (await cafe.balance(boris)).available == 100
    assert [one["key"] for one in await cafe.told(boris)] == ["partner.push.granted"]
    [given] = await cafe.run(lambda conn: points.member_history(conn, cafe.id, boris.id))
    assert given.reason == "за долгое ожидание"


def test_a_gift_is_read_with_its_thousands_apart_too():
    reason = "за ожидание"
    for line in ("1 000 за ожидание", "1\u00a0000 за ожидание", "«1 000 за ожидание»"):
        assert clients.gift(line) == ("1 000", reason)
    assert clients.gift("1000 за ожидание") == ("1000", reason)
    assert clients.gift("5 за 1 000 чашек") == ("5", "за 1 000 чашек")
    assert clients.gift("100 «за ожидание»") == ("100", "«за ожидание»"), "the quotes of the reason stay"
    assert clients.gift("«1\u00a0000 за ожидание»") == ("1 000", "за ожидание")
    assert [clients.gift(line) for line in ("100", "", "за ожидание")] == [("100", ""), ("", ""), ("за", "ожидание")]


async def test_a_client_is_blocked_and_admitted(cafe):
    boris = await cafe.client()
    await cafe.owner.presses("Клиенты")
    await cafe.owner.presses("Борис")
    await cafe.owner.presses("Заблокировать")
    await cafe.owner.sees("Клиент заблокирован, операции для него закрыты")
    await cafe.owner.presses("Разблокировать")
    found = await cafe.run(lambda conn: members.get(conn, cafe.id, boris.id))
    assert found.blocked_at is None


@pytest.mark.parametrize("data", ["clients:list", "clients:one:1", "figures:home", "figures:clients", "figures:poster"])
async def test_a_cashier_sees_no_lists_and_no_figures(cafe, data):
    await cafe.cashier.forges(data)
    await cafe.cashier.sees("только управляющий или владелец")


async def test_a_client_of_another_shop_is_not_found(cafe, staffer, newcomer, shop):
    other = await make_cafe(shop, await staffer("Зоя"), await staffer("Яна"), newcomer, title="Цветы")
    stranger = await other.client("Чужой", has=50)
    for data in ("one", "history", "block", "points"):
        await cafe.owner.forges(f"clients:{data}:{stranger.id}")
        message = await cafe.owner.sees("Такого клиента в этом магазине нет")
        assert "Чужой" not in words(message)


async def test_the_figures_say_what_happened(cafe):
    anna, boris = await cafe.client("Анна", has=100), await cafe.client("Борис")
    await served(cafe, anna)
    await served(cafe, boris, "500")
    await cafe.owner.presses("Статистика")
    await cafe.owner.sees(
        "за 30 дней.*Оборот: 1\u00a0500 ₽.*Чеков: 2, средний 750 ₽.*Покупали: 2, новых: 2.*"
        "NPS: пока нет.*Баллов у клиентов: 175 \\(175 ₽\\)"
    )
    await cafe.owner.presses("7 дней")
    await cafe.owner.sees("за 7 дн")
    await cafe.owner.presses("Группы")
    await cafe.owner.sees("Новые.*Клиентов: 2")
    await cafe.owner.presses("Назад")
    await cafe.owner.presses("Кассиры")
    await cafe.owner.sees("Вера: 2 операции, чеков на 1\u00a0500 ₽")


async def test_an_empty_shop_has_figures_too(cafe):
    await cafe.owner.presses("Статистика")
    await cafe.owner.sees("Оборот: 0 ₽.*средний пока нет.*отток пока нет")
    await cafe.owner.presses("Группы")
    await cafe.owner.sees("после первых чеков")
    await cafe.owner.presses("Назад")
    await cafe.owner.presses("Кассиры")
    await cafe.owner.sees("операций не было")


@pytest.mark.long
async def test_the_chart_comes_as_a_picture(cafe):
    await served(cafe, await cafe.client())
    await cafe.owner.presses("Статистика")
    await cafe.owner.presses("График")
    assert "Готовлю" in cafe.owner.toast["text"]
    message = await arrives(cafe, "chart", "Статистика: Кофейня")
    with Image.open(io.BytesIO(await cafe.shop.download(message["photo"][-1]["file_id"]))) as picture:
        assert picture.width > 700


async def test_the_poster_comes_as_a_picture_and_for_the_printer(cafe, photo):
    await cafe.set(welcome_points=100)
    await cafe.owner.presses("Правила")
    await cafe.owner.presses("Логотип")
    await cafe.owner.says("какой-нибудь")
    await cafe.owner.sees("Нужна картинка")
    await cafe.owner.sends_photo(photo)
    await cafe.owner.sees("Сохранил.*Логотип: есть")
    await cafe.owner.says("/menu")
    await cafe.owner.presses("Статистика")
    await cafe.owner.presses("Плакат с QR")
    message = await arrives(cafe, "poster", "Для печати: лист A4 на стену и карточка A6")
    assert (await cafe.shop.download(message["document"]["file_id"])).startswith(b"%PDF-")
    files = [one["document"]["file_name"] for one in await cafe.owner.messages() if "document" in one]
    assert files == ["Кофейня Зерно Плакат A4.pdf", "Кофейня Зерно Плакат A6.pdf"]
    await cafe.owner.sees("Плакат для кассы: Кофейня")


@pytest.mark.long
async def test_who_was_let_go_meanwhile_gets_no_file(cafe, staffer):
    roman = await staffer("Роман")
    boss, other = await user_id(cafe.shop, cafe.owner), await user_id(cafe.shop, roman)
    link = await cafe.run(lambda conn: staff.invite(conn, cafe.id, boss, "manager"))
    await cafe.run(lambda conn: staff.accept(conn, other, link))
    await roman.says("/menu")
    async with cafe.shop.without_worker():
        await roman.presses("Статистика")
        await roman.presses("Выгрузки")
        await roman.presses("Клиенты")
        await roman.presses("За всё время")
        await cafe.run(lambda conn: staff.remove(conn, cafe.id, boss, other))
    await cafe.shop.finish("sheet", other)
    assert not [one for one in await roman.messages() if "document" in one]


@pytest.mark.parametrize(
    ("button", "task", "method", "failed"),
    few(
        [
            ("График", "chart", "sendPhoto", "график не получился"),
            ("Плакат с QR", "poster", "sendMediaGroup", "плакат не получился"),
        ],
        1,
        several=True,
    ),
)
async def test_a_file_that_fails_for_good_says_so_and_is_asked_for_again(cafe, button, task, method, failed):
    await cafe.shop.fault(cafe.owner, method, "400", description="Bad Request: PHOTO_INVALID_DIMENSIONS")
    await cafe.owner.presses("Статистика")
    await cafe.owner.presses(button)
    owner = await user_id(cafe.shop, cafe.owner)
    await cafe.shop.finish("notice", owner)
    notice = await cafe.owner.sees(f"Кофейня «Зерно».*{failed}.*Сбой на нашей стороне.*ещё раз")
    await cafe.owner.presses("Заказать ещё раз", on=notice)
    assert "Готовлю" in cafe.owner.toast["text"]
    await cafe.shop.finish(task, owner, "failed", "done")


@pytest.mark.long
async def test_who_was_let_go_meanwhile_does_not_hear_of_the_failure(cafe, staffer):
    roman = await staffer("Роман")
    boss, other = await user_id(cafe.shop, cafe.owner), await user_id(cafe.shop, roman)
    link = await cafe.run(lambda conn: staff.invite(conn, cafe.id, boss, "manager"))
    await cafe.run(lambda conn: staff.accept(conn, other, link))
    await roman.says("/menu")
    await roman.presses("Статистика")
    async with cafe.shop.without_worker():
        await roman.presses("График")
        await cafe.run(lambda conn: staff.remove(conn, cafe.id, boss, other))
        fail = "update jobs set state = 'failed', error_code = 'x', finished_at = now()"
        assert len(await cafe.shop.rows(f"{fail} where user_id = %s and task = 'chart' returning id", other)) == 1
    await cafe.shop.drain_again()
    await cafe.shop.finish("notice", other)
    assert not [one for one in await roman.messages() if "не получился" in words(one)]
