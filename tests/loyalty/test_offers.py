"""What a shop offers, who sees it when, and what a decision about it needs."""

from datetime import timedelta

import pytest

from lib import errors
from lib.loyalty import offers, partners, talk
from tests.factories import refused
from tests.loyalty_lab import NOW, make_member, make_shop

TODAY = NOW.date()


async def service(conn, shop, title="Капучино", status="approved", **fields):
    wanted = {"price_points": 50, "category": "cafe", **fields}
    made = await offers.add_service(conn, shop.id, shop.owner.id, title=title, **wanted)
    if status != "pending":
        await offers.decide_service(conn, shop.id, made, shop.owner.id, status)
    return made


async def promotion(conn, shop, title="Весна", status="approved", **fields):
    wanted = {"kind": "multiplier", "multiplier_bp": 20000, "starts_on": TODAY, "ends_on": TODAY, **fields}
    made = await offers.add_promotion(conn, shop.id, shop.owner.id, title=title, **wanted)
    if status != "pending":
        await offers.decide_promotion(conn, shop.id, made, shop.owner.id, status)
    return made


async def services_of(conn, shop, **filters):
    return [one.id for one in await offers.browse_services(conn, partner_id=shop.id, **filters)]


async def promotions_of(conn, shop, **filters):
    return [one.id for one in await offers.browse_promotions(conn, today=TODAY, partner_id=shop.id, **filters)]


async def test_clients_see_services_that_are_approved_and_shown_and_the_shop_sees_all(conn):
    shop = await make_shop(conn)
    seen = await service(conn, shop)
    waits = await service(conn, shop, status="pending")
    refused_one = await service(conn, shop, status="rejected")
    hidden = await service(conn, shop)
    await offers.change_service(conn, shop.id, shop.owner.id, hidden, shown=False)
    assert await services_of(conn, shop) == [seen]
    own = await offers.list_services(conn, shop.id)
    assert [one.id for one in own] == [seen, waits, refused_one, hidden]


async def test_services_come_in_pages_and_by_city_and_category(conn):
    shop = await make_shop(conn)
    first, second = await service(conn, shop), await service(conn, shop, category="beauty")
    assert await services_of(conn, shop, limit=1) == [first]
    assert await services_of(conn, shop, after=first) == [second]
    assert await services_of(conn, shop, category="beauty") == [second]
    assert await services_of(conn, shop, city="Казань") == [first, second]
    assert await services_of(conn, shop, city="Тула") == []


async def test_a_blocked_shop_has_nothing_to_show(conn):
    shop = await make_shop(conn)
    await service(conn, shop)
    await promotion(conn, shop)
    await partners.decide(conn, shop.id, shop.owner.id, "blocked")
    assert await services_of(conn, shop) == []
    assert await promotions_of(conn, shop) == []


async def test_new_words_wait_for_moderation_again_and_a_new_price_does_not(conn):
    shop = await make_shop(conn)
    made = await service(conn, shop)
    await offers.change_service(conn, shop.id, shop.owner.id, made, price_points=70)
    assert await services_of(conn, shop) == [made]
    await offers.change_service(conn, shop.id, shop.owner.id, made, title="Раф")
    assert await services_of(conn, shop) == []
    assert made in [one.id for one in await offers.services_by_status(conn, "pending", after=made - 1)]


async def test_a_cashier_offers_nothing_and_changes_nothing(conn):
    shop = await make_shop(conn)
    made, shown = await service(conn, shop), await promotion(conn, shop)
    async with refused(conn, errors.Denied):
        await offers.add_service(conn, shop.id, shop.cashier.id, title="Чай", price_points=5, category="cafe")
    async with refused(conn, errors.Denied):
        await offers.change_service(conn, shop.id, shop.cashier.id, made, price_points=1)
    async with refused(conn, errors.Denied):
        await offers.show_promotion(conn, shop.id, shop.cashier.id, shown, shown=False)
    assert (await offers.get_service(conn, shop.id, made)).price_points == 50


async def test_a_decision_is_made_once_and_about_the_words_that_were_seen(conn):
    shop = await make_shop(conn)
    made = await service(conn, shop, status="pending")
    by = (conn, shop.id, made, shop.owner.id)
    assert not await offers.decide_service(*by, "approved", seen="other words")
    assert await offers.decide_service(*by, "approved", was="pending")
    assert not await offers.decide_service(*by, "rejected", was="pending")
    with pytest.raises(errors.Invalid):
        await offers.decide_service(*by, "sold")
    assert (await offers.get_service(conn, shop.id, made)).status == "approved"


@pytest.mark.parametrize("fields", [{"price_points": 0}, {"price_points": -5}, {"category": "Кафе"}])
async def test_a_service_that_cannot_be_is_refused(conn, fields):
    shop = await make_shop(conn)
    async with refused(conn, errors.Invalid):
        await service(conn, shop, **fields)


async def test_clients_see_promotions_up_to_their_last_day_newest_first(conn):
    shop = await make_shop(conn)
    old = await promotion(conn, shop, starts_on=TODAY - timedelta(days=9), ends_on=TODAY - timedelta(days=1))
    first, second = await promotion(conn, shop), await promotion(conn, shop, title="Лето")
    await promotion(conn, shop, status="rejected")
    assert await promotions_of(conn, shop) == [second, first]
    assert await promotions_of(conn, shop, before=second) == [first]
    assert old in [one.id for one in await offers.list_promotions(conn, shop.id)]


async def test_a_promotion_of_one_branch_is_seen_in_its_city(conn):
    shop = await make_shop(conn)
    here, there = await promotion(conn, shop), await promotion(conn, shop, city="Тула")
    assert await promotions_of(conn, shop, city="Казань") == [here]
    assert await promotions_of(conn, shop, city="Тула") == [there]
    assert await promotions_of(conn, shop, category="beauty") == []


async def test_a_paused_promotion_is_not_seen_and_goes_on(conn):
    shop = await make_shop(conn)
    made = await promotion(conn, shop)
    for shown, seen in ((False, []), (True, [made])):
        await offers.show_promotion(conn, shop.id, shop.owner.id, made, shown=shown)
        assert await promotions_of(conn, shop) == seen
    async with refused(conn, errors.Missing):
        await offers.show_promotion(conn, shop.id, shop.owner.id, made + 1000, shown=False)


async def test_promotions_that_wait_are_judged_oldest_first(conn):
    shop = await make_shop(conn)
    made = [await promotion(conn, shop, status="pending") for _ in range(2)]
    waiting = [one.id for one in await offers.promotions_by_status(conn, "pending", after=made[0] - 1)]
    assert waiting[:2] == made


async def test_extra_points_count_for_one_bill_a_day_unless_more_is_said(conn):
    shop = await make_shop(conn)
    extra = {"kind": "extra", "multiplier_bp": 10000, "extra_points": 30}
    limits = [
        (await offers.get_promotion(conn, shop.id, await promotion(conn, shop, **extra, **more))).daily_limit
        for more in ({}, {"daily_limit": 3})
    ]
    assert limits == [1, 3]


@pytest.mark.parametrize(
    "fields",
    [
        {"ends_on": TODAY - timedelta(days=1)},
        {"weekdays": 0},
        {"weekdays": 128},
        {"kind": "gift"},
        {"min_bill_minor": -1},
        {"kind": "extra", "extra_points": 0, "multiplier_bp": 10000},
    ],
    ids=str,
)
async def test_a_promotion_that_does_not_fit_together_is_refused(conn, fields):
    shop = await make_shop(conn)
    async with refused(conn, errors.Invalid):
        await promotion(conn, shop, **fields)


async def test_tiers_are_replaced_as_a_whole_and_listed_from_the_lowest(conn):
    shop = await make_shop(conn)
    tiers = [offers.Tier("Золото", 1_000_000, 900), offers.Tier("Серебро", 300_000, 700)]
    await offers.set_tiers(conn, shop.id, shop.owner.id, tiers)
    assert [one.title for one in await offers.tiers(conn, shop.id)] == ["Серебро", "Золото"]
    await offers.set_tiers(conn, shop.id, shop.owner.id, [])
    assert await offers.tiers(conn, shop.id) == []


async def test_two_tiers_from_the_same_sum_and_more_than_ten_are_refused(conn):
    shop = await make_shop(conn)
    for tiers in ([offers.Tier("А", 1, 500)] * 2, [offers.Tier("А", n, 500) for n in range(11)]):
        async with refused(conn, errors.Invalid):
            await offers.set_tiers(conn, shop.id, shop.owner.id, tiers)
    assert await offers.tiers(conn, shop.id) == []


async def test_a_shop_is_found_by_its_code_whatever_its_status(conn):
    shop = await make_shop(conn)
    code = (await partners.get(conn, shop.id)).code
    await partners.decide(conn, shop.id, shop.owner.id, "blocked")
    assert (await partners.get_by_code(conn, code)).id == shop.id
    assert await partners.get_by_code(conn, "nobody's") is None


async def test_what_a_client_wrote_is_read_once_and_empty_words_are_no_message(conn):
    shop = await make_shop(conn)
    anna = await make_member(conn, shop)
    for words in ("Привет", "Вы открыты?"):
        await talk.write(conn, shop.id, anna.user_id, words)
    async with refused(conn, errors.Invalid):
        await talk.write(conn, shop.id, anna.user_id, " \n ")
    assert [await talk.mark_read(conn, shop.id, anna.id) for _ in range(2)] == [2, 0]
