"""A person's conversation with one bot: its stored form, and how two of them become one after an outage."""

import json
from dataclasses import dataclass, field
from typing import Any

from lib import limits

VERSION = 1


@dataclass
class State:
    """Where a person is in a conversation with one bot.

    `step` is "<flow>:<step>", empty outside a conversation. `data` is what the conversation has gathered. `who` is what
    every update needs to know of the person, so that Neon need not be asked: id, language, consent. `blind` says that
    the conversation began while Redis could not be read, so there may be an older part of it. `limits` are the times of
    `limits.take`. `heard` is the last message that answered a step (lib/telegram/edits).
    """

    step: str = ""
    data: dict[str, Any] = field(default_factory=dict)
    who: dict[str, Any] = field(default_factory=dict)
    saved_at: float = 0.0
    blind: bool = False
    limits: dict[str, int] = field(default_factory=dict)
    heard: dict[str, Any] = field(default_factory=dict)

    def dump(self) -> str:
        """Return the stored form."""
        fields = {"v": VERSION, "step": self.step, "data": self.data, "who": self.who, "saved_at": self.saved_at}
        late = limits.ahead(self.limits)
        more = ({"blind": True} if self.blind else {}) | ({"limits": late} if late else {})
        more |= {"heard": self.heard} if self.heard else {}
        return json.dumps(fields | more, ensure_ascii=False)

    def copy(self) -> "State":
        """Return a state of its own that can be changed."""
        return load(self.dump())


def load(stored: str | None) -> State:
    """Return the state out of its stored form; a form of another version counts as none."""
    fields = json.loads(stored) if stored else {}
    if fields.get("v") != VERSION:
        return State()
    return State(
        fields["step"],
        fields["data"],
        fields["who"],
        fields.get("saved_at", 0.0),
        blind=fields.get("blind", False),
        limits=fields.get("limits", {}),
        heard=fields.get("heard", {}),
    )


def merge(kept: State, carried: State) -> State:
    """Return one state out of what Redis kept and what Neon had: the newer wins.

    A conversation that began blind knows nothing of the older one, so what only the older one holds stays, down to the
    parts of a draft: a photo from before the outage and the words from during it make one order.
    """
    if not carried.saved_at:
        return kept
    older, newer = sorted((kept, carried), key=lambda state: state.saved_at)
    if not carried.blind:
        return newer
    return State(
        newer.step or older.step,
        _joined(older.data, newer.data),
        newer.who or older.who,
        newer.saved_at,
        limits=older.limits | newer.limits,
        heard=newer.heard,
    )


def _joined(older: dict[str, Any], newer: dict[str, Any]) -> dict[str, Any]:
    """Return both; a filled value of the newer replaces the older's, and two dicts are joined in their turn."""
    joined = dict(older)
    for name, value in newer.items():
        both = isinstance(value, dict) and isinstance(older.get(name), dict)
        if value or name not in older:
            joined[name] = {**older[name], **value} if both else value
    return joined
