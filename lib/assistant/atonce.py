"""The menu's answer, ready before its question is heard, so that both are written in one statement.

It is made from what this process saw of the shop with the question before. The statement adds it only where the shop is
still the same; else the question is answered from what the statement found.
"""

from dataclasses import dataclass

from lib import text
from lib.assistant import keyless
from lib.assistant.keyless import MenuReply
from lib.assistant.talks import HeardLine, ReadyAnswer
from lib.menu import versions
from lib.menu.index import Index
from lib.menu.versions import OpenShop


@dataclass(frozen=True)
class ReadyReply:
    """An answer as it is kept, as it is shown, and the menu that it is from."""

    answer: ReadyAnswer
    reply: MenuReply
    index: Index


_seen: dict[int, tuple[str, OpenShop]] = {}


def shop(heard: HeardLine) -> OpenShop:
    """Return the shop that a question was asked of."""
    named = (heard.title, heard.city, heard.address, heard.contact)
    return OpenShop(heard.id, *named, heard.menu_version, heard.tz, heard.hours)


def saw(heard: HeardLine) -> None:
    """Remember what the shop is, for the next question."""
    _seen.pop(heard.id, None)
    while len(_seen) >= versions.INDEXES:
        _seen.pop(next(iter(_seen)))
    _seen[heard.id] = heard.facts, shop(heard)


def ready(language: str, shop_id: int, question: str) -> ReadyReply | None:
    """Return the answer to a question, None where this process does not know the shop with its menu."""
    facts, known = _seen.get(shop_id, ("", None))
    index = versions.at_hand(known) if known else None
    if known is None or index is None:
        return None
    reply = keyless.reply(language, known, index, question)
    return ReadyReply(ReadyAnswer(facts, text.plain(reply.words), reply.missed), reply, index)
