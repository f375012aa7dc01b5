"""What the checkpoint of an order keeps of its items, the words of older releases included."""

import pytest

from lib.providers.contract import Ticket
from lib.studio.items import Call, Item, StoredFile

ASKED = {"id": 5, "offer": "kie:nano-banana-2", "still": False, "nonce": "ab", "account": "k1", "at": 12.5}
TICKET = {"provider": "kie", "model": "nano-banana-2", "id": "t1", "account": "k1"}

# As checkpoints in the database hold them, of each state.
KEPT = {
    "open": {"tried": ["kie:a", "kie:b"], "since": 3.5, "lost": 1, "why": "down"},
    "asked": {"call": ASKED | {"request": {"model": "m", "input": {"prompt": "p"}}}},
    "begun": {"call": ASKED | {"ticket": TICKET}, "fetches": 2, "still": [7, "still/7.jpg", 1080, 1920, 0]},
    "made": {
        "files": {"card-preview": [8, "p", 900, 1200, 0], "card": [9, "f", 1200, 1600, 0], "note": ["left"]},
        "by": "local:card",
        "why": "spent",
    },
}


@pytest.mark.parametrize("state", KEPT)
def test_an_item_of_a_checkpoint_is_read_and_written_in_the_same_words(state):
    item = Item.read(0, KEPT[state])
    assert item.state == state
    assert item.dump() == KEPT[state]


def test_what_a_checkpoint_holds_is_what_the_item_says():
    item = Item.read(2, KEPT["begun"])
    assert item.call == Call(5, "kie:nano-banana-2", False, "ab", "k1", 12.5, None, Ticket(**TICKET))
    assert item.still == StoredFile(7, "still/7.jpg", 1080, 1920)
    assert (item.number, item.asked.provider, item.fetches) == (2, "kie", 2)


def test_an_item_that_nobody_has_touched_is_open_and_keeps_nothing():
    assert Item.read(0, None).state == "open"
    assert Item.read(0, None).dump() == {}


def test_files_of_a_release_that_noted_no_lengths_and_no_note_are_read():
    item = Item.read(0, {"files": {"video": [9, "v.mp4", 1080, 1920]}, "by": "local:video"})
    assert item.files["video"] == StoredFile(9, "v.mp4", 1080, 1920, 0)
    assert (item.state, item.note) == ("made", "")


def test_an_item_that_is_passed_on_forgets_its_call_and_its_wait_and_knows_who_could_not():
    item = Item.read(0, {"call": ASKED, "tried": ["kie:a"], "since": 3.5, "lost": 1}).passed_on()
    assert item.dump() == {"tried": ["kie:a", "kie:nano-banana-2"], "lost": 1}
