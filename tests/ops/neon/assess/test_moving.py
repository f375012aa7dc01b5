"""What stands in the way at whom, and how long writes would have to wait."""

import pytest

from ops.neon.assess import moving, tables
from ops.neon.assess.catalog import Offer
from ops.neon.assess.figures import GB
from tests.ops.neon.assess.lab import make_catalog, make_role, make_server, with_extension, with_feature

MODEL = tables.limits()["pause"]


def grades(catalog, provider, offer=None):
    return {one.key: one.grade for one in moving.hindrances(catalog, provider, offer)}


def test_nothing_stands_in_the_way_of_a_plain_database():
    assert grades(make_catalog(), "neon") == {}


@pytest.mark.parametrize(
    ("feature", "provider", "grade"),
    [
        ("untrusted_functions", "neon", "blocker"),
        ("untrusted_functions", "rds", "blocker"),
        ("untrusted_functions", "vps", "note"),
        ("event_triggers", "neon", "ask"),
        ("event_triggers", "vps", "note"),
        ("foreign_servers", "neon", "ask"),
        ("foreign_servers", "rds", "work"),
        ("large_objects", "neon", "work"),
        ("unlogged", "neon", "work"),
        ("keyless", "neon", "work"),
        ("views_over_policies", "supabase", "work"),
        ("definer_functions", "vps", "note"),
        ("publications", "aiven", "note"),
        ("tablespaces", "cloudsql", "note"),
    ],
)
def test_a_feature_is_graded_by_the_provider(feature, provider, grade):
    assert grades(with_feature(feature, "one"), provider) == {feature: grade}


@pytest.mark.parametrize(
    ("name", "provider", "expected"),
    [
        ("pg_trgm", "neon", {}),
        ("sslinfo", "neon", {"extension_refused": "blocker"}),
        ("a_strange_one", "neon", {"extension_unknown": "ask"}),
        ("pg_cron", "neon", {"extension_conditions": "work"}),
        ("a_strange_one", "vps", {}),
        ("timescaledb", "supabase", {"extension_refused": "blocker"}),
    ],
)
def test_an_extension_is_looked_up(name, provider, expected):
    assert grades(with_extension(name), provider) == expected


def test_an_unknown_extension_is_never_called_missing():
    [found] = moving.hindrances(with_extension("a_strange_one"), "neon")
    assert found.grade == "ask"
    assert found.names == ["a_strange_one"]


def test_a_remark_stands_behind_the_name():
    [found] = moving.hindrances(with_extension("timescaledb"), "supabase")
    assert found.names == ["timescaledb (up to Postgres 15)"]


def test_a_target_that_was_asked_is_believed_before_the_table():
    offer = Offer(frozenset({"plpgsql", "a_strange_one"}), frozenset())
    assert grades(with_extension("a_strange_one"), "neon", offer) == {}
    assert grades(with_extension("pg_trgm"), "neon", offer) == {"extension_refused": "blocker"}


def test_what_a_target_has_but_does_not_allow_is_refused():
    offer = Offer(frozenset({"plpgsql", "dblink", "plperl"}), frozenset({"plperl"}))
    assert offer.has("plperl")
    assert not offer.has("dblink")
    assert offer.has("plpgsql"), "it is there from the start"


def test_a_newer_version_does_not_restore_into_an_older_one():
    newest = max(tables.limits()["providers"]["supabase"]["versions"])
    found = make_catalog(server=make_server(number=(newest + 1) * 10000))
    assert grades(found, "supabase") == {"newer_version": "blocker"}


@pytest.mark.parametrize(
    ("here", "there", "blocked"),
    [
        (17, 17, False),
        (16, 18, False),
        (18, 17, True),
        (17, 16, True),
    ],
)
def test_a_target_that_was_asked_tells_its_own_version(here, there, blocked):
    """Neon offers 18, but this project of it may have been made with 17."""
    offer = Offer(frozenset({"plpgsql"}), major=there)
    found = grades(make_catalog(server=make_server(number=here * 10000)), "neon", offer)
    assert found == ({"newer_version": "blocker"} if blocked else {})


def test_another_encoding_is_work():
    assert grades(make_catalog(server=make_server(encoding="LATIN1")), "neon") == {"encoding": "work"}


def test_the_worst_comes_first():
    found = with_feature("untrusted_functions", "f()")
    found.features |= with_feature("publications", "p").features | with_feature("event_triggers", "e").features
    found.features |= with_feature("unlogged", "u").features
    assert [one.grade for one in moving.hindrances(found, "neon")] == ["blocker", "ask", "work", "note"]


def test_all_are_counted_though_few_are_named():
    [found] = moving.hindrances(with_feature("keyless", "a", "b", total=40), "neon")
    assert (found.total, found.names) == (40, ["a", "b"])


def test_the_pause_offline_is_the_sum_of_its_steps():
    found = moving.pause(make_catalog(server=make_server(bytes=10 * GB)))
    assert found.dump == pytest.approx(10 * MODEL["dump_s_per_gb"])
    assert found.restore == pytest.approx(10 * MODEL["restore_s_per_gb"])
    assert found.verify == pytest.approx(10 * MODEL["verify_s_per_gb"])
    assert found.offline == pytest.approx(found.dump + found.restore + found.verify + MODEL["switch_s"])
    assert found.best == found.offline


def test_the_base_that_was_measured_would_pause_about_a_minute():
    found = moving.pause(make_catalog(server=make_server(bytes=round(1.16 * GB))))
    assert 60 < found.offline < 70


def test_the_pause_online_does_not_depend_on_the_size():
    able = {"role": make_role(may_replicate=True), "settings": {"wal_level": "logical"}}
    small = moving.pause(make_catalog(**able))
    large = moving.pause(make_catalog(server=make_server(bytes=900 * GB), **able))
    assert small.against_online == []
    assert small.online == large.online == MODEL["online_s"]
    assert large.best == MODEL["online_s"]


@pytest.mark.parametrize(
    ("more", "against"),
    [
        ({}, ["wal_level", "no_right"]),
        ({"settings": {"wal_level": "logical"}}, ["no_right"]),
        ({"role": make_role(is_superuser=True)}, ["wal_level"]),
        ({"role": make_role(may_replicate=True)}, ["wal_level"]),
        ({"server": make_server(is_standby=True)}, ["wal_level", "no_right", "standby"]),
        ({"unread": {"keyless": "permission denied"}}, ["wal_level", "no_right", "unread"]),
        ({"unread": {"slots": "permission denied"}}, ["wal_level", "no_right"]),
    ],
)
def test_what_forbids_logical_replication_is_named(more, against):
    found = moving.pause(make_catalog(**more))
    assert found.against_online == against
    assert found.online is None
