"""Every named query of loyalty is explained as the product asks it, on shops with many operations.

None reads a large table from end to end, behind the walls of a shop.
"""

import json
import re
from datetime import UTC, date, datetime, timedelta

import pytest

from bench.till.fill import fill
from lib import db
from lib.loyalty import members, night, points, referrals

FILES = ["analysis", "digests", *sorted(path.stem for path in (db.SQL_FOLDER / "queries").glob("loyalty_*.sql"))]
LARGE = {
    *("members", "clients", "users", "point_accounts", "point_txns", "point_entries", "point_lots", "point_lot_uses"),
    *("vouchers", "referral_rewards", "ratings", "messages", "favourites", "loyalty_trail"),
}
# The figures of the whole platform count everything; an administrator asks for them now and then.
WHOLE = {"platform"}
NOW = datetime.now(UTC)
PARAMS = {
    **dict.fromkeys(("partner_id", "level", "score", "starts", "weekdays"), 7),
    **dict.fromkeys(("member_id", "txn_id", "receipt_id", "service_id", "promotion_id"), 6),
    **dict.fromkeys(("user_id", "from_user", "into_user"), 1_000_006),
    **dict.fromkeys(("actor_id", "owner_id"), 2_000_007),
    **dict.fromkeys(("after", "after_id", "after_receipt", "after_level"), 0),
    **dict.fromkeys(("before", "before_id"), 10**9),
    **dict.fromkeys(("now", "at", "until", "before_at", "expires_at"), NOW),
    **dict.fromkeys(("since", "after_at", "before_since"), NOW - timedelta(days=30)),
    **{"sinces": [NOW - timedelta(days=14), NOW - timedelta(days=7)], "untils": [NOW - timedelta(days=7), NOW]},
    **{"first": NOW - timedelta(days=14), "last": NOW},
    **dict.fromkeys(("starts_on", "ends_on", "today"), date(2026, 5, 1)),
    **dict.fromkeys(("limit", "days_limit", "most"), 10),
    **dict.fromkeys(("bill_minor", "points", "price_points", "min_bill_minor", "minor_per_point"), 1000),
    **dict.fromkeys(("multiplier_bp",), 10_000),
    **{"extra_points": 0, "daily_limit": 1, "price": 10, "every": timedelta(days=14), "request_id": 7},
    **dict.fromkeys(("blocked", "shown", "again", "agrees", "pays", "wants_news"), True),
    **dict.fromkeys(("title", "about", "photo", "words", "reason", "action", "subject", "name", "key", "tag"), "words"),
    **{"city": "Казань", "category": "cafe", "status": "approved", "code": "shop000007", "role": "cashier"},
    **{
        "tail": "0006",
        "phone": "+79000000006",
        "phones": ["+79000000006"],
        "card_no": 10_000_006,
        "referrer_card": 10_000_006,
        "kind": "news",
    },
    **{"hour": 10, "away": 60, "wants": True},
    **{"birthday": "03-07", "year": "2026", "tz": "Europe/Moscow", "token_hash": b"x", "fields": {}, "lots": [1, 2]},
    **{
        "mark": b"x",
        "life": timedelta(minutes=10),
        "seen": "0" * 32,
        "was": "pending",
        "titles": ["a"],
        "spents": [1],
        "rates": [1],
    },
}


@pytest.fixture(scope="module")
async def shops(server, template):
    """Forty shops, four thousand members, forty thousand operations."""
    from dev import postgres

    async with db.connect(postgres.url(server)) as conn:
        await conn.execute(f"create database plans template {template}")
    async with db.connect(postgres.url(server, "plans")) as conn:
        await fill(conn, partners=40, members=4000, operations=40_000)
    async with db.connect(postgres.url(server, "plans", "lotok_app")) as conn:
        await conn.execute("select set_config('app.tenant', '7', false), set_config('app.person', '1000006', false)")
        yield conn


def nodes(plan):
    yield plan
    for inner in plan.get("Plans", []):
        yield from nodes(inner)


def whole_tables(plan):
    """Name the large tables that a plan reads without an index condition."""
    found = []
    for node in nodes(plan):
        relation, kind = node.get("Relation Name"), node["Node Type"]
        if relation not in LARGE:
            continue
        conditions = [one.get("Index Cond") for one in nodes(node)]
        if kind == "Seq Scan" or (kind.startswith(("Index", "Bitmap")) and not any(conditions)):
            found.append(relation)
    return found


@pytest.mark.parametrize("name", FILES)
async def test_no_query_reads_a_large_table_from_end_to_end(shops, name):
    await shops.execute(
        "set enable_seqscan = off"
    )  # small as it is here, only what has no index is then still read whole
    for query in db.load(name):
        wanted = set(re.findall(rb"%\((\w+)\)s", query._text))
        params = {key.decode(): PARAMS["days" if key == b"days" else key.decode()] for key in wanted if key != b"days"}
        if b"days" in wanted:
            params["days"] = ["03-07"] if name == "loyalty_night" else 30
        cursor = await shops.execute(b"explain (format json) " + query._text, params)
        [plan] = (await cursor.fetchone())[0]
        if query.name not in WHOLE:
            assert whole_tables(plan["Plan"]) == [], f"{name}.{query.name}: {json.dumps(plan)[:3000]}"


async def test_no_operation_reads_a_large_table_from_end_to_end(shops):
    """What the operations do inside their functions shows in the statistics of the tables."""
    await shops.execute("set enable_seqscan = on")

    async def scans():
        await shops.execute("select pg_stat_force_next_flush()")
        cursor = await shops.execute(
            "select relname, seq_scan from pg_stat_user_tables where relname = any(%s) and n_live_tup > 1000",
            (sorted(LARGE),),
        )
        return dict(await cursor.fetchall())

    shop, member, actor = 7, 6, 2_000_007
    before = await scans()
    receipt = await points.accrue(shops, shop, member, actor, bill_minor=100_000, key="plan:1")
    spent = await points.redeem(shops, shop, member, actor, bill_minor=100_000, points=30, shown=True, key="plan:2")
    await points.reverse(shops, shop, spent.txn_id, actor, reason="", key="plan:3")
    await points.reverse(shops, shop, receipt.txn_id, actor, reason="", key="plan:4")
    await points.grant(shops, shop, member, actor, points=5, reason="", key="plan:5")
    await referrals.settle(shops, shop, receipt.txn_id)
    await members.cards(shops, 1_000_000 + member)
    await night.settle(shops, shop, now=NOW + timedelta(days=2))
    assert len(before) >= 7
    assert await scans() == before
