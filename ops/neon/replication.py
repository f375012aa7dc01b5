"""Logical replication from one database to another, and back: publication, subscription, how far it is, and its end.

The source publishes named tables, not all (that needs a superuser). A table without a key would refuse the
application's own updates once it is published, so it gets REPLICA IDENTITY FULL first, on both sides, until the end.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

from psycopg import sql
from psycopg.conninfo import make_conninfo

from lib import errors
from ops.neon import connect, hashes, stalls
from ops.neon.hashes import Table

FORWARD, BACK = "lotok_move", "lotok_move_back"
LAG = 100_000  # bytes of log that may be left when the pause begins

KEYLESS = """
select c.oid::regclass::text
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind = 'r' and c.relpersistence = 'p' and n.nspname !~ '^(pg_|information_schema$)' and n.nspname <> all(%s)
    and not exists (
        select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e'
    )
    and (c.relreplident = 'n' or c.relreplident = 'd'
        and not exists (select from pg_index i where i.indrelid = c.oid and i.indisprimary))
order by 1
"""
# A slot's own word is enough where the view of the senders is closed to us.
REACHED = """
select coalesce(greatest(s.confirmed_flush_lsn, r.replay_lsn) >= %s::pg_lsn, false)
from pg_replication_slots s left join pg_stat_replication r on r.pid = s.active_pid
where s.slot_name = %s
"""
BEHIND = """
select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), greatest(s.confirmed_flush_lsn, r.replay_lsn))::bigint
from pg_replication_slots s left join pg_stat_replication r on r.pid = s.active_pid
where s.slot_name = %s
"""
FAILED = """
select apply_error_count + sync_error_count from pg_stat_subscription_stats where subname = %s
"""
# What changes while rows arrive.
ARRIVED = """
select concat_ws(' ', (select sum(bytes_processed) from pg_stat_progress_copy where datname = current_database()),
    (select string_agg(srsubstate::text || coalesce(srsublsn::text, ''), ',' order by srrelid)
        from pg_subscription_rel),
    (select string_agg(received_lsn::text, ',' order by received_lsn) from pg_stat_subscription))
"""
SLOTS = "select slot_name from pg_replication_slots where database = current_database() and slot_name ~ %s"


@dataclass(frozen=True)
class Side:
    """A database as one end of replication."""

    conn: connect.Connection
    url: str


async def obstacles(source: connect.Connection, target: connect.Connection) -> list[str]:
    """Say what forbids logical replication between two databases."""
    said = []
    level = await _value(source, "show wal_level")
    if level != "logical":
        said.append(f"the source has wal_level {level}, not logical")
    free = "select current_setting('max_replication_slots')::int - count(*) from pg_replication_slots"
    if int(await _value(source, free)) < 4:
        said.append("the source has fewer than 4 replication slots left (max_replication_slots)")
    right = """select rolsuper or rolreplication or coalesce((
        select pg_has_role(oid, 'usage') from pg_roles where rolname = 'rds_replication'), false)
        from pg_roles where rolname = current_user"""
    if not await _value(source, right):
        said.append(f"{source.info.user} may not replicate on the source (alter role … replication)")
    if not await may_subscribe(target):
        said.append(f"{target.info.user} may not subscribe on the target (grant pg_create_subscription)")
    return said


async def may_subscribe(conn: connect.Connection) -> bool:
    """Tell whether our role may subscribe: a member of pg_create_subscription from 16 on, else a superuser."""
    query = """select rolsuper or coalesce((
        select pg_has_role(oid, 'usage') from pg_roles where rolname = 'pg_create_subscription'), false)
        from pg_roles where rolname = current_user"""
    return bool(await _value(conn, query))


async def published(conn: connect.Connection, without: tuple[str, ...]) -> list[Table]:
    """Return the tables that can be published: those with a log."""
    return [table for table in await hashes.tables(conn, without) if table.persistence == "p" and not table.extension]


async def keyless(conn: connect.Connection, without: tuple[str, ...]) -> list[str]:
    """Return the tables whose updates could not be published as they are."""
    with connect.translated():
        return [name for (name,) in await (await conn.execute(KEYLESS, [list(without)])).fetchall()]


async def identify(conn: connect.Connection, names: list[str], how: str, tries: int = 10) -> None:
    """Set the replica identity of tables: `full`, or `default` again; names are quoted as regclass writes them.

    A statement that waits for a table's lock lets the application's own wait behind it: each try is a short one.
    """
    for name in names:
        for number in range(1, tries + 1):
            try:
                with connect.translated():
                    async with conn.transaction():
                        await conn.execute("set local lock_timeout = '500ms'")
                        await conn.execute(f"alter table {name} replica identity {how}".encode())
                break
            except errors.Rejected as refused:
                if "lock timeout" not in refused.detail:
                    raise
                if number == tries:
                    raise errors.Conflict("locked", f"{name} is held by a long transaction; try again later") from None
                await asyncio.sleep(0.5)


async def publish(conn: connect.Connection, name: str, tables: list[Table]) -> None:
    """Publish tables; an earlier publication of this name is replaced."""
    listed = sql.SQL(", ").join(sql.SQL("only {}").format(sql.Identifier(t.schema, t.relation)) for t in tables)
    with connect.translated():
        await conn.execute(sql.SQL("drop publication if exists {}").format(sql.Identifier(name)))
        await conn.execute(sql.SQL("create publication {} for table ").format(sql.Identifier(name)) + listed)


async def subscribe(target: Side, source: Side, name: str, *, rows: bool) -> None:
    """Subscribe on the target, with the rows that are there or only with what comes; what came by replication stays."""
    options = [sql.SQL("copy_data = {}").format(sql.SQL(str(rows).lower()))]
    if target.conn.info.server_version >= 160000:
        # As a table's owner it would stop at FORCE row security; 15 knows no other way than ours.
        options += [sql.SQL("streaming = parallel"), sql.SQL("run_as_owner = true")]
        options += [sql.SQL("origin = none")] if source.conn.info.server_version >= 160000 else []
    statement = sql.SQL("create subscription {name} connection {at} publication {name} with ({options})").format(
        name=sql.Identifier(name),
        at=sql.Literal(make_conninfo("", **connect.LIVELY | connect.read(source.url) | {"application_name": name})),
        options=sql.SQL(", ").join(options),
    )
    with connect.translated(source.url, target.url):
        await target.conn.execute(statement)


async def wait_for_rows(target: connect.Connection, name: str, tell: Callable[[int, int], None]) -> int:
    """Wait until all tables are copied and follow; Rejected when the apply worker fails, as it would for ever."""
    query = "select count(*) filter (where srsubstate = 'r'), count(*) from pg_subscription_rel where srsubid = %s"
    subid, watched = await subscription_id(target, name), stalls.Stall()
    while True:
        with connect.translated():
            row = await (await target.execute(query, [subid])).fetchone()
        ready, number = row or (0, 0)
        tell(ready, number)
        if ready == number:
            return int(number)
        await refuse_failures(target, name)
        watched.refuse((ready, await _value(target, ARRIVED)), ": is the source reached from the target?")
        await asyncio.sleep(0.2)


async def subscription_id(conn: connect.Connection, name: str) -> int | None:
    """Return the id of a subscription of this database; None: there is none."""
    query = "select subid from pg_stat_subscription where subname = %s and relid is null"
    return await _value(conn, query, name)  # type: ignore[no-any-return]


async def refuse_failures(conn: connect.Connection, name: str) -> None:
    """Raise Rejected when the subscription's worker has failed: it restarts for ever, and nothing arrives."""
    failed = await _value(conn, FAILED, name)
    if failed:
        raise errors.Rejected(
            "replication",
            f"the subscription's worker has failed {failed} times; the target's log says why. Often a trigger that is"
            " ENABLE ALWAYS or REPLICA fires there, or a row exists already",
        )


async def catch_up(
    source: connect.Connection, target: connect.Connection, name: str, limit: int, seconds: float
) -> int:
    """Wait until less than `limit` bytes of log are left and return how many; Unavailable after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        behind = await _value(source, BEHIND, name)
        if behind is not None and behind < limit:
            return int(behind)
        await refuse_failures(target, name)
        if time.monotonic() > deadline:
            raise errors.Unavailable("replication", f"the target is still {behind or '?'} bytes behind")
        await asyncio.sleep(0.2)


async def drain(source: connect.Connection, target: connect.Connection, name: str, seconds: float) -> None:
    """Wait until all that the source has written has arrived; Unavailable after `seconds`, Rejected if it cannot.

    A commit of a session with synchronous_commit = off is not in the log's file yet; one of ours that waits for the
    disk takes all before it along.
    """
    await _value(source, "select set_config('synchronous_commit', 'on', false)")
    await _value(source, "select pg_logical_emit_message(true, 'lotok', 'drain')::text")
    lsn = await _value(source, "select pg_current_wal_flush_lsn()::text")
    deadline = time.monotonic() + seconds
    while not await _value(source, REACHED, lsn, name):
        await refuse_failures(target, name)
        if time.monotonic() > deadline:
            raise errors.Unavailable(
                "replication", f"what was written before the fence has not arrived in {seconds:.0f} s"
            )
        await asyncio.sleep(0.02)


async def disable(conn: connect.Connection, name: str) -> None:
    """Stop a subscription and keep it."""
    with connect.translated():
        await conn.execute(sql.SQL("alter subscription {} disable").format(sql.Identifier(name)))


async def end(subscriber: connect.Connection, publisher: connect.Connection, name: str) -> None:
    """Drop subscription, publication and slots, whichever there are; a slot left behind would fill the disk."""
    if await subscription_id(subscriber, name) is not None:
        await disable(subscriber, name)
        with connect.translated():
            quoted = sql.Identifier(name)
            await subscriber.execute(sql.SQL("alter subscription {} set (slot_name = none)").format(quoted))
            await subscriber.execute(sql.SQL("drop subscription {}").format(quoted))
    await drop_slots(publisher, name)
    with connect.translated():
        await publisher.execute(sql.SQL("drop publication if exists {}").format(sql.Identifier(name)))


async def drop_slots(conn: connect.Connection, name: str, seconds: float = 10) -> None:
    """Drop the slot of a subscription and those of its tables; one is busy until its sender has ended."""
    deadline = time.monotonic() + seconds
    while left := await slots(conn, name):
        with connect.translated():
            await conn.execute(
                "select pg_drop_replication_slot(slot_name) from pg_replication_slots"
                " where slot_name = any(%s) and not active",
                [left],
            )
            await conn.execute(
                "select pg_terminate_backend(active_pid) from pg_replication_slots"
                " where slot_name = any(%s) and active",
                [left],
            )
        if time.monotonic() > deadline:
            raise errors.Unavailable("replication", f"the slots {', '.join(left)} do not end; drop them by hand")
        await asyncio.sleep(0.05)


async def slots(conn: connect.Connection, name: str) -> list[str]:
    """Return the slots of a subscription on the publishing side."""
    with connect.translated():
        rows = await (await conn.execute(SLOTS, [f"^({name}$|pg_[0-9]+_sync_[0-9]+_)"])).fetchall()
    return [slot for (slot,) in rows]


async def _value(conn: connect.Connection, query: str, *given: object) -> object:
    with connect.translated():
        row = await (await conn.execute(query, given or None)).fetchone()  # type: ignore[call-overload]
    return row and row[0]
