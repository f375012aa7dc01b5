"""Loudness as ITU-R BS.1770 measures it (LUFS), and sound brought to the one that networks play at.

K-weighting is two filters; their response is applied to the spectrum, which gives the same as running them.
"""

import numpy as np
from numpy.typing import NDArray

RATE = 48_000  # the rate for which the recommendation lists its coefficients
TARGET = -14.0  # LUFS
NEAR = 0.05  # LUFS by which it may be missed
PEAK = 0.89  # -1 dB: what is louder is bent

type Sound = NDArray[np.float64]  # channels × samples, -1 to 1

# (b0, b1, b2), (1, a1, a2): a shelf for the head, a high pass for the ear.
_SHELF = (1.53512485958697, -2.69169618940638, 1.19839281085285), (1.0, -1.69065929318241, 0.73248077421585)
_HIGH = (1.0, -2.0, 1.0), (1.0, -1.99004745483398, 0.99007225036621)
_BLOCK, _STEP = RATE * 4 // 10, RATE // 10
_OFFSET = -0.691


def measure(sound: Sound) -> float:
    """Return the integrated loudness in LUFS; minus infinity for silence, or for less than 0.4 seconds."""
    power = np.sum(_weighted(sound) ** 2, axis=0)
    total = np.concatenate(([0.0], np.cumsum(power)))
    starts = np.arange(0, len(power) - _BLOCK + 1, _STEP)
    blocks = (total[starts + _BLOCK] - total[starts]) / _BLOCK
    blocks = blocks[blocks > _power(-70.0)]
    if not len(blocks):
        return -np.inf
    blocks = blocks[blocks > _power(_loudness(float(blocks.mean())) - 10.0)]
    return _loudness(float(blocks.mean()))


def brought(sound: Sound, target: float = TARGET) -> Sound:
    """Return the sound at this loudness, its peaks bent below PEAK."""
    found, gain = sound, 1.0
    for _ in range(8):
        miss = target - measure(found)
        if abs(miss) < NEAR:
            break
        gain *= 10 ** (miss / 20)
        found = _bent(sound * gain)
    return found


def _bent(sound: Sound) -> Sound:
    """Leave what is below two thirds of PEAK, and bend the rest so that it never passes it."""
    knee = PEAK * 2 / 3
    over = np.maximum(np.abs(sound) - knee, 0)
    return np.asarray(
        np.sign(sound) * (np.minimum(np.abs(sound), knee) + (PEAK - knee) * np.tanh(over / (PEAK - knee)))
    )


def _weighted(sound: Sound) -> Sound:
    size = 1 << (sound.shape[1] + RATE - 1).bit_length()  # a second of rest, in which the filters die away
    turn = np.exp(-2j * np.pi * np.arange(size // 2 + 1) / size)
    response = np.ones(len(turn), dtype=complex)
    for above, below in (_SHELF, _HIGH):
        response *= np.polyval(above[::-1], turn) / np.polyval(below[::-1], turn)
    return np.fft.irfft(np.fft.rfft(sound, size) * response, size)[:, : sound.shape[1]]


def _loudness(power: float) -> float:
    return _OFFSET + 10 * float(np.log10(power))


def _power(loudness: float) -> float:
    return float(10 ** ((loudness - _OFFSET) / 10))
