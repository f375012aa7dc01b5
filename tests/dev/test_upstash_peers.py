"""The bridge and lib/cache against software that others wrote: an independent server, and Upstash's own JS client.

`@humanwhocodes/upstash-redis-server` knows only `/` and `/pipeline`. What it lacks of the real service is added in
front of it here (`_Dress`): base64 answers, the token on `/pipeline`, and scripts with the flag that only Upstash has.
It has no /multi-exec, which the product does not use.
"""

import asyncio
import base64
import json
import os
import re
import shutil
import subprocess
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from dev import serving, upstash, valkey
from lib import cache, config, errors, limits, shelves, wire

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.long
FOLDER = ROOT / ".dev" / "peers"
PACKAGES = {"@humanwhocodes/upstash-redis-server": "1.0.0", "@upstash/redis": "1.39.0"}
PATIENCE = 120
TOKEN = "a-token-of-the-tests"
MINUTE = timedelta(minutes=1)

SERVER = """
import { createApp } from "@humanwhocodes/upstash-redis-server";
import { serve } from "@hono/node-server";
const app = createApp({ token: process.env.TOKEN, redisUrl: process.env.SOCKET });
serve({ fetch: app.fetch, port: 0, hostname: "127.0.0.1" }, (info) => console.log(info.port));
process.stdin.resume().on("end", () => process.exit(0));
"""

CLIENT = """
import assert from "node:assert/strict";
import { Redis } from "@upstash/redis";
const options = { url: process.env.URL, token: process.env.TOKEN, enableTelemetry: false, retry: false };
const redis = new Redis(options);

assert.equal(await redis.set("word", "лоток 🍲", { ex: 60 }), "OK");
assert.equal(await redis.get("word"), "лоток 🍲");
assert.equal(await redis.get("nothing"), null);
assert.equal(await redis.set("word", "x", { nx: true }), null);
assert.ok((await redis.ttl("word")) <= 60);
await redis.set("object", { a: [1, "два", null], b: true });
assert.deepEqual(await redis.get("object"), { a: [1, "два", null], b: true });
assert.equal(await redis.hset("hash", { a: "один", b: "OK" }), 2);
assert.deepEqual(await redis.hgetall("hash"), { a: "один", b: "OK" });
assert.equal(await redis.zadd("scores", { score: 1.5, member: "x" }), 1);
assert.equal(await redis.zscore("scores", "x"), 1.5);
assert.deepEqual(await redis.mget("word", "nothing"), ["лоток 🍲", null]);
assert.equal(await redis.incrby("n", 5), 5);
await assert.rejects(redis.incr("word"), /not an integer/);
await assert.rejects(new Redis({ ...options, token: "wrong" }).get("word"), /WRONGPASS/);

const kept = await redis.pipeline().get("word").incr("word").incr("n").exec({ keepErrors: true });
assert.equal(kept[0].result, "лоток 🍲");
assert.match(kept[1].error, /not an integer/);
assert.equal(kept[2].result, 6);
assert.deepEqual(await redis.multi().set("t", 1).incr("t").exec(), ["OK", 2]);

const script = "#!lua flags=allow-key-locking\\nreturn {KEYS[1], redis.call('INCRBY', KEYS[1], ARGV[1])}";
assert.deepEqual(await redis.eval(script, ["m"], [4]), ["m", 4]);
const digest = await redis.scriptLoad(script);
assert.deepEqual(await redis.evalsha(digest, ["m"], [4]), ["m", 8]);

await redis.pipeline().set("p:1", "a").set("p:2", "b").exec();
const [cursor, keys] = await redis.scan(0, { match: "p:*", count: 1000 });
assert.equal(String(cursor), "0");
assert.equal(keys.length, 2);
const big = "я".repeat(300000);
await redis.set("big", big);
assert.equal(await redis.get("big"), big);
assert.equal(await redis.unlink("p:1", "p:2", "none"), 2);

const auto = new Redis({ ...options, enableAutoPipelining: true });
const before = await count();
const values = await Promise.all(Array.from({ length: 30 }, (_, n) => auto.set(`a:${n}`, `v${n}`).then(() => n)));
assert.equal(values.length, 30);
assert.ok((await count()) - before <= 3, "thirty commands in one request");
async function count() { return Number(await (await fetch(process.env.COUNT)).text()); }
console.log("passed");
"""


@pytest.fixture(scope="module")
def peers() -> Path:
    """The folder where the npm packages are installed, once; without node, npm or a registry the tests are skipped."""
    for program in ("node", "npm"):
        if not shutil.which(program):
            pytest.skip(f"{program} is not installed")
    wanted = json.dumps({"private": True, "dependencies": PACKAGES})
    manifest = FOLDER / "package.json"
    if not (FOLDER / "node_modules" / ".package-lock.json").exists() or manifest.read_text() != wanted:
        FOLDER.mkdir(parents=True, exist_ok=True)
        manifest.write_text(wanted)
        command = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts"]
        try:
            done = subprocess.run(command, cwd=FOLDER, capture_output=True, check=False, timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            pytest.skip(f"npm did not install the packages in {PATIENCE} s")
        if done.returncode:
            pytest.skip(f"npm cannot install the packages: {done.stderr.decode(errors='replace').strip()[-300:]}")
    return FOLDER


def _settings(url: str, token: str = TOKEN) -> config.Config:
    upstash_at = {"UPSTASH_REDIS_REST_URL": url, "UPSTASH_REDIS_REST_TOKEN": token, "LOTOK_ENV": "local"}
    return config.load(
        {"DATABASE_URL": "postgresql://localhost/unused", "PUBLIC_URL": "http://localhost", **upstash_at}
    )


def _environment(**given: str) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "NODE_NO_WARNINGS": "1", **given}


class _Dress:
    """What the independent server lacks: base64 answers, the token on every path, scripts with Upstash's own flag."""

    def __init__(self, port: int) -> None:
        self.requests = 0
        self._http = httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False)

    async def __call__(self, request: Request) -> JSONResponse:
        self.requests += 1
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return JSONResponse({"error": "WRONGPASS invalid or missing auth token"}, 401)
        body = (await request.body()).replace(b"#!lua flags=allow-key-locking", b"#!lua")
        headers = {"authorization": f"Bearer {TOKEN}", "content-type": "application/json"}
        answer = await self._http.post("/pipeline", content=body, headers=headers)
        return JSONResponse([_encoded(entry) for entry in answer.json()], answer.status_code)

    async def close(self) -> None:
        await self._http.aclose()


def _encoded(entry: dict[str, Any]) -> dict[str, Any]:
    def encode(value: Any) -> Any:
        if isinstance(value, list):
            return [encode(item) for item in value]
        return base64.b64encode(value.encode()).decode() if isinstance(value, str) and value != "OK" else value

    return {"result": encode(entry["result"])} if "result" in entry else entry


@pytest.fixture(scope="module")
async def independent(peers: Path) -> AsyncIterator[str]:
    """The address of the independent server, over a Valkey of its own."""
    with valkey.Valkey() as store:
        process = await asyncio.create_subprocess_exec(
            *("node", "--input-type=module", "-e", SERVER),
            cwd=peers,
            env=_environment(TOKEN=TOKEN, SOCKET=str(store.socket)),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert process.stdout is not None
        port = int(await asyncio.wait_for(process.stdout.readline(), PATIENCE))
        dress = _Dress(port)
        try:
            app = Starlette(routes=[Route("/upstash/pipeline", dress.__call__, methods=["POST"])])
            async with serving.serve(app) as address:
                yield f"{address}/upstash"
                await wire.close()
        finally:
            await dress.close()
            process.terminate()
            await process.wait()


@pytest.fixture(params=["bridge", "independent"])
def service(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Make one of the servers the one that the settings name."""
    if request.param == "bridge":
        request.getfixturevalue("bridge")
        url = request.getfixturevalue("upstash_at")[1]
    else:
        url = request.getfixturevalue("independent")
    current = _settings(url)
    monkeypatch.setattr(config, "get", lambda: current)
    monkeypatch.setattr(cache, "_breaker", cache.Breaker())
    monkeypatch.setattr(cache, "DEADLINE", timedelta(seconds=10))
    return str(url)


async def test_values_are_kept_as_they_were_and_for_as_long(service: str) -> None:
    for value in ("x", "", "OK", "Борщ 🍲\n", '{"a": 1}', "7", "я" * 100_000):
        await cache.set("value", value, MINUTE)
        assert await cache.get("value") == value
    assert 50_000 < (await cache.pipeline([["PTTL", cache.key("value")]]))[0] <= 60_000
    await cache.delete("value", "nothing")
    assert await cache.get("value") is None


async def test_one_caller_is_the_first(service: str) -> None:
    assert sorted(await asyncio.gather(*(cache.once("first", MINUTE) for _ in range(10)))) == [False] * 9 + [True]
    await cache.delete("first")


async def test_results_come_in_order_and_as_the_package_casts_them(service: str) -> None:
    names = {name: cache.key(name) for name in ("a", "h", "z", "l")}
    await cache.delete(*names)
    assert await cache.pipeline(
        [
            ["SET", names["a"], "1"],
            ["INCRBY", names["a"], 4],
            ["MGET", names["a"], cache.key("nothing")],
            ["HSET", names["h"], "one", "1", "two", "два"],
            ["HGETALL", names["h"]],
            ["ZADD", names["z"], "1.5", "x"],
            ["ZSCORE", names["z"], "x"],
            ["RPUSH", names["l"], "a", "b"],
            ["LRANGE", names["l"], 0, -1],
            ["SET", names["a"], "2", "NX"],
        ]
    ) == [True, 5, ["5", None], 2, {"one": "1", "two": "два"}, 1, 1.5, 2, ["a", "b"], False]


async def test_a_failed_command_is_its_callers_alone(service: str) -> None:
    await cache.set("word", "x", MINUTE)
    failed, fine = await asyncio.gather(
        cache.pipeline([["INCR", cache.key("word")]]), cache.get("word"), return_exceptions=True
    )
    assert isinstance(failed, errors.Unavailable)
    assert re.search("not an integer", str(failed))
    assert fine == "x"


async def test_a_wrong_token_is_unavailable(service: str, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = _settings(service, "revoked")
    monkeypatch.setattr(config, "get", lambda: wrong)
    with pytest.raises(errors.Unavailable, match="WRONGPASS"):
        await cache.get("word")


async def test_a_script_runs(service: str) -> None:
    script = "#!lua flags=allow-key-locking\nreturn {KEYS[1], redis.call('INCRBY', KEYS[1], ARGV[1]), false}"
    await cache.delete("n")
    assert await cache.eval(script, ["n"], [5]) == [cache.key("n"), 5, None]


async def test_caches_and_limits_work_over_it(service: str) -> None:
    async def load() -> dict[str, Any]:
        return {"id": 42, "first_name": "Алиса"}

    async def never() -> None:
        raise AssertionError

    await shelves.clear()
    await shelves.PROFILE.read(42, load)
    assert await shelves.PROFILE.read(42, never) == await load()
    orders = limits.Limit("order", 2, timedelta(minutes=10))
    await cache.delete(limits.asked(42, orders)[3].partition(":")[2])
    assert [await limits.wait(42, orders) > 0 for _ in range(3)] == [False, False, True]
    slots = [(await limits.reserve("studio", -42)).at for _ in range(3)]
    assert slots == sorted(set(slots))


async def test_upstashs_own_client_passes_against_the_bridge(peers: Path, bridge: upstash.Upstash, url: str) -> None:
    async def count(_: Request) -> JSONResponse:
        return JSONResponse(bridge.requests)

    async with serving.serve(Starlette(routes=[Route("/", count)])) as counter:
        process = await asyncio.create_subprocess_exec(
            *("node", "--input-type=module", "-e", CLIENT),
            cwd=peers,
            env=_environment(URL=url, TOKEN=TOKEN, COUNT=counter),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        output, problems = await asyncio.wait_for(process.communicate(), 60)
    assert (process.returncode, output.decode().strip()) == (0, "passed"), problems.decode()
