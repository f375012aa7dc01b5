"""GigaChat where OPENAI_BASE_URL leads there: its own form of tools, tokens of half an hour, and its root certificate.

It speaks chat completions with functions in place of tools and refuses fields that it does not know. OPENAI_API_KEY is
the authorization key; the certificate of OPENAI_CA is trusted for this client alone.
"""

import asyncio
import http.client
import json
import ssl
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from typing import Any
from urllib.parse import urlsplit

from lib import config, errors

TOKENS = "https://ngw.devices.sberbank.ru:9443/api/v2/oauth"
_KNOWN = ("model", "messages", "stream", "max_tokens", "functions", "function_call")
PERSONAL = "GIGACHAT_API_PERS"
_EARLY = 60.0  # seconds before its end a token counts as over

_tokens: dict[str, tuple[str, float]] = {}


def speaks(address: str) -> bool:
    """Tell whether an address is GigaChat's."""
    host = urlsplit(address).hostname or ""
    return host == "api.giga.chat" or host.startswith("gigachat.")


def body(asked: dict[str, Any]) -> dict[str, Any]:
    """Return a request as GigaChat takes it."""
    made = {**asked, "messages": _messages(asked["messages"])}
    made["max_tokens"] = asked.get("max_completion_tokens") or asked.get("max_tokens") or 500
    if asked.get("tools"):
        made |= {"functions": [one["function"] for one in asked["tools"]], "function_call": "auto"}
    return {name: made[name] for name in _KNOWN if name in made}


def _messages(told: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return messages with one call of a function each, and its answer under the function's name."""
    names = {call["id"]: call["function"] for one in told for call in one.get("tool_calls") or ()}
    made: list[dict[str, Any]] = []
    for one in told:
        if one["role"] == "tool":
            called = names.get(one["tool_call_id"], {"name": "", "arguments": "{}"})
            call = {"name": called["name"], "arguments": json.loads(called["arguments"])}
            made.append({"role": "assistant", "content": "", "function_call": call})
            made.append({"role": "function", "name": called["name"], "content": one["content"]})
        elif not one.get("tool_calls"):
            made.append(one)
    return made


async def token() -> str:
    """Return a token that holds for a while yet."""
    key = config.get().openai_api_key
    known, until = _tokens.get(key, ("", 0.0))
    if not known or time.time() > until - _EARLY:
        known, until = await asyncio.to_thread(_ask, key)
        _tokens[key] = (known, until)
    return known


def tls() -> ssl.SSLContext:
    """Return the trust for this client: the usual roots, and the one of the settings."""
    trust = ssl.create_default_context()
    if config.get().openai_ca:
        trust.load_verify_locations(cadata=config.get().openai_ca)
    return trust


def _ask(key: str) -> tuple[str, float]:
    settings = config.get()
    form = urllib.parse.urlencode({"scope": settings.gigachat_scope or PERSONAL}).encode()
    headers = {"Authorization": f"Basic {key}", "RqUID": str(uuid.uuid4()), "Accept": "application/json"}
    request = urllib.request.Request(settings.gigachat_auth_url or TOKENS, form, headers)  # noqa: S310 - a setting
    try:
        with urllib.request.urlopen(request, timeout=5, context=tls()) as answer:  # noqa: S310
            told = json.load(answer)
        return str(told["access_token"]), float(told["expires_at"]) / 1000
    except urllib.error.HTTPError as refusal:
        raise errors.Unavailable("no_access", f"GigaChat gives no token: {refusal.code}") from None
    except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError, RecursionError) as fault:
        raise errors.Unavailable("down", f"GigaChat gives no token: {type(fault).__name__}") from None
