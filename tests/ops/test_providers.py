import asyncio
import json

import pytest

from lib.studio import spending
from ops.__main__ import main
from tests import factories


@pytest.fixture
async def conn(database):
    async with database.connect() as conn:
        yield conn


@pytest.fixture
def ops(capsys):
    async def run(*args):
        code = await asyncio.to_thread(main, ["providers", *map(str, args)])
        said = capsys.readouterr()
        return code, said.out + said.err

    return run


async def test_list_shows_each_limit_and_what_was_spent_of_it(conn, ops):
    await factories.begin_call(conn, await factories.make_running(conn, await factories.make_user(conn)))
    code, said = await ops("list")
    assert code == 0
    assert said.splitlines()[0] == "kie       $0.04 of $50.00  1 call, 0 done, 0 failed"
    assert [one["provider"] for one in json.loads((await ops("list", "--json"))[1])] == ["kie", "openai"]


async def test_a_limit_holds_from_the_next_call_on_and_the_trail_says_who_set_it(conn, ops):
    assert (await ops("limit", "kie", 0, "--reason", "stop", "--by", "eve"))[0] == 0
    job = await factories.make_running(conn, await factories.make_user(conn))
    assert (await factories.begin_call(conn, job)).halt == "spent"
    cursor = await conn.execute("select actor, action, subject, reason, before, after from audit_log")
    limits = [{"provider": "kie", "daily_limit": limit} for limit in (50000, 0)]
    assert await cursor.fetchall() == [("ops:eve", "provider.limit", "provider kie", "stop", *limits)]


async def test_an_odd_limit_changes_nothing(conn, ops):
    code, said = await ops("limit", "kie", -1, "--reason", "x")
    assert (code, "odd limit" in said) == (1, True)
    [kie] = await spending.states(conn, ["kie"])
    assert kie.daily_limit == 50000
