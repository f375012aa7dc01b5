"""What a changed client can send: every button that any flow could know, with the ids of others in it, in any order.

Mallory has consented everywhere, has a shop, a card and no credits, and is no administrator. Whatever she presses is
answered, and nothing that is not hers changes.
"""

import ast
import itertools
import json
import random
from dataclasses import replace
from pathlib import Path

import pytest

from dev import seed
from lib import config, db, users
from lib.flows import FLOWS
from lib.loyalty import members, partners
from lib.telegram import dispatch, fsm, instance
from tests import factories

MALLORY = 6666
BOTS = ("studio", "client", "partner", "admin")
FOLDER = Path(dispatch.__file__).parents[1] / "flows"
TYPED = [
    "100",
    "0",
    "-5",
    "1 000 000",
    "9" * 40,
    "+79000000001",
    "/start r_1",
    "/start s_1",
    "/cancel",
    "Привет",
    "<b>",
]
PRESSES = 400
HER_END = "profile:erase"  # with it she would be somebody else
numbers = itertools.count(1)


def words_of(module):
    """Return the short words of a module: among them is every action that it knows."""
    tree = ast.parse(module.read_text(encoding="utf-8"))
    found = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    parts = {part for text in found if len(text) < 60 for part in text.split(":")}
    return sorted(part for part in parts if part.isidentifier() and part.isascii() and len(part) < 20)


def flows_of(bot):
    """Return the words of each flow that a bot's button can lead to."""
    menu = FLOWS.menus[bot]
    found = {}
    for name in sorted({*menu.own, *menu.every}):
        place = next(
            place for place in (FOLDER / bot / name, FOLDER / "every" / name) if list(place.parent.glob(f"{name}*"))
        )
        files = [place.with_suffix(".py")] if place.with_suffix(".py").exists() else sorted(place.glob("*.py"))
        found[name] = sorted({word for file in files for word in words_of(file)})
    return found


@pytest.fixture
async def shut(redis, lab, database, monkeypatch):
    """Let the four bots work in this process, over a simulated Telegram."""
    monkeypatch.setenv("TELEGRAM_API_URL", f"{lab.address}/telegram")
    await lab.sim.post("/users", json={"id": MALLORY, "first_name": "Мэллори", "language_code": "ru"})
    for bot in BOTS:
        monkeypatch.setenv(f"{bot.upper()}_BOT_TOKEN", lab.world.bots[bot].account.token)
        await lab.act("text", user=MALLORY, bot=bot, wait=False, text="/start")
    monkeypatch.setattr(fsm, "outage", instance.Outage())
    monkeypatch.setattr(fsm, "own", instance.Own())
    config.get.cache_clear()
    yield database
    await db.close()


@pytest.fixture
async def world(shut):
    """A café with its people, an order, and Mallory's own shop; return her person and her shop."""
    async with shut.connect() as conn:
        await seed.plant(conn)
        alice = await factories.make_user(conn, credits=5)
        await factories.make_job(conn, alice, price=1)
        mallory = await users.get_or_create_user(conn, MALLORY, first_name="Мэллори")
        await users.accept_consent(conn, mallory.id, MALLORY)
        own = await partners.apply(conn, mallory.id, title="Лавка", city="Казань", category="cafe")
        await partners.decide(conn, own, mallory.id, "approved")
        await members.register(conn, mallory.id, name="Мэллори", city="Казань", phone="+79990000000")
        await members.join(conn, own, mallory.id)
    return mallory, own


async def rows(database):
    """Return every row of every table, as JSON."""
    async with database.connect() as conn:
        cursor = await conn.execute(
            "select relname from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace"
        )
        tables = [name for (name,) in await cursor.fetchall()]
        found = set()
        for table in tables:
            cursor = await conn.execute(f"select to_jsonb(t)::text from {table} t")
            found |= {(table, row) for (row,) in await cursor.fetchall()}
    return found


async def shown(lab, bot):
    """Return the buttons of the last messages that Mallory sees, with the message each is on."""
    messages = (await lab.sim.get(f"/chats/{bot}/{MALLORY}")).json()["messages"]
    seen = [one for one in messages if not one["sim"]["outgoing"] and not one["sim"].get("deleted")][-3:]
    return [
        (button["callback_data"], one["message_id"])
        for one in seen
        for row in (one.get("reply_markup") or {}).get("inline_keyboard", [])
        for button in row
        if button.get("callback_data", HER_END) != HER_END
    ] or [("menu:home", 1)]


def forged(dice, flows, ids):
    """Return a button's data that no bot has made."""
    flow = dice.choice(list(flows))
    parts = [dice.choice([*flows[flow], ""]), *(dice.choice(ids) for _ in range(dice.choice([0, 1, 1, 1, 2, 3])))]
    if dice.random() < 0.2:
        parts[1:2] = [dice.choice(flows[flow])]
    return ":".join([flow, *parts])


def update(dice, flows, ids, buttons):
    """Return what Mallory does next: words, a button that she sees, one with another's id in it, or one of her own."""
    person = {"id": MALLORY, "is_bot": False, "first_name": "Мэллори", "language_code": "ru"}
    chat = {"id": MALLORY, "type": "private"}
    luck, (data, message_id) = dice.random(), dice.choice(buttons)
    if luck < 0.2:
        message = {"message_id": next(numbers), "date": 1, "chat": chat, "from": person, "text": dice.choice(TYPED)}
        return {"update_id": next(numbers), "message": message}
    if luck > 0.6:
        data = forged(dice, flows, ids)
    elif luck > 0.5:
        data = ":".join([*data.split(":")[:-1], dice.choice(ids)])
    message = {"message_id": message_id, "date": 1, "chat": chat}
    press = {"id": "1", "from": person, "chat_instance": "1", "data": data, "message": message}
    return {"update_id": next(numbers), "callback_query": press}


def is_of(table, row, mallory, own):
    """Whether a row is Mallory's, or her shop's."""
    key = {"users": mallory.id, "partners": own}.get(table)
    whose = [row.get(name) == mallory.id for name in ("user_id", "actor_id", "owner_id")]
    return row.get("partner_id") == own or any(whose) or (key is not None and row["id"] == key)


@pytest.mark.parametrize("bot", BOTS)
async def test_no_forged_button_fails_or_touches_what_is_anothers(world, shut, lab, bot):
    flows, dice = flows_of(bot), random.Random(bot)
    before = await rows(shut)
    ids = [*map(str, range(1, 9)), "0", "-1", str(2**63), "9" * 30, "x", "", "ё", "1.5", "true", "approved"]
    ids += sorted({str(json.loads(row)["code"]) for _, row in before if "code" in json.loads(row)})
    unpaced = replace(FLOWS, pace=None)
    for _ in range(PRESSES):
        raw = update(dice, flows, ids, await shown(lab, bot))
        assert (await dispatch.handle(bot, json.dumps(raw).encode(), unpaced)).status == 200, raw
    changed = [(table, json.loads(row)) for table, row in before ^ await rows(shut)]
    assert [one for one in changed if not is_of(*one, *world)] == []


@pytest.mark.parametrize("data", ["goods:show:99", "goods:hide:x", "promos:pause:99", "promos:resume:1"])
async def test_a_button_of_what_is_no_offer_of_ones_own_leads_to_the_list(world, shut, lab, data):
    before = await rows(shut)
    raw = update(random.Random(3), {}, [], [(data, 1)])
    assert raw["callback_query"]["data"] == data
    assert (await dispatch.handle("partner", json.dumps(raw).encode(), FLOWS)).status == 200
    [(label, _), *_] = await shown(lab, "partner")
    assert (label.partition(":")[0], before) == (data.partition(":")[0], await rows(shut))
