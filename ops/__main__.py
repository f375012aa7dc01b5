"""python -m ops <verb>: run one verb of the table in ops/__init__.py.

Exit codes: 0 done, 1 failed, 2 wrong usage.
"""

import argparse
import asyncio
import errno
import importlib
import inspect
import logging
import os
import sys
from types import ModuleType

try:
    import psycopg
except ModuleNotFoundError as error:  # the Python of the system, which most shells call in a new terminal
    sys.exit(f"ops: the package {error.name} is not installed here. Use: make setup && . .venv/bin/activate")

from lib import errors
from ops import OF_AN_INSTALLATION, VERBS, envfile

# What is wrong around us, and no fault of ours: a disk that is full or read-only, a file that is not ours.
SURROUNDINGS = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM)


def main(argv: list[str]) -> int:
    """Run the verb that `argv` names and return the exit code; an expected failure is one line, no traceback."""
    if not argv or argv[0] in ("-h", "--help"):
        print(_overview())
        return 0 if argv else 2
    if argv[0] not in VERBS:
        print(f"ops: there is no verb {argv[0]!r}; there are: {', '.join(VERBS)}", file=sys.stderr)
        return 2
    logging.getLogger("psycopg").setLevel(logging.ERROR)  # of a lost connection it would warn beside our own line
    try:
        verb = importlib.import_module(VERBS[argv[0]])  # on a busy machine seconds, in which somebody may press Ctrl-C
        args = _parser(argv[0], verb).parse_args(argv[1:])
        if argv[0] in OF_AN_INSTALLATION and envfile.take_usual() is not None:
            print(f"ops {argv[0]}: with the settings of {envfile.USUAL}", file=sys.stderr)
        return _run(verb, args)
    except errors.AppError as error:
        return _failed(argv[0], _words(error))
    except psycopg.DataError as error:
        said = error.diag.message_primary or str(error)
        return _failed(argv[0], f"the database refuses this value: {said}")
    except BrokenPipeError:  # the reader of our output has seen enough, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        if error.errno not in SURROUNDINGS:
            raise
        return _failed(argv[0], f"{error.strerror}: {error.filename or 'a file'}")
    except KeyboardInterrupt:
        print(f"ops {argv[0]}: stopped", file=sys.stderr)
        return 130


def _failed(name: str, words: str) -> int:
    print(f"ops {name}: {' '.join(words.split())}", file=sys.stderr)
    return 1


def _words(error: errors.AppError) -> str:
    """Return an error in words: its code is `no_job`, and a person reads "no job"."""
    return ": ".join(part for part in (error.code.replace("_", " "), error.detail) if part)


def _run(verb: ModuleType, args: argparse.Namespace) -> int:
    outcome = verb.run(args)
    code: int = asyncio.run(outcome) if inspect.iscoroutine(outcome) else outcome
    return code


def _parser(name: str, verb: ModuleType) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=f"python -m ops {name}",
        description=verb.__doc__,
        epilog=f"Exit codes: {getattr(verb, 'EXIT_CODES', '0 done, 1 failed, 2 wrong usage')}.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verb.add_arguments(parser)
    return parser


def _overview() -> str:
    lines = ["usage: python -m ops <verb> [--help]", ""]
    for name, module in VERBS.items():
        sentence = (importlib.import_module(module).__doc__ or "").strip().splitlines()[0]
        lines.append(f"  {name:<13} {sentence}")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
