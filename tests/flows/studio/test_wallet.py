"""The balance, packs for Stars, promo codes and operations, as a chat."""

import asyncio
import os
import sys
import uuid
from datetime import UTC, datetime, timedelta

import pytest

from lib import db
from lib.credits import catalog, ledger
from tests.flows.chat import Chat, buttons, words
from tests.flows.studio.test_order import to_confirm
from tests.sizes import few

BY = {"actor": "ops:test", "reason": "a test"}


@pytest.fixture
async def conn(shop):
    async with db.connect(shop.stack.owner_url) as conn:
        yield conn


@pytest.fixture
async def promo(conn):
    """Make a promo code of this test's own."""

    async def make(worth=5, **limits):
        code = f"T{uuid.uuid4().hex[:10]}"
        await catalog.add_promo(conn, code, worth, **limits, **BY)
        return code

    return make


async def invoice(seller):
    await seller.says("/balance")
    await seller.presses("Пополнить")
    await seller.presses("Купить 10 · 100 ⭐")
    return await seller.last()


async def payments(shop, seller):
    return await shop.rows(
        "select p.* from payments p join users u on u.id = p.user_id where u.tg_id = %s order by p.id",
        seller.user["id"],
    )


async def test_the_packs_are_shown_with_their_prices_before_anything_is_paid(seller):
    await seller.says("/balance")
    await seller.sees("Баланс: 2 кредита")
    await seller.presses("Пополнить")
    screen = await seller.sees("• 10 кредитов — 100 звёзд\n• 30 кредитов — 270 звёзд\n• 100 кредитов — 800 звёзд")
    assert list(buttons(screen)) == ["Купить 10 · 100 ⭐", "Купить 30 · 270 ⭐", "Купить 100 · 800 ⭐", "Назад", "Меню"]


async def test_a_pack_is_paid_with_stars_and_credited_at_once(seller, shop):
    bill = await invoice(seller)
    assert (bill["invoice"]["title"], bill["invoice"]["total_amount"]) == ("10 кредитов", 100)
    assert (await seller.pays(bill))["status"] == "paid"
    await seller.sees("Оплата получена: 100 звёзд. Начислено: 10 кредитов.*Баланс: 12 кредитов")
    assert await shop.balance(seller) == 12
    [payment] = await payments(shop, seller)
    assert (payment["state"], payment["stars"], payment["credits"]) == ("paid", 100, 10)
    assert payment["facts"] == {"payload": f"pack:{payment['pack_id']}"}, "nothing in it names a person"


async def test_a_payment_told_of_three_times_credits_once(seller, shop):
    await seller.pays(await invoice(seller))
    await shop.replay(seller, seller.update_ids[-1], times=3)
    assert await shop.balance(seller) == 12
    assert len(await payments(shop, seller)) == 1


async def test_a_payment_whose_mark_was_lost_still_credits_once(seller, shop):
    """Redis may forget that an update was handled; the charge id does not."""
    await seller.pays(await invoice(seller))
    [payment] = await payments(shop, seller)
    raw = {"currency": "XTR", "total_amount": 100, "invoice_payload": payment["facts"]["payload"]}
    charge = {"telegram_payment_charge_id": payment["telegram_payment_charge_id"], "provider_payment_charge_id": "x"}
    for _ in range(2):
        await seller.gets({"successful_payment": raw | charge})
    assert await shop.balance(seller) == 12


async def test_an_old_invoice_paid_again_credits_again(seller, shop):
    bill = await invoice(seller)
    await seller.pays(bill)
    await seller.pays(bill)
    assert await shop.balance(seller) == 22
    assert len({one["telegram_payment_charge_id"] for one in await payments(shop, seller)}) == 2


async def test_a_pack_that_is_no_longer_sold_cannot_be_paid(seller, shop, conn):
    bill = await invoice(seller)
    old = (await catalog.list_packs(conn))[0]
    try:
        await catalog.put_pack(conn, old.code, 111, 10, **BY)
        outcome = await seller.pays(bill)
        assert (outcome["status"], outcome["error_message"]) == (
            "declined",
            "Этот пакет больше не продаётся. Выберите другой.",
        )
        await seller.presses("Купить 10 · 100 ⭐")
        assert "больше не продаётся" in seller.toast["text"]
        await seller.sees("10 кредитов — 111 звёзд")
    finally:
        await catalog.put_pack(conn, old.code, old.stars, old.credits, **BY)
    assert await shop.balance(seller) == 2


@pytest.mark.parametrize("payload", ["pack:999999", "pack:1'; drop table packs", "credits:1000"])
async def test_a_forged_invoice_is_declined(seller, shop, payload):
    await seller.asks_to_pay({"id": "1", "currency": "XTR", "total_amount": 1, "invoice_payload": payload})
    assert (await shop.record(seller))["checkout"] == "no_pack"


async def test_stars_for_no_known_pack_are_kept_and_an_administrator_hears_of_it(seller, shop):
    dina = Chat(shop.http, "studio", {"id": 1005})  # the administrator of the local stack
    await dina.says("/start")
    charge = uuid.uuid4().hex
    paid = {"currency": "XTR", "total_amount": 7, "invoice_payload": "pack:999999"}
    await seller.gets(
        {"successful_payment": paid | {"telegram_payment_charge_id": charge, "provider_payment_charge_id": "x"}}
    )
    await seller.sees("Оплата получена: 7 звёзд. Пакета на такую сумму у нас нет")
    [payment] = await payments(shop, seller)
    await dina.sees(rf"Платёж {payment['id']} \(7 звёзд\): такого пакета нет")
    assert await shop.balance(seller) == 2


async def test_a_lost_payment_is_found_by_the_hourly_walk_and_told(seller, shop, conn):
    bill = await invoice(seller)
    assert (await seller.pays(bill, lost=True))["status"] == "paid"
    assert await shop.balance(seller) == 2
    await shop.do_now("stars")
    await seller.sees("Оплата получена: 100 звёзд.*Баланс: 12 кредитов")
    assert await shop.balance(seller) == 12
    await shop.do_now("stars")
    assert await shop.balance(seller) == 12, "a second walk changes nothing"


async def refund(shop, seller):
    """Give the newest payment back as an administrator does."""
    payment = (await payments(shop, seller))[-1]
    settings = shop.stack.settings
    line = ["credits", "refund", str(payment["id"]), "--reason", "asked"]
    done = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "ops", *line), env={**os.environ, **settings}, stdout=-1, stderr=-1
    )
    out, err = await done.communicate()
    return done.returncode, (out + err).decode()


async def test_an_unused_pack_is_given_back_and_the_payer_reads_the_new_balance(seller, shop):
    await seller.pays(await invoice(seller))
    assert (await refund(shop, seller))[0] == 0
    await seller.sees(r"Платёж возвращён: 100 звёзд. Кредиты этого пакета \(10\) сняты. Баланс: 2 кредита")
    assert await shop.balance(seller) == 2
    assert (await refund(shop, seller))[0] == 1, "a payment is given back once"
    assert [row["kind"] for row in await shop.ledger(seller)] == ["trial", "purchase", "taken_back"]


async def test_a_chargeback_takes_what_is_left_and_says_what_is_owed(seller, photo, shop):
    await seller.pays(await invoice(seller))
    await to_confirm(seller, photo)
    await seller.presses("Сделать")
    await seller.sees("Карточка готова")
    [payment] = await payments(shop, seller)
    for _ in range(2):
        await to_confirm(seller, photo)
        await seller.presses("Сделать")
        await shop.settle(seller)
    facts = {"currency": "XTR", "total_amount": 100, "invoice_payload": payment["facts"]["payload"]}
    await seller.gets(
        {"refunded_payment": facts | {"telegram_payment_charge_id": payment["telegram_payment_charge_id"]}}
    )
    await seller.sees(r"Из кредитов этого пакета \(10\) потрачено 1: столько вычтем.*Баланс: 0 кредитов")
    await seller.says("/balance")
    await seller.sees("За возвращённую покупку вы должны 1 кредит: столько вычтем из следующей")
    await seller.presses("Пополнить")
    await seller.sees("100 звёзд.*За возвращённую покупку вы должны 1 кредит")
    await seller.pays(await invoice(seller))
    await seller.sees("Из них в счёт долга за возвращённую покупку: 1 кредит")
    assert await shop.balance(seller) == 9
    await seller.says("/balance")
    assert "должны" not in (await seller.sees("Баланс: 9 кредитов"))["text"]


async def test_a_promo_code_is_taken_by_command_screen_and_link(seller, newcomer, promo, shop):
    code = await promo(5)
    await seller.says(f"/promo {code.lower()}")
    await seller.sees(r"Промокод принят: \+5 кредитов.*Баланс: 7 кредитов")
    await seller.presses("Промокод")
    await seller.says(code)
    await seller.sees("Вы уже использовали этот промокод")
    await seller.says(f"/start promo_{await promo(3)}")
    await seller.sees(r"\+3 кредита")
    bob = await newcomer(first_name="Боб")
    await bob.says(f"/start promo_{code}")
    await bob.presses("Принимаю")
    await bob.sees(r"Промокод принят: \+5 кредитов")
    assert await shop.balance(bob) == 7


@pytest.mark.parametrize(
    ("limits", "sentence"),
    [
        ({"until": datetime.now(UTC) - timedelta(days=1)}, "Срок этого промокода вышел"),
        ({"total": 1}, "Этот промокод уже закончился"),
    ],
)
async def test_a_promo_code_that_cannot_be_used_says_why(seller, newcomer, promo, shop, limits, sentence):
    code = await promo(5, **limits)
    bob = await newcomer(consent=True, first_name="Боб")
    await bob.says(f"/promo {code}")
    await seller.says(f"/promo {code}")
    await seller.sees(sentence)
    assert await shop.balance(seller) == 2


async def test_guessing_promo_codes_is_slowed_down(seller, shop):
    for number in range(5):
        await seller.says(f"/promo GUESS{number}")
        await seller.sees("Такого промокода нет")
    await seller.says("/promo GUESS6")
    await seller.sees("Слишком много попыток. Следующая — через 2 минуты")


async def test_a_promo_code_leaves_the_draft_as_it_is(seller, photo, promo):
    await seller.sends_photo(photo)
    await seller.says("/promo")
    await seller.says(await promo(5))
    await seller.sees("Промокод принят")
    await seller.presses("Меню")
    await seller.presses("Продолжить заказ")
    await seller.says("Кружка")
    await seller.sees("Что сделать из этого фото")


@pytest.mark.long
async def test_the_operations_say_what_each_was_and_add_up(seller, photo, shop, promo):
    await seller.says(f"/promo {await promo(20)}")
    await to_confirm(seller, photo)
    await seller.presses("Сделать")
    await seller.sees("Карточка готова")
    await seller.says("/balance")
    await seller.presses("Операции")
    screen = await seller.sees(r"−1 · Заказ: Карточка товара · баланс 21.*\+20 · Промокод.*\+2 · Подарок на старте")
    assert "Раньше" not in str(buttons(screen))


async def test_operations_come_in_pages_of_ten(seller, conn, shop):
    user = (await shop.rows("select id from users where tg_id = %s", seller.user["id"]))[0]["id"]
    for number in range(12):
        await ledger.grant(conn, user, 1, key=uuid.uuid4().hex, actor="ops:test", reason=f"number {number}")
    await seller.says("/balance")
    await seller.presses("Операции")
    first = await seller.last()
    assert words(first).count("Начислено") == 10
    await seller.presses("Раньше")
    older = await seller.sees("Подарок на старте")
    assert words(older).count("Начислено") == 2
    assert older["message_id"] == first["message_id"], "one living message"
    await seller.presses("К новым")
    await seller.sees("баланс 14")


@pytest.mark.long
async def test_payments_are_listed_and_a_letter_reaches_the_administrators(seller, shop):
    dina = Chat(shop.http, "studio", {"id": 1005})
    await dina.says("/start")
    await seller.pays(await invoice(seller))
    await seller.says("/paysupport")
    await seller.sees(r"№\d+ · .* · 100 звёзд → 10 кредитов · оплачен")
    await seller.presses("Написать нам")
    await seller.says("Где мой чек? <b>жду</b>")
    await seller.sees("Передали. Администратор напишет вам")
    await dina.sees(r"Пишет Алиса.*Где мой чек\? <b>жду</b>")
    await seller.presses("Написать нам")
    await seller.says("Длинный рассказ " * 256)
    await seller.sees("Передали")
    told = [words(one) for one in await dina.messages() if "Длинный рассказ" in words(one)]
    assert sum(one.count("Длинный рассказ") for one in told) == 256, "an answer must not promise what was cut off"
    assert all("Пишет Алиса" in one for one in told)
    for _ in range(2):
        await seller.presses("Написать нам")
        await seller.says("Ещё вопрос")
    await seller.sees("Мы уже получили ваши сообщения")


@pytest.mark.parametrize(("command", "label"), [("/paysupport", "Написать нам"), ("/promo", "")])
@pytest.mark.parametrize("way", few(["Назад", "Меню", "/history"], 1))
async def test_whoever_leaves_a_question_unanswered_goes_on_with_the_order(seller, photo, command, label, way):
    await seller.sends_photo(photo)
    await seller.says(command)
    if label:
        await seller.presses(label)
    await (seller.says(way) if way.startswith("/") else seller.presses(way))
    await seller.says("Кружка керамическая")
    await seller.sees("Что сделать из этого фото")


async def test_no_button_and_no_command_gives_credits(seller, shop):
    """A test button that gave credits to everybody was a fault of the predecessors."""
    await seller.says("/balance")
    for data in ("wallet:test", "wallet:grant:100", "credits:add", "pay:test", "wallet:buy:0", "wallet:paid:100"):
        await seller.forges(data)
    for command in ("/add 100", "/grant 100", "/test", "/pay", "/promo"):
        await seller.says(command)
    assert await shop.balance(seller) == 2
    assert [row["kind"] for row in await shop.ledger(seller)] == ["trial"]


@pytest.mark.long
async def test_no_row_holds_a_secret(seller, photo, shop):
    """Secrets in rows were a fault of the predecessors."""
    await seller.pays(await invoice(seller))
    await to_confirm(seller, photo)
    await seller.presses("Сделать")
    await seller.sees("Карточка готова")
    tables = await shop.rows(
        "select quote_ident(table_name) as name from information_schema.tables"
        " where table_schema = 'public' and table_type = 'BASE TABLE'"
    )
    assert len(tables) > 15
    secrets = [value for name, value in shop.stack.settings.items() if name.endswith(("_TOKEN", "_SECRET", "_KEY"))]
    for table in tables:
        rows = await shop.rows(f"select t::text as row from {table['name']} t")
        assert not [row for row in rows if any(secret in row["row"] for secret in secrets if secret)], table
