"""A shop's broadcast from the first word to the report, as its owner, its clients and an administrator see it."""

import pytest

from lib.reach import broadcasts, choices
from tests.flows.chat import buttons, words
from tests.flows.partner.conftest import user_id


async def agreed(cafe, name):
    member = await cafe.client(name)
    yes = {"wants": True, "said_in": "test"}
    await cafe.run(lambda conn: choices.choose(conn, member.user_id, cafe.id, "news", **yes))
    return member


async def trusted(cafe):
    """Let three of the café's broadcasts have gone out long ago."""
    owner = await user_id(cafe.shop, cafe.owner)
    await cafe.shop.rows(
        "insert into broadcasts (partner_id, created_by, state, finished_at, words)"
        " select %s, %s, 'done', now(), 'Раньше ' || n from generate_series(1, 3) n returning id",
        cafe.id,
        owner,
    )


async def it_is_day(cafe):
    """Let a broadcast that waits for the morning go, at whatever hour the test runs."""
    query = "update jobs set run_at = now() where task in ('audience', 'part_client') and state = 'queued' returning id"

    async def over():
        await cafe.shop.rows(query)
        [row] = await cafe.shop.rows(
            "select state from broadcasts where partner_id = %s order by id desc limit 1", cafe.id
        )
        return row["state"]

    await cafe.shop.ticks_until(over, lambda state: state == "done", 60)


async def test_an_owner_writes_to_their_clients_and_sees_who_got_it(cafe):
    anna, boris = await agreed(cafe, "Анна"), await cafe.client("Борис")
    client = await cafe.client_chat(anna)
    await trusted(cafe)
    await cafe.owner.presses("Рассылки")
    await cafe.owner.presses("Новая рассылка")
    await cafe.owner.says("Сегодня <пироги> & кофе")
    shown = words(await cafe.owner.sees("Получат сообщение: 1"))
    assert "Сегодня <пироги> & кофе" in shown
    assert "Не согласились: 1" in shown
    await cafe.owner.presses("Как увидит клиент")
    await cafe.owner.sees("^Кофейня «Зерно»\n\nСегодня")
    promo = "update broadcasts set buttons = %s where partner_id = %s and state = 'draft' returning id"
    await cafe.shop.rows(promo, '[{"label": "Акция", "promotion": 5}]', cafe.id)
    assert "Отправить…" in buttons(await cafe.owner.last()), "the screen follows what it showed"
    await cafe.owner.presses("Отправить…")
    await cafe.owner.presses("Отправить: 1")
    await it_is_day(cafe)
    got = await client.sees("Сегодня <пироги> & кофе")
    await cafe.owner.presses("Обновить")
    await cafe.owner.sees("закончена.*доставлено: 1")
    await client.presses("Больше не присылать", on=got)
    assert "Больше не пришлём" in client.toast["text"]
    rows = await cafe.shop.rows("select wants from news_choices where user_id = %s", anna.user_id)
    assert [row["wants"] for row in rows] == [False]
    left = await client.again(got)
    assert list(buttons(left)) == ["Акция", "🔔 Присылать снова"]
    await client.presses("Присылать снова", on=left, old=True)
    assert list(buttons(await client.sees("Будем присылать"))) == ["🔕 Больше не присылать"]
    assert buttons(await client.again(got)) == buttons(left), "nobody knows what stands below it"
    assert boris


async def test_a_picture_that_came_as_a_file_is_shown_as_a_photo(cafe, product):
    await cafe.owner.presses("Рассылки")
    await cafe.owner.presses("Новая рассылка")
    await cafe.owner.says("Новая кружка")
    await cafe.owner.presses("Фото или видео")
    await cafe.owner.sends_file(product("PNG"), "mug.png", "image/png")
    await cafe.owner.presses("Как увидит клиент")
    shown = await cafe.owner.sees("^Кофейня «Зерно»\n\nНовая кружка")
    assert shown["photo"]


async def test_a_button_that_confirms_another_version_sends_nothing(cafe):
    await agreed(cafe, "Анна")
    await cafe.owner.presses("Рассылки")
    await cafe.owner.presses("Новая рассылка")
    await cafe.owner.says("Сегодня пироги")
    await cafe.owner.presses("Отправить…")
    confirm = await cafe.owner.message_with("Отправить: 1")
    data = buttons(confirm)["Отправить: 1"]
    await cafe.owner.presses("Назад")
    await cafe.owner.says("Сегодня торты")
    await cafe.owner.forges(data)
    await cafe.owner.sees("Рассылка изменилась")
    [row] = await cafe.shop.rows("select state, words from broadcasts where partner_id = %s", cafe.id)
    assert (row["state"], row["words"]) == ("draft", "Сегодня торты")


async def test_whom_it_goes_to_is_counted_before_it_goes(cafe):
    anna = await agreed(cafe, "Анна")
    await agreed(cafe, "Вера")
    await cafe.shop.rows(
        "update members set last_visit_at = now() - interval '70 days' where user_id = %s returning id", anna.user_id
    )
    await cafe.shop.rows(
        "update members set last_visit_at = now() where partner_id = %s and user_id <> %s returning id",
        cafe.id,
        anna.user_id,
    )
    await cafe.owner.presses("Рассылки")
    await cafe.owner.presses("Новая рассылка")
    await cafe.owner.says("Возвращайтесь")
    await cafe.owner.presses("Кому")
    rows = (await cafe.owner.last())["reply_markup"]["inline_keyboard"]
    assert len(rows) <= 10, "a phone shows the count above the buttons, too"
    await cafe.owner.presses("Давно не были")
    await cafe.owner.presses("кто не был 60 дн.")
    await cafe.owner.sees("Получат сообщение: 1\\.")
    await cafe.owner.presses("✅ Давно не были")
    await cafe.owner.presses("✅ кто не был 60 дн.")
    await cafe.owner.sees("всем клиентам.*Получат сообщение: 2\\.")


async def test_a_report_opens_a_broadcast_to_those_who_have_not_been_here(cafe):
    anna = await agreed(cafe, "Анна")
    await agreed(cafe, "Вера")
    seen = "update members set last_visit_at = now() - make_interval(days => %s) where user_id = %s returning id"
    await cafe.shop.rows(seen, 50, anna.user_id)
    await cafe.owner.forges(f"cast:away:{cafe.id}:45")
    shown = words(await cafe.owner.sees("Получат сообщение: 1\n"))
    assert "Давно вас не видели! Заходите" in shown
    assert "Кому: кто не был 45 дн." in shown
    await cafe.owner.presses("Кому")
    await cafe.owner.presses("✅ Давно не были")
    await cafe.owner.presses("✅ кто не был 45 дн.")
    await cafe.owner.sees("всем клиентам.*Получат сообщение: 2\\.")


@pytest.mark.parametrize("data", ["cast:away:{id}:0", "cast:away:{id}:1000", "cast:away:{id}", "cast:away:{other}:60"])
async def test_a_report_of_another_shop_or_age_opens_the_list(cafe, data):
    await cafe.owner.forges(data.format(id=cafe.id, other=cafe.id + 5000))
    await cafe.owner.sees("Кофейня.*· рассылки")
    assert await cafe.shop.rows("select id from broadcasts where partner_id = %s", cafe.id) == []


async def test_a_first_broadcast_waits_for_an_administrator(cafe):
    await agreed(cafe, "Анна")
    owner = await user_id(cafe.shop, cafe.owner)
    await cafe.owner.presses("Рассылки")
    await cafe.owner.presses("Новая рассылка")
    await cafe.owner.says("Первая рассылка")
    await cafe.owner.presses("Отправить…")
    await cafe.owner.presses("Отправить: 1")
    await cafe.owner.sees("Отправили администратору.*на проверке")
    [found] = await cafe.shop.rows("select id from broadcasts where partner_id = %s", cafe.id)

    async def refuse(conn):
        one = await broadcasts.get(conn, cafe.id, found["id"])
        await broadcasts.decide(conn, one, one.version, one.created_at, approves=False, reason="Уточните цену")

    await cafe.run(refuse)
    await cafe.owner.presses("Обновить")
    await cafe.owner.sees("вернул рассылку: Уточните цену")
    assert owner


@pytest.mark.parametrize(
    ("typed", "answer"),
    [
        ("Меню без ссылки", "Не вижу ссылки"),
        ("Меню https://example.com/menu", "Кнопка «Меню»: https://example.com/menu"),
        ("Наше меню\n«Https://example.com/menu».", "Кнопка «Наше меню»: https://example.com/menu"),
        ("Меню\u00a0\u202ahttps://example.com/menu\u202c", "Кнопка «Меню»: https://example.com/menu"),
    ],
)
async def test_a_button_has_a_link_that_is_shown_whole(cafe, typed, answer):
    await cafe.owner.presses("Рассылки")
    await cafe.owner.presses("Новая рассылка")
    await cafe.owner.says("Пироги")
    await cafe.owner.presses("Кнопка")
    await cafe.owner.says(typed)
    await cafe.owner.sees(answer)


async def test_a_time_that_was_mistyped_is_asked_for_again_and_the_text_stays(cafe):
    await cafe.owner.forges("cast:new")
    await cafe.owner.says("Пироги")
    await cafe.owner.presses("Когда")
    await cafe.owner.says("вчера")
    await cafe.owner.sees("Не понял время.*Когда отправить")
    await cafe.owner.says("завтра 18:00")
    await cafe.owner.sees("Пироги.*Когда: .*18:00")


async def test_the_clients_clock_is_chosen_beside_the_time_and_the_text_stays(cafe):
    await cafe.owner.presses("Рассылки")
    await cafe.owner.presses("Новая рассылка")
    await cafe.owner.says("Пироги")
    await cafe.owner.presses("Когда")
    await cafe.owner.presses("По часам клиента: нет")
    await cafe.owner.sees("Когда отправить")
    assert "По часам клиента: да" in buttons(await cafe.owner.last())
    await cafe.owner.says("завтра 12:30")
    shown = words(await cafe.owner.sees(r"Рассылка № \d"))
    assert "Пироги" in shown
    assert "по часам клиента" in shown


async def test_the_last_screen_says_once_more_when_it_goes_and_by_whose_clock(cafe):
    await agreed(cafe, "Анна")
    await cafe.owner.presses("Рассылки")
    await cafe.owner.presses("Новая рассылка")
    await cafe.owner.says("Пироги")
    await cafe.owner.presses("Когда")
    await cafe.owner.says("завтра 12:30")
    await cafe.owner.presses("Отправить…")
    await cafe.owner.sees("Отправить рассылку?.*Когда: .*12:30, по времени магазина")


async def test_a_day_that_has_its_broadcast_is_named_before_the_last_screen(cafe):
    await agreed(cafe, "Анна")
    await cafe.shop.rows(
        "insert into broadcasts (partner_id, created_by, state, started_at, finished_at, words)"
        " values (%s, %s, 'done', now(), now(), 'Раньше') returning id",
        cafe.id,
        await user_id(cafe.shop, cafe.owner),
    )
    await cafe.owner.presses("Рассылки")
    await cafe.owner.presses("Новая рассылка")
    await cafe.owner.says("Пироги")
    await cafe.owner.presses("Отправить…")
    await cafe.owner.sees("Сегодня рассылка уже была.*Рассылка № ")


async def test_a_marking_can_be_taken_away(cafe):
    await cafe.owner.presses("Рассылки")
    await cafe.owner.presses("Новая рассылка")
    await cafe.owner.says("Пироги")
    await cafe.owner.presses("Маркировка")
    assert "Убрать маркировку" not in buttons(await cafe.owner.last())
    await cafe.owner.says("ООО «Мука»\nerid: 2VtzqxABC")
    await cafe.owner.sees("Реклама: ООО «Мука» 2VtzqxABC")
    await cafe.owner.presses("Маркировка")
    await cafe.owner.presses("Убрать маркировку")
    assert "Реклама" not in words(await cafe.owner.sees(r"Рассылка № \d"))


async def test_a_shop_says_what_it_sends_by_itself_and_how(cafe):
    await cafe.owner.presses("Рассылки")
    await cafe.owner.presses("Автоматические сообщения")
    for kind, said in (
        ("Баллы скоро сгорят", "успейте потратить 120 баллов"),
        ("Подарок на день рождения", "Вам дарят 120 баллов: Кофейня «Зерно»"),
        ("Незаконченный заказ", "в корзине 2 "),
        ("Оценка после визита", "порекомендуете нас друзьям"),
    ):
        await cafe.owner.presses(kind)
        await cafe.owner.sees(f"Клиент прочтёт:.*{said}")
        await cafe.owner.presses("Назад")
    await cafe.owner.presses("Подарок на день рождения")
    await cafe.owner.sees("Пока не отправляется: по правилам магазина подарка нет")
    await cafe.shop.rows("update partners set birthday_points = 300 where id = %s returning id", cafe.id)
    await cafe.owner.forges("auto:one:birthday")
    assert "Пока не отправляется" not in words(await cafe.owner.sees("Вам дарят 300 баллов"))
    await cafe.owner.presses("Назад")
    await cafe.owner.presses("Не были 60 дней")
    await cafe.owner.presses("Включить")
    await cafe.owner.presses("Свой текст")
    await cafe.owner.says("Скидки: https://example.com")
    await cafe.owner.sees("Ссылок и @имён здесь быть не может.*Напишите свой текст")
    await cafe.owner.says("Соскучились по вам")
    await cafe.owner.sees("Не были 60 дней: включено.*Соскучились по вам")
    rows = await cafe.shop.rows("select kind, is_on, words from reminders where partner_id = %s", cafe.id)
    assert [tuple(row.values()) for row in rows] == [("away", True, "Соскучились по вам")]


async def test_a_cashier_sends_nothing(cafe):
    await cafe.cashier.forges("cast:new")
    await cafe.cashier.sees("только управляющий или владелец")


async def test_a_client_is_tagged_on_their_card_and_written_to_by_the_tag(cafe):
    anna = await agreed(cafe, "Анна")
    await agreed(cafe, "Вера")
    await cafe.owner.forges(f"clients:one:{anna.id}")
    await cafe.owner.presses("Метки")
    await cafe.owner.says("Любит латте")
    await cafe.owner.presses("Назад")
    await cafe.owner.sees("Анна.*🏷 Любит латте")
    await cafe.owner.forges("cast:new")
    await cafe.owner.says("Латте за полцены")
    await cafe.owner.presses("Кому")
    await cafe.owner.presses("Метка")
    await cafe.owner.presses("Любит латте")
    await cafe.owner.sees("метка «Любит латте».*Получат сообщение: 1\\.")


async def test_drafts_lie_apart_and_are_deleted_after_a_question(cafe):
    await cafe.owner.forges("cast:new")
    await cafe.owner.says("Не пригодилось")
    await cafe.owner.presses("Назад")
    await cafe.owner.presses("Черновики: 1")
    await cafe.owner.presses("Удалить")
    await cafe.owner.sees("Удалить этот черновик\\?.*Не пригодилось")
    await cafe.owner.presses("Да, удалить")
    await cafe.owner.sees("Черновик удалён.*Черновиков нет")
    assert await cafe.shop.rows("select id from broadcasts where partner_id = %s", cafe.id) == []


async def test_a_broadcast_is_cancelled_after_a_question(cafe):
    await agreed(cafe, "Анна")
    await trusted(cafe)
    await cafe.owner.presses("Рассылки")
    await cafe.owner.presses("Новая рассылка")
    await cafe.owner.says("Сегодня пироги")
    await cafe.owner.presses("Когда")
    await cafe.owner.presses("Завтра в 12:00")
    await cafe.owner.presses("Отправить…")
    await cafe.owner.presses("Отправить: 1")
    await cafe.owner.presses("Отменить")
    await cafe.owner.sees("Отменить рассылку № .*вернуть её нельзя.*Сегодня пироги")
    await cafe.owner.presses("Назад")
    await cafe.owner.sees("Сегодня пироги")
    query = "select state from broadcasts where partner_id = %s order by id desc limit 1"
    assert await cafe.shop.rows(query, cafe.id) == [{"state": "scheduled"}]
    await cafe.owner.presses("Отменить")
    await cafe.owner.presses("Да, отменить")
    await cafe.owner.sees("отменена")
    assert await cafe.shop.rows(query, cafe.id) == [{"state": "cancelled"}]
