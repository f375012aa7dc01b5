"""Every sentence a user can read, through gettext, by key: lib/locales/{ru,en}/LC_MESSAGES/*.po, Russian first.

A key that begins with the name of a file of its own (`partner.accrue.ask` in partner.po) stands there, so that a bot
reads only what it says; every other key, and every unit, stands in lotok.po. A sentence names its fields in braces. A
field with a unit is a number with the right plural: `{price:credits}` reads "2 кредита" by the plural entry
`unit.credits`. Fields are escaped for Telegram's HTML, so a user's words stay words, and lose the marks that would turn
the text beside them round.

How a language writes numbers, money and dates is decided here and nowhere else. A sentence says what a field is, and
the field comes as it is stored: kopecks, hundredths of a percent, a date. No line breaks before the sign of an amount.

    {n:number}      1 234        1,234          {bill:money}    1 234,50 ₽       1,234.50 ₽
    {n:decimal}     1,5          1.5            {sum:dollars}   502,82 $         $502.82
    {n:percent}     7,5 %        7.5%           {day:date}      7 марта 2027     7 March 2027
    {at:moment}     7 марта 2027, 14:05         7 March 2027, 14:05

`python -m ops texts` compiles the .po files; a test compares both languages key by key.
"""

import functools
import gettext
import html
import itertools
import re
import string
from collections.abc import Callable, Iterator, Sequence
from datetime import date as Date
from datetime import datetime
from pathlib import Path
from typing import Any

from lib import typed

LANGUAGES = ("ru", "en")
LOCALES = Path(__file__).parent / "locales"
COMMON = "lotok"
MESSAGE = 4096  # what a message of Telegram's holds
CAPTION = 1024  # what stands below a picture
# The marks between the thousands and before the decimals.
MARKS = {"ru": ("\u00a0", ","), "en": (",", ".")}

_MARK = re.compile(r"<[^<>]*>")


class HtmlSentence(str):
    """A sentence, which is HTML already: as another sentence's field it is not escaped once more."""

    __slots__ = ()


def say(language: str, key: str, **fields: Any) -> str:
    """Return the sentence as Telegram HTML; raise KeyError when the language has no such key."""
    sentence = _catalogue(language, _domain(key)).gettext(key)
    if sentence == key:
        raise KeyError(f"{language} has no sentence {key!r}")
    return HtmlSentence(_Sentence(language).vformat(sentence, (), fields))


def parts(language: str, key: str, **fields: Any) -> list[str]:
    """Return the sentence as messages that Telegram takes: each says it with a part of the longest words, in order."""
    whole = say(language, key, **fields)
    if _size(whole) <= MESSAGE:
        return [whole]
    long = max((name for name, value in fields.items() if isinstance(value, str)), key=lambda name: len(fields[name]))
    room = max(MESSAGE - _size(say(language, key, **{**fields, long: ""})), MESSAGE // 2)
    return [say(language, key, **{**fields, long: piece}) for piece in _pieces(fields[long], room)]


def plain(said: str) -> str:
    """Return a sentence as people read it, without the marks of HTML."""
    return html.unescape(_MARK.sub("", said))


def fits(said: str, most: int = MESSAGE) -> bool:
    """Tell whether a sentence is one message, or one caption."""
    return _size(said) <= most


def fitting(sentences: Sequence[str], room: int) -> list[str]:
    """Return the first of them that fit into a part of a message together."""
    taken = itertools.accumulate(_size(one) + 2 for one in sentences)
    return [one for one, size in zip(sentences, taken, strict=True) if size <= room]


def knows(key: str) -> bool:
    """Tell whether there is a sentence of that key."""
    return _catalogue(LANGUAGES[0], _domain(key)).gettext(key) != key


def number(language: str, value: int) -> str:
    """Return a whole number; what stands between the thousands does not break a line."""
    return f"{value:,}".replace(",", MARKS[language][0]).replace("-", "\u2212")


def decimal(language: str, hundredths: int) -> str:
    """Return a number of hundredths without the zeros that say nothing: 1.5 and 7, but 0.05."""
    shown = _hundredths(language, hundredths)
    return shown.removesuffix("0") if hundredths % 100 else shown


def money(language: str, kopecks: int) -> str:
    """Return an amount of roubles, without kopecks when there are none."""
    return f"{_hundredths(language, kopecks)}\u00a0₽"


def dollars(language: str, cents: int) -> str:
    """Return an amount of dollars."""
    amount = _hundredths(language, abs(cents))
    sign = "\u2212" if cents < 0 else ""
    return f"{sign}${amount}" if language == "en" else f"{sign}{amount}\u00a0$"


def percent(language: str, basis_points: int) -> str:
    """Return hundredths of a percent as a percentage."""
    return decimal(language, basis_points) + ("%" if language == "en" else "\u00a0%")


def day(language: str, on: Date) -> str:
    """Return a date of this year."""
    return f"{on.day} {_month(language, on)}"


def date(language: str, on: Date) -> str:
    """Return a date with its year."""
    return f"{day(language, on)} {on.year}"


def short_day(language: str, on: Date) -> str:
    """Return a date of this year for a list or a button."""
    return f"{on.day} {_month(language, on)[:3]}" if language == "en" else f"{on:%d.%m}"


def moment(language: str, at: datetime) -> str:
    """Return a date and a time; `at` is in the reader's zone already."""
    return f"{date(language, at)}, {at:%H:%M}"


def short_moment(language: str, at: datetime) -> str:
    """Return a date of this year and a time for a list; `at` is in the reader's zone already."""
    return f"{short_day(language, at)}, {at:%H:%M}"


def span(language: str, seconds: float) -> str:
    """Return a time that has passed, in whole seconds below two minutes and in whole minutes above."""
    if seconds < 120:
        return say(language, "time.seconds", n=max(1, round(seconds)))
    return say(language, "time.minutes", n=round(seconds / 60))


def short(words: str, most: int = 20) -> str:
    """Return a line's worth of somebody's words."""
    return beginning(" ".join(words.split()), most)


def beginning(words: str, most: int) -> str:
    """Return somebody's words, or as many as there is room for and a mark that there are more."""
    return words if len(words) <= most else words[: most - 1].rstrip() + "…"


def guess(language_code: str) -> str:
    """Return the language to begin with for a Telegram client's language code; Russian when it says nothing."""
    code = language_code.partition("-")[0].lower()
    return "ru" if code in ("", "ru", "be", "uk", "kk", "ky", "uz", "tg") else "en"


def _size(said: str) -> int:
    """Return how much of MESSAGE a sentence takes: Telegram counts UTF-16 units, without the marks of HTML."""
    return len(plain(said).encode("utf-16-le")) // 2


def _pieces(words: str, room: int) -> Iterator[str]:
    while len(words.encode("utf-16-le")) // 2 > room:
        most = words.encode("utf-16-le")[: room * 2].decode("utf-16-le", "ignore")
        space = max(most.rfind("\n"), most.rfind(" "))
        cut = space + 1 if space > len(most) // 2 else len(most)
        yield words[:cut]
        words = words[cut:]
    yield words


def _hundredths(language: str, value: int) -> str:
    whole, rest = divmod(abs(value), 100)
    sign = "\u2212" if value < 0 else ""
    return sign + number(language, whole) + (f"{MARKS[language][1]}{rest:02}" if rest else "")


def _month(language: str, on: Date) -> str:
    return _catalogue(language, COMMON).gettext(f"month.{on.month}")


# What a field can be beside a number with a unit.
_KINDS: dict[str, Callable[[str, Any], str]] = {
    one.__name__: one for one in (number, decimal, money, dollars, percent, day, date, short_day, moment)
}


@functools.cache
def _catalogue(language: str, domain: str) -> gettext.NullTranslations:
    return gettext.translation(domain, LOCALES, [language if language in LANGUAGES else LANGUAGES[0]])


@functools.cache
def _domains() -> frozenset[str]:
    return frozenset(path.stem for path in (LOCALES / LANGUAGES[0] / "LC_MESSAGES").glob("*.mo"))


def _domain(key: str) -> str:
    first = key.partition(".")[0]
    return first if first in _domains() else COMMON


class _Sentence(string.Formatter):
    """str.format where the format spec says what a field is, and every value is escaped."""

    def __init__(self, language: str) -> None:
        self.language = language if language in LANGUAGES else LANGUAGES[0]

    def format_field(self, value: Any, format_spec: str) -> str:
        if not format_spec or isinstance(value, str):  # words stay words: what is missing reads "—"
            return value if isinstance(value, HtmlSentence) else html.escape(typed.visible(str(value)), quote=False)
        if shown := _KINDS.get(format_spec):
            return shown(self.language, value)
        unit = f"unit.{format_spec}"
        count = number(self.language, value)
        return _catalogue(self.language, COMMON).ngettext(unit, unit, abs(value)).format(n=count)
