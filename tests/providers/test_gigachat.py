"""GigaChat: requests in its own form, and tokens that are asked for before they end."""

import asyncio
import json
import time

import pytest
from starlette.responses import JSONResponse

from dev import serving
from lib import config, errors
from lib.providers import gigachat

TOOL = {"type": "function", "function": {"name": "my_points", "parameters": {"type": "object", "properties": {}}}}
CALL = {"id": "a", "type": "function", "function": {"name": "my_points", "arguments": '{"x": 1}'}}


@pytest.mark.parametrize(
    ("address", "is_its"),
    [
        ("https://api.giga.chat/v1", True),
        ("https://gigachat.devices.sberbank.ru/api/v1", True),
        ("https://api.openai.com/v1", False),
        ("https://evil.example/api.giga.chat", False),
        ("", False),
    ],
)
def test_it_is_known_by_its_host(address, is_its):
    assert gigachat.speaks(address) is is_its


def test_a_request_has_functions_and_nothing_that_it_would_refuse():
    asked = {
        "model": "GigaChat",
        "stream": True,
        "stream_options": {"include_usage": True},
        "prompt_cache_key": "1:1",
        "max_completion_tokens": 300,
        "tools": [TOOL],
        "messages": [
            {"role": "system", "content": "s"},
            {"role": "assistant", "content": None, "tool_calls": [CALL]},
            {"role": "tool", "tool_call_id": "a", "content": '{"points": 5}'},
        ],
    }
    made = gigachat.body(asked)
    assert made.keys() == {"model", "messages", "stream", "max_tokens", "functions", "function_call"}
    assert (made["functions"], made["max_tokens"]) == ([TOOL["function"]], 300)
    assert made["messages"][1:] == [
        {"role": "assistant", "content": "", "function_call": {"name": "my_points", "arguments": {"x": 1}}},
        {"role": "function", "name": "my_points", "content": '{"points": 5}'},
    ]
    assert json.dumps(asked["messages"][1]["tool_calls"]) == json.dumps([CALL]), "the caller's own are untouched"


@pytest.fixture
async def tokens(monkeypatch):
    """A place that gives tokens: each asked for, how long it holds, and whether it refuses."""
    told = {"asked": [], "seconds": 1800, "refuses": False}

    async def answer(scope, receive, send):
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        told["asked"].append(headers["authorization"])
        given = {"access_token": f"t{len(told['asked'])}", "expires_at": (time.time() + told["seconds"]) * 1000}
        await JSONResponse(given, 401 if told["refuses"] else 200)(scope, receive, send)

    async with serving.serve(answer) as address:
        monkeypatch.setenv("GIGACHAT_AUTH_URL", address)
        monkeypatch.setenv("OPENAI_API_KEY", "key-of-giga")
        monkeypatch.setattr(gigachat, "_tokens", {})
        config.get.cache_clear()
        yield told
    config.get.cache_clear()


async def test_a_token_is_kept_until_a_minute_before_its_end(tokens):
    assert [await gigachat.token(), await gigachat.token()] == ["t1", "t1"]
    assert tokens["asked"] == ["Basic key-of-giga"]
    gigachat._tokens["key-of-giga"] = ("t1", time.time() + 30)
    assert await gigachat.token() == "t2"


async def test_a_refused_token_is_no_access(tokens):
    tokens["refuses"] = True
    with pytest.raises(errors.Unavailable, match="no_access"):
        await gigachat.token()


@pytest.mark.parametrize(
    "answer",
    [b"SSH-2.0-x\r\n\r\n", b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + b"[" * 100_000],
    ids=["another protocol", "a nest without end"],
)
async def test_a_place_that_answers_oddly_gives_no_token_and_breaks_nothing(tokens, monkeypatch, answer):
    async def told(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(told, "127.0.0.1", 0) as server:
        monkeypatch.setenv("GIGACHAT_AUTH_URL", f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        config.get.cache_clear()
        with pytest.raises(errors.Unavailable, match="down"):
            await gigachat.token()
