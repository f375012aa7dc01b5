"""The list of other words for the same thing: the product's own, and what a shop adds to it.

The product's list lies in `thesaurus/`, a file a trade, and a menu gets those of its own trades. A line is one rule:

    a, b, c        each stands for the others; what is said in two words is read as the first that is one
    a, b > c, d    a and b are one thing, and who says either also looks for c and d, and for what these are called
    a b = c d      the phrase is read as the other one, before anything else
    a              a word that is no typing error of another

A phrase is known in all its forms: красной рыбы is read as красная рыба.
"""

import functools
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from lib.menu import words

_FOLDER = Path(__file__).with_name("thesaurus")
_LONGEST_PHRASE = 4
_COMMON = "common"
_SHARE = 0.3  # of the titles that the best trade knows


@dataclass
class Synonyms:
    """Which stems each stem stands for, and which phrases are read as another one."""

    phrases: dict[tuple[str, ...], str] = field(default_factory=dict)
    also: dict[str, set[str]] = field(default_factory=dict)
    kinds: dict[str, set[str]] = field(default_factory=dict)
    _begun: set[str] = field(default_factory=set)  # the words that a phrase begins with

    def add(self, lines: Iterable[str]) -> None:
        """Add the rules of these lines; an empty line and a comment are none."""
        for line in (words.plain(one) for one in lines):
            if line.startswith("#") or not line:
                continue
            if "=" in line:
                said, _, meant = line.partition("=")
                self._phrase(said.split(), meant.strip())
            else:
                self._add_group(line)

    def _add_group(self, line: str) -> None:
        said, _, meant = line.partition(">")
        names = [one.strip() for one in said.split(",")]
        single = next((one for one in names if " " not in one), "")
        asked = {self._single(one, single) for one in names}
        below = {self._single(one.strip()) for one in meant.split(",") if one.strip()}
        for one in asked:
            self.also.setdefault(one, set()).update(asked)
            self.kinds.setdefault(one, set()).update(below)

    def _single(self, name: str, single: str = "") -> str:
        """Return the stem of a name; a phrase is read as a single word."""
        if " " not in name:
            return _stem(name)
        return _stem(self._phrase(name.split(), single or name.replace(" ", "")))

    def _phrase(self, said: list[str], meant: str) -> str:
        stems = tuple(map(_stem, said))
        self._begun.add(stems[0])
        return self.phrases.setdefault(stems, meant)

    def means(self, stem: str) -> set[str]:
        """Return the stems of all that a word stands for, its kinds and their names included."""
        return self.also.get(stem, set()) | self.below(stem)

    def below(self, stem: str) -> set[str]:
        """Return the stems of the kinds of a thing, with their other names."""
        kinds = self.kinds.get(stem, set())
        return kinds.union(*(self.also.get(one, ()) for one in kinds))

    def rewrite(self, text: str, heeds: Callable[[str], bool] = lambda _: True) -> str:
        """Replace the phrases that the list reads as another one, in whichever form they are said.

        A phrase whose meaning is not heeded stays as it is.
        """
        said = text.split(" ")
        stems = [_stem(one.strip(",.!?:;")) for one in said]
        if self._begun.isdisjoint(stems):
            return text
        read, at = list[str](), 0
        while at < len(said):
            sizes = range(min(_LONGEST_PHRASE, len(said) - at), 1, -1)
            found = ((one, self.phrases.get(tuple(stems[at : at + one]), "")) for one in sizes)
            size, meant = next(((one, meant) for one, meant in found if meant and heeds(meant)), (1, said[at]))
            read.append(meant)
            at += size
        return " ".join(read)


def _stem(word: str) -> str:
    return words.stem(word.replace("-", ""))


@functools.cache
def _trades() -> dict[str, tuple[str, ...]]:
    """Return the lines of the product's list by trade."""
    return {one.stem: tuple(one.read_text(encoding="utf-8").splitlines()) for one in sorted(_FOLDER.glob("*.txt"))}


@functools.cache
def _vocabulary(trade: str) -> frozenset[str]:
    return frozenset(_of_trades(frozenset((trade,))).also)


@functools.cache
def _of_trades(trades: frozenset[str]) -> Synonyms:
    found = Synonyms()
    for trade in sorted(trades):
        found.add(_trades()[trade])
    return found


def fitting(titles: Iterable[str]) -> Synonyms:
    """Return the synonyms of the trades that a menu is of: to a hairdresser a косичка is no cheese."""
    said = [{_stem(word) for word in words.split(words.plain(one))} for one in titles]
    known = {one: sum(not _vocabulary(one).isdisjoint(each) for each in said) for one in _trades() if one != _COMMON}
    enough = _SHARE * max(known.values())
    return _of_trades(frozenset({_COMMON, *(one for one, count in known.items() if count >= enough)}))


def of_shop(lines: Iterable[str]) -> Synonyms:
    """Return all of the product's synonyms together with a shop's own."""
    found = Synonyms()
    for each in (*_trades().values(), lines):
        found.add(each)
    return found
