"""Asks a language model over chat completions, on any server that has them, and hears its answer part by part.

A server answers a parameter that it does not know with a 400 that names it: it is left out, remembered for a day, and
the question is asked again. Tools are such a parameter, so each caller can do without (`no_tools`). Before the first
word a busy server is asked once more; after it never, as a client has read that word already.
"""

import asyncio
import contextlib
import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from lib import cache, config, errors, log, typed
from lib.providers import openai

MOST_TOKENS = 500
PATIENCE = timedelta(seconds=8)  # for each part, the first one included
RETRY_WITHIN = timedelta(seconds=3)
LONGEST = 8_000  # characters: a server may keep to no limit of tokens
CALLS = 4  # of tools in one turn
_REMEMBERED = timedelta(days=1)
_READ_AGAIN = 600.0  # seconds
_OPTIONAL = ("stream_options", "prompt_cache_key", "safety_identifier", "max_completion_tokens", "max_tokens", "tools")
LETTERS_A_TOKEN = 2.3  # of a Russian menu, where the server does not count

type Message = dict[str, Any]


@dataclass(frozen=True)
class ToolCall:
    """A tool that a model wants to use; its arguments are None when they are no object."""

    id: str
    name: str
    arguments: dict[str, Any] | None


@dataclass(frozen=True)
class ModelReply:
    """What a model said, and what it used. `finish`: "stop", "tool_calls", "length", "refusal", "" when it was cut."""

    words: str
    calls: tuple[ToolCall, ...] = ()
    finish: str = ""
    tokens_in: int = 0
    tokens_out: int = 0
    cached: int = 0


@dataclass
class _GrowingReply:
    """An answer while its parts come."""

    words: list[str] = field(default_factory=list)
    calls: dict[int, dict[str, Any]] = field(default_factory=dict)
    finish: str = ""
    usage: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class _ServerGaps:
    """What a server is known not to understand, and when that was read."""

    names: set[str]
    read_at: float


_gaps: dict[str, _ServerGaps] = {}


def is_ready() -> bool:
    """Tell whether there is a key to ask a model with."""
    return bool(config.get().openai_api_key)


async def has_tools() -> bool:
    """Tell whether the server takes tools, as far as it is known."""
    return "tools" not in (await _known()).names


async def ask(
    messages: Sequence[Message],
    tools: Sequence[dict[str, Any]] = (),
    *,
    cache_key: str = "",
    who: str = "",
    hear: Callable[[str], None] = lambda _: None,
    tokens: int = MOST_TOKENS,
) -> ModelReply:
    """Return the answer; `hear` gets its words as they come. What breaks after the first word ends it with finish "".

    Raises Unavailable or Rejected when nothing was said, Rejected("no_tools") when the server takes none.
    """
    gaps, retried = await _known(), False
    reply = _GrowingReply()
    while True:
        body = _body(messages, tools, cache_key, who, tokens, gaps.names)
        try:
            async with contextlib.aclosing(openai.stream(body, PATIENCE)) as parts:
                async for part in parts:
                    _take(reply, part, hear)
                    if sum(map(len, reply.words)) > LONGEST:
                        reply.finish = "length"
                        break
            return _whole(reply, messages)
        except errors.Rejected as refusal:
            name = _named(refusal.detail, body)
            if reply.words or name is None:
                return _broken(reply, messages, refusal)
            await _note_gap(gaps, name)
            if name == "tools":
                raise errors.Rejected("no_tools") from None
        except errors.Unavailable as fault:
            wait = fault.retry_after or timedelta(milliseconds=300)
            if reply.words or retried or fault.code in ("no_access", "out_of_money") or wait > RETRY_WITHIN:
                return _broken(reply, messages, fault)
            retried = True
            await asyncio.sleep(wait.total_seconds())


def cut(messages: Sequence[Message], words: str) -> ModelReply:
    """Return a reply that nobody waited for to its end, with what it used guessed."""
    return _whole(_GrowingReply(words=[words]), messages)


def _broken(reply: _GrowingReply, messages: Sequence[Message], why: errors.Upstream) -> ModelReply:
    """Return what was said before it broke; raise why when nothing was."""
    if not reply.words:
        raise why
    log.event("answer_cut", error=str(why)[:200])
    reply.finish, reply.calls = "", {}
    return _whole(reply, messages)


def _body(
    messages: Sequence[Message], tools: Sequence[dict[str, Any]], key: str, who: str, tokens: int, gaps: set[str]
) -> dict[str, Any]:
    most = "max_completion_tokens" if "max_completion_tokens" not in gaps else "max_tokens"
    wanted: dict[str, Any] = {
        "model": config.get().openai_model,
        "messages": list(messages),
        "stream": True,
        "stream_options": {"include_usage": True},
        "prompt_cache_key": key,
        "safety_identifier": hashlib.sha256(f"lotok:{who}".encode()).hexdigest()[:32] if who else "",
        most: tokens,
        "tools": list(tools),
    }
    return {name: value for name, value in wanted.items() if value and name not in gaps}


def _take(reply: _GrowingReply, part: dict[str, Any], hear: Callable[[str], None]) -> None:
    """Add a part of an answer; odd parts are passed over."""
    if isinstance(part.get("usage"), dict):
        reply.usage = part["usage"]
    choices = part.get("choices")
    choice = _object(choices[0] if isinstance(choices, list) and choices else None)
    delta = _object(choice.get("delta"))
    if isinstance(delta.get("content"), str) and (words := typed.storable(delta["content"])):
        reply.words.append(words)
        hear(words)
    calls = delta.get("tool_calls")
    for call in calls if isinstance(calls, list) else ():
        if isinstance(call, dict):
            _join(reply.calls, call)
    if isinstance(delta.get("function_call"), dict):
        _join(reply.calls, {"index": 0, "id": "call", "function": delta["function_call"]})
    if delta.get("refusal") or choice.get("finish_reason") == "content_filter":
        reply.finish = "refusal"
    elif isinstance(choice.get("finish_reason"), str) and reply.finish != "refusal":
        reply.finish = "tool_calls" if choice["finish_reason"] == "function_call" else choice["finish_reason"]


def _object(told: Any) -> dict[str, Any]:
    return told if isinstance(told, dict) else {}


def _join(calls: dict[int, dict[str, Any]], piece: dict[str, Any]) -> None:
    """Put a piece of a call to the others: only the first one has the name, and the arguments may come whole."""
    index = piece.get("index")
    held = calls.setdefault(index if isinstance(index, int) else len(calls), {"id": "", "name": "", "arguments": ""})
    told = _object(piece.get("function"))
    held["id"] = held["id"] or typed.storable(str(piece.get("id") or ""))
    held["name"] = held["name"] or typed.storable(str(told.get("name") or ""))
    arguments = told.get("arguments")
    if isinstance(arguments, dict):
        held["arguments"] = json.dumps(arguments)
    elif isinstance(arguments, str):
        held["arguments"] += typed.storable(arguments)


def _whole(reply: _GrowingReply, messages: Sequence[Message]) -> ModelReply:
    words = "".join(reply.words)
    details = reply.usage.get("prompt_tokens_details")
    cached = _count(details.get("cached_tokens")) if isinstance(details, dict) else 0
    guessed = round(sum(len(str(one.get("content") or "")) for one in messages) / LETTERS_A_TOKEN)
    tokens_in = _count(reply.usage.get("prompt_tokens")) or guessed
    return ModelReply(
        words,
        tuple(_call(held) for _, held in sorted(reply.calls.items()))[:CALLS],
        reply.finish,
        tokens_in,
        _count(reply.usage.get("completion_tokens")) or round(len(words) / LETTERS_A_TOKEN),
        min(cached, tokens_in),
    )


def _call(held: dict[str, Any]) -> ToolCall:
    try:
        told = json.dumps(json.loads(held["arguments"] or "{}"), ensure_ascii=False)
        arguments = json.loads(typed.storable(told.replace("\\u0000", "")))  # what its escapes say, too
    except (ValueError, RecursionError):
        arguments = None
    return ToolCall(held["id"] or "call", held["name"], arguments if isinstance(arguments, dict) else None)


def _count(told: Any) -> int:
    return told if type(told) is int and 0 <= told < 10_000_000 else 0


def _named(detail: str, body: Mapping[str, Any]) -> str | None:
    """Return the parameter of ours that a refusal is about."""
    said = detail.lower()
    named = next((name for name in _OPTIONAL if name in body and name in said), None)
    return named or ("tools" if "tools" in body and ("tool" in said or "function" in said) else None)


async def _known() -> _ServerGaps:
    """Return what the server of the settings does not understand, as any instance has found out."""
    name = _server()
    known = _gaps.get(name)
    if known is None or time.monotonic() - known.read_at > _READ_AGAIN:
        try:
            stored = await cache.get(f"model_gaps:{name}")
        except errors.Unavailable:
            stored = None
        names = {one for one in (stored or "").split(",") if one in _OPTIONAL}
        known = _gaps[name] = _ServerGaps(names | (known.names if known else set()), time.monotonic())
    return known


async def _note_gap(gaps: _ServerGaps, name: str) -> None:
    log.event("model_lacks", parameter=name)
    gaps.names.add(name)
    with contextlib.suppress(errors.Unavailable):
        await cache.set(f"model_gaps:{_server()}", ",".join(sorted(gaps.names)), _REMEMBERED)


def _server() -> str:
    settings = config.get()
    return hashlib.sha256(f"{settings.provider_urls['openai']} {settings.openai_model}".encode()).hexdigest()[:12]
