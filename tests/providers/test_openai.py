"""What OpenAI's answers mean, and that they cost what is known."""

import types

import pytest

from lib import errors
from lib.providers import openai as provider
from tests.providers.asked import ODD, ask


@pytest.mark.parametrize(
    "usage", [{"input_tokens": odd, "output_tokens": 10} for odd in ODD], ids=lambda x: str(x)[17:37]
)
def test_odd_numbers_of_tokens_cost_what_is_known_or_nothing_told(usage):
    cost = provider._cost(types.SimpleNamespace(**usage))
    assert cost is None or cost >= 0


async def test_an_answer_of_openai_without_a_picture_still_tells_what_it_cost(keyed, openai, product_photo):
    wanted = ask("card", product_photo)
    openai.faults.add("no_picture")
    output = await provider.create(provider.PICTURE, wanted, await provider.prepare(provider.PICTURE, wanted), "")
    assert (output.data, output.cost) == (b"", 56)


@pytest.mark.parametrize(
    ("fault", "error", "code"),
    [
        ("401", errors.Unavailable, "no_access"),
        ("no_money", errors.Unavailable, "out_of_money"),
        ("429", errors.Unavailable, "busy"),
        ("500", errors.Unavailable, "down"),
        ("400", errors.Rejected, "not_supported"),
        ("moderation", errors.Rejected, "rules"),
    ],
)
async def test_what_openai_answers_means(keyed, openai, product_photo, fault, error, code):
    wanted = ask("card", product_photo)
    openai.faults.add(fault)
    with pytest.raises(error) as raised:
        await provider.create(provider.PICTURE, wanted, await provider.prepare(provider.PICTURE, wanted), "")
    assert raised.value.code == code


async def test_openai_is_told_who_asks_only_as_a_hash_and_what_it_cost_is_known(keyed, openai, product_photo):
    wanted = ask("card", product_photo)
    output = await provider.create(provider.PICTURE, wanted, await provider.prepare(provider.PICTURE, wanted), "")
    [(_, asked)] = openai.requests
    assert len(asked["safety_identifier"]) == 32
    assert output.cost == 56  # 900 tokens in, 1600 out
