"""To add a flow, a kind of job, a query or a provider takes the files that docs/development.md names, and no other.

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
PROVIDER = '''"""A service that draws while one waits."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

from lib import config, errors, fetch
from lib.providers.contract import Ask, Offer, Output, Report, Request, Ticket

INSTANT = True
RATE = None
OFFERS = {"card": (Offer("sample", "one", 10),)}


async def prepare(offer: Offer, ask: Ask) -> Request:
    """There is nothing to prepare."""
    return {}


async def create(offer: Offer, ask: Ask, request: Request, callback: str) -> Ticket | Output:
    """Send the picture and take what comes back."""
    headers = {"Authorization": config.get().provider_keys["sample"][0]}
    url = config.get().provider_urls["sample"]
    answer = await fetch.ask("POST", url, headers=headers, timeout=timedelta(seconds=30), content=ask.picture)
    if answer.status != 200:
        raise errors.Unavailable("down", str(answer.status))
    return Output(answer.body, cost=10)


async def poll(tickets: Sequence[Ticket]) -> list[Report]:
    """There are no tickets."""
    return [Report("failed", error="never begun") for _ in tickets]


async def collect(ticket: Ticket, report: Report) -> Output:
    """There are no tickets."""
    raise errors.Rejected("no_ticket", ticket.id)


async def find(offer: Offer, request: Request, task_id: str) -> Ticket | None:
    """There are no tasks."""
    return None


def check_report(headers: Mapping[str, str], task_id: str) -> None:
    """There are no reports."""
    raise errors.Denied()
'''
STAND_IN = '''"""Gives back what it is sent."""

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from dev.generation.faults import Faults

SECRETS = {"SAMPLE_API_KEY": 1}


def settings(address: str) -> dict[str, str]:
    """Return the settings that lead the product here."""
    return {"SAMPLE_API_URL": address}


def stand_in(secrets: Mapping[str, str], *, seconds: float, light: bool) -> "Sample":
    """Return the service."""
    return Sample(secrets["SAMPLE_API_KEY"])


class Sample:
    """The service as an ASGI app."""

    def __init__(self, key: str) -> None:
        self.key, self.faults = key, Faults("sample", {"request": ()})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        known = request.headers.get("authorization") == self.key
        await Response(await request.body(), 200 if known else 401)(scope, receive, send)

    async def close(self) -> None:
        """Keep nothing open."""
'''
NAMES = {"<bot>": "client", "<name>": "sample", "<area>": "people", "<module>": "users", "<file>": "users"}
ALONE = ("-q", "-n", "0", "-p", "no:cacheprovider")
TESTS = '"""A sample."""\n\n\ndef test_a_sample_is_there():\n    assert True\n'


def walk(kind):
    """Return the files that the page names for one kind of addition, in its order."""
    part = PAGE.split(f"**A {kind}**", 1)[1].split("\n**A ", 1)[0].split("\n## ", 1)[0]
    return re.findall(r"^\d\. `([^`]+)`", part, re.MULTILINE)


def filled(path):
    for mark, name in NAMES.items():
        path = path.replace(mark, name)
    return path


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


@pytest.mark.long
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
    run(copy, "pytest", *ALONE, "tests/test_rules.py", "tests/test_text.py", "-k", RULES)


@pytest.mark.long
def test_a_provider_takes_the_files_that_the_page_names(copy):
    module, config, tried, stand_in = [copy / filled(path) for path in walk("provider")]
    add(module, PROVIDER)
    add(config, ', "sample": ("SAMPLE_API_KEY", "SAMPLE_API_URL")', before="}\n# A month of each service")
    add(tried, TESTS)
    add(stand_in, STAND_IN)
    run(copy, "pytest", *ALONE, "tests/test_rules.py", "-k", f"{RULES} or setting or heavy")
    tests = ("tests/providers/test_contract.py", "tests/studio/test_orders.py")
    run(copy, "pytest", *ALONE, *tests, "-k", "sample or chain")
