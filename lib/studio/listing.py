"""Puts together the text of a marketplace's page for a finished card: a name and a description, within its lengths.

By rules it says the card's own words again and nothing else. What a model writes is a stranger's text: each sentence is
held against the alphabet, the rules of the marketplaces and the numbers that the card has; what fails is left out.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lib import text
from lib.jobs.table import Job
from lib.studio import words as card_words

TASK = "listing"
# Characters of a name and of a description: no more than the marketplace takes, and both fit into one message.
LIMITS = {"wb": (60, 1700), "ozon": (200, 1700)}

_SENTENCE = re.compile(r"(?<=[.!?…])\s+")
_DIGITS = re.compile(r"\d+")
_MARKUP = re.compile(r"<[^>]*>|https?://\S+")


@dataclass(frozen=True)
class Listing:
    """The text of one marketplace's page."""

    market: str
    name: str
    about: str


def is_offered(job: Job) -> bool:
    """Say whether a text can be made of an order: of cards that share their words."""
    return job.task == "card" and bool(job.args.get("title")) and not job.args.get("titles")


def by_rules(title: str, benefits: Sequence[str]) -> list[Listing]:
    """Return the text of each marketplace out of the words of a card; without those that it would refuse."""
    said = [benefit for benefit in benefits if card_words.is_allowed(benefit)]
    if not card_words.is_allowed(title):
        return []
    return [Listing(market, _named(market, title, said), _told(title, said)) for market in LIMITS]


def checked(said: dict[str, Any], title: str, benefits: Sequence[str]) -> list[Listing]:
    """Return what a model wrote as far as it may stand there, and the rules' text where nothing of it may."""
    numbers = set(_DIGITS.findall(" ".join((title, *benefits))))
    found = []
    for usual in by_rules(title, benefits):
        most_name, most_about = LIMITS[usual.market]
        name = _clean(said.get(f"{usual.market}_name"), numbers)
        about = _clean(said.get(f"{usual.market}_about"), numbers)
        found.append(
            Listing(
                usual.market,
                name if 0 < len(name) <= most_name else usual.name,
                about if 0 < len(about) <= most_about else usual.about,
            )
        )
    return found


def said(language: str, listings: Sequence[Listing]) -> str:
    """Return the message that shows them, each part to be copied by a tap."""
    lines = [text.say(language, "studio.listing")]
    for one in listings:
        most, _ = LIMITS[one.market]
        market = text.say(language, f"preset.{one.market}.name")
        facts = {"name": one.name, "about": one.about, "length": len(one.name), "limit": most}
        lines.append(text.say(language, "studio.listing.of", market=market, **facts))
    return "\n\n".join(lines)


def _named(market: str, title: str, benefits: Sequence[str]) -> str:
    """Return the name: Wildberries wants the thing alone, Ozon what it is known by, too."""
    name, most = title[: LIMITS[market][0]], LIMITS[market][0]
    for benefit in benefits if market == "ozon" else ():
        longer = f"{name}, {_lower(benefit)}"
        name = longer if len(longer) <= most else name
    return name


def _told(title: str, benefits: Sequence[str]) -> str:
    lines = [f"{title.rstrip('.')}.", *(f"— {benefit.rstrip('.')}." for benefit in benefits)]
    return "\n".join(lines)


def _lower(line: str) -> str:
    """Begin a line inside a sentence: but not an abbreviation or a name in Latin letters."""
    return line if line[:2].isupper() or not "а" <= line[:1].lower() <= "я" else line[:1].lower() + line[1:]


def _clean(value: Any, numbers: set[str]) -> str:
    """Return the sentences that may stand on a marketplace's page and have no number of their own."""
    if not isinstance(value, str):
        return ""
    lines = []
    for line in _MARKUP.sub("", value[:8000]).splitlines():
        kept = [one for one in _SENTENCE.split(card_words.drawn(line)) if one and _may_stand(one, numbers)]
        lines += [" ".join(kept)] if kept else []
    return "\n".join(lines)


def _may_stand(sentence: str, numbers: set[str]) -> bool:
    return card_words.is_allowed(sentence) and set(_DIGITS.findall(sentence)) <= numbers
