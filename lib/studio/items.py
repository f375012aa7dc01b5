"""One item of an order as the job's checkpoint keeps it (`item0`, `item1`, ...): how far it is, and who has tried.

    open ──a call is noted──> asked ──a ticket is noted──> begun ──its result is stored──> made
      ^                         │                            │
      └── refused, lost ────────┴──── failed, lost, a still ─┘

The words of the checkpoint stay: orders are under way while a deployment goes on, and old ones are read for years.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from lib.providers.contract import Request, Ticket

type State = Literal["open", "asked", "begun", "made", "failed"]


@dataclass(frozen=True)
class StoredFile:
    """A stored file of an item; `seconds` is how long a clip lasts, 0 for pictures and where nobody noted it."""

    id: int
    pathname: str
    width: int
    height: int
    seconds: int = 0

    @classmethod
    def read(cls, kept: Sequence[Any]) -> "StoredFile":
        """Return the file that an entry of a checkpoint stands for."""
        return cls(*kept[:5])

    def dump(self) -> list[Any]:
        """Return the entry."""
        return [self.id, self.pathname, self.width, self.height, self.seconds]


@dataclass(frozen=True)
class Call:
    """A request to a provider that has not ended: the row it has, what was sent, and the task where one is known.

    `at` is when it was sent, in seconds since 1970. `request` is kept until the provider has given a ticket. `nonce`
    names the request in the address of its callback.
    """

    id: int
    offer: str
    still: bool
    nonce: str
    account: str = ""
    at: float = 0.0
    request: Request | None = None
    ticket: Ticket | None = None

    @property
    def provider(self) -> str:
        """The provider that was asked."""
        return self.offer.partition(":")[0]

    @classmethod
    def read(cls, kept: Mapping[str, Any]) -> "Call":
        """Return the call that a checkpoint holds."""
        names = ("id", "offer", "still", "nonce", "account", "at", "request")
        ticket = kept.get("ticket")
        known = {name: kept[name] for name in names if name in kept}
        return cls(**known, ticket=Ticket(**ticket) if ticket else None)

    def dump(self) -> dict[str, Any]:
        """Return what the checkpoint keeps."""
        kept = {"id": self.id, "offer": self.offer, "still": self.still, "nonce": self.nonce, "account": self.account}
        later = {"at": self.at, "request": self.request, "ticket": self.ticket and asdict(self.ticket)}
        return kept | {name: value for name, value in later.items() if value}


@dataclass(frozen=True)
class Item:
    """The facts of one item.

    `by` is the offer that made it, `note` tells how. `why` is the halt that left the item to ourselves, `tried` names
    the offers that could not. `since` is when the wait for the provider of choice began; `lost` and `fetches` count
    calls of which nobody knows more, and results that could not be fetched. An item of a batch has a `source` photo
    of its own, at `path`; it is `sent` by itself, or `failed` by itself, for the reason of this code.
    """

    number: int
    call: Call | None = None
    still: StoredFile | None = None
    files: Mapping[str, StoredFile] = field(default_factory=dict)
    note: str = ""
    by: str = ""
    why: str = ""
    tried: tuple[str, ...] = ()
    since: float | None = None
    lost: int = 0
    fetches: int = 0
    source: int = 0
    path: str = ""
    failed: str = ""
    sent: bool = False

    @property
    def state(self) -> State:
        """How far it is."""
        if self.failed:
            return "failed"
        if self.files:
            return "made"
        if self.call is None:
            return "open"
        return "begun" if self.call.ticket else "asked"

    @property
    def asked(self) -> Call:
        """Return the call of an item that has one."""
        if self.call is None:
            raise ValueError(f"item {self.number} has no call")
        return self.call

    def passed_on(self) -> "Item":
        """Return the item without its call, which is left to the next of the chain."""
        return replace(self, call=None, tried=(*self.tried, self.asked.offer), since=None)

    @classmethod
    def read(cls, number: int, kept: Mapping[str, Any] | None) -> "Item":
        """Return the item that a checkpoint holds; a fresh one when it holds none."""
        kept = kept or {}
        plain = {name: kept[name] for name in _PLAIN if name in kept}
        files = dict(kept.get("files") or {})
        [note, *_] = files.pop("note", None) or [""]
        return cls(
            number,
            call=Call.read(kept["call"]) if kept.get("call") else None,
            still=StoredFile.read(kept["still"]) if kept.get("still") else None,
            files={kind: StoredFile.read(entry) for kind, entry in files.items()},
            note=note,
            tried=tuple(kept.get("tried") or ()),
            **plain,
        )

    def dump(self) -> dict[str, Any]:
        """Return what the checkpoint keeps."""
        kept = {name: getattr(self, name) for name in _PLAIN}
        kept |= {"tried": list(self.tried), "still": self.still and self.still.dump()}
        kept |= {"call": self.call and self.call.dump()}
        if self.files:
            kept["files"] = {kind: file.dump() for kind, file in self.files.items()} | {"note": [self.note]}
        return {name: value for name, value in kept.items() if value}


_PLAIN = ("by", "why", "since", "lost", "fetches", "source", "path", "failed", "sent")
