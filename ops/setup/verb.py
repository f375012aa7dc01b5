"""Lead from a deployment with half its settings to bots that answer, in Russian or English.

  python -m ops setup --lang ru       ask what is missing and do the rest; once more after each deployment
  python -m ops setup --yes           ask nothing: what is missing is told as left
  python -m ops setup --yes --json    the same for a program

It starts from what `vercel env pull .env.production --environment=production` writes. It knows each bot by getMe, makes
the secrets, migrates, lets the functions come as lotok_app, writes what is new into the file, which nobody else may
read, and prints the lines that hand it to the deployment. When that answers, it sets webhooks, commands, descriptions
and menu buttons, has a signed request go through it to Postgres and Redis, and keeps, reads and deletes a file. What is
done already stays as it is, so it can be run at any time. The last lines say what is left for a hand.
"""

import argparse
import json
from pathlib import Path

from lib import fetch
from ops import envfile
from ops.setup import steps, words
from ops.setup.wizard import Wizard

EXIT_CODES = "0 everything works, 1 something is left, 2 wrong usage"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--env-file", default=".env.production", help="where settings are read from and new ones kept")
    parser.add_argument("--lang", choices=("en", "ru"), default="en", help="the language of questions and answers")
    parser.add_argument("--yes", action="store_true", help="ask nothing")
    parser.add_argument("--json", action="store_true", help="one JSON document; asks nothing")


async def run(args: argparse.Namespace) -> int:
    file = Path(args.env_file)
    _take(file)
    wizard = Wizard(args.lang, asks=not args.yes and not args.json, prints=not args.json)
    try:
        await steps.bots(wizard)
        steps.settings(wizard)
        await steps.database(wizard)
        steps.keep(wizard, file)
        await steps.verify(wizard)
    finally:
        await fetch.close()
    print(_json(wizard) if args.json else _end(wizard))
    return 1 if wizard.left else 0


def _take(file: Path) -> None:
    """Have the settings of the file, if there is one yet."""
    if file.is_file():
        envfile.take(str(file))


def _json(wizard: Wizard) -> str:
    found = {"made": [*wizard.made], "done": wizard.done, "left": wizard.left}
    return json.dumps(found, ensure_ascii=False)


def _end(wizard: Wizard) -> str:
    if not wizard.left:
        return words.say(wizard.language, "all_done")
    lines = [f"  {one['what']}\n    {one['mend']}" for one in wizard.left]
    return "\n".join([words.say(wizard.language, "left"), *lines])
