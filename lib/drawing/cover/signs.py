"""A sign for a benefit: the first rule whose stem begins one of its words. No rule, no sign: a wrong one does harm.

A word that is denied says the opposite, so no stem counts after "не", "без", "нет", "против", "no", "not" or
"without": a rule for what a thing lacks begins with that word itself.

The signs are of Tabler (MIT), Phosphor (MIT) and Lucide (ISC); their licences lie beside them. `signs.png` holds one
cell of 128 pixels a sign, white on black, in the order of the names in `signs.csv`; `python -m dev.signs` makes it.
"""

import csv
import re
from collections.abc import Sequence
from functools import cache, lru_cache
from pathlib import Path

from PIL import Image

FOLDER = Path(__file__).parent
CELL = 128
COLUMNS = 16
START = r"(?<![^\W\d_])(?<!\bне )(?<!\bбез )(?<!\bнет )(?<!\bпротив )(?<!\bno )(?<!\bnot )(?<!\bwithout )"


@cache
def rules() -> list[tuple[re.Pattern[str], str]]:
    """Return (pattern, name) in the order in which they are asked."""
    with (FOLDER / "signs.csv").open(encoding="utf-8", newline="") as file:
        return [(re.compile(rf"{START}(?:{row['stem']})", re.IGNORECASE), row["sign"]) for row in csv.DictReader(file)]


@cache
def names() -> list[str]:
    """Return the signs in the order of their cells."""
    return sorted({name for _, name in rules()})


def chosen(benefits: Sequence[str]) -> list[str]:
    """Return a sign's name for each benefit, each once; "" where no sign is certain."""
    taken: set[str] = set()
    found = []
    for benefit in benefits:
        name = next((name for rule, name in rules() if name not in taken and rule.search(benefit)), "")
        taken.add(name)
        found.append(name)
    return found


@cache
def _sheet() -> Image.Image:
    return Image.open(FOLDER / "signs.png").convert("L")


@lru_cache(maxsize=128)
def mask(name: str, side: int) -> Image.Image:
    """Return a sign as a mask of this side in pixels."""
    row, column = divmod(names().index(name), COLUMNS)
    cell = _sheet().crop((column * CELL, row * CELL, (column + 1) * CELL, (row + 1) * CELL))
    return cell.resize((side, side), Image.Resampling.LANCZOS)
