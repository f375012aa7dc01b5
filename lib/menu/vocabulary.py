"""Which words of a menu a word of a question means, and how sure that is.

    exact → sounds alike → another word for it → begins alike → a kind of it → typing error → same root

The first that finds something decides; a word that the synonyms know is no typing error of another.
"""

import functools
import itertools
import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from lib.menu import chatter, synonyms, words

EXACT, SOUND, OTHER_WORD, BEGINNING, KIND, TYPO, ROOT, TWO_TYPOS = 1.0, 0.9, 0.85, 0.8, 0.75, 0.75, 0.7, 0.6

_SHORTEST_PAIR, _HEAD = 7, 5  # letters


class _Spelling(NamedTuple):
    """A word of a menu, how it sounds, and the letters of both as bits."""

    stem: str
    letters: int
    heard: str
    heard_letters: int


class Vocabulary:
    """The stems of one menu, each with the items that hold it, and the synonyms of its trades."""

    def __init__(self, holders: Mapping[str, Iterable[int]], known: synonyms.Synonyms) -> None:
        self.stems = frozenset(holders)
        self._holders = holders
        self._synonyms = known
        self._sounds: dict[str, set[str]] = {}
        for stem in self.stems:
            self._sounds.setdefault(words.sound(stem), set()).add(stem)
        self.sure = functools.lru_cache(maxsize=2_000)(self._match)

    def knows(self, stem: str) -> bool:
        """Tell whether the menu or the synonyms have a stem, or one that sounds like it."""
        return (
            stem in self.stems or stem in self._synonyms.also or (len(stem) > 3 and words.sound(stem) in self._sounds)
        )

    def respaced(self, text: str) -> str:
        """Put the spaces of a text where the words of the menu end: чиз кейк is one word, красныерозы are two."""
        read: list[str] = []
        for part in re.findall(r"\w+|\W+", text):
            pair = (read[-2], part) if len(read) > 1 and read[-1] == " " else ()
            joined = "".join(pair)
            if pair and all(map(_may_be_part, pair)) and not all(map(self._is_clear, pair)) and self._is_clear(joined):
                read[-2:] = [joined]
            else:
                read.append(part)
        return "".join(one if self._is_clear(one) else self._parted(one) for one in read)

    def _is_clear(self, word: str) -> bool:
        return len(word) > 3 and self.knows(words.stem(word))

    def _parted(self, word: str) -> str:
        """Return two words of one item that were written as one; else the word."""
        if not word.isalpha() or len(word) < _SHORTEST_PAIR:
            return word
        for at in range(3, len(word) - 2):
            first, second = self._items_of(word[:at]), self._items_of(word[at:])
            if not first.isdisjoint(second):
                return f"{word[:at]} {word[at:]}"
        return word

    def _items_of(self, word: str) -> frozenset[int]:
        stem = words.stem(word)
        heard = self._sounds.get(words.sound(stem), set()) if len(word) > 3 else set()
        stems = self.stems & {stem if len(word) > 3 else word} or heard
        return frozenset().union(*(self._holders[one] for one in stems))

    def _match(self, token: str) -> dict[str, float]:
        """Return the stems of the menu that a word of a question means, and how sure that is."""
        found: dict[str, float] = {}
        spelled = words.in_cyrillic(token) if token.isascii() else token
        for stem in {words.stem(token), words.stem(spelled)}:
            self._note(found, [stem], EXACT)
            self._note(found, self._synonyms.also.get(stem, ()), OTHER_WORD)
            self._note(found, self.stems & self._synonyms.below(stem), KIND)
            self._note(found, self._sounds.get(words.sound(stem), ()), SOUND)
            if not found:
                self._note(found, self._begun_alike(stem), BEGINNING)
                for one in self._synonyms.means(stem):
                    self._note(found, self.stems.intersection(self._begun_alike(one)), BEGINNING)
        if not found:
            self._note(found, self._headed(words.stem(spelled)), KIND)
        if found or words.stem(token) in self._synonyms.also:
            return found  # девушка is no дедушка with a typing error
        for root in words.roots(words.stem(spelled)):
            self._note(found, self._rooted.get(root, ()), ROOT)
        if not found:
            self._note(found, self._head_of(words.stem(spelled)), ROOT)
        return found or self._mistyped(words.stem(spelled), latin=token.isascii())

    @functools.cached_property
    def _known(self) -> tuple[str, ...]:
        """The words of the menu and of the synonyms that lead to one."""
        leading = {one for one in self._synonyms.also if not self._synonyms.means(one).isdisjoint(self.stems)}
        return tuple({*self.stems, *leading})

    @functools.cached_property
    def _beginnings(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for one in self._known:
            found.setdefault(one[:4], []).append(one)
        return found

    def _begun_alike(self, stem: str) -> list[str]:
        return [one for one in self._beginnings.get(stem[:4], ()) if _begins_alike(stem, one)]

    @functools.cached_property
    def _rooted(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for one in self._known:
            for root in words.roots(one):
                found.setdefault(root, []).append(one)
        return found

    def _headed(self, stem: str) -> list[str]:
        """Return the words of the menu that end with a word: чизбургер is a бургер."""
        if len(stem) < _HEAD or stem.isascii():
            return []
        return [one for one in self.stems if len(one) >= len(stem) + 3 and one.endswith(stem)]

    def _head_of(self, stem: str) -> list[str]:
        """Return what a compound that the menu lacks is a kind of: бронестекло is стекло."""
        if stem.isascii():
            return []
        heads = (stem[at:] for at in range(3, len(stem) - 3))
        return [one for one in heads if one in self.stems and (len(one) >= _HEAD or stem[-len(one) - 1] in "ое")]

    @functools.cached_property
    def _spelled(self) -> dict[int, list["_Spelling"]]:
        """Words that may be meant by a mistyped one, by their length."""
        found: dict[int, list[_Spelling]] = {}
        for one in self._known:
            if one.isalpha() and len(one) >= 4:
                heard = words.sound(one)
                found.setdefault(len(one), []).append(_Spelling(one, _letters(one), heard, _letters(heard)))
        return found

    def _note(self, found: dict[str, float], stems: Iterable[str], sure: float) -> None:
        for stem in stems:
            meant = [(stem, sure)]
            if stem not in self.stems and sure < OTHER_WORD:
                meant = [(one, sure * OTHER_WORD) for one in self._synonyms.means(stem)]
            for one, how in meant:
                if one in self.stems:
                    found[one] = max(found.get(one, 0.0), how)

    def _mistyped(self, stem: str, *, latin: bool) -> dict[str, float]:
        """Look for one typing error in a word of four letters, for two in a word of seven."""
        found: dict[str, float] = {}
        if len(stem) < 4 or not stem.isalpha():
            return found
        heard, most = words.sound(stem), 2 if len(stem) >= 7 else 1
        written, sounding = _letters(stem), _letters(heard)
        nearest = most
        lengths = range(len(stem) - most, len(stem) + most + 1)
        for known in itertools.chain.from_iterable(self._spelled.get(length, ()) for length in lengths):
            if known.stem.isascii() and not latin:
                continue  # корм is no corn
            # An error changes two letters of a word's set at most, and counting those is cheaper than comparing words.
            far = 2 * nearest
            if (written ^ known.letters).bit_count() > far and (sounding ^ known.heard_letters).bit_count() > far:
                continue
            errors = min(words.edits(stem, known.stem, nearest), words.edits(heard, known.heard, nearest))
            if errors > 1 and heard[0] != known.heard[0]:
                continue  # полировка is no тонировка
            if errors < nearest:
                found.clear()
            if errors <= nearest:
                nearest = errors
                self._note(found, [known.stem], TYPO if errors < 2 and len(stem) > 4 else TWO_TYPOS)
        return found


def _may_be_part(word: str) -> bool:
    return word.isalpha() and len(word) > 2 and word not in chatter.COMMON


def _letters(word: str) -> int:
    bits = 0
    for letter in word:
        bits |= 1 << ord(letter) % 32
    return bits


def _begins_alike(stem: str, known: str) -> bool:
    shared = min(len(stem), len(known))
    apart = abs(len(stem) - len(known))
    return (apart <= 3 if shared > 4 else shared == 4 and apart <= 1) and stem[:shared] == known[:shared]
