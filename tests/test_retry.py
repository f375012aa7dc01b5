from datetime import timedelta

from lib.retry import Backoff

SECOND = timedelta(seconds=1)


def test_pauses_grow_by_the_factor():
    backoff = Backoff(base=SECOND, factor=3, jitter=0)
    assert [backoff.delay(n) for n in (1, 2, 3)] == [SECOND, 3 * SECOND, 9 * SECOND]


def test_a_pause_is_never_longer_than_the_cap():
    backoff = Backoff(base=SECOND, cap=5 * SECOND, jitter=0)
    assert backoff.delay(10) == 5 * SECOND
    assert backoff.delay(1_000_000) == 5 * SECOND


def test_jitter_only_shortens():
    backoff = Backoff(base=10 * SECOND, jitter=0.5)
    assert backoff.delay(1, rng=lambda: 0.0) == 10 * SECOND
    assert backoff.delay(1, rng=lambda: 1.0) == 5 * SECOND


def test_it_gives_up_at_the_last_attempt():
    backoff = Backoff(max_attempts=3)
    assert backoff.delay(2) is not None
    assert backoff.delay(3) is None


def test_it_gives_up_when_the_next_attempt_would_be_too_late():
    backoff = Backoff(base=10 * SECOND, jitter=0, limit=60 * SECOND)
    assert backoff.delay(1, elapsed=50 * SECOND) == 10 * SECOND
    assert backoff.delay(1, elapsed=51 * SECOND) is None
