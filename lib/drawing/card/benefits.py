"""Sets up to three benefits, each with its icon: tiles in a row, a bar, a bare strip, a column or a stack.

One alone is set larger, and only as wide as its words: a row made for three would look empty.
"""

from dataclasses import dataclass, replace

import numpy as np
from PIL import Image

from lib.drawing.card import icons
from lib.drawing.ground import colour, lettering, paint
from lib.drawing.ground.colour import Rgb
from lib.drawing.ground.lettering import Block
from lib.drawing.ground.paint import Box
from lib.drawing.ground.palette import Palette

LARGEST = {"tiles": 50, "pair": 50, "bar": 50, "strip": 50, "column": 58, "stack": 54, "single": 64, "bare": 64}
SMALLEST = 28


@dataclass(frozen=True)
class Setting:
    """Benefits measured for one width, all in one size of type; `height` is what they need."""

    kind: str
    blocks: tuple[Block, ...]
    names: tuple[str, ...]
    width: int
    height: int
    unit: float

    @property
    def tallest(self) -> int:
        """The height of the longest text."""
        return max(block.height for block in self.blocks)


def measure(kind: str, texts: tuple[str, ...], width: int, unit: float) -> Setting | None:
    """Fit the texts into the width, or return None when there are none."""
    if not texts:
        return None
    if len(texts) == 1:
        kind = {"tiles": "single", "bar": "single", "strip": "bare"}.get(kind, kind)
    elif kind == "tiles" and len(texts) == 2:
        kind = "pair"
    room = round(_text_room(kind, len(texts), width, unit))
    lines = 2 if kind in ("stack", "pair", "single", "bare") else 3
    largest = 76 if kind == "column" and len(texts) == 1 else LARGEST[kind]
    blocks = _evenly(texts, room, lines, largest, unit)
    if kind in ("single", "bare"):
        width = min(width, round(blocks[0].width + 216 * unit))
    setting = Setting(kind, blocks, icons.distinct(texts), width, 0, unit)
    return Setting(kind, blocks, setting.names, width, round(_height(setting)), unit)


def _text_room(kind: str, count: int, width: int, unit: float) -> float:
    gap = 20 * unit
    column = (width - gap * (count - 1)) / count
    if kind == "tiles":
        return column - 36 * unit
    if kind == "pair":
        return column - 168 * unit
    if kind == "bar":
        return (width - 64 * unit) / count - (30 * unit if count == 3 else 150 * unit)
    if kind == "strip":
        return column - 10 * unit
    if kind in ("single", "bare"):
        return width - 216 * unit
    return width - 148 * unit if kind == "stack" else width


def _evenly(texts: tuple[str, ...], room: int, lines: int, largest: int, unit: float) -> tuple[Block, ...]:
    """Set all texts in the size that suits the one with the least room."""
    tall = round(largest * unit * (0.92 + 1.22 * (lines - 1)))
    smallest = round(SMALLEST * unit)

    def fit(text: str, largest: int) -> Block:
        box = (room, tall)
        return lettering.fit(text, lettering.MEDIUM, box, (largest, smallest), lines=lines, spacing=1.2)

    size = min(fit(text, round(largest * unit)).size for text in texts)
    return tuple(_fewest_lines(fit(text, size), text, room, size, lines) for text in texts)


def _fewest_lines(block: Block, text: str, room: int, size: int, lines: int) -> Block:
    for count in range(1, lines):
        tall = round(size * (0.93 + 1.2 * (count - 1)))
        single = lettering.fit(text, lettering.MEDIUM, (room, tall + 2), (size, 1), lines=count, spacing=1.2)
        if single.size >= size and not single.lines[-1].endswith("…"):
            return single
    return block


def _height(setting: Setting) -> float:
    unit, count = setting.unit, len(setting.blocks)
    if setting.kind == "tiles":
        return setting.tallest + 190 * unit
    if setting.kind in ("pair", "single"):
        return max(setting.tallest + 72 * unit, 152 * unit)
    if setting.kind == "bare":
        return max(setting.tallest, 104 * unit)
    if setting.kind == "bar":
        return setting.tallest + (178 * unit if count == 3 else 96 * unit)
    if setting.kind == "strip":
        return setting.tallest + 128 * unit
    if setting.kind == "stack":
        return sum(pill(block, unit) for block in setting.blocks) + 22 * unit * (count - 1)
    return sum(block.height + 124 * unit for block in setting.blocks) + 58 * unit * (count - 1)


def pill(block: Block, unit: float) -> float:
    """Return the height of a single benefit in a stack."""
    return max(124 * unit, block.height + 64 * unit)


def draw(canvas: Image.Image, palette: Palette, setting: Setting, box: Box) -> None:
    """Draw the benefits from the top left corner of the box."""
    if setting.kind in ("tiles", "pair"):
        _draw_tiles(canvas, palette, setting, box)
    elif setting.kind in ("single", "bare"):
        _draw_single(canvas, palette, setting, box)
    elif setting.kind == "bar":
        _draw_bar(canvas, palette, setting, box)
    elif setting.kind == "stack":
        _draw_stack(canvas, palette, setting, box)
    elif setting.kind == "strip":
        _draw_strip(canvas, palette, setting, box)
    else:
        _draw_column(canvas, palette, setting, box)


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


def _draw_tiles(canvas: Image.Image, palette: Palette, setting: Setting, box: Box) -> None:
    unit, count = setting.unit, len(setting.blocks)
    gap = 20 * unit
    wide = (setting.width - gap * (count - 1)) / count
    for index, (block, name) in enumerate(zip(setting.blocks, setting.names, strict=True)):
        left = box[0] + round(index * (wide + gap))
        tile = (left, box[1], left + round(wide), box[1] + setting.height)
        _panel(canvas, palette, tile, round(34 * unit), unit)
        if setting.kind == "pair":
            side = round(92 * unit)
            _badge(canvas, palette, name, (left + round(30 * unit), tile[1] + (setting.height - side) // 2), side)
            top = tile[1] + (setting.height - block.height) // 2 + round(0.06 * block.size)
            lettering.draw(canvas, (left + round(146 * unit), top), block, palette.panel_ink)
        else:
            side = round(92 * unit)
            _badge(canvas, palette, name, (left + (round(wide) - side) // 2, tile[1] + round(32 * unit)), side)
            room = setting.height - round(124 * unit) - round(24 * unit)
            top = tile[1] + round(140 * unit) + max(0, (room - round(16 * unit) - block.height) // 2)
            lettering.draw(canvas, (left, top), block, palette.panel_ink, centre_in=round(wide))


def _draw_single(canvas: Image.Image, palette: Palette, setting: Setting, box: Box) -> None:
    """Draw the only benefit, on a panel or on the bare ground."""
    unit, block, side = setting.unit, setting.blocks[0], round(104 * setting.unit)
    inset = round(28 * unit) if setting.kind == "single" else 0
    ink = palette.panel_ink
    if setting.kind == "single":
        panel = (box[0], box[1], box[0] + setting.width, box[1] + setting.height)
        _panel(canvas, palette, panel, min(setting.height // 2, round(64 * unit)), unit)
    else:
        palette = _on_ground(canvas, palette, box, setting)
        ink = palette.ink
    _badge(canvas, palette, setting.names[0], (box[0] + inset, box[1] + (setting.height - side) // 2), side)
    top = box[1] + (setting.height - block.height) // 2 + round(0.06 * block.size)
    lettering.draw(canvas, (box[0] + inset + side + round(32 * unit), top), block, ink)


def _draw_bar(canvas: Image.Image, palette: Palette, setting: Setting, box: Box) -> None:
    unit, count = setting.unit, len(setting.blocks)
    _panel(canvas, palette, (box[0], box[1], box[0] + setting.width, box[1] + setting.height), round(44 * unit), unit)
    pad = 32 * unit
    wide = (setting.width - 2 * pad) / count
    line = colour.mix(palette.panel, palette.panel_ink, 0.18)
    tone = palette.accent if colour.contrast(palette.accent, palette.panel) > 2.5 else palette.panel_ink
    for index, (block, name) in enumerate(zip(setting.blocks, setting.names, strict=True)):
        left = box[0] + round(pad + index * wide)
        if index:
            rule = Image.new("L", (max(2, round(2 * unit)), setting.height - round(72 * unit)), 255)
            paint.lay(canvas, line, rule, (left, box[1] + round(36 * unit)))
        side = round(84 * unit)
        if count == 3:
            _icon(canvas, tone, name, (left + (round(wide) - side) // 2, box[1] + round(34 * unit)), side)
            lettering.draw(canvas, (left, box[1] + round(142 * unit)), block, palette.panel_ink, centre_in=round(wide))
        else:
            middle = box[1] + setting.height // 2
            _icon(canvas, tone, name, (left + round(20 * unit), middle - side // 2), side)
            top = middle - block.height // 2 + round(0.06 * block.size)
            lettering.draw(canvas, (left + round(126 * unit), top), block, palette.panel_ink)


def _draw_strip(canvas: Image.Image, palette: Palette, setting: Setting, box: Box) -> None:
    unit, count = setting.unit, len(setting.blocks)
    gap = 20 * unit
    wide = (setting.width - gap * (count - 1)) / count
    palette = _on_ground(canvas, palette, box, setting)
    for index, (block, name) in enumerate(zip(setting.blocks, setting.names, strict=True)):
        left = box[0] + round(index * (wide + gap))
        _badge(canvas, palette, name, (left, box[1]), round(96 * unit))
        lettering.draw(canvas, (left, box[1] + round(126 * unit)), block, palette.ink)


def _draw_column(canvas: Image.Image, palette: Palette, setting: Setting, box: Box) -> None:
    unit = setting.unit
    palette = _on_ground(canvas, palette, box, setting)
    spare = max(0, box[3] - box[1] - setting.height)
    top = box[1] + spare // 2
    for block, name in zip(setting.blocks, setting.names, strict=True):
        _badge(canvas, palette, name, (box[0], top), round(96 * unit))
        lettering.draw(canvas, (box[0], top + round(120 * unit)), block, palette.ink)
        top += block.height + round((124 + 58) * unit)


def _draw_stack(canvas: Image.Image, palette: Palette, setting: Setting, box: Box) -> None:
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


def _on_ground(canvas: Image.Image, palette: Palette, box: Box, setting: Setting) -> Palette:
    """Return the palette for what stands on the bare ground: readable ink, and badges that show."""
    patch = canvas.crop((box[0], box[1], box[0] + setting.width, max(box[3], box[1] + setting.height))).reduce(8)
    pixels = np.asarray(patch)
    palette = replace(palette, ink=colour.readable(palette.ink, pixels))
    red, green, blue = (round(float(level)) for level in pixels.reshape(-1, 3).mean(0))
    if colour.contrast(palette.accent, (red, green, blue)) < 1.9:
        palette = replace(palette, accent=palette.panel, accent_ink=palette.panel_ink)
    return palette
