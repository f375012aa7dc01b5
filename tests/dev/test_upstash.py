"""The bridge keeps the rules of Upstash's REST protocol, seen by plain HTTP and the real upstash-redis client."""

import asyncio
import base64
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from upstash_redis.asyncio import Redis
from upstash_redis.errors import UpstashError

from dev import upstash, valkey
from dev.faults import Fault
from ops.serving.bridge import REQUEST_LIMIT

TOKEN = "a-token-of-the-tests"
HEADERS = {"Authorization": f"Bearer {TOKEN}"}
LOCKING = "#!lua flags=allow-key-locking\nreturn redis.call('INCRBY', KEYS[1], ARGV[1])"


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(headers=HEADERS, verify=False) as client:
        yield client


@pytest.fixture
async def redis(url: str) -> AsyncIterator[Redis]:
    async with Redis(url, TOKEN, rest_retries=0, allow_telemetry=False) as client:
        yield client


async def test_the_client_stores_and_reads(redis: Redis) -> None:
    assert await redis.set("word", "лоток", ex=60) is True
    assert await redis.get("word") == "лоток"
    assert await redis.get("nothing") is None
    assert await redis.set("word", "другой", nx=True) is False
    assert await redis.hset("hash", values={"a": "1", "b": "OK"}) == 2
    assert await redis.hgetall("hash") == {"a": "1", "b": "OK"}
    assert await redis.zadd("scores", {"x": 1.5}) == 1
    assert await redis.zscore("scores", "x") == 1.5


async def test_the_client_pipelines_and_makes_transactions(redis: Redis) -> None:
    assert await redis.pipeline().set("a", "1").incr("a").get("a").exec() == [True, 2, "2"]
    assert await redis.multi().set("a", "5").incr("a").exec() == [True, 6]


async def test_a_script_with_the_key_locking_flag_runs(redis: Redis) -> None:
    assert await redis.eval(LOCKING, ["n"], ["2"]) == 2
    digest = await redis.script_load(LOCKING)
    assert await redis.evalsha(digest, ["n"], ["3"]) == 5


@pytest.mark.parametrize(
    ("line", "ours"),
    [
        (b"#!lua flags=allow-key-locking\nx", b"#!lua\nx"),
        (b"#!lua flags=no-writes,allow-key-locking\nx", b"#!lua flags=no-writes\nx"),
        (b"#!lua flags=allow-key-locking,no-writes\nx", b"#!lua flags=no-writes\nx"),
        (b"return 'allow-key-locking'", b"return 'allow-key-locking'"),
    ],
)
def test_only_the_flag_is_taken_out_of_a_script(line: bytes, ours: bytes) -> None:
    assert upstash.app(Path("unused"), TOKEN)._ours([b"EVAL", line, b"0"])[1] == ours


async def test_an_unknown_script_is_answered_in_the_servers_words(http: httpx.AsyncClient, url: str) -> None:
    answer = await http.post(url, json=["EVALSHA", "0" * 40, "0"])
    assert answer.status_code == 400
    assert answer.json()["error"].startswith("NOSCRIPT ")


@pytest.mark.parametrize("path", ["", "/", "/pipeline", "/multi-exec", "/get/a"])
@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {TOKEN}"}])
async def test_every_path_wants_the_token(url: str, path: str, headers: dict[str, str]) -> None:
    async with httpx.AsyncClient(verify=False) as client:
        answer = await client.post(url + path, json=[], headers=headers)
    assert answer.status_code == 401
    assert answer.json() == {"error": "WRONGPASS invalid or missing auth token"}


async def test_the_token_may_be_in_the_query(url: str) -> None:
    async with httpx.AsyncClient(verify=False) as client:
        assert (await client.get(f"{url}/ping?_token={TOKEN}")).json() == {"result": "PONG"}


async def test_other_methods_are_refused(http: httpx.AsyncClient, url: str) -> None:
    assert (await http.delete(url)).status_code == 405


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("", b""),
        ("", b"not json"),
        ("", b'{"a": 1}'),
        ("", b"[]"),
        ("", b'["SET", "a", null]'),
        ("", b'["SET", "a", {"b": 1}]'),
        ("", b'["NOSUCH"]'),
        ("/pipeline", b'["GET", "a"]'),
        ("/pipeline", b"17"),
        ("/multi-exec", b"{}"),
    ],
)
async def test_what_cannot_be_run_is_a_400_in_json(http: httpx.AsyncClient, url: str, path: str, body: bytes) -> None:
    answer = await http.post(url + path, content=body)
    assert answer.status_code == 400
    assert list(answer.json()) == ["error"]


async def test_base64_leaves_the_status_ok_plain(http: httpx.AsyncClient, url: str) -> None:
    commands = [["SET", "a", "OK"], ["GET", "a"], ["MGET", "a", "b"], ["INCR", "n"], ["PING"]]
    answer = await http.post(f"{url}/pipeline", json=commands, headers={"Upstash-Encoding": "base64"})
    ok, pong = base64.b64encode(b"OK").decode(), base64.b64encode(b"PONG").decode()
    assert [entry["result"] for entry in answer.json()] == ["OK", ok, [ok, None], 1, pong]


async def test_bytes_survive_base64_and_are_replaced_without(
    http: httpx.AsyncClient, url: str, bridge: upstash.Upstash
) -> None:
    await bridge._redis.run([[b"SET", b"raw", b"\xff\x00\r\n"]])
    plain = await http.post(url, json=["GET", "raw"])
    coded = await http.post(url, json=["GET", "raw"], headers={"Upstash-Encoding": "base64"})
    assert plain.json()["result"] == "\ufffd\x00\r\n"
    assert base64.b64decode(coded.json()["result"]) == b"\xff\x00\r\n"


async def test_numbers_and_truths_become_strings(http: httpx.AsyncClient, url: str) -> None:
    await http.post(url, content=b'["RPUSH", "list", 1, 1.50, true, false]')
    assert (await http.post(url, json=["LRANGE", "list", 0, -1])).json() == {"result": ["1", "1.50", "true", "false"]}


async def test_an_empty_pipeline_is_an_empty_list(http: httpx.AsyncClient, url: str) -> None:
    assert (await http.post(f"{url}/pipeline", json=[])).json() == []


async def test_a_failed_command_stays_in_its_place(http: httpx.AsyncClient, url: str) -> None:
    commands = [["SET", "a", "x"], ["INCR", "a"], ["BLPOP", "a", "1"], ["GET", "a"]]
    answer = await http.post(f"{url}/pipeline", json=commands)
    assert answer.status_code == 200
    first, failed, refused, last = answer.json()
    assert (first, last) == ({"result": "OK"}, {"result": "x"})
    assert failed["error"].startswith("ERR value is not an integer")
    assert "BLPOP" in refused["error"]


async def test_a_transaction_goes_on_after_a_failed_command(http: httpx.AsyncClient, url: str) -> None:
    answer = await http.post(f"{url}/multi-exec", json=[["SET", "a", "x"], ["INCR", "a"], ["GET", "a"]])
    assert [list(entry) for entry in answer.json()] == [["result"], ["error"], ["result"]]


async def test_a_discarded_transaction_is_one_error(http: httpx.AsyncClient, url: str) -> None:
    answer = await http.post(f"{url}/multi-exec", json=[["SET", "a", "x"], ["NOSUCH"]])
    assert answer.json()["error"].startswith("EXECABORT ")
    assert (await http.post(url, json=["GET", "a"])).json() == {"result": None}


@pytest.mark.parametrize(
    "command", [["BLPOP", "a", "1"], ["select", "1"], ["SUBSCRIBE", "a"], ["XREAD", "BLOCK", "0", "STREAMS", "a", "$"]]
)
async def test_blocking_and_session_commands_are_refused(http: httpx.AsyncClient, url: str, command: list[str]) -> None:
    answer = await http.post(url, json=command)
    assert answer.status_code == 400
    assert "not available" in answer.json()["error"]


async def test_ten_megabytes_are_the_limit(http: httpx.AsyncClient, url: str) -> None:
    assert (await http.post(url, json=["SET", "a", "x" * (REQUEST_LIMIT - 100)])).status_code == 200
    answer = await http.post(url, json=["SET", "a", "x" * REQUEST_LIMIT])
    assert answer.status_code == 400
    assert "max request size exceeded" in answer.json()["error"]


async def test_the_path_form_takes_a_body_and_options(http: httpx.AsyncClient, url: str) -> None:
    assert (await http.post(f"{url}/set/a?EX=100", content=b"a value")).json() == {"result": "OK"}
    assert (await http.get(f"{url}/get/a")).json() == {"result": "a value"}
    assert (await http.get(f"{url}/ttl/a")).json() == {"result": 100}


async def test_every_answer_carries_a_sync_token(http: httpx.AsyncClient, url: str, redis: Redis) -> None:
    assert (await http.post(url, json=["PING"])).headers["Upstash-Sync-Token"]
    await redis.ping()
    assert redis._sync_token


async def test_requests_and_commands_are_counted(redis: Redis, bridge: upstash.Upstash) -> None:
    await redis.pipeline().set("a", "1").get("a").exec()
    assert (bridge.requests, bridge.commands) == (1, 2)


async def test_concurrent_transactions_do_not_mix(redis: Redis) -> None:
    async def one(n: int) -> Any:
        return await redis.multi().set("a", str(n)).get("a").exec()

    assert await asyncio.gather(*(one(n) for n in range(30))) == [[True, str(n)] for n in range(30)]


@pytest.mark.parametrize("kind", ["down", "500", "503", "html", "nothing"])
async def test_a_fault_reaches_the_client_and_passes(redis: Redis, bridge: upstash.Upstash, kind: str) -> None:
    bridge.faults.now = Fault(kind, times=1)
    with pytest.raises((httpx.HTTPError, ValueError, UpstashError)):
        await redis.get("a")
    assert await redis.get("a") is None


async def test_a_dead_valkey_is_a_503_until_it_is_back(http: httpx.AsyncClient, tmp_path: Path) -> None:
    server = valkey.Valkey(tmp_path / "data")
    server.start()
    app = upstash.app(server.socket, TOKEN)
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://upstash", headers=HEADERS
    ) as client:
        try:
            assert (await client.post("/", json=["SET", "a", "kept"])).status_code == 200
            server.stop()
            assert (await client.post("/", json=["GET", "a"])).status_code == 503
            server.start()
            assert (await client.post("/", json=["GET", "a"])).json() == {"result": "kept"}
        finally:
            server.stop()
            await app.close()
