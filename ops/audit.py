"""Check every invariant of credits, jobs and points on the live database; change nothing.

  python -m ops audit               one line a finding, with a few examples
  python -m ops audit --json        the same for a program: {"findings": [{"check", "number", "examples"}]}
  python -m ops audit --url URL     another database than DATABASE_URL's

Exit code 3: something was found. The same audit runs every night as a job and tells the administrators (ADMIN_IDS).
"""

import argparse
import dataclasses
import json

from lib import config, db
from lib.office import audit


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--url", help="the database, instead of DATABASE_URL")


async def run(args: argparse.Namespace) -> int:
    async with db.connect(args.url or config.get().database_url) as conn:
        found = await audit.check(conn)
    if args.json:
        print(json.dumps({"findings": [dataclasses.asdict(finding) for finding in found]}, ensure_ascii=False))
    else:
        for finding in found:
            print(f"{finding.number:>6}  {finding.check}: {', '.join(finding.examples)}")
        print(f"{len(audit.CHECKS)} checks, {len(found)} of them found something")
    return 3 if found else 0
