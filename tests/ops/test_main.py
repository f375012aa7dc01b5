"""ops/__main__.py: what a person sees of a verb that did not come to its end."""

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

from lib import config
from ops import OF_AN_INSTALLATION, VERBS
from ops import __main__ as ops

ROOT = Path(__file__).parent.parent.parent


def test_ctrl_c_while_a_verb_is_still_loaded_is_one_line(monkeypatch, capsys):
    def interrupted(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(importlib, "import_module", interrupted)
    assert ops.main(["cutover", "a", "b"]) == 130
    assert capsys.readouterr().err == "ops cutover: stopped\n"


def test_a_full_disk_is_one_line_and_another_fault_of_ours_is_not_hidden(monkeypatch, capsys):
    def full(_):
        raise OSError(28, "No space left on device", "/tmp/dump")

    monkeypatch.setattr(importlib, "import_module", full)
    assert ops.main(["copy", "a", "b"]) == 1
    assert capsys.readouterr().err == "ops copy: No space left on device: /tmp/dump\n"

    def lost(_):
        raise FileNotFoundError(2, "No such file or directory", "template.html")

    monkeypatch.setattr(importlib, "import_module", lost)
    with pytest.raises(FileNotFoundError):
        ops.main(["copy", "a", "b"])


@pytest.mark.parametrize(("argv", "code"), [([], 2), (["nonsense"], 2)])
def test_a_wrong_verb_is_wrong_usage(argv, code, capsys):
    assert ops.main(argv) == code
    assert "ops" in "".join(capsys.readouterr())


@pytest.mark.parametrize("command", [("ops", "jobs", "list"), ("dev", "env")])
def test_a_python_without_the_packages_says_how_to_have_them(command):
    """Most shells call the system's Python in a new terminal."""
    done = subprocess.run([sys.executable, "-S", "-m", *command], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    [line] = done.stderr.splitlines()
    assert line.endswith("is not installed here. Use: make setup && . .venv/bin/activate")


def test_a_verb_takes_the_installation_of_its_folder_and_says_so(monkeypatch, capsys, tmp_path):
    for name in ("DATABASE_URL", "LOTOK_DATABASE_URL", "DATABASE_URL_UNPOOLED", "LOTOK_ENV", "VERCEL_ENV"):
        monkeypatch.setenv(name, "")
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env.production").write_text("DATABASE_URL_UNPOOLED=postgresql://127.0.0.1:1/of-the-file\n")
    assert ops.main(["migrate"]) == 1
    said = capsys.readouterr().err
    assert said.startswith("ops migrate: with the settings of .env.production\n")
    assert "refused" in said.lower()
    config.get.cache_clear()


def test_the_verbs_of_an_installation_are_verbs():
    assert {*VERBS} >= {*OF_AN_INSTALLATION}
