"""The data files that the owner edits are whole, dated, and say no more than they know."""

import re
import string
from datetime import date
from pathlib import Path

import pytest

from ops.neon.assess import catalog, moving, tables
from ops.neon.assess.words import LANGUAGES, Words
from tests.ops.neon.assess.lab import TODAY

PROVIDERS = sorted(tables.prices()["providers"])
SOURCES = "".join(path.read_text(encoding="utf-8") for path in Path("ops/neon/assess").glob("*.py"))
SENTENCES = {key: pair for key, pair in tables.read("words").items() if key != "_"}
# Families of keys that the program puts together: `rule.` + a rule's name.
FAMILIES = {family.split(".")[0] for family in re.findall(r"""words\(f["']([a-z_.]+)\{""", SOURCES)}


def test_prices_extensions_and_limits_know_the_same_providers():
    assert sorted(tables.read("extensions")["providers"]) == PROVIDERS
    assert sorted(tables.limits()["providers"]) == PROVIDERS


@pytest.mark.parametrize("table", ["prices", "extensions", "limits"])
@pytest.mark.parametrize("provider", PROVIDERS)
def test_each_entry_has_its_source_and_a_date_that_has_been(table, provider):
    entry = tables.read(table)["providers"][provider]
    assert entry["source"].strip()
    assert date(2025, 1, 1) < date.fromisoformat(entry["as_of"]) <= TODAY


@pytest.mark.parametrize("provider", PROVIDERS)
def test_an_extension_has_one_answer(provider):
    entry = tables.read("extensions")["providers"][provider]
    names = [*entry["yes"], *entry["until"], *entry["care"], *entry["no"]]
    assert len(names) == len(set(names))
    assert entry["yes"] == sorted(entry["yes"])


@pytest.mark.parametrize(
    ("name", "provider", "major", "answer"),
    [
        ("pg_trgm", "neon", 17, ("yes", "")),
        ("vector", "neon", 18, ("yes", "")),
        ("pgvector", "neon", 17, ("yes", "")),
        ("plv8", "supabase", 15, ("yes", "")),
        ("plv8", "supabase", 17, ("no", "up to Postgres 15")),
        ("timescaledb", "supabase", 17, ("no", "up to Postgres 15")),
        ("timescaledb", "aiven", 17, ("yes", "")),
        ("sslinfo", "neon", 17, ("no", "connections end at a proxy")),
        ("aiven_extras", "neon", 17, ("ask", "")),
        ("aiven_extras", "aiven", 17, ("yes", "")),
        ("a_strange_one", "rds", 17, ("ask", "")),
        ("a_strange_one", "vps", 17, ("yes", "")),
        ("pg_trgm", "nobody", 17, ("ask", "")),
    ],
)
def test_what_a_table_does_not_name_is_to_be_asked(name, provider, major, answer):
    assert tables.extension(name, provider, major) == answer


def test_a_condition_is_told_with_its_name():
    answer, remark = tables.extension("pg_cron", "neon", 17)
    assert answer == "care"
    assert "awake" in remark


def test_an_entry_grows_old_after_its_days():
    as_of = date.fromisoformat(tables.prices()["providers"]["neon"]["as_of"])
    allowed = tables.prices()["old_after_days"]
    assert not tables.old("neon", date.fromordinal(as_of.toordinal() + allowed))
    assert tables.old("neon", date.fromordinal(as_of.toordinal() + allowed + 1))


def test_ages_name_every_entry():
    named = [(table, provider) for table, provider, *_ in tables.ages(TODAY)]
    assert sorted(named) == sorted((table, name) for table in ("prices", "extensions") for name in PROVIDERS)
    assert all(days >= 0 for _, _, days, _, _ in tables.ages(TODAY))


def test_each_feature_that_is_looked_for_has_a_remedy():
    told = {"encoding", "newer_version", "extension_refused", "extension_unknown", "extension_conditions"}
    assert set(tables.features()) == set(catalog.FEATURES) | told


@pytest.mark.parametrize("name", sorted(tables.features()))
def test_a_feature_is_graded_and_spoken_of_in_both_languages(name):
    entry = tables.features()[name]
    assert entry["grade"] in moving.GRADES
    assert {*entry.get("by", {})} <= {*PROVIDERS}
    assert {*entry.get("by", {}).values()} <= {*moving.GRADES}
    assert isinstance(entry["online"], bool)
    for language in LANGUAGES:
        title, remedy = Words(language).feature(name)
        assert title[0].isupper() or not title[0].isalpha()
        assert remedy.endswith(".")
        assert re.search("[а-яё]", title + remedy) is None or language == "ru"


def blanks(said):
    return {name for _, name, _, _ in string.Formatter().parse(said) if name is not None}


def test_a_sentence_has_both_languages_with_the_same_blanks():
    assert SENTENCES
    assert [key for key, pair in SENTENCES.items() if len(pair) != len(LANGUAGES)] == []
    assert [key for key, (english, russian) in SENTENCES.items() if blanks(english) != blanks(russian)] == []
    assert [key for key, (english, _) in SENTENCES.items() if re.search("[А-Яа-яЁё]", english)] == []
    assert [key for key, pair in SENTENCES.items() if any("  " in said for said in pair)] == []


def test_no_sentence_is_left_over():
    used = {key for pair in re.findall(r"""(?="([^"\n]+)")|(?='([^'\n]+)')""", SOURCES) for key in pair}
    assert [key for key in SENTENCES if key not in used and key.split(".")[0] not in FAMILIES] == []


def test_the_ends_of_support_follow_the_versions():
    ends = {key: value for key, value in tables.limits()["end_of_life"].items() if key.isdigit()}
    days = [date.fromisoformat(ends[key]) for key in sorted(ends, key=int)]
    assert days == sorted(days)
    assert {"14", "15", "16", "17", "18"} <= set(ends)


def test_the_load_has_bounds_for_each_of_its_levels():
    load = tables.limits()["load"]
    assert [str(level) for level in load["levels"]] == list(load["room"])
    assert all(room >= int(level) + 1 for level, room in load["room"].items()), "the watcher needs one as well"
    assert load["seconds"] <= 3
    assert load["statement_timeout_ms"] <= 5000


@pytest.mark.parametrize(
    "provider", [name for name in PROVIDERS if tables.prices()["providers"][name]["kind"] == "plans"]
)
def test_sizes_grow_with_their_price(provider):
    sizes = tables.prices()["providers"][provider]["sizes"]
    for key in ("memory_gb", "monthly"):
        assert [one[key] for one in sizes] == sorted(one[key] for one in sizes)
