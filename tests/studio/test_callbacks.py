"""A provider's report may only bring a job's next look forward, no matter who sends it and how often."""

import base64
import hashlib
import hmac
import json
import time
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from lib import config, errors
from lib.studio import callbacks
from tests import factories

KEY = "kie-webhook-key"


@pytest.fixture
def signed(monkeypatch):
    monkeypatch.setenv("KIE_WEBHOOK_KEY", KEY)
    config.get.cache_clear()
    yield
    monkeypatch.delenv("KIE_WEBHOOK_KEY")
    config.get.cache_clear()


@pytest.fixture
async def conn(database):
    async with database.connect() as conn:
        yield conn


async def wait(conn, job):
    """Bring the job to where a worker leaves it: waiting for an hour."""
    await conn.execute(
        "update jobs set state='running', lease_token=gen_random_uuid(), leased_until=now() where id=%s", (job.id,)
    )
    await conn.execute(
        "update jobs set state='waiting', lease_token=null, leased_until=null, turn=null,"
        " run_at=now() + interval '1 hour' where id=%s",
        (job.id,),
    )


@pytest.fixture
async def job(conn):
    job = await factories.make_job(conn, await factories.make_user(conn), task="video")
    await wait(conn, job)
    return job


async def row(conn, job):
    cursor = await conn.execute("select state, run_at <= now(), checkpoint from jobs where id = %s", (job.id,))
    return await cursor.fetchone()


def query(job, nonce="n1"):
    return dict(parse_qsl(urlsplit(callbacks.address("kie", job.id, nonce)).query))


def headers(task_id, *, key=KEY, at=None):
    stamp = str(int(at if at is not None else time.time()))
    mac = hmac.new(key.encode(), f"{task_id}.{stamp}".encode(), hashlib.sha256).digest()
    return {"x-webhook-timestamp": stamp, "x-webhook-signature": base64.b64encode(mac).decode()}


def body(task_id="task_1", **more):
    return json.dumps({"code": 200, "data": {"taskId": task_id, **more}}).encode()


async def test_a_report_brings_the_next_look_forward_and_names_the_task(conn, job):
    assert await callbacks.take("kie", query(job), {}, body())
    assert await row(conn, job) == ("waiting", True, {"heard": {"n1": "task_1"}})


async def test_duplicates_and_late_ones_change_nothing(conn, job):
    await callbacks.take("kie", query(job), {}, body())
    assert not await callbacks.take("kie", query(job), {}, body("task_2"))
    assert (await row(conn, job))[2] == {"heard": {"n1": "task_1"}}
    await conn.execute(
        "update jobs set state='running', lease_token=gen_random_uuid(), leased_until=now() where id=%s", (job.id,)
    )
    await conn.execute(
        "update jobs set state='done', finished_at=now(), lease_token=null, leased_until=null where id=%s", (job.id,)
    )
    assert not await callbacks.take("kie", query(job, "n2"), {}, body())


async def test_what_the_body_says_of_the_result_is_nowhere_kept(conn, job):
    await callbacks.take("kie", query(job), {}, body(state="success", resultJson='{"resultUrls":["http://10.0.0.1/"]}'))
    assert "10.0.0.1" not in str(await row(conn, job))


@pytest.mark.parametrize("place", ["data", "root"])
@pytest.mark.parametrize("name", ["taskId", "task_id"])
async def test_both_names_are_read_in_both_places(conn, job, place, name):
    told = {name: "t9"} if place == "root" else {"data": {name: "t9"}}
    assert await callbacks.take("kie", query(job), {}, json.dumps(told).encode())
    assert (await row(conn, job))[2]["heard"]["n1"] == "t9"


@pytest.mark.parametrize("field", ["job", "nonce", "sig"])
async def test_an_address_that_was_not_ours_is_refused(conn, job, field):
    with pytest.raises(errors.Denied):
        await callbacks.take("kie", query(job) | {field: "77"}, {}, body())
    assert not (await row(conn, job))[1]


async def test_a_signed_report_is_taken(signed, job):
    assert await callbacks.take("kie", query(job), headers("task_1"), body())


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"task": "task_1", "key": "other"},
        {"task": "task_2"},
        {"task": "task_1", "ago": 400},
        {"task": "task_1", "ago": -400},
        {"x-webhook-timestamp": "now", "x-webhook-signature": "x"},
    ],
)
async def test_with_a_key_an_unsigned_old_or_foreign_report_is_refused(signed, conn, job, given):
    signature = given
    if "task" in given:
        signature = headers(given["task"], key=given.get("key", KEY), at=time.time() - given.get("ago", 0))
    with pytest.raises(errors.Denied):
        await callbacks.take("kie", query(job), signature, body())
    assert not (await row(conn, job))[1]


async def test_without_our_secret_nobody_is_let_in_and_no_address_is_given(conn, job, monkeypatch):
    asked = query(job)
    monkeypatch.setenv("APP_SECRET", "")
    config.get.cache_clear()
    assert callbacks.address("kie", job.id, "n1") == ""
    with pytest.raises(errors.Denied):
        await callbacks.take("kie", asked, {}, body())
    monkeypatch.undo()
    config.get.cache_clear()


@given(
    some.binary(max_size=200)
    | some.recursive(some.none() | some.text(), some.lists).map(lambda v: json.dumps(v).encode())
)
@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_body_gets_further_than_a_refusal(raw):
    with pytest.raises(errors.Invalid):
        callbacks._task_id(raw)
