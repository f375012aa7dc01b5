"""The figures of the search that may not fall: no limit is broken, and what is asked is found."""

from bench import assistant


def test_the_search_finds_what_people_ask_for_and_breaks_no_limit():
    for file in assistant.SETS.values():
        answered = assistant.ask(file)
        asked = [one for one in answered if one.question["expect"]]
        assert [one.question["id"] for one in answered if one.broken] == []
        assert sum(one.right(1) for one in asked) >= 0.9 * len(asked)
        assert sum(one.right(3) for one in asked) >= 0.95 * len(asked)
