"""ops/backups/archive.py and `python -m ops backup`: a backup is one point in time, sealed, and proves itself."""

import argparse
import json
import shutil
import subprocess
from datetime import UTC, datetime

import pytest

from lib import config, errors
from lib.people import notify
from ops import backup
from ops.backups import archive, pipes
from tests.redis_lab import empty_redis, running_upstash

__all__ = ["empty_redis", "running_upstash"]

NOW = datetime(2026, 11, 29, 3, 30, tzinfo=UTC)

needs_age = pytest.mark.skipif(not shutil.which("age"), reason="age is not installed: apt install age")


@pytest.fixture
def key(tmp_path):
    """A secret key's file and the public key."""
    return _keygen(tmp_path / "key.txt")


def _keygen(path):
    subprocess.run(["age-keygen", "-o", path], check=True, capture_output=True)
    public = subprocess.run(["age-keygen", "-y", path], check=True, capture_output=True, text=True)
    return path, public.stdout.strip()


@pytest.fixture
async def owned(database, monkeypatch):
    """A database with our tables and a person in it, as its owner."""
    async with database.connect() as conn:
        await conn.execute("insert into users (tg_id, first_name) values (1, 'Анна'), (2, 'Борис')")
    monkeypatch.setenv("DATABASE_URL_UNPOOLED", database.url)
    config.get.cache_clear()
    yield database
    config.get.cache_clear()


@pytest.fixture
def files(tmp_path):
    folder = tmp_path / "files"
    (folder / "local/card/2026/11").mkdir(parents=True)
    (folder / "local/card/2026/11/1-ab.png").write_bytes(b"a card")
    (folder / "local/.half").write_bytes(b"half of a file that is being written")
    return folder


def arguments(verb, **given):
    return argparse.Namespace(**({"verb": verb, "name": None, "key": None, "into": None, "files": None} | given))


@needs_age
async def test_a_backup_is_sealed_restored_and_found_equal(owned, files, key, tmp_path):
    made = await archive.make(owned.url, tmp_path / "kept", [key[1]], files, NOW)
    assert made.folder.name == "2026-11-29T033000Z"
    assert {path.name for path in made.folder.iterdir()} == {archive.DATABASE, archive.FILES, archive.MANIFEST}
    assert (made.folder / archive.DATABASE).read_bytes().startswith(b"age-encryption.org/v1")
    assert "Анна" not in (made.folder / archive.MANIFEST).read_text(encoding="utf-8")
    assert made.manifest.tables["public.users"][0] == 2
    assert made.manifest.files == 1
    assert await archive.prove(made, owned.url, key[0]) == []
    assert made.restored
    async with owned.connect() as conn:
        left = await conn.execute("select datname from pg_database where datname ~ '^lotok_restore'")
        assert await left.fetchall() == [], "the scratch database is dropped again"


@pytest.mark.long
@needs_age
async def test_a_backup_that_does_not_hold_what_it_says_is_named(owned, key, tmp_path):
    made = await archive.make(owned.url, tmp_path / "kept", [key[1]], None, NOW)
    facts = json.loads((made.folder / archive.MANIFEST).read_text())
    facts["tables"]["public.users"][1] += 1
    facts["tables"]["public.gone"] = [1, 1]
    (made.folder / archive.MANIFEST).write_text(json.dumps(facts))
    assert await archive.prove(made, owned.url, key[0]) == [
        "public.gone: not there",
        "public.users: 2 rows, but not the same",
    ]
    assert not made.restored


@pytest.mark.long
@needs_age
async def test_a_broken_file_and_a_strange_key_are_one_line(owned, key, tmp_path):
    made = await archive.make(owned.url, tmp_path / "kept", [key[1]], None, NOW)
    strange, _ = _keygen(tmp_path / "strange.txt")
    with pytest.raises(errors.Rejected, match="age: error: no identity matched"):
        await archive.prove(made, owned.url, strange)
    sealed = made.folder / archive.DATABASE
    sealed.write_bytes(sealed.read_bytes()[:-40])
    with pytest.raises(errors.Rejected, match="age: error"):
        await archive.prove(made, owned.url, key[0])
    assert not made.restored


@needs_age
async def test_a_database_with_tables_is_not_restored_into(owned, key, tmp_path):
    made = await archive.make(owned.url, tmp_path / "kept", [key[1]], None, NOW)
    with pytest.raises(errors.Conflict, match="has tables"):
        await archive.restore(made, owned.url, key[0])


@needs_age
async def test_a_dump_that_fails_leaves_nothing(owned, key, tmp_path):
    with pytest.raises(errors.Rejected, match="age"):
        await archive.make(owned.url, tmp_path / "kept", ["age1-no-such-key"], None, NOW)
    assert [path.name for path in (tmp_path / "kept").iterdir()] == [".lock"]


@pytest.mark.long
@needs_age
async def test_the_verb_makes_lists_proves_and_restores(owned, files, key, tmp_path, monkeypatch, capsys):
    folder = tmp_path / "kept"
    for name, value in {"BACKUP_PATH": folder, "BACKUP_KEY": key[0], "BACKUP_RECIPIENTS": key[1]}.items():
        monkeypatch.setenv(name, str(value))
    monkeypatch.setenv("STORAGE_PATH", str(files))
    config.get.cache_clear()
    assert await backup.run(arguments("list")) == 0
    assert await backup.run(arguments("make")) == 0
    assert await backup.run(arguments("test")) == 0
    into = tmp_path / "back"
    assert await backup.run(arguments("restore", files=into)) == 0
    assert (into / "local/card/2026/11/1-ab.png").read_bytes() == b"a card"
    assert not (into / "local/.half").exists()
    said = capsys.readouterr().out
    assert "no backups in" in said
    assert "all equal" in said
    assert "restored, and all is as it was" in said
    assert (folder / "last-good").exists()
    assert (folder / "last-restored").exists()


@pytest.fixture
def told(monkeypatch):
    """Collect what the administrators hear."""
    said = []

    async def alert(through, key, **fields):
        said.append((key, fields["reason"]))
        return True

    monkeypatch.setattr(notify, "alert_admins", alert)
    return said


async def test_a_backup_that_is_not_made_is_told_at_once_and_once_an_hour(redis, owned, tmp_path, monkeypatch, told):
    monkeypatch.setenv("BACKUP_PATH", str(tmp_path))
    monkeypatch.delenv("BACKUP_RECIPIENTS", raising=False)
    for _ in range(2):
        with pytest.raises(errors.Misconfigured):
            await backup.run(arguments("make"))
    assert told == [
        ("alert.alarm_backup_make", "BACKUP_RECIPIENTS is not set: the public key of `age-keygen -o key.txt`")
    ]
    with pytest.raises(errors.Missing):
        await backup.run(arguments("test"))
    assert told[1] == ("alert.alarm_backup_test", f"none in {tmp_path}")
    with pytest.raises(errors.Missing):
        await backup.run(arguments("restore"))
    assert len(told) == 2, "who restores sees it"


async def test_without_redis_and_without_postgres_it_is_told_all_the_same(tmp_path, monkeypatch, told):
    monkeypatch.setenv("BACKUP_PATH", str(tmp_path))
    monkeypatch.setenv("BACKUP_RECIPIENTS", "age1")
    monkeypatch.setenv("DATABASE_URL_UNPOOLED", "postgresql://u:secret@127.0.0.1:1/none")
    config.get.cache_clear()
    with pytest.raises(errors.AppError):
        await backup.run(arguments("make"))
    config.get.cache_clear()
    [(key, reason)] = told
    assert key == "alert.alarm_backup_make"
    assert "refused" in reason
    assert "secret" not in reason


async def test_what_is_missing_is_one_line(owned, tmp_path, monkeypatch):
    monkeypatch.setenv("BACKUP_PATH", str(tmp_path))
    monkeypatch.delenv("BACKUP_RECIPIENTS", raising=False)
    with pytest.raises(errors.Misconfigured, match="BACKUP_RECIPIENTS is not set"):
        await backup.run(arguments("make"))
    with pytest.raises(errors.Missing, match="none in"):
        await backup.run(arguments("test"))
    (tmp_path / "2026-11-29T033000Z").mkdir()
    with pytest.raises(errors.Missing, match="2020"):
        await backup.run(arguments("test", name="2020-01-01T000000Z"))
    with pytest.raises(errors.Misconfigured, match="no secret key in"):
        await backup.run(arguments("test", key=tmp_path / "none"))


def test_other_folders_are_no_backups(tmp_path):
    for name in ("2026-11-29T033000Z", ".making-x", "notes", "2026-11-29"):
        (tmp_path / name).mkdir()
    assert [one.folder.name for one in archive.all_in(tmp_path)] == ["2026-11-29T033000Z"]
    assert archive.all_in(tmp_path / "none") == []
    with pytest.raises(errors.Rejected, match="manifest cannot be read"):
        archive.all_in(tmp_path)[0].words()


def test_differences_are_named_by_table():
    saved = {"a": [1, 5], "b": [2, 6], "c": [3, 7]}
    assert archive.differences(saved, saved) == []
    assert archive.differences(saved, {"a": [1, 5], "b": [1, 6], "d": [0, 0]}) == [
        "b: 2 rows, restored 1",
        "c: not there",
        "d: not in the backup",
    ]


async def test_programs_in_a_row_hand_on_their_output(tmp_path):
    await pipes.run(["printf", "b\\na\\n"], ["sort"], into=tmp_path / "sorted")
    assert (tmp_path / "sorted").read_text() == "a\nb\n"
    await pipes.run(["cat"], source=tmp_path / "sorted", into=tmp_path / "again")
    assert (tmp_path / "again").read_text() == "a\nb\n"


async def test_a_program_that_fails_or_is_missing_is_named(tmp_path):
    with pytest.raises(errors.Rejected, match=r"ls: .*no-such-file"):
        await pipes.run(["ls", "/no-such-file"], ["cat"])
    with pytest.raises(errors.Misconfigured, match="no-such-program is not installed"):
        await pipes.run(["no-such-program"], ["cat"])
    with pytest.raises(errors.Rejected) as raised:
        await pipes.run(["sh", "-c", "echo could not reach postgresql://me:secret@host/db >&2; exit 3"])
    assert "secret" not in str(raised.value)


async def test_one_backup_at_a_time_and_what_a_killed_one_left_is_cleared_away(tmp_path):
    (tmp_path / ".making-x1").mkdir()
    (tmp_path / ".making-x1/database.dump.age").write_bytes(b"half")
    with archive._alone(tmp_path):
        assert not list(tmp_path.glob(".making-*"))
        with pytest.raises(errors.Conflict, match="another backup is being made"):
            await archive.make("postgresql://nobody@127.0.0.1:1/none", tmp_path, [], None, NOW)
    with archive._alone(tmp_path):
        pass


async def test_a_database_that_cannot_be_reached_is_one_line(tmp_path):
    with pytest.raises(errors.Unavailable, match="database"):
        await archive.make("postgresql://nobody@127.0.0.1:1/none", tmp_path, [], None, NOW)
    assert archive.all_in(tmp_path) == []


async def test_a_full_disk_is_one_line_and_leaves_nothing(owned, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(archive, "_finished", full)
    monkeypatch.setattr(archive, "_dump", _nothing)
    with pytest.raises(errors.Rejected, match="No space left on device"):
        await archive.make(owned.url, tmp_path, [], None, NOW)
    assert [path.name for path in tmp_path.iterdir()] == [".lock"]


async def _nothing(*_):
    pass


async def test_an_owner_whose_rows_are_hidden_is_told_what_helps(owned, tmp_path):
    url = owned.url.replace(owned.url.split("//")[1].split("@")[0], "lotok_app", 1)
    said = r"row security hides rows of .*public\.members.* from lotok_app: take a role that bypasses"
    with pytest.raises(errors.Conflict, match=said):
        await archive.make(url, tmp_path, [], None, NOW)


def _needing(folder, *names):
    made = archive.Archive(folder / "2026-11-29T033000Z")
    made.folder.mkdir()
    manifest = archive.Manifest(made.folder.name, "17", {}, needs=[[name, True] for name in names])
    (made.folder / archive.MANIFEST).write_text(json.dumps(archive.asdict(manifest)))
    return made


async def test_a_new_server_gets_the_roles_that_a_migration_makes(owned, tmp_path):
    made = _needing(tmp_path, "lotok_app", "lotok_till_4242")
    async with owned.connect() as conn:
        try:
            await archive._make_roles(conn, made)
            found = await conn.execute(
                "select rolcanlogin, rolbypassrls, pg_has_role(oid, 'member') from pg_roles"
                " where rolname = 'lotok_till_4242'"
            )
            assert await found.fetchall() == [(False, False, True)]
        finally:
            await conn.execute("drop role if exists lotok_till_4242")


async def test_a_role_that_cannot_be_made_is_named_before_anything_is_done(owned, tmp_path):
    made = _needing(tmp_path, "lotok_till_4243", "rdsadmin")
    async with owned.connect() as conn:
        with pytest.raises(errors.Conflict, match='roles that cannot be made here: "rdsadmin"'):
            await archive._make_roles(conn, made)
        left = await conn.execute("select 1 from pg_roles where rolname = 'lotok_till_4243'")
        assert await left.fetchall() == []


@needs_age
async def test_the_settings_of_the_server_go_along_sealed_when_they_are_named(owned, key, tmp_path, monkeypatch):
    env = tmp_path / "env"
    env.write_text("APP_SECRET=of-this-server-alone\n", encoding="utf-8")
    for name, value in {"SETTINGS": str(env), "PATH": str(tmp_path / "kept"), "RECIPIENTS": key[1]}.items():
        monkeypatch.setenv(f"BACKUP_{name}", value)
    assert await backup.run(arguments("make")) == 0
    [made] = archive.all_in(tmp_path / "kept")
    sealed = made.folder / archive.SETTINGS_FILE
    assert b"alone" not in sealed.read_bytes()
    await pipes.run(["age", "-d", "-i", str(key[0]), str(sealed)], into=tmp_path / "opened")
    assert (tmp_path / "opened").read_bytes() == env.read_bytes()
