import psycopg
import pytest

from lib import errors, text
from lib.credits import catalog, ledger
from lib.providers import makers
from lib.studio import orders

BY = {"actor": "ops:test", "reason": "spring"}


async def test_every_product_that_can_be_ordered_has_a_price(conn):
    products = await catalog.list_products(conn)
    assert [product.code for product in products] == list(orders.PRODUCTS)
    assert {product.code: product.task for product in products} == orders.TASKS
    assert [code for code in orders.PRODUCTS if not text.knows(f"admin.product.{code}")] == [], "no code is a name"
    for product in products:
        totals = [product.total(count) for count in orders.COUNTS[product.code]]
        assert totals == sorted(totals), "more results never cost less"
        assert min(totals) > 0


async def test_a_price_of_several_can_be_less_than_several_prices(conn):
    video = await catalog.get_product(conn, "video5")
    assert (video.total(1), video.total(3)) == (4, 11)
    changed = await catalog.change_product(conn, "video5", several={}, **BY)
    assert changed.total(3) == 12


async def test_a_new_price_of_one_ends_the_prices_of_several_and_leaves_our_own(conn):
    dearer = await catalog.change_product(conn, "video5", price=6, **BY)
    assert [dearer.total(count) for count in (1, 3, 5)] == [6, 18, 30]
    assert [dearer.own_total(count) for count in (1, 3)] == [2, 6], "what we draw ourselves costs what it did"
    cheaper = await catalog.change_product(conn, "video5", price=5, several={"3": 13}, **BY)
    assert [cheaper.total(count) for count in (1, 3, 5)] == [5, 13, 25]
    assert cheaper.own_total(1) == 2
    kept = await catalog.change_product(conn, "video5", is_on=False, **BY)
    assert (kept.total(3), kept.is_on) == (13, False)


async def test_our_own_price_is_never_more_than_the_price(conn):
    product = await catalog.change_product(conn, "video10", price=1, **BY)
    assert [product.own_total(count) for count in (1, 3)] == [1, 3]


@pytest.mark.parametrize(
    "odd", [{"price": 0}, {"price": -1}, {"several": {"3": 0}}, {"price": 4, "several": {"3": -1}}]
)
async def test_nothing_is_sold_for_nothing(conn, odd):
    with pytest.raises(errors.Invalid, match="odd_price"):
        await catalog.change_product(conn, "card", **odd, **BY)
    assert await ledger.list_audit(conn) == []


@pytest.mark.parametrize(
    "odd",
    [{"credits": 0}, {"credits": -1}, {"total": 0}, {"per_person": 0}, {"code": "A!"}, {"code": "A" * 33}],
    ids=str,
)
async def test_an_odd_promo_code_is_not_made(conn, odd):
    with pytest.raises(errors.Invalid, match="odd_promo"):
        await catalog.add_promo(conn, **{"code": "SPRING", "credits": 5} | odd, **BY)
    assert await catalog.list_promos(conn) == []


@pytest.mark.parametrize("odd", [("S!", 1, 1), ("s", 0, 1), ("s", catalog.STARS_LIMIT + 1, 1), ("s", 1, 0), ("", 1, 1)])
async def test_an_odd_pack_is_not_sold(conn, odd):
    before = await catalog.list_packs(conn, hidden=True)
    with pytest.raises(errors.Invalid, match="odd_pack"):
        await catalog.put_pack(conn, *odd, **BY)
    assert await catalog.list_packs(conn, hidden=True) == before


async def test_a_pack_is_dropped_once(conn):
    [pack, *_] = await catalog.list_packs(conn)
    assert (await catalog.drop_pack(conn, pack.code, **BY)).id == pack.id
    with pytest.raises(errors.Missing, match="no_pack"):
        await catalog.drop_pack(conn, pack.code, **BY)
    assert pack.id not in [one.id for one in await catalog.list_packs(conn)]
    assert not (await catalog.get_pack(conn, pack.id)).is_on


async def test_a_promo_code_is_switched_off_and_on_as_it_is_typed(conn):
    await catalog.add_promo(conn, "SPRING", 5, **BY)
    for typed_so, is_on in (("spring", False), (" Spring\u200e", True)):
        assert (await catalog.switch_promo(conn, typed_so, is_on, **BY)).is_on is is_on
    for unknown in ("WINTER", "?"):
        with pytest.raises(errors.Missing, match="no_promo"):
            await catalog.switch_promo(conn, unknown, False, **BY)


async def test_a_new_price_is_in_the_audit_log(conn):
    await catalog.change_product(conn, "card", price=3, **BY)
    [row] = await ledger.list_audit(conn, subject="product card")
    assert (row["actor"], row["reason"]) == ("ops:test", "spring")
    assert (row["before"]["price"], row["after"]["price"]) == (1, 3)


async def test_a_product_that_is_off_is_not_on_the_shelf(conn):
    await catalog.change_product(conn, "video10", is_on=False, **BY)
    assert "video10" not in [product.code for product in await catalog.list_products(conn)]
    assert "video10" in [product.code for product in await catalog.list_products(conn, hidden=True)]


async def test_an_unknown_product_cannot_be_changed(conn):
    with pytest.raises(errors.Missing):
        await catalog.change_product(conn, "car", price=3, **BY)


async def test_another_price_of_a_pack_is_another_pack(conn):
    old = (await catalog.list_packs(conn))[0]
    new = await catalog.put_pack(conn, old.code, old.stars + 50, old.credits, **BY)
    assert new.id != old.id
    assert [pack.id for pack in await catalog.list_packs(conn) if pack.code == old.code] == [new.id]
    assert (await catalog.get_pack(conn, old.id)).stars == old.stars


async def test_what_a_pack_gives_never_changes(conn):
    with pytest.raises(psycopg.DatabaseError, match="promised"):
        await conn.execute("update packs set credits = credits + 1")


@pytest.mark.parametrize(
    "payload", ["", "pack:", "pack:x", "pack:-1", "pack:1.5", "pack:99999999999", "job:1", "pack:٣"]
)
def test_a_payload_that_names_no_pack_is_none(payload):
    assert catalog.pack_id(payload) == 0


@pytest.mark.parametrize(("typed", "kept"), [("spring", "SPRING"), (" Лето-26 ", "ЛЕТО-26"), ("a b", ""), ("no", "")])
def test_a_promo_code_is_kept_in_capitals(typed, kept):
    assert catalog.read_promo(typed) == kept


async def test_a_promo_code_is_made_once(conn):
    await catalog.add_promo(conn, "spring", 5, **BY)
    with pytest.raises(errors.Conflict):
        await catalog.add_promo(conn, "SPRING", 50, **BY)
    assert [(promo.code, promo.credits) for promo in await catalog.list_promos(conn)] == [("SPRING", 5)]


async def test_no_product_is_promised_sooner_than_its_first_model_makes_it(conn):
    for product in await catalog.list_products(conn):
        first = makers.CHAINS[product.code][0]
        assert product.expected_seconds >= first.seconds + (first.still.seconds if first.still else 0), product.code
