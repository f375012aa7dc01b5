import pytest

from lib import db
from lib.office import letters as kept
from lib.office.letters import bury_update


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


async def test_keptare_counted_by_bot_and_by_the_kind_of_error(conn):
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
async def test_kept_are_narrowed_down_by_an_index(conn, name, scan):
    query = next(one for one in db.load("admin") if one.name == name)
    chosen = {"bot": None, "reason": "KeyError", "before": None, "limit": 10}
    await conn.execute("set local enable_seqscan = off; set local enable_bitmapscan = off")
    plan = "\n".join(row[0] for row in await (await conn.execute(b"explain " + query._text, chosen)).fetchall())
    assert f"{scan} using dead_letters_reason" in plan
