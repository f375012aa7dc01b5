"""Long work as named steps with a state file: what is done stays done after Ctrl-C, a crash or a lost connection.

The file holds no password and no host: it knows its two databases by a hash of where they are.
"""

import hashlib
import json
import os
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lib import errors
from ops.neon import connect

FOLDER = Path(".dev/move")


@dataclass(frozen=True)
class Step[C]:
    """A step: its name in the state file, what it is about to do in words, and how; it may return what it found."""

    name: str
    words: str
    do: Callable[[C], Awaitable[str | None]]


@dataclass
class State:
    """What has been done of a move, kept in a file."""

    path: Path
    steps: dict[str, dict[str, Any]] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        """Return where the move keeps its files."""
        return self.path.parent

    def done(self, name: str) -> bool:
        """Tell whether a step was finished."""
        return self.steps.get(name, {}).get("state") == "done"

    def begun(self, name: str) -> bool:
        """Tell whether a step was begun, finished or not."""
        return name in self.steps

    def mark(self, name: str, state: str, **facts: Any) -> None:
        """Note where a step stands, at once and whole."""
        at = datetime.now(UTC).isoformat(timespec="seconds")
        self.steps[name] = self.steps.get(name, {}) | {"state": state, "at": at} | facts
        self.save()

    def forget(self, *names: str) -> None:
        """Let steps be done again."""
        self.steps = {name: facts for name, facts in self.steps.items() if name not in names}
        self.save()

    def save(self) -> None:
        """Write the file in one stroke: a crash leaves the old one or the new one."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        part = self.path.with_suffix(".part")
        part.write_text(json.dumps({"steps": self.steps, "facts": self.facts}, indent=1, default=str), encoding="utf-8")
        os.replace(part, self.path)


def load(kind: str, source: str, target: str, folder: Path | None = None) -> State:
    """Read the state of a move between two databases; a new one when there is none."""
    path = (folder or FOLDER / trace(source, target)) / f"{kind}.json"
    if not path.exists():
        return State(path)
    try:
        held = json.loads(path.read_text(encoding="utf-8"))
        return State(path, held["steps"], held["facts"])
    except (ValueError, KeyError) as error:
        raise errors.Invalid("state", f"{path} cannot be read; delete it to begin again") from error


def trace(*places: str) -> str:
    """Return a short hash of where two databases are; a file's is its path's."""
    told = [_place(place) for place in places]
    return hashlib.sha256("\n".join(told).encode()).hexdigest()[:12]


def _place(given: str) -> str:
    if "://" not in given and "=" not in given:
        return str(Path(given).resolve())
    parts = connect.read(given)
    return "|".join(parts.get(name, "") for name in ("host", "port", "dbname"))


async def run[C](steps: Sequence[Step[C]], state: State, context: C, say: Callable[[str], None] = print) -> None:
    """Do the steps that are not done yet, one after another."""
    for number, step in enumerate(steps, 1):
        head = f"{number}/{len(steps)} {step.name:<12}"
        if state.done(step.name):
            say(f"{head} done before")
            continue
        say(f"{head} {step.words}")
        began = time.monotonic()
        state.mark(step.name, "begun")
        found = await step.do(context)
        seconds = round(time.monotonic() - began, 2)
        state.mark(step.name, "done", seconds=seconds)
        say(f"{'':<4}{'':<12} {found or 'done'} ({seconds:.1f} s)")
