"""The menu's answer, ready before its question is heard."""

import pytest

from lib import text
from lib.assistant import atonce, keyless
from lib.assistant.talks import HeardLine
from lib.menu import versions
from lib.menu.goods import MenuItem, Variant
from lib.menu.index import Index

INDEX = Index([MenuItem("1", "Кофе", "Латте", (Variant("300 мл", 25000),)), MenuItem("2", "Кофе", "Раф", ())])


def heard(shop=7, version=3, **changed):
    named = {"title": "Кофейня", "city": "Казань", "address": "", "contact": "", "tz": "Europe/Moscow", "hours": {}}
    told = {"talk_id": 1, "line_id": 1, "run_no": 1, "state": "bot", "taken_by": None, "is_new": True, "asked": False}
    return HeardLine(
        id=shop, menu_version=version, facts=f"{shop}.{version}", misses=None, **{**named, **told, **changed}
    )


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    monkeypatch.setattr(atonce, "_seen", {})
    monkeypatch.setattr(versions, "_indexes", {(7, 3): INDEX})


def test_it_is_what_the_menu_would_answer():
    atonce.saw(heard())
    ready = atonce.ready("ru", 7, "латте")
    reply = keyless.reply("ru", atonce.shop(heard()), INDEX, "латте")
    assert ready.reply == reply
    assert ready.answer.words == text.plain(reply.words)
    assert (ready.answer.facts, ready.answer.missed) == ("7.3", False)
    assert atonce.ready("en", 7, "pizza").answer.missed


def test_there_is_none_for_a_shop_or_a_menu_that_this_process_does_not_know():
    assert atonce.ready("ru", 7, "латте") is None
    atonce.saw(heard(version=4))
    assert atonce.ready("ru", 7, "латте") is None
    assert atonce.ready("ru", 8, "латте") is None


def test_the_newest_that_was_seen_of_a_shop_counts_and_the_oldest_shop_is_forgotten():
    atonce.saw(heard(version=2))
    atonce.saw(heard())
    assert atonce.ready("ru", 7, "латте").answer.facts == "7.3"
    for shop in range(100, 100 + versions.INDEXES):
        atonce.saw(heard(shop))
    assert atonce.ready("ru", 7, "латте") is None
    assert len(atonce._seen) == versions.INDEXES
