"""The weights of an item's words by their places, and the things that the item says it is without."""

import functools
import re

from lib.menu import synonyms, words
from lib.menu.goods import MenuItem

TITLE, CATEGORY, SIZE, DESCRIPTION = 3.0, 2.0, 1.5, 1.2
_TIMES = re.compile(r"(\d)\s*(?:час|минут|ден|дн|недел|месяц)\w*")  # ремонт часов is no ремонт за 1 час
# The things that a vegan dish is without.
_FREE_OF = {
    words.stem(kind): frozenset(words.stem(one) for one in free.split())
    for kinds, free in (
        ("постное вегетарианское vegetarian", "мясо рыба meat fish"),
        ("веганское vegan", "мясо рыба молоко молочное сыр яйцо meat fish milk dairy cheese egg"),
    )
    for kind in kinds.split()
}


def weigh(item: MenuItem, known: synonyms.Synonyms) -> tuple[dict[str, float], set[str]]:
    """Return how much each stem of an item weighs, and what the item says it is without."""
    held, stated = dict[str, float](), set[str]()
    sizes = " ".join(one.name for one in item.variants)
    for text, weight in (
        (item.title, TITLE),
        (" ".join(item.names), TITLE),
        (item.category, CATEGORY),
        (sizes, SIZE),
        (item.description, DESCRIPTION),
    ):
        flat = _TIMES.sub(r"\1", words.plain(text))
        for found in re.finditer(r"\bбез (\w+)(?: (\w+))?", flat):
            stated.update(words.stem(one) for one in found.groups() if one)
        for found in re.finditer(r"\bбе[зс](\w{4,})", flat):
            stated.update({words.stem(found[1]), words.bare(words.stem(found[1]))})
        for stem in stems(flat) | stems(known.rewrite(flat)) | _within(flat):
            for each in words.spellings(stem) if is_number(stem) else (stem,):
                held[each] = max(held.get(each, 0.0), weight)
    return held, stated.union(*(free for kind, free in _FREE_OF.items() if kind in held))


@functools.lru_cache(maxsize=20_000)
def stems(text: str) -> frozenset[str]:
    """Return the stems of a text's words, without those that it says it is without."""
    flat = re.sub(r"\bбез \w+", " ", words.plain(text))
    return frozenset(words.stem(one) for one in words.split(flat) if len(one) > 1 or one.isdigit())


def _within(text: str) -> set[str]:
    """Return the numbers that a text covers: those of R17–R20, and 18 and 19 between them."""
    found = set(re.findall(r"(?<=[a-zа-я])\d{1,3}\b", text))
    for low, high in re.findall(r"\b[a-zа-я]?(\d{1,3})\s*[-–—]\s*[a-zа-я]?(\d{1,3})\b", text):
        if 0 <= int(high) - int(low) <= 30:
            found.update(str(one) for one in range(int(low), int(high) + 1))
    return found


def is_number(token: str) -> bool:
    """Tell whether a word holds a digit, as a size or a model does."""
    return any(letter.isdigit() for letter in token)
