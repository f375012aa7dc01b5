"""Reads the boxes of a HEIC, as iPhones keep their photos, without decoding it (ISO/IEC 14496-12 and 23008-12).

Its picture is one HEVC picture, or a grid of them; beside it lie thumbnails, depths and masks, which nobody asks for.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from lib import errors

_BRANDS = (b"heic", b"heix", b"heif", b"mif1", b"msf1", b"hevc")
_BOXES = 20_000  # in a file; a real one has some hundreds
_TILES = 2_000  # a photo of 48 megapixels has 192
_META = 1_000_000  # bytes; a real one has some thousands
_SPARE = 1024  # pixels that the tiles may hold beyond the picture, across and down


@dataclass(frozen=True)
class Heic:
    """How the picture is put together: its tiles row by row, what is kept of them, then its turns in their order."""

    size: tuple[int, int]
    kept: tuple[int, int, int, int]  # left, top, right and bottom
    columns: int
    tile: tuple[int, int]
    tiles: list[bytes]
    setup: bytes  # what the decoder is told before the tiles
    turns: list[tuple[bytes, int]]  # irot: quarters to the left; imir: 0 upside down, 1 left to right
    profile: bytes | None
    matrix: int | None  # how its colours were written, by the numbers of ITU-T H.273


@dataclass
class _Meta:
    """The boxes that describe what is in a file, by the number of the item."""

    primary: int = 0
    kinds: dict[int, bytes] = field(default_factory=dict)
    places: dict[int, tuple[int, list[tuple[int, int]]]] = field(default_factory=dict)
    parts: dict[int, list[int]] = field(default_factory=dict)
    properties: dict[int, list[tuple[bytes, bytes]]] = field(default_factory=dict)
    within: bytes = b""


class _Bytes:
    """Takes numbers from the front of a box."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def number(self, size: int) -> int:
        self.at += size
        if self.at > len(self.data):
            raise errors.Rejected("picture_heic", "cut short")
        return int.from_bytes(self.data[self.at - size : self.at])


def is_heic(data: bytes) -> bool:
    """Tell whether a file says that it is a HEIC."""
    return data[4:8] == b"ftyp" and data[8:12] in _BRANDS


def read(data: bytes) -> Heic:
    """Return what a decoder needs for the main picture; raise Rejected for a file cut short or of another kind."""
    meta = _meta(data)
    kind = meta.kinds.get(meta.primary)
    properties = meta.properties.get(meta.primary, [])
    if kind == b"hvc1":
        items, columns, size = [meta.primary], 1, _size(properties)
    elif kind == b"grid":
        items, columns, size = _grid(data, meta)
    else:
        raise errors.Rejected("picture_heic", str(kind))
    first = meta.properties.get(items[0], [])
    tile, colours = _size(first), {body[:4]: body[4:] for name, body in first + properties if name == b"colr"}
    spare = columns * tile[0] - size[0], len(items) // columns * tile[1] - size[1]
    if min(spare) < 0 or max(spare) > _SPARE:
        raise errors.Rejected("picture_heic", f"tiles of {tile}")
    return Heic(
        size,
        _kept(size, properties),
        columns,
        tile,
        _bodies(data, meta, items),
        next((body for name, body in first if name == b"hvcC"), b""),
        [(name, body[0] & 3) for name, body in properties if name in (b"irot", b"imir") and body],
        colours.get(b"prof"),
        int.from_bytes(colours[b"nclx"][4:6]) if b"nclx" in colours else None,
    )


def _size(properties: list[tuple[bytes, bytes]]) -> tuple[int, int]:
    for name, body in properties:
        if name == b"ispe" and len(body) >= 12:
            width, height = struct.unpack(">II", body[4:12])
            if width and height:
                return width, height
    raise errors.Rejected("picture_heic", "no size")


def _kept(size: tuple[int, int], properties: list[tuple[bytes, bytes]]) -> tuple[int, int, int, int]:
    """Return what is shown of the picture: encoders that know even sizes alone cut a line off again."""
    for name, body in properties:
        if name == b"clap" and len(body) >= 32:
            numbers = struct.unpack(">IIIIiIiI", body[:32])
            if not all(numbers[1::2]):
                break
            wide, high, across, down = (above / below for above, below in zip(numbers[::2], numbers[1::2], strict=True))
            left, top = round((size[0] - wide) / 2 + across), round((size[1] - high) / 2 + down)
            right, bottom = round(left + wide), round(top + high)
            if 0 <= left < right <= size[0] and 0 <= top < bottom <= size[1]:
                return left, top, right, bottom
    return 0, 0, *size


def _grid(data: bytes, meta: _Meta) -> tuple[list[int], int, tuple[int, int]]:
    """Return the tiles of a grid, how many of them stand in a row, and the size of the whole."""
    head = _Bytes(_bodies(data, meta, [meta.primary])[0])
    head.at = 1
    wide = 4 if head.number(1) & 1 else 2
    rows, columns = head.number(1) + 1, head.number(1) + 1
    size = head.number(wide), head.number(wide)
    tiles = meta.parts.get(meta.primary, [])
    if len(tiles) != rows * columns or len(tiles) > _TILES or any(meta.kinds.get(tile) != b"hvc1" for tile in tiles):
        raise errors.Rejected("picture_heic", f"{len(tiles)} tiles")
    return tiles, columns, size


def _bodies(data: bytes, meta: _Meta, items: list[int]) -> list[bytes]:
    """Return the bytes of items, which together are no more than the file has."""
    found, total = list[bytes](), 0
    for item in items:
        method, extents = meta.places.get(item, (0, []))
        source = meta.within if method else data
        total += sum(length for _, length in extents)
        if not extents or method > 1 or total > len(data) or any(sum(extent) > len(source) for extent in extents):
            raise errors.Rejected("picture_heic", "cut short")
        found.append(b"".join(source[at : at + length] for at, length in extents))
    return found


def _boxes(data: bytes, at: int = 0) -> Iterator[tuple[bytes, bytes]]:
    """Yield (name, body) of the boxes that lie in another, or in the file."""
    for _ in range(_BOXES):
        if at + 8 > len(data):
            return
        length, head = int.from_bytes(data[at : at + 4]), 8
        if length == 1:
            length, head = int.from_bytes(data[at + 8 : at + 16]), 16
        end = at + length if length else len(data)
        if end < at + head:
            return
        yield data[at + 4 : at + 8], data[at + head : end]
        at = end


def _meta(data: bytes) -> _Meta:
    meta, body = _Meta(), next((body for name, body in _boxes(data) if name == b"meta"), b"")
    if len(body) > _META:
        raise errors.Rejected("picture_heic", "too much said of it")
    for name, inner in _boxes(body, 4):
        if name == b"pitm":
            meta.primary = int.from_bytes(inner[4 : 8 if inner[0] else 6])
        elif name == b"iinf":
            meta.kinds = dict(_kind(entry) for _, entry in _boxes(inner, 8 if inner[0] else 6))
        elif name == b"iloc":
            meta.places = dict(_places(inner))
        elif name == b"iref":
            meta.parts = {item: parts for kind, item, parts in _references(inner) if kind == b"dimg"}
        elif name == b"iprp":
            meta.properties = _properties(inner)
        elif name == b"idat":
            meta.within = inner
    return meta


def _kind(entry: bytes) -> tuple[int, bytes]:
    take = _Bytes(entry)
    wide = 4 if take.number(4) >> 24 > 2 else 2
    item = take.number(wide)
    return item, entry[take.at + 2 : take.at + 6]


def _places(body: bytes) -> Iterator[tuple[int, tuple[int, list[tuple[int, int]]]]]:
    """Yield where each item lies: in the file (0) or in the description itself (1), and its extents there."""
    take = _Bytes(body)
    version, sizes = take.number(4) >> 24, take.number(2)
    offset, length, base, index = (sizes >> shift & 15 for shift in (12, 8, 4, 0))
    wide = 4 if version == 2 else 2
    if not length:  # then an extent would cost nothing, and there may be 65,535 of each item
        raise errors.Rejected("picture_heic", "no lengths")
    for _ in range(min(take.number(wide), _BOXES)):
        item = take.number(wide)
        method = take.number(2) & 15 if version else 0
        take.at += 2
        start, extents = take.number(base), list[tuple[int, int]]()
        for _ in range(take.number(2)):
            take.at += index if version else 0
            extents.append((start + take.number(offset), take.number(length)))
        yield item, (method, extents)


def _references(body: bytes) -> Iterator[tuple[bytes, int, list[int]]]:
    wide = 4 if body[0] else 2
    for kind, inner in _boxes(body, 4):
        take = _Bytes(inner)
        item = take.number(wide)
        yield kind, item, [take.number(wide) for _ in range(take.number(2))]


def _properties(body: bytes) -> dict[int, list[tuple[bytes, bytes]]]:
    """Return the properties of each item: a list of all of them, and whose they are by their places in it."""
    found = dict[int, list[tuple[bytes, bytes]]]()
    every = [list(_boxes(inner)) for name, inner in _boxes(body) if name == b"ipco"][:1]
    for take in (_Bytes(inner) for name, inner in _boxes(body) if name == b"ipma"):
        head = take.number(4)
        wide, long = (4 if head >> 24 else 2), head & 1
        for _ in range(min(take.number(4), _BOXES)):
            item = take.number(wide)
            places = [take.number(1 + long) & (0x7FFF if long else 0x7F) for _ in range(take.number(1))]
            found[item] = [every[0][place - 1] for place in places if every and 0 < place <= len(every[0])]
    return found
