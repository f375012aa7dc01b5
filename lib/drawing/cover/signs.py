"""A sign for a benefit: the first rule whose stem begins one of its words. No rule, no sign: a wrong one does harm.

What is denied says the opposite, so no stem counts among the words after "не", "без", "нет", "против", "no", "not"
or "without", nor before "-free" or "не нужен": a rule for what a thing lacks begins with the denying word itself. A
crossed-out sign in turn stands only where something is denied, removed or kept away.

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
START = r"(?<![^\W\d_])"
THING = r"(?:\w+(?:ого|его|ых|их|ой|ей|ым|им)\s+){0,2}\w+"
DENIED = re.compile(
    rf"\b(?:без|нет|против|не\s+(?:нужн|треб|надо)\w*)\s+(?P<without>{THING}(?:(?:,|\s+и|\s+или)\s+{THING})*)"
    r"|\b(?P<needless>\w+)\s+не\s+(?:нуж|треб|понадоб)\w*|\b(?:не|not)\s+(?P<never>\w+)"
    r"|\b(?:no|without)\s+(?P<none>\w+(?:\s+\w+)?)|(?P<free>\w+)[- ]free\b"
)
AWAY = re.compile(
    r"\b(?:(?:не|без|нет|против|от|no|not|non|without|never|free|zero)\b|don'?t|doesn'?t|won'?t|анти|бе[сз]|непро|нетокс|проти"
    r"|отводит|отталк|впитыва|снима|снижа|скрыва|убира|убива|устран|удал|уничтож|нейтрал|поглощ|герметич|гигиен|дезинф|стерил"
    r"|обеззар|москит|шумо|звукои|ветроз|ветроу|тих|низк|слыш|тен[еью]|отпуг|отгон|избав|съеда|\d ?дб\b|уров"
    r"|anti|leak|spill|quiet|silent|noise|wind"
    r"|absorb|block|cancel|control|deter|eliminat|keep|kill|neutrali|opaque|proof|reduc|remov|repel|resist|shad|trap|wick)"
)


@cache
def rules() -> list[tuple[re.Pattern[str], str]]:
    """Return (pattern, name) in the order in which they are asked; the patterns are for words in small letters."""
    with (FOLDER / "signs.csv").open(encoding="utf-8", newline="") as file:
        return [(re.compile(rf"{START}(?:{row['stem']})"), row["sign"]) for row in csv.DictReader(file)]


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
    benefit = benefit.lower()
    denied = [match.span(match.lastgroup or 0) for match in DENIED.finditer(benefit)]
    is_away = AWAY.search(benefit) is not None
    for rule, name in rules():
        if name.endswith("-off") and not is_away:
            continue
        if any(not _is_within(match.span(), denied) for match in rule.finditer(benefit)):
            return name
    return ""


def _is_within(span: tuple[int, int], denied: list[tuple[int, int]]) -> bool:
    return any(start <= span[0] and span[1] <= end for start, end in denied)


@cache
def _sheet() -> Image.Image:
    return Image.open(FOLDER / "signs.png").convert("L")


@lru_cache(maxsize=128)
def mask(name: str, side: int) -> Image.Image:
    """Return a sign as a mask of this side in pixels."""
    row, column = divmod(names().index(name), COLUMNS)
    cell = _sheet().crop((column * CELL, row * CELL, (column + 1) * CELL, (row + 1) * CELL))
    return cell.resize((side, side), Image.Resampling.LANCZOS)
