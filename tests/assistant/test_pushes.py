"""Who is told of a request, once: the staff when it comes, the client of each state."""

import asyncio

from lib import text
from lib.assistant import pushes, requests, slip
from lib.people import users
from tests.assistant.request_lab import make_bakery, send, told
from tests.factories import make_user


async def keys(conn, user):
    return [key for key, *_ in await told(conn, user)]


async def test_everybody_at_the_shop_hears_of_a_new_request_and_may_accept_it(conn):
    shop, anna = await make_bakery(conn), await make_user(conn, first_name="Анна")
    request = await send(conn, shop, anna)
    for one in (shop.owner, shop.cashier):
        [(key, fields, ways)] = await told(conn, one)
        assert (key, fields["number"]) == ("request.told.new", 1)
        assert [line["spoken"] for line in fields["goods"]["listed"]] == ["request.line", "request.total"]
        assert "request.contact" in [line["spoken"] for line in fields["facts"]["listed"]]
        assert ways[0][0][1] == f"requests:move:{shop.id}:{request.id}:accepted"
    assert await keys(conn, anna) == []


async def test_the_client_hears_of_each_state_once_and_of_the_reason(conn):
    shop, anna = await make_bakery(conn), await make_user(conn)
    request = await send(conn, shop, anna)
    for state in ("accepted", "accepted", "ready"):
        await pushes.move(conn, shop.id, request.id, shop.cashier.id, state)
    await pushes.move(conn, shop.id, request.id, shop.owner.id, "cancelled", "Кончился <мак>")
    *states, (last, fields, _) = await told(conn, anna)
    assert [key for key, *_ in states] == ["request.told.accepted", "request.told.ready_pickup"]
    assert last == "request.told.cancelled_why"
    assert fields["why"] == {"spoken": "request.why.words", "fields": {"words": "Кончился <мак>"}}


async def test_the_client_reads_in_how_many_minutes_it_is_promised(conn):
    shop, anna = await make_bakery(conn), await make_user(conn)
    request = await send(conn, shop, anna)
    moved, _ = await pushes.move(conn, shop.id, request.id, shop.cashier.id, "accepted", "30")
    assert slip.promised(moved.moves[-1]) == 30
    [(key, fields, _)] = await told(conn, anna)
    assert (key, fields["minutes"]) == ("request.told.accepted_in", 30)
    assert "30" in text.say("ru", key, **{**fields, "why": ""})


async def test_the_staff_hear_that_a_client_took_a_request_back(conn):
    shop, anna = await make_bakery(conn), await make_user(conn)
    request = await send(conn, shop, anna)
    await pushes.move(conn, shop.id, request.id, anna.id, "cancelled")
    assert await keys(conn, shop.cashier) == ["request.told.new", "request.told.withdrawn"]
    assert await keys(conn, anna) == []


async def test_a_request_placed_twice_at_once_is_told_once(database):
    async with database.connect() as conn, database.connect() as other:
        shop, anna = await make_bakery(conn), await make_user(conn)
        await requests.put(conn, shop.id, anna.id, (1, 1, 1))
        draft = await requests.answer(conn, shop.id, anna.id, phone="+79001234567", payment="card")
        ids = (shop.id, anna.id, draft.id)
        await asyncio.gather(*(pushes.place(one, *ids, edition=draft.edition) for one in (conn, other)))
        assert await keys(conn, shop.owner) == ["request.told.new"]


async def test_an_erasure_is_told_to_those_who_wait_for_an_order(conn):
    shop, anna, boris = await make_bakery(conn), await make_user(conn), await make_user(conn)
    for client in (anna, boris):
        await send(conn, shop, client)
    await users.erase(conn, anna.id, anna.tg_id)
    await pushes.tell_of_erasure(conn, anna.id)
    assert await keys(conn, shop.cashier) == ["request.told.new", "request.told.new", "request.told.withdrawn"]
    await users.erase(conn, shop.owner.id, shop.owner.tg_id)
    for _ in range(2):
        await pushes.tell_of_erasure(conn, shop.owner.id)
    [(key, fields, _)] = await told(conn, boris)
    assert (key, fields["why"]["spoken"]) == ("request.told.cancelled_why", "request.why.shop_gone")
