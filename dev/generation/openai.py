"""An OpenAI-compatible API as the product uses it: images/edits, chat/completions with a strict schema or as
a stream, moderations.
"""

import asyncio
import base64
import json
import re
import secrets
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from dev.generation import drawing, talking
from dev.generation.faults import Faults

KINDS = {
    "request": ("401", "429", "no_money", "400", "500", "hang", "slow"),
    "picture": ("moderation", "no_picture", "flagged"),
    "talk": (*talking.KINDS, "no_voice"),
    "words": ("odd_words", "no_words", "long_words", "hijacked", "no_schema"),
}

SECRETS = {"OPENAI_API_KEY": 1}


def settings(address: str) -> dict[str, str]:
    """Return the settings that lead the product here."""
    return {"OPENAI_BASE_URL": f"{address}/v1"}


def stand_in(secrets: Mapping[str, str], *, seconds: float, light: bool) -> "OpenAI":
    """Return the service with the account that the secrets name; it answers in half of the time."""
    return OpenAI(keys=(secrets["OPENAI_API_KEY"],), seconds=seconds / 2, light=light)


class OpenAI:
    """The service as an ASGI app; `seconds` is how long a picture takes, `light` makes a small one at once."""

    def __init__(self, *, keys: tuple[str, ...], seconds: float = 4.0, light: bool = False) -> None:
        self.keys, self.seconds, self.light = keys, seconds, light
        self.faults = Faults("openai", KINDS)
        self.requests: list[tuple[str, Any]] = []

    async def close(self) -> None:
        """Close nothing: this service keeps nothing open."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = await self._answer(Request(scope, receive), scope["path"].rpartition("/v1/")[2])
        await response(scope, receive, send)

    async def _answer(self, request: Request, path: str) -> Response:
        if request.headers.get("authorization", "").removeprefix("Bearer ") not in self.keys:
            return _error(401, "Incorrect API key provided", "invalid_api_key")
        if fault := self.faults.take("hang", "slow"):
            await asyncio.sleep(fault.seconds or (200 if fault.kind == "hang" else 3))
        if fault := self.faults.take("401", "429", "no_money", "400", "500"):
            return _failure(fault.kind)
        if path == "images/edits":
            return await self._edit(request)
        if path == "audio/transcriptions":
            return await self._write_down(request)
        body = json.loads(await request.body())
        self.requests.append((path, body))
        if path == "chat/completions":
            return await talking.answer(body, self.faults) if body.get("stream") else self._chat(body)
        if path == "moderations":
            return self._judge(body)
        return _error(404, f"Unknown request URL: {path}", "unknown_url")

    async def _edit(self, request: Request) -> Response:
        async with request.form() as form:
            asked = {name: value for name, value in form.items() if isinstance(value, str)}
            photo = await next(one for name, one in form.multi_items() if name.startswith("image")).read()  # type: ignore[union-attr]
            mask = await form["mask"].read() if "mask" in form else b""  # type: ignore[union-attr]
        self.requests.append(("images/edits", asked | ({"mask": len(mask)} if mask else {})))
        if self.faults.take("moderation"):
            return _error(400, "Your request was rejected by the safety system.", "moderation_blocked")
        width, height = map(int, asked["size"].split("x"))
        if width % 16 or height % 16:
            return _error(400, "Both sides must be divisible by 16.", "invalid_value")
        if mask and not drawing.is_mask(mask, photo):
            return _error(
                400, "The mask must be a PNG with an alpha channel, of the size of the image.", "invalid_value"
            )
        await asyncio.sleep(self.seconds)
        made = await asyncio.to_thread(self._drawn, photo, (width, height), len(asked["prompt"]))
        data = [] if self.faults.take("no_picture") else [{"b64_json": base64.b64encode(made).decode()}]
        usage = {"input_tokens": 900, "output_tokens": 1600, "total_tokens": 2500, "input_tokens_details": {}}
        return JSONResponse({"created": 1, "data": data, "usage": usage})

    async def _write_down(self, request: Request) -> Response:
        """Hear what stands in a file after SAY, else the same question; .oga is refused, as by the real service."""
        async with request.form() as form:
            name = str(getattr(form["file"], "filename", ""))
            _, _, said = (await form["file"].read()).partition(b"SAY ")
        self.requests.append(("audio/transcriptions", name))
        if self.faults.take("no_voice"):
            return _error(404, "Unknown request URL: audio/transcriptions", "unknown_url")
        if not name.endswith(".ogg"):
            return _error(400, f"Invalid file format: {name}", "invalid_value")
        return JSONResponse({"text": said.decode(errors="replace") or "Есть капучино?"})

    def _drawn(self, photo: bytes, size: tuple[int, int], seed: int) -> bytes:
        if self.light:
            return drawing.sketch(photo, size, seed)
        return drawing.picture(photo, size, "OpenAI stand-in", seed)

    def _chat(self, body: dict[str, Any]) -> Response:
        if self.faults.take("no_schema") and body.get("response_format", {}).get("type") == "json_schema":
            return _error(400, "response_format json_schema is not supported", "unsupported_parameter")
        parts = body["messages"][-1]["content"]
        told = json.loads(next(part["text"] for part in parts if part["type"] == "text"))["seller"]
        is_page = body.get("response_format", {}).get("json_schema", {}).get("name") == "listing"
        said: Any = _page(told) if is_page else _words(told)
        if self.faults.take("odd_words"):
            said = "I think a good title would be Mug"
        elif self.faults.take("no_words"):
            said = None
        elif self.faults.take("long_words"):
            said = {"title": "Очень " * 30, "benefits": ["x" * 300], "category": "y"}
        elif self.faults.take("hijacked"):
            said = {
                "title": "Лучший хит! Пишите @seller",
                "benefits": ["Скидка -50 %", "<b>Тепло</b> 2 часа", "中文"],
                "category": {},
                "wb_name": "Лучший хит! Пишите @seller",
                "wb_about": "Скидка 50 %. Вес 777 г. Пишите в телеграм.",
                "ozon_name": 5,
                "ozon_about": ["x"],
            }
        content = said if isinstance(said, str) or said is None else json.dumps(said, ensure_ascii=False)
        message = {"role": "assistant", "content": content, "refusal": None if content else "I cannot help with that."}
        choice = {"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}
        return JSONResponse(
            {
                "id": secrets.token_hex(8),
                "object": "chat.completion",
                "created": 1,
                "model": body["model"],
                "choices": [choice],
            }
        )

    def _judge(self, body: dict[str, Any]) -> Response:
        flagged = bool(self.faults.take("flagged"))
        result = {
            "flagged": flagged,
            "categories": {"sexual": flagged, "violence": False},
            "category_scores": {"sexual": 0.9 if flagged else 0.0, "violence": 0.0},
            "category_applied_input_types": {},
        }
        return JSONResponse({"id": "modr-1", "model": body["model"], "results": [result]})


def _words(told: str) -> dict[str, Any]:
    """Propose words by a simple rule, as a sober model would: short clauses of what the seller said."""
    parts = [part.strip(" .") for part in re.split(r"\n|;|[.,](?!\d)", told) if part.strip(" .")]
    title, *others = [part[:1].upper() + part[1:] for part in parts] or ["Товар"]
    return {
        "title": title[:60],
        "benefits": [part[:40] for part in others[:3]],
        "category": "товары",
    }


def _page(told: str) -> dict[str, Any]:
    """Write a page by a simple rule, as a sober model would."""
    title, *others = told.split("\n")
    about = f"Это {title}. " + " ".join(f"{one}." for one in others)
    return {"wb_name": title, "wb_about": about, "ozon_name": ", ".join([title, *others])[:200], "ozon_about": about}


def _failure(kind: str) -> Response:
    if kind == "no_money":
        return _error(429, "You exceeded your current quota", "insufficient_quota")
    words = {"401": "invalid_api_key", "429": "rate_limit_exceeded", "400": "invalid_value", "500": "server_error"}
    return _error(int(kind), f"stand-in answers {kind}", words[kind])


def _error(status: int, message: str, code: str) -> Response:
    return JSONResponse({"error": {"message": message, "type": "error", "param": None, "code": code}}, status)
