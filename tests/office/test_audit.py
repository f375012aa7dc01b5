import asyncio
import json

import pytest

from lib import text
from lib.credits import catalog, ledger
from lib.jobs import table as jobs_table
from lib.office import audit
from lib.people import users
from ops.__main__ import main
from tests import factories


async def checks(conn):
    return {finding.check for finding in await audit.check(conn)}


async def busy(conn):
    """A person with an order in each state."""
    alice = await factories.make_user(conn, credits=9)
    for state in ("done", "failed", "cancelled", "waiting"):
        job = await factories.make_running(conn, alice, price=1)
        await factories.begin_call(conn, job)
        await jobs_table.update_job_status(conn, job, state, error_code="x")
    await factories.make_job(conn, alice, price=1)
    await shopping(conn, alice)
    return alice


async def shopping(conn, alice):
    """Payments in each state, and a promo code that was used."""
    by = {"actor": "ops:test", "reason": "a test"}
    [pack, *_] = await catalog.list_packs(conn)
    for charge in ("paid", "refunding", "refunded", "unknown"):
        facts = {
            "bot": "studio",
            "charge_id": charge,
            "payload": pack.payload,
            "stars": 1 if charge == "unknown" else 100,
        }
        payment = (await ledger.record_payment(conn, alice.id, **facts)).payment
        if charge.startswith("refund"):
            await ledger.begin_payment_refund(conn, payment.id, **by)
        if charge == "refunded":
            await ledger.end_payment_refund(conn, payment.id, refunded=True, reason="a test")
    await catalog.add_promo(conn, "SPRING", 5, **by)
    await ledger.redeem(conn, alice.id, alice.tg_id, "spring")


async def test_a_sound_database_has_no_findings(conn):
    await busy(conn)
    assert await audit.check(conn) == []


def _off(table, statement):
    return f"alter table {table} disable trigger user; {statement}; alter table {table} enable trigger user"


WRONGS = {
    "the balance is not the sum of the ledger": _off("credit_accounts", "update credit_accounts set balance = 77"),
    "the entries of a ledger do not follow on each other": _off(
        "credit_ledger", "update credit_ledger set balance_after = 77 where kind = 'grant'"
    ),
    "an order was not charged its price": _off("job_history", "update job_history set price = 2 where state = 'done'"),
    "a charge has no order": _off("jobs", "delete from jobs"),
    "an order was charged or refunded twice": "drop index credit_ledger_one_refund; "
    + _off(
        "credit_ledger",
        "insert into credit_ledger (user_id, kind, amount, key, job_id, balance_after)"
        " select user_id, kind, amount, 'again' || id, job_id, 9 from credit_ledger where kind = 'refund'",
    ),
    "an order that came to nothing was not refunded": _off(
        "credit_ledger", "delete from credit_ledger where kind = 'refund'"
    ),
    "a refund does not reverse a finished order's charge": _off(
        "credit_ledger", "update credit_ledger set amount = 3 where kind = 'refund'"
    ),
    "a payment did not give its credits": _off("credit_ledger", "delete from credit_ledger where kind = 'purchase'"),
    "a refund took other credits than its payment's": _off(
        "credit_ledger", "update credit_ledger set amount = -1 where kind = 'taken_back'"
    ),
    "a promo code's uses are not its entries": "update promo_codes set used = 2",
    "a refund of Stars hangs for more than a day": "update payments set refund_asked_at = now() - interval '2 days'",
    "nobody told the user of a failure": _off("jobs", "delete from jobs where task = 'notice'"),
    "a finished job is still among the unfinished": _off(
        "jobs", "update jobs set state = 'cancelled', finished_at = now() where task = 'notice'"
    ),
    "two jobs have one key": _off(
        "jobs", "update jobs set key = h.key from job_history h where h.state = 'done' and jobs.key like 'failed:%'"
    ),
    "a job had more attempts than it may have": "update jobs set attempts = 9",
    "a job is due for more than an hour and nobody takes it": "update jobs set run_at = now() - interval '2 hours'",
    "a call of a provider has been under way for more than a day": (
        "update provider_calls set begun_at = now() - interval '27 hours'"
    ),
    "history is older than it may be": _off(
        "job_history", "update job_history set finished_at = now() - interval '100 days'"
    ),
    "a guard of the tables is missing or switched off": "alter table credit_ledger disable trigger append_only",
}


@pytest.mark.parametrize("check", WRONGS)
async def test_every_check_finds_what_it_looks_for(conn, check):
    await busy(conn)
    await conn.execute("set constraints all immediate")
    for statement in WRONGS[check].split("; "):
        await conn.execute(statement)
    assert check in await checks(conn)


def test_each_check_is_said_in_the_words_of_both_languages():
    for sentence, query in audit.CHECKS.items():
        assert text.say("en", f"admin.audit.{query.name}") == sentence
        assert text.say("ru", f"admin.audit.{query.name}") != sentence


async def test_ops_audit_ends_with_3_on_a_finding(database, capsys):
    async with database.connect() as conn:
        await busy(conn)
        assert await asyncio.to_thread(main, ["audit"]) == 0
        assert "0 of them found something" in capsys.readouterr().out
        await conn.execute("update jobs set attempts = 9 where task = 'card'")
        assert await asyncio.to_thread(main, ["audit", "--json"]) == 3
    [finding] = json.loads(capsys.readouterr().out)["findings"]
    assert (finding["check"], finding["number"]) == ("a job had more attempts than it may have", 2)


async def test_a_batch_paid_back_in_part_is_still_sound_when_its_person_was_erased(conn, make_user):
    alice = await make_user(credits=3, tg_id=7)
    job = await factories.make_running(conn, alice, price=3, args={"title": "Кружка", "product": "batch"})
    job = await jobs_table.save_checkpoint(conn, job, {"earned": 1, "item0": {"path": "1/card"}})
    await jobs_table.update_job_status(conn, job, "cancelled")
    await users.erase(conn, alice.id, 7)
    assert await users.forget_orders(conn, alice.id) == 0
    assert (await jobs_table.get_job_by_id(conn, job.id)).checkpoint == {"earned": 1}, "a number, and nothing of hers"
    assert await checks(conn) == set()
