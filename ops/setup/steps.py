"""The steps of the wizard, in their order. Each does only what is not done yet, so a second run changes nothing."""

import argparse
import asyncio
import contextlib
import io
import os
import secrets
from urllib.parse import urlsplit

from psycopg import sql

from lib import config, db, migrations
from ops import envfile, webhooks
from ops.doctor import faults, looks, seeing
from ops.doctor.sight import InstallationSight
from ops.setup import vercel, words
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
_BY_HAND = [name for name, suffixes in WANTED.items() if not suffixes]  # no integration sets them
TICK_LOOKS, TICK_PAUSE = 24, 5.0  # how often, and after how many seconds each, the first cron is looked for
READ_TOO = {"UPSTASH_REDIS_REST_URL": "KV_REST_API_URL", "UPSTASH_REDIS_REST_TOKEN": "KV_REST_API_TOKEN"}


def found(wizard: Wizard) -> bool:
    """Take the settings of the file, and those of the project that Vercel lets be read; the file's go first.

    False when Vercel does not say what the project has: another secret must not be made in place of one that is there.
    """
    if wizard.file.is_file():
        wizard.hidden = envfile.take(str(wizard.file))
    is_told = not vercel.is_linked() or _pulled(wizard)
    envfile.as_production()
    return is_told


def _pulled(wizard: Wizard) -> bool:
    wizard.theirs, fault = vercel.pull(keeps=not wizard.dry)
    if fault:
        wizard.leave("vercel login", "not_pulled", said=fault)
        return False
    wizard.is_linked = True
    hidden = {name for name, value in wizard.theirs.items() if value == envfile.HIDDEN}
    os.environ.update({name: wizard.theirs[name] for name in wizard.theirs.keys() - hidden if not wizard.get(name)})
    config.get.cache_clear()
    wizard.hidden = frozenset(name for name in wizard.hidden | hidden if not wizard.get(name))
    wizard.tell("pulled", number=len(wizard.theirs))
    return True


async def bots(wizard: Wizard) -> None:
    """Know each bot by getMe, and ask for the token of one that has none or an odd one."""
    known = dict[int, str]()
    for bot in config.BOTS:
        name, key = f"{bot.upper()}_BOT_TOKEN", "studio_token" if bot == "studio" else "token"
        token, username = wizard.get(name), ""
        for _ in range(3):
            if token and (username := await _username(wizard, bot, token, known)):
                break
            if not (token := wizard.ask(key, wizard.refusal(name), bot=bot, what=wizard.say(bot))):
                break
        if username and token != wizard.get(name):
            wizard.put(name, token)
        if username:
            wizard.usernames.append(username)
            wizard.tell("knows_bot", bot=bot, username=username)
        elif (bot == "studio" or wizard.get(name)) and name not in wizard.hidden:
            _leave_missing(wizard, name)


def _leave_missing(wizard: Wizard, name: str) -> None:
    wizard.leave(wizard.say("write", name=name, file=wizard.file), "missing", name=name)


async def _username(wizard: Wizard, bot: str, token: str, known: dict[int, str]) -> str:
    me = await seeing.telegram(token, "getMe")
    if not me.get("ok"):
        fault = wizard.say("bad_token", said=me.get("description", ""))
    elif known.setdefault(me["result"]["id"], bot) != bot:
        fault = wizard.say("same_token", bot=known[me["result"]["id"]])
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
        there = _hidden_as(wizard, name, suffixes)
        value = by_suffix(*suffixes) if suffixes else ""
        if there and not value and wizard.asks:
            wizard.wait("hidden_here", name=there, where=words.where(wizard.language, name))
        if value := value or wizard.ask(name, wizard.refusal(name)):
            wizard.put(name, value)
        elif there:
            wizard.leave(_look_up(wizard, name), "hidden_one", name=there)
        elif name not in wizard.hidden:
            _leave_missing(wizard, name)
    for name in SECRETS:
        # One that Vercel hides is at work: another in its place would lock out what was made by it.
        if not wizard.get(name) and name not in wizard.hidden:
            wizard.put(name, secrets.token_hex(24))
    if made := [name for name in SECRETS if name in wizard.made]:
        wizard.tell("made", names=", ".join(made))
    ours = {*SECRETS, *_BY_HAND, *(f"{bot.upper()}_BOT_TOKEN" for bot in config.BOTS)}
    if hidden := sorted(name for name in wizard.hidden & ours if not wizard.get(name)):
        wizard.leave(wizard.say("bring"), "hidden", names=", ".join(hidden), file=wizard.file)


def _hidden_as(wizard: Wizard, name: str, suffixes: tuple[str, ...]) -> str:
    """Return the name under which Vercel has, and hides, what an integration has set; '' where it has none."""
    return next((one for one in sorted(wizard.hidden) if suffixes and one.endswith((name, *suffixes))), "")


def _look_up(wizard: Wizard, name: str) -> str:
    return wizard.say("look_up", name=name, file=wizard.file, where=words.where(wizard.language, name))


async def database(wizard: Wizard) -> None:
    """Apply the migrations; let the functions come as a role that row-level security holds."""
    owner = wizard.get("DATABASE_URL_UNPOOLED", "DATABASE_URL")
    if not owner:
        return
    async with db.connect(owner) as conn:
        number = await _migrate(wizard, conn)
        wizard.tell("migrated" if number else "migrated_none", number=number)
        role = f"lotok_app{await migrations.SQL.roles_end.one(conn, str)}"
        is_ours = urlsplit(wizard.get("LOTOK_DATABASE_URL", "DATABASE_URL")).username == role
        if is_ours or "LOTOK_DATABASE_URL" in wizard.hidden:
            return
        password = secrets.token_hex(24)
        logs_in = sql.SQL("alter role {} login password {}").format(sql.Identifier(role), password)
        if not wizard.dry:
            await conn.execute(logs_in)
    wizard.put("LOTOK_DATABASE_URL", as_role(owner, role, password))
    wizard.tell("role", role=role)


async def _migrate(wizard: Wizard, conn: db.Connection) -> int:
    if wizard.dry:
        return sum(one.state == "pending" for one in await migrations.status(conn))
    return len(await migrations.apply(conn))


def keep(wizard: Wizard) -> None:
    """Write what was made where only its owner reads it, and have the deployment get it."""
    save(wizard)
    if wizard.made:
        wizard.tell("kept", file=str(wizard.file))
    if owed := _owed(wizard):
        _hand_over(wizard, owed)


def save(wizard: Wizard) -> None:
    """Write what was answered and made, also when Ctrl-C ends the wizard: nobody types a token twice."""
    if wizard.made and not wizard.dry:
        envfile.write(wizard.file, wizard.made)


def _owed(wizard: Wizard) -> list[str]:
    """Return the names of settings that the deployment has not: what was made now, or earlier and never handed over.

    Where nobody tells what it has, all of the file go with the new ones: to set one again changes nothing.
    """
    ours = _ours(wizard)
    if not wizard.is_linked:
        return [*dict.fromkeys([*wizard.made, *ours])] if wizard.made else _changed(wizard, ours)
    owed = [name for name, value in ours.items() if not _is_there(wizard, name, value)]
    made = [name for name in wizard.made if not (WANTED.get(name) and _is_there(wizard, name, wizard.made[name]))]
    return [*dict.fromkeys([*made, *owed])]


def _changed(wizard: Wizard, ours: dict[str, str]) -> list[str]:
    """Return what was changed in the file since a person was told to hand it over, or since the first look."""
    told = wizard.file.parent / vercel.TOLD
    if ours and not told.is_file() and not wizard.dry:
        vercel.note(ours, told)
    return [name for name, value in ours.items() if told.is_file() and not vercel.knows(name, value, told)]


def _is_there(wizard: Wizard, name: str, value: str) -> bool:
    """Whether Vercel has this value. A secret that nothing is noted of counts as the one it has, from now on."""
    there = wizard.theirs.get(name, "")
    if there != envfile.HIDDEN:
        return there == value
    known = vercel.knows(name, value)
    # What was made here is nobody's but ours; what an integration has set was only looked up by the person.
    if known is None and not wizard.dry and (name not in wizard.made or WANTED.get(name)):
        vercel.note({name: value})
        return True
    return known is not False


def _ours(wizard: Wizard) -> dict[str, str]:
    """Return what the file says of settings that are not the platform's own."""
    known = envfile.known() - {*envfile.OF_THE_PLATFORM}
    return {name: value for name, value in envfile.read(wizard.file).items() if name in known}


def _hand_over(wizard: Wizard, names: list[str]) -> None:
    """Give settings to Vercel and deploy, or say how that is done; until it is, nothing can be seen at work."""
    listed = ", ".join(names)
    wizard.waits = not wizard.dry
    if wizard.dry:
        wizard.tell("pushed", names=listed)
    elif wizard.is_linked and wizard.agrees("push", unasked=wizard.hands_over, names=listed):
        if _push(wizard, names) and wizard.agrees("deploy_now", unasked=False):
            _deploy(wizard)
        else:
            wizard.leave(vercel.DEPLOY, "deploy")
    else:
        if not vercel.is_here():
            wizard.leave("npm i -g vercel", "no_vercel")
        if not vercel.LINK.is_file():
            wizard.leave("vercel link", "not_linked")
        if not wizard.is_linked:  # nobody tells whether that is done, only whether the file says something else later
            vercel.note({name: wizard.get(name) for name in names}, wizard.file.parent / vercel.TOLD)
        wizard.leave(vercel.block(names, wizard.file), "add", names=listed)
        wizard.leave(vercel.DEPLOY, "deploy")


def _push(wizard: Wizard, names: list[str]) -> bool:
    """Set each at Vercel and say whether it took them all."""
    faults = {name: said for name in names if (said := vercel.push(name, wizard.get(name)))}
    for name, said in faults.items():
        wizard.leave(vercel.block([name], wizard.file), "not_pushed", name=name, said=said)
    if taken := [name for name in names if name not in faults]:
        wizard.tell("pushed", names=", ".join(taken))
    return not faults


def _deploy(wizard: Wizard) -> None:
    if vercel.deploy():
        wizard.waits = False
        wizard.tell("deployed")
    else:
        wizard.leave(vercel.DEPLOY, "not_deployed")


async def verify(wizard: Wizard) -> None:
    """Have the deployment itself reach everything, and let the doctor name what is still wrong."""
    if wizard.dry and wizard.usernames:
        wizard.tell("hooked")
    elif not (wizard.dry or wizard.waits):
        await _verify(wizard)


async def _verify(wizard: Wizard) -> None:
    sight = await seeing.see(hidden=wizard.hidden)
    if _has_ours(sight) and any(one.id for one in sight.bots.values()):
        await _telegram(wizard)
        await _first_tick(wizard, sight)
        sight = await seeing.see(hidden=wizard.hidden)
    _trips(wizard, sight)
    for one in faults.find(sight, wizard.language):
        if one.level == "fault":
            wizard.left.append({"what": one.what, "mend": _mend(wizard, one)})


def _has_ours(sight: InstallationSight) -> bool:
    """Whether the deployment answers with our secrets: with others it would refuse what Telegram brings with ours."""
    site = sight.site
    return bool(site and site.is_ours and not site.error and site.status != 403 and not [*looks.secret_differs(sight)])


def _mend(wizard: Wizard, one: faults.Finding) -> str:
    """Return the command for a fault; where the deployment lacks our settings, the one that hands all of them over."""
    if one.name in ("token_differs", "secret_differs"):
        return f"{vercel.block([*_ours(wizard)], wizard.file)} && {vercel.DEPLOY}"
    return one.mend


async def _telegram(wizard: Wizard) -> None:
    """Tell Telegram all it needs; twice changes nothing."""
    with contextlib.redirect_stdout(io.StringIO()):
        await webhooks.run(argparse.Namespace(show=False, remove=False, here=False))
    wizard.tell("hooked")


async def _first_tick(wizard: Wizard, sight: InstallationSight) -> None:
    """Wait for the cron of a new deployment: it comes within a minute or two, and only then everything works."""
    if not sight.is_often or not sight.redis or sight.redis.error or sight.redis.cron_at:
        return
    wizard.wait("cron_waits")
    for _ in range(TICK_LOOKS):
        await asyncio.sleep(TICK_PAUSE)
        found = await seeing.redis()
        if found and found.cron_at:
            wizard.tell("cron_came")
            return


def _trips(wizard: Wizard, sight: InstallationSight) -> None:
    whole = sight.site.whole if sight.site else {}
    if whole and all(whole[one]["state"] == "available" for one in ("database", "redis")):
        wizard.tell("trip", **{one: max(1, round(whole[one]["ms"])) for one in ("database", "redis")})
    if not sight.blob and sight.get("STORAGE_TYPE") != "local" and wizard.get("BLOB_READ_WRITE_TOKEN"):
        wizard.tell("file_trip")
