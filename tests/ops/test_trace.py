"""python -m ops trace: the story on the terminal."""

import asyncio
import json

from ops.__main__ import main
from tests import factories


async def test_a_person_is_found_by_telegram_id_and_told_line_by_line(database, capsys):
    async with database.connect() as conn:
        alice = await factories.make_user(conn, credits=3, first_name="Алиса")
    assert await asyncio.to_thread(main, ["trace", "person", str(alice.tg_id), "--telegram"]) == 0
    came, credits = capsys.readouterr().out.splitlines()
    assert f"came        user {alice.id}" in came
    assert "kind=grant  amount=3  balance=3" in credits
    assert "Алиса" not in came
    assert await asyncio.to_thread(main, ["trace", "person", str(alice.id), "--json"]) == 0
    assert [json.loads(line)["what"] for line in capsys.readouterr().out.splitlines()] == ["came", "credits"]


async def test_what_is_not_known_is_one_line(database, capsys):
    for args in (["order", "1"], ["person", "1", "--telegram"], ["update", "77"]):
        assert await asyncio.to_thread(main, ["trace", *args, "--url", database.url]) == 1
        assert capsys.readouterr().err.startswith("ops trace: no ")
