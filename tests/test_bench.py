"""python -m bench measures what it is asked for, and nothing before it is asked."""

import pytest

from bench import __main__ as bench


@pytest.fixture
def asked(monkeypatch):
    names = []
    monkeypatch.setattr(
        bench, "_ask", lambda *given, writes=True: names.append((*given, *([] if writes else ["printed"]))) or 0
    )
    return names


@pytest.mark.parametrize("given", [[], ["--help"], ["-h"]])
def test_bench_without_a_question_lists_the_questions(given, asked, capsys):
    assert bench.main(given) == 0
    said = capsys.readouterr().out
    assert "queue          How fast is the queue beside others" in said
    assert asked == []


def test_bench_measures_what_it_is_asked_for(asked, capsys):
    assert bench.main(["queue", "cut"]) == 0
    assert asked == [("queue",), ("cut",)]
    assert bench.main(["cut", "photos"]) == 0
    assert asked[2:] == [("cut", "photos")]
    assert bench.main(["all"]) == 0
    assert {("loyalty",), ("queue",), ("chaos",)} < set(asked[3:])
    assert bench.main(["--print", "bundle"]) == 0
    assert asked[-1] == ("bundle", "printed")
    assert bench.main(["--print"]) == 2
    assert bench.main(["nothing"]) == 2
    assert "no question 'nothing'" in capsys.readouterr().err
