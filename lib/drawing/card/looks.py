"""Composes a card. A look is data: a mood, a stage, and where title and benefits go; `compose` does the layout.

top     title above, product in the middle, benefits below
side    title above, benefits in a column beside the product; a wide or framed one falls back to `top`
sheet   product above, title and benefits on a coloured sheet that rises from the bottom edge
"""

from dataclasses import dataclass, replace

import numpy as np
from PIL import Image, ImageFilter

from lib.drawing.card import benefits
from lib.drawing.cut import framing
from lib.drawing.cut.result import ProductPicture
from lib.drawing.ground import colour, lettering, paint
from lib.drawing.ground.colour import Rgb
from lib.drawing.ground.lettering import Block
from lib.drawing.ground.paint import Box
from lib.drawing.ground.palette import Palette
from lib.drawing.scene import stage

SMALL = 38  # type that a column beside the product may not go below: a long word would be tiny there
WIDE = 0.92  # width to height of a product that leaves no room beside it


@dataclass(frozen=True)
class Look:
    mood: str
    shape: str
    plan: str
    kind: str
    ground: str
    centred: bool = False


@dataclass(frozen=True)
class Paper:
    """The paper: its size in pixels, the parts of it that apps cover, and the unit of all lengths."""

    width: int
    height: int
    safe_top: int
    safe_bottom: int

    @property
    def unit(self) -> float:
        """One 1200th of the width."""
        return self.width / 1200

    @property
    def title_room(self) -> int:
        """The most height that a title may take."""
        return round(min(self.height * 0.205, self.width * 0.29))

    @property
    def area(self) -> Box:
        """Where words and products may be."""
        edge = round(76 * self.unit)
        top, bottom = max(edge, self.safe_top), max(edge, self.safe_bottom)
        return edge, top, self.width - edge, self.height - bottom


@dataclass(frozen=True)
class Hero:
    """The thing that the card shows, cut out or framed in its photo; and the product alone, for its colours."""

    image: Image.Image
    cut: bool
    product: Image.Image


def hero(picture: ProductPicture) -> Hero:
    """Show the product cut out, or else the part of its photo around it."""
    image = picture.image if picture.is_cut else framing.around(picture)
    return Hero(image, picture.is_cut, picture.product())


def compose(sheet: Paper, look: Look, palette: Palette, hero: Hero, title: str, texts: tuple[str, ...]) -> Image.Image:
    """Draw the whole card."""
    look = _suited(look, hero, texts)
    canvas = paint.gradient((sheet.width, sheet.height), palette.top, palette.bottom)
    GROUNDS[look.ground](canvas, palette, sheet)
    {"top": _top, "side": _side, "sheet": _sheet}[look.plan](canvas, sheet, look, palette, hero, title, texts)
    return canvas


def _suited(look: Look, hero: Hero, texts: tuple[str, ...]) -> Look:
    wide = hero.image.width > WIDE * hero.image.height
    if look.plan == "side" and (wide or not texts):
        bleeds = not hero.cut and look.mood == "fresh"
        return (
            replace(look, plan="sheet", kind="bar", centred=True) if bleeds else replace(look, plan="top", kind="bar")
        )
    return look


def _top(
    canvas: Image.Image, sheet: Paper, look: Look, palette: Palette, hero: Hero, title: str, texts: tuple[str, ...]
) -> None:
    left, top, right, bottom = sheet.area
    unit = sheet.unit
    setting = benefits.measure(look.kind, texts, right - left, unit)
    block = _title(title, right - left, sheet.title_room, unit)
    high = top + (block.height + round(46 * unit) if block else 0)
    low = bottom - (setting.height + round(40 * unit) if setting else 0)
    _show(canvas, look, palette, hero, (left, high, right, low))
    if block:
        _write(canvas, palette.ink, block, (left, top), right - left if look.centred else 0)
    if setting:
        start = left + (right - left - setting.width) // 2 if look.centred else left
        benefits.draw(canvas, palette, setting, (start, bottom - setting.height, start + setting.width, bottom))


def _side(
    canvas: Image.Image, sheet: Paper, look: Look, palette: Palette, hero: Hero, title: str, texts: tuple[str, ...]
) -> None:
    left, top, right, bottom = sheet.area
    unit = sheet.unit
    block = _title(title, right - left, sheet.title_room, unit)
    high = top + (block.height + round(60 * unit) if block else 0)
    # A slim product leaves the words more room.
    free = 1 - (bottom - high) * hero.image.width / hero.image.height / (right - left)
    column = round((right - left) * min(0.42, max(0.33, free - 0.06)))
    setting = benefits.measure("column", texts, column, unit)
    if setting and setting.blocks[0].size < SMALL * unit:
        _top(canvas, sheet, replace(look, kind="bar"), palette, hero, title, texts)
        return
    start = left + column + round(28 * unit)
    room = (start, high, right + round(36 * unit), bottom)
    _show(canvas, look, palette, hero, room)
    if block:
        _write(canvas, palette.ink, block, (left, top), 0)
    if setting:
        benefits.draw(canvas, palette, setting, (left, high, left + column, bottom))


def _sheet(
    canvas: Image.Image, sheet: Paper, look: Look, palette: Palette, hero: Hero, title: str, texts: tuple[str, ...]
) -> None:
    left, top, right, bottom = sheet.area
    unit = sheet.unit
    block = _title(title, right - left, round(270 * unit), unit * 0.9)
    setting = benefits.measure(look.kind, texts, right - left, unit)
    gap = round(48 * unit)
    needed = (block.height if block else 0) + (setting.height if setting else 0)
    needed += gap * ((block is not None) + (setting is not None)) + round(12 * unit)
    line = bottom - needed if block or setting else sheet.height
    edge = round(10 * unit)
    bleed = (sheet.width, line + round(72 * unit))
    if not hero.cut:
        canvas.paste(stage.filling(hero.image, bleed), (0, 0))
    else:
        _show(canvas, look, palette, hero, (left, top - edge * 2, right, line - round(40 * unit)))
    if line < sheet.height:
        _lay_sheet(canvas, palette, sheet, line)
    inner = _on_sheet(palette)
    start = line + gap + round(6 * unit)
    if block:
        _write(canvas, inner.ink, block, (left, start), right - left if look.centred else 0)
        start += block.height + gap
    if setting:
        edge = left + (right - left - setting.width) // 2 if look.centred else left
        benefits.draw(canvas, inner, setting, (edge, start, edge + setting.width, start + setting.height))


def _lay_sheet(canvas: Image.Image, palette: Palette, sheet: Paper, line: int) -> None:
    radius = round(72 * sheet.unit)
    size = (sheet.width, sheet.height - line + radius)
    mask = paint.rounded(size, radius, (True, True, False, False)).crop((0, 0, sheet.width, sheet.height - line))
    paint.shadow(canvas, palette.shadow, mask, (0, line), blur=round(30 * sheet.unit), share=0.22)
    paint.lay(canvas, palette.sheet, mask, (0, line))


def _on_sheet(palette: Palette) -> Palette:
    """Return the palette for what is written on the sheet."""
    badge = colour.mix(palette.sheet, palette.sheet_ink, 0.16)
    light = sum(palette.sheet) > 384
    accent = palette.accent if light and not palette.dark else palette.sheet_ink if light else badge
    ink = palette.sheet if light else palette.sheet_ink
    return replace(
        palette, ink=palette.sheet_ink, accent=accent, accent_ink=ink, panel=badge, panel_ink=palette.sheet_ink
    )


def _title(title: str, width: int, height: int, unit: float) -> Block | None:
    if not title:
        return None
    sizes = (round(136 * unit), round(54 * unit))
    return lettering.fit(title, lettering.HEAVY, (width, height), sizes, lines=3, spacing=1.08)


def _show(canvas: Image.Image, look: Look, palette: Palette, hero: Hero, box: Box) -> Box:
    if hero.cut:
        stage.backdrop(canvas, palette, look.shape, box, hero.image.width / hero.image.height)
        return stage.place(canvas, palette, hero.image, look.shape, box)
    return stage.frame(canvas, palette, hero.image, box)


def _write(canvas: Image.Image, ink: Rgb, block: Block, corner: tuple[int, int], centre_in: int) -> None:
    patch = canvas.crop((corner[0], corner[1], corner[0] + max(block.width, centre_in), corner[1] + block.height))
    ink = colour.readable(ink, np.asarray(patch.reduce(6)))
    lettering.draw(canvas, corner, block, ink, centre_in=centre_in)


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
