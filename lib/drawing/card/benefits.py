"""Sets up to three benefits below each other, each on a panel with its icon."""

from dataclasses import dataclass

from PIL import Image

from lib.drawing.card import icons
from lib.drawing.ground import lettering, paint
from lib.drawing.ground.colour import Rgb
from lib.drawing.ground.lettering import Block
from lib.drawing.ground.paint import Box
from lib.drawing.ground.palette import Palette

LARGEST = 54
SMALLEST = 28
LINES = 2


@dataclass(frozen=True)
class Setting:
    """Benefits measured for one width, all in one size of type; `height` is what they need."""

    blocks: tuple[Block, ...]
    names: tuple[str, ...]
    width: int
    height: int
    unit: float


def measure(texts: tuple[str, ...], width: int, unit: float) -> Setting | None:
    """Fit the texts into the width, or return None when there are none."""
    if not texts:
        return None
    blocks = _evenly(texts, round(width - 148 * unit), unit)
    height = sum(pill(block, unit) for block in blocks) + 22 * unit * (len(blocks) - 1)
    return Setting(blocks, icons.distinct(texts), width, round(height), unit)


def _evenly(texts: tuple[str, ...], room: int, unit: float) -> tuple[Block, ...]:
    """Set all texts in the size that suits the one with the least room."""
    tall = round(LARGEST * unit * (0.92 + 1.22 * (LINES - 1)))
    smallest = round(SMALLEST * unit)

    def fit(text: str, largest: int) -> Block:
        box = (room, tall)
        return lettering.fit(text, lettering.MEDIUM, box, (largest, smallest), lines=LINES, spacing=1.2)

    size = min(fit(text, round(LARGEST * unit)).size for text in texts)
    return tuple(_fewest_lines(fit(text, size), text, room, size) for text in texts)


def _fewest_lines(block: Block, text: str, room: int, size: int) -> Block:
    for count in range(1, LINES):
        tall = round(size * (0.93 + 1.2 * (count - 1)))
        single = lettering.fit(text, lettering.MEDIUM, (room, tall + 2), (size, 1), lines=count, spacing=1.2)
        if single.size >= size and not single.lines[-1].endswith("…"):
            return single
    return block


def pill(block: Block, unit: float) -> float:
    """Return the height of a single benefit in a stack."""
    return max(124 * unit, block.height + 64 * unit)


def draw(canvas: Image.Image, palette: Palette, setting: Setting, box: Box) -> None:
    """Draw the benefits from the top left corner of the box."""
    unit, top = setting.unit, box[1]
    for block, name in zip(setting.blocks, setting.names, strict=True):
        high = round(pill(block, unit))
        radius = min(high // 2, round(62 * unit))
        _panel(canvas, palette, (box[0], top, box[0] + setting.width, top + high), radius, unit)
        side = round(92 * unit)
        _badge(canvas, palette, name, (box[0] + round(16 * unit), top + (high - side) // 2), side)
        middle = top + (high - block.height) // 2 + round(0.06 * block.size)
        lettering.draw(canvas, (box[0] + round(132 * unit), middle), block, palette.panel_ink)
        top += high + round(22 * unit)


def _badge(canvas: Image.Image, palette: Palette, name: str, at: tuple[int, int], side: int) -> None:
    """Draw an icon on a round badge."""
    paint.lay(canvas, palette.accent, paint.ellipse((side, side)), at)
    _icon(
        canvas, palette.accent_ink, name, (at[0] + round(side * 0.22), at[1] + round(side * 0.22)), round(side * 0.56)
    )


def _icon(canvas: Image.Image, ink: Rgb, name: str, at: tuple[int, int], side: int) -> None:
    paint.lay(canvas, ink, icons.mask(name, side), at)


def _panel(canvas: Image.Image, palette: Palette, box: Box, radius: int, unit: float) -> None:
    mask = paint.rounded((box[2] - box[0], box[3] - box[1]), radius)
    paint.shadow(canvas, palette.shadow, mask, (box[0], box[1] + round(10 * unit)), blur=round(26 * unit), share=0.16)
    paint.lay(canvas, palette.panel, mask, (box[0], box[1]))
