"""The awkward base of a foreign application, made once, and copies of it by template."""

import contextlib
import itertools
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from dev import postgres
from lib import db

AWKWARD = Path(__file__).with_name("awkward.sql")
ROLES = """
create role shop_owner login createrole; create role shop_app login; create role shop_reader login;
grant shop_reader to shop_app
"""
# What the small servers of the packages lack: the contrib extensions and libxml.
PLAIN = (
    ("create extension citext;", ""),
    ("create extension pg_trgm;", ""),
    ("create extension btree_gist;", ""),
    ("public.citext", "text"),
    ("using gin (title public.gin_trgm_ops)", "(title)"),
    ("(name with =, during with &&)", "(during with &&)"),
    ("note xml", "note text"),
)
_numbers = itertools.count(1)


async def fill(url: str, *, plain: bool = False) -> None:
    """Build the awkward base, as a superuser, on a server that may have its roles already; plain: without contrib."""
    async with db.connect(url) as conn:
        if not await (await conn.execute("select 1 from pg_roles where rolname = 'shop_owner'")).fetchone():
            await conn.execute(ROLES)
        text = AWKWARD.read_text(encoding="utf-8")
        has = await conn.execute("select 1 from pg_available_extensions where name = 'citext'")
        if plain or not await has.fetchone():
            for rich, plain in PLAIN:
                text = text.replace(rich, plain)
        for part in text.split("-- part"):
            await conn.execute("--" + part)


async def set_options(url: str) -> None:
    """Give the base's database and role the settings that no dump carries."""
    async with db.connect(url) as conn:
        await conn.execute(
            "do $$ declare base text := quote_ident(current_database()); begin"
            " execute 'alter database ' || base || ' set timezone = ''Europe/Berlin''';"
            " execute 'alter database ' || base || ' set search_path = app, public';"
            " execute 'alter role shop_app in database ' || base || ' set statement_timeout = ''7s'''; end $$"
        )


@pytest.fixture(scope="session")
async def awkward(server: Path) -> str:
    """Name the database with the awkward base on the session's server."""
    async with db.connect(postgres.url(server)) as conn:
        await conn.execute("create database awkward")
    await fill(postgres.url(server, "awkward"))
    return "awkward"


@contextlib.asynccontextmanager
async def copied(server: Path, awkward: str) -> AsyncIterator[str]:
    """Lend a copy of the awkward base."""
    name = f"copy_{next(_numbers)}"
    async with db.connect(postgres.url(server)) as conn:
        await conn.execute(f"create database {name} template {awkward} strategy file_copy")
        yield postgres.url(server, name)
        await conn.execute(f"drop database {name} with (force)")


@pytest.fixture
async def copy_of(server: Path, awkward: str) -> AsyncIterator[str]:
    """Lend a test its own copy."""
    async with copied(server, awkward) as url:
        yield url


@pytest.fixture
def source(server: Path, awkward: str) -> str:
    """Return the address of the awkward base."""
    return postgres.url(server, awkward)
