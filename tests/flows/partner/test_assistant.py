"""The shop's assistant as its owner sets it up, tries it out, and learns from what it did not find."""

from datetime import UTC, datetime

from lib.assistant import settings, talks
from lib.menu import versions
from lib.menu.goods import MenuItem, Variant
from tests.flows.chat import buttons, words
from tests.flows.partner.conftest import user_id

LATTE = MenuItem("1", "Кофе", "Латте", (Variant("300 мл", 25000),))
CAKE = MenuItem("2", "Десерты", "Медовик", (Variant("", 30000),))


async def publishes(cafe, *items):
    owner = await user_id(cafe.shop, cafe.owner)
    await cafe.run(lambda conn: versions.publish(conn, cafe.id, owner, items, seen=0))


async def asked(cafe, question):
    """Let a client ask for something that the menu does not have."""
    member = await cafe.client()
    now = datetime.now(UTC)

    async def ask(conn):
        heard = await talks.hear(conn, cafe.id, member.user_id, question, once=question, at=now)
        await talks.answer(conn, cafe.id, heard.talk_id, heard.run_no, "—", at=now, missed=True)

    await cafe.run(ask)


async def test_each_setting_is_typed_checked_and_shown(cafe):
    await cafe.owner.presses("Помощник")
    await cafe.owner.sees("Тон: Тёплый.*Помощник включён.*Нейросеть не подключена")
    await cafe.owner.presses("Выключить")
    await cafe.owner.sees("Помощник выключен")
    await cafe.owner.presses("Тон")
    await cafe.owner.presses("Деловой")
    await cafe.owner.sees("Сохранил.*Тон: Деловой")
    await cafe.owner.presses("Что важно сказать")
    await cafe.owner.says("я" * 1501)
    await cafe.owner.sees("длинн|1500|1 500")
    await cafe.owner.says("Готовим <15> минут")
    await cafe.owner.sees("Важно сказать: Готовим <15> минут")
    await cafe.owner.presses("О чём не говорить")
    await cafe.owner.says("политика, медицина")
    await cafe.owner.presses("Ответов клиенту")
    await cafe.owner.says("много")
    await cafe.owner.sees("не подходит")
    await cafe.owner.says("«1\u00a02»")
    await cafe.owner.sees("Сохранил")
    now = await cafe.run(lambda conn: settings.read(conn, cafe.id))
    assert (now.is_on, now.tone, now.refused, now.client_answers) == (False, "formal", ["политика", "медицина"], 12)
    await cafe.cashier.forges("assistant:on")
    assert not (await cafe.run(lambda conn: settings.read(conn, cafe.id))).is_on


async def test_what_was_not_found_becomes_another_name_and_is_found_from_then_on(cafe):
    await publishes(cafe, LATTE, CAKE)
    await asked(cafe, "есть рыжик?")
    await cafe.owner.presses("Помощник")
    await cafe.owner.presses("Спросили, не нашли")
    await cafe.owner.sees("1. рыжик — 1 раз")
    await cafe.owner.presses("1")
    await cafe.owner.presses("Это другое название")
    await cafe.owner.says("суши")
    await cafe.owner.sees("Такой позиции не нашёл")
    await cafe.owner.says("медовик")
    await cafe.owner.presses("Медовик")
    await cafe.owner.sees("по словам «рыжик» клиенты найдут.*Пока всё, о чём спрашивали")
    await cafe.owner.forges("assistant:try")
    await cafe.owner.says("рыжик")
    await cafe.owner.sees(r"Проверка.*Медовик.*300\s₽")
    menu = await cafe.run(lambda conn: versions.newest(conn, cafe.id))
    assert (menu.version, menu.items[1].names) == (2, ("рыжик",))


async def test_what_was_not_found_becomes_an_item_or_is_forgotten(cafe):
    await publishes(cafe, LATTE)
    await asked(cafe, "пельмени")
    await asked(cafe, "кальян")
    await cafe.owner.forges("assistant:misses")
    [first, _] = [data for name, data in buttons(await cafe.owner.last()).items() if name in "12"]
    page = await cafe.owner.sees("1. .*2. ")
    kept = "пельмени" if "1. пельмени" in words(page) else "кальян"
    await cafe.owner.forges(first)
    await cafe.owner.presses("Добавить в меню")
    await cafe.owner.presses("Кофе")
    await cafe.owner.sees(f"Сколько стоит «{kept.capitalize()}»")
    await cafe.owner.forges(f"assistant:misses:{cafe.id}")  # as the message of Monday does
    await cafe.owner.presses("2")
    await cafe.owner.presses("Забыть")
    assert "2." not in words(await cafe.owner.sees("Забыл"))
    for data in (
        "assistant:miss:999",
        "assistant:misses:999999",
        "assistant:name:x",
        "assistant:to:1:9",
        "assistant:ask:is_on",
        "assistant:tone:rude",
    ):
        await cafe.owner.forges(data)


async def test_figures_name_answers_and_what_was_not_found_by_day(cafe):
    await cafe.owner.forges("assistant:days")
    await cafe.owner.sees("помощника ни о чём не спросили")
    await asked(cafe, "пельмени")
    await cafe.owner.forges("assistant:days")
    await cafe.owner.sees("ответов 1, не нашёл 1, 👍 0, 👎 0")
    await cafe.owner.presses("Ответы с 👎")
    await cafe.owner.sees("Ни один ответ")
    thumb = "update talk_lines set thumb = -1 where partner_id = %s and role = 'bot' returning 1"
    await cafe.shop.rows(thumb, cafe.id)
    await cafe.owner.forges("assistant:disliked")
    await cafe.owner.sees("— пельмени\n— —")


async def test_a_trial_stores_nothing(cafe):
    await publishes(cafe, LATTE)
    await cafe.owner.forges("assistant:try")
    await cafe.owner.says("пельмени")
    await cafe.owner.sees("🧪 Проверка.*Такого в меню не нашёл")
    [row] = await cafe.shop.rows("select count(*) as lines from talk_lines where partner_id = %s", cafe.id)
    assert row["lines"] == 0


async def test_other_names_of_an_item_are_typed_between_commas(cafe):
    await publishes(cafe, LATTE)
    await cafe.owner.forges("items:one:1")
    await cafe.owner.presses("Другие названия")
    await cafe.owner.says(", ".join(f"имя{one}" for one in range(11)))
    await cafe.owner.sees("слишком много других названий")
    await cafe.owner.says("Кофе с молоком, ЛАТЕШКА")
    await cafe.owner.sees("Ищут и как: кофе с молоком, латешка")
