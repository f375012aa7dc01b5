"""The state of the generation services, as an administrator reads it."""

import re

import pytest

from lib import VERSION, migrations
from tests.flows.chat import buttons

CALL = (
    "insert into provider_calls (job_id, item, step, provider, model, state, cost, begun_at, ended_at)"
    " select %s, n, 'main', 'kie', 'm', %s, %s, now() - %s::interval, now() - %s::interval"
    " from generate_series(1, %s) n returning id"
)


@pytest.fixture
async def calls(shop):
    """Leave what KIE was asked for: 2 cents for each that was done; the oldest is of another day."""
    begun = [("done", 999, "2 days", 1), ("lost", 40, "5 hours", 1), ("failed", 0, "20 minutes", 1)]
    for job, (state, cost, age, number) in enumerate([*begun, ("done", 20, "10 minutes", 21)], 1):
        await shop.rows(CALL, -job, state, cost, age, age, number)
    yield
    await shop.rows("delete from provider_calls where provider = 'kie' returning id")


@pytest.fixture(scope="module")
async def kie(shop):
    """Let the platform have a key of KIE, from the first test that asks for it to the end of this file."""
    async with shop.setting("KIE_API_KEY", "local-kie-key-one"):
        yield


async def to_providers(chat):
    await chat.says("/menu")
    await chat.presses("Сводка")
    await chat.presses("Сервисы")


async def test_without_a_key_the_screen_says_who_draws_and_how_to_connect_a_service(dina):
    await to_providers(dina)
    shown = await dina.sees(
        "Ни один сервис не подключён.*KIE_API_KEY или OPENAI_API_KEY.*Сам Лоток — ✅ готов к работе"
    )
    assert "KIE.ai" not in shown["text"]
    assert {"Обновить", "Назад", "Меню"} <= set(buttons(shown))
    await dina.presses("Обновить")
    await dina.presses("Назад")
    shown = await dina.sees("Деньги за 30 дней")
    end = rf"Версия {VERSION}\nПоследняя миграция: {migrations.available()[-1].name}\nРаботает с \d+ \w+, \d\d:\d\d$"
    assert re.search(end, shown["text"])


async def test_a_service_shows_its_spending_its_calls_and_its_last_success(administrator, shop, calls, kie):
    dina = await administrator()
    await to_providers(dina)
    shown = await dina.sees(
        "KIE.ai — ✅ готов к работе\n"
        "За сутки потрачено 0,46 \\$ из 50 \\$\n"
        "За час: 22 запроса, готово 21, неудачно 1\n"
        "За сутки: 23 запроса, готово 21, неудачно 2\n"
        "Последний удачный — 1\\d мин назад"
    )
    assert "OpenAI — ⚪️ не подключён: не задан OPENAI_API_KEY" in shown["text"]
    assert "Ни один" not in shown["text"]


@pytest.mark.parametrize(("why", "words"), [("down", "сервис не отвечал"), ("money", "кончились деньги")])
async def test_a_service_that_rests_is_named_in_the_overview(administrator, shop, why, words, kie):
    dina = await administrator()
    await shop.pause("kie", why)
    await dina.presses("Сводка")
    await dina.sees(f"Требует внимания.*• KIE.ai — ⏸ на .*{words}")
    await dina.presses("Сервисы")
    await dina.sees(f"KIE.ai — ⏸ .*{words}.*За сутки запросов не было")
    await shop.rows("delete from provider_pauses returning provider")
    await dina.presses("Обновить")
    await dina.sees("KIE.ai — ✅ готов")


async def test_a_service_whose_limit_is_reached_says_so(administrator, shop, calls, kie):
    await shop.rows("update provider_budgets set daily_limit = 460 where provider = 'kie' returning provider")
    try:
        dina = await administrator()
        await to_providers(dina)
        await dina.sees("KIE.ai — ⛔️ дневной лимит исчерпан\nЗа сутки потрачено 0,46 \\$ из 0,46 \\$")
        await dina.says("/menu")
        shown = await dina.sees("KIE.ai — потрачено за сутки 0,46 \\$ из 0,46 \\$")
        assert "Всё в порядке" not in shown["text"]
    finally:
        await shop.rows("update provider_budgets set daily_limit = 50000 where provider = 'kie' returning provider")


async def test_the_menu_says_when_most_requests_fail(administrator, shop, kie):
    for job, (state, number) in enumerate([("failed", 38), ("done", 13)], 1):
        await shop.rows(CALL, -job, state, 0, "3 hours", "3 hours", number)
    try:
        dina = await administrator()
        await dina.says("/menu")
        await dina.sees("Требует внимания.*KIE.ai — неудачных запросов 0 из 0 за час, 38 из 51 за сутки")
    finally:
        await shop.rows("delete from provider_calls where provider = 'kie' returning id")


async def test_a_photo_or_words_that_a_service_refused_are_no_failure_of_it(administrator, shop, kie):
    await shop.rows(CALL, -1, "refused", 0, "3 minutes", "3 minutes", 40)
    try:
        dina = await administrator()
        await dina.says("/menu")
        assert "KIE.ai" not in (await dina.last())["text"]
        await to_providers(dina)
        await dina.sees("За час: 40 запросов, готово 0, неудачно 0")
    finally:
        await shop.rows("delete from provider_calls where provider = 'kie' returning id")


@pytest.mark.long
async def test_bad_results_are_counted_by_what_was_made_and_why(dina, shop, kie):
    [user] = await shop.rows("select id from users order by id limit 1")
    await shop.rows("delete from complaints returning job_id")  # of whatever test ran before
    row = "insert into complaints (job_id, user_id, reason, product, look) values (-1, %s, 'cut', 'card', 'wb')"
    await shop.rows(f"{row} returning job_id", user["id"])
    await dina.says("/menu")
    await dina.presses("Сводка")
    await dina.presses("Плохие результаты")
    await dina.sees("Карточка товара · Wildberries.*Плохо вырезан товар: 1, кредиты возвращены: 0")
    await shop.rows("delete from complaints where job_id = -1 returning job_id")
    await dina.presses("Назад")
    await dina.sees("Деньги за 30 дней")
