"""What two databases are, apart from their rows, and where they differ: catalog.sql is asked of both sides.

A section whose query fails is an error, never an empty section: two sides that failed alike would seem equal.
"""

import asyncio
import re
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from lib import errors
from ops.neon import connect, deparse, managed

# What differs by the provider's nature: told, but an equal base all the same, unless --strict asks for more.
NOTES = ("extension_versions", "locale", "comments", "labels", "owners", "grants", "default_grants", "roles")
# Expressions in them are written anew by a dump, and by another version.
DEPARSED = ("views", "rules", "policies", "columns", "constraints", "indexes", "triggers", "statistics")

type Section = dict[str, str]


@dataclass(frozen=True)
class Difference:
    """One object that the two sides do not have alike; None says that a side lacks it."""

    section: str
    name: str
    source: str | None
    target: str | None

    @property
    def note(self) -> bool:
        """Tell whether the difference is one that a move between providers brings along."""
        return self.section in NOTES

    def words(self) -> str:
        """Return the difference on one line."""
        title = self.section.replace("_", " ")
        if self.target is None:
            return f"missing  {title}: {self.name}" + (f" ({self.source})" if self.source else "")
        if self.source is None:
            return f"extra    {title}: {self.name}" + (f" ({self.target})" if self.target else "")
        return f"changed  {title}: {self.name}: {self.source} -> {self.target}"

    def facts(self) -> dict[str, Any]:
        """Return the difference for JSON."""
        return asdict(self) | {"note": self.note}


@cache
def queries() -> dict[str, str]:
    """Return the query of each section, with its shorthands written out."""
    text = Path(__file__).with_name("catalog.sql").read_text(encoding="utf-8")
    parts = re.split(r"^-- name: *(\w+) *\n", text, flags=re.MULTILINE)
    return {name: _written_out(body) for name, body in zip(parts[1::2], parts[2::2], strict=True)}


def _written_out(text: str) -> str:
    text = re.sub(r"^--.*\n", "", text, flags=re.MULTILINE)
    text = re.sub(
        r"\[own (\w+)\]",
        r"\1.nspname !~ '^(pg_|information_schema$)' and \1.nspname <> all(%(without)s)",
        text,
    )
    return re.sub(
        r"\[free (\w+) (\w+)\]",
        r"not exists (select from pg_depend dep where dep.classid = '\1'::regclass and dep.objid = \2.oid"
        r" and dep.deptype = 'e')",
        text,
    ).strip()


async def read(conn: connect.Connection, without: tuple[str, ...] = ()) -> dict[str, Section]:
    """Return all sections of a database; Rejected names the section that could not be read."""
    given = {"without": list(without), "managed": list(managed.ROLES)}
    found: dict[str, Section] = {}
    for name, query in queries().items():
        try:
            with connect.translated():
                rows = await (await conn.execute(query, given)).fetchall()  # type: ignore[call-overload]
        except errors.AppError as error:
            raise errors.Rejected("catalogue", f"section {name}: {error.detail}") from error
        found[name] = {str(key): str(value or "") for key, value in rows}
    return found


async def compare(
    source: connect.Connection, target: connect.Connection, without: tuple[str, ...] = ()
) -> tuple[list[Difference], dict[str, int]]:
    """Return where two databases differ, and how many objects of each section the source has."""
    ours, theirs = await asyncio.gather(read(source, without), read(target, without))
    alike = source.info.server_version // 10000 == target.info.server_version // 10000
    return diff(ours, theirs, exact=alike), {name: len(section) for name, section in ours.items()}


def diff(source: dict[str, Section], target: dict[str, Section], *, exact: bool = True) -> list[Difference]:
    """Compare two readings; not exact, by what every major version writes."""
    found = []
    for section in source:
        ours, theirs = source[section], target[section]
        for name in sorted(ours.keys() | theirs.keys()):
            here, there = ours.get(name), theirs.get(name)
            same = here == there
            if not same and section in DEPARSED and here is not None and there is not None:
                same = deparse.alike(here, there, exact=exact)
            if not same:
                found.append(Difference(section, name, here, there))
    return found
