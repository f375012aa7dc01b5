"""The state of one run of the wizard: what it knows, what it has made and done, and what is left for a hand."""

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from lib import config, errors
from ops.setup import words

TRIES = 3
YES = ("", "y", "yes", "д", "да")


@dataclass
class Wizard:
    """It asks only where somebody is there to answer, and prints only where somebody reads.

    `dry` only looks. `hands_over` gives settings to Vercel without asking. `theirs` are the settings there, when its
    command line could be asked (`is_linked`). `hidden` are names whose values nobody tells. While it `waits` for a
    deployment with the new settings, there is nothing to look at.
    """

    language: str = "en"
    asks: bool = True
    prints: bool = True
    dry: bool = False
    hands_over: bool = False
    file: Path = Path(".env.production")
    is_linked: bool = False
    waits: bool = False
    theirs: dict[str, str] = field(default_factory=dict, repr=False)
    hidden: frozenset[str] = frozenset()
    usernames: list[str] = field(default_factory=list)
    made: dict[str, str] = field(default_factory=dict, repr=False)
    done: list[str] = field(default_factory=list)
    left: list[dict[str, str]] = field(default_factory=list)

    def get(self, *names: str) -> str:
        """Return the first of these settings that there is, or ''."""
        return next((os.environ[name].strip() for name in names if os.environ.get(name, "").strip()), "")

    def put(self, name: str, value: str) -> None:
        """Take a new setting, for this run at once."""
        self.made[name] = os.environ[name] = value
        config.get.cache_clear()

    def say(self, key: str, **facts: object) -> str:
        """Return a sentence in the person's language."""
        return words.say(self.language, key, **facts)

    def tell(self, key: str, **facts: object) -> None:
        """Note that something is done, or would be."""
        dry = f"{key}_dry"
        self.done.append(self.say(dry if self.dry and dry in words.WORDS else key, **facts))
        if self.prints:
            print(f"{'·' if self.dry else '✓'} {self.done[-1]}")

    def wait(self, key: str, **facts: object) -> None:
        """Say what takes a while now, or what the next question is about."""
        if self.prints:
            print(f"… {self.say(key, **facts)}", flush=True)

    def leave(self, mend: str, key: str, **facts: object) -> None:
        """Note what only a hand can do."""
        self.left.append({"what": self.say(key, **facts), "mend": mend})

    def ask(self, key: str, check: Callable[[str], str], **facts: object) -> str:
        """Return an answer that `check` has nothing against, or '' when there is none."""
        for _ in range(TRIES if self.asks else 0):
            value = self._typed(key, **facts)
            if not value:
                return ""
            if not (fault := check(value)):
                return value
            print(f"✗ {fault}")
        return ""

    def agrees(self, key: str, *, unasked: bool, **facts: object) -> bool:
        """Ask for a yes; without anybody to answer return `unasked`."""
        return self._typed(key, end="n", **facts).lower() in YES if self.asks else unasked

    def _typed(self, key: str, end: str = "", **facts: object) -> str:
        """Return what is typed, and `end` when nobody types any more."""
        try:
            with _stopped_at_once():
                return input(f"{self.say(key, **facts)}: ").strip()
        except EOFError:
            return end

    def refusal(self, name: str) -> Callable[[str], str]:
        """Return the check of a setting by its own reader in lib/config.py."""

        def check(value: str) -> str:
            complaints = config.Config({"LOTOK_ENV": "production", name: value}).complaints()
            said = next((one for one in complaints if name in one.split()), "")
            return words.odd(self.language, name, said) if said else ""

        return check


@contextlib.contextmanager
def _stopped_at_once() -> Iterator[None]:
    """Let Ctrl-C end a question: asyncio would note the first one, and act on it once the question is answered."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def by_suffix(*suffixes: str) -> str:
    """Return what an integration has set under a prefix of the owner's choice."""
    names = sorted(name for name in os.environ if name.endswith(suffixes))
    return next((os.environ[name] for name in names if os.environ[name]), "")


def as_role(url: str, role: str, password: str) -> str:
    """Return the address for another role, through the pooler where it is Neon's."""
    parts = urlsplit(url)
    if parts.scheme not in ("postgres", "postgresql"):
        raise errors.Misconfigured(detail="DATABASE_URL_UNPOOLED must begin with postgresql://")
    place = parts.netloc.rpartition("@")[2]
    first, dot, rest = place.partition(".")
    if rest.partition(":")[0].endswith(".neon.tech") and not first.endswith("-pooler"):
        place = f"{first}-pooler{dot}{rest}"
    return urlunsplit(parts._replace(netloc=f"{role}:{password}@{place}"))
