"""Decodes a HEIC with PyAV, which the clips need anyway: tile by tile, each shrunk before it is put in place."""

from collections.abc import Iterator

import av
from av.video.frame import VideoFrame
from PIL import Image

from lib import errors, heic

_TURNS = (None, Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_180, Image.Transpose.ROTATE_270)
_MIRRORS = (Image.Transpose.FLIP_TOP_BOTTOM, Image.Transpose.FLIP_LEFT_RIGHT)


def decode(told: heic.Heic, side: int) -> Image.Image:
    """Return the picture upright, of a half or a quarter of its size while its longer side keeps `side` pixels."""
    (wide, high), times = told.tile, 1
    while max(told.size) >= 2 * times * side and wide % (2 * times) == high % (2 * times) == 0:
        times *= 2
    image = Image.new("RGB", (told.size[0] // times, told.size[1] // times))
    try:
        for place, frame in zip(range(len(told.tiles)), _frames(told), strict=True):
            row, column = divmod(place, told.columns)
            tile = frame.to_image(width=wide // times, height=high // times, interpolation="AREA")  # type: ignore[no-untyped-call]
            image.paste(tile, (column * wide // times, row * high // times))
    except (av.FFmpegError, ValueError) as error:  # damaged; or fewer pictures than tiles, or more
        raise errors.Rejected("picture_heic", str(error)[:200])
    left, top, right, bottom = (place // times for place in told.kept)
    image = image.crop((left, top, right, bottom))
    for name, value in told.turns:
        turn = _TURNS[value] if name == b"irot" else _MIRRORS[value & 1]
        image = image.transpose(turn) if turn is not None else image
    if told.profile:
        image.info["icc_profile"] = told.profile
    return image


def _frames(told: heic.Heic) -> Iterator[VideoFrame]:
    """Decode the tiles. One that is larger than the file says, or damaged, is refused before it takes memory."""
    codec = av.CodecContext.create("hevc", "r")
    codec.extradata, codec.thread_count = told.setup, 1
    wide, high = told.tile
    codec.options = {"max_pixels": str((wide + 64) * (high + 64)), "err_detect": "explode"}
    for packet in [*map(av.Packet, told.tiles), None]:
        for frame in codec.decode(packet):
            if told.matrix is not None:
                frame.colorspace = told.matrix
            yield frame
