"""A person's orders: pages, one order with its buttons, its files once more, and all that can be made of it."""

import uuid

import pytest

from lib.flows.studio import history
from lib.telegram import conversation
from lib.telegram.dispatch import Turn
from lib.telegram.update import Incoming, Sender
from tests import factories
from tests.flows.chat import buttons, words
from tests.flows.studio.test_order import to_confirm
from tests.flows.studio.test_proposal import Paper
from tests.sizes import few


@pytest.fixture
async def done(seller, photo, shop):
    """A seller with one finished card."""
    await to_confirm(seller, photo)
    await seller.presses("Сделать")
    await shop.settle(seller)
    await seller.sees("Файл в полном качестве")
    return seller


async def many(shop, seller, number):
    """Put finished orders into the history, as if they had been made."""
    args = '{"chat_id": 1, "product": "card", "preset": "wb", "title": "Кружка"}'
    await shop.rows(
        "with made as (insert into jobs (user_id, task, key, args, run_at)"
        " select u.id, 'card', %s || n, %s::jsonb, now() + interval '1 day'"
        " from users u, generate_series(1, %s) n where u.tg_id = %s returning id)"
        " select id from made",
        *(f"{uuid.uuid4()}:", args, number, seller.user["id"]),
    )
    await shop.rows(
        "update jobs set state = 'cancelled', finished_at = now() from users u"
        " where u.id = jobs.user_id and u.tg_id = %s and jobs.state = 'queued' returning jobs.id",
        seller.user["id"],
    )


async def test_an_empty_history_offers_the_first_order(seller):
    await seller.says("/history")
    screen = await seller.sees("Заказов пока нет")
    assert list(buttons(screen)) == ["Новый заказ", "Меню"]


async def test_an_order_is_opened_from_the_history_with_all_its_ways_on(done, shop):
    [job] = await shop.jobs(done)
    await done.presses("В историю")
    await done.sees(rf"✅ №{job['id']} · \d\d\.\d\d, \d\d:\d\d · Карточка товара · Кружка керамическая")
    await done.presses(f"№{job['id']}")
    screen = await done.sees(
        f"Заказ №{job['id']} · Карточка товара · Wildberries 3:4.*1 кредит.*Кружка керамическая.*Держит тепло.*Готов"
    )
    assert list(buttons(screen)) == [
        *(
            "Прислать ещё раз",
            "Изменить слова",
            "Другая обложка",
            "Повторить",
            "Ещё вариант",
            "Другой формат",
            "Сделать видео",
            "Вырезать иначе",
            "Текст для карточки",
            "Плохой результат",
            "Мои заказы",
            "Меню",
        )
    ]


async def test_a_result_is_sent_again_at_once_by_its_file_ids(done, shop):
    before = await done.messages()
    await done.presses("В историю")
    await done.presses("№")
    await done.presses("Прислать ещё раз")
    assert done.toast["text"] == "Отправляю…"
    await done.sees(r"Заказ №\d+ ещё раз")
    shown, file = (await done.messages())[-2:]
    first = next(one for one in before if "document" in one)
    assert shown["photo"]
    assert file["document"]["file_unique_id"] == first["document"]["file_unique_id"]
    assert await shop.balance(done) == 1, "sending again costs nothing"


@pytest.mark.long
async def test_a_result_that_telegram_forgot_comes_from_storage(done, shop):
    await shop.rows("delete from file_telegram_ids returning file_id")
    await done.presses("В историю")
    await done.presses("№")
    await done.presses("Прислать ещё раз")
    await done.sees(r"Заказ №\d+ ещё раз")
    [user] = await shop.rows("select id from users where tg_id = %s", done.user["id"])
    await shop.finish("resend", user["id"])
    assert "document" in await done.last()


async def test_an_order_is_repeated_from_the_kept_picture(done, shop):
    """A broken repeat button was a fault of the predecessors: the new order needs no file id of a bot."""
    [first] = await shop.jobs(done)
    await done.presses("В историю")
    await done.presses("№")
    await done.presses("Повторить")
    await done.sees("Проверьте заказ: Карточка товара · Wildberries.*Кружка керамическая.*Цена: 1 кредит")
    await done.presses("Сделать: 1 кредит")
    await shop.settle(done)
    _, second = await shop.jobs(done)
    assert second["state"] == "done"
    assert second["args"]["source"] == first["checkpoint"]["source"]
    assert (second["args"]["title"], second["args"]["variant"]) == (first["args"]["title"], 0)


@pytest.mark.parametrize("way", few(["Повторить", "Ещё вариант", "Другой формат", "Сделать видео"], 1))
async def test_a_picture_that_was_removed_after_30_days_is_asked_for_again(done, photo, shop, way):
    [job] = await shop.jobs(done)
    old = "update files set created_at = now() - interval '31 days' where job_id = %s returning kind, pathname"
    paths = {row["kind"]: row["pathname"] for row in await shop.rows(old, job["id"])}
    stored = [shop.stored(paths[kind]) for kind in ("source", "card")]
    assert all(path.exists() for path in stored)
    await shop.do_now("tidy")
    assert [path.exists() for path in stored] == [False, True], "the result stays"
    await done.presses("В историю")
    await done.presses("№")
    await done.presses(way)
    await done.sees("Исходного фото этого заказа уже нет: мы храним его 30 дней")
    if way == "Другой формат":
        await done.presses("Ozon")
    await done.sees("Название «Кружка керамическая» запомнил.*пришлите фото")
    await done.sends_photo(photo)
    await done.sees("Каким будет видео" if way == "Сделать видео" else "Проверьте заказ.*Кружка.*Цена: 1 кредит")
    assert await shop.balance(done) == 1


@pytest.mark.long
async def test_a_picture_that_is_removed_before_the_worker_comes_costs_nothing(done, shop):
    await done.presses("В историю")
    await done.presses("№")
    await done.presses("Повторить")
    await shop.rows("update files set created_at = now() - interval '31 days' where kind = 'source' returning id")
    await shop.do_now("tidy")
    await done.presses("Сделать: 1 кредит")
    await shop.settle(done)
    await done.sees(
        "Исходное фото этого заказа уже удалено: мы храним его 30 дней.*Вернули 1 кредит. На балансе: 1 кредит"
    )


@pytest.mark.long
async def test_a_video_is_made_of_a_card(done):
    await done.presses("В историю")
    await done.presses("№")
    await done.presses("Сделать видео")
    await done.sees("Каким будет видео")
    await done.presses("Товар крупно")
    await done.sees("Проверьте заказ: Видео 5 секунд · Товар крупно.*Кружка керамическая.*заказ стоит 4 кредита")


async def test_the_history_comes_in_pages_of_ten(seller, shop):
    await many(shop, seller, 23)
    await seller.says("/history")
    first = await seller.last()
    assert words(first).count("✖️ №") == 10
    assert "К новым" not in str(buttons(first))
    seen = set(buttons(first))
    for number in (10, 3):
        await seller.presses("Раньше")
        page = await seller.last()
        assert page["message_id"] == first["message_id"], "one living message"
        assert words(page).count("✖️ №") == number
        new = {label for label in buttons(page) if label.startswith("№")}
        assert not new & seen
        seen |= new
    assert "Раньше" not in str(buttons(page))
    await seller.presses("К новым")
    assert buttons(await seller.last()) == buttons(first)


async def test_a_failed_order_can_be_repeated_from_the_history(seller, photo, shop):
    await many(shop, seller, 1)
    await seller.says("/history")
    await seller.presses("№")
    screen = await seller.sees("Отменён, кредиты вернулись")
    assert list(buttons(screen)) == ["Повторить", "Мои заказы", "Меню"]
    await seller.presses("Повторить")
    await seller.sees("пришлите фото товара")
    await seller.sends_photo(photo)
    await seller.sees("Кружка.*Цена: 1 кредит")


@pytest.mark.long
async def test_an_order_under_way_can_be_cancelled_from_the_history(seller, photo, shop):
    async with shop.without_worker():
        await to_confirm(seller, photo)
        await seller.presses("Сделать")
        await seller.says("/history")
        await seller.presses("№")
        await seller.sees("Ждёт своей очереди")
        await seller.presses("Отменить заказ", on=await seller.last())
        await seller.sees("Заказ отменён, кредиты вернулись. На балансе 2 кредита")
    assert await shop.balance(seller) == 2


@pytest.mark.long
async def test_the_time_of_an_order_is_in_the_persons_zone(done, shop):
    await done.presses("В историю")
    moscow = words(await done.last())
    await done.says("/profile")
    await done.presses("Часовой пояс")
    await done.presses("Камчатка")
    await done.says("/history")
    assert words(await done.last()) != moscow


@pytest.mark.parametrize(
    ("language", "line", "head"),
    [
        ("ru", "правка №{mend} к №{order} · ", "<b>Правка №{mend}</b> к заказу №{order}"),
        ("en", "change No. {mend} of No. {order} · ", "<b>Change No. {mend}</b> of order No. {order}"),
    ],
)
async def test_a_free_change_is_called_so_and_not_an_order(conn, make_user, language, line, head):
    alice = await make_user(credits=5)
    order = await factories.make_job(conn, alice, price=1, args={"title": "Кружка", "preset": "wb"})
    mend = await factories.make_job(conn, alice, args=order.args | {"mends": order.id})
    turn = Turn(
        Incoming(1, "press", person=Sender(7, "Алиса", "", "", language), press_id="1"),
        conversation.State("order:photo", {}, {"id": alice.id, "language": language, "consent": True}),
        Paper("studio", 7),
    )
    numbers = {"mend": mend.id, "order": order.id}
    assert line.format(**numbers) in history._line(turn, mend)
    assert line.format(**numbers) not in history._line(turn, order)
    await history._open(turn, mend)
    [(said, _)] = turn.chat.said
    assert head.format(**numbers) in said
