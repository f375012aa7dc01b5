"""What waits for an administrator's word, and what becomes of it; shops looked up and blocked."""

import datetime
import itertools

import pytest

from lib import db
from lib.loyalty import offers, partners
from tests.flows.chat import Chat, buttons, words

TODAY = datetime.datetime.now(datetime.UTC).date()
FORGED = (
    *("moderate:one:partner:0", "moderate:one:service:1.999999", "moderate:one:shop:1", "moderate:yes:x"),
    *("moderate:photo:partner:1.2.3", "shops:card:0", "shops:points:x", "trail:shop:999999"),
    *("act:begin:close:999999", "act:begin:refuse_service:1.x"),
)
_numbers = itertools.count(1)


class Applied:
    """A shop that somebody applied for, as the partner bot does, and its offers."""

    def __init__(self, shop, conn, owner_id, partner_id, title):
        self.shop, self.conn, self.owner_id, self.id, self.title = shop, conn, owner_id, partner_id, title

    async def status(self):
        return (await partners.get(self.conn, self.id)).status

    async def offers(self, title="Капучино <b>даром</b>"):
        return await offers.add_service(
            self.conn, self.id, self.owner_id, title=title, price_points=300, category="cafe", about="250 мл"
        )

    async def announces(self, title="Двойные баллы по пятницам"):
        return await offers.add_promotion(
            self.conn,
            self.id,
            self.owner_id,
            kind="multiplier",
            title=title,
            multiplier_bp=20000,
            weekdays=0b10000,
            min_bill_minor=50000,
            starts_on=TODAY,
            ends_on=TODAY + datetime.timedelta(days=7),
        )

    async def told(self):
        """Return the keys of what the owner was told, oldest first."""
        rows = await self.shop.rows(
            "select args from every_job where task = 'tell' and user_id = %s order by id", self.owner_id
        )
        return [row["args"]["key"] for row in rows]


@pytest.fixture
async def applied(shop, seller):
    """Have somebody apply for a shop with a name of its own."""
    [user] = await shop.rows("select id from users where tg_id = %s", seller.user["id"])
    title = f"Зерно {next(_numbers)}"
    async with db.connect(shop.stack.owner_url) as conn:
        partner_id = await partners.apply(conn, user["id"], title=title, city="Казань", category="cafe", about="Кофе")
        yield Applied(shop, conn, user["id"], partner_id, title)


async def test_an_application_is_approved_once_and_the_owner_is_told(dina, administrator, applied):
    lena = await administrator("Лена")
    await dina.says("/menu")
    await dina.sees("Ждут решения.*магазинов — \\d")
    await dina.presses("На проверку")
    await dina.presses("Магазины")
    await dina.turns_to(rf"{applied.title}\b")
    for chat in (dina, lena):
        await chat.forges(f"moderate:one:partner:{applied.id}")
        await chat.sees(f"{applied.title}.*Кафе, Казань.*Ждёт решения")
    await dina.presses("Одобрить")
    await dina.sees(f"✅ Магазин одобрен: {applied.title}")
    await lena.presses("Одобрить")
    assert "решение уже принято" in lena.toast["text"]
    await lena.sees("Работает")
    await dina.forges(f"moderate:yes:partner:{applied.id}")
    assert "второй раз не повторяю" in dina.toast["text"]
    assert await applied.status() == "approved"
    assert await applied.told() == ["admin.tell.partner.approved"]


async def test_one_refuses_while_the_other_approves_and_the_first_word_stands(dina, administrator, applied):
    lena = await administrator("Лена")
    for chat in (dina, lena):
        await chat.forges(f"moderate:one:partner:{applied.id}")
    await lena.presses("Отклонить")
    await lena.says("Нет <адреса>")
    await lena.sees("Причина: Нет <адреса>")
    await dina.presses("Одобрить")
    await lena.presses("Отклонить")
    await lena.sees("решение уже принято.*Ничего не изменилось")
    assert await applied.status() == "approved"
    assert await applied.told() == ["admin.tell.partner.approved"]


async def test_a_refusal_needs_a_reason_and_the_owner_hears_of_it(dina, applied, shop):
    await dina.forges(f"moderate:one:partner:{applied.id}")
    await dina.presses("Отклонить")
    await dina.sees("1. Не указаны адрес или контакт")
    await dina.presses("1")
    await dina.sees("Владелец получит сообщение с причиной")
    await dina.presses("Отклонить")
    await dina.sees("✖️ Отклонено")
    assert await applied.status() == "rejected"
    assert await applied.told() == ["admin.tell.partner.rejected"]
    [row] = await shop.rows("select reason from partners where id = %s", applied.id)
    assert row["reason"] == "Не указаны адрес или контакт"


async def test_a_service_and_a_promotion_are_shown_whole_and_approved(dina, applied):
    service, promotion = await applied.offers(), await applied.announces()
    await dina.forges(f"moderate:one:service:{applied.id}.{service}")
    await dina.sees("Капучино <b>даром</b>\n.*Цена: 300 баллов.*250 мл")
    await dina.presses("Одобрить")
    await dina.sees("✅ Подарок одобрен: Капучино <b>даром</b>")
    await dina.presses("Что ещё ждёт")
    await dina.forges(f"moderate:one:promotion:{applied.id}.{promotion}")
    await dina.sees("Двойные баллы по пятницам.*Баллы ×2 · от 500 ₽ · пт")
    await dina.presses("Одобрить")
    await dina.sees("✅ Акция одобрена")
    assert (await offers.get_promotion(applied.conn, applied.id, promotion)).status == "approved"
    assert await applied.told() == ["admin.tell.service.approved", "admin.tell.promotion.approved"]


async def test_words_that_changed_after_they_were_shown_are_not_approved(dina, applied):
    service = await applied.offers("Латте")
    await dina.forges(f"moderate:one:service:{applied.id}.{service}")
    await offers.change_service(applied.conn, applied.id, applied.owner_id, service, title="Казино")
    await dina.presses("Одобрить")
    assert "только что изменили" in dina.toast["text"]
    await dina.sees("Казино.*Ждёт решения")
    assert (await offers.get_service(applied.conn, applied.id, service)).status == "pending"


async def test_an_approval_that_was_never_shown_only_shows_it(dina, applied):
    await dina.says("/menu")
    await dina.forges(f"moderate:yes:partner:{applied.id}")
    await dina.sees("Ждёт решения")
    assert await applied.status() == "pending"


async def test_forged_things_are_nothing(dina, applied):
    service = await applied.offers()
    for data in (*FORGED, f"moderate:one:promotion:999999.{service}"):
        await dina.says("/menu")
        await dina.forges(data)
        assert dina.delivery["status"] == 200, data
        assert {"Меню", "Сводка"} & set(buttons(await dina.last())), data


@pytest.mark.long
async def test_a_shop_is_found_blocked_with_a_reason_and_let_in_again(dina, applied, seller):
    await partners.decide(applied.conn, applied.id, applied.owner_id, "approved")
    await dina.says("/menu")
    await dina.presses("Магазины")
    await dina.says(applied.title)
    await dina.sees(f"{applied.title} · № {applied.id}.*✅ Работает.*Клиентов: 0 · сотрудников: 1")
    await dina.presses("Операции")
    await dina.sees("Операций ещё не было")
    await dina.presses("Назад")
    await dina.presses("Заблокировать")
    await dina.presses("1")
    await dina.sees("Баллы у клиентов сохранятся.*Спам или мошенничество")
    await dina.presses("Заблокировать")
    await dina.sees("⛔️ Магазин заблокирован")
    assert await applied.status() == "blocked"
    await dina.presses("Дальше")
    await dina.presses("Журнал")
    await dina.sees("магазин заблокирован.*Спам или мошенничество.*магазин одобрен")
    await dina.presses("Назад")
    await dina.presses("Разблокировать")
    await dina.presses("2")
    await dina.presses("Разблокировать")
    await dina.sees("✅ Магазин разблокирован")
    assert await applied.told() == ["admin.tell.partner.blocked", "admin.tell.partner.approved.again"]
    await dina.says("/menu")
    await dina.says(str(seller.user["id"]))
    await dina.sees(f"{applied.title}: владелец")


async def test_a_list_of_what_waits_has_pages(dina, applied):
    for number in range(21):
        await applied.offers(f"Услуга <{number}>")
    await dina.forges("moderate:list:service")
    await dina.sees("10\\.")
    assert "Дальше ›" in buttons(await dina.last())
    await dina.presses("Дальше")
    second = await dina.sees("10\\.")
    assert "« В начало" not in buttons(second), "it is the previous page"
    await dina.presses("Дальше")
    await dina.presses("Предыдущие")
    assert words(await dina.last()) == words(second)
    await dina.presses("2")
    await dina.sees(r"Цена: \d+ баллов")
    await dina.presses("Назад")
    assert words(await dina.last()) == words(second)
    await dina.presses("Дальше")
    await dina.presses("В начало")
    assert not {"« В начало", "‹ Предыдущие"} & set(buttons(await dina.last()))
    await dina.presses("1")
    await dina.sees(r"Цена: \d+ баллов")


@pytest.mark.long
async def test_a_page_whose_last_line_was_decided_leads_to_the_first(dina, applied):
    for number in range(11):
        await applied.offers(f"Услуга {number}")
    await dina.forges("moderate:list:service")
    while "Дальше ›" in buttons(await dina.last()):
        await dina.presses("Дальше")
    last = max(int(label) for label in buttons(await dina.last()) if label.isdecimal())
    for _ in range(last):
        await dina.presses("1")
        await dina.presses("Отклонить")
        await dina.presses("1")
        await dina.presses("Отклонить")
        await dina.presses("Дальше")
    await dina.sees("10\\.")


async def test_stars_are_given_back_once_with_both_balances_said_first(dina, seller, found, shop):
    [user] = await shop.rows("select id from users where tg_id = %s", seller.user["id"])
    [pack] = await shop.rows("select id, stars from packs where code = 's' and is_on")
    [paid] = await shop.rows(
        "select (r.payment).id from record_payment(%s, 'studio', %s, %s, %s, '{}', null) r",
        f"charge-{seller.user['id']}",
        user["id"],
        pack["id"],
        pack["stars"],
    )
    await found(seller)
    await dina.presses("Платежи")
    await dina.sees(f"№ {paid['id']} · 100 ⭐️ → 10 кредитов · оплачен")
    await dina.presses("1")
    await dina.presses("Вернуть звёзды")
    await dina.presses("1")
    await dina.sees("спишем 10 кредитов: 12 → 2")
    await dina.presses("Вернуть звёзды")
    await dina.sees("Возвращено 100 ⭐️|Telegram отказал")
    [row] = await shop.rows("select state from payments where id = %s", paid["id"])
    assert (row["state"], await shop.balance(seller)) in {("refunded", 2), ("paid", 12)}
    deeds = await shop.rows("select action from audit_log where subject = %s", f"payment {paid['id']}")
    assert [deed["action"] for deed in deeds] == ["payment.refund", "payment.refund"]


async def test_administrators_hear_of_what_waits_for_them(dina, shop, newcomer):
    gleb = Chat(shop.http, "partner", (await newcomer(first_name="Глеб")).user)
    await gleb.says("/start")
    await gleb.presses("Принимаю")
    await gleb.presses("Подать заявку")
    await gleb.says("Пироги <& Ко>")
    for label in ("Кофейня, кафе", "Казань", "5 %", "Отправить"):
        await gleb.presses(label)
    alert = await dina.sees("Новая заявка на магазин: Пироги <& Ко>, Казань")
    await dina.presses("На проверку", on=alert)
    await dina.presses("Магазины")
    await dina.turns_to("Пироги <& Ко>")


async def test_the_trail_has_what_was_done_about_every_shop(dina, applied):
    await partners.decide(applied.conn, applied.id, applied.owner_id, "approved")
    await dina.says("/menu")
    await dina.presses("Журнал")
    await dina.presses("Магазины")
    await dina.sees(f"магазин одобрен — {applied.title}")
