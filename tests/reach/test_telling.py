"""What administrators hear of alerts: one message for what came together, edited, answered, and quiet when asked."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from lib import config, errors
from lib.office import trail
from lib.people import users
from lib.reach import telling
from lib.reach.alerts import Alert, Change
from lib.telegram.client import Chat
from tests.redis_lab import empty_redis, running_upstash  # noqa: F401

NOW = datetime(2026, 11, 29, 6, 0, tzinfo=UTC)  # nine in the morning in Moscow
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
LAG = Alert("lag", "", "page", "firing", NOW - 3 * MINUTE, fired_at=NOW, facts={"minutes": 5})
LETTERS = Alert("letters", "", "page", "firing", NOW, fired_at=NOW, facts={"number": 2})
DEBT = Alert("debt", "", "ticket", "firing", NOW, fired_at=NOW, facts={"number": 1})


@pytest.fixture
def said(monkeypatch):
    """What one administrator's chat was told, as (verb, message id, words); what is in `shut` refuses."""

    class Said(list):
        shut = frozenset()
        ids = iter(range(1, 99))

    said = Said()

    async def say(chat, words, keyboard=None, *, reply_to=None, silent=False):
        if chat.bot in said.shut:
            raise errors.Blocked()
        said.append((f"reply{' silent' if silent else ''} {reply_to}" if reply_to else "say", chat.bot, words))
        return next(said.ids)

    async def edit(chat, message_id, words, keyboard=None):
        said.append((f"edit {message_id}", chat.bot, words))
        return "gone" not in said.shut

    monkeypatch.setattr(Chat, "say", say)
    monkeypatch.setattr(Chat, "edit", edit)
    monkeypatch.setenv("ADMIN_IDS", "71")
    monkeypatch.setenv("ADMIN_BOT_TOKEN", "222222:BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB")
    config.get.cache_clear()
    yield said
    monkeypatch.undo()
    config.get.cache_clear()


async def tell(*firing, after=0, resolved=()):
    await telling.tell(Change([*firing], [], [], [*resolved]), NOW + after * MINUTE)


async def verbs(said, *steps):
    for firing, after, *resolved in steps:
        await tell(*firing, after=after, resolved=resolved)
    return [verb for verb, _, _ in said]


async def test_a_page_is_told_at_once_with_what_to_do(redis, database, said):
    await tell(LAG)
    [(verb, bot, words)] = said
    assert (verb, bot) == ("say", "admin")
    assert "Тревоги: 1" in words
    assert "<b>Очередь стоит: старшая задача ждёт 5 мин</b> · 3 мин\nПосмотрите в «Очередь»" in words


async def test_what_comes_within_a_minute_goes_into_the_same_message(redis, database, said):
    assert await verbs(said, ([LAG], 0), ([LAG, LETTERS], 0.5)) == ["say", "edit 1"]
    assert "Тревоги: 2" in said[1][2]


async def test_what_comes_later_is_a_message_of_its_own(redis, database, said):
    assert await verbs(said, ([LAG], 0), ([LAG, LETTERS], 2)) == ["say", "say"]
    assert "Очередь" not in said[1][2].split("Что")[0].split("\n\n")[1]


async def test_what_fires_on_is_edited_once_in_five_minutes_and_makes_no_sound(redis, database, said):
    assert await verbs(said, ([LAG], 0), ([LAG], 2), ([LAG], 5), ([LAG], 8), ([LAG], 10)) == ["say", "edit 1", "edit 1"]
    assert "· 8 мин" in said[1][2]


async def test_what_is_over_is_a_silent_answer_to_its_message(redis, database, said):
    over = replace(LAG, state="resolved", resolved_at=NOW + 9 * MINUTE)
    assert await verbs(said, ([LAG], 0), ([], 9, over), ([], 10)) == ["say", "reply silent 1", "edit 1"]
    assert said[1][2] == "✅ Прошло: Очередь стоит: старшая задача ждёт 5 мин. Длилось 12 мин."
    assert said[2][2] == "✅ Всё прошло."


async def test_a_message_that_cannot_be_edited_is_followed_by_a_new_one(redis, database, said):
    said.shut = {"gone"}
    assert await verbs(said, ([LAG], 0), ([LAG, LETTERS], 0.5)) == ["say", "edit 1", "say"]


async def test_an_administrator_who_reads_english_hears_it_in_english(redis, database, said, monkeypatch):
    async with database.connect() as conn:
        await users.get_or_create_user(conn, 71, language="en")
    over = replace(LAG, state="resolved", resolved_at=NOW + 9 * MINUTE)
    assert await verbs(said, ([LAG, DEBT], 60), ([], 69, over)) == ["say", "say", "reply silent 1", "edit 1"]
    page, tickets, ended, edited = (words for _, _, words in said)
    assert "Alerts: 1" in page
    assert "The queue is stuck: its oldest job has waited 5 min" in page
    assert "Payments with a debt: 1" in tickets
    assert ended.startswith("✅ Over: The queue is stuck")
    assert edited == "✅ All of it is over."


async def test_too_many_are_cut_between_two_and_counted(redis, database, said):
    many = [replace(LAG, label=f"p{n}", name="money", facts={}) for n in range(60)]
    await tell(*many)
    [(_, _, words)] = said
    shown = words.count("не работает")
    assert len(words) < 4096
    assert words.endswith(f"…и ещё {60 - shown}")
    assert words.count("<b>") == words.count("</b>")


async def test_quiet_for_an_hour_is_about_these_alerts_alone(redis, database, said):
    assert await telling.mute(71, ["lag"], "hour", NOW) == {"lag": NOW + timedelta(hours=1)}
    assert await verbs(said, ([LAG], 0), ([LAG, LETTERS], 1)) == ["say"]
    assert "Тревоги: 1" in said[0][2]
    assert await telling.muted(72, ["lag"], NOW) == {}, "another administrator hears it"


async def test_quiet_only_gets_longer_until_somebody_ends_it(redis, database, said):
    evening, morning = NOW + 12 * HOUR, NOW + 25 * HOUR  # nine in the evening, ten of the next day
    await telling.mute(71, ["lag"], "morning", evening)
    found = await telling.mute(71, ["lag", "letters"], "hour", evening)
    assert found == {"lag": morning, "letters": evening + HOUR}
    assert await telling.muted(71, ["lag", "letters"], evening + 2 * HOUR) == {"lag": morning}
    assert (await telling.mute(71, ["lag"], "hour", morning - HOUR / 2))["lag"] == morning + HOUR / 2
    await telling.unmute(71, ["lag", "letters"])
    await tell(LAG)
    assert [verb for verb, _, _ in said] == ["say"]


async def test_what_is_quiet_and_fires_on_is_not_said_to_be_over(redis, database, said):
    await tell(LAG)
    await telling.mute(71, ["lag"], "hour", NOW)
    assert await verbs(said, ([LAG], 6)) == ["say", "edit 1"]
    assert "· 9 мин" in said[1][2]


async def test_a_message_about_what_is_over_is_left_alone(redis, database, said):
    over = replace(LAG, state="resolved", resolved_at=NOW + 9 * MINUTE)
    assert len(await verbs(said, ([LAG], 0), ([], 9, over), ([], 15), ([], 60))) == 3


async def test_quiet_until_morning_ends_at_ten():
    assert telling._next_morning(NOW) == NOW + timedelta(hours=1)
    assert telling._next_morning(NOW + timedelta(hours=1)) == NOW + timedelta(hours=25)


async def test_a_ticket_waits_for_the_morning_and_comes_once_a_day(redis, database, said):
    assert await verbs(said, ([DEBT], 0), ([DEBT], 61), ([DEBT], 90), ([DEBT], 24 * 60 + 61)) == ["say", "say"]
    assert "Не срочно" in said[0][2]


async def test_who_has_not_started_the_admin_bot_is_told_by_the_studio(redis, database, said):
    said.shut = {"admin"}
    await tell(LAG)
    assert [bot for _, bot, _ in said] == ["studio"]


async def test_who_switched_alerts_off_hears_nothing(redis, database, said):
    async with database.connect() as conn:
        await trail.mute(conn, 71, "alarm", off=True)
    await tell(LAG)
    assert said == []


async def test_without_redis_the_next_look_tells_it(database, said):
    await tell(LAG)
    assert said == []
