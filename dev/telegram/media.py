"""Bytes of pictures, films and files, as Telegram treats them: sizes of a photo, thumbnails, kinds. Pure functions."""

import functools
import io
import mimetypes
import struct
from dataclasses import dataclass

from PIL import Image, ImageOps

MAX_PIXELS = 100_000_000  # more than any phone takes; a small file can claim far more
SIDES = (90, 320, 800, 1280)
MAGIC = [
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"GIF8", "image/gif"),
    (b"%PDF-", "application/pdf"),
    (b"PK\x03\x04", "application/zip"),
    (b"OggS", "audio/ogg"),
]
EXTENSIONS = {".heic": "image/heic", ".heif": "image/heif", ".webp": "image/webp", ".md": "text/markdown"}


class Undecodable(Exception):
    """Bytes that are no picture, or one that is not safe to open."""


@dataclass(frozen=True)
class Picture:
    """An encoded picture with its size in pixels."""

    data: bytes
    width: int
    height: int


def sniff(data: bytes, name: str, declared: str = "") -> str:
    """Return the MIME type: the name's extension first, as Telegram's apps do, then the content."""
    extension = name[name.rfind(".") :].lower() if "." in name else ""
    guessed = EXTENSIONS.get(extension) or mimetypes.guess_type(name)[0]
    if guessed:
        return guessed
    for magic, kind in MAGIC:
        if data.startswith(magic):
            return kind
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    if data[4:8] == b"ftyp":
        return "image/heic" if data[8:12] in (b"heic", b"heix", b"mif1") else "video/mp4"
    return declared or "application/octet-stream"


def size(data: bytes) -> tuple[int, int]:
    """Return a picture's width and height from its header, without decoding it."""
    try:
        with Image.open(io.BytesIO(data)) as image:
            width, height = image.size
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise Undecodable(str(error)) from error
    if width * height > MAX_PIXELS:
        raise Undecodable(f"{width} x {height} is too many pixels")
    return width, height


@functools.lru_cache(maxsize=16)  # many people of a test send one photo
def photo_sizes(data: bytes) -> tuple[Picture, ...]:
    """Recompress a picture to the JPEG sizes that Telegram makes of a photo, smallest first, 1280 px at most."""
    image = _decode(data)
    widest = max(image.size)
    sides = [side for side in SIDES if side < widest] + ([widest] if widest <= SIDES[-1] else [])
    return tuple(_jpeg(image, side) for side in sides[-4:])


@functools.lru_cache(maxsize=16)
def thumbnail(data: bytes) -> Picture | None:
    """Return a picture's thumbnail, or None when it cannot be shown."""
    try:
        size(data)
        return _jpeg(_decode(data), 320)
    except Undecodable:
        return None


def film(data: bytes) -> tuple[int, int, int]:
    """Return width, height and seconds of an MP4 file; raise Undecodable for anything else."""
    width = height = 0
    seconds = 0.0
    for kind, body in _boxes(data, (b"moov", b"trak")):
        if kind == b"mvhd" and len(body) >= 32:
            scale, length = struct.unpack(">II", body[12:20]) if body[0] == 0 else struct.unpack(">IQ", body[20:32])
            seconds = length / scale if scale else 0
        if kind == b"tkhd" and len(body) >= 84:
            wide, high = struct.unpack(">II", body[-8:])
            width, height = max(width, wide >> 16), max(height, high >> 16)
    if not (width and height):
        raise Undecodable("no film that can be shown")
    return width, height, round(seconds)


def _boxes(data: bytes, inside: tuple[bytes, ...]) -> list[tuple[bytes, bytes]]:
    at = 0
    found: list[tuple[bytes, bytes]] = []
    while at + 8 <= len(data):
        length, kind = struct.unpack(">I4s", data[at : at + 8])
        header = 8
        if length == 1 and at + 16 <= len(data):
            length, header = struct.unpack(">Q", data[at + 8 : at + 16])[0], 16
        if length < header:
            break
        body = data[at + header : at + length] if kind != b"mdat" else b""
        found += _boxes(body, inside) if kind in inside else [(kind, body)]
        at += length
    return found


def _decode(data: bytes) -> Image.Image:
    size(data)
    try:
        with Image.open(io.BytesIO(data)) as opened:
            opened.draft("RGB", (SIDES[-1] * 2, SIDES[-1] * 2))
            image = ImageOps.exif_transpose(opened)
            if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
                rgba = image.convert("RGBA")
                image = Image.new("RGB", rgba.size, "white")
                image.paste(rgba, mask=rgba.getchannel("A"))
            return image.convert("RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise Undecodable(str(error)) from error


def _jpeg(image: Image.Image, side: int) -> Picture:
    small = image.copy()
    small.thumbnail((side, side), Image.Resampling.LANCZOS)
    out = io.BytesIO()
    small.save(out, "JPEG", quality=87)
    return Picture(out.getvalue(), *small.size)
