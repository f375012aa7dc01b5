import asyncio

import pytest

from lib import config, db, errors, migrations
from ops.__main__ import main

CATALOGUE = """
select 'column' as kind, c.table_name || '.' || c.column_name as name, concat_ws(' ', c.ordinal_position, c.data_type,
    c.is_nullable, c.column_default, c.is_identity, c.identity_generation, c.is_generated) as definition
from information_schema.columns c
where c.table_schema = 'public'
union all
select 'constraint', n.conrelid::regclass || '.' || n.conname, pg_get_constraintdef(n.oid)
from pg_constraint n
where n.connamespace = 'public'::regnamespace
union all
select 'index', i.indexname, i.indexdef
from pg_indexes i
where i.schemaname = 'public'
union all
select 'function', p.oid::regprocedure::text, p.proowner::regrole || pg_get_functiondef(p.oid)
from pg_proc p
where p.pronamespace = 'public'::regnamespace
union all
select 'trigger', t.tgrelid::regclass || '.' || t.tgname, pg_get_triggerdef(t.oid)
from pg_trigger t
where not t.tgisinternal
union all
select 'table', r.relname, concat_ws(' ', r.relkind, r.relpersistence, r.relrowsecurity, r.relforcerowsecurity,
    r.reloptions::text)
from pg_class r
where r.relnamespace = 'public'::regnamespace
and r.relkind in ('r', 'v', 'm', 'S')
union all
select 'policy', p.tablename || '.' || p.policyname, concat_ws(' ', p.permissive, p.roles::text, p.cmd,
    p.qual, p.with_check)
from pg_policies p
where p.schemaname = 'public'
union all
select 'grant', g.grantee || '.' || g.table_name, string_agg(g.privilege_type, ' ' order by g.privilege_type)
from information_schema.role_table_grants g
where g.table_schema = 'public'
and g.grantee in ('lotok_app', 'lotok_till')
group by g.grantee, g.table_name
union all
select 'column grant', g.grantee || '.' || g.table_name, string_agg(g.column_name || ' ' || g.privilege_type, ', '
    order by g.column_name, g.privilege_type)
from information_schema.column_privileges g
where g.table_schema = 'public'
and g.grantee in ('lotok_app', 'lotok_till')
group by g.grantee, g.table_name
order by 1, 2, 3
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Stand in for the migrations of this checkout, by a folder of the test's own."""
    (tmp_path / "migrations").mkdir()
    monkeypatch.setattr(db, "SQL_FOLDER", tmp_path)

    def write(name, text):
        (tmp_path / "migrations" / f"{name}.sql").write_text(text)

    return write


@pytest.fixture
async def empty(empty_database):
    async with empty_database.connect() as conn:
        yield conn


async def catalogue(conn):
    cursor = await conn.execute(CATALOGUE)
    return await cursor.fetchall()


async def tables(conn):
    cursor = await conn.execute("select relname from pg_class where relname ~ '^t[0-9]$' order by 1")
    return [row[0] for row in await cursor.fetchall()]


async def test_schema_sql_is_what_the_migrations_lead_to(conn, empty):
    await db.script(empty, (db.SQL_FOLDER / "schema.sql").read_text(encoding="utf-8"))
    built, described = await catalogue(conn), await catalogue(empty)
    assert built == described
    assert len(built) > 100


def test_no_two_migrations_have_the_same_number():
    numbers = [int(entry.name[:4]) for entry in migrations.available()]
    assert numbers == sorted(set(numbers))


async def test_apply_applies_each_file_once_and_in_order(empty, folder):
    folder("0001_create_t1", "create table t1 (id int);")
    folder("0002_create_t2", "create table t2 as select id from t1; insert into t2 values (100 % 7);")
    assert await migrations.apply(empty) == ["0001_create_t1", "0002_create_t2"]
    assert await migrations.apply(empty) == []
    assert await tables(empty) == ["t1", "t2"]


async def test_six_runners_at_once_apply_each_file_once(empty_database, folder):
    folder("0001_create_t1", "create table t1 (id int); select pg_sleep(0.05);")
    folder("0002_create_t2", "create table t2 (id int);")

    async def runner(_):
        async with empty_database.connect() as conn:
            return await migrations.apply(conn)

    applied = await asyncio.gather(*map(runner, range(6)))
    assert sorted(name for names in applied for name in names) == ["0001_create_t1", "0002_create_t2"]


async def test_a_file_that_fails_leaves_nothing_behind_and_stops_the_rest(empty, folder):
    folder("0001_create_t1", "create table t1 (id int);")
    folder("0002_create_t2", "create table t2 (id int); select nonsense;")
    folder("0003_create_t3", "create table t3 (id int);")
    with pytest.raises(errors.Invalid, match="nonsense"):
        await migrations.apply(empty)
    assert await tables(empty) == ["t1"]


async def test_a_file_that_was_edited_after_it_landed_is_refused(empty, folder):
    folder("0001_create_t1", "create table t1 (id int);")
    await migrations.apply(empty)
    folder("0001_create_t1", "create table t1 (id bigint);")
    folder("0002_create_t2", "create table t2 (id int);")
    with pytest.raises(errors.Conflict, match="0001_create_t1"):
        await migrations.apply(empty)
    assert await tables(empty) == ["t1"]


async def test_a_file_that_comes_too_late_is_refused(empty, folder):
    folder("0002_create_t2", "create table t2 (id int);")
    await migrations.apply(empty)
    folder("0001_create_t1", "create table t1 (id int);")
    with pytest.raises(errors.Conflict, match="renumber"):
        await migrations.apply(empty)


async def test_a_migration_gives_up_on_a_busy_table(empty_database, folder, monkeypatch):
    monkeypatch.setattr(migrations.SQL.limit_locks, "_text", b"select set_config('lock_timeout', '50ms', true)")
    folder("0001_create_t1", "create table t1 (id int);")
    async with empty_database.connect() as conn, empty_database.connect() as reader:
        await migrations.apply(conn)
        folder("0002_alter_t1", "alter table t1 add column name text;")
        async with reader.transaction():
            await reader.execute("select id from t1")
            with pytest.raises(errors.Unavailable):
                await migrations.apply(conn)
        assert await migrations.apply(conn) == ["0002_alter_t1"]


async def test_status_changes_nothing_and_tells_where_each_stands(empty, folder):
    folder("0001_create_t1", "create table t1 (id int);")
    assert [entry.state for entry in await migrations.status(empty)] == ["pending"]
    assert not await catalogue(empty)
    folder("0002_create_t2", "create table t2 (id int);")
    await migrations.apply(empty)
    folder("0001_create_t1", "create table t1 (id bigint);")
    (db.SQL_FOLDER / "migrations" / "0002_create_t2.sql").unlink()
    folder("0003_create_t3", "create table t3 (id int);")
    assert [entry.state for entry in await migrations.status(empty)] == ["edited", "unknown", "pending"]


@pytest.fixture
def unpooled(empty_database, monkeypatch):
    """Make the empty database the one of DATABASE_URL_UNPOOLED; DATABASE_URL leads nowhere."""
    monkeypatch.setenv("DATABASE_URL_UNPOOLED", empty_database.url)
    config.get.cache_clear()
    yield
    config.get.cache_clear()


async def test_ops_migrate_goes_by_the_unpooled_address(unpooled, capsys):
    assert await asyncio.to_thread(main, ["migrate"]) == 0
    assert "applied   0001_create_users" in capsys.readouterr().out
    assert await asyncio.to_thread(main, ["migrate"]) == 0
    assert "up to date" in capsys.readouterr().out
    assert await asyncio.to_thread(main, ["migrate", "--status"]) == 0
    assert "applied   0005_create_dead_letters" in capsys.readouterr().out


def test_ops_says_in_one_line_what_is_wrong(capsys):
    assert main(["migrate", "--url", "postgresql://127.0.0.1:1/none"]) == 1
    assert main(["migrat"]) == 2
    assert main([]) == 2
    said = capsys.readouterr().err.splitlines()
    assert [line.split(":")[0] for line in said] == ["ops migrate", "ops"]


def test_ops_help_has_examples(capsys):
    assert main(["--help"]) == 0
    with pytest.raises(SystemExit) as left:
        main(["migrate", "--help"])
    assert left.value.code == 0
    assert "python -m ops migrate --status" in capsys.readouterr().out
