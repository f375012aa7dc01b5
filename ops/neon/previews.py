"""What a preview branch is: `preview/<git branch>`, made whole or not at all, gone by itself after its days.

A branch is made as `making/...`, which ends after an hour, and gets its name when its migrations are applied and, if
asked, its people are blanked. So a branch called `preview/...` is ready, whatever died meanwhile; and of two runs that
make the same one, the slower takes that of the faster.
"""

import contextlib
import dataclasses
import hashlib
import hmac
import re
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import quote, urlsplit, urlunsplit

import psycopg
from psycopg import sql

from lib import db, errors, migrations
from ops.neon.api import Branch, Neon

PREFIX, MAKING = "preview/", "making/"
_TRIES = 10
_APP = "lotok_app"
_BLANK = "its people were blanked"
_MARKED = sql.SQL("comment on database {} is {}")


@dataclass(frozen=True)
class Wish:
    """What a preview is to hold. `key` is what the password of the functions' role is derived from.

    `blank` is the SQL that takes the people out of a copy, and `renew` lets a preview begin again from its parent when
    a migration that it has was edited since.
    """

    key: str
    now: datetime
    days: float = 14
    parent: str = ""
    database: str = ""
    migrate: bool = True
    blank: str = ""
    renew: bool = False

    @property
    def expires_at(self) -> datetime:
        """When the preview ends, unless it is asked for again."""
        return self.now + timedelta(days=self.days)

    @property
    def unfinished_until(self) -> datetime:
        """When what was only half made ends."""
        return self.now + timedelta(hours=1)


@dataclass(frozen=True)
class Preview:
    """A branch that is ready, and its addresses: `app` is the functions' own, by the pooler."""

    branch: Branch
    database: str
    pooled: str
    direct: str
    app: str
    created: bool = False
    applied: tuple[str, ...] = ()

    def settings(self) -> dict[str, str]:
        """Return the two settings of Lotok that it stands for."""
        return {"DATABASE_URL": self.app, "DATABASE_URL_UNPOOLED": self.direct}


def name_of(git_branch: str) -> str:
    """Return the name of a git branch's preview."""
    bare = git_branch.removeprefix("refs/heads/").removeprefix(PREFIX).strip()
    if not bare or len(bare) > 200 or not re.fullmatch(r"[^\x00-\x20\x7f]+", bare):
        raise errors.Invalid("no_git_branch", f"{git_branch[:80]!r} is no name of a git branch")
    return PREFIX + bare


async def create(neon: Neon, name: str, wish: Wish) -> Preview:
    """Return the preview of this name, made now or found and brought up to date; either way its days begin again."""
    found = await neon.find(name)
    if found is None:
        return await _make(neon, name, wish)
    branch = await neon.change(found, expires_at=wish.expires_at)
    if wish.blank and not await _is_blank(neon, branch, wish):
        raise errors.Conflict(
            "not_anonymised", f"{name} was made with its people: python -m ops branch reset --anonymise"
        )
    try:
        return await _ready(neon, branch, dataclasses.replace(wish, blank=""))
    except errors.Conflict as error:
        if not wish.renew or not error.code.startswith("migration_"):
            raise
    return await reset(neon, name, wish)


async def reset(neon: Neon, name: str, wish: Wish) -> Preview:
    """Give a preview the data that its parent has now, with the migrations of this checkout; its address stays."""
    branch = await neon.change(await require(neon, name), name=_making(name), expires_at=wish.unfinished_until)
    async with _whole(neon, branch):
        await neon.reset(branch)
        ready = await _ready(neon, branch, wish)
        named = await neon.change(branch, name=name, expires_at=wish.expires_at)
    return dataclasses.replace(ready, branch=named)


async def look(neon: Neon, name: str, wish: Wish) -> Preview:
    """Return the preview with its addresses; nothing is changed."""
    return await _addressed(neon, await require(neon, name), wish)


async def require(neon: Neon, name: str) -> Branch:
    """Return the branch of this name or raise Missing."""
    found = await neon.find(name)
    if found is None:
        raise errors.Missing("no_preview", f"there is no branch {name}: python -m ops branch create")
    return found


async def _make(neon: Neon, name: str, wish: Wish) -> Preview:
    branch = await neon.create(_making(name), await neon.parent(wish.parent), wish.unfinished_until)
    async with _whole(neon, branch):
        ready = await _ready(neon, branch, wish)
    try:
        named = await neon.change(branch, name=name, expires_at=wish.expires_at)
    except errors.AppError:
        await neon.delete(branch)
        if await neon.find(name) is None:
            raise
        return await look(neon, name, wish)
    return dataclasses.replace(ready, branch=named, created=True)


@contextlib.asynccontextmanager
async def _whole(neon: Neon, branch: Branch) -> AsyncIterator[None]:
    """Delete the branch when the work on it does not come to its end."""
    try:
        yield
    except BaseException:
        await neon.delete(branch)
        raise


async def _ready(neon: Neon, branch: Branch, wish: Wish) -> Preview:
    """Apply the migrations, blank what is to be blank, and let the functions in."""
    preview, applied = await _addressed(neon, branch, wish), list[str]()
    if wish.migrate or wish.blank:
        async with _connected(preview.direct, neon.pause) as conn:
            if wish.migrate:
                applied = await migrations.apply(conn)
                await _let_in(conn, _password(wish.key, branch))
            if wish.blank:
                async with conn.transaction():
                    await _blank(conn, wish.blank)
                    await conn.execute(_MARKED.format(sql.Identifier(conn.info.dbname), sql.Literal(_BLANK)))
    return dataclasses.replace(preview, applied=tuple(applied))


async def _blank(conn: db.Connection, text: str) -> None:
    """Run the SQL; what Postgres adds to a refusal may be a row with a person in it, and is not told."""
    try:
        await db.script(conn, text)
    except errors.Invalid as error:
        raise errors.Invalid("not_blanked", error.detail.partition("; ")[0]) from None


async def _is_blank(neon: Neon, branch: Branch, wish: Wish) -> bool:
    """Tell whether this copy was blanked; its database says so, and the parent's does not."""
    preview = await _addressed(neon, branch, wish)
    query = "select shobj_description(oid, 'pg_database') from pg_database where datname = current_database()"
    async with _connected(preview.direct, neon.pause) as conn:
        [said] = await (await conn.execute(query)).fetchone() or [None]
    return bool(said == _BLANK)


async def _addressed(neon: Neon, branch: Branch, wish: Wish) -> Preview:
    database, owner = await neon.database(branch, wish.database)
    pooled = await neon.uri(branch, database, owner, pooled=True)
    direct = await neon.uri(branch, database, owner, pooled=False)
    app = _as_role(pooled, _APP, _password(wish.key, branch)) if wish.migrate else pooled
    return Preview(branch, database, pooled, direct, app)


@contextlib.asynccontextmanager
async def _connected(url: str, pause: Callable[[float], Awaitable[None]]) -> AsyncIterator[db.Connection]:
    """Lend a connection as soon as the compute takes it: one that has just been made does so a moment later."""
    async with contextlib.AsyncExitStack() as stack:
        for tries in range(1, _TRIES + 1):
            with contextlib.suppress(*[errors.Unavailable] if tries < _TRIES else []):
                conn = await stack.enter_async_context(db.connect(url))
                break
            await pause(tries / 2)
        yield conn


async def _let_in(conn: db.Connection, password: str) -> None:
    """Give the functions' role a password of this branch: the one that came from the parent is production's."""
    change = sql.SQL("alter role {} login password {}").format(sql.Identifier(_APP), sql.Literal(password))
    try:
        await conn.execute(change)
    except psycopg.Error as error:
        raise errors.Denied("no_role", f"the owner may not change {_APP}: {error.diag.message_primary}") from error


def _password(key: str, branch: Branch) -> str:
    """Return the password of the functions' role in a branch: the same each time, and kept nowhere."""
    made = hmac.new(key.encode(), f"lotok:{_APP}:{branch.id}".encode(), hashlib.sha256)
    return made.hexdigest()[:48]


def _as_role(url: str, role: str, password: str) -> str:
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{role}:{quote(password)}@{host}"))


def _making(name: str) -> str:
    return f"{MAKING}{name.removeprefix(PREFIX)}-{secrets.token_hex(4)}"
