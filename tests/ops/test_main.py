"""ops/__main__.py: what a person sees of a verb that did not come to its end."""

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

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
