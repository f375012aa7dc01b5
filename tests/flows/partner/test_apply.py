import pytest

from tests.flows.partner.conftest import user_id


@pytest.fixture
async def gleb(staffer):
    return await staffer("Глеб")


async def filled(chat):
    await chat.presses("Подать заявку")
    await chat.says("Кофейня <Зерно>")
    await chat.presses("Кофейня, кафе")
    await chat.says("Казань")
    await chat.presses("5 %")


async def test_a_stranger_consents_first_and_is_asked_for_an_application(newcomer, shop):
    from tests.flows.chat import Chat, buttons

    chat = Chat(shop.http, "partner", (await newcomer(first_name="Глеб")).user)
    await chat.says("/menu")
    await chat.sees("Здравствуйте, Глеб!.*согласие")
    await chat.presses("Принимаю")
    await chat.sees("Подайте заявку")
    await chat.says("Здравствуйте")
    await chat.sees("Вы пока не работаете ни в одном магазине")
    assert "Подать заявку" in buttons(await chat.last())


async def test_an_application_takes_four_answers_and_waits_for_approval(gleb, shop):
    await filled(gleb)
    await gleb.sees("Проверьте заявку.*Кофейня <Зерно>.*Казань.*5 %")
    await gleb.presses("Отправить")
    await gleb.sees("отправлена")
    [row] = await shop.rows("select status, earn_bp, category from partners order by id desc limit 1")
    assert row == {"status": "pending", "earn_bp": 500, "category": "cafe"}
    await gleb.presses("Меню")
    await gleb.sees("Заявка на проверке")


async def test_a_double_press_sends_one_application(gleb, shop):
    await filled(gleb)
    confirm = await gleb.message_with("Отправить")
    await gleb.presses("Отправить")
    await gleb.forges("apply:send")
    rows = await shop.rows(
        "select p.id from partners p join users u on u.id = p.owner_id where u.tg_id = %s", gleb.user["id"]
    )
    assert len(rows) == 1
    assert confirm["message_id"]


async def test_going_back_changes_an_answer(gleb):
    await filled(gleb)
    await gleb.presses("Назад")
    await gleb.sees("4 из 4")
    await gleb.presses("Назад")
    await gleb.sees("3 из 4")
    await gleb.presses("Москва")
    await gleb.sees("Проверьте заявку.*Москва")


async def test_too_short_a_name_and_a_sticker_are_answered(gleb, photo):
    await gleb.presses("Подать заявку")
    await gleb.says("Я")
    await gleb.sees("от 2 до 80 знаков")
    await gleb.sends_photo(photo)
    await gleb.sees("словами или кнопкой.*1 из 4")


async def test_a_refused_application_is_mended_and_sent_again(cafe, shop):
    await cafe.decide("rejected", "Нет адреса")
    await cafe.owner.says("/menu")
    await cafe.owner.sees("не приняли. Причина: Нет адреса")
    await cafe.owner.presses("Правила")
    await cafe.owner.presses("Адрес")
    await cafe.owner.says("Баумана, 5")
    await cafe.owner.presses("Меню")
    await cafe.owner.presses("Исправить заявку")
    question = await cafe.owner.sees("Причина отказа: Нет адреса.*Кофейня «Зерно»")
    await cafe.owner.presses("Назад")
    await cafe.owner.presses("Назад")
    await cafe.owner.says("Зеленодольск")
    await cafe.owner.presses("Отправить")
    await cafe.owner.sees("отправлена")
    query = "select status, city, address from partners where owner_id = %s"
    mended = [{"status": "pending", "city": "Зеленодольск", "address": "Баумана, 5"}]
    assert await shop.rows(query, await user_id(shop, cafe.owner)) == mended
    await cafe.owner.forges(f"apply:mend:{cafe.id}")
    await cafe.owner.presses("Отправить", on=question)
    assert await shop.rows(query, await user_id(shop, cafe.owner)) == mended


async def test_only_the_owner_mends_an_application(cafe, shop):
    await cafe.decide("rejected", "Нет адреса")
    await cafe.cashier.says("Борис")
    await cafe.cashier.sees("Заявку магазина не приняли, поэтому обслуживать клиентов пока нельзя")
    await cafe.cashier.forges(f"apply:mend:{cafe.id}")
    await cafe.cashier.sees("Как называется ваш магазин")


async def test_an_application_goes_on_where_it_stopped(gleb):
    await gleb.presses("Подать заявку")
    await gleb.says("Пекарня")
    await gleb.presses("Меню")
    await gleb.presses("Подать заявку")
    await gleb.sees("Продолжаем.*Пекарня — что это")
