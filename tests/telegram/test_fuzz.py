"""Thousands of bodies that Telegram would never send: none makes it come again, none does anything, none is logged."""

import json
import random
from contextlib import contextmanager

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.telegram.index import BODY_LIMIT, app
from lib import errors
from lib.flows import FLOWS
from lib.telegram import conversation, dispatch, fsm, menus
from lib.telegram.update import Incoming
from tests.conftest import SETTINGS
from tests.sizes import size

ALICE = {"id": 7, "is_bot": False, "first_name": "Алиса", "last_name": "Л", "username": "alice", "language_code": "ru"}
CHAT = {"id": 7, "type": "private", "first_name": "Алиса"}
MESSAGE = {"message_id": 5, "date": 1, "chat": CHAT, "from": ALICE, "text": "/start now"}
SIZE = {"file_id": "a", "file_unique_id": "b", "width": 9, "height": 9, "file_size": 99}
FILE = {"file_id": "a", "file_unique_id": "b", "mime_type": "image/png", "file_name": "a.png", "file_size": 9}
MEMBER = {"status": "kicked", "user": {**ALICE, "is_bot": True}, "until_date": 0}
BEFORE = {"status": "member", "user": {**ALICE, "is_bot": True}}
KEYS = {"inline_keyboard": [[{"text": "Да", "callback_data": "card:confirm"}]]}
SHOWN = {**MESSAGE, "reply_markup": KEYS}
PRESS = {"id": "1", "from": ALICE, "chat_instance": "1", "data": "card:confirm", "message": SHOWN}
BILL = {"currency": "XTR", "total_amount": 50, "invoice_payload": "pack:5"}
CHARGED = {**BILL, "telegram_payment_charge_id": "t", "provider_payment_charge_id": "p"}
SEEDS = [
    {"update_id": 1, "pre_checkout_query": {"id": "1", "from": ALICE, **BILL}},
    {"update_id": 1, "message": {**MESSAGE, "successful_payment": CHARGED}},
    {"update_id": 1, "message": {**MESSAGE, "contact": {"phone_number": "+7", "first_name": "А", "user_id": 7}}},
    {"update_id": 1, "message": MESSAGE},
    {"update_id": 1, "message": {**MESSAGE, "photo": [SIZE], "caption": "Кружка", "media_group_id": "1"}},
    {"update_id": 1, "message": {**MESSAGE, "document": FILE}},
    {"update_id": 1, "callback_query": PRESS},
    {
        "update_id": 1,
        "my_chat_member": {
            "chat": CHAT,
            "from": ALICE,
            "date": 1,
            "old_chat_member": BEFORE,
            "new_chat_member": MEMBER,
        },
    },
]
ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.text(max_size=20),
    st.sampled_from(["", "\0", "\ud800", "<b>", "9" * 5000, [], {}, [[]], [{}], 10**400, 2**63, -1, 0, "private"]),
)
JSON = st.recursive(ODD, lambda one: st.lists(one, max_size=4) | st.dictionaries(st.text(max_size=8), one, max_size=4))


def places(value, path=()):
    """Name every place in a document."""
    yield path
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in children:
        yield from places(child, (*path, key))


def replaced(document, path, value):
    if not path:
        return value
    copy = dict(document) if isinstance(document, dict) else list(document)
    copy[path[0]] = replaced(document[path[0]], path[1:], value)
    return copy


PLACES = [(seed, place) for seed in SEEDS for place in places(seed) if place]


JUNK = st.one_of(JSON.map(lambda one: json.dumps(one).encode()), st.binary(max_size=200))


def bounded(examples):
    """Look at that many, the same ones each time."""
    return settings(
        max_examples=examples,
        derandomize=True,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )


def examples_of(strategy, number):
    """Return so many values of a strategy."""
    made = []

    @bounded(number)
    @given(strategy)
    def collect(one):
        made.append(one)

    collect()
    return made


def spoilt(chance, odd):
    """Return an update in which one or two places hold something else."""
    update, place = chance.choice(PLACES)
    update = replaced(update, place, chance.choice(odd))
    if chance.random() < 0.5:
        update = replaced(update, chance.choice([*places(update)]), chance.choice(odd))
    return json.dumps(update).encode()


@pytest.fixture(scope="module")
def bodies():
    """Spoil updates with odd values, which take Hypothesis a while to think of, and add bodies that are no update."""
    chance, odd = random.Random(1), examples_of(ODD, size(300, 1000))
    return [spoilt(chance, odd) for _ in range(size(1500, 8500))] + examples_of(JUNK, size(400, 1500))


def test_whatever_comes_is_parsed_or_refused_and_what_is_parsed_can_be_stored(bodies):
    parsed = 0
    for raw in bodies:
        try:
            came = dispatch.parse(raw)
        except errors.Invalid:
            continue
        if came is None:
            continue
        parsed += 1
        assert isinstance(came, Incoming)
        assert 0 < came.person.id < 2**52
        assert 0 <= came.update_id < 2**63
        for part in (came, came.person, came.attachment):
            for value in vars(part).values() if part else ():
                assert "\0" not in value.encode().decode() if isinstance(value, str) else True
        menus.choose(FLOWS.menus["studio"], came, conversation.State("card:words", {}, {"consent": True}))
    assert len(bodies) > parsed > len(bodies) // 10, "some are spoilt where it does not matter"


@contextmanager
def nobody_home(monkeypatch):
    """Let every update be done already, so that whatever passes the parser ends there."""
    begun = []

    async def begin(*update):
        begun.append(update)

    monkeypatch.setattr(fsm, "begin", begin)
    yield begun


@pytest.fixture
async def post(monkeypatch):
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://lotok") as http:

        async def post(raw, **headers):
            secret = {"x-telegram-bot-api-secret-token": SETTINGS["WEBHOOK_SECRET"]}
            return await http.post("/api/telegram/studio", content=raw, headers=headers or secret)

        with nobody_home(monkeypatch) as begun:
            post.begun = begun
            yield post


async def test_the_webhook_answers_200_to_each_and_logs_no_secret(bodies, post, capsys):
    assert {(await post(raw)).status_code for raw in bodies} == {200}
    said = capsys.readouterr().out
    updates = [line for line in said.splitlines() if json.loads(line)["event"] == "update"]
    assert len(updates) == len(bodies) >= 1500
    for name, value in SETTINGS.items():
        if name.endswith(("_TOKEN", "_SECRET")):
            assert value not in said, name


@pytest.mark.parametrize("length", [0, BODY_LIMIT + 1, 10 * 1024 * 1024])
async def test_a_body_of_no_bytes_or_of_far_too_many_is_not_brought_again(post, length):
    answer = await post(random.Random(1).randbytes(length))
    assert (answer.status_code, post.begun) == (200, [])


async def test_the_secret_given_twice_is_no_secret(post):
    name, secret = b"x-telegram-bot-api-secret-token", SETTINGS["WEBHOOK_SECRET"].encode()
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://lotok") as http:
        for pair in ([secret, secret], [secret, b"wrong"], [b"wrong", secret]):
            answer = await http.post("/api/telegram/studio", content=b"{}", headers=[(name, one) for one in pair])
            assert answer.status_code == 403


async def test_an_update_passes_where_the_others_do_not(post):
    assert (await post(json.dumps(SEEDS[0]).encode())).status_code == 200
    assert post.begun == [("studio", 7, 1)]
