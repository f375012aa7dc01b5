"""Faults on demand: the next requests, tasks or results fail in a way that the real service knows."""

import itertools
from dataclasses import asdict, dataclass
from typing import Any


@dataclass
class Fault:
    """What goes wrong the next `times` times; `seconds` where the way to fail has a duration."""

    id: int
    part: str
    kind: str
    times: int = 1
    seconds: float = 0.0


class Faults:
    """The faults of one stand-in that still wait for their turn, oldest first."""

    def __init__(self, part: str, kinds: tuple[str, ...]) -> None:
        self.part, self.kinds = part, kinds
        self.active: list[Fault] = []
        self.taken: list[str] = []
        self._ids = itertools.count(1)

    def add(self, kind: str, times: int = 1, seconds: float = 0.0) -> Fault:
        if kind not in self.kinds:
            raise ValueError(f"A fault of {self.part} is one of {', '.join(self.kinds)}.")
        fault = Fault(next(self._ids), self.part, kind, max(1, times), seconds)
        self.active.append(fault)
        return fault

    def take(self, *kinds: str) -> Fault | None:
        """Return the oldest fault of these kinds, used up by one."""
        fault = next((one for one in self.active if one.kind in kinds), None)
        if fault:
            fault.times -= 1
            self.taken.append(fault.kind)
            self.active = [one for one in self.active if one.times > 0]
        return fault

    def clear(self) -> None:
        self.active = []

    def docs(self) -> list[dict[str, Any]]:
        return [asdict(one) for one in self.active]
