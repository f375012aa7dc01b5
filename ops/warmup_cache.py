"""Fill the caches before the first user comes; for a shell or as a step of a deployment.

  python -m ops warmup-cache                   every class that has a loader
  python -m ops warmup-cache --only profile    one class
  python -m ops warmup-cache --json            one JSON object on standard output, no progress

It reads DATABASE_URL and writes to Upstash. Without Redis it stores nothing and ends with exit code 1; a deployment may
go on all the same, as the caches fill by themselves.
"""

import argparse
import json
import sys

from lib import config, db, fetch
from lib.people import warmup
from ops import whole

WIDTH = 30


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--only", choices=sorted(warmup.LOADERS), help="the class to fill; without it, all")
    parser.add_argument("--limit", type=whole, default=warmup.LIMIT, help="the most entries of a class (%(default)s)")
    parser.add_argument("--json", action="store_true", help="print the report as JSON")


async def run(args: argparse.Namespace) -> int:
    kinds = [args.only] if args.only else [*warmup.LOADERS]
    watch = (lambda *_: None) if args.json else _bar if sys.stdout.isatty() else _line
    try:
        async with db.connect(config.get().database_url) as conn:
            report = await warmup.warm(conn, *kinds, limit=args.limit, watch=watch)
    finally:
        await fetch.close()
    complete = all(figures["warmed"] == figures["found"] for figures in report.values())
    if args.json:
        print(json.dumps({"complete": complete, "classes": report}))
    elif not complete:
        print("not everything was stored; is Redis within reach?", file=sys.stderr)
    return 0 if complete else 1


def _bar(kind: str, stored: int, found: int) -> None:
    """Draw the bar over itself; the last step ends the line."""
    done = stored / found if found else 1.0
    filled = round(WIDTH * done)
    end = "\n" if stored == found else ""
    print(f"\r{kind:<14} {'█' * filled}{'░' * (WIDTH - filled)} {stored}/{found}", end=end, flush=True)


def _line(kind: str, stored: int, found: int) -> None:
    print(f"{kind}: {stored} of {found} stored", flush=True)
