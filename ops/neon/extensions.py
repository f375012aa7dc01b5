"""The extensions of a base: which of them a target must have, whether it lets us make them, and where they lie.

What its control file says does not tell whether a role may make an extension: a provider lets its owners make some that
need a superuser elsewhere. So it is tried beforehand, and taken back.
"""

from collections.abc import Sequence

from psycopg import sql

from lib import errors
from ops.neon import connect, managed

OFFERED = """
select a.name, coalesce(bool_or(v.schema is not null), false), bool_or(a.installed_version is not null)
from pg_available_extensions a left join pg_available_extension_versions v on v.name = a.name
group by a.name
"""


def needed(names: Sequence[str], skip: frozenset[str]) -> list[str]:
    """Return the extensions to make: neither those that were left out nor a provider's own, which stay behind."""
    own = {name for listed in managed.EXTENSIONS.values() for name in listed}
    return [name for name in names if name not in own | skip]


async def obstacles(target: connect.Connection, names: Sequence[str]) -> list[str]:
    """Say which of these a target does not offer, and which it does not let us make; what it offers is tried."""
    with connect.translated():
        offered = {row[0]: row[1:] for row in await (await target.execute(OFFERED)).fetchall()}
    said = []
    if missing := [name for name in names if name not in offered]:
        said.append(f"the target does not offer {', '.join(missing)}; {_without(missing)}")
    for name in names:
        fixed, there = offered.get(name, (False, True))
        if not there and (why := await _refused(target, name, fixed=fixed)):
            said.append(f"{target.info.user} may not make {name} ({why}); {_without([name])}")
    return said


def _without(names: list[str]) -> str:
    listed = " ".join(f"--skip-extension {name}" for name in names)
    return f"what needs {'it' if len(names) == 1 else 'them'} is lost with {listed}"


async def _refused(target: connect.Connection, name: str, *, fixed: bool) -> str:
    """Return why an extension cannot be made; `fixed`: it chooses its own schema."""
    try:
        with connect.translated():
            async with target.transaction(force_rollback=True):
                await target.execute("create schema lotok_move_trial")
                await _create(target, name, "" if fixed else "lotok_move_trial")
    except errors.Rejected as refused:
        return refused.detail
    return ""


async def make(target: connect.Connection, names: Sequence[str], homes: dict[str, str]) -> list[str]:
    """Make the extensions in their schemas; return a remark for each schema that had to be made for them.

    A provider's own schema for extensions stays behind, but tables and functions name it.
    """
    remarks = []
    with connect.translated():
        there = {name for (name,) in await (await target.execute("select nspname from pg_namespace")).fetchall()}
        for name in names:
            home = homes.get(name, "")
            if home and home not in there:
                await target.execute(
                    sql.SQL("create schema {0}; grant usage on schema {0} to public").format(sql.Identifier(home))
                )
                there.add(home)
                remarks.append(f"the schema {home} was made for extensions, and everybody may use it")
            await _create(target, name, home)
    return remarks


async def _create(target: connect.Connection, name: str, schema: str) -> None:
    where = sql.SQL(" with schema {}").format(sql.Identifier(schema)) if schema else sql.SQL("")
    statement = sql.SQL("create extension if not exists {}{} cascade").format(sql.Identifier(name), where)
    await target.execute(statement)
