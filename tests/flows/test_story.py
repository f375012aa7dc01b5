"""The whole story of a loyalty programme, over the real stack and through four chats side by side.

Глеб applies, Дина approves, Вера is invited to the till, Борис joins by the shop's link and is served; a promotion is
announced, approved and seen; points are spent, and an operation is taken back.
"""

import re

import pytest

from tests.flows.chat import Chat, buttons, words
from tests.flows.conftest import ADMINS
from tests.flows.partner.conftest import as_the_stack  # noqa: F401

TITLE = "Кофейня «Полдень»"


@pytest.fixture
def joins(shop, newcomer):
    """Put somebody before a bot's chat."""

    async def make(bot: str, name: str, **person) -> Chat:
        return Chat(shop.http, bot, (await newcomer(first_name=name, **person)).user)

    return make


async def follow(chat: Chat, link: str) -> None:
    """Open a t.me link, as a scan of a QR code does."""
    await chat.says("/start " + re.search(r"[?&]start=([\w-]+)", link)[1])


async def test_the_story(joins, shop, newcomer):
    gleb, vera, boris = await joins("partner", "Глеб"), await joins("partner", "Вера"), await joins("client", "Борис")
    dina = Chat(shop.http, "admin", (await newcomer(first_name="Дина", id=ADMINS[-1])).user)
    await gleb_applies(gleb)
    await dina_decides(dina, "Магазины", TITLE)
    await gleb.sees("заявка одобрена.*плакат с QR")
    await gleb.presses("Меню")
    await gleb.sees(f"{TITLE} · владелец")

    await gleb_invites(gleb, vera)
    [place] = await shop.rows("select id, code from partners where title = %s", TITLE)
    await boris_joins(boris, place["code"])

    await vera_serves(vera, boris)
    await minutes_later(boris, shop)
    await boris.sees("Полдень.*орекомендуете нас друзьям")
    await boris.presses("10")
    await boris.sees("оценка.*10.*Спасибо")

    await gleb_announces(gleb)
    await dina_decides(dina, "Акции", "Двойной полдень")
    await gleb.sees("Акция «Двойной полдень» одобрена")
    await boris.says("/menu")
    await boris.presses("Акции")
    await boris.sees("Двойной полдень")

    await boris_pays_with_points(boris, vera, shop, place["id"])
    await gleb_takes_back(gleb, boris)
    await books_agree(shop, place["id"])
    await dina_sees_all(dina)


async def gleb_applies(gleb: Chat) -> None:
    await gleb.says("/start")
    await gleb.presses("Принимаю")
    await gleb.presses("Подать заявку")
    await gleb.says(TITLE)
    await gleb.presses("Кофейня, кафе")
    await gleb.says("Казань")
    await gleb.presses("5 %")
    await gleb.presses("Отправить")
    await gleb.sees("отправлена")


async def dina_decides(dina: Chat, kind: str, title: str) -> None:
    """Approve what waits under this title: it is on the last page, as the oldest comes first."""
    await dina.says("/menu")
    await dina.presses("На проверку")
    await dina.presses(kind)
    page = await dina.message_with("1")
    while "Дальше ›" in buttons(page):  # what others tell her comes below the list
        await dina.presses("Дальше", on=page)
        page = next(one for one in await dina.messages() if one["message_id"] == page["message_id"])
    listed = [line for one in await dina.messages() for line in words(one).splitlines() if title in line]
    await dina.presses(next(line for line in reversed(listed) if line[0].isdecimal()).partition(".")[0])
    await dina.sees(f"{title}.*Ждёт решения")
    await dina.presses("Одобрить")
    await dina.sees(f"✅ .*одобрен.*{title}")


async def gleb_invites(gleb: Chat, vera: Chat) -> None:
    await gleb.presses("Сотрудники")
    await gleb.presses("Пригласить")
    await gleb.presses("Пригласить кассира")
    link = words(await gleb.sees("Откройте ссылку"))
    await follow(vera, link)
    await vera.presses("Принимаю")
    await vera.sees(f"в команде: {TITLE}. Ваша роль: кассир")
    await gleb.says("/menu")


async def boris_joins(boris: Chat, code: str) -> None:
    await boris.says(f"/start p_{code}")
    await boris.presses("Принимаю")
    await boris.shares_phone()
    await boris.sees(f"{TITLE}")


async def digits(boris: Chat) -> str:
    """Return the six digits that Борис's card shows."""
    await boris.says("/menu")
    await boris.presses(next(label for label in buttons(await boris.last()) if "QR" in label))
    shown = await boris.sees(r"назовите цифры: \d")
    return re.search(r"назовите цифры: (\d{3} ?\d{3})", words(shown))[1]


async def vera_serves(vera: Chat, boris: Chat) -> None:
    code = await digits(boris)
    await vera.says("/menu")
    await vera.presses("Обслужить клиента")
    await vera.says(code)
    await vera.sees("Борис.*сумма чека")
    await vera.says("2 000")
    await vera.sees("Начислим: 100 баллов")
    await vera.presses("Начислить")
    await vera.sees(r"\+100 баллов")
    await boris.sees(r"Полдень.*\+100 баллов за чек 2\s000 ₽")


async def minutes_later(boris: Chat, shop) -> None:
    """Let the time come for what Борис is told some minutes after his visit."""
    await shop.rows(
        "update jobs j set run_at = clock_timestamp() from users u"
        " where u.id = j.user_id and u.tg_id = %s and j.task = 'tell' returning j.id",
        boris.user["id"],
    )
    await shop.drain_again()

    async def asked() -> list[str]:
        return [words(one) for one in await boris.messages() if "орекомендуете" in words(one)]

    await shop.ticks_until(asked)


async def gleb_announces(gleb: Chat) -> None:
    await gleb.says("/menu")
    await gleb.presses("Акции")
    await gleb.presses("Создать акцию")
    await gleb.presses("Баллы ×2")
    await gleb.says("Двойной полдень")
    for label in ("Пропустить", "Неделя", "Готово", "от 500 ₽", "Везде"):
        await gleb.presses(label)
    await gleb.presses("Отправить")
    await gleb.sees("на проверке")


async def boris_pays_with_points(boris: Chat, vera: Chat, shop, partner_id: int) -> None:
    code = await digits(boris)
    await vera.presses("Следующий клиент")
    await vera.says(code)
    await vera.says("100")
    await vera.presses("Списать баллы")
    await vera.presses(next(label for label in buttons(await vera.last()) if label.startswith("Всё: 50")))
    await vera.sees("Баллами: 50 баллов.*К оплате: 50 ₽")
    await vera.presses("Списать 50")
    await vera.sees("✅ Борис")
    await boris.sees("списали 50 баллов")


async def gleb_takes_back(gleb: Chat, boris: Chat) -> None:
    await gleb.says("/menu")
    await gleb.presses("Операции")
    await gleb.presses("−50")
    await gleb.presses("Ошибка в сумме")
    await gleb.presses("Да, отменить")
    await boris.sees("отменили покупку на .* ₽.*Причина: ошибка в сумме")


async def books_agree(shop, partner_id: int) -> None:
    """Assert that the entries sum to zero and the client has what was earned, no more and no less."""
    [sums] = await shop.rows("select sum(delta) as total from point_entries where partner_id = %s", partner_id)
    assert sums["total"] == 0
    [account] = await shop.rows(
        "select balance from point_accounts where partner_id = %s and kind = 'available' and member_id > 0", partner_id
    )
    assert account["balance"] == 100


async def dina_sees_all(dina: Chat) -> None:
    await dina.says("/menu")
    await dina.presses("Магазины")
    await dina.says("Полдень")
    await dina.sees(f"{TITLE}.*Клиентов: 1 · сотрудников: 2.*Баллов у клиентов: 100")
    await dina.presses("Операции")
    await dina.sees("отмена.*списано 50.*начислено 100")
    await dina.presses("Назад")
    await dina.presses("Журнал")
    await dina.sees("магазин одобрен")
