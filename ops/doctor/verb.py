"""Find what is wrong in a live installation, each with the one command that mends it.

  python -m ops doctor                          look at the installation that the settings name, or .env.production
  python -m ops doctor --env-file other.env     with the settings of another file, as the wizard or Vercel writes it
  python -m ops doctor --hosting hobby          judge by the limits of Vercel's free plan as well
  python -m ops doctor --json                   the same for a program

It changes nothing: in Redis it writes a key of a minute, in the store a file that it deletes at once. What lies in the
nature of a stack on one's own machine is a note, what can wait is advice, and neither makes the exit code 1.
"""

import argparse
import json
from dataclasses import asdict, replace

from lib import fetch
from ops import envfile
from ops.doctor import faults, seeing
from ops.setup import vercel

EXIT_CODES = "0 nothing is wrong, 1 something is, 2 wrong usage"
SIGNS = {"fault": "✗", "advice": "!", "note": "·"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--env-file", default="", help="a file of settings; what the shell sets wins")
    parser.add_argument("--hosting", choices=("hobby", "pro"), default="", help="the plan on Vercel")
    parser.add_argument("--lang", choices=("en", "ru"), default="en", help="the language of the findings")
    parser.add_argument("--json", action="store_true", help="one JSON document")


async def run(args: argparse.Namespace) -> int:
    hidden = _take(args.env_file)
    try:
        seen = await seeing.see(hosting=args.hosting, hidden=hidden or frozenset())
        has_file = hidden is not None and args.env_file in ("", str(envfile.USUAL))
        found = faults.find(replace(seen, has_file=has_file), args.lang)
    finally:
        await fetch.close()
    is_wrong = any(one.level == "fault" for one in found)
    print(_json(found) if args.json else show(found, args.lang))
    return 1 if is_wrong else 0


def _take(path: str) -> frozenset[str] | None:
    """Take the settings of a file, or of this folder's installation, with what Vercel tells of it; None for neither."""
    if vercel.is_linked():
        vercel.pull()  # when it refuses, what it told before will do
    return envfile.take_with_pulled(path) if path else envfile.take_usual()


def _json(found: list[faults.Finding]) -> str:
    return json.dumps({"faults": [asdict(one) for one in found], "looked_for": len(faults.FAULTS)}, ensure_ascii=False)


def show(found: list[faults.Finding], language: str) -> str:
    """Return the findings for a person: what is wrong, and below it the command."""
    lines = [f"{SIGNS[one.level]} {one.what}\n    {one.mend}" for one in found]
    number = sum(one.level == "fault" for one in found)
    if language == "ru":
        end = f"Неисправностей: {number} (из {len(faults.FAULTS)} возможных)"
    else:
        end = f"{number or 'no'} {'fault' if number == 1 else 'faults'}; {len(faults.FAULTS)} kinds were looked for"
    return "\n".join([*lines, end])
