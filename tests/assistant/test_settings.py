import pytest
from psycopg.errors import CheckViolation

from lib import db, errors
from lib.assistant import settings
from lib.assistant.settings import AssistantSettings
from lib.people import users
from tests.factories import refused
from tests.loyalty_lab import make_shop


async def change(conn, shop, **fields):
    await settings.change(conn, shop.id, shop.owner.id, **fields)
    return await settings.read(conn, shop.id)


async def test_a_shop_that_decided_nothing_has_the_defaults_which_the_table_knows_too(conn):
    shop = await make_shop(conn)
    assert await settings.read(conn, shop.id) == AssistantSettings()
    await conn.execute("insert into assistants (partner_id, actor_id) values (%s, %s)", (shop.id, shop.owner.id))
    assert await settings.read(conn, shop.id) == AssistantSettings()


async def test_a_change_leaves_the_other_settings_and_is_in_the_trail(conn):
    shop = await make_shop(conn)
    await change(conn, shop, is_on=False, tone="brief")
    changed = await change(conn, shop, refused=["политика"], client_answers=5)
    assert changed == AssistantSettings(is_on=False, tone="brief", refused=["политика"], client_answers=5)
    query = "select before, after from loyalty_trail where partner_id = %s and action = 'assistant.changed' order by id"
    trail = await (await conn.execute(query, (shop.id,))).fetchall()
    assert trail[1] == (
        {"refused": [], "client_answers": 30},
        {"refused": ["политика"], "client_answers": 5},
    )


async def test_a_cashier_and_another_shops_owner_decide_nothing(conn):
    shop, other = await make_shop(conn), await make_shop(conn)
    for actor in (shop.cashier.id, other.owner.id):
        async with refused(conn, errors.Denied, "role_too_low"):
            await settings.change(conn, shop.id, actor, is_on=False)


@pytest.mark.parametrize(
    "fields",
    [
        {"tone": "rude"},
        {"is_on": 1},
        {"client_answers": 0},
        {"client_answers": 501},
        {"shop_answers": True},
        {"refused": ["x"] * 21},
        {"refused": "политика"},
        {"instructions": None},
        {"partner": 1},
    ],
)
async def test_a_value_outside_its_bounds_is_refused(conn, fields):
    shop = await make_shop(conn)
    async with refused(conn, errors.Invalid, "bad_setting"):
        await change(conn, shop, **fields)


async def test_own_words_are_capped_and_lose_what_nobody_sees(conn):
    shop = await make_shop(conn)
    topics = [" политика ", "", "политика"]
    said = await change(conn, shop, instructions="Мы\u202e рядом\x00\nс   метро ", refused=topics)
    assert (said.instructions, said.refused) == ("Мы рядом\nс метро", ["политика"])
    async with refused(conn, errors.Invalid, "too_long"):
        await change(conn, shop, manner="а" * 201)
    async with refused(conn, CheckViolation, "instructions"):
        await conn.execute("update assistants set instructions = repeat('а', 1501)")


async def test_a_shop_sees_its_own_settings_alone_and_they_go_with_its_owner(conn):
    shop, other = await make_shop(conn), await make_shop(conn)
    await change(conn, shop, is_on=False)
    query = settings.SQL.get_assistant.within(db.Scope(tenant=other.id))
    assert await query.one(conn, dict, partner_id=shop.id) is None
    await users.erase(conn, shop.owner.id, shop.owner.tg_id)
    assert await settings.read(conn, shop.id) == AssistantSettings()
    cursor = await conn.execute("select count(*) from assistants where partner_id = %s", (shop.id,))
    assert await cursor.fetchone() == (0,)
