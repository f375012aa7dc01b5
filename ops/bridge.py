"""Put Upstash's REST protocol before a Redis or Valkey of your own, for a deployment without Upstash.

  python -m ops bridge redis://127.0.0.1:6379          on 127.0.0.1:8079
  python -m ops bridge unix:///run/valkey/valkey.sock --port 8079
  REDIS_URL=rediss://user:password@host:6380/0 python -m ops bridge

Settings of the functions then: UPSTASH_REDIS_REST_URL=http://127.0.0.1:8079 and the same UPSTASH_REDIS_REST_TOKEN as
here, which proves who asks. An address with a password belongs into REDIS_URL: a command line is read by everybody.
Redis 7 or Valkey 7.2 and later, with volatile-ttl or noeviction: allkeys-lru may drop what a user is doing.
"""

import argparse
import os
from urllib.parse import urlsplit

from lib import config, errors
from ops import whole
from ops.serving import bridge
from ops.serving.resp import Address


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
    served = bridge.Bridge(Address.read(url), config.get().redis_token)
    await served.answers()
    await _serve(served, args)
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
    print(f"http://{args.host}:{args.port} speaks for Redis", flush=True)
    try:
        await uvicorn.Server(settings).serve()
    finally:
        await served.close()
