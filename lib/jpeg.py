"""Reads the bytes of a JPEG without decoding it: its size, and whether its data are whole (ITU-T T.81).

Some cameras leave the end mark out, and nothing else is amiss; a file that was cut short lacks it, too. Only its codes
tell the two apart: they are walked, but no pixel is made of them.
"""

import re
import struct
from dataclasses import dataclass, field

from lib import errors

END = b"\xff\xd9"

# Frames, and those that decoders know: no lossless and no hierarchical ones.
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_KNOWN_FRAMES = (0xC0, 0xC1, 0xC2, 0xC9, 0xCA)
_WALKED_FRAMES = (0xC0, 0xC1)
_SEGMENTS = 10_000  # junk between them included; a real file has some dozens
_WALK_LIMIT = 500_000  # bytes, as the walk takes about a second for them
_RESTART = re.compile(rb"\xff[\xd0-\xd7]")

type _Codes = list[tuple[int, int]]  # (bits, how far it leads within the block), by the next 16 bits


@dataclass
class _ScanHead:
    """The parts of a file that stand before the scan."""

    marker: int = 0
    width: int = 0
    height: int = 0
    shares: dict[int, tuple[int, int]] = field(default_factory=dict)  # of a unit, by channel: across and down
    tables: dict[int, bytes] = field(default_factory=dict)  # 16 counts and their symbols, by class and number
    restart: int = 0


def size(data: bytes) -> tuple[int, int]:
    """Return (width, height); raise Rejected for a JPEG that is broken, cut short, or of a kind that nobody reads.

    A large or progressive file without its end mark gets the benefit of the doubt.
    """
    try:
        head, at, scan = _walk(data)
        is_short = data.find(END, at) < 0 and head.marker in _WALKED_FRAMES and len(data) < _WALK_LIMIT
        if len(data) <= at + len(END) or (is_short and not _is_whole(head, scan, data[at:])):
            raise errors.Rejected("picture_broken", "cut short")
    except (struct.error, IndexError, KeyError, StopIteration):
        raise errors.Rejected("picture_broken") from None
    return head.width, head.height


def _walk(data: bytes) -> tuple[_ScanHead, int, bytes]:
    """Go from segment to segment, over junk between them as every decoder does; return where the data begin."""
    head, at = _ScanHead(), 2
    for _ in range(_SEGMENTS):
        at = data.find(b"\xff", at)
        if at < 0:
            break
        marker = data[at + 1]
        if marker in (0x00, 0x01, 0xFF) or 0xD0 <= marker <= 0xD8:  # junk, padding, or a mark that stands alone
            at += 1 if marker == 0xFF else 2
            continue
        [length] = struct.unpack(">H", data[at + 2 : at + 4])
        body = data[at + 4 : at + 2 + length]
        if marker == 0xD9 or length < 2:
            break
        _note(head, marker, body)
        at += 2 + length
        if marker == 0xDA and head.width and head.height:
            return head, at, body
    raise errors.Rejected("picture_broken")


def _note(head: _ScanHead, marker: int, body: bytes) -> None:
    if marker in _FRAMES:
        depth, head.height, head.width, channels = struct.unpack(">BHHB", body[:6])
        if marker not in _KNOWN_FRAMES or depth != 8 or channels not in (1, 3, 4):
            raise errors.Rejected("picture_format", f"JPEG {marker:x}, {depth} bits, {channels} channels")
        head.marker = marker
        parts = (body[6 + 3 * number : 9 + 3 * number] for number in range(channels))
        head.shares = {part[0]: (part[1] >> 4 or 1, part[1] & 15 or 1) for part in parts}
    elif marker == 0xC4:
        while len(body) > 17:
            end = 17 + sum(body[1:17])
            head.tables[body[0]] = body[1:end]
            body = body[end:]
    elif marker == 0xDD:
        [head.restart] = struct.unpack(">H", body[:2])


def _is_whole(head: _ScanHead, scan: bytes, data: bytes) -> bool:
    """Tell whether the data hold all units of the picture; True where the scan does not hold all channels."""
    channels = [(scan[1 + 2 * n], scan[2 + 2 * n]) for n in range(scan[0])]
    if len(channels) < len(head.shares):
        return True
    shares = head.shares if len(channels) > 1 else dict.fromkeys(head.shares, (1, 1))
    across, down = (8 * max(share[side] for share in shares.values()) for side in (0, 1))
    parts = _RESTART.split(data)
    units = -(-head.width // across) * -(-head.height // down) - (len(parts) - 1) * head.restart
    if head.restart and units > head.restart:
        return False
    walk: list[tuple[_Codes, _Codes]] = []
    for channel, chosen in channels:
        codes = _codes(head.tables[chosen >> 4], False), _codes(head.tables[0x10 | chosen & 15], True)
        walk += [codes] * (shares[channel][0] * shares[channel][1])
    return _holds(parts[-1].replace(b"\xff\x00", b"\xff"), units, walk)


def _codes(table: bytes, is_ac: bool) -> _Codes:
    """Return what each 16 bits begin with: how many of them are used up, and how far the block gets by it."""
    found, code, symbols = [(0, 0)] * 65536, 0, iter(table[16:])
    for length, count in enumerate(table[:16], 1):
        for _ in range(count):
            symbol, first, share = next(symbols), code << (16 - length), 1 << (16 - length)
            if first + share > len(found):
                raise errors.Rejected("picture_broken", "more codes than there can be")
            lead = 64 if is_ac and symbol == 0 else (symbol >> 4) + 1
            found[first : first + share] = [(length + (symbol & 15), lead)] * share
            code += 1
        code <<= 1
    return found


def _holds(data: bytes, units: int, walk: list[tuple[_Codes, _Codes]]) -> bool:
    at, end, data = 0, len(data) * 8, data + bytes(4)
    for _ in range(units):
        for dc, ac in walk:
            codes, place = dc, 0
            while place < 64:
                byte = at >> 3
                bits = (data[byte] << 16 | data[byte + 1] << 8 | data[byte + 2]) >> (8 - (at & 7)) & 0xFFFF
                used, lead = codes[bits]
                at += used
                if not used or at > end:
                    return False
                place += lead
                codes = ac
    return True
