"""The music of a clip, played by rule: a few moods of chords, bass, a plucked tune and drums, two bars in five seconds.

Nothing of it is anybody's work, so a seller may use it anywhere. The same mood and length give the same sound.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from lib.drawing.clip import loudness
from lib.drawing.clip.loudness import RATE, Sound

BEAT = 0.625  # seconds: 96 beats in a minute
BAR = 4 * BEAT
A4 = 440.0

type Wave = NDArray[np.float64]


@dataclass(frozen=True)
class Mood:
    """A piece: a chord for each bar in semitones from A, the steps of its tune, and who plays."""

    chords: tuple[tuple[int, ...], ...]
    tune: tuple[int, ...]  # places in the chord, one for each eighth; -1 rests
    pad: float
    pluck: float
    bass: tuple[float, ...]  # beats of a bar at which it plays
    kick: tuple[float, ...] = ()
    clap: tuple[float, ...] = ()
    hat: tuple[float, ...] = ()
    bright: float = 4.0  # how fast the overtones of a pluck fade


def _every(step: float, first: float = 0.0) -> tuple[float, ...]:
    return tuple(np.arange(first, 4, step).tolist())


MOODS = {
    "calm": Mood(
        ((-12, -5, 0, 4), (-14, -7, -2, 3), (-16, -9, -4, 0), (-17, -10, -5, 2)),
        (0, -1, 2, -1, 1, -1, 3, -1), pad=0.5, pluck=0.34, bass=(0.0,), bright=6.0,
    ),
    "bright": Mood(
        ((-9, -5, -2, 3), (-14, -7, -2, 2), (-12, -5, 0, 3), (-16, -9, -4, 0)),
        (0, 2, 1, 2, 3, 2, 1, 2), pad=0.22, pluck=0.5, bass=(0.0, 1.5, 2.0, 3.5), kick=(0.0, 2.0), clap=(1.0, 3.0),
        hat=_every(1.0, 0.5),
    ),
    "drive": Mood(
        ((-12, -5, 0, 3), (-16, -9, -4, 0), (-9, -2, 3, 7), (-14, -7, -2, 2)),
        (0, -1, 0, 3, -1, 2, -1, 1), pad=0.25, pluck=0.36, bass=_every(0.5), kick=_every(1.0), clap=(1.0, 3.0),
        hat=_every(0.5, 0.25), bright=2.5,
    ),
}  # fmt: skip


def of(mood: str, seconds: float) -> Sound:
    """Return the music in two channels, as loud as networks play it; it comes to rest with the clip."""
    piece, count = MOODS[mood], round(seconds * RATE)
    left, right = np.zeros(count + 2 * RATE), np.zeros(count + 2 * RATE)
    for bar in range(int(seconds / BAR + 0.999)):
        chord, start = piece.chords[bar % len(piece.chords)], bar * BAR
        for place, note in enumerate(chord):
            side = (place - 1.5) / 6
            _add((left, right), start, _pad(_pitch(note), BAR) * piece.pad / 4, side)
        for beat in piece.bass:
            _add((left, right), start + beat * BEAT, _bass(_pitch(chord[0] - 12)) * 0.42, 0.0)
        for eighth, step in enumerate(piece.tune):
            if step >= 0:
                side = 0.35 * (-1) ** eighth
                wave = _pluck(_pitch(chord[step] + 12), piece.bright)
                _add((left, right), start + eighth * BEAT / 2, wave * piece.pluck, side)
        for beats, made, share in ((piece.kick, _kick, 0.7), (piece.clap, _clap, 0.26), (piece.hat, _hat, 0.12)):
            _beaten((left, right), start, beats, made, share)
    sound = np.stack([left[:count], right[:count]]) * _fade(count)
    return loudness.brought(sound)


def _beaten(
    sides: tuple[Wave, Wave], start: float, beats: tuple[float, ...], made: Callable[[], Wave], share: float
) -> None:
    for place in beats:
        _add(sides, start + place * BEAT, made() * share, 0.0)


def _add(sides: tuple[Wave, Wave], start: float, wave: Wave, side: float) -> None:
    """Mix a wave in, a little to the left (-1) or to the right (1)."""
    at = round(start * RATE)
    for channel, share in zip(sides, (1 - max(0.0, side), 1 + min(0.0, side)), strict=True):
        room = channel[at : at + len(wave)]
        room += share * wave[: len(room)]


def _fade(count: int) -> Wave:
    """Begin at once and end softly."""
    now = np.arange(count) / RATE
    return np.asarray(np.clip(now / 0.01, 0, 1) * np.clip((count / RATE - now) / 0.7, 0, 1))


def _pitch(note: int) -> float:
    return float(A4 * 2 ** (note / 12))


def _time(seconds: float) -> Wave:
    return np.arange(round(seconds * RATE)) / RATE


@lru_cache(maxsize=64)
def _pad(pitch: float, seconds: float) -> Wave:
    """A soft chord: three voices slightly apart, few overtones."""
    now = _time(seconds + 0.4)
    wave = sum(
        np.sin(2 * np.pi * pitch * detune * part * now) / part**1.8
        for detune in (0.997, 1, 1.003)
        for part in (1, 2, 3)
    )
    shape = np.clip(now / 0.25, 0, 1) * np.clip((seconds + 0.4 - now) / 0.4, 0, 1)
    return np.asarray(wave * shape / 3)


@lru_cache(maxsize=64)
def _pluck(pitch: float, bright: float) -> Wave:
    """A plucked string: overtones that fade the faster the higher they are."""
    now = _time(1.1)
    wave = sum(
        np.sin(2 * np.pi * pitch * part * now) * np.exp(-now * (3 + bright * (part - 1))) / part for part in range(1, 6)
    )
    return np.asarray(wave * np.clip(now / 0.004, 0, 1) * np.clip((1.1 - now) / 0.2, 0, 1) * 0.6)


@lru_cache(maxsize=64)
def _bass(pitch: float) -> Wave:
    now = _time(0.55)
    wave = np.sin(2 * np.pi * pitch * now) + 0.4 * np.sin(4 * np.pi * pitch * now)
    return np.asarray(wave * np.clip(now / 0.008, 0, 1) * np.exp(-now * 3) * np.clip((0.55 - now) / 0.1, 0, 1))


@lru_cache(maxsize=64)
def _kick() -> Wave:
    now = _time(0.3)
    return np.asarray(np.sin(2 * np.pi * (48 * now + 9 * (1 - np.exp(-now * 28)))) * np.exp(-now * 11))


@lru_cache(maxsize=64)
def _clap() -> Wave:
    now = _time(0.22)
    return np.asarray(_noise(len(now), 4) * np.exp(-now * 18) * np.clip(now / 0.001, 0, 1))


@lru_cache(maxsize=64)
def _hat() -> Wave:
    now = _time(0.07)
    return np.asarray(_noise(len(now), 1) * np.exp(-now * 60))


def _noise(count: int, width: int) -> Wave:
    """Return the same noise each time, with less of its lows the smaller the width."""
    noise = np.random.default_rng(width).normal(0, 0.5, count + width)
    return np.asarray(noise[width:] - noise[:-width])
