"""One consent is for all bots; each says once what it is and what it gives."""

from tests.flows.chat import Chat, buttons


async def test_the_studio_introduces_itself_and_its_gift_to_who_consented_elsewhere(shop, stranger):
    club = Chat(shop.http, "client", stranger.user)
    await club.says("/start")
    await club.presses("Принимаю")
    await stranger.says("/start")
    await stranger.sees("Это Лоток. Из обычного фото.*Дарим 2 кредита — это 2 карточки")
    await stranger.says("/start")
    await stranger.sees("С возвращением, Алиса")


async def test_the_club_introduces_itself_to_who_consented_in_the_studio(shop, seller):
    club = Chat(shop.http, "client", seller.user)
    await club.says("/start")
    await club.sees("Это Лоток · Клуб.*заведите карту")
    await club.presses("Получить карту")
    await club.says("/start")
    await club.sees("С возвращением, Алиса")
    await seller.says("/start")
    await seller.sees("С возвращением, Алиса"), "the studio has introduced itself with the consent"


async def test_the_partner_bot_introduces_itself_once(shop, seller):
    partner = Chat(shop.http, "partner", seller.user)
    await partner.says("/start")
    await partner.sees("Это Лоток · Партнёр.*Подайте заявку")
    await partner.says("/start")
    await partner.sees("Рады знакомству")


async def test_what_was_consented_on_keeps_no_button_after_a_link(shop, stranger):
    partner = Chat(shop.http, "partner", stranger.user)
    await partner.says("/start c_" + "A" * 30)
    consent = await partner.last()
    await partner.presses("Принимаю")
    [kept] = [one for one in await partner.messages() if one["message_id"] == consent["message_id"]]
    assert buttons(kept) == {}
