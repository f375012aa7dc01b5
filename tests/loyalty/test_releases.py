"""A number whose holder is out of reach comes off the old account: with a reason, a day later, unless they object."""

import contextlib
from datetime import timedelta

import pytest

from lib import config, db, errors
from lib.loyalty import members, partners, releases
from lib.office import people
from lib.people import notify, users
from tests.factories import make_user, refused
from tests.loyalty_lab import NOW, make_member, make_shop
from tests.redis_lab import empty_redis, running_upstash

__all__ = ["empty_redis", "running_upstash"]

DAY = timedelta(hours=24)


@pytest.fixture
async def shop(conn):
    return await make_shop(conn)


@pytest.fixture
async def holder(conn, shop):
    return await make_member(conn, shop, name="Анна", phone="+79005550001", has=70)


async def claimed(conn, holder):
    newcomer = await make_user(conn)
    return releases.prove(newcomer.id, holder.user_id, (await members.get_client(conn, holder.user_id)).phone)


async def asked(conn, shop, holder, **more):
    fields = {"actor_id": shop.owner.id, "reason": "Номер сменил владельца", "title": "Кофейня", "now": NOW}
    by = more.pop("by", None) or await claimed(conn, holder)
    return await releases.ask(conn, holder.user_id, by=by, partner_id=shop.id, **fields | more)


async def told(conn, user_id):
    cursor = await conn.execute(
        "select args ->> 'key' from jobs where user_id = %s and task = 'tell' order by id", [user_id]
    )
    return [key for (key,) in await cursor.fetchall()]


async def phone(conn, holder):
    return (await members.get_client(conn, holder.user_id)).phone


async def test_a_number_is_free_after_a_day_and_the_cards_and_points_stay(conn, shop, holder):
    claim = await claimed(conn, holder)
    waiting = await asked(conn, shop, holder, by=claim)
    assert waiting.due_at == NOW + DAY
    assert await told(conn, holder.user_id) == ["client.release.asked"]
    assert not await releases.finish(conn, waiting.id, now=NOW + DAY - timedelta(seconds=1))
    assert await phone(conn, holder) == "+79005550001"
    assert await releases.finish(conn, waiting.id, now=NOW + DAY)
    assert await phone(conn, holder) is None
    kept = await members.get(conn, shop.id, holder.id)
    assert (kept.available, kept.phone_tail) == (70, "")
    assert await told(conn, claim.asked_for) == ["client.release.done"]
    assert not await releases.finish(conn, waiting.id, now=NOW + DAY), "once"
    await members.register(conn, claim.asked_for, name="Борис", city="Казань", phone="+79005550001")


async def test_the_trail_says_who_asked_why_and_what_became_of_it(conn, shop, holder):
    waiting = await asked(conn, shop, holder)
    await releases.finish(conn, waiting.id, now=NOW + DAY)
    deeds = {deed.action: deed for deed in await partners.trail(conn, partner_id=shop.id)}
    assert deeds["phone.release_asked"].actor_id == shop.owner.id
    assert deeds["phone.release_asked"].after["reason"] == "Номер сменил владельца"
    assert deeds["phone.released"].subject == f"user {holder.user_id}"
    assert "79005550001" not in str(deeds)


async def test_the_holder_keeps_the_number_and_the_owner_does_not_ask_again_for_a_month(conn, shop, holder):
    waiting = await asked(conn, shop, holder)
    assert await releases.keep(conn, holder.user_id, now=NOW)
    assert not await releases.keep(conn, holder.user_id, now=NOW)
    assert not await releases.finish(conn, waiting.id, now=NOW + DAY)
    assert await phone(conn, holder) == "+79005550001"
    async with refused(conn, errors.Conflict, "number_kept"):
        await asked(conn, shop, holder, now=NOW + timedelta(days=29))
    admin = await make_user(conn)
    work = {"actor_id": admin.id, "reason": "Решение по спору", "title": "Лоток", "now": NOW + timedelta(days=1)}
    await releases.ask(conn, holder.user_id, **work)


async def test_a_number_is_released_by_the_owner_only_and_once_at_a_time(conn, shop, holder):
    for other in (shop.cashier.id, (await make_user(conn)).id, (await make_shop(conn)).owner.id):
        async with refused(conn, errors.Denied, "role_too_low"):
            await asked(conn, shop, holder, actor_id=other)
    await asked(conn, shop, holder)
    async with refused(conn, errors.Conflict, "release_waits"):
        await asked(conn, shop, holder)


async def test_a_claim_is_of_one_number(conn, shop, holder):
    old = await claimed(conn, holder)
    await members.set_phone(conn, holder.user_id, "+79005550002")
    async with refused(conn, errors.Conflict, "number_moved"):
        await asked(conn, shop, holder, by=old)


async def test_a_holder_who_has_another_number_by_then_keeps_that_one(conn, shop, holder):
    waiting = await asked(conn, shop, holder)
    await members.set_phone(conn, holder.user_id, "+79005550003")
    assert not await releases.finish(conn, waiting.id, now=NOW + DAY)
    assert await phone(conn, holder) == "+79005550003"
    assert (await members.get(conn, shop.id, holder.id)).phone_tail == "0003"


async def test_a_request_ends_with_the_right_of_who_made_it(conn):
    async def erase(shop):
        await users.erase(conn, shop.owner.id, shop.owner.tg_id)

    async def shut(shop):
        await partners.decide(conn, shop.id, shop.owner.id, "blocked", reason="Жалобы")

    async def ban(shop):
        assert await people.ban(conn, shop.owner.id, actor="admin:1", reason="Обман")

    for number, lose in enumerate((erase, shut, ban)):
        shop = await make_shop(conn)
        holder = await make_member(conn, shop, phone=f"+7900555001{number}")
        claim = await claimed(conn, holder)
        waiting = await asked(conn, shop, holder, by=claim)
        await lose(shop)
        assert not await releases.finish(conn, waiting.id, now=NOW + DAY)
        assert await phone(conn, holder) == f"+7900555001{number}"
        assert await told(conn, claim.asked_for) == ["client.release.over"]
        other = await make_shop(conn)
        assert (await asked(conn, other, holder, by=claim, now=NOW + DAY)).due_at == NOW + 2 * DAY


@pytest.mark.parametrize("stays", [True, False])
async def test_an_administrator_who_is_none_any_more_releases_no_number(conn, holder, monkeypatch, stays):
    admin = await make_user(conn)
    work = {"actor_id": admin.id, "reason": "Сим-карту потеряли", "title": "Лоток", "now": NOW}
    waiting = await releases.ask(conn, holder.user_id, **work)
    monkeypatch.setenv("ADMIN_IDS", str(admin.tg_id if stays else admin.tg_id + 1))
    config.get.cache_clear()
    assert await releases.finish(conn, waiting.id, now=NOW + DAY) == stays
    assert await phone(conn, holder) == (None if stays else "+79005550001")


async def test_nothing_of_a_request_outlives_the_erasure_of_its_people(conn, shop, holder):
    await asked(conn, shop, holder)
    await users.erase(conn, holder.user_id, holder.tg_id)
    cursor = await conn.execute("select count(*) from phone_releases where holder_id = %s", [holder.user_id])
    assert await cursor.fetchone() == (0,)


@pytest.mark.usefixtures("redis")
async def test_a_code_says_who_has_proven_which_number_and_nobody_else_has_one():
    claim = releases.Claim(5, 7, "ab" * 32)
    assert await releases.claim(await releases.offer(claim)) == claim
    for guess in ("00000000", "1234", "", "release:"):
        with pytest.raises(errors.Missing, match="no_code"):
            await releases.claim(guess)


class Killed(BaseException):
    """The end of a process in the middle of its work."""


@pytest.fixture
def dies(monkeypatch):
    """Let a process end in place of the words that it tells after so many others."""

    @contextlib.asynccontextmanager
    async def dies(after):
        told = iter(range(after))
        tell = notify.tell

        async def until_then(*args, **more):
            if next(told, None) is None:
                raise Killed
            return await tell(*args, **more)

        monkeypatch.setattr(notify, "tell", until_then)
        try:
            yield
            raise AssertionError("nothing more was told")
        except Killed:
            monkeypatch.setattr(notify, "tell", tell)

    return dies


@pytest.mark.parametrize("after", [0, 1, 2])
async def test_what_is_told_is_not_lost_with_the_worker_that_would_have_told_it(database, dies, after):
    async with db.connect(database.url) as conn:
        shop = await make_shop(conn)
        holder = await make_member(conn, shop, phone="+79005550001")
        claim = await claimed(conn, holder)
        if after == 0:
            async with dies(0):
                await asked(conn, shop, holder, by=claim)
            assert await told(conn, holder.user_id) == []
        waiting = await asked(conn, shop, holder, by=claim)
        async with dies(after):
            await releases.finish(conn, waiting.id, now=NOW + DAY)
        assert await phone(conn, holder) == "+79005550001"
        assert await releases.finish(conn, waiting.id, now=NOW + DAY)
        assert await told(conn, holder.user_id) == ["client.release.asked", "client.release.gone"]
        assert await told(conn, claim.asked_for) == ["client.release.done"]
        assert await told(conn, shop.owner.id) == ["partner.release.done"]


async def test_a_no_of_the_holder_is_told_to_who_asked_or_not_taken(database, dies):
    async with db.connect(database.url) as conn:
        shop = await make_shop(conn)
        holder = await make_member(conn, shop, phone="+79005550001")
        claim = await claimed(conn, holder)
        await asked(conn, shop, holder, by=claim)
        async with dies(1):
            await releases.keep(conn, holder.user_id, now=NOW)
        assert await releases.keep(conn, holder.user_id, now=NOW)
        assert await told(conn, claim.asked_for) == ["client.release.kept"]
        assert await told(conn, shop.owner.id) == ["partner.release.kept"]
