"""KIE.ai: pictures and clips by other people's models (by its documentation of August 2026).

Its ways: an error may come inside a 200, as another `code`; `resultJson` is JSON in a string; no key makes a create
happen once, so after an answer that got lost nobody knows whether a task exists. Then the callback names it, and `find`
believes that only when KIE's own record of the task holds our request.
"""

import asyncio
import base64
import hashlib
import hmac
import json
import math
import re
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from lib import config, errors, fetch, typed
from lib.providers.contract import Ask, Offer, Output, Report, Request, Ticket

INSTANT = False
RATE = (20, timedelta(seconds=10))  # above it KIE answers 429 and queues nothing

API = "https://api.kie.ai"
UPLOADS = "https://kieai.redpandaai.co"  # keeps a file for a day
RESULT_HOSTS = ("aiquickdraw.com", "redpandaai.co", "kie.ai")  # and those below them
CREDIT = 5  # thousandths of a dollar
RESULT_LIMIT = 100 * 1024 * 1024
POLLS_AT_ONCE = 10
MAX_AGE = 300  # seconds by which the time stamp of a report may differ from ours
TASK_ID = re.compile(r"[\x21-\x7e]{1,200}")

_CREATE_TIMEOUT = timedelta(seconds=30)
_UPLOAD_TIMEOUT = timedelta(seconds=60)
_RESULT_TIMEOUT = timedelta(seconds=90)

# Nothing was made: these codes are answers of the front door.
_NO_MONEY = {401: "no_access", 402: "out_of_money", 433: "out_of_money"}
_AWAY = {455: "down"}
_WRONG = {400, 403, 404, 405, 413, 415, 422, 505}
# Words that KIE uses for a failure whose reason was the content.
_RULES = re.compile(
    r"nsfw|sensitive|moderat|polic(?:y|ies)|prohibited|violat|inappropriate|unsafe|safety|explicit|guideline", re.I
)


@dataclass(frozen=True)
class Shape:
    """How a model names what every model needs: each has its own words."""

    picture: str
    most: int = 0  # pictures that it takes, as a list; 0: one, by itself
    ratio: str = ""  # empty: it copies the proportions of the picture
    prompt_limit: int = 5000


SHAPES = {
    "google/nano-banana-edit": Shape("image_urls", 10, ratio="aspect_ratio"),
    "nano-banana-2": Shape("image_input", 14, ratio="aspect_ratio"),
    "seedream/4.5-edit": Shape("image_urls", 14, ratio="aspect_ratio", prompt_limit=3000),
    "gpt-image-2-image-to-image": Shape("input_urls", 16, ratio="aspect_ratio", prompt_limit=20000),
    "recraft/remove-background": Shape("image", prompt_limit=0),
    "grok-imagine/image-to-video": Shape("image_urls", 1, prompt_limit=5000),  # of more it would make a montage
    "kling-2.6/image-to-video": Shape("image_urls", 1, prompt_limit=1000),
    "kling-3.0/video": Shape("image_urls", 1, ratio="aspect_ratio", prompt_limit=2500),
    "bytedance/seedance-2-fast": Shape("first_frame_url", ratio="aspect_ratio", prompt_limit=2500),
}


# Models and prices change within months. Prices: KIE's list of December 2025 and of 2026 where known, a cautious guess
# elsewhere; what a job really cost is recorded with it. "nsfw_checker" is off by default at KIE.
GPT_IMAGE = Offer("kie", "gpt-image-2-image-to-image", 60, 45, {"resolution": "1K"})
BANANA_2 = Offer("kie", "nano-banana-2", 40, 30, {"resolution": "1K", "output_format": "png"})
BANANA = Offer("kie", "google/nano-banana-edit", 20, 25, {"output_format": "png"})
SEEDREAM = Offer("kie", "seedream/4.5-edit", 33, 30, {"quality": "basic", "nsfw_checker": True})


def _clips(seconds: int) -> tuple[Offer, ...]:
    kling, grok = {5: (275, "6"), 10: (550, "10")}[seconds]
    sound = {"duration": str(seconds), "sound": False}
    return (
        Offer("kie", "kling-2.6/image-to-video", kling, 150, sound, BANANA_2),
        Offer(
            *("kie", "grok-imagine/image-to-video", 17 * int(grok), 90),
            {"duration": grok, "resolution": "720p", "mode": "normal", "nsfw_checker": True},
            BANANA_2,
        ),
    )


OFFERS = {
    "card": (GPT_IMAGE, BANANA_2),
    "card:white": (BANANA, SEEDREAM),
    "set": (GPT_IMAGE, BANANA_2),
    "set:white": (BANANA, SEEDREAM),
    "background": (SEEDREAM, BANANA),
    "video5": _clips(5),
    "video10": _clips(10),
}


async def prepare(offer: Offer, ask: Ask) -> Request:
    """Upload the picture, and further ones for a model that takes them; return createTask's body without callback."""
    shape, key = SHAPES[offer.model], _key(ask.account)
    pictures = (ask.picture, *ask.others)[: max(1, shape.most)]
    addresses = [await _upload(key, picture) for picture in pictures]
    wanted: dict[str, Any] = {shape.picture: addresses if shape.most else addresses[0], **offer.params}
    if shape.prompt_limit:
        wanted["prompt"] = ask.prompt[: shape.prompt_limit]
    if shape.ratio:
        wanted[shape.ratio] = ask.ratio
    return {"model": offer.model, "input": wanted}


async def create(offer: Offer, ask: Ask, request: Request, callback: str) -> Ticket | Output:
    """Begin a task. Only a refusal at the door is sure to have made none."""
    key, body = _key(ask.account), {**request, **({"callBackUrl": callback} if callback else {})}
    try:
        answer = await _call("POST", "/api/v1/jobs/createTask", key, _CREATE_TIMEOUT, json=body)
    except errors.Unavailable as error:
        raise errors.Unavailable("down" if error.code == "not_reached" else "maybe_made", error.detail) from error
    task_id = answer.data.get("taskId") if answer.code == 200 and isinstance(answer.data, dict) else None
    if isinstance(task_id, str) and TASK_ID.fullmatch(task_id):
        return Ticket("kie", offer.model, task_id, config.account(key))
    raise _refusal(answer)


async def poll(tickets: Sequence[Ticket]) -> list[Report]:
    """Return what became of the tasks; one that KIE does not answer for is `silent`, one it does not know `unknown`."""
    gate = asyncio.Semaphore(POLLS_AT_ONCE)

    async def ask(ticket: Ticket) -> Report:
        async with gate:
            return _report(await _record(ticket.id, _key(ticket.account)))

    return list(await asyncio.gather(*map(ask, tickets)))


async def collect(ticket: Ticket, report: Report) -> Output:
    """Fetch the first result from KIE's own hosts; they keep it for two weeks."""
    data = await fetch.get_public(report.urls[0], hosts=_hosts(), limit=RESULT_LIMIT, timeout=_RESULT_TIMEOUT)
    return Output(data, cost=report.cost)


async def find(offer: Offer, request: Request, task_id: str) -> Ticket | None:
    """Believe in a task that was named to us when KIE's record of it holds what we sent, the upload's name included."""
    for key in config.get().kie_api_keys:
        answer = await _record(task_id, key)
        record = answer.data if answer.code == 200 and isinstance(answer.data, dict) else {}
        sent = _object(record.get("param"))
        given = _object(sent.get("input"))
        same = all(given.get(name) == value for name, value in request["input"].items())
        if same and given and sent.get("model", record.get("model")) == request["model"]:
            return Ticket("kie", offer.model, task_id, config.account(key))
    return None


def check_report(headers: Mapping[str, str], task_id: str) -> None:
    """Raise Denied unless KIE signed this task id lately; nothing to check when we share no key."""
    key = config.get().kie_webhook_key
    if not key:
        return
    stamp, given = headers.get("x-webhook-timestamp", ""), headers.get("x-webhook-signature", "")
    wanted = base64.b64encode(hmac.new(key.encode(), f"{task_id}.{stamp}".encode(), hashlib.sha256).digest())
    in_time = stamp.isdecimal() and len(stamp) < 12 and abs(time.time() - int(stamp)) <= MAX_AGE
    if not hmac.compare_digest(wanted, given.encode()) or not in_time:
        raise errors.Denied("odd_signature")


@dataclass(frozen=True)
class _KieAnswer:
    """An answer of KIE: the code in the body where there is one, else the status."""

    code: int
    message: str = ""
    data: Any = None


async def _call(method: str, path: str, key: str, timeout: timedelta, base: str = "", **request: Any) -> _KieAnswer:
    url = (base or config.get().provider_urls["kie"] or API) + path
    answer = await fetch.ask(method, url, headers={"Authorization": f"Bearer {key}"}, timeout=timeout, **request)
    body = _object(answer.body)
    code = body.get("code", answer.status if answer.status != 200 else 0)  # a 200 that says nothing is no success
    return _KieAnswer(
        code if isinstance(code, int) and 0 <= code < 1000 else 0, _words(body.get("msg")), body.get("data")
    )


async def _record(task_id: str, key: str) -> _KieAnswer:
    try:
        query = {"taskId": task_id}
        return await _call("GET", "/api/v1/jobs/recordInfo", key, timedelta(seconds=15), params=query)
    except errors.Unavailable as error:
        return _KieAnswer(0, error.detail[:300])


async def _upload(key: str, picture: bytes) -> str:
    """Upload bytes under a name that nobody else has: the same name would overwrite, and be cached."""
    name = f"{secrets.token_hex(16)}.jpg"
    try:
        answer = await _call(
            *("POST", "/api/file-stream-upload", key, _UPLOAD_TIMEOUT),
            base=config.get().provider_urls["kie"] or UPLOADS,
            files={"file": (name, picture, "image/jpeg")},
            data={"uploadPath": "lotok", "fileName": name},
        )
    except errors.Unavailable as error:
        raise errors.Unavailable("down", error.detail) from error
    found = answer.data if isinstance(answer.data, dict) else {}
    address = found.get("downloadUrl") or found.get("fileUrl")
    if answer.code != 200 or not isinstance(address, str):
        raise _refusal(answer, spent=False)
    return address


def _refusal(answer: _KieAnswer, *, spent: bool = True) -> errors.AppError:
    """Say what an answer without a task means."""
    said = f"{answer.code} {answer.message}"
    if answer.code in _NO_MONEY:
        return errors.Unavailable(_NO_MONEY[answer.code], said)
    if answer.code == 429:
        return errors.Unavailable("busy", said, timedelta(seconds=10))
    if answer.code in _AWAY:
        return errors.Unavailable(_AWAY[answer.code], said)
    if answer.code in _WRONG:
        return errors.Rejected("rules" if _RULES.search(answer.message) else "not_supported", said)
    return errors.Unavailable("maybe_made" if spent else "down", said)


def _report(answer: _KieAnswer) -> Report:
    if answer.code in (404, 422):
        return Report("unknown", error=answer.message)
    if answer.code in (408, 501):
        return Report("failed", error=f"{answer.code} {answer.message}", rules=bool(_RULES.search(answer.message)))
    if answer.code != 200 or not isinstance(answer.data, dict):
        return Report("silent", error=f"{answer.code} {answer.message}")
    state, data = str(answer.data.get("state", "")), answer.data
    if state == "fail":
        reason = f"{_words(data.get('failCode'))} {_words(data.get('failMsg'))}".strip()
        return Report("failed", error=reason, rules=bool(_RULES.search(reason)), cost=_cost(data) or 0)
    if state != "success":  # waiting, queuing, generating, and what may come
        return Report("running", _progress(data.get("progress")))
    urls = _object(data.get("resultJson")).get("resultUrls")
    good = tuple(filter(_is_address, urls)) if isinstance(urls, list) else ()
    cost = _cost(data)
    return Report("done", 1.0, good, cost) if good else Report("failed", cost=cost, error="a success without a result")


def _words(value: Any) -> str:
    """Return a line of what KIE says, fit for a row: no zero bytes, no halves of characters."""
    return typed.storable(str("" if value is None else value)[:300])


def _is_address(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= 2000 and value.isascii() and value.isprintable()


def _progress(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return min(max(number / 100 if number > 1 else number, 0.0), 1.0) if math.isfinite(number) else None


def _cost(data: dict[str, Any]) -> int | None:
    """Return what was charged; no sum that a row could not hold, however absurd."""
    credits = data.get("creditsConsumed")
    if not isinstance(credits, int | float) or isinstance(credits, bool) or not credits >= 0:  # nor NaN or infinity
        return None
    return round(min(credits, 1e8) * CREDIT)


def _object(text: Any) -> dict[str, Any]:
    """Return the object that a JSON text holds; an empty one for anything else."""
    if isinstance(text, str | bytes):
        try:
            text = json.loads(text)
        except (ValueError, RecursionError):
            return {}
    return text if isinstance(text, dict) else {}


def _key(account: str) -> str:
    """Return the key of an account; any other when it is gone."""
    keys = {config.account(key): key for key in config.get().kie_api_keys}
    if not keys:
        raise errors.Unavailable("no_access", "KIE_API_KEY is not set")
    return keys.get(account) or next(iter(keys.values()))


def _hosts() -> tuple[str, ...]:
    stand_in = config.get().provider_urls["kie"]
    parts = urlsplit(stand_in)
    return (*RESULT_HOSTS, *([f"{parts.scheme}://{parts.netloc}"] if stand_in else []))
