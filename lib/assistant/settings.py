"""What a shop decides about its assistant: whether it answers, how it speaks, what it refuses, how much a day.

The words of a shop are data: they are capped and cleaned here and go to a model inside the block of data, never among
the rules. A shop that never decided anything has the defaults.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from lib import db, errors

SQL = db.load("assistants")

TONES = ("warm", "brief", "formal")
MANNER, INSTRUCTIONS = 200, 1500  # characters
TOPICS, TOPIC = 20, 60  # how many refused topics, and the length of one
CLIENT_ANSWERS, SHOP_ANSWERS = 500, 100_000  # the most that a shop may allow a day


@dataclass(frozen=True)
class AssistantSettings:
    """What one shop decided; `client_answers` and `shop_answers` are answers of the model a day."""

    is_on: bool = True
    tone: str = "warm"
    manner: str = ""
    instructions: str = ""
    refused: list[str] = field(default_factory=list)
    client_answers: int = 30
    shop_answers: int = 1000


async def read(conn: db.Connection, partner_id: int) -> AssistantSettings:
    """Return what a shop decided, the defaults where it decided nothing."""
    found = await SQL.get_assistant.within(_of(partner_id)).one(conn, AssistantSettings, partner_id=partner_id)
    return found or AssistantSettings()


async def change(conn: db.Connection, partner_id: int, actor_id: int, **fields: Any) -> None:
    """Change some settings, by the owner or a manager. Denied("role_too_low"); Invalid("bad_setting", name)."""
    kept = {name: _checked(name, value) for name, value in fields.items()}
    changed = await SQL.change_assistant.within(_of(partner_id)).one(
        conn, int, partner_id=partner_id, actor_id=actor_id, fields=kept, defaults=asdict(AssistantSettings())
    )
    if changed is None:
        raise errors.Denied("role_too_low", str(actor_id))


def _checked(name: str, value: Any) -> Any:
    """Return a value as it is stored. Invalid("bad_setting", name), Invalid("too_long", how long it may be)."""
    if name not in CHECKS:
        raise errors.Invalid("bad_setting", name)
    kept = CHECKS[name](value)
    if kept is None:
        raise errors.Invalid("bad_setting", name)
    return kept


def _words(most: int, *, lines: bool = False) -> Callable[[Any], str | None]:
    def check(value: Any) -> str | None:
        return _clean(value, most, lines=lines) if isinstance(value, str) else None

    return check


def _topics(value: Any) -> list[str] | None:
    if not isinstance(value, list) or len(value) > TOPICS or not all(isinstance(one, str) for one in value):
        return None
    return [*dict.fromkeys(one for one in (_clean(each, TOPIC) for each in value) if one)]


def _clean(words: str, most: int, *, lines: bool = False) -> str:
    """Drop what nobody sees: control characters, those that turn the direction of writing, needless space."""
    seen = "".join(one for one in words if one == "\n" or unicodedata.category(one)[0] != "C")
    kept = re.sub(r"[^\S\n]+" if lines else r"\s+", " ", seen).strip()
    if len(kept) > most:
        raise errors.Invalid("too_long", str(most))
    return kept


def _number(most: int) -> Callable[[Any], int | None]:
    return lambda value: value if type(value) is int and 1 <= value <= most else None


CHECKS: Mapping[str, Callable[[Any], Any]] = {
    "is_on": lambda value: value if type(value) is bool else None,
    "tone": lambda value: value if value in TONES else None,
    "manner": _words(MANNER),
    "instructions": _words(INSTRUCTIONS, lines=True),
    "refused": _topics,
    "client_answers": _number(CLIENT_ANSWERS),
    "shop_answers": _number(SHOP_ANSWERS),
}


def _of(partner_id: int) -> db.Scope:
    return db.Scope(tenant=partner_id)
