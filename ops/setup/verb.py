"""Lead from a deployment with half its settings to bots that answer, in Russian or English.

  python -m ops setup --lang ru       ask what is missing and do the rest, as often as you like
  python -m ops setup --dry-run       change nothing and ask nothing: say what would be done
  python -m ops setup --yes --push    ask nothing, hand what is new to Vercel; without --push say how that is done
  python -m ops setup --yes --json    the same for a program

In a folder that `vercel link` knows it reads the project's settings from Vercel. It knows each bot by getMe, makes the
secrets, migrates, lets the functions come as lotok_app, writes what is new into the file, which nobody else may read,
hands it to Vercel and deploys, each when you say yes. Keep the file: Vercel shows a secret to nobody. When the
deployment answers, it sets webhooks, commands, descriptions and menu buttons, has a signed request go through it to
Postgres and Redis, and keeps, reads and deletes a file. What is done already stays as it is. The last lines say what is
left for a hand.
"""

import argparse
import json
from pathlib import Path

from lib import fetch
from ops.setup import steps
from ops.setup.wizard import Wizard

EXIT_CODES = "0 everything works, 1 something is left, 2 wrong usage"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--env-file", default=".env.production", help="where settings are read from and new ones kept")
    parser.add_argument("--lang", choices=("en", "ru"), default="en", help="the language of questions and answers")
    parser.add_argument("--yes", action="store_true", help="ask nothing")
    parser.add_argument("--push", action="store_true", help="hand new settings to Vercel without asking")
    parser.add_argument("--dry-run", action="store_true", help="change nothing, ask nothing")
    parser.add_argument("--json", action="store_true", help="one JSON document; asks nothing")


async def run(args: argparse.Namespace) -> int:
    asks, file = not (args.yes or args.json or args.dry_run), Path(args.env_file)
    wizard = Wizard(args.lang, asks, not args.json, dry=args.dry_run, hands_over=args.push, file=file)
    try:
        if steps.found(wizard):
            await steps.bots(wizard)
            steps.settings(wizard)
            await steps.database(wizard)
            steps.keep(wizard)
            await steps.verify(wizard)
    finally:
        steps.save(wizard)
        await fetch.close()
    print(_json(wizard) if args.json else _end(wizard))
    return 1 if wizard.left else 0


def _json(wizard: Wizard) -> str:
    found = {"made": [*wizard.made], "done": wizard.done, "left": wizard.left}
    return json.dumps(found, ensure_ascii=False)


def _end(wizard: Wizard) -> str:
    links = ", ".join(f"https://t.me/{username}" for username in wizard.usernames)
    end = [wizard.say("tried")] if wizard.dry else []
    if not wizard.left:
        return "\n".join(end or [wizard.say("all_done", links=links)])
    lines = [f"  {one['what']}\n    {one['mend']}" for one in wizard.left]
    return "\n".join([*end, wizard.say("left"), *lines])
