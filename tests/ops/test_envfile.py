"""Files of settings: what is written is read back, nobody else may read it, and a slip of the pen is named."""

import json
import os
import re
from urllib.parse import parse_qsl, urlsplit

import pytest

from lib import config, errors
from ops import envfile


def test_what_is_written_is_read_back(tmp_path):
    values = {"A": "1", "B": "a b # c", "C": "it's", "D": 'say "x"', "E": "postgresql://u:p@h/d?sslmode=require"}
    envfile.write(tmp_path / ".env", values)
    assert envfile.read(tmp_path / ".env") == values


def test_a_secret_that_vercel_hides_is_no_value(tmp_path, monkeypatch):
    file = tmp_path / ".env"
    file.write_text('A="[SENSITIVE]"\nB="2"\nC="[SENSITIVE]"\n')
    assert (envfile.read(file), envfile.hidden(file)) == ({"B": "2"}, {"A", "C"})
    monkeypatch.setenv("C", "known from elsewhere")
    monkeypatch.setenv("A", "")
    monkeypatch.setenv("B", "")
    assert envfile.take(str(file)) == {"A"}
    assert (os.environ["A"], os.environ["B"]) == ("", "2")


def test_a_line_is_changed_in_its_place_and_the_rest_stays(tmp_path):
    file = tmp_path / ".env"
    file.write_text("# ours\nA=1\nexport B=2 # two\nC=3\n")
    envfile.write(file, {"B": "4", "D": "5"})
    assert file.read_text() == "# ours\nA=1\nB=4\nC=3\nD=5\n"


def test_nobody_else_may_read_it(tmp_path):
    file = tmp_path / ".env"
    file.write_text("A=1\n")
    file.chmod(0o644)
    envfile.write(file, {"A": "2"})
    assert file.stat().st_mode & 0o777 == 0o600
    assert [one.name for one in tmp_path.iterdir()] == [".env"]


@pytest.mark.parametrize("value", ["a\nb", 'it\'s "it"'])
def test_what_a_line_cannot_hold_is_refused(tmp_path, value):
    with pytest.raises(errors.Misconfigured):
        envfile.write(tmp_path / ".env", {"A": value})
    assert not (tmp_path / ".env").exists()


def test_a_name_that_is_nearly_a_settings_is_named():
    assert envfile.unknown(["EDITOR", "CRON_SECRT", "PUBLIC_URL", "KIE_API_KEY"]) == {
        "EDITOR": "",
        "CRON_SECRT": "CRON_SECRET",
    }


def test_what_the_shell_sets_wins_over_a_file(tmp_path, monkeypatch):
    monkeypatch.setenv("PUBLIC_URL", "https://shell.example")
    monkeypatch.setenv("ADMIN_IDS", "")
    envfile.write(tmp_path / ".env", {"PUBLIC_URL": "https://file.example", "ADMIN_IDS": "7"})
    envfile.take(str(tmp_path / ".env"))
    assert (os.environ["PUBLIC_URL"], config.get().admin_ids) == ("https://shell.example", frozenset({7}))
    config.get.cache_clear()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with an installation: what the wizard made, and what Vercel told it beside that."""
    names = ("DATABASE_URL", "LOTOK_DATABASE_URL", "DATABASE_URL_UNPOOLED", "ADMIN_IDS", "CRON_SECRET")
    for name in (*names, "LOTOK_ENV", "VERCEL_ENV"):
        monkeypatch.setenv(name, "")
    envfile.write(tmp_path / envfile.USUAL, {"ADMIN_IDS": "7", "CRON_SECRET": "ours"})
    (tmp_path / envfile.PULLED).parent.mkdir()
    told = {"DATABASE_URL_UNPOOLED": "postgresql://the-integrations", "ADMIN_IDS": "8", "CRON_SECRET": envfile.HIDDEN}
    envfile.write(tmp_path / envfile.PULLED, told)
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    config.get.cache_clear()


def test_the_folders_installation_has_what_the_integrations_set(folder):
    assert envfile.take_usual() == frozenset()
    names = ("DATABASE_URL_UNPOOLED", "ADMIN_IDS", "CRON_SECRET")
    assert [os.environ[name] for name in names] == ["postgresql://the-integrations", "7", "ours"]


def test_what_nobody_calls_otherwise_is_production(folder, monkeypatch):
    """As `local` the doctor would look for the cron's mark, and a worker for its hints, where nobody writes them."""
    envfile.take_usual()
    assert config.get().key_prefix == "production"
    monkeypatch.setenv("LOTOK_ENV", "local")
    config.get.cache_clear()
    envfile.take_with_pulled(str(envfile.USUAL))
    assert config.get().key_prefix == "local"


def test_another_file_is_another_installation(folder):
    envfile.write(folder / "other.env", {"ADMIN_IDS": "9"})
    envfile.take_with_pulled("other.env")
    assert (os.environ["ADMIN_IDS"], os.environ["DATABASE_URL_UNPOOLED"]) == ("9", "")


@pytest.mark.parametrize("name", ["DATABASE_URL", "LOTOK_DATABASE_URL", "DATABASE_URL_UNPOOLED"])
def test_a_shell_that_names_an_installation_means_that_one(folder, monkeypatch, name):
    monkeypatch.setenv(name, "postgresql://of/the-shell")
    assert envfile.take_usual() is None
    assert os.environ["ADMIN_IDS"] == ""


def test_without_the_wizards_file_there_is_no_installation(folder):
    envfile.USUAL.unlink()
    assert envfile.take_usual() is None


def test_every_complaint_is_told_once_and_each_names_its_setting():
    found = config.Config({"LOTOK_ENV": "production", "ADMIN_IDS": "alice", "DATABASE_URL": "mysql://x"}).complaints()
    assert "ADMIN_IDS must be Telegram user ids separated by commas" in found
    assert len([one for one in found if one == "PUBLIC_URL is not set"]) == 1, "worker_url needs it, too"
    assert "DATABASE_URL must begin with postgresql://" in found
    assert config.Config({}).complaints()[0] == "DATABASE_URL is not set"


def test_the_deploy_button_attaches_both_databases_and_no_public_store():
    page = (envfile.EXAMPLE.parent / "README.md").read_text(encoding="utf-8")
    [address] = re.findall(r"\((https://vercel\.com/new/clone\?[^)]+)\)", page)
    asked = dict(parse_qsl(urlsplit(address).query))
    stores = json.loads(asked["stores"])
    assert [one.get("integrationSlug", one["type"]) for one in stores] == ["neon", "upstash"]
    assert asked["repository-url"].startswith("https://github.com/")
