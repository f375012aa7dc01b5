"""Builds .venv and installs the requirements; dev/setup.sh calls it when they have changed. Standard library only."""

import fcntl
import importlib.util
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import IO

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / "stamp"
LOG = ROOT / ".dev" / "logs" / "setup.log"
BASE = Path(sys.base_prefix, "bin", "python3.12")
# All packages are pinned, so there is nothing to resolve. Without --no-compile pip would compile 4,000 modules, of
# which a run uses a third; Python compiles those as it goes.
OPTIONS = ("--quiet", "--disable-pip-version-check", "--no-input", "--no-compile", "--no-deps")
LISTS = ("requirements.txt", "dev/requirements.txt")


def main(stamp: str) -> None:
    try:
        LOG.parent.mkdir(parents=True, exist_ok=True)
        with (ROOT / ".dev" / "setup.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # another make may be doing the same
            if not (STAMP.is_file() and STAMP.read_text() == stamp and PYTHON.exists()):
                _install()
                STAMP.write_text(stamp)
    except OSError as error:
        sys.exit(f"Could not set up .venv: {error.strerror} ({error.filename or ROOT})")
    except KeyboardInterrupt:
        print("\nStopped. The next make goes on from here.")
        sys.exit(130)


def _install() -> None:
    began = time.monotonic()
    print("Installing the packages into .venv: seconds when pip has them cached, else about a minute ...", flush=True)
    with LOG.open("w") as log:
        pip = _pip()
        if not _usable(needs_pip=pip[0] == str(PYTHON)):
            _create(log, without_pip=pip[0] != str(PYTHON))
        # Most of pip's time is reading the index pages, one after the other: two of it take half as long.
        _run([[*pip, "install", *OPTIONS, "-r", name] for name in LISTS], log)
    print(f"Installed in {time.monotonic() - began:.0f} s.", flush=True)


def _pip() -> list[str]:
    """Return the pip to use: the one beside the base Python, if any, which saves 4 seconds of unpacking another."""
    base = BASE if BASE.exists() else Path(sys.executable)
    has_pip = subprocess.run([base, "-m", "pip", "--version"], capture_output=True, check=False).returncode == 0
    return [str(base), "-m", "pip", "--python", str(PYTHON)] if has_pip else [str(PYTHON), "-m", "pip"]


def _usable(*, needs_pip: bool) -> bool:
    """Say whether .venv works: it may have been left half made, or made by another Python."""
    check = f"import sys{', pip' if needs_pip else ''}; sys.exit(sys.version_info[:2] != (3, 12))"
    return PYTHON.exists() and subprocess.run([PYTHON, "-c", check], capture_output=True, check=False).returncode == 0


def _create(log: IO[str], *, without_pip: bool) -> None:
    missing = [name for name in ("venv", "ensurepip") if importlib.util.find_spec(name) is None]
    if missing:
        sys.exit(f"{sys.executable} lacks the module {missing[0]}. Debian, Ubuntu: apt install python3.12-venv")
    python = BASE if BASE.exists() else sys.executable
    _run([[str(python), "-m", "venv", "--clear", *(["--without-pip"] if without_pip else []), str(VENV)]], log)


def _run(commands: list[list[str]], log: IO[str]) -> None:
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    running = [subprocess.Popen(command, cwd=ROOT, env=env, stdout=log, stderr=log) for command in commands]
    codes = [process.wait() for process in running]
    if any(codes):
        said = [line for line in LOG.read_text(errors="replace").splitlines() if line.strip()]
        reasons = [line for line in said if "ERROR" in line or "rror:" in line] or said or ["no reason given"]
        sys.exit(f"Could not install the packages: {reasons[-1].strip()[:300]}\nAll of it: {LOG.relative_to(ROOT)}")


if __name__ == "__main__":
    main(sys.argv[1])
