"""The product of a clip, cut out or framed, and the backgrounds that are drawn for it."""

from dataclasses import dataclass

from PIL import Image, ImageFilter

from lib.drawing.cut import framing
from lib.drawing.cut.result import ProductPicture
from lib.drawing.ground import paint
from lib.drawing.ground.palette import Palette


@dataclass(frozen=True)
class Paper:
    """The paper: its size in pixels, and the unit of all lengths."""

    width: int
    height: int

    @property
    def unit(self) -> float:
        """One 1200th of the width."""
        return self.width / 1200


@dataclass(frozen=True)
class Hero:
    """The thing that a clip shows, cut out or framed in its photo; and the product alone, for its colours."""

    image: Image.Image
    cut: bool
    product: Image.Image


def hero(picture: ProductPicture) -> Hero:
    """Show the product cut out, or else the part of its photo around it."""
    image = picture.image if picture.is_cut else framing.around(picture)
    return Hero(image, picture.is_cut, picture.product())


def _bare(canvas: Image.Image, palette: Palette, sheet: Paper) -> None:
    """Leave the gradient alone."""


def _beams(canvas: Image.Image, palette: Palette, sheet: Paper) -> None:
    """Let window light fall across the ground."""
    small = (sheet.width // 4, sheet.height // 4)
    w, h = small
    for start, wide in ((0.30, 0.20), (0.60, 0.30)):
        points = [
            (w * start, 0.0),
            (w * (start + wide), 0.0),
            (w * (start + wide - 0.75), float(h)),
            (w * (start - 0.75), float(h)),
        ]
        mask = paint.polygon(small, points).filter(ImageFilter.GaussianBlur(w / 60))
        paint.lay(canvas, (255, 255, 255), mask.resize((sheet.width, sheet.height)), (0, 0), 0.34)


def _bubbles(canvas: Image.Image, palette: Palette, sheet: Paper) -> None:
    """Let large pale circles rise from two corners."""
    for x, y, size, share in ((0.72, -0.14, 0.62, 0.5), (-0.26, 0.62, 0.70, 0.45), (0.86, 0.78, 0.34, 0.35)):
        side = round(sheet.width * size)
        paint.lay(
            canvas,
            palette.ornament,
            paint.ellipse((side, side)),
            (round(sheet.width * x), round(sheet.height * y)),
            share,
        )


def _waves(canvas: Image.Image, palette: Palette, sheet: Paper) -> None:
    """Raise two soft hills from the bottom."""
    w, h = sheet.width, sheet.height
    for x, y, wide, share in ((-0.55, 0.60, 1.5, 0.5), (0.1, 0.70, 1.6, 0.6)):
        size = (round(w * wide), round(h * 0.8))
        paint.lay(canvas, palette.ornament, paint.ellipse(size), (round(w * x), round(h * y)), share)


GROUNDS = {"bare": _bare, "beams": _beams, "bubbles": _bubbles, "waves": _waves}
