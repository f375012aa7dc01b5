"""The two commands of a developer: everything up, and the local data forgotten."""

import asyncio
import contextlib
import os
import shlex
import shutil
import signal
import sys
import time
from pathlib import Path

import httpx

from dev import parts, postgres, reload, running, settings
from dev.console import Console
from dev.stack import ROOT, Stack
from lib import errors
from ops import envfile

FOLDER = ROOT / ".dev"
DATA = {
    "postgres": "Postgres: users, credits, jobs",
    "neon": "the names of its branches",
    "valkey": "Redis: conversations, caches",
    "telegram": "the chats of the simulator",
    "blob": "pictures",
    "logs": "logs",
}


def run(port: int, *, ai: bool = False) -> int:
    """Start everything, stay until told to stop, and return the exit code."""
    console = Console()
    try:
        with running.alone(FOLDER):
            left = running.end_leftovers(FOLDER)
            if left:
                console.say(f"Ended {left} processes that a killed run had left behind.")
            console.say("Starting Postgres, Redis, the Telegram stand-in and the functions:")
            return asyncio.run(_Run(console, port, ai).main())
    except running.AlreadyRuns as other:
        console.say(f"Lotok already runs here (process {other.pid}); Ctrl-C there stops it.")
        console.say(console.bold(other.page) if other.page else "It is still starting.")
        return 0
    except errors.Misconfigured as error:
        console.finish()
        console.say(f"A setting is wrong: {error.detail}. See .env and .env.example")
    except parts.PartFailed as failed:
        console.failure(failed, FOLDER)
    except OSError as error:
        console.finish()
        console.say(f"Lotok cannot start: {parts.one_line(error)}")
    return 1


def seed() -> int:
    """Plant the demo in the stack that runs, and say where to look."""
    page = _page()
    if not page:
        return 1
    answer = httpx.post(f"{page}/sim/seed", timeout=60, trust_env=False)
    told = answer.json()
    if answer.status_code >= 300:
        print(f"Nothing was planted: {told['error']}")
        return 1
    print("Глеб owns «Зерно», Вера is its cashier, Борис its client; three things wait for Дина in the admin bot.")
    print(f"The link of the café: https://{told['link']}")
    return 0


def picture() -> int:
    """Take the README's picture of the simulator in the stack that runs."""
    page = _page()
    if not page:
        return 1
    from dev import picture as scene  # Playwright is needed for nothing else

    return scene.take(page)


def _page() -> str:
    """Return the address of the stack that runs; say so and return nothing when none does."""
    try:
        with running.alone(FOLDER):
            _complain("Lotok does not run here. Start it with make up, then repeat this in another terminal.")
    except running.AlreadyRuns as other:
        if other.page:
            return other.page
        _complain("Lotok is still starting. Repeat this when it shows its address.")
    return ""


def env(command: list[str]) -> int:
    """Run a command with the settings of the stack that runs, or print them for a shell to take over."""
    if not _page():
        return 1
    found = running.settings(FOLDER)
    if not command:
        print("\n".join(f"export {name}={shlex.quote(value)}" for name, value in sorted(found.items())))
        return 0
    own = str(Path(sys.executable).parent)  # so that `python` is the one with the packages
    there = {**os.environ, **found, "PATH": os.pathsep.join((own, os.environ.get("PATH", "")))}
    try:
        os.execvpe(command[0], command, there)
    except OSError as error:
        _complain(f"{command[0]} cannot be run: {error.strerror}")
    return 1


def _complain(text: str) -> None:
    print(text, file=sys.stderr)


def reset() -> int:
    """Delete the local data and say what it was."""
    try:
        with running.alone(FOLDER):
            running.end_leftovers(FOLDER)
            postgres.stop(FOLDER / "postgres")
            found = [(name, FOLDER / name) for name in DATA if (FOLDER / name).exists()]
            for name, folder in found:
                print(f"deleted  .dev/{name:<9} {_size(folder):>8}  {DATA[name]}")
                shutil.rmtree(folder)
            running.forget(FOLDER)
            print("The next make up starts afresh." if found else "There is no local data.")
            return 0
    except running.AlreadyRuns as other:
        print(f"Lotok runs (process {other.pid}, {other.page}) and its data is in use: stop it with Ctrl-C first.")
    except OSError as error:
        print(f"Could not delete: {parts.one_line(error)}")
    return 1


class _Run:
    """One `make up`, from the first part to the last."""

    def __init__(self, console: Console, port: int, ai: bool) -> None:
        self._console, self._port, self._ai = console, port, ai
        self._stopping = asyncio.Event()
        self._began = time.monotonic()

    async def main(self) -> int:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._on_signal)
        given = envfile.read(ROOT / ".env")
        if others := settings.strangers(given):
            self._console.say(f"Not settings of Lotok, and passed by: {', '.join(others)} (.env)")
            given = {name: value for name, value in given.items() if name not in others}
        show = self._console.show
        stack = Stack(FOLDER, given=given, port=self._port, ticks=True, durable=True, ai=self._ai, on_part=show)
        running.note(FOLDER)
        redrawing = asyncio.create_task(self._console.refresh())
        try:
            if await self._start(stack):
                await self._stay(stack)
        finally:
            redrawing.cancel()
            await stack.stop()
            running.forget(FOLDER)
        self._console.say("Stopped. The data stays in .dev; make reset forgets it.")
        return 0

    async def _start(self, stack: Stack) -> bool:
        """Start the stack; False when we are told to stop meanwhile."""
        starting = asyncio.create_task(stack.__aenter__())
        told = asyncio.create_task(self._stopping.wait())
        await asyncio.wait([starting, told], return_when=asyncio.FIRST_COMPLETED)
        told.cancel()
        if starting.done():
            starting.result()
            return True
        starting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await starting
        return False

    async def _stay(self, stack: Stack) -> None:
        running.note(FOLDER, page=stack.page, pids=stack.pids(), settings=stack.settings)
        self._console.finish()
        self._greet(stack)
        watching = asyncio.create_task(reload.watch(ROOT, stack, self._console.say))
        await self._stopping.wait()
        watching.cancel()

    def _greet(self, stack: Stack) -> None:
        say, seconds = self._console.say, time.monotonic() - self._began
        if not stack.page.endswith(f":{self._port}"):
            say(f"Port {self._port} is taken by another program, so the page is at the next free one.")
        say(f"Everything is up in {seconds:.1f} s. A change of the code is taken over at once; Ctrl-C stops all of it.")
        say(f"The functions answer at {stack.deployment}; the logs are in .dev/logs. The chat is here:")
        say(self._console.bold(stack.page))

    def _on_signal(self) -> None:
        self._console.finish()
        again = self._stopping.is_set()
        self._console.say("\nStill stopping: Postgres writes its data first." if again else "\nStopping ...")
        self._stopping.set()


def _size(folder: Path) -> str:
    total = sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file())
    return f"{total / 1_000_000:.1f} MB"
