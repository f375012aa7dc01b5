"""Puts a stranger's clip into a new MP4 file. Anything but a short H.264 film is refused.

The pictures are copied as they are compressed, which costs nothing and loses nothing; names, comments, places and other
streams stay behind, and the index stands in front, so that it plays while it loads. A film without sound gets our
music, or a silent track: Telegram would show it as a looping animation.
"""

import io
from dataclasses import dataclass
from typing import Any

import av
from av.error import FFmpegError

from lib import errors
from lib.drawing.card import received
from lib.drawing.clip import encoder, music

MAX_PIXELS = 4096 * 2304
MAX_STRAY = 0.2  # of the ordered length
FRAME = 0.1  # seconds that rounding to whole frames may add
MAX_BYTES = 50_000_000  # what a bot may send


@dataclass(frozen=True)
class Clip:
    """A finished film and its first frame."""

    mp4: bytes
    poster: bytes
    width: int
    height: int
    seconds: float


def checked(data: bytes, seconds: int, *, has_sound: bool = False, mood: str = "") -> Clip:
    """Return the clip in a file of our own; raise Rejected("odd_result") for anything else than what was ordered.

    That is a film in a clip's proportions, of the ordered length, and with a track of sound where one was promised. One
    that has none gets our music in this mood.
    """
    if data[4:8] != b"ftyp":
        raise errors.Rejected("odd_result", f"no MP4: {data[:12]!r}")
    try:
        with av.open(io.BytesIO(data), "r", format="mp4") as film:
            return _copied(film, seconds, has_sound, mood)
    except (FFmpegError, ValueError, IndexError, StopIteration, MemoryError) as error:
        raise errors.Rejected("odd_result", f"{type(error).__name__}: {error}"[:200]) from None


def _copied(film: Any, ordered: int, has_sound: bool, mood: str) -> Clip:
    stream = film.streams.video[0]
    width, height, codec = stream.codec_context.width, stream.codec_context.height, stream.codec_context.name
    seconds = float(film.duration or 0) / av.time_base
    is_long_enough = abs(seconds - ordered) <= MAX_STRAY * ordered + FRAME
    if codec != "h264" or not 0 < width * height <= MAX_PIXELS or not is_long_enough:
        raise errors.Rejected("odd_result", f"{codec} {width}x{height} {seconds:.1f} s for {ordered} s")
    received.check_shape((width, height), *received.CLIP)
    poster = _poster(film, stream)
    film.seek(0)
    out = io.BytesIO()
    sound = [one for one in film.streams.audio if one.codec_context.name == "aac"][:1]
    if has_sound and not sound:
        raise errors.Rejected("odd_result", "no sound, which was promised")
    with av.open(out, "w", format="mp4", options=_options(seconds)) as copy:
        ours = {one.index: copy.add_stream_from_template(one) for one in (stream, *sound)}
        ours_too = None if sound else encoder.sound_track(copy)
        for packet in film.demux(stream, *sound):
            if packet.dts is not None:
                packet.stream = ours[packet.stream.index]
                copy.mux(packet)
        if ours_too is not None:
            encoder.play(copy, ours_too, music.of(mood, seconds) if mood else encoder.silence(seconds))
    if out.tell() > MAX_BYTES:
        raise errors.Rejected("odd_result", f"{out.tell()} bytes")
    return Clip(out.getvalue(), poster, width, height, round(seconds, 2))


def _options(seconds: float) -> dict[str, str]:
    """Keep room in front for the index; a minute of film and sound needs less than 150 kB."""
    return {"moov_size": str(30_000 + int(seconds) * 6_000), "brand": "mp42", "fflags": "+bitexact"}


def _poster(film: Any, stream: Any) -> bytes:
    frame = next(iter(film.decode(stream)))
    out = io.BytesIO()
    frame.to_image().save(out, "JPEG", quality=88)
    return out.getvalue()
