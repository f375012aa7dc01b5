"""OpenAI, or a service with its API: pictures when KIE does not deliver, the words of a card, and moderation.

The openai package is imported by the first request, and so only in a worker: a third of a second and 49 MB. A picture
is finished when `create` returns; a worker that dies meanwhile has spent without a result: nobody can ask for it later.
"""

import asyncio
import base64
import contextlib
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from lib import config, errors
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

type _Clients = dict[tuple[str, str], openai.AsyncOpenAI]  # by key and address

_clients: WeakKeyDictionary[asyncio.AbstractEventLoop, _Clients] = WeakKeyDictionary()

# Both sides divisible by 16, and the proportions exact.
SIZES = {"1:1": "1024x1024", "3:4": "912x1216", "9:16": "1008x1792"}
PICTURE_SECONDS = 150.0
TEXT_SECONDS = 30.0
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


async def prepare(offer: Offer, ask: Ask) -> Request:
    """Return the fields of the request; the picture goes with it as bytes."""
    return {"model": offer.model, "size": SIZES[ask.ratio], **offer.params}


async def create(offer: Offer, ask: Ask, request: Request, callback: str) -> Ticket | Output:
    """Draw and wait for it. A request without an answer may have been paid for: its caller counts it."""
    picture = ("product.jpg", ask.picture, "image/jpeg")
    with _own_errors():
        made = await _client().images.edit(
            image=[picture],
            prompt=ask.prompt[:32000],
            n=1,
            output_format="png",
            safety_identifier=hashlib.sha256(f"lotok:{ask.job_id}".encode()).hexdigest()[:32],
            timeout=PICTURE_SECONDS,
            **request,
        )
    try:
        data = base64.b64decode(made.data[0].b64_json or "", validate=True)  # type: ignore[index]
    except (AttributeError, TypeError, IndexError, ValueError):
        data = b""  # what it cost is known, and is noted with the failure
    return Output(data, cost=_cost(getattr(made, "usage", None)))


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
    schema = {"type": "json_schema", "json_schema": {"name": "card", "strict": True, "schema": WORDS_SCHEMA}}
    try:
        said = await _chat(messages, schema)
    except errors.Rejected as refusal:
        if refusal.code != "not_supported":
            raise
        said = await _chat(messages, {"type": "json_object"})  # a service without strict schemas
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
    with _own_errors():
        judged = await _client().moderations.create(model=MODERATION.model, input=asked, timeout=TEXT_SECONDS)  # type: ignore[arg-type]
    flagged: set[str] = set()
    for result in judged.results:
        if result.flagged:
            flagged |= {name for name, value in result.categories.to_dict().items() if value is True}
    return sorted(flagged)


async def _chat(messages: list[dict[str, Any]], form: dict[str, Any]) -> str:
    client: Any = _client()  # its types name each vendor's every model
    with _own_errors():
        answer = await client.chat.completions.create(
            model=config.get().openai_model,
            messages=messages,
            response_format=form,
            max_completion_tokens=600,
            timeout=TEXT_SECONDS,
        )
    choice = answer.choices[0] if answer.choices else None
    if choice is None or not choice.message.content:
        raise errors.Rejected("rules" if choice and choice.message.refusal else "odd_answer", "no words")
    return str(choice.message.content)


def _client() -> "openai.AsyncOpenAI":
    import openai

    settings = config.get()
    if not settings.openai_api_key:
        raise errors.Unavailable("no_access", "OPENAI_API_KEY is not set")
    base_url = settings.provider_urls["openai"] or "https://api.openai.com/v1"
    clients = _clients.setdefault(asyncio.get_running_loop(), {})
    name = (settings.openai_api_key, base_url)
    if name not in clients:
        clients[name] = openai.AsyncOpenAI(api_key=name[0], base_url=base_url, max_retries=0, timeout=TEXT_SECONDS)
    return clients[name]


async def close() -> None:
    """Close the running loop's connections; a later request opens new ones."""
    for client in _clients.pop(asyncio.get_running_loop(), {}).values():
        await client.close()


@contextlib.contextmanager
def _own_errors() -> Iterator[None]:
    import openai

    try:
        yield
    except openai.RateLimitError as error:
        code = "out_of_money" if error.code == "insufficient_quota" else "busy"
        raise errors.Unavailable(code, _said(error), timedelta(seconds=10)) from None
    except (openai.AuthenticationError, openai.PermissionDeniedError) as error:
        raise errors.Unavailable("no_access", _said(error)) from None
    except (openai.BadRequestError, openai.UnprocessableEntityError, openai.NotFoundError) as error:
        against = error.code in ("moderation_blocked", "content_policy_violation")
        raise errors.Rejected("rules" if against else "not_supported", _said(error)) from None
    except openai.APITimeoutError as error:
        raise errors.Unavailable("maybe_made", _said(error)) from None
    except openai.OpenAIError as error:
        raise errors.Unavailable("down", _said(error)) from None


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:300].replace(config.get().openai_api_key or "\0", "***")


def _cost(usage: Any) -> int | None:
    """Return what the tokens cost; None when the service does not tell them."""
    tokens = getattr(usage, "input_tokens", None), getattr(usage, "output_tokens", None)
    if not all(isinstance(number, int) and number >= 0 for number in tokens):
        return None
    return -(-(tokens[0] * TOKENS_IN + tokens[1] * TOKENS_OUT) // 1_000_000)  # type: ignore[operator]


def _data_url(picture: bytes) -> str:
    return f"data:image/jpeg;base64,{base64.b64encode(picture).decode()}"
