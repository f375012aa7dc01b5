"""One JSON line an event: what it holds, what stays out of it, and that libraries cannot break it."""

import asyncio
import json
import logging
import re
import sys
import threading
import warnings

import pytest

from lib import errors, log


@pytest.fixture
def lines(capsys):
    """Return the lines that were printed since the last look, each read as JSON."""
    return lambda: [json.loads(line) for line in capsys.readouterr().out.splitlines()]


@pytest.fixture
def libraries(monkeypatch):
    """Let libraries log into our lines for one test only."""
    root = logging.getLogger()
    kept, level = root.handlers[:], root.level
    monkeypatch.setattr(sys, "unraisablehook", sys.unraisablehook)
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    log.take_over()
    yield
    logging.captureWarnings(False)
    root.handlers[:] = kept
    root.setLevel(level)


def test_a_scope_is_one_line_with_its_facts_counts_and_time(lines):
    with log.scope("update", bot="studio"):
        log.count("sql")
        log.count("sql", 2)
        log.note(flow="order", words="Кружка")
    [line] = lines()
    assert line.pop("ms") >= 0
    assert line == {"event": "update", "bot": "studio", "sql": 3, "flow": "order", "words": "Кружка"}


def test_outside_of_a_scope_nothing_is_counted_and_events_stand_alone(lines):
    log.count("sql")
    log.note(flow="order")
    assert log.current() is None
    log.event("alert", key="audit", at=threading)
    [line] = lines()
    assert (line["event"], line["key"]) == ("alert", "audit"), "what JSON has no form for is printed as words"


def test_a_scope_that_fails_is_printed_all_the_same_and_a_scope_within_is_its_own(lines):
    def fail():
        with log.scope("outer"):
            with log.scope("inner") as record:
                assert log.current() is record
                log.count("sql")
            raise ValueError("odd")

    with pytest.raises(ValueError, match="odd"):
        fail()
    inner, outer = lines()
    assert (inner["event"], inner["sql"]) == ("inner", 1)
    assert (outer["event"], "sql" in outer) == ("outer", False)
    assert log.current() is None


async def test_events_that_are_served_at_once_keep_their_counts_apart(lines):
    async def serve(name, number):
        with log.scope(name):
            for _ in range(number):
                log.count("sql")
                await asyncio.sleep(0)

    await asyncio.gather(serve("a", 3), serve("b", 5))
    assert {line["event"]: line["sql"] for line in lines()} == {"a": 3, "b": 5}


def test_an_error_is_named_with_the_last_places_it_passed(lines):
    def deep(level):
        if level:
            deep(level - 1)
        raise ValueError("x" * 900)

    with log.scope("job"):
        try:
            deep(9)
        except ValueError as error:
            log.failure(error)
    [line] = lines()
    assert (line["error"][:14], len(line["error"])) == ("ValueError: xx", 500)
    assert len(line["where"]) == 4
    assert all("test_log.py:" in place for place in line["where"])


@pytest.mark.usefixtures("libraries")
def test_what_a_library_logs_is_one_line_with_its_traceback(lines):
    logger = logging.getLogger("some.library")
    logger.warning("a\nb %s", 5)
    try:
        raise KeyError("x")
    except KeyError:
        logger.exception("failed")
    first, second = lines()
    assert (first["event"], first["logger"], first["level"], first["message"]) == (
        "library",
        "some.library",
        "WARNING",
        "a\nb 5",
    )
    assert (second["error"], len(second["where"])) == ("KeyError: 'x'", 1)


def test_a_librarys_own_mistake_loses_no_line(lines):
    log._Libraries().emit(logging.LogRecord("some.library", logging.ERROR, "", 1, "%s and %s", (1,), None))
    [line] = lines()
    assert line["message"] == "%s and %s"


@pytest.mark.usefixtures("libraries")
def test_warnings_and_errors_of_threads_are_lines_too(lines):
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("deprecated", UserWarning, stacklevel=1)
    threading.excepthook(threading.ExceptHookArgs([ValueError, ValueError("lost"), None, None]))
    warned, failed = lines()
    assert (warned["logger"], "deprecated" in warned["message"]) == ("py.warnings", True)
    assert (failed["logger"], failed["error"]) == ("threading", "ValueError: lost")


@pytest.mark.usefixtures("libraries")
@pytest.mark.parametrize("name", ["httpx", "httpcore", "telegram"])
def test_libraries_that_would_print_every_address_are_quiet(name):
    assert logging.getLogger("some.library").isEnabledFor(logging.INFO)
    assert not logging.getLogger(name).isEnabledFor(logging.INFO)


@pytest.mark.parametrize(
    ("said", "printed"),
    [
        ("POST https://api.telegram.org/bot111:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA/sendMessage", "bot111:***/sendM"),
        ("headers {'Authorization': 'Bearer abc.def-123'}", "Bearer ***"),
        ("cannot reach postgresql://owner:pass@host/db", "postgresql://***@host"),
    ],
)
def test_no_secret_is_printed_in_our_words_or_a_librarys(lines, said, printed):
    log.event("library", message=said)
    [line] = lines()
    assert printed in line["message"]
    assert not re.search(r"A{30}|abc\.def|:pass", line["message"])


@pytest.mark.parametrize(
    ("error", "printed"),
    [
        (ValueError("no whole number: 'Латте на овсяном'"), "ValueError: no whole number: '…'"),
        (ValueError(f'invalid input: "{"word " * 8}"'), "ValueError: invalid input: '…'"),
        (OSError("duplicate key\nDETAIL:  Key (phone)=(+79001234567) already exists."), "OSError: duplicate key"),
        (KeyError("draft"), "KeyError: 'draft'"),
        (errors.Invalid("odd_price", "Цена в строке 3"), "Invalid: odd_price: Цена в строке 3"),
    ],
)
def test_what_somebody_wrote_is_not_in_the_line_of_an_error(lines, error, printed):
    with log.scope("update"):
        log.failure(error)
    assert lines()[0]["error"] == printed
