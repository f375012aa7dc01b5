from datetime import timedelta

import pytest

from lib import errors
from lib.loyalty import cards, members, partners, staff, talk
from tests.factories import make_user, refused
from tests.loyalty_lab import NOW, make_client, make_member, make_shop


@pytest.fixture
async def shop(conn):
    return await make_shop(conn)


async def test_a_number_is_one_persons(conn):
    await make_client(conn, phone="+79001234567")
    async with refused(conn, errors.Conflict, "phone_taken"):
        await make_client(conn, phone="79001234567")


async def test_a_client_is_found_at_the_counter(conn, shop):
    anna = await make_member(conn, shop, name="Анна", phone="+79001234567")
    await make_member(conn, shop, name="Борис", phone="+79009994567")
    other = await make_shop(conn)
    assert [one.id for one in await members.find_by_phone(conn, shop.id, ["+79001234567"])] == [anna.id]
    assert await members.find_by_card(conn, shop.id, anna.card_no) == anna.id
    assert [found.name for found in await members.search(conn, shop.id, "4567")] == ["Анна", "Борис"]
    assert [found.name for found in await members.search(conn, shop.id, "анн 4567")] == ["Анна"]
    assert [found.name for found in await members.search(conn, shop.id, "бор")] == ["Борис"]
    assert await members.find_by_phone(conn, other.id, ["+79001234567"]) == []
    assert await members.find_by_card(conn, other.id, anna.card_no) is None
    assert await members.search(conn, other.id, "4567") == []
    async with refused(conn, errors.Missing, "no_member"):
        await members.get(conn, other.id, anna.id)


async def test_a_referrer_counts_once_and_only_of_the_same_shop(conn, shop):
    anna = await make_member(conn, shop)
    boris = await make_member(conn, shop, referrer=anna)
    assert boris.referrer_id == anna.id
    foreign = await make_member(conn, await make_shop(conn))
    carl = await make_member(conn, shop, referrer=foreign)
    assert carl.referrer_id is None
    await members.join(conn, shop.id, carl.user_id, referrer_card=anna.card_no)
    assert (await members.get(conn, shop.id, carl.id)).referrer_id is None


async def test_an_invitation_is_for_one_person_once(conn, shop):
    bob, mallory = await make_user(conn), await make_user(conn)
    link = await staff.invite(conn, shop.id, shop.owner.id, "manager")
    assert len(link) <= 64
    assert await staff.accept(conn, bob.id, link) == (shop.id, "manager")
    async with refused(conn, errors.Conflict, "invite_used"):
        await staff.accept(conn, mallory.id, link)
    for guess in (f"s_{shop.id}_x", "s_1", "s_x_y", link.replace(f"_{shop.id}_", "_1_"), "p_abc"):
        async with refused(conn, errors.Missing, "no_invite"):
            await staff.accept(conn, mallory.id, guess)


async def test_only_the_owner_and_managers_change_a_shop_and_it_is_written_down(conn, shop):
    await partners.change(conn, shop.id, shop.owner.id, earn_bp=700, title="Пекарня")
    assert (await partners.get(conn, shop.id)).earn_bp == 700
    async with refused(conn, errors.Denied, "role_too_low"):
        await partners.change(conn, shop.id, shop.cashier.id, earn_bp=900)
    for bad in ({"earn_bp": 5001}, {"earn_bp": "5"}, {"status": "approved"}, {"tz": "Mars/Base"}, {"referral_bp": [1]}):
        async with refused(conn, errors.Invalid, "bad_setting"):
            await partners.change(conn, shop.id, shop.owner.id, **bad)
    [deed, *_] = await partners.trail(conn, partner_id=shop.id)
    assert (deed.action, deed.before, deed.after) == (
        "partner.changed",
        {"earn_bp": 500, "title": "Кофейня"},
        {"earn_bp": 700, "title": "Пекарня"},
    )


async def test_a_card_is_short_lived_signed_and_names_its_shop(conn, shop):
    payload = cards.issue(shop.id, 7, now=NOW)
    assert len(payload) <= 64
    assert payload.replace("_", "").replace("-", "").isalnum()
    card = await cards.open(payload, partner_id=shop.id, now=NOW)
    assert (card.partner_id, card.member_id) == (shop.id, 7)
    with pytest.raises(errors.Conflict, match="card_expired"):
        await cards.open(payload, now=NOW + cards.LIFE)
    with pytest.raises(errors.Denied, match="card_of_another_partner"):
        await cards.open(payload, partner_id=shop.id + 1, now=NOW)
    for forged in (payload[:-1], payload[:-1] + ("A" if payload[-1] != "A" else "B"), "c_", "c_%%%", "https://ya.ru"):
        with pytest.raises(errors.Invalid, match="card_unreadable"):
            await cards.open(forged, now=NOW)


async def test_a_visit_is_rated_by_whoever_made_it(conn, shop):
    from tests.loyalty.test_points import accrue

    anna, boris = await make_member(conn, shop), await make_member(conn, shop)
    visit = await accrue(conn, shop, anna, 100_000)
    await talk.rate(conn, shop.id, anna.user_id, txn_id=visit.txn_id, score=10, words="Спасибо!")
    async with refused(conn, errors.Missing, "no_operation"):
        await talk.rate(conn, shop.id, boris.user_id, txn_id=visit.txn_id, score=0)
    [rating] = await talk.ratings(conn, shop.id)
    assert (rating.score, rating.words, rating.name) == (10, "Спасибо!", "Анна")


async def test_clients_and_shop_write_to_each_other(conn, shop):
    anna = await make_member(conn, shop)
    other = await make_shop(conn)
    await talk.write(conn, shop.id, anna.user_id, "Вы открыты?")
    await talk.reply(conn, shop.id, anna.id, shop.cashier.id, "Да, до девяти")
    assert [said.words for said in await talk.messages(conn, shop.id)] == ["Да, до девяти", "Вы открыты?"]
    assert await talk.messages(conn, other.id) == []
    async with refused(conn, errors.Missing, "no_member"):
        await talk.reply(conn, other.id, anna.id, other.owner.id, "Привет")


async def test_favourites_are_a_persons_own(conn, shop):
    anna, boris = await make_client(conn), await make_client(conn)
    await talk.set_favourite(conn, anna.id, shop.id, liked=True)
    assert await talk.favourites(conn, anna.id) == [shop.id]
    assert await talk.favourites(conn, boris.id) == []


async def test_the_catalogue_has_approved_shops_only(conn, shop):
    pending = await partners.apply(conn, shop.owner.id, title="Новая", city="Казань", category="cafe")
    found = [one.id for one in await partners.list_approved(conn, city="Казань", category="cafe", limit=1000)]
    assert shop.id in found
    assert pending not in found
    assert [one.id for one in await partners.list_by_status(conn, "pending", after=pending - 1)] == [pending]


async def test_a_birthday_is_a_day_and_a_month(conn):
    user = await make_client(conn)
    await members.change_client(conn, user.id, birthday="7.03")
    client = await members.get_client(conn, user.id)
    assert client is not None
    assert client.birthday == "03-07"
    for words in ("31.02", "7 мартобря", "", "1.13", "٧.٣"):
        async with refused(conn, errors.Invalid, "birthday_unclear"):
            await members.change_client(conn, user.id, birthday=words)


def test_the_life_of_a_card_is_minutes():
    assert timedelta(minutes=1) <= cards.LIFE <= timedelta(minutes=10)
