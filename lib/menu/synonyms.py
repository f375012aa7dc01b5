"""The list of other words for the same thing: the product's own, and what a shop adds to it."""

import functools
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from lib.menu import words

_FILE = Path(__file__).with_name("synonyms.txt")


@dataclass
class Synonyms:
    """Which stems each stem stands for, and which phrases are read as another one."""

    phrases: dict[str, str] = field(default_factory=dict)
    also: dict[str, set[str]] = field(default_factory=dict)

    def add(self, lines: Iterable[str]) -> None:
        """Add the rules of these lines; an empty line and a comment are none."""
        for line in (words.plain(one) for one in lines):
            if line.startswith("#") or not line:
                continue
            if "=" in line:
                said, _, meant = line.partition("=")
                self.phrases[said.strip()] = meant.strip()
            else:
                self._add_group(line)

    def _add_group(self, line: str) -> None:
        """Add a group; what is said in two words is read as the first of the group."""
        said, _, meant = line.partition(">")
        names = [one.strip() for one in said.split(",")]
        for phrase in [one for one in names if " " in one]:
            if single := next((one for one in names if " " not in one), ""):
                self.phrases.setdefault(phrase, single)
                names.remove(phrase)
        asked = _stems(" ".join(names))
        for one in asked:
            self.also.setdefault(one, set()).update((asked if not meant or len(asked) > 1 else set()) | _stems(meant))

    def rewrite(self, text: str) -> str:
        """Replace the phrases that the list reads as another one."""
        padded = f" {text} "
        for said, meant in self.phrases.items():
            padded = padded.replace(f" {said} ", f" {meant} ")
        return padded.strip()


def _stems(text: str) -> set[str]:
    return {words.stem(word) for word in words.split(text)}


@functools.cache
def own_lines() -> tuple[str, ...]:
    """Return the lines of the product's list."""
    return tuple(_FILE.read_text(encoding="utf-8").splitlines())


def of_shop(lines: Iterable[str] = ()) -> Synonyms:
    """Return the product's synonyms together with a shop's own."""
    found = Synonyms()
    found.add((*own_lines(), *lines))
    return found
