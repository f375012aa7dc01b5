"""Whether a file is a picture that a card can be made of, told from its bytes without decoding it.

The webhook asks this before anything is paid, and has no picture library; the worker decodes for real and may still
refuse. Formats: PNG (W3C PNG 3rd edition, 5 and 11.2), JPEG (ITU-T T.81, B.1), WebP (RFC 9649, 2).
"""

import struct

from lib import errors

PIXEL_LIMIT = 40_000_000
SIDE_MINIMUM = 200
BYTES_LIMIT = 20 * 1024 * 1024  # what the Bot API lets a bot download

_HEIF_BRANDS = (b"heic", b"heix", b"heif", b"mif1", b"msf1", b"hevc")
_SOF = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


def inspect(data: bytes) -> tuple[int, int]:
    """Return (width, height) in pixels of a JPEG, PNG or WebP.

    Raises Rejected: picture_heic, picture_format, picture_broken (cut short), picture_too_large, picture_too_small.
    """
    width, height = _size(data)
    if width * height > PIXEL_LIMIT:
        raise errors.Rejected("picture_too_large", f"{width}x{height}")
    if min(width, height) < SIDE_MINIMUM:
        raise errors.Rejected("picture_too_small", f"{width}x{height}")
    return width, height


def _size(data: bytes) -> tuple[int, int]:
    if data[4:8] == b"ftyp" and data[8:12] in _HEIF_BRANDS:
        raise errors.Rejected("picture_heic")
    try:
        if data.startswith(b"\x89PNG\r\n\x1a\n"):
            return _png(data)
        if data.startswith(b"\xff\xd8\xff"):
            return _jpeg(data)
        if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
            return _webp(data)
    except (struct.error, IndexError):
        raise errors.Rejected("picture_broken") from None
    raise errors.Rejected("picture_format")


def _png(data: bytes) -> tuple[int, int]:
    width, height = struct.unpack(">II", data[16:24])
    if b"IEND" not in data[-64:] and b"IEND\xaeB`\x82" not in data:
        raise errors.Rejected("picture_broken")
    return width, height


def _jpeg(data: bytes) -> tuple[int, int]:
    """Walk the segments to the frame header, then look for the end marker behind the start of the scan."""
    at, size = 2, (0, 0)
    while True:
        while data[at] == 0xFF and data[at + 1] == 0xFF:
            at += 1
        marker, length = data[at + 1], struct.unpack(">H", data[at + 2 : at + 4])[0]
        if data[at] != 0xFF or length < 2:
            raise errors.Rejected("picture_broken")
        if marker in _SOF:
            height, width = struct.unpack(">HH", data[at + 5 : at + 9])
            size = (width, height)
        at += 2 + length
        if marker == 0xDA:
            break
    if not all(size) or data.find(b"\xff\xd9", at) < 0:
        raise errors.Rejected("picture_broken")
    return size


def _webp(data: bytes) -> tuple[int, int]:
    if len(data) < struct.unpack("<I", data[4:8])[0] + 8:
        raise errors.Rejected("picture_broken")
    kind = data[12:16]
    if kind == b"VP8X":
        return int.from_bytes(data[24:27], "little") + 1, int.from_bytes(data[27:30], "little") + 1
    if kind == b"VP8L":
        bits = struct.unpack("<I", data[21:25])[0]
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    width, height = struct.unpack("<HH", data[26:30])
    return width & 0x3FFF, height & 0x3FFF
