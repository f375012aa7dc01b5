"""Words by a model: what is asked of it, and what becomes of its answer. The model itself is the worker's business."""

import itertools
from dataclasses import dataclass, field
from typing import Any

import pytest

from lib import config, db
from lib.flows.studio import order
from lib.jobs import table
from lib.telegram import conversation, fsm
from lib.telegram.client import Chat
from lib.telegram.dispatch import Turn
from lib.telegram.update import Incoming, Sender
from tests import factories

ALICE = Sender(7, "Алиса", "", "", "ru")
NUMBERS = itertools.count(101)  # no message has the number of another
FOUND = {"title": "Кружка глиняная", "benefits": ["Ручная работа"], "category": "посуда"}


@dataclass
class Paper(Chat):
    """A chat that goes nowhere and remembers what was said."""

    said: list[tuple[str, Any]] = field(default_factory=list)

    async def say(self, text: str, markup: Any = None, *, reply_to: int | None = None) -> int:
        self.said.append((text, markup))
        return next(NUMBERS)

    async def edit(self, message_id: int, text: str, keyboard: Any = None) -> bool:
        self.said.append((text, keyboard))
        return True

    async def answer(self, press_id: str, text: str = "", *, alert: bool = False) -> None:
        pass


@pytest.fixture
async def alice(database, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    config.get.cache_clear()
    async with database.connect() as conn:
        user = await factories.make_user(conn, credits=5)
    state = conversation.State(
        "order:words", {"draft": {"file_id": "f"}}, {"id": user.id, "language": "ru", "consent": True}
    )
    yield state
    monkeypatch.delenv("OPENAI_API_KEY")
    config.get.cache_clear()


async def does(state, **came):
    turn = Turn(Incoming(1, person=ALICE, **{"message_id": next(NUMBERS)} | came), state, Paper("studio", 7))
    await order.handle(turn)
    return turn


def proposed(monkeypatch, screen):
    """Let a proposal lie ready, for the description of this screen."""

    async def put_by(bot, user_id, name):
        return {**FOUND, "screen": screen}

    monkeypatch.setattr(fsm, "put_by", put_by)


async def words_jobs(state):
    return await db.run(lambda conn: table.get_user_jobs(conn, state.who["id"], tasks=["words"]))


async def test_a_description_is_handed_to_the_model_for_nothing(alice):
    turn = await does(alice, kind="text", text="Глиняная кружка, лепим сами")
    assert "Подбираю название" in turn.chat.said[0][0]
    [job] = await words_jobs(alice)
    assert (job.price, job.args["description"], job.args["file_id"]) == (0, "Глиняная кружка, лепим сами", "f")
    assert job.args["message_id"] == alice.data["screen"], "the worker turns this very screen into the proposal"


async def test_the_proposed_words_are_taken_or_corrected_before_paying(alice, monkeypatch):
    await does(alice, kind="text", text="Глиняная кружка, лепим сами")
    screen = alice.data["screen"]
    proposed(monkeypatch, screen)
    turn = await does(alice, kind="press", press_id="1", text="order:words:edit", message_id=screen)
    assert "Кружка глиняная\nРучная работа" in turn.chat.said[-1][0]
    turn = await does(alice, kind="text", text="Кружка из глины")
    assert alice.data["draft"]["title"] == "Кружка из глины", "what the seller types is taken as it stands"
    assert len(await words_jobs(alice)) == 1
    assert "Что сделать из этого фото" in turn.chat.said[-1][0]


async def test_what_is_typed_instead_of_a_proposal_is_taken_as_it_stands(alice):
    await does(alice, kind="text", text="ш" * 70)
    screen = alice.data["screen"]
    turn = await does(alice, kind="press", press_id="1", text="order:words:edit", message_id=screen)
    assert "Название слишком длинное: 70 знаков" in turn.chat.said[-1][0]
    assert "Предложу" not in turn.chat.said[-1][0], "no second proposal is promised"
    turn = await does(alice, kind="text", text="Кружка\nЛепим сами")
    assert "Что сделать из этого фото" in turn.chat.said[-1][0]
    assert len(await words_jobs(alice)) == 1


async def test_a_photo_that_our_own_program_cleans_is_said_to_take_as_little_as_it_does(alice):
    alice.data["draft"] |= {"wordless": True, "product": "card", "preset": "white"}
    turn = await does(alice, kind="press", press_id="1", text="order:resume", message_id=0)
    assert "около 50 секунд" in turn.chat.said[-1][0]
    alice.data["draft"]["preset"] = "classified"
    turn = await does(alice, kind="press", press_id="2", text="order:resume", message_id=0)
    assert "несколько секунд" in turn.chat.said[-1][0]


async def test_words_proposed_for_another_description_are_not_taken(alice, monkeypatch):
    await does(alice, kind="text", text="Кружка\nЛепим сами")
    screen = alice.data["screen"]
    proposed(monkeypatch, screen - 1)
    await does(alice, kind="press", press_id="1", text="order:words:take", message_id=screen)
    assert alice.data["draft"]["title"] == "Кружка"


async def test_a_proposal_that_is_gone_leaves_the_sellers_own_words(alice):
    await does(alice, kind="text", text="Кружка\nЛепим сами")
    screen = alice.data["screen"]
    turn = await does(alice, kind="press", press_id="1", text="order:words:take", message_id=screen)
    assert (alice.data["draft"]["title"], alice.data["draft"]["benefits"]) == ("Кружка", ["Лепим сами"])
    assert "Что сделать из этого фото" in turn.chat.said[-1][0]
