"""Amounts as people type them: "1 234,50", "350", "1.234,50 ₽". Whole kopecks inside, and nothing is ever guessed.

How an amount is shown is decided in text.py, by the reader's language.
"""

import re

from lib import errors, typed

# The marks that separate thousands: a space of any width, and an apostrophe. Letters and other scripts' digits never
# pass.
_SPACES = " '"
_SIGN = re.compile(r"(?:₽|руб(?:\.|лей|ля|ль)?|р\.?)$", re.IGNORECASE)
_PLAIN = re.compile(r"(\d{1,12})(?:[.,](\d{1,2}))?", re.ASCII)
_GROUPED = re.compile(rf"(\d{{1,3}}(?:[{_SPACES}]\d{{3}})+)(?:[.,](\d{{1,2}}))?", re.ASCII)
_DOTTED = re.compile(r"(\d{1,3}(?:\.\d{3})+),(\d{1,2})|(\d{1,3}(?:,\d{3})+)\.(\d{1,2})", re.ASCII)


def parse(text: str, *, limit: int) -> int:
    """Return an amount in kopecks, at most `limit`.

    Invalid: amount_unclear (no amount, or one that can be read in two ways), amount_negative, amount_zero,
    amount_over_limit.
    """
    words = typed.plain(text)
    if re.match(r"[-\u2212\u2013\u2014]\s*\d", words):
        raise errors.Invalid("amount_negative", text[:40])
    minor = _minor(_SIGN.sub("", words).strip())
    if minor is None:
        raise errors.Invalid("amount_unclear", text[:40])
    return _within(minor, limit)


def parse_points(text: str, *, limit: int) -> int:
    """Return a whole number of points; the errors are those of `parse`, and points_over_limit past `limit`."""
    words = typed.plain(text)
    if re.match(r"[-\u2212\u2013\u2014]\s*\d", words):
        raise errors.Invalid("amount_negative", text[:40])
    found = _PLAIN.fullmatch(words) or _GROUPED.fullmatch(words)
    if found is None or found[2] is not None:
        raise errors.Invalid("amount_unclear", text[:40])
    return _within(int(_digits(found[1])), limit, "points_over_limit")


def _minor(words: str) -> int | None:
    found = _PLAIN.fullmatch(words) or _GROUPED.fullmatch(words)
    if found:
        whole, rest = found[1], found[2] or ""
    elif dotted := _DOTTED.fullmatch(words):
        whole, rest = (dotted[1], dotted[2]) if dotted[1] else (dotted[3], dotted[4])
    else:
        return None
    return int(_digits(whole)) * 100 + int(rest.ljust(2, "0"))


def _digits(words: str) -> str:
    return re.sub(r"\D", "", words, flags=re.ASCII)


def _within(value: int, limit: int, refused: str = "amount_over_limit") -> int:
    if value == 0:
        raise errors.Invalid("amount_zero")
    if value > limit:
        raise errors.Invalid(refused, str(limit))
    return value
