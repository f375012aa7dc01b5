"""python -m ops assess as its user types it."""

import asyncio
import json

import pytest

from ops.__main__ import main

pytestmark = pytest.mark.usefixtures("quick")
DEAD = "postgresql://bob:hunter2@127.0.0.1:1/shop"


async def assess(*args):
    return await asyncio.to_thread(main, ["assess", *args])


async def test_a_database_is_measured_and_the_verdict_told(obstacles, capsys):
    assert await assess(obstacles) == 0
    out, err = capsys.readouterr()
    assert "Stay where you are" in out
    assert "app.<script>alert('table')</script>" in out
    assert "transactions a second at 1 / 2" in out
    assert "database 1" in err


async def test_an_address_may_be_the_name_of_a_variable(obstacles, capsys, monkeypatch):
    monkeypatch.setenv("OLD_URL", obstacles)
    assert await assess("$OLD_URL", "--no-load") == 0
    assert "postgres@local/obstacles" in capsys.readouterr().out
    assert await assess("$NO_SUCH_URL") == 1
    assert "the variable NO_SUCH_URL is not set" in capsys.readouterr().err


async def test_numbers_are_printed_alone_as_json(obstacles, capsys):
    assert await assess(obstacles, "--json", "--no-load") == 0
    out, err = capsys.readouterr()
    numbers = json.loads(out)
    assert err == ""
    [found] = numbers["databases"]
    assert found["levels"] == []
    assert found["answers"]["number"] == 5
    assert found["catalog"]["features"]["event_triggers"] == {"total": 1, "names": ["noted_drops"]}
    assert found["pooler"]["mode"] == "direct"


async def test_the_report_is_written_as_one_file(obstacles, tmp_path, capsys):
    file = tmp_path / "report.html"
    assert await assess(obstacles, "--no-load", "--html", str(file), "--lang", "ru", "--pays", "75") == 0
    assert f"отчёт в файле {file}" in capsys.readouterr().out
    text = file.read_text(encoding="utf-8")
    assert "<script>alert" not in text
    assert "Что измерено" in text
    assert [one.name for one in tmp_path.iterdir()] == ["report.html"]


async def test_a_report_that_cannot_be_written_is_one_line(obstacles, tmp_path, capsys):
    assert await assess(obstacles, "--no-load", "--html", str(tmp_path / "nowhere" / "report.html")) == 1
    assert "cannot be written: No such file or directory" in capsys.readouterr().err


async def test_a_dead_address_is_one_line_and_no_report(capsys):
    assert await assess(DEAD) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines()[-1] == "ops assess: bob@local/shop: Connection refused"
    assert "hunter2" not in err


async def test_one_dead_address_of_three_does_not_hide_the_others(obstacles, capsys):
    assert await assess(obstacles, DEAD, obstacles, "--no-load") == 1
    out, err = capsys.readouterr()
    assert "! bob@local/shop: Connection refused" in out
    assert "Stay where you are" in out
    assert "#1" in out
    assert "#3" in out
    assert err.count("Connection refused") == 1


async def test_a_dead_first_address_leaves_nothing_to_decide(obstacles, capsys):
    assert await assess(DEAD, obstacles, "--no-load", "--json") == 1
    numbers = json.loads(capsys.readouterr().out)
    assert numbers["verdict"] is None
    assert numbers["databases"][0]["problem"] == "bob@local/shop: Connection refused"
    assert numbers["databases"][1]["problem"] is None


async def test_a_target_is_asked_itself(obstacles, capsys):
    assert await assess(obstacles, "--target", obstacles, "--no-load", "--json") == 0
    numbers = json.loads(capsys.readouterr().out)
    assert numbers["target_offers"] > 0
    assert numbers["target"]["levels"] == []
    assert numbers["wishes"]["to"] == "vps"


async def test_a_dead_target_is_told_and_the_tables_speak(obstacles, capsys):
    assert await assess(obstacles, "--target", DEAD, "--no-load", "--json") == 1
    numbers = json.loads(capsys.readouterr().out)
    assert numbers["target_offers"] is None
    assert numbers["verdict"] is not None


async def test_wishes_reach_the_rules(obstacles, capsys):
    assert await assess(obstacles, "--no-load", "--json", "--branches", "--pays", "90", "--working-set", "3") == 0
    numbers = json.loads(capsys.readouterr().out)
    assert numbers["verdict"]["target"] == "neon", "nobody else has branches, though all refuse functions in C"
    assert numbers["verdict"]["kind"] == "mend"
    assert numbers["pays"] == 90.0
    assert numbers["need"]["working_set_gb"] == 3.0


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("nonsense", "write postgresql://user:password@host/db"),
        ("postgresql://bob:hunter2@[::1/shop", "an address cannot be read"),
    ],
)
async def test_an_address_that_cannot_be_read_is_one_line(url, said, capsys):
    assert await assess(url) == 1
    err = capsys.readouterr().err
    assert said in err
    assert "hunter2" not in err
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize(
    "args",
    [
        [],
        ["postgresql:///x", "--pays", "much"],
        ["postgresql:///x", "--pays", "-1"],
        ["postgresql:///x", "--pays", "nan"],
        ["postgresql:///x", "--to", "nobody"],
        ["postgresql:///x", "--lang", "de"],
    ],
)
def test_wrong_usage_ends_with_two(args):
    with pytest.raises(SystemExit) as ended:
        main(["assess", *args])
    assert ended.value.code == 2


def test_the_help_has_an_example(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["assess", "--help"])
    assert ended.value.code == 0
    assert "python -m ops assess '$OLD_URL' --target '$NEW_URL'" in capsys.readouterr().out
