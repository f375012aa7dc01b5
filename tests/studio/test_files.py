import psycopg
import pytest

from lib.studio import files as stored_files


def described(kind, **changes):
    about = {"kind": kind, "pathname": f"local/{kind}/a.png", "content_type": "image/png", "bytes": 9}
    return {**about, "width": 900, "height": 1200, **changes}


async def add(conn, user, *files):
    return await stored_files.add_files(conn, user.id, 7, list(files))


async def test_add_files_records_several_at_once(conn, make_user):
    alice = await make_user()
    files = await add(conn, alice, described("card"), described("card-preview", bytes=3))
    assert {file.kind: file.bytes for file in files} == {"card": 9, "card-preview": 3}
    assert {(file.user_id, file.job_id, file.width) for file in files} == {(alice.id, 7, 900)}


async def test_a_path_is_recorded_once(conn, make_user):
    await add(conn, await make_user(), described("card"))
    with pytest.raises(psycopg.errors.UniqueViolation):
        await add(conn, await make_user(), described("card"))


async def test_a_url_is_no_pathname(conn, make_user):
    with pytest.raises(psycopg.errors.CheckViolation):
        await add(conn, await make_user(), described("card", pathname="https://blob.example/a.png"))


async def test_a_telegram_id_is_remembered_for_each_bot_and_kind(conn, make_user):
    [file] = await add(conn, await make_user(), described("card"))
    await stored_files.remember_telegram_ids(conn, "studio", "photo", {file.id: "AgAC"})
    await stored_files.remember_telegram_ids(conn, "studio", "photo", {file.id: "AgAD"})
    assert await stored_files.telegram_ids(conn, [file.id], "studio") == {(file.id, "photo"): "AgAD"}
    assert await stored_files.telegram_ids(conn, [file.id], "admin") == {}
