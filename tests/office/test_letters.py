from datetime import timedelta
from types import SimpleNamespace

import pytest

from lib import cache, config, db, errors, fetch
from lib.office import letters as kept
from lib.office import trail
from lib.office.letters import bury_update
from tests.factories import refused
from tests.loyalty_lab import NOW


async def letters(conn):
    cursor = await conn.execute("select bot, update_id, payload, error, tries from dead_letters order by id")
    return await cursor.fetchall()


async def test_bury_update_keeps_an_update_once(conn):
    await bury_update(conn, "studio", 7, b'{"update_id": 7}', "KeyError: 'x'", 3)
    await bury_update(conn, "studio", 7, b'{"update_id": 7}', "KeyError: 'y'", 4)
    assert await letters(conn) == [("studio", 7, {"update_id": 7}, "KeyError: 'y'", 4)]


@pytest.mark.parametrize(
    ("payload", "kept"),
    [
        (b"not json", {"unreadable": "not json"}),
        (b"[1]", {"unreadable": "[1]"}),
        (b"\xff\x00", {"unreadable": "\ufffd"}),
        (b'{"text": "a\\u0000b"}', {"text": "ab"}),
        (b'{"text": "\\ud800"}', {"unreadable": '{"text": "\\ud800"}'}),
        (b'{"x": 1e999}', {"unreadable": '{"x": 1e999}'}),
        (b'{"x": NaN}', {"unreadable": '{"x": NaN}'}),
    ],
)
async def test_bury_update_keeps_whatever_came(conn, payload, kept):
    await bury_update(conn, "studio", 7, payload, "error\0", 3)
    assert await letters(conn) == [("studio", 7, kept, "error", 3)]


async def test_letters_are_counted_by_bot_and_by_the_kind_of_error(conn):
    for number, error in enumerate(["KeyError: 'x'", "KeyError: 'y'", "42", "Missing"]):
        await bury_update(conn, "client" if number else "studio", number, b"{}", error, 3)
    counts = {one.word: one.number for one in await kept.by_reason(conn)}
    assert counts == {"KeyError": 2, "Error": 1, "Missing": 1}
    assert [(one.word, one.number) for one in await kept.by_bot(conn, reason="KeyError")] == [
        ("client", 1),
        ("studio", 1),
    ]
    [found] = await kept.list_letters(conn, bot="client", reason="Error")
    assert found.error == "42"


@pytest.mark.parametrize(
    ("name", "scan"),
    [("list_letters", "Index Scan"), ("letters_by_bot", "Index Only Scan"), ("letters_by_reason", "Index Only Scan")],
)
async def test_letters_are_narrowed_down_by_an_index(conn, name, scan):
    query = next(one for one in db.load("admin") if one.name == name)
    chosen = {"bot": None, "reason": "KeyError", "before": None, "limit": 10}
    await conn.execute("set local enable_seqscan = off; set local enable_bitmapscan = off")
    plan = "\n".join(row[0] for row in await (await conn.execute(b"explain " + query._text, chosen)).fetchall())
    assert f"{scan} using dead_letters_reason" in plan


def letter(payload, **fields):
    return kept.Letter(7, "studio", 5, payload, "KeyError", **{"tries": 3, "created_at": NOW} | fields)


@pytest.mark.parametrize(
    ("payload", "sender", "kind"),
    [
        ({"update_id": 5, "message": {"from": {"id": 91}, "text": "x"}}, 91, "message"),
        ({"update_id": 5, "callback_query": {"from": {"id": 92}, "data": "x"}}, 92, "callback_query"),
        ({"update_id": 5, "message": {"from": {"id": "91"}}}, 0, "message"),
        ({"update_id": 5, "message": {"from": {"id": True}}}, 0, "message"),
        ({"update_id": 5, "message": "x"}, 0, "message"),
        ({"unreadable": "x"}, 0, "unreadable"),
        ({}, 0, ""),
    ],
)
def test_a_letter_says_its_sender_and_its_kind_if_it_can(payload, sender, kind):
    one = letter(payload)
    assert (one.sender, one.kind) == (sender, kind)


async def test_letters_come_newest_first_in_pages(conn):
    for number in range(3):
        await bury_update(conn, "studio", number, b"{}", "KeyError", 3)
    first = await kept.list_letters(conn, limit=2)
    assert [one.update_id for one in first] == [2, 1]
    assert [one.update_id for one in await kept.list_letters(conn, before=first[-1].id)] == [0]
    assert await kept.get_letter(conn, first[0].id) == first[0]
    async with refused(conn, errors.Missing, "no_letter"):
        await kept.get_letter(conn, 0)


async def test_a_letter_is_dropped_as_it_was_seen_and_the_trail_keeps_why(conn):
    await bury_update(conn, "studio", 5, b'{"update_id": 5}', "KeyError: 'x'", 3)
    [seen] = await kept.list_letters(conn)
    await bury_update(conn, "studio", 5, b'{"update_id": 5}', "KeyError: 'y'", 4)
    assert not await kept.drop(conn, seen, actor="admin:7", reason="-"), "it has failed once more"
    [now] = await kept.list_letters(conn)
    assert [await kept.drop(conn, now, actor="admin:7", reason="Пустяк") for _ in range(2)] == [True, False]
    [deed] = await trail.read(conn, subject=f"letter {now.id}")
    assert (deed.action, deed.reason, deed.before["error"]) == ("letter.drop", "Пустяк", "KeyError: 'y'")
    assert "payload" not in deed.before, "what a person wrote is not kept for ever"


@pytest.fixture
def replays(database, monkeypatch):
    """Let the webhook answer as a test says, and note what it was asked."""
    world = SimpleNamespace(refusal=None, asked=[], forgotten=[])

    async def post(url, *, json, headers, timeout):
        world.asked.append((url, json, headers))
        if world.refusal:
            raise world.refusal

    async def delete(*keys):
        world.forgotten += keys

    monkeypatch.setattr(fetch, "post", post)
    monkeypatch.setattr(cache, "delete", delete)
    return world


async def test_a_replay_goes_through_the_webhook_as_if_it_had_never_been_tried(database, replays):
    async with database.connect() as conn:
        await bury_update(conn, "studio", 5, b'{"update_id": 5}', "KeyError", 3)
        [one] = await kept.list_letters(conn)
        assert await kept.replay(one)
        [(url, sent, headers)] = replays.asked
        assert (url, sent) == (f"{config.get().public_url}/api/telegram/studio", {"update_id": 5})
        assert headers == {"X-Telegram-Bot-Api-Secret-Token": config.get().webhook_secret}
        assert replays.forgotten == ["update:studio:5"]
        await bury_update(conn, "studio", 5, b'{"update_id": 5}', "KeyError", 4)
        assert not await kept.replay(one), "it was taken, and failed again"
        assert await kept.drop(conn, await kept.get_letter(conn, one.id), actor="admin:7", reason="-")
        assert await kept.replay(one), "it is gone, so it was taken"


async def test_a_replay_that_is_not_taken_says_so_and_one_whose_sender_writes_waits(database, replays):
    one = letter({"update_id": 5})
    replays.refusal = errors.Unavailable("http_503", "down")
    assert not await kept.replay(one)
    replays.refusal = errors.Unavailable("http_503", "busy", timedelta(seconds=1))
    with pytest.raises(errors.Conflict, match="sender_busy"):
        await kept.replay(one)
