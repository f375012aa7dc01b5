"""What a conversation has gathered: a frozen dataclass of its flow, kept in State.data under a key of the flow's own.

A draft is stored without what is at its default, so that two of its parts are joined after an outage (`conversation`).
One that another release has stored in another form counts as none: its person begins again.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from lib.telegram.conversation import State


@dataclass(frozen=True)
class DraftKey[T]:
    """Where a flow keeps its draft: the key, and the type."""

    name: str
    kind: type[T]

    def of(self, state: State) -> T | None:
        """Return the draft; None when there is none."""
        return self.read(state.data.get(self.name))

    def keep(self, state: State, draft: T) -> None:
        """Put a draft in the place of what was there."""
        state.data[self.name] = self.dump(draft)

    def drop(self, state: State) -> bool:
        """Forget the draft; say whether there was one."""
        return bool(state.data.pop(self.name, None))

    def read(self, stored: object) -> T | None:
        """Return the draft out of its stored form."""
        if not isinstance(stored, Mapping) or not stored:
            return None
        known = {one.name: _thawed(stored[one.name]) for one in fields(self._shape) if one.name in stored}
        try:
            return self.kind(**known)
        except (TypeError, ValueError):
            return None

    def dump(self, draft: T) -> dict[str, Any]:
        """Return the stored form."""
        values = {one.name: (getattr(draft, one.name), one.default) for one in fields(self._shape)}
        return {name: _frozen(value) for name, (value, default) in values.items() if value != default}

    @property
    def _shape(self) -> Any:
        return self.kind


def _frozen(value: Any) -> Any:
    """Return a tuple as the list that JSON makes of it."""
    return list(map(_frozen, value)) if isinstance(value, tuple) else value


def _thawed(value: Any) -> Any:
    """Return a list of JSON as the tuple that it was."""
    return tuple(map(_thawed, value)) if isinstance(value, list) else value
