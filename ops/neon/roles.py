"""Roles and settings, which no dump of a database carries: read on the source, made on the target before all else.

A policy `TO somebody` is dropped by a restore where that role is missing, and a materialized view is refreshed as its
owner: under one who bypasses row security it would hold every tenant's rows. So owners keep their names. A password
cannot be read; a new one is made and shown once.
"""

import secrets
from dataclasses import dataclass, field
from typing import LiteralString

from psycopg import sql

from lib import errors
from ops.neon import connect, managed

# The roles that objects or policies of this database mention, their groups and their members, wherever they lead.
NAMED = """
with recursive reached(oid) as (
    select d.refobjid
    from pg_shdepend d
    where d.refclassid = 'pg_authid'::regclass
        and (d.dbid = (select oid from pg_database where datname = current_database()))
    union
    select case when m.roleid = r.oid then m.member else m.roleid end
    from reached r join pg_auth_members m on r.oid in (m.roleid, m.member)
)
select
    r.rolname, r.rolcanlogin, r.rolinherit, r.rolbypassrls, r.rolsuper, r.rolconnlimit, r.rolcreaterole, r.rolcreatedb,
    coalesce(nullif(r.rolvaliduntil, 'infinity')::text, ''),
    coalesce((
        select jsonb_object_agg(g.rolname, concat_ws(', ',
            'admin ' || m.admits, 'inherit ' || coalesce(m.has, r.rolinherit), 'set ' || coalesce(m.becomes, true)))
        from (
            select
                a.roleid, bool_or(a.admin_option) as admits,
                bool_or((to_jsonb(a) ->> 'inherit_option')::boolean) as has,
                bool_or((to_jsonb(a) ->> 'set_option')::boolean) as becomes
            from pg_auth_members a
            where a.member = r.oid
            group by a.roleid
        ) m
        join pg_roles g on g.oid = m.roleid
    ), '{}')
from pg_roles r
where r.oid in (select oid from reached) and r.rolname !~ '^pg_'
order by 1
"""
SETTINGS = """
select r.rolname, pair
from pg_db_role_setting s join pg_roles r on r.oid = s.setrole cross join unnest(s.setconfig) pair
where s.setdatabase = 0 and r.rolname = any(%s)
"""
# Settings whose value is a list of names, written without quotes around the whole.
LISTS = ("search_path", "session_preload_libraries", "local_preload_libraries", "temp_tablespaces")


@dataclass(frozen=True)
class Role:
    """A role of the source, with its groups, and on what terms it is a member of each: as 16 writes them."""

    name: str
    login: bool = False
    inherit: bool = True
    bypasses: bool = False
    superuser: bool = False
    limit: int = -1
    makes_roles: bool = False
    makes_databases: bool = False
    until: str = ""
    terms: dict[str, str] = field(default_factory=dict)
    groups: tuple[str, ...] = ()

    @property
    def carried(self) -> bool:
        """Tell whether it can be made elsewhere: no superuser's and no provider's role can."""
        return not self.superuser and self.name not in managed.ROLES


async def read(conn: connect.Connection) -> list[Role]:
    """Return the roles that matter to a database."""
    with connect.translated():
        return [Role(*row, groups=tuple(sorted(row[-1]))) for row in await (await conn.execute(NAMED)).fetchall()]


async def make(conn: connect.Connection, wanted: list[Role]) -> tuple[dict[str, str], list[str]]:
    """Make the roles that are not there yet; return the new ones' passwords, and remarks.

    The role that restores becomes a member of each, or it could not give them what they own.
    """
    passwords, remarks = {}, []
    with connect.translated():
        there = {name for (name,) in await (await conn.execute("select rolname from pg_roles")).fetchall()}
        query = "select rolname from pg_roles where rolbypassrls or rolsuper"
        above = {name for (name,) in await (await conn.execute(query)).fetchall()}
        for role in wanted:
            if role.name not in there:
                passwords |= await _create(conn, role)
                remarks += await _allow(conn, role)
            elif role.bypasses and role.name not in above:
                remarks += await _attribute(conn, role, "bypassrls")
        for role in wanted:
            for group in role.groups:
                if group in there or group in [other.name for other in wanted]:
                    terms = _terms(role.terms.get(group, ""), conn.info.server_version)
                    remarks += await _try(conn, _grant(group, sql.Identifier(role.name), terms))
        remarks += await _join(conn, wanted)
    return passwords, remarks


async def _create(conn: connect.Connection, role: Role) -> dict[str, str]:
    words = sql.SQL("create role {} {} connection limit {}").format(
        sql.Identifier(role.name), sql.SQL("inherit" if role.inherit else "noinherit"), sql.Literal(role.limit)
    ) + (sql.SQL(" valid until {}").format(sql.Literal(role.until)) if role.until else sql.SQL(""))
    if not role.login:
        await conn.execute(words)
        return {}
    password = secrets.token_urlsafe(24)
    await conn.execute(words + sql.SQL(" login password {}").format(sql.Literal(password)))
    return {role.name: password}


async def _allow(conn: connect.Connection, role: Role) -> list[str]:
    """Give a new role the attributes that a target may refuse; return what it refused."""
    wanted = {"bypassrls": role.bypasses, "createrole": role.makes_roles, "createdb": role.makes_databases}
    return [line for word, given in wanted.items() if given for line in await _attribute(conn, role, word)]


async def _attribute(conn: connect.Connection, role: Role, word: LiteralString) -> list[str]:
    return await _try(conn, sql.SQL("alter role {} {}").format(sql.Identifier(role.name), sql.SQL(word)))


async def _join(conn: connect.Connection, wanted: list[Role]) -> list[str]:
    """Make the role that restores a member of those it will give objects to; a superuser needs no membership."""
    row = await (await conn.execute("select rolsuper from pg_roles where rolname = current_user")).fetchone()
    if row and row[0]:
        return []
    said = []
    for role in wanted:
        held = await (await conn.execute("select pg_has_role(%s, 'usage')", [role.name])).fetchone()
        if not (held and held[0]):
            terms = _terms("inherit true, set true", conn.info.server_version)
            said += await _try(conn, _grant(role.name, sql.SQL("current_user"), terms))
    return said


async def refuse_strangers(conn: connect.Connection, owners: set[str]) -> None:
    """Raise Conflict when objects cannot be given to their owners: as ours, functions and views would do more."""
    mode = "set" if conn.info.server_version >= 160000 else "member"
    query = "select rolname from pg_roles where rolname = any(%s) and not pg_has_role(oid, %s) order by 1"
    with connect.translated():
        rows = await (await conn.execute(query, [sorted(owners), mode])).fetchall()
    if strangers := [name for (name,) in rows]:
        whom = ", ".join(sql.Identifier(name).as_string() for name in strangers)
        raise errors.Conflict(
            "roles",
            f"{whom}: there already, and {conn.info.user} may not give them what they own. On the target, as a role"
            f" with admin option: grant {whom} to {sql.Identifier(conn.info.user).as_string()}; then run this again",
        )


def _terms(wanted: str, version: int) -> sql.Composable:
    """Return the terms of a membership as a server of this version takes them: before 16 it knows admin alone."""
    if version >= 160000:
        return sql.SQL(f" with {wanted}" if wanted else "")  # type: ignore[arg-type]
    return sql.SQL(" with admin option" if "admin true" in wanted else "")


def _grant(group: str, to: sql.Composable, terms: sql.Composable) -> sql.Composed:
    return sql.SQL("grant {} to {}{}").format(sql.Identifier(group), to, terms)


async def attempt(conn: connect.Connection, statements: list[str]) -> list[str]:
    """Run statements that a managed target may refuse; say what it refused."""
    return [line for statement in statements for line in await _try(conn, sql.SQL("{}").format(sql.SQL(statement)))]  # type: ignore[arg-type]


async def _try(conn: connect.Connection, statement: sql.Composed) -> list[str]:
    """Run a statement that a managed target may refuse; say what it refused."""
    try:
        with connect.translated():
            await conn.execute(statement)
    except errors.Rejected as refused:
        return [f"not done: {statement.as_string(conn)} ({refused.detail})"]
    return []


async def own_settings(conn: connect.Connection, names: list[str]) -> list[tuple[str, str]]:
    """Return the settings that roles have in every database, which pg_dump never writes: (role, assignment)."""
    with connect.translated():
        rows = await (await conn.execute(SETTINGS, [names])).fetchall()
    return [(role, assignment(pair)) for role, pair in rows]


def assignment(pair: str) -> str:
    """Return `name=value` of the catalogue as SET takes it."""
    name, _, value = pair.partition("=")
    shown = value if name in LISTS and value else sql.Literal(value).as_string()
    return f"{sql.Identifier(name).as_string()} to {shown}"


async def set_all(
    conn: connect.Connection, everywhere: list[tuple[str, str]], here: list[tuple[str, str]]
) -> list[str]:
    """Set what roles have everywhere and what the database, or roles in it, have; return what was refused."""
    base = sql.SQL("database {}").format(sql.Identifier(conn.info.dbname))
    refused = []
    for role, given in everywhere:
        head = sql.SQL("alter role {} set ").format(sql.Identifier(role))
        refused += await _try(conn, head + sql.SQL(given))  # type: ignore[arg-type]
    for role, given in here:
        inside = sql.SQL("role {} in ").format(sql.Identifier(role)) if role else sql.SQL("")
        refused += await _try(conn, sql.SQL("alter ") + inside + base + sql.SQL(" set ") + sql.SQL(given))  # type: ignore[arg-type]
    return refused
