"""Who hears an alert, through which bot, and what was never said."""

import pytest

from lib import config, errors, text
from lib.office import trail
from lib.people import notify, users
from lib.telegram.client import Chat
from tests import factories


@pytest.fixture
def admins(monkeypatch):
    monkeypatch.setenv("ADMIN_IDS", "71, 72")
    config.get.cache_clear()
    yield {71, 72}
    monkeypatch.undo()
    config.get.cache_clear()


@pytest.fixture
def chats(monkeypatch):
    """What was said, as (bot, person, whether with buttons); chats in `shut` refuse."""

    class Said(list):
        shut = frozenset()

    said = Said()

    async def say(chat, words, keyboard=None, **_):
        if (chat.bot, chat.id) in said.shut:
            raise errors.Blocked()
        said.append((chat.bot, chat.id, bool(keyboard)))
        return 1

    monkeypatch.setattr(Chat, "say", say)
    return said


async def alert(*worded, **options):
    facts = {"bot": "client", "update": 5, "error": "KeyError"}
    return await notify.alert_admins("client", "alert.buried", *worded, **facts, **options)


async def test_every_administrator_is_told_once_by_the_admin_bot(database, admins, chats):
    assert await alert(ways=[[("button.menu", "menu:home")]])
    assert sorted(chats) == [("admin", one, True) for one in sorted(admins)]


async def test_one_who_has_not_started_the_admin_bot_is_told_by_the_bot_it_is_about(database, admins, chats):
    chats.shut = {("admin", 71)}
    assert await alert(ways=[[("button.menu", "menu:home")]])
    assert sorted(chats) == [("admin", 72, True), ("client", 71, False)], "its buttons work in the admin bot alone"


async def test_an_alert_that_nobody_could_be_told_has_not_been_said(database, admins, chats):
    chats.shut = {(bot, one) for bot in ("admin", "client") for one in admins}
    assert not await alert()


async def test_one_who_muted_this_kind_is_spared_and_hears_the_others(database, admins, chats):
    async with database.connect() as conn:
        await trail.mute(conn, 71, "buried", off=True)
    assert await alert()
    assert [one for _, one, _ in chats] == [72]
    assert [one.id for one in await notify.hearers("audit")] == [71, 72]


async def test_an_alert_that_everybody_muted_counts_as_said(database, admins, chats):
    async with database.connect() as conn:
        for one in admins:
            await trail.mute(conn, one, "buried", off=True)
    assert await alert()
    assert chats == []


async def test_everybody_is_told_when_it_cannot_be_known_who_muted_it(admins, chats, monkeypatch):
    async def away(_):
        raise errors.Unavailable("database")

    monkeypatch.setattr(notify.db, "run", away)
    assert await alert()
    assert len(chats) == len(admins)


async def test_each_administrator_reads_it_in_their_own_language(database, admins, monkeypatch):
    async with database.connect() as conn:
        await users.get_or_create_user(conn, 72, language="en")
    said = {}

    async def say(chat, words, keyboard=None, **_):
        said[chat.id] = (words, keyboard[0][0].label)
        return 1

    monkeypatch.setattr(Chat, "say", say)
    assert await alert(lambda language: {"bot": f"client ({language})"}, ways=[[("button.menu", "menu:home")]])
    assert said[71][0].startswith("⚠️ Не удалось обработать обновление 5 бота client (ru)"), said[71]
    assert said[72][0].startswith("⚠️ Update 5 of the bot client (en)"), said[72]
    assert (said[71][1], said[72][1]) == (text.say("ru", "button.menu"), text.say("en", "button.menu"))


async def test_what_a_person_wrote_is_handed_over_to_as_many_as_can_be_reached(database, admins, chats):
    chats.shut = {("admin", 71), ("studio", 71)}
    facts = {"bot": "client", "update": 5, "error": "KeyError"}
    assert await notify.hand_to_admins("studio", "alert.buried", **facts) == 1


async def test_what_was_not_said_yet_is_taken_back_and_can_be_said_of_something_new(conn):
    alice = await factories.make_user(conn)
    told = (conn, alice.id, "studio", "menu.home", {"balance": 2})
    assert await notify.tell(*told, once="gift:1")
    assert [await notify.withdraw(conn, "gift:1") for _ in range(2)] == [True, False]
    assert await notify.tell(*told, once="gift:1")
