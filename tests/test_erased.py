"""Nothing is written any more for an account that was erased, whatever a conversation still believes."""

import asyncio
import re
from datetime import UTC, datetime

import pytest

from lib import config, errors, storage
from lib.credits import ledger
from lib.jobs import table
from lib.jobs.run import judge
from lib.jobs.table import Job, NewJob
from lib.loyalty import members, partners, points, staff, talk
from lib.people import notify, users
from lib.reach import broadcasts, choices
from lib.retry import Backoff
from lib.studio import files
from tests import factories
from tests.factories import refused
from tests.loyalty_lab import NOW, make_client, make_member, make_shop, new_key

# Columns that name a person and are guarded otherwise: by the till, which asks the staff; or they name nobody who acts.
ELSEWHERE = {
    ("bans", "user_id"): "an administrator writes it, of somebody else",
    ("credit_accounts", "user_id"): "made with the person",
    ("staff", "invited_by"): "the guest is the one who acts",
    ("vouchers", "used_by"): "the till asks the staff",
    ("talks", "taken_by"): "taking a talk asks the staff",
    ("referral_rewards", "decided_by"): "the till asks the staff",
    **{("phone_releases", name): "ask_release asks all three" for name in ("holder_id", "asked_for", "actor_id")},
}

# Tables that name a person and are not in the export.
NOT_EXPORTED = {
    "assistants": "each change is in the shop's trail",
    "bans": "somebody who is shut out reaches nothing, and who is let in again has no ban",
    "jobs": "every_job holds them",
    "phone_releases": "for a day, and its holder is told",
    "referral_rewards": "the decision is in the shop's trail",
}

NAMES = """
select r.relname, a.attname
from pg_constraint c
join pg_class r on r.oid = c.conrelid
join pg_attribute a on a.attrelid = r.oid and a.attnum = any(c.conkey)
where c.contype = 'f'
and c.confrelid in ('users'::regclass, 'credit_accounts'::regclass)
"""
GUARDS = """
select r.relname, convert_from(substring(t.tgargs from 1 for length(t.tgargs) - 1), 'UTF8')
from pg_trigger t
join pg_class r on r.oid = t.tgrelid
join pg_proc p on p.oid = t.tgfoid
where p.proname = 'refuse_erased'
and t.tgenabled <> 'D'
"""


async def rows(conn, query, *params):
    return await (await conn.execute(query, params)).fetchall()


async def erased(conn, **fields):
    """Return a person who has been a client, has credits, and is no more."""
    alice = await make_client(conn, **fields)
    await factories.grant(conn, alice.id, 5)
    await users.erase(conn, alice.id, alice.tg_id)
    return alice


async def test_every_column_that_names_a_person_is_guarded(conn):
    named, guarded = set(await rows(conn, NAMES)), set(await rows(conn, GUARDS))
    assert len(named) > 20
    assert named - guarded == set(ELSEWHERE)


async def test_every_table_that_names_a_person_is_exported(conn):
    made = await rows(
        conn, "select pg_get_functiondef(oid) from pg_proc where proname in ('export_client', 'export_work')"
    )
    text = users.SQL.export._text.decode() + "".join(body for (body,) in made)
    missing = {table for table, _ in await rows(conn, NAMES)} - set(re.findall(r"(?:from|join) (\w+)", text))
    assert missing == set(NOT_EXPORTED)


async def _order(conn, alice, shop):
    await table.create_job_and_consume_credit(conn, alice.id, task="card", key=new_key(), args={"title": "x"}, price=1)


async def _pay(conn, alice, shop):
    facts = {"bot": "studio", "charge_id": new_key(), "payload": "pack:1", "stars": 50}
    await ledger.record_payment(conn, alice.id, **facts)


async def _file(conn, alice, shop):
    file = {"kind": "card", "pathname": f"local/card/{new_key()}", "content_type": "image/png", "bytes": 1}
    await files.add_files(conn, alice.id, 1, [{**file, "width": 1, "height": 1}])


async def _promo(conn, alice, shop):
    code = f"GONE{alice.id}"
    await conn.execute("insert into promo_codes (code, credits) values (%s, 3)", (code,))
    await ledger.redeem(conn, alice.id, alice.tg_id, code)


async def _invited(conn, alice, shop):
    await staff.accept(conn, alice.id, await staff.invite(conn, shop.id, shop.owner.id, "cashier"))


WRITES = {
    "an order": _order,
    "a payment": _pay,
    "a file": _file,
    "a promo code": _promo,
    "a grant": lambda conn, alice, shop: ledger.grant(conn, alice.id, 1, key=new_key(), actor="ops:x", reason="-"),
    "a contact": lambda conn, alice, shop: members.register(
        conn, alice.id, name="Алиса", city="Казань", phone="+79007700001"
    ),
    "a phone": lambda conn, alice, shop: members.set_phone(conn, alice.id, "+79007700001"),
    "a card": lambda conn, alice, shop: members.join(conn, shop.id, alice.id),
    "a favourite": lambda conn, alice, shop: talk.set_favourite(conn, alice.id, shop.id, liked=True),
    "a shop": lambda conn, alice, shop: partners.apply(conn, alice.id, title="Кафе", city="Казань", category="cafe"),
    "an invitation": _invited,
    "a language": lambda conn, alice, shop: users.set_language(conn, alice.id, "en"),
    "a time zone": lambda conn, alice, shop: users.set_time_zone(conn, alice.id, "Asia/Omsk"),
    "a broadcast": lambda conn, alice, shop: broadcasts.draft(conn, shop.id, alice.id, words="Пироги"),
    "a yes to news": lambda conn, alice, shop: choices.choose(
        conn, alice.id, shop.id, "news", wants=True, said_in="settings"
    ),
    "an export": lambda conn, alice, shop: users.export(conn, alice.id),
}


@pytest.mark.parametrize("what", WRITES)
async def test_nothing_is_written_for_an_erased_account(conn, what):
    shop, alice = await make_shop(conn), await erased(conn)
    async with refused(conn, errors.Gone):
        await WRITES[what](conn, alice, shop)
    assert await ledger.safe_get_balance(conn, alice.id) == 5
    assert await members.get_client(conn, alice.id) is None


async def test_what_a_client_could_do_in_a_shop_finds_no_card(conn):
    shop = await make_shop(conn)
    member = await make_member(conn, shop, has=100)
    await users.erase(conn, member.user_id, member.tg_id)
    for work in (
        lambda: talk.write(conn, shop.id, member.user_id, "Здравствуйте"),
        lambda: talk.reply(conn, shop.id, member.id, shop.owner.id, "Здравствуйте"),
        lambda: points.buy_service(conn, shop.id, member.id, member.user_id, service_id=1, price=1, key=new_key()),
    ):
        async with refused(conn, errors.Missing):
            await work()


async def test_a_phone_is_free_for_the_persons_new_account(conn):
    alice = await erased(conn, phone="+79007700002")
    async with refused(conn, errors.Gone):
        await members.register(conn, alice.id, name="Алиса", city="Казань", phone="+79007700002")
    again = await factories.make_user(conn, tg_id=alice.tg_id)
    client = await members.register(conn, again.id, name="Алиса", city="Казань", phone="+79007700002")
    assert client.phone == "+79007700002"


async def blocked_on_a_lock(conn):
    query = "select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
    while True:
        if await rows(conn, query):
            return
        await asyncio.sleep(0.01)


async def test_an_order_that_meets_an_erasure_is_refused_or_taken_back(database):
    async with database.connect() as conn, database.connect() as other, database.connect() as watch:
        alice, shop = await factories.make_user(conn, credits=2), None
        async with conn.transaction():
            await users.erase(conn, alice.id, alice.tg_id)
            late = asyncio.create_task(_order(other, alice, shop))
            await blocked_on_a_lock(watch)
        with pytest.raises(errors.Gone):
            await late
        bob = await factories.make_user(conn, credits=2)
        async with other.transaction():
            await _order(other, bob, shop)
            erasing = asyncio.create_task(users.erase(conn, bob.id, bob.tg_id))
            await blocked_on_a_lock(watch)
        await erasing
        assert await factories.kinds(conn, alice) == [("grant", 2, 2)]
        assert await factories.kinds(conn, bob) == [("grant", 2, 2), ("charge", -1, 1), ("refund", 1, 2)]
        left = await rows(conn, "select state, args, key like 'erased:%%' from job_history where user_id = %s", bob.id)
        assert left == [("cancelled", {}, True)]
        await factories.books_are_right(conn)


async def test_of_many_who_are_told_something_the_erased_are_left_out(conn, make_user):
    alice, bob = await erased(conn), await make_user()
    orders = [NewJob(one.id, new_key(), {}) for one in (alice, bob)]
    assert await table.create_free_jobs(conn, "tell", orders) == 1
    assert not await notify.tell(conn, alice.id, "client", "client.move.told", {}, once=new_key())


async def test_an_order_under_way_is_told_to_stop_and_nobody_hears_of_it(conn, make_user):
    alice = await make_user(credits=2)
    job = await factories.make_running(conn, alice, price=1)
    await users.erase(conn, alice.id, alice.tg_id)
    assert (await table.get_job_by_id(conn, job.id)).cancel_asked_at is not None
    await table.update_job_status(conn, job, "cancelled", error_code="cancelled")
    assert await users.forget_orders(conn, alice.id) == 0
    assert await ledger.safe_get_balance(conn, alice.id) == 2
    assert await rows(conn, "select 1 from every_job where user_id = %s and task = 'notice'", alice.id) == []


async def test_a_file_of_an_erased_person_is_removed_as_soon_as_it_is_stored(database, tmp_path, monkeypatch):
    monkeypatch.setenv("STORAGE_PATH", str(tmp_path))
    config.get.cache_clear()
    async with database.connect() as conn:
        alice = await factories.make_user(conn)
        [kept] = await files.keep(alice.id, 1, [files.NewFile("card", b"x", "image/png", 1, 1)])
        assert await storage.get(kept.pathname) == b"x"
        await users.erase(conn, alice.id, alice.tg_id)
        with pytest.raises(errors.Gone):
            await files.keep(alice.id, 2, [files.NewFile("card", b"y", "image/png", 1, 1)])
    assert [path.read_bytes() for path in tmp_path.rglob("*.png")] == [b"x"]


def test_a_job_whose_person_was_erased_is_cancelled_and_not_failed():
    job = Job(
        id=1, user_id=1, task="card", key="k", args={}, checkpoint={}, price=0, priority=0, state="running",
        run_at=NOW, attempts=1, max_attempts=5, lease_token=None, leased_until=None, error_code=None, error=None,
        created_at=NOW, finished_at=None, deadline=None, cancel_asked_at=None,
    )  # fmt: skip
    assert judge(job, Backoff(), errors.Gone("erased"), datetime.now(UTC)).state == "cancelled"
