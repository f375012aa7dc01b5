"""Vercel's own command line, where it is installed and has linked this folder: what the wizard reads and hands over.

A value that goes to Vercel is stored as a secret, which nobody can read again: what comes back is a placeholder. So the
wizard's own file is the one place that has it.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from ops import envfile

DEPLOY = "vercel deploy --prod"
LINK = Path(".vercel/project.json")
HANDED = Path(".vercel/handed-over.json")  # marks of the values that went there: it does not show them again
TOLD = Path(".vercel/told-to-paste.json")  # beside the file: marks of values that a person was told to hand over
# What is written in place of a secret by some versions; what the platform itself leaves empty is none.
_EMPTY = re.compile(r"""^(?!(?:VERCEL|TURBO|NX)_)([A-Z][A-Z0-9_]*)=(?:""|'')?$""", re.MULTILINE)
_PATIENCE = 120  # seconds; a deployment takes what it takes


def is_here() -> bool:
    """Whether the command line is installed."""
    return shutil.which("vercel") is not None


def is_linked() -> bool:
    """Whether it can be asked about the project of this folder."""
    return is_here() and LINK.is_file()


def pull(*, keeps: bool = True) -> tuple[dict[str, str], str]:
    """Return the settings of production, envfile.HIDDEN in place of a secret, and why they could not be had, or ''.

    What was told is kept beside the link, where Vercel's own programs keep it, for the other verbs to work with. An
    empty value is a secret, too: another one must not be made in its place.
    """
    with tempfile.TemporaryDirectory(prefix="lotok-setup-") as folder:
        file = Path(folder) / "env"
        fault = _said(["env", "pull", str(file), "--environment=production", "--yes"])
        if keeps and not fault:
            envfile.keep(envfile.PULLED, _EMPTY.sub(rf'\1="{envfile.HIDDEN}"', file.read_text(encoding="utf-8")))
        empty = _EMPTY.findall(file.read_text(encoding="utf-8")) if file.is_file() else []
        return envfile.read(file) | dict.fromkeys([*envfile.hidden(file), *empty], envfile.HIDDEN), fault


def push(name: str, value: str) -> str:
    """Set one variable of production, and note that; return why that failed, or ''."""
    if not (fault := _said(["env", "add", name, "production", "--force"], value)):
        note({name: value})
    return fault


def note(values: Mapping[str, str], where: Path = HANDED) -> None:
    """Note that Vercel has these values, or that a person was told to hand them over."""
    marks = _noted(where) | {name: _mark(value) for name, value in values.items()}
    where.parent.mkdir(exist_ok=True)
    envfile.keep(where, json.dumps(marks, indent=1) + "\n")


def knows(name: str, value: str, where: Path = HANDED) -> bool | None:
    """Say whether this value of a setting is noted there; None where nothing is noted of it."""
    mark = _noted(where).get(name)
    return None if mark is None else mark == _mark(value)


def _noted(where: Path) -> dict[str, str]:
    return json.loads(where.read_text(encoding="utf-8")) if where.is_file() else {}


def _mark(value: str) -> str:
    return hashlib.sha256(value.encode()).hexdigest()[:16]


def block(names: Sequence[str], file: Path) -> str:
    """Return one line for a shell that does the same by hand; it takes the quotes off as it reads."""
    read = rf"""sed -n "s/^$name=//p" {file} | sed "s/^[\"']\(.*\)[\"']$/\1/" | tr -d '\n'"""
    return f"for name in {' '.join(names)}; do {read} | vercel env add $name production --force; done"


def deploy() -> bool:
    """Deploy to production in sight of the person, and say whether that worked."""
    return subprocess.run([str(shutil.which("vercel")), "deploy", "--prod", "--yes"], check=False).returncode == 0


def _said(words: Sequence[str], given: str = "") -> str:
    """Run a command; return what it says of an error when it failed, or ''."""
    command, env = [str(shutil.which("vercel")), *words], {**os.environ, "VERCEL_TELEMETRY_DISABLED": "1"}
    try:
        done = subprocess.run(
            command, input=given, env=env, capture_output=True, text=True, check=False, timeout=_PATIENCE
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    lines = [line.strip() for line in (done.stderr or done.stdout).splitlines() if line.strip()]
    said = next((line for line in lines if "error" in line.lower()), (lines or [f"exit code {done.returncode}"])[-1])
    return said if done.returncode else ""
