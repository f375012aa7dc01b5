"""A transfer that stands still is told from one that is slow."""

import asyncio
import os

import pytest

from lib import errors
from ops.neon import connect, stalls, tools
from ops.neon.stalls import Stall


def test_a_sign_of_life_begins_the_wait_again():
    stall = Stall(limit=10, now=0)
    assert [stall.seen(sign, now) for sign, now in [(1, 1), (1, 10), (2, 12), (2, 22), (2, 23)]] == [
        *(False, False, False, False),
        True,
    ]


def test_a_stall_says_for_how_long_and_why():
    stall = Stall(limit=-1)
    with pytest.raises(errors.Unavailable, match="nothing has moved for -1 s: a lock is held; run it again"):
        stall.refuse(1, ": a lock is held")


def test_what_a_program_reads_and_writes_is_counted():
    before = stalls.moved(os.getpid())
    os.pread(os.open("/dev/zero", os.O_RDONLY), 2**16, 0)
    assert stalls.moved(os.getpid()) >= before
    assert stalls.moved(2**30) == 0


async def test_a_program_that_stands_still_is_ended_and_one_whose_server_works_is_not(monkeypatch):
    asked = iter([(True, ""), (False, ": a lock is held by the session 7")])

    async def at_work(_):
        return next(asked)

    monkeypatch.setattr(stalls, "EVERY", 0.01)
    monkeypatch.setattr(stalls, "LIMIT", 0.0)
    monkeypatch.setattr(stalls, "at_work", at_work)
    with pytest.raises(errors.Unavailable, match="nothing has moved for 0 s: a lock is held by the session 7"):
        await asyncio.wait_for(tools.run(["/bin/sleep", "60"], url="postgresql://me@/x?host=/tmp"), 10)
    assert list(asked) == []


async def test_a_session_that_waits_for_a_lock_is_not_at_work_and_its_holder_is_named(source):
    assert (await stalls.at_work(source)) == (False, "")
    async with connect.pinned(source) as holder, connect.pinned(source) as waiting:
        await holder.execute("begin; lock table app.log in access exclusive mode")
        task = asyncio.create_task(waiting.execute("select count(*) from app.log"))
        found: tuple[bool, str] = (False, "")
        while not found[1]:
            found = await stalls.at_work(source)
        await holder.execute("rollback")
        await task
        assert found == (False, f": a lock is held by the session {holder.info.backend_pid}")


async def test_a_server_that_cannot_be_asked_is_not_at_work():
    working, why = await stalls.at_work("postgresql://me@127.0.0.1:1/x")
    assert not working
    assert "cannot be asked why" in why
