"""The queues that are compared: how each is installed, run, and known to have finished."""

import functools
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.results import Skipped

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / ".dev" / "bench" / "peers"
PYTHON = FOLDER / "python" / "bin" / "python"
NODE = FOLDER / "node"
PINS = (
    "procrastinate==3.10.0",
    "pgqueuer==1.6.0",
    "asyncpg==0.32.0",
    "uvloop==0.23.0",
    "psycopg[binary]==3.3.9",
)
PACKAGE = {"private": True, "dependencies": {"graphile-worker": "0.18.0"}}
# What the product wants to be told and a queue does not use.
SETTINGS = {
    "LOTOK_ENV": "local",
    "UPSTASH_REDIS_REST_URL": "http://127.0.0.1:1",
    "UPSTASH_REDIS_REST_TOKEN": "none",
    "PUBLIC_URL": "http://127.0.0.1:1",
}


@dataclass(frozen=True)
class Peer:
    """One queue. `slow` ones are given fewer jobs: their speed does not depend on how many there are."""

    name: str
    command: tuple[str, ...]
    unfinished: str
    install: Callable[[], None] = lambda: None
    slow: bool = False

    def run(self, *args: object) -> list[str]:
        return [*self.command, *map(str, args)]


def environment(url: str, more: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return what a driver runs with: nothing of this shell's but the path."""
    keep = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return keep | SETTINGS | {"DATABASE_URL": url, "NODE_HOME": str(NODE), "NODE_ENV": "production"} | dict(more or {})


@functools.cache
def _install_python() -> None:
    if not PYTHON.exists():
        _call([sys.executable, "-m", "venv", str(FOLDER / "python")])
    if subprocess.run([PYTHON, "-c", "import procrastinate, pgqueuer, uvloop"], capture_output=True).returncode:
        _call([str(PYTHON), "-m", "pip", "install", "--quiet", *PINS])


@functools.cache
def _install_node() -> None:
    if not shutil.which("npm") or not shutil.which("node"):
        raise Skipped("npm is not installed")
    if not (NODE / "node_modules" / "graphile-worker").exists():
        NODE.mkdir(parents=True, exist_ok=True)
        (NODE / "package.json").write_text(json.dumps(PACKAGE))
        _call(["npm", "install", "--silent", "--no-audit", "--no-fund"], NODE)


def _call(command: list[str], folder: Path = ROOT) -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(command, cwd=folder, capture_output=True, check=False, text=True)
    if done.returncode:
        raise Skipped(f"{' '.join(command[:4])}: {(done.stderr or done.stdout).strip()[-300:]}")


PEERS = (
    Peer(
        "ours",
        (sys.executable, "-m", "bench.peers.lotok"),
        "select exists (select from jobs where state in ('queued', 'running', 'waiting'))",
    ),
    Peer(
        "graphile-worker",
        ("node", "bench/peers/graphile.mjs"),
        "select exists (select from graphile_worker._private_jobs)",
        _install_node,
    ),
    Peer(
        "pgqueuer",
        (str(PYTHON), "-m", "bench.peers.pgqueuer_worker"),
        "select exists (select from pgqueuer)",
        _install_python,
    ),
    Peer(
        "naive",
        (sys.executable, "-m", "bench.peers.naive"),
        "select exists (select from naive where state = 'queued')",
        slow=True,
    ),
    Peer(
        "procrastinate",
        (str(PYTHON), "-m", "bench.peers.procrastinate_worker"),
        "select exists (select from procrastinate_jobs where status in ('todo', 'doing'))",
        _install_python,
        slow=True,
    ),
)


def available() -> tuple[list[Peer], dict[str, str]]:
    """Install what can be and return it, and why the others cannot take part."""
    ready, absent = [], {}
    for peer in PEERS:
        try:
            peer.install()
            ready.append(peer)
        except Skipped as reason:
            absent[peer.name] = str(reason)
    return ready, absent
