"""The parts of the local stack as people see them: a name, a state, how long it took, where it is."""

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

ADVICE = "make reset, then make up"


class PartFailed(Exception):
    """A part did not start; `hint` is a command to try."""

    def __init__(self, part: str, reason: str, log: Path | None = None, hint: str = "") -> None:
        super().__init__(f"{part}: {reason}")
        self.part, self.reason, self.log, self.hint = part, reason, log, hint


@dataclass
class Part:
    """One part: `status` is down, starting, up or failed."""

    name: str
    status: str = "down"
    detail: str = ""
    real: bool = False
    ms: float = 0.0
    url: str = ""
    log: Path | None = field(default=None, repr=False)

    def doc(self) -> dict[str, Any]:
        """Return the part as the control API shows it."""
        return asdict(self) | {"log": str(self.log or "")}


class Parts:
    """All parts, in the order of their first mention; every watcher hears of each change."""

    def __init__(self, logs: Path, watch: Callable[[Part], None]) -> None:
        self.all: dict[str, Part] = {}
        self.watch = watch
        self._logs = logs

    def __getitem__(self, name: str) -> Part:
        if name not in self.all:
            self.all[name] = Part(name, log=self._logs / f"{name}.log")
        return self.all[name]

    def change(self, name: str, **facts: Any) -> Part:
        """Change what is known of a part and tell it."""
        part = self[name]
        for key, value in facts.items():
            setattr(part, key, value)
        self.watch(part)
        return part

    @contextlib.contextmanager
    def starting(self, name: str, detail: str = "", *, hint: str = ADVICE) -> Iterator[Part]:
        """Show a part as starting, then as up with the time it took, or as failed with the reason."""
        began = time.monotonic()
        part = self.change(name, status="starting", detail=detail)
        try:
            yield part
        except Exception as error:
            reason = one_line(error)
            self.change(name, status="failed", detail=reason)
            if isinstance(error, PartFailed):
                raise
            self._note(part, error)
            raise PartFailed(name, reason, part.log, hint) from error
        self.change(name, status="up", ms=round((time.monotonic() - began) * 1000))

    def _note(self, part: Part, error: Exception) -> None:
        if part.log:
            with contextlib.suppress(OSError), part.log.open("a", encoding="utf-8") as log:
                log.write(f"{error}\n")


def one_line(error: BaseException) -> str:
    """Say an error in one line: of a traceback, the last one."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}{f': {error.filename}' if error.filename else ''}"
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    telling = [line for line in lines if "cannot start" in line or "Error" in line]
    return (telling or lines or [type(error).__name__])[-1][:300]
