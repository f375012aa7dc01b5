"""Workers that share one collection: `pytest -p tests.forks --forks 3` forks them when everything is collected.

Each worker of xdist imports and collects every test for itself. Here the process that has collected forks its workers.
A worker takes one file after the other, as xdist's do by `--dist loadfile`, and sends its reports to the first process,
which tells them as if it had run the tests itself. A test that no worker has ended counts as failed.

A local stack is dear to start. With `--stacks M`, files whose tests want one go to M of the workers, which take of the
others when no such file is left; the rest of the workers then start none.
"""

import contextlib
import itertools
import multiprocessing
import os
import signal
import struct
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkProcess
from typing import Any

import pytest

PLACE = struct.Struct("I")  # of a file in the list
PATIENCE = 60  # seconds for a worker that was stopped to end its servers

type Files = list[list[pytest.Item]]


@dataclass
class Worker:
    """A process, the line to it, and the test that it runs."""

    process: ForkProcess
    line: Connection
    running: str | None = None


class Line:
    """A worker's plugin, which sends what happens to the first process."""

    def __init__(self, config: pytest.Config, line: Connection) -> None:
        self._config = config
        self._line = line

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self._line.send(nodeid)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._line.send(self._config.hook.pytest_report_to_serializable(config=self._config, report=report))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--forks", type=int, default=0, metavar="N", help="run the tests in N forked processes")
    parser.addoption("--stacks", type=int, default=0, metavar="M", help="of which M run those that want a stack")


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool | None:
    """Run the tests in workers; leave it to pytest where none are asked for or something could not be collected."""
    config = session.config
    if not config.option.forks or config.option.collectonly or session.testsfailed:
        return None
    config._tmp_path_factory.getbasetemp()  # the first who asks empties it
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    workers: list[Worker] = []
    try:
        _fork(session, workers)
        _tell(session, workers)
    finally:
        for worker in workers:
            worker.process.terminate()
        for worker in workers:
            worker.process.join(PATIENCE)
            worker.process.kill()
    return True


def _fork(session: pytest.Session, workers: list[Worker]) -> None:
    context = multiprocessing.get_context("fork")
    files = [list(items) for _, items in itertools.groupby(session.items, lambda item: item.path)]
    stacks = session.config.option.stacks
    wanting = {place for place, items in enumerate(files) if stacks and any(map(_wants_a_stack, items))}
    first, second = _queue(wanting), _queue(set(range(len(files))) - wanting)
    for number in range(session.config.option.forks):
        line, theirs = context.Pipe(duplex=False)
        queues = [first, second] if number < stacks else [second]
        process = context.Process(target=_work, args=(session, files, queues, theirs))
        process.start()
        workers.append(Worker(process, line))
        theirs.close()


def _wants_a_stack(item: pytest.Item) -> bool:
    return any(name.endswith("stack") for name in getattr(item, "fixturenames", ()))


def _queue(places: set[int]) -> int:
    """Return a pipe that holds the places, each to be read by one worker."""
    queue, given = os.pipe()
    os.write(given, b"".join(map(PLACE.pack, sorted(places))))
    os.close(given)
    return queue


def _tell(session: pytest.Session, workers: list[Worker]) -> None:
    """Pass on what the workers report, and then what none of them has ended."""
    hook, died = session.config.hook, dict[str | None, str]()
    missing = {item.nodeid: item for item in session.items}
    at = {worker.line: worker for worker in workers}
    while at:
        for line in wait(list(at)):
            worker = at[line]
            try:
                said = worker.line.recv()
            except EOFError:
                del at[line]
                worker.process.join()
                died[worker.running] = f"its worker ended with exit code {worker.process.exitcode}"
                continue
            if isinstance(said, str):
                worker.running = said
                continue
            report = hook.pytest_report_from_serializable(config=session.config, data=said)
            if report.when == "teardown":
                missing.pop(report.nodeid, None)
            hook.pytest_runtest_logreport(report=report)
            if session.shouldfail:
                raise session.Failed(session.shouldfail)
    for name, item in missing.items():
        why = died.get(name, "not run, as its worker had ended")
        report = pytest.TestReport(name, item.location, keywords={}, outcome="failed", longrepr=why, when="call")
        hook.pytest_runtest_logreport(report=report)


def _work(session: pytest.Session, files: Files, queues: list[int], line: Connection) -> None:
    with contextlib.suppress(KeyboardInterrupt):
        _keep_apart(session.config)
        session.config.pluginmanager.register(Line(session.config, line))
        places = (place for queue in queues for place in iter(partial(os.read, queue, PLACE.size), b""))
        items = (item for place in places for item in files[PLACE.unpack(place)[0]])
        for item, following in itertools.pairwise(itertools.chain(items, [None])):
            session.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    session._setupstate.teardown_exact(None)


def _keep_apart(config: pytest.Config) -> None:
    """Catch what this worker's tests print in files of its own, and print nothing besides."""
    capture: Any = config.pluginmanager.getplugin("capturemanager")
    capture.stop_global_capturing()
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    capture.start_global_capturing()
