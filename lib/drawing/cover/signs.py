"""A sign for a benefit: the first rule whose stem begins one of its words. No rule, no sign: a wrong one does harm.

What is denied says the opposite, so no stem counts among the words after "не", "без", "нет", "против", "no", "not"
or "without", nor before "-free" or "не нужен": a rule for what a thing lacks begins with the denying word itself, and
the last one answers whatever is left with "ban". A crossed-out sign in turn stands only where something is denied,
removed or kept away.

Of the words that are left some are only mentioned: what a thing is for or goes into, what it is likened to, and the
subject of a verb that is denied. They count where nothing else has a sign, what it is likened to never. Where a verb
speaks, a thing is only what it is done to; and what says two opposites has the sign of neither.

What a word means depends on the goods: slime that crunches is no biscuit. A sign that draws a thing stands only where
`goods` has it at home, and a rule with families in its last column is asked only for a product that is of one of them.

The signs are of Tabler (MIT), Phosphor (MIT) and Lucide (ISC); their licences lie beside them. `signs.webp` holds one
cell of 128 pixels a sign, white on black, in the order of the names in `signs.csv`; `python -m dev.signs` makes it.
"""

import csv
import re
from collections.abc import Iterator, Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import NamedTuple

from PIL import Image

from lib.drawing.cover import goods

FOLDER = Path(__file__).parent
CELL = 128
COLUMNS = 16
BLOCK = 24
START = r"(?<![^\W\d_])"
THING = r"(?:\w+(?:ого|его|ых|их|ой|ей|ым|им)\s+){0,2}\w+(?:\s+\w{3,}(?:[аяыи]|ов|ев|ей)\b)?"
CLAUSE = r"[^,;.:!()—–]*"
DENIED = re.compile(
    rf"\b(?:без|нет|нельзя|против|не\s+(?:нужн|треб|надо)\w*)\s+(?P<without>{THING}(?:(?:,|\s+и|\s+или)\s+{THING})*)"
    rf"|\b(?P<needless>\w+)\s+не\s+(?:надо|нуж|треб|понадоб)\w*"
    rf"|\b(?:не|not|never|nothing)\s+(?P<never>(?!бо[ия]|вызыв|страш)\w+{CLAUSE})"
    r"|\b(?P<absent>\w+)\s+нет\b(?!\s+\w)|\b(?P<hardly>\w+)\s+мало\b|\bмало\s+(?P<few>\w+)"
    r"|\b(?:no|without)\s+(?P<none>\w+(?:\s+\w+)?)|(?P<free>\w+)[- ]free\b"
)
NOUN = r"(?:\w+(?:ого|его|ых|их|ой|ей|ую|юю|ым|им|ый|ий|ая|яя|ое|ее|ые|ие)\s+){0,2}\w+"
TO = r"(?:для|под|над|перед|к|ко|в|во|for|under)\s+(?!подар|комплект|набор|упаков)"
FITS = r"(?:подход|подойд|удобн|можно|мыть|моется|моющ|fits?\b|suit|safe\b)\w*\s+"
LESSENS = r"(?:уменьша|снижа|удаля|устраня|скрыва|маскиру|глуш|reduc|hid)\w*\s+"
MENTIONED = re.compile(
    rf"(?:^|{FITS}){TO}{NOUN}|\b{TO}(?P<aim>{NOUN})|\b{LESSENS}(?P<less>{CLAUSE})"
    r"|^(?P<subject>\w+(?:\s+(?!и\b)\w+)?)\s+(?=не\s+(?!страш|над|нуж|треб|понадоб))"
)
LIKENED = re.compile(
    rf"{FITS}как|\b(?:как|словно|будто|(?:прочнее|крепче|легче|тоньше)(?!\s+\w+ть\b)|like|as|than)\s+(?P<likened>{CLAUSE})"
)
VERB = re.compile(
    r"\b(?!подход|подойд|вмеща|помещ|магнит|гранит|кредит|лимит|защит|щенят)\w+(?:[аеиоуюя]ют|[аеоуюя]ет|ит|ят|ат(?=ся))(?:ся)?\b"
)
# What says two of these says both, and neither sign is the whole of it.
OPPOSED: tuple[set[str], ...] = (
    {"sun", "snowflake"},
    {"temperature-plus", "temperature-minus"},
    {"flame", "temperature-minus"},
    {"arrows-minimize", "maximize"},
    {"sun", "moon"},
)
AWAY = re.compile(
    r"\b(?:(?:не|без|нет|против|держит запах|запах внутри|мало|меньше|уменьша|от|no|not|non|without|never|free|zero)\b"
    r"|don'?t|doesn'?t|won'?t|анти|бе[сз]|непро|нетокс|проти"
    r"|отводит|отталк|впитыва|снима|снижа|скрыва|незамет|невидим|маскир|убира|убива|устран|удал|уничтож|нейтрал|поглощ"
    r"|герметич|гигиен|дезинф|стерил|обеззар|москит|шумо|звукои|ветроз|ветроу|тих|низк|слыш|тен[еью]|отпуг|отгон|избав|съеда"
    r"|\d ?дб\b|уров|anti|leak|spill|quiet|silent|noise|wind|absorb|block|cancel|conceal|control|deter|eliminat|hide"
    r"|keep|kill|low\b|mosquito|neutrali|opaque|privacy|proof|reduc|remov|repel|resist|shad|trap|wick)"
)


class SignRule(NamedTuple):
    """A line of the table: its stem is for small letters, with "е" for "ё"; without `families` it is for any goods."""

    stem: str
    name: str
    families: frozenset[str]


@cache
def rules() -> list[SignRule]:
    """Return the rules in the order in which they are asked."""
    with (FOLDER / "signs.csv").open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file)
        return [SignRule(row["stem"], row["sign"], frozenset((row["goods"] or "").split())) for row in rows]


@cache
def _blocks() -> list[tuple[re.Pattern[str], list[SignRule]]]:
    """Return the rules in blocks, each with a pattern of all its stems, so that one search passes over most blocks."""
    blocks = [rules()[start : start + BLOCK] for start in range(0, len(rules()), BLOCK)]
    return [(_pattern("|".join(rule.stem for rule in block)), block) for block in blocks]


@cache
def _pattern(stem: str) -> re.Pattern[str]:
    return re.compile(rf"{START}(?:{stem})")


@cache
def names() -> list[str]:
    """Return the signs in the order of their cells."""
    return sorted({rule.name for rule in rules()})


def chosen(benefits: Sequence[str], product: str) -> list[str]:
    """Return a sign's name for each benefit of a product; "" where no sign is certain, or where it stands already.

    The product is its whole title, "" where it has none.
    """
    of = goods.families(product)
    found: list[str] = []
    for benefit in benefits:
        name = _sign(benefit, of)
        found.append("" if name in found else name)
    return found


@lru_cache(maxsize=256)
def _sign(benefit: str, product: frozenset[str]) -> str:
    benefit = benefit.lower().replace("ё", "е")
    denied = [*_spans(DENIED, benefit), *_spans(LIKENED, benefit)]
    passed = [*denied, *_spans(MENTIONED, benefit)]
    said = _said(benefit, product, passed)
    name = next(said, "") or next(_said(benefit, product, denied), "")
    opposites = set[str]().union(*(pair for pair in OPPOSED if name in pair)) - {name}
    return "" if opposites and not opposites.isdisjoint(said) else name


def _spans(pattern: re.Pattern[str], benefit: str) -> list[tuple[int, int]]:
    """Return where the named part of each match stands; a match without one only keeps its words from the others."""
    return [match.span(match.lastgroup) for match in pattern.finditer(benefit) if match.lastgroup]


def _said(benefit: str, product: frozenset[str], passed: list[tuple[int, int]]) -> Iterator[str]:
    """Yield the signs of the rules that answer outside what is passed over, in the order of the rules."""
    is_away = AWAY.search(benefit) is not None
    verb = VERB.search(benefit)
    for anything, block in _blocks():
        if not anything.search(benefit):
            continue
        for rule in block:
            if (rule.name.endswith("-off") and not is_away) or not _suits(rule, product):
                continue
            if any(_counts(rule.name, match.span(), verb, passed) for match in _pattern(rule.stem).finditer(benefit)):
                yield rule.name


def _counts(name: str, span: tuple[int, int], verb: re.Match[str] | None, passed: list[tuple[int, int]]) -> bool:
    if verb and name in goods.INERT and not span[0] <= verb.start() < span[1]:
        return False
    return name.endswith("-off") or not any(start <= span[0] and span[1] <= end for start, end in passed)


def _suits(rule: SignRule, product: frozenset[str]) -> bool:
    if rule.families:
        return not rule.families.isdisjoint(product)
    return goods.is_at_home(rule.name, product)


@cache
def _sheet() -> Image.Image:
    return Image.open(FOLDER / "signs.webp").convert("L")


@lru_cache(maxsize=128)
def mask(name: str, side: int) -> Image.Image:
    """Return a sign as a mask of this side in pixels."""
    row, column = divmod(names().index(name), COLUMNS)
    cell = _sheet().crop((column * CELL, row * CELL, (column + 1) * CELL, (row + 1) * CELL))
    return cell.resize((side, side), Image.Resampling.LANCZOS)
