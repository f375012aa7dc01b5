"""The owner deletes themselves while others work: nothing more is done, and everybody reads what is so."""

import re

from tests.flows.chat import Chat, buttons, words
from tests.flows.conftest import ADMINS
from tests.flows.partner.test_till import confirmed


async def invitation(cafe):
    await cafe.owner.presses("Сотрудники")
    await cafe.owner.presses("Пригласить")
    await cafe.owner.presses("Пригласить управляющего")
    return re.search(r"\?start=(s_\S+)", words(await cafe.owner.sees("Откройте ссылку")))[1]


async def test_the_owner_deletes_everything_in_the_middle_of_others_work(cafe, staffer, shop):
    boris, link = await cafe.client("Борис", has=300), await invitation(cafe)
    chat = await cafe.client_chat(boris)
    await chat.presses("Принимаю")
    await chat.says("/menu")
    await chat.presses("Показать QR-код")
    bill = await confirmed(cafe, boris, "1000")
    await cafe.owner.says("/delete")
    await cafe.owner.presses("Удалить навсегда")
    await cafe.cashier.sees("Кофейня «Зерно»: магазин закрылся насовсем.*открытые чеки не проведены")
    await cafe.cashier.presses("Начислить", on=bill)
    await cafe.cashier.sees("Магазин закрылся насовсем.*Ничего не начислено и не списано")
    await cafe.cashier.says("/menu")
    home = await cafe.cashier.sees("Магазин закрылся насовсем: владелец удалил свои данные")
    assert "owner_erased" not in words(home)
    assert "разблокируют" not in words(home)
    assert "Обновить" not in buttons(home)
    assert (await cafe.balance(boris)).available == 300
    await chat.presses("Обновить код")
    await chat.sees("закрылся насовсем: потратить баллы в нём уже нельзя")
    roman = await staffer("Роман")
    await roman.says(f"/start {link}")
    await roman.sees("Эта ссылка больше не действует")


async def test_an_administrator_reads_why_a_shop_has_closed_and_reopens_nothing(cafe, shop):
    dina = {"first_name": "Дина", "language_code": "ru", "id": ADMINS[2]}
    admin = Chat(shop.http, "admin", (await shop.http.post("/sim/users", json=dina)).raise_for_status().json())
    await admin.says("/start")
    await cafe.owner.says("/delete")
    await cafe.owner.presses("Удалить навсегда")
    await admin.forges(f"shops:card:{cafe.id}")
    page = await admin.sees("Закрылся насовсем: владелец удалил свои данные")
    assert "owner_erased" not in words(page)
    assert "Разблокировать" not in buttons(page)
