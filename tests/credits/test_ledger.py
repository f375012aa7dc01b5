import asyncio

import psycopg
import pytest
from psycopg.types.json import Jsonb

from lib import errors
from lib.credits import catalog, ledger
from lib.jobs import table
from lib.office import audit
from lib.people import users
from tests import factories
from tests.factories import refused
from tests.sizes import few


async def test_the_balance_is_written_by_the_ledger(conn, make_user):
    alice = await make_user(credits=5)
    await factories.grant(conn, alice.id, 2)
    assert await ledger.safe_get_balance(conn, alice.id) == 7
    assert await factories.kinds(conn, alice) == [("grant", 5, 5), ("grant", 2, 7)]


async def test_safe_get_balance_of_a_stranger_is_zero(conn):
    assert await ledger.safe_get_balance(conn, 404) == 0


async def test_refund_credit_gives_back_what_was_charged_once(conn, make_user):
    alice = await make_user(credits=5)
    job = await factories.make_running(conn, alice, price=3)
    await table.update_job_status(conn, job, "done")
    assert await ledger.refund_credit(conn, job.id) == 3
    assert await ledger.refund_credit(conn, job.id) == 0
    assert await ledger.safe_get_balance(conn, alice.id) == 5
    assert await factories.kinds(conn, alice) == [("grant", 5, 5), ("charge", -3, 2), ("refund", 3, 5)]


@pytest.mark.parametrize("price", [0, 1])
async def test_refund_credit_gives_nothing_back_while_the_job_may_run(conn, make_user, make_job, price):
    job = await make_job(await make_user(credits=5), price=price)
    assert await ledger.refund_credit(conn, job.id) == 0


@pytest.mark.parametrize("state", few(["failed", "done", "cancelled"], 1))
@pytest.mark.parametrize(("earned", "back"), [(0, 5), (3, 2), (5, 0)])
async def test_what_was_not_earned_by_what_was_delivered_goes_back_when_the_job_ends(
    conn, make_user, state, earned, back
):
    alice = await make_user(credits=5)
    job = await factories.make_running(conn, alice, price=5)
    job = await table.save_checkpoint(conn, job, {"earned": earned})
    await table.update_job_status(conn, job, state, error_code="internal" if state == "failed" else None)
    assert await ledger.safe_get_balance(conn, alice.id) == back
    assert await audit.check(conn) == []
    if earned and state != "done":
        with pytest.raises(errors.Conflict):
            await table.retry_job(conn, job.id)


async def test_a_refund_is_never_more_than_the_charge(conn, make_user):
    job = await factories.make_running(conn, await make_user(credits=5), price=3)
    await table.update_job_status(conn, job, "done")
    async with refused(conn, psycopg.DatabaseError, "refund_without_charge"):
        await conn.execute("select refund_credit(%s, -1)", (job.id,))


async def test_twenty_refunds_at_once_give_back_once(database):
    async with database.connect() as conn:
        alice = await factories.make_user(conn, credits=5)
        job = await factories.make_running(conn, alice, price=3)
        await table.update_job_status(conn, job, "done")

    async def refund(_):
        async with database.connect() as conn:
            return await ledger.refund_credit(conn, job.id)

    assert sorted(await asyncio.gather(*map(refund, range(20)))) == [0] * 19 + [3]
    async with database.connect() as conn:
        assert await ledger.safe_get_balance(conn, alice.id) == 5


INSERT = "insert into credit_ledger (user_id, kind, amount, key, job_id) values (%s, %s, %s, %s, %s)"


@pytest.mark.parametrize(
    ("kind", "amount", "job_id"),
    [
        ("charge", 1, 1),
        ("refund", -1, 1),
        ("grant", -1, None),
        ("trial", 0, None),
        ("gift", 1, None),
        ("charge", -1, None),
        ("grant", 1, 1),
    ],
)
async def test_a_kind_has_one_sign_and_only_charges_and_refunds_name_a_job(conn, make_user, kind, amount, job_id):
    alice = await make_user(credits=5)
    with pytest.raises(psycopg.DatabaseError):
        await conn.execute(INSERT, (alice.id, kind, amount, "k", job_id))


async def test_a_key_moves_credits_once(conn, make_user):
    alice = await make_user(credits=5)
    again = "on conflict (key) do nothing"
    for _ in range(3):
        await conn.execute(f"{INSERT} {again}", (alice.id, "grant", 10, "grant:once", None))
    assert await ledger.safe_get_balance(conn, alice.id) == 15


async def test_a_charge_must_be_the_price_of_a_job_of_that_person(conn, make_user, make_job):
    alice, bob = await make_user(credits=5), await make_user(credits=5)
    job = await make_job(bob)
    async with refused(conn, psycopg.DatabaseError, "charge_without_job"):
        await conn.execute(INSERT, (alice.id, "charge", -1, "k", job.id))
    async with refused(conn, psycopg.DatabaseError, "charge_without_job"):
        await conn.execute(INSERT, (bob.id, "charge", -1, "k", job.id))


async def test_a_refund_must_equal_the_charge(conn, make_user, make_job):
    alice = await make_user(credits=5)
    job = await make_job(alice, price=2)
    for amount in (1, 3):
        async with refused(conn, psycopg.DatabaseError, "refund_without_charge"):
            await conn.execute(INSERT, (alice.id, "refund", amount, "k", job.id))


async def test_a_job_is_charged_once(conn, make_user, make_job):
    alice = await make_user(credits=5)
    job = await make_job(alice, price=2)
    async with refused(conn, psycopg.errors.UniqueViolation):
        await conn.execute(INSERT, (alice.id, "charge", -2, "another key", job.id))


@pytest.mark.parametrize(
    "statement",
    [
        "update credit_ledger set amount = 100",
        "delete from credit_ledger",
        "truncate credit_ledger",
        "update credit_accounts set balance = balance + 1",
        "insert into credit_accounts (user_id, balance) select id + 1, 5 from users",
    ],
)
async def test_credits_move_in_no_other_way(conn, make_user, statement):
    await make_user(credits=5)
    with pytest.raises(psycopg.errors.RestrictViolation):
        await conn.execute(statement)


async def test_two_entries_of_one_person_in_one_statement_are_refused(conn, make_user):
    alice = await make_user(credits=5)
    values = "(%(user)s, 'grant', 1, 'one'), (%(user)s, 'grant', 1, 'two')"
    async with refused(conn, psycopg.DatabaseError, "entries_must_be_single"):
        await conn.execute(
            f"insert into credit_ledger (user_id, kind, amount, key) values {values}", {"user": alice.id}
        )
    assert await ledger.safe_get_balance(conn, alice.id) == 5


async def test_entries_of_many_people_in_one_statement_are_fine(conn, make_user):
    alice, bob = await make_user(), await make_user()
    await conn.execute(
        "insert into credit_ledger (user_id, kind, amount, key)"
        " select id, 'grant', 3, 'spring:' || id from users where id = any(%s)",
        ([alice.id, bob.id],),
    )
    assert [await ledger.safe_get_balance(conn, user.id) for user in (alice, bob)] == [3, 3]


async def test_a_balance_is_never_negative(conn, make_user):
    alice = await make_user(credits=5)
    with pytest.raises(errors.ShortOfCredits) as short:
        await factories.make_job(conn, alice, price=6)
    assert (short.value.balance, short.value.price) == (5, 6)


async def test_a_promo_code_with_look_alike_letters_is_the_code(conn):
    user = await factories.make_user(conn)
    await catalog.add_promo(conn, "ВЕСНА", 5, actor="test", reason="-")
    await catalog.add_promo(conn, "SALE26", 3, actor="test", reason="-")
    assert (await ledger.redeem(conn, user.id, user.tg_id, "\u200e«BECHA»")).outcome == "taken"
    assert (await ledger.redeem(conn, user.id, user.tg_id, "SАLE26\u00a0")).outcome == "taken"
    assert (await ledger.redeem(conn, user.id, user.tg_id, "ВЕСНА")).outcome == "used"


@pytest.mark.parametrize(
    "statement",
    [
        "insert into credit_ledger (user_id, kind, amount, key) values (%s, 'grant', 5, 'mine')",
        "update credit_accounts set balance = balance + 5 where user_id = %s",
        "update payments set credits = credits + 5 where user_id = %s",
        "insert into promo_uses (code, mark, number, user_id) values ('MINE', '', 1, %s)",
    ],
)
async def test_the_product_moves_no_credit_with_sql_of_its_own(conn, statement):
    user = await factories.make_user(conn)
    async with refused(conn, psycopg.errors.InsufficientPrivilege, "permission denied for table"):
        await conn.execute("set local role lotok_app")
        await conn.execute(statement, (user.id,))


async def test_the_product_moves_credits_by_the_functions_that_keep_the_rules(conn):
    await catalog.add_promo(conn, "MINE", 3, actor="test", reason="-")
    user = await factories.make_user(conn)
    await conn.execute("set local role lotok_app")
    assert (await users.accept_consent(conn, user.id, user.tg_id)).balance == 2
    assert (await ledger.redeem(conn, user.id, user.tg_id, "MINE")).balance == 5
    job = await factories.make_job(conn, user, price=4)
    await table.cancel_job(conn, job.id, user.id)
    assert (await users.get_user(conn, user.id)).balance == 5


# How long it takes


async def finished(conn, user, *, seconds: int, by: str, waited: int = 0, **args) -> None:
    """Put an order into the history that was in work so long, by that maker, after waiting in line."""
    await conn.execute(
        "insert into job_history (id, user_id, task, key, args, checkpoint, price, priority, state, run_at, attempts,"
        " max_attempts, lease_token, created_at, finished_at) select coalesce(min(id), 0) - 1, %(user)s, 'video',"
        " 'past:' || coalesce(min(id), 0), %(args)s, jsonb_build_object('begun_at', extract(epoch from now()) -"
        " %(seconds)s, 'item0', jsonb_build_object('by', %(by)s::text)), 3, 0, 'done', now(), 1, 5, gen_random_uuid(),"
        " now() - make_interval(secs => %(seconds)s + %(waited)s), now() from job_history where id < 0",
        {"user": user.id, "args": Jsonb(args), "seconds": seconds, "by": by, "waited": waited},
    )


async def test_an_offer_promises_by_kind_size_and_maker(conn, make_user):
    alice = await make_user()
    for _ in range(3):
        await finished(conn, alice, seconds=95, by="local:video", waited=500, product="video10", count=5)
        await finished(conn, alice, seconds=240, by="kie:kling", product="video10", count=5)
        await finished(conn, alice, seconds=12, by="local:video", product="video10", count=1)
    offer = await ledger.offer(conn, alice.id, "video10", 5)
    assert [offer.lasts(5, by_ai=by_ai).total_seconds() for by_ai in (False, True)] == [95, 240]


async def test_an_offer_counts_what_is_in_line_by_its_size(conn, make_user, make_job):
    alice = await make_user(credits=20)
    before = await ledger.offer(conn, alice.id, "card")
    await make_job(alice, task="video", price=1, args={"product": "video10", "count": 5})
    await make_job(alice, price=1)
    after = await ledger.offer(conn, alice.id, "card")
    video, card = [await catalog.get_product(conn, code) for code in ("video10", "card")]
    more = after.waits(by_ai=False) - before.waits(by_ai=False)
    assert more.total_seconds() == video.own_seconds * 5 + card.own_seconds


async def test_an_offer_brings_the_music_of_the_last_clip(conn, make_user):
    alice = await make_user(credits=5)
    assert (await ledger.offer(conn, alice.id, "video5")).music == ""
    for state, music in (("done", "calm"), ("failed", "drive")):
        args = {"product": "video5", "music": music}
        made = await factories.make_job(conn, alice, task="video", priority=1000, args=args)
        [job] = await table.fetch_next_queued_job(conn, ["video"], factories.LEASE, 1)
        assert job.id == made.id
        await table.update_job_status(conn, job, state, error_code=None if state == "done" else "x")
    offered = [(await ledger.offer(conn, alice.id, product)).music for product in ("video5", "video10", "card")]
    assert offered == ["calm", "calm", ""]


async def test_an_offer_brings_the_cover_of_the_last_card_that_has_one(conn, make_user):
    alice = await make_user(credits=5)

    async def has(state, **args):
        job = await factories.make_running(conn, alice, args=args)
        await table.update_job_status(conn, job, state, error_code=None if state == "done" else "x")

    async def offered(product="card"):
        return (await ledger.offer(conn, alice.id, product)).design

    assert await offered() == ""
    await has("done", preset="wb", design="dark")
    await has("failed", preset="wb", design="bento")
    await has("done", preset="white", design="")
    assert (await offered(), await offered("video5")) == ("dark", "")
    await has("done", preset="ozon")
    assert await offered() == "", "left to us again"
