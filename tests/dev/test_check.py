"""`make check`: a run that is stopped ends also what it runs in the background."""

import os
import select
import shutil
import signal
import subprocess
from functools import partial
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
# mypy, in the background, and the tests before it each hold a pipe's end as long as they live.
PYTHON = '#!/bin/sh\ncase "$*" in *mypy*) exec sleep 60 3> alive ;; *pytest*) exec sleep 60 3> before ;; esac\n'


def test_what_runs_in_the_background_ends_with_the_check(tmp_path):
    for name, text in {"python": PYTHON, "deno": "#!/bin/sh\n"}.items():
        program = tmp_path / ".venv" / "bin" / name
        program.parent.mkdir(parents=True, exist_ok=True)
        program.write_text(text)
        program.chmod(0o755)
    (tmp_path / "dev").mkdir()
    shutil.copy(ROOT / "dev" / "check.sh", tmp_path / "dev")
    for pipe in ("alive", "before"):
        os.mkfifo(tmp_path / pipe)
    command = ("sh", tmp_path / "dev" / "check.sh")
    # `make check` itself runs this in the background, where a shell hears no Ctrl-C that it could pass on
    hearing = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    with (
        subprocess.Popen(command, start_new_session=True, preexec_fn=hearing) as running,
        (tmp_path / "alive").open() as alive,
        (tmp_path / "before").open(),
    ):
        os.killpg(running.pid, signal.SIGINT)  # as a terminal does; what runs in the background does not hear it
        assert select.select([alive], [], [], 30)[0]
    assert running.returncode == 130
