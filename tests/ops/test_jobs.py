import asyncio
import json
import re

import pytest

from lib.credits import ledger
from lib.jobs import table
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
        code = await asyncio.to_thread(main, ["jobs", *map(str, args)])
        said = capsys.readouterr()
        return code, said.out + said.err

    return run


async def failed(conn, user, *, price=1, key="order"):
    job = await factories.make_running(conn, user, price=price, key=key, args={"title": "Чай"})
    return await table.update_job_status(conn, job, "failed", error_code="photo_broken", error="no picture")


async def test_list_shows_the_dead_letters_with_their_reason(conn, ops, make_user):
    alice = await make_user(credits=5, tg_id=42)
    job = await failed(conn, alice)
    code, said = await ops("list", "--state", "failed")
    assert code == 0
    assert f"{job.id}  failed" in said
    assert "photo_broken: no picture" in said
    assert json.loads((await ops("list", "--user", 42, "--task", "card", "--json"))[1])[0]["id"] == job.id
    assert (await ops("list", "--user", 404))[0] == 1


async def test_show_tells_all_of_one_job(conn, ops, make_user):
    job = await factories.make_job(conn, await make_user(), args={"title": "Чай"})
    code, said = await ops("show", job.id)
    assert code == 0
    assert '{"title": "Чай"}' in said
    assert "position          1" in said
    assert (await ops("show", 404)) == (1, "ops jobs: no job: 404\n")


async def test_show_tells_what_providers_were_asked_and_what_it_cost(conn, ops, make_user):
    job = await factories.make_running(conn, await make_user())
    call = await factories.begin_call(conn, job, model="nano")
    await spending.end_call(conn, call.id, "done", 37)
    said = (await ops("show", job.id))[1]
    assert re.search(r"asked +kie nano \(main 0\): done in 0\.\d s, \$0\.037", said)
    assert json.loads((await ops("show", job.id, "--json"))[1])["asked"][0]["cost"] == 37


async def test_retry_of_a_refunded_job_charges_again_and_says_so(conn, ops, make_user):
    alice = await make_user(credits=1)
    job = await failed(conn, alice)
    code, said = await ops("retry", job.id)
    assert (code, "charged 1 again, as job" in said) == (0, True)
    assert await ledger.safe_get_balance(conn, alice.id) == 0
    assert "already" in (await ops("retry", job.id))[1]
    assert await ledger.safe_get_balance(conn, alice.id) == 0
    made = await table.get_job_by_idempotency_key(conn, f"retry:{job.id}")
    assert (made.state, made.args, made.price) == ("queued", job.args, 1)
    await factories.books_are_right(conn)


async def test_retry_without_credits_fails_in_one_line(conn, ops, make_user):
    alice = await make_user(credits=1)
    job = await failed(conn, alice)
    await factories.make_job(conn, alice, price=1)
    code, said = await ops("retry", job.id)
    assert (code, len(said.splitlines())) == (1, 1)
    assert "short of credits" in said


async def test_retry_of_a_free_job_charges_nothing(conn, ops, make_user):
    job = await failed(conn, await make_user(), price=0)
    assert "it costs nothing" in (await ops("retry", job.id))[1]


async def test_only_what_came_to_nothing_can_be_retried(conn, ops, make_user):
    job = await factories.make_running(conn, await make_user())
    assert (await ops("retry", job.id))[0] == 1
    await table.update_job_status(conn, job, "done")
    assert (await ops("retry", job.id))[0] == 1


async def test_cancel_refunds_a_queued_job_and_asks_the_worker_of_a_running_one(conn, ops, make_user):
    alice = await make_user(credits=5)
    running = await factories.make_running(conn, alice, price=1)
    queued = await factories.make_job(conn, alice, price=2)
    assert "2 given back" in (await ops("cancel", queued.id))[1]
    assert "asked to stop" in (await ops("cancel", running.id))[1]
    assert (await table.get_job_by_id(conn, running.id)).cancel_asked_at is not None
    assert (await ops("cancel", queued.id))[0] == 1
    await conn.execute("insert into jobs (task, key, turn) values ('audit', 'audit:x', 1)")
    assert (await ops("cancel", (await table.get_job_by_idempotency_key(conn, "audit:x")).id))[0] == 0


async def test_stats_counts_by_kind_and_state(conn, ops, make_user):
    await failed(conn, await make_user(credits=5))
    rows = json.loads((await ops("stats", "--json"))[1])
    assert [(row["task"], row["state"], row["number"]) for row in rows] == [
        ("card", "failed", 1),
        ("notice", "queued", 1),
    ]


def test_wrong_usage_is_2_and_help_has_examples(capsys):
    for args in (["jobs"], ["jobs", "fix"], ["jobs", "list", "--state", "odd"]):
        with pytest.raises(SystemExit) as left:
            main(args)
        assert left.value.code == 2
    with pytest.raises(SystemExit):
        main(["jobs", "--help"])
    assert "python -m ops jobs retry 17" in capsys.readouterr().out
