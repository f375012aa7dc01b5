"""Every environment variable of the product, read once, typed; nothing else reads os.environ.

A missing or odd value is one line that names the variable. A function checks all of them when it starts; a script of
ops/ needs only those that it uses, so each is read when it is first asked for. An optional one (a bot's token,
the cron secret) is missed only by what cannot do without, so that a deployment without a partner bot still runs.
"""

import functools
import hashlib
import os
import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlencode, urlsplit

from lib import errors

# NumPy takes this when it is loaded. More threads than one only wait for each other where a function has one core:
# beside other work a cut took ten times the processor's time.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

BOTS = ("studio", "client", "partner", "admin")
# The generation providers that need a key, in the order of asking: the setting of the key, or of several separated by
# commas, and the setting of another address than the provider's own.
PROVIDERS = {"kie": ("KIE_API_KEY", "KIE_API_URL"), "openai": ("OPENAI_API_KEY", "OPENAI_BASE_URL")}
# A month of each service: Neon's compute hours and storage, commands to Upstash, files put into Blob and kept there.
PLAN = {"neon_hours": 100.0, "neon_gb": 0.5, "redis_commands": 500_000.0, "blob_puts": 10_000.0, "blob_gb": 1.0}
ENVIRONMENTS = ("production", "preview", "local")
# Vercel lets a request through a preview's protection that shows this secret, as a header or in its query.
BYPASS = "x-vercel-protection-bypass"

_SECRET = re.compile(r"[A-Za-z0-9_-]{16,256}")
_TOKEN = re.compile(r"\d{3,}:[A-Za-z0-9_-]{30,}")


def account(key: str) -> str:
    """Return what a row may hold of a key: enough to know it again, nothing to use it by."""
    return hashlib.sha256(f"lotok:{key}".encode()).hexdigest()[:12]


class Config:
    """The settings of one process, each read when it is first asked for; Misconfigured names the odd variable.

    It has no repr, so that a log line can never hold a secret.
    """

    environment: str
    branch: str
    region: str
    home_region: str
    regions: Mapping[str, str]
    commit: str
    database_url: str
    database_url_unpooled: str
    database_read_url: str
    redis_url: str
    redis_token: str
    storage_type: str
    storage_path: str
    blob_token: str
    blob_api_url: str
    bot_tokens: Mapping[str, str]
    webhook_secret: str
    cron_secret: str
    app_secret: str
    admin_api_token: str
    metrics_token: str
    remote_write_url: str
    remote_write_auth: str
    admin_ids: frozenset[int]
    public_url: str
    bypass: str
    neon_api_url: str
    neon_api_key: str
    neon_project_id: str
    worker_url: str
    telegram_api_url: str
    provider_keys: Mapping[str, tuple[str, ...]]
    provider_urls: Mapping[str, str]
    kie_api_keys: tuple[str, ...]
    kie_webhook_key: str
    openai_api_key: str
    openai_model: str
    openai_transcribe_model: str
    openai_vendor: str
    openai_country: str
    openai_ca: str
    gigachat_scope: str
    gigachat_auth_url: str
    openai_token_prices: tuple[float, float, float]
    drain_budget: timedelta
    lease_scale: float
    cut_side: int
    strips_a_day: int
    plan_limits: Mapping[str, float]

    def __init__(self, env: Mapping[str, str]) -> None:
        self._env = dict(env)

    if not TYPE_CHECKING:  # the names above are all that there are

        def __getattr__(self, name: str) -> Any:
            if name not in _READERS:
                raise AttributeError(name)
            self.__dict__[name] = _READERS[name](self._env)
            return self.__dict__[name]

    def check(self) -> None:
        """Read every setting; raise Misconfigured at the first that is missing or odd."""
        for name in _READERS:
            getattr(self, name)

    def complaints(self) -> list[str]:
        """Return what is wrong with the settings, a line each: all of it, for who has to put it right."""
        found = dict[str, None]()
        for name in _READERS:
            try:
                getattr(self, name)
            except errors.Misconfigured as error:
                found[error.detail] = None
        return [*found]

    @property
    def key_prefix(self) -> str:
        """The beginning of every Redis key and blob path: the environment, and the git branch of a preview."""
        return f"{self.environment}-{self.branch}" if self.branch else self.environment

    @property
    def pass_headers(self) -> dict[str, str]:
        """What a request of ours to this deployment carries besides: the pass through a preview's protection."""
        return {BYPASS: self.bypass} if self.bypass else {}

    def address(self, path: str, query: Mapping[str, str] | None = None) -> str:
        """Return an address of this deployment for a service that calls it, which can send no header of ours."""
        pairs = {**(query or {}), **self.pass_headers}
        return f"{self.public_url}{path}" + (f"?{urlencode(pairs)}" if pairs else "")

    @property
    def other_regions(self) -> dict[str, str]:
        """The deployments of the other regions by name; none where there is one region."""
        return {name: url for name, url in self.regions.items() if name != self.home_region}

    @property
    def keyed_providers(self) -> tuple[str, ...]:
        """The generation providers that there is a key for."""
        return tuple(name for name, keys in self.provider_keys.items() if keys)

    @property
    def accounts(self) -> dict[str, tuple[str, ...]]:
        """The accounts of the keys there are, by provider."""
        return {name: tuple(map(account, self.provider_keys[name])) for name in self.keyed_providers}

    def bot_token(self, bot: str) -> str:
        """Return the bot's token, or raise Missing: a bot without a token is off."""
        if bot not in BOTS or not self.bot_tokens.get(bot):
            raise errors.Missing("no_bot", f"set {bot.upper()}_BOT_TOKEN to switch this bot on")
        return self.bot_tokens[bot]


@functools.cache
def get() -> Config:
    """Return this process's settings."""
    return Config(os.environ)


def load(env: Mapping[str, str]) -> Config:
    """Read all settings out of `env`; raise Misconfigured with one line naming the variable."""
    loaded = Config(env)
    loaded.check()
    return loaded


def _environment(env: Mapping[str, str]) -> str:
    wanted = env.get("LOTOK_ENV") or env.get("VERCEL_ENV") or "local"
    wanted = "local" if wanted == "development" else wanted
    if wanted not in ENVIRONMENTS:
        raise errors.Misconfigured(detail=f"VERCEL_ENV is {wanted!r}; it must be one of {', '.join(ENVIRONMENTS)}")
    return wanted


def _branch(env: Mapping[str, str]) -> str:
    """Return the git branch of a preview as keys and paths hold it; no two branches share one.

    A deployment that `vercel deploy` made has no VERCEL_GIT_COMMIT_REF.
    """
    ref = env.get("PREVIEW_BRANCH") or env.get("VERCEL_GIT_COMMIT_REF") or "preview"
    slug = re.sub(r"[^a-z0-9]+", "-", ref.lower()).strip("-")[:40].strip("-")
    return slug if slug == ref else f"{slug[:31]}-{hashlib.sha256(ref.encode()).hexdigest()[:8]}".strip("-")


def _required(env: Mapping[str, str], *names: str) -> str:
    for name in names:
        if env.get(name):
            return env[name].strip()
    raise errors.Misconfigured(detail=f"{' or '.join(names)} is not set")


def _url(env: Mapping[str, str], *names: str) -> str:
    value = _required(env, *names)
    if urlsplit(value).scheme not in ("http", "https") or not urlsplit(value).netloc:
        raise errors.Misconfigured(detail=f"{' or '.join(names)} must be an http or https address")
    return value


def _public_url(env: Mapping[str, str]) -> str:
    """Return where this deployment is; a preview knows it from Vercel, and must never take itself for production."""
    if _environment(env) != "preview":
        return _url(env, "PUBLIC_URL").rstrip("/")
    own = env.get("VERCEL_BRANCH_URL") or env.get("VERCEL_URL")
    value = _url(env, "PUBLIC_URL") if env.get("PUBLIC_URL") or not own else f"https://{own}"
    if urlsplit(value).hostname == env.get("VERCEL_PROJECT_PRODUCTION_URL", "").lower():
        raise errors.Misconfigured(detail="PUBLIC_URL of this preview is the production's; refused")
    return value.rstrip("/")


def _regions(env: Mapping[str, str]) -> dict[str, str]:
    """Return the deployments by region, in an order that never changes; none for one alone, nor for a preview."""
    pairs = [part.partition("=") for part in _parts(env.get("REGIONS", ""))]
    if not all(re.fullmatch(r"[a-z]{2,12}", name) and urlsplit(url).netloc for name, _, url in pairs):
        raise errors.Misconfigured(detail="REGIONS must be like ru=https://ru.example,eu=https://eu.example")
    found = {name: url.rstrip("/") for name, _, url in pairs}
    return found if len(found) > 1 and _environment(env) != "preview" else {}


def _home_region(env: Mapping[str, str]) -> str:
    """Return which of the regions this deployment is; "" where there is only one."""
    regions = _regions(env)
    return _choice(env, "HOME_REGION", tuple(regions), "") if regions else ""


def _optional_url(env: Mapping[str, str], name: str) -> str:
    return _url(env, name).rstrip("/") if env.get(name) else ""


def _parts(value: str) -> tuple[str, ...]:
    return tuple(part for part in re.split(r"[,\s]+", value) if part)


def _keys(env: Mapping[str, str], name: str) -> tuple[str, ...]:
    keys = _parts(env.get(name, ""))
    if not all(re.fullmatch(r"[A-Za-z0-9._-]{8,256}", key) for key in keys):
        raise errors.Misconfigured(detail=f"{name} must be one or more keys, separated by commas")
    return keys


def _database_url(env: Mapping[str, str], *names: str) -> str:
    value = _required(env, *names)
    if urlsplit(value).scheme not in ("postgres", "postgresql"):
        raise errors.Misconfigured(detail=f"{' or '.join(names)} must begin with postgresql://")
    _refuse_production(env, names[0], value)
    return value


def _read_url(env: Mapping[str, str]) -> str:
    """Return where reports are read; a preview's branch has no copy, so whatever is set there is production's."""
    if not env.get("DATABASE_READ_URL") or _environment(env) == "preview":
        return ""
    return _database_url(env, "DATABASE_READ_URL")


def _own_name(env: Mapping[str, str]) -> str:
    """Return under which name the functions' address is: Neon's integration keeps DATABASE_URL for the owner's."""
    return "LOTOK_DATABASE_URL" if env.get("LOTOK_DATABASE_URL") else "DATABASE_URL"


def _refuse_production(env: Mapping[str, str], name: str, url: str) -> None:
    """A preview deployment must never write to the production database, and must know which one that is."""
    if _environment(env) != "preview":
        return
    production = _hosts("//" + _required(env, "PRODUCTION_DATABASE_HOST"))
    if production & _hosts(url):
        raise errors.Misconfigured(detail=f"{name} of this preview points at the production database; refused")


def _hosts(url: str) -> set[str]:
    """Return every host that a database's address may lead to, by the pooler or not: libpq takes some in the query."""
    parts = urlsplit(url)
    query = parse_qs(parts.query)
    places = [parts.netloc.rpartition("@")[2], *query.get("host", []), *query.get("hostaddr", [])]
    hosts = [re.sub(r":\d*$", "", host.strip()).lower() for place in places for host in place.split(",")]
    return {host.replace("-pooler.", ".") for host in hosts if host}


def _secret(env: Mapping[str, str], name: str) -> str:
    """Return the secret, or '' when it is unset: the code that needs it then refuses to work."""
    value = env.get(name, "").strip()
    if value and not _SECRET.fullmatch(value):
        raise errors.Misconfigured(detail=f"{name} must be 16 to 256 characters of A-Z a-z 0-9 _ -")
    return value


def _bot_token(env: Mapping[str, str], bot: str) -> str:
    name = f"{bot.upper()}_BOT_TOKEN"
    value = env.get(name, "").strip()
    if value and not _TOKEN.fullmatch(value):
        raise errors.Misconfigured(detail=f"{name} does not look like a bot token (123456:ABC...)")
    return value


def _ids(env: Mapping[str, str], name: str) -> frozenset[int]:
    parts = [part for part in re.split(r"[,\s]+", env.get(name, "")) if part]
    if not all(part.isdecimal() for part in parts):
        raise errors.Misconfigured(detail=f"{name} must be Telegram user ids separated by commas")
    return frozenset(map(int, parts))


def _choice(env: Mapping[str, str], name: str, allowed: tuple[str, ...], default: str) -> str:
    value = env.get(name) or default
    if value not in allowed:
        raise errors.Misconfigured(detail=f"{name} is {value!r}; it must be one of {', '.join(allowed)}")
    return value


def _number(env: Mapping[str, str], name: str, default: float, *, low: float, high: float) -> float:
    value = env.get(name) or str(default)
    try:
        number = float(value)
    except ValueError:
        number = float("nan")
    if not low <= number <= high:
        raise errors.Misconfigured(detail=f"{name} is {value!r}; it must be a number from {low} to {high}")
    return number


def _prices(env: Mapping[str, str], name: str, default: tuple[float, float, float]) -> tuple[float, float, float]:
    """Return dollars for a million tokens: those that come in, of these the cached ones, and those that go out."""
    parts = _parts(env.get(name, ""))
    if not parts:
        return default
    if len(parts) != 3 or not all(re.fullmatch(r"\d{1,4}(\.\d{1,4})?", part) for part in parts):
        raise errors.Misconfigured(detail=f"{name} must be three prices in dollars, such as 0.75,0.075,4.5")
    new, known, out = map(float, parts)
    return new, known, out


def _plan(env: Mapping[str, str], name: str) -> dict[str, float]:
    """Return what the plans of the services hold for a month, by name; what is not said is that of the free plans."""
    limits = dict(PLAN)
    for part in _parts(env.get(name, "")):
        known, _, value = part.partition("=")
        if known not in PLAN or not re.fullmatch(r"\d{1,12}(\.\d{1,3})?", value):
            raise errors.Misconfigured(detail=f"{name} must be like neon_hours=100; it knows {', '.join(PLAN)}")
        limits[known] = float(value)
    return limits


# In the order in which a function that starts complains of them.
_READERS: dict[str, Callable[[Mapping[str, str]], Any]] = {
    "environment": lambda env: _environment(env),
    "branch": lambda env: _branch(env) if _environment(env) == "preview" else "",
    "region": lambda env: env.get("VERCEL_REGION", ""),
    "regions": lambda env: _regions(env),
    "home_region": lambda env: _home_region(env),
    "commit": lambda env: env.get("VERCEL_GIT_COMMIT_SHA", ""),
    "database_url": lambda env: _database_url(env, _own_name(env)),
    "database_url_unpooled": lambda env: _database_url(env, "DATABASE_URL_UNPOOLED", "DATABASE_URL"),
    "database_read_url": lambda env: _read_url(env),
    "redis_url": lambda env: _url(env, "UPSTASH_REDIS_REST_URL", "KV_REST_API_URL"),
    "redis_token": lambda env: _required(env, "UPSTASH_REDIS_REST_TOKEN", "KV_REST_API_TOKEN"),
    "storage_type": lambda env: _choice(env, "STORAGE_TYPE", ("blob", "local"), "blob"),
    "storage_path": lambda env: env.get("STORAGE_PATH") or ".dev/files",
    "blob_token": lambda env: env.get("BLOB_READ_WRITE_TOKEN", ""),
    "blob_api_url": lambda env: env.get("VERCEL_BLOB_API_URL", ""),
    "bot_tokens": lambda env: {bot: _bot_token(env, bot) for bot in BOTS},
    "webhook_secret": lambda env: _secret(env, "WEBHOOK_SECRET"),
    "cron_secret": lambda env: _secret(env, "CRON_SECRET"),
    "app_secret": lambda env: _secret(env, "APP_SECRET"),
    "admin_api_token": lambda env: _secret(env, "ADMIN_API_TOKEN"),
    "metrics_token": lambda env: _secret(env, "METRICS_TOKEN"),
    "remote_write_url": lambda env: _optional_url(env, "REMOTE_WRITE_URL"),
    "remote_write_auth": lambda env: env.get("REMOTE_WRITE_AUTH", "").strip(),
    "admin_ids": lambda env: _ids(env, "ADMIN_IDS"),
    "public_url": lambda env: _public_url(env),
    "worker_url": lambda env: _optional_url(env, "WORKER_URL") or _public_url(env),
    "bypass": lambda env: _secret(env, "VERCEL_AUTOMATION_BYPASS_SECRET") if _environment(env) == "preview" else "",
    "neon_api_url": lambda env: _optional_url(env, "NEON_API_URL") or "https://console.neon.tech/api/v2",
    "neon_api_key": lambda env: env.get("NEON_API_KEY", "").strip(),
    "neon_project_id": lambda env: env.get("NEON_PROJECT_ID", "").strip(),
    "telegram_api_url": lambda env: (env.get("TELEGRAM_API_URL") or "https://api.telegram.org").rstrip("/"),
    "provider_keys": lambda env: {one: _parts(env.get(name, "")) for one, (name, _) in PROVIDERS.items()},
    "provider_urls": lambda env: {one: _optional_url(env, name) for one, (_, name) in PROVIDERS.items()},
    "kie_api_keys": lambda env: _keys(env, "KIE_API_KEY"),
    "kie_webhook_key": lambda env: env.get("KIE_WEBHOOK_KEY", "").strip(),
    "openai_api_key": lambda env: env.get("OPENAI_API_KEY", "").strip(),
    "openai_model": lambda env: env.get("OPENAI_MODEL", "").strip() or "gpt-5.4-mini",
    "openai_transcribe_model": lambda env: env.get("OPENAI_TRANSCRIBE_MODEL", "").strip(),
    "openai_vendor": lambda env: env.get("OPENAI_VENDOR", "").strip(),
    "openai_country": lambda env: env.get("OPENAI_COUNTRY", "").strip(),
    "openai_ca": lambda env: env.get("OPENAI_CA", "").replace("\\n", "\n").strip(),
    "gigachat_scope": lambda env: env.get("GIGACHAT_SCOPE", "").strip(),
    "gigachat_auth_url": lambda env: _optional_url(env, "GIGACHAT_AUTH_URL"),
    "openai_token_prices": lambda env: _prices(env, "OPENAI_TOKEN_PRICES", (0.75, 0.075, 4.5)),
    "drain_budget": lambda env: timedelta(seconds=_number(env, "DRAIN_SECONDS", 300, low=5, high=1800)),
    "lease_scale": lambda env: _number(env, "LEASE_SCALE", 1.0, low=0.01, high=10),
    "cut_side": lambda env: int(_number(env, "CUT_SIDE", 320, low=64, high=512)) // 64 * 64,
    "strips_a_day": lambda env: int(_number(env, "STRIPS_A_DAY", 60, low=0, high=10000)),
    "plan_limits": lambda env: _plan(env, "PLAN_LIMITS"),
}
