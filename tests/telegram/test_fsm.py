from lib.telegram.conversation import State, load, merge
from lib.telegram.instance import Outage


def state(saved_at, step="", *, blind=False, **data):
    return State(step, data, {"id": 1}, saved_at, blind)


def test_a_state_is_loaded_as_it_was_dumped():
    for one in (state(5.0, "card:words", draft={"title": "Кружка"}), state(1.0, blind=True), State()):
        assert load(one.dump()) == one


def test_a_state_of_another_version_counts_as_none():
    assert load('{"v": 0, "step": "card:words"}') == State()
    assert load(None) == State()


def test_a_state_from_before_saved_at_is_read():
    assert load('{"v": 1, "step": "card:words", "data": {}, "who": {}}') == State("card:words")


def test_merge_takes_the_newer_whole_when_it_knew_the_older():
    kept, carried = state(1.0, "card:words", draft={"file_id": "a"}), state(2.0, "", job=7)
    assert merge(kept, carried) == carried
    assert merge(state(3.0, "card:photo"), carried) == state(3.0, "card:photo")


def test_merge_keeps_what_only_the_older_has_when_the_newer_began_blind():
    kept = state(1.0, "card:words", draft={"file_id": "a", "title": "Чашка"}, screen=5)
    carried = state(2.0, "card:photo", blind=True, draft={"title": "Кружка"}, screen=9)
    both = merge(kept, carried)
    assert both.data == {"draft": {"file_id": "a", "title": "Кружка"}, "screen": 9}
    assert (both.step, both.blind) == ("card:photo", False)


def test_merge_lets_an_empty_value_replace_nothing():
    carried = state(2.0, "card:photo", blind=True, draft={})
    assert merge(state(1.0, "card:words", draft={"file_id": "a"}), carried).data == {"draft": {"file_id": "a"}}


def test_merge_with_nothing_in_neon_is_what_redis_kept():
    for kept in (State(), state(0.0, "card:words", draft={"file_id": "a"}), state(1.0)):
        assert merge(kept, State()) is kept


def test_a_blip_is_waited_out_and_a_longer_outage_is_not():
    outage = Outage()
    outage.failed(10.0)
    assert not outage.lasts(12.9)
    outage.failed(12.0)
    assert outage.lasts(13.0)
    outage.over(told=0)
    assert not outage.lasts(99.0)


def test_the_others_are_told_of_an_outage_until_redis_has_the_mark():
    outage = Outage(used=1)
    outage.over(told=0)
    assert outage.untold
    outage.used += 1
    outage.over(told=1)
    assert outage.untold, "Neon was used once more while the mark was on its way"
    outage.over(told=2)
    assert not outage.untold
