from datetime import UTC, date, datetime, timedelta

import pytest

from lib import db
from lib.assistant import misses, talks
from lib.assistant.misses import AssistantDay
from lib.menu.goods import MenuItem, Variant
from lib.menu.index import Index
from lib.people import users
from tests.loyalty_lab import make_client, make_shop

NOW = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)
LATTE = MenuItem("1", "Кофе", "Латте", (Variant("", 25000),))


@pytest.mark.parametrize(
    ("question", "kept"),
    [
        ("А есть роллы филадельфия?", "роллы филадельфия"),
        ("сколько стоит торт 2 кг", "торт 2 кг"),
        ("Здравствуйте, подскажите, пожалуйста", ""),
        ("перезвоните +7 900 123-45-67", ""),
        ("меня зовут Анна, есть торт?", ""),
        ("запишите к Ивану на стрижку", ""),
        ("позовите Ирину Сергеевну", ""),
        ("мой сайт shop.ru", ""),
        ("пишите @anna_k", ""),
        ("2024", ""),
    ],
)
def test_only_words_that_name_goods_are_kept_and_nothing_of_a_person(question, kept):
    assert misses.goods(question) == kept


async def ask(conn, shop, user, words, *, at=NOW, missed=True, is_test=False):
    heard = await talks.hear(conn, shop.id, user.id, words, once=f"{words}{at}", at=at, is_test=is_test)
    await talks.answer(conn, shop.id, heard.talk_id, heard.run_no, "—", at=at, missed=missed)


async def found(conn, shop, *items):
    await misses.fold(conn, shop.id, now=NOW)
    return [(one.words, one.count, one.last_on) for one in await misses.listed(conn, shop.id, Index(items), limit=10)]


async def test_what_was_not_found_is_counted_once_over_forms_of_its_words(conn):
    shop, alice = await make_shop(conn), await make_client(conn)
    await ask(conn, shop, alice, "пельмени есть?")
    await ask(conn, shop, alice, "а пельменей нет?", at=NOW + timedelta(days=1))
    await ask(conn, shop, alice, "пицца", at=NOW + timedelta(hours=1))
    await ask(conn, shop, alice, "латте", missed=False, at=NOW + timedelta(hours=2))
    await ask(conn, shop, alice, "проверка", is_test=True)
    counted = [("пельмени", 2, date(2026, 11, 28)), ("пицца", 1, date(2026, 11, 27))]
    assert await found(conn, shop) == counted
    assert await found(conn, shop) == counted
    await ask(conn, shop, alice, "пельмени", at=NOW + timedelta(days=2))
    assert (await found(conn, shop))[0] == ("пельмени", 3, date(2026, 11, 29))


async def test_what_the_menu_has_by_now_and_what_was_forgotten_are_gone(conn):
    shop, alice = await make_shop(conn), await make_client(conn)
    for at, words in enumerate(("латте", "пицца", "суши")):
        await ask(conn, shop, alice, words, at=NOW + timedelta(minutes=at))
    await misses.fold(conn, shop.id, now=NOW)
    left = await misses.listed(conn, shop.id, Index([LATTE]), limit=10)
    assert {one.words for one in left} == {"пицца", "суши"}
    await misses.drop(conn, shop.id, [left[0].id])
    assert await misses.get(conn, shop.id, left[0].id) is None
    assert len(await misses.listed(conn, shop.id, Index([]), limit=10)) == 1


async def test_counts_outlive_the_person_and_not_the_shop_and_another_shop_sees_none(conn):
    shop, other, alice = await make_shop(conn), await make_shop(conn), await make_client(conn)
    await ask(conn, shop, alice, "пицца")
    await misses.fold(conn, shop.id, now=NOW)
    await users.erase(conn, alice.id, alice.tg_id)
    assert len(await found(conn, shop)) == 1
    query = misses.SQL.list_misses.within(db.Scope(tenant=other.id))
    assert await query.all(conn, dict, partner_id=shop.id, limit=9) == []
    await users.erase(conn, shop.owner.id, shop.owner.tg_id)
    cursor = await conn.execute("select count(*) from menu_misses where partner_id = %s", (shop.id,))
    assert await cursor.fetchone() == (0,)


async def test_figures_are_by_day_of_the_shop_and_tests_are_among_the_costs(conn):
    shop, alice = await make_shop(conn), await make_client(conn)
    await ask(conn, shop, alice, "пицца")
    await ask(conn, shop, alice, "латте", missed=False, at=NOW + timedelta(hours=10))  # the next day in Moscow
    used = "thumb = -1, tokens_in = 10, tokens_out = 5, cost_micro = 70"
    await conn.execute(f"update talk_lines set {used} where partner_id = %s and missed", (shop.id,))
    days = await misses.figures(conn, shop.id, since=NOW - timedelta(days=7))
    assert days == [
        AssistantDay(date(2026, 11, 28), 1, 0, 0, 0, 0, 0),
        AssistantDay(date(2026, 11, 27), 1, 1, 0, 1, 15, 70),
    ]
