"""Remote write: the bytes that a Prometheus takes, and that nothing happens where it is off or fails."""

import asyncio
import contextlib
import json
import shutil
import socket
import time

import httpx
import pytest

from lib import config, fetch
from lib.reach import push
from tests.reach.test_metrics import PAGE, TOTALS
from tests.redis_lab import empty_redis, running_upstash  # noqa: F401


@pytest.fixture
def told(monkeypatch):
    """Collect the posted bodies, with the address set."""

    async def ask(method, url, *, content, headers, timeout):
        told.append((method, url, content, headers))
        return fetch.Answer(told.status, {}, b"")

    class Told(list):
        status = 204

    told = Told()
    monkeypatch.setattr(fetch, "ask", ask)
    monkeypatch.setenv("REMOTE_WRITE_URL", "https://metrics.example/push")
    monkeypatch.setenv("REMOTE_WRITE_AUTH", "12:key")
    config.get.cache_clear()
    yield told
    monkeypatch.undo()
    config.get.cache_clear()


def test_a_page_is_read_back_with_its_labels_sorted():
    read = list(push.series(PAGE))
    assert len(read) == len([line for line in PAGE.splitlines() if line[0] != "#"])
    assert ([("__name__", "lotok_snapshot_age_seconds")], 60.0) in read
    assert ([("__name__", "lotok_jobs"), ("state", "queued"), ("task", "card")], 2.0) in read
    assert list(push.series('a{b="x\\"y\\\\z\\n"} 1.5')) == [([("__name__", "a"), ("b", 'x"y\\z\n')], 1.5)]


def test_a_request_is_what_protobuf_makes_of_it():
    body = push.request(iter([([("__name__", "a"), ("b", "c")], 1.0)]), 300)
    label = b"\x0a\x0d\x0a\x08__name__\x12\x01a" + b"\x0a\x06\x0a\x01b\x12\x01c"
    sample = b"\x12\x0c\x09\x00\x00\x00\x00\x00\x00\xf0\x3f\x10\xac\x02"
    assert body == b"\x0a" + bytes([len(label + sample)]) + label + sample


def test_snappy_names_the_length_and_holds_literal_blocks():
    assert push.snappy(b"abc") == b"\x03\xf4\x02\x00abc"
    assert len(push.snappy(b"x" * 70_000)) == 3 + 2 * 3 + 70_000


async def test_it_is_sent_with_the_password_once_a_minute(redis, told):
    assert [await push.push(PAGE, 1.0) for _ in range(2)] == [True, False]
    [(method, url, content, headers)] = told
    assert (method, url, headers["Authorization"]) == ("POST", "https://metrics.example/push", "Basic MTI6a2V5")
    assert content == push.snappy(push.request(push.series(PAGE), 1000))


async def test_a_refusal_is_logged_and_no_more(redis, told, capsys):
    told.status = 401
    assert not await push.push(PAGE, 1.0)
    assert json.loads(capsys.readouterr().out)["event"] == "not_pushed"


async def test_without_an_address_nothing_is_sent():
    assert not await push.push(PAGE, 1.0)


@pytest.mark.skipif(not shutil.which("prometheus"), reason="prometheus is not installed: apt install prometheus")
async def test_a_prometheus_takes_it_and_has_the_values(tmp_path):
    (tmp_path / "p.yml").write_text("{}")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    options = ("--config.file=p.yml", "--web.enable-remote-write-receiver", f"--web.listen-address={address}")
    server = await asyncio.create_subprocess_exec(
        "prometheus", *options, cwd=tmp_path, stderr=asyncio.subprocess.DEVNULL
    )
    now = time.time()
    try:
        async with httpx.AsyncClient(base_url=f"http://{address}", trust_env=False, verify=False) as http:
            await ready(http)
            body = push.snappy(push.request(push.series(PAGE), round(now * 1000)))
            taken = await http.post("/api/v1/write", content=body, headers=push.HEADERS)
            asked = {"query": 'lotok_cache_reads_total{class="menu"}', "time": now + 1}
            found = (await http.get("/api/v1/query", params=asked)).json()["data"]["result"]
    finally:
        server.terminate()
        await server.wait()
    assert taken.status_code == 204, taken.text
    assert [float(one["value"][1]) for one in found] == [TOTALS["cache|menu|hits"]]


async def ready(http):
    async with asyncio.timeout(60):
        while True:
            with contextlib.suppress(httpx.TransportError):
                if (await http.get("/-/ready")).status_code == 200:
                    return
            await asyncio.sleep(0.1)
