"""A request in words: what was promised, and why it was cancelled."""

from datetime import UTC, datetime

import pytest

from lib import text
from lib.assistant import requests, slip
from lib.assistant.requests import RequestMove


def a_move(state, reason="", *, by_client=False):
    return RequestMove(state, reason, datetime(2026, 11, 28, 12, tzinfo=UTC), by_client, "Вера")


@pytest.mark.parametrize(
    ("move", "minutes"),
    [
        (a_move("accepted", "30"), 30),
        (a_move("accepted"), 0),
        (a_move("accepted", "скоро"), 0),
        (a_move("cancelled", "30"), 0),
    ],
)
def test_only_minutes_of_an_acceptance_are_a_promise(move, minutes):
    assert slip.promised(move) == minutes


@pytest.mark.parametrize("language", text.LANGUAGES)
@pytest.mark.parametrize("minutes", requests.MINUTES)
def test_each_choice_of_minutes_has_a_label_and_a_sentence(language, minutes):
    assert text.say(language, f"request.button.in_{minutes}")
    said = text.say(language, "request.told.accepted_in", shop="Булочная", number=7, minutes=int(minutes))
    assert minutes in said
    assert "7" in said


@pytest.mark.parametrize(
    ("move", "key"),
    [
        (a_move("cancelled", "busy"), "request.why.busy"),
        (a_move("cancelled", "Печь остыла"), "request.why.words"),
        (a_move("cancelled", by_client=True), "request.why.client"),
        (a_move("cancelled"), None),
        (a_move("accepted", "30"), None),
    ],
)
def test_a_reason_is_told_of_what_was_cancelled_alone(move, key):
    told = slip.reason(move)
    assert (told[0] if told else None) == key
