"""Reads what people type and paste as they meant it: without marks that nobody sees, odd spaces, quotes, look-alikes.

A number copied from a contact or a web page brings along marks that turn the direction of writing, soft hyphens and
spaces that do not break; in a name such a mark turns the text beside it round. Other scripts' digits stay what they
are: who reads an amount guesses nothing. A phone number may be typed wide ("８ ９１２…"): `narrow` is for those.
"""

import re

# Soft hyphens, marks of direction, joiners of words and the like. The joiners that emoji are made with stay.
_MARKS = re.compile("[\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff]")
_DASHES = re.compile("[\u2010-\u2015\u2212]")
_QUOTES = "\"'`\u00ab\u00bb\u201c\u201d\u201e\u2018\u2019\u2039\u203a"

_LATIN, _CYRILLIC = "ABCEHKMOPTXY", "АВСЕНКМОРТХУ"
_TO_LATIN, _TO_CYRILLIC = str.maketrans(_CYRILLIC, _LATIN), str.maketrans(_LATIN, _CYRILLIC)


def visible(text: str) -> str:
    """Return a text without the marks that nobody sees and that turn or break what stands beside them."""
    return _MARKS.sub("", text)


def file_name(title: str, *said: str) -> str:
    """Return the name of a file about a shop, without its ending: letters and digits of its title, and what is said."""
    letters = " ".join("".join(one if one.isalnum() else " " for one in visible(title)).split())
    return " ".join(" ".join(filter(None, [letters[:40], *said])).split())


def storable(text: str) -> str:
    """Return a text without zero bytes and halves of characters: neither a row nor a message can hold them."""
    return text.replace("\0", "").encode(errors="replace").decode()


def line(text: str) -> str:
    """Return one line with plain spaces and hyphens, whatever a phone or a page has made of them."""
    return _DASHES.sub("-", " ".join(visible(text).replace("\u2019", "'").split()))


def plain(text: str) -> str:
    """Return one line that is to be read as a number, a date or a code: plain spaces and hyphens, no quotes."""
    return line(text).strip(_QUOTES + " ")


def narrow(text: str) -> str:
    """Return a text with the plain digits and signs in place of the wide ones that an Asian keyboard types."""
    return text.translate(_NARROW)


def unquoted(text: str) -> str:
    """Return words without the quotes around all of them; those around a part of them stay."""
    return text[1:-1].strip() if len(text) > 1 and text[0] in _QUOTES and text[-1] in _QUOTES else text


def is_nothing(text: str) -> bool:
    """Tell whether somebody says that there is nothing: by a dash of any length, or by "Нет.", as phones write it."""
    return plain(text).rstrip(".!").lower() in ("", "-", "нет", "ничего", "no", "none", "nothing")


def city(text: str) -> str:
    """Return the name of a city as others write it: no "г.", no quotes, each word in one alphabet, with a capital."""
    words = unquoted(_CITY.sub("", plain(text)))
    if _ONLY_CYRILLIC.search(words):
        words = re.sub(r"\w+", _in_cyrillic, words)
    return words[:1].upper() + words[1:]


def _in_cyrillic(word: re.Match[str]) -> str:
    """Return a word without Latin look-alikes, unless it is Latin: "Ереван / Yerevan"."""
    if _ONLY_LATIN.search(word[0]):
        return word[0]
    return word[0].translate(_TO_CYRILLIC).translate(_SMALL_CYRILLIC)


def digits(text: str) -> str:
    """Return the digits of a code that was typed in groups, "" when there is anything else in it."""
    found = re.sub(r"[\s-]", "", plain(text))
    return found if found.isascii() and found.isdecimal() else ""


def spellings(code: str) -> list[str]:
    """Return what a code in capitals may have been meant to be, the likeliest first: С and C look alike, and so on.

    A letter that only one of the two scripts has decides for all; without one, what was typed goes first.
    """
    latin, cyrillic = code.translate(_TO_LATIN), code.translate(_TO_CYRILLIC)
    only_latin = re.search("[A-Z]", cyrillic) is not None
    only_cyrillic = re.search("[А-ЯЁ]", latin) is not None
    if only_latin == only_cyrillic:
        return list(dict.fromkeys((code,) if only_latin else (code, latin, cyrillic)))
    return list(dict.fromkeys((latin if only_latin else cyrillic, code)))


def latin(text: str) -> str:
    """Return a text with Latin letters in place of the Cyrillic ones that look like them, small ones too."""
    return text.translate(_TO_LATIN).translate(_SMALL)


_NARROW = {ord("！") + place: ord("!") + place for place in range(94)}
_SMALL = str.maketrans("асеорху", "aceopxy")
_SMALL_CYRILLIC = str.maketrans("aceopxy", "асеорху")
_CITY = re.compile(r"^(?:г\.\s*|гор\.\s*|г\s+|город\s+)", re.IGNORECASE)
_ONLY_LATIN = re.compile("[bdf-nq-wzDFGIJLNQRSU-WZ]")
_ONLY_CYRILLIC = re.compile("[б-джзик-нптф-яБГДЖЗИЙЛПФЦ-Я]")
