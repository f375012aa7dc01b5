"""Looks at an installation from outside, as its operator: nothing is changed but a key of a minute and a file, which

is deleted at once. What does not answer is told as such and stops no other look.
"""

import asyncio
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import psycopg

from lib import cache, config, counters, db, errors, fetch, migrations, storage
from lib.jobs import kick
from lib.reach import alerts, health, plan, snapshot
from ops import webhooks
from ops.doctor.sight import BaseSight, BotSight, InstallationSight, RedisSight, SiteSight
from ops.serving import routes

ROOT = Path(__file__).parents[2]
PATIENCE = timedelta(seconds=15)
KEYS = {
    "kie": ("https://api.kie.ai", "/api/v1/chat/credit"),
    "openai": ("https://api.openai.com/v1", "/models"),
}


async def see(*, hosting: str = "", files: bool = True, hidden: frozenset[str] = frozenset()) -> InstallationSight:
    """Return what there is to see; with `files` one is kept and deleted. `hidden` are set, but not told to us."""
    bare = replace(_at_home(hosting), hidden=hidden)
    works = (_bots(), _site(), _base(), redis(), _blob() if files else _nothing(), _keys(), _strangers(), _used())
    bots, site, base, shelf, blob, keys, strangers, used = await asyncio.gather(*works)
    return replace(
        bare, bots=bots, site=site, base=base, redis=shelf, blob=blob, keys=keys, strangers=strangers, **used
    )


def _at_home(hosting: str) -> InstallationSight:
    """Return what the settings and the checkout say."""
    settings = config.get()
    site = json.loads((ROOT / "vercel.json").read_text(encoding="utf-8"))
    return InstallationSight(
        env=dict(os.environ),
        complaints=tuple(settings.complaints()),
        environment=_or(lambda: settings.environment, "production"),
        hosting=hosting,
        crons=tuple(one["schedule"] for one in site["crons"]),
        functions=len(routes.entries(ROOT)),
        updates=webhooks.UPDATES,
        newest=migrations.available()[-1].name,
        marks=_or(lambda: health.deployment()["secrets"], {}),
    )


def _or[T](read: Callable[[], T], default: T) -> T:
    """Return what a setting says, or the default when it is odd: the complaints tell that."""
    try:
        return read()
    except errors.Misconfigured:
        return default


async def _nothing() -> str:
    return ""


async def _bots() -> dict[str, BotSight]:
    tokens = _or(lambda: config.get().bot_tokens, {})
    names = [bot for bot in config.BOTS if tokens.get(bot)]
    return dict(zip(names, await asyncio.gather(*(_bot(tokens[name]) for name in names)), strict=True))


async def _bot(token: str) -> BotSight:
    me, hook = await asyncio.gather(telegram(token, "getMe"), telegram(token, "getWebhookInfo"))
    if not me.get("ok"):
        return BotSight(error=str(me.get("description", "no answer")))
    return BotSight(me["result"]["id"], me["result"].get("username", ""), hook=hook.get("result") or {})


async def telegram(token: str, method: str, **query: Any) -> dict[str, Any]:
    """Return what the Bot API answers, a refusal as well; its `description` says so when it does not answer."""
    url = f"{config.get().telegram_api_url}/bot{token}/{method}"
    return await _json("GET", url, params=query)


async def _json(method: str, url: str, **request: Any) -> dict[str, Any]:
    try:
        answer = await fetch.ask(method, url, timeout=PATIENCE, **request)
        found = json.loads(answer.body)
    except errors.AppError as error:
        return {"description": error.detail}
    except ValueError:
        return {"description": f"status {answer.status}, and no JSON"}
    return dict(found) if isinstance(found, dict) else {"description": "an answer of an odd shape"}


async def _site() -> SiteSight | None:
    url = _or(lambda: config.get().public_url, "")
    if not url:
        return None
    try:
        bare = await fetch.ask("GET", f"{url}/api/health", headers=config.get().pass_headers, timeout=PATIENCE)
    except errors.AppError as error:
        return SiteSight(error=error.detail or error.code)
    is_ours = "redis" in _dict(bare.body)
    if (
        not is_ours and bare.status >= 500
    ):  # of a proxy, or of the platform: the address is right, and nobody is behind it
        return SiteSight(error=f"status {bare.status}")
    status, whole = await _told(url) if is_ours else (0, {})
    return SiteSight("", is_ours, "x-vercel-id" in bare.headers, _date(bare.headers.get("date", "")), status, whole)


async def _told(url: str) -> tuple[int, dict[str, Any]]:
    """Return what the deployment tells an operator, who comes with the token."""
    token = _or(lambda: config.get().admin_api_token, "")
    if not token:
        return 0, {}
    headers = {"Authorization": f"Bearer {token}", **config.get().pass_headers}
    try:
        answer = await fetch.ask("GET", f"{url}/api/health", headers=headers, timeout=PATIENCE)
    except errors.AppError:
        return 0, {}
    return answer.status, _dict(answer.body) if answer.status in (200, 503) else {}


def _dict(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _date(value: str) -> datetime | None:
    try:
        return parsedate_to_datetime(value).astimezone(UTC)
    except ValueError:
        return None


async def _base() -> BaseSight | None:
    """See the database as the functions do, and the migrations by the same way: they may be read by the functions."""
    url = _or(lambda: config.get().database_url, "")
    if not url:
        return None
    try:
        async with asyncio.timeout(PATIENCE.total_seconds()), db.connect(url) as conn:
            return BaseSight("", await health.who(conn), tuple(await migrations.status(conn)))
    except (errors.AppError, psycopg.Error, TimeoutError) as error:
        return BaseSight(" ".join(str(getattr(error, "detail", "") or error or "no answer in time").split()))


async def redis() -> RedisSight | None:
    """Write a key for a minute, read the cron's mark, and ask what happens to a full database."""
    url, token = _or(lambda: config.get().redis_url, ""), _or(lambda: config.get().redis_token, "")
    if not url or not token:
        return None
    commands = [["SET", cache.key("doctor"), "1", "EX", 60], ["GET", cache.key(kick.MARK)], ["INFO"]]
    headers = {"Authorization": f"Bearer {token}"}
    try:
        answer = await fetch.ask("POST", f"{url}/pipeline", json=commands, headers=headers, timeout=PATIENCE)
        found = json.loads(answer.body)
    except (errors.AppError, ValueError) as error:
        return RedisSight(str(getattr(error, "detail", error)) or "no answer")
    if not isinstance(found, list) or len(found) != len(commands):
        return RedisSight(f"{answer.status} {found.get('error', '') if isinstance(found, dict) else ''}".strip())
    return read_redis(found)


def read_redis(found: list[dict[str, Any]]) -> RedisSight:
    """Read what Redis answered to a write, the cron's mark and INFO, which not every one gives."""
    written, mark, info = found
    at, is_often = kick.mark_of(mark.get("result"))
    lines = str(info.get("result", "")).splitlines()
    policy = next((line.partition(":")[2] for line in lines if line.startswith("maxmemory_policy:")), "")
    return RedisSight(str(written.get("error", "")), policy.strip(), at, is_often)


async def _blob() -> str:
    """Keep a file, read it and delete it; return why that did not work."""
    settings = config.get()
    if _or(lambda: settings.storage_type, "") != "blob":
        return ""
    try:
        at = await storage.put("doctor", b"lotok", job_id="look", ext="txt", content_type="text/plain")
        kept = await storage.get(at)
        await storage.delete(at)
    except errors.AppError as error:
        return error.detail or error.code
    return "" if kept == b"lotok" else "a file came back changed"


async def _keys() -> dict[str, int]:
    return {name: status for name in KEYS if (status := await _key(name))}


async def _key(provider: str) -> int:
    """Return the status that a provider's key gets, 0 where there is none; GigaChat's is no key of OpenAI."""
    settings = config.get()
    keys = _or(lambda: settings.provider_keys.get(provider, ()), ())
    if not keys or (provider == "openai" and settings.gigachat_scope):
        return 0
    base, path = KEYS[provider]
    url = _or(lambda: settings.provider_urls.get(provider, ""), "") or base
    try:
        answer = await fetch.ask("GET", url + path, headers={"Authorization": f"Bearer {keys[0]}"}, timeout=PATIENCE)
    except errors.AppError:
        return 0
    return _status(answer.status, _dict(answer.body))


def _status(status: int, body: Mapping[str, Any]) -> int:
    """Return the status that is meant: KIE.ai answers 200 and says it in the body."""
    code = body.get("code")
    return code if isinstance(code, int) else status


async def _strangers() -> tuple[int, ...]:
    """Return the administrators of whom the admin bot knows no chat."""
    token = _or(lambda: config.get().bot_tokens.get("admin", ""), "")
    ids = sorted(_or(lambda: config.get().admin_ids, frozenset())) if token else []
    chats = await asyncio.gather(*(telegram(token, "getChat", chat_id=one) for one in ids))
    return tuple(one for one, chat in zip(ids, chats, strict=True) if chat.get("error_code") == 400)


async def _used() -> dict[str, Any]:
    """Return which part of the plans is used up and when a backup was tried, as far as Redis and Postgres tell."""
    try:
        totals, (month, hours, blob, backup) = await counters.totals(plan.MONTH, plan.NEON, plan.BLOB, alerts.BACKUP)
        start = plan.begin(plan.MonthStart.read(month), totals, datetime.now(UTC))
        told = {"neon_hours": plan.told_hours(hours), "stored": plan.told_bytes(blob), "size": await _size()}
        used = plan.used(start, totals, **told)
        return {"plan": plan.shares(used), "backup_at": int(backup or 0)}
    except errors.AppError:
        return {}


async def _size() -> int:
    found = snapshot.Snapshot.read(await cache.get(snapshot.KEY))
    return found.size if found else 0
