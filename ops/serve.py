"""Serve the functions of api/ from this machine instead of Vercel: one process, or one for each core.

  python -m ops serve                                   everything on 127.0.0.1:8000, with the minute's clock
  python -m ops serve --workers 2 --only telegram,callback,cache,health,metrics,files     the web processes
  python -m ops serve --port 8010 --only drain --clock  the light worker; --only render is the one that draws
  python -m ops serve --fd 3                            on a socket that systemd keeps open while we restart

Routes, headers and time limits are those of vercel.json. It reads the settings of .env.example from the environment;
Redis is reached through `python -m ops bridge` where there is no Upstash. Ctrl-C and SIGTERM end it in order: what is
under way is ended first, for up to --grace seconds.
"""

import argparse
import json
import os
from collections.abc import Mapping
from typing import Any

from starlette.types import ASGIApp

from lib import config, errors, tally
from ops import whole
from ops.serving import clock, front

SETTING = "LOTOK_SERVE"  # how a worker process, which uvicorn starts afresh, learns what it serves
BACKLOG = 2048
KEEP_ALIVE = 75  # seconds; longer than a proxy keeps its own end, or a request is lost between the two


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on (127.0.0.1)")
    parser.add_argument("--port", type=whole, default=8000, help="its port (8000)")
    parser.add_argument("--fd", type=whole, help="the number of an open socket to take over, instead of both")
    parser.add_argument("--workers", type=whole, default=1, help="how many processes (1)")
    parser.add_argument("--only", default="", metavar="NAME,NAME", help="these functions alone, such as drain")
    parser.add_argument("--clock", action="store_true", help="call the drain each minute; so does a serve of all")
    parser.add_argument("--grace", type=whole, default=30, help="seconds for what is under way at the end (30)")
    parser.add_argument("--check", action="store_true", help="import everything, read the settings, and end")


def run(args: argparse.Namespace) -> int:
    only = [name for name in args.only.split(",") if name]
    ticks = args.clock or not only
    if ticks and only and "drain" not in only:
        raise errors.Invalid("no_drain", "--clock calls the drain, which --only leaves out")
    if args.workers < 1:
        raise errors.Invalid("no_workers", "--workers is at least 1")
    config.get().check()
    if args.check:
        made = front.make(only)
        print(f"{', '.join(sorted(made.functions))}: ready to serve")
        return 0
    os.environ[SETTING] = json.dumps({"only": only, "clock": ticks})
    return _serve(args)


def _serve(args: argparse.Namespace) -> int:
    try:
        import uvicorn

        from ops.serving import patience
    except ImportError:
        raise errors.Misconfigured(
            detail="uvicorn is not installed: pip install -r ops/deploy/requirements.txt"
        ) from None
    where: Mapping[str, Any] = {"fd": args.fd} if args.fd is not None else {"host": args.host, "port": args.port}
    uvicorn.run(
        "ops.serve:app",
        factory=True,
        http=patience.Patient,
        workers=args.workers,
        backlog=BACKLOG,
        access_log=False,
        log_level="warning",
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=args.grace,
        **where,
    )
    return 0


def app() -> ASGIApp:
    """Make what one process serves, as the environment says."""
    chosen = json.loads(os.environ.get(SETTING, "{}"))
    made = front.make(chosen.get("only", []), companion=clock.keep if chosen.get("clock") else None)
    tally.here("server")
    return made
