"""Does the search of a menu find what people mean, and is it silent where the menu has nothing?

The menus and questions are in bench/menus. `first.jsonl` came with the menus of a café, a flower shop and a phone
repair, `second.jsonl` was written before the index; `third.jsonl` and `unseen.jsonl` are of eight other trades.
`fourth.jsonl` and `fifth.jsonl` are the halves, drawn at random, of 120 questions on four menus more, `sixth.jsonl` and
`seventh.jsonl` those of 79 on the first three. An answer that is marked as a guess counts as right where it is; where
nothing fits, a guess is no silence.
"""

import csv
import json
import statistics
import time
import tracemalloc
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from bench import results
from lib.menu.goods import MenuItem, Variant
from lib.menu.index import FoundItems, Index
from lib.menu.synonyms import Synonyms

MENUS = Path(__file__).parent / "menus"
SETS = {
    "first (45)": "first.jsonl",
    "second (100)": "second.jsonl",
    "third (60)": "third.jsonl",
    "fourth (60)": "fourth.jsonl",
    "sixth (39)": "sixth.jsonl",
}
# Nobody looks at what fails here: it is the measure of what other shops and clients get.
UNSEEN = {"unseen (50)": "unseen.jsonl", "fifth (60)": "fifth.jsonl", "seventh (40)": "seventh.jsonl"}
BARE = {f"{name}, no list of synonyms": file for name, file in (SETS | UNSEEN).items()}


@dataclass(frozen=True)
class Outcome:
    """How one question was answered."""

    question: dict[str, Any]
    found: FoundItems
    cpu_ms: float

    @property
    def codes(self) -> list[str]:
        return [one.item.code for one in self.found.items]

    def right(self, within: int) -> bool:
        return any(code in self.question["expect"] for code in self.codes[:within])

    @property
    def broken(self) -> bool:
        """Tell if one of the first three breaks a limit or holds what the question forbids."""
        least, most = (self.question.get(one, default) for one, default in (("min", 0), ("max", 10**9)))
        prices = [each.kopecks / 100 for one in self.found.items[:3] for each in one.variants]
        forbidden = {*self.question.get("forbid", ())} & {*self.codes[:3]}
        return bool(forbidden) or any(not least <= one <= most for one in prices)


def menu(name: str) -> list[MenuItem]:
    """Return one of the three menus."""
    with (MENUS / f"{name}.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return [_item(list(group)) for _, group in groupby(rows, key=lambda row: row["item"])]


def _item(rows: Sequence[dict[str, str]]) -> MenuItem:
    first = rows[0]
    variants = tuple(Variant(row["variant"], int(row["price"]) * 100) for row in rows)
    available = first["available"] == "1"
    return MenuItem(
        first["item"], first["category"], first["title"], variants, first["description"], available=available
    )


def questions(file: str) -> list[dict[str, Any]]:
    """Return the questions of a set."""
    return [json.loads(line) for line in (MENUS / file).read_text(encoding="utf-8").splitlines()]


def ask(file: str, *, bare: bool = False) -> list[Outcome]:
    """Ask all questions of a file; `bare`: without the list of synonyms, which knows such trades."""
    known = Synonyms() if bare else None
    asked = questions(file)
    indexes = {name: Index(menu(name), known) for name in {one["menu"] for one in asked}}
    outcomes = []
    for question in asked:
        began = time.process_time()
        found = indexes[question["menu"]].ask(question["q"])
        outcomes.append(Outcome(question, found, (time.process_time() - began) * 1000))
    return outcomes


def run() -> str:
    """Ask every question once and count; a broken limit fails the measurement."""
    lines = [
        "| questions | first right | in the first three | limits broken | silent where nothing fits "
        "| guesses | CPU ms: median, worst |",
        "|---|---|---|---|---|---|---|",
    ]
    outcomes = {name: ask(file) for name, file in (SETS | UNSEEN).items()}
    lines += [_row(name, answered) for name, answered in outcomes.items()]
    lines += [
        _row(name, ask(file, bare=True)) for name, file in BARE.items()
    ]  # without a list nobody knows what meat is
    if broken := [one.question["id"] for answered in outcomes.values() for one in answered if one.broken]:
        raise results.Failed(f"limits broken: {', '.join(broken)}")
    return "\n".join([*lines, "", _size()])


def _row(name: str, answered: list[Outcome]) -> str:
    asked = [one for one in answered if one.question["expect"]]
    silent = [one for one in answered if not one.question["expect"]]
    rights = [
        f"{n} of {len(asked)} ({n / len(asked):.0%})" for n in (sum(one.right(k) for one in asked) for k in (1, 3))
    ]
    broken, kept = sum(one.broken for one in answered), sum(not one.found.items for one in silent)
    times = [one.cpu_ms for one in answered]
    guesses = sum(one.found.guess for one in answered)
    return (
        f"| {name} | {' | '.join(rights)} | {broken} | {kept} of {len(silent)} | {guesses} "
        f"| {statistics.median(times):.1f}, {max(times):.1f} |"
    )


def _size() -> str:
    """Weigh an index of 60 items and one of 1,800."""
    parts = []
    for copies in (1, 30):
        items = [
            MenuItem(f"{one.code}{n}", one.category, one.title, one.variants, one.description)
            for one in menu("cafe")
            for n in range(copies)
        ]
        began = time.process_time()
        Index(items)
        took = (time.process_time() - began) * 1000
        tracemalloc.start()
        index = Index(items)
        size = tracemalloc.get_traced_memory()[0] / 1e6
        tracemalloc.stop()
        began = time.process_time()
        index.ask("сколько стоят круассаны с миндалём")
        asked = (time.process_time() - began) * 1000
        parts.append(f"{len(items)} items: built in {took:.0f} ms of CPU, {size:.1f} MB, a question {asked:.1f} ms")
    return "; ".join(parts) + "."
