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

from lib.menu import synonyms, wish, words
from lib.menu.goods import MenuItem, Variant

MOST = 20
_TITLE, _CATEGORY, _SIZE, _DESCRIPTION = 3.0, 2.0, 1.5, 1.2
_EXACT, _OTHER_WORD, _SOUND, _BEGINNING, _TYPO, _TWO_TYPOS = 1.0, 0.85, 0.9, 0.8, 0.75, 0.6
_SHELF = 2.5
_STATED = 3.0
_EXPLAINED = 0.4  # the share of a question's weight that an answer explains
_GUESSED = 0.5  # how alike the letters of a guess are
# What someone must not eat is left out only where the menu says so; silence about nuts is no promise.
_ALLERGENS = frozenset(
    words.stem(one)
    for one in ("сахар", "глютен", "лактоза", "орех", "кофеин", "алкоголь", "sugar", "gluten", "lactose", "nut")
)
_COMMON_WORDS = """
    а в во и или с со к ко у о об от до по на за из для про при над не ни же ли бы то это эта этот эти вы вас вам
    ваш ваши мы нас нам я мне меня мой моя моего он она они его ее ей их кто что чего чем как какая какие какой какое
    каких где когда сколько почем цена цены стоит стоят стоить есть имеется имеете бывает будет можно надо нужно нужен
    нужна нужны хочу хотел хотела хочется хотим хотелось дайте дай давайте возьму взять купить заказать покажите скажите
    подскажите посоветуйте порекомендуйте пожалуйста еще очень самый самая самое самую самые большой большая большую
    большое только просто уже сейчас сегодня завтра нибудь что-нибудь чтонибудь чегонибудь чего-нибудь какойнибудь
    либо там тут здесь ну вот так да нет ок если чтобы потом тоже делаете сделаете делать продаете продаются продается
    предлагаете ассортимент список все всех вообще меню один одна одну два две три пара пару штук штуки шт
    рублей руб р рубля одной первый
    the a an is are do does you have any there i me my want need would like please how much many cost price for of to
    in on with what which kind kinds your can get some something anything it and or this that"""
_COMMON = frozenset(_COMMON_WORDS.split())
# Greetings and thanks are no question about a menu.
_TALK_WORDS = """
    привет здравствуйте здравствуй добрый доброе доброго день дня вечер вечера утро утра ночи хорошего спасибо
    благодарю пока свидания понял поняла понятно хорошо ладно бот человек hello hi hey thanks thank bye good morning
    evening"""
_TALK = frozenset(_TALK_WORDS.split())


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
        tokens = [one for one in dict.fromkeys(words.split(asked.text)) if one not in _COMMON]
        tokens, numbers = [one for one in tokens if not _is_number(one)], [one for one in tokens if _is_number(one)]
        talk = [one for one in tokens if one in _TALK]
        tokens = [one for one in tokens if one not in _TALK]
        bare = not tokens and not numbers
        if bare and (talk or not (asked.without or asked.most or asked.least or asked.order)):
            return FoundItems(asked, small_talk=bool(talk))
        scores = self._score(tokens, numbers, asked) if not bare else dict.fromkeys(range(len(self.items)), 1.0)
        guess = False
        if not scores and tokens and not numbers:
            scores, guess = self._resemble(tokens), True
        return self._choose(scores, asked, guess=guess)

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

    def _score(self, tokens: list[str], numbers: list[str], asked: wish.MenuWish) -> dict[int, float]:
        """Add up what each item explains; an item without a number that was asked for is no answer."""
        scores, explained = dict[int, float](), dict[int, float]()
        total, most = 0.0, self._rarity(1)
        unknown = 0
        for token in tokens:
            sure = self._sure(token)
            if not sure:
                unknown += 1
                continue
            holders = {place for stem in sure for place in self._holders[stem]}
            rarity = self._rarity(len(holders))
            total += rarity
            for place in holders:
                best = max(self._worth(place, stem, asked) * how for stem, how in sure.items())
                scores[place] = scores.get(place, 0.0) + rarity * best
                explained[place] = explained.get(place, 0.0) + rarity
        total += most * math.sqrt(unknown)
        if numbers:
            scores = self._with_numbers(scores, numbers, only=not tokens)
        shares = {place: explained.get(place, total) / total if total else 1.0 for place in scores}
        top = max(shares.values(), default=0.0)
        if top < _EXPLAINED:
            return {}
        return {
            place: score * shares[place] * self._closeness(place, tokens)
            for place, score in scores.items()
            if shares[place] >= top * 0.45
        }

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
            stems = {*self._sure(word), *self._synonyms.also.get(words.stem(word), ()), words.stem(word)}
            stated = {place for place in scores if stems & self._stated[place]}
            if asked.allergic or stems & _ALLERGENS:
                scores = {place: scores[place] for place in stated}
            scores = {
                place: score * (_STATED if place in stated else 1.0)
                for place, score in scores.items()
                if place in stated or not self._holds(self.items[place], stems)
            }
        return scores

    def _holds(self, item: MenuItem, stems: set[str]) -> bool:
        """Tell if an item holds one of the words in each of its variants."""
        return bool(stems & _stems(f"{item.title} {item.category} {item.description}")) or all(
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
                alike = (one for one in self._beginnings.get(stem[:4], ()) if _begins_alike(stem, one))
                self._note(found, alike, _BEGINNING)
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
            if errors < nearest:
                found.clear()
            if errors <= nearest:
                nearest = errors
                self._note(found, [known.stem], _TYPO if errors < 2 else _TWO_TYPOS)
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
        known = stem in self._holders or stem in self._synonyms.also or token in _COMMON | _TALK
        return known or (len(stem) > 3 and words.sound(stem) in self._sounds)

    def _rarity(self, holders: int) -> float:
        return math.log(1 + len(self.items) / max(holders, 1))


def _weigh(item: MenuItem) -> tuple[dict[str, float], set[str]]:
    """Return how much each stem of an item weighs, and what the item says it is without."""
    weights, stated = dict[str, float](), set[str]()
    sizes = " ".join(one.name for one in item.variants)
    for text, weight in (
        (item.title, _TITLE),
        (item.category, _CATEGORY),
        (sizes, _SIZE),
        (item.description, _DESCRIPTION),
    ):
        flat = words.plain(text)
        for found in re.finditer(r"\bбез (\w+)(?: (\w+))?", flat):
            stated.update(words.stem(one) for one in found.groups() if one)
        for stem in _stems(flat):
            weights[stem] = max(weights.get(stem, 0.0), weight)
    return weights, stated


@functools.lru_cache(maxsize=20_000)
def _stems(text: str) -> frozenset[str]:
    flat = re.sub(r"\bбез \w+", " ", words.plain(text))
    return frozenset(words.stem(one) for one in words.split(flat) if len(one) > 1 or one.isdigit())


def _is_number(token: str) -> bool:
    return any(letter.isdigit() for letter in token)


def _letters(word: str) -> int:
    bits = 0
    for letter in word:
        bits |= 1 << ord(letter) % 32
    return bits


def _begins_alike(stem: str, known: str) -> bool:
    shared = min(len(stem), len(known))
    return shared >= 4 and abs(len(stem) - len(known)) <= 3 and stem[:shared] == known[:shared]


def _grams(word: str) -> frozenset[str]:
    padded = f"^{words.sound(words.stem(word))}$"
    return frozenset(padded[at : at + 3] for at in range(len(padded) - 2))


def _dice(one: frozenset[str], other: frozenset[str]) -> float:
    return 2 * len(one & other) / (len(one) + len(other)) if one and other else 0.0
