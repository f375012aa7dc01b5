import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from lib.telegram import fallback
from tests.factories import reads

TURN = timedelta(seconds=25)
ALICE, BOB = 7, 8


@pytest.fixture(autouse=True)
async def conn(database):
    async with database.connect() as conn:
        yield conn


async def count(conn, table):
    return (await (await conn.execute(f"select count(*) from {table}")).fetchone())[0]


async def test_one_update_of_a_person_has_the_turn_at_a_time():
    begun = await asyncio.gather(*(fallback.begin("studio", ALICE, number, TURN) for number in range(20)))
    assert [one.taken for one in begun].count(True) == 1
    assert (await fallback.begin("client", ALICE, 1, TURN)).taken, "another bot is another conversation"
    assert (await fallback.begin("studio", BOB, 1, TURN)).taken


async def test_end_saves_the_state_for_the_next_update_and_marks_this_one_done():
    await fallback.begin("studio", ALICE, 1, TURN)
    assert await fallback.end("studio", ALICE, 1, "first")
    assert await fallback.begin("studio", ALICE, 1, TURN) == fallback.TurnStart(done=True, taken=True, state="first")
    assert await fallback.begin("studio", ALICE, 2, TURN) == fallback.TurnStart(done=False, taken=True, state="first")


async def test_a_turn_that_ran_out_is_taken_by_another_and_cannot_end():
    await fallback.begin("studio", ALICE, 1, timedelta(0))
    assert (await fallback.begin("studio", ALICE, 2, TURN)).taken
    assert not await fallback.end("studio", ALICE, 1, "late")
    assert await fallback.end("studio", ALICE, 2, "in time")


async def test_release_saves_nothing_and_lets_the_update_come_again():
    await fallback.begin("studio", ALICE, 1, TURN)
    await fallback.release("studio", ALICE, 1)
    assert await fallback.begin("studio", ALICE, 1, TURN) == fallback.TurnStart(done=False, taken=True, state=None)


async def test_a_turn_of_redis_may_end_here_unless_another_update_came_this_way():
    began = datetime.now(UTC)
    assert await fallback.end("studio", ALICE, 1, "known", taken_in_redis_at=began)
    assert not await fallback.end("studio", ALICE, 2, "stale", taken_in_redis_at=began - timedelta(seconds=1))
    await fallback.begin("studio", ALICE, 3, TURN)
    assert not await fallback.end("studio", ALICE, 4, "stale", taken_in_redis_at=datetime.now(UTC))


async def test_failures_of_an_update_are_counted():
    assert [await fallback.failed("studio", ALICE, 1) for _ in range(3)] == [1, 2, 3]
    assert not (await fallback.begin("studio", ALICE, 1, TURN)).done


async def test_look_finds_what_is_left_of_a_person_and_drop_forgets_it(conn):
    await fallback.begin("studio", ALICE, 1, TURN)
    assert (await fallback.look("studio", ALICE, 2)).busy
    await fallback.end("studio", ALICE, 1, "left")
    found = await fallback.look("studio", ALICE, 1)
    assert (found.state, found.busy, found.done, found.handled, found.others) == ("left", False, True, [1], False)
    assert (await fallback.look("studio", BOB, 1)).others
    await fallback.drop("studio", ALICE, found.saved_at)
    gone = await fallback.look("studio", ALICE, 1)
    assert (gone.state, gone.saved_at, gone.done, gone.others) == (None, None, True, False)


async def test_drop_leaves_a_conversation_that_was_saved_again():
    await fallback.begin("studio", ALICE, 1, TURN)
    await fallback.end("studio", ALICE, 1, "first")
    found = await fallback.look("studio", ALICE, 2)
    await fallback.begin("studio", ALICE, 2, TURN)
    await fallback.end("studio", ALICE, 2, "second")
    await fallback.drop("studio", ALICE, found.saved_at)
    assert (await fallback.look("studio", ALICE, 3)).state == "second"


async def test_what_is_too_old_is_not_read_and_is_removed_by_the_next_end(conn):
    await fallback.begin("studio", ALICE, 1, TURN)
    await fallback.end("studio", ALICE, 1, "old")
    await conn.execute("update conversations set saved_at = saved_at - interval '61 minutes'")
    await conn.execute("update handled_updates set seen_at = seen_at - interval '49 hours'")
    assert (await fallback.look("studio", ALICE, 2)).state is None
    assert (await fallback.begin("studio", ALICE, 2, TURN)).state is None
    await fallback.release("studio", ALICE, 2)
    await fallback.begin("studio", BOB, 3, TURN)
    await fallback.end("studio", BOB, 3, "new")
    assert (await count(conn, "conversations"), await count(conn, "handled_updates")) == (1, 1)


async def test_an_update_reads_nothing_of_the_thousands_before_it(conn):
    await conn.execute(
        "insert into handled_updates (bot, update_id, tg_id) select 'studio', n, n from generate_series(1, 5000) n"
    )
    await conn.execute("insert into conversations (bot, tg_id) select 'studio', n from generate_series(1, 5000) n")
    await conn.execute("vacuum analyze handled_updates, conversations")
    indexes = ("handled_updates_seen", "conversations_saved")
    before = sum([await reads(conn, index) for index in indexes])
    update = {"bot": "studio", "tg_id": 5001, "update_id": 5001, "state": "saved"}
    assert await fallback.SQL.end_turn.one(conn, bool, **update, taken_in_redis_at=datetime.now(UTC))
    assert sum([await reads(conn, index) for index in indexes]) - before < 10
