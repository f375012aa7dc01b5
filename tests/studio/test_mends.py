"""A bad result: called so once, made once more, and refunded once and not too often; free changes are counted."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from lib import text
from lib.credits import ledger
from lib.jobs import table
from lib.jobs.table import Job
from lib.people import users
from lib.studio import mends, orders
from lib.studio.cuts import KnownCut
from tests import factories

CARD = {"product": "card", "preset": "wb", "title": "Кружка"}


async def ordered(conn, person, *, price=2, state="done", **args):
    job = await factories.make_running(conn, person, price=price, args=CARD | args)
    await table.update_job_status(conn, job, state, error_code=None if state == "done" else "x")
    return job.id


async def bad(conn, person, **fields):
    order_id = await ordered(conn, person, **fields)
    assert await mends.complain(conn, person.id, order_id, "cut")
    return order_id


async def test_a_bad_result_is_refunded_once(conn, make_user):
    alice = await make_user(credits=5)
    order_id = await bad(conn, alice)
    given = [await mends.give_back(conn, alice.id, order_id) for _ in range(2)]
    assert [(one.outcome, one.amount) for one in given] == [("given", 2), ("already", 0)]
    assert await ledger.safe_get_balance(conn, alice.id) == 5
    assert [kind for kind, *_ in await factories.kinds(conn, alice)] == ["grant", "charge", "refund"]


async def test_an_order_is_called_bad_once(conn, make_user):
    alice = await make_user(credits=5)
    order_id = await bad(conn, alice)
    assert not await mends.complain(conn, alice.id, order_id, "words")


async def test_what_nobody_called_bad_is_not_refunded(conn, make_user):
    alice = await make_user(credits=5)
    order_id = await ordered(conn, alice)
    assert (await mends.give_back(conn, alice.id, order_id)).outcome == "late"


async def test_another_persons_order_is_neither_bad_nor_refunded(conn, make_user):
    alice, mallory = await make_user(credits=5), await make_user()
    order_id = await ordered(conn, alice)
    assert not await mends.complain(conn, mallory.id, order_id, "cut")
    await mends.complain(conn, alice.id, order_id, "cut")
    assert (await mends.give_back(conn, mallory.id, order_id)).outcome == "late"


async def test_a_failed_order_was_refunded_and_cannot_be_bad(conn, make_user):
    alice = await make_user(credits=5)
    assert not await mends.complain(conn, alice.id, await ordered(conn, alice, state="failed"), "cut")


async def test_an_old_result_cannot_be_called_bad(conn, make_user, monkeypatch):
    alice = await make_user(credits=5)
    order_id = await ordered(conn, alice)
    assert not (await mends.look_after(conn, alice.id, order_id)).is_late
    monkeypatch.setattr(mends, "COMPLAINED_WITHIN", timedelta(0))
    assert not await mends.complain(conn, alice.id, order_id, "cut")
    assert (await mends.look_after(conn, alice.id, order_id)).is_late


BATCH = {"product": "batch", "preset": "wb", "title": "Кружка", "photos": ["a", "b", "c"], "count": 3}
PART = {"item0": {"sent": True}, "item1": {"failed": "rules"}, "item2": {"sent": True}, "earned": 2}


@pytest.mark.parametrize("state", ["done", "cancelled"])
async def test_of_a_part_of_a_batch_what_was_delivered_is_given_back_once(conn, make_user, state):
    alice = await make_user(credits=5)
    running = await factories.make_running(conn, alice, price=3, args=BATCH)
    running = await table.save_checkpoint(conn, running, PART)
    await table.update_job_status(conn, running, state, error_code=None if state == "done" else "cancelled")
    assert await ledger.safe_get_balance(conn, alice.id) == 3, "the photo that was left out is paid back by then"
    assert await mends.complain(conn, alice.id, running.id, "words")
    assert not (await mends.look_after(conn, alice.id, running.id)).is_refunded
    given = [await mends.give_back(conn, alice.id, running.id) for _ in range(2)]
    assert [(one.outcome, one.amount) for one in given] == [("given", 2), ("already", 0)]
    assert await ledger.safe_get_balance(conn, alice.id) == 5
    assert (await mends.look_after(conn, alice.id, running.id)).is_refunded


async def test_nothing_goes_back_while_the_order_is_made_once_more(conn, make_user):
    alice = await make_user(credits=5)
    order_id = await bad(conn, alice)
    redo = await factories.make_running(conn, alice, key=f"redo:{order_id}")
    assert (await mends.give_back(conn, alice.id, order_id)).outcome == "early"
    await table.update_job_status(conn, redo, "done")
    assert (await mends.give_back(conn, alice.id, order_id)).outcome == "given"


async def test_a_person_is_refunded_three_times_in_thirty_days(conn, make_user):
    alice, bob = await make_user(credits=20), await make_user(credits=5)
    orders = [await bad(conn, alice) for _ in range(4)]
    outcomes = [(await mends.give_back(conn, alice.id, one)).outcome for one in orders]
    assert outcomes == ["given", "given", "given", "limit"]
    assert (await mends.give_back(conn, bob.id, await bad(conn, bob))).outcome == "given"
    await conn.execute("update complaints set refunded_at = now() - interval '31 days' where job_id = %s", orders[:1])
    assert (await mends.give_back(conn, alice.id, orders[3])).outcome == "given"


async def test_refunds_before_an_erasure_count_for_their_thirty_days(conn, make_user):
    alice = await make_user(credits=20)
    for _ in range(3):
        await mends.give_back(conn, alice.id, await bad(conn, alice))
    await users.erase(conn, alice.id, alice.tg_id)
    again = await make_user(credits=5, tg_id=alice.tg_id)
    order_id = await bad(conn, again)
    assert (await mends.give_back(conn, again.id, order_id)).outcome == "limit"
    await conn.execute("update remembered set until = now() where what = 'bad'")
    assert (await mends.give_back(conn, again.id, order_id)).outcome == "given"


async def test_a_free_change_counts_once_it_is_made_or_under_way(conn, make_user):
    alice = await make_user(credits=5)
    order_id = await ordered(conn, alice)
    mended = {"price": 0, "mends": order_id}

    async def change(number, state):
        job = await factories.make_running(conn, alice, key=f"mend:studio:{order_id}{number}", args=CARD | mended)
        if state != "running":
            await table.update_job_status(conn, job, state, error_code=None if state == "done" else "x")

    for number, state in enumerate(("done", "failed", "running")):
        await change(number, state)
    await factories.make_running(conn, alice, key=f"redo:{order_id}", args=CARD | mended)
    after = await mends.look_after(conn, alice.id, order_id)
    assert (after.changes, after.left, after.is_bad) == (2, 1, False)


async def test_the_copies_of_an_order_differ_from_it_in_the_cut_alone(conn, make_user):
    alice, mallory = await make_user(credits=5), await make_user(credits=5)
    order_id = await ordered(conn, alice, message_id=1)
    free = {"price": 0, "mends": order_id, "message_id": 2}
    changed = await ordered(conn, alice, title="Чашка", **free)
    await ordered(conn, alice, way="framed", cut="cut:1", **free)
    await ordered(conn, alice, way="wide", title="Чашка", **free)
    await ordered(conn, alice, way="plain", state="failed", **free)
    await ordered(conn, alice, way="network")  # an order of its own
    await ordered(conn, mallory, way="alpha", **free)
    for number, ways in ((order_id, ["", "framed"]), (changed, ["", "wide"])):
        drawings = await mends.list_drawings(conn, await table.get_job_by_id(conn, number))
        assert [one.way for one in drawings] == ways


async def test_a_refunded_order_has_no_free_changes(conn, make_user):
    alice = await make_user(credits=5)
    order_id = await bad(conn, alice)
    await mends.give_back(conn, alice.id, order_id)
    after = await mends.look_after(conn, alice.id, order_id)
    assert (after.is_refunded, after.is_bad, after.left) == (True, True, 0)


async def test_complaints_are_counted_by_what_was_made_and_why(conn, make_user):
    alice = await make_user(credits=9)
    for reason, look in (("cut", "bad-1"), ("cut", "bad-1"), ("other", "bad-2")):
        order_id = await ordered(conn, alice, preset=look)
        await mends.complain(conn, alice.id, order_id, reason)
    await mends.give_back(conn, alice.id, order_id)
    found = [one for one in await mends.count_complaints(conn) if one.look.startswith("bad-")]
    assert [(one.look, one.reason, one.number, one.refunded) for one in found] == [
        ("bad-1", "cut", 2, 0), ("bad-2", "other", 1, 1),
    ]  # fmt: skip
    assert await mends.count_complaints(conn, timedelta(0)) == []


@pytest.mark.parametrize(
    ("reason", "note", "changed"),
    [
        ("cut", "cutout", {"way": "framed"}),
        ("product", "framed", {"way": "network"}),
        ("words", "cutout", {"variant": 3}),
        ("other", "framed", {"variant": 3}),
    ],
)
async def test_an_order_is_made_once_more_in_another_way(conn, make_user, reason, note, changed):
    alice = await make_user()
    job = await factories.make_running(conn, alice, args=CARD | {"variant": 1, "count": 2})
    job = await table.save_checkpoint(conn, job, {"item0": {"files": {"note": [note]}}})
    assert dict(mends.redone(job, reason)) == changed


async def test_the_export_holds_what_a_person_called_bad(conn, make_user):
    alice, bob = await make_user(credits=5), await make_user(credits=5)
    order_id = await bad(conn, alice)
    await bad(conn, bob)
    await mends.give_back(conn, alice.id, order_id)
    [complaint] = (await users.export(conn, alice.id))["complaints"]
    assert (complaint["order"], complaint["reason"]) == (order_id, "cut")
    assert complaint["refunded_at"]


def job(**changes):
    """A finished card that we drew, of which a test changes what matters."""
    moment = datetime(2026, 3, 10, tzinfo=UTC)
    facts = dict.fromkeys(Job.__dataclass_fields__) | {"created_at": moment, "run_at": moment}
    made = {"item0": {"by": "local:1"}, "item1": {"by": "local:1"}}
    wanted = {"id": 9, "task": "card", "key": "order:9", "state": "done", "args": CARD, "checkpoint": made}
    return Job(**facts | wanted | changes)


@pytest.mark.parametrize(
    ("changes", "takes"),
    [
        ({}, True),
        ({"args": CARD | {"count": 2}}, True),
        ({"args": CARD | {"count": 3}}, False),  # the third was made by somebody else
        ({"args": CARD | {"preset": "white"}}, False),
        ({"args": CARD | {"title": ""}}, False),
        ({"state": "failed"}, False),
        ({"task": "background"}, False),
        ({"checkpoint": {"item0": {"by": "kie:nano"}}}, False),
        ({"checkpoint": {}}, False),
    ],
    ids=str,
)
def test_words_are_changed_on_a_finished_card_that_we_drew(changes, takes):
    assert mends.takes_words(job(**changes)) is takes


@pytest.mark.parametrize(
    ("changes", "shows"),
    [
        ({}, True),
        ({"checkpoint": {"item0": {"by": "kie:nano"}}}, True),
        ({"args": CARD | {"product": "batch"}}, True),
        ({"args": CARD | {"title": "", "titles": ["А", "Б"]}}, True),
        ({"args": CARD | {"title": ""}}, False),
        ({"args": CARD | {"preset": "clear"}}, False),
        ({"args": CARD | {"preset": "white"}}, False),
        ({"task": "background"}, False),
        ({"task": "video"}, True),
        ({"task": "video", "checkpoint": {"item0": {"by": "kie:veo"}}}, False),
    ],
    ids=str,
)
def test_only_a_result_that_shows_words_can_have_bad_ones(changes, shows):
    assert mends.shows_words(job(**changes)) is shows


def test_a_change_belongs_to_the_order_that_was_paid():
    assert mends.root(job()) == 9
    assert mends.root(job(args=CARD | {"mends": "5"})) == 5


@pytest.mark.parametrize(
    ("note", "reason", "changes"),
    [
        ("", "cut", {"way": "framed"}),
        ("framed", "cut", {"way": "network"}),
        ("framed", "product", {"way": "network"}),
        ("framed", "words", {"variant": 5}),
        ("", "other", {"variant": 5}),
    ],
)
def test_a_bad_result_is_made_in_another_way_by_its_reason(note, reason, changes):
    bad_job = job(args=CARD | {"variant": 3, "count": 2}, checkpoint={"item0": {"files": {"note": [note]}}})
    assert mends.redone(bad_job, reason) == changes


@pytest.mark.parametrize(("note", "way"), [("framed", "network"), ("cutout", "framed"), ("", "framed")])
def test_a_badly_cut_clip_is_made_in_another_way_and_another_look(note, way):
    """A photo that is cut at its top is shown whole in whatever way: the clip shall not come out the same."""
    clip = {"product": "video5", "template": "ugc"}
    bad_job = job(task="video", args=CARD | clip, checkpoint={"item0": {"files": {"note": [note]}}})
    assert mends.redone(bad_job, "cut") == {"way": way, "variant": 1}


@pytest.mark.parametrize(
    ("args", "note", "drawn", "changes"),
    [
        ({}, "cutout", [("", "cutout"), ("framed", "framed")], {"variant": 1}),
        ({"way": "framed"}, "framed", [("", "cutout"), ("framed", "framed")], {"variant": 1}),
        ({"way": "wide"}, "cutout", [("", "framed"), ("wide", "cutout")], {"variant": 1}),
        ({"preset": "white"}, "cutout", [("", "cutout"), ("framed", "framed")], None),
    ],
)
def test_a_badly_cut_result_is_not_made_in_a_way_that_the_seller_has(args, note, drawn, changes):
    bad_job = job(args=CARD | args, checkpoint={"item0": {"files": {"note": [note]}}})
    drawings = [mends.Drawing(*one) for one in drawn]
    assert mends.redone(bad_job, "cut", drawings) == changes


ONE = KnownCut("sure", ("network", "framed"), ("network",), white=True)
SEVERAL = KnownCut("unsure", ("network", "wide", "plain", "framed"), ("network", "wide", "plain"), white=True)
TOUCHED = KnownCut("sure", ("touched", "network", "framed"), ("touched", "network"), white=True)
TIDIED = ("touched", "network", "tidied")
TOUCHED_TIDIED = replace(TOUCHED, ways=(*TIDIED, "framed"), alone=TIDIED)
PLAIN = KnownCut("unsure", ("plain", "framed"), ("plain",), white=True)
CROPPED = KnownCut("unsure", ("network", "framed"), cropped=("network",))
ALONG_EDGES = KnownCut("sure", ("network", "framed"))
SCENE, WHITE, CLEAR = {"product": "background"}, {"preset": "white"}, {"preset": "clear"}
CLIP, SET = {"product": "video5"}, {"product": "set", "count": 2}


@pytest.mark.parametrize(
    ("known", "args", "note", "way"),
    [
        *[(one, SCENE, "cutout", None) for one in (ONE, None)],  # another scene alone is the same cut
        (SEVERAL, SCENE | {"way": "network"}, "cutout", "wide"),
        (SEVERAL, SCENE | {"way": "plain"}, "cutout", "network"),
        (TOUCHED, SCENE | {"way": "touched"}, "cutout", None),
        (TOUCHED, SCENE | {"way": "network"}, "cutout", "touched"),
        (TOUCHED_TIDIED, SCENE | {"way": "touched"}, "cutout", "tidied"),
        (TOUCHED_TIDIED, WHITE | {"way": "touched"}, "cutout", "tidied"),
        (TOUCHED, WHITE | {"way": "touched"}, "cutout", None),
        (ONE, WHITE, "cutout", "framed"),  # the note would say if the photo itself could not be washed
        (ONE, WHITE, "framed", "network"),
        (SEVERAL, WHITE, "cutout", "wide"),
        (SEVERAL, WHITE | {"way": "framed"}, "cutout", "wide"),  # it could not be washed, and was the first cut
        (TOUCHED, CLEAR | {"way": "touched"}, "cutout", None),
        (SEVERAL, CLEAR | {"way": "plain"}, "cutout", "network"),
        *[(TOUCHED, more | {"way": "touched"}, "cutout", "framed") for more in ({}, SET, CLIP)],
        *[(TOUCHED, more | {"way": "framed"}, "framed", "touched") for more in ({}, SET, CLIP)],
        (PLAIN, {}, "framed", "plain"),
        (CROPPED, {}, "framed", ""),
        (CROPPED, CLIP, "framed", "network"),
        (ALONG_EDGES, {"way": "network"}, "framed", ""),  # a cut that fits no cover comes out framed again
    ],
)
def test_a_result_is_made_once_more_in_a_way_that_its_cut_knows(known, args, note, way):
    task = "video" if args == CLIP else "card"
    made = {"item0": {"by": "local:1", "files": {"note": [note]}}, "item1": {"by": "local:1"}}
    changes = mends.redone(job(task=task, args=CARD | args, checkpoint=made), "cut", (), known)
    assert (changes and changes.get("way", "")) == way


@pytest.mark.parametrize(
    ("known", "drawn", "way"),
    [
        (SEVERAL, [("framed", "framed")], "wide"),
        (SEVERAL, [("framed", "framed"), ("wide", "cutout"), ("plain", "cutout")], None),
        (TOUCHED, [("framed", "framed")], None),
        (SEVERAL, [], "framed"),
    ],
)
def test_what_every_way_was_drawn_in_already_is_made_in_another_look(known, drawn, way):
    bad_job = job(args=CARD | {"way": known.ways[0]})
    changes = mends.redone(bad_job, "cut", [mends.Drawing(*one) for one in drawn], known)
    assert changes == ({"way": way} if way else {"variant": 1})


@pytest.mark.parametrize(
    ("known", "note", "way"),
    [(ONE, "placed", "framed"), (SEVERAL, "", "network"), (TOUCHED, "placed", "framed"), (None, "", None)],
)
def test_a_scene_of_a_model_has_another_cut_or_none(known, note, way):
    made = {"item0": {"by": "kie:nano", "files": {"note": [note]}}}
    args = CARD | SCENE | ({"way": "touched"} if known is TOUCHED else {})
    changes = mends.redone(job(task="background", args=args, checkpoint=made), "cut", (), known)
    assert changes == {"variant": 1} | ({"way": way} if way else {})


@pytest.mark.parametrize("language", text.LANGUAGES)
def test_a_cancelled_order_gives_credits_back_and_a_cancelled_change_leaves_the_order(language):
    change = job(args=CARD | {"mends": "5"}, key="redo:5")
    assert mends.is_redo(change)
    assert not mends.is_redo(job(args=CARD | {"mends": "5"}, key="mend:5:1"))
    assert mends.cancelled(language, job(), 7) == text.say(language, "cancel.order", balance=7)
    assert mends.cancelled(language, change, 7) == text.say(language, "cancel.mend", number=5)
    closed = (mends.cancelled_above(language, job()), mends.cancelled_above(language, change))
    assert closed == (text.say(language, "cancel.order_closed"), text.say(language, "cancel.mend_closed"))


@pytest.mark.parametrize(
    ("changes", "is_refunded", "left"), [(0, False, 3), (2, False, 1), (3, False, 0), (4, False, 0), (0, True, 0)]
)
def test_three_changes_are_free_and_none_of_what_was_refunded(changes, is_refunded, left):
    assert mends.Aftercare(changes, is_refunded, is_bad=False).left == left


@pytest.mark.parametrize(
    ("args", "changes"),
    [
        ({"preset": "classified"}, {"way": "framed", "variant": 2}),
        ({"product": "batch", "preset": "wb", "count": 2}, {"variant": 2, "count": 0}),
    ],
)
def test_a_result_that_no_frame_can_replace_still_comes_out_otherwise(args, changes):
    assert dict(mends.redone(job(args=CARD | {"variant": 1, "count": 1} | args), "cut")) == changes


@pytest.mark.parametrize(
    ("args", "reason", "changes"),
    [
        ({"preset": "clear"}, "cut", None),
        ({"preset": "clear"}, "other", None),
        ({"preset": "white"}, "cut", None),
        ({"preset": "white"}, "other", {"variant": 1}),
        ({"product": "background"}, "cut", None),
        ({"product": "background"}, "other", {"variant": 1}),
        ({"product": "batch", "preset": "clear"}, "words", None),
        ({"preset": "wb"}, "cut", {"variant": 1}),
    ],
    ids=str,
)
def test_a_product_that_can_be_shown_in_one_way_is_not_made_once_more_the_same(args, reason, changes):
    made = {"item0": {"files": {"note": ["cutout only"]}}}
    assert mends.redone(job(args=CARD | args, checkpoint=made), reason) == changes


def test_of_a_batch_those_photos_are_made_once_more_that_were_delivered():
    part = job(args=BATCH | {"titles": ["А", "Б", "В"]}, state="cancelled", checkpoint=PART)
    assert (mends.is_delivered(part), mends.worth(part)) == (True, 2)
    kept = {"photos": ["a", "c"], "titles": ["А", "В"], "count": 2, "variant": 1}
    assert mends.redone(part, "words") == kept
    one = job(args=BATCH, checkpoint={"item2": {"sent": True}})
    made = orders.Order.read(
        BATCH | mends.redone(one, "cut") | {"bot": "studio", "chat_id": 1, "message_id": 1, "language": "ru"}
    )
    assert (made.product, made.file_id, made.count, made.photos, made.title) == ("card", "c", 1, (), "Кружка")


@pytest.mark.parametrize(
    ("product", "preset", "varies"),
    [
        *[("card", "wb", True), ("card", "white", True), ("card", "clear", False), ("set", "white", True)],
        *[("batch", "ozon", True), ("batch", "white", False), ("batch", "clear", False), ("background", "clear", True)],
    ],
)
def test_another_variant_is_offered_where_it_looks_different(product, preset, varies):
    ordered = job(task="background" if product == "background" else "card", args={"product": product, "preset": preset})
    assert mends.can_vary(ordered) is varies
