"""Makes of a model's words what a client reads: references become items with prices, and the guards look at the rest.

    {c03}          the item with all of its prices        {c03/300 мл}   one variant with its price
    {points}       a figure that code has computed for this answer; any other name in braces is dropped

The same text is rendered again and again while it grows, so what is not certain yet is held back: a reference that is
open, and a sentence with a number in it until it has ended.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lib import text, typed
from lib.assistant import guards, keyless
from lib.assistant.fitting import AskedLimits
from lib.menu.goods import MenuItem, Variant

MOST = 1500  # characters of an answer
_REFERENCE = re.compile(r"\{([^{}\n]{1,80})\}")
_MARKDOWN = re.compile(r"\*\*|__|~~|`+|^#{1,6}\s*|!?\[([^\]]*)\]\([^)]*\)?|<[^<>\n]{0,200}>", re.MULTILINE)
_BULLET = re.compile(r"^[ \t]*[-*•]\s+", re.MULTILINE)
_SENTENCE = re.compile(r"(?:[^.!?…\n]|[.!?…](?!\s|$|[.!?…]))*(?:[.!?…]+|\n|$)")
_SAFE_CODE = re.compile(r"[\w.-]{1,20}")
_UNSURE = re.compile(r"[\d₽$€%@]|://|\b(?:цен|стои|руб|тыс|сто|двест|скид|бесплат|free|price|cost)", re.IGNORECASE)


@dataclass(frozen=True)
class AnswerFacts:
    """What code knows for one answer: the menu by reference, figures, words that are ours, the shop's own contacts.

    `limits` are those of the question.
    """

    language: str
    items: Mapping[str, MenuItem]
    figures: Mapping[str, str] = field(default_factory=dict)
    ours: Sequence[str] = ()
    names: Sequence[str] = ()
    contacts: Sequence[str] = ()
    limits: AskedLimits = field(default_factory=AskedLimits)


@dataclass(frozen=True)
class ShownAnswer:
    """An answer as it goes out: plain text and its entities; `named` are the codes of the items in it that may suit."""

    words: str
    entities: tuple[dict[str, Any], ...] = ()
    named: tuple[str, ...] = ()


@dataclass(frozen=True)
class _AnswerPart:
    """A part of an answer: the model's words, or ours in the place of a reference."""

    words: str
    ours: bool = False
    bold: int = 0  # so many of its first characters


def references(items: Iterable[MenuItem]) -> dict[str, MenuItem]:
    """Return the items by what a model calls them: the code where that is simple, else the place in the menu."""
    return {
        one.code.lower() if _SAFE_CODE.fullmatch(one.code) else f"n{place}": one for place, one in enumerate(items, 1)
    }


def render(words: str, facts: AnswerFacts, *, ended: bool = True) -> ShownAnswer:
    """Return what a client may read of a model's words so far."""
    cleaned = _cleaned(words)
    if not ended:
        cleaned = _certain(cleaned)
    if guards.leaks(cleaned, facts.ours, facts.names):
        return ShownAnswer(text.plain(text.say(facts.language, "client.answer.not_about_that")))
    named: list[str] = []
    kept: list[_AnswerPart] = []
    doubts = set[str]()
    for sentence in _sentences(_pieces(cleaned, facts, named)):
        doubt = _doubt(sentence, facts)
        if not doubt:
            kept += sentence
        elif doubt not in doubts:
            doubts.add(doubt)
            note = text.plain(text.say(facts.language, f"client.answer.{doubt}"))
            kept.append(_AnswerPart(f"{_lead(sentence)}{note}{'\n' * sentence[-1].words.endswith('\n')}"))
    return _said(kept, tuple(dict.fromkeys(named)))


def _cleaned(words: str) -> str:
    """Take out what Telegram would show as signs: Markdown, tags, marks that nobody sees."""
    plain = _MARKDOWN.sub(lambda found: found[1] or "", typed.visible(words).replace("\0", "").replace("\r", ""))
    return re.sub(r"\n{3,}", "\n\n", _BULLET.sub("• ", plain))


def _certain(words: str) -> str:
    """Return the part of a growing text that will not read otherwise later."""
    opened = words.rfind("{")
    if opened > words.rfind("}"):
        words = words[:opened]
    ends = [found.end() for found in re.finditer(r"[.!?…]+\s|\n", words)]
    last = ends[-1] if ends else 0
    tail = _REFERENCE.sub("", words[last:])
    if _UNSURE.search(tail) or guards.speaks_of_money(tail):
        return words[:last]
    return words[: max(words.rfind(sign) for sign in " \n}") + 1]


def _pieces(words: str, facts: AnswerFacts, named: list[str]) -> list[_AnswerPart]:
    found, at = [], 0
    for reference in _REFERENCE.finditer(words):
        found.append(_own(words[at : reference.start()], facts))
        shown = _shown(reference[1].strip(), facts, named)
        if shown:
            found.append(shown)
        at = reference.end()
    return [*found, _own(words[at:], facts)]


def _own(words: str, facts: AnswerFacts) -> _AnswerPart:
    """Return words of the model's own, without what it must not pass on."""
    return _AnswerPart(guards.without_links(words.replace("{", "").replace("}", ""), facts.contacts))


def _shown(reference: str, facts: AnswerFacts, named: list[str]) -> _AnswerPart | None:
    """Return what stands in the place of a reference; None for one that this answer does not know."""
    if reference.lower() in facts.figures:
        return _AnswerPart(facts.figures[reference.lower()], ours=True)
    code, _, wanted = reference.partition("/")
    item = facts.items.get(code.strip().lower())
    if item is None:
        return None
    variants = _variants(item, wanted)
    kept = facts.limits.kept(item, variants)
    notes = [] if item.available else [text.plain(text.say(facts.language, "client.answer.gone"))]
    if item.code not in facts.limits.barred:
        named.append(item.code)
    if not kept:
        notes.append(facts.limits.note(facts.language, item, variants))
    prices = keyless.prices(facts.language, kept or variants, item.unit)
    marks = f" ({'; '.join(notes)})" if notes else ""
    return _AnswerPart(f"{item.title} — {prices}{marks}", ours=True, bold=len(item.title))


def _variants(item: MenuItem, wanted: str) -> Sequence[Variant]:
    asked = guards.flat(wanted).replace(" ", "")
    one = [each for each in item.variants if asked and guards.flat(each.name).replace(" ", "") == asked]
    return one or item.variants


def _sentences(pieces: Sequence[_AnswerPart]) -> Iterable[list[_AnswerPart]]:
    """Cut the pieces where a sentence of the model's own words ends."""
    sentence: list[_AnswerPart] = []
    for piece in pieces:
        if piece.ours:
            sentence.append(piece)
            continue
        for part in _SENTENCE.findall(piece.words):
            if part:
                sentence.append(_AnswerPart(part))
                if part[-1] in ".!?…\n":
                    yield sentence
                    sentence = []
    if sentence:
        yield sentence


def _doubt(sentence: Sequence[_AnswerPart], facts: AnswerFacts) -> str:
    """Return the sentence to say in this one's place, "" when it may go out."""
    own = " ".join(one.words for one in sentence if not one.ours)
    for contact in facts.contacts:
        own = own.replace(contact, " ")
    known = {number for item in facts.items.values() for number in re.findall(r"\d+", item.title)}
    if guards.speaks_of_money(own, known):
        return "price_by_staff"
    return "by_staff" if guards.is_forbidden(own) else ""


def _lead(sentence: Sequence[_AnswerPart]) -> str:
    """Return the space before a sentence."""
    first = sentence[0].words
    return first[: len(first) - len(first.lstrip())]


def _said(pieces: Sequence[_AnswerPart], named: tuple[str, ...]) -> ShownAnswer:
    words, entities = "", list[dict[str, Any]]()
    for piece in pieces:
        if len(words) + len(piece.words) > MOST:
            break
        if piece.bold:
            offset, length = _units(words), _units(piece.words[: piece.bold])
            entities.append({"type": "bold", "offset": offset, "length": length})
        words += piece.words
    lead = len(words) - len(words.lstrip())
    shift = _units(words[:lead])
    moved = tuple({**one, "offset": one["offset"] - shift} for one in entities)
    return ShownAnswer(words.strip(), moved, named)


def _units(words: str) -> int:
    """Return the length as Telegram counts it, in units of UTF-16."""
    return len(words.encode("utf-16-le")) // 2
