"""To add a flow, a kind of job or a query takes the files that docs/development.md names, and no other.

Each is added to a copy of the project, by those files alone. The rules of the house must hold in the copy.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "development.md").read_text(encoding="utf-8")
RULES = (
    "floor or below or circle or another or own_modules or too_long or query_is_used or named_in_the_code or compiled"
)

FLOW = '''"""Says hello."""

from lib.telegram import screen
from lib.telegram.dispatch import Turn


async def handle(turn: Turn) -> None:
    """Say it."""
    await turn.show(turn.text("client.sample"), [screen.home(turn)])
'''
TASK = '''"""Does nothing, twice if need be."""

from datetime import timedelta

from lib import retry
from lib.jobs.run import Run

BACKOFF = retry.Backoff(base=timedelta(seconds=5), cap=timedelta(minutes=10))
LEASE = timedelta(minutes=1)


async def run(run: Run) -> None:
    """Return at once."""
'''
QUERY = "\n-- name: count_samples\nselect count(*) as number\nfrom users;\n"
FUNCTION = '''

async def count_samples(conn: db.Connection) -> int:
    """Return how many people there are."""
    return await SQL.count_samples.run(conn)
'''
NAMES = {"<bot>": "client", "<name>": "sample", "<area>": "people", "<module>": "users"}
TESTS = '"""A sample."""\n\n\ndef test_a_sample_is_there():\n    assert True\n'


def walk(kind):
    """Return the files that the page names for one kind of addition, in its order."""
    part = PAGE.split(f"**A {kind}**", 1)[1].split("\n**A ", 1)[0].split("\n## ", 1)[0]
    return re.findall(r"^\d\. `([^`]+)`", part, re.MULTILINE)


def filled(path):
    for mark, name in NAMES.items():
        path = path.replace(mark, name)
    return path.replace("sql/queries/people.sql", "sql/queries/users.sql")


def add(file, text, *, before=""):
    """Write a new file, or put text into one, at its end or before a line."""
    file.parent.mkdir(parents=True, exist_ok=True)
    old = file.read_text(encoding="utf-8") if file.exists() else ""
    assert before in old
    file.write_text(old.replace(before, text + before, 1) if before else old + text, encoding="utf-8")


@pytest.fixture
def copy(tmp_path):
    """The project as it is, in a folder of its own."""
    for name in ("lib", "api", "sql", "dev", "ops", "bench", "tests", "docs"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__", "*.png", "*.webp"))
    for name in (ROOT.glob("*.*"), ROOT.glob(".env.example")):
        for file in name:
            if file.is_file():
                shutil.copy(file, tmp_path)
    return tmp_path


def run(copy, *command):
    env = {**os.environ, "PYTHONPATH": str(copy)}
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=copy, capture_output=True, text=True, env=env, check=False
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]


def test_a_flow_a_kind_of_job_and_a_query_take_the_files_that_the_page_names(copy):
    flow, table, russian, english, chat = [copy / filled(path) for path in walk("bot flow")]
    add(flow, FLOW)
    add(table, '                "sample",\n', before='                "card",\n                "points",')
    add(russian, '\nmsgid "client.sample"\nmsgstr "Здравствуйте."\n')
    add(english, '\nmsgid "client.sample"\nmsgstr "Hello."\n')
    add(chat, TESTS)
    task, tasks, tried = [copy / filled(path) for path in walk("kind of job")]
    add(task, TASK)
    add(tasks, '    "sample": Kind("lib.tasks.sample", lanes=1),\n', before='    "release": Kind(')
    add(tried, TESTS)
    queries, module, promised = [copy / filled(path) for path in walk("query")]
    assert promised.exists()
    add(queries, QUERY)
    add(module, FUNCTION)
    run(copy, "ops", "texts")
    run(
        copy,
        "pytest",
        "-q",
        "-n",
        "0",
        "-p",
        "no:cacheprovider",
        "tests/test_rules.py",
        "tests/test_text.py",
        "-k",
        RULES,
    )


@pytest.mark.parametrize("name", ["kie", "openai"])
def test_a_provider_is_where_the_page_says(name):
    own = [path.replace("<name>", name) for path in walk("provider") if not path.startswith(("tests/", "dev/"))]
    lines = re.findall(r"^5\. The lines: (.*?)\n\n", PAGE, re.MULTILINE | re.DOTALL)[0]
    assert len(own) == 2
    for path in [*own, *re.findall(r"`([\w./]+)`", lines)]:
        text = (ROOT / path).read_text(encoding="utf-8")
        assert name in text.lower(), path
