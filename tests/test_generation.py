import psycopg
import pytest

from lib import errors, generation


async def add(conn, user, **changes):
    wanted = {"content_type": "image/png", "size": 9, **changes}
    return await generation.add_file(conn, user.id, "card", wanted.pop("pathname", "local/card/a.png"), **wanted)


async def test_add_file_records_a_file(conn, make_user):
    alice = await make_user()
    file = await add(conn, alice, job_id=7, width=900, height=1200)
    assert (file.user_id, file.job_id, file.kind, file.bytes) == (alice.id, 7, "card", 9)
    assert await generation.get_file(conn, file.id) == file
    assert await generation.get_file(conn, file.id + 1) is None


async def test_add_file_again_returns_the_first_record(conn, make_user):
    alice = await make_user()
    assert await add(conn, alice) == await add(conn, alice)


async def test_add_file_never_takes_over_the_path_of_somebody_else(conn, make_user):
    await add(conn, await make_user())
    with pytest.raises(errors.Conflict):
        await add(conn, await make_user())


async def test_a_url_is_no_pathname(conn, make_user):
    with pytest.raises(psycopg.errors.CheckViolation):
        await add(conn, await make_user(), pathname="https://blob.example/a.png")


async def test_a_telegram_id_is_remembered_for_each_bot_and_kind(conn, make_user):
    file = await add(conn, await make_user())
    await generation.remember_telegram_id(conn, file.id, "studio", "photo", "AgAC")
    assert await generation.telegram_id(conn, file.id, "studio", "photo") == "AgAC"
    assert await generation.telegram_id(conn, file.id, "studio", "document") is None
    assert await generation.telegram_id(conn, file.id, "admin", "photo") is None
    await generation.remember_telegram_id(conn, file.id, "studio", "photo", "AgAD")
    assert await generation.telegram_id(conn, file.id, "studio", "photo") == "AgAD"
