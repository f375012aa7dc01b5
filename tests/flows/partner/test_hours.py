"""The opening hours of a shop, typed by its owner."""

from lib.loyalty import partners
from tests.flows.chat import words


async def test_hours_are_typed_as_people_do_shown_as_understood_and_cleared_of_special_days(cafe):
    await cafe.owner.presses("Правила")
    await cafe.owner.presses("Часы работы")
    await cafe.owner.sees("Часы работы · Кофейня.*Напишите часы как привыкли")
    await cafe.owner.says("как обычно")
    await cafe.owner.sees("Не понял «как»")
    await cafe.owner.says("31 декабря 10-16")
    await cafe.owner.sees("Сначала напишите обычные часы недели")
    await cafe.owner.says("пн–пт 9–20, сб 10–18")
    await cafe.owner.sees("Сохранил.*Пн–пт: 9:00–20:00.*Вс: выходной.*Сейчас")
    await cafe.owner.says("1–8 января выходной")
    await cafe.owner.sees("1 января – 8 января: выходной")
    await cafe.owner.presses("Убрать особые дни")
    assert "января" not in words(await cafe.owner.last()).partition("Напишите")[0]
    told = await cafe.run(lambda conn: partners.opening_hours(conn, cafe.id))
    assert (told.week[0], told.week[6], told.days) == (((540, 1200),), (), {})
    await cafe.cashier.forges("hours:plain")
    await cafe.cashier.sees("доступно|роль|может|управля")
