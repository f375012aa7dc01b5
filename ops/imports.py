"""Bring people and their balances over from an older bot's tables, exported as CSV.

  python -m ops import neurocards --users users.csv --jobs jobs.csv --dry-run     say what would be done
  python -m ops import neurocards --users users.csv --jobs jobs.csv
  python -m ops import neurocards --users users.csv --column credits=tokens --column tg_user_id=telegram_id

Each balance becomes one operation of the ledger, under a key of its own: a second import gives nothing twice. Jobs that
were paid and never finished are given back, one operation each; finished ones stay where their files are. A consent to
the terms is not carried: everybody is asked again. A file with one wrong line changes nothing. It uses DATABASE_URL.

In psql: \\copy users to users.csv csv header
"""

import argparse
import csv
import getpass
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from lib import db, errors
from lib.credits import ledger
from lib.people import users

# How each older bot's tables say what we ask for; --column corrects a name.
SOURCES: dict[str, dict[str, str]] = {
    "neurocards": {
        "tg_user_id": "tg_user_id",
        "username": "username",
        "first_name": "first_name",
        "last_name": "last_name",
        "credits": "credits",
        "job_id": "id",
        "job_tg_user_id": "tg_user_id",
        "job_user_id": "user_id",
        "user_id": "id",
        "status": "status",
        "credits_deducted": "credits_deducted",
    },
}
UNFINISHED = ("queued", "processing")
KNOWN = (*UNFINISHED, "done", "completed", "failed")
MOST = 100_000  # credits of one person: more is a column that means something else


@dataclass(frozen=True)
class Person:
    """Somebody of the older bot, and what is owed to them."""

    tg_id: int
    username: str = ""
    first_name: str = ""
    last_name: str = ""
    credits: int = 0


@dataclass(frozen=True)
class UnfinishedJob:
    """A job that was paid there and never finished."""

    id: str
    tg_id: int
    credits: int


@dataclass
class Plan:
    """What an import would do."""

    people: list[Person] = field(default_factory=list)
    jobs: list[UnfinishedJob] = field(default_factory=list)
    finished: int = 0
    wrong: list[str] = field(default_factory=list)


@dataclass
class Outcome:
    """What an import has done, or in a dry run would do."""

    new: int = 0
    known: int = 0
    balances: int = 0
    credits: int = 0
    given_back: int = 0
    before: int = 0
    finished: int = 0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("bot", choices=sorted(SOURCES), help="whose tables they are")
    parser.add_argument("--users", type=Path, required=True, metavar="CSV", help="the table users")
    parser.add_argument("--jobs", type=Path, metavar="CSV", help="the table jobs, to give unfinished ones back")
    parser.add_argument("--column", action="append", default=[], metavar="OURS=THEIRS", help="a column of another name")
    parser.add_argument("--dry-run", action="store_true", help="read and check everything, change nothing")
    parser.add_argument("--by", default=getpass.getuser(), help="who does it")
    parser.add_argument("--json", action="store_true", help="print JSON")


async def run(args: argparse.Namespace) -> int:
    plan = read(args.users, args.jobs, columns(args.bot, args.column))
    if plan.wrong:
        more = f"; and {len(plan.wrong) - 5} more" if len(plan.wrong) > 5 else ""
        raise errors.Invalid("csv", "; ".join(plan.wrong[:5]) + more)
    try:
        outcome = await db.run(lambda conn: bring(conn, plan, args.bot, f"ops:{args.by}", dry=args.dry_run))
    finally:
        await db.close()
    print(json.dumps(asdict(outcome)) if args.json else words(outcome, dry=args.dry_run))
    return 0


def columns(bot: str, corrected: list[str]) -> dict[str, str]:
    """Return the names of the columns, corrected by what was given."""
    names = dict(SOURCES[bot])
    for pair in corrected:
        ours, _, theirs = pair.partition("=")
        if ours not in names or not theirs:
            raise errors.Invalid("column", f"{pair!r}: write OURS=THEIRS, where OURS is one of {', '.join(names)}")
        names[ours] = theirs
    return names


def read(of_users: Path, of_jobs: Path | None, names: dict[str, str]) -> Plan:
    """Read both files and find every line that is wrong."""
    plan, seen, ids = Plan(), set[int](), dict[str, int]()
    for line, row in _rows(of_users, names["tg_user_id"], names["credits"]):
        try:
            person = _person(row, names)
            if person.tg_id in seen:
                raise ValueError(f"{person.tg_id} is there twice")
        except ValueError as error:
            plan.wrong.append(f"{of_users.name}:{line}: {error}")
            continue
        seen.add(person.tg_id)
        ids[row.get(names["user_id"]) or ""] = person.tg_id
        plan.people.append(person)
    for line, row in _rows(of_jobs, names["job_id"], names["status"]) if of_jobs else ():
        try:
            _add_job(plan, row, names, ids, seen)
        except ValueError as error:
            plan.wrong.append(f"{of_jobs.name if of_jobs else ''}:{line}: {error}")
    return plan


def _rows(path: Path, *needed: str) -> Iterator[tuple[int, dict[str, str]]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            if missing := [name for name in needed if name not in (reader.fieldnames or ())]:
                raise errors.Invalid("csv", f"{path.name} has no column {', '.join(missing)}; --column names another")
            for row in reader:
                yield reader.line_num, {name: value for name, value in row.items() if isinstance(value, str)}
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise errors.Invalid("csv", f"{path.name} cannot be read: {error}") from error


def _person(row: dict[str, str], names: dict[str, str]) -> Person:
    def said(name: str) -> str:
        return (row.get(names[name]) or "").replace("\0", "").strip()[:128]

    return Person(
        _whole(said("tg_user_id"), "the Telegram id", 1, 2**52),
        said("username").lstrip("@"),
        said("first_name"),
        said("last_name"),
        _whole(said("credits") or "0", "credits", 0, MOST),
    )


def _add_job(plan: Plan, row: dict[str, str], names: dict[str, str], ids: dict[str, int], seen: set[int]) -> None:
    status, key = row.get(names["status"], ""), (row.get(names["job_id"]) or "").strip()
    if status not in KNOWN or not key:
        raise ValueError(f"a job with the status {status!r}" if key else "a job without an id")
    if status not in UNFINISHED:
        plan.finished += 1
        return
    named = row.get(names["job_tg_user_id"]) or str(ids.get(row.get(names["job_user_id"]) or "", ""))
    tg_id = _whole(named, "whose job it is", 1, 2**52)
    if tg_id not in seen:
        raise ValueError(f"a job of {tg_id}, who is not among the users")
    plan.jobs.append(UnfinishedJob(key, tg_id, _whole(row.get(names["credits_deducted"]) or "1", "credits", 0, 1000)))


def _whole(text: str, what: str, least: int, most: int) -> int:
    if not text.isascii() or not text.isdigit() or not least <= int(text) <= most:
        raise ValueError(f"{what}: {text[:20]!r} is no whole number from {least} to {most}")
    return int(text)


async def bring(conn: db.Connection, plan: Plan, bot: str, by: str, *, dry: bool) -> Outcome:
    """Make the people who are not known yet, and give each their credits once; a dry run is taken back whole."""
    outcome = Outcome(finished=plan.finished)
    owed: dict[int, list[UnfinishedJob]] = {}
    for job in plan.jobs:
        owed.setdefault(job.tg_id, []).append(job)
    async with conn.transaction(force_rollback=dry):
        for person in plan.people:
            user_id = await _user(conn, person, outcome)
            await _give(
                conn, user_id, person.credits, (f"{bot}:balance:{person.tg_id}", by, f"balance in {bot}"), outcome
            )
            for job in owed.get(person.tg_id, ()):
                given = await _give(
                    conn, user_id, job.credits, (f"{bot}:job:{job.id}", by, f"unfinished in {bot}"), outcome
                )
                outcome.given_back += given
    return outcome


async def _user(conn: db.Connection, person: Person, outcome: Outcome) -> int:
    """Return somebody's id; who is known already is left as they are: they have not written to us just now."""
    found = await users.get_user_by_tg_id(conn, person.tg_id)
    if found:
        outcome.known += 1
        return found.id
    outcome.new += 1
    named: dict[str, Any] = {
        "first_name": person.first_name,
        "last_name": person.last_name,
        "username": person.username,
    }
    return (await users.get_or_create_user(conn, person.tg_id, **named)).id


async def _give(conn: db.Connection, user_id: int, amount: int, why: tuple[str, str, str], outcome: Outcome) -> bool:
    """Write one operation of the ledger, unless its key is there; tell whether it was written now."""
    if not amount:
        return False
    key, by, reason = why
    _, created = await ledger.grant(conn, user_id, amount, key=key, actor=by, reason=reason)
    outcome.balances += created
    outcome.credits += amount if created else 0
    outcome.before += not created
    return created


def words(outcome: Outcome, *, dry: bool) -> str:
    """Return what was done for a reader."""
    head = "would bring" if dry else "brought"
    lines = [f"{head} {outcome.new} people, {outcome.known} were here; {outcome.credits} credits in"]
    lines[0] += f" {outcome.balances} operations, {outcome.given_back} of them for jobs that never finished"
    if outcome.before:
        lines.append(f"{outcome.before} operations were written by an earlier import and not again")
    if outcome.finished:
        lines.append(f"{outcome.finished} finished jobs stay behind, with their files")
    return "\n".join(lines)
