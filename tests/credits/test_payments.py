import asyncio

import psycopg
import pytest

from lib import db, errors
from lib.credits import catalog, ledger
from lib.office import audit
from lib.people import users
from tests import factories

BY = {"actor": "ops:test", "reason": "asked for it"}


@pytest.fixture
def pay(conn):
    """Pay for the smallest pack: 10 credits."""

    async def pay(user, charge="charge-1", **other):
        pack = (await catalog.list_packs(conn))[0]
        facts = {"bot": "studio", "charge_id": charge, "payload": pack.payload, "stars": pack.stars, **other}
        return await ledger.record_payment(conn, user.id, **facts)

    return pay


async def kinds(conn, user):
    return [entry.kind for entry in reversed(await ledger.list_entries(conn, user.id, limit=100))]


async def test_a_payment_delivered_three_times_credits_once(conn, make_user, pay):
    alice = await make_user()
    paid = [await pay(alice) for _ in range(3)]
    assert [(one.created, one.balance) for one in paid] == [(True, 10), (False, 10), (False, 10)]
    assert await kinds(conn, alice) == ["purchase"]


async def test_a_refund_told_of_before_its_payment_leaves_no_credits(conn, make_user, pay):
    alice = await make_user(credits=3)
    for _ in range(2):
        assert await ledger.record_payment_refund(conn, "charge-1", alice.tg_id) is None
    for _ in range(2):
        paid = await pay(alice, "charge-1")
        assert (paid.payment.state, paid.balance) == ("refunded", 3)
    assert await kinds(conn, alice) == ["grant", "purchase", "taken_back"]
    assert (await pay(alice, "charge-2")).balance == 13
    assert await audit.check(conn) == []


async def test_a_payment_that_was_refunded_early_pays_no_debt(conn, make_user, make_job, pay):
    alice = await make_user()
    await pay(alice, "charge-1")
    await make_job(alice, price=4)
    assert (await ledger.record_payment_refund(conn, "charge-1", alice.tg_id)).payment.owed == 4
    await ledger.record_payment_refund(conn, "charge-2", alice.tg_id)
    paid = await pay(alice, "charge-2")
    assert (paid.settled, paid.balance, paid.payment.state) == (0, 0, "refunded")
    assert await audit.check(conn) == []


async def test_a_refund_and_its_payment_at_the_same_time_leave_no_credits(database):
    async with database.connect() as conn:
        alice = await factories.make_user(conn)
        pack = (await catalog.list_packs(conn))[0]
    facts = {"bot": "studio", "charge_id": "c", "payload": pack.payload, "stars": pack.stars}
    await asyncio.gather(
        *(db.run(lambda conn: ledger.record_payment(conn, alice.id, **facts)) for _ in range(3)),
        *(db.run(lambda conn: ledger.record_payment_refund(conn, "c", alice.tg_id)) for _ in range(3)),
    )
    async with database.connect() as conn:
        assert await ledger.safe_get_balance(conn, alice.id) == 0
        assert await audit.check(conn) == []


async def test_an_old_invoice_paid_again_credits_again(conn, make_user, pay):
    alice = await make_user()
    await pay(alice, "charge-1")
    assert (await pay(alice, "charge-2")).balance == 20


async def test_a_pack_that_is_off_by_now_still_gives_what_it_was_sold_for(conn, make_user, pay):
    alice, old = await make_user(), (await catalog.list_packs(conn))[0]
    await catalog.put_pack(conn, old.code, old.stars * 2, old.credits * 2, **BY)
    paid = await pay(alice, payload=old.payload, stars=old.stars)
    assert paid.balance == old.credits


@pytest.mark.parametrize("other", [{"payload": "pack:999"}, {"payload": "x"}, {"stars": 1}])
async def test_stars_that_fit_no_pack_are_kept_without_credits(conn, make_user, pay, other):
    alice = await make_user()
    paid = await pay(alice, **other)
    assert (paid.created, paid.payment.credits, paid.balance) == (True, 0, 0)
    assert await audit.check(conn) == []


async def test_payments_at_the_same_time_credit_once(database):
    async with database.connect() as conn:
        alice = await factories.make_user(conn)
        [pack, *_] = await catalog.list_packs(conn)
    facts = {"bot": "studio", "charge_id": "c", "payload": pack.payload, "stars": pack.stars}
    paid = await asyncio.gather(
        *(db.run(lambda conn: ledger.record_payment(conn, alice.id, **facts)) for _ in range(4))
    )
    assert sorted(one.created for one in paid) == [False, False, False, True]
    assert {one.balance for one in paid} == {10}


async def test_an_invoice_may_be_paid_when_all_its_facts_agree(conn, make_user):
    alice, pack = await make_user(), (await catalog.list_packs(conn))[0]
    invoice = {"currency": "XTR", "payload": pack.payload, "stars": pack.stars}
    assert await ledger.refuse_invoice(conn, alice.id, **invoice) == "no_consent"
    await users.accept_consent(conn, alice.id, alice.tg_id)
    assert await ledger.refuse_invoice(conn, alice.id, **invoice) == ""
    assert await ledger.refuse_invoice(conn, alice.id, **invoice | {"payload": "pack:999"}) == "no_pack"
    assert await ledger.refuse_invoice(conn, alice.id, **invoice | {"stars": 1}) == "price"
    assert await ledger.refuse_invoice(conn, alice.id, **invoice | {"currency": "RUB"}) == "price"
    await catalog.drop_pack(conn, pack.code, **BY)
    assert await ledger.refuse_invoice(conn, alice.id, **invoice) == "off"


async def test_a_refund_takes_exactly_the_credits_of_its_payment(conn, make_user, pay):
    alice = await make_user(credits=3)
    payment = (await pay(alice)).payment
    begun = await ledger.begin_payment_refund(conn, payment.id, **BY)
    assert (begun.state, await ledger.safe_get_balance(conn, alice.id)) == ("refunding", 3)
    assert await ledger.end_payment_refund(conn, payment.id, refunded=True, reason="Telegram")
    assert (await ledger.get_payment(conn, payment.id)).state == "refunded"
    assert await kinds(conn, alice) == ["grant", "purchase", "taken_back"]
    assert await audit.check(conn) == []


async def test_a_pack_that_was_spent_is_not_refunded(conn, make_user, make_job, pay):
    alice = await make_user()
    payment = (await pay(alice)).payment
    await make_job(alice, price=1)
    with pytest.raises(errors.ShortOfCredits):
        async with conn.transaction():
            await ledger.begin_payment_refund(conn, payment.id, **BY)
    assert (await ledger.get_payment(conn, payment.id)).state == "paid"
    assert await ledger.safe_get_balance(conn, alice.id) == 9


async def test_a_payment_is_refunded_once(conn, make_user, pay):
    """A double refund was a fault of the predecessors."""
    alice = await make_user(credits=20)
    payment = (await pay(alice)).payment
    for _ in range(2):
        await ledger.begin_payment_refund(conn, payment.id, **BY)
    assert await ledger.end_payment_refund(conn, payment.id, refunded=True, reason="x")
    assert not await ledger.end_payment_refund(conn, payment.id, refunded=True, reason="x")
    with pytest.raises(errors.Conflict):
        async with conn.transaction():
            await ledger.begin_payment_refund(conn, payment.id, **BY)
    assert not (await ledger.record_payment_refund(conn, payment.charge_id, alice.tg_id)).changed
    assert await ledger.safe_get_balance(conn, alice.id) == 20


async def test_a_refund_that_telegram_refuses_gives_the_credits_back(conn, make_user, pay):
    alice = await make_user()
    payment = (await pay(alice)).payment
    for _ in range(2):
        await ledger.begin_payment_refund(conn, payment.id, **BY)
        assert await ledger.end_payment_refund(conn, payment.id, refunded=False, reason="CHARGE_NOT_FOUND")
    assert await ledger.safe_get_balance(conn, alice.id) == 10
    assert (await ledger.get_payment(conn, payment.id)).state == "paid"
    assert await audit.check(conn) == []


async def test_a_chargeback_takes_what_is_there_and_the_rest_is_owed(conn, make_user, make_job, pay):
    alice = await make_user()
    payment = (await pay(alice)).payment
    await make_job(alice, price=7)
    told = [await ledger.record_payment_refund(conn, payment.charge_id, alice.tg_id) for _ in range(2)]
    assert [(one.changed, one.taken, one.balance) for one in told] == [(True, 3, 0), (False, 0, 0)]
    assert (told[0].payment.state, told[0].payment.owed) == ("debt", 7)
    assert await audit.check(conn) == []


async def test_the_next_purchase_pays_what_is_owed(conn, make_user, make_job, pay):
    alice = await make_user()
    first = (await pay(alice)).payment
    await make_job(alice, price=7)
    await ledger.record_payment_refund(conn, first.charge_id, alice.tg_id)
    paid = await pay(alice, "charge-2")
    assert (paid.settled, paid.balance) == (7, 3)
    assert (await ledger.get_payment(conn, first.id)).state == "refunded"
    assert await kinds(conn, alice) == ["purchase", "charge", "taken_back", "purchase", "debt"]
    assert await audit.check(conn) == []


async def test_a_refund_of_an_unknown_payment_changes_nothing(conn):
    assert await ledger.record_payment_refund(conn, "never seen", 1) is None


async def test_refunds_and_grants_say_who_and_why(conn, make_user, pay):
    alice = await make_user()
    payment = (await pay(alice)).payment
    await ledger.begin_payment_refund(conn, payment.id, **BY)
    [row] = await ledger.list_audit(conn, subject=f"payment {payment.id}")
    assert (row["actor"], row["reason"], row["before"]["balance"], row["after"]["balance"]) == (*BY.values(), 10, 0)
    assert await ledger.grant(conn, alice.id, 4, key="k", **BY) == (4, True)
    [row] = await ledger.list_audit(conn, subject=f"user {alice.id}")
    assert (row["actor"], row["before"]["balance"], row["after"]["balance"]) == ("ops:test", 0, 4)


async def test_a_grant_is_given_once_under_its_key(conn, make_user):
    alice = await make_user()
    granted = [await ledger.grant(conn, alice.id, 4, key="k", **BY) for _ in range(2)]
    assert granted == [(4, True), (4, False)]
    assert len(await ledger.list_audit(conn, subject=f"user {alice.id}")) == 1


@pytest.mark.parametrize(("amount", "reason"), [(0, "x"), (-1, "x"), (1, " ")])
async def test_a_grant_needs_an_amount_and_a_reason(conn, make_user, amount, reason):
    alice = await make_user()
    with pytest.raises(errors.Invalid):
        await ledger.grant(conn, alice.id, amount, key="k", actor="a", reason=reason)


@pytest.mark.parametrize("kind", ["purchase", "taken_back", "restored", "debt"])
async def test_no_entry_claims_a_payment_that_is_not_there(conn, make_user, kind):
    alice = await make_user(credits=5)
    amount = 5 if kind in ("purchase", "restored") else -5
    with pytest.raises(psycopg.DatabaseError, match="entry_without_payment"):
        await conn.execute(
            "insert into credit_ledger (user_id, kind, amount, key, payment_id) values (%s, %s, %s, 'k', 1)",
            (alice.id, kind, amount),
        )


@pytest.mark.parametrize(
    "statement",
    [
        "update payments set credits = 1000",
        "delete from payments",
        "update payments set state = 'debt'",
        "update payments set state = 'refunded'",
        "update audit_log set reason = 'another'",
        "delete from audit_log",
        "truncate audit_log",
    ],
)
async def test_what_was_paid_and_done_stays_as_it_was(conn, make_user, pay, statement):
    payment = (await pay(await make_user())).payment
    await ledger.begin_payment_refund(conn, payment.id, **BY)
    with pytest.raises(psycopg.DatabaseError):
        await conn.execute(statement)


async def test_the_operations_come_in_pages_that_never_overlap(conn, make_user, pay):
    alice = await make_user()
    for number in range(7):
        await pay(alice, f"charge-{number}")
    seen, before = [], None
    while page := await ledger.list_entries(conn, alice.id, before=before, limit=3):
        seen += [entry.balance_after for entry in page]
        before = page[-1].id
        await pay(alice, f"later-{before}")
    assert seen == [70, 60, 50, 40, 30, 20, 10]


async def test_a_walk_never_goes_back(conn):
    assert await ledger.walked(conn, "studio") == 0
    for number in (5, 3):
        await ledger.walk_on(conn, "studio", number)
    assert await ledger.walked(conn, "studio") == 5
