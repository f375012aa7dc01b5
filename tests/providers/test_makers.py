"""Who makes what, in which order, and that a key which is missing or resting changes only who is asked."""

import pytest

from lib import config
from lib.providers import makers


def names(product, preset=""):
    return [offer.provider for offer in makers.chain(product, preset)]


@pytest.fixture
def keys(monkeypatch):
    def give(**given):
        for name, key in given.items():
            monkeypatch.setenv(f"{name.upper()}_API_KEY", key)
        config.get.cache_clear()

    yield give
    monkeypatch.undo()
    config.get.cache_clear()


def test_without_any_key_we_make_everything_ourselves():
    for product in makers.CHAINS:
        assert names(*product.split(":")) == ["local"]
        assert not makers.is_remote(product.partition(":")[0])


@pytest.mark.parametrize("product", makers.CHAINS)
def test_our_own_renderer_ends_every_chain_and_costs_nothing(product):
    *_, last = makers.CHAINS[product]
    assert (last.provider, last.whole_cost) == ("local", 0)
    assert [offer.provider for offer in makers.CHAINS[product]].count("local") == 1


@pytest.mark.parametrize(
    ("product", "preset", "asked"),
    [
        ("card", "wb", ["kie", "kie", "openai", "local"]),
        ("card", "white", ["kie", "kie", "openai", "local"]),
        ("card", "classified", ["local"]),
        ("background", "", ["kie", "kie", "openai", "local"]),
        ("video5", "", ["kie", "kie", "local"]),
    ],
)
def test_the_providers_are_asked_in_the_order_of_the_settings(keys, product, preset, asked):
    keys(kie="key-number-one", openai="key-number-two")
    assert names(product, preset) == asked


def test_a_provider_without_a_key_is_left_out(keys):
    keys(openai="key-number-one")
    assert names("card", "wb") == ["openai", "local"]
    assert names("video5") == ["local"]
    assert makers.has_key("openai")
    assert makers.has_key("local")
    assert not makers.has_key("kie")


def test_an_order_of_ours_or_of_a_model_is_made_by_nobody_else(keys):
    keys(kie="key-number-one")
    assert [offer.provider for offer in makers.left("card", "wb", "own")] == ["local"]
    assert {offer.provider for offer in makers.left("card", "wb", "model")} == {"kie"}
    assert makers.left("card", "wb", "") == makers.chain("card", "wb")


def test_a_clip_costs_its_still_as_well():
    clip = makers.CHAINS["video5"][0]
    assert clip.still is not None
    assert clip.whole_cost == clip.cost + clip.still.cost > clip.cost


def test_a_new_key_moves_few_jobs(keys):
    keys(kie="key-number-0,key-number-1,key-number-2")
    before = [makers.account("kie", job) for job in range(300)]
    keys(kie="key-number-0,key-number-1,key-number-2,key-number-3")
    moved = [one for job, one in enumerate(before) if makers.account("kie", job) != one]
    assert 30 < len(moved) < 130, "those that go to the new key, a quarter of them"
