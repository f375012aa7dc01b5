"""A bar on a terminal, lines elsewhere."""

import io

from ops.neon import progress
from ops.neon.progress import Progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_bar_shows_how_much_is_done():
    assert progress.line("data", 6, 12, 3.4, "app.orders") == f"data         [{'#' * 12}{'.' * 12}] 6/12 3 s app.orders"


def test_a_step_without_parts_is_full():
    assert "[" + "#" * 24 + "] 0/0" in progress.line("data", 0, 0, 0)


def test_a_terminal_gets_one_line_that_moves():
    terminal = Terminal()
    bar = Progress("data", 2, to=terminal)
    bar.step("a")
    bar.step("b")
    bar.done()
    assert terminal.getvalue().count("\n") == 1
    assert terminal.getvalue().count("\r") == 3


def test_a_log_gets_the_end_only_when_it_is_short():
    log = io.StringIO()
    bar = Progress("data", 2, to=log)
    bar.step("a")
    bar.done("2 tables")
    assert log.getvalue() == "data         2 tables in 0.0 s\n"


def test_a_quiet_step_says_nothing_and_counts_no_further_than_its_total():
    log = io.StringIO()
    bar = Progress("data", 2, to=log, quiet=True)
    bar.step(by=5)
    assert bar.count == 2
    assert bar.done() >= 0
    assert log.getvalue() == ""
