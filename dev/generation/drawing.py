"""Makes the results of the stand-ins: real pictures and clips of the photo that was sent, with a label that says so."""

import functools
import io

import av
import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageOps

GROUND = (228, 228, 230)  # of a cut that is to get a scene around it
RATIOS = {"1:1": (1024, 1024), "3:4": (912, 1216), "9:16": (720, 1280), "4:3": (1216, 912), "16:9": (1280, 720)}
TINTS = ((255, 214, 102), (120, 190, 255), (190, 150, 255), (140, 220, 170), (255, 160, 150))


def picture(photo: bytes, size: tuple[int, int], label: str, seed: int, form: str = "PNG") -> bytes:
    """Return the photo on a blurred, tinted backdrop of itself, with a label in the corner."""
    source = _opened(photo)
    if _is_placed(source):
        return _scene(source, size, label, seed)
    backdrop = ImageOps.fit(source, (size[0] // 40, size[1] // 40)).resize(size)
    canvas = Image.blend(backdrop, Image.new("RGB", size, TINTS[seed % len(TINTS)]), 0.45)
    product = ImageOps.contain(source, (size[0] * 4 // 5, size[1] * 4 // 5))
    mask = Image.new("L", product.size, 0)
    ImageDraw.Draw(mask).rounded_rectangle((0, 0, *product.size), min(product.size) // 12, fill=255)
    canvas.paste(product, ((size[0] - product.width) // 2, (size[1] - product.height) // 2), mask)
    ImageDraw.Draw(canvas).text((16, size[1] - 36), label, fill=(20, 20, 20), font_size=22)
    out = io.BytesIO()
    canvas.save(out, form, compress_level=1)
    return out.getvalue()


def is_mask(mask: bytes, photo: bytes) -> bool:
    """Say whether this could go with a photo as the mask of what is to be painted."""
    given = Image.open(io.BytesIO(mask))
    return given.format == "PNG" and given.mode == "RGBA" and given.size == _opened(photo).size


def moved(made: bytes) -> bytes:
    """Return a picture whose product stands smaller and elsewhere, as a model makes it that does not listen."""
    source = _opened(made)
    canvas = source.resize((1, 1)).resize(source.size)
    canvas.paste(source.resize((source.width // 2, source.height // 2)), (0, 0))
    return _png(canvas)


def _is_placed(source: Image.Image) -> bool:
    corners = source.resize((9, 9), Image.Resampling.NEAREST).crop((0, 0, 9, 2))
    return bool((np.abs(np.asarray(corners, dtype=np.int16) - GROUND) < 4).all())


def _scene(source: Image.Image, size: tuple[int, int], label: str, seed: int) -> bytes:
    """Return a scene in place of the grey; the product is redrawn a little to the side and in warmer light."""
    source = ImageOps.fit(source, size)
    far = np.abs(np.asarray(source, dtype=np.int16) - GROUND).max(2) > 12
    mask = ImageChops.offset(Image.fromarray(far).convert("L"), size[0] // 60, 0)
    wall, light = (Image.new("RGB", size, tint) for tint in (TINTS[seed % len(TINTS)], (250, 244, 234)))
    canvas = Image.composite(light, wall, Image.linear_gradient("L").resize(size))
    pen = ImageDraw.Draw(canvas)
    pen.ellipse((size[0] // 20, size[1] // 8, size[0] // 3, size[1] // 3), fill=(214, 176, 150))
    pen.rectangle((0, size[1] * 6 // 7, *size), fill=(186, 158, 130))
    canvas.paste(ImageChops.offset(source, size[0] // 60, 0).point(lambda level: level * 0.95 + 10), (0, 0), mask)
    pen.text((16, size[1] - 36), label, fill=(20, 20, 20), font_size=22)
    return _png(canvas)


def _png(canvas: Image.Image) -> bytes:
    out = io.BytesIO()
    canvas.save(out, "PNG", compress_level=1)
    return out.getvalue()


@functools.lru_cache(maxsize=16)
def sketch(photo: bytes, size: tuple[int, int], seed: int) -> bytes:
    """Return a few blocks in the photo's colours, for tests that look at no picture: it costs next to nothing."""
    source = _opened(photo)
    if _is_placed(source):
        return _scene(source, size, "", seed)
    blocks = Image.blend(ImageOps.fit(source, (6, 8)), Image.new("RGB", (6, 8), TINTS[seed % len(TINTS)]), 0.45)
    out = io.BytesIO()
    blocks.resize(size, Image.Resampling.NEAREST).save(out, "PNG", compress_level=1)
    return out.getvalue()


@functools.lru_cache(maxsize=16)
def clip(photo: bytes, seconds: int, label: str, rate: int = 12) -> bytes:
    """Return a silent H.264 film that slowly closes in on the picture, in the picture's own proportions."""
    source = _opened(photo)
    width = 540
    height = round(width * source.height / source.width / 2) * 2
    source = source.resize((width * 2, height * 2))
    ImageDraw.Draw(source).text((16, source.height - 36), label, fill=(20, 20, 20), font_size=22)
    out = io.BytesIO()
    with av.open(out, "w", format="mp4") as film:
        stream = film.add_stream("libx264", rate=rate, options={"preset": "ultrafast", "x264-params": "threads=1"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for number in range(rate * seconds):
            inset = number / (rate * seconds) * 0.12
            box = (source.width * inset, source.height * inset, source.width * (1 - inset), source.height * (1 - inset))
            still = source.resize((width, height), Image.Resampling.BILINEAR, box)
            film.mux(stream.encode(av.VideoFrame.from_ndarray(np.asarray(still), format="rgb24")))
        film.mux(stream.encode(None))
    return out.getvalue()


def _opened(photo: bytes) -> Image.Image:
    return ImageOps.exif_transpose(Image.open(io.BytesIO(photo))).convert("RGB")
