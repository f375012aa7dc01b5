"""The stand-in takes a tenth of a Star for each message above thirty within a second, where the bot has allowed it."""

from collections import Counter
from types import SimpleNamespace

import pytest

from dev.telegram.methods import sending, stars


@pytest.fixture
def world(monkeypatch):
    """A world in which it is one second, until a test says otherwise; its bot has been paid 100 Stars."""
    payment = SimpleNamespace(amount=100, bot="client", refunded_at=0)
    one = SimpleNamespace(paid_now={}, paid_messages=Counter(), payments={"a": payment}, at=1000.0)
    monkeypatch.setattr("time.time", lambda: one.at)
    return one


def asked(world, *, allows=True, bot="client"):
    return SimpleNamespace(world=world, bot=SimpleNamespace(name=bot), p=SimpleNamespace(flag=lambda _: allows))


@pytest.mark.parametrize(("messages", "left"), [(30, 100), (31, 99), (40, 99), (41, 98), (1030, 0)])
async def test_ten_messages_above_the_free_ones_cost_a_star(world, messages, left):
    for _ in range(messages):
        sending._pay(asked(world))
    assert await stars.get_my_star_balance(asked(world)) == {"amount": left}


async def test_thirty_are_free_in_each_second(world):
    for second in range(5):
        world.at = 1000.0 + second
        for _ in range(30):
            sending._pay(asked(world))
    assert await stars.get_my_star_balance(asked(world)) == {"amount": 100}


async def test_what_a_bot_has_not_allowed_costs_nothing_and_bots_pay_apart(world):
    for _ in range(100):
        sending._pay(asked(world, allows=False))
        sending._pay(asked(world, bot="studio"))
    assert await stars.get_my_star_balance(asked(world)) == {"amount": 100}
    assert world.paid_messages == {"studio": 70}
