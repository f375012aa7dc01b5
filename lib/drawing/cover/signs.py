"""A sign for a benefit: the first rule whose stem begins one of its words. No rule, no sign: a wrong one does harm.

What is denied says the opposite, so no stem counts among the words after "не", "без", "нет", "против", "no", "not"
or "without", nor before "-free" or "не нужен": a rule for what a thing lacks begins with the denying word itself, and
the last one answers whatever is left with "ban". A crossed-out sign in turn stands only where something is denied,
removed or kept away.

The signs are of Tabler (MIT), Phosphor (MIT) and Lucide (ISC); their licences lie beside them. `signs.webp` holds one
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
BLOCK = 24
START = r"(?<![^\W\d_])"
THING = r"(?:\w+(?:ого|его|ых|их|ой|ей|ым|им)\s+){0,2}\w+"
DENIED = re.compile(
    rf"\b(?:без|нет|против|не\s+(?:нужн|треб|надо)\w*)\s+(?P<without>{THING}(?:(?:,|\s+и|\s+или)\s+{THING})*)"
    r"|\b(?P<needless>\w+)\s+не\s+(?:нуж|треб|понадоб)\w*|\b(?:не|not)\s+(?P<never>\w+)"
    r"|\b(?:no|without)\s+(?P<none>\w+(?:\s+\w+)?)|(?P<free>\w+)[- ]free\b"
)
AWAY = re.compile(
    r"\b(?:(?:не|без|нет|против|от|no|not|non|without|never|free|zero)\b|don'?t|doesn'?t|won'?t|анти|бе[сз]|непро|нетокс|проти"
    r"|отводит|отталк|впитыва|снима|снижа|скрыва|незамет|невидим|маскир|убира|убива|устран|удал|уничтож|нейтрал|поглощ"
    r"|герметич|гигиен|дезинф|стерил|обеззар|москит|шумо|звукои|ветроз|ветроу|тих|низк|слыш|тен[еью]|отпуг|отгон|избав|съеда"
    r"|\d ?дб\b|уров|anti|leak|spill|quiet|silent|noise|wind|absorb|block|cancel|conceal|control|deter|eliminat|hide"
    r"|keep|kill|low\b|mosquito|neutrali|opaque|privacy|proof|reduc|remov|repel|resist|shad|trap|wick)"
)


@cache
def rules() -> list[tuple[str, str]]:
    """Return (stem, name) in the order in which they are asked; stems are for small letters, with "е" for "ё"."""
    with (FOLDER / "signs.csv").open(encoding="utf-8", newline="") as file:
        return [(row["stem"], row["sign"]) for row in csv.DictReader(file)]


@cache
def _blocks() -> list[tuple[re.Pattern[str], list[tuple[str, str]]]]:
    """Return the rules in blocks, each with a pattern of all its stems, so that one search passes over most blocks."""
    blocks = [rules()[start : start + BLOCK] for start in range(0, len(rules()), BLOCK)]
    return [(_pattern("|".join(stem for stem, _ in block)), block) for block in blocks]


@cache
def _pattern(stem: str) -> re.Pattern[str]:
    return re.compile(rf"{START}(?:{stem})")


@cache
def names() -> list[str]:
    """Return the signs in the order of their cells."""
    return sorted({name for _, name in rules()})


def chosen(benefits: Sequence[str]) -> list[str]:
    """Return a sign's name for each benefit, each once; "" where no sign is certain, or where it stands already."""
    found: list[str] = []
    for benefit in benefits:
        name = _sign(benefit)
        found.append("" if name in found else name)
    return found


@lru_cache(maxsize=256)
def _sign(benefit: str) -> str:
    benefit = benefit.lower().replace("ё", "е")
    denied = [match.span(match.lastgroup or 0) for match in DENIED.finditer(benefit)]
    is_away = AWAY.search(benefit) is not None
    for anything, block in _blocks():
        if not anything.search(benefit):
            continue
        for stem, name in block:
            if name.endswith("-off") and not is_away:
                continue
            if any(not _is_within(match.span(), denied) for match in _pattern(stem).finditer(benefit)):
                return name
    return ""


def _is_within(span: tuple[int, int], denied: list[tuple[int, int]]) -> bool:
    return any(start <= span[0] and span[1] <= end for start, end in denied)


@cache
def _sheet() -> Image.Image:
    return Image.open(FOLDER / "signs.webp").convert("L")


@lru_cache(maxsize=128)
def mask(name: str, side: int) -> Image.Image:
    """Return a sign as a mask of this side in pixels."""
    row, column = divmod(names().index(name), COLUMNS)
    cell = _sheet().crop((column * CELL, row * CELL, (column + 1) * CELL, (row + 1) * CELL))
    return cell.resize((side, side), Image.Resampling.LANCZOS)
