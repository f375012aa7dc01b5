"""A database as assess knows it: who runs it, whether a pooler answers there, and a name that may be shown."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from psycopg.conninfo import make_conninfo

from ops.neon import connect
from ops.neon.assess import tables


@dataclass(frozen=True)
class Address:
    """Where a database is. `name` and `provider` may be shown, the rest may not."""

    url: str = field(repr=False)
    parts: Mapping[str, str] = field(repr=False)
    name: str
    provider: str | None
    pooled: bool

    @property
    def host(self) -> str:
        """The first host; a folder, or nothing, when it is a Unix socket."""
        return (self.parts.get("hostaddr") or self.parts.get("host") or "").split(",")[0]

    @property
    def port(self) -> int:
        """The port of that host; what is no number, libpq will refuse in its own words."""
        first = self.parts.get("port", "").split(",")[0]
        return int(first) if first.isdigit() else 5432

    @property
    def is_socket(self) -> bool:
        """Whether it is a Unix socket, without TCP and TLS."""
        return not self.host or self.host.startswith(("/", "@"))

    @property
    def is_near(self) -> bool:
        """Whether nothing goes over a network."""
        return connect.is_local(self.host)

    def conninfo(self, **more: str) -> str:
        """Return it for libpq, with `more` parameters."""
        parts = {"connect_timeout": "10"} | {**self.parts} | more
        if self.is_near:
            parts.pop("channel_binding", None)  # a local pooler never offers it
        return make_conninfo("", **parts)

    def scrub(self, text: str) -> str:
        """Return what a client or server said, on one line, without host and password."""
        return connect.scrub(text, self.url)


def read(url: str) -> Address:
    """Read an address; Misconfigured, without quoting it, when it cannot be read."""
    parts = connect.read(url)
    host = parts.get("host", "").lower().rstrip(".")
    known = tables.limits()["providers"]
    provider = next((name for name, its in known.items() if host.endswith(tuple(its["hosts"]) or ("\0",))), None)
    pooled = provider is not None and any(piece in host for piece in known[provider]["pooled_hosts"])
    return Address(url, parts, connect.mask(url), provider, pooled)
