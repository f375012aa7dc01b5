"""People as an administrator sees them: found by whatever is known, shut out and let in, their orders and payments."""

import pytest

from lib import config, errors
from lib.credits import catalog, ledger
from lib.jobs import table
from lib.office import people, trail
from lib.people import users
from tests import factories
from tests.factories import refused
from tests.loyalty_lab import make_client

BY = {"actor": "admin:7", "reason": "Спам"}


async def buy(conn, user, charge="c1", **other):
    pack = (await catalog.list_packs(conn))[0]
    facts = {"bot": "studio", "charge_id": charge, "payload": pack.payload, "stars": pack.stars}
    return (await ledger.record_payment(conn, user.id, **facts | other)).payment


@pytest.fixture
def without_secret(monkeypatch):
    """Let the deployment have no APP_SECRET."""
    monkeypatch.setenv("APP_SECRET", "")
    config.get.cache_clear()
    yield
    monkeypatch.undo()
    config.get.cache_clear()


async def test_a_person_is_found_by_whatever_is_known_of_them(conn, make_user, make_job):
    alice = await make_client(conn, phone="+79161234567")
    await users.get_or_create_user(conn, alice.tg_id, first_name="Алиса", username="Alice_Shop")
    order = await make_job(alice)
    await make_user(username="alice_shop2")
    for words, by in {
        str(alice.tg_id): "tg_id",
        f" {alice.tg_id}\u200e ": "tg_id",
        "@alice_shop": "username",
        "ALICE_SHOP": "username",
        "https://t.me/Alice_Shop": "username",
        "t.me/alice_shop": "username",
        "«Http://T.me/alice_shop/»": "username",
        "https://telegram.me/alice_shop?start=1": "username",
        f"{str(alice.tg_id)[:-3]}\u00a0{str(alice.tg_id)[-3:]}": "tg_id",
        "@аlice_shop": "username",  # a Cyrillic а
        f"№ {order.id}": "order",
        f"#{order.id}": "order",
        "8 (916) 123-45-67": "phone",
        "+7 916 123 45 67": "phone",
    }.items():
        assert [(one.id, one.found_by) for one in await people.find(conn, words)] == [(alice.id, by)], words


@pytest.mark.parametrize("words", ["", " ", "@", "Иван", "%", "'; drop table users; --", "9" * 30, "-5", "٣", "№"])
async def test_words_that_fit_nobody_find_nobody(conn, make_user, words):
    await make_user()  # without a username
    assert await people.find(conn, words) == []


async def test_a_number_that_is_two_things_finds_both_people(conn, make_user, make_job):
    alice = await make_user()
    order = await make_job(alice)
    bob = await make_user(tg_id=order.id)
    assert [(one.id, one.found_by) for one in await people.find(conn, str(order.id))] == [
        (alice.id, "order"),
        (bob.id, "tg_id"),
    ]
    assert len(await people.find(conn, str(order.id), limit=1)) == 1


async def test_somebody_erased_is_found_by_nothing_but_their_orders(conn, make_job):
    alice = await make_client(conn, phone="+79161234567")
    order = await make_job(alice)
    await users.erase(conn, alice.id, alice.tg_id)
    for words in (str(alice.tg_id), str(-alice.id), "8 916 123-45-67"):
        assert await people.find(conn, words) == []
    [hit] = await people.find(conn, str(order.id))
    assert (hit.first_name, hit.username, hit.tg_id) == ("", "", -alice.id)
    assert (await people.get(conn, alice.id)).erased_at is not None


async def test_the_dossier_has_balance_orders_payments_and_what_is_owed(conn, make_user, make_job):
    alice = await make_user(credits=9)
    for price in (1, 2, 0):
        await make_job(alice, price=price)
    payment = await buy(conn, alice)
    await make_job(alice, price=alice.balance - 3 + payment.credits)
    await ledger.record_payment_refund(conn, payment.charge_id, alice.tg_id)
    found = await people.get(conn, alice.id)
    assert (found.balance, found.orders, found.payments, found.owed) == (0, 3, 1, payment.credits)
    assert (found.ban_reason, found.banned_at, found.erased_at) == (None, None, None)
    async with refused(conn, errors.Missing, "no_user"):
        await people.get(conn, 0)


async def test_a_person_is_shut_out_and_let_in_once_each_and_the_trail_says_why(conn, make_user):
    alice = await make_user()
    assert [await people.ban(conn, alice.id, **BY) for _ in range(2)] == [True, False]
    assert (await users.get_or_create_user(conn, alice.tg_id, first_name="Алиса")).banned
    assert (await people.get(conn, alice.id)).ban_reason == "Спам"
    assert [await people.unban(conn, alice.id, actor="admin:8", reason="Ошибка") for _ in range(2)] == [True, False]
    assert not (await users.get_or_create_user(conn, alice.tg_id, first_name="Алиса")).banned
    deeds = [(one.action, one.actor, one.reason) for one in await trail.read(conn, subject=f"user {alice.id}")]
    assert deeds == [("user.unban", "admin:8", "Ошибка"), ("user.ban", "admin:7", "Спам")]


async def test_a_ban_outlives_the_account_it_was_given_to(conn, make_user):
    alice = await make_user()
    await people.ban(conn, alice.id, **BY)
    await users.erase(conn, alice.id, alice.tg_id)
    again = await users.get_or_create_user(conn, alice.tg_id, first_name="Алиса")
    assert (again.id != alice.id, again.banned) == (True, True)
    assert await people.unban(conn, again.id, **BY)


async def test_no_administrator_and_nobody_who_is_gone_is_shut_out(conn, make_user, monkeypatch):
    admin, gone = await make_user(), await make_user()
    monkeypatch.setenv("ADMIN_IDS", str(admin.tg_id))
    config.get.cache_clear()
    async with refused(conn, errors.Denied, "is_admin"):
        await people.ban(conn, admin.id, **BY)
    await users.erase(conn, gone.id, gone.tg_id)
    for user_id in (gone.id, 0):
        for work in (people.ban, people.unban):
            async with refused(conn, errors.Missing, "no_user"):
                await work(conn, user_id, **BY)
    monkeypatch.delenv("ADMIN_IDS")
    config.get.cache_clear()


async def test_without_a_secret_nobody_is_shut_out_rather_than_everybody(conn, make_user, without_secret):
    alice, bob = await make_user(), await make_user()
    async with refused(conn, errors.Denied, "no_secret"):
        await people.ban(conn, alice.id, **BY)
    assert not (await users.get_or_create_user(conn, bob.tg_id, first_name="Боб")).banned


async def test_orders_are_what_was_paid_for_newest_first_in_pages(conn, make_user, make_job):
    alice, bob = await make_user(credits=9), await make_user(credits=9)
    done = await factories.make_running(conn, alice, price=1)
    await table.update_job_status(conn, done, "done")
    made = [done.id, *[(await make_job(alice, price=1)).id for _ in range(2)]]
    await make_job(alice, task="tell")
    await make_job(bob, price=1)
    first = await people.orders(conn, alice.id, limit=2)
    assert [one.id for one in first] == made[:0:-1]
    [last] = await people.orders(conn, alice.id, before=first[-1].id, limit=2)
    assert (last.id, last.state, last.price) == (done.id, "done", 1)


async def test_payments_come_newest_first_in_pages(conn, make_user):
    alice = await make_user()
    made = [(await buy(conn, alice, f"c{number}")).id for number in range(3)]
    await buy(conn, await make_user(), "other")
    first = await people.payments(conn, alice.id, limit=2)
    assert [one.id for one in first] == made[:0:-1]
    assert [one.id for one in await people.payments(conn, alice.id, before=first[-1].id)] == made[:1]


async def test_payments_that_need_a_look_are_unknown_stars_hanging_refunds_and_debts(conn, make_user, make_job):
    alice = await make_user()
    await buy(conn, alice, "sound")
    hanging = await buy(conn, alice, "hanging")
    await ledger.begin_payment_refund(conn, hanging.id, **BY)
    unknown = await buy(conn, alice, "unknown", payload="gift", stars=1)
    await buy(conn, alice, "refunded")
    await ledger.record_payment_refund(conn, "refunded", alice.tg_id)
    debt = await buy(conn, alice, "debt")
    await make_job(alice, price=debt.credits * 2)
    await ledger.record_payment_refund(conn, "debt", alice.tg_id)
    found = await people.unsettled(conn)
    wanted = [(debt.id, "debt"), (unknown.id, "paid"), (hanging.id, "refunding")]
    assert [(one.id, one.state) for one in found] == wanted
    assert [one.id for one in await people.unsettled(conn, before=unknown.id)] == [hanging.id]
    assert {one.user_id for one in found} == {alice.id}


async def test_an_administrators_name_stands_for_the_number_in_the_trail(conn, make_user):
    vera, nick = await make_user(first_name="Вера"), await make_user(first_name="", username="nick")
    actors = [trail.actor(vera.tg_id), trail.actor(nick.tg_id), "ops:x", "admin:1", "telegram", "admin:x", "admin:"]
    assert await trail.names(conn, actors) == {actors[0]: "Вера", actors[1]: "nick"}
    assert await trail.names(conn, []) == {}


async def test_the_trail_is_read_by_area_subject_and_actor_in_pages(conn):
    for number, (actor, action) in enumerate(
        [("admin:7", "user.ban"), ("admin:8", "job.retry"), ("admin:7", "credits.grant"), ("admin:7", "user.unban")]
    ):
        await trail.note(conn, actor, action, f"user {number % 2}", "-", after={"on": "2026-03-10"})
    read = [
        ({"area": "people"}, ["user.unban", "user.ban"]),
        ({"by": "admin:8"}, ["job.retry"]),
        ({"subject": "user 0"}, ["credits.grant", "user.ban"]),
        ({"area": "people", "subject": "user 1"}, ["user.unban"]),
        ({"area": "no such area", "limit": 2}, ["user.unban", "credits.grant"]),
    ]
    for chosen, actions in read:
        assert [one.action for one in await trail.read(conn, **chosen)] == actions, chosen
    first = await trail.read(conn, limit=3)
    assert [one.action for one in await trail.read(conn, before=first[-1].id)] == ["user.ban"]
    assert first[0].after == {"on": "2026-03-10"}
