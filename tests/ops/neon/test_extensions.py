"""Which extensions a target must have is known beforehand: those it offers are tried."""

import pytest

from ops.neon import connect, extensions


@pytest.fixture
async def target(source):
    """Lend a connection to a server that offers pgvector; what is done is undone afterwards."""
    async with connect.pinned(source) as conn, conn.transaction(force_rollback=True):
        yield conn


async def value(conn, query):
    return (await (await conn.execute(query)).fetchone())[0]


def test_a_providers_own_extensions_stay_behind():
    assert extensions.needed(["citext", "pg_graphql", "aiven_extras", "hstore"], frozenset({"hstore"})) == ["citext"]


async def test_what_a_target_offers_is_tried_and_taken_back(target):
    assert await extensions.obstacles(target, ["plpgsql", "vector", "timescaledb", "plv8"]) == [
        "the target does not offer timescaledb, plv8; what needs them is lost with"
        " --skip-extension timescaledb --skip-extension plv8"
    ]
    assert await value(target, "select count(*) from pg_extension where extname = 'vector'") == 0
    assert await value(target, "select count(*) from pg_namespace where nspname ~ '^lotok_'") == 0


async def test_what_a_target_does_not_let_us_make_is_named_with_the_way_on(target):
    await target.execute(
        "create function public.refuse() returns event_trigger language plpgsql as"
        " $$ begin raise 'only the provider makes extensions'; end $$;"
        " create event trigger refuse on ddl_command_start when tag in ('CREATE EXTENSION')"
        " execute function public.refuse()"
    )
    assert await extensions.obstacles(target, ["vector"]) == [
        "postgres may not make vector (only the provider makes extensions);"
        " what needs it is lost with --skip-extension vector"
    ]


async def test_an_extension_gets_the_schema_that_tables_name(target):
    homes = {"vector": "extensions"}
    assert await extensions.make(target, ["vector"], homes) == [
        "the schema extensions was made for extensions, and everybody may use it"
    ]
    assert await value(
        target, "select extnamespace::regnamespace::text from pg_extension where extname = 'vector'"
    ) == ("extensions")
    assert await value(target, "select has_schema_privilege('public', 'extensions', 'usage')")
    assert await extensions.make(target, ["vector"], homes) == []
