from tests.flows.chat import buttons


async def test_a_stranger_is_asked_for_consent_with_two_links(stranger):
    await stranger.says("/start")
    consent = await stranger.sees("Здравствуйте, .*согласие")
    links = [target for target in buttons(consent).values() if target.startswith("http")]
    assert [link.rpartition("/")[2] for link in links] == ["terms.html", "privacy.html"]


async def test_consent_brings_two_trial_credits_once(stranger, shop):
    await stranger.says("/start")
    consent = await stranger.last()
    await stranger.presses("Принимаю")
    await stranger.sees("Дарим 2 кредита")
    await stranger.presses("Принимаю", on=consent)
    assert await shop.balance(stranger) == 2
    assert [row["kind"] for row in await shop.ledger(stranger)] == ["trial"]


async def test_whatever_a_stranger_sends_the_consent_comes_first(stranger, photo, shop):
    await stranger.sends_photo(photo)
    await stranger.sees("согласие")
    await stranger.says("/menu")
    await stranger.sees("согласие")
    assert await shop.balance(stranger) == 0


async def test_an_english_client_is_greeted_in_english(newcomer):
    john = await newcomer(first_name="John", language_code="en")
    await john.says("/start")
    await john.sees("Hello, John!")
    await john.presses("I agree")
    await john.sees("2 credits")


async def test_start_again_welcomes_back_and_keeps_the_draft(seller, photo):
    await seller.sends_photo(photo)
    await seller.says("/start")
    await seller.sees("С возвращением")
    await seller.presses("Продолжить заказ")
    await seller.sees("напишите название")


async def test_a_name_with_markup_is_shown_as_it_is(newcomer):
    eve = await newcomer(first_name="<b>Ева</b> & Ко")
    await eve.says("/start")
    await eve.sees("Здравствуйте, <b>Ева</b> & Ко!")
