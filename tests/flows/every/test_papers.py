"""The papers, and a letter to the administrators from any bot."""

from types import SimpleNamespace

import pytest

from lib import text
from lib.flows import FLOWS
from lib.flows.every import papers
from lib.telegram import conversation, menus
from lib.telegram.update import Incoming, Sender
from tests.flows.chat import Chat, buttons

BANNED = {"id": 7, "consent": False, "banned": True}
ADMITTED = Sender(7, "Алиса", "", "", "")


@pytest.fixture(autouse=True)
def admitted(monkeypatch):
    monkeypatch.setattr("lib.flows.config.get", lambda: type("Settings", (), {"admin_ids": {7}}))


@pytest.mark.parametrize("bot", list(FLOWS.menus))
@pytest.mark.parametrize(
    ("kind", "said", "step", "flow"),
    [
        ("press", "papers:write", "", "papers"),
        ("text", "За что?", "papers:", "papers"),
        ("text", "За что?", "", "closed"),
        ("photo", "", "papers:", "closed"),
        ("press", "menu:home", "papers:", "closed"),
        ("press", "profile:erase", "", "profile"),
    ],
)
def test_a_person_who_is_shut_out_can_write_in_every_bot_and_do_nothing_else(bot, kind, said, step, flow):
    came = Incoming(1, kind, ADMITTED, 1, said)
    assert menus.choose(FLOWS.menus[bot], came, conversation.State(step, {}, BANNED)) == flow


@pytest.mark.parametrize("bot", ["client", "partner"])
async def test_a_letter_leaves_what_was_begun_where_it_was(bot, shop, seller):
    chat = Chat(shop.http, bot, seller.user)
    await chat.says("/start")
    before = (await shop.state(chat)).get("step", "")
    await chat.says("/terms")
    await chat.presses("Написать нам")
    assert (await shop.state(chat))["step"] == f"papers:{before}"
    await chat.presses("Назад")
    await chat.sees("Условия и данные")
    assert (await shop.state(chat)).get("step", "") == before


async def test_a_stranger_reads_the_papers_and_writes_to_nobody(shop, stranger):
    chat = Chat(shop.http, "client", stranger.user)
    await chat.says("/privacy")
    assert "Написать нам" not in buttons(await chat.last())
    await chat.forges("papers:write")
    assert "Напишите вопрос" not in (await chat.last())["text"]


@pytest.mark.parametrize(
    ("bot", "key", "vendor", "country", "said"),
    [
        ("client", "sk-1", "", "", "поставщик модели."),
        ("client", "sk-1", "GigaChat", "Россия", "GigaChat, Россия."),
        ("partner", "sk-1", "OpenAI", "", "OpenAI."),
        ("client", "", "OpenAI", "США", ""),
        ("studio", "sk-1", "OpenAI", "США", ""),
    ],
)
def test_the_privacy_screen_says_who_reads_questions_to_an_assistant(monkeypatch, bot, key, vendor, country, said):
    settings = SimpleNamespace(openai_api_key=key, openai_vendor=vendor, openai_country=country)
    monkeypatch.setattr(papers.config, "get", lambda: settings)
    turn = SimpleNamespace(chat=SimpleNamespace(bot=bot), text=lambda key, **fields: text.say("ru", key, **fields))
    told = papers._model(turn)
    assert (f"их получает {said}" in told) if said else told == ""
