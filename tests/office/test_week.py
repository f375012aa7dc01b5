"""The platform's week, as its administrators read it on Monday."""

from datetime import timedelta

import pytest

from lib import text
from lib.office import week
from lib.reach import alerts, periods
from tests import factories
from tests.loyalty.test_points import accrue
from tests.loyalty_lab import make_member
from tests.report_lab import MONDAY, ZONE, at, busy_week, old_shop

PERIOD = periods.closed("week", MONDAY, ZONE)
NOTHING = week.PlatformWeek(0, 0, 0, 0, 0, [], 0, 0, {}, 0, 0, [])


async def test_shops_clients_and_turnover_are_those_of_bills_that_stand(conn):
    await busy_week(conn)
    big = await old_shop(conn)
    await conn.execute("update partners set title = 'Большой' where id = %s", (big.id,))
    await accrue(conn, big, await make_member(conn, big), 5_000_000, now=at(12))
    await old_shop(conn)
    now, before = await week.read(conn, PERIOD)
    assert (now.shops, now.busy_shops, now.clients, now.turnover_minor) == (3, 2, 4, 5_300_000)
    assert (before.busy_shops, before.clients, before.turnover_minor) == (1, 2, 100_000)
    assert [(one["title"], one["turnover_minor"]) for one in now.best] == [
        ("Большой", 5_000_000),
        ("Кофейня", 300_000),
    ]


async def test_a_shop_that_came_later_and_a_blocked_one_are_not_counted(conn):
    late, blocked = await old_shop(conn), await old_shop(conn)
    await conn.execute("update partners set created_at = %s where id = %s", (MONDAY, late.id))
    await conn.execute("update partners set status = 'blocked' where id = %s", (blocked.id,))
    new = await old_shop(conn)
    await conn.execute("update partners set created_at = %s where id = %s", (at(11), new.id))
    asking = await old_shop(conn)
    await conn.execute("update partners set created_at = %s, status = 'pending' where id = %s", (at(11), asking.id))
    now, _ = await week.read(conn, PERIOD)
    assert (now.shops, now.new_shops) == (1, 1)


async def test_credits_costs_failures_and_alarms_are_the_weeks(conn):
    alice = await factories.make_user(conn)
    query = (
        "insert into payments (telegram_payment_charge_id, bot, user_id, pack_id, stars, credits, paid_at)"
        " values (%s, 'studio', %s, (select min(id) from packs), 100, 50, %s)"
    )
    for charge, paid in (("a", at(10)), ("b", at(15, 23)), ("c", MONDAY)):
        await conn.execute(query, (charge, alice.id, paid))
    query = (
        "insert into provider_calls (job_id, item, step, provider, model, state, cost, begun_at, ended_at)"
        " values (1, %s, 'main', %s, 'm', 'done', %s, %s, %s)"
    )
    for item, provider, cost, begun in ((1, "kie", 4_000, at(10)), (2, "kie", 6_000, at(11)), (3, "kie", 99, MONDAY)):
        await conn.execute(query, (item, provider, cost, begun, begun))
    query = (
        "insert into alerts (name, severity, state, since, fired_at, resolved_at)"
        " values (%s, 'page', 'resolved', %s, %s, %s)"
    )
    for name, fired in (("lag", at(10)), ("money", MONDAY)):
        await conn.execute(query, (name, fired, fired, fired + timedelta(hours=1)))
    now, _ = await week.read(conn, PERIOD)
    assert (now.credits, now.stars, now.spent, now.alerts) == (100, 200, {"kie": 10_000}, ["lag"])
    assert (now.finished, now.failed) == (0, 0)


def said(now, before=NOTHING, language="ru"):
    fields = week.fields(language, PERIOD, now, before)
    return text.plain(text.say(language, "alert.week", **fields, as_of="")).replace("\u00a0", " ")


FULL = week.PlatformWeek(
    *(120, 3, 80, 4_000, 543_000_050),
    [{"title": "Зерно <&>", "turnover_minor": 100_000}, {"title": "Ж" * 80, "turnover_minor": 50_000}],
    *(1200, 3400, {"openai": 502_820, "kie": 1_000}, 9000, 12, ["lag", "webhook", "webhook", "unheard_of"]),
)


def test_a_week_reads_whole_in_russian():
    before = week.PlatformWeek(**vars(FULL) | {"turnover_minor": 500_000_000, "clients": 4_400})
    assert said(FULL, before) == (
        "📊 Неделя 9–15 марта\n"
        "Магазинов: 120, новых 3, с чеками 80\n"
        "Покупателей: 4 000 ↓ 9 %\n"
        "Оборот: 5 430 000,50 ₽ ↑ 9 %\n"
        "1. Зерно <&> — 1 000 ₽\n"
        f"2. {'Ж' * 29}… — 500 ₽\n"
        "\n"
        "Продано кредитов: 1 200 за 3 400 звёзд\n"
        "Сервисы: kie 1 $, openai 502,82 $\n"
        "Задач завершено 9 000, не удалось 12\n"
        "Тревоги: очередь стояла, бот не получал сообщений ×2, unheard_of"
    )


@pytest.mark.parametrize("language", text.LANGUAGES)
def test_a_week_of_nothing_reads_so(language):
    words = said(NOTHING, language=language)
    assert "None" not in words
    assert {"ru": "Тревоги: нет", "en": "Alarms: none"}[language] in words
    assert not any(arrow in words for arrow in "↑↓→")


@pytest.mark.parametrize("language", text.LANGUAGES)
def test_each_alarm_has_a_name_for_the_week(language):
    assert all(text.say(language, f"digest.platform.alert.{rule.name}") for rule in alerts.RULES)
