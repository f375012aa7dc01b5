"""ops/deploy/vps/common.sh: settings reach a program as systemd would hand them over, never through a shell."""

import subprocess
from pathlib import Path

import pytest

COMMON = Path(__file__).parents[2] / "ops/deploy/vps/common.sh"


def seen(tmp_path, text, name):
    (tmp_path / "env").write_text(text, encoding="utf-8")
    script = f'runuser() {{ shift 3; "$@"; }}; . {COMMON}; in_release {tmp_path} printenv {name}'
    env = {"LOTOK_ETC": str(tmp_path), "LOTOK_HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(["bash", "-c", script], env=env, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    return done.stdout.removesuffix("\n")


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("A=1, 2", "1, 2"),
        ('A="ООО «Ромашка»"', "ООО «Ромашка»"),
        ("A=p$w`date`&;'x", "p$w`date`&;'x"),
        ("A=postgresql://a:b=c@h/d?x=y", "postgresql://a:b=c@h/d?x=y"),
        ("A=", ""),
    ],
)
def test_a_setting_is_a_line_and_nothing_of_it_is_run(tmp_path, line, value):
    assert seen(tmp_path, f"# A=of a comment\nB=x\n{line}\nC=y\n", "A") == value
    assert seen(tmp_path, f"B=x\n{line}", "A") == value, "also the last, without an end"
