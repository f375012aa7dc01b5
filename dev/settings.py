"""What the local stack runs with: defaults that need no account, overlaid by .env. What .env gives is the real service.

DATABASE_URL, UPSTASH_REDIS_REST_URL, BLOB_READ_WRITE_TOKEN and a bot's token in .env each replace one stand-in.
"""

import re
from collections.abc import Mapping
from pathlib import Path

from dev.telegram import Account, cast
from lib import config, errors

BOTS = ("studio", "client", "partner", "admin")  # those that have flows; tests/dev/test_stack.py compares them

# Not secret: they guard ports that only this machine can reach.
LOCAL = {
    "LOTOK_ENV": "local",
    "WEBHOOK_SECRET": "local-webhook-secret",
    "CRON_SECRET": "local-cron-secret",
    "APP_SECRET": "local-app-secret",
    "ADMIN_API_TOKEN": "local-admin-api-token",
    "ADMIN_IDS": "1005",
}
REDIS_TOKEN = "local-redis-token"
AI = {
    "KIE_API_KEY": "local-kie-key-one,local-kie-key-two",
    "KIE_WEBHOOK_KEY": "local-kie-webhook-key",
    "OPENAI_API_KEY": "local-openai-key",
}
BLOB_TOKEN = "vercel_blob_rw_local0000000000_0000000000000000"

_LINE = re.compile(r"(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*)")


def read_env(path: Path | None) -> dict[str, str]:
    """Return what a .env file sets; raise Misconfigured naming the line that is not `NAME=value`."""
    if path is None or not path.is_file():
        return {}
    found = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        match = _LINE.fullmatch(line.strip())
        if not match:
            raise errors.Misconfigured(detail=f"{path.name}, line {number} is not NAME=value")
        found[match[1]] = _unquote(match[2])
    return {name: value for name, value in found.items() if value}


def _unquote(value: str) -> str:
    if len(value) > 1 and value[0] in "'\"" and value.endswith(value[0]):
        return value[1:-1]
    return re.sub(r"\s+#.*", "", value).strip()


def real(given: Mapping[str, str]) -> set[str]:
    """Return the parts for which `given` names a real service."""
    marks = {
        "postgres": ("DATABASE_URL",),
        "upstash": ("UPSTASH_REDIS_REST_URL", "KV_REST_API_URL"),
        "blob": ("BLOB_READ_WRITE_TOKEN",),
        "kie": ("KIE_API_KEY",),
        "openai": ("OPENAI_API_KEY",),
        "telegram": tuple(f"{bot.upper()}_BOT_TOKEN" for bot in config.BOTS),
    }
    return {part for part, names in marks.items() if any(given.get(name) for name in names)}


def accounts() -> list[Account]:
    """Return the bots that the Telegram stand-in has."""
    return [account for account in cast.BOTS if account.name in BOTS]


def complete(
    given: Mapping[str, str], *, page: str, deployment: str, database_url: str, ai: bool = False
) -> dict[str, str]:
    """Return every setting of the functions; raise Misconfigured when one is odd or a real bot cannot be reached.

    With `ai` the stand-ins of the generation providers are used where .env names no real one.
    """
    outside = real(given)
    made = LOCAL | {"PUBLIC_URL": deployment}
    if ai and not outside & {"kie", "openai"}:
        made |= AI | {"KIE_API_URL": f"{page}/kie", "OPENAI_BASE_URL": f"{page}/openai/v1"}
    if "postgres" not in outside:
        made["DATABASE_URL"] = database_url
    if "upstash" not in outside:
        made |= {"UPSTASH_REDIS_REST_URL": f"{page}/upstash", "UPSTASH_REDIS_REST_TOKEN": REDIS_TOKEN}
    if "blob" not in outside:
        made |= {"BLOB_READ_WRITE_TOKEN": BLOB_TOKEN, "VERCEL_BLOB_API_URL": f"{page}/blob"}
    if "telegram" not in outside:
        made["TELEGRAM_API_URL"] = f"{page}/telegram"
        made |= {f"{account.name.upper()}_BOT_TOKEN": account.token for account in accounts()}
    elif not given.get("PUBLIC_URL", "").startswith("https://"):
        raise errors.Misconfigured(
            detail=f"PUBLIC_URL must be the https address of a tunnel to {deployment}: a real bot's token is in .env"
        )
    settings = made | dict(given)
    config.load(settings)
    return settings
