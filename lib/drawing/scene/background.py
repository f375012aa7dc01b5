"""Sets the cut-out product into another scene: scaled, lit like the room, standing on its own shadow."""

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageFilter

from lib.drawing.cut import cutout, framing, result
from lib.drawing.cut.result import CutPhoto, ProductPicture, Way
from lib.drawing.ground import output, paint, palette, photo
from lib.drawing.ground.output import FinishedCard
from lib.drawing.ground.paint import Box
from lib.drawing.scene.scenes import SCENES, Room

WIDTH, HEIGHT = 1200, 1600
PREVIEW = (900, 1200)
UPSCALE = 2.4  # at most: a product from a tiny photo stays smaller rather than turn to mush


@dataclass(frozen=True)
class BackgroundOrder:
    """The seller's wish: a name of SCENES. Another `variant` has other colours."""

    scene: str
    variant: int = 0
    way: Way | None = None  # in which the product is cut out, where the seller chose one
    framed: bool = False  # without a cut draw the photo in a frame rather than refuse


def works(picture: ProductPicture) -> bool:
    """Tell if this picture of the product can stand in a scene: offer a new background only then."""
    return picture.stands_free


def render_background(data: bytes, order: BackgroundOrder, kept: CutPhoto | None = None) -> FinishedCard:
    """Draw the product in the scene, from the photo's kept cut if there is one; the same input gives the same bytes.

    Raises Rejected for a picture it cannot use, and when no cut is good enough to sell (`cutout.refusal`), unless
    the order takes a framed photo.
    """
    source = photo.open_photo(data)
    cut = kept or cutout.of(data)
    picture = cut.free(order.way)
    if not works(picture) and not order.framed:
        raise cutout.refusal(source)
    room = SCENES[order.scene]((WIDTH, HEIGHT), palette.hue(picture.product()), order.variant)
    if works(picture):
        canvas, _ = composed(room, picture.image)
    else:
        canvas = room.picture.copy()
        framing.hang(canvas, picture)
    preview = canvas.resize(PREVIEW, Image.Resampling.LANCZOS)
    note = result.shown(is_cut=works(picture), ways=cut.frees)
    return FinishedCard(output.png(canvas), output.jpeg(preview), WIDTH, HEIGHT, note)


def composed(room: Room, cut: Image.Image) -> tuple[Image.Image, Box]:
    """Stand the product in the room; return the picture and where the product is."""
    canvas = room.picture.copy()
    product = _scaled(cut, room)
    width, height = canvas.size
    left = (width - product.width) // 2
    top = round(height * _floor(room, product.height / height)) - product.height
    mask = product.getchannel("A")
    _cast(canvas, room, mask, (left, top))
    if room.shine:
        _mirror(canvas, room, product, (left, top))
    _touch(canvas, room, mask, (left, top))
    canvas.paste(_lit(product, canvas, room, (left, top)), (left, top), mask)
    return canvas, (left, top, left + product.width, top + product.height)


def _floor(room: Room, tall: float) -> float:
    """Return how far down the product stands: a low one stands further back, or the picture's top would be empty."""
    return room.floor - room.depth * max(0.0, 1 - tall / room.height)


def _scaled(cut: Image.Image, room: Room) -> Image.Image:
    width, height = room.picture.size
    factor = min(width * room.width / cut.width, height * room.height / cut.height, UPSCALE)
    size = (max(2, round(cut.width * factor)), max(2, round(cut.height * factor)))
    product = cut.resize(size, Image.Resampling.LANCZOS)
    return _sharpened(product) if factor > 1.15 else product


def _cast(canvas: Image.Image, room: Room, mask: Image.Image, at: tuple[int, int]) -> None:
    """Lay the product's shadow on the floor: flattened, leaning away from the light, softer far off."""
    flat = max(8, round(mask.height * 0.24))
    lean = round(flat * room.tilt * 1.6)
    squashed = mask.resize((mask.width, flat), Image.Resampling.BILINEAR)
    size = (mask.width + lean, flat)
    # Row 0, the top of the product, moves right by the whole lean; its foot stays.
    leaning = squashed.transform(
        size, Image.Transform.AFFINE, (1, lean / flat, -lean, 0, 1, 0), Image.Resampling.BILINEAR
    )
    corner = (at[0], at[1] + mask.height - flat)
    paint.shadow(canvas, room.shadow, leaning, corner, blur=max(10, flat // 5), share=0.26)


def _touch(canvas: Image.Image, room: Room, mask: Image.Image, at: tuple[int, int]) -> None:
    """Darken the floor where the product stands: narrow and dark below it, wide and faint around."""
    foot = np.flatnonzero((np.asarray(mask)[-max(2, mask.height // 20) :] > 128).any(0))
    if not len(foot):
        return
    left, wide = int(foot[0]), max(16, int(foot[-1] - foot[0]) + 1)
    base = at[1] + mask.height
    for stretch, flat, share in ((1.5, 0.16, 0.30), (1.12, 0.07, 0.45), (0.98, 0.030, 0.70)):
        size = (round(wide * stretch), max(6, round(wide * flat)))
        corner = (at[0] + left + (wide - size[0]) // 2, base - round(size[1] * 0.62))
        paint.shadow(canvas, room.shadow, paint.ellipse(size), corner, blur=max(3, round(size[1] * 0.45)), share=share)


def _mirror(canvas: Image.Image, room: Room, product: Image.Image, at: tuple[int, int]) -> None:
    """Let a polished floor show the product's lowest part upside down."""
    deep = min(round(product.height * 0.22), canvas.height - at[1] - product.height)
    if deep < 8:
        return
    low = product.crop((0, product.height - deep, product.width, product.height))
    low = low.transpose(Image.Transpose.FLIP_TOP_BOTTOM).filter(ImageFilter.GaussianBlur(2.5))
    fade = (np.linspace(1, 0, deep, dtype=np.float32) ** 1.6 * room.shine)[:, None]
    mask = Image.fromarray((np.asarray(low.getchannel("A")) * fade).astype(np.uint8))
    canvas.paste(low.convert("RGB"), (at[0], at[1] + product.height - 3), mask)


def _lit(product: Image.Image, canvas: Image.Image, room: Room, at: tuple[int, int]) -> Image.Image:
    """Light the product like the room: a little of the light's colour, darker away from it, its rim in the air."""
    pixels = np.asarray(product.convert("RGB"), dtype=np.float32)
    height, width = pixels.shape[:2]
    tint = np.array(room.tint, dtype=np.float32) / 255
    across = np.linspace(1.03, 0.95, width, dtype=np.float32)[None, :, None]
    down = np.interp(np.linspace(0, 1, height), (0, 0.8, 1), (1.02, 1.0, 0.90)).astype(np.float32)[:, None, None]
    lit = pixels * tint * across * down
    behind = canvas.crop((at[0], at[1], at[0] + width, at[1] + height)).filter(ImageFilter.GaussianBlur(9))
    rim = product.getchannel("A").filter(ImageFilter.GaussianBlur(2.2))
    share = (0.30 * (1 - np.asarray(rim, dtype=np.float32) / 255) * 2).clip(0, 0.30)[..., None]
    mixed = lit * (1 - share) + np.asarray(behind, dtype=np.float32) * share
    return Image.fromarray(np.clip(mixed + 0.5, 0, 255).astype(np.uint8))


def _sharpened(image: Image.Image) -> Image.Image:
    """Sharpen a cut-out that was enlarged."""
    sharp = image.convert("RGB").filter(ImageFilter.UnsharpMask(1.6, 60, 2))
    sharp.putalpha(image.getchannel("A"))
    return sharp
