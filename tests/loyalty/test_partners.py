"""Shops: the catalogue that clients look through, what may be set and by whom, what an administrator finds."""

import pytest

from lib import errors
from lib.loyalty import partners, staff
from lib.people import users
from tests.factories import make_user, refused
from tests.loyalty_lab import make_shop


@pytest.fixture
async def shop(conn):
    return await make_shop(conn)


async def opened(conn, city, category="cafe", *, status="approved", title="Лавка"):
    """Return the id of a shop of its own owner."""
    owner = await make_user(conn)
    shop_id = await partners.apply(conn, owner.id, title=title, city=city, category=category)
    if status != "pending":
        await partners.decide(conn, shop_id, owner.id, status)
    return shop_id


async def test_the_cities_of_the_catalogue_are_those_with_open_shops_the_biggest_first(conn):
    for city in ("Тверь", "Псков", "Псков", "Омск"):
        await opened(conn, city)
    for status in ("pending", "rejected", "blocked"):
        await opened(conn, "Чита", status=status)
    assert [(one.name, one.number) for one in await partners.cities(conn)] == [("Псков", 2), ("Омск", 1), ("Тверь", 1)]
    assert [one.name for one in await partners.cities(conn, limit=1)] == ["Псков"]


async def test_the_categories_are_those_of_the_city_or_of_all(conn):
    for city, category in (("Псков", "cafe"), ("Псков", "beauty"), ("Псков", "beauty"), ("Омск", "auto")):
        await opened(conn, city, category)
    await opened(conn, "Псков", "flowers", status="pending")
    here = [(one.name, one.number) for one in await partners.categories(conn, "Псков")]
    assert here == [("beauty", 2), ("cafe", 1)]
    assert [one.name for one in await partners.categories(conn)] == ["beauty", "auto", "cafe"]
    assert await partners.categories(conn, "Чита") == []


async def test_the_catalogue_comes_in_pages_of_what_was_chosen(conn):
    cafes = [await opened(conn, "Псков") for _ in range(3)]
    await opened(conn, "Псков", "auto")
    first = await partners.list_approved(conn, city="Псков", category="cafe", limit=2)
    assert [one.id for one in first] == cafes[:2]
    rest = await partners.list_approved(conn, city="Псков", category="cafe", after=first[-1].id, limit=2)
    assert [one.id for one in rest] == cafes[2:]


async def test_an_administrator_finds_a_shop_by_a_part_of_its_title(conn):
    shop_id = await opened(conn, "Псков", status="pending", title="Пышка 50%")
    await opened(conn, "Псков", title="Чай")
    for words in ("пыш", " Пышка ", "50%", "%"):  # a wildcard of SQL means itself
        assert [one.id for one in await partners.find(conn, words)] == [shop_id], words
    for words in ("50_", "\\", "Пирог"):
        assert await partners.find(conn, words) == [], words


async def test_an_administrator_finds_a_shop_by_its_number_and_its_code(conn, shop):
    made = await partners.get(conn, shop.id)
    for words in (str(shop.id), made.code):
        assert [one.id for one in await partners.find(conn, words)] == [shop.id]
    assert await partners.find(conn, made.code[:-1]) == []
    assert await partners.find(conn, str(shop.id), after=shop.id) == []


REFUSED = (
    {"status": "approved"},
    {"owner_id": 1},
    {"earn_bp": "500"},
    {"earn_bp": True},
    {"earn_on_rest": 1},
    {"earn_bp": 5001},
    {"earn_bp": -1},
    {"max_pay_pct": 101},
    {"max_bill_minor": 10**12},
    {"minor_per_point": 0},
    {"hold_days": 91},
    {"referral_levels": 4},
    {"referral_bp": [100, 100]},
    {"referral_bp": [100, 100, 1001]},
    {"referral_bp": [100, -1, 100]},
    {"referral_bp": [100, True, 100]},
    {"quick_amounts": [100] * 7},
    {"quick_amounts": [1.5]},
    {"category": "casino"},
    {"tz": "Europe/Atlantis"},
    {"tz": "../../etc/passwd"},
    {"tz": ""},
    {"title": "Я"},
    {"title": "Я" * 81},
    {"about": "Я" * 601},
    {"city": ""},
)


async def test_a_setting_that_cannot_be_is_refused_by_its_name(conn, shop):
    before = await partners.get(conn, shop.id)
    for fields in REFUSED:
        with pytest.raises(errors.Invalid) as refusal:
            async with conn.transaction():
                await partners.change(conn, shop.id, shop.owner.id, **fields)
        assert (refusal.value.code, refusal.value.detail) == ("bad_setting", *fields), fields
    assert await partners.get(conn, shop.id) == before


async def test_a_setting_changes_and_leaves_the_others(conn, shop):
    before = await partners.get(conn, shop.id)
    wanted = {"tz": "Asia/Omsk", "quick_amounts": [15000, 30000], "confirm_spending": False, "about": "Кофе с собой"}
    await partners.change(conn, shop.id, shop.owner.id, **wanted)
    after = vars(await partners.get(conn, shop.id))
    assert {name: value for name, value in after.items() if vars(before)[name] != value} == wanted


async def test_the_trail_keeps_no_contact(conn, shop):
    await partners.change(conn, shop.id, shop.owner.id, contact="+79001234567", about="Кофе")
    [deed, *_] = await partners.trail(conn, partner_id=shop.id)
    assert (deed.before, deed.after) == ({"about": ""}, {"about": "Кофе"})


async def test_the_trail_of_a_shop_is_its_own_and_comes_in_pages(conn, shop):
    other = await make_shop(conn)
    for about in ("Раз", "Два"):
        await partners.change(conn, shop.id, shop.owner.id, about=about)
    deeds = await partners.trail(conn, partner_id=shop.id, limit=2)
    assert [one.after for one in deeds] == [{"about": "Два"}, {"about": "Раз"}]
    older = await partners.trail(conn, partner_id=shop.id, before=deeds[-1].id)
    assert [one.action for one in older] == ["staff.joined", "partner.approved", "partner.applied"]
    assert {one.partner_id for one in await partners.trail(conn)} >= {shop.id, other.id}


async def test_an_application_that_cannot_be_is_refused(conn):
    owner = await make_user(conn)
    for bad in ({"category": "casino"}, {"title": "Я"}, {"city": "Я" * 61}, {"tz": "Mars"}):
        async with refused(conn, errors.Invalid, "bad_setting"):
            await partners.apply(conn, owner.id, **{"title": "Лавка", "city": "Псков", "category": "cafe"} | bad)
    assert await staff.places(conn, owner.id) == []


async def test_an_applicant_owns_the_shop_at_once_and_it_waits(conn):
    owner = await make_user(conn)
    shop_id = await partners.apply(conn, owner.id, title="  Лавка ", city=" Псков", category="cafe", about="Чай")
    shop = await partners.get(conn, shop_id)
    assert (shop.title, shop.city, shop.about, shop.status) == ("Лавка", "Псков", "Чай", "pending")
    assert (shop.tz, shop.decided_at, shop.gone) == ("Europe/Moscow", None, False)
    assert [(one.partner_id, one.role) for one in await staff.places(conn, owner.id)] == [(shop_id, "owner")]


async def test_a_person_has_twenty_shops_and_no_more(conn):
    owner = await make_user(conn)
    made = [await partners.apply(conn, owner.id, title="Лавка", city="Псков", category="cafe") for _ in range(20)]
    async with refused(conn, errors.Conflict, "too_many_partners"):
        await partners.apply(conn, owner.id, title="Лавка", city="Псков", category="cafe")
    await partners.decide(conn, made[0], owner.id, "rejected")
    assert await partners.apply(conn, owner.id, title="Лавка", city="Псков", category="cafe")


async def test_a_decision_is_made_from_the_status_and_the_words_that_were_seen(conn):
    admin, shop_id = await make_user(conn), await opened(conn, "Псков", status="pending")
    shop = await partners.get(conn, shop_id)
    seen = partners.digest(shop.title, shop.about, shop.photo)
    await partners.change(conn, shop_id, shop.owner_id, about="Ставки на спорт")
    assert not await partners.decide(conn, shop_id, admin.id, "approved", was="pending", seen=seen)
    assert not await partners.decide(conn, shop_id, admin.id, "approved", was="blocked")
    changed = await partners.get(conn, shop_id)
    now = partners.digest(changed.title, changed.about, changed.photo)
    assert await partners.decide(conn, shop_id, admin.id, "rejected", "Ставки", was="pending", seen=now)
    assert not await partners.decide(conn, shop_id, admin.id, "rejected")
    decided = await partners.get(conn, shop_id)
    assert (decided.status, decided.reason) == ("rejected", "Ставки")
    assert decided.decided_at


async def test_an_unknown_status_and_an_unknown_shop_are_refused(conn, shop):
    async with refused(conn, errors.Invalid, "unknown_status"):
        await partners.decide(conn, shop.id, shop.owner.id, "gone")
    async with refused(conn, errors.Missing, "no_partner"):
        await partners.decide(conn, 0, shop.owner.id, "approved")
    async with refused(conn, errors.Missing, "no_partner"):
        await partners.get(conn, 0)


async def test_a_shop_whose_owner_was_erased_is_gone_and_no_administrator_opens_it(conn, shop):
    await users.erase(conn, shop.owner.id, shop.owner.tg_id)
    assert (await partners.get(conn, shop.id)).gone
    assert not await partners.decide(conn, shop.id, shop.cashier.id, "approved")
    assert shop.id not in [one.id for one in await partners.list_approved(conn, limit=1000)]


def test_a_mark_of_words_tells_where_one_ends_and_the_next_begins():
    assert partners.digest("Чай", "", "") == partners.digest("Чай", "", "")
    assert len({partners.digest(*words) for words in (("аб", "", ""), ("а", "б", ""), ("", "а", "б"))}) == 3


@pytest.mark.parametrize(
    ("zone", "country"),
    [("Europe/Moscow", "RU"), ("Asia/Vladivostok", "RU"), ("Asia/Almaty", "KZ"), ("Europe/Minsk", "BY"), ("UTC", "RU")],
)
def test_a_shop_writes_numbers_as_the_country_of_its_zone(zone, country):
    assert partners.country(zone) == country
