"""The pieces of a cut: shown, marked by one tap each, put right together, and kept for every later drawing."""

import asyncio
import re
from dataclasses import replace
from pathlib import Path

import pytest

from lib import db
from lib.flows.studio.order import touching
from lib.flows.studio.ordering import DRAFT, OrderDraft
from lib.jobs import table
from lib.studio import cuts
from lib.studio.cuts import KnownCut
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
    turn = await does(alice, DRAFTED, text=f"order:piece:{job.id}:4")
    [pieces, ways] = turn.chat.said[-1][1]
    assert [button.label for button in pieces] == ["➖ 1", "➖ 2", "✅ 3"]
    assert [button.data for button in pieces] == [f"order:piece:{job.id}:{bits}" for bits in (5, 6, 0)]
    assert [button.data for button in ways] == [f"order:untouch:{job.id}", f"order:touched:{job.id}:4"]
    turn = await does(alice, text=f"order:piece:{job.id}:0")
    [_, ways] = turn.chat.said[-1][1]
    assert [button.data for button in ways] == [f"order:untouch:{job.id}", f"order:others:{job.id}"]


async def test_pieces_are_put_right_once_however_often_it_is_pressed(alice):
    job = await known(alice, FOUND)
    await does(alice, DRAFTED, text=f"order:touched:{job.id}:5")
    draft = DRAFT.of(alice)
    assert (draft.cut, draft.way, draft.free) == (f"{job.key}:5", "touched", "")
    made = [one for one in await queued(alice) if one.key == draft.cut]
    assert [(one.task, one.args["pieces"], one.args["like"]) for one in made] == [("cut", [1, 3], job.key)]
    turn = await does(alice, text=f"order:touched:{job.id}:5")
    assert "от другого фото" in turn.chat.said[-1][0], "the draft has another cut by now"
    DRAFT.keep(alice, replace(draft, cut=job.key, way=""))
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
