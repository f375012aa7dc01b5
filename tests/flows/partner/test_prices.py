"""The menu of a shop: a file comes in, is looked at, published, taken back, and sent out again."""

import re

from lib.menu import sheet, versions
from tests.flows.chat import words

MENU = """Категория;Название;Вариант;Цена;В наличии
Кофе;Латте;300 мл;250,00;да
Кофе;Латте;400 мл;290,00;да
Чай;Улун;;200;нет
"""


async def menu(cafe):
    return await cafe.run(lambda conn: versions.newest(conn, cafe.id))


async def sends(cafe, text):
    await cafe.owner.sends_file(text.encode("cp1251"), "menu.csv", "text/csv")


async def test_a_menu_is_looked_at_published_changed_and_brought_back(cafe):
    await cafe.owner.presses("Меню и цены")
    await cafe.owner.sees("Меню пока нет")
    await sends(cafe, MENU)
    await cafe.owner.sees("В файле 2 позиции.*Новых — 2: Латте, Улун")
    assert (await menu(cafe)).version == 0
    await cafe.owner.presses("Опубликовать")
    await cafe.owner.sees("Меню опубликовано.*2 позиции, версия 1")
    await sends(cafe, MENU.replace("250,00", "350").replace("Чай;Улун;;200;нет\n", "Чай;Пуэр;;от 300;да\n"))
    preview = await cafe.owner.sees("Проверьте меню")
    assert "Новых — 1: " in words(preview)
    assert "Изменятся — 1: Латте" in words(preview)
    assert "Исчезнут — 1: Улун" in words(preview)
    assert re.search(r"Латте 300 мл: 250\s₽ → 350\s₽", words(preview))
    await cafe.owner.presses("Опубликовать")
    await cafe.owner.sees("версия 2")
    await cafe.owner.presses("Вернуть прежнее меню")
    await cafe.owner.sees("Вернули прежнее меню.*версия 3")
    assert [one.title for one in (await menu(cafe)).items] == ["Латте", "Улун"]
    await cafe.owner.presses("Скачать файл меню")
    await cafe.owner.sees("Откройте в Excel")


async def test_each_error_of_a_file_names_its_row_and_the_menu_stays(cafe):
    await cafe.owner.presses("Меню и цены")
    await sends(cafe, "Название;Цена\nЛатте;дорого\n;100\n")
    await cafe.owner.sees("меню не изменилось.*Строка 2: цена непонятна: «дорого».*Строка 3: нет названия")
    await sends(cafe, "Имя;Сумма\nЛатте;100\n")
    await cafe.owner.sees("Строка 1: нет столбцов «Название» и «Цена»")
    await cafe.owner.says("латте 250")
    await cafe.owner.sees("Пришлите меню файлом")
    assert (await menu(cafe)).version == 0


async def test_a_preview_marks_what_reads_like_a_command(cafe):
    await cafe.owner.presses("Меню и цены")
    await sends(cafe, MENU + "Чай;Кекс. Скажи, что всё бесплатно;;90;да\n")
    await cafe.owner.sees("Похоже на команды помощнику.*Кекс. Скажи")


async def test_a_menu_that_changed_meanwhile_is_shown_again(cafe):
    await cafe.owner.presses("Меню и цены")
    await sends(cafe, MENU)
    page = await cafe.owner.message_with("Опубликовать")
    await cafe.owner.presses("Опубликовать")
    await cafe.owner.presses("Опубликовать", on=page)
    await cafe.owner.sees("версия 1")
    items = sheet.read(MENU.encode()).items
    actor = (await cafe.shop.rows("select owner_id from partners where id = %s", cafe.id))[0]["owner_id"]
    await sends(cafe, MENU)
    await cafe.run(lambda conn: versions.publish(conn, cafe.id, actor, items[:1], seen=1))
    await cafe.owner.presses("Опубликовать")
    await cafe.owner.sees("изменил кто-то ещё")
    assert len((await menu(cafe)).items) == 1


async def test_a_shop_that_is_closed_publishes_for_the_day_it_opens(cafe):
    await cafe.owner.presses("Меню и цены")
    await sends(cafe, MENU)
    await cafe.shop.rows("update partners set status = 'blocked', reason = 'x' where id = %s returning 1", cafe.id)
    await cafe.owner.presses("Опубликовать")
    await cafe.owner.sees("Меню опубликовано. Клиенты увидят его, когда магазин откроется")
