"""The steps of the wizard, in their order. Each does only what is not done yet, so a second run changes nothing."""

import argparse
import contextlib
import io
import os
import secrets
from pathlib import Path
from urllib.parse import urlsplit

from psycopg import sql

from lib import config, db, migrations
from ops import envfile, webhooks
from ops.doctor import faults, seeing
from ops.doctor.sight import InstallationSight
from ops.setup import words
from ops.setup.wizard import Wizard, as_role, by_suffix

SECRETS = ("WEBHOOK_SECRET", "CRON_SECRET", "APP_SECRET", "ADMIN_API_TOKEN", "METRICS_TOKEN")
# What there must be, and the other names under which an integration may have set it.
WANTED = {
    "PUBLIC_URL": (),
    "ADMIN_IDS": (),
    "DATABASE_URL_UNPOOLED": ("DATABASE_URL_UNPOOLED", "POSTGRES_URL_NON_POOLING"),
    "UPSTASH_REDIS_REST_URL": ("REDIS_REST_URL", "KV_REST_API_URL"),
    "UPSTASH_REDIS_REST_TOKEN": ("REDIS_REST_TOKEN", "KV_REST_API_TOKEN"),
    "BLOB_READ_WRITE_TOKEN": ("BLOB_READ_WRITE_TOKEN",),
}
READ_TOO = {"UPSTASH_REDIS_REST_URL": "KV_REST_API_URL", "UPSTASH_REDIS_REST_TOKEN": "KV_REST_API_TOKEN"}


async def bots(wizard: Wizard) -> None:
    """Know each bot by getMe, and ask for the token of one that has none or an odd one."""
    known = dict[int, str]()
    for bot in config.BOTS:
        name, key = f"{bot.upper()}_BOT_TOKEN", "studio_token" if bot == "studio" else "token"
        token, username = wizard.get(name), ""
        for _ in range(3):
            if token and (username := await _username(wizard, bot, token, known)):
                break
            if not (token := wizard.ask(key, wizard.refusal(name), bot=bot)):
                break
        if username and token != wizard.get(name):
            wizard.put(name, token)
        if username:
            wizard.tell("knows_bot", bot=bot, username=username)
        elif bot == "studio" or wizard.get(name):
            wizard.leave(f"vercel env add {name} production", "missing", name=name)


async def _username(wizard: Wizard, bot: str, token: str, known: dict[int, str]) -> str:
    me = await seeing.telegram(token, "getMe")
    if not me.get("ok"):
        fault = words.say(wizard.language, "bad_token", said=me.get("description", ""))
    elif known.setdefault(me["result"]["id"], bot) != bot:
        fault = words.say(wizard.language, "same_token", bot=known[me["result"]["id"]])
    else:
        return str(me["result"]["username"])
    if wizard.prints:
        print(f"✗ {fault}")
    return ""


def settings(wizard: Wizard) -> None:
    """Find what integrations have set, ask for the rest, and make the secrets."""
    for name, suffixes in WANTED.items():
        if wizard.get(name, READ_TOO.get(name, name)) or (name.startswith("BLOB") and wizard.get("STORAGE_TYPE")):
            continue
        if name == "DATABASE_URL_UNPOOLED" and wizard.get("LOTOK_ENV") == "local":
            continue  # a local Postgres has one address
        value = (by_suffix(*suffixes) if suffixes else "") or wizard.ask(name, wizard.refusal(name))
        if value:
            wizard.put(name, value)
        else:
            wizard.leave(f"vercel env add {name} production", "missing", name=name)
    for name in SECRETS:
        if not wizard.get(name):
            wizard.put(name, secrets.token_hex(24))
    if made := [name for name in SECRETS if name in wizard.made]:
        wizard.tell("made", names=", ".join(made))


async def database(wizard: Wizard) -> None:
    """Apply the migrations; let the functions come as a role that row-level security holds."""
    owner = wizard.get("DATABASE_URL_UNPOOLED", "DATABASE_URL")
    if not owner:
        return
    async with db.connect(owner) as conn:
        wizard.tell("migrated", number=len(await migrations.apply(conn)))
        role = f"lotok_app{await migrations.SQL.roles_end.one(conn, str)}"
        if urlsplit(wizard.get("LOTOK_DATABASE_URL", "DATABASE_URL")).username == role:
            return
        password = secrets.token_hex(24)
        logs_in = sql.SQL("alter role {} login password {}").format(sql.Identifier(role), password)
        await conn.execute(logs_in)
    wizard.put("LOTOK_DATABASE_URL", as_role(owner, role, password))
    wizard.tell("role", role=role)


def keep(wizard: Wizard, file: Path) -> None:
    """Write what was made where only its owner reads it, and say how the deployment gets it."""
    if not wizard.made:
        return
    envfile.write(file, wizard.made)
    wizard.tell("kept", file=str(file))
    for name in wizard.made:
        mend = f"grep '^{name}=' {file} | cut -d= -f2- | tr -d '\\n' | vercel env add {name} production --force"
        wizard.leave(mend, "add", name=name)
    wizard.leave("vercel deploy --prod", "deploy")


async def telegram(wizard: Wizard) -> None:
    """Tell Telegram all it needs, once the deployment answers; twice changes nothing."""
    with contextlib.redirect_stdout(io.StringIO()):
        await webhooks.run(argparse.Namespace(show=False, remove=False))
    wizard.tell("hooked")


async def verify(wizard: Wizard) -> None:
    """Have the deployment itself reach everything, and let the doctor name what is still wrong."""
    sight = await seeing.see()
    if sight.site and sight.site.is_ours and not sight.site.error and any(one.id for one in sight.bots.values()):
        await telegram(wizard)
        sight = await seeing.see()
    _trips(wizard, sight)
    for one in faults.find(sight, wizard.language):
        if one.level == "fault":
            wizard.left.append({"what": one.what, "mend": one.mend})


def _trips(wizard: Wizard, sight: InstallationSight) -> None:
    whole = sight.site.whole if sight.site else {}
    if whole and all(whole[one]["state"] == "available" for one in ("database", "redis")):
        wizard.tell("trip", database=whole["database"]["ms"], redis=whole["redis"]["ms"])
    if not sight.blob and sight.get("STORAGE_TYPE") != "local" and os.environ.get("BLOB_READ_WRITE_TOKEN"):
        wizard.tell("file_trip")
