"""An invitation ends with the right of the person who made it."""

from datetime import date, timedelta

import pytest

from lib import errors
from lib.loyalty import offers, partners, staff
from lib.office import people
from lib.people import users
from tests.factories import make_user, refused
from tests.loyalty_lab import make_shop


@pytest.fixture
async def shop(conn):
    return await make_shop(conn)


async def hire(conn, shop, role, by=None):
    person = await make_user(conn)
    await staff.accept(conn, person.id, await staff.invite(conn, shop.id, (by or shop.owner).id, role))
    return person


async def test_who_was_let_go_does_not_come_back_by_an_invitation_made_before(conn, shop):
    manager = await hire(conn, shop, "manager")
    links = [await staff.invite(conn, shop.id, manager.id, "cashier") for _ in range(2)]
    await staff.remove(conn, shop.id, shop.owner.id, manager.id)
    for person, link in zip((manager, await make_user(conn)), links, strict=True):
        async with refused(conn, errors.Conflict, "invite_void"):
            await staff.accept(conn, person.id, link)
    assert [one.user_id for one in await staff.list_all(conn, shop.id)] == [shop.owner.id, shop.cashier.id]


async def test_an_invitation_stays_void_when_its_maker_is_hired_again(conn, shop):
    manager = await hire(conn, shop, "manager")
    link = await staff.invite(conn, shop.id, manager.id, "cashier")
    await staff.remove(conn, shop.id, shop.owner.id, manager.id)
    await staff.accept(conn, manager.id, await staff.invite(conn, shop.id, shop.owner.id, "manager"))
    async with refused(conn, errors.Conflict, "invite_void"):
        await staff.accept(conn, (await make_user(conn)).id, link)
    fresh = await staff.invite(conn, shop.id, manager.id, "cashier")
    assert await staff.accept(conn, (await make_user(conn)).id, fresh) == (shop.id, "cashier")


async def test_a_manager_who_became_a_cashier_has_invited_nobody(conn, shop):
    manager = await hire(conn, shop, "manager")
    link = await staff.invite(conn, shop.id, manager.id, "cashier")
    await staff.remove(conn, shop.id, shop.owner.id, manager.id)
    await staff.accept(conn, manager.id, await staff.invite(conn, shop.id, shop.owner.id, "cashier"))
    async with refused(conn, errors.Conflict, "invite_void"):
        await staff.accept(conn, (await make_user(conn)).id, link)


@pytest.mark.parametrize("end", ["erased", "banned"])
async def test_who_was_erased_or_shut_out_has_invited_nobody(conn, shop, end):
    manager = await hire(conn, shop, "manager")
    link = await staff.invite(conn, shop.id, manager.id, "cashier")
    if end == "erased":
        await users.erase(conn, manager.id, manager.tg_id)
    else:
        await people.ban(conn, manager.id, reason="-", actor="admin:1")
    async with refused(conn, errors.Conflict, "invite_void"):
        await staff.accept(conn, (await make_user(conn)).id, link)


async def test_an_invitation_outlives_the_letting_go_of_others(conn, shop):
    manager = await hire(conn, shop, "manager")
    link = await staff.invite(conn, shop.id, shop.owner.id, "cashier")
    await staff.remove(conn, shop.id, shop.owner.id, manager.id)
    assert await staff.accept(conn, (await make_user(conn)).id, link) == (shop.id, "cashier")


async def test_a_link_takes_no_role_away_and_is_not_spent_on_who_has_as_much(conn, shop):
    manager, newcomer = await make_user(conn), await make_user(conn)
    await staff.accept(conn, manager.id, await staff.invite(conn, shop.id, shop.owner.id, "manager"))
    for maker in (shop.owner, manager):
        link = await staff.invite(conn, shop.id, maker.id, "cashier")
        for person in (shop.owner, manager, shop.cashier):
            async with refused(conn, errors.Conflict, "invite_needless"):
                await staff.accept(conn, person.id, link)
        assert (await staff.get(conn, shop.id, manager.id)).role == "manager"
    assert await staff.accept(conn, newcomer.id, link) == (shop.id, "cashier")
    rise = await staff.invite(conn, shop.id, shop.owner.id, "manager")
    assert await staff.accept(conn, newcomer.id, rise) == (shop.id, "manager")


async def test_nobody_joins_or_invites_into_a_shop_that_is_closed_for_good(conn, shop):
    manager, guest = await hire(conn, shop, "manager"), await make_user(conn)
    link = await staff.invite(conn, shop.id, manager.id, "cashier")
    await users.erase(conn, shop.owner.id, shop.owner.tg_id)
    async with refused(conn, errors.Conflict, "invite_void"):
        await staff.join(conn, guest.id, link)
    async with refused(conn, errors.Denied, "partner_gone"):
        await staff.invite(conn, shop.id, manager.id, "cashier")
    assert await staff.places(conn, guest.id) == []


async def test_nobody_invites_into_a_suspended_shop(conn, shop):
    await partners.decide(conn, shop.id, shop.owner.id, "blocked", "Жалобы")
    async with refused(conn, errors.Denied, "invites_suspended"):
        await staff.invite(conn, shop.id, shop.owner.id, "cashier")
    await partners.decide(conn, shop.id, shop.owner.id, "approved")
    assert await staff.invite(conn, shop.id, shop.owner.id, "cashier")


async def test_nobody_joins_a_suspended_shop_and_the_link_is_good_when_it_opens_again(conn, shop):
    guest = await make_user(conn)
    link = await staff.invite(conn, shop.id, shop.owner.id, "cashier")
    await partners.decide(conn, shop.id, shop.owner.id, "blocked", "Жалобы")
    async with refused(conn, errors.Conflict, "invite_suspended"):
        await staff.join(conn, guest.id, link)
    assert await staff.places(conn, guest.id) == []
    await partners.decide(conn, shop.id, shop.owner.id, "approved")
    assert await staff.accept(conn, guest.id, link) == (shop.id, "cashier")


async def told(conn, key):
    query = "select user_id, args -> 'fields' ->> 'title' from jobs where task = 'tell' and args ->> 'key' = %s"
    return await (await conn.execute(query + " order by user_id", (key,))).fetchall()


async def test_the_owner_and_the_managers_are_told_and_no_cashier(conn, shop):
    manager, former = await hire(conn, shop, "manager"), await hire(conn, shop, "manager")
    await staff.remove(conn, shop.id, shop.owner.id, former.id)
    for _ in range(2):
        await staff.tell_managers(conn, shop.id, "partner.push.mark", {"title": "Лавка"}, (), once="mark:1")
    assert await told(conn, "partner.push.mark") == [(shop.owner.id, "Лавка"), (manager.id, "Лавка")]


async def test_a_manager_who_was_shut_out_hears_nothing_and_gets_no_file(conn, shop):
    manager = await hire(conn, shop, "manager")
    await people.ban(conn, manager.id, actor="admin:1", reason="Обман")
    await staff.tell_managers(conn, shop.id, "partner.push.mark", {"title": "Лавка"}, (), once="mark:2")
    assert await told(conn, "partner.push.mark") == [(shop.owner.id, "Лавка")]
    assert await staff.manager(conn, shop.id, manager.id) is None
    await people.ban(conn, shop.owner.id, actor="admin:1", reason="Обман")
    assert await staff.managers(conn, shop.id) == [], "what a client writes would be read by nobody"
    await people.unban(conn, manager.id, actor="admin:1", reason="Ошибка")
    assert await staff.managers(conn, shop.id) == [manager.id]


async def test_a_guest_joins_and_the_owner_hears_who(conn, shop):
    guest = await make_user(conn, first_name="Вера")
    place = await staff.join(conn, guest.id, await staff.invite(conn, shop.id, shop.owner.id, "cashier"))
    assert (place.role, place.title, place.name, place.manages) == ("cashier", "Кофейня", "Вера", False)
    query = "select user_id, args -> 'fields' from jobs where task = 'tell' and args ->> 'key' = 'partner.push.joined'"
    [(user_id, fields)] = await (await conn.execute(query)).fetchall()
    assert (user_id, fields["name"], fields["role"]) == (
        shop.owner.id,
        "Вера",
        {"spoken": "partner.role.cashier"},
    )


MAY = {
    "owner": {"manager", "colleague", "cashier", "other"},
    "manager": {"cashier", "other"},
    "cashier": set(),
    "stranger": set(),
}


async def test_each_role_lets_go_and_moves_those_below_it_only(conn, shop):
    people = {"owner": shop.owner, "cashier": shop.cashier, "stranger": await make_user(conn)}
    for name, role in {"manager": "manager", "colleague": "manager", "other": "cashier"}.items():
        people[name] = await hire(conn, shop, role)
    for actor, below in MAY.items():
        for whom in people.keys() - {actor, "stranger"}:
            for work, *more in ((staff.move, "Псков"), (staff.remove,)):
                ids = (conn, shop.id, people[actor].id, people[whom].id, *more)
                if whom in below:
                    async with conn.transaction(force_rollback=True):
                        await work(*ids)
                        places = {one.user_id: one.city for one in await staff.list_all(conn, shop.id)}
                        assert places.get(people[whom].id) == (*more, None)[0], (actor, whom)
                else:
                    async with refused(conn, errors.Denied, "role_too_low"):
                        await work(*ids)


async def test_somebody_leaves_by_themselves_but_never_the_owner(conn, shop):
    await staff.remove(conn, shop.id, shop.cashier.id, shop.cashier.id)
    assert await staff.places(conn, shop.cashier.id) == []
    async with refused(conn, errors.Denied, "not_staff"):
        await staff.get(conn, shop.id, shop.cashier.id)
    async with refused(conn, errors.Denied, "role_too_low"):
        await staff.remove(conn, shop.id, shop.owner.id, shop.owner.id)


async def test_the_cities_of_a_shop_are_its_own_and_then_those_of_its_people_and_promotions(conn, shop):
    other = await hire(conn, shop, "cashier")
    for person, city in ((shop.cashier, "Псков"), (other, "псков")):
        await staff.move(conn, shop.id, shop.owner.id, person.id, city)
    today = date.today()
    fields = {"kind": "multiplier", "multiplier_bp": 20000, "starts_on": today - timedelta(days=9)}
    for city, days in (("Анапа", 1), ("Чита", -1)):
        ends_on = today + timedelta(days=days)
        made = await offers.add_promotion(
            conn, shop.id, shop.owner.id, title="Двойные", city=city, ends_on=today, **fields
        )
        await conn.execute("update promotions set ends_on = %s where id = %s", (ends_on, made))
    cities = await staff.cities(conn, shop.id)
    assert cities[0] == "Казань"
    assert [city.capitalize() for city in cities[1:]] == ["Псков", "Анапа"]
    await staff.remove(conn, shop.id, shop.owner.id, shop.cashier.id)
    await staff.move(conn, shop.id, shop.owner.id, other.id, None)
    assert await staff.cities(conn, shop.id) == ["Казань", "Анапа"]


async def test_a_job_asks_again_whether_somebody_still_manages_the_shop(conn, shop):
    manager = await hire(conn, shop, "manager")
    place, person = await staff.shop_and_manager(conn, shop.id, manager.id)
    assert (place.title, person.id) == ("Кофейня", manager.id)
    assert await staff.shop_and_manager(conn, shop.id, shop.cashier.id) is None
    await staff.remove(conn, shop.id, shop.owner.id, manager.id)
    assert await staff.manager(conn, shop.id, manager.id) is None
    await users.erase(conn, shop.owner.id, shop.owner.tg_id)
    assert await staff.manager(conn, shop.id, shop.owner.id) is None


@pytest.mark.parametrize("role", ["owner", "admin", ""])
async def test_nobody_is_invited_for_a_role_that_is_not_given_by_links(conn, shop, role):
    async with refused(conn, errors.Invalid, "unknown_role"):
        await staff.invite(conn, shop.id, shop.owner.id, role)


async def test_who_may_invite_whom(conn, shop):
    manager = await hire(conn, shop, "manager")
    await staff.invite(conn, shop.id, manager.id, "cashier")
    for actor, role in ((manager, "manager"), (shop.cashier, "cashier"), (await make_user(conn), "cashier")):
        async with refused(conn, errors.Denied, "role_too_low"):
            await staff.invite(conn, shop.id, actor.id, role)


async def test_an_invitation_is_good_for_three_days(conn, shop):
    link = await staff.invite(conn, shop.id, shop.owner.id, "cashier")
    age = "update staff_invites set created_at = created_at - %s::interval, expires_at = expires_at - %s::interval"
    await conn.execute("update staff set joined_at = joined_at - interval '9 days' where partner_id = %s", (shop.id,))
    await conn.execute(age + " where partner_id = %s", ("3 days 1 minute",) * 2 + (shop.id,))
    async with refused(conn, errors.Conflict, "invite_expired"):
        await staff.accept(conn, (await make_user(conn)).id, link)


async def test_the_people_of_a_shop_come_in_pages(conn, shop):
    everybody = sorted([shop.owner.id, shop.cashier.id, (await hire(conn, shop, "cashier")).id])
    first = await staff.list_all(conn, shop.id, limit=2)
    assert [one.user_id for one in first] == everybody[:2]
    assert [one.user_id for one in await staff.list_all(conn, shop.id, after=first[-1].user_id)] == everybody[2:]
