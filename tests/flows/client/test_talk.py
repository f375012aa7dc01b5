from urllib.parse import parse_qs, urlsplit

import pytest

from lib.loyalty import counter, night, staff
from lib.people import users
from tests.flows.chat import buttons, words


async def test_the_question_after_a_visit_is_answered_by_a_number_and_words(comes, cafe, shop):
    boris = await comes(cafe)
    receipt = await cafe.sells(boris, 700)
    await boris.forges(f"nps:{cafe.id}:{receipt.txn_id}:9")
    await boris.sees("Кофейня «Зерно», ваша оценка: 9.*Что понравилось")
    await boris.says("Быстро и <b>вкусно</b>")
    await boris.sees("Спасибо, передал магазину")
    rows = await shop.rows("select score, words from ratings where partner_id = %s", cafe.id)
    assert rows == [{"score": 9, "words": "Быстро и <b>вкусно</b>"}]
    told = "select 1 as x from every_job where args ->> 'key' = 'partner.push.mark' and user_id = %s"
    assert len(await shop.rows(told, cafe.owner_id)) == 1


async def test_a_comment_that_is_too_long_is_named_so_before_anything_is_said_to_be_passed_on(comes, cafe, shop):
    boris = await comes(cafe)
    receipt = await cafe.sells(boris, 700)
    await boris.forges(f"nps:{cafe.id}:{receipt.txn_id}:3")
    await boris.says("долго " * 300)
    screen = await boris.sees("Слишком длинно: помещается 1\u00a0000 знаков")
    assert "передал" not in words(screen)
    await boris.says("Долго")
    await boris.sees("Спасибо, передал магазину")
    assert await shop.rows("select words from ratings where partner_id = %s", cafe.id) == [{"words": "Долго"}]


@pytest.mark.long
async def test_the_till_asks_with_eleven_buttons_that_work(comes, cafe, shop, monkeypatch):
    monkeypatch.setattr(counter, "RATE_AFTER", counter.RATE_AFTER * 0)
    monkeypatch.setattr(night, "by_day", lambda zone, at: at)
    boris = await comes(cafe)
    place = await staff.get(cafe.conn, cafe.id, cafe.cashier_id)
    who = (await cafe.member(boris)).id
    await counter.accrue(cafe.conn, place, who, bill_minor=70000, nonce="", key=f"talk:{who}")
    await shop.drain_again()

    async def asked():
        return [one for one in await boris.messages() if "10" in buttons(one)]

    await shop.ticks_until(asked)
    question = await boris.message_with("10")
    assert list(buttons(question)) == [*(str(mark) for mark in range(11)), "🔕 Больше не присылать"]
    await boris.presses("0", on=question)
    await boris.sees("ваша оценка: 0. Жаль")
    await boris.presses("Без комментария")
    await boris.sees("Лоток · Клуб")


async def test_a_rating_of_somebody_elses_visit_is_refused(comes, cafe, shop):
    alice, boris = await comes(cafe, first_name="Алиса"), await comes(cafe)
    receipt = await cafe.sells(alice, 700)
    for data in (
        f"nps:{cafe.id}:{receipt.txn_id}:3",
        f"nps:{cafe.id}:{receipt.txn_id}:99",
        f"nps:{cafe.id}:0:5",
        "nps:::",
    ):
        await boris.forges(data)
        assert boris.toast["show_alert"], data
    assert not await shop.rows("select * from ratings where partner_id = %s", cafe.id)


async def test_a_message_reaches_the_shop_and_is_kept(comes, cafe, shop):
    boris = await comes(cafe)
    await boris.presses("О магазине")
    await boris.presses("Написать")
    await boris.sees("Кофейня «Зерно»: напишите сообщение, до 1\u00a0000 знаков")
    await boris.says("Забыл у вас зонт & перчатки")
    await boris.sees("Сообщение ушло: Кофейня «Зерно»")
    [row] = await shop.rows("select words, staff_id from messages where partner_id = %s", cafe.id)
    assert row == {"words": "Забыл у вас зонт & перчатки", "staff_id": None}
    told = "select 1 as x from every_job where args ->> 'key' = 'client.letter.told' and user_id = %s"
    assert len(await shop.rows(told, cafe.owner_id)) == 1
    assert not await shop.rows("select 1 as x from every_job where task = 'tell' and user_id = %s", cafe.cashier_id)
    await boris.presses("Написать ещё")
    await boris.sees("Вы · .*Забыл у вас зонт & перчатки")


async def test_nobody_is_written_to_who_has_gone_with_the_shop(comes, cafe, shop):
    boris = await comes(cafe)
    await boris.forges(f"letter:{cafe.id}")
    [owner] = await shop.rows("select tg_id from users where id = %s", cafe.owner_id)
    await users.erase(cafe.conn, cafe.owner_id, owner["tg_id"])
    await boris.says("Где мои баллы?")
    await boris.sees("возможно, он закрыл программу")
    await boris.forges(f"letter:{cafe.id}")
    await boris.sees("возможно, он закрыл программу")
    assert not await shop.rows("select 1 as x from messages where partner_id = %s", cafe.id)


async def test_a_manager_who_stayed_reads_no_letters_to_a_shop_that_is_gone(comes, cafe, newcomer, shop):
    boris, manager = await comes(cafe), await newcomer(consent=True)
    await shop.rows(
        "insert into staff (partner_id, user_id, role) select %s, id, 'manager' from users where tg_id = %s"
        " returning user_id",
        cafe.id,
        manager.user["id"],
    )
    [owner] = await shop.rows("select tg_id from users where id = %s", cafe.owner_id)
    await users.erase(cafe.conn, cafe.owner_id, owner["tg_id"])
    await boris.forges(f"letter:{cafe.id}")
    await boris.sees("возможно, он закрыл программу")


async def test_a_message_too_long_or_without_words_is_not_sent(comes, cafe, shop, photo):
    boris = await comes(cafe)
    await boris.presses("О магазине")
    await boris.presses("Написать")
    await boris.says("а" * 1001)
    await boris.sees("Слишком длинно: помещается 1\u00a0000 знаков")
    await boris.sends_photo(photo)
    await boris.sees("Здесь нужен текст")
    await boris.says("/cancel")
    await boris.sees("Отменил")
    await boris.says("Привет")
    await boris.sees("не понимаю")
    assert not await shop.rows("select 1 as x from messages where partner_id = %s", cafe.id)


async def test_too_many_messages_in_a_row_are_stopped(comes, cafe):
    boris = await comes(cafe)
    for number in range(10):
        await boris.forges(f"letter:{cafe.id}")
        await boris.says(f"Сообщение {number}")
    await boris.forges(f"letter:{cafe.id}")
    await boris.says("Ещё одно")
    await boris.sees("много сообщений подряд")


async def test_the_invitation_names_its_rule_and_its_results(comes, cafe, shop):
    alice = await comes(cafe, first_name="Алиса")
    await alice.presses("Баллы и сроки")
    await alice.presses("Пригласить друга")
    card = (await cafe.member(alice)).card_no
    screen = await alice.sees(
        rf"с его покупок вам будет приходить 1 %.*через 14 дней.*start=r_{cafe.code}_{card}.*пока никто не пришёл"
    )
    assert buttons(screen)["Отправить другу"].startswith("https://t.me/share/url?url=https%3A%2F%2Ft.me%2F")
    boris = await comes(cafe, link=f"r_{cafe.code}_{card}")
    await cafe.sells(boris, 5000)
    await shop.drain_again()

    async def rewards():
        return await shop.rows("select 1 as x from referral_rewards where partner_id = %s", cafe.id)

    await shop.ticks_until(rewards)
    await alice.says("/menu")
    await alice.presses("Показать QR-код")
    await alice.presses("О магазине")
    await alice.presses("Пригласить друга")
    await alice.sees(
        "Уровень 1: приглашённых — 1, с покупками — 1, вам — 50 баллов|Уровень 1: приглашённых — 1.*На проверке"
    )


@pytest.mark.long
async def test_the_settings_change_city_news_and_birthday(comes, cafe, shop):
    boris = await comes(cafe)
    await boris.says("/menu")
    await boris.presses("Настройки")
    screen = await boris.sees("Борис.*Город: Казань.*День рождения: —.*Часовой пояс: Москва")
    assert "+7900 •••" in words(screen)
    await boris.presses("Сменить город")
    await boris.says("нижний Новгород")
    await boris.sees("Сохранил.*Город: Нижний Новгород")
    await boris.presses("День рождения")
    await boris.says("31.02")
    await boris.sees("Не понял дату")
    await boris.says("7.03")
    await boris.sees("День рождения: 7 марта")
    await boris.presses("✅ Новости магазинов")
    await boris.presses("⬜ Новости магазинов")
    await boris.message_with("✅ Новости магазинов")
    [row] = await shop.rows(
        "select city, birthday, wants_news from clients join users u on u.id = user_id where tg_id = %s",
        boris.user["id"],
    )
    assert row == {"city": "Нижний Новгород", "birthday": "03-07", "wants_news": True}
    await boris.presses("Кто и о чём пишет")
    await boris.presses(cafe.title)
    await boris.presses("🔕 акции и новости")
    await boris.presses("🔔 сгорающие баллы")
    assert {"🔔 акции и новости", "🔕 сгорающие баллы"} <= {*buttons(await boris.last())}
    await boris.says("/menu")
    await boris.presses("Настройки")
    await boris.presses("English")
    await boris.says("/menu")
    await boris.sees("Lotok · Club.*100 points")


async def test_every_screen_has_a_way_out_and_short_labels(comes, cafe):
    await cafe.offers("Капучино", 50)
    await cafe.announces("Двойные баллы")
    boris = await comes(cafe)
    for data in (
        *(
            "menu:home",
            "menu:help",
            "find:shops",
            "find:promos",
            "find:services",
            "find:city:shops",
            "find:what:promos",
        ),
        *("settings:home", "settings:city", "settings:birthday", "card:list:0", f"card:{cafe.id}", f"points:{cafe.id}"),
        *(f"history:{cafe.id}", f"shop:{cafe.id}", f"invite:{cafe.id}", f"letter:{cafe.id}", f"gift:mine:{cafe.id}"),
    ):
        await boris.says("/menu")
        await boris.forges(data)
        screen = await boris.last()
        labels = buttons(screen)
        assert data == "menu:home" or "Меню" in labels or "menu:home" in labels.values(), data
        assert all(len(label) <= 20 for label in labels), (data, list(labels))


async def test_a_friend_reads_the_shops_name_as_it_is(comes, opens):
    boris = await comes(await opens("Пироги & <Ко>"))
    await boris.presses("О магазине")
    await boris.presses("Пригласить друга")
    link = buttons(await boris.sees("Ваша ссылка"))["Отправить другу"]
    assert "Держи карту: Пироги & <Ко>." in parse_qs(urlsplit(link).query)["text"][0]
