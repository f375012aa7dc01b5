"""What the report says, in both languages."""

from dataclasses import replace

import pytest

from ops.neon.assess import shown, story, study
from ops.neon.assess.catalog import Extension
from ops.neon.assess.figures import GB, Spread
from ops.neon.assess.moving import Hindrance
from ops.neon.assess.pace import Connects, Level, Stop
from ops.neon.assess.pooler import Behaviour
from ops.neon.assess.wire import Wire
from ops.neon.assess.words import Words
from tests.ops.neon.assess.lab import (
    NEON,
    SERVER,
    make_activity,
    make_catalog,
    make_failed,
    make_found,
    make_role,
    make_server,
    make_study,
    with_extension,
    with_feature,
)

EN, RU = Words("en"), Words("ru")
BLOCKED = with_feature("untrusted_functions", "f(internal) in c")
SLOW = Connects(300.0, Spread(5, 140.0, 400.0, 400.0))


def values(made, label, words=EN):
    [row] = [row for row in story.rows(made, words) if row.label.startswith(label)]
    return row.values


@pytest.mark.parametrize(
    ("made", "en", "ru"),
    [
        (
            make_study(make_found(SERVER)),
            "Stay where you are: nothing that was measured is a reason to leave.",
            "Оставайтесь: среди измеренного нет причины переезжать.",
        ),
        (
            make_study(make_found(), pays=75.0),
            "Move to Neon: $75.00 a month here, ",
            "Переезжайте на Neon: $75.00 в месяц здесь, ",
        ),
        (
            make_study(make_found(SERVER, with_extension("a_strange_one")), branches=True),
            "Move to Neon once it has answered about extensions that no table knows (a_strange_one): ",
            "Переезжайте на Neon, когда там ответят про расширения, о которых таблица молчит (a_strange_one): ",
        ),
        (
            make_study(make_found(SERVER, BLOCKED, connects=SLOW), to="neon"),
            "There is reason to leave (connecting takes 400 ms), but not to Neon yet: functions in C",
            "Причина уехать есть (подключение длится 400 мс), но на Neon пока нельзя: функции на C",
        ),
        (
            make_study(make_found(SERVER, BLOCKED), to="neon"),
            "Neon is not possible yet: functions in C or an untrusted language (f(internal) in c).",
            "На Neon пока нельзя: функции на C или недоверенном языке (f(internal) in c).",
        ),
        (
            make_failed(),
            "Nothing can be said: the database could not be reached.",
            "Сказать нечего: до базы не достучались.",
        ),
    ],
)
def test_the_verdict_is_one_sentence(made, en, ru):
    assert story.headline(made, EN).startswith(en)
    assert story.headline(made, RU).startswith(ru)
    assert story.headline(made, EN).endswith(".")


def test_what_was_told_already_would_change_nothing():
    made = make_study(make_found(), to="vps", branches=True, pays=75.0)
    said = " ".join(story.changes(made, EN))
    assert "--services" in said
    assert "--branches" not in said
    assert "a bill" not in said, "the price there is unknown"
    assert "unpriced" in made.verdict.gaps


def test_a_server_of_ones_own_is_no_proper_name_in_a_sentence():
    assert (story.amid("vps", EN), story.amid("vps", RU)) == ("a server of your own", "свой сервер")
    assert (story.amid("neon", EN), story.title("vps", EN)) == ("Neon", "A server of your own")


def test_three_numbers_stand_on_the_first_screen():
    (cost, p95, pause) = story.numbers(make_study(make_found(), pays=75.0), EN)
    assert cost[1].startswith("$75.00 → $")
    assert cost[2] == "Aiven → Neon, Launch, 0.25 CU"
    assert p95[1:] == ("14 ms", "TCP connect (one round trip): 12 ms")
    assert pause[1] == "≈ 58 s"
    assert pause[2] == "offline: wal_level is not logical, the role has no REPLICATION"


def test_a_target_that_was_measured_stands_beside_the_first():
    made = make_study(make_found(), target=make_found(NEON, answers=Spread(300, 20.0, 24.0, 30.0)))
    assert story.numbers(made, EN)[1][1] == "14 ms → 24 ms"


def test_a_pause_online_is_called_so():
    able = make_catalog(role=make_role(may_replicate=True), settings={"wal_level": "logical", "max_connections": "9"})
    assert story.numbers(make_study(make_found(catalog=able)), EN)[2][1:] == ("≈ 1 s", "online")


def test_an_unknown_provider_is_todays_server():
    assert story.numbers(make_study(make_found(SERVER)), EN)[0][2].startswith("today's server → ")


def test_what_would_change_a_stay_are_the_rules_that_did_not_fire():
    said = story.changes(make_study(make_found(SERVER)), EN)
    assert "connecting in > 150 ms, measured where your application runs" in said
    assert "a wish for preview databases (--branches)" in said


def test_what_would_change_a_move_is_the_end_of_its_reason():
    assert story.changes(make_study(make_found(), pays=75.0), EN) == ["the real bill, given with --pays"]


def test_the_first_names_stand_for_all():
    many = Hindrance("keyless", "work", 40, [f"t{n}" for n in range(20)], False)
    few = Hindrance("keyless", "work", 2, ["a", "b"], False)
    assert story.names(many, EN, 3) == "t0, t1, t2, and 37 more"
    assert story.names(many, RU, 2) == "t0, t1, и ещё 38"
    assert story.names(few, EN) == "a, b"


def test_a_criterion_that_nobody_could_measure_is_left_out():
    made = make_study(make_found(SERVER, levels=[], pooler=None, wire=Wire("socket")))
    labels = [row.label for row in story.rows(made, EN)]
    assert "what answers" not in labels
    assert "TCP connect (one round trip)" not in labels
    assert "size" in labels


@pytest.mark.parametrize(
    ("wire", "said"),
    [
        (Wire("socket"), "local socket"),
        (Wire("tcp", tcp_ms=1.0), "none offered"),
        (Wire("tcp", tcp_ms=1.0, tls="TLSv1.3", certificate="trusted"), "TLSv1.3, trusted certificate"),
        (Wire("tcp", tcp_ms=1.0, tls="TLSv1.2", certificate="self-signed"), "TLSv1.2, self-signed"),
    ],
)
def test_tls_is_told_with_its_certificate(wire, said):
    assert values(make_study(make_found(SERVER, wire=wire)), "TLS") == [said]


def test_the_load_tells_where_this_program_was_the_slow_one():
    assert values(make_study(), "transactions a second at 1 / 8 / 32") == ["79 / 610 / ≥ 1\u202f800"]


def test_a_load_that_was_stopped_says_why():
    levels = [Level(1, 50.0), Level(8, stopped=Stop("room", 16, 2))]
    made = make_study(make_found(levels=levels))
    assert values(made, "transactions a second at") == ["50 / –"]
    assert values(made, "нагрузку остановили", RU) == ["8: не пробовали: нужно 16 свободных подключений, есть 2"]
    assert values(made, "the load was stopped") == ["8: not tried: 16 free connections are wanted, there are 2"]


@pytest.mark.parametrize(
    ("behaviour", "lost"),
    [
        (Behaviour("direct", True, True, True, True, True), "nothing"),
        (Behaviour("direct", True, None, None, None, None), "nothing"),
        (
            Behaviour("transaction pooler", False, True, False, False, False),
            "session settings, LISTEN, advisory locks of a session, options at the start of a session",
        ),
    ],
)
def test_what_a_connection_loses_is_listed(behaviour, lost):
    assert values(make_study(make_found(pooler=behaviour)), "a connection loses") == [lost]


def test_rates_of_young_statistics_are_not_told():
    young = make_catalog(activity=make_activity(seconds=600.0), wal_per_second=None)
    labels = {row.label for row in story.rows(make_study(make_found(catalog=young)), EN)}
    assert not labels & {"grows a month", "rows written a second", "WAL a day", "transactions a second (statistics)"}


def test_postgres_share_of_an_answer_is_never_below_nothing():
    made = make_study(make_found(answers=Spread(9, 5.0, 6.0, 7.0), wire=Wire("tcp", tcp_ms=12.0)))
    assert values(made, "of it Postgres") == ["0.00 ms"]


def test_databases_of_one_name_are_numbered_and_the_target_is_marked():
    made = make_study(make_found(SERVER), others=[make_found(SERVER)], target=make_found(NEON))
    assert [name for name, _ in made.columns] == [
        "owner@***/shop #1",
        "owner@***/shop #2",
        "→ owner@***.neon.tech/shop",
    ]


def test_the_plan_of_a_move_with_a_stop_has_its_three_long_steps():
    steps = dict(story.plan(make_study(make_found()), EN))
    assert steps["Dump"] == "≈ 14 s"
    assert steps["Restore"] == "≈ 27 s"
    assert steps["Verify"] == "≈ 13 s"
    assert steps["Switch with a stop: copy, verify, new address"] == "writes pause for ≈ 58 s"


def test_the_plan_of_a_move_online_has_a_short_switch():
    able = make_catalog(role=make_role(may_replicate=True), settings={"wal_level": "logical"})
    steps = dict(story.plan(make_study(make_found(catalog=able)), EN))
    assert "Dump" not in steps
    assert steps["Switch, online (python -m ops cutover)"] == "writes pause for ≈ 1 s"


def test_a_plan_begins_with_questions_where_there_are_any():
    first, _ = story.plan(make_study(make_found(catalog=with_extension("a_strange_one"))), EN)[0]
    assert first == "Solve the blockers, ask the provider"


def test_notes_name_what_is_old_and_assumed():
    said = "\n".join(story.notes(make_study(make_found(), others=[make_found(NEON)], offered=46), EN))
    assert "Older than 180 days" in said
    assert "Assumed: a working set of 50% of the database (--working-set)." in said
    assert "it offers 46 extensions" in said
    assert "The first address is the one in question" in said


@pytest.mark.parametrize("words", [EN, RU], ids=["en", "ru"])
def test_the_terminal_shows_every_part(words):
    made = make_study(make_found(catalog=with_feature("keyless", "app.log")), pays=75.0)
    text = shown.text(made, words)
    for part in ("measured", "costs", "rules", "out", "tables", "plan"):
        assert words(f"part.{part}") in text
    assert "app.log" in text
    assert words.feature("keyless")[1].split()[0] in text
    assert "public.orders" in text


def test_the_terminal_of_a_failure_is_the_failure():
    text = shown.text(make_failed(), EN)
    assert "! owner@***/shop: Connection refused" in text
    assert EN("verdict.failed") in text


def test_columns_of_several_databases_are_cut():
    long = Level(8, stopped=Stop("slow", 50, 812))
    made = make_study(make_found(levels=[long]), others=[make_found(NEON, levels=[long]), make_found(SERVER)])
    lines = [line for line in shown.text(made, EN).splitlines() if "the load was stopped" in line]
    assert "…" in lines[0]
    assert len(lines[0]) < 160


def test_what_could_not_be_read_is_told_and_not_called_none():
    made = make_study(make_found(catalog=make_catalog(unread={"slots": "permission denied"})))
    assert "slots: permission denied" in shown.text(made, EN)


def test_no_part_shows_a_host_or_a_password():
    made = make_study(make_found(), others=[make_found(NEON)], target=make_found(SERVER))
    for text in (shown.text(made, EN), str(study.dump(made))):
        for secret in ("pa55word", "acme", "cool-frog"):
            assert secret not in text


def test_the_numbers_hold_what_the_verdict_rests_on():
    dumped = study.dump(make_study(make_found(), pays=75.0))
    assert dumped["version"] == study.VERSION
    assert dumped["verdict"]["target"] == dumped["aim"] == "neon"
    assert dumped["pays"] == 75.0
    assert dumped["databases"][0]["answers"] == {"number": 300, "p50": 12.5, "p95": 14.0, "p99": 19.0}
    assert dumped["databases"][0]["catalog"]["tables"][0]["name"] == "orders"
    assert {cost["provider"] for cost in dumped["costs"]} == set(dumped["hindrances"])


def test_the_numbers_of_a_failure_have_the_same_names():
    assert set(study.dump(make_failed())) == set(study.dump(make_study()))


def test_the_aim_of_a_stay_is_the_best_price():
    assert make_study(make_found(SERVER)).aim == "neon"
    assert make_study(make_found(SERVER), to="rds").aim == "rds"


def test_extensions_and_growth_read_in_their_units():
    grown = make_catalog(server=make_server(bytes=3 * GB), extensions=[Extension("x", "1")])
    made = make_study(make_found(catalog=grown))
    [table] = grown.tables
    assert values(made, "size") == ["3 GB"]
    assert values(made, "WAL a day") == ["1 GB"]
    assert story.growth(made, table, EN) == "97.7 kB"
    assert story.growth(replace(made, found=[make_found(catalog=make_catalog(activity=None))]), table, EN) == "–"


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("12 ms / 0.24 ms", "12 мс / 0.24 мс"),
        ("1.16 GB", "1.16 ГБ"),
        ("≈ 5.4 s", "≈ 5.4 с"),
        ("181\u00a0d", "181\u00a0дн."),
        ("table s1 d", "table s1 дн."),
        ("> 4 h", "> 4 ч"),
        ("12 msec", "12 msec"),
        ("no digits ms", "no digits ms"),
    ],
)
def test_units_are_of_the_language(said, expected):
    assert RU.units(said) == expected
    assert EN.units(said) == said


def test_a_price_without_a_rate_or_a_size_says_what_is_missing():
    made = make_study(make_found(catalog=make_catalog(server=make_server(bytes=100 * GB))))
    assert story.how(made.cost("aiven"), made, EN) == [
        "the table has no size with 66.7 GB of memory and 100 GB of disk"
    ]
    small = make_study()
    assert story.how(small.cost("vps"), small, RU)[-1].startswith("плюс 2 ч в месяц того, кто присматривает")
    assert story.title("vps", RU) == "Свой сервер"
    assert story.title("vps", EN) == "A server of your own"
