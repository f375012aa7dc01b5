"""What is looked at before a move begins: blockers, which stop it, and remarks, which are told."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lib import errors
from ops.neon import connect, extensions, managed, tools

# Each tells of one kind of thing that a move must know of; it returns names.
REMARKS = {
    "large objects": "select count(*) || ' of them' from pg_largeobject_metadata having count(*) > 0",
    "unlogged tables (their rows are copied, and never replicated)": """
        select c.oid::regclass::text from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where c.relkind = 'r' and c.relpersistence = 'u' and n.nspname <> all(%s) order by 1""",
    "tables without a key": """
        select c.oid::regclass::text from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where c.relkind = 'r' and n.nspname <> all(%s) and n.nspname !~ '^(pg_|information_schema$)'
            and not exists (select from pg_index i where i.indrelid = c.oid and i.indisprimary) order by 1""",
    "event triggers (a target without superuser refuses them)": """
        select e.evtname from pg_event_trigger e join pg_proc p on p.oid = e.evtfoid
        join pg_namespace n on n.oid = p.pronamespace where n.nspname <> all(%s) order by 1""",
    "foreign servers (passwords of their users are not read)": "select srvname from pg_foreign_server order by 1",
    "subscriptions of this database (they are not carried)": """
        select s.subname::text from (select to_jsonb(s) ->> 'subname' as subname from pg_stat_subscription s) s""",
    "prepared transactions (their rows are not visible)": """
        select gid from pg_prepared_xacts where database = current_database()""",
    "jobs of pg_cron (make them again by hand)": """
        select 'cron.job' where to_regclass('cron.job') is not null""",
}
GUARDED_TABLES = """
select c.oid::regclass::text
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
join pg_roles me on me.rolname = current_user
where c.relrowsecurity and c.relkind in ('r', 'p') and n.nspname <> all(%s)
    and not (me.rolsuper or me.rolbypassrls or pg_has_role(c.relowner, 'usage') and not c.relforcerowsecurity)
order by 1
"""
# The role that restores such a table also proves its keys, and `verify` reads its rows: the policies bind both.
FORCED_TABLES = """
select c.oid::regclass::text
from pg_class c
where c.relkind in ('r', 'p') and c.relrowsecurity and c.relforcerowsecurity
order by 1
"""
BOUND = "select rolname from pg_roles where rolname = current_user and not (rolsuper or rolbypassrls)"
OWN_TABLES = """
select count(*) from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'p', 'v', 'm', 'f', 'S') and n.nspname <> all(%s) and n.nspname !~ '^(pg_|information_schema$)'
    and not exists (
        select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e'
    )
"""
EXTENSIONS = "select extname from pg_extension order by 1"
ENCODING = "select pg_encoding_to_char(encoding) from pg_database where datname = current_database()"


@dataclass
class Findings:
    """What was found: blockers stop a move."""

    blockers: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    def add(self, other: "Findings") -> None:
        """Take over what was found elsewhere."""
        self.blockers += other.blockers
        self.remarks += other.remarks

    def stop(self) -> None:
        """Raise Conflict with all blockers, if there is one."""
        if self.blockers:
            raise errors.Conflict("not_ready", "; ".join(self.blockers))


async def values(conn: connect.Connection, query: str, *given: object) -> list[str]:
    """Return the first column of a query as text; `given` only where the query has a place for it."""
    with connect.translated():
        cursor = await conn.execute(query, given if "%s" in query else None)  # type: ignore[call-overload]
        return [str(row[0]) for row in await cursor.fetchall()]


async def of_source(conn: connect.Connection, without: tuple[str, ...]) -> Findings:
    """Look at a source: what hides rows from us is a blocker, what needs a hand is a remark."""
    found = Findings()
    if said := await hidden(conn, without):
        found.blockers.append(f"{said}, or let the owner switch FORCE off for the time of the copy")
    for title, query in REMARKS.items():
        if names := await values(conn, query, list(without)):
            found.remarks.append(f"{title}: {', '.join(names[:12])}{' …' if len(names) > 12 else ''}")
    return found


async def hidden(conn: connect.Connection, without: tuple[str, ...] = ()) -> str:
    """Say which tables row security hides rows of, and what helps; "" where it hides none."""
    names = await values(conn, GUARDED_TABLES, list(without))
    help_ = "take a role that bypasses it (alter role … bypassrls, or a superuser)"
    return f"row security hides rows of {', '.join(names)} from {conn.info.user}: {help_}" if names else ""


async def of_target(conn: connect.Connection, without: tuple[str, ...], *, fresh: bool) -> Findings:
    """Look at a target: it must be empty, unless this move has filled it."""
    found = Findings()
    number = int((await values(conn, OWN_TABLES, list(without)))[0])
    if number and fresh:
        found.blockers.append(
            f"the target holds {number} tables, views and sequences already; a copy goes into an empty database only"
        )
    return found


async def of_schemas(
    source: connect.Connection, target: connect.Connection, without: tuple[str, ...], theirs: Sequence[str]
) -> tuple[Findings, tuple[str, ...]]:
    """Look at the schemas that stay behind, and return those of the source's provider; `theirs` are the target's."""
    found, everywhere = Findings(), {name for names in managed.SCHEMAS.values() for name in names}
    roles = [set(await values(conn, "select rolname from pg_roles")) for conn in (source, target)]
    there, stays = await values(source, "select nspname from pg_namespace"), managed.schemas(roles[0])
    found.blockers += collisions([name for name in theirs if name not in stays], there, managed.provider(roles[1]))
    unknown = [name for name in without if name not in everywhere and name not in there]
    found.blockers += [f"--without {name}: the source has no such schema" for name in unknown]
    if stays:
        found.remarks.append(f"{managed.provider(roles[0])}'s own schemas stay behind: {', '.join(stays)}")
    return found, stays


async def made_again(
    target: connect.Connection, without: tuple[str, ...], facts: dict[str, Any], *, filled: bool
) -> bool:
    """Tell whether a target that was filled is empty again, or is another database of that name; `facts` note which."""
    [which] = await values(target, "select oid from pg_database where datname = current_database()")
    [number] = await values(target, OWN_TABLES, list(without))
    known, facts["target"] = facts.get("target", which), which
    return bool(known != which or (filled and number == "0"))


def collisions(theirs: Sequence[str], there: Sequence[str], provider: str) -> list[str]:
    """Say which schemas of a source the target's provider has, too: left out, they would be lost without a word."""
    return [
        f"{provider} has a schema {name} of its own there: rename the source's, or do without it: --without {name}"
        for name in theirs
        if name in there
    ]


async def of_both(source: connect.Connection, target: connect.Connection, skip: frozenset[str]) -> Findings:
    """Look at what the two must agree on: versions, encodings, extensions."""
    found = Findings()
    old, new = source.info.server_version // 10000, target.info.server_version // 10000
    if new < old:
        found.blockers.append(f"the target is Postgres {new}, older than the source's {old}")
    encodings = [(await values(conn, ENCODING))[0] for conn in (source, target)]
    if encodings[0] != encodings[1]:
        found.blockers.append(f"the encodings differ: {encodings[0]} and {encodings[1]}")
    bound, forced = await values(target, BOUND), await values(source, FORCED_TABLES)
    if bound and forced:
        found.blockers.append(
            f"row security is forced on {len(forced)} tables, such as {forced[0]}, and {bound[0]} of the target cannot"
            f" bypass it: let a superuser there say alter role {bound[0]} bypassrls"
        )
    found.blockers += await extensions.obstacles(target, extensions.needed(await values(source, EXTENSIONS), skip))
    return found


def room(folder: Path, size: int) -> list[str]:
    """Say so where a dump of a database of this size may find no room; pressed it has about a third of it."""
    there = next(place for place in (folder.absolute(), *folder.absolute().parents) if place.exists())
    free, needed = shutil.disk_usage(there).free, size // 3
    if free > needed:
        return []
    return [
        f"the dump may need {needed / 2**20:,.0f} MB, and {free / 2**20:,.0f} MB are free in {there}: --state FOLDER"
    ]


def client_for(url: str, server_version: int) -> tools.Client:
    """Return the client that can dump a server of this version."""
    return tools.choose(url, at_least=server_version // 10000)
