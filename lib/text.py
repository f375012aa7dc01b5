"""Every sentence a user can read, through gettext, by key: lib/locales/{ru,en}/LC_MESSAGES/*.po, Russian first.

A key that begins with the name of a file of its own (`partner.accrue.ask` in partner.po) stands there, so that a bot
reads only what it says; every other key, and every unit, stands in lotok.po. A sentence names its fields in braces. A
field with a unit is a number with the right plural: `{price:credits}` reads "2 кредита" by the plural entry
`unit.credits`. Fields are escaped for Telegram's HTML, so a user's words stay words, and lose the marks that would turn
the text beside them round.
`python -m ops texts` compiles the .po files; a test compares both languages key by key.
"""

import functools
import gettext
import html
import string
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from lib import typed

LANGUAGES = ("ru", "en")
LOCALES = Path(__file__).parent / "locales"
COMMON = "lotok"


class Said(str):
    """A sentence, which is HTML already: as another sentence's field it is not escaped once more."""

    __slots__ = ()


def say(language: str, key: str, **fields: Any) -> str:
    """Return the sentence as Telegram HTML; raise KeyError when the language has no such key."""
    sentence = _catalogue(language, _domain(key)).gettext(key)
    if sentence == key:
        raise KeyError(f"{language} has no sentence {key!r}")
    return Said(_Sentence(_catalogue(language, COMMON)).vformat(sentence, (), fields))


def knows(key: str) -> bool:
    """Tell whether there is a sentence of that key."""
    return _catalogue(LANGUAGES[0], _domain(key)).gettext(key) != key


def moment(at: datetime, hours: int) -> str:
    """Return a time as somebody reads it whose clock is so many hours ahead of UTC."""
    return f"{at.astimezone(timezone(timedelta(hours=hours))):%d.%m, %H:%M}"


def span(language: str, seconds: float) -> str:
    """Return a time that has passed, in whole seconds below two minutes and in whole minutes above."""
    if seconds < 120:
        return say(language, "time.seconds", n=max(1, round(seconds)))
    return say(language, "time.minutes", n=round(seconds / 60))


def guess(language_code: str) -> str:
    """Return the language to begin with for a Telegram client's language code; Russian when it says nothing."""
    code = language_code.partition("-")[0].lower()
    return "ru" if code in ("", "ru", "be", "uk", "kk", "ky", "uz", "tg") else "en"


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
    """str.format where the format spec names a unit, and every value is escaped."""

    def __init__(self, catalogue: gettext.NullTranslations) -> None:
        self.catalogue = catalogue

    def format_field(self, value: Any, format_spec: str) -> str:
        if format_spec:
            unit = f"unit.{format_spec}"
            return self.catalogue.ngettext(unit, unit, value).format(n=f"{value:,}".replace(",", "\u00a0"))
        return value if isinstance(value, Said) else html.escape(typed.visible(str(value)), quote=False)
