"""How a verb is told its two databases: as addresses, or as `$NAME` of a variable, which `ps` does not show."""

import argparse
import os

from lib import errors
from ops.neon import connect


def add(parser: argparse.ArgumentParser, *, source: str = "the database to move from") -> None:
    """Let a verb take SOURCE and TARGET."""
    parser.add_argument("source", metavar="SOURCE", help=f"{source}: an address, or '$NAME' of a variable")
    parser.add_argument("target", metavar="TARGET", help="the database to move to, likewise")


def both(args: argparse.Namespace) -> tuple[str, str]:
    """Return the two addresses, which must be direct and two."""
    source, target = resolve(args.source), resolve(args.target)
    for url in (source, target):
        connect.refuse_pooler(url)
    if _place(source) == _place(target):
        raise errors.Misconfigured(detail="source and target are the same database")
    return source, target


def resolve(given: str) -> str:
    """Return the address that is given, or that a variable holds."""
    if given.startswith("$"):
        held = os.environ.get(given[1:].strip("{}"))
        if not held:
            raise errors.Misconfigured(detail=f"the variable {given[1:]} is not set")
        return held
    if given in os.environ and "://" not in given:
        raise errors.Misconfigured(detail=f"{given} is the name of a variable: write '${given}', in single quotes")
    return given


def _place(url: str) -> tuple[str, ...]:
    parts = connect.read(url)
    return parts.get("host", ""), parts.get("port", "5432"), parts.get("dbname", parts.get("user", ""))
