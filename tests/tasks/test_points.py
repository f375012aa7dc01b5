"""The hourly job of loyalty and the job of a receipt: what is due is settled, told and paid, once."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from lib import errors
from lib.jobs import drain
from lib.loyalty import members, night, partners, points
from lib.people import notify, users
from lib.reach import choices, reminders
from lib.tasks import TASKS, referrals
from lib.tasks import points as nightly
from lib.telegram.client import Chat
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


@pytest.fixture
def dies(monkeypatch):
    """Let the worker die as it begins to tell, once."""
    tell, left = notify.tell, [1]

    async def told_or_dies(conn, *args, **options):
        if left:
            left.pop()
            raise KeyboardInterrupt
        return await tell(conn, *args, **options)

    monkeypatch.setattr(notify, "tell", told_or_dies)


async def test_a_present_whose_worker_dies_is_given_and_told_by_the_next(conn, dies):
    shop = await make_shop(conn, birthday_points=200)
    anna, now = await join(conn, shop), datetime(2026, 12, 31, 21, 30, tzinfo=UTC)  # the New Year in Moscow
    await members.change_client(conn, anna.user_id, birthday="1.01")
    partner = await partners.get(conn, shop.id)
    with pytest.raises(KeyboardInterrupt):
        await nightly._congratulate(partner, now)
    assert (await points.balance(conn, shop.id, anna.id)).available == 0
    assert [await nightly._congratulate(partner, now) for _ in range(2)] == [1, 0]
    assert (await points.balance(conn, shop.id, anna.id)).available == 200
    assert [(user, key) for user, key, _ in await told(conn)] == [(anna.user_id, "loyalty.birthday")]


async def test_a_present_that_is_refused_keeps_nobody_else_from_theirs(conn, monkeypatch):
    shop = await make_shop(conn, birthday_points=200)
    made, now = [await join(conn, shop) for _ in range(3)], datetime(2026, 3, 10, 9, 0, tzinfo=UTC)
    for member in made:
        await members.change_client(conn, member.user_id, birthday="10.03")
    give = night.give_birthday

    async def refuses(conn, partner, member_id, now):
        if member_id == made[0].id:
            raise errors.Denied("member_blocked")
        await give(conn, partner, member_id, now)

    monkeypatch.setattr(night, "give_birthday", refuses)
    await nightly._congratulate(await partners.get(conn, shop.id), now)
    balances = [(await points.balance(conn, shop.id, member.id)).available for member in made]
    assert balances == [0, 200, 200]
    assert [user for user, _, _ in await told(conn)] == [member.user_id for member in made[1:]]


async def test_rewards_whose_worker_dies_are_told_by_the_next_and_paid_once(conn, dies):
    shop = await make_shop(conn, referral_bp=[1000, 0, 0])
    anna = await join(conn, shop)
    boris = await join(conn, shop, referrer_card=anna.card_no)
    receipt = await accrue(conn, shop, boris, days_ago=0)
    job = SimpleNamespace(job=SimpleNamespace(args={"partner_id": shop.id, "receipt_id": receipt.txn_id}))
    with pytest.raises(KeyboardInterrupt):
        await referrals.run(job)
    for _ in range(2):
        await referrals.run(job)
    assert await points.balance(conn, shop.id, anna.id) == points.Balance(0, 100)
    rewards = [user for user, key, _ in await told(conn) if key == "partner.push.reward_later"]
    assert rewards == [anna.user_id]


@pytest.fixture
def said(monkeypatch):
    """What people were told, by Telegram id."""
    said = []

    async def say(chat, words, *_, **__):
        said.append((chat.id, words))
        return 1

    monkeypatch.setattr(Chat, "say", say)
    return said


async def basket(conn, shop, user_id):
    """Return a basket of two pies that was left three hours ago."""
    query = (
        "with made as (insert into requests (partner_id, user_id, changed_at)"
        " values (%s, %s, now() - interval '3 hours') returning partner_id, id)"
        " insert into request_lines (partner_id, request_id, place, code, title, variant, kopecks, at_least, quantity)"
        " select partner_id, id, 1, 'a', 'Пирог', '', 100, false, 2 from made returning request_id"
    )
    [(request,)] = await (await conn.execute(query, (shop.id, user_id))).fetchall()
    return request


async def test_a_reminder_that_waited_for_the_day_is_looked_at_again_before_it_goes(conn, said):
    shop = await make_shop(conn, expire_days=10)
    await reminders.change(conn, shop.id, "cart", is_on=True)
    people = {name: await join(conn, shop) for name in ("kept", "sent", "changed", "refused")}
    requests = {name: await basket(conn, shop, one.user_id) for name, one in people.items()}
    await accrue(conn, shop, people["refused"], days_ago=7)
    await accrue(conn, shop, people["kept"], days_ago=7)
    assert (await run(conn, "points", "points:1")).done == 1
    await conn.execute("delete from request_lines where request_id = %s", (requests["sent"],))
    await conn.execute("update requests set edition = edition + 1 where id = %s", (requests["changed"],))
    for kind in ("cart", "expiry"):
        await choices.choose(conn, people["refused"].user_id, shop.id, kind, wants=False, said_in="test")
    await conn.execute("update jobs set run_at = now() where task = 'tell'")
    until = datetime.now(UTC) + timedelta(minutes=5)
    await drain.work(TASKS, until, only=["tell"], patience=timedelta(seconds=2))
    kept = (await users.get_user(conn, people["kept"].user_id)).tg_id
    assert sorted((who, words[0]) for who, words in said) == [(kept, "⏳"), (kept, "🧺")]


async def test_points_that_were_spent_in_the_morning_are_not_named_at_eleven(conn, said):
    shop = await make_shop(conn, expire_days=10)
    people = [await join(conn, shop) for _ in range(3)]
    for one in people:
        await accrue(conn, shop, one, days_ago=7)
    assert (await run(conn, "points", "points:1")).done == 1
    for one, spent in zip(people[1:], (20, 50), strict=True):
        paid = {"bill_minor": 100_000, "points": spent, "key": new_key(), "shown": True}
        await points.redeem(conn, shop.id, one.id, shop.cashier.id, **paid)
    await conn.execute("update jobs set run_at = now() where task = 'tell'")
    until = datetime.now(UTC) + timedelta(minutes=5)
    await drain.work(TASKS, until, only=["tell"], patience=timedelta(seconds=2))
    whole, rest = [(await users.get_user(conn, one.user_id)).tg_id for one in people[:2]]
    assert [(who, words.partition("успейте потратить ")[2][:9]) for who, words in sorted(said)] == [
        (whole, "50 баллов"),
        (rest, "30 баллов"),
    ]
