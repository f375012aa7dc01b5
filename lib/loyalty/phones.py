"""Phone numbers of any country, in the one way in which they are kept: +79001234567.

Telegram always says the international number, mostly without its plus; what it says of a person's own account is proven
and is taken as it is. People type what they are used to: the shop's country comes first, and where a number can be
read in two ways, both readings are looked for and shown. The numbering plans are Google's, in the package
phonenumberslite; it is imported for the first number that somebody types.
"""

import re
from collections.abc import Iterator

from lib import errors, typed

COUNTRY = "RU"
# Where people write a number with 8 or 0 in place of the country's code and our shops are, or their guests come from.
NEIGHBOURS = ("RU", "BY", "KZ", "UZ", "KG", "AM", "AZ", "GE", "TJ", "MD", "UA")

_LABEL = re.compile(r"^(?:тел(?:ефон)?|tel|phone)\b[.:]*\s*", re.IGNORECASE)
_TOLD = re.compile(r"\+?([1-9]\d{6,14})", re.ASCII)
_TYPED = re.compile(r"\+?[\d ().\-/]{7,39}", re.ASCII)


def told(number: str) -> str:
    """Return what Telegram says of somebody's own number; Invalid("phone_unclear") for what can be none."""
    found = _TOLD.fullmatch(re.sub(r"[ ()\-]", "", typed.visible(number)))
    if found is None:
        raise errors.Invalid("phone_unclear", number[:40])
    return f"+{found[1]}"


def readings(text: str, country: str = COUNTRY) -> list[str]:
    """Return the numbers that a person may have meant, the likeliest first; Invalid("phone_unclear") without any."""
    words = _plain(text)
    digits = re.sub(r"\D", "", words)
    known = _readings(digits, country, international=words.startswith("+")) if looks_like_one(text) else ()
    found = list(dict.fromkeys(known))
    if not found:
        raise errors.Invalid("phone_unclear", text[:40])
    return found


def looks_like_one(text: str) -> bool:
    """Tell whether a text has the digits and signs of a whole number, which may still be none."""
    words = _plain(text)
    return _TYPED.fullmatch(words) is not None and 7 <= len(re.sub(r"\D", "", words)) <= 18


def shown(number: str) -> str:
    """Return a number as people read it: +7 900 123-45-67."""
    import phonenumbers

    try:
        known = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return number
    return phonenumbers.format_number(known, phonenumbers.PhoneNumberFormat.INTERNATIONAL)


def _plain(text: str) -> str:
    return _LABEL.sub("", typed.plain(typed.narrow(text)))


def _readings(digits: str, country: str, *, international: bool) -> Iterator[str]:
    """Give out each reading that a numbering plan knows. A Russian 8 may have got a plus by mistake."""
    if digits.startswith("00") or international:
        whole = list(_valid("+" + digits.removeprefix("00"), None))
    else:
        whole = [*_valid(digits, country), *_valid(digits, COUNTRY), *_valid("+" + digits, None)]
    yield from whole
    if not whole and (not international or digits.startswith("8")):
        for other in dict.fromkeys((country, *NEIGHBOURS)):
            yield from _valid(digits, other)


def _valid(digits: str, country: str | None) -> Iterator[str]:
    import phonenumbers

    try:
        number = phonenumbers.parse(digits, country)
    except phonenumbers.NumberParseException:
        return
    if phonenumbers.is_valid_number(number):
        yield phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
