"""Shares of the last hours, from sums at moments."""

import itertools

from lib.reach.history import COARSE, FINE, FINE_KEPT, KEPT, History, Share

NOW = 1_800_000_000


def totals(done, failed, flood=0):
    return {"update|studio|done|0.05": done, "update|client|failed|1": failed, "call|studio|message|flood": flood,
            "call|studio|message|done": 100 - flood, "update|studio|repeated|0.05": 999}  # fmt: skip


def test_a_share_is_of_the_span_or_of_all_that_is_known():
    found = History()
    for minute, (done, failed) in enumerate([(0, 0), (100, 0), (190, 10), (280, 20)]):
        found = found.add(NOW + minute * 600, totals(done, failed))
    assert found.share("bad", "updates", 600) == Share(10, 100)
    assert found.share("bad", "updates", 1200) == Share(20, 200)
    assert found.share("bad", "updates", 86_400) == Share(20, 300)
    assert found.share("floods", "calls", 600).ratio == 0
    assert History().share("bad", "updates", 600) == Share(0, 0)


def test_counters_that_began_anew_begin_a_new_history():
    found = History().add(NOW, totals(500, 9)).add(NOW + 600, totals(3, 1))
    assert found.share("bad", "updates", 3600) == Share(0, 0)


def test_what_is_kept_is_thinned_out_and_small():
    found = History()
    for at in range(0, KEPT + 9000, 240):
        found = History.read(found.add(NOW + at, totals(at, 0)).dump())
    moments = [at for at, _ in found.moments]
    gaps = [later - at for at, later in itertools.pairwise(moments)]
    assert min(gaps) >= FINE
    assert max(gaps) <= COARSE + FINE
    assert len(moments) <= FINE_KEPT // FINE + KEPT // COARSE + 2
    assert len(found.dump()) < 14_000


def test_what_cannot_be_read_is_no_history():
    assert [History.read(text) for text in (None, "", "x", "7", '[["a", 1]]')] == [History()] * 5
