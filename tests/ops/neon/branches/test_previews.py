"""A preview is whole or not there, is the same however often it is asked for, and has a password of its own."""

from datetime import timedelta

import psycopg
import pytest

from dev import postgres
from lib import db, errors, migrations
from ops.neon import previews
from tests.ops.neon.branches.conftest import NOW

NAME = "preview/feature/x"


async def rows(url, query):
    async with db.connect(url) as conn:
        return [row[0] for row in await (await conn.execute(query)).fetchall()]


async def names(neon):
    return sorted(one.name for one in await neon.branches() if not one.default)


@pytest.fixture(autouse=True)
def none(monkeypatch):
    """This checkout has no migrations, so that none has to be applied to each copy."""
    monkeypatch.setattr(migrations, "available", list)


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("feature/x", NAME),
        ("refs/heads/feature/x", NAME),
        ("preview/feature/x", NAME),
        ("привет", "preview/привет"),
    ],
)
def test_a_previews_name_is_the_git_branchs(given, name):
    assert previews.name_of(given) == name


@pytest.mark.parametrize("given", ["", "preview/", "a b", "a\nb", "x" * 201, "a\x00"])
def test_what_is_no_git_branch_is_refused(given):
    with pytest.raises(errors.Invalid, match="no_git_branch"):
        previews.name_of(given)


async def test_a_second_create_finds_the_first_and_its_days_begin_again(neon, lab):
    first = await previews.create(neon, NAME, lab.wish(blank="select"))
    async with db.connect(first.direct) as conn:
        await conn.execute("create table typed_by_a_tester ()")
    lab.pass_days(10)
    second = await previews.create(neon, NAME, lab.wish(blank="drop table typed_by_a_tester"))
    assert (first.created, second.created) == (True, False)
    assert second.direct == first.direct
    assert second.branch.expires_at == NOW + timedelta(days=24)
    assert await rows(first.direct, "select 1 from pg_class where relname = 'typed_by_a_tester'") == [1]
    assert await names(neon) == [NAME]


async def test_a_preview_has_its_name_only_once_its_people_are_blanked(neon, lab):
    with pytest.raises(errors.Invalid, match="no_such_table"):
        await previews.create(neon, NAME, lab.wish(blank="update no_such_table set a = 1"))
    assert await names(neon) == [], "a copy with people in it is not left behind"
    made = await previews.create(neon, NAME, lab.wish(blank="update people set name = ''"))
    assert await rows(made.direct, "select name from people") == [""]


async def test_a_refusal_of_the_sql_tells_no_row(neon, lab):
    with pytest.raises(errors.Invalid) as raised:
        await previews.create(
            neon, NAME, lab.wish(blank="alter table people add check (name <> ''); update people set name = ''")
        )
    assert "violates check constraint" in raised.value.detail
    assert "row contains" not in str(raised.value)


async def test_a_preview_with_people_in_it_is_not_taken_for_one_without(neon, lab):
    await previews.create(neon, NAME, lab.wish())
    with pytest.raises(errors.Conflict, match="python -m ops branch reset --anonymise"):
        await previews.create(neon, NAME, lab.wish(blank="select"))
    await previews.reset(neon, NAME, lab.wish(blank="select"))
    assert not (await previews.create(neon, NAME, lab.wish(blank="select"))).created


async def test_a_run_that_was_killed_leaves_what_ends_within_the_hour(neon, lab):
    raw = await neon.create("making/feature/x-1234", await neon.parent(), lab.wish().unfinished_until)
    made = await previews.create(neon, NAME, lab.wish())
    assert made.branch.id != raw.id
    lab.pass_days(0.05)
    assert await names(neon) == [NAME]


async def test_of_two_runs_the_slower_takes_the_preview_of_the_faster(neon, lab, monkeypatch):
    faster = await lab.service.create(NAME)
    looks = iter([None])
    find = neon.find

    async def blind_at_first(name):
        return next(looks) if name == NAME and looks.__length_hint__() else await find(name)

    monkeypatch.setattr(neon, "find", blind_at_first)
    slower = await previews.create(neon, NAME, lab.wish())
    assert (slower.branch.id, slower.created) == (faster["branch"]["id"], False)
    assert await names(neon) == [NAME]


async def test_a_reset_blanks_again_and_keeps_the_address(neon, lab):
    made = await previews.create(neon, NAME, lab.wish())
    lab.pass_days(1)
    again = await previews.reset(neon, NAME, lab.wish(blank="update people set name = ''"))
    assert (again.direct, again.branch.name) == (made.direct, NAME)
    assert again.branch.expires_at == NOW + timedelta(days=15)
    assert await rows(made.direct, "select name from people") == [""]


async def test_a_reset_that_fails_leaves_no_preview(neon, lab):
    await previews.create(neon, NAME, lab.wish())
    with pytest.raises(errors.Invalid):
        await previews.reset(neon, NAME, lab.wish(blank="nonsense"))
    assert await names(neon) == []
    with pytest.raises(errors.Missing, match="python -m ops branch create"):
        await previews.reset(neon, NAME, lab.wish())


async def test_the_functions_come_by_the_pooler_with_a_password_of_this_branch(neon, lab):
    made = await previews.create(neon, NAME, lab.wish(migrate=True))
    other = await previews.create(neon, "preview/y", lab.wish(migrate=True))
    assert made.app.startswith("postgresql://lotok_app:")
    password, others = (psycopg.conninfo.conninfo_to_dict(one.app)["password"] for one in (made, other))
    assert password != others
    assert (await previews.look(neon, NAME, lab.wish(migrate=True))).app == made.app, "derived, and kept nowhere"
    assert await rows(made.app, "select current_user::text") == ["lotok_app"]
    assert made.applied == ()


@pytest.mark.long
async def test_an_edited_migration_resets_a_preview_that_may_be_renewed(neon, lab, monkeypatch):
    first, second = (migrations.Migration("0001_hats", f"create table hats ({column} text)") for column in "ab")
    monkeypatch.setattr(migrations, "available", lambda: [first])
    made = await previews.create(neon, NAME, lab.wish(migrate=True))
    assert made.applied == ("0001_hats",)
    monkeypatch.setattr(migrations, "available", lambda: [second])
    with pytest.raises(errors.Conflict, match="migration_edited"):
        await previews.create(neon, NAME, lab.wish(migrate=True))
    renewed = await previews.create(neon, NAME, lab.wish(migrate=True, renew=True))
    assert (renewed.applied, renewed.direct) == (("0001_hats",), made.direct)
    assert await rows(
        made.direct, "select attname from pg_attribute where attrelid = 'hats'::regclass and attnum > 0"
    ) == ["b"]


async def test_a_compute_that_is_not_there_yet_is_waited_for(lab, parent, server, monkeypatch):
    refusals = iter([True, True, False])
    connect = db.connect

    def sleepy(url):
        if next(refusals):
            raise errors.Unavailable("database", "the compute starts")
        return connect(url)

    monkeypatch.setattr(db, "connect", sleepy)
    async with previews._connected(postgres.url(server, parent), lab.pause) as conn:
        assert not conn.closed
    assert lab.waited == [0.5, 1.0]


async def test_a_compute_that_never_comes_leaves_no_preview(neon, lab, monkeypatch):
    def broken(url):
        raise errors.Unavailable("database", "no compute")

    monkeypatch.setattr(db, "connect", broken)
    monkeypatch.setattr(lab.service, "_copy", _nothing)
    monkeypatch.setattr(lab.service, "_drop", _nothing)
    with pytest.raises(errors.Unavailable, match="no compute"):
        await previews.create(neon, NAME, lab.wish(blank="select"))
    assert await names(neon) == []


async def _nothing(*_):
    return None
