"""An archive put into an empty database, by sections: schemas, pre-data, rows, post-data, views, rights.

Each section can be done again: what an interrupted run has made is left, its tables are emptied. While it works, owners
may create in their schemas, which a managed target's owner must grant them; afterwards the schemas' own rights stand.
"""

import re
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass, field

from psycopg import sql

from lib import errors
from ops.neon import archive, connect, hashes, refusals, tools
from ops.neon.archive import Archive, Entry
from ops.neon.progress import Progress
from ops.neon.refusals import FATAL, Refusal

SESSION = "-c synchronous_commit=off -c maintenance_work_mem=256MB -c lock_timeout=10min"
VIEW_DATA = "MATERIALIZED VIEW DATA"
# These are made before the archive is touched, or stay behind.
LEFT_TO_US = ("EXTENSION", "SUBSCRIPTION", "DATABASE", "DATABASE PROPERTIES")
# Views that read tables with row security, through other views too, and whether those who own them are above it.
GUARDED = """
with recursive reads(view, relation) as (
    select r.ev_class, d.refobjid
    from pg_rewrite r join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = r.oid
    where d.refclassid = 'pg_class'::regclass and d.refobjid <> r.ev_class
    union
    select u.view, d.refobjid
    from reads u
    join pg_rewrite r on r.ev_class = u.relation
    join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = r.oid
    where d.refclassid = 'pg_class'::regclass and d.refobjid <> r.ev_class
)
select
    v.oid::regclass::text, o.rolname,
    bool_and(o.rolsuper or o.rolbypassrls or t.relowner = v.relowner and not t.relforcerowsecurity),
    string_agg(distinct t.oid::regclass::text, ', '),
    o.rolsuper or o.rolbypassrls or o.rolname = current_user
from pg_class v
join pg_roles o on o.oid = v.relowner
join reads u on u.view = v.oid
join pg_class t on t.oid = u.relation and t.relrowsecurity
where v.relkind = 'm'
group by v.oid, o.rolname, o.rolsuper, o.rolbypassrls
"""


@dataclass(frozen=True)
class GuardedView:
    """A materialized view over tables with row security.

    `exempt`: its owner is above any policy, or is the role that moves the base.
    """

    name: str
    owner: str
    above: bool
    tables: str
    exempt: bool = False


@dataclass
class Restore:
    """One archive on its way into one database."""

    archive: Archive
    target: str
    jobs: int = 2
    without: frozenset[str] = frozenset()
    stayed: frozenset[str] = frozenset()
    left_out: frozenset[str] = frozenset()
    lost: set[str] = field(default_factory=set)
    quiet: bool = False

    def entries(self, section: str = "") -> list[Entry]:
        """Return the entries of a section that are to be restored."""
        listed = self.archive.entries if not section else self._of(section)
        return [entry for entry in listed if not self._stays(entry)]

    def _of(self, section: str) -> list[Entry]:
        command = [self.archive.client.program("pg_restore"), "-l", f"--section={section}", self.archive.path]
        lines = set(subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines())
        return [entry for entry in self.archive.entries if entry.line in lines]

    def _stays(self, entry: Entry) -> bool:
        schema = entry.schema or (
            entry.name.removeprefix("SCHEMA ") if entry.kind in ("SCHEMA", "ACL", "COMMENT") else ""
        )
        if entry.kind == "DEFAULT ACL" and entry.owner in self.stayed:
            return True
        about_extension = entry.kind == "COMMENT" and entry.name.startswith("EXTENSION ")
        return entry.kind in LEFT_TO_US or schema in self.without or about_extension

    async def put(
        self, title: str, entries: Iterable[Entry], *options: str, jobs: int = 0, again: bool = False
    ) -> tuple[int, list[Refusal]]:
        """Restore these entries, in the archive's order; return how many, and what was refused and is not fatal."""
        chosen = list(entries)
        if not chosen:
            return 0, []
        listed = self.archive.path.parent / f"{title}.list"
        listed.write_text("\n".join(entry.line for entry in chosen) + "\n", encoding="utf-8")
        base = connect.make_conninfo("", dbname=connect.read(self.target).get("dbname", ""), **connect.LIVELY)
        command = [self.archive.client.program("pg_restore"), "-v", "-d", base, "-L", str(listed), "--no-tablespaces"]
        command += [f"-j{jobs or self.jobs}", *options]
        bar = Progress(title, len(chosen), quiet=self.quiet)
        heard = re.compile(r"finished item \d+ (.*)")
        _, said = await tools.reach(
            self.archive.client,
            [*command, str(self.archive.path)],
            self._with_session(),
            lambda line: (found := heard.search(line)) and bar.step(found.group(1)),
        )
        bar.done()
        return len(chosen), self._judge(title, said, again)

    def _with_session(self) -> str:
        parts = connect.read(self.target)
        options = f"{parts.get('options', '')} {SESSION}".strip()
        return connect.make_conninfo("", **parts | {"options": options})

    def _judge(self, title: str, said: str, again: bool) -> list[Refusal]:
        found = refusals.read(said, stayed=self.stayed, left_out=bool(self.left_out), again=again, lost=self.lost)
        fatal = [refusal for refusal in found if refusal.grade == FATAL]
        if fatal:
            words = "\n".join(connect.scrub(refusal.words(), self.target) for refusal in fatal)
            raise errors.Rejected("restore", f"{title}: {words}")
        return found


async def let_owners_create(conn: connect.Connection, restore: Restore) -> None:
    """Let the owners of objects create in the schemas of these, as they must to be given them."""
    for owner, schema in _owners(restore):
        with connect.translated():
            await conn.execute(
                sql.SQL("grant usage, create on schema {} to {}").format(sql.Identifier(schema), sql.Identifier(owner))
            )


async def take_back(conn: connect.Connection, restore: Restore) -> None:
    """Take back what `let_owners_create` gave; the archive's own rights are restored after it."""
    for owner, schema in _owners(restore):
        with connect.translated():
            await conn.execute(
                sql.SQL("revoke usage, create on schema {} from {}").format(
                    sql.Identifier(schema), sql.Identifier(owner)
                )
            )


def _owners(restore: Restore) -> list[tuple[str, str]]:
    """Return owners and the schemas they own objects in, other than their own schemas."""
    own = {(entry.owner, entry.name) for entry in restore.archive.entries if entry.kind == "SCHEMA"}
    found = {(entry.owner, entry.schema) for entry in restore.entries() if entry.schema and entry.owner}
    return sorted(pair for pair in found - own if pair[0] not in restore.stayed)


def rights(restore: Restore, base: str, mover: str) -> list[str]:
    """Return the grants that no entry of an archive holds: on the database, and of those who have what stayed behind.

    The database's owner of old may create in it and in `public`, which were its own, so that its migrations go on. What
    a role that stayed behind gave by default on its later objects, the mover gives now, who has that role's objects.
    """
    text = archive.script(restore.archive, "--create")
    quoted = sql.Identifier(base).as_string()
    said = [f"REVOKE CREATE ON DATABASE {quoted} FROM {_quoted(owner)}" for owner in _schema_owners(restore)]
    said += archive.database_rights(text, quoted)
    owner = archive.owner_of_database(text)
    if owner not in restore.stayed | {mover, ""}:
        said.append(f"GRANT CREATE, TEMPORARY ON DATABASE {quoted} TO {_quoted(owner)}")
        said.append(f"GRANT USAGE, CREATE ON SCHEMA public TO {_quoted(owner)}")
    gave = {entry.owner for entry in restore.entries() if entry.kind in ("TABLE", "FUNCTION", "SEQUENCE")}
    return said + archive.default_rights(text, gave & restore.stayed)


def _quoted(name: str) -> str:
    return sql.Identifier(name).as_string()


def _schema_owners(restore: Restore) -> list[str]:
    return sorted({entry.owner for entry in restore.entries() if entry.kind == "SCHEMA"} - restore.stayed)


async def let_own_schemas(conn: connect.Connection, restore: Restore) -> None:
    """Let the owners of schemas create in the database, as they must to be given these."""
    base = sql.Identifier(conn.info.dbname)
    for owner in _schema_owners(restore):
        with connect.translated():
            await conn.execute(sql.SQL("grant create on database {} to {}").format(base, sql.Identifier(owner)))


async def empty(conn: connect.Connection, restore: Restore) -> None:
    """Empty all tables, for rows whose restore was interrupted; large objects too, where the rows bring them along."""
    with connect.translated():
        for table in await hashes.tables(conn, tuple(restore.without)):
            name = sql.Identifier(table.schema, table.relation)
            if table.extension:  # what it made itself, and no dump holds, stays
                await conn.execute(sql.SQL("delete from {} {}").format(name, sql.SQL(table.condition)))  # type: ignore[arg-type]
            else:
                await conn.execute(sql.SQL("truncate {} cascade").format(name))
        if any(entry.kind == "BLOB METADATA" for entry in restore.entries("data")):
            await conn.execute("select lo_unlink(oid) from pg_largeobject_metadata")


async def guarded_views(conn: connect.Connection) -> dict[str, GuardedView]:
    """Return the materialized views over tables with row security."""
    with connect.translated():
        return {row[0]: GuardedView(*row) for row in await (await conn.execute(GUARDED)).fetchall()}


async def refresh(
    source: connect.Connection, target: connect.Connection, without: tuple[str, ...], filtered: frozenset[str] | None
) -> str:
    """Fill the materialized views that the source has filled, each as its owner, which no stream of rows does."""
    filled = "select c.oid::regclass::text from pg_class c where c.relkind = 'm' and c.relispopulated"
    with connect.translated():
        wanted = {name for (name,) in await (await source.execute(filled)).fetchall()}
        views = sorted(await hashes.tables(target, without, "m"), key=lambda view: view.oid)
        entries = [Entry("", VIEW_DATA, view.schema, view.relation, "") for view in views if view.name in wanted]
        chosen, remarks = to_fill(entries, await guarded_views(target), filtered)
        await target.execute("set row_security = on")
        for entry in chosen:
            name = sql.Identifier(entry.schema, entry.name)
            await target.execute(sql.SQL("refresh materialized view {}").format(name))
        await target.execute("set row_security = off")
    return "\n    ".join([f"{len(chosen)} of {len(entries)} materialized views filled", *remarks])


async def filtered_views(source: connect.Connection) -> list[str]:
    """Return the materialized views whose owners the policies hold for."""
    return [view.name for view in (await guarded_views(source)).values() if not view.above]


def to_fill(
    entries: list[Entry], guarded: dict[str, GuardedView], filtered: frozenset[str] | None
) -> tuple[list[Entry], list[str]]:
    """Choose the materialized views that may be filled, and say of those over row security what becomes of them.

    One whose owner here is above the policies, and on the source was not (`filtered`; None: nobody knows), stays empty;
    but who owns its tables as well, and they are not forced, was above them there, too.
    """
    chosen, remarks = [], []
    for entry in entries:
        view = guarded.get(f"{entry.schema}.{entry.name}")
        if view is None:
            chosen.append(entry)
        elif view.above and (view.exempt if filtered is None else view.name in filtered):
            remarks.append(
                f"NOT FILLED: materialized view {view.name} reads {view.tables} under row security, and its owner here,"
                f" {view.owner}, is above the policies: it would hold every tenant's rows. Give it to a role that they"
                " hold for, then refresh it"
            )
        else:
            chosen.append(entry)
            how = "above the policies, as on the source" if view.above else "under their policies"
            remarks.append(f"materialized view {view.name} reads {view.tables}: refreshed as {view.owner}, {how}")
    return chosen, remarks
