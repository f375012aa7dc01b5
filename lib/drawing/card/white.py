"""Composes the clean main photo: the product alone on pure white, no words."""

import numpy as np
from PIL import Image

from lib.drawing.cut import backdrop, cutout, framing, hues
from lib.drawing.cut.result import CutPhoto, ProductPicture, Way
from lib.drawing.ground import colour, paint, raster
from lib.drawing.ground.photo import Photo

FILL = 0.85  # of the side that the product's longer side takes
LIMIT = 3.0  # of enlargement
SHADOW = (70, 72, 78)
# Variants: how deep the shadow is, and how far down it falls.
SHADOWS = ((0.34, 0.5), (0.0, 0.0), (0.5, 0.9), (0.2, 1.6))


def works(source: Photo, picture: ProductPicture) -> bool:
    """Tell if this picture of the product makes a white photo: offer one only then."""
    return picture.stands_free or _blends(_washed(source.rgb))


def chosen(source: Photo, cut: CutPhoto, way: Way | None) -> ProductPicture:
    """Return the picture for a white photo: where white comes of the photo itself, that one if the seller chose it.

    It is taken too where nobody chose a cut that is not sure: a glass jar may have lost its walls.
    """
    framed = cut.pictures[-1]
    is_whole = way == "framed" or (way is None and cut.verdict == "unsure")
    return framed if is_whole and works(source, framed) else cut.free(way)


def ways(source: Photo, cut: CutPhoto) -> int:
    """Return in how many ways white photos of a product can be made."""
    return cut.frees + works(source, cut.pictures[-1])


def compose(
    size: tuple[int, int], source: Photo, picture: ProductPicture, variant: int, *, framed: bool = False
) -> Image.Image:
    """Put the product on white; without a cut, the photo itself with its background washed to white.

    Where even that does not make the background white it raises Rejected, or shows the photo in a frame of white.
    """
    canvas = Image.new("RGB", size, (255, 255, 255))
    if not picture.stands_free:
        washed = _washed(source.rgb)
        if not _blends(washed):
            if not framed:
                raise cutout.refusal(source)
            framing.hang(canvas, picture)
            return canvas
        washed = _scaled(washed, min(size))
        at = ((size[0] - washed.width) // 2, (size[1] - washed.height) // 2)
        canvas.paste(washed, at, _feathered(washed.size))
        return canvas
    product = _scaled(picture.image, round(min(size) * FILL))
    at = ((size[0] - product.width) // 2, (size[1] - product.height) // 2)
    _touch(canvas, product.getchannel("A"), at, *SHADOWS[variant % len(SHADOWS)])
    canvas.paste(product, at, product)
    return canvas


def _feathered(size: tuple[int, int]) -> Image.Image:
    """Return a mask that fades at its rim, so that a shadow which the photo's edge cuts ends softly."""
    reach = max(4, min(size) // 14)
    ramps = [np.minimum(1, (0.5 + np.minimum(np.arange(n), np.arange(n)[::-1])) / reach) for n in size]
    return Image.fromarray((np.outer(ramps[1], ramps[0]) * 255).astype(np.uint8))


def _scaled(image: Image.Image, side: int) -> Image.Image:
    factor = min(side / max(image.size), LIMIT)
    size = (max(1, round(image.width * factor)), max(1, round(image.height * factor)))
    return image.resize(size, Image.Resampling.LANCZOS)


def _touch(canvas: Image.Image, mask: Image.Image, at: tuple[int, int], depth: float, drop: float) -> None:
    if not depth:
        return
    foot = np.flatnonzero((np.asarray(mask)[-max(2, mask.height // 24) :] > 128).any(0))
    if not len(foot):
        return
    wide = max(20, int(foot[-1] - foot[0]) + 1)
    flat = max(10, round(wide * 0.05 * (1 + drop)))
    corner = (at[0] + int(foot[0]), at[1] + mask.height - round(flat * 0.55))
    paint.shadow(canvas, SHADOW, paint.ellipse((wide, flat)), corner, blur=max(6, round(flat * 0.7)), share=depth)


def _washed(rgb: Image.Image) -> Image.Image:
    """Divide a plain background out, so that it turns white and keeps its shadows; else return the photo."""
    small = rgb.copy()
    small.thumbnail((cutout.MODEL_SIDE, cutout.MODEL_SIDE), Image.Resampling.BOX)
    pixels = np.asarray(small)
    ground = backdrop.fit(colour.oklab(pixels) * hues.SCALE)
    if ground is None:
        return rgb
    # Only a light grey may be washed: taking a colour out of the background would tint the product.
    lightness, a, b = np.median(ground.surface.reshape(-1, 3), axis=0)
    if lightness < 76 or float(np.hypot(a, b)) > 5:
        return rgb
    # The same surface, in light instead of in Lab.
    level = backdrop.fit(pixels.astype(np.float32) / 2.55)
    if level is None:
        return rgb
    planes = [raster.resized(level.surface[..., k] * 2.55, rgb.size) for k in range(3)]
    flat = np.asarray(rgb, dtype=np.float32) / np.maximum(np.dstack(planes), 60) * 258
    return _trimmed(Image.fromarray(np.clip(flat, 0, 255).astype(np.uint8)))


def _trimmed(picture: Image.Image) -> Image.Image:
    """Crop white borders away, to a margin like that of a cut-out."""
    if not _blends(picture):
        return picture
    bounds = picture.convert("L").point(lambda v: 255 if v < 243 else 0).getbbox()
    if bounds is None:
        return picture
    margin = round(max(bounds[2] - bounds[0], bounds[3] - bounds[1]) * (1 / FILL - 1) / 2)
    left, top = max(0, bounds[0] - margin), max(0, bounds[1] - margin)
    return picture.crop((left, top, min(picture.width, bounds[2] + margin), min(picture.height, bounds[3] + margin)))


def _blends(picture: Image.Image) -> bool:
    """Check that the picture's rim is white enough to melt into the paper."""
    pixels = np.asarray(picture.convert("L").resize((64, 64), Image.Resampling.BOX))
    rim = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    return float((rim > 244).mean()) > 0.9
