"""Prove that two databases are equal, or name what differs: rows by key, catalogue, sequences, views, settings.

  python -m ops verify SOURCE TARGET              compare everything; it reads every row once, on both sides
  python -m ops verify SOURCE TARGET --fast       numbers of rows in place of hashes; the catalogue and all else whole
  python -m ops verify SOURCE TARGET --strict     owners, grants, roles, comments and locales must be equal, too
  python -m ops verify SOURCE TARGET --without audit_archive --json

SOURCE and TARGET are direct addresses (postgresql://user:password@host/db), or names of variables that hold them, as
`$OLD_URL` in quotes. Each side is read in one snapshot, read-only. Row security must not hide rows from the roles:
where it would, this fails. Exit code 2 also says that something could not be checked.
"""

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Awaitable
from dataclasses import asdict, dataclass, field
from typing import Any, LiteralString

from lib import errors
from ops.neon import addresses, catalog, connect, hashes, managed, sequences, snapshots
from ops.neon.catalog import Difference
from ops.neon.hashes import Table, TableDifference
from ops.neon.progress import Progress

EXIT_CODES = "0 equal, 1 different, 2 could not check, or wrong usage"


@dataclass
class Report:
    """What was compared and what was found."""

    source: str
    target: str
    objects: dict[str, int] = field(default_factory=dict)
    catalogue: list[Difference] = field(default_factory=list)
    rows: list[TableDifference] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    stale: list[str] = field(default_factory=list)
    tables: int = 0
    counted: int = 0
    size: int = 0
    seconds: float = 0.0
    strict: bool = False
    fast: bool = False
    remarks: list[str] = field(default_factory=list)

    @property
    def failures(self) -> list[str]:
        """Return one line for each difference that makes the two unequal."""
        found = [entry.words() for entry in self.catalogue if self.strict or not entry.note]
        return found + [entry.words() for entry in self.rows] + self.others + (self.stale if self.strict else [])

    @property
    def notes(self) -> list[str]:
        """Return one line for each difference that a move between providers brings along."""
        noted = [] if self.strict else [entry.words() for entry in self.catalogue if entry.note] + self.stale
        return self.remarks + noted

    @property
    def verdict(self) -> str:
        """Return the outcome in a word, and what was not looked at."""
        if self.failures:
            return f"DIFFERENT: {len(self.failures)} difference{'s' if len(self.failures) > 1 else ''}"
        return "EQUAL in numbers of rows and all but the rows themselves (--fast reads none)" if self.fast else "EQUAL"

    def facts(self) -> dict[str, Any]:
        """Return the report for JSON."""
        found = {"equal": not self.failures, "verdict": self.verdict, "failures": self.failures, "notes": self.notes}
        return asdict(self) | found | {"catalogue": [entry.facts() for entry in self.catalogue]}


@dataclass(frozen=True)
class Sides:
    """The two addresses, what stays out of the comparison, and how it is done."""

    source: str
    target: str
    without: tuple[str, ...] = ()
    fast: bool = False
    jobs: int = 2
    quiet: bool = False


def add_arguments(parser: argparse.ArgumentParser) -> None:
    addresses.add(parser)
    parser.add_argument("--fast", action="store_true", help="count rows, do not hash them")
    parser.add_argument("--strict", action="store_true", help="let owners, grants, roles, comments and locales count")
    parser.add_argument(
        "--without", action="append", default=[], metavar="SCHEMA", help="leave a schema out; repeatable"
    )
    parser.add_argument("--jobs", type=int, default=2, choices=range(1, 9), metavar="1-8", help="connections a side")
    parser.add_argument("--json", action="store_true", help="print JSON")


async def run(args: argparse.Namespace) -> int:
    try:
        source, target = addresses.both(args)
        report = await verify(Sides(source, target, tuple(args.without), args.fast, args.jobs), strict=args.strict)
    except errors.AppError as error:
        print(f"ops verify: could not check: {error.detail}", file=sys.stderr)
        return 2
    print(json.dumps(report.facts(), ensure_ascii=False, indent=1) if args.json else text(report))
    return 1 if report.failures else 0


async def verify(sides: Sides, *, strict: bool = False) -> Report:
    """Compare two databases; an AppError says that a check could not be made on a side."""
    began = time.monotonic()
    report = Report(connect.mask(sides.source), connect.mask(sides.target), strict=strict, fast=sides.fast)
    async with snapshots.of(sides.source, sides.jobs) as here, snapshots.of(sides.target, sides.jobs) as there:
        source, target = here[0], there[0]
        await connect.refuse_same(source, target)
        without = await _left_out(source, target, sides, report)
        found, report.objects = await catalog.compare(source, target, without)
        report.catalogue = catalog.folded(found)
        await _compare_sequences(source, target, without, report)
        await _compare_views(source, target, without, report)
        await _compare_large_objects(source, target, report)
        await _compare_rows(list(zip(here, there, strict=True)), sides, without, report)
    _refuse_emptiness(report)
    report.seconds = round(time.monotonic() - began, 2)
    return report


type Pair = tuple[connect.Connection, connect.Connection]


async def _left_out(
    source: connect.Connection, target: connect.Connection, sides: Sides, report: Report
) -> tuple[str, ...]:
    """Return the schemas that are not compared: those that were named, and those that a provider makes itself."""
    schemas = [await _names(conn, "select nspname from pg_namespace") for conn in (source, target)]
    if unknown := [name for name in sides.without if name not in schemas[0] | schemas[1]]:
        raise errors.Misconfigured(detail=f"--without {unknown[0]}: neither side has such a schema")
    roles = [await _names(conn, "select rolname from pg_roles") for conn in (source, target)]
    own = managed.schemas(*roles)
    report.others += [
        f"missing  schema: {name}: {managed.provider(roles[1])} has one of its own; --without {name} leaves it out"
        for name in managed.schemas(roles[1])
        if name in schemas[0] and name not in (*managed.schemas(roles[0]), *sides.without)
    ]
    if left := sorted({*sides.without, *own} & (schemas[0] | schemas[1])):
        report.remarks.append(f"not compared: the schemas {', '.join(left)}")
    return sides.without + own


def _refuse_emptiness(report: Report) -> None:
    """Raise Rejected when nothing was there to compare: two addresses without a base's name would be equal."""
    if not (report.failures or report.objects["relations"] or report.objects["functions"]):
        raise errors.Rejected("verify", "neither side holds a table or a function: are these the right databases?")


async def _names(conn: connect.Connection, query: LiteralString) -> set[str]:
    with connect.translated():
        return {name for (name,) in await (await conn.execute(query)).fetchall()}


async def _compare_sequences(
    source: connect.Connection, target: connect.Connection, without: tuple[str, ...], report: Report
) -> None:
    ours, theirs = await _both(sequences.read(source, without), sequences.read(target, without))
    lagging = sequences.lagging(ours, theirs)
    others = {name: seq for name, seq in theirs.items() if not (name in ours and seq.before(ours[name].next))}
    behind = await sequences.behind_their_rows(target, others)
    behind_at_home = set(await sequences.behind_their_rows(source, ours)) if behind else set()
    report.others += lagging + [line for line in behind if line not in behind_at_home]


async def _compare_views(
    source: connect.Connection, target: connect.Connection, without: tuple[str, ...], report: Report
) -> None:
    """Compare filled materialized views: one over row security can hold too much, and one may be of another time."""
    filled: LiteralString = "select c.oid::regclass::text from pg_class c where c.relkind = 'm' and c.relispopulated"
    on = [await _names(conn, filled) for conn in (source, target)]
    for view in await hashes.tables(source, without, "m"):
        if view.name not in on[0] & on[1]:
            continue
        here, there = await _both(hashes.number(source, view), hashes.number(target, view))
        if here != there:
            report.others.append(
                f"differs  materialized view: {view.name}: {here:,} -> {there:,} rows; "
                "it was refreshed at another time, or as a role that other policies hold for"
            )
        elif not report.fast:
            ours, theirs = await _both(hashes.buckets(source, view), hashes.buckets(target, view))
            if hashes.differing(ours, theirs):
                report.stale.append(
                    f"differs  materialized view: {view.name}: {here:,} rows on both sides, but not the same:"
                    " it was refreshed at another time"
                )


async def _compare_large_objects(source: connect.Connection, target: connect.Connection, report: Report) -> None:
    query = "select oid::text, hashtextextended(encode(lo_get(oid), 'hex'), 0) from pg_largeobject_metadata"
    with connect.translated():
        here, there = [dict(await (await conn.execute(query)).fetchall()) for conn in (source, target)]
    table = Table("large objects", "", "", key=("oid",))
    if here != there:
        report.rows.append(hashes.named(table, here, there, (len(here), len(there)), 0))


async def _compare_rows(pairs: list[Pair], sides: Sides, without: tuple[str, ...], report: Report) -> None:
    """Hash all tables that both sides have alike, several at a time, the largest first."""
    here, there = await _both(hashes.tables(pairs[0][0], without), hashes.tables(pairs[0][1], without))
    others = {table.name: table.columns for table in there}
    queue = [table for table in here if set(others.get(table.name, ("-",))) == set(table.columns)]
    report.remarks += [
        f"rows of {table.name} were not compared: the columns differ"
        for table in here
        if table.name in others and table not in queue
    ]
    report.tables, report.size = len(queue), sum(table.size for table in queue)
    queue = queue[::-1]
    bar = Progress("rows", len(queue), quiet=sides.quiet)

    async def work(pair: Pair) -> None:
        while queue:
            table = queue.pop()
            await _compare_table(pair, table, sides.fast, report)
            bar.step(table.name)

    try:
        async with asyncio.TaskGroup() as group:
            for pair in pairs:
                group.create_task(work(pair))
    except* errors.AppError as failed:
        raise failed.exceptions[0] from None
    bar.done(f"{report.tables} tables, {report.counted:,} rows, {report.size / 2**20:,.0f} MB")


async def _compare_table(pair: Pair, table: Table, fast: bool, report: Report) -> None:
    try:
        await (_count if fast else _hash)(*pair, table, report)
    except errors.Rejected as refused:
        if not table.extension:
            raise
        report.remarks.append(f"rows of {table.name}, a table of {table.extension}, not compared: {refused.detail}")


async def _count(source: connect.Connection, target: connect.Connection, table: Table, report: Report) -> None:
    here, there = await _both(hashes.number(source, table), hashes.number(target, table))
    report.counted += here
    if here != there:
        extra = {"missing" if here > there else "extra": [f"{abs(here - there):,} in number"]}
        report.rows.append(TableDifference(table.name, here, there, 0, **extra))


async def _hash(source: connect.Connection, target: connect.Connection, table: Table, report: Report) -> None:
    ours, theirs = await _both(hashes.buckets(source, table), hashes.buckets(target, table))
    report.counted += sum(count for count, _ in ours.values())
    if hashes.differing(ours, theirs):
        report.rows.append(await hashes.explain(source, target, table, ours, theirs))


async def _both[T](source: Awaitable[T], target: Awaitable[T]) -> tuple[T, T]:
    """Wait for both sides at once; an error on one is raised when the other has ended, too."""
    found = await asyncio.gather(source, target, return_exceptions=True)
    for side, outcome in zip(("source", "target"), found, strict=True):
        if isinstance(outcome, errors.AppError):
            raise errors.Rejected("verify", f"{side}: {outcome.detail}") from outcome
        if isinstance(outcome, BaseException):
            raise outcome
    return found  # type: ignore[return-value]


def text(report: Report) -> str:
    """Return the report for a reader."""
    objects = sum(report.objects.values())
    looked = f"{report.tables} tables, {report.counted:,} rows, {objects} objects in {len(report.objects)} sections"
    lines = [f"source   {report.source}", f"target   {report.target}", f"compared {looked} in {report.seconds:.1f} s"]
    lines += report.failures
    if report.notes:
        lines += ["", "Noted, and not counted as different (--strict counts most of it):", *report.notes]
    lines += ["", report.verdict]
    return "\n".join(lines)
