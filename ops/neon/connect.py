"""How the verbs reach somebody's Postgres: which addresses they take, what of one is shown, which settings they pin.

An address is shown as `owner@***.neon.tech/shop`: no password, no host that tells whose it is. A transaction pooler is
refused, as a snapshot, a temporary setting or a replication slot does not live through one.
"""

import contextlib
import re
import secrets
from collections.abc import AsyncIterator
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from lib import errors

type Connection = psycopg.AsyncConnection[Any]

NAME = "lotok-move"
# Text must not depend on the side that prints it, a long look must not end early, nor a wait for a lock never end; with
# row_security off a policy that hides rows is an error, not fewer rows.
PINNED = {
    "TimeZone": "UTC",
    "DateStyle": "ISO, YMD",
    "IntervalStyle": "iso_8601",
    "extra_float_digits": "3",
    "bytea_output": "hex",
    "xmlbinary": "base64",
    "quote_all_identifiers": "off",
    "lc_monetary": "C",
    "search_path": "",
    "row_security": "off",
    "jit": "off",
    "statement_timeout": "0",
    "lock_timeout": "10min",
    "idle_in_transaction_session_timeout": "0",
    "transaction_timeout": "0",
}
# A database may have a limit of a few milliseconds, by which the statements that pin the others would end, too.
ENDLESS = "-c statement_timeout=0"
# A connection whose other end has vanished is noticed in about a minute, whether it reads or writes.
LIVELY = {
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "tcp_user_timeout": "60000",
}
# One that this version of Postgres does not know is left out.
PIN = """
select count(set_config(p.name, p.value, false))
from unnest(%s::text[], %s::text[]) p(name, value) join pg_settings s on s.name = p.name
"""
# Whose host says nothing more than who runs it.
PROVIDERS = ("neon.tech", "supabase.co", "supabase.com", "aivencloud.com", "amazonaws.com")
# What libpq's own programs read from the environment, so that `ps` shows nothing.
ENVIRONMENT = {
    "host": "PGHOST",
    "hostaddr": "PGHOSTADDR",
    "port": "PGPORT",
    "dbname": "PGDATABASE",
    "user": "PGUSER",
    "password": "PGPASSWORD",
    "passfile": "PGPASSFILE",
    "service": "PGSERVICE",
    "options": "PGOPTIONS",
    "connect_timeout": "PGCONNECT_TIMEOUT",
    "channel_binding": "PGCHANNELBINDING",
    "sslmode": "PGSSLMODE",
    "sslrootcert": "PGSSLROOTCERT",
    "sslcert": "PGSSLCERT",
    "sslkey": "PGSSLKEY",
    "sslnegotiation": "PGSSLNEGOTIATION",
    "target_session_attrs": "PGTARGETSESSIONATTRS",
}
_AT = re.compile(r'\b(server at|server on socket|host name|address) "[^"]*"( \([^)]*\))?(, port \d+)?')


def read(url: str) -> dict[str, str]:
    """Return the parts of an address; Misconfigured, without quoting it, when it cannot be read."""
    try:
        parts = {name: str(value) for name, value in conninfo_to_dict(url).items() if value is not None}
    except psycopg.ProgrammingError:
        raise errors.Misconfigured(
            detail="an address cannot be read; write postgresql://user:password@host/db"
        ) from None
    if "://" not in url and "=" not in url:
        raise errors.Misconfigured(detail="an address is written postgresql://user:password@host/db")
    return parts


def mask(url: str) -> str:
    """Return an address as it may be shown: the user, the provider and the database."""
    parts = read(url)
    host = parts.get("host") or parts.get("hostaddr") or "local"
    return f"{parts.get('user', '')}@{_masked_host(host)}/{parts.get('dbname', '')}"


def _masked_host(host: str) -> str:
    if is_local(host):
        return "local"
    return next((f"***.{domain}" for domain in PROVIDERS if host.endswith(f".{domain}")), "***")


def is_local(host: str) -> bool:
    """Tell a socket or the loopback from a host that others own."""
    return not host or host == "local" or host.startswith(("/", "@", "127.")) or host in ("localhost", "::1")


def scrub(text: str, *urls: str) -> str:
    """Return what a client or server said, on one line, without the passwords and hosts of these addresses."""
    for url in urls:
        parts = read(url)
        for secret in (url, parts.get("password"), parts.get("host"), parts.get("hostaddr")):
            if secret and not (secret == parts.get("host") and is_local(secret)):
                text = text.replace(secret, "***")
    return " ".join(_AT.sub(r"\1 ***", text).split())


def refuse_pooler(url: str) -> None:
    """Raise Misconfigured when this address is a pooler's: each provider writes it in its own way."""
    parts = read(url)
    host, port = parts.get("host", ""), parts.get("port", "")
    if host.endswith(".pooler.supabase.com") and port != "6543":
        return  # a session each, and the only way there over IPv4
    if "-pooler." in host or port == "6543" or ".pooler." in host:
        hint = "take -pooler out of the host" if "-pooler." in host else "take the direct port"
        raise errors.Misconfigured(detail=f"{mask(url)} is a pooler, which this does not work through: {hint}")


def environment(url: str) -> dict[str, str]:
    """Return an address as the environment of libpq's programs."""
    parts = read(url)
    return {ENVIRONMENT[name]: value for name, value in parts.items() if name in ENVIRONMENT} | {"PGAPPNAME": NAME}


@contextlib.contextmanager
def translated(*urls: str) -> Any:
    """Turn what Postgres refuses into one line: Unavailable when it cannot be reached, else Rejected."""
    try:
        yield
    except psycopg.OperationalError as error:
        raise errors.Unavailable("database", scrub(str(error), *urls)) from error
    except psycopg.Error as error:
        raise errors.Rejected("database", scrub(error.diag.message_primary or str(error), *urls)) from error


@contextlib.asynccontextmanager
async def pinned(url: str) -> AsyncIterator[Connection]:
    """Open a direct autocommit connection whose settings make both sides print alike."""
    refuse_pooler(url)
    conn = await _open(url)
    try:
        await _pin(conn, url)
        yield conn
    finally:
        await conn.close()


async def refuse_same(one: Connection, other: Connection) -> None:
    """Raise Misconfigured when two connections lead to one database, by whatever names: it would equal itself."""
    key = secrets.randbits(62)
    with translated():
        await one.execute("select pg_advisory_lock(%s)", [key])
        row = await (await other.execute("select pg_try_advisory_lock(%s), pg_advisory_unlock_all()", [key])).fetchone()
        await one.execute("select pg_advisory_unlock(%s)", [key])
    if not (row and row[0]):
        raise errors.Misconfigured(detail="source and target are the same database")


async def _open(url: str) -> Connection:
    parts = read(url)
    if is_local(parts.get("host", "")):
        parts.pop("channel_binding", None)
    if not parts.get("host", "").endswith(".pooler.supabase.com"):  # which need not know what a server itself takes
        parts["options"] = f"{parts.get('options', '')} {ENDLESS}".strip()
    given = {"connect_timeout": "15", "application_name": NAME} | LIVELY | parts
    try:
        with translated(url):
            return await psycopg.AsyncConnection.connect(
                make_conninfo("", **given), autocommit=True, prepare_threshold=None
            )
    except errors.Unavailable as error:
        if "unsupported startup parameter" in error.detail:
            raise _pooled(url) from None
        raise


async def _pin(conn: Connection, url: str) -> None:
    """Pin the settings, and look whether a pooler has answered under a direct host's name.

    Aiven's pools have the host of the server; but a pooler invents the process id that it tells a client. So does the
    proxy of Neon, whose poolers are known by name, and Supabase's session pooler, which is as good as direct.
    """
    with translated(url):
        found = await (await conn.execute("select pg_backend_pid()")).fetchone()
        await conn.execute(PIN, [list(PINNED), list(PINNED.values())])
    host = read(url).get("host", "")
    invents = host.endswith((".neon.tech", ".supabase.com"))
    if found and found[0] != conn.info.backend_pid and not invents:
        raise _pooled(url)


def _pooled(url: str) -> errors.Misconfigured:
    return errors.Misconfigured(detail=f"a pooler answers at {mask(url)}; take the server's own port")
