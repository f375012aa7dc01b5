from datetime import UTC, datetime, timedelta

import pytest

from lib import errors
from lib.loyalty import members, offers, partners, points, staff
from lib.office import audit
from tests.factories import make_user, refused
from tests.loyalty_lab import NOW, make_client, make_member, make_shop, new_key


@pytest.fixture
async def shop(conn):
    return await make_shop(conn)


async def accrue(conn, shop, member, bill_minor, *, key=None, now=NOW):
    return await points.accrue(
        conn, shop.id, member.id, shop.cashier.id, bill_minor=bill_minor, key=key or new_key(), now=now
    )


async def redeem(conn, shop, member, number, *, bill_minor=1_000_000, key=None, now=NOW):
    return await points.redeem(
        conn,
        shop.id,
        member.id,
        shop.cashier.id,
        bill_minor=bill_minor,
        points=number,
        shown=True,
        key=key or new_key(),
        now=now,
    )


async def buy(conn, shop, member, service, price, *, key=None, now=NOW):
    ids = {"service_id": service, "price": price, "key": key or new_key()}
    return await points.buy_service(conn, shop.id, member.id, member.user_id, **ids, now=now)


async def offer(conn, shop, price):
    service = await offers.add_service(
        conn, shop.id, shop.owner.id, title="Капучино", price_points=price, category="cafe"
    )
    await offers.decide_service(conn, shop.id, service, shop.owner.id, "approved")
    return service


async def reverse(conn, shop, receipt, *, by=None, key=None, now=NOW):
    actor = (by or shop.owner).id
    return await points.reverse(conn, shop.id, receipt.txn_id, actor, reason="возврат", key=key or new_key(), now=now)


async def test_a_bill_earns_whole_points_rounded_down_once(conn, shop):
    member = await make_member(conn, shop)
    receipt = await accrue(conn, shop, member, 123_999)
    assert (receipt.points, receipt.available, receipt.pending) == (61, 61, 0)
    assert await points.balance(conn, shop.id, member.id) == points.Balance(61, 0)


async def test_the_same_key_answers_as_it_did_the_first_time(conn, shop):
    member = await make_member(conn, shop)
    first = await accrue(conn, shop, member, 100_000, key="k")
    await accrue(conn, shop, member, 100_000)
    again = await accrue(conn, shop, member, 100_000, key="k")
    assert again.repeated
    assert (again.txn_id, again.available) == (first.txn_id, first.available)


async def test_a_key_with_another_request_is_a_conflict(conn, shop):
    member, other = await make_member(conn, shop), await make_member(conn, shop)
    await accrue(conn, shop, member, 100_000, key="k")
    for client, bill in ((member, 200_000), (other, 100_000)):
        async with refused(conn, errors.Conflict, "key_reused"):
            await accrue(conn, shop, client, bill, key="k")


async def test_points_pay_the_shops_share_of_a_bill_and_no_more(conn, shop):
    member = await make_member(conn, shop, has=1000)
    async with refused(conn, errors.Invalid, "over_share: 50"):
        await redeem(conn, shop, member, 51, bill_minor=10_000)
    receipt = await redeem(conn, shop, member, 50, bill_minor=10_000)
    assert (receipt.points, receipt.paid_minor, receipt.earned, receipt.available) == (50, 5_000, 2, 952)


async def test_nobody_spends_more_than_there_is(conn, shop):
    member = await make_member(conn, shop, has=10)
    async with refused(conn, errors.Conflict, "short_of_points: 10"):
        await redeem(conn, shop, member, 11)


async def test_what_expires_first_is_spent_first(conn, shop):
    member = await make_member(conn, shop)
    await accrue(conn, shop, member, 100_000)
    await partners.change(conn, shop.id, shop.owner.id, expire_days=10, earn_on_rest=False)
    await accrue(conn, shop, member, 100_000)
    await redeem(conn, shop, member, 60)
    [left] = await points.expiring(conn, shop.id, member.id)
    assert left.points == 40
    assert left.expires_at > NOW + timedelta(days=300)


async def test_held_points_wait_until_local_midnight(conn, shop):
    await partners.change(conn, shop.id, shop.owner.id, hold_days=1)
    member = await make_member(conn, shop)
    receipt = await accrue(conn, shop, member, 100_000)
    assert (receipt.available, receipt.pending) == (0, 50)
    assert receipt.active_at == datetime(2026, 3, 10, 21, 0, tzinfo=UTC)
    async with refused(conn, errors.Conflict, "short_of_points"):
        await redeem(conn, shop, member, 1, now=receipt.active_at - timedelta(seconds=1))
    assert (await redeem(conn, shop, member, 1, bill_minor=200, now=receipt.active_at)).available == 49


async def test_expired_points_are_gone_at_the_next_operation(conn, shop):
    member = await make_member(conn, shop)
    receipt = await accrue(conn, shop, member, 100_000)
    async with refused(conn, errors.Conflict, "short_of_points: 0"):
        await redeem(conn, shop, member, 1, now=receipt.expires_at)
    assert (await redeem(conn, shop, member, 50, now=receipt.expires_at - timedelta(seconds=1))).points == 50


async def test_a_reversed_redemption_fills_the_same_lots(conn, shop):
    await partners.change(conn, shop.id, shop.owner.id, earn_on_rest=False)
    member = await make_member(conn, shop)
    await accrue(conn, shop, member, 100_000)
    await accrue(conn, shop, member, 60_000, now=NOW + timedelta(days=3))
    before = await points.expiring(conn, shop.id, member.id)
    receipt = await redeem(conn, shop, member, 70, now=NOW + timedelta(days=4))
    back = await reverse(conn, shop, receipt, now=NOW + timedelta(days=5))
    assert (back.points, back.missing, back.available) == (70, 0, 80)
    assert await points.expiring(conn, shop.id, member.id) == before


async def test_points_that_come_back_late_can_be_spent_for_a_week_more(conn, shop):
    await partners.change(conn, shop.id, shop.owner.id, earn_on_rest=False, expire_days=30)
    member = await make_member(conn, shop)
    accrual = await accrue(conn, shop, member, 100_000)
    receipt = await redeem(conn, shop, member, 30)
    late = accrual.expires_at + timedelta(minutes=10)  # past the shop's midnight: the other 20 are gone
    back = await reverse(conn, shop, receipt, now=late)
    assert (back.points, back.available) == (30, 30)
    [lot] = await points.expiring(conn, shop.id, member.id)
    assert (lot.points, lot.expires_at) == (30, accrual.expires_at + timedelta(days=8))
    again = await redeem(conn, shop, member, 30, now=lot.expires_at - timedelta(minutes=1))
    assert again.available == 0, "what the client has read is there until then"
    await reverse(conn, shop, again, now=lot.expires_at - timedelta(seconds=1))
    [same] = await points.expiring(conn, shop.id, member.id)
    assert same.expires_at == lot.expires_at, "who is in time gains nothing"


async def test_points_that_are_spent_and_returned_again_and_again_die_all_the_same(conn, shop):
    await partners.change(conn, shop.id, shop.owner.id, earn_on_rest=False, expire_days=30)
    member = await make_member(conn, shop)
    accrual = await accrue(conn, shop, member, 100_000)
    first = await redeem(conn, shop, member, 30, now=accrual.expires_at - timedelta(minutes=1))
    back = await reverse(conn, shop, first, now=accrual.expires_at + timedelta(minutes=1))
    [lot] = await points.expiring(conn, shop.id, member.id)
    second = await redeem(conn, shop, member, 30, now=lot.expires_at - timedelta(minutes=1))
    late = await reverse(conn, shop, second, now=lot.expires_at + timedelta(minutes=1))
    assert (back.available, late.points, late.available) == (30, 30, 0), "what is read is what is there"
    assert await points.balance(conn, shop.id, member.id) == points.Balance(0, 0)
    assert await points.expiring(conn, shop.id, member.id) == []


async def test_a_reversed_accrual_takes_what_is_left_and_says_what_is_missing(conn, shop):
    await partners.change(conn, shop.id, shop.owner.id, earn_on_rest=False)
    member = await make_member(conn, shop)
    receipt = await accrue(conn, shop, member, 100_000)
    await redeem(conn, shop, member, 30)
    back = await reverse(conn, shop, receipt)
    assert (back.points, back.missing, back.available) == (20, 30, 0)


@pytest.mark.parametrize("first", ["accrual", "redemption"])
async def test_in_whatever_order_two_operations_are_reversed_nothing_is_left_of_them(conn, shop, first):
    member = await make_member(conn, shop)
    accrual = await accrue(conn, shop, member, 100_000)
    redemption = await redeem(conn, shop, member, 40)
    order = [accrual, redemption] if first == "accrual" else [redemption, accrual]
    for number, receipt in enumerate(order):
        last = await reverse(conn, shop, receipt, key=f"r{number}")
        again = await reverse(conn, shop, receipt, key=f"r{number}")
        assert (again.available, again.missing, again.repeated) == (last.available, last.missing, True)
    assert last.available == 0
    assert await points.expiring(conn, shop.id, member.id) == []
    assert await audit.check(conn) == []


async def in_debt(conn, shop, **settings):
    """Return a client who owes 40 points: they were spent before the goods that had brought them came back."""
    await partners.change(conn, shop.id, shop.owner.id, earn_on_rest=False, **settings)
    member = await make_member(conn, shop)
    accrual = await accrue(conn, shop, member, 100_000)
    redemption = await redeem(conn, shop, member, 40)
    back = await reverse(conn, shop, accrual)
    assert (back.missing, back.available, back.recovered) == (40, 0, 0)
    assert await owed(conn, shop, member) == 40
    return member, redemption


async def owed(conn, shop, member):
    return (await members.get(conn, shop.id, member.id)).owed


async def test_the_next_purchase_repays_what_returned_goods_had_brought(conn, shop):
    member, redemption = await in_debt(conn, shop)
    assert (await points.quote(conn, shop.id, member.id, shop.cashier.id, 50_000, now=NOW)).owed == 25
    first = await accrue(conn, shop, member, 50_000, key="first")
    assert (first.points, first.earned, first.recovered, first.available) == (25, 25, 25, 0)
    second = await accrue(conn, shop, member, 200_000, key="second")
    assert (second.points, second.recovered, second.available) == (100, 15, 85)
    for receipt, key, bill in ((first, "first", 50_000), (second, "second", 200_000)):
        again = await accrue(conn, shop, member, bill, key=key)
        assert (again.recovered, again.available, again.repeated) == (receipt.recovered, receipt.available, True)
    assert await owed(conn, shop, member) == 0
    assert (await accrue(conn, shop, member, 100_000)).recovered == 0
    back = await reverse(conn, shop, redemption)
    assert (back.recovered, back.available) == (0, 175), "what has been repaid is not taken a second time"
    assert await audit.check(conn) == []


async def test_what_is_owed_goes_once_the_spending_is_reversed(conn, shop):
    member, redemption = await in_debt(conn, shop)
    back = await reverse(conn, shop, redemption)
    assert (back.points, back.recovered, back.available) == (40, 40, 0)
    [taken, *_] = await points.member_history(conn, shop.id, member.id)
    assert (taken.kind, taken.points, taken.available_after) == ("recover", 40, 0)
    assert await owed(conn, shop, member) == 0


async def test_points_that_no_purchase_brought_repay_nothing(conn, shop):
    member, _ = await in_debt(conn, shop)
    given = await points.grant(conn, shop.id, member.id, shop.owner.id, points=30, reason="-", key=new_key(), now=NOW)
    assert (given.recovered, given.available, await owed(conn, shop, member)) == (0, 30, 40)


async def test_the_rest_of_a_bill_repays_too(conn, shop):
    member, _ = await in_debt(conn, shop)
    await partners.change(conn, shop.id, shop.owner.id, earn_on_rest=True)
    await points.grant(conn, shop.id, member.id, shop.owner.id, points=50, reason="-", key=new_key(), now=NOW)
    paid = await redeem(conn, shop, member, 50, bill_minor=65_000, key="paid")
    assert (paid.points, paid.earned, paid.recovered, paid.available) == (50, 30, 30, 0)
    again = await redeem(conn, shop, member, 50, bill_minor=65_000, key="paid")
    assert (again.earned, again.recovered, again.available) == (30, 30, 0)
    assert await owed(conn, shop, member) == 10
    back = await reverse(conn, shop, paid)
    assert (back.missing, back.available + back.pending) == (0, 10), (
        "50 come back: 10 of them and the 30 earned are taken"
    )
    assert await owed(conn, shop, member) == 0
    assert await audit.check(conn) == []


async def test_points_on_hold_repay_at_once_and_a_reversal_makes_them_owed_again(conn, shop):
    member, _ = await in_debt(conn, shop)
    await partners.change(conn, shop.id, shop.owner.id, hold_days=7)
    receipt = await accrue(conn, shop, member, 60_000)
    assert (receipt.points, receipt.recovered, receipt.pending) == (30, 30, 0)
    back = await reverse(conn, shop, receipt)
    assert (back.missing, back.pending, await owed(conn, shop, member)) == (30, 0, 40)
    assert (await accrue(conn, shop, member, 100_000)).pending == 10
    assert [one.check for one in await audit.check(conn)] == ["points were due two days ago"]  # NOW is long ago


async def test_what_has_expired_is_not_taken_once_more(conn, shop):
    member = await make_member(conn, shop)
    accrual = await accrue(conn, shop, member, 100_000)
    later = accrual.expires_at + timedelta(days=1)
    await points.grant(conn, shop.id, member.id, shop.owner.id, points=70, reason="-", key=new_key(), now=later)
    back = await reverse(conn, shop, accrual, by=shop.owner, now=later)
    assert (back.points, back.missing, back.available) == (0, 0, 70)


async def test_an_operation_is_reversed_once_and_a_reversal_never(conn, shop):
    member = await make_member(conn, shop)
    receipt = await accrue(conn, shop, member, 100_000)
    back = await reverse(conn, shop, receipt, key="r")
    assert (await reverse(conn, shop, receipt, key="r")).repeated
    async with refused(conn, errors.Conflict, "already_reversed"):
        await reverse(conn, shop, receipt)
    async with refused(conn, errors.Conflict, "not_reversible"):
        await reverse(conn, shop, back)


async def test_points_for_the_rest_go_back_with_the_redemption(conn, shop):
    member = await make_member(conn, shop, has=100)
    receipt = await redeem(conn, shop, member, 100, bill_minor=20_000)
    assert (receipt.earned, receipt.available) == (5, 5)
    assert (await reverse(conn, shop, receipt)).available == 100
    assert (await members.get(conn, shop.id, member.id)).visits == 0


async def test_a_cashier_reverses_their_own_of_the_last_hour_only(conn, shop):
    member = await make_member(conn, shop)
    own = await accrue(conn, shop, member, 100_000)
    others = await points.accrue(conn, shop.id, member.id, shop.owner.id, bill_minor=100_000, key=new_key(), now=NOW)
    for receipt, now in ((others, NOW), (own, NOW + timedelta(minutes=61))):
        async with refused(conn, errors.Denied, "role_too_low"):
            await reverse(conn, shop, receipt, by=shop.cashier, now=now)
    assert (await reverse(conn, shop, own, by=shop.cashier)).available == 50


async def test_a_cashier_does_not_take_back_what_they_bought_as_a_client(conn, shop):
    await members.register(conn, shop.cashier.id, name="Олег", city="Казань")
    own = await members.get(conn, shop.id, (await members.join(conn, shop.id, shop.cashier.id)).member_id)
    await points.grant(conn, shop.id, own.id, shop.owner.id, points=100, reason="Премия", key=new_key(), now=NOW)
    bought = await buy(conn, shop, own, await offer(conn, shop, 80), 80)
    await points.use_voucher(conn, shop.id, bought.code, shop.cashier.id, now=NOW)
    async with refused(conn, errors.Denied, "role_too_low"):
        await reverse(conn, shop, bought, by=shop.cashier)
    assert (await points.balance(conn, shop.id, own.id)).available == 20


async def test_only_the_shops_own_people_touch_its_points(conn, shop):
    other = await make_shop(conn)
    member, foreign = await make_member(conn, shop, has=100), await make_member(conn, other, has=100)
    async with refused(conn, errors.Denied, "not_staff"):
        await points.accrue(conn, shop.id, member.id, other.owner.id, bill_minor=1000, key="k")
    for member_id in (foreign.id, 0, -1, 2**62):
        async with refused(conn, errors.Missing, "no_member"):
            await points.accrue(conn, shop.id, member_id, shop.cashier.id, bill_minor=100_000, key="k")


async def test_a_removed_cashier_and_a_blocked_shop_serve_nobody(conn, shop):
    member = await make_member(conn, shop, has=100)
    await staff.remove(conn, shop.id, shop.owner.id, shop.cashier.id)
    async with refused(conn, errors.Denied, "not_staff"):
        await accrue(conn, shop, member, 100_000)
    await partners.decide(conn, shop.id, shop.owner.id, "blocked", "жалобы")
    async with refused(conn, errors.Denied, "partner_blocked: жалобы"):
        await accrue(conn, shop, member, 100_000)


async def test_amounts_out_of_bounds_are_refused(conn, shop):
    member = await make_member(conn, shop, has=100)
    for bill, code in (
        (0, "amount_zero"),
        (-5, "amount_zero"),
        (100_000_001, "amount_over_limit"),
        (2**62, "amount_over_limit"),
        (100, "too_small"),
    ):
        async with refused(conn, errors.Invalid, code):
            await accrue(conn, shop, member, bill)
    for number, code in ((0, "points_zero"), (-1, "points_zero"), (-(2**62), "points_zero"), (2**62, "over_share")):
        async with refused(conn, errors.Invalid, code):
            await redeem(conn, shop, member, number)


async def test_the_best_promotion_counts_within_its_dates_days_and_bills(conn, shop):
    member = await make_member(conn, shop)
    local = NOW.date()
    doubled = await offers.add_promotion(
        conn, shop.id, shop.owner.id, kind="multiplier", title="Вдвое", multiplier_bp=20000, starts_on=local,
        ends_on=local, weekdays=1 << local.weekday(), min_bill_minor=50_000,
    )  # fmt: skip
    extra = await offers.add_promotion(
        conn, shop.id, shop.owner.id, kind="extra", title="Ещё", extra_points=7, starts_on=local, ends_on=local
    )
    assert (await accrue(conn, shop, member, 100_000)).points == 50, "not approved yet"
    for promotion in (doubled, extra):
        await offers.decide_promotion(conn, shop.id, promotion, shop.owner.id, "approved")
    found = [await accrue(conn, shop, member, bill) for bill in (100_000, 49_999)]
    assert [(receipt.points, receipt.promotion_id) for receipt in found] == [(100, doubled), (31, extra)]
    tomorrow = await accrue(conn, shop, member, 100_000, now=NOW + timedelta(days=1))
    assert (tomorrow.points, tomorrow.promotion_id) == (50, None)


async def gift(conn, shop, **terms):
    """Let a promotion run that gives 50 points a bill."""
    dates = {"starts_on": NOW.date(), "ends_on": NOW.date() + timedelta(days=30)}
    fields = {"kind": "extra", "title": "Подарок", "extra_points": 50, **dates, **terms}
    made = await offers.add_promotion(conn, shop.id, shop.owner.id, **fields)
    await offers.decide_promotion(conn, shop.id, made, shop.owner.id, "approved")
    return made


async def test_a_bill_in_ten_parts_brings_a_fixed_gift_once(conn, shop):
    await gift(conn, shop)
    whole, split = await make_member(conn, shop), await make_member(conn, shop)
    await accrue(conn, shop, whole, 100_000)
    for _ in range(10):
        await accrue(conn, shop, split, 10_000)
    assert [(await points.balance(conn, shop.id, one.id)).available for one in (whole, split)] == [100, 100]


async def test_a_promotion_counts_for_as_many_bills_a_day_as_it_says(conn, shop):
    await gift(conn, shop, daily_limit=2)
    one, other = await make_member(conn, shop), await make_member(conn, shop)
    late = datetime(2026, 3, 10, 20, 59, tzinfo=UTC)  # a minute to midnight at the shop
    assert [(await accrue(conn, shop, one, 10_000, now=late)).points for _ in range(3)] == [55, 55, 5]
    assert (await accrue(conn, shop, other, 10_000, now=late)).points == 55, "each client has their own"
    quoted = await points.quote(conn, shop.id, one.id, shop.cashier.id, 10_000, now=late)
    assert (quoted.points, quoted.promotion) == (5, None)
    next_day = late + timedelta(minutes=1)
    assert [(await accrue(conn, shop, one, 10_000, now=next_day)).points for _ in range(3)] == [55, 55, 5]


async def test_a_days_gift_was_had_whichever_card_of_a_person_it_went_to(conn, shop):
    await gift(conn, shop)
    first, second, third = [await make_member(conn, shop) for _ in range(3)]
    assert (await accrue(conn, shop, first, 10_000)).points == 55
    for old, new in ((first, second), (second, third)):
        await members.merge(conn, old.user_id, new.user_id, now=NOW)
        assert (await accrue(conn, shop, new, 10_000)).points == 5
    assert (await accrue(conn, shop, await make_member(conn, shop), 10_000)).points == 55


async def test_a_bill_that_was_taken_back_does_not_use_up_the_days_gift(conn, shop):
    await gift(conn, shop)
    member = await make_member(conn, shop)
    first = await accrue(conn, shop, member, 10_000)
    await reverse(conn, shop, first)
    assert (await accrue(conn, shop, member, 10_000)).points == 55
    assert (await accrue(conn, shop, member, 10_000)).points == 5


async def test_the_rest_of_a_bill_uses_up_the_days_gift_too(conn, shop):
    await gift(conn, shop)
    member = await make_member(conn, shop, has=100)
    assert (await redeem(conn, shop, member, 50, bill_minor=15_000)).earned == 55
    assert (await redeem(conn, shop, member, 50, bill_minor=15_000)).earned == 5


async def test_the_tier_of_the_money_spent_decides_the_rate(conn, shop):
    await offers.set_tiers(
        conn, shop.id, shop.owner.id, [offers.Tier("Медь", 0, 300), offers.Tier("Золото", 100_000, 1000)]
    )
    member = await make_member(conn, shop)
    assert [(await accrue(conn, shop, member, 100_000)).points for _ in range(2)] == [30, 100]
    assert (await members.get(conn, shop.id, member.id)).tier == "Золото"


async def test_a_service_costs_points_and_its_voucher_is_good_once(conn, shop):
    member = await make_member(conn, shop, has=100)
    service = await offer(conn, shop, 80)
    await offers.decide_service(conn, shop.id, service, shop.owner.id, "rejected")
    async with refused(conn, errors.Missing, "no_service"):
        await buy(conn, shop, member, service, 80)
    await offers.decide_service(conn, shop.id, service, shop.owner.id, "approved")
    bought = await buy(conn, shop, member, service, 80)
    assert (bought.points, bought.available) == (80, 20)
    used = await points.use_voucher(conn, shop.id, bought.code, shop.cashier.id, now=NOW)
    assert used.title == "Капучино"
    async with refused(conn, errors.Conflict, "voucher_used"):
        await points.use_voucher(conn, shop.id, bought.code, shop.cashier.id, now=NOW)


async def test_a_service_is_sold_at_the_price_that_was_seen_or_not_at_all(conn, shop):
    member = await make_member(conn, shop, has=500)
    service = await offer(conn, shop, 80)
    bought = await buy(conn, shop, member, service, 80, key="v")
    await offers.change_service(conn, shop.id, shop.owner.id, service, price_points=90)
    for price in (80, 100):
        async with refused(conn, errors.Conflict, "price_changed"):
            await buy(conn, shop, member, service, price)
    assert (await points.balance(conn, shop.id, member.id)).available == 420
    again = await buy(conn, shop, member, service, 80, key="v")
    assert (again.txn_id, again.code, again.repeated) == (bought.txn_id, bought.code, True)
    assert (await buy(conn, shop, member, service, 90)).available == 330


async def test_joining_is_once_and_welcomes_once(conn):
    shop = await make_shop(conn, welcome_points=100)
    user = await make_client(conn)
    first = await members.join(conn, shop.id, user.id)
    again = await members.join(conn, shop.id, user.id)
    assert (first.created, again.created) == (True, False)
    assert first.member_id == again.member_id
    [card] = await members.cards(conn, user.id)
    assert (card.available, card.next_points, card.title) == (100, 100, "Кофейня")


async def test_histories_go_page_by_page(conn, shop):
    member = await make_member(conn, shop)
    made = [(await accrue(conn, shop, member, 100_000, now=NOW + timedelta(minutes=n))).txn_id for n in range(5)]
    page = await points.history(conn, shop.id, limit=3)
    rest = await points.history(conn, shop.id, before=(page[-1].created_at, page[-1].id), limit=3)
    assert [one.id for one in page + rest] == made[::-1]
    own = await points.member_history(conn, shop.id, member.id, limit=2)
    assert [one.id for one in await points.member_history(conn, shop.id, member.id, before=own[-1].id)] == made[2::-1]


async def test_a_cashier_sees_what_they_did_themselves_since_a_moment(conn, shop):
    anna = await make_member(conn, shop, has=500)
    other = await make_user(conn)
    await staff.accept(conn, other.id, await staff.invite(conn, shop.id, shop.owner.id, "cashier"))
    hour = timedelta(hours=1)
    early = await accrue(conn, shop, anna, 10_000, now=NOW - hour - timedelta(seconds=1))
    first = await accrue(conn, shop, anna, 20_000, now=NOW - hour)
    await points.accrue(conn, shop.id, anna.id, other.id, bill_minor=30_000, key=new_key(), now=NOW)
    paid = await redeem(conn, shop, anna, 50, now=NOW)
    undone = await reverse(conn, shop, first, now=NOW + timedelta(minutes=1))
    found = await points.recent_of(conn, shop.id, shop.cashier.id, NOW - hour)
    assert [(one.id, one.kind) for one in found] == [(paid.txn_id, "redeem"), (first.txn_id, "accrue")]
    assert found[1].reversed_by == undone.txn_id
    everything = await points.recent_of(conn, shop.id, shop.cashier.id, NOW - hour * 2, limit=9)
    assert [one.id for one in everything] == [paid.txn_id, first.txn_id, early.txn_id]
    assert await points.recent_of(conn, (await make_shop(conn)).id, shop.cashier.id, NOW - hour * 2) == []


async def test_a_balance_an_operation_and_a_quote_of_nobody_are_missing(conn, shop):
    anna = await make_member(conn, await make_shop(conn))
    for work in (
        lambda: points.balance(conn, shop.id, anna.id),
        lambda: points.quote(conn, shop.id, anna.id, shop.cashier.id, 10_000),
    ):
        async with refused(conn, errors.Missing, "no_member"):
            await work()
    async with refused(conn, errors.Missing, "no_operation"):
        await points.get(conn, shop.id, 0)
    async with refused(conn, errors.Missing, "no_voucher"):
        await points.voucher(conn, shop.id, "12345678")
