"""One database from end to end: the steps, the sample, and how busy it is said to be."""

import pytest

from dev import postgres
from lib import db
from ops.neon.assess import address, found, study, tables
from ops.neon.assess.found import Sample
from ops.neon.assess.rules import Wishes
from tests.ops.neon.assess.lab import AT, make_activity, make_catalog, make_found

DAY = 86400.0


@pytest.mark.parametrize(
    ("activity", "sample", "expected"),
    [
        (make_activity(0.5), Sample(3.0, 900.0, 0.0, None), 0.5),
        (make_activity(0.5, seconds=DAY - 1), Sample(3.0, 6.0, 0.0, None), 2.0),
        (make_activity(0.5, seconds=DAY - 1), Sample(3.0, 0.0, 0.0, None), None),
        (make_activity(0.5, seconds=60.0), None, None),
        (None, Sample(2.0, 3.0, 0.0, None), 1.5),
        (None, None, None),
    ],
)
def test_how_busy_it_is_comes_from_old_statistics_before_a_glance(activity, sample, expected):
    """A few quiet seconds are no proof of a quiet month, so they say nothing."""
    seen = make_found(catalog=make_catalog(activity=activity), sample=sample)
    assert seen.per_second == (None if expected is None else pytest.approx(expected))


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("load", [True, False])
async def test_as_many_steps_are_told_as_a_bar_is_long(obstacles, load):
    told = []
    seen = await found.database(address.read(obstacles), told.append, load=load)
    assert seen.problem is None
    assert len(told) == found.steps(load=load)
    assert len(told) == len(set(told))
    assert (told[-1] == "load by 2") is load


@pytest.mark.usefixtures("quick")
async def test_everything_is_measured(obstacles):
    seen = await found.database(address.read(obstacles), lambda _: None)
    assert seen.wire.kind == "socket"
    assert seen.connects.cold_ms > 0
    assert seen.answers.number == 5
    assert seen.pooler.mode == "direct"
    assert [level.connections for level in seen.levels] == [1, 2]
    assert seen.sample.wal_bytes >= 0
    assert seen.catalog.unread == {}


@pytest.mark.usefixtures("quick")
async def test_what_cannot_be_reached_is_told_and_not_raised():
    seen = await found.database(address.read("postgresql://bob:hunter2@127.0.0.1:1/shop"), lambda _: None)
    assert seen.problem == "bob@local/shop: Connection refused"
    assert seen.wire.problem
    assert seen.catalog.server is None


@pytest.mark.usefixtures("quick")
async def test_a_database_that_goes_away_in_the_middle_is_told(server, monkeypatch):
    url = postgres.url(server, "vanishing")
    async with db.connect(postgres.url(server)) as conn:
        await conn.execute("create database vanishing")
        gone = []

        async def vanish(*_):
            await conn.execute("drop database vanishing with (force)")
            gone.append(True)

        monkeypatch.setattr(found, "_sample", vanish)
        seen = await found.database(address.read(url), lambda _: None)
    assert gone
    assert 'database "vanishing" does not exist' in seen.problem
    assert seen.catalog.server is not None, "what was read before stays"


async def test_others_are_counted_in_the_sample_and_we_are_not(superuser):
    sample = await found._sample(superuser, 0.01)
    assert sample.transactions >= 0
    assert sample.seconds == 0.01


@pytest.mark.usefixtures("quick")
async def test_a_study_says_of_which_database_a_step_is(obstacles):
    told = []
    wanted = study.Wanted([obstacles, obstacles], Wishes(), target=obstacles, load=False)
    made = await study.make(wanted, AT, lambda number, what: told.append((number, what)))
    assert [number for number, what in told if what == "road"] == [0, 1, 2]
    assert made.verdict is not None
    assert made.offered > 0
    assert made.wishes.to == "vps", "a host that tells nothing is a server of one's own"


@pytest.mark.usefixtures("quick")
async def test_a_target_by_name_stays_that_name(obstacles):
    wanted = study.Wanted([obstacles], Wishes(to="neon"), target=obstacles, load=False)
    made = await study.make(wanted, AT, lambda *_: None)
    assert made.wishes.to == made.aim == "neon"
    refused = [one for one in made.ways["neon"] if one.key.startswith("extension")]
    assert refused == [], "the target was asked, and has all that the source has"


def test_the_steps_follow_the_levels(monkeypatch):
    before = found.steps(load=False)
    monkeypatch.setitem(tables.limits()["load"], "levels", [1, 8, 32])
    assert found.steps(load=True) == before + 3
