"""Stars once an hour: a payment that nobody told us of is credited, a refund that nobody answered is ended."""

from datetime import UTC, datetime

import pytest

from lib import config, errors, text
from lib.credits import catalog, ledger, payments
from lib.office import audit
from lib.people import users
from lib.tasks import stars
from lib.telegram import client
from lib.telegram.client import Chat, Stars
from tests import factories
from tests.region_lab import be

BY = {"actor": "ops:test", "reason": "asked for it"}
NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)


@pytest.fixture
async def conn(database):
    async with database.connect() as conn:
        yield conn


@pytest.fixture
async def pack(conn):
    return (await catalog.list_packs(conn))[0]


@pytest.fixture
def telegram(database, monkeypatch):
    """Telegram's own list of Stars, what it was asked to give back, and what it said to people and administrators."""

    class Telegram:
        listed, refusals, back, said, asked = [], [], [], [], []

    monkeypatch.setenv("ADMIN_IDS", "7")
    config.get.cache_clear()
    world = Telegram()
    world.listed, world.refusals, world.back, world.said, world.asked = [], [], [], [], []

    async def star_transactions(bot, offset, limit):
        world.asked.append(offset)
        return world.listed[offset : offset + limit]

    async def refund(chat, charge_id):
        if world.refusals:
            raise world.refusals.pop(0)
        world.back.append((chat.id, charge_id))

    async def say(chat, words, keyboard=None, **_):
        world.said.append((chat.bot, chat.id, words))
        return 1

    monkeypatch.setattr(client, "star_transactions", star_transactions)
    monkeypatch.setattr(Chat, "refund", refund)
    monkeypatch.setattr(Chat, "say", say)
    return world


def paid(user, pack, charge="c1", **other):
    facts = {"amount": pack.stars, "payload": pack.payload, "at": NOW, "refunded": False}
    return Stars(charge, user.tg_id, "Алиса", **facts | other)


async def recorded(conn, user, pack, charge="c1"):
    facts = {"bot": "studio", "charge_id": charge, "payload": pack.payload, "stars": pack.stars}
    return (await ledger.record_payment(conn, user.id, **facts)).payment


async def test_a_payment_that_nobody_told_us_of_is_credited_once_and_told(conn, telegram, pack):
    alice = await factories.make_user(conn)
    telegram.listed = [None, paid(alice, pack)]
    assert [await payments.walk("studio") for _ in range(2)] == [1, 0]
    assert await ledger.safe_get_balance(conn, alice.id) == pack.credits
    [(bot, person, words)] = telegram.said
    assert (bot, person) == ("studio", alice.tg_id)
    assert str(pack.credits) in words
    [payment] = await ledger.list_payments(conn, alice.id)
    assert (payment.paid_at, payment.told_at is not None) == (NOW, True)
    assert await audit.check(conn) == []


async def test_a_payment_that_is_known_and_told_is_told_to_nobody_again(conn, telegram, pack):
    alice = await factories.make_user(conn)
    payment = await recorded(conn, alice, pack)
    assert [await ledger.mark_told(conn, payment.id) for _ in range(2)] == [True, False]
    telegram.listed = [paid(alice, pack)]
    assert await payments.walk("studio") == 0
    assert telegram.said == []


async def test_a_payer_whom_we_have_never_met_has_the_credits_all_the_same(conn, telegram, pack):
    alice = await factories.make_user(conn)
    telegram.listed = [Stars("c1", alice.tg_id + 1, "Боб", pack.stars, pack.payload, NOW, refunded=False)]
    assert await payments.walk("studio") == 1
    bob = await users.get_user_by_tg_id(conn, alice.tg_id + 1)
    assert (bob.first_name, bob.balance) == ("Боб", pack.credits)


async def test_stars_that_fit_no_pack_are_told_to_the_administrators(conn, telegram, pack):
    alice = await factories.make_user(conn)
    telegram.listed = [paid(alice, pack, amount=1, payload="gift")]
    assert await payments.walk("studio") == 1
    assert await ledger.safe_get_balance(conn, alice.id) == 0
    assert [person for _, person, _ in telegram.said] == [alice.tg_id, 7]
    assert text.say("ru", "alert.unmatched", payment=1, stars=1) == telegram.said[1][2]


async def test_stars_that_went_back_by_themselves_take_the_credits_and_are_told_once(conn, telegram, pack):
    alice = await factories.make_user(conn)
    await recorded(conn, alice, pack)
    await factories.make_job(conn, alice, price=3)
    telegram.listed = [paid(alice, pack, refunded=True)]
    assert await payments.walk("studio") == 1
    payment = (await ledger.list_payments(conn, alice.id))[0]
    assert (payment.state, payment.owed, await ledger.safe_get_balance(conn, alice.id)) == ("debt", 3, 0)
    [(_, person, words)] = telegram.said
    wanted = {"payment": payment.id, "stars": pack.stars, "taken": pack.credits - 3, "owed": 3}
    assert (person, words) == (7, text.say("ru", "alert.chargeback", **wanted))
    await ledger.walk_on(conn, "studio", 1)
    telegram.listed.append(telegram.listed[0])
    assert await payments.walk("studio") == 0
    assert len(telegram.said) == 1


async def test_a_refund_of_our_own_doing_alarms_nobody(conn, telegram, pack):
    alice = await factories.make_user(conn)
    payment = await recorded(conn, alice, pack)
    assert (await payments.refund(payment.id, **BY)).state == "refunded"
    telegram.listed = [paid(alice, pack, refunded=True)]
    assert await payments.walk("studio") == 0
    assert (telegram.back, telegram.said) == ([(alice.tg_id, "c1")], [])


async def test_a_walk_goes_on_where_the_last_one_ended_page_by_page(conn, telegram, pack, monkeypatch):
    monkeypatch.setattr(payments, "PAGE", 2)
    alice = await factories.make_user(conn)
    telegram.listed = [paid(alice, pack, f"c{number}") for number in range(5)]
    assert await payments.walk("studio") == 5
    telegram.listed.append(paid(alice, pack, "c5"))
    assert await payments.walk("studio") == 1
    assert telegram.asked == [0, 2, 4, 5]
    assert await ledger.safe_get_balance(conn, alice.id) == 6 * pack.credits


async def test_a_payer_who_has_blocked_the_bot_has_the_credits_and_is_asked_no_more(conn, telegram, pack, monkeypatch):
    async def blocked(chat, words, keyboard=None, **_):
        raise errors.Blocked("blocked", "bot was blocked by the user")

    monkeypatch.setattr(Chat, "say", blocked)
    alice = await factories.make_user(conn)
    telegram.listed = [paid(alice, pack)]
    assert await payments.walk("studio") == 1
    [payment] = await ledger.list_payments(conn, alice.id)
    assert payment.told_at is not None


async def test_a_refund_whose_answer_was_lost_is_ended_within_the_hour(conn, telegram, pack):
    alice = await factories.make_user(conn)
    payment = await recorded(conn, alice, pack)
    telegram.refusals = [errors.Unavailable("telegram", "timed out")]
    with pytest.raises(errors.Unavailable):
        await payments.refund(payment.id, **BY)
    assert [one.id for one in await ledger.list_refunding(conn)] == [payment.id]
    assert await ledger.safe_get_balance(conn, alice.id) == 0
    await stars.run(None)
    assert await ledger.list_refunding(conn) == []
    assert (await ledger.get_payment(conn, payment.id)).state == "refunded"
    assert telegram.back == [(alice.tg_id, "c1")]
    assert await audit.check(conn) == []


async def test_a_refund_that_telegram_refuses_later_gives_the_credits_back_and_alarms(conn, telegram, pack):
    alice = await factories.make_user(conn)
    made = [await recorded(conn, alice, pack, charge) for charge in ("c1", "c2")]
    for payment in made:
        await ledger.begin_payment_refund(conn, payment.id, **BY)
    telegram.refusals = [errors.Rejected("rejected", "CHARGE_NOT_FOUND")]
    await payments.end_hanging_refunds()
    assert [(await ledger.get_payment(conn, one.id)).state for one in made] == ["paid", "refunded"]
    assert await ledger.safe_get_balance(conn, alice.id) == pack.credits
    [(_, person, words)] = telegram.said
    assert person == 7
    assert "CHARGE_NOT_FOUND" in words
    assert await audit.check(conn) == []


async def test_a_payer_who_was_erased_cannot_be_paid_and_telegram_is_not_asked(conn, telegram, pack):
    alice = await factories.make_user(conn)
    payment = await recorded(conn, alice, pack)
    await users.erase(conn, alice.id, alice.tg_id)
    with pytest.raises(errors.Rejected, match="erased"):
        await payments.refund(payment.id, **BY)
    assert (telegram.back, (await ledger.get_payment(conn, payment.id)).state) == ([], "paid")
    assert await audit.check(conn) == []


async def test_a_bot_without_a_token_is_not_asked_for_its_stars(database, telegram, monkeypatch):
    monkeypatch.setenv("STUDIO_BOT_TOKEN", "")
    config.get.cache_clear()
    await stars.run(None)
    assert telegram.asked == []


@pytest.mark.parametrize("reason", ["", " \n"])
async def test_a_refund_needs_a_reason(conn, pack, reason):
    payment = await recorded(conn, await factories.make_user(conn), pack)
    with pytest.raises(errors.Invalid, match="odd_refund"):
        await payments.refund(payment.id, actor="ops:test", reason=reason)
    with pytest.raises(errors.Missing, match="no_payment"):
        await payments.refund(payment.id + 1, **BY)


@pytest.mark.parametrize(
    ("state", "credits", "owed", "settled", "keys"),
    [
        ("paid", 10, 0, 0, ["studio.paid"]),
        ("paid", 10, 0, 7, ["studio.paid", "studio.paid.settled"]),
        ("paid", 0, 0, 0, ["studio.paid.unmatched"]),
        ("refunded", 10, 0, 0, ["studio.refunded"]),
        ("debt", 10, 4, 0, ["studio.refunded.owed"]),
    ],
)
@pytest.mark.parametrize("language", text.LANGUAGES)
def test_the_receipt_says_what_came_and_what_went(language, state, credits, owed, settled, keys):
    payment = ledger.Payment(1, "c1", "studio", 1, 1, 50, credits, state, owed, NOW, None)
    words, keyboard = payments.receipt(language, ledger.RecordedPayment(payment, True, 12, settled))
    facts = {"stars": 50, "credits": credits, "balance": 12, "owed": owed, "settled": settled}
    assert words == "\n\n".join(text.say(language, key, **facts) for key in keys)
    assert [[button.data for button in row] for row in keyboard] == [["order:new", "menu:home"]]


async def test_of_several_regions_each_credits_its_own_people(conn, telegram, pack, make_user, monkeypatch):
    alice, bob = await factories.make_user(conn), await factories.make_user(conn)
    be(monkeypatch, "ru")
    await conn.execute("insert into chat_regions (bot, tg_id, region) values ('studio', %s, 'eu')", (bob.tg_id,))
    telegram.listed = [paid(alice, pack, "c1"), paid(bob, pack, "c2"), paid(bob, pack, "c2", refunded=True)]
    await stars.run(None)
    rows = await (await conn.execute("select user_id from payments")).fetchall()
    assert rows == [(alice.id,)]
