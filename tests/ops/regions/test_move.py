"""A shop moves between two real databases: whole, once, and back while there is time."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from lib import db, errors
from lib.jobs import table
from lib.jobs.table import NewJob
from lib.loyalty import members, partners, points, talk
from lib.office import audit
from lib.people import users
from lib.regions import directory, events
from ops.neon import connect
from ops.neon.steps import State, run
from ops.regions import crossing, fence, move, numbers, tenant, verb
from tests import factories, reach_lab
from tests.assistant.request_lab import make_bakery, send
from tests.conftest import _clone, _drop
from tests.loyalty.test_points import accrue
from tests.loyalty_lab import make_client, make_member, make_service, make_shop, new_key
from tests.redis_lab import empty_redis, running_upstash  # noqa: F401
from tests.region_lab import be


@pytest.fixture(scope="module")
async def pair(server, template):
    """Two regions' databases, the second counting from its own number; each test has its own shop in them."""
    with pytest.MonkeyPatch.context() as patch:
        be(patch, "ru")
        urls = [await _clone(server, template) for _ in range(2)]
        async with connect.pinned(urls[0]) as here, connect.pinned(urls[1]) as there:
            for conn in (here, there):
                await conn.execute("set search_path = public")
                await conn.execute("set row_security = on")  # the shops of the tests are made over it, too
            assert await numbers.begin(there, "eu") > 20
            yield here, there
    for url in urls:
        await _drop(server, url)


@pytest.fixture
async def two(pair, redis, monkeypatch):
    """Be in the first region, and see both databases as their owners."""
    be(monkeypatch, "ru")
    return pair


def telling(source, target, home, region):
    """Return what has one region hear what another tells."""

    async def tell():
        for one in await events.SQL.untold.all(source, events.RegionEvent, region=region, limit=1000):
            await events.SQL.hear.one(target, bool, region=home, id=one.id, kind=one.kind, body=one.body)
            await events.SQL.told.run(source, region=region, ids=[one.id])

    return tell


@pytest.fixture
async def moving(two, tmp_path):
    """A shop of ru with a life behind it, on its way to eu; what is told is heard there."""
    here, there = two
    shop = await make_bakery(here)
    first = await make_member(here, shop, has=500)
    second = await make_member(here, shop, referrer=first)
    receipt = await accrue(here, shop, second, 100_000)
    await accrue(here, shop, first, 50_000)
    await points.reverse(here, shop.id, receipt.txn_id, shop.owner.id, key=new_key(), reason="a wrong bill")
    await make_service(here, shop)
    code = (await partners.get(here, shop.id)).code

    made = move.Move(
        *(
            here,
            there,
            State(tmp_path / "shop.json"),
            shop.id,
            code,
            "ru",
            "eu",
            ["eu"],
            telling(here, there, "ru", "eu"),
        ),
        *(directory.PLACE.clear, events.states),
        settle=0,
        tables=await tenant.tables(here),
    )
    made.cast = (shop, first, second)
    return made


async def live(moving):
    """Fill the tables of a shop that few acts fill."""
    here = moving.source
    shop, first, second = moving.cast
    third = await make_member(here, shop, has=20)
    await send(here, shop, await users.get_user(here, first.user_id))
    service = await make_service(here, shop, price=40)
    ids = {"service_id": service, "price": 40}
    await points.buy_service(here, shop.id, first.id, first.user_id, key=new_key(), **ids)
    await talk.write(here, shop.id, first.user_id, "Вы открыты?")
    await talk.set_favourite(here, second.user_id, shop.id, liked=True)
    await reach_lab.crowd(here, shop.id, 3)
    await reach_lab.written(here, shop)
    gone = await users.get_user(here, third.user_id)
    await users.erase(here, gone.id, gone.tg_id)


async def rows(conn, query, *params):
    return await (await conn.execute(query, params)).fetchall()


async def held(conn, moving):
    """Return how many rows of the shop each table has, without the empty ones."""
    found = {
        one.name: (await tenant.fingerprint(conn, one.rows(moving.shop, mapped=False)))[0] for one in moving.tables
    }
    return {name: number for name, number in found.items() if number}


async def test_a_shop_moves_whole_and_nothing_of_it_stays(moving):
    here, there = moving.source, moving.target
    shop, first, _ = moving.cast
    other = await make_shop(here)
    await make_member(here, other, has=30)
    await live(moving)
    before = await held(here, moving)
    assert len(before) > 20
    await run(move.STEPS, moving.state, moving, lambda _: None)
    assert (await held(there, moving), await held(here, moving)) == (before, {})
    assert [await audit.check(conn) for conn in (here, there)] == [[], []]
    assert (await points.balance(there, shop.id, first.id)).available == 485
    assert (
        await rows(here, "select tgname from pg_trigger where starts_with(tgname, 'a_leaving_' || %s)", moving.shop)
        == []
    )
    assert await rows(here, "select count(*) from members where partner_id = %s", other.id) == [(1,)]
    for conn in (here, there):
        assert await rows(conn, "select region from shop_regions where code = %s", moving.code) == [("eu",)]
    with pytest.raises(errors.Missing, match=f"{moving.code} is in eu"):
        await move.find(here, moving.code)


@pytest.mark.long
async def test_the_shop_goes_on_there_as_if_nothing_had_been(moving):
    there = moving.target
    shop, first, _ = moving.cast
    await run(move.STEPS, moving.state, moving, lambda _: None)
    receipt = await accrue(there, shop, first, 100_000)
    assert receipt.txn_id > directory.STRIDE
    newcomer = await make_client(there)
    joined = await members.join(there, shop.id, newcomer.id, referrer_card=first.card_no)
    assert joined.member_id > directory.STRIDE
    assert await audit.check(there) == []


@pytest.mark.long
async def test_the_chats_of_its_people_go_with_it_unless_they_have_something_else_here(moving):
    here = moving.source
    shop, first, second = moving.cast
    other = await make_shop(here)
    await members.join(here, other.id, first.user_id)
    await run(move.STEPS, moving.state, moving, lambda _: None)
    query = "select id, tg_id from users where id = any(%s)"
    known = dict(await rows(here, query, [shop.owner.id, shop.cashier.id, first.user_id, second.user_id]))
    for conn in (here, moving.target):
        placed = await rows(
            conn, "select bot, tg_id, region from chat_regions where tg_id = any(%s) order by 1, 2", [*known.values()]
        )
        assert placed == [
            ("client", known[second.user_id], "eu"),
            *(("partner", tg_id, "eu") for tg_id in sorted((shop.owner.tg_id, shop.cashier.tg_id))),
        ]


@pytest.mark.long
async def test_a_person_with_an_account_on_both_sides_has_one_there_afterwards(moving):
    here, there = moving.source, moving.target
    shop, first, _ = moving.cast
    [(tg_id,)] = await rows(here, "select tg_id from users where id = %s", first.user_id)
    twin = await factories.make_user(there, tg_id=tg_id, credits=3)
    cashier = await factories.make_user(there, tg_id=shop.cashier.tg_id)
    await run(move.STEPS, moving.state, moving, lambda _: None)
    assert twin.id > directory.STRIDE
    assert (await members.get(there, shop.id, first.id)).user_id == twin.id
    assert await rows(there, "select count(*) from users where tg_id = %s", tg_id) == [(1,)]
    query = "select user_id from staff where role = 'cashier' and partner_id = %s"
    assert await rows(there, query, shop.id) == [(cashier.id,)]
    assert await rows(there, "select balance from credit_accounts where user_id = %s", twin.id) == [(3,)]


async def test_while_it_is_on_its_way_nobody_writes_its_rows_and_others_do(moving):
    here = moving.source
    shop, first, _ = moving.cast
    other = await make_shop(here)
    member = await make_member(here, other)
    await fence.raise_(here, moving.tables, moving.shop)
    with pytest.raises(errors.Unavailable, match="moving"):
        await accrue(here, shop, first, 20_000)
    with pytest.raises(errors.Unavailable, match="moving"):
        await partners.change(here, shop.id, shop.owner.id, welcome_points=5)
    await accrue(here, other, member, 20_000)
    assert (await members.get(here, shop.id, first.id)).id == first.id
    await fence.lower(here, moving.tables, moving.shop)
    await accrue(here, shop, first, 20_000)


@pytest.mark.long
async def test_its_jobs_wait_and_run_there_once(moving):
    here, there = moving.source, moving.target
    shop, *_ = moving.cast
    own, other = new_key(), new_key()
    order = NewJob(shop.owner.id, own, {"partner_id": shop.id})
    await table.create_free_jobs(here, "sheet", [order, NewJob(shop.owner.id, other, {"partner_id": 10**6})])
    query = "select key from jobs where key = any(%s)"
    await run(move.STEPS[:2], moving.state, moving, lambda _: None)
    assert await rows(here, query, [own, other]) == [(other,)]
    await moving.tell()
    assert await rows(there, query, [own, other]) == []
    await run(move.STEPS, moving.state, moving, lambda _: None)
    assert await rows(there, "select key, user_id from jobs where task = 'sheet'") == [(own, shop.owner.id)]


@pytest.mark.long
async def test_a_move_goes_on_where_it_was_interrupted(moving):
    shop, first, _ = moving.cast
    before = await held(moving.source, moving)
    await run(move.STEPS[:4], moving.state, moving, lambda _: None)
    moving.state.forget("rows")  # it was cut off at the end of it
    await rows(moving.target, "delete from favourites returning user_id")
    told = moving.tell

    async def deaf():
        return datetime.now(UTC)

    moving.tell = deaf
    with pytest.raises(errors.Unavailable, match="not heard"):
        await run(move.STEPS, moving.state, moving, lambda _: None)
    with pytest.raises(errors.Unavailable, match="moving"):
        await accrue(moving.source, shop, first, 20_000)
    moving.tell = told
    await run(move.STEPS, moving.state, moving, lambda _: None)
    assert (await held(moving.target, moving), await held(moving.source, moving)) == (before, {})


class Interrupted(Exception):
    """Somebody has pressed Ctrl-C."""


def interrupt(monkeypatch, conn, number, *, done):
    """Break the work off at a statement of a connection, the one with this number, before or after it is done."""
    execute, left = conn.execute, iter(range(number - 1, -1, -1))

    async def execute_or_not(*args, **options):
        is_it = next(left, 1) == 0
        if is_it and not done:
            raise Interrupted
        cursor = await execute(*args, **options)
        if is_it:
            raise Interrupted
        return cursor

    monkeypatch.setattr(conn, "execute", execute_or_not)


@pytest.mark.long
async def test_a_shop_moves_there_and_back_and_each_move_goes_on_wherever_it_is_interrupted(moving, tmp_path):
    await live(moving)
    sides, homes, interrupted = {"ru": moving.source, "eu": moving.target}, ["ru", "eu"], 0
    before = await held(moving.source, moving)
    for number, at in enumerate((40, 150, 230, 300, 380, 460, 540, 600)):
        home, region = homes
        source, target = sides[home], sides[region]
        going = replace(
            moving,
            source=source,
            target=target,
            state=State(tmp_path / f"{number}.json"),
            home=home,
            region=region,
            others=[region],
            tell=telling(source, target, home, region),
        )
        for conn in (source, target):
            with pytest.MonkeyPatch.context() as patch:
                interrupt(patch, conn, at, done=number % 2 == 0)
                try:
                    await run(move.STEPS, going.state, going, lambda _: None)
                except Interrupted:
                    interrupted += 1
        if number % 4 > 1:  # another computer goes on, which knows of nothing
            going.state.path.unlink(missing_ok=True)
            going.state = State(going.state.path)
        await run(move.STEPS, going.state, going, lambda _: None)
        assert (await held(target, moving), await held(source, moving)) == (before, {})
        assert [await audit.check(conn) for conn in (source, target)] == [[], []]
        homes.reverse()
    assert interrupted > 4


@pytest.mark.long
async def test_rows_are_never_copied_over_those_of_a_shop_that_has_moved(moving, tmp_path):
    shop, first, _ = moving.cast
    await run(move.STEPS[:6], moving.state, moving, lambda _: None)
    await accrue(moving.target, shop, first, 20_000)
    after = await held(moving.target, moving)
    moving.state = State(tmp_path / "another-computer.json")
    assert "there already" in await move.rows(moving)
    with pytest.raises(errors.Conflict, match="directory says"):
        await move.back(moving)
    assert await held(moving.target, moving) == after
    await run(move.STEPS, moving.state, moving, lambda _: None)
    assert (await held(moving.target, moving), await held(moving.source, moving)) == (after, {})


async def test_what_is_left_of_a_move_is_found_by_another_computer_when_the_rows_are_gone(moving):
    here, there = moving.source, moving.target
    await run(move.STEPS[:6], moving.state, moving, lambda _: None)
    await crossing.remove(here, moving.tables, moving.shop)
    assert await verb._known(here, there, moving.code) == (moving.shop, moving.code)
    await fence.lower(here, moving.tables, moving.shop)
    with pytest.raises(errors.Missing, match="is in eu"):
        await verb._known(here, there, moving.code)


@pytest.mark.long
async def test_a_move_can_be_given_up_until_the_directory_says_it(moving):
    shop, first, _ = moving.cast
    query = "select key from jobs where args ->> 'partner_id' = %s order by 1"
    before, jobs = await held(moving.source, moving), await rows(moving.source, query, str(shop.id))
    assert jobs
    await run(move.STEPS[:5], moving.state, moving, lambda _: None)
    told = moving.tell

    async def deaf():
        return datetime.now(UTC)

    moving.tell = deaf
    with pytest.raises(errors.Unavailable, match="not heard"):
        await run(move.STEPS, moving.state, moving, lambda _: None)
    moving.tell = told
    await move.back(moving)
    assert (await held(moving.source, moving), await held(moving.target, moving)) == (before, {})
    assert await rows(moving.source, query, str(shop.id)) == jobs
    await accrue(moving.source, shop, first, 20_000)


@pytest.mark.long
async def test_sides_that_differ_are_named_and_nothing_moves(moving):
    await run(move.STEPS[:4], moving.state, moving, lambda _: None)
    await moving.target.execute("update partners set about = 'somewhere else' where id = %s", (moving.shop,))
    with pytest.raises(errors.Conflict, match="partners: 1 -> 1 rows"):
        await move.verify(moving)


async def test_what_stands_in_the_way_is_said_before_anything_is_changed(moving):
    here, there = moving.source, moving.target
    async with here.transaction(force_rollback=True), there.transaction(force_rollback=True):
        await there.execute("delete from migrations where name = (select max(name) from migrations)")
        await there.execute("alter sequence users_id_seq restart with 7")
        await factories.make_user(there)
        await here.execute(
            "insert into phone_releases (holder_id, partner_id, actor_id, reason, phone_mark, due_at)"
            " values (%(id)s, %(shop)s, %(id)s, 'lost', '', now())",
            {"id": moving.cast[0].owner.id, "shop": moving.shop},
        )
        with pytest.raises(errors.Conflict) as raised:
            await move.check(moving)
    for words in ("1 open releases", "same migrations", "there: rows count from elsewhere: public.users_id_seq"):
        assert words in str(raised.value)


async def test_two_moves_of_one_shop_exclude_each_other(moving):
    await move.lock(moving)
    other = f"host={moving.source.info.host} dbname={moving.source.info.dbname} user={moving.source.info.user}"
    async with db.connect(other) as conn:
        with pytest.raises(errors.Conflict, match="another move"):
            await move.lock(replace(moving, source=conn))


def turned(moving, tmp_path):
    """The way back of the same shop, as the other region begins it."""
    here, there = moving.source, moving.target
    return replace(
        moving,
        source=there,
        target=here,
        state=State(tmp_path / "back.json"),
        home="eu",
        region="ru",
        others=["ru"],
        tell=telling(there, here, "eu", "ru"),
    )


@pytest.mark.parametrize("steps", [4, 6], ids=["copied", "flipped"])
async def test_a_shop_whose_move_has_not_ended_is_not_moved_back(moving, tmp_path, steps):
    """The rows there may be half of them; and the first move would remove those that came back."""
    before = await held(moving.source, moving)
    await run(move.STEPS[:steps], moving.state, moving, lambda _: None)
    other = turned(moving, tmp_path)
    for step in (move.check, move.rows):
        with pytest.raises(errors.Conflict, match="from there has not ended"):
            await step(other)
    await run(move.STEPS, moving.state, moving, lambda _: None)
    assert (await held(moving.target, moving), await held(moving.source, moving)) == (before, {})
    await run(move.STEPS, other.state, other, lambda _: None)
    assert (await held(moving.source, moving), await held(moving.target, moving)) == (before, {})


async def test_rows_of_a_shop_that_is_here_again_are_not_removed(moving, tmp_path):
    """The state file of a move is no reason: the directory decides."""
    before = await held(moving.source, moving)
    await run(move.STEPS[:6], moving.state, moving, lambda _: None)
    await fence.lower(moving.source, moving.tables, moving.shop)  # by hand, as somebody in a hurry does
    other = turned(moving, tmp_path)
    await run(move.STEPS, other.state, other, lambda _: None)
    with pytest.raises(errors.Conflict, match="nothing is removed"):
        await move.clear(moving)
    assert (await held(moving.source, moving), await held(moving.target, moving)) == (before, {})


async def test_moves_of_one_shop_both_ways_exclude_each_other(moving, tmp_path):
    await move.lock(moving)
    info = moving.target.info
    async with db.connect(f"host={info.host} dbname={info.dbname} user={info.user}") as conn:
        with pytest.raises(errors.Conflict, match="another move"):
            await move.lock(replace(turned(moving, tmp_path), source=conn))


async def test_every_table_with_a_shops_rows_is_known(conn):
    named = {one.name for one in await tenant.tables(conn)} | set(tenant.NOT_OURS)
    found = await rows(
        conn,
        "select c.relname from pg_attribute a join pg_class c on c.oid = a.attrelid"
        " where a.attname = 'partner_id' and c.relkind = 'r' and not a.attisdropped",
    )
    assert {name for (name,) in found} | {"partners"} == named


async def test_every_column_that_names_a_person_is_known(conn):
    known = {(one.name, column.name) for one in await tenant.tables(conn) for column in one.columns if column.person}
    found = await rows(
        conn,
        "select c.relname, a.attname from pg_attribute a join pg_class c on c.oid = a.attrelid"
        " where c.relkind = 'r' and a.attname ~ '(user|actor|staff|owner)_id$|_by$' and a.attnum > 0"
        " and a.atttypid = 'bigint'::regtype",
    )
    tables = {name for name, _ in known}
    assert {pair for pair in found if pair[0] in tables} <= known


async def test_a_region_counts_from_its_own_number_and_the_first_as_ever(two):
    here, there = two
    assert (await factories.make_user(here)).id < directory.STRIDE
    assert (await factories.make_user(there)).id > directory.STRIDE
    assert await numbers.begin(here, "ru") == 0
    with pytest.raises(errors.Conflict, match="_id_seq"):
        await numbers.begin(here, "eu")
