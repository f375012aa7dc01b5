"""Pictures for the tests of the local renderer, drawn by rule, and a look into the files that come out."""

import io
import struct
import zlib

import numpy as np
from PIL import Image, ImageDraw, ImageFilter


def encoded(image: Image.Image, kind: str = "JPEG", **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data)).convert("RGB")


def make_mug(
    *, ground: tuple[int, int, int] = (236, 236, 234), product: tuple[int, int, int] = (190, 40, 36)
) -> Image.Image:
    """A product with a handle on a plain studio background that darkens downwards."""
    size = (800, 600)
    slope = np.linspace(0, 14, size[1])[:, None, None] * np.ones((1, size[0], 1))
    image = Image.fromarray(np.clip(np.array(ground) - slope, 0, 255).astype(np.uint8))
    pen = ImageDraw.Draw(image)
    pen.ellipse((480, 220, 620, 400), outline=product, width=34)
    pen.rounded_rectangle((260, 150, 520, 470), 40, fill=product)
    pen.rectangle((300, 250, 380, 330), fill=tuple(v // 2 for v in product))
    return image


def make_jar(*, glass: int = 14, full: bool = False) -> Image.Image:
    """A jar of clear glass with a lid on near-white paper: its body is as pale as the paper, only its rim is darker."""
    size = (900, 1200)
    light = 246 - np.linspace(0, 10, size[1])[:, None] - 3 * np.linspace(-1, 1, size[0])[None, :] ** 2
    body = Image.new("L", size)
    ImageDraw.Draw(body).rounded_rectangle((250, 270, 650, 1030), 90, fill=255)
    inside = np.asarray(body.filter(ImageFilter.GaussianBlur(12)), dtype=float) / 255
    rim = np.asarray(body, dtype=float) / 255 * np.clip(2 - 2 * inside, 0, 1)
    noise = np.random.default_rng(3).normal(0, 1.2, light.shape)
    image = Image.fromarray((light - glass * rim + noise).clip(0, 255).astype(np.uint8)).convert("RGB")
    pen = ImageDraw.Draw(image)
    pen.rounded_rectangle((280, 160, 620, 272), 8, fill=(112, 110, 106))
    if full:
        pen.rounded_rectangle((275, 700, 625, 1005), 70, fill=(196, 120, 20))
    return image


def make_scene() -> Image.Image:
    """A busy picture from which nothing can be cut."""
    dice = np.random.default_rng(7)
    return Image.fromarray(dice.integers(0, 255, (60, 80, 3), dtype=np.uint8)).resize(
        (800, 600), Image.Resampling.BICUBIC
    )


def make_cutout() -> Image.Image:
    """A transparent file: the product alone, in a corner."""
    image = Image.new("RGBA", (600, 800))
    ImageDraw.Draw(image).rounded_rectangle((60, 90, 300, 700), 50, fill=(30, 90, 200, 255))
    return image


def make_png_header(width: int, height: int) -> bytes:
    """A small file that claims to be a picture of this size."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 5000)) + chunk(b"IEND", b"")
    )
