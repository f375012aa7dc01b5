"""Photos as iPhones send them as a file, small."""

import base64
import struct

from lib import heic

# A red box on the left of a wide picture, which its `irot` turns upright: 320 x 240, shown 240 x 320.
HEIC = base64.b64decode(
    "AAAAHGZ0eXBoZWljAAAAAG1pZjFoZWljbWlhZgAAAZ9tZXRhAAAAAAAAACFoZGxyAAAAAAAAAABwaWN0AAAAAAAAAAAAAAAAAAAA"
    "ADRpbG9jAAAAAERAAAIAAQAAAAABwwABAAAAAAAAAIMAAgAAAAACRgABAAAAAAAAACQAAAA4aWluZgAAAAAAAgAAABVpbmZlAgAA"
    "AAABAABodmMxAAAAABVpbmZlAgAAAQACAABFeGlmAAAAAA5waXRtAAAAAAABAAAA3mlwcnAAAAC+aXBjbwAAAHhodmNDAQNwAAAA"
    "AAAAAAAAPPAA/P34+AAADwNgAAEAGEABDAH//wNwAAADAJAAAAMAAAMAPLoCQGEAAQArQgEBA3AAAAMAkAAAAwAAAwA8oAoIDxZb"
    "qSSmubgIaDAgAAADAyAAAAMAIWIAAQAHRAHBcrBiQAAAABNjb2xybmNseAABAA0ABoAAAAAUaXNwZQAAAAAAAAFAAAAA8AAAAA5w"
    "aXhpAAAAAAEIAAAACWlyb3QDAAAAGGlwbWEAAAAAAAAAAQABBYECAwSFAAAAGmlyZWYAAAAAAAAADmNkc2MAAgABAAEAAACvbWRh"
    "dAAAAH8oAa8ZIeIbFa8ZwcLtHgTtPxt/MKlaTWW6sP5Kya5VVPsmdG62BJNV7zxzI7pWPMDNT0hGhn/gI6k0urM2DgwBWQnmPK6q"
    "nYl0gLgKmOH8Jd3yVVVuTafcA1bhj9nF6bKplY4us+tihjbRVdhTpLWKAAAoIIcAAAMAAAMAABYwAAAABkV4aWYAAE1NACoAAAAI"
    "AAEBEgADAAAAAQAGAAAAAAAA"
)


def box(kind: bytes, *bodies: bytes) -> bytes:
    body = b"".join(bodies)
    return struct.pack(">I", len(body) + 8) + kind + body


def full(kind: bytes, *bodies: bytes, version: int = 0) -> bytes:
    return box(kind, bytes([version, 0, 0, 0]), *bodies)


def grid(size: tuple[int, int] = (600, 450), rows: int = 2, columns: int = 2, *properties: bytes) -> bytes:
    """A HEIC as iPhones write them: its main picture is a grid of tiles, here the same red box each."""
    one, tiles = heic.read(HEIC), range(2, 2 + rows * columns)
    body, told = one.tiles[0], bytes([0, 0, rows - 1, columns - 1]) + struct.pack(">HH", *size)
    kinds = [full(b"infe", struct.pack(">HH4sx", number, 0, b"hvc1"), version=2) for number in tiles]
    kinds += [full(b"infe", struct.pack(">HH4sx", 1, 0, b"grid"), version=2)]
    sizes = (full(b"ispe", struct.pack(">II", *each)) for each in (one.tile, size))
    every = box(b"ipco", box(b"hvcC", one.setup), *sizes, *properties)
    whose = [struct.pack(">HBBB", number, 2, 1, 2) for number in tiles]
    whose += [struct.pack(">HB", 1, 1 + len(properties)), bytes(range(3, 4 + len(properties)))]
    places = [struct.pack(">HHHHII", number, 1, 0, 1, 0, len(body)) for number in tiles]
    places += [struct.pack(">HHHHII", 1, 1, 0, 1, len(body), len(told))]
    count = struct.pack(">H", len(kinds))
    return box(b"ftyp", b"heic\0\0\0\0mif1heic") + full(
        b"meta",
        full(b"pitm", struct.pack(">H", 1)),
        full(b"iinf", count, *kinds),
        full(b"iref", box(b"dimg", struct.pack(f">HH{len(tiles)}H", 1, len(tiles), *tiles))),
        box(b"iprp", every, full(b"ipma", struct.pack(">I", len(kinds)), *whose)),
        box(b"idat", body, told, bytes(len(tiles) * len(body))),
        full(b"iloc", b"\x44\0", count, *places, version=1),
    )
