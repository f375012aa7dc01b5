import pytest
from psycopg.errors import CheckViolation, ForeignKeyViolation, RestrictViolation

from lib import errors
from lib.loyalty import members, partners, points, referrals
from tests.factories import refused
from tests.loyalty.test_points import accrue, reverse
from tests.loyalty_lab import NOW, make_client, make_member, make_shop


@pytest.fixture
async def shop(conn):
    return await make_shop(conn, referral_levels=3, referral_bp=[1000, 500, 100], referral_hold_days=3)


async def settle(conn, shop, receipt, now=NOW):
    return await referrals.settle(conn, shop.id, receipt.txn_id, now=now)


async def points_of(conn, shop, member):
    balance = await points.balance(conn, shop.id, member.id)
    return balance.available, balance.pending


async def chain(conn, shop, length):
    """Return members, each invited by the one before."""
    made = [await make_member(conn, shop)]
    while len(made) < length:
        made.append(await make_member(conn, shop, referrer=made[-1]))
    return made


async def test_a_receipt_pays_three_levels_once_and_holds_it(conn, shop):
    top, second, first, buyer = await chain(conn, shop, 4)
    await chain(conn, shop, 1)
    receipt = await accrue(conn, shop, buyer, 100_000)
    assert await settle(conn, shop, receipt) == 3
    assert await settle(conn, shop, receipt) == 0
    assert [await points_of(conn, shop, one) for one in (first, second, top)] == [(0, 100), (0, 50), (0, 10)]
    levels = await referrals.results(conn, shop.id, second.id)
    assert [(one.invited, one.buyers, one.points) for one in levels] == [(1, 0, 0), (1, 1, 50), (0, 0, 0)]


async def test_the_rewards_job_comes_with_the_receipt_of_an_invited_client_only(conn, shop):
    top, buyer = await chain(conn, shop, 2)
    await accrue(conn, shop, top, 100_000)
    receipt = await accrue(conn, shop, buyer, 100_000)
    cursor = await conn.execute("select args from jobs where task = 'referrals'")
    assert await cursor.fetchall() == [({"partner_id": shop.id, "receipt_id": receipt.txn_id},)]


async def test_no_level_is_paid_that_the_shop_does_not_want(conn, shop):
    await partners.change(conn, shop.id, shop.owner.id, referral_levels=1)
    _, second, _, buyer = await chain(conn, shop, 4)
    assert await settle(conn, shop, await accrue(conn, shop, buyer, 100_000)) == 1
    assert await points_of(conn, shop, second) == (0, 0)


async def test_rewards_are_reversed_with_the_receipt(conn, shop):
    _, first, buyer = await chain(conn, shop, 3)
    receipt = await accrue(conn, shop, buyer, 100_000)
    await settle(conn, shop, receipt)
    await reverse(conn, shop, receipt)
    cursor = await conn.execute(
        "select count(*) from jobs where key = %s", (f"referrals:{shop.id}:{receipt.txn_id}:reversed",)
    )
    assert await cursor.fetchone() == (1,)
    assert await settle(conn, shop, receipt) == 2
    assert await settle(conn, shop, receipt) == 0
    assert await points_of(conn, shop, first) == (0, 0)


async def test_a_receipt_reversed_before_the_job_pays_nobody(conn, shop):
    _, buyer = await chain(conn, shop, 2)
    receipt = await accrue(conn, shop, buyer, 100_000)
    await reverse(conn, shop, receipt)
    assert await settle(conn, shop, receipt) == 0


async def test_the_caps_of_the_receipt_and_of_the_month_hold(conn, shop):
    await partners.change(conn, shop.id, shop.owner.id, referral_cap_receipt=120, referral_cap_month=150)
    _, second, first, buyer = await chain(conn, shop, 4)
    await settle(conn, shop, await accrue(conn, shop, buyer, 100_000))
    assert [await points_of(conn, shop, one) for one in (first, second)] == [(0, 100), (0, 20)]
    await settle(conn, shop, await accrue(conn, shop, buyer, 110_000))
    assert await points_of(conn, shop, first) == (0, 150)


async def test_staff_are_paid_nothing_for_whom_they_bring(conn, shop):
    await members.register(conn, shop.cashier.id, name="Кассир", city="Казань")
    card = await members.join(conn, shop.id, shop.cashier.id, now=NOW)
    own = await members.get(conn, shop.id, card.member_id)
    buyer = await make_member(conn, shop, referrer=own)
    await settle(conn, shop, await accrue(conn, shop, buyer, 100_000))
    [reward] = await referrals.rewards(conn, shop.id, own.id)
    assert (reward.status, reward.reason, reward.points) == ("refused", "staff", 0)


async def test_what_looks_arranged_waits_for_the_shop(conn, shop):
    top = await make_member(conn, shop)
    receipts = []
    for _ in range(3):
        receipts.append(await accrue(conn, shop, await make_member(conn, shop, referrer=top), 100_000))
        await settle(conn, shop, receipts[-1])
    [held] = await referrals.held(conn, shop.id)
    assert (held.receipt_id, held.reason, held.points) == (receipts[-1].txn_id, "same_amounts", 100)
    assert await points_of(conn, shop, top) == (0, 200)
    async with refused(conn, errors.Denied, "role_too_low"):
        await referrals.review(conn, shop.id, held.receipt_id, 1, shop.cashier.id, pays=True)
    assert await referrals.review(conn, shop.id, held.receipt_id, 1, shop.owner.id, pays=True, now=NOW) == "paid"
    async with refused(conn, errors.Conflict, "already_decided"):
        await referrals.review(conn, shop.id, held.receipt_id, 1, shop.owner.id, pays=False)
    assert await points_of(conn, shop, top) == (0, 300)


async def test_links_say_the_shop_and_who_invites(conn, shop):
    top = await make_member(conn, shop)
    partner = await partners.get(conn, shop.id)
    user = await make_client(conn)
    found, joined = await referrals.join(conn, user.id, referrals.link(partner, top.card_no))
    assert found.id == shop.id
    assert (await members.get(conn, shop.id, joined.member_id)).referrer_id == top.id
    assert referrals.read_link(f"p_{partner.code}") == (partner.code, None)
    for bad in ("p_", "r_abc", "p_<b>", f"r_{partner.code}_1", f"p_{partner.code}\n"):
        with pytest.raises(errors.Invalid, match="link_unreadable"):
            referrals.read_link(bad)


async def test_a_referrer_is_for_ever_and_never_in_a_ring(conn, shop):
    top, buyer = await chain(conn, shop, 2)
    other = await make_member(conn, await make_shop(conn))
    async with refused(conn, RestrictViolation):
        await conn.execute("update members set referrer_id = %s where id = %s", (buyer.id, top.id))
    for referrer, error in ((2**40, CheckViolation), (other.id, ForeignKeyViolation)):
        async with refused(conn, error):
            await conn.execute(
                "insert into members (partner_id, user_id, card_no, referrer_id) values (%s, %s, 10000000, %s)",
                (shop.id, (await make_client(conn)).id, referrer),
            )
