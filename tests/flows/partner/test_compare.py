"""A shop's analysis in the chat: the screens that a job reads, two dates that are typed, the picture and the page."""

import re
from datetime import UTC, date, datetime

import pytest

from lib import clock, errors
from lib.flows.partner import compare, promised
from lib.loyalty import staff
from tests.flows.chat import buttons, words
from tests.flows.partner.conftest import user_id
from tests.flows.partner.test_clients import served

TODAY = date(2026, 11, 29)


async def read(cafe, pattern, times=1):
    """Wait until the job has rewritten the screen."""
    await cafe.shop.finish("analysis", await user_id(cafe.shop, cafe.owner), *["done"] * times)
    return await cafe.owner.sees(pattern)


@pytest.mark.long
async def test_an_owner_compares_and_looks_at_each_screen(cafe):
    await served(cafe, await cafe.client())
    await cafe.owner.presses("Статистика")
    screen = (await cafe.owner.last())["message_id"]
    await cafe.owner.presses("Сравнить")
    message = await read(cafe, "Сравнение · Кофейня «Зерно».*Оборот: 1\u00a0000 ₽, было 0 ₽.*Новых клиентов: 1")
    assert message["message_id"] == screen, "the screen is rewritten"
    await cafe.owner.presses("Часы и дни")
    await read(cafe, "Пн Вт Ср Чт Пт Сб Вс.*Больше всего чеков: .* — 1", 2)
    await cafe.owner.presses("Возвраты")
    await read(cafe, "чел.  1  2  3  4  5  6\n... +1  ·", 3)
    await cafe.owner.presses("Баллы")
    message = await read(cafe, "Баллы у клиентов.*Всего +50 +50 ₽", 4)
    assert "PDF" not in buttons(message)
    await cafe.owner.presses("Назад")
    await cafe.owner.sees("Статистика · Кофейня")


@pytest.mark.long
async def test_an_owner_who_has_gone_on_keeps_the_screen_that_they_see(cafe):
    await served(cafe, await cafe.client())
    boss = await user_id(cafe.shop, cafe.owner)
    async with cafe.shop.without_worker():
        await cafe.owner.forges(f"compare:hours:{cafe.id}:90")
        await cafe.owner.sees("Считаю")
        await cafe.owner.presses("Назад")
        await cafe.owner.sees("Статистика · Кофейня")
    await cafe.shop.finish("analysis", boss)
    assert "Статистика · Кофейня" in words(await cafe.owner.last())
    await cafe.owner.forges(f"compare:home:{cafe.id}:90")
    message = await read(cafe, "Статистика · Кофейня «Зерно»</b>|Статистика.*за 90 дней.*Оборот: 1\u00a0000 ₽", 2)
    assert "• 90 дней" in buttons(message)


async def test_two_dates_are_typed_and_what_is_no_date_is_asked_for_again(cafe):
    await cafe.owner.forges(f"compare:own:{cafe.id}:hours")
    await cafe.owner.sees("Какие даты сравнить")
    await cafe.owner.says("вчера")
    await cafe.owner.sees("Не понял даты.*Какие даты")
    await cafe.owner.says("1.10.2026 – 15.10.2026")
    message = await read(cafe, "Часы и дни.*1–15 октября.*чеков не было")
    await cafe.owner.presses("Сравнение", on=message)
    await read(cafe, "Сравнение · Кофейня", 2)


async def test_the_page_comes_as_a_pdf(cafe):
    await served(cafe, await cafe.client())
    await cafe.owner.presses("Статистика")
    await cafe.owner.presses("PDF")
    assert "Готовлю" in cafe.owner.toast["text"]
    await cafe.shop.finish("chart", await user_id(cafe.shop, cafe.owner))
    message = await cafe.owner.sees("Статистика: Кофейня")
    name = r"Кофейня Зерно Статистика \d{1,2} \w+ 20\d\d – \d{1,2} \w+ 20\d\d\.pdf"
    assert re.fullmatch(name, message["document"]["file_name"])
    assert (await cafe.shop.download(message["document"]["file_id"])).startswith(b"%PDF-")


@pytest.mark.long
async def test_who_was_let_go_meanwhile_sees_no_figures(cafe, staffer):
    roman = await staffer("Роман")
    boss, other = await user_id(cafe.shop, cafe.owner), await user_id(cafe.shop, roman)
    link = await cafe.run(lambda conn: staff.invite(conn, cafe.id, boss, "manager"))
    await cafe.run(lambda conn: staff.accept(conn, other, link))
    async with cafe.shop.without_worker():
        await roman.forges(f"compare:period:{cafe.id}:week")
        await cafe.run(lambda conn: staff.remove(conn, cafe.id, boss, other))
    await cafe.shop.finish("analysis", other)
    assert "Сравнение" not in "".join(words(one) for one in await roman.messages())


@pytest.mark.parametrize(
    ("code", "zone", "what", "found"),
    [
        # 1:00 on the 29th at a shop in Vladivostok, while it is the 28th in London
        ("20261129-20261129", "Asia/Vladivostok", "period", "20261129-20261129"),
        ("d20261129", "Asia/Vladivostok", "pdf", "d20261129"),
        ("20261129-20261129", "Europe/Kaliningrad", "period", "week"),
        ("20261129-20261129", "Europe/Kaliningrad", "hours", "90"),
        ("nonsense", "Europe/Moscow", "home", "30"),
        ("nonsense", "Europe/Moscow", "pdf", "week"),
        ("week", "Europe/Moscow", "cohorts", ""),
    ],
)
def test_a_period_is_known_by_the_shops_own_days(monkeypatch, code, zone, what, found):
    monkeypatch.setattr(clock, "now", lambda: datetime(2026, 11, 28, 15, 0, tzinfo=UTC))
    assert promised.known(code, zone, what) == found


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("1.10 – 15.10", "20261001-20261015"),
        ("1.10-15.10", "20261001-20261015"),
        ("«1.10\u00a0\u2011\u00a015.10»", "20261001-20261015"),
        ("1 октября по 15 октября", "20261001-20261015"),
        ("1.10.2025, 15.10.2025", "20251001-20251015"),
        ("25.12 – 7.01", "20251225-20260107"),
        ("October 1 to October 15", "20261001-20261015"),
        ("29.11 — 29.11", "20261129-20261129"),
        ("1.12 – 10.12", "20251201-20251210"),  # those of last year
    ],
)
def test_dates_are_the_last_that_can_be_meant(typed, code):
    assert compare.own(typed, TODAY) == code


@pytest.mark.parametrize(
    "typed", ["", "1.10", "15.10.2026 – 1.10.2026", "30.02 – 1.03", "1.1.2024 – 1.2.2026", "–", "a – b"]
)
def test_what_is_no_pair_of_dates_is_refused(typed):
    with pytest.raises(errors.Invalid):
        compare.own(typed, TODAY)
