"""A batch: many photos as one order, put together photo by photo, priced before it is paid, delivered one by one."""

import io
import re
import zipfile
from dataclasses import replace

import pytest
from PIL import Image

from lib import db
from lib.flows.studio import history, order
from lib.flows.studio.order import draft as drafts
from lib.flows.studio.ordering import DRAFT, OrderDraft
from lib.jobs import table
from lib.people import users
from lib.studio import mends, orders
from lib.telegram import conversation
from lib.telegram.dispatch import Turn
from lib.telegram.update import Attachment, Incoming, Sender
from tests import factories
from tests.drawing.pictures import encoded, make_mug
from tests.flows.chat import buttons, words
from tests.flows.studio.test_cutting import Paper
from tests.sizes import few

SELLER = Sender(7, "Алиса", "", "", "ru")
BATCH = OrderDraft(file_id="a", photos=("a", "b", "c"), title="Кружка", product="batch", preset="wb", design="")


@pytest.fixture
async def alice(database):
    async with database.connect() as conn:
        user = await factories.make_user(conn, credits=9)
    return conversation.State("order:confirm", {}, {"id": user.id, "language": "ru", "consent": True})


async def does(state, draft=None, **came):
    if draft:
        DRAFT.keep(state, draft)
        state.data["screen"] = 5
    wanted = {"kind": "press", "press_id": "1", "message_id": 5} | came
    turn = Turn(Incoming(1, person=SELLER, **wanted), state, Paper("studio", 7))
    await order.handle(turn)
    return turn


def photo(name, album=""):
    return {
        "kind": "photo",
        "attachment": Attachment("photo", name, name, 1000, "image/jpeg", album, 900, 900),
        "text": "",
    }


async def placed(state):
    return await db.run(lambda conn: table.get_user_jobs(conn, state.who["id"], tasks=["card"]))


async def test_an_album_becomes_cards_one_zip_and_credits_for_what_could_not_be_made(seller, photo, product, shop):
    await shop.rows(
        "select grant_credits(id, 5, %s, 'ops:test', 'test') from users where tg_id = %s",
        *(f"grant:batch:{seller.user['id']}", seller.user["id"]),
    )
    await seller.sends_photo(photo, encoded(make_mug().crop((0, 0, 400, 600))), product("JPEG", (500, 620)))
    await seller.sees("Фото несколько")
    await seller.says("Кружка")
    await seller.presses("Пакет карточек")
    await seller.presses("Прозрачный PNG")
    confirm = await seller.sees("по карточке на каждое.*За остальные кредиты вернутся.*Цена: 3 кредита")
    await seller.presses("Сделать")
    await seller.presses("Сделать", on=confirm)
    closing = await seller.sees("Готово: 2 из 3.*вернули 1 кредит.*Баланс: 5 кредитов.*Фото 2: ")
    assert {"Повторить", "В историю", "Плохой результат", "Меню"} <= set(buttons(closing))
    files = [one for one in await seller.messages() if one.get("document")]
    assert [words(one) for one in files] == ["1 из 3", "3 из 3", "🗜 Все карточки одним файлом: 2."]
    archive = zipfile.ZipFile(io.BytesIO(await shop.download(files[-1]["document"]["file_id"])))
    cards = [Image.open(io.BytesIO(archive.read(name))) for name in archive.namelist()]
    assert [(card.format, card.mode) for card in cards] == [("PNG", "RGBA")] * 2
    await shop.settle(seller)  # the last message goes out before the row says that it is done
    [job] = await shop.jobs(seller)
    assert (job["state"], job["price"], job["checkpoint"]["earned"]) == ("done", 3, 2)
    assert [(row["kind"], row["amount"]) for row in (await shop.ledger(seller))[-2:]] == [("charge", -3), ("refund", 1)]
    await seller.presses("В историю")
    await seller.presses(f"№{job['id']}")
    opened = await seller.sees("Пакет карточек · Прозрачный PNG")
    assert ("3 фото" in words(opened), "Ещё вариант" in buttons(opened)) == (True, False), "a cut looks the same again"
    await seller.presses("Прислать")
    assert (await seller.last())["document"]["file_name"].endswith(".zip")


@pytest.mark.long
async def test_photos_of_an_album_are_collected_up_to_twenty(alice):
    said = []
    for number in range(22):
        turn = await does(alice, **photo(f"p{number}", "album"))
        said += [words for words, _ in turn.chat.said if "Фото несколько" in words]
    draft = DRAFT.of(alice)
    assert draft.photos == tuple(f"p{number}" for number in range(20))
    assert len(said) == 1, "an album is spoken of once"


async def test_an_album_of_which_only_the_first_photos_fit_is_told_of_the_others(alice):
    DRAFT.keep(alice, replace(BATCH, photos=tuple(f"p{number}" for number in range(19)), album="first"))
    said = []
    for name in ("q1", "q2", "q3"):
        turn = await does(alice, **photo(name, "second"))
        said.append(sum("лишнее" in words for words, _ in turn.chat.said))
    assert said == [0, 1, 0]
    assert len(DRAFT.of(alice).photos) == 20


async def test_an_album_that_no_longer_fits_is_refused_once_and_a_single_photo_each_time(alice):
    DRAFT.keep(alice, replace(BATCH, photos=tuple(f"p{number}" for number in range(20)), album="first"))
    said = []
    for name, album in [("q1", "second"), ("q2", "second"), ("q3", "second"), ("q4", ""), ("q5", "")]:
        turn = await does(alice, **photo(name, album))
        said.append(sum("лишнее" in words for words, _ in turn.chat.said))
    assert said == [1, 0, 0, 1, 1]
    assert len(DRAFT.of(alice).photos) == 20


@pytest.mark.parametrize(("number", "said"), [(2, "строк — 2"), (5, "строк — 5")])
async def test_the_titles_are_asked_for_in_words_that_fit_each_number(alice, number, said):
    turn = await does(alice, replace(BATCH, photos=tuple("abcde"[:number])), text="order:change:titles")
    assert said in turn.chat.said[-1][0]


async def test_a_photo_more_belongs_to_a_batch_and_replaces_the_photo_of_anything_else(alice):
    await does(alice, BATCH, **photo("d"))
    assert DRAFT.of(alice).photos == ("a", "b", "c", "d")
    await does(alice, replace(BATCH, product="card", photos=("a",)), **photo("d"))
    assert (DRAFT.of(alice).file_id, DRAFT.of(alice).photos) == ("d", ("d",))
    await does(alice, replace(BATCH, product="card"), **photo("d"))
    assert DRAFT.of(alice).photos == ("d",), "a card of the first of an album"
    await does(alice, replace(BATCH, ask="photo"), **photo("e"))
    assert DRAFT.of(alice).photos == ("e",)


@pytest.mark.parametrize(("language", "said"), [("ru", "хотя бы два"), ("en", "at least two")])
async def test_a_batch_of_one_photo_asks_for_more_and_costs_nothing(alice, language, said):
    alice.who = alice.who | {"language": language}
    turn = await does(alice, replace(BATCH, photos=("a",)), text="order:confirm")
    assert said in turn.chat.said[-1][0]
    assert await placed(alice) == []


@pytest.mark.parametrize("language", ["ru", "en"])
@pytest.mark.parametrize("preset", few(orders.PRESETS, 2))
async def test_the_confirm_screen_says_number_price_and_what_happens_without_a_cut(alice, preset, language):
    alice.who = alice.who | {"language": language}
    turn = await does(alice, replace(BATCH, preset=preset, free="nowhere"), text="order:resume")
    said = turn.chat.said[-1][0]
    assert "✂️" in said
    assert re.search("3 (фото|photos)", said)
    assert re.search("3 (кредита|credits)", said)


async def test_a_batch_is_one_order_with_one_charge_however_often_it_is_pressed(alice):
    for _ in range(3):
        await does(alice, BATCH, text="order:confirm")
        await does(alice, text="order:confirm")
    [job] = await placed(alice)
    assert (job.price, job.args["photos"], job.args["count"], job.args["titles"]) == (3, ["a", "b", "c"], 3, [])


async def test_each_photo_can_have_a_title_of_its_own(alice):
    await does(alice, BATCH, text="order:change:titles")
    turn = await does(alice, kind="text", text="Чашка\nКружка")
    assert "Строк 2, а фото 3" in turn.chat.said[-1][0]
    turn = await does(alice, kind="text", text="Чашка\n— Кружка\nБлюдце")
    assert "Чашка" in turn.chat.said[-1][0]
    await does(alice, text="order:confirm", message_id=alice.data["screen"])
    [job] = await placed(alice)
    assert job.args["titles"] == ["Чашка", "Кружка", "Блюдце"]


async def test_a_title_that_the_marketplace_refuses_is_named_before_paying(alice):
    turn = await does(alice, replace(BATCH, titles=("Чашка", "Хит продаж", "Блюдце")), text="order:confirm")
    assert "Хит продаж" in turn.chat.said[-1][0]
    assert await placed(alice) == []


async def test_a_repeat_has_the_same_photos_and_another_product_of_it_the_first(alice):
    for _ in range(2):
        await does(alice, BATCH if not alice.data else None, text="order:confirm")
    [job] = await placed(alice)
    again = drafts.from_job(job, "again", has_photo=True)
    assert (drafts.missing(again), again.photos, again.product) == ("confirm", BATCH.photos, "batch")
    assert drafts.order(replace(again, product="card"), await does(alice)).photos == ()


@pytest.mark.parametrize("odd", [{"photos": ["a"]}, {"photos": []}, {"titles": ["x"]}, {"count": 21}])
def test_an_odd_batch_is_refused(odd):
    args = {"bot": "studio", "chat_id": 7, "message_id": 3, "language": "ru", "product": "batch", "file_id": "a"}
    with pytest.raises(orders.errors.Invalid):
        orders.Order.read(args | {"count": 3, "photos": ["a", "b", "c"]} | odd)


@pytest.mark.parametrize(("language", "said"), [("ru", "вернули 2 кредита"), ("en", "2 credits came back")])
async def test_a_batch_that_is_stopped_keeps_what_was_delivered_and_gives_back_the_rest(database, language, said):
    async with database.connect() as conn:
        alice = await factories.make_user(conn, credits=3)
        job = await factories.make_running(conn, alice, price=3)
        job = await table.save_checkpoint(conn, job, {"earned": 1})
        await table.update_job_status(conn, job, "gave_way")
        await conn.execute("update jobs set cancel_asked_at = now(), run_at = now() where id = %s", (job.id,))
        await factories.claim(conn)
        stopped = await table.get_job_by_id(conn, job.id)
        assert (stopped.state, (await factories.kinds(conn, alice))[-1]) == ("cancelled", ("refund", 2, 2))
        assert said in mends.cancelled(language, stopped, 2)


@pytest.mark.parametrize(("preset", "said"), [("wb", True), ("ozon", True), ("clear", False), ("white", False)])
async def test_a_batch_without_words_on_it_is_promised_no_cover(alice, preset, said):
    turn = await does(alice, replace(BATCH, preset=preset, free="nowhere"), text="order:resume")
    assert ("одна обложка на всех" in turn.chat.said[-1][0]) is said


@pytest.mark.parametrize(("language", "said"), [("ru", "готово 1 из 3"), ("en", "1 of 3 are ready")])
async def test_a_stopped_batch_keeps_its_cards_within_reach_in_the_history(database, alice, language, said):
    alice.who = alice.who | {"language": language}
    place = {"chat_id": 7, "product": "batch", "preset": "wb", "count": 3, "photos": ["a", "b", "c"], "title": "Ваза"}
    async with database.connect() as conn:
        user = await users.get_user(conn, alice.who["id"])
        job = await factories.make_running(conn, user, price=3, args=place)
        facts = {"files": {"card": [1, "1/card", 300, 400, 0]}, "sent": True}
        job = await table.save_checkpoint(conn, job, {"earned": 1, "item0": facts})
        await table.update_job_status(conn, job, "cancelled")
    pressed = Incoming(1, person=SELLER, kind="press", press_id="1", message_id=5, text=f"history:open:{job.id}")
    turn = Turn(pressed, alice, Paper("studio", 7))
    await history.handle(turn)
    shown, keyboard = turn.chat.said[-1]
    assert said in shown
    offered = [button.data for row in keyboard for button in row]
    assert {f"history:send:{job.id}", f"order:listing:{job.id}", f"order:bad:{job.id}"} <= set(offered)
    assert f"order:again:{job.id}" in offered
