"""A database's own triggers: which are enabled and how, and a switch for them; each is named `schema.table trigger`."""

from psycopg import sql

from ops.neon import connect

OWN = """
select
    n.nspname || '.' || c.relname || ' ' || t.tgname, n.nspname, c.relname, t.tgname,
    case t.tgenabled when 'A' then 'enable always' when 'R' then 'enable replica' else 'enable' end
from pg_trigger t
join pg_class c on c.oid = t.tgrelid
join pg_namespace n on n.oid = c.relnamespace
where not t.tgisinternal and c.relkind in ('r', 'p') and t.tgenabled::text = any(%s) and n.nspname <> all(%s)
order by 1
"""


async def enabled(conn: connect.Connection, without: tuple[str, ...] = (), states: str = "OAR") -> dict[str, str]:
    """Return the triggers in these states, and the words that bring each back to it."""
    with connect.translated():
        rows = await (await conn.execute(OWN, [list(states), list(without)])).fetchall()
    return {row[0]: row[4] for row in rows}


async def switch(conn: connect.Connection, how: dict[str, str]) -> None:
    """Set triggers: `disable`, `enable`, `enable always` or `enable replica`; one that is gone is left out."""
    with connect.translated():
        rows = await (await conn.execute(OWN, [list("OARD"), []])).fetchall()
        for named, schema, table, trigger, _ in rows:
            if named in how:
                statement = sql.SQL("alter table only {} {} trigger {}").format(
                    sql.Identifier(schema, table),
                    sql.SQL(how[named]),  # type: ignore[arg-type]
                    sql.Identifier(trigger),
                )
                await conn.execute(statement)
