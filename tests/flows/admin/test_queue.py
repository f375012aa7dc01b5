"""The queue, the failures, the prices, the trail and the alerts, as an administrator meets them."""

import time

import pytest

from lib import db, text
from tests.flows.chat import Chat, buttons, words
from tests.flows.studio.test_order import to_confirm
from tests.loyalty.test_points import accrue
from tests.loyalty_lab import make_member, make_shop


@pytest.fixture
async def broken(seller, photo, shop):
    """Leave an order of the seller's that failed for good and was refunded."""
    await to_confirm(seller, photo)
    async with shop.without_worker():
        await seller.presses("Сделать")
        [job] = await shop.jobs(seller)
        await shop.rows(
            "update jobs set state = 'failed', error_code = 'unavailable', error = 'Kie <timeout>',"
            " finished_at = clock_timestamp() where id = %s returning id",
            job["id"],
        )
    return job["id"]


async def act(chat, *labels):
    for label in labels:
        await chat.presses(label)


async def test_a_failed_order_says_why_and_is_done_over_with_the_money_said_first(dina, seller, broken, shop):
    await dina.says("/menu")
    await act(dina, "Очередь", "Неудачные")
    await dina.sees(f"№ {broken} · карточка · не получилось.*сервис не ответил")
    await dina.says(str(broken))
    await act(dina, "Заказы", "1")
    await dina.sees("Цена: 1 кредит, уже возвращена.*Причина: сервис не ответил.*Kie <timeout>")
    await dina.presses("Что было")
    ended = f"задача № {broken}, карточка: не получилось \\(сервис не ответил\\)"
    await dina.sees(f"Что происходило: задача № {broken}.*карточка, 1 кредит.*{ended}")
    await dina.presses("Назад")
    assert await shop.balance(seller) == 2
    await act(dina, "Повторить", "2")
    await dina.sees("Спишем 1 кредит, на балансе останется 1 кредит")
    await dina.presses("Повторить")
    await dina.sees("✅ Повтор в очереди: задача № \\d+\\. Списали 1 кредит")
    await shop.settle(seller)
    assert await shop.balance(seller) == 1
    await dina.says("/menu")
    await dina.forges(f"act:begin:retry:{broken}")
    await dina.sees("эту задачу уже повторили.*Ничего не изменилось")


async def test_a_persons_story_leads_to_that_of_an_operation_and_back(dina, shop):
    async with db.connect(shop.stack.owner_url) as conn:
        cafe = await make_shop(conn)
        anna = await make_member(conn, cafe)
        receipt = await accrue(conn, cafe, anna, 100_000)
    await dina.forges(f"trace:of:person.{anna.user_id}")
    await dina.presses(f"Баллы № {receipt.txn_id}")
    told = await dina.sees(f"Что происходило: операция № {receipt.txn_id}.*: начислено 50 баллов, стало 50")
    assert [*buttons(told)] == ["Назад", "Меню"], "nothing came with it"
    await dina.presses("Назад")
    await dina.sees(f"Что происходило: человек № {anna.user_id}")


def test_whatever_a_story_names_has_its_word():
    tasks = {"card", "cut", "tell", "answer", "voice", "audience", "part_client", "progress", "strip", "brand", "relay"}
    calls = {"begun", "done", "failed", "lost", "refused"}
    files = {"source", "still", "cut", "card", "card-preview", "background", "video", "poster", "zip", "logo"}
    named = {"task": tasks, "call": calls, "file": files}
    assert [
        f"{group}.{code}" for group in named for code in named[group] if not text.knows(f"admin.{group}.{code}")
    ] == []


async def test_an_order_that_waits_is_cancelled_and_refunded(dina, seller, photo, shop):
    await to_confirm(seller, photo)
    async with shop.without_worker():
        await seller.presses("Сделать")
        [job] = await shop.jobs(seller)
        await dina.says("/menu")
        await act(dina, "Очередь", "В работе")
        await dina.sees("сначала самые старые")
        await dina.forges(f"queue:job:{job['id']}")
        await dina.sees("Состояние: ждёт.*Место в очереди")
        await act(dina, "Отменить", "1")
        await dina.sees("Сейчас: ждёт. Человеку вернём 1 кредит")
        await dina.presses("Отменить задачу")
        await dina.sees("✅ Задача № .* отменена. Вернули 1 кредит")
    assert await shop.balance(seller) == 2
    [row] = await shop.rows("select * from audit_log where subject = %s", f"job {job['id']}")
    assert (row["action"], row["reason"]) == ("job.cancel", "Просьба человека")
    await shop.finish("notice", job["user_id"])
    await seller.sees("Заказ отменён, кредиты вернулись. На балансе 2 кредита")


@pytest.mark.long
async def test_a_retry_that_the_balance_does_not_cover_says_so(dina, seller, photo, broken, shop):
    for _ in range(2):  # the two credits are spent meanwhile
        await to_confirm(seller, photo)
        await seller.presses("Сделать")
        await shop.settle(seller)
    await dina.forges(f"act:begin:retry:{broken}")
    await dina.sees("не хватает кредитов")


@pytest.fixture(scope="module")
async def failures(shop):
    """Leave twelve erasures that failed for one reason, and one for another; no other test lets one fail."""
    for number, code in enumerate(["internal"] * 12 + ["storage"]):
        [job] = await shop.rows(
            "insert into jobs (task, key, run_at) values ('erase', %s, now() + interval '1 day') returning id",
            f"failures:{time.time_ns()}:{number}",
        )
        await shop.rows(
            "update jobs set state = 'failed', error_code = %s, error = 'x', created_at = now() - interval '3 hours',"
            " finished_at = now() - interval '2 hours' where id = %s returning id",
            code,
            job["id"],
        )


async def test_what_failed_is_narrowed_down_by_task_and_by_reason(dina, broken, failures):
    await dina.says("/menu")
    await act(dina, "Очередь", "Неудачные", "По задаче")
    shown = await dina.sees("Какие задачи показать")
    assert "удаление данных · 13" in buttons(shown)
    assert next(label for label in buttons(shown)).startswith("Все · ")
    await act(dina, "удаление данных", "По причине")
    assert list(buttons(await dina.last()))[:3] == ["Все · 13", "ошибка у нас · 12", "нет хранилища · 1"]
    await dina.presses("ошибка у нас")
    shown = await dina.sees("Выбрано: удаление данных, ошибка у нас.*10\\. № \\d+ · удаление данных")
    assert not [line for line in words(shown).splitlines() if "№" in line and "удаление данных" not in line]
    await dina.presses("Дальше")
    second = await dina.sees("Выбрано: удаление данных, ошибка у нас.*2\\. ")
    assert "3. " not in words(second)
    await dina.presses("1")
    await dina.sees("Задача № \\d+ · удаление данных")
    await dina.presses("Назад")
    assert words(await dina.last()) == words(second)
    await dina.presses("Предыдущие")
    await dina.sees("Выбрано: удаление данных.*10\\. ")
    await dina.presses("Показать все")
    shown = await dina.sees("нет хранилища")
    assert "Выбрано" not in words(shown)


@pytest.mark.long
async def test_what_was_narrowed_down_stays_so_while_a_job_is_done_over(dina, broken, failures):
    await dina.forges("queue:failed:erase:storage")
    await act(dina, "1", "Повторить", "4", "Повторить")
    await dina.sees("✅ Повтор в очереди")
    await act(dina, "Дальше", "Назад")
    await dina.sees("Выбрано: удаление данных, нет хранилища\n\n1\\. ")
    await dina.forges("queue:failed:erase:rules")
    shown = await dina.sees("Выбрано: удаление данных, против правил\n\nТакого здесь нет")
    assert "Показать все" in buttons(shown)


@pytest.mark.parametrize("data", ["queue:failed:<b>:1:x", "queue:failed:::99999999999999999999", "queue:by_task:%:%"])
async def test_a_forged_choice_harms_nothing(dina, failures, data):
    await dina.forges(data)
    shown = await dina.last()
    assert "Выбрано" not in words(shown)
    assert "Назад" in buttons(shown)


@pytest.fixture
async def buried(seller, shop):
    """Leave an update of the seller's that failed three times, and the failure mended since."""
    await seller.says("/menu")
    await shop.break_state(seller)
    await seller.says("Кружка")
    await seller.sees("Не получилось обработать")
    [letter] = await shop.rows(
        "select * from dead_letters where update_id = %s and bot = 'studio'", seller.update_ids[-1]
    )
    return letter


@pytest.mark.long
async def test_a_failure_is_looked_at_and_processed_again(dina, seller, buried, shop):
    await dina.sees("Не удалось обработать обновление")
    await dina.says("/menu")
    await dina.sees("Необработанных сообщений")
    await dina.presses("Сбои")
    await dina.sees("studio")
    await dina.forges(f"letters:one:{buried['id']}")
    shown = await dina.sees(f"message № {buried['update_id']} от {seller.user['id']}.*попыток: 3")
    assert "Кружка" not in shown["text"], "what somebody wrote is theirs"
    await act(dina, "Обработать снова", "1")
    await dina.sees("Деньги дважды не спишутся")
    await dina.presses("Обработать")
    await dina.sees("снова не получилось")
    await seller.says("/cancel")
    await shop.mend_state(seller)
    await dina.forges(f"act:begin:replay:{buried['id']}")
    await act(dina, "1", "Обработать")
    await dina.sees("на этот раз обработано")
    assert await shop.rows("select id from dead_letters where id = %s", buried["id"]) == []
    rows = await shop.rows("select action from audit_log where subject = %s order by id", f"letter {buried['id']}")
    assert [row["action"] for row in rows] == ["letter.replay_failed", "letter.replay"]


@pytest.mark.long
async def test_failures_are_narrowed_down_by_bot_and_by_kind_of_error(dina, buried, shop):
    await shop.rows(
        "insert into dead_letters (bot, update_id, payload, error, tries)"
        " select 'partner', -n, '{}', 'LookupError: <' || n || '>', 3 from generate_series(1, 11) n returning id"
    )
    try:
        await dina.says("/menu")
        await act(dina, "Сбои", "По боту")
        await dina.presses("partner · 11")
        await dina.presses("По причине")
        assert list(buttons(await dina.last()))[:2] == ["Все · 11", "LookupError · 11"]
        await dina.presses("LookupError")
        await dina.sees("Выбрано: partner, LookupError.*10\\. partner")
        await act(dina, "Дальше", "1", "Удалить", "4", "Удалить", "Дальше")
        await dina.sees("Выбрано: partner, LookupError.*10\\. partner")
        await dina.presses("Показать все")
        assert "Выбрано" not in words(await dina.last())
    finally:
        await shop.rows("delete from dead_letters where bot = 'partner' and update_id < 0 returning id")


async def test_a_failure_is_dropped_with_a_reason(dina, buried, shop):
    await dina.forges(f"letters:one:{buried['id']}")
    await act(dina, "Удалить", "4")
    await dina.sees("обработать его потом будет нельзя")
    await dina.presses("Удалить")
    await dina.sees("удалено")
    assert await shop.rows("select id from dead_letters where id = %s", buried["id"]) == []
    await dina.forges(f"act:begin:drop:{buried['id']}")
    await dina.sees("этого сообщения уже нет")


async def test_a_price_changes_with_both_prices_said_first(dina, shop):
    await dina.says("/menu")
    await act(dina, "Цены", "Видео 10 с")
    await dina.sees("Цена: 7 кредитов")
    await dina.presses("Изменить цену")
    await dina.says("много")
    await dina.sees("Нужно целое число от 1 до 1000")
    await dina.says("8")
    await act(dina, "4")
    await dina.sees("7 кредитов → 8 кредитов")
    await dina.presses("Изменить цену")
    await dina.sees("✅ Видео 10 с: теперь 8 кредитов")
    await act(dina, "Дальше", "Видео 10 с", "Изменить цену")
    await dina.says("8")
    await dina.sees("цена и так такая")
    await dina.forges("act:begin:price:video10")
    await dina.says("7")
    await act(dina, "1", "Изменить цену")
    await dina.sees("теперь 7 кредитов")
    assert len(await shop.rows("select id from audit_log where subject = 'product video10'")) == 2


async def test_a_product_goes_off_the_shelf_and_back(dina):
    await dina.says("/menu")
    await act(dina, "Цены", "Видео 5 с", "Снять с продажи", "3")
    await dina.sees("Новых заказов не будет")
    await dina.presses("Снять")
    await dina.sees("Снято с продажи: Видео 5 с")
    await act(dina, "Дальше")
    await dina.sees("⬜️ Видео 5 с: 4 кредита, снято с продажи")
    await act(dina, "Видео 5 с", "Вернуть в продажу", "2", "Вернуть")
    await dina.sees("Снова продаётся")


@pytest.mark.long
async def test_a_pack_is_sold_for_another_price(dina, shop):
    await dina.says("/menu")
    await act(dina, "Цены", "Пакет s", "Изменить пакет")
    await dina.says("100")
    await dina.sees("Нужны два целых числа")
    await dina.says("110 11")
    await act(dina, "1")
    await dina.sees("100 ⭐️ → 10 кредитов\nстанет 110 ⭐️ → 11 кредитов")
    await dina.presses("Изменить пакет")
    await dina.sees("Пакет s: 110 ⭐️ → 11 кредитов")
    await dina.forges("act:begin:pack:s")
    await dina.says("100 10")
    await act(dina, "1", "Изменить пакет")
    await dina.sees("Пакет s: 100 ⭐️ → 10 кредитов")
    await act(dina, "Меню", "Журнал", "Цены")
    await dina.sees("Дина\nновый пакет — пакет s")


async def test_the_trail_has_pages(dina, shop):
    await shop.rows(
        "insert into audit_log (actor, action, subject, reason)"
        " select 'ops:test', 'promo.add', 'promo X' || n, 'проба <' || n || '>'"
        " from generate_series(1, 25) n returning id"
    )
    await dina.says("/menu")
    before = len(await dina.messages())
    await act(dina, "Журнал", "Цены")
    first = await dina.sees("проба <25>")
    assert "« В начало" not in buttons(first)
    await act(dina, "Дальше")
    await dina.sees("проба <15>.*проба <6>")
    await act(dina, "Дальше")
    await dina.sees("проба <5>")
    await act(dina, "Предыдущие")
    second = await dina.sees("проба <15>.*проба <6>")
    assert list(buttons(second))[-4:] == ["‹ Предыдущие", "Дальше ›", "Назад", "Меню"]
    await act(dina, "Предыдущие")
    await dina.sees("проба <25>")
    assert "‹ Предыдущие" not in buttons(await dina.last())
    await act(dina, "Дальше", "Дальше", "В начало")
    await dina.sees("проба <25>")
    assert len(await dina.messages()) == before, "one living message"


async def test_a_page_by_an_old_button_leads_to_the_first(dina, shop):
    await shop.rows(
        "insert into audit_log (actor, action, subject, reason)"
        " select 'ops:test', 'promo.add', 'promo X', 'проба' from generate_series(1, 12) returning id"
    )
    [last] = await shop.rows("select max(id) as id from audit_log")
    await dina.says("/menu")
    await dina.forges(f"trail:list:prices:{last['id']}")
    shown = set(buttons(await dina.last()))
    assert "« В начало" in shown
    assert "‹ Предыдущие" not in shown


async def test_an_alert_comes_through_the_admin_bot_unless_it_is_muted(dina, administrator, seller, shop):
    lena = await administrator("Лена")
    await lena.presses("Оповещения")
    await lena.presses("Сбои в ботах")
    await lena.sees("🔔 — приходят вам")
    assert "🔕 Сбои в ботах" in buttons(await lena.last())
    await seller.says("/menu")
    await shop.break_state(seller)
    await seller.says("Кружка")
    update = seller.update_ids[-1]
    await dina.sees(f"⚠️ Не удалось обработать обновление {update} бота studio")
    assert not [one for one in await lena.messages() if str(update) in one.get("text", "")]
    assert await Chat(shop.http, "studio", dina.user).messages() == []
    await lena.presses("Сбои в ботах")
    assert "🔔 Сбои в ботах" in buttons(await lena.last())


async def test_the_overview_answers_whether_anything_is_wrong_first(dina):
    await dina.says("/menu")
    await dina.presses("Сводка")
    message = await dina.sees("Очередь.*Люди.*Заказы.*Деньги за 30 дней")
    assert message["text"].startswith(("✅", "⚠️"))
    await dina.presses("Обновить")
    await dina.presses("Назад")
    await dina.sees("Лоток · админка")


async def test_every_screen_has_a_way_back_and_home_and_short_labels(dina):
    await dina.says("/menu")
    for data in ("health:home", "health:providers", "queue:home", "queue:failed", "queue:open", "people:home",
                 "trail:list", "letters:list", "shelf:home", "shelf:alerts", "shelf:product:card",
                 "shelf:pack:m"):  # fmt: skip
        await dina.forges(data)
        labels = buttons(await dina.last())
        assert {"Назад", "Меню"} <= set(labels), data
        assert all(len(label) <= 20 for label in labels), data
