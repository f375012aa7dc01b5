"""How each fault is recognised: functions from what was seen to the cases of a fault, each with what its words need."""

import re
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

from ops import envfile
from ops.doctor.sight import Facts, InstallationSight

type Look = Callable[[InstallationSight], Iterator[Facts]]

SECRETS = ("WEBHOOK_SECRET", "CRON_SECRET", "APP_SECRET", "ADMIN_API_TOKEN")
# What the integrations of Vercel, Neon and Upstash set besides: no slips of the pen.
OF_OTHERS = re.compile(r"(VERCEL|POSTGRES|PG|NEXT|TURBO|NX|LOTOK|BLOB_STORE|BLOB_WEBHOOK|KV|REDIS|STORAGE_URL)_?\w*")
PENDING, RECENT, SKEW, FAR = 100, 3600, 30, 20
CRON_SILENT, BACKUP_OLD, NEARLY = 600, 8 * 86_400, 0.7
MOST_FUNCTIONS = 12
# Only a superuser takes that from our own role; another role is not the one to come as.
WALL = 'psql "$DATABASE_URL_UNPOOLED" -c "alter role {role} nosuperuser nobypassrls"'


def when(test: Callable[[InstallationSight], bool]) -> Look:
    """Return the look of a fault that there is once or not at all."""

    def look(sight: InstallationSight) -> Iterator[Facts]:
        if test(sight):
            yield {}

    return look


def complaints(kind: str) -> Look:
    """Return the look at what lib/config.py refuses: what is missing, what is odd, or a preview on production."""

    def look(sight: InstallationSight) -> Iterator[Facts]:
        for said in sight.complaints:
            is_kind = "missing" if said.endswith("is not set") else "preview" if "of this preview" in said else "odd"
            if is_kind == kind and not (kind == "missing" and not sight.hidden.isdisjoint(said.split())):
                yield {"said": said, "name": said.split()[0]}

    return look


def misspelt(sight: InstallationSight) -> Iterator[Facts]:
    """Tell names that are nearly those of settings which are not set."""
    for name, near in envfile.unknown(sight.env).items():
        if near and not sight.get(near) and not OF_OTHERS.fullmatch(name):
            yield {"name": name, "near": near}


def secret_missing(sight: InstallationSight) -> Iterator[Facts]:
    """Tell the secrets without which a door stays shut."""
    yield from ({"name": name} for name in SECRETS if not sight.knows(name))


def hidden(sight: InstallationSight) -> Iterator[Facts]:
    """Tell that some settings could not be looked at."""
    if sight.hidden:
        yield {"names": ", ".join(sorted(sight.hidden))}


def no_bot(sight: InstallationSight) -> bool:
    """Say whether no bot has a token."""
    return not sight.bots and not any(name.endswith("_BOT_TOKEN") for name in sight.hidden)


def token_refused(sight: InstallationSight) -> Iterator[Facts]:
    """Tell the bots that Telegram does not know by their token."""
    for bot, seen in sight.bots.items():
        if not seen.id:
            yield {"bot": bot, "name": f"{bot.upper()}_BOT_TOKEN", "said": seen.error}


def token_twice(sight: InstallationSight) -> Iterator[Facts]:
    """Tell two bots that are one for Telegram: each webhook would take the other's away."""
    known = dict[int, str]()
    for bot, seen in sight.bots.items():
        if seen.id and known.setdefault(seen.id, bot) != bot:
            yield {"bot": bot, "other": known[seen.id], "name": f"{bot.upper()}_BOT_TOKEN"}


def _hooks(sight: InstallationSight) -> Iterator[tuple[str, Facts]]:
    yield from ((bot, seen.hook) for bot, seen in sight.bots.items() if seen.id)


def hook_missing(sight: InstallationSight) -> Iterator[Facts]:
    """Tell the bots that no update of goes anywhere."""
    yield from ({"bot": bot} for bot, hook in _hooks(sight) if not hook.get("url"))


def hook_elsewhere(sight: InstallationSight) -> Iterator[Facts]:
    """Tell the bots that answer from no region's deployment, or by the path of another bot."""
    sites = {sight.public, *(part.partition("=")[2].rstrip("/") for part in sight.get("REGIONS").split(","))}
    for bot, hook in _hooks(sight):
        url = str(hook.get("url", "")).partition("?")[0]
        if url and sight.public and url not in {f"{site}/api/telegram/{bot}" for site in sites}:
            yield {"bot": bot, "url": url}


def _last_error(hook: Facts) -> str:
    return str(hook.get("last_error_message", ""))


def _is_fresh(sight: InstallationSight, hook: Facts) -> bool:
    """Tell whether an error is of the last hour; Telegram goes on naming one that is long over."""
    return bool(_last_error(hook)) and sight.now.timestamp() - hook.get("last_error_date", 0) < RECENT


def hook_status(status: str) -> Look:
    """Return the look for webhooks that the deployment answered with this status."""

    def look(sight: InstallationSight) -> Iterator[Facts]:
        for bot, hook in _hooks(sight):
            if _is_fresh(sight, hook) and status in _last_error(hook):
                yield {"bot": bot, "said": _last_error(hook)}

    return look


def hook_error(sight: InstallationSight) -> Iterator[Facts]:
    """Tell any other error of the last hour."""
    for bot, hook in _hooks(sight):
        if _is_fresh(sight, hook) and not re.search(r"\b40[13]\b", _last_error(hook)):
            yield {"bot": bot, "said": _last_error(hook), "url": sight.public}


def hook_pending(sight: InstallationSight) -> Iterator[Facts]:
    """Tell the bots whose updates wait."""
    for bot, hook in _hooks(sight):
        if (number := hook.get("pending_update_count", 0)) > PENDING:
            yield {"bot": bot, "number": number}


def hook_updates(sight: InstallationSight) -> Iterator[Facts]:
    """Tell which kinds of updates a bot is not sent; without a list Telegram sends its own choice."""
    for bot, hook in _hooks(sight):
        missing = sorted({*sight.updates} - {*hook.get("allowed_updates", [])})
        if hook.get("url") and missing:
            yield {"bot": bot, "missing": ", ".join(missing)}


def address_away(sight: InstallationSight) -> Iterator[Facts]:
    """Tell that nothing answers at PUBLIC_URL."""
    if sight.site and sight.site.error:
        yield {"url": sight.public, "said": sight.site.error}


def address_stranger(sight: InstallationSight) -> Iterator[Facts]:
    """Tell that something else than Lotok answers there."""
    if sight.site and not sight.site.error and not sight.site.is_ours:
        yield {"url": sight.public}


def token_differs(sight: InstallationSight) -> bool:
    """Say whether the deployment refuses the operators' token."""
    return bool(sight.site and sight.site.status == 403)


def secret_differs(sight: InstallationSight) -> Iterator[Facts]:
    """Tell the secrets that the deployment has another value of, by their marks."""
    for name, mark in sight.told.get("secrets", {}).items():
        if sight.marks.get(name) and sight.marks[name] != mark:
            yield {"name": name.upper()}


def _host(sight: InstallationSight, *names: str) -> str:
    return urlsplit(sight.get(*names)).hostname or ""


def _is_neon(host: str) -> bool:
    return host.endswith(".neon.tech")


def pooled_for_migrations(sight: InstallationSight) -> bool:
    """Say whether migrations would go through the pooler."""
    return "-pooler." in _host(sight, "DATABASE_URL_UNPOOLED", "DATABASE_URL")


def direct_for_functions(sight: InstallationSight) -> bool:
    """Say whether the functions would each hold a connection of their own to Neon."""
    host = _host(sight, "LOTOK_DATABASE_URL", "DATABASE_URL")
    return _is_neon(host) and "-pooler." not in host and "LOTOK_DATABASE_URL" not in sight.hidden


def database_away(sight: InstallationSight) -> Iterator[Facts]:
    """Tell that Postgres does not let us in."""
    if sight.base and sight.base.error:
        yield {"said": sight.base.error}


def role(fact: str) -> Look:
    """Return the look at as whom the functions come."""

    def look(sight: InstallationSight) -> Iterator[Facts]:
        # The functions come by LOTOK_DATABASE_URL: where nobody tells it, we have come by another address.
        who = sight.base.who if sight.base and "LOTOK_DATABASE_URL" not in sight.hidden else {}
        if who.get(fact) and not (fact == "is_unwalled" and who.get("is_owner")):
            name = str(who.get("role", ""))
            yield {
                "role": name,
                "way": WALL.format(role=name) if name.startswith("lotok_app") else "python -m ops setup",
            }

    return look


def migrations(state: str) -> Look:
    """Return the look for migrations in a state."""

    def look(sight: InstallationSight) -> Iterator[Facts]:
        found = [one.name for one in (sight.base.migrations if sight.base else ()) if one.state == state]
        if found:
            yield {"number": len(found), "first": found[0]}

    return look


def code_old(sight: InstallationSight) -> Iterator[Facts]:
    """Tell that the deployment was made from an older checkout than this one."""
    told = str(sight.told.get("migration", ""))
    if told and told < sight.newest:
        yield {"told": told, "newest": sight.newest}


def region_far(sight: InstallationSight) -> Iterator[Facts]:
    """Tell that a round trip from the functions to Postgres takes longer than one within a region."""
    ms = (sight.site.whole.get("database", {}) if sight.site else {}).get("round_trip_ms", 0)
    if ms > FAR:
        yield {"ms": round(ms), "region": sight.told.get("region") or _host(sight, "PUBLIC_URL")}


def cron_missing(sight: InstallationSight) -> Iterator[Facts]:
    """Tell that the minute's cron does not come; the free plan's comes once a day."""
    has_one = sight.is_often and sight.hosting != "hobby" and sight.environment != "preview"
    if not has_one or not sight.redis or sight.redis.error:
        return
    silent = sight.now.timestamp() - sight.redis.cron_at
    if not sight.redis.cron_at:
        yield {"said": "not once within the last day"}  # for which its mark is kept
    elif silent >= CRON_SILENT and (sight.redis.is_often or sight.hosting == "pro"):
        yield {"said": f"the last time was {int(silent // 60)} min ago"}


def cron_too_often(sight: InstallationSight) -> Iterator[Facts]:
    """Tell the crons that fail a deployment on the free plan: more often than once a day."""
    if sight.hosting == "hobby":
        for cron in sight.crons:
            minute, hour, *_ = [*cron.split(), "*", "*"]
            if not minute.isdecimal() or not hour.isdecimal():
                yield {"cron": cron}


def functions_too_many(sight: InstallationSight) -> Iterator[Facts]:
    """Tell that the free plan would refuse so many functions."""
    if sight.hosting == "hobby" and sight.functions > MOST_FUNCTIONS:
        yield {"number": sight.functions}


def clock(sight: InstallationSight) -> Iterator[Facts]:
    """Tell that this machine's clock and the deployment's differ."""
    if sight.site and sight.site.date:
        skew = (sight.now - sight.site.date).total_seconds()
        if abs(skew) > SKEW:
            yield {"seconds": round(skew)}


def redis(kind: str) -> Look:
    """Return the look at what Redis answers: not at all, to another token, or that nothing may be written."""

    def look(sight: InstallationSight) -> Iterator[Facts]:
        said = sight.redis.error if sight.redis else ""
        if said and kind == _kind_of_refusal(said):
            yield {"said": said[:200]}

    return look


def _kind_of_refusal(said: str) -> str:
    if re.search(r"NOPERM|READONLY|read.?only", said, re.IGNORECASE):
        return "read_only"
    return "token" if re.search(r"WRONGPASS|\b40[13]\b|unauthorized", said, re.IGNORECASE) else "away"


def redis_evicts(sight: InstallationSight) -> Iterator[Facts]:
    """Tell that a full Redis would throw away what conversations hang on."""
    if sight.redis and sight.redis.policy.startswith("allkeys"):
        yield {"policy": sight.redis.policy}


def blob(kind: str) -> Look:
    """Return the look at why a file could not be kept."""

    def look(sight: InstallationSight) -> Iterator[Facts]:
        is_public = bool(re.search(r"(public|private)\W+(store|access)", sight.blob, re.IGNORECASE))
        if sight.blob and (kind == "public") == is_public:
            yield {"said": sight.blob[:200]}

    return look


def storage_local(sight: InstallationSight) -> bool:
    """Say whether files would go to a disk that is away with the function."""
    is_vercel = bool(sight.site and sight.site.is_vercel) or sight.public.endswith(".vercel.app")
    return is_vercel and sight.get("STORAGE_TYPE") == "local"


def strangers(sight: InstallationSight) -> Iterator[Facts]:
    """Tell the administrators who have never pressed Start in the admin bot."""
    bot = sight.bots.get("admin")
    yield from ({"id": one, "username": bot.username if bot else "?"} for one in sight.strangers)


def key_refused(provider: str) -> Look:
    """Return the look at whether a provider takes its key."""

    def look(sight: InstallationSight) -> Iterator[Facts]:
        if sight.keys.get(provider) in (401, 402, 403):
            yield {"status": sight.keys[provider]}

    return look


def plan_used(sight: InstallationSight) -> Iterator[Facts]:
    """Tell what of a month's plan is nearly used up."""
    for name, share in sight.plan.items():
        if share >= NEARLY:
            yield {"name": name, "percent": int(share * 100)}


def backup_stale(sight: InstallationSight) -> Iterator[Facts]:
    """Tell that no backup has been restored for long; nothing where none ever was."""
    age = sight.now.timestamp() - sight.backup_at
    if sight.backup_at and age >= BACKUP_OLD:
        yield {"days": int(age // 86_400)}
