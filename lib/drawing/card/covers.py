"""Composes a card from the covers: which designs an order can have, and which of them it gets.

An order's looks are those designs that take its product and its words, the one that the seller chose first. Another
`variant` is the next of them; once all have been seen they come again in other colours.
"""

from dataclasses import dataclass

from PIL import Image

from lib.drawing.cover import choice, draw, facts, framed
from lib.drawing.cover.facts import CoverFacts
from lib.drawing.cut.result import CutPhoto, ProductPicture, Way
from lib.drawing.ground import lettering, words


@dataclass(frozen=True)
class Looks:
    """All that a card of one product with its words can be."""

    picture: ProductPicture
    facts: CoverFacts
    designs: tuple[str, ...]

    def draw(self, size: tuple[int, int], variant: int) -> Image.Image:
        """Return the card of this size in pixels."""
        turn, place = divmod(variant, len(self.designs))
        design, shown = self.designs[place], self.picture
        if not shown.is_cut:
            return framed.draw(size, shown.image, shown.box, self.facts, design)
        return draw.draw(size, shown.image, self.facts, design, turn, shown.sides)


def looks(cut: CutPhoto, title: str, benefits: tuple[str, ...], design: str = "", way: Way | None = None) -> Looks:
    """Return the looks of an order. A product that its photo cuts off is framed where no design bleeds at that edge."""
    said = facts.read(lettering.said(title, words.TITLE_LIMIT), lettering.listed(benefits))
    picture = cut.chosen(way)
    designs = choice.fitting(said, picture.image.width / picture.image.height, picture.sides) if picture.is_cut else []
    if not designs:
        picture, designs = cut.pictures[-1], list(framed.DESIGNS)
    wanted = [design] if design in designs else []
    return Looks(picture, said, (*wanted, *(name for name in designs if name not in wanted)))
