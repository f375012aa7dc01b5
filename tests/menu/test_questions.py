"""The figures of the search that may not fall: no limit is broken, and what is asked is found."""

import pytest

from bench import assistant


def shares(file):
    answered = assistant.ask(file)
    assert [one.question["id"] for one in answered if one.broken] == []
    asked = [one for one in answered if one.question["expect"]]
    silent = [one for one in answered if not one.question["expect"]]
    first, three = (sum(one.right(within) for one in asked) / len(asked) for within in (1, 3))
    return first, three, sum(not one.found.items for one in silent) / len(silent)


@pytest.mark.parametrize("file", assistant.SETS.values())
def test_the_search_finds_what_people_ask_for_breaks_no_limit_and_can_be_silent(file):
    first, three, silent = shares(file)
    assert first >= 0.9
    assert three >= 0.9
    assert silent >= 0.85


@pytest.mark.parametrize("file", assistant.UNSEEN.values())
def test_on_questions_that_nobody_tuned_it_for_it_breaks_no_limit_and_is_silent(file):
    first, three, silent = shares(file)
    assert first >= 0.8
    assert three >= 0.85
    assert silent >= 0.9
