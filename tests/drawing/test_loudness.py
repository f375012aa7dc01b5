"""Loudness by ITU-R BS.1770, against the tones whose loudness is known, and music that is brought to it."""

import numpy as np
import pytest

from lib.drawing.clip import loudness, music
from lib.drawing.clip.loudness import RATE
from tests.sizes import few


def tone(level: float, seconds: float = 2.0, pitch: float = 997.0) -> np.ndarray:
    """A sine whose peaks are `level` decibels below full scale."""
    return 10 ** (level / 20) * np.sin(2 * np.pi * pitch * np.arange(round(seconds * RATE)) / RATE)


def test_a_full_tone_in_one_channel_is_minus_three() -> None:
    left = tone(0)
    assert loudness.measure(np.stack([left, 0 * left])) == pytest.approx(-3.01, abs=0.02)


@pytest.mark.parametrize("level", [-23.0, -33.0])
def test_a_tone_in_both_channels_is_as_loud_as_its_peaks(level: float) -> None:
    """EBU Tech 3341, cases 1 and 2."""
    assert loudness.measure(np.stack([tone(level)] * 2)) == pytest.approx(level, abs=0.1)


def test_what_is_much_quieter_than_the_rest_does_not_count() -> None:
    """EBU Tech 3341, case 3, shortened."""
    parts = [tone(-36, 3), tone(-23, 20), tone(-36, 3)]
    assert loudness.measure(np.stack([np.concatenate(parts)] * 2)) == pytest.approx(-23, abs=0.1)


def test_low_tones_are_heard_less_and_silence_is_nothing() -> None:
    assert loudness.measure(np.stack([tone(-20, pitch=30.0)] * 2)) < -28
    assert loudness.measure(np.zeros((2, RATE))) == -np.inf


@pytest.mark.parametrize("mood", few(music.MOODS, 1))
def test_music_is_as_loud_as_networks_play_it_and_is_the_same_again(mood: str) -> None:
    sound = music.of(mood, 5)
    assert sound.shape == (2, 5 * RATE)
    assert loudness.measure(sound) == pytest.approx(loudness.TARGET, abs=0.1)
    assert np.abs(sound).max() <= loudness.PEAK
    assert np.abs(sound[:, -100:]).max() < 0.01
    assert np.array_equal(sound, music.of(mood, 5))


def test_moods_differ() -> None:
    calm, drive = (np.abs(np.fft.rfft(music.of(mood, 2.5)[0])) for mood in ("calm", "drive"))
    assert np.corrcoef(calm, drive)[0, 1] < 0.8
