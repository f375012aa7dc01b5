"""The tree of errors: what each stands for, and what it says."""

from datetime import timedelta

import pytest

from lib import errors


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        (errors.AppError, 500, "internal"),
        (errors.Misconfigured, 500, "misconfigured"),
        (errors.Invalid, 400, "invalid"),
        (errors.Denied, 403, "denied"),
        (errors.Missing, 404, "missing"),
        (errors.Conflict, 409, "conflict"),
        (errors.Gone, 410, "erased"),
        (errors.Upstream, 502, "upstream"),
        (errors.Unavailable, 503, "unavailable"),
        (errors.Rejected, 502, "rejected"),
        (errors.Blocked, 502, "blocked"),
    ],
)
def test_each_error_has_a_status_and_a_code_of_its_own(kind, status, code):
    bare, named = kind(), kind("odd_code", "why")
    assert (bare.status, bare.code, bare.detail, str(bare)) == (status, code, "", code)
    assert (named.status, named.code, named.detail, str(named)) == (status, "odd_code", "why", "odd_code: why")
    assert str(kind(detail="why")) == f"{code}: why"


@pytest.mark.parametrize(
    ("kind", "parent"),
    [
        (errors.Unavailable, errors.Upstream),
        (errors.Rejected, errors.Upstream),
        (errors.Blocked, errors.Rejected),
        (errors.Upstream, errors.AppError),
    ],
)
def test_what_is_caught_as_the_parent(kind, parent):
    with pytest.raises(parent):
        raise kind("x")


@pytest.mark.parametrize("kind", [errors.Invalid, errors.Denied, errors.Missing, errors.Conflict, errors.Gone])
def test_what_a_caller_did_wrong_is_no_fault_of_a_service(kind):
    assert not issubclass(kind, errors.Upstream)


def test_only_what_is_unavailable_can_be_tried_again_and_says_when():
    assert not issubclass(errors.Rejected, errors.Unavailable)
    assert errors.Unavailable("busy").retry_after is None
    assert errors.Unavailable("busy", "429", timedelta(seconds=7)).retry_after == timedelta(seconds=7)


def test_who_is_short_of_credits_is_told_by_how_many():
    error = errors.ShortOfCredits(balance=2, price=5)
    assert (error.status, error.code, error.balance, error.price) == (402, "short_of_credits", 2, 5)
    assert str(error) == "short_of_credits: balance 2, price 5"


def test_changing_one_errors_code_changes_no_other():
    errors.Invalid("one")
    assert errors.Invalid().code == "invalid"
