import pytest

from tests.flows.chat import buttons
from tests.sizes import few


async def test_the_menu_shows_the_balance(seller):
    await seller.says("/menu")
    await seller.sees("Баланс: 2 кредита")


async def test_unknown_words_are_answered_with_the_menu(seller):
    await seller.says("/menu")
    await seller.says("/nonsense")
    await seller.sees("не понимаю.*Баланс")


async def test_help_is_one_press_away_and_leads_back(seller):
    await seller.says("/menu")
    await seller.presses("Помощь")
    await seller.sees("Как это работает.*Карточка товара — 1 кредит.*Набор карточек — от 2 кредитов")
    await seller.presses("Меню")
    await seller.sees("Баланс: 2 кредита")
    assert len(await seller.messages()) == 2, "the menu is one living message"


async def test_the_language_changes_and_stays(seller):
    await seller.says("/language")
    await seller.sees("I speak English now")
    await seller.says("/menu")
    await seller.sees("Balance: 2 credits")
    await seller.presses("Русский")
    await seller.sees("Теперь говорю по-русски")
    await seller.presses("Меню")
    await seller.sees("Баланс: 2 кредита")


@pytest.mark.parametrize("command", few(["/start", "/history", "/menu", "/help", "/balance", "/paysupport"], 2))
async def test_commands_work_at_any_step_and_lose_nothing(seller, photo, command):
    await seller.sends_photo(photo)
    await seller.says("Кружка\nДержит тепло")
    await seller.says(command)
    await seller.presses("Продолжить заказ")
    await seller.sees("Что сделать из этого фото")


async def test_cancel_drops_the_draft_and_charges_nothing(seller, photo, shop):
    await seller.sends_photo(photo)
    await seller.says("/cancel")
    await seller.sees("Черновик удалён, ничего не списано")
    assert await shop.balance(seller) == 2
    await seller.says("/cancel")
    await seller.sees("Отменять нечего")


@pytest.mark.parametrize("command", ["/terms", "/privacy"])
async def test_terms_privacy_and_payment_help_are_one_command_away(seller, command):
    await seller.says(command)
    screen = await seller.sees("Вопросы об оплате и возврате.*/paysupport")
    assert [target.rpartition("/")[2] for target in buttons(screen).values()][:2] == ["terms.html", "privacy.html"]
