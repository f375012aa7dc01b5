"""Runs Lotok on this machine.

  python -m dev up [--port 4000] [--ai]    start everything and print the address of the chat simulator; with --ai
                                           the stand-ins of the generation providers make the pictures
  python -m dev seed                       plant a café with its people into the running stack, to play with
  python -m dev picture                    take docs/simulator.png in a fresh stack that runs without keys
  python -m dev env                        print the running stack's settings: eval "$(python -m dev env)"
  python -m dev env python -m ops audit    run a command with them
  python -m dev reset                      forget the local data

Exit codes: 0 done, or stopped by Ctrl-C; 1 failed; 2 wrong usage.
"""

import argparse
import sys


def main(argv: list[str]) -> int:
    """Run one command and return the exit code; an expected failure is one line, no traceback."""
    if sys.version_info[:2] != (3, 12):
        return _refuse(
            f"Lotok needs Python 3.12, this is {sys.version.split()[0]}. Use: {_way(argv[0] if argv else 'up')}"
        )
    args = _parser().parse_args(argv)
    if args.command == "up":
        print("Lotok on this machine", flush=True)
    try:
        from dev import up  # heavy, so it comes after the first line
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] in ("dev", "lib", "ops"):
            raise
        return _refuse(f"The package {error.name} is not installed here. Use: {_way(args.command)}")
    if args.command == "up":
        return up.run(args.port, ai=args.ai)
    if args.command == "env":
        return up.env(args.run)
    return {"reset": up.reset, "seed": up.seed, "picture": up.picture}[args.command]()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "python -m dev", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    up = commands.add_parser("up", help="start everything")
    up.add_argument("--port", type=_port, default=4000, help="where the page is to be (4000), the deployment after it")
    up.add_argument("--ai", action="store_true", help="let stand-ins of KIE.ai and OpenAI make the pictures")
    commands.add_parser("seed", help="plant a café with its people, to play with, while `up` runs")
    commands.add_parser("picture", help="take docs/simulator.png, while a fresh `up` runs; needs Chromium")
    env = commands.add_parser("env", help="print the settings of the stack that runs, or run a command with them")
    env.add_argument("run", nargs=argparse.REMAINDER, metavar="command", help="such as: python -m ops jobs list")
    commands.add_parser("reset", help="forget the local data; says what it deletes")
    return parser


def _port(text: str) -> int:
    if not text.isdecimal() or not 1024 <= int(text) <= 65_000:
        raise argparse.ArgumentTypeError("a port is a number from 1024 to 65000")
    return int(text)


def _way(command: str) -> str:
    """Return what has the packages: a target of make, or its environment for a command that is none."""
    return f"make {command}" if command in ("up", "reset") else "make setup && . .venv/bin/activate"


def _refuse(text: str) -> int:
    print(text, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
