"""The till, as a chat: three steps to points, and every bad input of a counter."""

import asyncio
import itertools
import re
from datetime import UTC, datetime, timedelta

import pytest

from lib.flows.partner.till import asking
from lib.loyalty import cards, members, offers, points
from tests.flows.chat import Chat, buttons, words
from tests.flows.partner.conftest import make_cafe, qr, user_id
from tests.sizes import few

NUMBERS = itertools.count(700)  # a number is one person's in the whole database


async def confirmed(cafe, member, bill="350"):
    await cafe.cashier.says(qr(member))
    await cafe.cashier.says(bill)
    return await cafe.cashier.sees("Начислим")


async def test_a_scanned_card_a_bill_and_a_press_give_points_and_tell_the_client(cafe):
    boris = await cafe.client("Борис", has=120)
    await cafe.cashier.says(qr(boris))
    await cafe.cashier.sees(r"Борис ··\d{4}.*На балансе 120 баллов.*сумма чека")
    await cafe.cashier.says("1 234,50")
    await cafe.cashier.sees("Чек: 1\u00a0234,50 ₽.*Начислим: 61 балл.*до 617 баллов|до 120 баллов")
    await cafe.cashier.presses("Начислить 61")
    await cafe.cashier.sees(r"Борис: \+61 балл.*На балансе 181 балл")
    assert (await cafe.balance(boris)).available == 181
    assert {one["key"] for one in await cafe.told(boris)} == {"partner.push.accrued", "partner.push.rate"}


async def test_a_confirmed_bill_costs_four_statements(cafe, shop):
    boris = await cafe.client("Борис", has=120)
    await confirmed(cafe, boris, "340")
    await cafe.cashier.presses("Начислить 17")
    await cafe.cashier.sees("17 баллов")
    await confirmed(cafe, boris)
    await cafe.cashier.presses("Начислить 17")
    assert (await shop.record(cafe.cashier))["sql"] == 4, "the place, the operation, the push, and no second question"
    await cafe.set(confirm_spending=False)
    await cafe.cashier.says(qr(boris))
    await cafe.cashier.says("400")
    assert (await shop.record(cafe.cashier))["sql"] == 5
    await cafe.cashier.presses("Списать баллы")
    await cafe.cashier.says("100")
    await cafe.cashier.presses("Списать 100")
    assert (await shop.record(cafe.cashier))["sql"] == 4


@pytest.mark.long
async def test_the_six_digits_do_the_same(cafe):
    boris = await cafe.client()
    code = await cards.issue_code(cafe.id, boris.id)
    await cafe.cashier.presses("Обслужить клиента")
    await cafe.cashier.says(f"{code[:3]} {code[3:]}")
    await cafe.cashier.sees("Борис.*сумма чека")
    await cafe.cashier.presses("500 ₽")
    await cafe.cashier.presses("Начислить 25")
    await cafe.cashier.sees(r"\+25 баллов")


SPELLINGS = (
    *("+79031234567", "89031234567", "79031234567", "9031234567", "+7 903 123-45-67"),
    *("8 (903) 123-45-67", "8-903-123-45-67", "+7(903)1234567", "7 903 123 45 67", "+7.903.123.45.67"),
)


@pytest.mark.long
async def test_what_the_menu_invites_to_type_is_understood_from_the_menu(cafe):
    boris = await cafe.client("Борис")
    await cafe.cashier.says("/menu")
    await cafe.cashier.sees("написать сюда шесть цифр")
    await cafe.cashier.says(await cards.issue_code(cafe.id, boris.id))
    await cafe.cashier.sees("Борис.*сумма чека")


async def test_a_name_is_understood_when_the_menu_is_from_yesterday(cafe, shop):
    await cafe.client("Борис")
    await shop.mend_state(cafe.cashier)
    await cafe.cashier.says("Борис")
    await cafe.cashier.sees("Борис.*сумма чека")


@pytest.mark.long
async def test_a_phone_is_found_in_ten_spellings(cafe):
    await cafe.client("Борис", "+79031234567")
    for spelling in SPELLINGS:
        await cafe.cashier.says("/menu")
        await cafe.cashier.presses("Обслужить клиента")
        await cafe.cashier.says(spelling)
        await cafe.cashier.sees("Борис ··4567.*сумма чека")


async def test_the_last_digits_and_a_name_choose_among_several(cafe):
    await cafe.client("Анна", "+79055554321")
    await cafe.client("Олег", "+79066664321")
    await cafe.cashier.presses("Обслужить клиента")
    await cafe.cashier.says("4321")
    message = await cafe.cashier.sees("Нашлось несколько")
    assert {"Анна ··4321", "Олег ··4321"} <= set(buttons(message))
    await cafe.cashier.presses("Олег")
    await cafe.cashier.sees("Олег ··4321.*сумма чека")
    await cafe.cashier.presses("Назад")
    await cafe.cashier.says("4321 анна")
    await cafe.cashier.sees("Анна ··4321.*сумма чека")


async def test_a_recent_client_is_a_button(cafe):
    boris = await cafe.client("Борис")
    await confirmed(cafe, boris)
    await cafe.cashier.presses("Начислить")
    await cafe.cashier.presses("Следующий клиент")
    await cafe.cashier.presses("Борис")
    await cafe.cashier.sees("Борис.*сумма чека")


@pytest.mark.parametrize(
    ("typed", "answer"),
    few(
        [
            ("1e9", "Не понял сумму"),
            ("-5", "не может быть отрицательной"),
            ("99999999", "Слишком много"),
            ("0", "больше нуля"),
            ("٣", "Не понял сумму"),
            ("сто", "Не понял сумму"),
            ("12,345", "Не понял сумму"),
            ("1" * 40, "Не понял сумму"),
            ("<b>5</b>", "Не понял сумму"),
        ],
        3,
        several=True,
    ),
)
async def test_an_odd_amount_is_explained_and_asked_for_again(cafe, typed, answer):
    boris = await cafe.client()
    await cafe.cashier.says(qr(boris))
    await cafe.cashier.says(typed)
    await cafe.cashier.sees(f"{answer}.*сумма чека")
    assert (await cafe.balance(boris)).available == 0


async def test_a_bill_too_small_for_a_point_offers_no_points(cafe):
    boris = await cafe.client()
    await cafe.cashier.says(qr(boris))
    await cafe.cashier.says("1")
    message = await cafe.cashier.sees("Начислим: 0 баллов")
    assert not any("Начислить" in label for label in buttons(message))


async def test_a_forged_quick_amount_is_refused(cafe):
    boris = await cafe.client()
    await cafe.cashier.says(qr(boris))
    await cafe.cashier.presses("500 ₽")
    await cafe.cashier.presses("Изменить сумму")
    await cafe.cashier.forges("till:bill:99900000000")
    await cafe.cashier.sees("Не понял сумму")


async def test_a_double_confirm_gives_points_once(cafe):
    boris = await cafe.client()
    confirm = await confirmed(cafe, boris)
    await asyncio.gather(*(cafe.cashier.presses("Начислить", on=confirm) for _ in range(3)))
    await cafe.cashier.presses("Начислить", on=confirm)
    assert "уже проведена" in cafe.cashier.toast["text"]
    assert (await cafe.balance(boris)).available == 17


async def test_a_redelivered_confirm_gives_points_once(cafe):
    boris = await cafe.client()
    await confirmed(cafe, boris)
    await cafe.cashier.presses("Начислить")
    await cafe.shop.replay(cafe.cashier, cafe.cashier.update_ids[-1], times=3)
    assert (await cafe.balance(boris)).available == 17
    assert len([one for one in await cafe.told(boris) if "accrued" in one["key"]]) == 1


async def test_an_expired_card_says_so(cafe):
    boris = await cafe.client("Борис")
    old = cards.issue(cafe.id, boris.id, now=datetime.now(UTC) - timedelta(minutes=10))
    await cafe.cashier.says(f"/start {old}")
    message = await cafe.cashier.sees("Код карты устарел: он действует пять минут. Попросите клиента обновить карту")
    assert "Борис" not in words(message)
    await cafe.cashier.presses("Следующий клиент")
    await cafe.cashier.says(f"https://t.me/lotok_partner_bot?start={old}")
    await cafe.cashier.sees("Код карты устарел")
    await cafe.cashier.says(qr(boris))
    await cafe.cashier.sees("Борис.*сумма чека")


@pytest.mark.long
async def test_six_digits_that_expired_or_were_used_serve_nobody(cafe):
    boris = await cafe.client("Борис")
    old = await cards.issue_code(cafe.id, boris.id)
    await cafe.shop.expire(f"card:code:{cafe.id}:{old}")
    await cafe.cashier.presses("Обслужить клиента")
    await cafe.cashier.says(old)
    await cafe.cashier.sees("Такого кода нет: он неверный или устарел.*Попросите клиента обновить карту")
    used = await cards.issue_code(cafe.id, boris.id)
    await cafe.cashier.says(used)
    await cafe.cashier.says("350")
    await cafe.cashier.presses("Начислить")
    await cafe.cashier.sees("✅")
    await cafe.cashier.says(used)
    await cafe.cashier.sees("По этому коду уже провели операцию")
    await cafe.cashier.says("12 34 5")
    await cafe.cashier.sees("Никого не нашёл|Нужны последние 4 цифры")
    assert (await cafe.balance(boris)).available == 17


@pytest.mark.long
async def test_a_card_that_expires_before_the_bill_is_typed_still_serves_its_client(cafe):
    boris = await cafe.client("Борис")
    code = await cards.issue_code(cafe.id, boris.id)
    await cafe.cashier.says("/menu")
    await cafe.cashier.says(code)
    await cafe.cashier.sees("Борис.*сумма чека")
    await cafe.shop.expire(f"card:code:{cafe.id}:{code}")
    await cafe.cashier.says("350")
    await cafe.cashier.presses("Начислить")
    await cafe.cashier.sees("✅")
    assert (await cafe.balance(boris)).available == 17


@pytest.mark.long
async def test_a_client_who_scans_a_card_gets_no_further_than_a_sentence(cafe, staffer):
    boris, nobody = await cafe.client("Борис", has=50), await staffer("Ева")
    await nobody.says(qr(boris))
    message = await nobody.sees("карта другого магазина, или вы в нём не работаете. Ничего не начислено")
    assert "Борис" not in words(message)
    assert not [label for label in buttons(message) if "Начислить" in label]


async def test_a_used_card_serves_no_second_bill(cafe):
    boris = await cafe.client()
    link = qr(boris)
    await cafe.cashier.says(link)
    await cafe.cashier.says("350")
    await cafe.cashier.presses("Начислить")
    await cafe.cashier.sees("✅")
    await cafe.cashier.says(link)
    await cafe.cashier.sees("уже провели операцию")


@pytest.mark.parametrize("payload", ["c_", "c_AAAA", "c_" + "A" * 48, "c_" + "_" * 60])
async def test_a_forged_card_is_no_card(cafe, payload):
    await cafe.cashier.says(f"/start {payload}")
    await cafe.cashier.sees("не карта клиента")


async def test_a_link_that_is_no_card_introduces_the_bot_to_who_has_no_shop(shop, newcomer):
    person = await newcomer(first_name="Мимо")
    passer = Chat(shop.http, "partner", person.user)
    await passer.says("/start")
    await passer.presses("Принимаю")
    await passer.says("/start c_AAAA")
    await passer.sees("Вы пока не работаете ни в одном магазине")


async def test_a_card_of_another_shop_opens_nothing(cafe, staffer, newcomer, shop):
    other = await make_cafe(shop, await staffer("Зоя"), await staffer("Яна"), newcomer, title="Цветы")
    stranger = await other.client("Чужой", has=50)
    await cafe.cashier.says(qr(stranger))
    message = await cafe.cashier.sees("карта другого магазина")
    assert "Чужой" not in words(message)
    await cafe.cashier.says("/menu")
    await cafe.cashier.forges(f"till:client:{stranger.id}")
    message = await cafe.cashier.sees("Такого клиента в этом магазине нет")
    assert "Чужой" not in words(message)
    code = await cards.issue_code(other.id, stranger.id)
    await cafe.cashier.says(code)
    await cafe.cashier.sees("Такого кода нет")
    old = cards.issue(other.id, stranger.id, now=datetime.now(UTC) - timedelta(minutes=10))
    await cafe.cashier.says(old)
    message = await cafe.cashier.sees("карта другого магазина")
    assert "Чужой" not in words(message)


async def test_a_picture_of_a_qr_code_is_answered_with_what_to_do(cafe, photo):
    await cafe.cashier.presses("Обслужить клиента")
    await cafe.cashier.sends_photo(photo)
    await cafe.cashier.sees("Картинку с QR-кодом прочитать не могу.*шесть цифр")
    boris = await cafe.client("Борис")
    await cafe.cashier.sends_file(b"%PDF-1.4", "card.pdf", "application/pdf")
    await cafe.cashier.sees("Картинку с QR-кодом прочитать не могу.*шесть цифр")
    await cafe.cashier.says(await cards.issue_code(cafe.id, boris.id))
    await cafe.cashier.sees("Борис.*сумма чека")
    await cafe.cashier.sends_photo(photo)
    await cafe.cashier.sees("Картинку с QR-кодом прочитать не могу")
    assert (await cafe.balance(boris)).available == 0


async def test_points_pay_a_part_of_the_bill_and_the_rest_earns(cafe):
    boris = await cafe.client("Борис", has=300)
    await confirmed(cafe, boris, "1000")
    await cafe.cashier.sees("Можно списать до 300 баллов: баллами здесь платят до 50 % чека")
    await cafe.cashier.presses("Списать баллы")
    await cafe.cashier.sees("До 300")
    await cafe.cashier.says("200")
    await cafe.cashier.sees("Баллами: 200 баллов = 200 ₽.*К оплате: 800 ₽.*останется 100 баллов")
    await cafe.cashier.presses("Списать 200")
    await cafe.cashier.sees("списали 200 баллов.*к оплате 800 ₽.*начислили 40 баллов.*На балансе 140 баллов")
    assert (await cafe.balance(boris)).available == 140


async def test_more_points_than_the_share_are_refused_with_the_most(cafe):
    boris = await cafe.client(has=1000)
    await confirmed(cafe, boris, "1000")
    await cafe.cashier.presses("Списать баллы")
    await cafe.cashier.says("501")
    await cafe.cashier.sees("не больше 500 баллов.*Сколько баллов")
    await cafe.cashier.forges("till:points:100000")
    await cafe.cashier.sees("не больше 500 баллов")
    await cafe.cashier.presses("Всё: 500")
    await cafe.cashier.sees("К оплате: 500 ₽")


async def test_two_cashiers_redeem_the_last_points_and_one_of_them_hears_why(cafe, staffer):
    boris = await cafe.client(has=100)
    chats = [cafe.cashier, cafe.owner]
    for chat in chats:
        await chat.says(qr(boris))
        await chat.says("200")
        await chat.presses("Списать баллы")
        await chat.presses("Всё: 100")
    await asyncio.gather(*(chat.presses("Списать 100") for chat in chats))
    said = [await chat.sees("списали 100 баллов|Баллов уже меньше: на балансе") for chat in chats]
    assert sorted("списали 100" in words(one) for one in said) == [False, True]
    kinds = await cafe.shop.rows("select kind from point_txns where member_id = %s and kind = 'redeem'", boris.id)
    assert len(kinds) == 1


async def test_a_cashier_removed_in_the_middle_confirms_nothing(cafe):
    from lib.loyalty import staff

    boris = await cafe.client()
    await confirmed(cafe, boris)
    boss, till = await user_id(cafe.shop, cafe.owner), await user_id(cafe.shop, cafe.cashier)
    await cafe.run(lambda conn: staff.remove(conn, cafe.id, boss, till))
    await cafe.cashier.presses("Начислить")
    await cafe.cashier.sees("больше не работаете.*Ничего не начислено")
    assert (await cafe.balance(boris)).available == 0


@pytest.mark.long
async def test_a_shop_blocked_in_the_middle_confirms_nothing(cafe):
    boris = await cafe.client()
    await confirmed(cafe, boris)
    await cafe.decide("blocked", "Жалобы")
    await cafe.cashier.presses("Начислить")
    await cafe.cashier.sees("Магазин заблокирован.*Ничего не начислено и не списано")
    assert (await cafe.balance(boris)).available == 0
    await cafe.cashier.presses("Меню")
    await cafe.cashier.sees("Причина: Жалобы")


@pytest.mark.parametrize("step", ["bill", "points", "redeem"])
async def test_a_shop_blocked_in_the_middle_says_so_at_the_next_press_of_any_step(cafe, step):
    boris = await cafe.client("Борис", has=300)
    await cafe.set(confirm_spending=False)
    await cafe.cashier.says(qr(boris))
    if step != "bill":
        await cafe.cashier.says("350")
        await cafe.cashier.presses("Списать баллы")
    if step == "redeem":
        await cafe.cashier.says("100")
    await cafe.decide("blocked", "Жалобы")
    if step == "redeem":
        await cafe.cashier.presses("Списать 100")
    else:
        await cafe.cashier.says("100")
    await cafe.cashier.sees("Магазин заблокирован.*Ничего не начислено и не списано")
    assert (await cafe.balance(boris)).available == 300


async def test_a_blocked_client_is_refused(cafe):
    boris = await cafe.client()
    boss = await user_id(cafe.shop, cafe.owner)
    await confirmed(cafe, boris)
    await cafe.run(lambda conn: members.block(conn, cafe.id, boss, boris.id))
    await cafe.cashier.presses("Начислить")
    await cafe.cashier.sees("Управляющий заблокировал этого клиента")
    assert (await cafe.balance(boris)).available == 0


@pytest.mark.parametrize("way", ["card", "tail", "button"])
async def test_a_suspended_card_is_told_before_the_bill_is_asked_for(cafe, way):
    boris = await cafe.client("Борис")
    await confirmed(cafe, boris)
    await cafe.cashier.presses("Начислить")
    boss = await user_id(cafe.shop, cafe.owner)
    await cafe.run(lambda conn: members.block(conn, cafe.id, boss, boris.id))
    await cafe.cashier.presses("Следующий клиент")
    if way == "button":
        await cafe.cashier.presses("Борис")
    else:
        await cafe.cashier.says(qr(boris) if way == "card" else boris.phone_tail)
    shown = words(await cafe.cashier.sees("Управляющий заблокировал этого клиента"))
    assert "сумма чека" not in shown


async def two_clients(cafe):
    """Return the client whose bill is open, and another one whose number ends in 1002."""
    boris, anna = await cafe.client("Борис"), await cafe.client("Анна", f"+7903{next(NUMBERS)}1002")
    await cafe.cashier.says(qr(boris))
    await cafe.cashier.sees("Борис.*сумма чека")
    return boris, anna


async def whole_number(cafe, member):
    [row] = await cafe.shop.rows("select phone from clients where user_id = %s", member.user_id)
    return row["phone"]


@pytest.mark.parametrize("command", ["/start", "/cancel", "/menu"])
async def test_a_command_leaves_the_open_bill(cafe, command):
    await two_clients(cafe)
    await cafe.cashier.says(command)
    await cafe.cashier.says("1002")
    await cafe.cashier.sees("Анна ··1002.*сумма чека")


async def test_start_leaves_what_else_was_begun(cafe):
    await cafe.owner.presses("Сотрудники")
    await cafe.owner.presses("Вера")
    await cafe.owner.presses("Город")
    await cafe.owner.says("/start")
    boris = await cafe.client("Борис")
    await cafe.owner.says(boris.phone_tail)
    await cafe.owner.sees("Борис.*сумма чека")


@pytest.mark.parametrize("said", ["+7{code}{rest}", "8 ({code}) {rest}", "8{code}{rest}", "Анна", "1002 Анна"])
async def test_at_an_open_bill_what_is_no_sum_is_the_next_client(cafe, said):
    boris, anna = await two_clients(cafe)
    phone = await whole_number(cafe, anna)
    await cafe.cashier.says(said.format(code=phone[2:5], rest=phone[5:]))
    await cafe.cashier.sees("Анна ··1002.*сумма чека")
    assert (await cafe.balance(boris)).available == 0


async def test_a_phone_that_nobody_has_is_said_to_be_nobodys_at_an_open_bill(cafe):
    await two_clients(cafe)
    await cafe.cashier.says("89037650000")
    await cafe.cashier.sees(r"Клиента с номером \+7 903 765-00-00 здесь нет")


async def test_the_end_of_a_phone_with_a_zero_in_front_is_no_sum(cafe):
    await two_clients(cafe)
    await cafe.client("Олег", f"+7903{next(NUMBERS)}0012")
    await cafe.cashier.says("0012")
    await cafe.cashier.sees("Олег ··0012.*сумма чека")


async def test_a_sum_that_ends_another_clients_phone_shows_the_way_to_them(cafe):
    await two_clients(cafe)
    await cafe.cashier.says("1002")
    await cafe.cashier.sees("Борис.*Чек: 1\u00a0002 ₽.*1002 — это и последние цифры телефона другого клиента")
    await cafe.cashier.presses("Это клиент ··1002")
    await cafe.cashier.sees("Анна ··1002.*сумма чека")
    await cafe.cashier.says("1002")
    assert "другого клиента" not in words(await cafe.cashier.sees("Анна.*Чек: 1\u00a0002 ₽"))


async def test_once_the_sum_is_known_such_digits_are_asked_about(cafe):
    boris, anna = await two_clients(cafe)
    await cafe.cashier.says("350")
    await cafe.cashier.says("1002")
    await cafe.cashier.sees("1002 — это сумма чека или следующий клиент.*Сейчас открыт чек: Борис")
    await cafe.cashier.presses("Сумма: 1\u00a0002 ₽")
    await cafe.cashier.sees("Борис.*Чек: 1\u00a0002 ₽")
    await cafe.cashier.says("1002")
    await cafe.cashier.presses("Следующий клиент")
    await cafe.cashier.sees("Анна ··1002.*сумма чека")
    assert [(await cafe.balance(one)).available for one in (boris, anna)] == [0, 0]


async def test_six_digits_at_an_open_bill_are_asked_about(cafe):
    _, anna = await two_clients(cafe)
    await cafe.cashier.says(await cards.issue_code(cafe.id, anna.id))
    await cafe.cashier.sees("это сумма чека или следующий клиент|Анна ··1002.*сумма чека")
    if "следующий" in words(await cafe.cashier.last()):  # a code that begins with a zero is no sum
        await cafe.cashier.presses("Следующий клиент")
    await cafe.cashier.sees("Анна ··1002.*сумма чека")


async def test_a_card_is_the_next_client_where_points_are_asked_for(cafe):
    boris, anna = await cafe.client("Борис", has=300), await cafe.client("Анна", f"+7903{next(NUMBERS)}1002")
    for said in (qr(anna).removeprefix("/start "), await whole_number(cafe, anna)):
        await confirmed(cafe, boris, "1000")
        await cafe.cashier.presses("Списать баллы")
        await cafe.cashier.says(said)
        await cafe.cashier.sees("Анна ··1002.*сумма чека")


async def test_a_name_with_markup_is_shown_as_it_is(cafe):
    eve = await cafe.client("<b>Ева</b> & Ко")
    await cafe.cashier.says(qr(eve))
    message = await cafe.cashier.sees("<b>Ева</b> & Ко ··")
    assert re.search("сумма чека", words(message))


async def test_an_operation_is_taken_back_with_a_reason_and_the_client_is_told(cafe):
    boris = await cafe.client()
    await confirmed(cafe, boris)
    await cafe.cashier.presses("Начислить")
    await cafe.cashier.presses("Отменить операцию")
    await cafe.cashier.presses("Назад")
    await cafe.cashier.presses("Борис +17")
    await cafe.cashier.sees("Начисление.*Борис.*17 баллов.*350 ₽.*Вера.*Отменить?")
    await cafe.cashier.presses("Ошибка в сумме")
    await cafe.cashier.sees("Отменить операцию\\?.*Причина: ошибка в сумме")
    sure = await cafe.cashier.message_with("Да, отменить")
    await cafe.cashier.presses("Да, отменить")
    await cafe.cashier.sees("Операция отменена: ошибка в сумме.*0 баллов")
    await cafe.cashier.presses("Да, отменить", on=sure)
    assert (await cafe.balance(boris)).available == 0
    assert [one["key"] for one in await cafe.told(boris) if "reversed" in one["key"]] == ["partner.push.reversed"]


@pytest.mark.long
async def test_the_owner_takes_back_anybodys_operation_in_own_words(cafe):
    boris = await cafe.client(has=100)
    await confirmed(cafe, boris, "200")
    await cafe.cashier.presses("Списать баллы")
    await cafe.cashier.presses("Всё: 100")
    await cafe.cashier.presses("Списать 100")
    await cafe.cashier.sees("списали")
    await cafe.owner.presses("Операции")
    await cafe.owner.presses("−100")
    await cafe.owner.says("Клиент передумал <i>")
    await cafe.owner.sees("Причина: Клиент передумал <i>")
    await cafe.owner.presses("Да, отменить")
    await cafe.owner.sees("Операция отменена")
    assert (await cafe.balance(boris)).available == 100


@pytest.mark.long
async def test_a_cashier_cannot_take_back_anothers_operation(cafe):
    boris = await cafe.client()
    await cafe.owner.says(qr(boris))
    await cafe.owner.says("350")
    await cafe.owner.presses("Начислить")
    [row] = await cafe.shop.rows("select id from point_txns where member_id = %s", boris.id)
    await cafe.cashier.forges(f"undo:why:{row['id']}:returned")
    await cafe.cashier.presses("Да, отменить")
    await cafe.cashier.sees("только свою операцию")
    assert (await cafe.balance(boris)).available == 17


@pytest.mark.long
async def test_an_operation_of_another_shop_is_not_found(cafe, staffer, newcomer, shop):
    other = await make_cafe(shop, await staffer("Зоя"), await staffer("Яна"), newcomer, title="Цветы")
    await other.client(has=50)
    [row] = await shop.rows("select id from point_txns where partner_id = %s", other.id)
    await cafe.owner.forges(f"undo:one:{row['id']}")
    await cafe.owner.sees("Такой операции в этом магазине нет")


async def test_a_mended_bill_replaces_the_first_one_until_points_have_moved(cafe):
    boris = await cafe.client("Борис")
    await confirmed(cafe, boris, bill="3500")
    await cafe.cashier.mends("3500", "350")
    await cafe.cashier.sees("Чек: 350 ₽")
    await cafe.cashier.presses("Начислить 17")
    await cafe.cashier.sees(r"\+17 баллов")
    await cafe.cashier.mends("350", "35000")
    await cafe.cashier.sees("Прежний текст уже принят")
    assert (await cafe.balance(boris)).available == 17


async def test_points_of_returned_goods_are_kept_from_the_next_purchase_and_everybody_reads_why(cafe):
    boris = await cafe.client("Борис")
    client = await cafe.client_chat(boris)
    await confirmed(cafe, boris, "1000")
    await cafe.cashier.presses("Начислить 50")
    await confirmed(cafe, boris, "80")
    await cafe.cashier.presses("Списать баллы")
    await cafe.cashier.presses("Половину")
    await cafe.cashier.presses("Списать 20")
    await cafe.cashier.sees("списали 20")
    await cafe.owner.forges("undo:list")
    await cafe.owner.presses("+50")
    await cafe.owner.presses("Возврат покупки")
    await cafe.owner.presses("Да, отменить")
    await cafe.owner.sees("Клиент уже потратил .*удержим из баллов за следующую покупку")
    await client.sees("отменили покупку.*уже потратили 17 баллов .*удержим из баллов за следующую")
    await confirmed(cafe, boris, "2000")
    await cafe.cashier.sees("Начислим: 100 баллов.*В счёт долга из начисленных: ")
    await cafe.cashier.presses("Начислить 100")
    await cafe.cashier.sees("В счёт долга за отменённую раньше покупку: ")
    await client.sees(r"\+100 баллов.*17 баллов — в счёт долга: столько за отменённую раньше покупку")


async def found_by_phone(cafe, name="Борис", has=300):
    """Return a client who has no card with them, found by the last digits, up to the press that takes their points."""
    boris = await cafe.client(name, has=has)
    chat = Chat(cafe.shop.http, "client", await person(cafe, boris))
    await chat.says("/start")
    await chat.presses("Принимаю")
    await cafe.cashier.presses("Обслужить клиента")
    await cafe.cashier.says(boris.phone_tail)
    await cafe.cashier.says("500")
    await cafe.cashier.presses("Списать баллы")
    await cafe.cashier.says("200")
    await cafe.cashier.presses("Списать 200")
    await cafe.cashier.sees("Борис: спросили в чате клуба, можно ли списать 200 баллов")
    return boris, chat


async def test_a_client_who_stopped_the_bot_is_not_said_to_be_asked(cafe):
    boris, chat = await found_by_phone(cafe)
    await chat.blocks()
    await cafe.cashier.presses("Проверить ответ")
    await cafe.cashier.sees("Спросить клиента не получится: он остановил бота.*Начислим: 25 баллов")
    assert (await cafe.balance(boris)).available == 300


async def person(cafe, member):
    [row] = await cafe.shop.rows("select tg_id from users where id = %s", member.user_id)
    return {"id": row["tg_id"], "first_name": member.name}


async def test_a_client_found_by_phone_confirms_by_a_press(cafe):
    boris, chat = await found_by_phone(cafe)
    assert (await cafe.balance(boris)).available == 300
    question = await chat.sees(r"Кофейня «Зерно»: списать 200 баллов за чек 500 ₽\?.*код \d{3} \d{3}")
    await cafe.cashier.presses("Проверить ответ")
    assert "ещё не ответил" in cafe.cashier.toast["text"]
    await chat.presses("Подтвердить", on=question)
    await chat.sees("вы согласны списать 200 баллов за чек 500 ₽")
    await cafe.cashier.presses("Проверить ответ")
    await cafe.cashier.sees("списали 200 баллов")
    assert (await cafe.balance(boris)).available == 115
    await chat.presses("Подтвердить", on=question)
    assert "уже не нужен" in chat.toast["text"]
    assert (await cafe.balance(boris)).available == 115


@pytest.mark.long
async def test_a_client_found_by_phone_tells_the_code(cafe):
    boris, chat = await found_by_phone(cafe)
    question = words(await chat.sees("назовите кассиру код"))
    code = re.search(r"\d{3} \d{3}", question)[0]
    await cafe.cashier.says("000 001" if code != "000 001" else "000 002")
    await cafe.cashier.sees("Такого кода нет.*спросили в чате клуба")
    other = await cafe.client("Олег")
    await cafe.cashier.says(await cards.issue_code(cafe.id, other.id))
    await cafe.cashier.sees("код другого клиента")
    await cafe.cashier.says(code)
    await cafe.cashier.sees("Код подошёл.*Баллами: 200 баллов")
    await cafe.cashier.presses("Списать 200")
    await cafe.cashier.sees("списали 200 баллов")
    assert (await cafe.balance(boris)).available == 115


@pytest.mark.long
async def test_a_client_who_refuses_keeps_the_points_and_the_owner_hears_of_it(cafe):
    boris, chat = await found_by_phone(cafe)
    await chat.presses("Это не я", on=await chat.sees("списать 200 баллов"))
    await chat.sees("списание отклонено")
    await cafe.cashier.presses("Проверить ответ")
    await cafe.cashier.sees("Клиент отказался от списания")
    assert (await cafe.balance(boris)).available == 300
    await cafe.owner.sees("клиент отказался от списания, 200 баллов за чек 500 ₽. Его начал сотрудник: Вера")


async def test_a_shop_may_do_without_the_clients_word(cafe):
    boris = await cafe.client("Борис", has=300)
    await cafe.owner.forges("rules:edit:confirm_spending")
    await cafe.owner.sees("Подтверждение списания.*Сейчас: спрашиваем клиента")
    await cafe.owner.presses("не спрашиваем")
    await cafe.owner.sees("Списание без QR-кода: не спрашиваем")
    await cafe.cashier.presses("Обслужить клиента")
    await cafe.cashier.says(boris.phone_tail)
    await cafe.cashier.says("500")
    await cafe.cashier.presses("Списать баллы")
    await cafe.cashier.says("200")
    await cafe.cashier.presses("Списать 200")
    await cafe.cashier.sees("списали 200 баллов")
    assert (await cafe.balance(boris)).available == 115


async def test_the_same_bill_at_once_is_asked_about_and_given_on_the_second_press(cafe):
    boris = await cafe.client("Борис", has=300)
    await confirmed(cafe, boris, "500")
    await cafe.cashier.presses("Начислить 25")
    await cafe.cashier.sees(r"Борис: \+25")
    await confirmed(cafe, boris, "500")
    await cafe.cashier.presses("Начислить 25")
    await cafe.cashier.sees("Такой же чек этого клиента провели меньше двух минут назад.*Начислим: 25")
    assert (await cafe.balance(boris)).available == 325
    await cafe.cashier.presses("Начислить 25")
    await cafe.cashier.sees(r"Борис: \+25")
    assert (await cafe.balance(boris)).available == 350
    await confirmed(cafe, boris, "500")
    await cafe.cashier.presses("Списать баллы")
    await cafe.cashier.says("100")
    await cafe.cashier.presses("Списать 100")
    await cafe.cashier.sees("Такой же чек этого клиента.*Баллами: 100 баллов")
    await cafe.cashier.presses("Списать 100")
    await cafe.cashier.sees("списали 100 баллов")


async def test_codes_are_mistyped_ten_times_an_hour_and_not_guessed(cafe):
    boris = await cafe.client("Борис")
    await cafe.cashier.presses("Обслужить клиента")
    right = await cards.issue_code(cafe.id, boris.id)
    for number in range(asking.WRONG):
        await cafe.cashier.says(f"{(int(right) + number + 1) % 10**6:06}")
        await cafe.cashier.sees("Такого кода нет")
    await cafe.cashier.says(right)
    await cafe.cashier.sees("За этот час было слишком много неверных кодов. Отсканируйте QR-код")
    await cafe.cashier.says(qr(boris))
    await cafe.cashier.sees("Борис.*сумма чека")
    await cafe.owner.presses("Обслужить клиента")
    await cafe.owner.says(right)
    await cafe.owner.sees("Борис.*сумма чека")


@pytest.mark.long
async def test_codes_that_a_client_tells_are_no_way_round_the_limit(cafe):
    boris, _ = await found_by_phone(cafe)
    code = await cards.issue_code(cafe.id, boris.id)
    for number in range(asking.WRONG):
        await cafe.cashier.says(f"{(int(code) + number + 1) % 10**6:06}")
    await cafe.cashier.says(code)
    await cafe.cashier.sees("слишком много неверных кодов")
    assert (await cafe.balance(boris)).available == 300


async def test_a_gift_waits_while_the_card_is_suspended(cafe):
    boris, owner = await cafe.client("Борис", has=500), await user_id(cafe.shop, cafe.owner)

    async def bought(conn):
        made = await offers.add_service(conn, cafe.id, owner, title="Круассан", price_points=50, category="cafe")
        await offers.decide_service(conn, cafe.id, made, owner, "approved")
        paid = {"service_id": made, "price": 50, "key": f"gift:{boris.id}"}
        gift = await points.buy_service(conn, cafe.id, boris.id, boris.user_id, **paid)
        await members.block(conn, cafe.id, owner, boris.id, reason="-")
        return gift

    gift = await cafe.run(bought)
    await cafe.cashier.says(gift.code)
    await cafe.cashier.sees("Управляющий заблокировал этого клиента")
    await cafe.cashier.forges(f"voucher:give:{gift.code}")
    assert "заблокировал" in cafe.cashier.toast["text"]
    await cafe.run(lambda conn: members.block(conn, cafe.id, owner, boris.id, blocked=False))
    await cafe.cashier.says(gift.code)
    await cafe.cashier.presses("Выдать")
    await cafe.cashier.sees("Выдано: Круассан")


async def test_points_whose_day_is_over_are_gone_from_every_screen_before_the_hourly_job(cafe):
    boris = await cafe.client("Борис", has=300)
    chat = await cafe.client_chat(boris)
    await chat.presses("Принимаю")
    await cafe.shop.rows(
        "update point_lots set active_at = active_at - interval '2 days', expires_at = now() - interval '1 minute'"
        " where member_id = %s returning id",
        boris.id,
    )
    await cafe.shop.rows("update members set due_at = now() - interval '1 minute' where id = %s returning id", boris.id)
    await chat.says("/menu")
    await chat.sees("Кофейня «Зерно»: 0 баллов")
    await cafe.cashier.says(qr(boris))
    await cafe.cashier.sees("Борис.*На балансе 0 баллов.*сумма чека")
