"""The counter without a chat: what an operation does, and what the client is told of it, once."""

from datetime import UTC, datetime, timedelta

import pytest

from lib import db, errors
from lib.loyalty import cards, counter, members, partners, points, referrals, staff
from tests import loyalty_lab as lab


@pytest.fixture
async def conn(database):
    async with database.connect() as conn:  # as the product has it: each statement for itself
        yield conn


@pytest.fixture
async def shop(conn):
    return await lab.make_shop(conn)


@pytest.fixture
def statements(monkeypatch):
    """Note the name of every statement."""
    names = []
    execute = db.Query._execute

    async def noted(self, *args):
        names.append(self.name)
        return await execute(self, *args)

    monkeypatch.setattr(db.Query, "_execute", noted)
    return names


async def told(conn, user_id):
    cursor = await conn.execute(
        "select args ->> 'key' from jobs where task = 'tell' and user_id = %s order by id", (user_id,)
    )
    return [key for (key,) in await cursor.fetchall()]


async def test_a_bill_tells_the_client_and_asks_once_how_it_was(conn, shop):
    member = await lab.make_member(conn, shop)
    at = await staff.get(conn, shop.id, shop.cashier.id)
    for key, bill_minor in (("a", 100_000), ("a", 100_000), ("b", 110_000)):
        await counter.accrue(conn, at, member.id, bill_minor=bill_minor, nonce="", key=key)
    assert await told(conn, member.user_id) == ["partner.push.accrued", "partner.push.rate", "partner.push.accrued"]


async def test_the_question_waits_for_the_day_and_can_be_refused_in_it(conn, shop):
    at = await staff.get(conn, shop.id, shop.cashier.id)
    moments = {"14:00": "14:03", "20:56": "20:59", "20:58": "11:00", "03:00": "11:00", "10:01": "10:04"}
    for clock, then in moments.items():
        member = await lab.make_member(conn, shop)
        visit = datetime.fromisoformat(f"2026-03-11T{clock}:00+03:00")
        await counter.accrue(conn, at, member.id, bill_minor=100_000, nonce="", key=clock, now=visit)
        cursor = await conn.execute(
            "select to_char(run_at at time zone 'Europe/Moscow', 'HH24:MI'), args #> '{ways,2}' from jobs"
            " where args ->> 'key' = 'partner.push.rate' and user_id = %s",
            (member.user_id,),
        )
        assert await cursor.fetchone() == (then, [["news.button.off", f"news:off:{shop.id}:rating"]]), clock


async def test_points_on_hold_are_told_with_their_day(conn):
    shop = await lab.make_shop(conn, hold_days=7)
    member = await lab.make_member(conn, shop)
    at = await staff.get(conn, shop.id, shop.cashier.id)
    await counter.accrue(conn, at, member.id, bill_minor=100_000, nonce="", key="a")
    assert (await told(conn, member.user_id))[0] == "partner.push.accrued_later"


async def test_a_part_paid_in_points_and_its_reversal_are_told(conn):
    shop = await lab.make_shop(conn, confirm_spending=False)
    member = await lab.make_member(conn, shop, has=100)
    at = await staff.get(conn, shop.id, shop.cashier.id)
    done = await counter.redeem(conn, at, member.id, bill_minor=100_000, spend=100, nonce="", key="a")
    await counter.reverse(conn, await shop_owner(conn, shop), done.txn_id, reason="возврат", key="b")
    assert await told(conn, member.user_id) == ["partner.push.redeemed", "partner.push.reversed"]
    said = await conn.execute("select args #> '{fields,what}' from jobs where args ->> 'key' = 'partner.push.reversed'")
    assert await said.fetchone() == ({
        "spoken": "partner.reversed.redeem_rest",
        "fields": {"bill": 100_000, "points": 100, "taken": 45},
    },)  # fmt: skip
    await counter.accrue(conn, at, member.id, bill_minor=100_000, nonce="", key="c")
    assert (await told(conn, member.user_id))[-1] == "partner.push.rate", "the next visit is asked about"


async def test_nothing_is_told_as_taken_that_had_expired_or_was_spent(conn):
    shop = await lab.make_shop(conn, confirm_spending=False)
    member = await lab.make_member(conn, shop, has=100)
    ids, past = (conn, shop.id, member.id, shop.cashier.id), datetime.now(UTC) - timedelta(days=800)
    bill = {"bill_minor": 100_000, "points": 100, "shown": True, "key": "a", "now": past}
    done = await points.redeem(*ids, **bill)
    await counter.reverse(conn, await shop_owner(conn, shop), done.txn_id, reason="возврат", key="b")
    said = await conn.execute("select args #> '{fields,what}' from jobs where args ->> 'key' = 'partner.push.reversed'")
    assert await said.fetchone() == ({"spoken": "partner.reversed.redeem", "fields": {"bill": 100_000, "points": 100}},)


async def test_an_operation_reads_neither_the_shop_nor_the_client_before_the_ledger_does(conn, statements):
    shop = await lab.make_shop(conn, confirm_spending=False)
    member = await lab.make_member(conn, shop, has=100)
    at = await staff.get(conn, shop.id, shop.cashier.id)
    await counter.accrue(conn, at, member.id, bill_minor=100_000, nonce="", key="a")
    statements.clear()
    await counter.accrue(conn, at, member.id, bill_minor=110_000, nonce="", key="b")
    assert statements == ["accrue", "create_free_jobs", "ask"]
    statements.clear()
    await counter.redeem(conn, at, member.id, bill_minor=120_000, spend=100, nonce="", key="c")
    assert statements == ["redeem", "create_free_jobs", "ask"]


async def shop_owner(conn, shop):
    return await staff.get(conn, shop.id, shop.owner.id)


async def questions(conn, user_id):
    cursor = await conn.execute(
        "select key from jobs where args ->> 'key' = 'partner.push.rate' and user_id = %s order by id", (user_id,)
    )
    return [int(key.rpartition(":")[2]) for (key,) in await cursor.fetchall()]


async def bill(conn, shop, member, key, now):
    at = await staff.get(conn, shop.id, shop.cashier.id)
    return await counter.accrue(conn, at, member.id, bill_minor=100_000, nonce="", key=key, now=now)


async def test_a_client_is_asked_once_in_two_weeks_counted_from_the_last_question(conn, shop):
    member = await lab.make_member(conn, shop)
    begin = datetime(2026, 3, 11, 23, 59, tzinfo=UTC)  # a minute before the epoch's fortnights change
    days = {0: True, 1: False, 13: False, 14: True, 27: False, 28: True}
    visits = [await bill(conn, shop, member, f"k{day}", begin + timedelta(days=day)) for day in days]
    asked = [visit.txn_id for visit, due in zip(visits, days.values(), strict=True) if due]
    assert await questions(conn, member.user_id) == asked


async def test_taking_a_visit_back_takes_its_own_question_only(conn, shop):
    member = await lab.make_member(conn, shop)
    first = await bill(conn, shop, member, "k1", lab.NOW)
    second = await bill(conn, shop, member, "k2", lab.NOW + timedelta(days=1))
    await counter.reverse(conn, await shop_owner(conn, shop), second.txn_id, reason="-", key="r2")
    assert await questions(conn, member.user_id) == [first.txn_id]
    await counter.reverse(conn, await shop_owner(conn, shop), first.txn_id, reason="-", key="r1")
    assert await questions(conn, member.user_id) == []
    third = await bill(conn, shop, member, "k3", lab.NOW + timedelta(days=2))
    assert await questions(conn, member.user_id) == [third.txn_id], "who was not asked may be asked"


async def test_a_question_that_was_sent_counts_though_its_visit_is_taken_back(conn, shop):
    member = await lab.make_member(conn, shop)
    first = await bill(conn, shop, member, "k1", lab.NOW)
    await conn.execute(
        "update jobs set state = 'cancelled', finished_at = now() where key = %s",
        (f"tell:rate:{shop.id}:{first.txn_id}",),
    )  # it is no longer in the line
    await counter.reverse(conn, await shop_owner(conn, shop), first.txn_id, reason="-", key="r1")
    await bill(conn, shop, member, "k2", lab.NOW + timedelta(days=1))
    assert await questions(conn, member.user_id) == []


async def test_two_cards_of_one_person_become_one_with_the_later_question(conn, shop):
    anna, other = await lab.make_member(conn, shop), await lab.make_member(conn, shop)
    await bill(conn, shop, anna, "k1", lab.NOW)
    await bill(conn, shop, other, "k2", lab.NOW + timedelta(days=10))
    await members.merge(conn, other.user_id, anna.user_id)
    await bill(conn, shop, anna, "k3", lab.NOW + timedelta(days=15))
    assert len(await questions(conn, anna.user_id)) == 1


async def test_what_a_cashier_types_leads_to_the_client_or_the_voucher(conn, shop):
    anna = await lab.make_member(conn, shop, name="Анна", phone="+79161234567", has=100)
    await lab.make_member(conn, shop, name="Анна", phone="+79169994567")
    payload = cards.issue(shop.id, anna.id)
    found = await counter.look_up(conn, shop.id, f"https://t.me/club_bot?start={payload}")
    assert (found.member_id, bool(found.nonce)) == (anna.id, True), "a showing of the card"
    for words in (f" {str(anna.card_no)[:4]} {str(anna.card_no)[4:]}", "8 (916) 123-45-67", "\u202d+7 916 123 45 67"):
        found = await counter.look_up(conn, shop.id, words)
        assert (found.member_id, found.nonce, found.clients) == (anna.id, "", []), words
    several = await counter.look_up(conn, shop.id, "4567")
    assert (several.member_id, [one.name for one in several.clients]) == (0, ["Анна", "Анна"])
    assert await counter.look_up(conn, shop.id, "Мэлори") == counter.CounterVisitor()
    what = {"service_id": await lab.make_service(conn, shop), "price": 50, "key": "k"}
    code = (await points.buy_service(conn, shop.id, anna.id, anna.user_id, **what)).code
    assert (await counter.look_up(conn, shop.id, f"{code[:4]} {code[4:]}")).voucher.member_id == anna.id


async def test_a_cashier_finds_nothing_of_another_shop(conn, shop):
    other = await lab.make_shop(conn)
    anna = await lab.make_member(conn, other, name="Анна", phone="+79161234567")
    assert await counter.look_up(conn, shop.id, "Анна") == counter.CounterVisitor()
    assert (await counter.look_up(conn, shop.id, "+79161234567")).clients == []
    with pytest.raises(errors.Denied, match="card_of_another_partner"):
        await counter.look_up(conn, shop.id, cards.issue(other.id, anna.id))
    with pytest.raises(errors.Missing, match="no_voucher"):
        await counter.look_up(conn, shop.id, str(anna.card_no))


async def test_a_list_is_searched_by_the_whole_number_on_its_first_page_only(conn, shop):
    anna = await lab.make_member(conn, shop, name="Анна", phone="+79161234567")
    assert [one.id for one in await counter.search(conn, shop.id, "8 916 123-45-67")] == [anna.id]
    assert await counter.search(conn, shop.id, "8 916 123-45-67", after=anna.id) == []
    assert [one.id for one in await counter.search(conn, shop.id, "анн", limit=5)] == [anna.id]


async def test_a_reward_is_handed_over_once_and_told_to_whose_card_it_is_now(conn, shop):
    anna, new = await lab.make_member(conn, shop, has=100), await lab.make_client(conn)
    what = {"service_id": await lab.make_service(conn, shop, title="Капучино"), "price": 50, "key": "k"}
    code = (await points.buy_service(conn, shop.id, anna.id, anna.user_id, **what)).code
    await members.merge(conn, anna.user_id, new.id)
    at = await staff.get(conn, shop.id, shop.cashier.id)
    given = await counter.hand_over(conn, at, code)
    assert (given.title, given.used_at is not None) == ("Капучино", True)
    assert (await told(conn, new.id), await told(conn, anna.user_id)) == (["partner.push.voucher"], [])
    with pytest.raises(errors.Conflict, match="voucher_used"):
        await counter.hand_over(conn, at, code)


async def test_a_reward_of_a_suspended_card_or_of_an_old_one_is_not_handed_over(conn, shop):
    anna = await lab.make_member(conn, shop, has=100)
    what = {"service_id": await lab.make_service(conn, shop), "price": 50}
    codes = [
        (await points.buy_service(conn, shop.id, anna.id, anna.user_id, **what, key=key)).code for key in ("a", "b")
    ]
    at = await staff.get(conn, shop.id, shop.cashier.id)
    with pytest.raises(errors.Missing, match="no_voucher"):
        await counter.hand_over(conn, at, "00000000")
    await members.block(conn, shop.id, shop.owner.id, anna.id, reason="-")
    with pytest.raises(errors.Denied, match="member_blocked"):
        await counter.hand_over(conn, at, codes[0])
    await members.block(conn, shop.id, shop.owner.id, anna.id, blocked=False)
    assert await counter.hand_over(conn, at, codes[0])
    late = (await points.voucher(conn, shop.id, codes[1])).expires_at
    with pytest.raises(errors.Conflict, match="voucher_expired"):
        await points.use_voucher(conn, shop.id, codes[1], shop.cashier.id, now=late)
    assert await told(conn, anna.user_id) == ["partner.push.voucher"]


async def test_an_operation_that_was_repaid_or_leaves_a_debt_says_so(conn):
    shop = await lab.make_shop(conn, earn_on_rest=False)
    anna = await lab.make_member(conn, shop)
    first = await bill(conn, shop, anna, "k1", lab.NOW)
    await points.redeem(
        conn, shop.id, anna.id, shop.cashier.id, bill_minor=10_000, points=50, key="s", shown=True, now=lab.NOW
    )
    at = await shop_owner(conn, shop)
    made = [await counter.reverse(conn, at, first.txn_id, reason="возврат", key="r")]
    made.append(await bill(conn, shop, anna, "k2", lab.NOW + timedelta(days=1)))
    keys = [f"tell:receipt:{shop.id}:{one.txn_id}" for one in made]
    cursor = await conn.execute("select args -> 'more' from jobs where key = any(%s) order by id", (keys,))
    assert [more for (more,) in await cursor.fetchall()] == [
        {"partner.push.owed": {"points": 50}},
        {"partner.push.repaid": {"points": 50}},
    ]


async def test_a_referrer_hears_once_of_what_a_friend_has_brought(conn):
    shop = await lab.make_shop(conn, referral_levels=2, referral_bp=[1000, 500, 0], referral_hold_days=3)
    made = [await lab.make_member(conn, shop)]
    for _ in range(2):
        made.append(await lab.make_member(conn, shop, referrer=made[-1]))
    receipt = await bill(conn, shop, made[-1], "k", lab.NOW)
    await referrals.settle(conn, shop.id, receipt.txn_id)
    partner = await partners.get(conn, shop.id)
    await counter.tell_referrers(conn, partner, receipt.txn_id, level=2)
    assert [len(await told(conn, one.user_id)) for one in made[:2]] == [1, 0]
    for _ in range(2):
        await counter.tell_referrers(conn, partner, receipt.txn_id)
    assert [await told(conn, one.user_id) for one in made[:2]] == [["partner.push.reward_later"]] * 2
