"""What is typed and pasted at the till: phones of any country, invisible marks, quotes."""

from tests.flows.chat import buttons
from tests.flows.partner.conftest import qr


async def test_a_number_in_doubt_is_shown_in_both_readings(cafe):
    await cafe.client("Лан", "+84951234567")
    await cafe.cashier.presses("Обслужить клиента")
    await cafe.cashier.says("8 495 123-45-67")
    message = await cafe.cashier.sees(r"по-разному: \+7 495 123-45-67, \+84 951 234 567")
    assert "Лан +84 951 234 567" in buttons(message)
    await cafe.cashier.presses("Лан")
    await cafe.cashier.sees("Лан ··4567.*сумма чека")
    await cafe.cashier.presses("Назад")
    await cafe.cashier.says("8 900 000-00-01")
    await cafe.cashier.sees(r"с номером \+7 900 000-00-01 здесь нет")


async def test_a_shop_of_another_country_reads_numbers_as_people_there_write_them(cafe):
    await cafe.client("Мила", "+998901230099")
    await cafe.owner.says("/menu")
    await cafe.owner.presses("Правила")
    await cafe.owner.presses("Часы и страна")
    await cafe.owner.says("Ташкент")
    await cafe.owner.sees("Выберите, пожалуйста, кнопкой")
    await cafe.owner.presses("Ташкент")
    await cafe.owner.sees("Сохранил.*Часы: Ташкент")
    await cafe.cashier.presses("Обслужить клиента")
    await cafe.cashier.says("90 123 00 99")
    await cafe.cashier.sees("Мила ··0099.*сумма чека")


async def test_pasted_marks_and_quotes_change_nothing_at_the_till(cafe):
    boris = await cafe.client("Борис\u202e", "+79031237788")
    await cafe.cashier.presses("Обслужить клиента")
    await cafe.cashier.says("\u202a\u202d+7\u00a0(903)\u00a0123\u201177\u201188\u202c")
    message = await cafe.cashier.sees("Борис ··7788.*сумма чека")
    assert "\u202e" not in str(message), "a mark in a name turns the digits beside it round"
    await cafe.cashier.says("«\u200e1\u202f234,50»")
    await cafe.cashier.sees("Чек: 1\u00a0234,50 ₽")
    await cafe.cashier.says(f"«{qr(boris)}»\u200b")
    await cafe.cashier.sees("Борис.*сумма чека")
