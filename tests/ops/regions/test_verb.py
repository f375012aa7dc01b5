import asyncio
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from lib.regions import days
from ops.__main__ import main
from ops.neon.steps import State, Step
from ops.regions import move, verb
from tests.region_lab import be


@pytest.fixture
def ops(database, monkeypatch, capsys):
    monkeypatch.setenv("DATABASE_URL_UNPOOLED", database.url)

    async def run(*args, home="ru"):
        if home:
            be(monkeypatch, home)
        code = await asyncio.to_thread(main, ["regions", *args])
        said = capsys.readouterr()
        return code, said.out + said.err

    return run


async def test_one_region_has_nothing_to_do_here(ops):
    code, said = await ops(home="")
    assert (code, said) == (
        1,
        "ops regions: misconfigured: REGIONS names no second region; there is nothing to do\n",
    )


async def test_it_shows_yesterday_the_sum_and_who_has_not_heard(ops, database):
    await ops()
    async with database.connect() as conn:
        await days.leave(conn, (datetime.now(UTC) - timedelta(days=1)).date())
        figures = '{"region": "eu", "day": "%s", "figures": {"people": 1234}}'
        await conn.execute("select hear_day(%s)", (figures % (datetime.now(UTC) - timedelta(days=1)).date(),))
    code, said = await ops()
    assert code == 0
    lines = [" ".join(line.split()) for line in said.splitlines()]
    assert lines[1].startswith("eu 1,234")
    assert lines[2].startswith("ru 0")
    assert lines[3].startswith("all 1,234")
    assert "eu has not heard 1, since" in lines[4]


async def test_a_new_region_counts_from_its_own_number_however_often_it_is_told(ops, database):
    for _ in range(2):
        code, said = await ops("begin", home="eu")
        assert code == 0
        assert "tables count from 1,000,000,000,001 on" in said
    async with database.connect() as conn:
        row = await (await conn.execute("insert into users (tg_id) values (7) returning id")).fetchone()
    assert row == (1_000_000_000_001,)
    assert (await ops("begin", home="ru"))[0] == 1


async def test_a_shop_moves_to_another_region_and_to_no_other_place(ops, database):
    code, said = await ops("move", "4f2a9c", "mars", "postgresql://a@b/c")
    assert (code, said) == (1, "ops regions: region: 'mars'; there are: eu\n")
    code, said = await ops("move", "4f2a9c", "eu", database.url)
    assert (code, said) == (1, "ops regions: misconfigured: source and target are the same database\n")


async def test_ctrl_c_says_that_the_shop_waits_and_what_ends_that(capsys, tmp_path, monkeypatch):
    async def stopped(_):
        raise asyncio.CancelledError

    moving = SimpleNamespace(state=State(tmp_path / "shop.json"))
    for name, before in (("check", "began"), ("hold", "check"), ("rows", "hold"), ("clear", "flip")):
        monkeypatch.setattr(move, "STEPS", (Step(name, "", stopped),))
        moving.state.mark(before, "done")
        with pytest.raises(asyncio.CancelledError):
            await verb._go(moving)
        moving.state.forget(name)
    waits = "the shop waits: the same command goes on, --back gives the move up"
    there = "the shop works there; the same command removes its rows here"
    assert capsys.readouterr().err.splitlines() == [waits, waits, there]
