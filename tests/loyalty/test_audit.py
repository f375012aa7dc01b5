import pytest

from lib.loyalty import points
from lib.office import audit
from tests.loyalty.test_points import accrue, in_debt, redeem, reverse
from tests.loyalty_lab import NOW, make_member, make_shop, new_key


async def checks(conn):
    return {finding.check for finding in await audit.check(conn)}


@pytest.fixture
async def busy(conn):
    """A shop where everything has happened."""
    shop = await make_shop(conn)
    anna = await make_member(conn, shop, has=500)
    receipt = await redeem(conn, shop, anna, 100)
    await reverse(conn, shop, receipt)
    await redeem(conn, shop, anna, 400)
    await reverse(conn, shop, await accrue(conn, shop, anna, 100_000))
    await accrue(conn, shop, await make_member(conn, shop, referrer=anna), 100_000)
    await points.grant(conn, shop.id, anna.id, shop.owner.id, points=5, reason="-", key=new_key(), now=NOW)
    debtor, _ = await in_debt(conn, shop)
    await accrue(conn, shop, debtor, 50_000)
    return shop


async def test_a_busy_shop_is_in_order(conn, busy):
    assert await checks(conn) - {"points were due two days ago"} == set()


@pytest.mark.parametrize(
    ("damage", "check"),
    [
        ("update point_accounts set balance = balance + 1 where member_id > 0", "not the sum of its entries"),
        ("update point_accounts set balance = balance + 1 where member_id > 0", "not what its lots hold"),
        ("update point_lots set remaining = remaining - 1 where is_open", "other than what came"),
        ("update point_txns set points = points + 1", "did not move its points"),
        ("delete from point_lot_uses", "not what was spent"),
        ("update members set owed = owed + 1", "what is owed"),
        ("update point_txns set parent_id = null where kind = 'recover'", "points of another kind"),
        (
            "update point_lot_uses u set lot_id = (select min(id) from point_lots where partner_id = u.partner_id) "
            "from point_txns t where t.id = u.txn_id and t.kind = 'recover'",
            "points of another kind",
        ),
        ("update point_entries set delta = delta + 1 where member_id = 0", "do not sum to zero"),
        ("update point_entries set delta = delta + 1 where member_id = 0", "do not close"),
    ],
)
async def test_the_audit_finds_what_no_guard_let_through(conn, busy, damage, check):
    for table in ("point_accounts", "point_txns", "point_entries", "point_lot_uses"):
        await conn.execute(f"alter table {table} disable trigger user")
    await conn.execute(damage)
    found = await checks(conn)
    assert any(check in one for one in found), found
    assert "a guard of the points is missing or switched off" in found


async def test_the_audit_sees_every_shops_rows(conn, busy):
    await conn.execute("alter table point_lots disable row level security")
    assert "a guard of the points is missing or switched off" in await checks(conn)
