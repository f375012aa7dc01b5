"""Workers forked from one collection: what they report is told, and what they cannot report is a failure."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PYTEST = (sys.executable, "-m", "pytest", "-p", "tests.forks", "--forks=2", "-p", "no:cacheprovider", "-c", os.devnull)
OWN = os.environ | {"PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "COLUMNS": "120"}

GOOD = "def test_good(tmp_path): print('said in passing')\n"
BAD = "def test_bad(): print('said while failing'); assert [1] == [2]\n"
DEADLY = "import os\ndef test_deadly(): os.kill(os.getpid(), 9)\ndef test_after(): pass\n"
ENDLESS = """
import pathlib, time, pytest

@pytest.fixture(scope="session")
def server():
    yield
    pathlib.Path("ended").touch()

def test_endless(server):
    pathlib.Path("begun").write_text("")
    time.sleep(60)
"""


def start(folder, *options, **files):
    for name, text in files.items():
        (folder / f"test_{name}.py").write_text(text)
    return subprocess.Popen([*PYTEST, *options, "."], cwd=folder, env=OWN, stdout=subprocess.PIPE, text=True)


def test_what_fails_in_a_worker_or_ends_with_it_fails_the_run(tmp_path):
    with start(tmp_path, a=GOOD, b=BAD, c=DEADLY, d=GOOD) as running:
        said = running.communicate()[0]
    assert running.returncode == pytest.ExitCode.TESTS_FAILED
    assert "3 failed, 2 passed" in said
    assert "assert [1] == [2]" in said
    assert "said while failing" in said
    assert "said in passing" not in said
    assert "FAILED test_c.py::test_deadly - its worker ended with exit code -9" in said
    assert "FAILED test_c.py::test_after - not run" in said


@pytest.mark.long
def test_a_run_that_is_stopped_ends_its_workers_and_what_they_have_started(tmp_path):
    os.mkfifo(tmp_path / "begun")
    with start(tmp_path, a=ENDLESS) as running:
        (tmp_path / "begun").read_text()  # waits until the test runs
        running.terminate()
        running.communicate()
    assert running.returncode == pytest.ExitCode.INTERRUPTED
    assert (tmp_path / "ended").exists()


def test_what_wants_a_stack_is_run_by_the_workers_for_it(tmp_path):
    here = "import os, pathlib, pytest\ndef ran(name): pathlib.Path(name).write_text(str(os.getpid()))\n"
    stack = f"{here}@pytest.fixture\ndef own_stack(): pass\n"
    files = {f"with{n}": f"{stack}def test_it(own_stack): ran('with{n}')\n" for n in range(4)}
    with start(tmp_path, "--stacks=1", **files, without=f"{here}def test_it(): ran('without')\n") as running:
        assert "5 passed" in running.communicate()[0]
    assert len({(tmp_path / name).read_text() for name in files}) == 1
