"""The sections of the page, one by one."""

import re

import pytest

from ops.neon.assess import panels, tables
from ops.neon.assess.catalog import Extension
from ops.neon.assess.figures import GB
from ops.neon.assess.pace import Level
from ops.neon.assess.wire import Wire
from ops.neon.assess.words import Words
from tests.ops.neon.assess.lab import (
    NEON,
    SERVER,
    make_activity,
    make_catalog,
    make_found,
    make_server,
    make_study,
    make_table,
    with_extension,
    with_feature,
)

EN, RU = Words("en"), Words("ru")


def cells(html):
    """Return the rows of a table as the texts of their cells."""
    rows = re.findall(r"<tr class=[^>]*>(.*?)</tr>", html)
    texts = [
        [re.sub(r"<[^>]+>", "|", cell).strip("|") for cell in re.findall(r"<td[^>]*>(.*?)</td>", row)] for row in rows
    ]
    return {row[0].split("|")[0]: row[1:] for row in texts}


def test_what_was_measured_has_a_column_for_each_database_and_the_source():
    made = make_study(make_found(), others=[make_found(NEON)])
    rows = cells(panels.measured(made, EN))
    assert rows["Postgres"] == ["17.4", "17.4", "server_version"]
    assert rows["provider"] == ["Aiven", "Neon", "the host&#x27;s name"]
    assert rows["select 1, p50 / p95 / p99"][0] == "12 ms / 14 ms / 19 ms"


def test_on_a_phone_a_cell_says_of_which_database_it_is():
    one, two = make_study(), make_study(make_found(), others=[make_found(NEON)])
    assert "data-label" not in panels.measured(one, EN)
    assert 'data-label="owner@***.neon.tech/shop">17.4</td>' in panels.measured(two, EN)
    assert 'data-label="Supabase"' in panels.extensions(one, EN)


def test_the_time_of_a_connect_is_split():
    drawn = panels.measured(make_study(), EN)
    titles = re.findall(r"<title>((?:TCP|TLS|Postgres): [^<]*)</title>", drawn)
    assert titles == ["TCP: 12 ms", "TLS: 25 ms", "Postgres: 23 ms"]


@pytest.mark.parametrize(
    "more",
    [
        {"connects": None},
        {"wire": None},
    ],
)
def test_a_connect_that_was_not_measured_is_not_drawn(more):
    assert EN("part.connecting") not in panels.measured(make_study(make_found(SERVER, **more)), EN)


def test_a_socket_has_no_road_to_split():
    drawn = panels.measured(make_study(make_found("postgresql:///shop", wire=Wire("socket"))), EN)
    assert "<title>Postgres: 60 ms</title>" in drawn


def test_a_load_that_was_left_out_is_not_drawn():
    assert EN("part.load") not in panels.measured(make_study(make_found(levels=[])), EN)
    assert EN("part.load") in panels.measured(make_study(make_found(levels=[Level(1, 50.0)])), EN)


def test_the_cheapest_stands_first_and_what_has_no_price_is_no_bar():
    drawn = panels.costs(make_study(), EN)
    bars = re.findall(r'<text x="0"[^>]*>([^<]*)<title>', drawn)
    assert bars[0].startswith("Neon")
    assert not any(label.startswith("A server of your own") for label in bars)
    prices = [float(price) for price in re.findall(r'class="number">\$([\d.]+)<', drawn)]
    assert prices == sorted(prices)


def test_the_aim_is_marked_and_the_place_of_today_has_its_colour():
    drawn = panels.costs(make_study(make_found(), pays=75.0), EN)
    assert len(re.findall(r'<tr class="aim">', drawn)) == 1
    assert len(re.findall(r'<rect [^>]*class="aim"', drawn)) == 1
    assert len(re.findall(r'<rect [^>]*class="here"', drawn)) == 1


def test_who_is_out_is_told_beside_the_price():
    rows = cells(panels.costs(make_study(make_found(), pays=75.0), EN))
    assert set(rows) == {entry["title"] for entry in tables.prices()["providers"].values()}
    assert "you are here" in panels.costs(make_study(make_found()), EN)


def test_what_stands_in_the_way_has_its_grade_and_remedy():
    rows = cells(panels.way(make_study(make_found(SERVER, with_feature("keyless", "app.log"))), EN))
    grade, remedy = rows["Tables without a key"]
    assert grade == "to do"
    assert remedy.startswith("Replication refuses their updates")


def test_a_free_way_says_that_nothing_was_found():
    assert panels.way(make_study(make_found(SERVER)), EN) == "<p>none found</p>"
    assert panels.way(make_study(make_found(SERVER)), RU) == "<p>ничего не нашли</p>"


def test_each_rule_shows_its_input_limit_and_outcome():
    rows = cells(panels.rules(make_study(make_found(), pays=75.0), EN))
    assert rows[EN("rule.connect")] == ["80 ms", "&gt; 150 ms", "no"]
    assert rows[EN("rule.price")][2] == "yes"
    assert rows["Aiven"] == ["you are here"]


def test_an_unknown_input_is_called_unknown():
    rows = cells(panels.rules(make_study(make_found(SERVER, connects=None)), RU))
    assert rows[RU("rule.connect")] == ["–", "&gt; 150 мс", "неизвестно"]


def test_the_largest_tables_stand_first_with_their_growth():
    many = [make_table(f"t{n}", bytes=n * GB, index_bytes=0) for n in range(1, 20)]
    drawn = panels.largest(make_study(make_found(catalog=make_catalog(tables=many))), EN)
    labels = re.findall(r"<title>(public\.t\d+)</title>", drawn)
    assert labels == [f"public.t{n}" for n in range(19, 19 - panels.MOST_TABLES, -1)]
    assert "19 GB, +1.9 GB" in drawn


def test_young_statistics_tell_no_growth():
    young = make_catalog(activity=make_activity(seconds=60.0))
    assert "+" not in panels.largest(make_study(make_found(catalog=young)), EN)


@pytest.mark.parametrize(
    ("name", "major", "answers"),
    [
        ("pg_trgm", 17, ["yes"] * 6),
        ("a_strange_one", 17, ["unknown"] * 5 + ["yes"]),
        ("timescaledb", 17, ["yes", "no", "yes", "unknown", "unknown", "yes"]),
        ("timescaledb", 15, ["yes", "yes", "yes", "unknown", "unknown", "yes"]),
    ],
)
def test_each_extension_is_looked_up_at_each_provider(name, major, answers):
    rows = cells(panels.extensions(make_study(make_found(SERVER, with_extension(name, major))), EN))
    assert [cell.split("|")[0] for cell in rows[f"{name} "]] == answers


def test_extensions_without_a_version_of_the_server_are_left_out():
    bare = make_catalog(server=None, extensions=[Extension("pg_trgm", "1.6")])
    assert panels.extensions(make_study(make_found(catalog=bare)), EN) == ""


def test_each_source_tells_its_age():
    rows = cells(panels.sources(make_study(), EN))
    assert rows["Neon, prices"][:2] == ["17\u00a0d", "yes"]
    assert len(rows) == 2 * len(tables.prices()["providers"])


def test_what_could_not_be_read_is_told_by_database():
    seen = make_found(SERVER, make_catalog(unread={"slots": "permission denied", "wal": "no such view"}))
    drawn = panels.unread(make_study(seen), EN)
    assert "permission denied" in drawn
    assert "no such view" in drawn
    assert panels.unread(make_study(), EN) == ""


def test_the_plan_follows_the_size():
    rows = cells(panels.plan(make_study(make_found(catalog=make_catalog(server=make_server(bytes=100 * GB)))), EN))
    assert rows["Dump"] == ["≈ 23 min"]
    assert rows["Restore"] == ["≈ 44 min"]
