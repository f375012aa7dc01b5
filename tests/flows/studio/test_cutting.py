"""The cut of a photo while its order is put together: shown, chosen, and asked before a charge."""

from dataclasses import replace
from datetime import timedelta

import pytest

from lib import db
from lib.flows.studio import order
from lib.flows.studio.order import draft as drafts
from lib.flows.studio.order import screens, taking
from lib.flows.studio.ordering import DRAFT, OrderDraft
from lib.jobs import table
from lib.providers import makers
from lib.studio import cuts, files
from lib.studio.cuts import KnownCut
from lib.telegram import conversation
from lib.telegram.dispatch import Turn
from lib.telegram.update import Attachment, Incoming, Sender
from tests import factories
from tests.flows.chat import buttons
from tests.flows.studio.test_proposal import Paper as Quiet

SELLER = Sender(7, "Алиса", "", "", "ru")
SURE = KnownCut("sure", ("network", "framed"), ("network",), white=True)
HOPELESS = KnownCut("hopeless", ("framed",))
SCENE = OrderDraft(file_id="f", title="Кружка", product="background", scene="wood", price=1, cut="cut:studio:7:5")
WHITE = replace(SCENE, product="card", preset="white", scene="")
CLEAR = replace(WHITE, preset="clear")
UNSURE = KnownCut("unsure", ("network", "plain", "framed"), ("network", "plain"), white=True)

PHOTO = Attachment("photo", "new", "u", 1000, "image/jpeg", "", 900, 900)


class Paper(Quiet):
    """It remembers toasts and marks, too."""

    async def answer(self, press_id, text="", *, alert=False):
        self.said += [(text, None)] if text else []

    async def delete(self, message_id):
        return True

    async def mark(self, message_id, keyboard):
        self.said.append(("", keyboard))
        return True


@pytest.fixture
async def alice(database):
    async with database.connect() as conn:
        user = await factories.make_user(conn, credits=5)
    return conversation.State("order:confirm", {}, {"id": user.id, "language": "ru", "consent": True})


async def known(state, found, *, key=SCENE.cut, who=None):
    """Let a photo's cut be finished, or still be waited for; return its job."""
    job = await db.run(lambda conn: cuts.begin(conn, who or state.who["id"], key, {"bot": "studio", "chat_id": 7}))
    if found:
        async with db.connection() as conn:
            await conn.execute("update jobs set checkpoint = %s where id = %s", (found.dump(), job.id))
    return job


async def does(state, draft=None, *, message_id=5, **came):
    if draft:
        DRAFT.keep(state, draft)
        state.data["screen"] = 5
    wanted = {"kind": "press", "press_id": "1", "message_id": message_id} | came
    turn = Turn(Incoming(1, person=SELLER, **wanted), state, Paper("studio", 7))
    await order.handle(turn)
    return turn


async def tasks(state):
    return [job.task for job in await db.run(lambda conn: table.get_user_jobs(conn, state.who["id"]))]


async def test_the_product_is_shown_cut_out_while_its_words_are_typed(seller, photo, shop):
    await seller.sends_photo(photo)
    shown = await seller.sees("Товар вырезан")
    assert "photo" in shown
    assert list(buttons(shown))[:2] == ["✅ Вырезанный", "Фото целиком"]
    assert "напишите название" in (await seller.last())["text"], "it came in the message above the question"
    await seller.presses("Фото целиком")
    assert list(buttons(await seller.message_with("Вырезанный")))[:2] == ["Вырезанный", "✅ Фото целиком"]
    await seller.says("Кружка")
    await seller.presses("Карточка товара")
    await seller.presses("Wildberries")
    await seller.presses("Сделать")
    await shop.settle(seller)
    [job] = await shop.jobs(seller)
    assert (job["state"], job["args"]["way"]) == ("done", "framed")
    assert job["checkpoint"]["item0"]["files"]["note"] == ["framed"]
    [kept] = await shop.rows(
        "select f.kind, j.key from files f join every_job j on j.id = f.job_id where f.kind = 'cut' and j.user_id = %s",
        job["user_id"],
    )
    assert kept["key"] == job["args"]["cut"], "the order knows the cut that was kept for it"


async def test_a_photo_is_cut_where_models_draw_the_cards_too(alice, monkeypatch):
    monkeypatch.setattr(makers, "is_remote", lambda product: True)
    turn = await does(alice, kind="photo", attachment=PHOTO, text="")
    assert "Вырезаю товар" in turn.chat.said[0][0]
    await turn.after[0]()
    assert await tasks(alice) == ["cut"]


async def test_a_photo_that_cannot_be_opened_is_asked_for_again_before_anything_is_offered(alice):
    await known(alice, None)
    async with db.connection() as conn:
        [job] = await table.fetch_next_queued_job(conn, ["cut"], timedelta(minutes=1), 1)
        await table.update_job_status(conn, job, "failed", error_code="picture_broken")
    draft = replace(SCENE, product="", scene="", photos=("f",))
    turn = await does(alice, draft, text="order:resume")
    assert "С этим фото ничего не сделать" in turn.chat.said[-1][0]
    assert (alice.step, DRAFT.of(alice).file_id, DRAFT.of(alice).title) == ("order:photo", "", "Кружка")


async def test_a_photo_is_taken_though_its_cut_cannot_be_begun(alice, monkeypatch):
    async def away(*args):
        raise taking.errors.Unavailable("database")

    monkeypatch.setattr(cuts, "begin", away)
    turn = await does(alice, kind="photo", attachment=PHOTO, text="")
    (cut, _), (words, _) = turn.chat.said
    assert ("Вырезаю товар" in cut, "напишите название" in words or "Проверьте" in words) == (True, True)
    [queue] = turn.after
    await queue()
    assert turn.chat.said[-1][0] == "📷 Фото принято."


async def test_another_photo_has_nothing_of_the_cut_of_the_first(alice):
    DRAFT.keep(alice, replace(SCENE, way="framed", free="nowhere"))
    await does(alice, kind="photo", attachment=PHOTO, text="")
    draft = DRAFT.of(alice)
    assert (draft.way, draft.free) == ("", "")
    assert draft.cut != SCENE.cut


@pytest.mark.parametrize(
    ("left_out", "free", "said"),
    [
        (["white", "clear"], "nowhere", "Белого фона и прозрачного PNG здесь нет: целиком и чисто вырезать"),
        (["white"], "nowhere", "Белого фона здесь нет: целиком и чисто вырезать"),
        (["clear"], "white", "Прозрачного PNG здесь нет: целиком и чисто вырезать"),
        (["clear"], "anywhere", "Прозрачного PNG здесь нет: для него на картинке с вырезанным товаром надо выбрать"),
        ([], "anywhere", ""),
    ],
)
def test_what_is_not_offered_has_one_true_reason(left_out, free, said):
    turn = Turn(
        Incoming(1, person=SELLER, kind="text"), conversation.State("", {}, {"language": "ru"}), Paper("studio", 7)
    )
    why = screens._why_without(turn, replace(WHITE, free=free), left_out)
    assert why[: len(said)] == said
    assert bool(why) is bool(said)


@pytest.mark.parametrize("draft", [SCENE, WHITE, CLEAR])
async def test_what_only_a_cut_can_fill_is_not_charged_before_the_cut_is_known(alice, draft):
    await known(alice, None)
    turn = await does(alice, draft, text="order:confirm")
    assert "Ничего не списано" in turn.chat.said[-1][0]
    assert await tasks(alice) == ["cut"]


@pytest.mark.parametrize(("language", "cause"), [("ru", "Файл повреждён"), ("en", "The file is damaged")])
@pytest.mark.parametrize("draft", [SCENE, WHITE])
async def test_a_photo_that_can_never_be_cut_is_refused_at_once(alice, draft, language, cause):
    alice.who = alice.who | {"language": language}
    await known(alice, None)
    async with db.connection() as conn:
        [job] = await table.fetch_next_queued_job(conn, ["cut"], timedelta(minutes=1), 1)
        await table.update_job_status(conn, job, "failed", error_code="picture_broken")
    turn = await does(alice, draft, text="order:confirm")
    said = turn.chat.said[-1][0]
    assert cause in said
    assert {"ru": "Ничего не списано", "en": "Nothing was charged"}[language] in said
    assert alice.step == "order:photo"
    assert await tasks(alice) == ["notice", "cut"], "it is not tried again"


async def test_a_cut_that_nobody_has_begun_is_begun_once_by_the_confirm(alice):
    for _ in range(2):
        await does(alice, replace(SCENE, cut=""), text="order:confirm")
    assert await tasks(alice) == ["cut"]


@pytest.mark.parametrize(("draft", "asked"), [(SCENE, "Что сделать из этого фото"), (WHITE, "Для какой площадки")])
async def test_what_the_cut_cannot_fill_is_not_charged_and_no_longer_offered(alice, draft, asked):
    await known(alice, HOPELESS)
    turn = await does(alice, draft, text="order:confirm")
    said, keyboard = turn.chat.said[-1]
    assert "Ничего не списано" in said
    assert asked in said
    assert {"order:product:background", "order:preset:white"}.isdisjoint(b.data for row in keyboard for b in row)
    assert await tasks(alice) == ["cut"]


@pytest.mark.parametrize("draft", [SCENE, WHITE, CLEAR])
async def test_what_the_cut_can_fill_is_ordered_with_it(alice, draft):
    await known(alice, SURE)
    turn = await does(alice, draft, text="order:confirm")
    assert "принят" in turn.chat.said[-1][0]
    [job, _] = await db.run(lambda conn: table.get_user_jobs(conn, alice.who["id"]))
    assert (job.args["cut"], job.args["way"], job.price) == (SCENE.cut, "", 1)


@pytest.mark.parametrize(("language", "said"), [("ru", "Ничего не списано"), ("en", "Nothing was charged")])
@pytest.mark.parametrize("keyed", [False, True])
async def test_a_transparent_file_of_an_unsure_cut_is_refused_until_the_seller_chose_one(
    alice, monkeypatch, language, said, keyed
):
    monkeypatch.setattr(drafts, "has_ai", lambda: keyed)
    alice.who = alice.who | {"language": language}
    job = await known(alice, UNSURE)
    turn = await does(alice, CLEAR, text="order:confirm")
    words, keyboard = turn.chat.said[-1]
    assert said in words
    assert "order:preset:clear" not in [button.data for row in keyboard for button in row]
    assert await tasks(alice) == ["cut"]
    await does(alice, text=f"order:cut:{job.id}:plain", message_id=3)
    turn = await does(alice, text="order:preset:clear")
    await does(alice, text="order:confirm")
    [order, _] = await db.run(lambda conn: table.get_user_jobs(conn, alice.who["id"]))
    assert (order.args["preset"], order.args["way"], order.price) == ("clear", "plain", 1)


async def test_no_transparent_file_is_made_of_a_photo_that_shall_stay_whole(alice):
    job = await known(alice, SURE)
    await does(alice, CLEAR, text=f"order:cut:{job.id}:framed", message_id=3)
    turn = await does(alice, text="order:confirm")
    assert "Ничего не списано" in turn.chat.said[-1][0]
    assert await tasks(alice) == ["cut"]


async def test_where_a_model_draws_the_cut_of_a_transparent_file_is_shown(alice, monkeypatch):
    monkeypatch.setattr(drafts, "has_ai", lambda: True)
    await does(alice, replace(CLEAR, cut=""), text="order:confirm")
    [job] = await db.run(lambda conn: table.get_user_jobs(conn, alice.who["id"]))
    assert (job.task, job.args["language"]) == ("cut", "ru")
    assert job.args["message_id"]


def test_a_set_has_no_transparent_files():
    assert drafts.chosen(replace(CLEAR, product="set"), "preset") == ""
    with pytest.raises(drafts.orders.errors.Invalid):
        drafts.orders.Order("studio", 7, 3, "ru", product="set", file_id="f", preset="clear", count=2)


@pytest.mark.parametrize("way", ["wide", "plain", "", "x" * 60])
async def test_a_way_that_was_not_shown_is_no_choice(alice, way):
    job = await known(alice, SURE)
    await does(alice, SCENE, text=f"order:cut:{job.id}:{way}", message_id=3)
    assert DRAFT.of(alice).way == ""


async def test_the_picture_of_another_photo_or_person_is_no_choice(alice, database):
    async with database.connect() as conn:
        mallory = await factories.make_user(conn)
    old = await known(alice, SURE, key="cut:studio:7:1")
    other = await known(alice, SURE, key="cut:studio:7:2", who=mallory.id)
    for job, key in ((old, SCENE.cut), (other, other.key)):
        turn = await does(alice, replace(SCENE, cut=key), text=f"order:cut:{job.id}:framed", message_id=3)
        assert "от другого фото" in turn.chat.said[-1][0]
        assert DRAFT.of(alice).way == ""


def test_where_a_model_draws_everything_is_offered(monkeypatch):
    monkeypatch.setattr(drafts, "has_ai", lambda: True)
    assert drafts.can_stand(replace(SCENE, free="nowhere"), "scene")


async def test_a_finished_order_is_drawn_with_another_cut_once_and_for_nothing(seller, photo, shop):
    await seller.sends_photo(photo)
    await seller.sees("Товар вырезан")
    await seller.says("Кружка")
    await seller.presses("Карточка товара")
    await seller.presses("Ozon")
    await seller.presses("Сделать")
    await shop.settle(seller)
    result = await seller.message_with("Вырезать иначе")
    await seller.presses("Вырезать иначе", on=result)
    shown = await seller.sees("перерисую тот же заказ")
    way = next(label for label, data in buttons(shown).items() if "recut" in data)
    for _ in range(2):
        await seller.presses(way, on=shown)
        await shop.settle(seller)
    first, again = await shop.jobs(seller)
    assert (again["price"], again["state"], again["args"]["mends"]) == (0, "done", first["id"])
    assert again["args"]["way"] not in ("", "network")
    assert await shop.balance(seller) == 1
    assert "уже перерисован" in seller.toast["text"]
    await seller.presses("Вырезать иначе", on=result)
    left = await seller.sees("перерисую тот же заказ|По-другому показать товар")
    assert shown["message_id"] < left["message_id"]
    assert buttons(shown)[way] not in buttons(left).values(), "what was drawn is not offered again"


@pytest.fixture
async def done(alice):
    """An order that was made, with its kept photo."""
    args = {"bot": "studio", "chat_id": 7, "message_id": 3, "language": "ru", "file_id": "f", "title": "Кружка"}
    async with db.connection() as conn:
        job = await table.create_job_and_consume_credit(
            conn, alice.who["id"], task="card", key="order:1", args=args, price=1
        )
        file = {"kind": "source", "pathname": "local/source/a.jpg", "content_type": "image/jpeg", "bytes": 9}
        [source] = await files.add_files(conn, alice.who["id"], job.job.id, [{**file, "width": 9, "height": 9}])
        await made(conn, source.id)
    alice.step = "order:photo"
    return job.job.id


async def made(conn, source):
    """Let the next order be made."""
    [job] = await factories.claim(conn)
    job = await table.save_checkpoint(conn, job, {"source": source})
    return await table.update_job_status(conn, job, "done")


async def recuts(state):
    found = await db.run(lambda conn: table.get_user_jobs(conn, state.who["id"], tasks=["card"]))
    return [(job.price, job.args["way"]) for job in found if job.args.get("mends")]


async def test_each_way_is_drawn_once_whatever_is_pressed(alice, done):
    for way in ("framed", "framed", "plain", "odd", "x" * 40):
        await does(alice, text=f"order:recut:{done}:{way}", message_id=4)
    assert sorted(await recuts(alice)) == [(0, "framed"), (0, "plain")]


async def test_a_way_that_failed_is_not_called_drawn(alice, done):
    await does(alice, text=f"order:recut:{done}:framed", message_id=4)
    drawn = await does(alice, text=f"order:recut:{done}:framed", message_id=4)
    async with db.connection() as conn:
        [job] = await factories.claim(conn)
        await table.update_job_status(conn, job, "failed", error_code="rules", error="-")
    failed = await does(alice, text=f"order:recut:{done}:framed", message_id=4)
    assert "уже перерисован" in drawn.chat.said[-1][0]
    assert "перерисовать не получилось" in failed.chat.said[-1][0]


async def test_a_copy_leads_to_no_further_copies(alice, done):
    await does(alice, text=f"order:recut:{done}:framed", message_id=4)
    async with db.connection() as conn:
        copy = await made(conn, (await files.list_files(conn, alice.who["id"]))[0].id)
    assert copy.args["mends"] == done
    await does(alice, text=f"order:recut:{copy.id}:framed", message_id=4)
    assert await recuts(alice) == [(0, "framed")]


async def test_a_card_with_other_words_keeps_them_when_it_is_cut_differently(alice, done):
    await does(alice, text=f"order:recut:{done}:framed", message_id=4)
    async with db.connection() as conn:
        source = (await files.list_files(conn, alice.who["id"]))[0].id
        await made(conn, source)
        args = {"bot": "studio", "chat_id": 7, "message_id": 5, "language": "ru", "source": source, "mends": done}
        await table.create_job_and_consume_credit(
            conn, alice.who["id"], task="card", key="mend:studio:9", args=args | {"title": "Чашка"}, price=0
        )
        changed = await made(conn, source)
    for number in (changed.id, changed.id, done):
        await does(alice, text=f"order:recut:{number}:framed", message_id=4)
    found = await db.run(lambda conn: table.get_user_jobs(conn, alice.who["id"], tasks=["card"]))
    copies = [job for job in found if job.key.startswith("recut:")]
    assert [(job.args["title"], job.args["mends"]) for job in copies] == [("Чашка", done), ("Кружка", done)]


async def test_an_order_that_was_refunded_is_not_drawn_again(alice, done):
    async with db.connection() as conn:
        await conn.execute("select refund_credit(%s)", (done,))
    turn = await does(alice, text=f"order:recut:{done}:framed", message_id=4)
    assert "уже нельзя" in turn.chat.said[-1][0]
    assert await recuts(alice) == []


async def test_nobody_draws_the_order_of_another_person(alice, done, database):
    async with database.connect() as conn:
        mallory = await factories.make_user(conn)
    alice.who = alice.who | {"id": mallory.id}
    turn = await does(alice, text=f"order:recut:{done}:framed", message_id=4)
    assert "уже нельзя" in turn.chat.said[-1][0]


@pytest.mark.parametrize("action", ["recut", "reword", "redesign", "bad"])
async def test_a_result_whose_files_are_on_their_way_is_changed_in_a_moment(alice, action):
    alice.step = "order:photo"
    args = {"bot": "studio", "chat_id": 7, "message_id": 3, "language": "ru", "file_id": "f", "title": "Кружка"}
    async with db.connection() as conn:
        order = await table.create_job_and_consume_credit(
            conn, alice.who["id"], task="card", key="order:2", args=args, price=1
        )
    turn = await does(alice, text=f"order:{action}:{order.job.id}", message_id=4)
    assert "ещё отправляется" in turn.chat.said[-1][0]
