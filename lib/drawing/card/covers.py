"""Composes a card from the covers: which designs an order can have, and which of them it gets.

An order's looks are those designs that take its product and its words, the one that the seller chose first. Another
`variant` is the next of them; once all have been seen they come again in other colours.
"""

from dataclasses import dataclass

from PIL import Image

from lib.drawing.cover import choice, draw, facts, framed, slides, tones
from lib.drawing.cover.branding import UNBRANDED, Branding
from lib.drawing.cover.facts import CoverFacts
from lib.drawing.cover.full import Box, PlacedPhoto
from lib.drawing.cut.result import CutPhoto, ProductPicture, Way
from lib.drawing.ground import lettering, words

FEW = 3  # designs of a cut product: with less there is no choice


@dataclass(frozen=True)
class Looks:
    """All that a card of one product with its words can be: by its picture, and by the framed photo."""

    picture: ProductPicture
    photo: ProductPicture
    facts: CoverFacts
    designs: tuple[str, ...]
    own: Branding = UNBRANDED

    def draw(self, size: tuple[int, int], variant: int) -> Image.Image:
        """Return the card of this size in pixels."""
        turn, place = divmod(variant, len(self.designs))
        design = self.designs[place]
        if design in framed.DESIGNS:
            return framed.draw(size, _placed(self.photo), self.facts, design, self.own)
        return draw.draw(size, self.picture.image, self.facts, design, turn, self.picture.sides, self.own)

    def shows_cut(self, variant: int) -> bool:
        """Tell if the product is cut out on this card, not shown in its photo."""
        return self.designs[variant % len(self.designs)] not in framed.DESIGNS

    def shifted(self, number: int) -> bool:
        """Tell if a colour of the seller's own is lighter or darker on this cover than it was asked for."""
        if self.designs[number] in framed.DESIGNS:
            return False
        made = draw.prepared((90, 120), self.picture.image, self.facts, self.designs[number], own=self.own)
        return made.tones.shifted

    def of_set(self, size: tuple[int, int], variant: int, number: int) -> Image.Image:
        """Return the picture of this number in a set: the cover, its slides, and where they end, other covers."""
        turn, place = divmod(variant, len(self.designs))
        design, image = self.designs[place], self.picture.image
        is_free = design in choice.DESIGNS and not self.picture.sides
        follow = ["", *(slides.fitting(self.facts, image) if is_free else slides.in_place(self.facts))]
        if number == 0 or number >= len(follow):
            return self.draw(size, variant + max(0, number - len(follow) + 1))
        if not is_free:
            return self._in_place(size, design, turn, number, follow[number])
        return slides.draw(draw.prepared(size, image, self.facts, design, turn, own=self.own), follow[number], design)

    def _in_place(self, size: tuple[int, int], design: str, turn: int, number: int, benefit: str) -> Image.Image:
        """Return a slide of a product that must stand where its photo has it: one benefit, or the photo alone.

        The slides show a part of it, the whole, its middle, and so on.
        """
        photo = _placed(self.photo)
        if not benefit:
            return framed.alone(size, photo.image, photo.focus)
        one = facts.alone(self.facts, benefit)
        if design not in framed.DESIGNS and choice.DESIGNS[choice.LAST_RESORT].bleeds.issuperset(self.picture.sides):
            return draw.draw(size, self.picture.image, one, choice.LAST_RESORT, turn, self.picture.sides, self.own)
        name = design if design in framed.DESIGNS else "panel"
        shown: list[Box | None] = [*framed.views(photo)]
        shown.insert(1, None)
        return framed.draw(size, photo, one, name, self.own, shown[(number - 1) % len(shown)])


def _placed(photo: ProductPicture) -> PlacedPhoto:
    return framed.placed(photo.image, photo.box, photo.mask)


def looks(
    cut: CutPhoto,
    title: str,
    benefits: tuple[str, ...],
    design: str = "",
    way: Way | None = None,
    own: Branding = UNBRANDED,
) -> Looks:
    """Return the looks of an order: with the framed photo where few designs take a cut product, or none."""
    said = facts.read(lettering.said(title, words.TITLE_LIMIT), lettering.listed(benefits))
    picture, photo = cut.chosen(way), cut.pictures[-1]
    designs: list[str] = []
    if picture.is_cut:
        rim = tones.character(picture.image).rim
        designs = choice.fitting(said, picture.image.width / picture.image.height, picture.sides, rim)
    if not designs:
        picture = photo
    if len(designs) < FEW:
        whole, standing = framed.fitting(said, _placed(photo), design)
        # A cut that must stand at an edge is seldom better, but it is what its seller has asked for.
        first = [] if designs and way == picture.how else whole[:2]
        designs = [*first, *designs, *whole[len(first) :], *standing]
    wanted = [design] if design in designs else []
    return Looks(picture, photo, said, (*wanted, *(name for name in designs if name not in wanted)), own)
