"""Whose points are spent has agreed: by showing the card, by a press, by digits; and a bill is asked about once."""

import contextlib
from datetime import timedelta

import psycopg
import pytest

from lib import errors
from lib.flows.client import letter, nps
from lib.flows.partner import inbox, invites
from lib.flows.partner.till import serving
from lib.loyalty import counter, members, partners, points, referrals, spending, staff, talk
from lib.people import notify
from tests.factories import make_user, refused
from tests.loyalty.test_points import accrue, reverse
from tests.loyalty_lab import NOW, make_member, make_service, make_shop, new_key

BILL, SPEND = 100_000, 200


@pytest.fixture
async def shop(conn):
    return await make_shop(conn, earn_on_rest=False)


@pytest.fixture
async def anna(conn, shop):
    return await make_member(conn, shop, has=500)


async def spends(conn, shop, member, key, *, bill=BILL, number=SPEND, by=None, **how):
    actor = (by or shop.cashier).id
    return await points.redeem(conn, shop.id, member.id, actor, bill_minor=bill, points=number, key=key, **how)


async def asks(conn, shop, member, key, *, by=None):
    actor = (by or shop.cashier).id
    return await spending.ask(conn, shop.id, member.id, actor, bill_minor=BILL, points=SPEND, key=key)


async def answers(conn, shop, request, member, *, agrees=True):
    return await spending.answer(conn, shop.id, request.id, member.user_id, agrees=agrees)


async def test_points_of_a_client_who_showed_no_card_are_not_spent(conn, shop, anna):
    async with refused(conn, errors.Denied, "not_confirmed"):
        await spends(conn, shop, anna, "k")
    await asks(conn, shop, anna, "k")
    async with refused(conn, errors.Denied, "not_confirmed"):
        await spends(conn, shop, anna, "k")
    assert (await points.balance(conn, shop.id, anna.id)).available == 500


async def test_who_agreed_is_asked_once_and_pays_once(conn, shop, anna):
    asked = await asks(conn, shop, anna, "k")
    assert (await asks(conn, shop, anna, "k")).id == asked.id
    answer = await answers(conn, shop, asked, anna)
    assert (answer.points, answer.bill_minor, answer.actor_id) == (SPEND, BILL, shop.cashier.id)
    for repeated in (False, True):
        done = await spends(conn, shop, anna, "k")
        assert (done.available, done.repeated) == (300, repeated)


async def test_a_consent_is_for_that_operation_and_that_cashier_alone(conn, shop, anna):
    await answers(conn, shop, await asks(conn, shop, anna, "k"), anna)
    others = [{"number": SPEND + 1}, {"bill": BILL + 100}, {"by": shop.owner}]
    for other in others:
        async with refused(conn, errors.Denied, "not_confirmed"):
            await spends(conn, shop, anna, "k", **other)
    async with refused(conn, errors.Denied, "not_confirmed"):
        await spends(conn, shop, anna, "another")
    boris = await make_member(conn, shop, has=500)
    async with refused(conn, errors.Denied, "not_confirmed"):
        await spends(conn, shop, boris, "k")


async def test_nobody_but_the_client_answers_and_only_once(conn, shop, anna):
    asked = await asks(conn, shop, anna, "k")
    mallory = await make_member(conn, shop)
    async with refused(conn, errors.Missing, "no_request"):
        await answers(conn, shop, asked, mallory)
    other = await make_shop(conn)
    async with refused(conn, errors.Missing, "no_request"):
        await answers(conn, other, asked, anna)
    await answers(conn, shop, asked, anna, agrees=False)
    async with refused(conn, errors.Missing, "no_request"):
        await answers(conn, shop, asked, anna)
    again = await asks(conn, shop, anna, "k")
    assert (again.id, again.made, again.refused) == (asked.id, False, True)
    async with refused(conn, errors.Denied, "not_confirmed"):
        await spends(conn, shop, anna, "k")


@pytest.mark.parametrize("gone", ["cashier", "card", "shop"])
async def test_a_yes_is_not_kept_for_somebody_who_may_take_nothing_any_more(conn, shop, anna, gone):
    """A no is: the managers must hear that a cashier who is gone wanted points of somebody who was not there."""
    asked, other = await asks(conn, shop, anna, "k"), await asks(conn, shop, anna, "l")
    if gone == "cashier":
        await staff.remove(conn, shop.id, shop.owner.id, shop.cashier.id)
    elif gone == "card":
        await members.block(conn, shop.id, shop.owner.id, anna.id)
    else:
        await conn.execute("update partners set status = 'blocked', reason = '-' where id = %s", (shop.id,))
    async with refused(conn, errors.Missing, "no_request"):
        await answers(conn, shop, asked, anna)
    assert (await answers(conn, shop, other, anna, agrees=False)).points == SPEND


async def test_nobody_asks_the_client_of_a_suspended_card(conn, shop, anna):
    await members.block(conn, shop.id, shop.owner.id, anna.id)
    async with refused(conn, errors.Denied, "member_blocked"):
        await asks(conn, shop, anna, "k")


async def test_a_question_that_got_too_old_is_asked_anew(conn, shop, anna):
    asked = await asks(conn, shop, anna, "k")
    await conn.execute("update spend_requests set expires_at = asked_at where id = %s", (asked.id,))
    async with refused(conn, errors.Missing, "no_request"):
        await answers(conn, shop, asked, anna)
    again = await asks(conn, shop, anna, "k")
    assert (again.id != asked.id, again.made) == (True, True)
    await answers(conn, shop, again, anna)
    query = "update spend_requests set confirmed_at = confirmed_at - interval '11 minutes' where id = %s"
    await conn.execute(query, (again.id,))
    async with refused(conn, errors.Denied, "not_confirmed"):
        await spends(conn, shop, anna, "k")


async def test_a_shown_card_or_the_shops_own_rule_asks_nobody(conn, shop, anna):
    assert (await spends(conn, shop, anna, "k", shown=True)).available == 300
    await partners.change(conn, shop.id, shop.owner.id, confirm_spending=False)
    assert (await spends(conn, shop, anna, "k2")).available == 100


async def test_who_does_not_work_here_asks_nobody(conn, shop, anna):
    stranger = await make_shop(conn)
    async with refused(conn, errors.Denied, "not_staff"):
        await asks(conn, shop, anna, "k", by=stranger.owner)
    await members.block(conn, shop.id, shop.owner.id, anna.id, reason="-")
    async with refused(conn, errors.Denied, "member_blocked"):
        await spends(conn, shop, anna, "k")


def test_a_card_that_was_shown_long_ago_is_no_longer_shown():
    draft = serving.Serving(1, nonce="a1", shown_at=NOW.timestamp())
    assert draft.showing(now=NOW + serving.SHOWN - timedelta(seconds=1)) == "a1"
    assert draft.showing(now=NOW + serving.SHOWN) == ""
    assert serving.Serving(1).showing(now=NOW) == ""


async def bill(conn, shop, member, key, *, bill_minor=BILL, now=NOW, again=False):
    ids = (shop.id, member.id, shop.cashier.id)
    return await points.accrue(conn, *ids, bill_minor=bill_minor, key=key, again=again, now=now)


async def test_the_same_bill_within_two_minutes_is_meant_twice_only_if_said_so(conn, shop, anna):
    first = await bill(conn, shop, anna, "a")
    assert (await bill(conn, shop, anna, "a")).repeated, "a repeated key is no second bill"
    soon = NOW + timedelta(seconds=119)
    async with refused(conn, errors.Conflict, "bill_again"):
        await bill(conn, shop, anna, "b", now=soon)
    async with refused(conn, errors.Conflict, "bill_again"):
        await spends(conn, shop, anna, "c", shown=True, again=False, now=soon)
    assert (await bill(conn, shop, anna, "d", bill_minor=BILL + 100, now=soon)).points == 50
    assert (await bill(conn, shop, await make_member(conn, shop), "e", now=soon)).points == 50
    assert (await bill(conn, shop, anna, "f", now=NOW + timedelta(minutes=2))).txn_id > first.txn_id
    assert (await bill(conn, shop, anna, "g", now=soon, again=True)).points == 50


async def test_a_bill_that_was_taken_back_may_come_again_at_once(conn, shop, anna):
    await reverse(conn, shop, await accrue(conn, shop, anna, BILL))
    assert (await bill(conn, shop, anna, new_key())).points == 50


@contextlib.asynccontextmanager
async def killed_telling(database, monkeypatch):
    """Lend a connection that is cut as it begins to tell."""

    async def dies(conn, *_, **__):
        await conn.execute("select pg_terminate_backend(pg_backend_pid())")

    with monkeypatch.context() as patch:
        patch.setattr(notify, "tell", dies)
        async with database.connect() as doomed:
            yield doomed


async def told(conn, key):
    cursor = await conn.execute("select user_id from jobs where task = 'tell' and args ->> 'key' = %s", (key,))
    return [user_id for [user_id] in await cursor.fetchall()]


async def test_a_refusal_whose_worker_is_killed_waits_for_the_next_press(database, monkeypatch):
    async with database.connect() as conn:
        shop = await make_shop(conn, earn_on_rest=False)
        anna = await make_member(conn, shop, has=500)
        asked = await asks(conn, shop, anna, "k")
        async with killed_telling(database, monkeypatch) as doomed:
            with pytest.raises(psycopg.OperationalError):
                await answers(doomed, shop, asked, anna, agrees=False)
        assert await told(conn, "partner.push.not_me") == []
        await answers(conn, shop, asked, anna, agrees=False)
        assert await told(conn, "partner.push.not_me") == [shop.owner.id]
        with pytest.raises(errors.Missing):
            await answers(conn, shop, asked, anna, agrees=False)


async def test_who_joins_as_the_worker_is_killed_joins_with_the_next_press(database, monkeypatch):
    async with database.connect() as conn:
        shop = await make_shop(conn)
        person = await make_user(conn)
        link = await staff.invite(conn, shop.id, shop.owner.id, "manager")
        async with killed_telling(database, monkeypatch) as doomed:
            with pytest.raises(psycopg.OperationalError):
                await staff.join(doomed, person.id, link)
        assert await told(conn, "partner.push.joined") == []
        assert (await staff.join(conn, person.id, link)).role == "manager"
        assert await told(conn, "partner.push.joined") == [shop.owner.id]


async def test_a_letter_whose_worker_is_killed_is_not_kept_unread(database, monkeypatch):
    async with database.connect() as conn:
        shop = await make_shop(conn)
        anna = await make_member(conn, shop)
        partner = await partners.get(conn, shop.id)
        async with killed_telling(database, monkeypatch) as doomed:
            with pytest.raises(psycopg.OperationalError):
                await letter.write(doomed, partner, anna.user_id, "Вы открыты?")
        assert await talk.messages(conn, shop.id) == []
        await letter.write(conn, partner, anna.user_id, "Вы открыты?")
        assert [one.words for one in await talk.messages(conn, shop.id)] == ["Вы открыты?"]
        assert await told(conn, "client.letter.told") == [shop.owner.id]


async def test_words_about_a_visit_whose_worker_is_killed_are_told_with_the_next_delivery(database, monkeypatch):
    async with database.connect() as conn:
        shop = await make_shop(conn)
        anna = await make_member(conn, shop)
        rated = nps.RatedVisit(shop.id, (await accrue(conn, shop, anna, BILL)).txn_id, 9)
        await talk.rate(conn, shop.id, anna.user_id, txn_id=rated.visit, score=9)
        async with killed_telling(database, monkeypatch) as doomed:
            with pytest.raises(psycopg.OperationalError):
                await nps.comment(doomed, rated, anna.user_id, "Быстро")
        assert [one.words for one in await talk.ratings(conn, shop.id)] == [""]
        for words in ("Быстро", "Быстро и вкусно"):
            await nps.comment(conn, rated, anna.user_id, words)
        assert [one.words for one in await talk.ratings(conn, shop.id)] == ["Быстро и вкусно"]
        assert await told(conn, "partner.push.mark") == [shop.owner.id], "corrected words are told to nobody again"


async def test_an_answer_whose_worker_is_killed_is_kept_once_and_told(database, monkeypatch):
    async with database.connect() as conn:
        shop = await make_shop(conn)
        anna = await make_member(conn, shop)
        place = await staff.get(conn, shop.id, shop.owner.id)
        async with killed_telling(database, monkeypatch) as doomed:
            with pytest.raises(psycopg.OperationalError):
                await inbox.reply(doomed, place, anna.id, shop.owner.id, "До девяти")
        assert await talk.messages(conn, shop.id) == []
        await inbox.reply(conn, place, anna.id, shop.owner.id, "До девяти")
        assert [one.words for one in await talk.messages(conn, shop.id)] == ["До девяти"]
        assert await told(conn, "partner.push.answer") == [anna.user_id]


async def test_a_reward_whose_worker_is_killed_is_handed_over_with_the_next_press(database, monkeypatch):
    async with database.connect() as conn:
        shop = await make_shop(conn)
        anna = await make_member(conn, shop, has=100)
        what = {"service_id": await make_service(conn, shop, price=60), "price": 60, "key": "k"}
        code = (await points.buy_service(conn, shop.id, anna.id, anna.user_id, **what)).code
        place = await staff.get(conn, shop.id, shop.cashier.id)
        async with killed_telling(database, monkeypatch) as doomed:
            with pytest.raises(psycopg.OperationalError):
                await counter.hand_over(doomed, place, code)
        assert (await counter.hand_over(conn, place, code)).used_at
        assert await told(conn, "partner.push.voucher") == [anna.user_id]


async def test_a_question_whose_worker_is_killed_is_put_with_the_next_press(database, monkeypatch):
    async with database.connect() as conn:
        shop = await make_shop(conn)
        anna = await make_member(conn, shop, has=500)
        place = await staff.get(conn, shop.id, shop.cashier.id)
        what = {"bill_minor": BILL, "spend": SPEND, "key": "k"}
        async with killed_telling(database, monkeypatch) as doomed:
            with pytest.raises(psycopg.OperationalError):
                await counter.ask(doomed, place, anna, **what)
        for _ in range(2):
            await counter.ask(conn, place, anna, **what)
        assert await told(conn, "partner.push.agree_button") == [anna.user_id]


async def test_a_held_reward_whose_worker_is_killed_is_paid_and_told_with_the_next_press(database, monkeypatch):
    async with database.connect() as conn:
        shop = await make_shop(conn, referral_levels=1, referral_bp=[1000, 0, 0])
        top = await make_member(conn, shop)
        for _ in range(3):
            buyer = await make_member(conn, shop, referrer=top)
            await referrals.settle(conn, shop.id, (await accrue(conn, shop, buyer, BILL)).txn_id, now=NOW)
        [held] = await referrals.held(conn, shop.id)
        what = (shop.id, held.receipt_id, held.level, shop.owner.id)
        async with killed_telling(database, monkeypatch) as doomed:
            with pytest.raises(psycopg.OperationalError):
                await invites.decide(doomed, *what, pays=True)
        assert await invites.decide(conn, *what, pays=True) == "paid"
        assert len(await told(conn, "partner.push.reward_later") + await told(conn, "partner.push.reward")) == 1
