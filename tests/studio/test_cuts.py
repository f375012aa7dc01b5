"""The kept cut of a photo: whose it is, what is known of it, and what stands below its picture."""

from dataclasses import replace
from typing import get_args

import pytest

from lib import errors, storage, text
from lib.drawing.cut.result import Certainty
from lib.studio import cuts, orders
from lib.studio import files as stored_files
from lib.studio.cuts import KnownCut
from tests.factories import make_job, make_user

SURE = KnownCut("sure", ("network", "plain", "framed"), ("network", "plain"), white=True)
UNSURE = KnownCut("unsure", ("network", "wide", "plain", "framed"), ("network",), white=True)
HOPELESS = KnownCut("hopeless", ("framed",))


def test_the_ways_of_an_order_are_those_of_the_cut():
    from typing import get_args

    from lib.drawing.cut.result import Way

    assert sorted(orders.WAYS) == sorted(("", *get_args(Way)))


@pytest.mark.parametrize(
    ("known", "default", "offered", "shown"),
    [
        (SURE, "network", ("network", "framed"), ("network",)),
        (UNSURE, "framed", ("network", "wide", "framed"), ("network", "wide", "framed")),
        (HOPELESS, "framed", ("framed",), ("framed",)),
    ],
)
def test_the_seller_is_shown_what_there_is_to_choose(known, default, offered, shown):
    assert (known.default, known.offered, known.shown) == (default, offered, shown)
    assert KnownCut.read(known.dump()) == known


@pytest.mark.parametrize(
    ("known", "chosen", "labels"),
    [
        (SURE, "", ["✅ Вырезанный", "Фото целиком"]),
        (SURE, "framed", ["Вырезанный", "✅ Фото целиком"]),
        (UNSURE, "", ["1", "2", "✅ 3"]),
        (UNSURE, "wide", ["1", "✅ 2", "3"]),
    ],
)
def test_the_tick_is_at_what_the_order_will_have(known, chosen, labels):
    _, [row] = cuts.said("ru", 7, known, chosen)
    assert [button.label for button in row] == labels
    assert [button.data for button in row] == [f"order:cut:7:{way}" for way in known.offered]


@pytest.mark.parametrize("language", text.LANGUAGES)
@pytest.mark.parametrize("verdict", get_args(Certainty))
def test_where_a_model_draws_the_cut_is_not_promised_for_the_card(monkeypatch, language, verdict):
    known = KnownCut(verdict, ("network", "framed"), ("network",), white=True)
    words, ours = cuts.said(language, 9, known)
    monkeypatch.setattr(cuts.makers, "is_remote", lambda product: True)
    by_model, theirs = cuts.said(language, 9, known)
    assert ("PNG" in by_model, words != by_model, ours == theirs) == (True, True, True)


def test_what_is_hopeless_has_no_buttons_and_says_what_helps():
    words, keyboard = cuts.said("ru", 7, HOPELESS)
    assert keyboard == []
    assert "на ровном фоне" in words


@pytest.mark.parametrize(
    ("known", "free"),
    [(SURE, "anywhere"), (HOPELESS, "nowhere"), (KnownCut("sure", ("network", "framed"), (), white=True), "white")],
)
def test_where_the_product_can_stand_follows_from_the_ways(known, free):
    assert known.free == free


async def begun(conn, alice, key="cut:studio:7:1"):
    return await cuts.begin(conn, alice.id, key, {"bot": "studio", "chat_id": 7, "file_id": "f"})


async def test_a_cut_is_free_and_found_by_its_own_person_alone(conn):
    alice, mallory = await make_user(conn), await make_user(conn)
    job = await begun(conn, alice)
    assert (job.task, job.price, job.deadline is None) == ("cut", 0, False)
    assert (await cuts.find(conn, alice.id, job.key)).id == job.id
    assert await cuts.find(conn, mallory.id, job.key) is None
    assert await cuts.find(conn, alice.id, "") is None


async def test_a_kept_cut_is_found_by_its_own_person_alone(conn):
    alice, mallory = await make_user(conn), await make_user(conn)
    job = await begun(conn, alice)
    file = {"kind": "cut", "pathname": "local/cut/a.bin", "content_type": "application/octet-stream", "bytes": 9}
    await stored_files.add_files(conn, alice.id, job.id, [{**file, "width": 9, "height": 9}])
    found = [await cuts.SQL.find_cut.one(conn, str, user_id=one.id, key=job.key) for one in (alice, mallory)]
    assert found == ["local/cut/a.bin", None]


async def test_a_cut_that_is_gone_or_broken_is_made_once_more(database):
    from lib.drawing.cut import result

    async with database.connect() as conn:
        alice = await make_user(conn)
        await begun(conn, alice)
    assert await cuts.kept(alice.id, "cut:studio:7:1") == b""
    assert result.kept(b"") is None
    assert result.kept(b"{}\nbroken") is None
    assert result.kept(b"\xff\xd8") is None


async def test_a_store_out_of_reach_is_told_from_a_cut_that_is_gone(database, monkeypatch):
    async def away(pathname):
        raise errors.Unavailable("storage")

    async with database.connect() as conn:
        alice = await make_user(conn)
        job = await begun(conn, alice)
        file = {"kind": "cut", "pathname": "local/cut/b.bin", "content_type": "application/octet-stream", "bytes": 9}
        await stored_files.add_files(conn, alice.id, job.id, [{**file, "width": 9, "height": 9}])
    assert await cuts.get(alice.id, job.key) == b"", "storage has lost the file"
    monkeypatch.setattr(storage, "get", away)
    assert await cuts.kept(alice.id, job.key) == b""
    with pytest.raises(errors.Unavailable):
        await cuts.get(alice.id, job.key)


def test_a_job_that_knows_nothing_yet_has_no_cut():
    assert KnownCut.read({}) is None
    assert KnownCut.read({"ways": [], "verdict": "sure"}) is None


@pytest.mark.parametrize(
    ("known", "way", "clear"),
    [
        (SURE, "", True),
        (SURE, "plain", True),
        (SURE, "framed", False),
        (UNSURE, "", False),
        (UNSURE, "network", True),
        (UNSURE, "wide", False),
        (HOPELESS, "", False),
    ],
)
def test_the_product_stands_free_in_the_chosen_way_or_in_the_one_that_is_surely_clean(known, way, clear):
    assert known.is_clear(way) is clear


@pytest.mark.parametrize(
    ("known", "used", "alone", "others"),
    [
        (SURE, [""], False, ("plain", "framed")),
        (SURE, ["framed"], False, ("network", "plain")),
        (SURE, ["", "framed"], False, ("plain",)),
        (SURE, ["", "framed", "plain"], False, ()),
        (SURE, ["network"], True, ("plain",)),
        (SURE, [""], True, ("plain",)),
        (UNSURE, ["network"], False, ("wide", "plain", "framed")),
        (UNSURE, ["network", "wide"], False, ("plain", "framed")),
        (UNSURE, ["network"], True, ()),
        (HOPELESS, [""], False, ()),
        (HOPELESS, [""], True, ()),
    ],
)
def test_other_cuts_of_an_order_are_those_it_has_not_used(known, used, alone, others):
    assert known.others(used, alone=alone) == others


CROPPED = KnownCut("sure", ("touched", "network", "framed"), cropped=("touched", "network"))


@pytest.mark.parametrize("language", text.LANGUAGES)
@pytest.mark.parametrize(
    ("known", "key"),
    [
        (CROPPED, "put_right.cropped"),
        (replace(CROPPED, cropped=("network",)), "put_right"),
        (replace(CROPPED, ways=("network", "framed")), "sure.cropped"),
        (replace(CROPPED, verdict="unsure", ways=("network", "framed")), "unsure.cropped"),
        (replace(CROPPED, verdict="unsure", ways=("network", "plain", "framed")), "unsure"),
        (HOPELESS, "hopeless"),
    ],
)
def test_that_no_cover_has_a_place_for_a_cut_is_said_before_it_is_chosen(language, known, key):
    words, _ = cuts.said(language, 4, known)
    assert words == text.say(language, f"studio.cut.{key}", n=len(known.offered))


def test_a_checkpoint_keeps_what_no_cover_has_a_place_for():
    assert KnownCut.read(CROPPED.dump()) == CROPPED


def test_other_cuts_have_a_button_each_and_one_has_a_word():
    take = text.say("ru", "studio.recut.take")
    for others, labels in ((("plain",), [take]), (("plain", "framed"), ["1", "2"])):
        words, [row] = cuts.said_again("ru", 9, others, 4, UNSURE)
        assert [button.label for button in row] == labels
        assert [button.data for button in row] == [f"order:recut:9:{way}:4" for way in others]
        assert words == text.say("ru", "studio.recut.choose")
    assert cuts.said_again("ru", 9, (), 4, UNSURE) == (text.say("ru", "studio.recut.none"), [])
    words, [[touch]] = cuts.said_again("ru", 9, (), 4, replace(UNSURE, pieces="-"))
    assert (words, touch.data) == (text.say("ru", "studio.recut.touch"), "order:touch:4")


async def test_a_photo_is_cut_once_for_its_message_and_found_by_its_person_alone(conn):
    alice, mallory = await make_user(conn), await make_user(conn)
    args = {"file_id": "f"}
    made = [await cuts.begin(conn, alice.id, "cut:7", args) for _ in range(2)]
    assert made[0].id == made[1].id
    assert (made[0].price, made[0].task) == (0, "cut")
    assert (await cuts.find(conn, alice.id, "cut:7")).id == made[0].id
    for person, key in ((mallory, "cut:7"), (alice, ""), (alice, "cut:8")):
        assert await cuts.find(conn, person.id, key) is None


async def test_the_key_of_another_kind_of_job_finds_no_cut(conn):
    alice = await make_user(conn)
    await make_job(conn, alice, key="order:7")
    assert await cuts.find(conn, alice.id, "order:7") is None
