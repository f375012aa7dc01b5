"""The items of a shop's menu as the search and the screens know them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Variant:
    """A size or kind of an item with its own price, in kopecks; `at_least`: the price begins there."""

    name: str
    kopecks: int
    at_least: bool = False


@dataclass(frozen=True)
class MenuItem:
    """What a shop sells: a dish, a bouquet, a repair."""

    code: str
    category: str
    title: str
    variants: tuple[Variant, ...]
    description: str = ""
    unit: str = ""  # what a price is for, where it is no portion: кг, 100 г, час
    photo: str = ""  # Telegram's id of it in the partner bot
    names: tuple[str, ...] = ()  # what clients call it besides; they find it by these and never read them
    in_short: bool = True
    available: bool = True
