"""Cleans a seller's words for a card: drops what cannot be printed, and decides where a line may break."""

import re
import unicodedata

TITLE_LIMIT = 110
BENEFIT_LIMIT = 60
BENEFITS = 6

_MARKUP = re.compile(r"</?[A-Za-z][^<>]*>|\*\*|__|`+|~~|\|\|")
_LONELY = re.compile(
    "а|без|в|во|да|для|до|ж|же|за|и|из|или|к|как|ко|на|над|не|ни|но|о|об|от|по|под|при|про|с|со|то|у|"
    "a|an|and|by|for|in|of|on|or|the|to|with",
    re.IGNORECASE,
)
_JOINED = "\u00a0"
_OPEN = "\u200b"  # after a piece that the next one follows without a space
_HYPHEN = re.compile(r"(?<=[^\W\d_]{4}-)(?=[^\W\d_]{4})")


def cleaned(text: str, limit: int) -> str:
    """Return the text on one line, without markup, controls and broken signs, cut at a word to the limit."""
    text = unicodedata.normalize("NFC", _MARKUP.sub("", text[: limit * 20]))
    text = "".join(" " if unicodedata.category(sign) in ("Zs", "Zl", "Zp", "Cc") else sign for sign in text)
    text = "".join(sign for sign in text if unicodedata.category(sign) not in ("Cf", "Cs", "Co", "Cn"))
    return shortened(" ".join(text.split()), limit)


def shortened(text: str, limit: int) -> str:
    """Cut at the last word that fits, with an ellipsis; a single long word is cut inside."""
    if len(text) <= limit:
        return text
    head = text[: limit - 1]
    if text[limit - 1] != " " and " " in head[limit // 2 :]:
        head = head[: head.rindex(" ")]
    return head.rstrip(" ,.;:-–—") + "…"


def unbroken(text: str) -> list[str]:
    """Split into the pieces that a line may not break inside: prepositions and units stay with their word.

    A long word may break after its hyphen; `joined` puts the pieces together again.
    """
    pieces: list[str] = []
    for word in _HYPHEN.sub(f"{_OPEN} ", text).split():
        *before, last = pieces[-1].split(_JOINED) if pieces else ("",)
        if pieces and (_leads(last, *before[-1:]) or word in "–—-+&/" or _counts(last, word)):
            pieces[-1] += _JOINED + word
        else:
            pieces.append(word)
    return pieces


def joined(pieces: tuple[str, ...]) -> str:
    """Return the line that these pieces make."""
    return " ".join(pieces).replace(f"{_OPEN} ", "").rstrip(_OPEN)


def _leads(word: str, before: str = "") -> bool:
    """Say whether a word must not end a line: a preposition, or a lone sign that is no number's unit."""
    is_sign = len(word) == 1 and not word.isdigit() and not _counts(before, word)
    return _LONELY.fullmatch(word) is not None or is_sign


def _counts(number: str, unit: str) -> bool:
    return number.replace(",", "").replace(".", "").isdigit() and len(unit) <= 6
