"""Messages to people about what others did: in their language, once, and within what Telegram allows."""

import html
import re
from datetime import UTC, datetime, timedelta

import pytest

from lib import errors, limits, text
from lib.jobs import drain
from lib.office import people
from lib.people import notify
from lib.tasks import TASKS
from lib.telegram.client import Chat
from tests import factories


@pytest.fixture
async def conn(database):
    async with database.connect() as conn:
        yield conn


@pytest.fixture
def chats(monkeypatch):
    """What was sent, as (bot, person, words, labels and targets); `refusal` is raised instead, once."""

    class Sent(list):
        refusal = None

    sent = Sent()

    async def say(chat, words, keyboard=None, **_):
        if sent.refusal:
            refusal, sent.refusal = sent.refusal, None
            raise refusal
        rows = [[(button.label, button.data or button.url) for button in row] for row in keyboard or []]
        sent.append((chat.bot, chat.id, words, rows))
        return 1

    monkeypatch.setattr(Chat, "say", say)
    monkeypatch.setattr(limits, "_local", limits._LocalCounts())
    return sent


async def work(patience=timedelta(0)):
    until = datetime.now(UTC) + timedelta(minutes=5)
    return await drain.work(TASKS, until, only=["tell"], patience=patience)


async def tell(conn, user, **options):
    given = {"key": "menu.home", "fields": {"balance": 2}, "once": "receipt:1", **options}
    return await notify.tell(conn, user.id, "studio", given.pop("key"), given.pop("fields"), **given)


async def test_a_person_is_told_in_their_language_with_buttons(conn, chats):
    alice = await factories.make_user(conn, language="en")
    await tell(conn, alice, ways=[[("button.menu", "menu:home"), ("5", "rate:5")], [("button.help", "https://a.b/c")]])
    assert (await work()).done == 1
    [(bot, person, words, rows)] = chats
    assert (bot, person) == ("studio", alice.tg_id)
    assert "2 credits" in words
    assert rows == [[("Menu", "menu:home"), ("5", "rate:5")], [("Help", "https://a.b/c")]]


async def test_one_key_is_told_once_whatever_the_words(conn, chats):
    alice = await factories.make_user(conn)
    assert await tell(conn, alice)
    assert not await tell(conn, alice)
    assert not await tell(conn, alice, fields={"balance": 3})
    await work()
    assert not await tell(conn, alice)
    await work()
    assert len(chats) == 1


async def test_words_and_times_are_put_into_the_receivers_terms(conn, chats):
    alice = await factories.make_user(conn)
    await conn.execute("update users set time_zone = 'Asia/Vladivostok' where id = %s", (alice.id,))
    at = datetime(2026, 3, 8, 22, 30, tzinfo=UTC)
    fields = {"bot": notify.spoken("button.menu"), "update": notify.moment(at), "error": "<b>&"}
    await tell(conn, alice, key="alert.buried", fields=fields)
    await work()
    [(_, _, words, _)] = chats
    assert "бота Меню" in words
    assert "9 марта 2026, 08:30" in words
    assert "&lt;b&gt;&amp;" in words


async def test_a_sentence_within_a_sentence_has_numbers_of_its_own(conn, chats):
    alice = await factories.make_user(conn)
    what = notify.spoken("partner.reversed.accrue", bill=50_000, points=1)
    fields = {"title": "Кофе & Ко", "what": what, "reason": "возврат", "available": 2}
    await tell(conn, alice, key="partner.push.reversed", fields=fields)
    await work()
    [(_, _, words, _)] = chats
    assert words.startswith("<b>Кофе &amp; Ко</b>: отменили покупку на 500\u00a0₽, сняли 1 балл. Причина: возврат")


async def test_who_cannot_be_reached_is_no_error(conn, chats):
    alice = await factories.make_user(conn)
    chats.refusal = errors.Blocked()
    await tell(conn, alice)
    assert (await work()).done == 1
    cursor = await conn.execute("select blocked_at from users where id = %s", (alice.id,))
    assert await cursor.fetchone() == (None,), "it may be another bot that they have not started"


async def test_who_was_shut_out_hears_nothing_of_a_shop_they_work_for_and_all_of_their_own(conn, chats):
    alice = await factories.make_user(conn)
    await people.ban(conn, alice.id, actor="admin:1", reason="Обман")
    args = {"key": "alert.buried", "fields": {"bot": "-", "update": "-", "error": "-"}}
    for bot in ("partner", "client"):
        await notify.tell(conn, alice.id, bot, args["key"], args["fields"], once=bot)
    assert (await work()).done == 2
    assert [bot for bot, *_ in chats] == ["client"]


async def test_only_who_stopped_or_never_started_the_bot_is_left_in_peace(conn, chats):
    """Any other refusal is ours: it was once taken for "blocked", and a long letter vanished without a trace."""
    alice = await factories.make_user(conn)
    chats.refusal = errors.Rejected("telegram", "Message is too long")
    await tell(conn, alice)
    assert (await work()).failed == 1


async def test_a_long_letter_comes_whole_with_its_writers_name_on_each_part(conn, chats):
    alice = await factories.make_user(conn)
    letter = " ".join(f"<слово&{number}>" for number in range(400))[:4096]
    fields = {"title": "Кофе", "name": "Борис", "words": letter}
    await tell(conn, alice, key="client.letter.told", fields=fields, ways=[[("button.menu", "menu:home")]])
    assert (await work()).done == 1
    shown = [html.unescape(re.sub(r"</?b>", "", words)) for _, _, words, _ in chats]
    assert len(shown) == 2
    assert all("пишет Борис" in words and len(words) <= text.MESSAGE for words in shown)
    assert "".join(words.partition("\n\n")[2] for words in shown) == letter
    assert [bool(rows) for _, _, _, rows in chats] == [False, True]


async def test_what_follows_a_sentence_and_does_not_fit_comes_as_a_message_of_its_own(conn, chats):
    alice = await factories.make_user(conn)
    more = {"client.letter.told": {"title": "К", "name": "Б", "words": "ж" * 4000}}
    await tell(conn, alice, key="client.letter.told", fields={"title": "К", "name": "А", "words": "щ" * 200}, more=more)
    assert (await work()).done == 1
    assert ["ж" in words for _, _, words, _ in chats] == [False, True]
    assert all(text.fits(words) for _, _, words, _ in chats)


async def test_a_part_that_was_said_is_not_said_again(conn, chats, monkeypatch):
    alice = await factories.make_user(conn)
    say = Chat.say

    async def flooded(chat, words, keyboard=None, **more):
        if len(chats) == 1 and not chats.refusal:
            monkeypatch.setattr(Chat, "say", say)
            raise errors.Unavailable("telegram_flood", retry_after=timedelta(seconds=1))
        return await say(chat, words, keyboard, **more)

    monkeypatch.setattr(Chat, "say", flooded)
    await tell(conn, alice, key="client.letter.told", fields={"title": "К", "name": "Б", "words": "ж" * 4096})
    await work(patience=timedelta(seconds=3))
    assert len(chats) == 2
    assert sum(words.count("ж") for _, _, words, _ in chats) == 4096


async def test_a_bot_that_is_off_says_nothing_and_fails_nothing(conn, database):
    alice = await factories.make_user(conn)
    await notify.tell(conn, alice.id, "admin", "button.menu", {}, once="x")
    assert (await work()).done == 1


async def test_a_flood_is_waited_out_and_told_to_the_other_instances(conn, chats):
    alice = await factories.make_user(conn)
    chats.refusal = errors.Unavailable("telegram_flood", retry_after=timedelta(seconds=1))
    await tell(conn, alice)
    assert (await work(patience=timedelta(seconds=3))).retried == 1
    assert len(chats) == 1


async def test_a_sentence_of_tomorrow_waits(conn, chats):
    alice = await factories.make_user(conn)
    await tell(conn, alice, at=datetime.now(UTC) + timedelta(days=1))
    assert (await work()).done == 0
    assert chats == []


async def test_what_was_told_is_forgotten_whole(conn, chats):
    alice = await factories.make_user(conn, tg_id=42)
    await tell(conn, alice, more={"button.help": {"name": "Boris"}}, once="whole")
    await work()
    found = await (await conn.execute("select args from job_history where key = 'tell:whole'")).fetchone()
    assert not {"fields", "ways", "more"} & set(found[0])


async def test_who_was_erased_meanwhile_is_not_told(conn, chats):
    alice = await factories.make_user(conn)
    await tell(conn, alice)
    await conn.execute("update users set tg_id = -id, mark = null, erased_at = now() where id = %s", (alice.id,))
    assert (await work()).done == 1
    assert chats == []


async def test_sentences_that_follow_are_told_in_the_same_message(conn, chats):
    alice = await factories.make_user(conn, language="en")
    await tell(conn, alice, more={"partner.push.repaid": {"points": 30}})
    assert (await work()).done == 1
    [(_, _, words, _)] = chats
    assert "2 credits" in words
    assert "\n\n30 points of them went towards" in words
