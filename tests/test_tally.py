"""Batches of counts: when one leaves, and that nothing counts twice whatever becomes of its journey."""

import json

from lib import tally


def counted(own: tally.Tally, *names: str, ended: int = 0) -> None:
    for name in names:
        own.counts[name] += 1
    own.ended += ended


def read(batch: str) -> tuple[int, dict[str, int]]:
    found = json.loads(batch)
    return found["n"], found["c"]


def test_a_batch_leaves_when_twenty_things_have_ended():
    own = tally.Tally()
    counted(own, "a", ended=19)
    assert own.take(0) == ""
    counted(own, "a", ended=1)
    assert read(own.take(0)) == (1, {"a": 2})


def test_a_batch_leaves_a_minute_after_the_first_thing_has_ended():
    own = tally.Tally()
    counted(own, "a")
    assert own.take(1000) == "", "a look that finds nothing to do is not worth a command"
    counted(own, "a", ended=1)
    assert own.take(2000) == ""
    assert own.take(2059) == ""
    assert read(own.take(2060)) == (1, {"a": 2})


def test_what_is_hurried_leaves_at_once_however_little():
    own = tally.Tally()
    counted(own, "a")
    own.hurry()
    assert read(own.take(0)) == (1, {"a": 1})


def test_no_other_batch_leaves_before_the_first_has_arrived():
    own = tally.Tally()
    counted(own, "a", ended=20)
    first = own.take(0)
    counted(own, "b", ended=20)
    assert own.take(1) == "", "it is under way"
    own.lost()
    assert own.take(2) == first, "the same, with its number"
    own.arrived()
    assert read(own.take(3)) == (2, {"b": 1})


def test_a_journey_that_never_ends_is_taken_for_lost():
    own = tally.Tally()
    counted(own, "a", ended=20)
    first = own.take(0)
    assert own.take(59) == ""
    assert own.take(61) == first


def test_a_batch_too_old_to_be_known_for_a_repeat_is_dropped():
    own = tally.Tally()
    counted(own, "a", ended=20)
    own.take(0)
    own.lost()
    counted(own, "b", ended=20)
    assert read(own.take(tally.KEPT + 1)) == (2, {"b": 1})


def test_what_took_long_is_in_the_bucket_of_its_end(monkeypatch):
    monkeypatch.setattr(tally, "own", tally.Tally())
    for ms in (10, 11, 200, 99_000):
        tally.timed("update", "studio", "done", ms=ms)
    assert tally.own.counts == {
        "update|studio|done|0.01": 1,
        "update|studio|done|0.025": 1,
        "update|studio|done|0.2": 1,
        "update|studio|done|+Inf": 1,
        "update_ms|studio|done": 99_221,
    }
