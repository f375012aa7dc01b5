"""Finds what a question asks for in one version of a shop's menu, in the process and without a key.

    question → MenuWish (limits, negations) → stems → each: exact, other words, sound, beginning, typing error → score

The score of an item is how rare each word is × where it stands (title, category, size, description) × how sure the
match is. Where less than a part of the question is explained the answer is empty: silence is better than a wrong price.
What only resembles the question is marked as a guess.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest

from lib.menu import chatter, synonyms, vocabulary, weights, wish, words
from lib.menu.goods import MenuItem, Variant

MOST = 20
_SHELF = 2.5
_STATED = 3.0
_EXPLAINED = 0.4  # the share of a question's weight that an answer explains
_FAINTLY = 0.3  # that a guess does
_SURELY = 0.5  # with less, and words that the menu does not know, it is a guess
_PASSING = 0.3  # what an unknown verb, adverb or place counts of an unknown word
_BESIDE = 0.5  # what a word for whom or what like counts, beside the word for what it is
_GUESSED = 0.5  # how alike the letters of a guess are
# What someone must not eat is left out only where the menu says so; silence about nuts is no promise.
_ALLERGENS = frozenset(
    words.stem(one)
    for one in ("сахар", "глютен", "лактоза", "орех", "кофеин", "алкоголь", "sugar", "gluten", "lactose", "nut")
)
_PARTS = re.compile(r"\s(?:и|плюс|and|plus)\s|[,+;]")  # of a question that asks for two things


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


class Index:
    """The words of one version of a menu. Building it takes milliseconds; it is kept by version."""

    def __init__(self, items: Sequence[MenuItem], known: synonyms.Synonyms | None = None) -> None:
        self.items = tuple(items)
        self._synonyms = known or synonyms.fitting(f"{one.title} {one.category}" for one in self.items)
        self._weights: list[dict[str, float]] = []
        self._stated: list[set[str]] = []
        for item in self.items:
            held, stated = weights.weigh(item, self._synonyms)
            self._weights.append(held)
            self._stated.append(stated)
        self._holders: dict[str, list[int]] = {}
        for place, held in enumerate(self._weights):
            for stem in held:
                self._holders.setdefault(stem, []).append(place)
        self._numbered = [words.is_numbered(f"{one.title}; {one.description}") for one in self.items]
        self._categories = {stem for item in self.items for stem in weights.stems(item.category)}
        self._words = vocabulary.Vocabulary(self._holders, self._synonyms)
        self._sure = self._words.sure

    def ask(self, question: str) -> FoundItems:
        """Return the items that a question asks for; none when nothing fits."""
        asked = self.read(question)
        found = self._ask(asked)
        parts = _PARTS.split(asked.text)
        return found if found.guess or len(parts) < 2 else self._with_parts(asked, found, parts)

    def _ask(self, asked: wish.MenuWish) -> FoundItems:
        tokens, numbers = _tokens(asked.text)
        talk = [one for one in tokens if one in chatter.TALK]
        tokens = [one for one in tokens if one not in chatter.TALK]
        bare = not tokens and not numbers
        if bare and (talk or not (asked.without or asked.most or asked.least or asked.order)):
            return FoundItems(asked, small_talk=bool(talk))
        scores, guess = dict.fromkeys(range(len(self.items)), 1.0), False
        if not bare:
            scores, guess = self._score(self._meant(tokens, asked), numbers, asked)
        if not scores and asked.without and all(words.stem(one) in chatter.ASIDE for one in tokens):
            scores = dict.fromkeys(range(len(self.items)), 1.0)
        if not scores and tokens and not numbers and not any(words.stem(one) in self._synonyms.also for one in tokens):
            scores, guess = self._resemble(tokens), True
        return self._choose(scores, asked, guess=guess)

    def _with_parts(self, asked: wish.MenuWish, found: FoundItems, parts: Sequence[str]) -> FoundItems:
        """Add what a part of a question names and no answer to the whole has: латте и круассан are two things."""
        lists = [found.items] if found.items else []
        for part in parts:
            said = [one for one in _tokens(part)[0] if one not in chatter.TALK and words.stem(one) not in chatter.ASIDE]
            had = {one.item.code for each in lists for one in each}
            named = [{self.items[at].code for stem in self._sure(one) for at in self._holders[stem]} for one in said]
            fresh = set[str]().union(*(one for one in named if had.isdisjoint(one)))
            more = self._ask(replace(asked, text=part)) if fresh else found
            added = () if more.guess else tuple(one for one in more.items if one.item.code in fresh)
            if said and not added and not found.items:
                return found  # a part that the menu does not know keeps the whole silent
            lists += [added] if added else []
        mixed = [one for each in zip_longest(*lists) for one in each if one]
        return replace(found, items=tuple(mixed[:MOST]))

    def read(self, question: str) -> wish.MenuWish:
        """Return what a question asks for besides its words, in the letters and words of this menu."""
        text = self._synonyms.rewrite(self._in_right_layout(words.plain(question[:300])), self._heeds)
        return wish.read(self._words.respaced(text))

    def barred(self, asked: wish.MenuWish) -> dict[str, bool]:
        """Return the codes of the items that hold what is forbidden: True where they say so, False where they may."""
        if not asked.without:
            return {}
        every = dict.fromkeys(range(len(self.items)), 1.0)
        forbidden = set[str]().union(*map(self._forbidden, asked.without))
        out = every.keys() - self._without(every, asked).keys()
        return {self.items[one].code: self._holds(self.items[one], forbidden) for one in out}

    def _heeds(self, meant: str) -> bool:
        """Tell whether the menu has what a phrase stands for; else its words speak for themselves."""
        return " " in meant or not ({words.stem(meant)} | self._synonyms.means(words.stem(meant))).isdisjoint(
            self._holders
        )

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
        is named in a title or a category is one. A word that the synonyms know and the menu does not is what the shop
        lacks: телевизор is no typing error, and other repairs are no answer; a title that was said in full is.
        """
        held = {one: sure for one in tokens if (sure := self._meanings(one, asked)) and self._holding(one, sure)}
        missing = [one for one in tokens if one not in held and words.stem(one) not in chatter.ASIDE]
        unknown = sum(_PASSING if words.is_passing(one) or one in asked.place else 1.0 for one in missing)
        if unknown >= 1 and asked.purpose and held.keys() <= {*asked.purpose}:
            return {}, False  # корм для кур is no курица
        scores, explained, named = self._add_up(held, asked)
        total = sum(self._rarity_of(one, sure, held, asked) for one, sure in held.items())
        total += self._rarity(1) * math.sqrt(unknown)
        if unknown >= 1:
            scores = {place: score for place, score in scores.items() if place in named}
        if numbers:
            most = sum(self._rarity_of(one, sure, held, asked) for one, sure in held.items())
            whole = {one for one, how in explained.items() if unknown < 1 and how > most * 0.99}
            scores = self._with_numbers(scores, numbers, whole, only=not tokens)
        shares = {place: explained.get(place, total) / total if total else 1.0 for place in scores}
        surest = max((how for sure in held.values() for how in sure.values()), default=0.0)
        guess = bool(tokens) and (
            surest <= vocabulary.ROOT or (unknown >= 1 and max(shares.values(), default=0.0) <= _SURELY)
        )
        if guess and any(words.stem(one) in self._synonyms.also for one in missing):
            said = {stem for sure in held.values() for stem, how in sure.items() if how >= vocabulary.SOUND}
            scores = {place: one for place, one in scores.items() if weights.stems(self.items[place].title) <= said}
        faintly = guess and not all(map(words.is_passing, held))  # a verb alone names nothing to guess at
        return self._explaining(scores, shares, tokens, _FAINTLY if faintly else _EXPLAINED), guess

    def _add_up(
        self, held: dict[str, dict[str, float]], asked: wish.MenuWish
    ) -> tuple[dict[int, float], dict[int, float], set[int]]:
        """Return what each item is worth, what it explains, and the items that one of the words names."""
        scores, explained, named = dict[int, float](), dict[int, float](), set[int]()
        for token, sure in held.items():
            holders = self._holding(token, sure)
            rarity = self._rarity_of(token, sure, held, asked)
            for place in holders:
                best = max(self._worth(place, stem, asked) * how for stem, how in sure.items())
                scores[place] = scores.get(place, 0.0) + rarity * best
                explained[place] = explained.get(place, 0.0) + rarity
                named |= {place} if best >= weights.CATEGORY * vocabulary.KIND else set()
        return scores, explained, named

    def _explaining(
        self, scores: dict[int, float], shares: dict[int, float], tokens: list[str], least: float
    ) -> dict[int, float]:
        """Leave the items that explain nearly as much of a question as the best one, if that is enough."""
        top = max(shares.values(), default=0.0)
        return {
            place: score * shares[place] * self._closeness(place, tokens)
            for place, score in scores.items()
            if top >= least and shares[place] >= top * 0.45
        }

    def _meanings(self, token: str, asked: wish.MenuWish) -> dict[str, float]:
        """Return what a word means; one that names a shelf which was asked for means that shelf."""
        stem, sure = words.stem(token), self._sure(token)
        return {stem: vocabulary.EXACT} if asked.shelf and stem in self._categories else sure

    def _holding(self, token: str, sure: dict[str, float]) -> set[int]:
        """Return the items that hold a word; one that stands beside what is asked for has to name the item."""
        holders = {place for stem in sure for place in self._holders[stem]}
        if words.stem(token) not in chatter.ASIDE:
            return holders
        return {one for one in holders if any(self._named(one, stem, how) for stem, how in sure.items())}

    def _named(self, place: int, stem: str, how: float) -> bool:
        """Tell whether an item is called so, or has such a size."""
        return how >= vocabulary.KIND and self._weights[place].get(stem, 0.0) >= weights.SIZE

    def _worth(self, place: int, stem: str, asked: wish.MenuWish) -> float:
        lifted = asked.shelf and stem in self._categories and stem in weights.stems(self.items[place].category)
        return self._weights[place].get(stem, 0.0) * (_SHELF if lifted else 1.0)

    def _closeness(self, place: int, tokens: list[str]) -> float:
        """Return more for a title that was said in full: латте before латте на овсяном молоке."""
        title = weights.stems(self.items[place].title)
        said = sum(any(stem in title for stem in self._sure(token)) for token in tokens)
        return 1.0 + 0.3 * min(said / len(title), 1.0) if title else 1.0

    def _with_numbers(
        self, scores: dict[int, float], numbers: list[str], whole: set[int], *, only: bool
    ) -> dict[int, float]:
        """Keep the items with the numbers; where there are none, what is `whole` without them and names no other.

        15 роз counts roses; экран айфон 16 is not one of iPhone 15.
        """
        start = dict.fromkeys(range(len(self.items)), 0.0) if only else scores
        needed = [words.spellings(one) for one in numbers if len(one) > 1]
        kept = {
            at: score for at, score in start.items() if all(not one.isdisjoint(self._weights[at]) for one in needed)
        }
        if not kept and not only:
            kept = {at: score for at, score in start.items() if at in whole and not self._numbered[at]}
        said = [words.spellings(one) for one in numbers]
        return {
            at: score + sum(self._rarity(4) * max(self._weights[at].get(each, 0.0) for each in one) for one in said)
            for at, score in kept.items()
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
        stem = words.stem(word)
        said = {stem} if stem in self._synonyms.also else {stem, words.bare(stem), *self._sure(word)}
        return said.union(*map(self._synonyms.means, said))

    def _holds(self, item: MenuItem, stems: set[str]) -> bool:
        """Tell if an item holds one of the words in each of its variants."""
        said = weights.stems(f"{item.title} {item.category} {item.description}")
        return bool(stems & (said | {words.bare(one) for one in said})) or all(
            stems & weights.stems(one.name) for one in item.variants
        )

    def _kept(self, item: MenuItem, asked: wish.MenuWish) -> tuple[Variant, ...]:
        forbidden = [{words.stem(one), *self._synonyms.means(words.stem(one))} for one in asked.without]
        return tuple(
            one
            for one in item.variants
            if asked.fits(one.kopecks) and not any(stems & weights.stems(one.name) for stems in forbidden)
        )

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
        return token in chatter.COMMON or token in chatter.TALK or self._words.knows(words.stem(token))

    def _rarity_of(
        self, token: str, sure: dict[str, float], held: dict[str, dict[str, float]], asked: wish.MenuWish
    ) -> float:
        """Return how much a word counts: зарядка для телефона is a зарядка first, деревенское молоко is молоко."""
        rarity = self._rarity(len(self._holding(token, sure)))
        return rarity * (
            _BESIDE if _is_beside(token, asked) and not all(_is_beside(one, asked) for one in held) else 1.0
        )

    def _rarity(self, holders: int) -> float:
        return math.log(1 + len(self.items) / max(holders, 1))


def _tokens(text: str) -> tuple[list[str], list[str]]:
    """Return the words of a question that may name something, and its numbers."""
    said = [one for one in dict.fromkeys(words.split(text)) if one not in chatter.COMMON | chatter.UNITS]
    return [one for one in said if not weights.is_number(one)], [one for one in said if weights.is_number(one)]


def _is_beside(token: str, asked: wish.MenuWish) -> bool:
    return token in asked.purpose or words.is_quality(token) or words.stem(token) in chatter.GENERAL


def _grams(word: str) -> frozenset[str]:
    padded = f"^{words.sound(words.stem(word))}$"
    return frozenset(padded[at : at + 3] for at in range(len(padded) - 2))


def _dice(one: frozenset[str], other: frozenset[str]) -> float:
    return 2 * len(one & other) / (len(one) + len(other)) if one and other else 0.0
