"""Measure a Postgres and say whether to stay or to move, where to, and what stands in the way.

  python -m ops assess '$OLD_URL'                                     one database, at any provider
  python -m ops assess '$OLD_URL' '$NEON_URL' '$SUPABASE_URL'         decide about the first, measure all
  python -m ops assess '$OLD_URL' --target '$NEW_URL'                 ask the target itself what it offers
  python -m ops assess '$OLD_URL' --pays 75 --branches --html r.html  your bill, a wish, and a report to hand on
  python -m ops assess '$OLD_URL' --json > numbers.json

A name in single quotes is read from the environment by the verb itself, so that `ps` shows no password.
It reads catalogues and statistics, never a row of a table, in read-only transactions of at most 5 s. The load is
`select 1` for 3 s each on 1, 8 and 32 connections, as far as there is room, and stops at the first sign of harm;
--no-load leaves it out. Prices, limits and the tables of extensions are files in ops/neon/data that you may edit.
Hosts and passwords are not shown. Exit code 1 when a database could not be reached.
"""

import argparse
import json
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

from lib import errors
from ops.neon import addresses
from ops.neon.assess import found, page, shown, study, tables
from ops.neon.assess.rules import Wishes
from ops.neon.assess.words import LANGUAGES, Words
from ops.neon.progress import Progress


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "urls", nargs="+", metavar="URL", help="a database, or '$NAME' of a variable; the first is the one in question"
    )
    parser.add_argument(
        "--target", metavar="URL", help="where you would move: it is asked for its version and extensions"
    )
    parser.add_argument("--to", choices=[*tables.prices()["providers"]], help="where you would move, by name")
    parser.add_argument("--pays", type=_amount, metavar="USD", help="what a month costs you now")
    parser.add_argument("--branches", action="store_true", help="you want a database for each branch of the code")
    parser.add_argument(
        "--services", action="store_true", help="you want accounts, files or realtime with the database"
    )
    parser.add_argument(
        "--operator-rate", type=_amount, metavar="USD", help="an hour of somebody who looks after a server"
    )
    parser.add_argument("--working-set", type=_amount, metavar="GB", help="how much of the database is in use")
    parser.add_argument("--no-load", action="store_true", help="put no load on any database")
    parser.add_argument("--lang", choices=LANGUAGES, default="en", help="the language of the report (%(default)s)")
    parser.add_argument("--json", action="store_true", help="print all numbers as JSON")
    parser.add_argument("--html", metavar="FILE", type=Path, help="also write the report as one HTML file")


def _amount(given: str) -> float:
    try:
        number = float(given)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{given!r} is no number") from None
    if not 0 <= number < 1e9:
        raise argparse.ArgumentTypeError(f"{given} is out of range")
    return number


async def run(args: argparse.Namespace) -> int:
    wanted = study.Wanted(
        urls=[addresses.resolve(url) for url in args.urls],
        target=addresses.resolve(args.target) if args.target else None,
        wishes=Wishes(args.to, args.branches, args.services, args.pays, args.operator_rate is not None),
        working_set_gb=args.working_set,
        operator_usd=args.operator_rate,
        load=not args.no_load,
    )
    words, bars = Words(args.lang), _Bars(len(args.urls), quiet=args.json and not sys.stderr.isatty(), load=wanted.load)
    made = await study.make(wanted, datetime.now(UTC), bars.step)
    bars.end()
    if args.html:
        _write(args.html, page.html(made, words))
    if args.json:
        print(json.dumps(study.dump(made), ensure_ascii=False, indent=1))
    elif not all(one.problem for one in made.found):
        print(shown.text(made, words))
        print(words("note.wrote", file=args.html) if args.html else "")
    for problem in made.problems:
        print(f"ops assess: {problem}", file=sys.stderr)
    return 1 if made.problems else 0


def _write(file: Path, content: str) -> None:
    """Write by a temporary name, so that nobody ever opens half a report."""
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        draft.write_text(content, encoding="utf-8")
        draft.replace(file)
    except OSError as error:
        raise errors.Invalid("file", f"{file} cannot be written: {error.strerror}") from None


class _Bars:
    """A bar for each database, and one for the target."""

    def __init__(self, databases: int, *, quiet: bool, load: bool) -> None:
        self._databases, self._quiet, self._load = databases, quiet, load
        self._number = -1
        self._bar: Progress | None = None

    def step(self, number: int, what: str) -> None:
        """Move the bar of one database."""
        if number != self._number:
            self.end()
            is_target = number == self._databases
            title, steps = (
                "target" if is_target else f"database {number + 1}",
                found.steps(load=self._load and not is_target),
            )
            self._number, self._bar = number, Progress(title, steps, quiet=self._quiet)
        assert self._bar is not None
        self._bar.step(what)

    def end(self) -> None:
        """Finish the last bar."""
        if self._bar:
            self._bar.done("" if self._bar.count == self._bar.total else "stopped early")
        self._bar = None
