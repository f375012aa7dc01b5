"""The makers of each product: in which order they are asked, what each costs at most, and how long it takes.

A provider names in its own module what it makes (`OFFERS`). `local` needs no key and ends every chain.
"""

import hashlib
from collections.abc import Collection

from lib import config, providers
from lib.providers.contract import Offer


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


def is_remote(product: str) -> bool:
    """Say whether somebody else's machines do the work, so that many orders can be under way here."""
    return chain(product)[0].provider != "local"


def _chains() -> dict[str, tuple[Offer, ...]]:
    """Return who makes what: those that need a key in the order in which config names them, then our own renderer."""
    keyed = [providers.load(name).OFFERS for name in config.PROVIDERS]
    return {one: tuple(offer for offers in (*keyed, OWN) for offer in offers.get(one, ())) for one in OWN}


_CARD = (Offer("local", "card", seconds=5),)

# What our own renderer makes is everything. It stands here because not every function contains the renderer.
OWN: dict[str, tuple[Offer, ...]] = {
    "card": _CARD,
    "card:white": _CARD,
    "card:clear": _CARD,
    "card:classified": _CARD,
    "set": _CARD,
    "set:white": _CARD,
    "set:classified": _CARD,
    "batch": _CARD,
    "background": (Offer("local", "background", seconds=5),),
    "video5": (Offer("local", "video", seconds=14),),
    "video10": (Offer("local", "video", seconds=24),),
}
CHAINS = _chains()
