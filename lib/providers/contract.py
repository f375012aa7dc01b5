"""The promises of a generation provider. makers puts together who makes which product.

    prepare  upload what the request needs; costs nothing and may be repeated
    create   spend: a Ticket for work that goes on at the provider, or an Output that is finished
    poll     what became of tickets, several at once
    collect  the bytes of a finished ticket, over checked addresses only
    find     a task of ours by the id that somebody named to us: None unless the provider itself says it is ours

A provider alone decides what its failures mean. Unavailable: another try, or another provider, can help; with the code
`maybe_made` a task may have been created all the same, and nobody creates a second one before that is settled; with
`out_of_money` an administrator must act. Rejected: this request will never succeed there; `rules` means that the
content broke them, and no other provider is asked. A picture_* code is about the seller's photo.
"""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Protocol

from lib import errors

type Request = dict[str, Any]  # what a provider is sent, as JSON: kept with the job until the answer is


@dataclass(frozen=True)
class Offer:
    """A model of a provider for one product: what one result costs at most, and how long it usually takes.

    `cost` is in thousandths of a dollar: the list price, reserved before and replaced by what was really charged.
    `still` makes a picture of the clip's proportions first, for models that copy those of the picture they are given.
    """

    provider: str
    model: str
    cost: int = 0
    seconds: int = 30
    params: Mapping[str, Any] = field(default_factory=dict)
    still: "Offer | None" = None

    @property
    def whole_cost(self) -> int:
        """The price of one result at most, its still included."""
        return self.cost + (self.still.cost if self.still else 0)

    @property
    def name(self) -> str:
        """The name that a checkpoint uses for it."""
        return f"{self.provider}:{self.model}"


@dataclass(frozen=True)
class OwnStyle:
    """A seller's own style, for what we draw: the logo's file, two colours as #rrggbb, the name of a pair of faces."""

    logo: bytes = b""
    accent: str = ""
    ground: str = ""
    pair: str = ""


@dataclass(frozen=True)
class Ask:
    """A wish to a provider, in checked words, of which each provider makes its own request."""

    job_id: int
    product: str
    prompt: str
    picture: bytes  # a JPEG without metadata
    width: int
    height: int
    preset: str = ""
    title: str = ""
    benefits: tuple[str, ...] = ()
    scene: str = ""
    template: str = ""
    seconds: int = 0
    variant: int = 0
    music: str = ""  # the mood of a clip's music
    others: tuple[
        bytes, ...
    ] = ()  # further photos: the shots of a clip that we film, the product's other sides for a model
    design: str = ""  # of a card that we draw ourselves
    slide: int | None = None  # its number in a set
    cut: bytes = b""  # the photo's kept cut, for ourselves, where there is one
    way: str = ""  # in which the product is shown, where the seller chose one
    own: OwnStyle = OwnStyle()
    framed: bool = False  # we may show the photo in a frame rather than refuse
    mask: bytes = b""  # a PNG of the picture's size, clear where a model may paint; none for all of it
    account: str = ""  # which of our keys to use

    @property
    def ratio(self) -> str:
        """The proportions in the words of the models: 1:1, 3:4 or 9:16."""
        return {1.0: "1:1", 0.75: "3:4", 0.56: "9:16"}[round(self.width / self.height, 2)]


@dataclass(frozen=True)
class Ticket:
    """Work that goes on at a provider. `account` tells which of our keys began it, and is no secret."""

    provider: str
    model: str
    id: str
    account: str = ""


@dataclass(frozen=True)
class Report:
    """The state of a ticket: running, done or failed; `progress` is 0 to 1 where the provider tells.

    `cost` is what was charged, in thousandths of a dollar, where the provider tells. `rules` says that it failed
    because of what it shows.
    """

    state: str
    progress: float | None = None
    urls: tuple[str, ...] = ()
    cost: int | None = None
    rules: bool = False
    error: str = ""


@dataclass(frozen=True)
class Output:
    """A finished picture or clip as the provider gave it. A stranger's bytes, until `finish` has made ours of them."""

    data: bytes
    preview: bytes = b""
    width: int = 0
    height: int = 0
    note: str = ""
    cost: int | None = None


class Provider(Protocol):
    """The content of every module that PROVIDERS names."""

    INSTANT: bool  # `create` returns an Output; there are no tickets, and nobody reports what became of them
    RATE: tuple[int, timedelta] | None  # how many tasks may be begun within a span, of all workers together
    OFFERS: Mapping[str, tuple[Offer, ...]]  # what it makes, by product or `product:preset`, the first choice first

    async def prepare(self, offer: Offer, ask: Ask) -> Request:
        """Return the request; upload the picture where the provider wants an address."""

    async def create(self, offer: Offer, ask: Ask, request: Request, callback: str) -> Ticket | Output:
        """Begin the work, and spend."""

    async def poll(self, tickets: Sequence[Ticket]) -> list[Report]:
        """Return a report for each ticket, in their order; raise Unavailable when the provider does not answer."""

    async def collect(self, ticket: Ticket, report: Report) -> Output:
        """Return the result of a ticket that is done."""

    async def find(self, offer: Offer, request: Request, task_id: str) -> Ticket | None:
        """Return the ticket of a task that somebody named to us, if it is the one of this request."""

    def check_report(self, headers: Mapping[str, str], task_id: str) -> None:
        """Raise Denied unless the provider signed this report; it is asked only where there are tickets."""


@contextlib.contextmanager
def answers(code: str) -> Iterator[None]:
    """Let whatever a provider's odd answer breaks in our reading of it be that provider's failure, under this code."""
    try:
        yield
    except errors.AppError:
        raise
    except Exception as error:
        raise errors.Unavailable(code, f"odd answer: {type(error).__name__}: {error}"[:300]) from error
