"""Encodes frames into an MP4 that every phone, Telegram and marketplace plays: H.264 High, yuv420p, a silent track.

The silent track is there because Telegram shows a video without sound as a looping animation. The file begins with its
index (moov), so it plays while it loads.
"""

import io
from collections.abc import Iterable
from fractions import Fraction

import av
import numpy as np
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.video.stream import VideoStream

from lib.drawing.ground.planes import Frame

FPS = 25
SOUND_RATE = 44_100
INDEX_BYTES = 12_000  # kept free in front for the index; what is left over becomes a free box


def encode(frames: Iterable[Frame], size: tuple[int, int], count: int, *, crf: int, kbps: int) -> bytes:
    """Return an MP4 of `count` frames; no faster than kbps over any second."""
    out = io.BytesIO()
    index = INDEX_BYTES * (1 + count // 150)
    options = {"moov_size": str(index), "brand": "mp42", "fflags": "+bitexact"}
    with av.open(out, "w", format="mp4", options=options) as container:
        picture, sound = _picture(container, size, crf, kbps), silent_track(container)
        say_nothing(container, sound, count)
        for number, frame in enumerate(frames):
            shown = av.VideoFrame.from_ndarray(_flat(frame, size), format="yuv420p")
            shown.pts, shown.time_base = number, Fraction(1, FPS)
            container.mux(picture.encode(shown))
        container.mux(picture.encode(None))
    return out.getvalue()


def _picture(container: OutputContainer, size: tuple[int, int], crf: int, kbps: int) -> VideoStream:
    stream = container.add_stream(
        "libx264",
        rate=FPS,
        options={
            "preset": "veryfast",
            "crf": str(crf),
            "profile": "high",
            "maxrate": f"{kbps}k",
            "bufsize": f"{kbps}k",
            "x264-params": "threads=1:keyint=125:colorprim=bt709:transfer=bt709:colormatrix=bt709:range=tv",
        },
    )
    assert isinstance(stream, VideoStream)
    stream.width, stream.height = size
    stream.pix_fmt = "yuv420p"
    stream.time_base = Fraction(1, FPS)
    return stream


def silent_track(container: OutputContainer) -> AudioStream:
    """Add a track of sound to a file that is being written; `say_nothing` fills it."""
    stream = container.add_stream("aac", rate=SOUND_RATE, options={"b": "32k"})
    assert isinstance(stream, AudioStream)
    stream.layout = "mono"
    return stream


def say_nothing(container: OutputContainer, stream: AudioStream, count: int) -> None:
    """Write silence as long as `count` frames."""
    samples = round(count / FPS * SOUND_RATE)
    for start in range(0, samples, 1024):
        length = min(1024, samples - start)
        silence = av.AudioFrame.from_ndarray(np.zeros((1, length), dtype=np.float32), format="fltp", layout="mono")
        silence.sample_rate, silence.pts, silence.time_base = SOUND_RATE, start, Fraction(1, SOUND_RATE)
        container.mux(stream.encode(silence))
    container.mux(stream.encode(None))


def _flat(frame: Frame, size: tuple[int, int]) -> np.ndarray:
    parts = [np.asarray(plane).reshape(-1) for plane in frame.planes]
    return np.concatenate(parts).reshape(size[1] * 3 // 2, size[0])
