"""What follows a refusal: each kind of error has its row, and the row says how the call ends."""

import pytest

from lib.errors import Rejected, Unavailable
from lib.tasks.order import refusals


@pytest.mark.parametrize(
    ("error", "is_instant", "row", "ends"),
    [
        (Unavailable("maybe_made"), False, "maybe_made", None),
        (Unavailable("maybe_made"), True, "answer_lost", "lost"),
        (Unavailable("out_of_money"), False, "out_of_money", "failed"),
        (Unavailable("no_access"), True, "no_access", "failed"),
        (Unavailable("busy"), False, "busy", "failed"),
        (Unavailable("down"), False, "away", "failed"),
        (Unavailable("no_answer"), False, "away", "failed"),
        (Rejected("rules"), False, "content", "refused"),
        (Rejected("picture_too_small"), True, "content", "refused"),
        (Rejected("not_supported"), False, "rejected", "failed"),
        (Rejected("busy"), False, "rejected", "failed"),
    ],
)
def test_each_refusal_has_its_row(error, is_instant, row, ends):
    assert refusals._row_of(error, is_instant=is_instant) == row
    assert refusals.FOLLOWS[row].ends == ends


def test_every_row_can_be_reached():
    rows = {
        refusals._row_of(kind(code), is_instant=is_instant)
        for kind in (Unavailable, Rejected)
        for code in ("maybe_made", "out_of_money", "no_access", "busy", "down", "rules", "picture_odd", "x")
        for is_instant in (True, False)
    }
    assert rows == {*refusals.FOLLOWS}
