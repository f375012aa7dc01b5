import json
import time
from dataclasses import dataclass
from datetime import timedelta

import pytest

from lib import db, limits
from lib.flows import FLOWS
from lib.telegram import conversation, dispatch, fsm, instance, menus
from lib.telegram.update import Attachment, Incoming, Sender, StarPayment
from tests.telegram.parlour import visits

MINUTE = timedelta(minutes=1)
ALICE = {"id": 7, "is_bot": False, "first_name": "Алиса"}


def said(text, update_id=1):
    chat = {"id": ALICE["id"], "type": "private"}
    message = {"message_id": 1, "date": 1, "chat": chat, "from": ALICE, "text": text}
    return json.dumps({"update_id": update_id, "message": message}).encode()


@pytest.fixture
def nothing_answers(monkeypatch):
    """Leave neither Redis nor Neon, for long enough that an instance would turn to Neon."""
    monkeypatch.setattr(db, "CHECKOUT_SECONDS", 0.2)
    monkeypatch.setattr(fsm, "outage", instance.Outage(since=time.monotonic() - 60))


@pytest.mark.usefixtures("nothing_answers")
async def test_with_redis_and_neon_down_telegram_is_asked_to_come_again():
    outcome = await dispatch.handle("studio", said("/start"), FLOWS)
    await db.close()
    assert (outcome.status, outcome.after) == (503, [])


@dataclass(frozen=True)
class Case:
    state: conversation.State
    flow: str


KNOWN = {"id": 1, "consent": True}
ALICE_CAME = Sender(7, "Алиса", "", "", "")


@pytest.mark.parametrize(
    "case",
    [
        Case(conversation.State(), "start"),
        Case(conversation.State("order:words", {}, KNOWN), "order"),
        Case(conversation.State("card:words", {}, KNOWN), "order"),
        Case(conversation.State("", {}, KNOWN), "menu"),
        Case(conversation.State("", {}, KNOWN, blind=True), "order"),
        Case(conversation.State("gone:words", {}, KNOWN), "menu"),
    ],
)
def test_words_go_to_the_conversation_they_belong_to(case):
    came = Incoming(1, "text", ALICE_CAME, 1, "Кружка")
    assert menus.choose(FLOWS.menus["studio"], came, case.state) == case.flow


SHOP = menus.Menu(
    package="tests.telegram.parlour",
    commands={"start": "hall", "menu": "hall"},
    other="hall",
    stranger="door",
    files=("hall", "gallery"),
    words="cards",
    links={"c": "cards"},
    payments="till",
    flows=("gallery",),
    shared=menus.SharedFlows("lib.flows.every", {"language": "language"}),
)
FILE = Attachment("photo", "a", "b", 9, "image/jpeg", "")
BILL = StarPayment("XTR", 50, "pack:5")


@pytest.mark.parametrize(
    ("came", "step", "flow"),
    [
        (Incoming(1, "photo", ALICE_CAME, 1, attachment=FILE), "", "hall"),
        (Incoming(1, "photo", ALICE_CAME, 1, attachment=FILE), "gallery:photo", "gallery"),
        (Incoming(1, "photo", ALICE_CAME, 1, attachment=FILE), "cards:name", "hall"),
        (Incoming(1, "text", ALICE_CAME, 1, "Борис"), "", "cards"),
        (Incoming(1, "text", ALICE_CAME, 1, "Борис"), "gallery:photo", "gallery"),
        (Incoming(1, "location", ALICE_CAME, 1), "", "hall"),
        (Incoming(1, "contact", ALICE_CAME, 1, phone="+7"), "cards:phone", "cards"),
        (Incoming(1, "command", ALICE_CAME, 1, "c_4f2a", "start"), "", "cards"),
        (Incoming(1, "command", ALICE_CAME, 1, "x_4f2a", "start"), "", "hall"),
        (Incoming(1, "command", ALICE_CAME, 1, "c_4f2a", "menu"), "", "hall"),
        (Incoming(1, "command", ALICE_CAME, 1, "", "language"), "cards:name", "language"),
        (Incoming(1, "press", ALICE_CAME, 1, "language:other"), "cards:name", "language"),
        (Incoming(1, "press", ALICE_CAME, 1, "gone:home"), "cards:name", "hall"),
        (Incoming(1, "checkout", ALICE_CAME, payment=BILL), "cards:name", "till"),
    ],
)
def test_each_kind_goes_to_its_flow(came, step, flow):
    assert menus.choose(SHOP, came, conversation.State(step, {}, KNOWN)) == flow


def test_a_payment_of_somebody_who_has_not_consented_is_still_taken():
    assert menus.choose(SHOP, Incoming(1, "paid", ALICE_CAME, payment=BILL), conversation.State()) == "till"


def test_every_bot_has_the_menu_that_the_shared_flows_lead_back_to():
    assert {menu.other for menu in FLOWS.menus.values()} == {"menu"}


def pressed(data, update_id):
    press = {"id": "1", "from": ALICE, "chat_instance": "1", "data": data}
    return json.dumps({"update_id": update_id, "callback_query": press}).encode()


@pytest.mark.usefixtures("redis")
async def test_a_link_survives_the_consent_of_a_stranger():
    visits.clear()
    await arrives(said("/start c_4f2a", 1))
    await arrives(said("Здравствуйте", 2))
    await arrives(pressed("door:open", 3))
    await arrives(said("Дальше", 4))
    assert visits == [("door", "c_4f2a"), ("door", "Здравствуйте"), ("door", "door:open"), ("cards", "c_4f2a"), CARDS]


CARDS = ("cards", "Дальше")


async def arrives(raw, **options):
    """Handle an update of somebody who is known to the product; nothing may fail for good, and nobody blocks."""

    async def meet(person):
        return {"id": person.id, "language": "ru"}

    async def nothing(*_):
        raise AssertionError

    outcome = await dispatch.handle("shop", raw, menus.Flows({"shop": SHOP}, meet, nothing, nothing, **options))
    assert options or outcome.status == 200
    return outcome


async def test_an_update_takes_two_round_trips_and_five_commands(redis):
    await arrives(said("Раз", 1), pace=limits.Limit("update", 60, MINUTE))
    redis.requests = redis.commands = 0
    await arrives(said("Два", 2), pace=limits.Limit("update", 60, MINUTE))
    assert (redis.requests, redis.commands) == (2, 5)


@pytest.mark.parametrize("whose", [None, ALICE["id"]])
async def test_a_pause_that_telegram_asked_for_is_kept_by_the_answers_too(redis, whose):
    visits.clear()
    await limits.pause("shop", timedelta(seconds=40), whose)
    outcome = await arrives(said("Раз", 1), pace=None)
    assert (outcome.status, visits) == (503, [])
    assert timedelta(seconds=39) < outcome.retry_after <= timedelta(seconds=40)
    await redis._redis.run([[b"FLUSHALL"]])
    limits._local.free.clear()
    await arrives(said("Раз", 1))
    assert visits == [("door", "Раз")], "the turn was given back, and the update is not done"


class Ear:
    """Stands in for Telegram: what is said to Alice."""

    def __init__(self, monkeypatch):
        self.heard = []

        async def say(chat, words, *_):
            self.heard.append(words)

        async def answer(chat, press_id, words="", *, alert=False):
            self.heard.append((words, alert))

        monkeypatch.setattr(dispatch.Chat, "say", say)
        monkeypatch.setattr(dispatch.Chat, "answer", answer)


WAIT = "Слишком часто. Подождите 30 секунд и попробуйте ещё раз."


async def test_who_is_too_quick_is_told_once_how_long_to_wait(redis, monkeypatch):
    visits.clear()
    ear = Ear(monkeypatch)
    moment = [1_790_000_000_000]
    monkeypatch.setattr(limits, "_now", lambda: moment[0])
    pace = limits.Limit("update", 2, MINUTE)
    for number in range(5):
        await arrives(said("Раз", number), pace=pace)
    assert (len(visits), ear.heard) == (2, [WAIT])
    await arrives(pressed("hall:home", 6), pace=pace)
    assert ear.heard[-1] == (WAIT, True), "a press must be answered, or its spinner goes on"
    moment[0] += 30_000
    await arrives(said("Два", 7), pace=pace)
    assert visits[-1] == ("door", "Два")


@pytest.mark.parametrize(
    ("wait", "told"),
    [(119, "Подождите 119 секунд"), (120, "через 2 минуты"), (251, "через 5 минут"), (1260, "через 21 минуту")],
)
async def test_a_long_wait_is_told_in_minutes(redis, monkeypatch, wait, told):
    ear = Ear(monkeypatch)
    monkeypatch.setattr(limits, "take", lambda taken, limit: wait if limit.action == "update" else 0)
    await arrives(said("Раз", 1), pace=limits.Limit("update", 2, MINUTE))
    assert told in ear.heard[-1]


async def test_a_payment_is_never_told_to_wait(redis, monkeypatch):
    visits.clear()
    await limits.pause("shop", timedelta(seconds=40))
    bill = {"currency": "XTR", "total_amount": 50, "invoice_payload": "pack:5"}
    query = {"id": "9", "from": ALICE, **bill}
    for number in range(4):
        raw = json.dumps({"update_id": number, "pre_checkout_query": query}).encode()
        assert (await arrives(raw, pace=limits.Limit("update", 1, MINUTE))).status == 200
    assert len(visits) == 4
