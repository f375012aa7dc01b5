"""The report as one file: it needs nothing from outside, and nothing in a database can break out of it."""

import json
import re
from html.parser import HTMLParser

import pytest

from ops.neon.assess import charts, page
from ops.neon.assess.catalog import Extension, Feature, Server
from ops.neon.assess.charts import Bar, Piece
from ops.neon.assess.words import Words
from tests.ops.neon.assess.lab import (
    NEON,
    SERVER,
    make_catalog,
    make_failed,
    make_found,
    make_server,
    make_study,
    make_table,
)

EN, RU = Words("en"), Words("ru")
EVIL = "<script>alert('x')</script>"
ENDING = "</script><img src=x onerror=alert(1)>"
HOSTILE = make_catalog(
    server=make_server(version=f"17 {EVIL}", encoding=ENDING),
    tables=[make_table(EVIL), make_table(ENDING, schema='"&<')],
    extensions=[Extension(EVIL, ENDING)],
    features={"keyless": Feature(2, [EVIL, ENDING]), "event_triggers": Feature(1, [EVIL])},
    unread={EVIL: ENDING},
)


class Reader(HTMLParser):
    """Collects the tags of a page, their attributes, and the text of its one script."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes, self.script, self.open = [], [], "", []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in ("meta", "br", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] == "script":
            self.script += data


@pytest.fixture(scope="module")
def hostile():
    return Reader(page.html(make_study(make_found(catalog=HOSTILE), others=[make_found(NEON)]), EN))


def test_a_name_cannot_break_out_of_the_page(hostile):
    assert hostile.tags.count("script") == 1
    assert "img" not in hostile.tags
    assert [name for _, name, _ in hostile.attributes if name.startswith("on")] == []


def test_every_tag_is_closed(hostile):
    assert hostile.open == []


def test_the_numbers_survive_hostile_names(hostile):
    numbers = json.loads(hostile.script)
    names = [table["name"] for table in numbers["databases"][0]["catalog"]["tables"]]
    assert names == [EVIL, ENDING]
    assert numbers["databases"][0]["catalog"]["server"]["encoding"] == ENDING


def test_the_script_is_data_and_never_runs(hostile):
    assert ("script", "type", "application/json") in hostile.attributes


def test_the_page_needs_nothing_from_outside():
    text = page.html(make_study(), EN)
    shown = Reader(text)
    assert not {"link", "img", "iframe", "object", "video"} & set(shown.tags)
    assert [name for _, name, _ in shown.attributes if name in ("src", "href", "action")] == []
    assert not re.search(r"url\(|@import|https?://", text)
    assert "default-src 'none'" in text


def test_the_page_is_for_dark_rooms_phones_and_paper():
    text = page.html(make_study(), EN)
    for part in ("prefers-color-scheme:dark", "max-width:640px", "@media print", "@page", "width=device-width"):
        assert part in text


@pytest.mark.parametrize("words", [EN, RU], ids=["en", "ru"])
def test_each_part_is_on_the_page(words):
    text = page.html(make_study(make_found(), pays=75.0), words)
    assert f'<html lang="{words.language}">' in text
    for part in ("measured", "costs", "rules", "out", "tables", "plan", "extensions", "sources"):
        assert words(f"part.{part}") in text
    for key in ("head.blockers", "head.confidence", "head.change", "head.cost", "head.p95", "head.pause"):
        assert words(key) in text


@pytest.mark.parametrize(
    ("made", "tone"),
    [
        (make_study(make_found(SERVER)), "stay"),
        (make_study(make_found(), pays=75.0), "move"),
        (make_failed(), "failed"),
    ],
)
def test_the_first_screen_wears_the_colour_of_its_verdict(made, tone):
    assert f'<header class="{tone}">' in page.html(made, EN)


def test_a_failure_is_a_page_as_well():
    shown = Reader(page.html(make_failed(), EN))
    assert shown.open == []
    assert json.loads(shown.script)["verdict"] is None


def test_no_page_shows_a_host_or_a_password():
    text = page.html(make_study(make_found(), others=[make_found(NEON)], target=make_found(SERVER)), EN)
    for secret in ("pa55word", "acme", "cool-frog", "12691"):
        assert secret not in text


def test_a_table_that_could_not_be_read_is_no_empty_chart():
    text = page.html(make_study(make_found(catalog=make_catalog(tables=[], unread={"tables": "timeout"}))), EN)
    assert EN("part.tables") not in text
    assert "timeout" in text


def test_a_catalogue_of_nothing_makes_a_page():
    bare = make_found(
        catalog=make_catalog(server=None, role=None, guests=None, activity=None, tables=[], extensions=[])
    )
    assert Reader(page.html(make_study(bare), EN)).open == []


def test_the_longest_bar_is_full_and_the_others_are_shares_of_it():
    drawn = charts.bars("sizes", [Bar("a", 50, "50"), Bar("b", 200, "200"), Bar("c", 0, "0")])
    assert re.findall(r'<rect x="0.00%" y="\d+" width="([\d.]+)%"', drawn) == ["25.00", "100.00", "0.40"]


def test_bars_of_nothing_draw_nothing():
    assert charts.bars("sizes", []).count("<rect") == 0
    assert 'width="0.40%"' in charts.bars("sizes", [Bar("a", 0, "0")])


def test_stacked_pieces_stand_side_by_side_on_one_scale():
    drawn = charts.stacks(
        "ways", [("a", "40", [Piece("TCP", 10, "10"), Piece("TLS", 30, "30")]), ("b", "20", [Piece("TCP", 20, "20")])]
    )
    assert re.findall(r'x="([\d.]+)%" y="\d+" width="([\d.]+)%"', drawn) == [
        ("0.00", "25.00"),
        ("25.00", "75.00"),
        ("0.00", "50.00"),
    ]


def test_a_chart_is_described_for_those_who_do_not_see_it():
    drawn = charts.bars("sizes", [Bar("orders", 5, "5 GB"), Bar("lines", 3, "3 GB")])
    assert 'role="img" aria-label="sizes: orders: 5 GB; lines: 3 GB"' in drawn


def test_a_long_label_is_cut_and_kept_for_those_who_point_at_it():
    name = "app.a_table_with_a_name_that_would_run_into_its_figure"
    drawn = charts.bars("sizes", [Bar(name, 1, "1 GB")])
    assert ">app.a_table_with_a_name_that_would_…<title>" in drawn
    assert f"<title>{name}</title>" in drawn


def test_labels_of_a_chart_are_escaped():
    drawn = charts.bars('"a"', [Bar(EVIL, 1, ENDING)]) + charts.stacks("b", [(EVIL, ENDING, [Piece(EVIL, 1, ENDING)])])
    drawn += charts.legend([EVIL])
    assert "<script" not in drawn
    assert "<img" not in drawn


def test_the_version_of_a_server_is_not_trusted():
    found = make_found(catalog=make_catalog(server=Server(**{**make_server().__dict__, "version": EVIL})))
    assert EVIL not in page.html(make_study(found), EN)
