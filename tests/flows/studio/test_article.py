"""A pasted description in the chat: its words are shown to be changed before anything can be ordered."""

import pytest

from lib import config, db
from lib.credits import ledger
from lib.flows.studio import order
from lib.flows.studio.ordering import DRAFT, OrderDraft
from lib.jobs import table
from lib.people import users
from lib.tasks import words as task
from lib.telegram import conversation
from lib.telegram.dispatch import Turn
from lib.telegram.update import Incoming, Sender
from tests import factories
from tests.flows.chat import buttons
from tests.flows.studio.test_cutting import Paper

ARTICLE = (
    "Термокружка Lotok 450 мл — ваш надёжный спутник в дороге. Корпус из нержавеющей стали, крышка не протекает. "
    "Можно мыть в посудомоечной машине. Закажите сейчас со скидкой 20 %!"
)


@pytest.fixture
async def alice(database):
    async with database.connect() as conn:
        user = await factories.make_user(conn, credits=2)
    return conversation.State("order:words", {}, {"id": user.id, "language": "ru", "consent": True})


async def does(state, **came):
    turn = Turn(Incoming(1, person=Sender(7, "Алиса", "", "", "ru"), message_id=5, **came), state, Paper("studio", 7))
    await order.handle(turn)
    return turn


@pytest.mark.parametrize(("language", "said"), [("ru", "Из описания взял"), ("en", "I took a title and benefits")])
async def test_the_words_of_a_description_are_shown_to_be_changed_before_the_order(alice, language, said):
    alice.who = alice.who | {"language": language}
    DRAFT.keep(alice, OrderDraft(file_id="f", product="card", preset="wb"))
    turn = await does(alice, kind="text", text=ARTICLE)
    words, keyboard = turn.chat.said[-1]
    assert said in words
    assert "Термокружка Lotok 450 мл\n" in words
    assert "Можно мыть в посудомоечной машине" in words
    assert "скидк" not in words
    assert alice.step == "order:words", "what is written now replaces them"
    assert "order:resume" in [button.data for row in keyboard for button in row]
    await does(alice, kind="press", press_id="1", text="order:resume")
    assert alice.step == "order:confirm"


async def test_a_description_without_a_name_asks_for_one(alice):
    DRAFT.keep(alice, OrderDraft(file_id="f"))
    turn = await does(
        alice, kind="text", text="Скидка 50 %! Хит продаж! Пишите нам в телеграм @seller. Лучшая цена! " * 3
    )
    assert "названия товара я в нём не нашёл" in turn.chat.said[-1][0]
    assert DRAFT.of(alice).title == ""


def test_where_the_model_does_not_answer_the_rules_read_the_description():
    found = task._by_rule(ARTICLE)
    assert found["title"] == "Термокружка Lotok 450 мл"
    assert "Можно мыть в посудомоечной машине" in found["benefits"]


@pytest.mark.parametrize("keyed", [False, True])
async def test_the_text_for_the_page_is_free_and_asked_of_a_model_only_where_there_is_a_key(alice, monkeypatch, keyed):
    if keyed:
        monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    config.get.cache_clear()
    args = {"bot": "studio", "chat_id": 7, "message_id": 3, "language": "ru", "file_id": "f", "title": "Кружка"}
    async with db.connection() as conn:
        user = await users.get_user(conn, alice.who["id"])
        job = await factories.make_running(conn, user, args=args | {"benefits": ["Держит тепло"]}, price=1)
        await table.update_job_status(conn, job, "done")
    turn = await does(alice, kind="press", press_id="1", text=f"order:listing:{job.id}")
    words, jobs = (
        turn.chat.said[-1][0],
        await db.run(lambda conn: table.get_user_jobs(conn, user.id, tasks=["listing"])),
    )
    assert len(jobs) == keyed
    assert ("Пишу название" in words) == keyed
    assert ("Кружка, держит тепло" in words) == (not keyed)
    assert await db.run(lambda conn: ledger.safe_get_balance(conn, user.id)) == 1
    monkeypatch.undo()
    config.get.cache_clear()


async def test_a_description_as_a_caption_is_read_in_the_chat(seller, photo):
    await seller.sends_photo(photo, caption=ARTICLE)
    shown = await seller.sees("Из описания взял.*Термокружка Lotok 450 мл")
    assert "Оставить как есть" in buttons(shown)
