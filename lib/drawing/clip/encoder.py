"""Encodes frames into an MP4 that every phone, Telegram and marketplace plays: H.264 High, yuv420p, a track of sound.

A clip without music has a silent track, as Telegram shows a video without sound as a looping animation. The file begins
with its index (moov), so it plays while it loads.
"""

import io
from collections.abc import Iterable
from fractions import Fraction

import av
import numpy as np
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.video.stream import VideoStream

from lib.drawing.clip.loudness import RATE, Sound
from lib.drawing.ground.planes import Frame

FPS = 25
INDEX_BYTES = 12_000  # kept free in front for the index; what is left over becomes a free box


def encode(
    frames: Iterable[Frame], size: tuple[int, int], count: int, *, crf: int, kbps: int, sound: Sound | None = None
) -> bytes:
    """Return an MP4 of `count` frames with this sound, or silence; no faster than kbps over any second."""
    out = io.BytesIO()
    index = INDEX_BYTES * (1 + count // 150)
    options = {"moov_size": str(index), "brand": "mp42", "fflags": "+bitexact"}
    with av.open(out, "w", format="mp4", options=options) as container:
        picture, track = _picture(container, size, crf, kbps), sound_track(container)
        play(container, track, silence(count / FPS) if sound is None else sound)
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


def sound_track(container: OutputContainer) -> AudioStream:
    """Add a track of sound to a file that is being written; `play` fills it."""
    stream = container.add_stream("aac", rate=RATE, options={"b": "112k"})
    assert isinstance(stream, AudioStream)
    stream.layout = "stereo"
    return stream


def silence(seconds: float) -> Sound:
    """Return silence of this length."""
    return np.zeros((2, round(seconds * RATE)))


def play(container: OutputContainer, stream: AudioStream, sound: Sound) -> None:
    """Write the sound into its track."""
    for start in range(0, sound.shape[1], 1024):
        part = np.ascontiguousarray(sound[:, start : start + 1024], dtype=np.float32)
        block = av.AudioFrame.from_ndarray(part, format="fltp", layout="stereo")
        block.sample_rate, block.pts, block.time_base = RATE, start, Fraction(1, RATE)
        container.mux(stream.encode(block))
    container.mux(stream.encode(None))


def _flat(frame: Frame, size: tuple[int, int]) -> np.ndarray:
    parts = [np.asarray(plane).reshape(-1) for plane in frame.planes]
    return np.concatenate(parts).reshape(size[1] * 3 // 2, size[0])
