"""A text that is shown while it is being written: drafts or edits, pauses, and how it ends."""

import asyncio
from datetime import timedelta

import pytest

from lib import errors
from lib.telegram import live
from lib.telegram.live import LiveText


class Paper:
    """A chat that notes what is shown in it."""

    def __init__(self, *, drafts=True, floods=0, refuses=()):
        self.drafts, self.floods, self.refuses = drafts, floods, refuses
        self.seen = []

    async def draft(self, draft_id, words):
        if self.floods:
            self.floods -= 1
            raise errors.Unavailable("telegram_flood", retry_after=timedelta(milliseconds=20))
        if self.drafts:
            self.seen.append(("draft", words))
        return self.drafts

    async def say_plain(self, words, entities=(), keyboard=None):
        if entities and "entities" in self.refuses:
            raise errors.Rejected("telegram", "can't parse entities")
        self.seen.append(("say", words, len(entities)))
        return 5

    async def edit_plain(self, message_id, words, entities=(), keyboard=None):
        self.seen.append(("edit", words, len(entities)))
        return "edits" not in self.refuses

    async def delete(self, message_id):
        self.seen.append(("delete", message_id))


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    for name in ("PACE", "EDIT_PACE", "FIRST"):
        monkeypatch.setattr(live, name, 0.01)


def text(paper, said, verdicts=()):
    left = iter(verdicts)

    async def look():
        return next(left, "")

    return LiveText(paper, 7, lambda: "".join(said), look)


async def write(shown, said, *parts):
    for part in parts:
        said.append(part)
        shown.grow()
        await asyncio.sleep(0.05)
    return "written"


async def test_the_newest_words_are_shown_as_drafts_and_the_whole_ends_as_a_message():
    said, paper = [], Paper()
    shown = text(paper, said)
    assert await shown.follow(write(shown, said, "Есть ", "кофе")) == "written"
    assert [one for one in paper.seen if one[0] == "draft"] == [("draft", "Есть "), ("draft", "Есть кофе")]
    assert await shown.end("Есть кофе", [{"type": "bold"}], []) == 5
    assert paper.seen[-1] == ("say", "Есть кофе", 1)


async def test_a_chat_without_drafts_gets_a_message_that_is_edited():
    said, paper = [], Paper(drafts=False)
    shown = text(paper, said)
    await shown.follow(write(shown, said, "Есть ", "кофе"))
    await shown.end("Есть кофе", [], [])
    assert [one[0] for one in paper.seen] == ["say", "edit", "edit"]
    await shown.drop()
    assert paper.seen[-1] == ("delete", 5)


async def test_a_flood_pauses_the_drafts_and_loses_nothing():
    said, paper = [], Paper(floods=1)
    shown = text(paper, said)
    await shown.follow(write(shown, said, "Есть ", "кофе", "."))
    assert paper.seen[-1] == ("draft", "Есть кофе.")


@pytest.mark.parametrize("why", ["stop", "next"])
async def test_nobody_goes_on_with_what_nobody_wants(why):
    said, paper = [], Paper()
    shown = text(paper, said, ["", why])
    assert await shown.follow(write(shown, said, *"абвгдежз" * 50)) is None
    assert shown.verdict == why
    assert len(said) < 50


async def test_entities_that_are_refused_are_left_out_and_a_message_that_is_gone_is_sent_anew():
    paper = Paper(drafts=False, refuses=("entities", "edits"))
    shown = text(paper, ["Есть"])
    await shown.follow(write(shown, [], "Есть"))
    await shown.end("Есть кофе", [{"type": "bold"}], [])
    assert paper.seen[-1] == ("say", "Есть кофе", 0)


async def test_an_error_of_the_work_is_the_callers():
    async def fail():
        raise errors.Unavailable("down")

    with pytest.raises(errors.Unavailable):
        await text(Paper(), []).follow(fail())
