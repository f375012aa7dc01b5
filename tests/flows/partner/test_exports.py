"""The shop's lists as files, ordered in the chat: which, in which form, of which days."""

import io
import re

import openpyxl
import pytest

from lib.flows import sheets
from lib.flows.partner import exports
from lib.loyalty import staff
from tests.flows.chat import buttons, words
from tests.flows.partner.conftest import make_cafe, qr, user_id

pytestmark = pytest.mark.usefixtures("cafe")
assert make_cafe


async def served(cafe, member, bill="1000"):
    await cafe.cashier.says(qr(member))
    await cafe.cashier.says(bill)
    await cafe.cashier.presses("Начислить")
    await cafe.cashier.sees("✅")


async def chosen(cafe, what):
    await cafe.owner.presses("Статистика")
    await cafe.owner.presses("Выгрузки")
    await cafe.owner.presses(what)


async def arrives(cafe, pattern):
    """Tick until the file has come; return its name and its bytes."""
    await cafe.shop.finish("sheet", await user_id(cafe.shop, cafe.owner))
    message = await cafe.owner.sees(pattern)
    return message["document"]["file_name"], await cafe.shop.download(message["document"]["file_id"])


async def test_clients_come_as_a_workbook_without_formulas(cafe):
    await cafe.client('=HYPERLINK("http://x")', "+79051112233", has=7)
    await chosen(cafe, "Клиенты")
    shown = await cafe.owner.sees("Клиенты · Кофейня «Зерно».*получили карту в эти дни")
    assert [*buttons(shown)][:4] == ["✅ Excel", "CSV", "Этот месяц", "Прошлый месяц"]
    await cafe.owner.presses("За всё время")
    assert "Файл придёт сюда" in cafe.owner.toast["text"]
    name, raw = await arrives(cafe, "📄 Клиенты: Кофейня «Зерно», за всё время. Строк: 1")
    assert re.fullmatch(r"Кофейня Зерно Клиенты \d{4}-\d\d-\d\d\.xlsx", name)
    [head, row] = [[cell.value for cell in line] for line in openpyxl.load_workbook(io.BytesIO(raw))["Клиенты"].rows]
    assert head[:2] == ["Карта", "Имя"]
    assert row[1:3] == ['=HYPERLINK("http://x")', "··2233"]
    assert row[-2:] == [7, 0]


async def test_operations_of_typed_days_come_as_csv(cafe):
    await served(cafe, await cafe.client(), "1234,50")
    await chosen(cafe, "Операции")
    await cafe.owner.presses("CSV")
    await cafe.owner.presses("Свои даты")
    await cafe.owner.says("давно")
    await cafe.owner.sees("Не понял даты.*через тире")
    await cafe.owner.says("01.01 - 31.12.2099")
    await cafe.owner.sees("Файл придёт сюда.*Операции · Кофейня")
    name, raw = await arrives(cafe, "📄 Операции: Кофейня «Зерно»")
    assert re.fullmatch(r"Кофейня Зерно Операции \d{4}-01-01_\d{4}-\d\d-\d\d\.csv", name)
    assert raw.startswith(b"\xef\xbb\xbf")
    text = raw.decode("utf-8-sig")
    assert ";Начисление;" in text
    assert ";1234,50;1234,50;61;" in text


async def test_a_form_that_was_chosen_stays_chosen(cafe):
    await chosen(cafe, "Заявки")
    await cafe.owner.presses("CSV")
    shown = buttons(await cafe.owner.sees("Заявки · Кофейня"))
    assert "✅ CSV" in shown
    assert all(data.startswith("exports:go:requests:csv:") for label, data in shown.items() if "месяц" in label)


@pytest.mark.parametrize(
    "data",
    ["exports:go:clients:xlsx:decade", "exports:go:salaries:exe:ever", "exports:pick", "exports:go", "exports:x"],
)
async def test_a_forged_button_orders_nothing_odd(cafe, data):
    await cafe.owner.forges(data)
    owner = await user_id(cafe.shop, cafe.owner)
    rows = await cafe.shop.rows("select args from every_job where user_id = %s and task = 'sheet'", owner)
    assert all(row["args"]["what"] in exports.KINDS and row["args"]["form"] in sheets.FORMS for row in rows)


async def test_a_cashier_gets_no_file(cafe):
    await cafe.cashier.forges("exports:go:clients:xlsx:ever")
    await cafe.cashier.sees("только управляющий или владелец")


async def test_a_file_that_waits_is_stopped_by_its_owner_alone(cafe, staffer):
    owner = await user_id(cafe.shop, cafe.owner)
    roman = await staffer("Роман")
    link = await cafe.run(lambda conn: staff.invite(conn, cafe.id, owner, "manager"))
    boss, other = owner, await user_id(cafe.shop, roman)
    await cafe.run(lambda conn: staff.accept(conn, other, link))
    await roman.says("/menu")
    async with cafe.shop.without_worker():
        await chosen(cafe, "Клиенты")
        await cafe.owner.presses("Этот год")
        [job] = await cafe.shop.rows("select id from jobs where user_id = %s and task = 'sheet'", boss)
        await roman.forges(f"exports:stop:{job['id']}")
        assert "уже не действует" in roman.toast["text"]
        assert await cafe.shop.rows("select id from jobs where id = %s", job["id"])
        await cafe.owner.forges(f"exports:stop:{job['id']}")
        assert await cafe.shop.rows("select id from jobs where id = %s", job["id"]) == []
    [row] = await cafe.shop.rows("select state from every_job where id = %s", job["id"])
    assert row["state"] == "cancelled"
    await cafe.owner.forges(f"exports:stop:{job['id']}")
    assert "Уже поздно" in cafe.owner.toast["text"]


async def test_a_file_that_fails_for_good_takes_its_progress_away(cafe):
    """What said how far the file was would stand there for ever."""
    owner = await user_id(cafe.shop, cafe.owner)
    await cafe.shop.fault(cafe.owner, "sendDocument", "400", description="Bad Request: FILE_TOO_BIG")
    await chosen(cafe, "Рассылки")
    await cafe.owner.presses("CSV")
    await cafe.owner.presses("Этот квартал")
    await cafe.shop.finish("notice", owner)
    notice = await cafe.owner.sees("таблица рассылок не получилась")
    assert not [one for one in await cafe.owner.messages() if "Готовлю выгрузку" in words(one)]
    await cafe.owner.presses("Заказать ещё раз", on=notice)
    assert "✅ CSV" in buttons(await cafe.owner.sees("Рассылки · Кофейня"))
