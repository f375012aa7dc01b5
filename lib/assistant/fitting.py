"""Whether what a model offers keeps to the limits of the question: a price, and what the client must not have.

A model may refer to any item. Code has read the limits (`lib.menu.wish`), shows of an item the sizes that keep to them,
and marks an item that has none.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from lib import text
from lib.menu.goods import MenuItem, Variant
from lib.menu.index import Index
from lib.menu.wish import MenuWish

NONE = MenuWish("")


@dataclass(frozen=True)
class AskedLimits:
    """The limits of a question; `barred` are the items that hold what it forbids, or may (False)."""

    wish: MenuWish = NONE
    barred: Mapping[str, bool] = field(default_factory=dict)

    @property
    def are_any(self) -> bool:
        """Tell whether the question limits anything."""
        return self.wish.least is not None or self.wish.most is not None or bool(self.wish.without)

    def kept(self, item: MenuItem, variants: Sequence[Variant]) -> Sequence[Variant]:
        """Return those of an item's variants that keep to the limits."""
        return [] if item.code in self.barred else [one for one in variants if self.wish.fits(one.kopecks)]

    def note(self, language: str, item: MenuItem, variants: Sequence[Variant]) -> str:
        """Say why an item of which nothing is kept may not be what the client asked for."""
        most = self.wish.most
        if item.code in self.barred:
            key = "holds" if self.barred[item.code] else "may_hold"
        else:
            key = "over" if most is not None and all(one.kopecks > most for one in variants) else "other_price"
        return text.plain(text.say(language, f"client.answer.{key}"))

    def told(self) -> dict[str, object]:
        """Return the limits as a model is told of them."""
        wish = self.wish
        named = {"at least": wish.least, "at most": wish.most}
        told: dict[str, object] = {name: kopecks / 100 for name, kopecks in named.items() if kopecks is not None}
        return {**told, "without": [*wish.without]} if wish.without else told


def read(index: Index, question: str) -> AskedLimits:
    """Return the limits of a question to the shop of this menu."""
    wish = index.read(question)
    return AskedLimits(wish, index.barred(wish))
