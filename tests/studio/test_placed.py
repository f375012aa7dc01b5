"""A person's orders: found by a number that anybody may type, listed in pages, with what came of them."""

import pytest

from lib.jobs import table
from lib.studio import files, mends, placed
from tests import factories

CARD = {"product": "card", "preset": "wb", "title": "Кружка", "chat_id": 1, "count": 1}


async def finished(conn, person, **args):
    job = await factories.make_running(conn, person, args=CARD | args)
    await table.update_job_status(conn, job, "done")
    return await table.get_job_by_id(conn, job.id)


@pytest.mark.parametrize("number", ["", "x", "-1", "1.0", "²", "٣", "9" * 19, "1; drop table jobs"])
async def test_what_is_no_number_finds_no_order(conn, number):
    assert await placed.find_order(conn, 1, number) is None


async def test_an_order_is_found_by_its_person_alone(conn, make_user):
    alice, mallory = await make_user(), await make_user()
    job = await finished(conn, alice)
    assert (await placed.find_order(conn, alice.id, str(job.id))).id == job.id
    assert await placed.find_order(conn, mallory.id, str(job.id)) is None


async def test_work_that_nobody_ordered_in_a_chat_is_no_order(conn, make_user):
    alice = await make_user()
    silent = await factories.make_job(conn, alice, args={"product": "card"})
    other = await factories.make_job(conn, alice, task="tell", args=CARD)
    for job in (silent, other):
        assert await placed.find_order(conn, alice.id, str(job.id)) is None


async def test_orders_come_newest_first_and_go_on_below_the_last(conn, make_user):
    alice = await make_user()
    made = [(await finished(conn, alice)).id for _ in range(3)]
    assert [one.id for one in await placed.list_orders(conn, alice.id, limit=2)] == [made[2], made[1]]
    assert [one.id for one in await placed.list_orders(conn, alice.id, before=made[1])] == [made[0]]


async def test_pieces_bring_the_ids_by_which_this_bot_knows_them(conn, make_user):
    alice = await make_user()
    job = await finished(conn, alice)
    sizes = {"bytes": 9, "width": 300, "height": 400}
    listed = [
        {"kind": kind, "pathname": f"{job.id}/{kind}", "content_type": "image/png", **sizes}
        for kind in ("card-preview", "card")
    ]
    kept = await files.add_files(conn, alice.id, job.id, listed)
    preview = next(one for one in kept if one.kind == "card-preview")
    await files.remember_telegram_ids(conn, "studio", "photo", {preview.id: "AgAC"})
    pieces = {one.kind: one for one in await placed.list_pieces(conn, job, "studio")}
    assert {kind: (one.way, one.telegram_id) for kind, one in pieces.items()} == {
        "card-preview": ("photo", "AgAC"),
        "card": ("document", ""),
    }
    assert not [one.telegram_id for one in await placed.list_pieces(conn, job, "client") if one.telegram_id]


async def test_a_batch_that_ended_early_has_the_cards_that_were_delivered_and_no_other(conn, make_user):
    alice = await make_user()
    job = await factories.make_running(conn, alice, args=CARD | {"product": "batch", "count": 3})
    shape = {"content_type": "image/png", "bytes": 9, "width": 300, "height": 400}
    listed = [{"kind": "card", "pathname": f"{job.id}/{number}", **shape} for number in range(2)]
    cards = await files.add_files(conn, alice.id, job.id, listed)
    kept = {
        f"item{number}": {"files": {"card": [card.id, card.pathname, 300, 400, 0]}, "sent": number == 0}
        for number, card in enumerate(cards)
    }
    job = await table.save_checkpoint(conn, job, kept)
    assert [one.file_id for one in await placed.list_pieces(conn, job, "studio")] == [cards[0].id]
    [archive] = await files.add_files(conn, alice.id, job.id, [{"kind": "zip", "pathname": "z", **shape}])
    assert [one.file_id for one in await placed.list_pieces(conn, job, "studio")] == [archive.id]


async def test_eleven_cards_of_a_batch_go_out_in_albums_that_telegram_takes():
    albums = []

    class Paper:
        async def send_documents(self, files, caption=""):
            albums.append((len(files), caption))

        async def send_document(self, file, caption=""):
            albums.append((1, caption))

    job = type("Stopped", (), {"id": 7, "args": {"product": "batch"}, "checkpoint": {}})()
    cards = [placed.Piece(number, "card", f"7/{number}.png", 300, 400) for number in range(11)]
    await placed.send(Paper(), job, cards, "Заказ №7")
    assert albums == [(10, "Заказ №7"), (1, "Заказ №7")]


async def read(pathname):
    return pathname.encode()


async def test_pieces_that_come_out_of_storage_lose_the_ids_that_telegram_forgot():
    piece = placed.Piece(1, "card", "7/card", 300, 400, telegram_id="AgAC")
    [filled] = await placed.filled([piece], read)
    assert (filled.data, filled.telegram_id) == (b"7/card", "")


async def test_words_of_a_finished_card_that_we_drew_can_be_changed(conn, make_user):
    job = await finished(conn, await make_user())
    assert not mends.takes_words(job), "nothing says that we drew it"
    job.checkpoint["item0"] = {"by": "local:card"}
    assert mends.takes_words(job)
    job.args["title"] = ""
    assert not mends.takes_words(job)


async def test_a_bad_cut_is_framed_next_and_a_bad_frame_is_cut(conn, make_user):
    job = await finished(conn, await make_user())
    assert mends.redone(job, "cut") == {"way": "framed"}
    job.checkpoint["item0"] = {"files": {"note": ["framed"]}}
    assert mends.redone(job, "product") == {"way": "network"}
    assert mends.redone(job, "words") == {"variant": 1}, "the next look"
