"""A flow's draft in a state: stored sparsely, read as its type, and forgotten when it does not fit."""

from dataclasses import dataclass

import pytest

from lib.telegram import conversation
from lib.telegram.conversation import State
from lib.telegram.drafts import DraftKey


@dataclass(frozen=True)
class Trip:
    """What these tests draft."""

    to: str
    days: int = 1
    guests: tuple[str, ...] = ()


TRIP = DraftKey("trip", Trip)


def test_a_draft_comes_back_out_of_the_stored_state_as_its_own_type():
    state = State()
    TRIP.keep(state, Trip("Казань", guests=("Боб",)))
    assert TRIP.of(conversation.load(state.dump())) == Trip("Казань", 1, ("Боб",))


def test_what_is_at_its_default_is_not_stored():
    assert TRIP.dump(Trip("Казань")) == {"to": "Казань"}


def test_a_dropped_draft_is_gone():
    state = State()
    TRIP.keep(state, Trip("Казань"))
    assert TRIP.drop(state) is True
    assert TRIP.of(state) is None
    assert TRIP.drop(state) is False


@pytest.mark.parametrize("stored", [None, {}, [1, 2], "Казань", 7, {"days": 2}])
def test_what_another_release_stored_in_another_form_counts_as_none(stored):
    assert TRIP.of(State(data={"trip": stored})) is None


def test_a_field_of_another_release_is_left_out():
    assert TRIP.of(State(data={"trip": {"to": "Казань", "by": "train"}})) == Trip("Казань")


def test_two_parts_of_a_draft_from_both_sides_of_an_outage_make_one():
    kept, carried = State(saved_at=1.0), State(saved_at=2.0, blind=True)
    TRIP.keep(kept, Trip("Казань", days=3))
    TRIP.keep(carried, Trip("Казань", guests=("Боб",)))
    assert TRIP.of(conversation.merge(kept, carried)) == Trip("Казань", 3, ("Боб",))
