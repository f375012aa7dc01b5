"""What the doctor has seen of an installation. Each fault is judged by this alone, so a test can make every one."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from lib.migrations import Status

type Facts = Mapping[str, Any]


@dataclass(frozen=True)
class BotSight:
    """What Telegram says of a bot: its id, 0 for a token that it refuses, its name, and its webhook."""

    id: int = 0
    username: str = ""
    error: str = ""
    hook: Facts = field(default_factory=dict)


@dataclass(frozen=True)
class SiteSight:
    """How the deployment answers at PUBLIC_URL: what everybody is told, and what an operator is."""

    error: str = ""
    is_ours: bool = True
    is_vercel: bool = False
    date: datetime | None = None
    status: int = 200  # to the operators' token; 0 without one
    whole: Facts = field(default_factory=dict)


@dataclass(frozen=True)
class BaseSight:
    """The database: as whom the functions come, and where the migrations stand."""

    error: str = ""
    who: Facts = field(default_factory=dict)
    migrations: tuple[Status, ...] = ()


@dataclass(frozen=True)
class RedisSight:
    """What Redis answers to a write, and what it does when it is full."""

    error: str = ""
    policy: str = ""
    cron_at: float = 0.0
    is_often: bool = False


@dataclass(frozen=True)
class InstallationSight:
    """Everything; what could not be seen is left empty, and is then no fault of its own."""

    env: Mapping[str, str] = field(repr=False)  # it holds secrets
    hidden: frozenset[str] = frozenset()  # names of settings that are set, and whose values nobody tells
    complaints: tuple[str, ...] = ()
    environment: str = "production"
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    has_file: bool = False  # of the wizard, which holds the settings
    hosting: str = ""  # hobby or pro, as the operator says
    crons: tuple[str, ...] = ()
    functions: int = 0
    updates: tuple[str, ...] = ()
    newest: str = ""  # the last migration of this checkout
    bots: Mapping[str, BotSight] = field(default_factory=dict)
    site: SiteSight | None = None
    base: BaseSight | None = None
    redis: RedisSight | None = None
    blob: str = ""  # why a file could not be kept
    keys: Mapping[str, int] = field(default_factory=dict)  # by provider: the status that its key got
    strangers: tuple[int, ...] = ()  # administrators whom the admin bot cannot write to
    plan: Mapping[str, float] = field(default_factory=dict)
    backup_at: int = 0
    marks: Mapping[str, str] = field(default_factory=dict)  # of our secrets, as the deployment tells its own

    def get(self, *names: str) -> str:
        """Return the first of these settings that is set, or ''."""
        return next((self.env[name].strip() for name in names if self.env.get(name, "").strip()), "")

    def knows(self, *names: str) -> bool:
        """Say whether one of these is set, be it hidden."""
        return bool(self.get(*names)) or not self.hidden.isdisjoint(names)

    @property
    def place(self) -> str:
        """Return what set it up, as far as one can tell: a part of ops/deploy/, the wizard, or '' for a hand."""
        if not self.get("VERCEL_ENV") and self.get("BACKUP_KEY"):
            return "server"
        if not self.get("VERCEL_ENV") and self.get("WORKER_URL"):
            return "kubernetes" if self.get("KUBERNETES_SERVICE_HOST") else "compose"
        return "wizard" if self.has_file else ""

    @property
    def is_often(self) -> bool:
        """Say whether vercel.json has a cron of each minute; the one for the free plan has not."""
        return any(cron.startswith("*") for cron in self.crons)

    @property
    def public(self) -> str:
        """Return where the deployment is said to be."""
        return self.get("PUBLIC_URL").rstrip("/")

    @property
    def told(self) -> Facts:
        """Return what the deployment says of itself, {} when it does not."""
        found: Facts = self.site.whole.get("deployment", {}) if self.site else {}
        return found
