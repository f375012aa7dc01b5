import asyncio
import json

import pytest

from lib.credits import catalog, ledger
from ops.__main__ import main
from tests import factories


@pytest.fixture
async def conn(database):
    async with database.connect() as conn:
        yield conn


@pytest.fixture
def ops(capsys):
    async def run(*args):
        code = await asyncio.to_thread(main, [str(arg) for arg in args])
        said = capsys.readouterr()
        return code, said.out + said.err

    return run


async def bought(conn, user, charge="c"):
    [pack, *_] = await catalog.list_packs(conn)
    facts = {"bot": "studio", "charge_id": charge, "payload": pack.payload, "stars": pack.stars}
    return (await ledger.record_payment(conn, user.id, **facts)).payment


async def test_a_grant_needs_a_reason_and_is_kept_with_it(conn, ops):
    alice = await factories.make_user(conn, tg_id=42)
    with pytest.raises(SystemExit):
        await ops("credits", "grant", 42, 5)
    code, said = await ops("credits", "grant", 42, 5, "--reason", "lost order", "--by", "olga")
    assert (code, said.splitlines()[0]) == (0, f"user {alice.id}: 5 given, balance 5")
    code, said = await ops("credits", "show", 42)
    assert "balance 5" in said
    assert "ops:olga  credits.grant" in said
    assert "lost order" in said


async def test_the_same_key_grants_once(conn, ops):
    await factories.make_user(conn, tg_id=42)
    for expected in (5, 5):
        await ops("credits", "grant", 42, 5, "--reason", "contest", "--key", "contest-7")
        assert json.loads((await ops("credits", "show", 42, "--json"))[1])["balance"] == expected


async def test_nothing_is_granted_to_nobody(conn, ops):
    code, said = await ops("credits", "grant", 404, 5, "--reason", "x")
    assert (code, said) == (1, "ops credits: no user: 404\n")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("credits grant 42 99999999999999 --reason x", "argument amount: 99999999999999 is too large"),
        ("credits refund 99999999999999999999 --reason x", "argument payment: 99999999999999999999 is too large"),
        ("credits show 99999999999999999999", "argument tg_id: 99999999999999999999 is too large"),
        ("catalog price card 99999999999 --reason x", "argument price: 99999999999 is too large"),
        ("catalog promo SPRING 5 --total 99999999999 --reason x", "argument --total: 99999999999 is too large"),
        ("catalog promo SPRING 5 --until soon --reason x", "argument --until: 'soon' is no day such as 2027-03-31"),
        ("jobs list --limit 99999999999", "argument --limit: 99999999999 is too large"),
        ("jobs retry seven", "argument id: 'seven' is no whole number"),
    ],
)
async def test_a_number_that_no_column_holds_is_wrong_usage(conn, ops, capsys, line, words):
    with pytest.raises(SystemExit) as ended:
        await ops(*line.split())
    assert ended.value.code == 2
    assert words in capsys.readouterr().err


async def test_what_the_database_refuses_is_one_clear_line(conn, ops):
    code, said = await ops("catalog", "promo", "SPRING", "99999999999", "--reason", "x")
    assert (code, said) == (1, "ops catalog: the database refuses this value: integer out of range\n")


async def test_one_credit_is_one_credit(conn, ops):
    code, said = await ops("catalog", "list")
    assert code == 0
    assert "1 credit, about" in said
    assert "1 credits" not in said


async def test_a_spent_pack_is_not_refunded_and_it_says_so(conn, ops):
    alice = await factories.make_user(conn, tg_id=42)
    payment = await bought(conn, alice)
    await factories.make_job(conn, alice, price=4)
    code, said = await ops("credits", "refund", payment.id, "--reason", "asked")
    assert code == 1
    assert "the payment gave 10 credits, 6 are left: nothing was changed" in said
    assert (await ledger.get_payment(conn, payment.id)).state == "paid"


async def test_a_refund_that_telegram_does_not_answer_stays_under_way(conn, ops):
    payment = await bought(conn, await factories.make_user(conn, tg_id=42))
    code, said = await ops("credits", "refund", payment.id, "--reason", "asked")
    assert code == 1
    assert "the hourly job asks again" in said
    assert [one.id for one in await ledger.list_refunding(conn)] == [payment.id]


async def test_prices_packs_and_codes_are_changed_by_one_line_each(conn, ops):
    why = ("--reason", "spring", "--by", "olga")
    assert (await ops("catalog", "price", "video5", 5, "--three", 13, *why))[0] == 0
    assert (await ops("catalog", "product", "video10", "off", *why))[0] == 0
    assert (await ops("catalog", "pack", "s", 120, 10, *why))[0] == 0
    assert (await ops("catalog", "promo", "Spring", 5, "--total", 100, "--until", "2027-03-31", *why))[0] == 0
    said = (await ops("catalog", "list"))[1]
    assert "on   video5      5 credits, 3 for 13" in said
    assert "off  video10" in said
    assert "off  s           10 credits for 100 XTR" in said
    assert "on   s           10 credits for 120 XTR" in said
    assert "SPRING      5 credits, used 0 of 100, 1 per person, until 2027-03-31" in said
    actions = [row["action"] for row in await ledger.list_audit(conn)]
    assert actions == ["promo.add", "pack.add", "pack.off", "product.change", "product.change"]


@pytest.mark.parametrize(
    "line",
    [
        ("price", "card", 0),
        ("price", "car", 1),
        ("pack", "s", "cheap"),
        ("pack", "S!", 1, 1),
        ("promo", "a b", 5),
        ("promo", "SPRING", "much"),
        ("promo", "NONE", "off"),
    ],
)
async def test_an_odd_line_changes_nothing_and_says_why(conn, ops, line):
    code, said = await ops("catalog", *line, "--reason", "x")
    assert code == 1
    assert said.startswith("ops catalog: ")
    assert await ledger.list_audit(conn) == []
