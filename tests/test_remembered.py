"""What holds for a person beyond their account: by the Telegram id's mark, and by the phone's."""

from datetime import UTC, datetime, timedelta

import pytest
from psycopg.errors import InsufficientPrivilege

from lib import errors
from lib.assistant import talks
from lib.assistant.talks import AnswerUse
from lib.credits import catalog, ledger
from lib.jobs import table
from lib.loyalty import members, partners
from lib.office import audit, people
from lib.people import users
from tests import factories
from tests.loyalty.test_points import accrue, gift, redeem, reverse
from tests.loyalty_lab import NOW, make_client, make_member, make_shop, new_key


async def knows(conn, user_id, what, subject):
    cursor = await conn.execute("select is_remembered(%s, %s, %s)", (user_id, what, subject))
    return (await cursor.fetchone())[0]


async def rows(conn, query, *params):
    return await (await conn.execute(query, params)).fetchall()


async def accounts_of(conn, user):
    return (await rows(conn, "select accounts_of(%s)", user.id))[0][0]


async def remember(conn, user_id, what, subject, until=None):
    await conn.execute("select remember(%s, %s, %s, %s)", (user_id, what, subject, until))


async def test_who_was_erased_and_comes_back_is_known_again(conn, make_user):
    alice = await make_user(tg_id=7_600_001)
    await remember(conn, alice.id, "welcome", 3)
    await users.erase(conn, alice.id, alice.tg_id)
    again = await make_user(tg_id=alice.tg_id)
    stranger = await make_user()
    assert await knows(conn, again.id, "welcome", 3)
    assert not await knows(conn, again.id, "welcome", 4)
    assert not await knows(conn, again.id, "block", 3)
    assert not await knows(conn, stranger.id, "welcome", 3)
    assert not await knows(conn, alice.id, "welcome", 3)


async def test_another_account_with_the_same_phone_is_known_too(conn, make_user):
    first = await make_client(conn, phone="+79007600002")
    await remember(conn, first.id, "welcome", 3)
    await users.erase(conn, first.id, first.tg_id)
    second = await make_client(conn, phone="+79007600002")
    assert await knows(conn, second.id, "welcome", 3)
    await members.set_phone(conn, second.id, "+79007600003")
    assert await knows(conn, second.id, "welcome", 3), "they are one person, with whatever number"


async def test_a_number_that_moves_with_the_cards_takes_its_mark_along(conn):
    old, new = await make_client(conn, phone="+79007600004"), await make_client(conn, phone="+79007600005")
    await members.merge(conn, old.id, new.id)
    cursor = await conn.execute("select id, phone_mark from users where id in (%s, %s)", (old.id, new.id))
    marks = dict(await cursor.fetchall())
    assert marks == {old.id: None, new.id: users.phone_mark("+79007600004")}


async def test_people_from_before_the_marks_get_theirs_at_night(conn):
    client = await make_client(conn, phone="+79007600006")
    await conn.execute("update users set mark = null, phone_mark = null where id = %s", (client.id,))
    assert await users.mark_people(conn, 1000) >= 1
    cursor = await conn.execute("select mark, phone_mark from users where id = %s", (client.id,))
    assert await cursor.fetchone() == (users.person_mark(client.tg_id), users.phone_mark("+79007600006"))
    assert await users.mark_people(conn, 1000) == 0


async def test_what_has_run_out_and_what_a_gone_shop_knew_is_forgotten(conn, make_user):
    now = datetime(2021, 3, 10, tzinfo=UTC)
    alice, shop, gone = await make_user(), await make_shop(conn), await make_shop(conn)
    await remember(conn, alice.id, "welcome", shop.id)
    await remember(conn, alice.id, "welcome", gone.id)
    await remember(conn, alice.id, "debt", shop.id, now)
    await remember(conn, alice.id, "block", shop.id, now + timedelta(seconds=1))
    await users.erase(conn, gone.owner.id, gone.owner.tg_id)
    assert (await partners.get(conn, gone.id)).reason == "owner_erased"
    assert await users.forget_remembered(conn, now) == 2
    cursor = await conn.execute(
        "select what, subject from remembered where mark = %s order by what", (users.person_mark(alice.tg_id),)
    )
    assert await cursor.fetchall() == [("block", shop.id), ("welcome", shop.id)]


async def three_years_pass(conn, person):
    await conn.execute(
        "update remembered set until = until - interval '3 years' where mark = %s", (users.person_mark(person.tg_id),)
    )
    await users.forget_remembered(conn, datetime.max.replace(tzinfo=UTC))


async def owes(conn, alice, spent, *, erased=False):
    """Let somebody buy credits, spend some, be erased perhaps, and have Telegram give the Stars back."""
    pack = (await catalog.list_packs(conn))[0]
    facts = {"bot": "studio", "payload": pack.payload, "stars": pack.stars}
    charge = new_key()
    await ledger.record_payment(conn, alice.id, charge_id=charge, **facts)
    job = await factories.make_running(conn, alice, price=spent)
    await table.update_job_status(conn, job, "done")
    if erased:
        await users.erase(conn, alice.id, alice.tg_id)
    return facts, (await ledger.record_payment_refund(conn, charge, alice.tg_id)).payment


async def test_a_debt_for_refunded_stars_is_paid_by_the_next_account(conn, make_user):
    alice = await make_user(tg_id=7_600_011)
    facts, debt = await owes(conn, alice, 3)
    assert (debt.state, debt.owed) == ("debt", 3)
    await users.erase(conn, alice.id, alice.tg_id)
    again, stranger = await make_user(tg_id=alice.tg_id), await make_user()
    assert (await people.get(conn, again.id)).owed == 3
    assert [await ledger.debt(conn, one.id) for one in (again, stranger)] == [3, 0]
    paid = await ledger.record_payment(conn, again.id, charge_id=new_key(), **facts)
    assert paid.settled == 3
    assert (await ledger.get_payment(conn, debt.id)).state == "refunded"
    assert not await knows(conn, again.id, "debt", debt.id)
    assert (await ledger.record_payment(conn, stranger.id, charge_id=new_key(), **facts)).settled == 0
    assert await audit.check(conn) == []


async def test_stars_that_go_back_after_the_erasure_are_owed_by_the_next_account_too(conn, make_user):
    alice = await make_user(tg_id=7_600_013)
    facts, debt = await owes(conn, alice, 3, erased=True)
    assert (debt.state, debt.owed) == ("debt", 3)
    again = await make_user(tg_id=alice.tg_id)
    assert (await people.get(conn, again.id)).owed == 3
    assert (await ledger.record_payment(conn, again.id, charge_id=new_key(), **facts)).settled == 3
    told_again = await ledger.record_payment_refund(conn, debt.charge_id, alice.tg_id)
    assert (told_again.payment.state, told_again.changed) == ("refunded", False)
    assert not await knows(conn, again.id, "debt", debt.id)


async def test_a_debt_outlives_two_erasures_and_not_three_years(conn, make_user):
    alice = await make_user(tg_id=7_600_012)
    _, debt = await owes(conn, alice, 2)
    await users.erase(conn, alice.id, alice.tg_id)
    second = await make_user(tg_id=alice.tg_id)
    await users.erase(conn, second.id, second.tg_id)
    third = await make_user(tg_id=alice.tg_id)
    assert await knows(conn, third.id, "debt", debt.id)
    await three_years_pass(conn, third)
    assert not await knows(conn, third.id, "debt", debt.id)


async def test_a_shops_block_holds_for_the_next_account_until_the_shop_lifts_it(conn):
    shop, other = await make_shop(conn, welcome_points=100), await make_shop(conn, welcome_points=100)
    member = await make_member(conn, shop)
    await members.block(conn, shop.id, shop.owner.id, member.id, blocked=True, reason="-")
    await users.erase(conn, member.user_id, member.tg_id)
    again = await factories.make_user(conn, tg_id=member.tg_id)
    await members.register(conn, again.id, name="Анна", city="Казань")
    with pytest.raises(errors.Denied, match="member_blocked"):
        await members.join(conn, shop.id, again.id)
    async with factories.refused(conn, errors.Denied, match="member_blocked"):
        await members.join(conn, shop.id, again.id)
    assert (await members.join(conn, other.id, again.id)).welcome == 100
    card = await members.get_own(conn, shop.id, again.id)
    assert (card.blocked_at is not None, card.available) == (True, 0)
    await members.block(conn, shop.id, shop.owner.id, card.id, blocked=False, reason="-")
    assert (await members.join(conn, shop.id, again.id)).card_no == card.card_no
    assert not await knows(conn, again.id, "block", shop.id)


async def debtor(conn, shop, member=None, **more):
    """Return a client who owes a shop 50 points: they were spent before the goods that had brought them came back."""
    await partners.change(conn, shop.id, shop.owner.id, earn_on_rest=False)
    member = member or await make_member(conn, shop, **more)
    receipt = await accrue(conn, shop, member, 100_000)
    await redeem(conn, shop, member, receipt.available)
    assert (await reverse(conn, shop, receipt)).missing == 50
    return member


async def comes_back(conn, member, *shops):
    """Let a person erase their account, begin again and join; return the cards."""
    await users.erase(conn, member.user_id, member.tg_id)
    again = await factories.make_user(conn, tg_id=member.tg_id)
    await members.register(conn, again.id, name="Анна", city="Казань")
    return [await joins(conn, shop, again) for shop in shops]


async def joins(conn, shop, person):
    await members.join(conn, shop.id, person.id, now=NOW)
    return await members.get_own(conn, shop.id, person.id)


async def remembered(conn, member):
    cursor = await conn.execute(
        "select what, until from remembered where mark = %s", (users.person_mark(member.tg_id),)
    )
    return [what for what, _ in await cursor.fetchall() if what != "account"]


async def test_points_owed_to_a_shop_are_repaid_by_the_next_account(conn):
    shop, other = await make_shop(conn, welcome_points=30), await make_shop(conn)
    [card, elsewhere] = await comes_back(conn, await debtor(conn, shop), shop, other)
    assert (card.owed, elsewhere.owed) == (50, 0)
    assert (await members.get_own(conn, shop.id, card.user_id)).available == 0, "the gift was had before"
    assert await remembered(conn, card) == ["welcome"], "what the card says again need not be remembered"
    await accrue(conn, shop, card, 200_000)
    repaid = await members.get(conn, shop.id, card.id)
    assert (repaid.owed, repaid.available) == (0, 50)
    [third] = await comes_back(conn, repaid, shop)
    assert third.owed == 0
    assert await audit.check(conn) == []


@pytest.mark.parametrize("first", ["back", "goods"])
@pytest.mark.parametrize("days", [1, 31])
async def test_goods_that_come_back_after_the_erasure_are_owed_by_the_next_account(conn, first, days):
    shop = await make_shop(conn, earn_on_rest=False)
    member = await make_member(conn, shop)
    receipt = await accrue(conn, shop, member, 100_000)
    await redeem(conn, shop, member, receipt.available)
    visit = "update members set last_visit_at = clock_timestamp() - make_interval(days => %s) where id = %s"
    await conn.execute(visit, (days, member.id))
    if first == "back":
        [card] = await comes_back(conn, member, shop)
        assert (await reverse(conn, shop, receipt)).missing == 50
    else:
        await users.erase(conn, member.user_id, member.tg_id)
        assert (await reverse(conn, shop, receipt)).missing == 50
        [card] = await comes_back(conn, member, shop)
    assert (await members.get(conn, shop.id, card.id)).owed == (50 if days == 1 else 0)
    assert "card" not in await remembered(conn, member) or days == 1
    assert await audit.check(conn) == []


async def test_nobody_else_is_burdened_with_a_strangers_debt(conn):
    shop = await make_shop(conn)
    member = await debtor(conn, shop, phone="+79007600020")
    await users.erase(conn, member.user_id, member.tg_id)
    heir = await make_client(conn, phone="+79007600020")
    assert (await joins(conn, shop, heir)).owed == 0, "the number is somebody else's by now"
    assert await remembered(conn, member) == ["owed"]


async def test_points_owed_to_two_shops_come_back_at_each(conn):
    one, two = await make_shop(conn), await make_shop(conn)
    member = await debtor(conn, one)
    await debtor(conn, two, await joins(conn, two, await users.get_user(conn, member.user_id)))
    [first, second] = await comes_back(conn, member, one, two)
    assert (first.owed, second.owed) == (50, 50)
    assert await audit.check(conn) == []


async def test_a_debt_to_a_shop_outlives_two_erasures_and_not_three_years(conn):
    shop = await make_shop(conn)
    [card] = await comes_back(conn, await debtor(conn, shop), shop)
    await comes_back(conn, card)
    [card] = await comes_back(conn, card, shop)
    assert card.owed == 50
    await users.erase(conn, card.user_id, card.tg_id)
    await three_years_pass(conn, card)
    again = await factories.make_user(conn, tg_id=card.tg_id)
    await members.register(conn, again.id, name="Анна", city="Казань")
    assert (await joins(conn, shop, again)).owed == 0
    assert await audit.check(conn) == []


@pytest.mark.parametrize("direction", ["from", "into"])
@pytest.mark.parametrize("early", [True, False])
async def test_a_debt_goes_along_when_two_accounts_become_one(conn, direction, early):
    shop = await make_shop(conn)
    member = await debtor(conn, shop)
    await users.erase(conn, member.user_id, member.tg_id)
    again = await factories.make_user(conn, tg_id=member.tg_id)
    await members.register(conn, again.id, name="Анна", city="Казань")
    friend = await make_client(conn)
    if early:
        await joins(conn, shop, friend)
    old, new = (again, friend) if direction == "from" else (friend, again)
    await members.merge(conn, old.id, new.id)
    assert (await joins(conn, shop, new)).owed == 50
    assert await audit.check(conn) == []


async def test_what_was_owed_to_a_shop_that_is_gone_is_forgotten(conn):
    shop, other = await make_shop(conn), await make_shop(conn)
    one, two = await debtor(conn, shop), await debtor(conn, other)
    for member in (one, two):
        await users.erase(conn, member.user_id, member.tg_id)
    await partners.decide(conn, shop.id, shop.owner.id, "blocked", "-")
    await users.erase(conn, shop.owner.id, shop.owner.tg_id)
    assert await users.forget_remembered(conn, datetime.now(UTC)) == 1
    assert [await remembered(conn, one), await remembered(conn, two)] == [[], ["owed"]]


@pytest.mark.parametrize(
    "statement",
    [
        "insert into remembered (mark, what, subject) values ('x', 'welcome', 1)",
        "update remembered set until = now()",
        "delete from remembered",
        "insert into spent_trials (mark) values ('x')",
        "update spent_trials set mark = 'x'",
        "delete from spent_trials",
    ],
)
async def test_the_application_itself_writes_nothing_that_is_remembered(conn, statement):
    async with factories.refused(conn, InsufficientPrivilege):
        await conn.execute("set local role lotok_app")
        await conn.execute(statement)


async def test_the_application_forgets_nothing_before_its_time(conn, make_user):
    alice, shop = await make_user(), await make_shop(conn)
    await remember(conn, alice.id, "birthday", shop.id, datetime.now(UTC) + timedelta(days=330))
    async with conn.transaction():
        await conn.execute("set local role lotok_app")
        await users.forget_remembered(conn, datetime.max.replace(tzinfo=UTC))
        await conn.execute("select carry_owed(%s, %s)", (shop.id, alice.id))
    assert await knows(conn, alice.id, "birthday", shop.id)


async def test_a_debt_stays_remembered_while_there_is_no_card_to_bear_it(conn):
    shop = await make_shop(conn)
    member = await debtor(conn, shop)
    await users.erase(conn, member.user_id, member.tg_id)
    again = await factories.make_user(conn, tg_id=member.tg_id)
    await conn.execute("select carry_owed(%s, %s)", (shop.id, again.id))
    assert await remembered(conn, member) == ["owed"]


async def test_a_trial_is_never_more_than_a_trial(conn, make_user):
    alice = await make_user()
    async with conn.transaction():
        await conn.execute("set local role lotok_app")
        cursor = await conn.execute("select give_trial(%s, 1000000, 'x')", (alice.id,))
    assert await cursor.fetchone() == (users.TRIAL_CREDITS,)


async def came_back(conn, person):
    """Let a person erase their account and begin again."""
    await users.erase(conn, person.id, person.tg_id)
    return await factories.make_user(conn, tg_id=person.tg_id)


async def test_the_limits_of_a_day_count_over_all_accounts_of_that_day(conn, make_user):
    first, stranger = await make_user(), await make_user()
    second = await came_back(conn, first)
    third = await came_back(conn, second)
    assert await accounts_of(conn, third) == [first.id, second.id, third.id]
    assert await accounts_of(conn, stranger) == [stranger.id]
    assert await accounts_of(conn, first) == [first.id], "nothing leads from an erased account to its person"


async def test_an_erased_account_is_known_for_a_day_and_no_longer(conn, make_user):
    first = await make_user()
    second = await came_back(conn, first)
    left = "select until - clock_timestamp() from remembered where what = 'account' and subject = %s"
    [(time,)] = await rows(conn, left, first.id)
    assert timedelta(hours=23, minutes=59) < time <= timedelta(days=1)
    await conn.execute("update remembered set until = now() where what = 'account' and subject = %s", (first.id,))
    assert await accounts_of(conn, second) == [second.id]
    await users.forget_remembered(conn, datetime.now(UTC))
    assert await rows(conn, left, first.id) == []


async def test_a_promotion_of_so_many_bills_a_day_counts_those_before_an_erasure(conn):
    shop = await make_shop(conn)
    await gift(conn, shop, daily_limit=2)
    first = await make_member(conn, shop)
    assert (await accrue(conn, shop, first, 10_000)).points == 55
    [(tg_id,)] = await rows(conn, "select tg_id from users where id = %s", first.user_id)
    await users.erase(conn, first.user_id, tg_id)
    again = await factories.make_user(conn, tg_id=tg_id)
    await members.register(conn, again.id, name="Анна", city="Казань", phone="+79007600077")
    joined = await members.join(conn, shop.id, again.id, now=NOW)
    second = await members.get(conn, shop.id, joined.member_id)
    assert [(await accrue(conn, shop, second, 10_000)).points for _ in range(2)] == [55, 5]
    tomorrow = NOW + timedelta(days=1)
    assert (await accrue(conn, shop, second, 10_000, now=tomorrow)).points == 55


async def test_a_clients_budget_at_the_assistant_counts_answers_before_an_erasure(conn, make_user):
    shop, first, now = await make_shop(conn), await make_user(), datetime.now(UTC)

    async def halt(person, once, **limits):
        heard = await talks.hear(conn, shop.id, person.id, f"Вопрос про ряженку {once}", once=once, at=now)
        given = {"client": 99, "shop": 99} | limits
        ids = (heard.talk_id, heard.run_no)
        line = await talks.begin_answer(conn, shop.id, *ids, at=now, most=AnswerUse("m"), limits=given)
        if once != "late":
            await talks.end_answer(conn, shop.id, line.id, "Ответ про ряженку", use=AnswerUse("m"))
        return line.halt

    assert [await halt(first, once, client=2) for once in ("1", "late")] == ["", ""]
    second = await came_back(conn, first)
    [before] = await rows(conn, "select id, status, words from talk_lines where partner_id = %s offset 1", shop.id)
    assert before[1:] == ("stopped", ""), "it counts, and its writer has nowhere to write"
    kept = str(await rows(conn, "select to_jsonb(t), to_jsonb(l) from talks t join talk_lines l on l.talk_id = t.id"))
    assert "ряженку" not in kept
    assert [await halt(second, "3", client=2), await halt(second, "4", shop=2)] == ["client", "shop"]
    assert await halt(await make_user(), "5", client=2) == ""
    await conn.execute("update remembered set until = now() where what = 'account' and subject = %s", (first.id,))
    await users.forget_remembered(conn, now)
    assert await rows(conn, "select id from talks where user_id = %s", first.id) == []
