"""Make, reset and delete the Neon branch of a preview: one for each git branch, called preview/<git branch>.

  python -m ops branch create                       of the checked-out git branch, with the migrations of this checkout
  python -m ops branch create feature/x --anonymise --env .env
  python -m ops branch list                         all previews: when they end, how large they are
  python -m ops branch url --app                    the functions' whole address (--direct, --pooled: the owner's)
  python -m ops branch diff --markdown              how its schema differs from its parent's
  python -m ops branch reset                        the parent's data once more, at the same address
  python -m ops branch delete feature/x             fine when it is gone already

A second `create` finds the branch, applies what is pending, and its 14 days begin again. The default branch and
protected ones are never touched. --anonymise blanks names, phones and words by sql/anonymise.sql, or by a file of
yours; a branch has its name only once that is done. A database without Lotok's migrations: --no-migrate.

It uses NEON_API_KEY and NEON_PROJECT_ID. --json prints JSON, with passwords; else they are hidden.
"""

import argparse
import dataclasses
import json
import re
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lib import config, db, errors, fetch
from ops.neon import connect, previews
from ops.neon.api import Branch, Neon
from ops.neon.previews import Preview, Wish

BLANK = db.SQL_FOLDER / "anonymise.sql"
MARK = "<!-- preview -->"
_COMMENT = 60_000  # GitHub takes 65,536 characters


def add_arguments(parser: argparse.ArgumentParser) -> None:
    given = argparse.ArgumentParser(add_help=False)
    given.add_argument("--json", action="store_true", help="print JSON, with the passwords")
    one = argparse.ArgumentParser(add_help=False, parents=[given])
    one.add_argument("git_branch", nargs="?", default="", help="the checked-out one when left out")
    one.add_argument("--database", default="", help="the branch's only one when left out")
    one.add_argument("--no-migrate", dest="migrate", action="store_false", help="leave the schema as the parent has it")
    made = argparse.ArgumentParser(add_help=False, parents=[one])
    made.add_argument("--days", type=_days, default=14.0, help="when it ends unless asked for again: up to 30 (14)")
    made.add_argument("--anonymise", nargs="?", const=BLANK, type=Path, metavar="FILE", help="blank the people by SQL")
    made.add_argument("--env", type=Path, metavar="FILE", help="append DATABASE_URL and DATABASE_URL_UNPOOLED to it")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="|".join(VERBS))
    making = verbs.add_parser("create", parents=[made], help="make it, or bring it up to date")
    making.add_argument("--from", dest="parent", default="", help="the branch to copy, by name (the default one)")
    making.add_argument("--renew", action="store_true", help="reset it when a migration that it has was edited since")
    verbs.add_parser("list", parents=[given], help="all previews")
    verbs.add_parser("reset", parents=[made], help="the parent's data once more")
    verbs.add_parser("delete", parents=[one], help="delete it")
    which = verbs.add_parser("url", parents=[one], help="its addresses").add_mutually_exclusive_group()
    for name in ("app", "pooled", "direct"):
        which.add_argument(f"--{name}", dest="which", action="store_const", const=name, help=f"only the {name} one")
    differing = verbs.add_parser("diff", parents=[one], help="its schema beside its parent's")
    differing.add_argument("--markdown", action="store_true", help="as the comment of a pull request")


async def run(args: argparse.Namespace) -> int:
    settings = config.get()
    neon = Neon(settings.neon_api_key, settings.neon_project_id, url=settings.neon_api_url)
    try:
        facts, lines = await VERBS[args.verb](neon, args)
    finally:
        await fetch.close()
    print(json.dumps(facts, ensure_ascii=False, default=str) if args.json else "\n".join(lines))
    return 0


type Answer = tuple[Any, list[str]]  # for a program, for a person


async def _create(neon: Neon, args: argparse.Namespace) -> Answer:
    wish = dataclasses.replace(_wish(args), parent=args.parent, renew=args.renew)
    made = await previews.create(neon, _name(args), wish)
    return _made(made, "created" if made.created else "found", args)


async def _reset(neon: Neon, args: argparse.Namespace) -> Answer:
    return _made(await previews.reset(neon, _name(args), _wish(args)), "reset", args)


async def _list(neon: Neon, args: argparse.Namespace) -> Answer:
    found = [one for one in await neon.branches(previews.PREFIX) if one.name.startswith(previews.PREFIX)]
    found.sort(key=lambda one: (one.expires_at is None, str(one.expires_at), one.name))
    return [dataclasses.asdict(one) for one in found], [_line(one) for one in found] or ["there are no previews"]


async def _delete(neon: Neon, args: argparse.Namespace) -> Answer:
    name = _name(args)
    found = await neon.find(name)
    deleted = found is not None and await neon.delete(found)
    return {"name": name, "deleted": deleted}, [f"{name} {'deleted' if deleted else 'is not there'}"]


async def _url(neon: Neon, args: argparse.Namespace) -> Answer:
    preview = await previews.look(neon, _name(args), _wish(args))
    urls = {name: getattr(preview, name) for name in ("app", "pooled", "direct")}
    lines = [urls[args.which]] if args.which else [f"{name:<8}{url}" for name, url in urls.items()]
    return urls, lines


async def _diff(neon: Neon, args: argparse.Namespace) -> Answer:
    preview = await previews.look(neon, _name(args), _wish(args))
    text = await neon.diff(preview.branch, preview.branch.parent_id, preview.database)
    shown = markdown(preview.branch.name, text) if args.markdown else text or "the schema is its parent's"
    return {"name": preview.branch.name, "diff": text}, [shown]


VERBS = {"create": _create, "list": _list, "reset": _reset, "delete": _delete, "url": _url, "diff": _diff}


def markdown(name: str, diff: str) -> str:
    """Return a schema diff as the comment of a pull request, in a fence that nothing inside of it can close."""
    head = f"**Schema of `{name}`**"
    if not diff:
        return f"{head}: as its parent has it."
    lines = diff.splitlines()
    more, fewer = (sum(one.startswith(sign) and not one.startswith(sign * 3) for one in lines) for sign in "+-")
    cut = diff[:_COMMENT].rstrip("\n") + ("\n… cut" if len(diff) > _COMMENT else "")
    fence = "`" * (1 + max(map(len, ["``", *re.findall(r"`+", cut)])))
    facts = f"{more} lines more, {fewer} fewer"
    return f"{head}: {facts}\n\n<details><summary>diff</summary>\n\n{fence}diff\n{cut}\n{fence}\n\n</details>"


def _made(preview: Preview, what: str, args: argparse.Namespace) -> Answer:
    if args.env:
        with args.env.open("a", encoding="utf-8") as file:
            file.writelines(f"{name}={url}\n" for name, url in preview.settings().items())
    facts = [what, f"ends {preview.branch.expires_at:%Y-%m-%d %H:%M} UTC", f"{len(preview.applied)} migrations applied"]
    blanked = bool(args.anonymise) and what != "found"
    lines = [f"{preview.branch.name}  {', '.join([*facts, *['people blanked'] * blanked])}"]
    lines += [f"  {name:<22}{connect.mask(url)}" for name, url in preview.settings().items()]
    return dataclasses.asdict(preview) | {"settings": preview.settings()}, lines


def _line(branch: Branch) -> str:
    ends = f"ends {branch.expires_at:%Y-%m-%d}" if branch.expires_at else "no end"
    size = f"{branch.bytes / 1_000_000:,.0f} MB" if branch.bytes else ""
    return f"{branch.name:<40}  {branch.state:<8}  {ends:<15}  {size:>9}".rstrip()


def _wish(args: argparse.Namespace) -> Wish:
    given = {"days": getattr(args, "days", 14.0), "database": args.database, "migrate": args.migrate}
    return Wish(config.get().neon_api_key, datetime.now(UTC), blank=_read(getattr(args, "anonymise", None)), **given)


def _read(path: Path | None) -> str:
    try:
        return path.read_text(encoding="utf-8") if path else ""
    except (OSError, UnicodeError) as error:
        raise errors.Invalid("no_file", f"{path} cannot be read: {error}") from error


def _name(args: argparse.Namespace) -> str:
    return previews.name_of(args.git_branch or _checked_out())


def _checked_out() -> str:
    """Return the git branch of this folder."""
    command = ["git", "symbolic-ref", "--quiet", "--short", "HEAD"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        raise errors.Invalid("no_git_branch", "no git branch is checked out here: name one") from None


def _days(text: str) -> float:
    try:
        days = float(text)
    except ValueError:
        days = 0.0
    if not 0 < days <= 30:
        raise argparse.ArgumentTypeError("days are a number above 0 and up to 30")
    return days
