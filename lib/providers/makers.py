"""The makers of each product: in which order they are asked, what each costs at most, and how long it takes.

Models and prices change within months, so all of it is data. `local` needs no key and ends every chain.
"""

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from lib import config


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


def left(product: str, preset: str, maker: str) -> tuple[Offer, ...]:
    """Return those of the chain that may make an order: of its `maker` 'own', 'model', or '' for all of them."""
    kinds = {"own": (True,), "model": (False,)}.get(maker, (True, False))
    return tuple(offer for offer in chain(product, preset) if (offer.provider == "local") in kinds)


def words() -> Offer:
    """Return who proposes the words of a card: a model of the settings."""
    return Offer("openai", config.get().openai_model, WORDS_COST)


def is_remote(product: str) -> bool:
    """Say whether somebody else's machines do the work, so that many orders can be under way here."""
    return chain(product)[0].provider != "local"


_LOCAL_CARD = Offer("local", "card", seconds=5)
_LOCAL_BACKGROUND = Offer("local", "background", seconds=5)

# Prices: KIE's list of December 2025 and of 2026 where known, a cautious guess elsewhere; what a job really cost is
# recorded with it. "nsfw_checker" is off by default at KIE.
_GPT_IMAGE = Offer("kie", "gpt-image-2-image-to-image", 60, 45, {"resolution": "1K"})
_BANANA_2 = Offer("kie", "nano-banana-2", 40, 30, {"resolution": "1K", "output_format": "png"})
_BANANA = Offer("kie", "google/nano-banana-edit", 20, 25, {"output_format": "png"})
_SEEDREAM = Offer("kie", "seedream/4.5-edit", 33, 30, {"quality": "basic", "nsfw_checker": True})
_OPENAI = Offer("openai", "gpt-image-2", 70, 45, {"quality": "medium"})

# What is asked beside the pictures. Moderation is free.
MODERATION = Offer("openai", "omni-moderation-latest")
WORDS_COST = 3


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
