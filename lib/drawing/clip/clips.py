"""Puts a stranger's clip into a new MP4 file. Anything but a short H.264 film is refused.

The pictures are copied as they are compressed, which costs nothing and loses nothing; names, comments, places and other
streams stay behind, and the index stands in front, so that it plays while it loads. A film without sound gets our
music, or a silent track: Telegram would show it as a looping animation. Some models make no clip as short as ordered:
what is longer is left out.
"""

import io
from dataclasses import dataclass
from typing import Any

import av
import numpy as np
from av.error import FFmpegError

from lib import errors
from lib.drawing.card import received
from lib.drawing.clip import encoder, music

MAX_PIXELS = 4096 * 2304
MAX_STRAY = 0.2  # of the ordered length
FRAME = 0.1  # seconds that rounding to whole frames may add
SILENCE = 0.0001  # of full scale
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
    claimed = float(film.duration or 0) / av.time_base
    if codec != "h264" or not 0 < width * height <= MAX_PIXELS:
        raise errors.Rejected("odd_result", f"{codec} {width}x{height}")
    _check_length(claimed, ordered)
    received.check_shape((width, height), *received.CLIP)
    poster = _poster(film, stream)
    sound = [one for one in film.streams.audio if one.codec_context.name == "aac"][:1]
    if has_sound and not (sound and _is_heard(film, sound[0])):
        raise errors.Rejected("odd_result", "no sound, which was promised")
    film.seek(0)
    out, times = io.BytesIO(), list[tuple[int, int]]()
    with av.open(out, "w", format="mp4", options=_options(claimed)) as copy:
        ours = {one.index: copy.add_stream_from_template(one) for one in (stream, *sound)}
        ours_too = None if sound else encoder.sound_track(copy)
        end = ordered + max(0, film.start_time or 0) / av.time_base
        over = False  # once a picture lies behind the end, later ones may need it
        for packet in film.demux(stream, *sound):
            if packet.dts is not None:
                at = packet.dts if packet.pts is None else packet.pts
                late = float(at * packet.time_base) >= end
                over = over or (late and packet.stream is stream)
                if late or (over and packet.stream is stream):
                    continue
                if packet.stream is stream:
                    times.append((at, packet.duration or 0))
                packet.stream = ours[packet.stream.index]
                copy.mux(packet)
        seconds = _shown(times, float(stream.time_base), ordered)
        if ours_too is not None:
            encoder.play(copy, ours_too, music.of(mood, seconds) if mood else encoder.silence(seconds))
    if out.tell() > MAX_BYTES:
        raise errors.Rejected("odd_result", f"{out.tell()} bytes")
    return Clip(out.getvalue(), poster, width, height, round(seconds, 2))


def _check_length(seconds: float, ordered: int) -> None:
    if abs(seconds - ordered) > MAX_STRAY * ordered + FRAME:
        raise errors.Rejected("odd_result", f"{seconds:.1f} s for {ordered} s")


def _shown(times: list[tuple[int, int]], base: float, ordered: int) -> float:
    """Return for how many seconds there are pictures, which may be less than the file says: its sound goes on."""
    seconds = (max(sum(time) for time in times) - min(at for at, _ in times)) * base
    _check_length(seconds, ordered)
    if len(times) < int(seconds):  # a picture that stands still
        raise errors.Rejected("odd_result", f"{len(times)} pictures in {seconds:.1f} s")
    return seconds


def _is_heard(film: Any, sound: Any) -> bool:
    """Tell whether there is anything in a track of sound."""
    film.seek(0)
    return any(float(np.abs(frame.to_ndarray()).max()) > SILENCE for frame in film.decode(sound))


def _options(seconds: float) -> dict[str, str]:
    """Keep room in front for the index; a minute of film and sound needs less than 150 kB."""
    return {"moov_size": str(30_000 + int(seconds) * 6_000), "brand": "mp42", "fflags": "+bitexact"}


def _poster(film: Any, stream: Any) -> bytes:
    frame = next(iter(film.decode(stream)))
    out = io.BytesIO()
    frame.to_image().save(out, "JPEG", quality=88)
    return out.getvalue()
