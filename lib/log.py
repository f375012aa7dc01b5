"""One JSON line an event, with the ids and the counts of what is being worked on.

`scope` opens the record of one update or one job; whatever runs inside adds to it with `count` (round trips) and
`note` (facts); leaving the scope prints the line. Scopes live in a ContextVar: one instance serves many at once.

No line holds a secret or what somebody wrote: secrets are known by their shape, and what libraries and errors that are
not ours quote is left out.
"""

import contextlib
import json
import logging
import re
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

from lib import errors, tally

# At INFO, where Vercel's runtime puts the root logger, these print every URL, and Telegram's hold the bot's token.
for _name in ("httpx", "httpx2", "httpcore", "httpcore2", "telegram"):
    logging.getLogger(_name).setLevel(logging.WARNING)

# Never printed, in our own words or a library's: a bot's token, a bearer token, the password of an address.
_SECRETS = (
    re.compile(r"(?<=\d:)[A-Za-z0-9_-]{30,}"),
    re.compile(r"(?<=[Bb]earer )[^\s\"\\]+"),
    re.compile(r"(?<=://)[^\s/@\"]*:[^\s/@\"]+(?=@)"),
)
# Words are in quotes that hold more than a name.
_QUOTED = re.compile(r"(['\"])(?:(?!\1).)*?(?:[^\x00-\x7f]|[^'\"]{30})(?:(?!\1).)*\1")

type Record = dict[str, Any]

_record: ContextVar[Record | None] = ContextVar("record", default=None)


@contextlib.contextmanager
def scope(event: str, **fields: Any) -> Iterator[Record]:
    """Collect one event's facts and print them as one line at the end, with `ms` spent."""
    record: Record = {"event": event, **fields}
    token = _record.set(record)
    started = time.perf_counter()
    try:
        yield record
    finally:
        _record.reset(token)
        record["ms"] = round((time.perf_counter() - started) * 1000, 1)
        _write(record)


def count(name: str, n: int = 1) -> None:
    """Add `n` to a counter of the current event, such as 'sql', 'redis' or 'telegram' round trips, and to its sum."""
    tally.spent(name, n)
    record = _record.get()
    if record is not None:
        record[name] = record.get(name, 0) + n


def current() -> Record | None:
    """Return the current event's record, by which an instance tells apart the events that it serves at once."""
    return _record.get()


def note(**fields: Any) -> None:
    """Add facts to the current event."""
    record = _record.get()
    if record is not None:
        record.update(fields)


def event(name: str, **fields: Any) -> None:
    """Print an event that stands alone."""
    _write({"event": name, **fields})


def failure(error: BaseException) -> None:
    """Add an error with the last frames of its traceback to the current event."""
    note(**_facts(error))


def take_over() -> None:
    """Make what libraries log one JSON line each, traceback and all; the platform makes many of a traceback."""
    logging.basicConfig(level=logging.INFO, handlers=[_Libraries()], force=True)
    logging.captureWarnings(True)
    sys.unraisablehook = lambda lost: _library("unraisable", "ERROR", str(lost.err_msg or ""), lost.exc_value)
    threading.excepthook = lambda lost: _library("threading", "ERROR", "", lost.exc_value)


class _Libraries(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        try:
            words = record.getMessage()
        except Exception:  # the library's own mistake, a placeholder too many
            words = str(record.msg)
        _library(record.name, record.levelname, words, record.exc_info[1] if record.exc_info else None)


def _library(name: str, level: str, words: str, error: BaseException | None) -> None:
    event(
        "library",
        logger=name,
        level=level,
        message=_QUOTED.sub("'…'", words)[:2000],
        **(_facts(error) if error else {}),
    )


def _facts(error: BaseException) -> Record:
    frames = traceback.extract_tb(error.__traceback__)[-4:]
    where = [f"{frame.filename.rsplit('/', 2)[-1]}:{frame.lineno} {frame.name}" for frame in frames]
    return {"error": f"{type(error).__name__}: {_said(error)}"[:500], "where": where}


def _said(error: BaseException) -> str:
    """Return what an error says; of one that is not ours the first line, without what it quotes of somebody's words."""
    if isinstance(error, errors.AppError):
        return str(error)
    first, *_ = str(error).splitlines() or [""]
    return _QUOTED.sub("'…'", first)


def _write(record: Record) -> None:
    line = json.dumps(record, ensure_ascii=False, default=str)
    for secret in _SECRETS:
        line = secret.sub("***", line)
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
