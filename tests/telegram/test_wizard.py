"""Forms as data: one question at a time, back and forth without loss, whatever is pressed, typed or kept."""

import pytest

from lib import errors, text
from lib.telegram import conversation, screen, wizard
from lib.telegram.wizard import Form, Step
from tests.telegram import paper

SENTENCES = wizard.FormSentences("goes on", "use buttons", "words only", "afresh")


def _name(said, draft):
    if len(said) > 10:
        raise errors.Invalid("too_long", "10")
    return said


FORM = Form(
    flow="trip",
    name="journey",
    key="ask.",
    facts=("shop",),
    steps=[
        Step("way", choices={"train": "train", "foot": "foot"}),
        Step("name", _name, {"": "nobody"}),
        Step("seat", choices={"1": 1, "2": lambda draft: draft["name"] * 2}),
    ],
    sentences=SENTENCES,
    fields=lambda turn, draft: {"seat": draft.get("seat", "none")},
    refusal=lambda turn, error: f"refused {error.code}",
    send="send",
    back="trip:list",
    skipped=lambda draft: ["seat"] if draft.get("way") == "foot" else [],
)


class Traveller:
    """A person who fills the form in; each turn begins with what the turn before has left."""

    def __init__(self):
        self.paper, self.state = paper.Paper("partner", paper.ALICE.id), conversation.State(who={"language": "ru"})

    def turn(self, came):
        self.state = self.state.copy()
        return paper.turn(came, self.state, self.paper)

    async def begins(self, **more):
        await wizard.begin(self.turn(paper.press("trip:new")), FORM, **more)

    async def presses(self, data):
        await wizard.answer(self.turn(paper.press(data)), FORM)

    async def says(self, words):
        await wizard.answer(self.turn(paper.text(words)), FORM)

    async def sends(self):
        return await wizard.confirmed(self.turn(paper.press("trip:send")), FORM)

    @property
    def draft(self):
        return self.state.data["journey"]

    @property
    def sees(self):
        return self.paper.words


@pytest.fixture
async def alice(monkeypatch):
    """Sentences are their own keys here, so that a test reads what was asked."""
    monkeypatch.setattr(text, "say", lambda language, key, **fields: f"{key} {fields['seat']}" if fields else key)
    traveller = Traveller()
    await traveller.begins(shop=7)
    return traveller


async def filled(alice):
    await alice.presses("trip:way:train")
    await alice.says("Anna")
    await alice.presses("trip:seat:1")


async def test_questions_follow_one_another_and_end_with_the_confirmation(alice):
    assert (alice.sees, alice.state.step) == ("ask.way none", "trip:way")
    await alice.presses("trip:way:train")
    assert alice.sees == "ask.name none"
    await alice.says("Anna")
    assert alice.sees == "ask.seat none"
    await alice.presses("trip:seat:1")
    assert (alice.sees, alice.state.step) == ("ask.confirm 1", "trip:confirm")
    assert await alice.sends() == {"shop": 7, "way": "train", "name": "Anna", "seat": 1}


async def test_the_buttons_of_a_question_are_its_choices_and_the_way_back(alice):
    assert alice.paper.buttons == {
        "train": "trip:way:train",
        "foot": "trip:way:foot",
        "button.back": "trip:list",
        "button.menu": "menu:home",
    }


async def test_a_choice_can_be_made_of_the_answers_before(alice):
    await alice.presses("trip:way:train")
    await alice.presses("trip:name")
    await alice.presses("trip:seat:2")
    assert alice.draft == {"shop": 7, "way": "train", "name": "nobody", "seat": "nobodynobody"}


async def test_going_back_loses_no_answer(alice):
    await filled(alice)
    await alice.presses(alice.paper.buttons["button.back"])
    assert alice.sees == "ask.seat 1"
    await alice.presses(alice.paper.buttons["button.back"])
    assert alice.sees == "ask.name 1"
    await alice.says("Bob")
    assert (alice.sees, alice.draft["name"], alice.draft["seat"]) == ("ask.confirm 1", "Bob", 1)


async def test_what_another_answer_makes_pointless_is_not_asked_and_does_not_count(alice):
    await filled(alice)
    await alice.presses("trip:back:way")
    await alice.presses("trip:way:foot")
    assert alice.sees == "ask.confirm none"
    assert await alice.sends() == {"shop": 7, "way": "foot", "name": "Anna"}
    await alice.presses("trip:seat:2")
    assert alice.draft["seat"] == 1


async def test_an_answer_of_before_counts_again_when_its_question_does(alice):
    await filled(alice)
    for way in ("foot", "train"):
        await alice.presses(f"trip:way:{way}")
    assert (alice.sees, (await alice.sends())["seat"]) == ("ask.confirm 1", 1)


@pytest.mark.parametrize(
    "data",
    [
        "trip:way:plane",
        "trip:way",
        "trip:way:train:1",
        "trip:seat:3",
        "trip:shop:8",
        "trip:back:shop",
        "trip:back:",
        "trip:confirm",
        "trip:",
        "trip",
        "trip:name:x",
        "trip:way:__class__",
        "trip:\x00:\x00",
    ],
)
async def test_a_hostile_press_answers_nothing(alice, data):
    await alice.presses(data)
    assert (alice.sees, alice.draft) == ("ask.way none", {"shop": 7})


async def test_nothing_is_sent_before_everything_is_answered_and_shown(alice):
    assert await alice.sends() is None
    assert alice.sees == "ask.way none"
    await filled(alice)
    await alice.presses("trip:back:name")
    assert await alice.sends() is None


async def test_words_that_are_no_answer_are_refused_and_asked_for_again(alice):
    await alice.presses("trip:way:train")
    await alice.says("x" * 11)
    assert (alice.sees, alice.state.step) == ("refused too_long\n\nask.name none", "trip:name")
    assert alice.draft == {"shop": 7, "way": "train"}


async def test_words_where_only_buttons_answer_and_what_is_no_words_are_told_so(alice):
    await alice.says("by train")
    assert alice.sees == "use buttons\n\nask.way none"
    await wizard.answer(alice.turn(paper.Incoming(1, "photo", paper.ALICE)), FORM)
    assert alice.sees == "words only\n\nask.way none"


async def test_a_form_that_was_left_goes_on_with_what_was_answered(alice):
    await alice.presses("trip:way:train")
    alice.state.step = "menu:home"
    await alice.begins(shop=7)
    assert alice.sees == "goes on\n\nask.name none"
    assert alice.paper.buttons["afresh"] == "trip:new:afresh"


async def test_afresh_drops_every_answer(alice):
    await filled(alice)
    await alice.begins(shop=7, afresh=True)
    assert (alice.sees, alice.draft) == ("ask.way none", {"shop": 7})
    assert "afresh" not in alice.paper.buttons


async def test_what_was_begun_for_another_shop_is_not_gone_on_with(alice):
    await filled(alice)
    await alice.begins(shop=8)
    assert (alice.sees, alice.draft) == ("ask.way none", {"shop": 8})


@pytest.mark.parametrize(
    "old", [None, [], "train", 7, {"shop": 7, "way": "train", "seats": 2}, {"v": 1, "answers": {"way": "train"}}]
)
async def test_a_draft_of_another_version_begins_afresh(alice, old):
    alice.state.data["journey"], alice.state.step = old, "trip:seats"
    assert not wizard.is_open(alice.turn(paper.text("2")), FORM)
    await alice.says("2")
    assert alice.sees == "use buttons\n\nask.way none"
    await alice.begins(shop=7)
    assert (alice.sees, alice.draft) == ("ask.way none", {"shop": 7})


async def test_a_step_that_no_longer_exists_asks_what_is_open(alice):
    await alice.presses("trip:way:train")
    alice.state.step = "trip:seats"
    await alice.says("Anna")
    assert (alice.draft["name"], alice.sees) == ("Anna", "ask.seat none")


async def test_a_button_of_an_older_message_finds_the_form_closed_and_words_find_it_open(alice):
    old = paper.press("trip:way:train", paper.SCREEN - 1)
    assert not wizard.is_open(alice.turn(old), FORM)
    assert wizard.is_open(alice.turn(paper.text("train")), FORM)
    assert wizard.is_open(alice.turn(paper.press("trip:way:train")), FORM)


async def test_a_form_that_has_had_its_effect_is_forgotten(alice):
    await filled(alice)
    wizard.settle(turn := alice.turn(paper.press("trip:send")), FORM)
    assert (turn.state.step, wizard.draft_of(turn, FORM), turn.settled) == ("", None, True)
    assert screen.pressed(turn)[0] == "send"
