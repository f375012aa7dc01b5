import json
import time
from dataclasses import dataclass

import pytest

from lib import db
from lib.flows import FLOWS
from lib.telegram import dispatch, fsm
from lib.telegram.update import Incoming, Person

ALICE = {"id": 7, "is_bot": False, "first_name": "Алиса"}


def said(text, update_id=1):
    chat = {"id": ALICE["id"], "type": "private"}
    message = {"message_id": 1, "date": 1, "chat": chat, "from": ALICE, "text": text}
    return json.dumps({"update_id": update_id, "message": message}).encode()


@pytest.fixture
def nothing_answers(monkeypatch):
    """Leave neither Redis nor Neon, for long enough that an instance would turn to Neon."""
    monkeypatch.setattr(db, "CHECKOUT_SECONDS", 0.2)
    monkeypatch.setattr(fsm, "outage", fsm.Outage(since=time.monotonic() - 60))


@pytest.mark.usefixtures("nothing_answers")
async def test_with_redis_and_neon_down_telegram_is_asked_to_come_again():
    outcome = await dispatch.handle("studio", said("/start"), FLOWS)
    await db.close()
    assert (outcome.status, outcome.after) == (503, [])


@dataclass(frozen=True)
class Case:
    state: fsm.State
    flow: str


KNOWN = {"id": 1, "consent": True}


@pytest.mark.parametrize(
    "case",
    [
        Case(fsm.State(), "start"),
        Case(fsm.State("card:words", {}, KNOWN), "card"),
        Case(fsm.State("", {}, KNOWN), "menu"),
        Case(fsm.State("", {}, KNOWN, blind=True), "card"),
    ],
)
def test_words_go_to_the_conversation_they_belong_to(case):
    came = Incoming(1, "text", Person(7, "Алиса", "", "", ""), 1, "Кружка")
    assert dispatch.choose(FLOWS.menus["studio"], came, case.state) == case.flow
