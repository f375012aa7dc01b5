"""Gives each pin of the lists its hashes, from the package index by uv; to be run after a pin has changed.

  python -m dev.hashes     needs uv on the PATH

With hashes in a list pip, uv and Vercel's builder take no other file for a package than those seen when it was pinned.
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LISTS = (
    "requirements.txt",
    "dev/requirements.txt",
    "dev/audit.txt",
    "dev/lint.txt",
    "bench/*/requirements.txt",
    "ops/*/requirements.txt",
    "api/*/requirements.txt",
)
UV = "uv pip compile --quiet --generate-hashes --no-annotate --no-header --no-deps --universal --python-version 3.12 -"


def main() -> int:
    """Rewrite the lists; comments and order stay."""
    if not shutil.which("uv"):
        print("uv is not installed: pip install uv", file=sys.stderr)
        return 1
    for path in sorted(found for name in LISTS for found in ROOT.glob(name)):
        lines = bare(path.read_text(encoding="utf-8"))
        hashes = _hashes("\n".join(line for line in lines if "==" in line and not line.startswith("#")))
        path.write_text("\n".join(line + hashes.get(_name(line), "") for line in lines) + "\n", encoding="utf-8")
        print(f"{path.relative_to(ROOT)}: {len(hashes)} packages")
    return 0


def bare(text: str) -> list[str]:
    """Return the lines of a list without its hashes."""
    return [line.removesuffix(" \\") for line in text.splitlines() if not line.startswith("    --hash=")]


def _hashes(pins: str) -> dict[str, str]:
    told = subprocess.run(UV.split(), input=pins, capture_output=True, text=True, check=True, cwd=ROOT).stdout
    found: dict[str, list[str]] = {}
    name = ""
    for line in told.splitlines():
        if line.startswith("    --hash="):
            found[name].append(line.strip().removesuffix(" \\"))
        else:
            name = _name(line)
            found[name] = []
    return {name: "".join(f" \\\n    {one}" for one in sorted(hashes)) for name, hashes in found.items()}


def _name(line: str) -> str:
    return re.sub(r"[-_.]+", "-", re.split(r"[\[=]", line)[0]).strip().lower() if not line.startswith("#") else ""


if __name__ == "__main__":
    sys.exit(main())
