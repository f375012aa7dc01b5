import functools
from datetime import timedelta

import psycopg
import pytest

from lib.studio import files as stored_files
from tests import factories


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


async def aged(conn, user, *rows):
    """Record files of so many days each: (kind, days, path)."""
    made = await add(conn, user, *(described(kind, pathname=path) for kind, _, path in rows))
    by_path = {file.pathname: file.id for file in made}
    for _, days, path in rows:
        age = "update files set created_at = now() - %s::interval - interval '1 second' where id = %s"
        await conn.execute(age, (f"{days} days", by_path[path]))
    return by_path


LISTS = {
    "sources": (stored_files.list_old_sources, {"source", "still"}),
    "results": (stored_files.list_old_results, {"card", "card-preview", "video"}),
    "cuts": (functools.partial(stored_files.list_old_cuts, derived=timedelta(days=30)), {"cut"}),
}
KINDS = ("source", "still", "card", "card-preview", "video", "cut")


async def test_each_kind_of_file_is_forgotten_by_one_rule_and_none_by_two(conn, make_user):
    await aged(conn, await make_user(), *((kind, 40, f"local/{kind}/a") for kind in KINDS))
    for find, kinds in LISTS.values():
        assert {file.kind for file in await find(conn, timedelta(days=30), "local/", 10)} == kinds


@pytest.mark.parametrize(("find", "kinds"), LISTS.values(), ids=LISTS)
async def test_files_are_old_after_their_time_the_oldest_first_and_a_few_at_once(conn, make_user, find, kinds):
    kind = sorted(kinds)[0]
    await aged(conn, await make_user(), *((kind, days, f"local/{days}") for days in (29, 31, 33, 30)))
    for limit in (9, 2):
        old = await find(conn, timedelta(days=30), "local/", limit)
        assert [file.pathname for file in old] == ["local/33", "local/31", "local/30"][:limit]


async def test_another_environments_files_are_left_alone(conn, make_user):
    paths = ("preview/main/card/a", "preview/mai%/card/b", "previewX/main/c", "local/card/d")
    await aged(conn, await make_user(), *(("card", 99, path) for path in paths))
    for prefix, found in (("preview/main/", paths[:1]), ("preview/mai%/", paths[1:2]), ("production/", ())):
        old = await stored_files.list_old_results(conn, timedelta(days=30), prefix, 10)
        assert [file.pathname for file in old] == list(found)


async def test_a_file_that_is_forgotten_takes_its_telegram_ids_along(conn, make_user):
    alice = await make_user()
    gone, left = await add(conn, alice, described("card"), described("card", pathname="local/card/b.png"))
    await stored_files.remember_telegram_ids(conn, "studio", "photo", {gone.id: "AgAC", left.id: "AgAD"})
    for ids in ([gone.id], [gone.id], []):
        await stored_files.forget_files(conn, ids)
    assert [file.id for file in await stored_files.list_files(conn, alice.id)] == [left.id]
    assert await stored_files.telegram_ids(conn, [gone.id, left.id], "studio") == {(left.id, "photo"): "AgAD"}


async def test_files_are_found_by_their_person_alone(conn, make_user):
    alice, mallory = await make_user(), await make_user()
    [file] = await add(conn, alice, described("card"))
    assert [one.id for one in await stored_files.find_files(conn, alice.id, [file.id, 0])] == [file.id]
    assert await stored_files.find_files(conn, mallory.id, [file.id]) == []


async def test_what_was_made_of_a_kept_cut_has_a_time_of_its_own(conn, make_user):
    alice = await make_user()
    for name, args in (("own", {}), ("touched", {"like": "cut:7", "pieces": [1]}), ("again", {"like": ""})):
        job = await factories.make_job(conn, alice, task="cut", args=args)
        await stored_files.add_files(conn, alice.id, job.id, [described("cut", pathname=f"local/cut/{name}")])
    listed = []
    for days in (2, 29):
        await conn.execute("update files set created_at = created_at - %s::interval", (f"{days} days",))
        found = await stored_files.list_old_cuts(conn, timedelta(days=1), "local/", 9, derived=timedelta(days=30))
        listed.append({file.pathname.rpartition("/")[2] for file in found})
    assert listed == [{"own"}, {"own", "touched", "again"}]
