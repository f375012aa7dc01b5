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

OLDEST = 15
# What differs by the provider's nature: told, but an equal base all the same, unless --strict asks for more.
NOTES = (
    *("extension_versions", "locale", "comments", "labels", "owners", "grants", "default_grants", "roles", "defaults"),
)
# A dump, and another version of Postgres, spell the expressions in them differently.
DEPARSED = (*("views", "rules", "policies", "columns", "constraints", "indexes", "triggers", "statistics"), "functions")
# Since 16 a view of one table says no table's name before its columns.
UNNAMED = ("views", "functions")
# Of default grants: what everybody would have otherwise.
WITHHELD = "nothing to public"
SHOWN = 300  # letters of a definition in a report; JSON has the whole

type Section = dict[str, str]


@dataclass(frozen=True)
class Difference:
    """One object that the two sides do not have alike; None says that a side lacks it."""

    section: str
    name: str
    source: str | None
    target: str | None

    @property
    def sides(self) -> tuple[str | None, str | None]:
        """Return what each side has."""
        return self.source, self.target

    @property
    def note(self) -> bool:
        """Tell whether the difference is one that a move between providers brings along, and opens nothing."""
        return self.section in NOTES and not self.opens

    @property
    def opens(self) -> bool:
        """Tell whether somebody who is on both sides, or everybody, may do more on the target."""
        here, there = _may(self.section, self.source), _may(self.section, self.target)
        there -= set() if "login" in (self.target or "") else {"for ever"}
        on_both = self.section in ("grants", "default_grants") or (self.section == "roles" and self.source is not None)
        return on_both and bool(there - here)

    def words(self) -> str:
        """Return the difference on one line."""
        title = self.section.replace("_", " ")
        if self.target is None:
            return f"missing  {title}: {self.name}" + (f" ({_short(self.source)})" if self.source else "")
        if self.source is None:
            return f"extra    {title}: {self.name}" + (f" ({_short(self.target)})" if self.target else "")
        return f"changed  {title}: {self.name}: {_short(self.source)} -> {_short(self.target)}"

    def facts(self) -> dict[str, Any]:
        """Return the difference for JSON."""
        return asdict(self) | {"note": self.note}


def _short(text: str | None) -> str:
    line = " ".join((text or "").split())
    return line if len(line) <= SHOWN else f"{line[:SHOWN]}…"


def _may(section: str, value: str | None) -> set[str]:
    """Return what a line of grants, or of roles, allows; without MAINTAIN, which newer servers add to all."""
    if section != "roles":
        held = {one for one in (value or "").split(", ") if one and not one.rstrip("*").endswith(" MAINTAIN")}
        return held - {WITHHELD} if WITHHELD in held else held | {"what everybody has by default"}
    flags, _, groups = (value or "").partition("member of ")
    above = {flag for flag in ("superuser", "bypasses row security", "makes roles", "replicates") if flag in flags}
    above |= set() if " until " in f" {flags}" else {"for ever"}
    return above.union(*(_as_member(group) for group in groups.split(", ") if group and not group.startswith("pg_")))


def _as_member(group: str) -> set[str]:
    """Return what one membership allows: to have the group's rights, to become it, to admit others to it."""
    name = re.sub(r"\*?( \(\w.*\))?$", "", group)
    gives = {
        f"has {name}": "(without its rights)" not in group,
        f"as {name}": "(its rights alone)" not in group,
        f"admits to {name}": group.startswith(f"{name}*"),
    }
    return {what for what, given in gives.items() if given}


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


async def read(
    conn: connect.Connection, without: tuple[str, ...] = (), movers: tuple[str, ...] = ()
) -> dict[str, Section]:
    """Return all sections of a database; Rejected names the section that could not be read."""
    major = conn.info.server_version // 10000
    if major < OLDEST:
        raise errors.Rejected(
            "catalogue", f"Postgres {major} is too old to be compared; {OLDEST} is the first that can"
        )
    given = {"without": list(without), "managed": list(managed.ROLES), "movers": list(movers)}
    found: dict[str, Section] = {}
    for name, query in queries().items():
        try:
            with connect.translated():
                rows = await (await conn.execute(query, given)).fetchall()  # type: ignore[call-overload]
        except errors.AppError as error:
            raise errors.Rejected("catalogue", f"section {name}: {error.detail}") from error
        found[name] = _by_name([(str(key), str(value or "")) for key, value in rows])
    return found


def _by_name(rows: list[tuple[str, str]]) -> Section:
    """Return the objects of a section by name; two of one name, as a dictionary and a configuration, stand together."""
    section: dict[str, list[str]] = {}
    for name, value in rows:
        section.setdefault(name, []).append(value)
    return {name: " | ".join(sorted(values)) for name, values in section.items()}


async def compare(
    source: connect.Connection, target: connect.Connection, without: tuple[str, ...] = ()
) -> tuple[list[Difference], dict[str, int]]:
    """Return where two databases differ, and how many objects of each section the source has."""
    movers = {name for conn in (source, target) for name in (conn.info.user, await _owner(conn))}
    sides = [read(conn, without, tuple(movers)) for conn in (source, target)]
    ours, theirs = await asyncio.gather(*sides)
    alike = source.info.server_version // 10000 == target.info.server_version // 10000
    return diff(ours, theirs, exact=alike), {name: len(section) for name, section in ours.items()}


async def _owner(conn: connect.Connection) -> str:
    with connect.translated():
        query = (
            "select r.rolname from pg_database b join pg_roles r on r.oid = b.datdba where datname = current_database()"
        )
        return str((await (await conn.execute(query)).fetchone() or ("",))[0])


def diff(source: dict[str, Section], target: dict[str, Section], *, exact: bool = True) -> list[Difference]:
    """Compare two readings; not exact, by what every major version writes."""
    found = []
    for section in source:
        ours, theirs = source[section], target[section]
        for name in sorted(ours.keys() | theirs.keys()):
            here, there = ours.get(name), theirs.get(name)
            same = here == there
            if not same and section in DEPARSED and here is not None and there is not None:
                texts = map(deparse.unlabelled, (here, there)) if section == "functions" else (here, there)
                same = deparse.alike(*texts, exact=exact or section not in UNNAMED)
            # What one side has alone is named by the section that it is of: an object's, or the settings.
            if not (same or (section in ("runs_as", "defaults") and None in (here, there))):
                found.append(Difference(section, name, here, there))
    return found


def folded(found: list[Difference]) -> list[Difference]:
    """Leave out what belongs to a relation that one side lacks as a whole: that it is lacking says it all."""
    whole = {(one.name, one.source is None) for one in found if one.section == "relations" and None in one.sides}
    return [one for one in found if one.section == "relations" or not _belongs(one, whole)]


def _belongs(one: Difference, whole: set[tuple[str, bool]]) -> bool:
    if None not in one.sides:
        return False
    parts = one.name.split(".")
    return any((".".join(parts[:end]), one.source is None) in whole for end in range(1, len(parts) + 1))
