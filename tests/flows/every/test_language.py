"""The language before there is a consent: who cannot read what they consent to must be able to change it."""

import pytest

from tests.flows.chat import Chat
from tests.flows.studio.test_order import to_confirm


@pytest.mark.parametrize("bot", ["studio", "client", "partner"])
async def test_language_works_before_the_consent_in_every_bot(bot, shop, stranger):
    chat = Chat(shop.http, bot, stranger.user)
    await chat.says("/language")
    await chat.sees("Hello, Алиса!.*I agree")
    await chat.presses("Русский")
    await chat.sees("Здравствуйте, Алиса!")
    await chat.presses("English")
    await chat.sees("Hello, Алиса!")
    await chat.presses("I agree")
    await chat.says("/menu")
    shown = await chat.last()
    assert "Русский" in str(shown) or "Help" in str(shown)
    assert not await shop.rows(
        "select 1 from users where tg_id = %s and (language <> 'en' or consent_at is null)", chat.user["id"]
    )


async def test_a_link_outlives_a_change_of_language(shop, stranger):
    chat = Chat(shop.http, "partner", stranger.user)
    await chat.says("/start c_" + "A" * 30)
    await chat.presses("English")
    await chat.sees("Hello, Алиса!")
    await chat.presses("I agree")
    await chat.sees("card")


@pytest.mark.parametrize("bot", ["studio", "client", "partner"])
async def test_the_papers_can_be_read_before_the_consent(bot, shop, stranger):
    chat = Chat(shop.http, bot, stranger.user)
    await chat.says("/privacy")
    shown = await chat.last()
    assert "privacy.html" in str(shown)
    await chat.presses("Меню")
    await chat.sees("согласие")


async def test_a_confirm_screen_goes_with_its_language_and_comes_back_in_the_other(seller, photo):
    await to_confirm(seller, photo)
    before = await seller.message_with("Сделать")
    await seller.says("/language")
    await seller.presses("Continue the order")
    await seller.sees("Check your order.*Price: 1 credit")
    assert before["message_id"] not in [one["message_id"] for one in await seller.messages()]
