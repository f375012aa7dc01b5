"""Faults on demand: the next requests, tasks or results fail in a way that the real service knows."""

import itertools
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

type Kinds = dict[str, tuple[str, ...]]


@dataclass
class Fault:
    """A fault that happens the next `times` times; `seconds` is its duration, where it has one."""

    id: int
    part: str
    kind: str
    times: int = 1
    seconds: float = 0.0


class Faults:
    """The faults of one stand-in that have not happened yet, oldest first.

    `kinds` are the ways to fail by what they strike; `on_change` is called when one was ordered, used up or removed.
    """

    def __init__(self, part: str, kinds: Kinds) -> None:
        self.part, self.kinds = part, kinds
        self.active: list[Fault] = []
        self.taken: list[str] = []
        self.on_change: Callable[[], None] = lambda: None
        self._ids = itertools.count(1)

    def add(self, kind: str, times: int = 1, seconds: float = 0.0) -> Fault:
        known = [one for kinds in self.kinds.values() for one in kinds]
        if kind not in known:
            raise ValueError(f"A fault of {self.part} is one of {', '.join(known)}.")
        fault = Fault(next(self._ids), self.part, kind, max(1, times), seconds)
        self.active.append(fault)
        self.on_change()
        return fault

    def take(self, *kinds: str) -> Fault | None:
        """Return the oldest fault of these kinds, and count it down by one."""
        fault = next((one for one in self.active if one.kind in kinds), None)
        if fault:
            fault.times -= 1
            self.taken.append(fault.kind)
            self.active = [one for one in self.active if one.times > 0]
            self.on_change()
        return fault

    def clear(self, kind: str = "") -> None:
        """Remove the faults of a kind, or all."""
        self.active = [one for one in self.active if kind not in ("", one.kind)]
        self.on_change()

    def docs(self) -> list[dict[str, Any]]:
        return [asdict(one) for one in self.active]
