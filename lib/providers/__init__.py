"""The generation providers: what each promises (the contract), and who makes which product, in which order (the table).

    prepare  upload what the request needs; costs nothing and may be repeated
    create   spend: a Ticket for work that goes on at the provider, or an Output that is finished
    poll     what became of tickets, several at once
    collect  the bytes of a finished ticket, over checked addresses only
    find     a task of ours by the id that somebody named to us: None unless the provider itself says it is ours

A provider alone decides what its failures mean. Unavailable: another try, or another provider, can help; with the code
`maybe_made` a task may have been created all the same, and nobody creates a second one before that is settled; with
`out_of_money` an administrator must act. Rejected: this request will never succeed there; `rules` means that the
content broke them, and no other provider is asked. A picture_* code is about the seller's photo.

Models and prices change within months, so all of it is data. `local` needs no key and ends every chain.
"""

import hashlib
import importlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Protocol, cast

from lib import config

PROVIDERS = {
    "kie": "lib.providers.kie",
    "openai": "lib.providers.openai",
    "local": "lib.providers.local.provider",
}

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
    def name(self) -> str:
        """What a checkpoint calls it."""
        return f"{self.provider}:{self.model}"


@dataclass(frozen=True)
class Ask:
    """What is wanted of a provider, in checked words: each makes a request of its own of it."""

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
    """What became of a ticket: running, done or failed; `progress` is 0 to 1 where the provider tells.

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
    """What every module named in PROVIDERS holds."""

    INSTANT: bool  # `create` returns an Output; there are no tickets

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


def load(name: str) -> Provider:
    """Return a provider, imported now: what is heavy about it is paid by the job that needs it."""
    return cast(Provider, importlib.import_module(PROVIDERS[name]))


def has_key(name: str) -> bool:
    """Say whether the settings let a provider work."""
    return name == "local" or name in config.get().keyed_providers


def account(name: str, job_id: int, resting: Collection[str] = ()) -> str:
    """Return which key of a provider a job uses, the same at each run; another one or '' when its own rests.

    Adding a key moves few jobs.
    """
    known = [one for one in config.get().accounts.get(name, ()) if one not in resting]
    return max(known, key=lambda one: hashlib.sha256(f"{one}:{job_id}".encode()).digest(), default="")


def chain(product: str, preset: str = "") -> tuple[Offer, ...]:
    """Return who can make a product with the keys there are, in the order of asking."""
    offers = CHAINS.get(f"{product}:{preset}") or CHAINS[product]
    return tuple(offer for offer in offers if has_key(offer.provider))


def is_remote(product: str) -> bool:
    """Say whether somebody else's machines do the work, so that many orders can be under way here."""
    return chain(product)[0].provider != "local"


# How many tasks may be begun within a span, of all workers together; above it KIE answers 429 and queues nothing.
RATES = {"kie": (20, timedelta(seconds=10))}

# Where results may be fetched from: these hosts and those below them.
RESULT_HOSTS = {
    "kie": ("aiquickdraw.com", "redpandaai.co", "kie.ai"),
    "openai": (),
}

_LOCAL_CARD = Offer("local", "card", seconds=5)
_LOCAL_BACKGROUND = Offer("local", "background", seconds=5)

# Prices: KIE's list of December 2025 and of 2026 where known, a cautious guess elsewhere; what a job really cost is
# recorded with it. "nsfw_checker" is off by default at KIE.
_GPT_IMAGE = Offer("kie", "gpt-image-2-image-to-image", 60, 45, {"resolution": "1K"})
_BANANA_2 = Offer("kie", "nano-banana-2", 40, 30, {"resolution": "1K", "output_format": "png"})
_BANANA = Offer("kie", "google/nano-banana-edit", 20, 25, {"output_format": "png"})
_SEEDREAM = Offer("kie", "seedream/4.5-edit", 33, 30, {"quality": "basic", "nsfw_checker": True})
_OPENAI = Offer("openai", "gpt-image-2", 70, 45, {"quality": "medium"})


def _clips(seconds: int) -> tuple[Offer, ...]:
    kling, grok = {5: (275, "6"), 10: (550, "10")}[seconds]
    sound = {"duration": str(seconds), "sound": False}
    return (
        Offer("kie", "kling-2.6/image-to-video", kling, 150, sound, _BANANA_2),
        Offer(
            *("kie", "grok-imagine/image-to-video", 17 * int(grok), 90),
            {"duration": grok, "resolution": "720p", "mode": "normal", "nsfw_checker": True},
            _BANANA_2,
        ),
        Offer("local", "video", seconds=4 + 2 * seconds),
    )


CHAINS: dict[str, tuple[Offer, ...]] = {
    "card": (_GPT_IMAGE, _BANANA_2, _OPENAI, _LOCAL_CARD),
    "card:white": (_BANANA, _SEEDREAM, _OPENAI, _LOCAL_CARD),
    "card:classified": (_LOCAL_CARD,),
    "set": (_GPT_IMAGE, _BANANA_2, _OPENAI, _LOCAL_CARD),
    "set:white": (_BANANA, _SEEDREAM, _OPENAI, _LOCAL_CARD),
    "set:classified": (_LOCAL_CARD,),
    "background": (_SEEDREAM, _BANANA, _OPENAI, _LOCAL_BACKGROUND),
    "video5": _clips(5),
    "video10": _clips(10),
}
