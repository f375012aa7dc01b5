"""OpenAI, or a service with its API: pictures when KIE does not deliver, the words of a card, and moderation.

The openai package is imported by the first request, and so only in a worker: a third of a second and 49 MB. A picture
is finished when `create` returns; a worker that dies meanwhile has spent without a result: nobody can ask for it later.
"""

import asyncio
import base64
import contextlib
import hashlib
import json
import math
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from lib import config, errors, fetch, typed
from lib.providers import gigachat
from lib.providers.contract import Ask, Offer, Output, Report, Request, Ticket

if TYPE_CHECKING:
    import openai

INSTANT = True
RATE = None

PICTURE = Offer("openai", "gpt-image-2", 70, 45, {"quality": "medium"})
OFFERS = dict.fromkeys(("card", "card:white", "set", "set:white", "background"), (PICTURE,))

# Beside the pictures it is asked for these. Moderation is free.
MODERATION = Offer("openai", "omni-moderation-latest")
WORDS_COST = 3

API = "https://api.openai.com/v1"

type _Clients = dict[tuple[str, str], openai.AsyncOpenAI]  # by key and address

_clients: WeakKeyDictionary[asyncio.AbstractEventLoop, _Clients] = WeakKeyDictionary()

# Both sides divisible by 16, and the proportions exact.
SIZES = {"1:1": "1024x1024", "3:4": "912x1216", "9:16": "1008x1792"}
PICTURE_TIME = timedelta(seconds=150)
TEXT_TIME = timedelta(seconds=30)
BUSY = timedelta(seconds=10)
_UNSENT = ("ConnectError", "ConnectTimeout", "PoolTimeout")  # the package's causes when nothing was sent
_NO_MONEY = ("insufficient_quota", "billing_hard_limit_reached", "billing_not_active")
_AGAINST = ("moderation_blocked", "content_policy_violation")
# Thousandths of a dollar for a million tokens of pictures: in and out.
TOKENS_IN, TOKENS_OUT = 8_000, 30_000

WORDS_SCHEMA = {
    "type": "object",
    "properties": {
        "title": {"type": "string"},
        "benefits": {"type": "array", "items": {"type": "string"}},
        "category": {"type": "string"},
    },
    "required": ["title", "benefits", "category"],
    "additionalProperties": False,
}
LISTING_SCHEMA = {
    "type": "object",
    "properties": {name: {"type": "string"} for name in ("wb_name", "wb_about", "ozon_name", "ozon_about")},
    "required": ["wb_name", "wb_about", "ozon_name", "ozon_about"],
    "additionalProperties": False,
}


async def prepare(offer: Offer, ask: Ask) -> Request:
    """Return the fields of the request; the picture goes with it as bytes."""
    return {"model": offer.model, "size": SIZES[ask.ratio], **offer.params}


async def create(offer: Offer, ask: Ask, request: Request, callback: str) -> Ticket | Output:
    """Draw and wait for it. A request without an answer may have been paid for: its caller counts it."""
    fields = {
        **request,
        "prompt": ask.prompt[:32000],
        "n": "1",
        "output_format": "png",
        "safety_identifier": hashlib.sha256(f"lotok:{ask.job_id}".encode()).hexdigest()[:32],
    }
    files = [("image[]", ("product.jpg", ask.picture, "image/jpeg"))]
    if ask.mask:
        files.append(("mask", ("mask.png", ask.mask, "image/png")))
    made = await _call("images/edits", PICTURE_TIME, fields, files)
    try:
        data = base64.b64decode(made["data"][0]["b64_json"], validate=True)
    except (KeyError, TypeError, IndexError, ValueError):
        data = b""  # what it cost is known, and is noted with the failure
    return Output(data, cost=_cost(made.get("usage")))


async def poll(tickets: Sequence[Ticket]) -> list[Report]:
    """There are no tickets."""
    return [Report("failed", error="never begun") for _ in tickets]


async def collect(ticket: Ticket, report: Report) -> Output:
    """There are no tickets."""
    raise errors.Rejected("no_ticket", ticket.id)


async def find(offer: Offer, request: Request, task_id: str) -> Ticket | None:
    """There are no tasks."""
    return None


def check_report(headers: Mapping[str, str], task_id: str) -> None:
    """There are no reports."""
    raise errors.Denied()


def words_offer() -> Offer:
    """Return what proposes the words of a card: the model that the settings name."""
    return Offer("openai", config.get().openai_model, WORDS_COST)


async def propose_words(instructions: str, description: str, picture: bytes) -> dict[str, Any]:
    """Return a model's proposal for the words of a card: title, benefits, category. The caller must check all of it.

    The seller's description is handed over as data, in JSON, below instructions that it cannot change.
    """
    content: list[dict[str, Any]] = [{"type": "text", "text": json.dumps({"seller": description}, ensure_ascii=False)}]
    if picture:
        content.append({"type": "image_url", "image_url": {"url": _data_url(picture), "detail": "low"}})
    messages: list[dict[str, Any]] = [
        {"role": "system", "content": instructions},
        {"role": "user", "content": content},
    ]
    return await _told(messages, "card", WORDS_SCHEMA, 600)


async def write_listing(instructions: str, words: str) -> dict[str, Any]:
    """Return a model's text of a product's pages, a name and a description each. The caller must check all of it."""
    messages: list[dict[str, Any]] = [
        {"role": "system", "content": instructions},
        {"role": "user", "content": [{"type": "text", "text": json.dumps({"seller": words}, ensure_ascii=False)}]},
    ]
    return await _told(messages, "listing", LISTING_SCHEMA, 2400)


async def transcribe(voice: bytes, language: str) -> str:
    """Return what is said in a voice message of Telegram's. Its own name, .oga, would be refused."""
    fields = {"model": config.get().openai_transcribe_model, "language": language}
    told = await _call("audio/transcriptions", TEXT_TIME, fields, [("file", ("voice.ogg", voice, "audio/ogg"))])
    return typed.storable(told["text"]) if isinstance(told.get("text"), str) else ""


async def _told(messages: list[dict[str, Any]], name: str, schema: dict[str, Any], tokens: int) -> dict[str, Any]:
    """Return the object that is answered in this form."""
    strict = {"type": "json_schema", "json_schema": {"name": name, "strict": True, "schema": schema}}
    try:
        said = await _chat(messages, strict, tokens)
    except errors.Rejected as refusal:
        if refusal.code != "not_supported":
            raise
        said = await _chat(messages, {"type": "json_object"}, tokens)  # a service without strict schemas
    try:
        found = json.loads(said)
    except (ValueError, RecursionError):
        raise errors.Rejected("odd_answer", said[:200]) from None
    if not isinstance(found, dict):
        raise errors.Rejected("odd_answer", said[:200])
    return found


async def moderate(texts: Sequence[str], picture: bytes) -> list[str]:
    """Return the kinds of rules that the words or the picture break; none for what may be shown."""
    asked: list[dict[str, Any]] = [{"type": "text", "text": text} for text in texts if text]
    if picture:
        asked.append({"type": "image_url", "image_url": {"url": _data_url(picture)}})
    if not asked:
        return []
    judged = await _call("moderations", TEXT_TIME, {"model": MODERATION.model, "input": asked})
    try:
        results = [(result["flagged"], dict(result["categories"])) for result in judged["results"]]
    except (KeyError, TypeError, ValueError):
        results = []
    if not results or not all(isinstance(flagged, bool) for flagged, _ in results):
        raise errors.Unavailable("down", "no judgement")
    named = {name for flagged, kinds in results if flagged for name, value in kinds.items() if value is True}
    return sorted(named) or ["unnamed"] * any(flagged for flagged, _ in results)


async def _chat(messages: list[dict[str, Any]], form: dict[str, Any], tokens: int) -> str:
    asked = {
        "model": config.get().openai_model,
        "messages": messages,
        "response_format": form,
        "max_completion_tokens": tokens,
    }
    answer = await _call("chat/completions", TEXT_TIME, asked)
    try:
        message = answer["choices"][0]["message"]
        said, refusal = message.get("content"), message.get("refusal")
    except (KeyError, TypeError, IndexError, AttributeError):
        said = refusal = None
    if not isinstance(said, str) or not said:
        raise errors.Rejected("rules" if refusal else "odd_answer", "no words")
    return said


async def _call(path: str, timeout: timedelta, body: dict[str, Any], files: Any = None) -> dict[str, Any]:
    """Return the object that is answered; raise what any other answer means.

    An answer that is lost after the request was sent may have been paid for.
    """
    form = {"Content-Type": "multipart/form-data"} if files else {}
    options: Any = {"headers": form, "timeout": timeout.total_seconds()}
    try:
        with _meanings():
            told: Any = await _client().post(f"/{path}", cast_to=object, body=body, files=files, options=options)
    except (ValueError, RecursionError):
        return {}  # it says JSON and is none
    return told if isinstance(told, dict) else {}


async def stream(body: dict[str, Any], patience: timedelta) -> AsyncGenerator[dict[str, Any]]:
    """Yield the parts of an answer to a chat as they come; raise what any other answer means.

    `patience` is how long a part may take. A connection that is cut ends the answer without an error: it is whole only
    if a part names a `finish_reason`. Leaving the loop early closes the connection, so that nothing more is paid for.
    """
    import openai

    if gigachat.speaks(config.get().provider_urls["openai"]):
        body = gigachat.body(body)
    options: Any = {"timeout": patience.total_seconds()}
    kind: Any = openai.AsyncStream[object]
    with _meanings():
        opened: Any = await _client().post(
            "/chat/completions", cast_to=object, body=body, options=options, stream=True, stream_cls=kind
        )
        try:
            async for part in opened:
                if isinstance(part, dict):
                    yield part
        except (ValueError, RecursionError) as error:
            raise errors.Unavailable("down", f"a part that is no JSON: {type(error).__name__}") from None
        finally:
            await opened.close()


@contextlib.contextmanager
def _meanings() -> Iterator[None]:
    """Raise what the package's errors mean."""
    import openai

    try:
        yield
    except openai.APIStatusError as error:
        refusal = _refusal(error.status_code, error.body)
        if isinstance(refusal, errors.Unavailable) and (wait := fetch.retry_after(error.response.headers)) is not None:
            refusal = errors.Unavailable(refusal.code, refusal.detail, wait)
        raise refusal from None
    except openai.APIConnectionError as error:
        cause = type(error.__cause__).__name__
        raise errors.Unavailable("down" if cause in _UNSENT else "maybe_made", _hidden(f"{cause}: {error}")) from None
    except openai.OpenAIError as error:
        raise errors.Unavailable("down", _hidden(f"{type(error).__name__}: {error}")) from None


def _client() -> "openai.AsyncOpenAI":
    import openai

    settings = config.get()
    if not settings.openai_api_key:
        raise errors.Unavailable("no_access", "OPENAI_API_KEY is not set")
    clients = _clients.setdefault(asyncio.get_running_loop(), {})
    name = (settings.openai_api_key, settings.provider_urls["openai"] or API)
    if name not in clients and gigachat.speaks(name[1]):
        trusting = openai.DefaultAsyncHttpxClient(verify=gigachat.tls())
        clients[name] = openai.AsyncOpenAI(
            api_key=gigachat.token, base_url=name[1], max_retries=0, http_client=trusting
        )
    elif name not in clients:
        clients[name] = openai.AsyncOpenAI(api_key=name[0], base_url=name[1], max_retries=0)
    return clients[name]


async def close() -> None:
    """Close the running loop's connections; a later request opens new ones."""
    for client in _clients.pop(asyncio.get_running_loop(), {}).values():
        await client.close()


def _hidden(said: str) -> str:
    """Return what is told of a failure, without the key."""
    return said.replace(config.get().openai_api_key or "\0", "***")[:300]


def _refusal(status: int, told: Any) -> errors.AppError:
    """Say what an answer other than 200 means, by what it tells under "error"."""
    code, message = (told.get("code"), told.get("message")) if isinstance(told, dict) else (None, told)
    said = _hidden(f"{status} {code} {message} {told.get('param') or '' if isinstance(told, dict) else ''}".strip())
    if status == 402 or code in _NO_MONEY:
        return errors.Unavailable("out_of_money", said, BUSY)
    if status == 429:
        return errors.Unavailable("busy", said, BUSY)
    if status in (401, 403):
        return errors.Unavailable("no_access", said)
    if status in (400, 404, 413, 422):
        return errors.Rejected("rules" if code in _AGAINST else "not_supported", said)
    return errors.Unavailable("down", said)


def _cost(usage: Any) -> int | None:
    """Return what the tokens cost; None when the service does not tell them."""
    told = usage if isinstance(usage, dict) else {}
    tokens_in, tokens_out = told.get("input_tokens"), told.get("output_tokens")
    if not isinstance(tokens_in, int) or not isinstance(tokens_out, int) or min(tokens_in, tokens_out) < 0:
        return None
    return -(-(tokens_in * TOKENS_IN + tokens_out * TOKENS_OUT) // 1_000_000)


def text_cost(tokens_in: int, cached: int, tokens_out: int) -> int:
    """Return what an answer costs in millionths of a dollar; the cached tokens are some of those that came in."""
    new, known, out = config.get().openai_token_prices
    return math.ceil((tokens_in - cached) * new + cached * known + tokens_out * out)


def _data_url(picture: bytes) -> str:
    return f"data:image/jpeg;base64,{base64.b64encode(picture).decode()}"
