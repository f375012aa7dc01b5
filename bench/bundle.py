"""How big is each function's bundle, and does it boot? Vercel's own builder builds a copy of the project, offline."""

import asyncio
import collections
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import output
from bench.results import Failed, Skipped
from dev import functions
from dev.stack import ROOT

CLI = {"private": True, "dependencies": {"vercel": "64.0.2"}, "overrides": {"sandbox": "4.5.0"}}
# MB with bytecode. The builder fills a large function with it up to 230.7 MB; what would be larger bare gets none, and
# its build then takes away what the functions built before it had. Over 235.9 MB packages are installed at cold start.
# pip is in each with 11 MB: the builder makes its environment with `uv venv --seed` and takes all that is installed; an
# install command of our own could remove it, but then nothing is compiled (@vercel/python 25.0.0, shouldCompileAll).
LIMITS = dict.fromkeys(("api/telegram", "api/cache", "api/callback", "api/health", "api/metrics"), 60)
LIMITS |= {"api/drain": 80, "api/render": 231}
ROOM = 230  # MB without bytecode
SETTINGS = {
    "LOTOK_ENV": "local",
    "DATABASE_URL": "postgresql://127.0.0.1:1/none",
    "UPSTASH_REDIS_REST_URL": "http://127.0.0.1:1",
    "UPSTASH_REDIS_REST_TOKEN": "none",
    "PUBLIC_URL": "http://127.0.0.1:1",
}


@dataclass(frozen=True)
class Bundle:
    """A function as it would be deployed: its files by their path in the bundle."""

    name: str
    files: dict[str, Path]
    environment: dict[str, str]

    @property
    def mb(self) -> float:
        return _mb(self.files.values())

    @property
    def bare(self) -> float:
        """The MB without bytecode."""
        return _mb(path for inside, path in self.files.items() if not inside.endswith(".pyc"))

    @property
    def compiled(self) -> str:
        """How much of the bytecode found room, in percent of the files."""
        kinds = collections.Counter(Path(inside).suffix for inside in self.files)
        return f"{kinds['.pyc'] / kinds['.py']:.0%}"

    def biggest(self, number: int = 4) -> str:
        """Name the folders that weigh most."""
        sizes: dict[str, int] = {}
        for inside, path in self.files.items():
            parts = inside.split("/")
            top = "/".join(parts[:2]) if parts[0] == "_vendor" else parts[0]
            sizes[top] = sizes.get(top, 0) + path.stat().st_size
        heaviest = sorted(sizes.items(), key=lambda pair: -pair[1])[:number]
        return ", ".join(f"{name.removeprefix('_vendor/')} {size / 1_000_000:.0f}" for name, size in heaviest)


def _mb(paths: Iterable[Path]) -> float:
    return sum(path.stat().st_size for path in paths) / 1_000_000


def run() -> str:
    """Build, weigh and boot every function; return the table."""
    for program in ("npm", "uv", "git"):
        if not shutil.which(program):
            raise Skipped(f"{program} is not installed")
    with tempfile.TemporaryDirectory(prefix="lotok-bundle-") as folder:
        project = _copy(Path(folder) / "project")
        _build(_cli(), project)
        bundles = _bundles(project)
        if wrong := output.faults(project, {bundle.name: bundle.files for bundle in bundles}):
            raise Failed("not as vercel.json says:\n" + "\n".join(wrong))
        rows = [_row(bundle, asyncio.run(_boot(bundle, Path(folder)))) for bundle in bundles]
        too_big = [bundle.name for bundle in bundles if bundle.mb >= LIMITS[bundle.name] or bundle.bare >= ROOM]
    if too_big:
        raise Failed(f"over the limit: {', '.join(too_big)}\n" + "\n".join(rows))
    head = (
        "| function | MB, with bytecode | must be under | compiled | boot, ms | of it imports, ms | heaviest, MB |\n"
        "|---|---|---|---|---|---|---|"
    )
    how = "Built by `vercel build` from a copy, then booted from the bundle's files alone: the best of three boots."
    return "\n".join([head, *rows, "", how])


def _row(bundle: Bundle, boot: functions.Boot) -> str:
    size = (f"`{bundle.name}`", f"{bundle.mb:.0f}", LIMITS[bundle.name], bundle.compiled)
    cells = (*size, boot.init_ms, boot.user_ms, bundle.biggest())
    return f"| {' | '.join(map(str, cells))} |"


def _copy(target: Path) -> Path:
    """Copy what would be uploaded: the builder writes into the project."""
    for name in _listed() - _listed("--cached", "--ignored", "--exclude-from=.vercelignore"):
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)
    (target / ".vercel").mkdir()
    (target / ".vercel" / "project.json").write_text('{"projectId":"x","orgId":"y","settings":{}}')
    return target


def _listed(*options: str) -> set[str]:
    """Return the files that git knows, or those of them that the options choose."""
    command = ["git", "ls-files", "-z", *options]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, text=True).stdout
    return set(filter(None, told.split("\0")))


def _cli() -> Path:
    """Return Vercel's command line, installed once."""
    folder = ROOT / ".dev" / "bench"
    program = folder / "node_modules" / ".bin" / "vercel"
    if not program.exists():
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "package.json").write_text(json.dumps(CLI))
        print("bundle: installing Vercel's command line (360 MB) ...", flush=True)
        _call(["npm", "install", "--silent", "--no-audit", "--no-fund"], folder)
    return program


def _build(program: Path, project: Path) -> None:
    base = Path(sys.base_prefix, "bin")
    env = {
        **os.environ,
        "PATH": os.pathsep.join([str(base), os.environ["PATH"]]),
        "VERCEL_TELEMETRY_DISABLED": "1",
        "VERCEL_PYTHON_COMPILEALL": "1",
    }
    _call([str(program), "build", "--yes", "--prod"], project, env)


def _call(command: list[str], folder: Path, env: Mapping[str, str] | None = None) -> None:
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, check=False, text=True)
    if done.returncode:
        raise Failed(f"{' '.join(command[:2])}: {(done.stderr or done.stdout).strip()[-1500:]}")


def _bundles(project: Path) -> list[Bundle]:
    made = project / ".vercel" / "output" / "functions"
    found = []
    for path in sorted(made.rglob(".vc-config.json")):
        config: dict[str, Any] = json.loads(path.read_text())
        files = {inside: project / outside for inside, outside in config.get("filePathMap", {}).items()}
        files |= {str(own.relative_to(path.parent)): own for own in path.parent.rglob("*") if own.is_file()}
        files.pop(".vc-config.json")
        lost = [inside for inside, file in files.items() if not file.exists()]
        if lost:
            raise Failed(f"{path.parent.name} lost {len(lost)} files to a later build, such as {lost[0]}")
        name = str(path.parent.relative_to(made)).removesuffix(".func").removesuffix("/index")
        found.append(Bundle(name, files, config["environment"]))
    return found


async def _boot(bundle: Bundle, folder: Path) -> functions.Boot:
    """Unpack the bundle and boot it three times with a Python that has no packages of its own; return the best."""
    target = folder / bundle.name
    for inside, path in bundle.files.items():
        (target / inside).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, target / inside)
    python = Path(sys.base_prefix, "bin", "python3.12")
    env = functions.environment(SETTINGS) | bundle.environment
    command = [str(python), *functions.SERVE_BUNDLE]
    function = functions.Function(f"{bundle.name}.py", env, root=target, command=command)
    for _ in range(3):
        try:
            await function.start()
        except functions.BootFailed as failure:
            raise Failed(f"{bundle.name} does not boot: {failure}") from None
        finally:
            await function.stop()
    return min(function.boots, key=lambda boot: boot.init_ms)
