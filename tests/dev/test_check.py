"""`make check`: a run that is stopped ends also what it runs in the background."""

import os
import select
import shutil
import signal
import subprocess
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
# The tests that run in the background hold a pipe's end as long as they live.
PYTHON = '#!/bin/sh\ncase "$*" in *--ignore*) exec sleep 60 3> alive ;; *pytest*) exec sleep 60 ;; esac\n'


def test_what_runs_in_the_background_ends_with_the_check(tmp_path):
    for name, text in {"python": PYTHON, "deno": "#!/bin/sh\n"}.items():
        program = tmp_path / ".venv" / "bin" / name
        program.parent.mkdir(parents=True, exist_ok=True)
        program.write_text(text)
        program.chmod(0o755)
    (tmp_path / "dev").mkdir()
    shutil.copy(ROOT / "dev" / "check.sh", tmp_path / "dev")
    os.mkfifo(tmp_path / "alive")
    command = ("sh", tmp_path / "dev" / "check.sh")
    with subprocess.Popen(command, start_new_session=True) as running, (tmp_path / "alive").open() as alive:
        os.killpg(running.pid, signal.SIGINT)  # as a terminal does; what runs in the background does not hear it
        assert select.select([alive], [], [], 5)[0]
    assert running.returncode == 130
