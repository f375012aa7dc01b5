"""What a failed run means for its job."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from lib import errors
from lib.jobs.run import judge
from lib.retry import Backoff

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
SOON = Backoff(base=timedelta(minutes=1), jitter=0)


def a_job(attempts=1, max_attempts=5, age=timedelta(0)):
    return SimpleNamespace(attempts=attempts, max_attempts=max_attempts, created_at=NOW - age)


def judged(error, **job):
    verdict = judge(a_job(**job), SOON, error, NOW)
    return verdict.state, verdict.error_code


@pytest.mark.parametrize(
    ("error", "state", "code"),
    [
        (errors.Unavailable("down"), "queued", "down"),
        (errors.Unavailable(), "queued", "unavailable"),
        (errors.Misconfigured("", "no key"), "queued", "misconfigured"),
        (ValueError("odd"), "queued", "internal"),
        (KeyError("odd"), "queued", "internal"),
        (TimeoutError(), "queued", "internal"),
        (errors.Rejected("rules"), "failed", "rules"),
        (errors.Blocked(), "failed", "blocked"),
        (errors.Invalid("bad"), "failed", "bad"),
        (errors.Denied(), "failed", "denied"),
        (errors.Missing("no_file"), "failed", "no_file"),
        (errors.ShortOfCredits(1, 2), "failed", "short_of_credits"),
        (errors.Conflict("other"), "failed", "other"),
        (errors.Conflict("cancelled"), "cancelled", "cancelled"),
        (errors.Gone(), "cancelled", "cancelled"),
        (errors.Conflict("lease_lost"), "lost", "lease_lost"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else value,
)
def test_the_class_of_the_error_decides(error, state, code):
    assert judged(error) == (state, code)


@pytest.mark.parametrize(("attempts", "state"), [(1, "queued"), (4, "queued"), (5, "failed"), (6, "failed")])
def test_the_last_attempt_is_the_end(attempts, state):
    assert judged(errors.Unavailable("down"), attempts=attempts) == (state, "down")


@pytest.mark.parametrize("code", ["cancelled", "lease_lost"])
def test_what_is_no_longer_wanted_or_ours_is_no_failure_even_at_the_last_attempt(code):
    assert judged(errors.Conflict(code), attempts=5)[0] != "failed"


def test_a_job_runs_again_after_its_pause():
    assert judge(a_job(), SOON, errors.Unavailable("down"), NOW).run_at == NOW + timedelta(minutes=1)


def test_the_service_may_wish_another_time():
    wish = errors.Unavailable("busy", "", timedelta(seconds=7))
    assert judge(a_job(), SOON, wish, NOW).run_at == NOW + timedelta(seconds=7)


def test_a_job_that_is_too_old_ends():
    limited = replace(SOON, limit=timedelta(hours=1))
    ages = (timedelta(minutes=59), timedelta(minutes=60))
    states = [judge(a_job(age=age), limited, errors.Unavailable("down"), NOW).state for age in ages]
    assert states == ["queued", "failed"]


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (errors.Unavailable("down", "no answer"), "Unavailable: down: no answer"),
        (ValueError("a\0b"), "ValueError: ab"),  # Postgres takes no zero byte
        (ValueError("x" * 900), f"ValueError: {'x' * 488}"),
    ],
)
def test_what_is_kept_of_an_error_fits_its_column(error, said):
    assert judge(a_job(), SOON, error, NOW).error == said
