"""When a broadcast goes, as its author presses or types it, by the shop's clock."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from lib import errors
from lib.flows import schedules
from lib.reach.broadcasts import Broadcast

MOSCOW_NOON = datetime(2036, 3, 11, 9, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def noon(monkeypatch):
    monkeypatch.setattr("lib.clock.now", lambda: MOSCOW_NOON)


def written(**fields: Any) -> Broadcast:
    """Return a draft of a shop in Moscow; what it says does not matter here."""
    nothing = dict.fromkeys(Broadcast.__dataclass_fields__)
    return Broadcast(**{**nothing, "zone": "Europe/Moscow", "by_clock": False, "run_at": None, **fields})


@pytest.mark.parametrize(
    ("words", "moment"),
    [
        ("12.03 18:00", datetime(2036, 3, 12, 15, 0, tzinfo=UTC)),
        (" 12.03  18:00 ", datetime(2036, 3, 12, 15, 0, tzinfo=UTC)),
        ("11.03 12:30", datetime(2036, 3, 11, 9, 30, tzinfo=UTC)),
        ("10.03 18:00", datetime(2037, 3, 10, 15, 0, tzinfo=UTC)),
        ("1 апреля 09:05", datetime(2036, 4, 1, 6, 5, tzinfo=UTC)),
        ("завтра 18:00", datetime(2036, 3, 12, 15, 0, tzinfo=UTC)),
        ("tomorrow 6 pm", datetime(2036, 3, 12, 15, 0, tzinfo=UTC)),
    ],
)
def test_a_typed_moment_is_the_next_such_one_at_the_shop(words, moment):
    assert schedules.typed(written(), words) == moment


@pytest.mark.parametrize(
    ("words", "code"),
    [
        *((words, "when_unclear") for words in ("", "12.03", "12.03 25:00", "32.03 10:00", "12.03 18", "завтра")),
        ("12.03.2040 10:00", "when_unclear"),
        ("10.03.2036 10:00", "when_past"),
        ("сегодня в 11", "when_past"),
    ],
)
def test_a_moment_that_is_none_or_over_or_far_is_refused(words, code):
    with pytest.raises(errors.Invalid, match=code):
        schedules.typed(written(), words)


def test_this_evening_is_offered_until_it_has_come(monkeypatch):
    assert [*schedules.offered(written())] == ["now", "evening", "tomorrow"]
    monkeypatch.setattr("lib.clock.now", lambda: MOSCOW_NOON.replace(hour=15))
    assert [*schedules.offered(written())] == ["now", "tomorrow"]


def test_a_press_says_when_and_by_whose_clock():
    evening, tomorrow = (datetime(2036, 3, day, hour, 0, tzinfo=UTC) for day, hour in ((11, 15), (12, 9)))
    assert schedules.pressed(written(), "evening") == {"run_at": evening}
    assert schedules.pressed(written(), "tomorrow") == {"run_at": tomorrow}
    assert schedules.pressed(written(), "clock") == {"by_clock": True}
    assert schedules.pressed(written(by_clock=True), "clock") == {"by_clock": False}
    assert schedules.pressed(written(by_clock=True), "now") == {"run_at": None, "by_clock": False}
    assert schedules.pressed(written(), "") is None
    assert schedules.pressed(written(), "yesterday") is None


@pytest.mark.parametrize(
    ("hour", "by_clock", "said"),
    [
        (None, False, "сразу"),
        (20, False, "12 марта 2036, 20:00, по времени магазина"),
        (21, False, "12 марта 2036, 21:00, по времени магазина; ночью не отправляем, поэтому с 13 марта 2036, 10:00"),
        (9, True, "12 марта 2036, 09:00, по часам клиента; ночью не отправляем, поэтому с 12 марта 2036, 10:00"),
    ],
)
def test_a_moment_at_night_says_when_people_really_get_it(hour, by_clock, said):
    at = datetime(2036, 3, 12, hour, tzinfo=ZoneInfo("Europe/Moscow")) if hour else None
    turn = SimpleNamespace(language="ru")
    assert schedules.said(turn, written(run_at=at, by_clock=by_clock, partner_id=1)) == said


def test_the_platform_has_no_shops_clock():
    at = datetime(2036, 3, 12, 20, tzinfo=ZoneInfo("Europe/Moscow"))
    own = written(run_at=at, partner_id=0)
    assert schedules.said(SimpleNamespace(language="ru"), own) == "12 марта 2036, 20:00, по московскому времени"


def test_at_once_waits_for_the_morning_where_it_is_night():
    turn = SimpleNamespace(language="ru")
    assert schedules.said(turn, written(zone="Asia/Kamchatka")) == (
        "сразу; ночью не отправляем, поэтому с 12 марта 2036, 10:00"
    )
    assert schedules.said(turn, written(zone="Asia/Vladivostok")) == "сразу"
