"""Whom a broadcast goes to, as the buttons say it."""

from types import SimpleNamespace

from lib.flows import audiences


def test_an_offer_is_chosen_by_its_number_in_whatever_region_it_was_made():
    draft = SimpleNamespace(partner_id=5, filter={})
    for number in (7, 1_000_000_000_007):
        assert audiences.changed(draft, f"unused={number}") == {"filter": {"unused": number}}
    assert audiences.changed(draft, "unused=all") is None
