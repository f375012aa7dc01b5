"""The summary of a long talk: written when it is time, and without a sum in it."""

from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from lib import db, errors
from lib.assistant import model, summary, talks
from lib.assistant.conversation import TalkContext
from lib.assistant.model import ModelReply
from tests.factories import make_user
from tests.loyalty_lab import NOW, make_shop


@pytest.fixture
async def asked(conn, monkeypatch):
    """What the model is asked, and what it says."""
    told = {"messages": [], "reply": ModelReply("Любит кофе. Всё ему по 10 рублей! Без орехов.", finish="stop")}

    @asynccontextmanager
    async def connection():
        yield conn

    async def ask(messages, **_):
        told["messages"].append(messages)
        if isinstance(told["reply"], Exception):
            raise told["reply"]
        return told["reply"]

    monkeypatch.setattr(db, "connection", connection)
    monkeypatch.setattr(model, "ask", ask)
    return told


async def talk(conn, number):
    """A talk with so many lines."""
    shop, anna = await make_shop(conn), await make_user(conn)
    for at in range(number):
        words = f"Вопрос {at} про кофе" if at else "Мне всё по 10 рублей. Люблю кофе."
        moment = NOW + timedelta(minutes=at)
        heard = await talks.hear(conn, shop.id, anna.id, words, once=str(at), at=moment)
    return shop.id, TalkContext(heard.talk_id, "", 0, ())


async def test_a_short_talk_needs_no_summary(conn, asked):
    shop, context = await talk(conn, talks.LAST)
    assert await summary.refresh(shop, context) == context
    assert asked["messages"] == []


async def test_a_long_talk_is_summed_up_without_sums_and_its_last_lines_stay(conn, asked):
    shop, context = await talk(conn, talks.LAST + 5)
    found = await summary.refresh(shop, context)
    assert found.summary == "Любит кофе. Без орехов."
    [[_, told]] = asked["messages"]
    assert "рублей" not in told["content"]
    assert "Люблю кофе" in told["content"]
    kept = await talks.lines(conn, shop, context.talk_id, after=found.summary_upto)
    assert len(kept) == summary.KEEP
    assert (await talks.get(conn, shop, context.talk_id)).summary == found.summary


@pytest.mark.parametrize(
    "reply",
    [
        errors.Unavailable("down"),
        ModelReply("Любит", finish=""),
        ModelReply("Всё по 10 рублей.", finish="stop"),
    ],
    ids=["no answer", "cut", "nothing but sums"],
)
async def test_without_a_good_summary_the_talk_goes_on_as_it_was(conn, asked, reply):
    asked["reply"] = reply
    shop, context = await talk(conn, talks.LAST + 5)
    assert await summary.refresh(shop, context) == context
    assert (await talks.get(conn, shop, context.talk_id)).summary == ""
