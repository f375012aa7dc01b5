import asyncio
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from dev import postgres
from lib import db


@pytest.fixture
def folder():
    """Lend a place for a server; not below tmp_path, which pytest closes to the user that Postgres runs as for root."""
    with tempfile.TemporaryDirectory(prefix="lotok postgres ") as place:
        yield Path(place) / "data"
        postgres.stop(Path(place) / "data")


BORROWER = """
import os, sys, time
from dev import postgres
with postgres.lent() as folder:
    print(folder, postgres.pid(folder), flush=True)
    time.sleep(600)
"""


@pytest.mark.long
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_lent_server_and_its_folder_go_with_the_borrower_however_that_ends(number):
    borrower = subprocess.Popen(
        [sys.executable, "-c", BORROWER], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    place, pid = borrower.stdout.readline().split()
    server = psutil.Process(int(pid))
    borrower.send_signal(number)
    borrower.communicate(timeout=60)
    psutil.wait_procs([server], timeout=60)
    assert not server.is_running() or server.status() == psutil.STATUS_ZOMBIE
    guards = [
        one for one in psutil.process_iter(["cmdline"]) if place.removesuffix("/data") in (one.info["cmdline"] or [])
    ]
    psutil.wait_procs(guards, timeout=60)
    assert not Path(place).exists()


@pytest.mark.long
def test_two_that_start_at_once_make_the_systems_user_one_after_the_other(monkeypatch, folder):
    inside, most = [], []

    class Slow:
        def __init__(self, _):
            inside.append(1)
            most.append(len(inside))
            time.sleep(0.01)
            inside.pop()

    monkeypatch.setattr(postgres, "PostgresServer", Slow)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(postgres._server, [folder] * 4))
    assert most == [1, 1, 1, 1]


def ask(url, query):
    async def run():
        async with db.connect(url) as conn:
            cursor = await conn.execute(query)
            return await cursor.fetchone() if cursor.description else None

    return asyncio.run(run())


@pytest.mark.long
def test_start_creates_a_server_and_stop_leaves_no_process(folder):
    url = postgres.start(folder, postgres.FAST)
    assert ask(url, "select 1") == (1,)
    processes = [psutil.Process(postgres.pid(folder))]
    processes += processes[0].children(recursive=True)
    postgres.stop(folder)
    assert not postgres.running(folder)
    _, alive = psutil.wait_procs(processes, timeout=60)
    assert alive == []
    postgres.stop(folder)


@pytest.mark.long
def test_data_stays_when_the_server_is_stopped_and_started(folder):
    url = postgres.start(folder)
    ask(url, "create table kept as values (7)")
    postgres.stop(folder)
    assert postgres.start(folder) == url
    assert ask(url, "table kept") == (7,)


@pytest.mark.long
def test_a_running_server_is_reused(folder):
    url = postgres.start(folder)
    before = postgres.pid(folder)
    assert postgres.start(folder) == url
    assert postgres.pid(folder) == before


@pytest.mark.long
def test_a_server_outlives_the_process_that_started_it_and_any_other_can_stop_it(folder):
    code = f"from pathlib import Path; from dev import postgres; print(postgres.start(Path({str(folder)!r})))"
    started = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=60)
    assert ask(started.stdout.strip(), "select 1") == (1,)
    postgres.stop(folder)
    assert not postgres.running(folder)


@pytest.mark.long
def test_a_server_that_was_killed_starts_again_with_its_data(folder):
    url = postgres.start(folder)
    ask(url, "create table kept as values (7)")
    psutil.Process(postgres.pid(folder)).kill()
    while postgres.running(folder):
        pass
    assert postgres.start(folder) == url
    assert ask(url, "table kept") == (7,)


@pytest.mark.long
def test_a_folder_of_another_version_is_refused_in_one_line(folder):
    folder.mkdir()
    (folder / "PG_VERSION").write_text("14")
    with pytest.raises(RuntimeError, match="made by Postgres 14"):
        postgres.start(folder)


@pytest.mark.long
def test_a_server_that_cannot_start_says_why(folder):
    with pytest.raises(RuntimeError, match="no_such_setting"):
        postgres.start(folder, {"no_such_setting": "1"})
