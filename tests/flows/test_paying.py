"""A paid broadcast: the price is shown, a yes names it, and nothing is paid for by itself."""

from types import SimpleNamespace

import pytest

from lib import db
from lib.flows import paying
from lib.reach import broadcasts
from lib.reach.broadcasts import AudienceCount, Broadcast


class Screen:
    """A turn of an administrator, and what it shows."""

    def __init__(self) -> None:
        self.state = SimpleNamespace(step="")
        self.words, self.buttons = "", {}

    def text(self, key, **fields):
        return f"{key} {fields}" if fields else key

    async def show(self, words, keyboard):
        self.words, self.buttons = words, {key.label.split(" ")[0]: key.data for row in keyboard for key in row}


@pytest.fixture
def desk(monkeypatch):
    """People to be written to, Stars on the balance, and which changes were made."""
    facts = SimpleNamespace(ready=1_005, held=20_000, changes=[])

    async def run(work):
        return await work(None)

    async def count(conn, one, now):
        return AudienceCount(facts.ready, 0, 0)

    async def change(conn, one, **fields):
        facts.changes.append(fields)
        return one

    async def balance(bot):
        return facts.held

    monkeypatch.setattr(db, "run", run)
    monkeypatch.setattr(broadcasts, "count", count)
    monkeypatch.setattr(broadcasts, "change", change)
    monkeypatch.setattr(paying, "balance", balance)
    return facts


def draft(**fields):
    nothing = dict.fromkeys(Broadcast.__dataclass_fields__)
    return Broadcast(**{**nothing, "version": 7, "bot": "client", "paid": False, **fields})


async def asked(desk, wish="", **fields):
    turn = Screen()
    done = await paying.handle(turn, draft(**fields), wish, "casts:paid:1", "casts:one:1")
    return turn, done


async def test_the_price_is_a_tenth_of_a_star_for_each_at_most(desk):
    turn, done = await asked(desk)
    assert done is None
    assert turn.words.startswith("news.paid.ask {'ready': 1005, 'stars': 101}")
    assert "news.paid.held {'held': 20000}" in turn.words
    assert turn.buttons["news.paid.yes"] == "casts:paid:1:yes:7:101"
    assert "news.paid.no" not in turn.buttons, "it is free until somebody says yes"


async def test_a_yes_to_what_was_shown_makes_it_paid(desk):
    _, done = await asked(desk, "yes:7:101")
    assert done is not None
    assert desk.changes == [{"paid": True}]


@pytest.mark.parametrize("wish", ["yes:6:101", "yes:7:100", "yes:7:", "yes", "yes:7:x", "maybe", "yes:7:-101"])
async def test_a_yes_to_another_version_or_a_lower_price_shows_it_again(desk, wish):
    turn, done = await asked(desk, wish)
    assert (done, desk.changes) == (None, [])
    assert "news.paid.ask" in turn.words


@pytest.mark.parametrize(("held", "ready"), [(9_999, 10), (10_000, 100_001), (None, 10)])
async def test_without_the_stars_there_is_no_yes(desk, held, ready):
    """A balance that Telegram did not say was once called too small."""
    desk.held, desk.ready = held, ready
    turn, _ = await asked(desk)
    assert ("news.paid.short {'least': 10000}" in turn.words) == (held is not None)
    assert ("news.paid.unknown" in turn.words) == (held is None)
    assert "news.paid.yes" not in turn.buttons
    _, done = await asked(desk, "yes:7:99999")
    assert (done, desk.changes) == (None, []), "nor by a forged button"


async def test_a_paid_one_can_be_made_free_whatever_the_balance(desk):
    desk.held = None
    turn, _ = await asked(desk, paid=True)
    assert turn.buttons["news.paid.no"] == "casts:paid:1:no"
    await asked(desk, "no", paid=True)
    assert desk.changes == [{"paid": False}]


@pytest.mark.parametrize(("people", "stars"), [(0, 0), (1, 1), (10, 1), (11, 2), (1_000_000, 100_000)])
def test_a_tenth_is_rounded_up(people, stars):
    assert broadcasts.most_stars(people) == stars
