"""What a changed client can send, and what else may come.

That is every button that any flow could know, with the ids of others in it, in any order.

Mallory has consented everywhere, has a shop, a card and no credits, and is no administrator. Every button that she
presses is answered, and nothing that is not hers changes.
"""

import ast
import itertools
import json
import random
from dataclasses import replace
from pathlib import Path

import pytest

from dev import seed
from lib import config, db, text
from lib.flows import FLOWS
from lib.loyalty import members, partners
from lib.people import users
from lib.telegram import dispatch, fsm, instance, wizard
from tests import factories
from tests.sizes import few, size

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
PRESSES = size(100, 400)
HER_END = "profile:erase"  # with it she would be somebody else
numbers = itertools.count(1)


def words_of(module):
    """Return the short words of a module: among them is every action that it knows."""
    tree = ast.parse(module.read_text(encoding="utf-8"))
    found = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    parts = {part for words in found if len(words) < 60 for part in words.split(":")}
    return sorted(part for part in parts if part.isidentifier() and part.isascii() and len(part) < 20)


def flows_of(bot):
    """Return the words of each flow that a bot's button can lead to."""
    menu = FLOWS.menus[bot]
    beside = [file for file in (*FOLDER.glob("*.py"), *(FOLDER / bot).glob("*.py")) if file.stem not in menu.own]
    shared = {word for file in (*beside, Path(wizard.__file__)) for word in words_of(file)}
    found = {}
    for name in sorted({*menu.own, *menu.every}):
        place = next(
            place for place in (FOLDER / bot / name, FOLDER / "every" / name) if list(place.parent.glob(f"{name}*"))
        )
        files = [place.with_suffix(".py")] if place.with_suffix(".py").exists() else sorted(place.glob("*.py"))
        found[name] = sorted({word for file in files for word in words_of(file)} | shared)
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
    monkeypatch.setattr(fsm, "own", instance.OwnTurns())
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
    messages = (await lab.sim.get(f"/chats/{bot}/{MALLORY}", params={"last": 30})).json()["messages"]
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


@pytest.mark.parametrize("bot", few(("studio", "partner", "client", "admin"), 2))
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


PERSON = {"id": MALLORY, "is_bot": False, "first_name": "Мэллори", "language_code": "ru"}
PRIVATE = {"id": MALLORY, "type": "private"}
GROUP = {"id": -1001, "type": "supergroup", "title": "Соседи"}
SAID = {"message_id": 7, "date": 1, "chat": PRIVATE, "from": PERSON, "text": "Привет"}
PRESSED = {"id": "1", "from": PERSON, "chat_instance": "1", "data": "menu:home"}
SIZES = [{"file_id": "a", "file_unique_id": "b", "width": 10**9, "height": 10**9, "file_size": 10**15}] * 50
ANONYMOUS = {"id": 1087968824, "is_bot": True, "first_name": "Group", "username": "GroupAnonymousBot"}
MEMBER = {"user": {"id": 1, "is_bot": True, "first_name": "Лоток"}, "status": "administrator"}
BOUGHT = {"currency": "XTR", "total_amount": 2**62, "invoice_payload": "pack:5"}
STRANGE = {
    "a text of 900,000 letters": {"message": {**SAID, "text": "щ" * 100_000 + "x" * 800_000}},
    "a command of 900,000 letters": {"message": {**SAID, "text": "/start " + "x" * 900_000}},
    "10,000 entities": {"message": {**SAID, "entities": [{"type": "bold", "offset": 0, "length": 1}] * 10_000}},
    "a name of 100,000 letters": {"message": {**SAID, "from": {**PERSON, "first_name": "Я" * 100_000}}},
    "a photo of a petabyte": {"message": {**SAID, "photo": SIZES, "caption": "щ" * 200_000}},
    "data of 100,000 letters": {"callback_query": {**PRESSED, "data": "menu:" + "9" * 100_000}},
    "a negative person": {"message": {**SAID, "from": {**PERSON, "id": -5}}},
    "a person of 2^63": {"message": {**SAID, "from": {**PERSON, "id": 2**63}}},
    "a negative message": {"message": {**SAID, "message_id": -5}},
    "a message of 2^63": {"callback_query": {**PRESSED, "message": {"message_id": 2**63, "date": 1, "chat": PRIVATE}}},
    "no text": {"message": {**SAID, "text": None}},
    "no one": {"message": {**SAID, "from": None}},
    "no chat": {"message": {**SAID, "chat": None}},
    "a press without data": {"callback_query": {**PRESSED, "data": None, "game_short_name": "chess"}},
    "a press without a message": {"callback_query": {**PRESSED, "inline_message_id": "x"}},
    "a press on what is out of reach": {
        "callback_query": {**PRESSED, "message": {"message_id": 7, "date": 0, "chat": PRIVATE}}
    },
    "a press in a group": {"callback_query": {**PRESSED, "message": {"message_id": 7, "date": 1, "chat": GROUP}}},
    "an edited message": {"edited_message": {**SAID, "edit_date": 2}},
    "a post in a channel": {"channel_post": {**SAID, "from": None, "chat": {**GROUP, "type": "channel"}}},
    "an edited post": {"edited_channel_post": {**SAID, "chat": {**GROUP, "type": "channel"}}},
    "words in a group": {"message": {**SAID, "chat": GROUP, "text": "/start@lotok"}},
    "an anonymous administrator": {"message": {**SAID, "chat": GROUP, "from": ANONYMOUS, "sender_chat": GROUP}},
    "a bot": {"message": {**SAID, "from": {**PERSON, "is_bot": True}}},
    "the bot in a group": {
        "my_chat_member": {
            "chat": GROUP,
            "from": PERSON,
            "date": 1,
            "old_chat_member": MEMBER,
            "new_chat_member": MEMBER,
        }
    },
    "a business": {"business_message": SAID, "business_connection": {"id": "1"}},
    "what nobody knows yet": {"telepathy": {"from": PERSON, "thought": "Привет"}},
    "nothing": {},
    "all at once": {"message": SAID, "callback_query": PRESSED, "my_chat_member": None},
    "a payment nobody asked for": {"pre_checkout_query": {"id": "1", "from": PERSON, **BOUGHT}},
    "a gift of 2^62 stars": {
        "message": {
            **SAID,
            "text": None,
            "successful_payment": {**BOUGHT, "telegram_payment_charge_id": "t", "provider_payment_charge_id": "p"},
        }
    },
}


@pytest.mark.parametrize("bot", BOTS)
async def test_whatever_telegram_brings_is_taken_at_once(world, shut, bot):
    before = await rows(shut)
    for what, content in STRANGE.items():
        raw = json.dumps({"update_id": next(numbers), **content}).encode()
        assert (await dispatch.handle(bot, raw, replace(FLOWS, pace=None))).status == 200, what
    changed = [(table, json.loads(row)) for table, row in before ^ await rows(shut)]
    assert [one for one in changed if not is_of(*one, *world)] == []


COMMANDS = ("start", "menu", "help", "cancel", "language", "balance", "paysupport", "terms", "privacy")
UNKNOWN = ("menu.unknown", "client.home.unknown", "partner.home.unknown")


@pytest.mark.parametrize("bot", BOTS)
async def test_each_command_is_understood_in_every_bot_and_leads_home(world, shut, lab, bot, monkeypatch):
    monkeypatch.setenv("ADMIN_IDS", str(MALLORY))
    config.get.cache_clear()
    for command in COMMANDS:
        raw = json.dumps({"update_id": next(numbers), "message": {**SAID, "text": f"/{command}"}}).encode()
        assert (await dispatch.handle(bot, raw, FLOWS)).status == 200
        last = (await lab.sim.get(f"/chats/{bot}/{MALLORY}")).json()["messages"][-1]
        assert not last["sim"]["outgoing"], command
        unknown = [text.say(language, key) for language in ("ru", "en") for key in UNKNOWN]
        assert not [words for words in unknown if words in last["text"]], command
        assert "inline_keyboard" in last["reply_markup"], command
