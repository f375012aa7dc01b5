"""The pieces of a cut: shown, marked by one tap each, put right together, and kept for every later drawing."""

import asyncio
import re
from dataclasses import replace
from pathlib import Path

import pytest

from lib import db, errors, storage
from lib.flows.studio.order import recutting, touching
from lib.flows.studio.ordering import DRAFT, OrderDraft
from lib.jobs import table
from lib.people import users
from lib.studio import cuts, mends
from lib.studio.cuts import KnownCut
from lib.tasks.cut import shown as showing
from lib.telegram import conversation
from tests import factories
from tests.flows.chat import buttons
from tests.flows.studio.test_cutting import does, known

DRAFTED = OrderDraft(file_id="f", title="Кружка", product="card", preset="wb", price=1, cut="cut:studio:7:5")
FOUND = KnownCut("sure", ("network", "framed"), ("network",), white=True, pieces="--+")
TOUCH, FIX, BACK = "🧩 Исправить вырез", "Исправить", "◀️ Назад"


@pytest.fixture
async def alice(database):
    async with database.connect() as conn:
        user = await factories.make_user(conn, credits=5)
    return conversation.State("order:words", {}, {"id": user.id, "language": "ru", "consent": True})


@pytest.fixture
def photo():
    """A photo of whose cut some pieces may be wrong."""
    return (Path(__file__).parents[3] / "dev" / "samples" / "coffee.jpg").read_bytes()


async def ends(key, found=None, *, error="internal"):
    """Let a cut be finished, or fail for good."""
    async with db.connection() as conn:
        await conn.execute("update jobs set checkpoint = %s where key = %s", (found.dump() if found else {}, key))
        job = None
        while job is None or job.key != key:
            [job] = await table.fetch_next_queued_job(conn, ["cut"], factories.LEASE)
        await table.update_job_status(conn, job, "done" if found else "failed", error_code=error)


async def keeps(state, key):
    """Let a finished cut be in storage."""
    job = await db.run(lambda conn: table.get_job_by_idempotency_key(conn, key))
    return await cuts.keep(state.who["id"], job.id, b"cut", (9, 9))


async def queued(state):
    return await db.run(lambda conn: table.get_user_jobs(conn, state.who["id"]))


async def test_a_piece_is_put_right_by_three_taps_and_the_card_shows_it(seller, photo, shop):
    await seller.sends_photo(photo)
    await seller.sees("не уверен, что чисто")
    await seller.presses(TOUCH)
    shown = await seller.sees("Отметьте")
    numbers = [label for label in buttons(shown) if re.fullmatch("[➖➕] [1-8]", label)]
    assert numbers, list(buttons(shown))
    await seller.presses(numbers[0])
    marked = list(buttons(await seller.sees("Отметьте")))
    assert (f"✅ {numbers[0][-1]}" in marked, FIX in marked) == (True, True)
    await seller.presses(FIX)
    shown = await seller.sees("Вырез исправлен")
    assert list(buttons(shown))[:3] == ["✅ Исправленный", "Как было", "Фото целиком"]
    await seller.says("Кружка")
    await seller.presses("Карточка товара")
    await seller.presses("Wildberries")
    await seller.presses("Сделать")
    await shop.settle(seller)
    [job] = await shop.jobs(seller)
    assert (job["state"], job["args"]["way"]) == ("done", "touched")
    [cut] = await shop.rows("select args from every_job where key = %s", job["args"]["cut"])
    assert cut["args"]["pieces"] == [int(numbers[0][-1])]


async def test_a_mark_stands_in_the_buttons_and_is_taken_back_by_another_tap(alice):
    job = await known(alice, FOUND)
    turn = await does(alice, DRAFTED, text=f"order:piece:{job.id}:0:3")
    [pieces, ways] = turn.chat.said[-1][1]
    assert [button.label for button in pieces] == ["➖ 1", "➖ 2", "✅ 3"]
    assert [button.data for button in pieces] == [f"order:piece:{job.id}:4:{number}" for number in (1, 2, 3)]
    assert [button.data for button in ways] == [f"order:untouch:{job.id}", f"order:touched:{job.id}:4"]
    turn = await does(alice, text=f"order:piece:{job.id}:4:3")
    [_, ways] = turn.chat.said[-1][1]
    assert [button.data for button in ways] == [f"order:untouch:{job.id}", f"order:others:{job.id}"]


async def test_two_taps_quicker_than_the_buttons_mark_two_pieces(alice):
    job = await known(alice, FOUND)
    await does(alice, DRAFTED, text=f"order:piece:{job.id}:0:1")
    turn = await does(alice, text=f"order:piece:{job.id}:0:3")
    [pieces, _] = turn.chat.said[-1][1]
    assert [button.label for button in pieces] == ["✅ 1", "➖ 2", "✅ 3"]
    await does(alice, text=f"order:touched:{job.id}:1")
    assert DRAFT.of(alice).cut == f"{job.key}:5", "what is marked, though the button is older"


async def test_marks_are_gone_when_the_pieces_are_shown_again_and_kept_where_nothing_else_knows_them(alice):
    job = await known(alice, FOUND)
    await does(alice, DRAFTED, text=f"order:piece:{job.id}:0:1")
    await does(alice, text=f"order:untouch:{job.id}")
    turn = await does(alice, text=f"order:piece:{job.id}:0:2")
    assert [button.label for button in turn.chat.said[-1][1][0]] == ["➖ 1", "✅ 2", "➕ 3"]
    alice.data.pop("marking")
    turn = await does(alice, text=f"order:piece:{job.id}:2:1")
    assert [button.label for button in turn.chat.said[-1][1][0]] == ["✅ 1", "✅ 2", "➕ 3"]


async def test_pieces_are_put_right_once_however_often_it_is_pressed(alice):
    job = await known(alice, FOUND)
    await does(alice, DRAFTED, text=f"order:touched:{job.id}:5")
    draft = DRAFT.of(alice)
    assert (draft.cut, draft.way, draft.free) == (f"{job.key}:5", "touched", "")
    made = [one for one in await queued(alice) if one.key == draft.cut]
    assert [(one.task, one.args["pieces"], one.args["like"]) for one in made] == [("cut", [1, 3], job.key)]
    for pressed in ("touched:{}:5", "touched:{}:4", "piece:{}:5:1", "touch:{}", "untouch:{}"):
        turn = await does(alice, text=f"order:{pressed.format(job.id)}")
        assert "Исправляю вырез" in turn.chat.said[-1][0]
    assert [one.key for one in await queued(alice)] == [draft.cut, job.key]
    await ends(draft.cut, replace(FOUND, ways=("touched", "network", "framed")))
    turn = await does(alice, text=f"order:piece:{job.id}:5:1")
    assert not turn.chat.said, "the message shows the cut put right by now"
    DRAFT.keep(alice, replace(draft, cut=job.key, way=""))
    alice.data.pop("marking")
    await does(alice, text=f"order:touched:{job.id}:5")
    assert DRAFT.of(alice).way == "touched"
    assert sorted(one.task for one in await queued(alice)) == ["cut", "cut", "touch"], "it is shown, not made again"


@pytest.mark.parametrize("bits", ["8", "-1", "x", "1e3", "99999", "٣"])
async def test_what_no_button_says_marks_nothing(alice, bits):
    job = await known(alice, FOUND)
    turn = await does(alice, DRAFTED, text=f"order:touched:{job.id}:{bits}")
    assert "от другого фото" in turn.chat.said[-1][0]
    assert [one.key for one in await queued(alice)] == [job.key]


@pytest.mark.parametrize("action", touching.ACTIONS)
async def test_a_cut_of_another_person_or_photo_is_touched_by_nobody(alice, action, database):
    async with database.connect() as conn:
        mallory = await factories.make_user(conn)
    theirs = await known(alice, FOUND, key="cut:studio:9:1", who=mallory.id)
    other = await known(alice, FOUND, key="cut:studio:7:4")
    for number in (theirs.id, other.id, 10**30, "x"):
        turn = await does(alice, DRAFTED, text=f"order:{action}:{number}:1")
        assert "от другого фото" in turn.chat.said[-1][0]
    assert DRAFT.of(alice).cut == DRAFTED.cut


async def test_a_cut_without_doubtful_pieces_has_no_button(alice):
    job = await known(alice, replace(FOUND, pieces=""))
    _, [row] = cuts.said("ru", job.id, replace(FOUND, pieces=""))
    assert len(row) == 2
    turn = await does(alice, DRAFTED, text=f"order:touch:{job.id}")
    assert "от другого фото" in turn.chat.said[-1][0]


async def test_nothing_marked_is_nothing_to_put_right(alice):
    job = await known(alice, FOUND)
    turn = await does(alice, DRAFTED, text=f"order:touched:{job.id}:0")
    assert "Сначала отметьте" in turn.chat.said[-1][0]
    assert DRAFT.of(alice).cut == job.key


async def test_other_pieces_come_where_none_is_wrong(seller, photo, shop):
    await seller.sends_photo(photo)
    await seller.sees("не уверен, что чисто")
    await seller.presses(TOUCH)
    before = await seller.sees("Отметьте")
    await seller.presses("Другие куски")
    shown = before
    async with asyncio.timeout(30):
        while buttons(shown)["Назад"] == buttons(before)["Назад"]:  # until they are of the next cut
            await asyncio.sleep(0.05)
            shown = await seller.sees("Отметьте")
    await seller.presses("Назад", on=shown)
    shown = await seller.sees("не уверен, что чисто")
    assert "1" in buttons(shown), "the pictures are as they were"


async def test_the_next_round_begins_where_the_last_one_ended(alice):
    touched = replace(FOUND, ways=("touched", "network", "framed"), pieces="-")
    job = await known(alice, touched, key=f"{DRAFTED.cut}:5")
    words, [row, [more]] = cuts.said("ru", job.id, touched, "touched")
    assert ("исправлен" in words, more.label) == (True, "🧩 Исправить ещё")
    assert [button.label for button in row] == ["✅ Исправленный", "Как было", "Фото целиком"]
    await does(alice, replace(DRAFTED, cut=job.key, way="touched"), text=f"order:touched:{job.id}:1")
    assert DRAFT.of(alice).cut == f"{DRAFTED.cut}:5:1"
    await does(alice, replace(DRAFTED, cut=job.key, way="touched"), text=f"order:cut:{job.id}:network")
    assert DRAFT.of(alice).way == "network", "as it was"


TOUCHED = replace(FOUND, ways=("touched", "network", "framed"), alone=("touched", "network"))


@pytest.mark.parametrize(("way", "label"), [("framed", "Фото целиком"), ("network", "Вырезанный")])
async def test_what_was_chosen_stays_chosen_where_no_more_pieces_are_found(alice, way, label):
    job = await known(alice, FOUND)
    await does(alice, replace(DRAFTED, way=way), text=f"order:others:{job.id}")
    looked = next(one for one in await queued(alice) if one.task == "cut" and one.id != job.id)
    _, [row], _ = showing._offer(looked, replace(FOUND, pieces=""))
    assert [one.label for one in row if one.label.startswith("✅")] == [f"✅ {label}"]
    await ends(looked.key, FOUND)
    await does(alice, text=f"order:touched:{looked.id}:1")
    right = next(one for one in await queued(alice) if one.key == DRAFT.of(alice).cut)
    _, [row, _], _ = showing._offer(right, TOUCHED)
    assert row[0].label == "✅ Исправленный", "an older choice is forgotten where another cut is made"


@pytest.mark.parametrize("drawn", ["", "touched"])
async def test_what_was_put_right_stays_offered_where_no_more_pieces_are_found(alice, drawn):
    asked = {"language": "ru", "order": 9, "used": [drawn], "alone": False, "bot": "studio", "chat_id": 7}
    async with db.connection() as conn:
        right = await cuts.begin(conn, alice.who["id"], "cut:studio:7:9:1", asked | {"pieces": [1]})
        await conn.execute("update jobs set checkpoint = %s where id = %s", (TOUCHED.dump(), right.id))
    await does(alice, text=f"order:others:{right.id}")
    looked = (await queued(alice))[0]
    assert (looked.task, looked.args["pieces"]) == ("cut", [])
    *_, ways = showing._offer(looked, replace(TOUCHED, pieces=""))
    assert ways == ("touched",)


async def test_a_cut_put_right_that_is_gone_is_told_before_anything_is_paid(alice):
    job = await known(alice, None, key=f"{DRAFTED.cut}:5")
    await ends(job.key, TOUCHED)
    file = await keeps(alice, job.key)
    alice.step = "order:confirm"
    draft = replace(DRAFTED, cut=job.key, way="touched", free="anywhere", clear=True)
    await storage.delete(file.pathname)  # the row is there all the same
    turn = await does(alice, draft, text="order:confirm")
    assert any("Исправленного выреза уже нет" in words for words, _ in turn.chat.said)
    draft = DRAFT.of(alice)
    assert (draft.way, draft.free, draft.clear, draft.file_id) == ("", "", False, "f")
    assert draft.cut not in ("", job.key)
    for later in turn.after:
        await later()
    assert [one.key for one in await queued(alice) if one.task == "cut"] == [draft.cut, job.key]
    assert "card" not in [one.task for one in await queued(alice)]


async def test_a_cut_put_right_is_trusted_while_storage_is_out_of_reach(alice, monkeypatch):
    async def away(pathname):
        raise errors.Unavailable("storage")

    job = await known(alice, None, key=f"{DRAFTED.cut}:5")
    await ends(job.key, TOUCHED)
    await keeps(alice, job.key)
    monkeypatch.setattr(storage, "get", away)
    alice.step = "order:confirm"
    await does(alice, replace(DRAFTED, cut=job.key, way="touched"), text="order:confirm")
    [card] = [one for one in await queued(alice) if one.task == "card"]
    assert card.args["way"] == "touched"
    with pytest.raises(errors.Unavailable):  # its worker waits
        await cuts.of_order(alice.who["id"], job.key, "touched")
    assert await cuts.of_order(alice.who["id"], job.key, "network") == b""


@pytest.mark.parametrize("is_kept", [True, False])
@pytest.mark.parametrize("action", ["again", "variant", "format", "video"])
async def test_a_draft_of_an_older_order_has_its_cut_put_right_while_that_is_kept(alice, action, is_kept):
    job = await known(alice, TOUCHED, key=f"{DRAFTED.cut}:5")
    if is_kept:
        await keeps(alice, job.key)
    args = {"preset": "wb", "title": "Кружка", "cut": job.key, "way": "touched", "file_id": "f", "chat_id": 7}
    async with db.connection() as conn:
        order = await factories.make_job(conn, await users.get_user(conn, alice.who["id"]), args=args, price=0)
    turn = await does(alice, text=f"order:{action}:{order.id}")
    draft = DRAFT.of(alice)
    assert (draft.way, draft.cut == job.key) == (("touched", True) if is_kept else ("", False))
    assert any("Исправленного выреза уже нет" in words for words, _ in turn.chat.said) is not is_kept


async def test_a_finished_order_is_drawn_with_pieces_put_right_for_nothing(seller, photo, shop):
    await seller.sends_photo(photo)
    await seller.sees("не уверен, что чисто")
    await seller.says("Кружка")
    await seller.presses("Карточка товара")
    await seller.presses("Ozon")
    await seller.presses("Сделать")
    await shop.settle(seller)
    await seller.presses("Вырезать иначе", on=await seller.message_with("Вырезать иначе"))
    await seller.sees("перерисую тот же заказ")
    await seller.presses(TOUCH)
    shown = await seller.sees("Отметьте")
    await seller.presses(next(label for label in buttons(shown) if label.startswith(("➖", "➕"))))
    await seller.presses(FIX)
    shown = await seller.sees("перерисую тот же заказ")
    for _ in range(2):
        await seller.presses("Сделать так", on=shown)
        await shop.settle(seller)
    first, again = await shop.jobs(seller)
    assert (again["price"], again["state"], again["args"]["mends"]) == (0, "done", first["id"])
    assert (again["args"]["way"], again["args"]["cut"].rpartition(":")[2]) == ("touched", "1")
    assert await shop.balance(seller) == 1


async def test_an_order_waits_for_pieces_that_are_being_put_right(alice):
    job = await known(alice, FOUND)
    await does(alice, DRAFTED, text=f"order:touched:{job.id}:1")
    alice.step = "order:confirm"
    turn = await does(alice, text="order:confirm")
    assert "Ещё исправляю вырез" in turn.chat.said[-1][0]
    assert "card" not in [one.task for one in await queued(alice)]
    await ends(DRAFT.of(alice).cut, replace(FOUND, ways=("touched", "network", "framed")))
    await keeps(alice, DRAFT.of(alice).cut)
    await does(alice, text="order:confirm")
    [card] = [one for one in await queued(alice) if one.task == "card"]
    assert (card.args["cut"], card.args["way"]) == (f"{job.key}:1", "touched")


@pytest.mark.parametrize("error", ["internal", "picture_no_cutout", "cut_empty"])
async def test_pieces_that_cannot_be_put_right_leave_the_photo_and_its_cut_as_they_were(alice, error):
    job = await known(alice, FOUND)
    await does(alice, DRAFTED, text=f"order:touched:{job.id}:1")
    await ends(f"{job.key}:1", error=error)
    await does(alice, text="order:change:product")
    draft = DRAFT.of(alice)
    assert (draft.file_id, draft.cut, draft.way, draft.free) == ("f", job.key, "", "anywhere")
    await does(alice, text=f"order:touched:{job.id}:1")
    again, *_ = await queued(alice)
    assert (again.key, again.state) == (DRAFT.of(alice).cut, "queued"), "another try is another job"


async def test_the_choice_stands_when_the_picture_comes_back_and_is_said_in_todays_language(alice):
    job = await known(alice, FOUND)
    alice.who["language"] = "en"
    await does(alice, replace(DRAFTED, way="framed"), text=f"order:untouch:{job.id}")
    asked = (await queued(alice))[0].args
    assert (asked["view"], asked["chosen"], asked["language"]) == ("cut", "framed", "en")
    shown_of = job.args | {"language": asked["language"], "chosen": asked["chosen"]}
    words, [row, _], _ = showing._offer(replace(job, args=shown_of), FOUND)
    assert ("cut out" in words, [button.label for button in row]) == (True, ["Cut out", "✅ Whole photo"])


@pytest.mark.parametrize("alone", [False, True])
async def test_pieces_put_right_after_others_are_offered_for_the_same_order(alice, alone):
    job = await known(alice, FOUND)
    touched = replace(FOUND, ways=("touched", "network", "framed"), alone=("touched", "network"))
    asked = {"language": "ru", "order": 9, "used": ["touched"], "alone": alone}
    _, [row, _], ways = showing._offer(replace(job, args=asked | {"pieces": [1]}), touched)
    assert (ways, row[0].data) == (("touched",), f"order:recut:9:touched:{job.id}")
    *_, ways = showing._offer(replace(job, args=asked), touched)
    assert "touched" not in ways, "what was drawn already is not offered once more"


@pytest.mark.parametrize(
    ("drawn", "enough"), [(["touched"] * 3, False), (["touched"] * 4, True), (["", "touched"], False)]
)
async def test_the_first_drawing_of_an_order_is_no_copy_with_pieces_put_right(alice, monkeypatch, drawn, enough):
    async def drawings(conn, job):
        return [mends.Drawing(way, "cutout") for way in drawn]

    monkeypatch.setattr(mends, "list_drawings", drawings)
    assert await recutting._has_enough(await known(alice, FOUND)) is enough
