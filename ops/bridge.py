"""Put Upstash's REST protocol before a Redis or Valkey of your own, for a deployment without Upstash.

  python -m ops bridge redis://127.0.0.1:6379          on 127.0.0.1:8079
  python -m ops bridge unix:///run/valkey/valkey.sock --port 8079
  REDIS_URL=rediss://user:password@host:6380/0 python -m ops bridge

Settings of the functions then: UPSTASH_REDIS_REST_URL=http://127.0.0.1:8079 and the same UPSTASH_REDIS_REST_TOKEN as
here, which proves who asks. An address with a password belongs into REDIS_URL: a command line is read by everybody.
A Redis that is not there yet is waited for: requests get 503 until it answers, and one that refuses us ends the bridge.
Redis 7 or Valkey 7.2 and later, with volatile-ttl or noeviction: allkeys-lru may drop what a user is doing.
"""

import argparse
import asyncio
import contextlib
import os
import sys
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from lib import config, errors
from ops import whole
from ops.serving import bridge
from ops.serving.resp import Address

if TYPE_CHECKING:
    import uvicorn

AGAIN = 1.0  # seconds between two looks for a Redis that is not there yet


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("redis", nargs="?", help="its address; REDIS_URL without it")
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on (127.0.0.1)")
    parser.add_argument("--port", type=whole, default=8079, help="its port (8079)")


async def run(args: argparse.Namespace) -> int:
    url = args.redis or os.environ.get("REDIS_URL", "")
    if not url:
        raise errors.Misconfigured(detail="name the Redis, or set REDIS_URL")
    if args.redis and urlsplit(args.redis).password:
        raise errors.Misconfigured(detail="an address with a password belongs into REDIS_URL, not on a command line")
    await _serve(bridge.Bridge(Address.read(url), config.get().redis_token), args)
    return 0


async def _serve(served: bridge.Bridge, args: argparse.Namespace) -> None:
    import uvicorn

    settings = uvicorn.Config(
        served,
        host=args.host,
        port=args.port,
        access_log=False,
        log_level="warning",
        lifespan="off",
        server_header=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=5,
    )
    server = uvicorn.Server(settings)
    met = asyncio.create_task(_meet(served, server, f"http://{args.host}:{args.port}"))
    try:
        await server.serve()
    finally:
        met.cancel()
        await served.close()
    with contextlib.suppress(asyncio.CancelledError):
        await met


async def _meet(served: bridge.Bridge, server: "uvicorn.Server", where: str) -> None:
    """Say when Redis answers, and until then what it is waited for; a refusal ends the server."""
    said = ""
    while True:
        try:
            await served.answers()
        except errors.Unavailable as error:
            if error.detail != said:
                said = error.detail
                print(f"waiting for Redis, requests get 503 until it is there: {said}", file=sys.stderr, flush=True)
            await asyncio.sleep(AGAIN)
        except errors.Rejected:
            server.should_exit = True
            raise
        else:
            print(f"{where} speaks for Redis", flush=True)
            return
