"""What a migration may not do while the code before it still runs: during a deployment, and after a rollback.

Expand, deploy, contract: a migration adds; the code that uses it is deployed; what nobody uses any more goes with a
later release. So that yesterday's code works on today's schema, a statement that takes something away is refused,
unless it says why no code that may still run needs it:

    -- contract: nothing has read this column since 0040
    alter table jobs drop column note;
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from lib.migrations import Migration

# Up to here there was no such rule: no code that old runs anywhere.
RULED_AFTER = "0048"
MARK = re.compile(r"^\s*--\s*contract:\s*\S.{9,}$", re.MULTILINE)

_BODY = re.compile(r"(\$\w*\$).*?\1", re.DOTALL)
_TEXT = re.compile(r"'(?:[^']|'')*'")
_COMMENT = re.compile(r"--[^\n]*")
_MADE = re.compile(r"create\s+(?:unlogged\s+)?table\s+(?:if\s+not\s+exists\s+)?([\w.]+)")
_REVOKED = re.compile(r"^revoke\b.*?\bon\s+(?:table\s+)?([\w., ]+?)\s+from\b")
_TABLE = re.compile(r"(?:alter|drop)\s+table\s+(?:if\s+exists\s+)?(?:only\s+)?([\w.]+)")
_NO_COLUMN = r"column\b|constraint\b|not\b|default\b|expression\b|identity\b"
_BREAKS = (
    (r"^drop\s+(table|view|materialized view|type|sequence|schema|domain)\b", "drops a {0}"),
    (r"^drop\s+(function|procedure)\b", "drops a {0}"),
    (rf"^alter\s+table\b.*\bdrop\s+(?:column\s+)?(?!{_NO_COLUMN})\w+", "drops a column"),
    (r"^alter\s+\w+\b.*\brename\b", "renames"),
    (r"^alter\s+table\b.*\balter\s+(?:column\s+)?\w+\s+set\s+not\s+null", "forbids null"),
    (r"^alter\s+table\b.*\balter\s+(?:column\s+)?\w+\s+(?:set\s+data\s+)?type\b", "changes a type"),
    (r"^alter\s+table\b.*\balter\s+(?:column\s+)?\w+\s+drop\s+default", "drops a default"),
    (r"^alter\s+table\b.*\bset\s+schema\b", "moves a table"),
    (r"^revoke\b(?!.*\bon\s+schema\b).*\bfrom\s+lotok_", "takes a right away"),
)


@dataclass(frozen=True)
class Break:
    """A statement that the code before it may not survive."""

    migration: str
    what: str
    statement: str


def check(files: Iterable[Migration], after: str = RULED_AFTER) -> list[Break]:
    """Return what breaks older code in the migrations after this one, without the reason for it."""
    return [found for file in files if file.name > f"{after}~" for found in _check(file)]


def _check(file: Migration) -> Iterator[Break]:
    made = {name for statement in _statements(file.text) for name in _MADE.findall(_bare(statement))}
    for statement in _statements(file.text):
        bare = _bare(statement)
        about = _tables(bare)
        if (about and about <= made) or MARK.search(statement):
            continue
        for what in _what(bare):
            yield Break(file.name, what, bare[:100])


def _tables(bare: str) -> set[str]:
    """Return the tables that a statement changes, or takes rights on."""
    changed, revoked = _TABLE.match(bare), _REVOKED.match(bare)
    return {changed[1]} if changed else {*re.split(r"[, ]+", revoked[1])} if revoked else set()


def _what(bare: str) -> Iterator[str]:
    for pattern, words in _BREAKS:
        if found := re.search(pattern, bare):
            yield words.format(*found.groups())
    for column in re.findall(r"\badd\s+(?:column\s+)?(?!constraint|primary|unique|foreign|check)(\w+[^,]*)", bare):
        is_filled = re.search(r"\bdefault\b|\bgenerated\b", column)
        if bare.startswith("alter table") and "not null" in column and not is_filled:
            yield "adds a column that must be filled"


def _statements(text: str) -> list[str]:
    """Split a script at its semicolons, with the comments above each statement and without the bodies of functions."""
    comments = dict[str, str]()

    def keep(match: re.Match[str]) -> str:
        name = f"--{len(comments)}"
        comments[name] = match[0]
        return name

    bare = _TEXT.sub("''", _COMMENT.sub(keep, _BODY.sub("''", text)))
    return [re.sub(r"--\d+", lambda match: comments[match[0]], part) for part in bare.split(";")]


def _bare(statement: str) -> str:
    """Return a statement in one line of small letters, without comments."""
    return " ".join(_COMMENT.sub("", statement).split()).lower().replace('"', "")
