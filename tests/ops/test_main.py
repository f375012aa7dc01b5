"""ops/__main__.py: what a person sees of a verb that did not come to its end."""

import importlib

import pytest

from ops import __main__ as ops


def test_ctrl_c_while_a_verb_is_still_loaded_is_one_line(monkeypatch, capsys):
    def interrupted(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(importlib, "import_module", interrupted)
    assert ops.main(["cutover", "a", "b"]) == 130
    assert capsys.readouterr().err == "ops cutover: stopped\n"


@pytest.mark.parametrize(("argv", "code"), [([], 2), (["nonsense"], 2)])
def test_a_wrong_verb_is_wrong_usage(argv, code, capsys):
    assert ops.main(argv) == code
    assert "ops" in "".join(capsys.readouterr())
