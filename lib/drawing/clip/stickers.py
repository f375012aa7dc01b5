"""Pictures with transparency for the video: the product with its shadow, lines of type, benefit chips."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from PIL import Image, ImageFilter

from lib.drawing.card import benefits
from lib.drawing.ground import lettering, paint, planes
from lib.drawing.ground.colour import Rgb
from lib.drawing.ground.lettering import Block
from lib.drawing.ground.palette import Palette
from lib.drawing.ground.planes import Layer
from lib.drawing.scene import stage

EDGE = 36  # clear space around a chip, for its shadow


@dataclass(frozen=True)
class Actor:
    """The product, ready to move: its layer and the layer of its shadow, both width × height at scale 1."""

    body: Layer
    shade: Layer
    width: int
    height: int


def drawn(size: tuple[int, int], draw: Callable[[Image.Image], None]) -> Image.Image:
    """Let `draw` paint on clear paper, and return the picture with its transparency.

    Painting through masks on clear black leaves premultiplied colours; they are divided out here.
    """
    canvas = Image.new("RGBA", size)
    draw(canvas)
    return Image.frombytes("RGBa", size, canvas.tobytes()).convert("RGBA")


def product(cut: Image.Image, room: tuple[int, int], ink: Rgb, depth: float) -> Actor:
    """Scale the cut-out into the room, at most as far as it stays sharp."""
    factor = min(room[0] / cut.width, room[1] / cut.height, stage.UPSCALE)
    size = (max(2, round(cut.width * factor)), max(2, round(cut.height * factor)))
    shown = cut.resize(size, Image.Resampling.LANCZOS)
    if factor > 1.15:
        shown = stage.sharpened(shown)
    mask = shown.getchannel("A")
    return Actor(planes.layer(shown), planes.inked(_soft(mask, max(size) // 22, depth), ink), *size)


def framed(photo: Image.Image, room: tuple[int, int], ink: Rgb, depth: float) -> Actor:
    """Round the photo's corners, so that it can hang where a product would stand."""
    size = stage.frame_size(photo.size, room)
    size = (size[0] // 2 * 2, size[1] // 2 * 2)
    shown = stage.cropped(photo, size).convert("RGBA")
    mask = paint.rounded(size, min(size) // 14)
    shown.putalpha(mask)
    return Actor(planes.layer(shown), planes.inked(_soft(mask, max(size) // 30, depth), ink), *size)


def _soft(mask: Image.Image, blur: int, depth: float) -> Image.Image:
    margin = blur * 2
    small = Image.new("L", ((mask.width + 2 * margin) // 4, (mask.height + 2 * margin) // 4))
    small.paste(mask.resize((mask.width // 4, mask.height // 4)), (margin // 4, margin // 4))
    soft = small.filter(ImageFilter.GaussianBlur(blur / 4)).point(lambda level: round(level * depth))
    return soft.resize((mask.width + 2 * margin, mask.height + 2 * margin), Image.Resampling.BICUBIC)


def lines(block: Block, ink: Rgb) -> list[Layer]:
    """Return each line of the block as a layer as high as its leading."""
    found = []
    for line in block.lines:
        size = (max(2, round(lettering.width(line, block.font) * block.size / lettering.RULER) + 8), block.leading)
        mask = Image.new("L", size)
        single = replace(block, lines=(line,))
        lettering.draw(mask, (2, round(block.leading * 0.14)), single, 255)
        found.append(planes.inked(mask, ink))
    return found


def chips(texts: tuple[str, ...], width: int, unit: float, palette: Palette) -> list[Layer]:
    """Return each benefit as a chip, only as wide as its words."""
    setting = benefits.measure(texts, width, unit)
    if setting is None:
        return []
    found = []
    for block, name in zip(setting.blocks, setting.names, strict=True):
        high = round(benefits.pill(block, unit))
        wide = min(width, round(block.width + 190 * unit))
        one = replace(setting, blocks=(block,), names=(name,), width=wide, height=high)

        def draw(canvas: Image.Image, one: benefits.Setting = one) -> None:
            benefits.draw(canvas, palette, one, (EDGE, EDGE, EDGE + one.width, EDGE + one.height))

        found.append(planes.layer(drawn((wide + 2 * EDGE, high + 2 * EDGE), draw)))
    return found
