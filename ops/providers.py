"""Show what the generation providers cost, and set how much each may cost within any 24 hours.

  python -m ops providers list                                 limit, cost and calls of the last 24 hours
  python -m ops providers limit kie 80 --reason "the season"   80 dollars; 0 stops what costs money

Every change is kept in the audit log with who made it: --by, or the name of the user who runs this. --json prints JSON.
It uses DATABASE_URL.
"""

import argparse
import dataclasses
import getpass
import json

from lib import config, db, errors, providers
from lib.studio import spending
from ops import whole

PAID = [name for name in providers.PROVIDERS if name != "local"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    given = argparse.ArgumentParser(add_help=False)
    given.add_argument("--json", action="store_true", help="print JSON")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="list|limit")
    verbs.add_parser("list", parents=[given], help="all of them")
    limit = verbs.add_parser("limit", parents=[given], help="how much one may cost within any 24 hours")
    limit.add_argument("provider", choices=PAID)
    limit.add_argument("dollars", type=whole, help="whole dollars")
    limit.add_argument("--reason", required=True, help="why; it is kept")
    limit.add_argument("--by", default=getpass.getuser(), help="who does it")


async def run(args: argparse.Namespace) -> int:
    async with db.connect(config.get().database_url) as conn:
        if args.verb == "limit":
            if not 0 <= args.dollars <= 1_000_000:
                raise errors.Invalid("odd_limit", "give whole dollars, from 0 to 1000000")
            by = {"actor": f"ops:{args.by}", "reason": args.reason}
            await spending.set_daily_limit(conn, args.provider, args.dollars * 1000, **by)
        found = await spending.states(conn, [args.provider] if args.verb == "limit" else PAID)
    if args.json:
        print(json.dumps([dataclasses.asdict(one) for one in found], default=str))
    else:
        print("\n".join(map(_line, found)))
    return 0


def _line(one: spending.ProviderState) -> str:
    limit = "no limit" if one.daily_limit is None else f"of ${one.daily_limit / 1000:.2f}"
    calls = f"{one.day} {'call' if one.day == 1 else 'calls'}, {one.day_done} done, {one.day_failed} failed"
    return f"{one.provider:<8}  ${one.spent / 1000:.2f} {limit}  {calls}"
