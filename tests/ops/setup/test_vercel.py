"""What the wizard reads from Vercel and hands over, with a program in place of Vercel's command line."""

import os
import subprocess

import pytest

from lib import config
from ops import envfile
from ops.setup import steps, vercel
from ops.setup.wizard import Wizard

# It keeps production's variables in a folder, as files; those called *SECRET* or *TOKEN* it shows to nobody.
PROGRAM = """#!/bin/sh
cd "$(dirname "$0")"
echo "$@" >> asked
[ ! -e refuses ] || { echo "Error: The specified token is not valid." >&2; exit 1; }
case "$1 $2" in
    "env add") cat > "kept/$3" ;;
    "env pull")
        echo "# Created by Vercel CLI" > "$3"
        for one in kept/*; do
            [ -e "$one" ] || continue
            name=$(basename "$one")
            case $name in
                *SECRET* | *TOKEN*) echo "$name=\\"[SENSITIVE]\\"" >> "$3" ;;
                *) echo "$name=\\"$(cat "$one")\\"" >> "$3" ;;
            esac
        done ;;
esac
"""


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A folder that is linked to a project, with the program in sight; return what production has."""
    for name in {
        *steps.SECRETS,
        *steps.WANTED,
        "LOTOK_DATABASE_URL",
        "DATABASE_URL",
        "STUDIO_BOT_TOKEN",
        "SHOP",
        "KIE_API_KEY",
        *steps.READ_TOO.values(),
    }:
        monkeypatch.setenv(name, "")
    program = tmp_path / "bin/vercel"
    program.parent.mkdir()
    program.write_text(PROGRAM.replace("\\\\", "\\"))
    program.chmod(0o755)
    (tmp_path / "bin/kept").mkdir()
    (tmp_path / vercel.LINK).parent.mkdir()
    (tmp_path / vercel.LINK).write_text("{}")
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{os.environ['PATH']}")
    monkeypatch.chdir(tmp_path)
    config.get.cache_clear()
    yield tmp_path / "bin"
    config.get.cache_clear()


def kept(project):
    return {path.name: path.read_text() for path in (project / "kept").iterdir()}


def wizard(**changes):
    return Wizard(**{"asks": False, "prints": False, "hands_over": True} | changes)


def test_what_is_read_from_vercel_needs_no_answer_and_no_handing_over(project):
    (project / "kept/PUBLIC_URL").write_text("https://lotok.example")
    (project / "kept/ADMIN_IDS").write_text("5")
    one = wizard()
    steps.found(one)
    assert (os.environ["PUBLIC_URL"], one.theirs) == (
        "https://lotok.example",
        {"PUBLIC_URL": "https://lotok.example", "ADMIN_IDS": "5"},
    )
    steps.keep(one)
    assert one.left == []


def test_the_wizard_speaks_of_production_before_it_has_a_file(project, monkeypatch):
    monkeypatch.setenv("LOTOK_ENV", "")
    monkeypatch.setenv("VERCEL_ENV", "")
    assert steps.found(wizard(file=project / "none"))
    assert config.get().environment == "production"


def test_what_vercel_told_is_kept_for_the_other_verbs_and_a_try_keeps_nothing(project):
    (project / "kept/DATABASE_URL_UNPOOLED").write_text("postgresql://the-integrations")
    steps.found(wizard(dry=True))
    assert not envfile.PULLED.exists()
    steps.found(wizard())
    assert envfile.read(envfile.PULLED) == {"DATABASE_URL_UNPOOLED": "postgresql://the-integrations"}
    assert envfile.PULLED.stat().st_mode & 0o777 == 0o600


def test_what_was_made_is_handed_over_and_what_waits_from_before(project):
    """A run that ended between the file and Vercel is gone on with by the next one."""
    file = project.parent / ".env.production"
    envfile.write(
        file, {"CRON_SECRET": "of-the-run-before", "ADMIN_IDS": "5, 6", "VERCEL_URL": "theirs", "STRANGE": "1"}
    )
    one = wizard(file=file)
    steps.found(one)
    one.put("WEBHOOK_SECRET", "made-just-now")
    steps.keep(one)
    assert kept(project) == {"WEBHOOK_SECRET": "made-just-now", "CRON_SECRET": "of-the-run-before", "ADMIN_IDS": "5, 6"}
    assert [line["mend"] for line in one.left] == ["vercel deploy --prod"]
    again = wizard(file=file)
    steps.found(again)
    steps.keep(again)
    assert (again.left, again.waits) == ([], False)


@pytest.mark.parametrize("written", ["[SENSITIVE]", ""])
def test_what_an_integration_hides_is_named_one_by_one_with_where_it_is(project, written, monkeypatch):
    """On a first run there is no file to bring along from elsewhere."""
    monkeypatch.setenv("LOTOK_ENV", "production")
    monkeypatch.setenv("STORAGE_TYPE", "")
    for name in ("DATABASE_URL_UNPOOLED", "KV_REST_API_TOKEN", "BLOB_READ_WRITE_TOKEN"):
        (project / "kept" / name).write_text("theirs")
    hides(project, written)
    one = wizard(file=project.parent / ".env.production")
    steps.found(one)
    steps.settings(one)
    left = {line["what"].removesuffix(" but shows it to nobody"): line["mend"] for line in one.left}
    assert "Connection pooling off" in left["Vercel has DATABASE_URL_UNPOOLED"]
    assert "a line UPSTASH_REDIS_REST_TOKEN=" in left["Vercel has KV_REST_API_TOKEN"]
    assert "Show secret" in left["Vercel has BLOB_READ_WRITE_TOKEN"]
    assert not any("copy that file" in mend for mend in left.values())


def hides(project, written):
    program = project / "vercel"
    program.write_text(program.read_text().replace("*SECRET* | *TOKEN*)", "*)").replace("[SENSITIVE]", written))


def test_a_secret_that_vercel_shows_as_empty_is_not_made_again(project):
    (project / "kept/APP_SECRET").write_text("of-the-first-computer")
    (project / "kept/VERCEL_GIT_COMMIT_SHA").write_text("empty, and no secret")
    hides(project, "")
    one = wizard(file=project.parent / ".env.production")
    steps.found(one)
    steps.settings(one)
    assert {*steps.SECRETS} - {*one.made} == {"APP_SECRET"}
    assert one.hidden == {"APP_SECRET"}
    assert envfile.hidden(envfile.PULLED) == {"APP_SECRET"}, "the other verbs know it, too"


def test_what_the_person_looked_up_at_an_integration_is_not_handed_back(project):
    (project / "kept/DATABASE_URL_UNPOOLED").write_text("the-integrations")
    hides(project, "[SENSITIVE]")
    file = project.parent / ".env.production"
    one = wizard(file=file)
    steps.found(one)
    one.put("DATABASE_URL_UNPOOLED", "postgresql://typed")
    steps.keep(one)
    again = wizard(file=file)
    steps.found(again)
    steps.keep(again)
    assert kept(project) == {"DATABASE_URL_UNPOOLED": "the-integrations"}
    assert envfile.read(file) == {"DATABASE_URL_UNPOOLED": "postgresql://typed"}


def test_without_a_link_a_setting_changed_in_the_file_is_named_with_what_to_do(project):
    (project.parent / vercel.LINK).unlink()
    file = project.parent / ".env.production"
    envfile.write(file, {"ADMIN_IDS": "5"})
    first = wizard(file=file)
    steps.found(first)
    first.put("CRON_SECRET", "made-just-now")
    steps.keep(first)
    same = wizard(file=file)
    steps.found(same)
    steps.keep(same)
    assert (same.left, same.waits) == ([], False)
    envfile.write(file, {"ADMIN_IDS": "5,6", "KIE_API_KEY": "new"})
    os.environ["ADMIN_IDS"] = ""
    config.get.cache_clear()
    changed = wizard(file=file)
    steps.found(changed)
    steps.keep(changed)
    assert [line["what"] for line in changed.left][1:] == [
        "Hand these settings to Vercel: ADMIN_IDS, KIE_API_KEY",
        "Deploy, then run this again",
    ]
    assert "for name in ADMIN_IDS KIE_API_KEY; do" in changed.left[1]["mend"]
    assert changed.waits


def test_a_setting_changed_in_the_file_is_handed_over_again(project):
    file = project.parent / ".env.production"
    (project / "kept/ADMIN_IDS").write_text("5")
    envfile.write(file, {"ADMIN_IDS": "5,6"})
    one = wizard(file=file)
    steps.found(one)
    steps.keep(one)
    assert kept(project) == {"ADMIN_IDS": "5,6"}


def test_a_secret_changed_in_the_file_is_handed_over_again_and_else_is_not(project, monkeypatch):
    """Vercel shows none, so what went there is noted."""
    file = project.parent / ".env.production"

    def run(value):
        monkeypatch.setenv("ADMIN_BOT_TOKEN", "")  # each run is a process
        envfile.write(file, {"ADMIN_BOT_TOKEN": value})
        (project / "asked").write_text("")
        one = wizard(file=file)
        steps.found(one)
        steps.keep(one)
        return "env add ADMIN_BOT_TOKEN production --force" in (project / "asked").read_text()

    assert [run(value) for value in ("first", "first", "second", "second")] == [True, False, True, False]
    assert kept(project)["ADMIN_BOT_TOKEN"] == "second"
    assert vercel.HANDED.stat().st_mode & 0o777 == 0o600
    vercel.HANDED.unlink()  # of a time before, or on another computer: what is there is taken for the same
    assert [run(value) for value in ("second", "third")] == [False, True]


def test_a_secret_that_vercel_hides_is_not_made_anew(project):
    """On another computer, without the file: another APP_SECRET would be a way into nothing."""
    for name in (*steps.SECRETS, "STUDIO_BOT_TOKEN"):
        (project / f"kept/{name}").write_text("known to Vercel alone")
    one = wizard(file=project.parent / "none")
    steps.found(one)
    steps.settings(one)
    assert one.made == {}
    [line] = [line for line in one.left if "shows them to nobody" in line["what"]]
    assert all(name in line["what"] for name in (*steps.SECRETS, "STUDIO_BOT_TOKEN"))


def test_vercel_that_refuses_is_told_with_its_reason(project):
    (project / "refuses").touch()
    one = wizard()
    assert not steps.found(one), "whether it has an APP_SECRET is not known, so none may be made"
    assert one.left == [
        {
            "what": "Vercel does not tell the project's settings: Error: The specified token is not valid.",
            "mend": "vercel login",
        }
    ]


def test_a_setting_that_vercel_does_not_take_is_left_with_the_line_for_it(project):
    one = wizard()
    steps.found(one)
    (project / "refuses").touch()
    one.put("ADMIN_IDS", "5")
    steps.keep(one)
    assert "Vercel did not take ADMIN_IDS: Error: The specified token is not valid." in one.left[0]["what"]
    assert one.waits


@pytest.mark.parametrize(("typed", "taken"), [("", True), ("да", True), ("y", True), ("n", False), ("нет", False)])
def test_it_is_handed_over_when_the_person_says_yes(project, monkeypatch, typed, taken):
    lines = iter([typed, "n"])
    monkeypatch.setattr("builtins.input", lambda question: next(lines))
    one = wizard(asks=True, hands_over=False)
    steps.found(one)
    one.put("ADMIN_IDS", "5")
    steps.keep(one)
    assert (kept(project) == {"ADMIN_IDS": "5"}) is taken
    assert one.left[-1]["mend"] == "vercel deploy --prod"


def test_a_person_who_says_yes_twice_has_it_deployed(project, monkeypatch):
    monkeypatch.setattr("builtins.input", lambda question: "")
    one = wizard(asks=True)
    steps.found(one)
    one.put("ADMIN_IDS", "5")
    steps.keep(one)
    assert (project / "asked").read_text().splitlines()[-1] == "deploy --prod --yes"
    assert (one.left, one.waits) == ([], False)


def test_the_printed_line_hands_over_the_same(project):
    """It is pasted into a shell; quotes of the file are no part of a value."""
    file = project.parent / ".env.production"
    values = {"ADMIN_IDS": "5, 6", "PUBLIC_URL": "https://a.example/?x=1&y=$HOME", "OPENAI_VENDOR": "it's ours"}
    envfile.write(file, values)
    line = vercel.block([*values], file)
    assert "\n" not in line
    subprocess.run(["sh", "-c", line], check=True, capture_output=True)
    assert kept(project) == values


def test_without_a_link_it_says_what_comes_first(project):
    (project.parent / vercel.LINK).unlink()
    one = wizard()
    steps.found(one)
    one.put("ADMIN_IDS", "5")
    steps.keep(one)
    assert [line["mend"].split()[:2] for line in one.left] == [
        ["vercel", "link"],
        ["for", "name"],
        ["vercel", "deploy"],
    ]
    assert not (project / "asked").exists()
