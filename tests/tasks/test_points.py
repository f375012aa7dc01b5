"""The hourly job of loyalty and the job of a receipt: what is due is settled, told and paid, once."""

from datetime import UTC, datetime, timedelta

import pytest

from lib.jobs import drain
from lib.loyalty import members, points
from lib.tasks import TASKS
from tests.loyalty_lab import make_client, make_shop, new_key


@pytest.fixture
async def conn(database):
    async with database.connect() as conn:
        yield conn


async def run(conn, task, key):
    await conn.execute("insert into jobs (task, key, turn) values (%s, %s, 1) on conflict do nothing", (task, key))
    until = datetime.now(UTC) + timedelta(minutes=5)
    return await drain.work(TASKS, until, only=[task], patience=timedelta(0))


async def told(conn):
    cursor = await conn.execute(
        "select user_id, args ->> 'key', args -> 'fields' from jobs where task = 'tell' order by id"
    )
    return await cursor.fetchall()


async def join(conn, shop, **more):
    user = await make_client(conn)
    joined = await members.join(conn, shop.id, user.id, **more)
    return await members.get(conn, shop.id, joined.member_id)


async def accrue(conn, shop, member, days_ago):
    now = datetime.now(UTC) - timedelta(days=days_ago)
    return await points.accrue(conn, shop.id, member.id, shop.cashier.id, bill_minor=100_000, key=new_key(), now=now)


async def test_what_is_due_is_settled_told_and_given_once(conn):
    shop = await make_shop(conn, expire_days=10, birthday_points=200)
    anna = await join(conn, shop)
    await accrue(conn, shop, anna, days_ago=20)
    await accrue(conn, shop, anna, days_ago=7)
    cursor = await conn.execute("select to_char(now() at time zone 'Europe/Moscow', 'DD.MM')")
    [(today,)] = await cursor.fetchall()
    await members.change_client(conn, anna.user_id, birthday=today)
    for number in range(2):
        assert (await run(conn, "points", f"points:{number}")).done == 1
    assert await points.balance(conn, shop.id, anna.id) == points.Balance(250, 0)
    assert [(user, key, fields["points"]) for user, key, fields in await told(conn)] == [
        (anna.user_id, "loyalty.expires_soon", 50),
        (anna.user_id, "loyalty.birthday", 200),
    ]


async def test_who_wants_no_news_is_not_reminded(conn):
    shop = await make_shop(conn, expire_days=10)
    anna = await join(conn, shop)
    await accrue(conn, shop, anna, days_ago=7)
    await members.change_client(conn, anna.user_id, wants_news=False)
    assert (await run(conn, "points", "points:1")).done == 1
    assert await told(conn) == []


async def test_the_job_of_a_receipt_pays_who_invited(conn):
    shop = await make_shop(conn, referral_bp=[1000, 0, 0])
    anna = await join(conn, shop)
    boris = await join(conn, shop, referrer_card=anna.card_no)
    receipt = await accrue(conn, shop, boris, days_ago=0)
    until = datetime.now(UTC) + timedelta(minutes=5)
    assert (await drain.work(TASKS, until, only=["referrals"], patience=timedelta(0))).done == 1
    assert await points.balance(conn, shop.id, anna.id) == points.Balance(0, 100)
    [(user, fields)] = [(user, fields) for user, key, fields in await told(conn) if key == "partner.push.reward_later"]
    assert (user, fields["points"]) == (anna.user_id, 100)
    await points.reverse(conn, shop.id, receipt.txn_id, shop.owner.id, reason="возврат", key="r")
    assert (await drain.work(TASKS, until, only=["referrals"], patience=timedelta(0))).done == 1
    assert await points.balance(conn, shop.id, anna.id) == points.Balance(0, 0)
    assert len(await told(conn)) == 1


async def test_the_owner_hears_once_a_day_of_rewards_to_decide(conn):
    shop = await make_shop(conn)
    top = await join(conn, shop)
    for _ in range(4):
        guest = await join(conn, shop, referrer_card=top.card_no)
        await points.accrue(conn, shop.id, guest.id, shop.cashier.id, bill_minor=100_000, key=new_key())
    until = datetime.now(UTC) + timedelta(minutes=5)
    assert (await drain.work(TASKS, until, only=["referrals"], patience=timedelta(0))).done == 4
    assert [(user, key) for user, key, _ in await told(conn) if key == "partner.push.held"] == [
        (shop.owner.id, "partner.push.held")
    ]
