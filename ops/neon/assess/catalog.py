"""What a server says of itself: its version and settings, who is on it, its sizes, and what may not move.

Every look stands for itself: one that fails, for want of a right, an old version or a lock, is told with its reason
under `unread`, and never passes for "there is none".
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

import psycopg

from lib import db, errors
from ops.neon.assess.door import Door
from ops.neon.assess.tables import limits

SQL = db.load("assess")
RESERVED = ("superuser_reserved_connections", "reserved_connections")


@dataclass(frozen=True)
class Server:
    """The server and its database."""

    number: int
    version: str
    encoding: str
    locale: str
    provider: str  # of the locale: c libc, i icu, b builtin
    bytes: int
    is_standby: bool
    up_seconds: float

    @property
    def major(self) -> int:
        """The major version."""
        return self.number // 10000


@dataclass(frozen=True)
class Role:
    """The role that asks, and the limits of connections that it meets."""

    is_superuser: bool
    may_replicate: bool
    bypasses_rls: bool
    may_create_roles: bool
    connections_limit: int
    database_limit: int


@dataclass(frozen=True)
class Guests:
    """The connections of others, on the server and to this database."""

    used: int
    here: int


def is_told(seconds: float) -> bool:
    """Whether statistics of this age tell a rate: those of a minute tell of a restore, or of us."""
    least: float = limits()["rules"]["least_stats_seconds"]
    return seconds >= least


@dataclass(frozen=True)
class Activity:
    """What was done to the database within `seconds`."""

    transactions: int
    writes: int
    rows_read: int
    blocks_hit: int
    blocks_read: int
    temp_bytes: int
    deadlocks: int
    seconds: float
    age_known: bool

    @property
    def per_second(self) -> float:
        """Transactions a second over that time."""
        return self.transactions / max(1.0, self.seconds)

    @property
    def hit_share(self) -> float | None:
        """The share of blocks that were found in shared_buffers."""
        every = self.blocks_hit + self.blocks_read
        return self.blocks_hit / every if every else None


@dataclass(frozen=True)
class Table:
    """A table or materialized view, with what was done to it since the statistics began."""

    schema: str
    name: str
    kind: str
    rows: float
    bytes: int
    index_bytes: int
    inserted: int
    updated: int
    deleted: int
    dead: int

    @property
    def total(self) -> int:
        """Bytes with the indexes."""
        return self.bytes + self.index_bytes

    def growth(self, seconds: float) -> float:
        """Return the bytes that a month adds: rows inserted less rows deleted, at the size that a row has today.

        A table that was never analyzed has no known number of rows (-1), so its growth is unknown, which counts as 0.
        """
        if self.rows <= 0 or seconds <= 0:
            return 0.0
        return max(0.0, (self.inserted - self.deleted) / seconds * 30 * 86400 * self.total / self.rows)


@dataclass(frozen=True)
class Extension:
    """An extension that is installed."""

    name: str
    version: str
    schema: str = ""


@dataclass(frozen=True)
class Feature:
    """Something that may not move: the first names of it, and how many there are."""

    total: int
    names: list[str]


# Each is a statement of sql/queries/assess.sql, and an entry of data/features.json.
FEATURES: Mapping[str, db.Query] = {
    "always_triggers": SQL.always_triggers,
    "cron_jobs": SQL.cron_jobs,
    "databases": SQL.databases,
    "definer_functions": SQL.definer_functions,
    "event_triggers": SQL.event_triggers,
    "forced_policies": SQL.forced_policies,
    "foreign_servers": SQL.foreign_servers,
    "invalid_indexes": SQL.invalid_indexes,
    "keyless": SQL.keyless,
    "large_objects": SQL.large_objects,
    "login_roles": SQL.login_roles,
    "not_validated": SQL.not_validated,
    "old_transactions": SQL.old_transactions,
    "other_collations": SQL.other_collations,
    "prepared_transactions": SQL.prepared_transactions,
    "publications": SQL.publications,
    "reg_columns": SQL.reg_columns,
    "role_settings": SQL.role_settings,
    "session_state": SQL.session_state,
    "slots": SQL.slots,
    "subscriptions": SQL.subscriptions,
    "tablespaces": SQL.tablespaces,
    "unlogged": SQL.unlogged,
    "untrusted_functions": SQL.untrusted_functions,
    "views_over_policies": SQL.views_over_policies,
}


@dataclass
class Catalog:
    """Everything that was read; None where it could not be, and `unread` says why."""

    server: Server | None = None
    settings: dict[str, str] = field(default_factory=dict)
    role: Role | None = None
    guests: Guests | None = None
    activity: Activity | None = None
    wal_per_second: float | None = None
    tables: list[Table] = field(default_factory=list)
    extensions: list[Extension] = field(default_factory=list)
    features: dict[str, Feature] = field(default_factory=dict)
    unread: dict[str, str] = field(default_factory=dict)

    @property
    def room(self) -> int | None:
        """How many more connections this role may open; None when that is not known."""
        if self.role is None or self.guests is None or "max_connections" not in self.settings:
            return None
        reserved = 0 if self.role.is_superuser else sum(int(self.settings.get(name, 0)) for name in RESERVED)
        most = [int(self.settings["max_connections"]) - reserved - self.guests.used]
        most += [
            limit - self.guests.here for limit in (self.role.connections_limit, self.role.database_limit) if limit >= 0
        ]
        return min(most)

    @property
    def bytes(self) -> int:
        """The size of the database."""
        return self.server.bytes if self.server else 0

    @property
    def growth(self) -> float | None:
        """The bytes that a month adds, over all tables."""
        if self.activity is None or not is_told(self.activity.seconds) or "tables" in self.unread:
            return None
        return sum(table.growth(self.activity.seconds) for table in self.tables)


async def read(door: Door, watch: Callable[[str], None] = lambda _: None) -> Catalog:
    """Read it all in one read-only transaction, behind a savepoint each."""
    found = Catalog()
    async with door.look() as conn:
        for name, look in LOOKS.items():
            watch(name)
            await _try(conn, found, name, look)
        for name in FEATURES:
            watch(name)
            await _try(conn, found, name, _feature(name))
    return found


type Look = Callable[[db.Connection, Catalog], Awaitable[None]]


async def _try(conn: db.Connection, found: Catalog, name: str, look: Look) -> None:
    try:
        async with conn.transaction():
            await look(conn, found)
    except psycopg.OperationalError:
        raise
    except (errors.AppError, psycopg.Error) as error:
        if conn.broken:
            raise
        cause = error.__cause__ if isinstance(error.__cause__, psycopg.Error) else error
        said = cause.diag.message_primary if isinstance(cause, psycopg.Error) else None
        found.unread[name] = " ".join((said or str(error)).split())


async def _server(conn: db.Connection, found: Catalog) -> None:
    found.server = await SQL.server.one(conn, Server)


async def _settings(conn: db.Connection, found: Catalog) -> None:
    found.settings = {row["name"]: row["setting"] for row in await SQL.settings.all(conn, dict)}


async def _role(conn: db.Connection, found: Catalog) -> None:
    found.role = await SQL.role.one(conn, Role)


async def _guests(conn: db.Connection, found: Catalog) -> None:
    found.guests = await SQL.guests.one(conn, Guests)


async def _activity(conn: db.Connection, found: Catalog) -> None:
    found.activity = await SQL.activity.one(conn, Activity)


async def _wal(conn: db.Connection, found: Catalog) -> None:
    [(written, seconds)] = await SQL.wal.all(conn, tuple)
    found.wal_per_second = written / seconds if seconds and is_told(seconds) else None


async def _tables(conn: db.Connection, found: Catalog) -> None:
    found.tables = await SQL.tables.all(conn, Table)


async def _extensions(conn: db.Connection, found: Catalog) -> None:
    found.extensions = await SQL.extensions.all(conn, Extension)


def _feature(name: str) -> Look:
    async def look(conn: db.Connection, found: Catalog) -> None:
        rows = await FEATURES[name].all(conn, tuple)
        if rows:
            found.features[name] = Feature(int(rows[0][1]), [str(row[0]) for row in rows])

    return look


LOOKS: Mapping[str, Look] = {
    "server": _server,
    "settings": _settings,
    "role": _role,
    "guests": _guests,
    "activity": _activity,
    "wal": _wal,
    "tables": _tables,
    "extensions": _extensions,
}


@dataclass(frozen=True)
class Offer:
    """What a target is and lets one create: its own answer, which is worth more than a table."""

    names: frozenset[str]
    allowed: frozenset[str] = frozenset()
    major: int = 0

    def has(self, name: str) -> bool:
        """Whether the target offers an extension."""
        return name in self.names and (not self.allowed or name in self.allowed or name == "plpgsql")


async def offer(door: Door) -> Offer:
    """Ask a target which extensions it offers."""
    async with door.look() as conn:
        names = await SQL.offered.all(conn, Extension)
        allowed = await SQL.allowed.one(conn, str) or ""
        server = await SQL.server.one(conn, Server)
    listed = frozenset(allowed.replace(" ", "").split(",")) - {""}
    return Offer(frozenset(one.name for one in names), listed, server.major if server else 0)
