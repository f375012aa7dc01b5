from tests.flows.chat import Chat, buttons, words


async def keys(shop, chat):
    """The labels of the keys below the input field."""
    shown = (await shop.http.get(chat.path)).json()["reply_keyboard"] or {}
    return [key["text"] for row in shown.get("keyboard", []) for key in row]


async def test_a_shops_link_leads_through_consent_and_contact_to_the_card(boris, cafe, shop):
    await boris.says(f"/start p_{cafe.code}")
    consent = await boris.sees("Здесь откроется ваша карта: Кофейня «Зерно».*знакомство — 100 баллов.*согласие")
    await boris.presses("Принимаю")
    await boris.sees("карта готова: Кофейня «Зерно».*знакомство — 100 баллов")
    [kept] = [one for one in await boris.messages() if one["message_id"] == consent["message_id"]]
    assert buttons(kept) == {}, "the consent is given: no button asks for it again"
    assert await keys(shop, boris) == ["📱 Отправить номер", "Не сейчас"]
    await boris.shares_phone()
    await boris.sees(r"Карта готова: .*За знакомство — 100 баллов.*100 баллов = 100 ₽")
    assert await keys(shop, boris) == []
    assert (await cafe.member(boris)).available == 100
    rows = await shop.rows("select * from clients join users u on u.id = user_id where tg_id = %s", boris.user["id"])
    assert [(row["name"], row["city"], row["phone"][:5]) for row in rows] == [("Борис", "Казань", "+7900")]


async def test_who_knows_the_bot_joins_another_shop_by_one_press(comes, cafe, opens):
    boris = await comes(cafe)
    bakery = await opens("Булочная")
    await boris.says(f"/start p_{bakery.code}")
    await boris.sees("Карта готова: Булочная.*Показывайте её")
    await boris.says(f"/start p_{bakery.code}")
    card = await boris.sees("Булочная.*карта")
    assert "Теперь" not in words(card), "an old client just sees the card"


async def test_without_a_link_the_city_is_asked_for_and_a_shop_is_chosen(boris, cafe, shop):
    await boris.says("/start")
    await boris.presses("Принимаю")
    await boris.presses("Получить карту")
    await boris.sees("Отправить номер")
    await boris.shares_phone()
    await boris.sees("В каком вы городе")
    await boris.says("  казань ")
    await boris.sees("вы в клубе")
    await boris.presses("Найти магазин")
    await boris.sees("Магазины.*Кофейня «Зерно»")
    rows = await shop.rows("select city from clients join users u on u.id = user_id where tg_id = %s", boris.user["id"])
    assert rows == [{"city": "Казань"}]


async def test_a_number_that_comes_when_nothing_asks_for_it_any_more_is_taken(boris, shop):
    await boris.says("/start")
    await boris.presses("Принимаю")
    await boris.presses("Получить карту")
    await boris.says("/menu")
    await boris.says("Не сейчас")
    assert "Хорошо, в другой раз." in [words(one) for one in await boris.messages()][-2]
    await boris.sees("Заведите карту")
    await boris.shares_phone()
    await boris.sees("В каком вы городе")
    assert await keys(shop, boris) == []


async def test_only_ones_own_contact_counts(boris, cafe, shop):
    await boris.says(f"/start p_{cafe.code}")
    await boris.presses("Принимаю")
    contact = {"phone_number": "79001112233", "first_name": "Чужой", "user_id": boris.user["id"] + 1}
    await say_raw(shop, boris, contact=contact)
    await boris.sees("чужой номер")
    await say_raw(shop, boris, contact={"phone_number": "79001112233", "first_name": "Без аккаунта"})
    await boris.sees("чужой номер")
    await boris.says("+7 900 111-22-33")
    await boris.sees("Печатать ничего не нужно")
    assert not await shop.rows("select * from clients where phone = '+79001112233'")
    await boris.shares_phone()
    await boris.sees("100 баллов")


async def say_raw(shop, chat, **fields):
    """Send a message as a changed client of Telegram could."""
    person = {"id": chat.user["id"], "is_bot": False, "first_name": chat.user["first_name"]}
    message = {"message_id": 900, "date": 1, "chat": {"id": person["id"], "type": "private"}, "from": person, **fields}
    path = f"{chat.path}/update"
    (await shop.http.post(path, params={"wait": "1"}, json={"message": message}, timeout=60)).raise_for_status()


async def test_not_now_leads_to_the_menu_and_the_offers_can_be_seen_without_a_card(boris, cafe):
    await cafe.announces("Двойные баллы весь ноябрь")
    await boris.says("/start")
    await boris.presses("Принимаю")
    await boris.presses("Получить карту")
    await boris.says("Не сейчас")
    await boris.sees("Сначала заведите карту")
    await boris.presses("Акции")
    await boris.sees("Акции.*Двойные баллы весь ноябрь")
    await boris.says("/menu")
    await boris.sees("Заведите карту")


async def test_a_number_that_another_account_has_is_refused(comes, boris, cafe, shop):
    alice = await comes(cafe, first_name="Алиса")
    [row] = await shop.rows(
        "select phone from clients join users u on u.id = user_id where tg_id = %s", alice.user["id"]
    )
    await boris.says(f"/start p_{cafe.code}")
    await boris.presses("Принимаю")
    await say_raw(
        shop,
        boris,
        contact={"phone_number": row["phone"][1:], "first_name": "Борис", "user_id": boris.user["id"]},
    )
    await boris.sees("привязан к карте другого аккаунта")
    await boris.presses("Меню")
    await boris.sees("Заведите карту")


async def test_a_referral_link_counts_once_and_never_for_oneself(comes, visitor, cafe, shop):
    alice = await comes(cafe, first_name="Алиса")
    card = (await cafe.member(alice)).card_no
    boris = await comes(cafe, link=f"r_{cafe.code}_{card}")
    assert (await cafe.member(boris)).referrer_id == (await cafe.member(alice)).id
    await alice.says(f"/start r_{cafe.code}_{(await cafe.member(boris)).card_no}")
    await alice.sees("карта")
    assert (await cafe.member(alice)).referrer_id is None
    await alice.says(f"/start r_{cafe.code}_{card}")
    assert (await cafe.member(alice)).referrer_id is None


async def test_links_that_lead_nowhere_say_so(comes, cafe, opens):
    boris = await comes(cafe)
    for payload in ("p_nosuchcode1", "r_zzzzzzzz_1", "p_", "r__", "p_" + "a" * 62):
        await boris.says(f"/start {payload}")
        await boris.sees("ссылка не открывается|Такого магазина здесь нет")
    waiting = await opens("Закрытая")
    await waiting.conn.execute("update partners set status = 'pending' where id = %s", (waiting.id,))
    await boris.says(f"/start p_{waiting.code}")
    screen = await boris.sees("ещё не открылся")
    assert "Найти магазин" in buttons(screen)


async def test_a_name_with_markup_is_shown_as_it_is(comes, cafe):
    eve = await comes(cafe, first_name="<b>Ева</b> & Ко")
    await eve.says("/menu")
    await eve.presses("Настройки")
    await eve.sees("<b>Ева</b> & Ко")


async def test_an_english_client_joins_in_english(visitor, cafe):
    john = await visitor(first_name="John", language_code="en")
    await john.says(f"/start p_{cafe.code}")
    await john.presses("I agree")
    await john.shares_phone()
    await john.sees("A welcome gift of 100 points is yours")


async def test_who_deletes_everything_and_comes_back_has_had_the_gift(comes, cafe):
    boris = await comes(cafe)
    await boris.says("/delete")
    await boris.presses("Удалить")
    await boris.sees("удалены|удалили|Удалено")
    await boris.says(f"/start p_{cafe.code}")
    await boris.presses("Принимаю")
    await boris.shares_phone()
    await boris.sees("Подарок за знакомство бывает один раз")
    assert (await cafe.member(boris)).available == 0


async def test_the_club_introduces_itself_to_who_comes_by_a_shops_link(shop, seller, cafe):
    club = Chat(shop.http, "client", seller.user)
    await club.says(f"/start p_{cafe.code}")
    await club.sees("^Это Лоток · Клуб.*Ещё один шаг.*Зерно")
    await club.says(f"/start p_{cafe.code}")
    await club.sees("^Ещё один шаг")
