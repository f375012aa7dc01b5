"""A cover's sheet that keeps what is drawn on it apart, so that it can move: the ground, and layers above it.

What is drawn before the first word or picture is the ground. Layers that touch each other on the sheet move together:
a plate with its words, a sign with its benefit. The product moves alone, with its shadow. The seller's logo rests.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image, ImageDraw

from lib.drawing.cover import branding, letters
from lib.drawing.cover.branding import Branding
from lib.drawing.cover.letters import Style
from lib.drawing.cover.paper import WHITE, WIDTH, CoverSheet, Drop, Point, Spot
from lib.drawing.ground import planes
from lib.drawing.ground.colour import Rgb
from lib.drawing.ground.planes import Box, Frame, Layer

ROWS, GROWS, DRIFTS = 24, 1.15, 40  # rows in which a product is looked at; how it moves: times, and units aside
NEAR = 12  # pixels between layers that belong together
PRODUCT, SHADOW, LOGO = -1, -2, -3  # groups; what the product casts rests where it is, and so does a seller's logo


@dataclass(frozen=True)
class FilmPiece:
    """A layer with its centre on the frame, and the group that it moves with."""

    layer: Layer
    x: float
    y: float
    group: int = 0

    @property
    def box(self) -> tuple[float, float, float, float]:
        """Return what it covers at rest."""
        wide, high = self.layer.width / 2, self.layer.height / 2
        return self.x - wide, self.y - high, self.x + wide, self.y + high


class FilmSheet(CoverSheet):
    """A sheet of a film: `pieces` lie above its image, in their order."""

    def __init__(self, size: tuple[int, int], ground: Rgb, product: Image.Image) -> None:
        super().__init__(*size, ground)
        self.pieces: list[FilmPiece] = []
        self._product = product
        self._is_product = False
        self._is_logo = False
        self._stands: Spot | None = None  # where the product is, if it stands upright
        self._edge = 0  # pixels of the white outline of the picture that is being set

    def lay(self, fill: Rgb, mask: Image.Image, at: tuple[int, int], share: float = 1) -> None:
        """Lay a colour: on the ground while nothing stands above it."""
        if self._edge and fill == WHITE:
            self._outline = mask  # becomes one layer with what it surrounds
        elif not self.pieces and not self._is_product and not self._is_logo:
            super().lay(fill, mask, at, share)
        elif (box := self._shown(at, mask.size)) is not None:
            cut = mask.crop((box[0] - at[0], box[1] - at[1], box[2] - at[0], box[3] - at[1]))
            cut = cut.point([round(level * share) for level in range(256)]) if share < 1 else cut
            self._ink(cut, fill, (box[0], box[1]), LOGO if self._is_logo else SHADOW if self._is_product else 0)

    def band(self, top: float, bottom: float, fill: Rgb, *, left: float = 0, right: float = WIDTH) -> None:
        """Fill a rectangle."""
        x, y = self.px(left), self.px(top)
        size = (max(1, self.px(right) - x), max(1, self.px(bottom) - y))
        self.lay(fill, Image.new("L", size, 255), (x, y))

    def say(self, line: str, at: Point, style: Style, size: float, ink: Rgb) -> None:
        """Write a line."""
        if not line.strip():
            return
        pad = round(size * 0.4)
        wide = round(letters.measure(line, style, size)) + 2 * pad
        mask = Image.new("L", (wide, round(size * 1.7)))
        corner = (round(at[0]) - pad, round(at[1] - size * 1.2))
        place = (at[0] - corner[0], at[1] - corner[1])
        letters.draw_line(ImageDraw.Draw(mask), place, line, style, size, 255)
        box = mask.getbbox()
        if box:
            self._ink(mask.crop(box), ink, (corner[0] + box[0], corner[1] + box[1]))

    def picture(
        self, image: Image.Image, spot: Spot, *, turn: float = 0, drop: Drop | None = None, outline: float = 0
    ) -> None:
        """Set a picture; the product's own moves with its shadow and its outline."""
        self._is_product = image is self._product
        self._edge = self.px(outline)
        super().picture(image, spot, turn=turn, drop=drop, outline=outline)
        if self._is_product and not turn:
            self._stands = spot
        self._is_product, self._edge = False, 0

    def contact(self, spot: Spot, share: float) -> None:
        """Darken the floor under the product."""
        self._is_product = True
        super().contact(spot, share)
        self._is_product = False

    def put(self, picture: Image.Image, corner: tuple[int, int]) -> None:
        """Lay a picture, upon its outline where it has one."""
        if self._edge:
            sheet = Image.new("RGBA", self._outline.size, (*WHITE, 0))
            sheet.putalpha(self._outline)
            sheet.alpha_composite(picture, (self._edge, self._edge))
            picture, corner = sheet, (corner[0] - self._edge, corner[1] - self._edge)
        group = LOGO if self._is_logo else PRODUCT if self._is_product else 0
        self._add(planes.layer(picture), corner, group)

    def _ink(self, mask: Image.Image, ink: Rgb, corner: tuple[int, int], group: int = 0) -> None:
        """Add a shape of one colour; at even pixels, where it costs least to lay."""
        odd = (corner[0] % 2, corner[1] % 2)
        if odd != (0, 0):
            padded = Image.new("L", (mask.width + odd[0], mask.height + odd[1]))
            padded.paste(mask, odd)
            mask, corner = padded, (corner[0] - odd[0], corner[1] - odd[1])
        self._add(planes.inked(mask, ink), corner, group)

    def whole(self, photo: Image.Image, corner: tuple[int, int] = (0, 0)) -> None:
        """Let a photo be the product: one of the sheet's size, or one that hangs before its ground."""
        self._is_product = True
        self.put(photo, corner)
        self._is_product = False

    def sign(self, own: Branding, top: float) -> None:
        """Set the seller's logo into a corner, as on a cover, where neither words nor the product itself ever are."""
        taken, self._is_logo = self.taken, True
        if self._stands:
            rows = _rows(self._product, self._stands)
            self.taken = [*(spot for spot in taken if spot != self._stands), *rows]
        branding.sign(self, own, top)
        self.taken, self._is_logo = taken, False

    def mark(self, logo: Image.Image, spot: Spot, ground: Rgb | None) -> None:
        """Set the seller's logo into a place."""
        self._is_logo = True
        branding.mark(self, logo, spot, ground)
        self._is_logo = False

    def seen(self, box: Box) -> Image.Image:
        """Return what the sheet shows there, with all pieces at rest."""
        frame = Frame.of(self.image)
        for piece in self.pieces:
            frame.lay(piece.layer, piece.x, piece.y)
        return frame.picture().crop(box)

    def _add(self, layer: Layer, corner: tuple[int, int], group: int) -> None:
        self.pieces.append(FilmPiece(layer, corner[0] + layer.width / 2, corner[1] + layer.height / 2, group))

    def _shown(self, at: tuple[int, int], size: tuple[int, int]) -> Box | None:
        """Return the part of a shape that is on the sheet, if there is any."""
        left, top = max(0, at[0]), max(0, at[1])
        right, bottom = min(self.image.width, at[0] + size[0]), min(self.image.height, at[1] + size[1])
        return (left, top, right, bottom) if right > left and bottom > top else None


def _rows(image: Image.Image, spot: Spot) -> Iterator[Spot]:
    """Yield what a product takes of its place, row by row, once it has come as near as it does: beside it is room."""
    solid = np.asarray(image.getchannel("A").resize((ROWS, ROWS), Image.Resampling.BOX)) > 8
    wide, high = spot.width * GROWS / ROWS, spot.height * GROWS / ROWS
    for number, row in enumerate(solid):
        at = np.flatnonzero(row)
        if len(at):
            left, width = (at[0] - ROWS / 2) * wide - DRIFTS, (at[-1] + 1 - at[0]) * wide + 2 * DRIFTS
            yield Spot(spot.middle + left, spot.bottom + (number - ROWS) * high, width, high)


def grouped(pieces: list[FilmPiece]) -> tuple[FilmPiece, ...]:
    """Number the groups: pieces that touch are one, and groups are counted from the top of the frame."""
    labels = list(range(len(pieces)))
    for one, other in itertools.combinations(range(len(pieces)), 2):
        if min(pieces[one].group, pieces[other].group) >= 0 and _touch(pieces[one], pieces[other]):
            labels = [labels[one] if label == labels[other] else label for label in labels]
    tops: dict[int, float] = {}
    for piece, label in zip(pieces, labels, strict=True):
        if piece.group >= 0:
            tops[label] = min(piece.box[1], tops.get(label, piece.box[1]))
    order = {label: number for number, label in enumerate(sorted(tops, key=lambda label: tops[label]))}
    return tuple(
        replace(piece, group=order.get(label, piece.group)) for piece, label in zip(pieces, labels, strict=True)
    )


def _touch(one: FilmPiece, other: FilmPiece) -> bool:
    a, b = one.box, other.box
    return a[0] < b[2] + NEAR and b[0] < a[2] + NEAR and a[1] < b[3] + NEAR and b[1] < a[3] + NEAR
