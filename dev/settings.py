"""The settings of the local stack: defaults that need no account, overlaid by .env, which names the real services.

DATABASE_URL, UPSTASH_REDIS_REST_URL, BLOB_READ_WRITE_TOKEN and a bot's token in .env each replace one stand-in.
"""

import json
import secrets
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from dev import generation, neon
from dev.telegram import Account, cast
from lib import config, errors
from ops import envfile

BOTS = ("studio", "client", "partner", "admin")  # those that have flows; tests/dev/test_stack.py compares them

LOCAL = {"LOTOK_ENV": "local", "ADMIN_IDS": "1005"}
GUARDS = ("WEBHOOK_SECRET", "CRON_SECRET", "APP_SECRET", "ADMIN_API_TOKEN", "METRICS_TOKEN")
OTHER_KEYS = ("UPSTASH_REDIS_REST_TOKEN", "NEON_API_KEY")


def strangers(given: Mapping[str, str]) -> list[str]:
    """Return the names that are no settings; raise Misconfigured for one that is nearly the name of a setting."""
    found = envfile.unknown(given)
    for name, near in found.items():
        if near:
            raise errors.Misconfigured(detail=f"there is no setting {name}; the nearest is {near}")
    return [*found]


def real(given: Mapping[str, str]) -> set[str]:
    """Return the parts for which `given` names a real service."""
    marks = {
        "postgres": ("DATABASE_URL", "LOTOK_DATABASE_URL"),
        "upstash": ("UPSTASH_REDIS_REST_URL", "KV_REST_API_URL"),
        "blob": ("BLOB_READ_WRITE_TOKEN",),
        "neon": ("NEON_API_KEY",),
        **{name: (key,) for name, (key, _) in config.PROVIDERS.items()},
        "telegram": tuple(f"{bot.upper()}_BOT_TOKEN" for bot in config.BOTS),
    }
    return {part for part, names in marks.items() if any(given.get(name) for name in names)}


def own_secrets(folder: Path) -> dict[str, str]:
    """Return the secrets of the parts of one checkout: random, made at its first start, kept for the next one.

    The ports are within reach of every program of this machine, and of a browser that a page has talked round.
    """
    path = folder / "secrets.json"
    known: dict[str, str] = json.loads(path.read_text()) if path.is_file() else {}
    made = {name: f"local-{secrets.token_hex(24)}" for name in (*GUARDS, *OTHER_KEYS)}
    made |= {
        name: ",".join(f"local-{secrets.token_hex(24)}" for _ in range(n)) for name, n in generation.SECRETS.items()
    }
    made["BLOB_READ_WRITE_TOKEN"] = f"vercel_blob_rw_local0000000000_{secrets.token_hex(16)}"
    made |= {f"{one.name.upper()}_BOT_TOKEN": f"{one.user['id']}:{secrets.token_hex(18)}" for one in cast.BOTS}
    if made.keys() - known.keys():
        folder.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(json.dumps(made | known))
    return made | known


def accounts(own: Mapping[str, str]) -> list[Account]:
    """Return the bots that the Telegram stand-in has."""
    return [
        replace(account, token=own[f"{account.name.upper()}_BOT_TOKEN"])
        for account in cast.BOTS
        if account.name in BOTS
    ]


def complete(
    given: Mapping[str, str],
    own: Mapping[str, str],
    *,
    page: str,
    deployment: str,
    database_url: str,
    ai: bool = False,
) -> dict[str, str]:
    """Return every setting of the functions; raise Misconfigured when one is odd or a real bot cannot be reached.

    `own` are the secrets of this checkout. With `ai` the stand-ins of the generation providers are used where .env
    names no real one.
    """
    outside = real(given)
    made = LOCAL | {name: own[name] for name in GUARDS} | {"PUBLIC_URL": deployment}
    if ai and not outside & {*config.PROVIDERS}:
        made |= {name: own[name] for name in generation.SECRETS} | generation.settings(page)
    if "postgres" not in outside:
        made["DATABASE_URL"] = database_url
        if "neon" not in outside:
            local = {"NEON_API_URL": f"{page}/neon", "NEON_PROJECT_ID": neon.PROJECT}
            made |= local | {"NEON_API_KEY": own["NEON_API_KEY"]}
    if "upstash" not in outside:
        token = own["UPSTASH_REDIS_REST_TOKEN"]
        made |= {"UPSTASH_REDIS_REST_URL": f"{page}/upstash", "UPSTASH_REDIS_REST_TOKEN": token}
    if "blob" not in outside:
        made |= {"BLOB_READ_WRITE_TOKEN": own["BLOB_READ_WRITE_TOKEN"], "VERCEL_BLOB_API_URL": f"{page}/blob"}
    if "telegram" not in outside:
        made["TELEGRAM_API_URL"] = f"{page}/telegram"
        made |= {f"{account.name.upper()}_BOT_TOKEN": account.token for account in accounts(own)}
    elif not given.get("PUBLIC_URL", "").startswith("https://"):
        raise errors.Misconfigured(
            detail=f"PUBLIC_URL must be the https address of a tunnel to {deployment}: a real bot's token is in .env"
        )
    settings = made | dict(given)
    config.load(settings)
    return settings
