"""A sign for a benefit, by all its words together: a softmax over what it says, or no sign where none is certain.

A wrong sign does harm, so an unlikely one is left out. `python -m dev.signs.learn` learned the meaning of the words
from some 34,000 products with their benefits (dev/signs/*.txt): `signs.npz` has a weight for each pair of a feature and
a sign that go together. To teach it more, add lines there and run it again.

The signs are of Tabler (MIT), Phosphor (MIT) and Lucide (ISC); their licences lie beside them. `signs.webp` holds one
cell of 128 pixels a sign, white on black, in the order of `signs.csv`; `python -m dev.signs.draw` makes it.
"""

import csv
import re
import zlib
from collections.abc import Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lib.drawing.cover import facts

FOLDER = Path(__file__).parent
CELL = 128
COLUMNS = 16
LIKELY = 0.5  # the least probability of a sign that is shown
SCALE = 0.2  # of the weights, which are stored as whole numbers
START, END, DENIED = "^", "$", "~"
NAMING = 3  # words of a title: those after them tell a size, a colour, for whom
# How many words after it each of these denies, and words that deny the one before them.
DENYING = {"без": 2, "не": 1, "ни": 1, "нет": 2, "против": 2, "no": 2, "not": 1, "without": 2, "never": 1, "zero": 1}
ABSENT = {"нет", "free"}
ALSO = {"и", "или", "and", "or"}
PAUSES = set(",.;:!?()—–")
# What the learned signs show wrongly: an arrow that undoes, a padlock, sleeves on bare shoulders, four squares for one.
REFUSED = {
    "arrow-back-up": re.compile(r"съ[её]мн|\b(?:removable|detachable)\b", re.IGNORECASE),
    "lock": re.compile(r"асимметр|asymmetric", re.IGNORECASE),
    "shirt": re.compile(
        r"(?:открыт|гол|обнаж[её]нн)\w* плеч|(?:off|bare|open|cold)[- ]?(?:the[- ])?shoulder", re.IGNORECASE
    ),
    "layout-grid": re.compile(r"\b(?:карман(?:ом|чик)?|pocket)\b", re.IGNORECASE),
}
_WORDS = re.compile(r"[^\W\d_]+|(?<!\d)[−-]?\d+\+?|[%°]|[,.;:!?()—–]")
_DIGITS = re.compile(r"\d{1,4}\d*")


class Weights(NamedTuple):
    """What was learned: `labels` and `weights` of all features in a row, `starts` says where those of each begin."""

    keys: NDArray[np.uint32]  # of the features, sorted
    starts: NDArray[np.int64]  # one more than keys
    labels: NDArray[np.intp]
    weights: NDArray[np.float32]
    bias: NDArray[np.float32]  # of each sign, and last of none


@cache
def names() -> list[str]:
    """Return the signs in the order of their cells."""
    with (FOLDER / "signs.csv").open(encoding="utf-8", newline="") as file:
        return [row["sign"] for row in csv.DictReader(file)]


def chosen(benefits: Sequence[str], product: str) -> list[str]:
    """Return a sign's name for each benefit of a product; "" where no sign is likely, or where it stands already.

    The product is its whole title, "" where it has none.
    """
    found: list[str] = []
    for benefit in benefits:
        name = _sign(benefit, product)
        found.append("" if name in found else name)
    return found


def features(benefit: str, product: str) -> set[str]:
    """Return what a benefit says: its words, their beginnings, which stand together, and of what product it is said.

    Of a number only its length counts. A word that is denied is another word: no chocolate is not chocolate. A hood is
    one thing on a coat and another on a pram, so the first words of the title and the kind of the product speak too.
    """
    words, (kind, named) = _words(benefit), _product(product)
    stems, short = [_cut(word, 5) for word in words], [_cut(word, 4) for word in words]
    said = {f"={word}" for word in words} | {f"#{kind}"} | {f"#{kind} {stem}" for stem in stems if len(stem) > 2}
    said |= {_cut(word, length) for word in words for length in (4, 5, 6) if len(_cut(word, length)) < len(word)}
    return said | named | {f"{one}+{two}" for one, two in zip([START, *short], [*short, END], strict=True)}


@lru_cache(maxsize=64)
def _product(title: str) -> tuple[str, frozenset[str]]:
    words = [word for word in _words(title) if len(word) > 3 and word[0] != DENIED and not word.isdigit()]
    return facts.kind_of(title), frozenset(f"@{_cut(word, 6)}" for word in words[:NAMING])


def _words(benefit: str) -> list[str]:
    words: list[str] = []
    denied = 0  # of the words to come
    for word in _WORDS.findall(benefit.lower().replace("ё", "е")):
        if word in PAUSES:
            denied = 0
            continue
        if word in ABSENT and words and not denied:
            words[-1] = DENIED + words[-1].removeprefix(DENIED)
        words.append(DENIED + word if denied else _DIGITS.sub(_zeros, word))
        denied = DENYING.get(word, denied if word in ALSO else max(0, denied - 1))
    return words


def _cut(word: str, length: int) -> str:
    return word[: length + word.startswith(DENIED)]


def key(feature: str) -> int:
    """Return the number under which a feature is stored."""
    return zlib.crc32(feature.encode())


def _zeros(number: re.Match[str]) -> str:
    return "0" * min(len(number[0]), 4)


@lru_cache(maxsize=256)
def _sign(benefit: str, product: str) -> str:
    likely = likelihood(features(benefit, product))
    best = int(likely.argmax())
    if best == len(names()) or likely[best] < LIKELY:
        return ""
    name = names()[best]
    return "" if name in REFUSED and REFUSED[name].search(benefit) else name


def likelihood(said: set[str]) -> NDArray[np.float32]:
    """Return the probability of each sign, and last of none.

    Unknown features speak for no sign, and lessen what the known ones say.
    """
    learned = _learned()
    asked = np.fromiter((key(one) for one in said), dtype=np.uint32)
    places = np.searchsorted(learned.keys, asked).clip(max=len(learned.keys) - 1)
    places = places[learned.keys[places] == asked]
    scores = np.zeros_like(learned.bias)
    for place in places:
        part = slice(learned.starts[place], learned.starts[place + 1])
        scores[learned.labels[part]] += learned.weights[part]
    scores = learned.bias + scores / np.sqrt(len(said))
    scores = np.exp(scores - scores.max())
    return np.asarray(scores / scores.sum(), dtype=np.float32)


def apart(numbers: NDArray[np.uint32]) -> NDArray[np.uint8]:
    """Return the four bytes of each number in four rows, which pack smaller: the gaps between keys are small."""
    return np.ascontiguousarray(numbers.astype("<u4").view(np.uint8).reshape(-1, 4).T)


def together(rows: NDArray[np.uint8]) -> NDArray[np.uint32]:
    """Return the numbers whose bytes were set apart."""
    return np.ascontiguousarray(rows.T).view("<u4").ravel()


@cache
def _learned() -> Weights:
    with np.load(FOLDER / "signs.npz") as stored:
        starts = np.concatenate([[0], np.cumsum(stored["counts"], dtype=np.int64)])
        weights = stored["weights"].astype(np.float32) * SCALE
        keys = np.cumsum(together(stored["gaps"]), dtype=np.uint32)
        return Weights(keys, starts, stored["labels"].astype(np.intp), weights, stored["bias"])


@cache
def _sheet() -> Image.Image:
    return Image.open(FOLDER / "signs.webp").convert("L")


@lru_cache(maxsize=128)
def mask(name: str, side: int) -> Image.Image:
    """Return a sign as a mask of this side in pixels."""
    row, column = divmod(names().index(name), COLUMNS)
    cell = _sheet().crop((column * CELL, row * CELL, (column + 1) * CELL, (row + 1) * CELL))
    return cell.resize((side, side), Image.Resampling.LANCZOS)
