import asyncio
import base64
import hashlib
import hmac
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from psycopg.errors import RestrictViolation

from dev import postgres
from lib import config, db, errors, migrations
from lib.loyalty import members
from lib.people import users
from ops.__main__ import main
from tests.loyalty_lab import make_member, make_shop

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
select 'type', a.udt_name || '.' || a.attribute_name, concat_ws(' ', a.ordinal_position, a.attribute_udt_name)
from information_schema.attributes a
where a.udt_schema = 'public'
union all
select 'grant', g.grantee::regrole || '.' || r.relname, string_agg(g.privilege_type, ' ' order by g.privilege_type)
from pg_class r, aclexplode(r.relacl) g
where r.relnamespace = 'public'::regnamespace
group by g.grantee, r.relname
union all
select 'column grant', g.grantee::regrole || '.' || c.attrelid::regclass,
    string_agg(c.attname || ' ' || g.privilege_type, ', ' order by c.attname, g.privilege_type)
from pg_attribute c
join pg_class r on r.oid = c.attrelid and r.relnamespace = 'public'::regnamespace
cross join aclexplode(c.attacl) g
group by g.grantee, c.attrelid
union all
select 'default grant', g.grantee::regrole || '.' || d.defaclobjtype::text,
    string_agg(g.privilege_type, ' ' order by g.privilege_type)
from pg_default_acl d, aclexplode(d.defaclacl) g
group by g.grantee, d.defaclobjtype
order by 1, 2, 3
"""
FILLED = """
insert into users (tg_id) values (7), (8);
insert into clients (user_id, name, phone) values (1, 'Anna', '+79005550001');
insert into partners (code, owner_id, title, city, category, status) values ('abcdef', 2, 'Cafe', 'Kazan', 'food',
    'approved');
insert into members (partner_id, user_id, card_no, phone_tail) values (1, 1, 10000001, '0001');
insert into point_accounts (partner_id, member_id, kind, balance) values (1, 1, 'available', 0), (1, 1, 'pending', 0),
    (1, 0, 'issued', null);
insert into point_txns (partner_id, member_id, kind, idem_key, req_hash, points, available_after, pending_after,
    created_at) values (1, 1, 'grant', 'k', '', 5, 5, 0, now());
insert into point_entries (partner_id, txn_id, member_id, kind, delta, balance_after) values
    (1, 1, 0, 'issued', -5, null), (1, 1, 1, 'available', 5, 5);
insert into point_lots (partner_id, member_id, txn_id, points, remaining, pending, active_at) values
    (1, 1, 1, 5, 5, false, now());
insert into audit_log (actor, action, subject, reason) values ('admin:8', 'user.ban', 'user 1', 'spam');
insert into job_history (id, user_id, task, key, args, checkpoint, price, priority, state, run_at, attempts,
    max_attempts, lease_token, created_at, finished_at) values (0, 1, 'tell', 'old', '{"fields": {"name": "Anna"}}',
    '{}', 0, 0, 'done', now(), 1, 5, gen_random_uuid(), now(), now());
"""
# The folded history: one for each area (decision 0018).
FIRST = 10
SCHEMA = sorted((db.SQL_FOLDER / "schema").glob("[0-9][0-9]_*.sql"))


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


async def rows(conn):
    """Return what a new database begins with, but for the times."""
    cursor = await conn.execute(
        "select relname from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r' order by 1"
    )
    names = [name for [name] in await cursor.fetchall() if name != "migrations"]
    return {name: await _rows(conn, name) for name in names}


async def _rows(conn, name):
    cursor = await conn.execute(f"select to_jsonb(t) - 'created_at' as row from {name} t order by to_jsonb(t)::text")
    return [row for [row] in await cursor.fetchall()]


async def tables(conn):
    cursor = await conn.execute("select relname from pg_class where relname ~ '^t[0-9]$' order by 1")
    return [row[0] for row in await cursor.fetchall()]


async def test_the_schema_is_what_the_migrations_lead_to(conn, empty):
    await migrations.SQL.prepare.run(empty)
    for file in SCHEMA:
        await db.script(empty, file.read_text(encoding="utf-8"))
    built, described = await catalogue(conn), await catalogue(empty)
    assert built == described
    assert len(built) > 1000
    assert await rows(conn) == await rows(empty)


def test_each_area_of_the_schema_says_what_it_promises_and_can_be_read_in_one_sitting():
    texts = {file.stem: file.read_text(encoding="utf-8") for file in SCHEMA}
    assert [int(name[:2]) for name in texts] == list(range(1, len(texts) + 1))
    assert {name: text.count("\n") for name, text in texts.items() if not 30 <= text.count("\n") <= 700} == {}
    assert [name for name, text in texts.items() if not re.match(r"-- .+\n--\n-- .+\n", text)] == []


def test_a_function_of_more_than_40_lines_says_why_and_marks_its_steps():
    text = "".join(file.read_text(encoding="utf-8") for file in SCHEMA)
    found = re.findall(r"((?:^--[^\n]*\n)*)^(create function (\w+).*?\$\$.*?\$\$;)", text, re.MULTILINE | re.DOTALL)
    assert len(found) > 150
    long = [one for one in found if one[1].count("\n") >= 40]
    assert [name for head, _, name in long if "\n-- Long: " not in head] == []
    # the names of a document's parts say what a comment would
    assert [name for _, body, name in long if body.count("\n    -- ") < 2 and "jsonb_build_object" not in body] == []


def test_migrations_are_numbered_without_gaps():
    assert [int(entry.name[:4]) for entry in migrations.available()] == list(range(1, len(migrations.available()) + 1))


def test_the_first_migrations_make_each_thing_once():
    again = r"\b(or replace|if not exists [a-z]|drop|alter table [a-z_]+ (add column|alter|rename))\b"
    first = [entry for entry in migrations.available() if int(entry.name[:4]) <= FIRST]
    assert [(entry.name, found) for entry in first for found in re.findall(again, entry.text)] == []


async def before(conn, name):
    """Apply the migrations that come before one."""
    for entry in migrations.available():
        if entry.name >= name:
            return
        await db.script(conn, entry.text)


def migration(name):
    return next(entry.text for entry in migrations.available() if entry.name == name)


async def migrate(conn, name):
    """Apply one migration and return the rows of before and after."""
    old = await rows(conn)
    await db.script(conn, migration(name))
    return old, await rows(conn)


# The pattern for a migration that comes to a database with rows in it: the database of the day before, filled by plain
# SQL (the product's own functions may be newer than its tables), the migration, and what has become of each row.
async def test_the_tenth_migration_leaves_every_row_as_it_was_and_guards_it(empty):
    await migrations.SQL.prepare.run(empty)
    await before(empty, "0010_create_erasure")
    await db.script(empty, FILLED)
    old, new = await migrate(empty, "0010_create_erasure")
    assert new == old
    assert [len(new[name]) for name in ("users", "members", "point_txns", "audit_log", "job_history")] == [
        2,
        1,
        1,
        1,
        1,
    ]
    for statement in ("update point_txns set points = 6", "update audit_log set reason = '-'"):
        with pytest.raises(RestrictViolation):
            await empty.execute(statement)
    await empty.execute("update audit_log set actor = 'admin:erased-2'")
    await empty.execute(
        "insert into jobs (user_id, task, key, args) values (1, 'tell', 't', '{\"fields\": {}, \"id\": 1}')"
    )
    await empty.execute("update jobs set state = 'cancelled', finished_at = now()")
    assert (await rows(empty))["job_history"][-1]["args"] == {"id": 1}


STUCK = """
insert into users (tg_id) values (7);
insert into broadcasts (partner_id, created_by, state, words)
select 0, 1, s.state, s.words
from (values ('running', 'over'), ('paused', 'over, too'), ('running', 'not over')) s (state, words);
insert into broadcast_parts (partner_id, broadcast_id, n, user_ids, states, counts, run_at, until, finished_at)
select 0, id, 1, '{1}', '\\x02', '{0,0,1,0,0,0,0}', now(), now(), case when words <> 'not over' then now() end
from broadcasts;
"""


@pytest.fixture
async def walled(server):
    """Let the owner keep to row-level security, as owners do outside of Neon."""
    async with db.connect(postgres.url(server)) as conn:
        await conn.execute("alter role owner nobypassrls")
        yield
        await conn.execute("alter role owner bypassrls")


async def test_a_stuck_broadcast_ends_for_an_owner_who_keeps_to_the_walls(database, walled):
    async with database.connect() as conn:
        await db.script(conn, "select set_config('app.platform', 'on', false);" + STUCK)
        await db.script(conn, "select set_config('app.platform', '', false)")
        assert await _rows(conn, "broadcasts") == [], "the owner sees none"
        await db.script(conn, migration("0058_end_stuck_broadcasts"))
        await db.script(conn, "select set_config('app.platform', 'on', false)")
        states = {row["words"]: row["state"] for row in await _rows(conn, "broadcasts")}
    assert states == {"over": "done", "over, too": "done", "not over": "running"}


STAYED = """
select set_config('app.platform', 'on', false);
alter table point_txns disable trigger keep_operation;
update point_txns set reason = 'Звать иначе';
alter table point_txns enable trigger keep_operation;
update loyalty_trail set after = '{"reason": "Звать иначе"}' where action = 'member.blocked';
select set_config('app.platform', '', false);
"""


async def test_what_was_said_of_merged_cards_goes_after_the_erasure_as_well(database, walled):
    async with database.connect() as conn:
        shop = await make_shop(conn)
        old, kept, other = [await make_member(conn, shop, has=5) for _ in range(3)]
        for card in (old, other):
            await members.block(conn, shop.id, shop.owner.id, card.id)
        await members.block(conn, shop.id, shop.owner.id, old.id, blocked=False)
        await members.merge(conn, old.user_id, kept.user_id)
        await users.erase(conn, kept.user_id, kept.tg_id)
        await db.script(conn, STAYED)
        await db.script(conn, migration("0068_clean_what_merged_cards_say"))
        await db.script(conn, "select set_config('app.platform', 'on', false)")
        assert {row["member_id"] for row in await _rows(conn, "point_txns") if row["reason"]} == {other.id}
        trail = [row for row in await _rows(conn, "loyalty_trail") if "reason" in (row["after"] or {})]
        assert {row["subject"] for row in trail if row["action"] == "member.blocked"} == {str(other.id)}


def test_a_migration_changes_walled_rows_as_the_platform():
    walled = "|".join(re.findall(r"alter table (\w+) enable row level security", "".join(map(Path.read_text, SCHEMA))))
    change = re.compile(rf"^ *(?:update|delete from|insert into) (?:{walled})\b", re.MULTILINE)
    functions = re.compile(r"create (?:or replace )?function.*?\$\$.*?\$\$;", re.DOTALL)
    alone = {entry.name: functions.sub("", entry.text) for entry in migrations.available()}
    found = {
        name: "set_config('app.platform', 'on', true)" in text for name, text in alone.items() if change.search(text)
    }
    assert len(found) >= 4
    assert [name for name, is_platform in found.items() if not is_platform] == ["0056_end_paused_broadcasts"], (
        "see 0058"
    )


@pytest.mark.long
async def test_the_sixtieth_migration_takes_telegram_ids_out_of_the_keys_of_grants(empty):
    await migrations.SQL.prepare.run(empty)
    await before(empty, "0060_forget_reasons_of_administrators")
    await empty.execute("insert into users (tg_id, language) values (1005, 'ru')")
    [(dina,)] = await (await empty.execute("select id from users")).fetchall()
    await empty.execute("insert into credit_accounts (user_id) values (%s)", (dina,))
    for key in ("admin:1005:8", "admin:1005:9", "admin:6:9", "ops:1"):  # of somebody who was erased, and of a console
        await empty.execute("select grant_credits(%s, 2, %s, 'admin:1005', '-')", (dina, key))
    old, new = await migrate(empty, "0060_forget_reasons_of_administrators")
    erased = old["credit_ledger"][2]["id"]
    keys = [f"grant:act:{dina}:8", f"grant:act:{dina}:9", f"grant:erased:{erased}", "grant:ops:1"]
    assert [row["key"] for row in new["credit_ledger"]] == keys
    assert [{**row, "key": ""} for row in new["credit_ledger"]] == [{**row, "key": ""} for row in old["credit_ledger"]]
    assert [row["after"].get("key") for row in new["audit_log"]] == [None, None, None, "ops:1"]
    for statement in ("update credit_ledger set key = '-'", "update audit_log set action = 'x.y'"):
        with pytest.raises(RestrictViolation):
            await empty.execute(statement)


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
    assert "applied   0001_create_people" in capsys.readouterr().out
    assert await asyncio.to_thread(main, ["migrate"]) == 0
    assert "up to date" in capsys.readouterr().out
    assert await asyncio.to_thread(main, ["migrate", "--status"]) == 0
    assert "applied   0010_create_erasure" in capsys.readouterr().out


async def scram_of(server, role):
    """Return salt, rounds and stored key of a role's password, as Postgres keeps them."""
    async with db.connect(postgres.url(server)) as conn:
        row = await (await conn.execute("select rolpassword from pg_authid where rolname = %s", (role,))).fetchone()
    _, salts, keys = str(row[0]).split("$")
    rounds, salt = salts.split(":")
    return base64.b64decode(salt), int(rounds), base64.b64decode(keys.split(":")[0])


async def test_the_role_of_the_functions_logs_in_as_their_address_says(database, server, monkeypatch, capsys):
    """A container has no console in which a hand could do it."""
    monkeypatch.setenv("DATABASE_URL_UNPOOLED", database.url)

    async def migrate_for(user):
        monkeypatch.setenv("DATABASE_URL", f"postgresql://{user}@pooler.example/lotok")
        config.get.cache_clear()
        code = await asyncio.to_thread(main, ["migrate", "--app-password"])
        return code, "".join(capsys.readouterr())

    code, said = await migrate_for("lotok_app:p%40ssword-of-sixteen")
    assert (code, said.splitlines()[-1]) == (0, "lotok_app logs in with the password of the functions' address")
    salt, rounds, stored = await scram_of(server, "lotok_app")
    salted = hashlib.pbkdf2_hmac("sha256", b"p@ssword-of-sixteen", salt, rounds)
    assert hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest() == stored
    code, said = await migrate_for("lotok_app:short")
    assert (code, "at least 16 characters" in said) == (1, True)
    code, said = await migrate_for("neondb_owner:short")
    assert (code, "the functions come as neondb_owner" in said) == (0, True)
    assert await scram_of(server, "lotok_app") == (salt, rounds, stored), "neither has changed it"


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


def test_where_each_migration_stands():
    made, now = migrations.Migration, datetime(2026, 3, 10, tzinfo=UTC)
    files = [made("0001_a", "select 1"), made("0002_b", "select 2"), made("0003_c", "select 3")]
    known = [
        migrations.AppliedMigration("0002_b", made("", "select 9").sha256, now),
        migrations.AppliedMigration("0001_a", files[0].sha256, now),
        migrations.AppliedMigration("0000_gone", "x", now),
    ]
    found = [(one.name, one.state, one.applied_at) for one in migrations.assess(files, known)]
    assert found == [
        ("0000_gone", "unknown", now),
        ("0001_a", "applied", now),
        ("0002_b", "edited", now),
        ("0003_c", "pending", None),
    ]
