"""Finds what a question asks for in one version of a shop's menu, in the process and without a key.

    question → MenuWish (limits, negations) → stems → each: exact, other words, sound, beginning, typing error → score

The score of an item is how rare each word is × where it stands (title, category, size, description) × how sure the
match is. Where less than a part of the question is explained the answer is empty: silence is better than a wrong price.
What only resembles the question is marked as a guess.
"""

import functools
import itertools
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from lib.menu import chatter, synonyms, wish, words
from lib.menu.goods import MenuItem, Variant

MOST = 20
_TITLE, _CATEGORY, _SIZE, _DESCRIPTION = 3.0, 2.0, 1.5, 1.2
_EXACT, _OTHER_WORD, _SOUND, _BEGINNING, _TYPO, _ROOT, _TWO_TYPOS = 1.0, 0.85, 0.9, 0.8, 0.75, 0.7, 0.6
_SHELF = 2.5
_STATED = 3.0
_EXPLAINED = 0.4  # the share of a question's weight that an answer explains
_SURELY = 0.5  # with less, and words that the menu does not know, it is a guess
_VERBS = 0.3  # what an unknown verb counts of an unknown word
_GUESSED = 0.5  # how alike the letters of a guess are
# What someone must not eat is left out only where the menu says so; silence about nuts is no promise.
_ALLERGENS = frozenset(
    words.stem(one)
    for one in ("сахар", "глютен", "лактоза", "орех", "кофеин", "алкоголь", "sugar", "gluten", "lactose", "nut")
)


@dataclass(frozen=True)
class FoundItem:
    """An item that answers a question, with those of its variants that fit the limits."""

    item: MenuItem
    variants: tuple[Variant, ...]
    score: float


@dataclass(frozen=True)
class FoundItems:
    """What the menu has for a question, best first; a guess only resembles it. Small talk asks for nothing."""

    wish: wish.MenuWish
    items: tuple[FoundItem, ...] = ()
    guess: bool = False
    small_talk: bool = False


class _Spelling(NamedTuple):
    """A word of a menu, how it sounds, and the letters of both as bits."""

    stem: str
    letters: int
    heard: str
    heard_letters: int


class Index:
    """The words of one version of a menu. Building it takes milliseconds; it is kept by version."""

    def __init__(self, items: Sequence[MenuItem], known: synonyms.Synonyms | None = None) -> None:
        self.items = tuple(items)
        self._synonyms = known or synonyms.of_shop()
        self._weights: list[dict[str, float]] = []
        self._stated: list[set[str]] = []
        for item in self.items:
            weights, stated = _weigh(item)
            self._weights.append(weights)
            self._stated.append(stated)
        self._holders: dict[str, list[int]] = {}
        for place, weights in enumerate(self._weights):
            for stem in weights:
                self._holders.setdefault(stem, []).append(place)
        self._sounds: dict[str, set[str]] = {}
        for stem in self._holders:
            self._sounds.setdefault(words.sound(stem), set()).add(stem)
        self._categories = {stem for item in self.items for stem in _stems(item.category)}
        self._sure = functools.lru_cache(maxsize=2_000)(self._match)

    def ask(self, question: str) -> FoundItems:
        """Return the items that a question asks for; none when nothing fits."""
        asked = wish.read(self._synonyms.rewrite(self._in_right_layout(words.plain(question[:300]))))
        tokens = [one for one in dict.fromkeys(words.split(asked.text)) if one not in chatter.COMMON]
        tokens, numbers = [one for one in tokens if not _is_number(one)], [one for one in tokens if _is_number(one)]
        talk = [one for one in tokens if one in chatter.TALK]
        tokens = [one for one in tokens if one not in chatter.TALK]
        bare = not tokens and not numbers
        if bare and (talk or not (asked.without or asked.most or asked.least or asked.order)):
            return FoundItems(asked, small_talk=bool(talk))
        scores, guess = dict.fromkeys(range(len(self.items)), 1.0), False
        if not bare:
            scores, guess = self._score(self._meant(tokens, asked), numbers, asked)
        if not scores and tokens and not numbers:
            scores, guess = self._resemble(tokens), True
        return self._choose(scores, asked, guess=guess)

    def _meant(self, tokens: list[str], asked: wish.MenuWish) -> list[str]:
        """Leave out what something is wanted to go with, вино к стейку, where the menu knows what is wanted."""
        beside = {one for one in tokens if one in asked.beside}
        meant = [one for one in tokens if one not in beside]
        return meant if any(self._sure(one) for one in meant) else tokens

    def _choose(self, scores: dict[int, float], asked: wish.MenuWish, *, guess: bool) -> FoundItems:
        fitting = self._without(scores, asked)
        found = [
            FoundItem(item, kept, score)
            for place, score in fitting.items()
            if (item := self.items[place]) and (kept := self._kept(item, asked))
        ]
        best = max((one.score for one in found), default=0.0)
        found = [one for one in found if one.score >= best * (0.6 if asked.order else 0.35)]
        found.sort(key=lambda one: (not one.item.available, -one.score))
        if asked.order:
            sign = 1 if asked.order == "cheapest" else -1
            found.sort(key=lambda one: sign * (min if sign > 0 else max)(each.kopecks for each in one.variants))
        return FoundItems(asked, tuple(found[:MOST]), guess=guess and bool(found))

    def _score(self, tokens: list[str], numbers: list[str], asked: wish.MenuWish) -> tuple[dict[int, float], bool]:
        """Add up what each item explains, and say whether that is a guess.

        An item without a number that was asked for is no answer. Beside a word that the menu does not know, only what
        is named in a title or a category is one.
        """
        scores, explained, named = dict[int, float](), dict[int, float](), set[int]()
        total, unknown, surest = 0.0, 0.0, 0.0
        for token in tokens:
            sure = self._sure(token)
            holders = self._holding(token, sure)
            if not holders:
                unknown += 0.0 if token in chatter.ASIDE else _VERBS if words.is_verb(token) else 1.0
                continue
            rarity = self._rarity(len(holders))
            total += rarity
            surest = max(surest, *sure.values())
            for place in holders:
                best = max(self._worth(place, stem, asked) * how for stem, how in sure.items())
                scores[place] = scores.get(place, 0.0) + rarity * best
                explained[place] = explained.get(place, 0.0) + rarity
                named |= {place} if best >= _CATEGORY * _OTHER_WORD else set()
        total += self._rarity(1) * math.sqrt(unknown)
        if unknown >= 1:
            scores = {place: score for place, score in scores.items() if place in named}
        if numbers:
            scores = self._with_numbers(scores, numbers, only=not tokens)
        shares = {place: explained.get(place, total) / total if total else 1.0 for place in scores}
        top = max(shares.values(), default=0.0)
        guess = bool(tokens) and (surest <= _ROOT or (unknown >= 1 and top <= _SURELY))
        return self._explaining(scores, shares, tokens), guess

    def _explaining(self, scores: dict[int, float], shares: dict[int, float], tokens: list[str]) -> dict[int, float]:
        """Leave the items that explain nearly as much of a question as the best one, if that is enough."""
        top = max(shares.values(), default=0.0)
        return {
            place: score * shares[place] * self._closeness(place, tokens)
            for place, score in scores.items()
            if top >= _EXPLAINED and shares[place] >= top * 0.45
        }

    def _holding(self, token: str, sure: dict[str, float]) -> set[int]:
        """Return the items that hold a word; one that stands beside what is asked for has to name the item."""
        holders = {place for stem in sure for place in self._holders[stem]}
        if token not in chatter.ASIDE:
            return holders
        return {one for one in holders if any(self._named(one, stem, how) for stem, how in sure.items())}

    def _named(self, place: int, stem: str, how: float) -> bool:
        """Tell whether an item is called so, or has such a size."""
        return how >= _OTHER_WORD and self._weights[place].get(stem, 0.0) >= _SIZE

    def _worth(self, place: int, stem: str, asked: wish.MenuWish) -> float:
        lifted = asked.shelf and stem in self._categories and stem in _stems(self.items[place].category)
        return self._weights[place].get(stem, 0.0) * (_SHELF if lifted else 1.0)

    def _closeness(self, place: int, tokens: list[str]) -> float:
        """Return more for a title that was said in full: латте before латте на овсяном молоке."""
        title = _stems(self.items[place].title)
        said = sum(any(stem in title for stem in self._sure(token)) for token in tokens)
        return 1.0 + 0.3 * min(said / len(title), 1.0) if title else 1.0

    def _with_numbers(self, scores: dict[int, float], numbers: list[str], *, only: bool) -> dict[int, float]:
        start = dict.fromkeys(range(len(self.items)), 0.0) if only else scores
        needed = [one for one in numbers if len(one) > 1]
        kept = {place: score for place, score in start.items() if all(one in self._weights[place] for one in needed)}
        return {
            place: score + sum(self._rarity(4) * self._weights[place].get(one, 0.0) for one in numbers)
            for place, score in kept.items()
        }

    def _without(self, scores: dict[int, float], asked: wish.MenuWish) -> dict[int, float]:
        """Leave out what a question forbids; an item that says so itself comes first."""
        for word in asked.without:
            stems = self._forbidden(word)
            stated = {place for place in scores if stems & self._stated[place]}
            if asked.allergic or stems & _ALLERGENS:
                scores = {place: scores[place] for place in stated}
            scores = {
                place: score * (_STATED if place in stated else 1.0)
                for place, score in scores.items()
                if place in stated or not self._holds(self.items[place], stems)
            }
        return scores

    def _forbidden(self, word: str) -> set[str]:
        """Return the stems that a word forbids: without мясо also means without курица and without куриный."""
        stems = {*self._sure(word), *self._synonyms.also.get(words.stem(word), ()), words.stem(word)}
        return stems | {words.bare(one) for one in stems}

    def _holds(self, item: MenuItem, stems: set[str]) -> bool:
        """Tell if an item holds one of the words in each of its variants."""
        said = _stems(f"{item.title} {item.category} {item.description}")
        return bool(stems & (said | {words.bare(one) for one in said})) or all(
            stems & _stems(one.name) for one in item.variants
        )

    def _kept(self, item: MenuItem, asked: wish.MenuWish) -> tuple[Variant, ...]:
        forbidden = [{words.stem(one), *self._synonyms.also.get(words.stem(one), ())} for one in asked.without]
        return tuple(
            one
            for one in item.variants
            if asked.fits(one.kopecks) and not any(stems & _stems(one.name) for stems in forbidden)
        )

    def _match(self, token: str) -> dict[str, float]:
        """Return the stems of the menu that a word of a question means, and how sure that is."""
        found: dict[str, float] = {}
        spelled = words.in_cyrillic(token) if token.isascii() else token
        for stem in {words.stem(token), words.stem(spelled)}:
            self._note(found, [stem], _EXACT)
            self._note(found, self._synonyms.also.get(stem, ()), _OTHER_WORD)
            self._note(found, self._sounds.get(words.sound(stem), ()), _SOUND)
            if not found:
                for one in (stem, *self._synonyms.also.get(stem, ())):
                    self._note(found, self._begun_alike(one), _BEGINNING)
        if not found:
            for root in words.roots(words.stem(spelled)):
                self._note(found, self._rooted.get(root, ()), _ROOT)
        is_known = words.stem(token) in self._synonyms.also  # девушка is no дедушка with a typing error
        return found or ({} if is_known else self._mistyped(words.stem(spelled)))

    @functools.cached_property
    def _known(self) -> tuple[str, ...]:
        """The words of the menu and of the synonyms that lead to one."""
        leading = {one for one, other in self._synonyms.also.items() if any(each in self._holders for each in other)}
        return tuple({*self._holders, *leading})

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
            if stem not in self._holders and sure < _OTHER_WORD:
                meant = [(one, sure * _OTHER_WORD) for one in self._synonyms.also.get(stem, ())]
            for one, how in meant:
                if one in self._holders:
                    found[one] = max(found.get(one, 0.0), how)

    def _mistyped(self, stem: str) -> dict[str, float]:
        """Look for one typing error in a word of four letters, for two in a word of seven."""
        found: dict[str, float] = {}
        if len(stem) < 4 or not stem.isalpha():
            return found
        heard, most = words.sound(stem), 2 if len(stem) >= 7 else 1
        written, sounding = _letters(stem), _letters(heard)
        nearest = most
        lengths = range(len(stem) - most, len(stem) + most + 1)
        for known in itertools.chain.from_iterable(self._spelled.get(length, ()) for length in lengths):
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
                self._note(found, [known.stem], _TYPO if errors < 2 and len(stem) > 4 else _TWO_TYPOS)
        return found

    def _resemble(self, tokens: list[str]) -> dict[int, float]:
        """Return the items with a title that looks like the longest word of the question."""
        asked = _grams(max(tokens, key=len))
        alike = {
            place: max((_dice(asked, _grams(word)) for word in words.split(words.plain(item.title))), default=0.0)
            for place, item in enumerate(self.items)
        }
        return {place: how for place, how in alike.items() if how >= _GUESSED}

    def _in_right_layout(self, text: str) -> str:
        other = words.in_other_layout(text)
        return other if self._understood(other) > self._understood(text) else text

    def _understood(self, text: str) -> float:
        tokens = [one for one in words.split(text) if not one.isdigit()]
        return sum(self._is_known(one) for one in tokens) / len(tokens) if tokens else 0.0

    def _is_known(self, token: str) -> bool:
        stem = words.stem(token)
        known = stem in self._holders or stem in self._synonyms.also or token in chatter.COMMON | chatter.TALK
        return known or (len(stem) > 3 and words.sound(stem) in self._sounds)

    def _rarity(self, holders: int) -> float:
        return math.log(1 + len(self.items) / max(holders, 1))


def _weigh(item: MenuItem) -> tuple[dict[str, float], set[str]]:
    """Return how much each stem of an item weighs, and what the item says it is without."""
    weights, stated = dict[str, float](), set[str]()
    sizes = " ".join(one.name for one in item.variants)
    for text, weight in (
        (item.title, _TITLE),
        (" ".join(item.names), _TITLE),
        (item.category, _CATEGORY),
        (sizes, _SIZE),
        (item.description, _DESCRIPTION),
    ):
        flat = words.plain(text)
        for found in re.finditer(r"\bбез (\w+)(?: (\w+))?", flat):
            stated.update(words.stem(one) for one in found.groups() if one)
        for found in re.finditer(r"\bбе[зс](\w{4,})", flat):
            stated.update({words.stem(found[1]), words.bare(words.stem(found[1]))})
        for stem in _stems(flat) | _within(flat):
            weights[stem] = max(weights.get(stem, 0.0), weight)
    return weights, stated


@functools.lru_cache(maxsize=20_000)
def _stems(text: str) -> frozenset[str]:
    flat = re.sub(r"\bбез \w+", " ", words.plain(text))
    return frozenset(words.stem(one) for one in words.split(flat) if len(one) > 1 or one.isdigit())


def _within(text: str) -> set[str]:
    """Return the numbers that a text covers: those of R17–R20, and 18 and 19 between them."""
    found = set(re.findall(r"(?<=[a-zа-я])\d{1,3}\b", text))
    for low, high in re.findall(r"\b[a-zа-я]?(\d{1,3})\s*[-–—]\s*[a-zа-я]?(\d{1,3})\b", text):
        if 0 <= int(high) - int(low) <= 30:
            found.update(str(one) for one in range(int(low), int(high) + 1))
    return found


def _is_number(token: str) -> bool:
    return any(letter.isdigit() for letter in token)


def _letters(word: str) -> int:
    bits = 0
    for letter in word:
        bits |= 1 << ord(letter) % 32
    return bits


def _begins_alike(stem: str, known: str) -> bool:
    shared = min(len(stem), len(known))
    apart = abs(len(stem) - len(known))
    return (apart <= 3 if shared > 4 else shared == 4 and apart <= 1) and stem[:shared] == known[:shared]


def _grams(word: str) -> frozenset[str]:
    padded = f"^{words.sound(words.stem(word))}$"
    return frozenset(padded[at : at + 3] for at in range(len(padded) - 2))


def _dice(one: frozenset[str], other: frozenset[str]) -> float:
    return 2 * len(one & other) / (len(one) + len(other)) if one and other else 0.0
