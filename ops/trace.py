"""Tell the story of one thing from the rows.

  python -m ops trace order 17                 an order, or any other job: credits, providers, files, what followed
  python -m ops trace update studio:4711       an update that failed, was buried, or came while Redis was away
  python -m ops trace operation 55             a movement of points with what took it back and what came with it
  python -m ops trace person 42                a person by our number; --telegram takes their Telegram id

--json behind any of them prints JSON. It names no person and shows no words. It uses DATABASE_URL, or --url.
"""

import argparse
import dataclasses
import json

from lib import config, db, errors
from lib.office import trace
from lib.people import users


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("kind", choices=trace.KINDS)
    parser.add_argument("of", metavar="NUMBER", help="its number; of an update BOT:NUMBER")
    parser.add_argument("--telegram", action="store_true", help="the number is a person's Telegram id")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--url", help="the database, instead of DATABASE_URL")


async def run(args: argparse.Namespace) -> int:
    async with db.connect(args.url or config.get().database_url) as conn:
        of = await _person(conn, args.of) if args.telegram and args.kind == "person" else args.of
        events = await trace.story(conn, args.kind, of)
    for event in events:
        if args.json:
            print(json.dumps(dataclasses.asdict(event), ensure_ascii=False, default=str))
        else:
            facts = "  ".join(f"{name}={value}" for name, value in event.facts.items())
            print(
                f"{event.at:%Y-%m-%d %H:%M:%S.%f}"[:-3] + f"  {event.what:<10}  {event.subject:<16}  {facts}".rstrip()
            )
    return 0


async def _person(conn: db.Connection, tg_id: str) -> str:
    user = await users.get_user_by_tg_id(conn, int(tg_id)) if tg_id.isdecimal() and len(tg_id) < 19 else None
    if user is None:
        raise errors.Missing("no_user", tg_id[:20])
    return str(user.id)
