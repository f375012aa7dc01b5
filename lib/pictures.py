"""Whether a file is a picture that a card can be made of, told from its bytes without decoding it.

The webhook asks this before anything is paid, and has no picture library; the worker asks the same before it decodes
for real. Formats: PNG (W3C PNG 3rd edition, 5 and 11), WebP (RFC 9649, 2), JPEG (lib/jpeg), HEIC (lib/heic).
"""

import struct
import zlib
from collections.abc import Iterator

from lib import errors, heic, jpeg

PIXEL_LIMIT = 40_000_000
SIDE_MINIMUM = 200
RATIO_LIMIT = 10  # of the longer side to the shorter one: shrunk to the 2,000 pixels we work with, it keeps 200 of them
BYTES_LIMIT = 20 * 1024 * 1024  # what the Bot API lets a bot download

_PNG = b"\x89PNG\r\n\x1a\n"
_PNG_END = b"\0\0\0\0IEND\xaeB`\x82"
_PNG_KEPT = (b"IHDR", b"PLTE", b"tRNS", b"eXIf", b"iCCP", b"IDAT")
_PNG_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_PNG_DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
_PASSES = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
_PROFILE_LIMIT = 1_000_000  # bytes of a colour profile, unpacked; no real one is larger
_PIECE = 1 << 18
_FLAT = 900  # times that pixels of a single colour shrink; what shows anything shrinks less


def inspect(data: bytes) -> tuple[int, int]:
    """Return (width, height) in pixels of a JPEG, PNG, WebP or HEIC. Call it in a thread: a PNG is unpacked to its end.

    Raises Rejected: picture_heic, picture_format, picture_broken, picture_too_large, picture_too_small,
    picture_too_long, picture_empty.
    """
    width, height = _size(data)
    check_size(width, height)
    if data.startswith(_PNG):
        _check_pixels(data)
    return width, height


def check_size(width: int, height: int) -> None:
    """Raise Rejected for a picture that is too large, too small, or too long and narrow."""
    said = f"{width}x{height}"
    if width * height > PIXEL_LIMIT:
        raise errors.Rejected("picture_too_large", said)
    if max(width, height) > RATIO_LIMIT * min(width, height):
        raise errors.Rejected("picture_too_long", said)
    if min(width, height) < SIDE_MINIMUM:
        raise errors.Rejected("picture_too_small", said)


def bare(data: bytes) -> bytes:
    """Return the picture without what may spoil its decoding: a PNG's texts, a profile too large, a lost end mark."""
    if data.startswith(_PNG):
        kept = (raw for kind, body, raw in _chunks(data) if kind in _PNG_KEPT and not _is_bloated(kind, body))
        return b"".join([_PNG, *kept, _PNG_END])
    if data.startswith(b"\xff\xd8\xff") and jpeg.END not in data[-64:]:
        return data + jpeg.END
    return data


def _size(data: bytes) -> tuple[int, int]:
    try:
        if heic.is_heic(data):
            return heic.read(data).size
        if data.startswith(_PNG):
            return _png(data)
        if data.startswith(b"\xff\xd8\xff"):
            return jpeg.size(data)
        if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
            return _webp(data)
    except (struct.error, IndexError, KeyError, StopIteration):
        raise errors.Rejected("picture_broken") from None
    raise errors.Rejected("picture_format")


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes, bytes]]:
    """Yield (kind, body, all of it) of a PNG's whole chunks before its end mark, or before the file's own end."""
    at = len(_PNG)
    while at + 12 <= len(data):
        [length] = struct.unpack(">I", data[at : at + 4])
        kind, end = data[at + 4 : at + 8], at + 12 + length
        if kind == b"IEND" or len(data) < end:
            return
        yield kind, data[at + 8 : end - 4], data[at:end]
        at = end


def _png(data: bytes) -> tuple[int, int]:
    width, height, depth, colour, *_ = struct.unpack(">IIBBBBB", data[16:29])
    if data[12:16] != b"IHDR" or not width or not height or depth not in _PNG_DEPTHS.get(colour, ()):
        raise errors.Rejected("picture_broken")
    return width, height


def _check_pixels(data: bytes) -> None:
    """Raise Rejected when pixels of a PNG are missing or damaged, whatever its end says, or are all the same."""
    missing, packed, unpacker = _unpacked_size(data), 0, zlib.decompressobj()
    try:
        for kind, body, raw in _chunks(data):
            if kind in (b"IHDR", b"PLTE") and zlib.crc32(raw[4:-4]) != int.from_bytes(raw[-4:]):
                raise errors.Rejected("picture_broken", f"checksum of {kind!r}")
            packed += len(body) if kind == b"IDAT" else 0
            while kind == b"IDAT" and body and missing > 0 and not unpacker.eof:
                missing -= len(unpacker.decompress(body, _PIECE))
                body = unpacker.unconsumed_tail
    except zlib.error as error:
        raise errors.Rejected("picture_broken", str(error)) from None
    if missing - len(unpacker.flush(_PIECE)) > 0:
        raise errors.Rejected("picture_broken", f"{missing} bytes are missing")
    if _unpacked_size(data) > _FLAT * packed:
        raise errors.Rejected("picture_empty")


def _unpacked_size(data: bytes) -> int:
    """Return how many bytes the pixels take: each line has one more for its filter; interlaced, seven pictures."""
    width, height, depth, colour, _, _, interlaced = struct.unpack(">IIBBBBB", data[16:29])
    steps = _PASSES if interlaced else ((0, 0, 1, 1),)
    sizes = [(-(-(width - left) // across), -(-(height - top) // down)) for left, top, across, down in steps]
    bits = depth * _PNG_CHANNELS[colour]
    return sum(rows * (1 + -(-columns * bits // 8)) for columns, rows in sizes if columns > 0 and rows > 0)


def _is_bloated(kind: bytes, body: bytes) -> bool:
    """Tell whether a chunk is a colour profile that unpacks to more than anybody's profile has."""
    if kind != b"iCCP":
        return False
    try:
        unpacked = zlib.decompressobj().decompress(body[body.index(b"\0") + 2 :], _PROFILE_LIMIT + 1)
    except (ValueError, zlib.error):
        return True
    return len(unpacked) > _PROFILE_LIMIT


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
